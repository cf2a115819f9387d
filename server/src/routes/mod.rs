//! One file per route.

pub(crate) mod cluster;
pub(crate) mod health;
pub(crate) mod info;
pub(crate) mod metadata;
pub(crate) mod root;
pub(crate) mod ws_query;
