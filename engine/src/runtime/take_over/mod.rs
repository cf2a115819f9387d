//! Going on with a query of a ksqlDB that has been stopped.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How far the changelogs of a query are a ksqlDB's. What comes behind is ours, in the same topics.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taken {
    /// By changelog topic the end of each partition when the query was taken over.
    pub ends: BTreeMap<String, Vec<i64>>,
}
