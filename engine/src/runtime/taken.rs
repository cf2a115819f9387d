//! What a query has from a ksqlDB that it was taken over from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How far the changelogs of a query are a ksqlDB's. What comes behind is ours, in the same topics.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taken {
    /// By changelog topic the end of each partition when the query was taken over.
    pub ends: BTreeMap<String, Vec<i64>>,
}

impl Taken {
    /// Where our records of a changelog partition begin.
    pub(super) fn end(&self, topic: &str, partition: u32) -> i64 {
        let end = self.ends.get(topic).and_then(|ends| ends.get(partition as usize));
        end.copied().unwrap_or_default()
    }
}
