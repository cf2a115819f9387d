//! What exists: streams, tables, types, queries. Forked for dry runs.
