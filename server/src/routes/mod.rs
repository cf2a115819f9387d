//! One file per route.

pub(crate) mod close_query;
pub(crate) mod cluster;
pub(crate) mod health;
pub(crate) mod info;
pub(crate) mod inserts_stream;
pub(crate) mod ksql;
pub(crate) mod metadata;
pub(crate) mod properties;
pub(crate) mod query;
pub(crate) mod query_stream;
pub(crate) mod root;
pub(crate) mod status;
pub(crate) mod terminate;
pub(crate) mod ws_query;
