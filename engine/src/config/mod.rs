//! Every property ksqlDB knows, in one table: name, default, what it may hold.
