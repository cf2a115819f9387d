//! Steps → operators → tasks → threads; commits; life of a query.
