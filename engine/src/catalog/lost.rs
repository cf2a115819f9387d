//! What a command of the log made and the start could not bring back.

use serde::{Deserialize, Serialize};

use super::SourceKind;

/// A stream, a table or a query that is only known by name. It can be dropped or terminated; what reads or writes it is
/// lost too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lost {
    /// The stream or table, if the command made or changed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<(SourceKind, String)>,
    /// The query, if the command started one. Its positions and its state are still there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_id: Option<String>,
    /// `ksql.service.id` when the command ran: what the query has left is called after it.
    #[serde(default)]
    pub service_id: String,
    /// The command's statement.
    pub statement: String,
    /// Why it cannot be carried out again.
    pub problem: String,
    /// When the server tried, milliseconds since the epoch.
    pub time_ms: i64,
}

impl Lost {
    /// What to tell who names it.
    pub fn reason(&self) -> String {
        format!("could not be brought back when the server started: {}", self.problem)
    }

    pub(super) fn is_source(&self, name: &str) -> bool {
        self.source.as_ref().is_some_and(|(_, own)| own == name)
    }

    pub(super) fn is_query(&self, id: &str) -> bool {
        self.query_id.as_deref() == Some(id)
    }
}
