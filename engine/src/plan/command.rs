//! What a planned statement does, as data.

use std::sync::Arc;

use crate::catalog::Change;
use crate::steps::QueryPlan;

/// Retention a topic has when nobody says otherwise.
pub const DEFAULT_RETENTION_MS: i64 = 604_800_000;

/// A topic to be made if it is not there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// Number of partitions.
    pub partitions: u32,
    /// Number of replicas.
    pub replicas: u16,
    /// `cleanup.policy`: `delete` for streams, `compact` for tables, `compact,delete` for windowed tables.
    pub cleanup_policy: &'static str,
    /// `retention.ms`.
    pub retention_ms: Option<i64>,
}

/// What a statement does, in this order: make topics, stop queries, change the catalog, start or replace a query,
/// delete a topic.
#[derive(Debug, Clone)]
pub struct Command {
    /// Topics to make.
    pub topics: Vec<NewTopic>,
    /// Queries to stop for good, with their state.
    pub stop: Vec<String>,
    /// Changes of the catalog.
    pub changes: Vec<Change>,
    /// Query to start. One that runs under the same id is replaced: it keeps its positions and its state.
    pub start: Option<Arc<QueryPlan>>,
    /// Topic to delete.
    pub delete_topic: Option<String>,
    /// The statement as ksqlDB shows it afterwards: a CREATE with names resolved and properties filled in, else as written.
    pub statement: String,
    /// What the user is told.
    pub message: String,
    /// Nothing was done (`IF NOT EXISTS` of something that exists): the message is a warning.
    pub is_warning: bool,
}

impl Command {
    /// A command that does nothing yet.
    pub(super) fn new(statement: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            topics: Vec::new(),
            stop: Vec::new(),
            changes: Vec::new(),
            start: None,
            delete_topic: None,
            statement: statement.into(),
            message: message.into(),
            is_warning: false,
        }
    }

    /// A command that does nothing and says why.
    pub(super) fn warning(statement: impl Into<String>, message: impl Into<String>) -> Self {
        Self { is_warning: true, ..Self::new(statement, message) }
    }
}
