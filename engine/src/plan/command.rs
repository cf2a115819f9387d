//! What a planned statement does, as data.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::catalog::{Change, Lost, Query, SourceKind};
use crate::formats::FormatSpec;
use crate::steps::QueryPlan;
use crate::types::Column;

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

/// The schema of a topic's keys or values, to be registered before anything is written there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSchema {
    /// The topic.
    pub topic: String,
    /// Of its keys, or of its values.
    pub is_key: bool,
    /// How they are written.
    pub spec: FormatSpec,
    /// What they hold.
    pub columns: Vec<Column>,
    /// Whether it is registered only where the subject has no version yet.
    pub only_first: bool,
}

/// What a statement does, and what is said of it.
#[derive(Debug, Clone)]
pub struct Command {
    /// Topics to make first.
    pub topics: Vec<NewTopic>,
    /// Schemas to register then.
    pub schemas: Vec<NewSchema>,
    /// Subjects to forget when all is done.
    pub old_subjects: Vec<String>,
    /// What it does to what exists.
    pub action: Action,
    /// The statement as ksqlDB shows it afterwards: a CREATE with names resolved and properties filled in, else as written.
    pub statement: String,
    /// What the user is told.
    pub message: String,
    /// Nothing was done (`IF NOT EXISTS` of something that exists): the message is a warning.
    pub is_warning: bool,
}

/// What a command does to what exists, in the order of the fields: all that a start needs to do it again. The query that
/// it puts into the catalog is started; one that runs under the same id is replaced and keeps its positions and its state.
///
/// It stands in the command log, and later versions read it: fields keep their names and meaning, new ones have a default.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Action {
    /// Queries to stop for good, with their state.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// Changes of the catalog.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// Queries to pause.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pause: Vec<String>,
    /// Queries to let go on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resume: Vec<String>,
    /// Topic to delete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete_topic: Option<String>,
}

/// What a command ends, by name. It stands beside the action, so that an action that cannot be read brings nothing back. Who
/// does not know all of its fields does not know what would come back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ends {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    queries: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sources: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    types: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    paused: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resumed: Vec<String>,
}

impl Ends {
    /// What an action ends.
    pub fn of(action: &Action) -> Self {
        let mut ends = Self { paused: action.pause.clone(), resumed: action.resume.clone(), ..Self::default() };
        for change in &action.changes {
            match change {
                Change::DropQuery(id) => ends.queries.push(id.clone()),
                Change::DropSource(name) => ends.sources.push(name.clone()),
                Change::DropType(name) => ends.types.push(name.clone()),
                Change::PutSource(_) | Change::PutType { .. } | Change::PutQuery(_) | Change::Lose(_) => {}
            }
        }
        ends
    }

    /// What is left of the command.
    pub fn action(&self) -> Action {
        let queries = self.queries.iter().cloned().map(Change::DropQuery);
        let sources = self.sources.iter().cloned().map(Change::DropSource);
        let types = self.types.iter().cloned().map(Change::DropType);
        let changes = queries.chain(sources).chain(types).collect();
        Action { changes, pause: self.paused.clone(), resume: self.resumed.clone(), ..Action::default() }
    }
}

impl Command {
    /// A command that does nothing yet.
    pub fn new(statement: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            topics: Vec::new(),
            schemas: Vec::new(),
            old_subjects: Vec::new(),
            action: Action::default(),
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

impl Action {
    /// Whether it makes, changes or drops streams, tables or types, and does not only end or switch queries.
    pub fn is_planned(&self) -> bool {
        self.changes.iter().any(|change| !matches!(change, Change::DropQuery(_)))
    }

    /// Ends queries.
    pub fn terminate(ids: Vec<String>) -> Self {
        let mut action = Self::default();
        ids.into_iter().for_each(|id| action.end(id));
        action
    }

    /// Ends a query for good.
    pub fn end(&mut self, id: String) {
        self.changes.push(Change::DropQuery(id.clone()));
        self.stop.push(id);
    }

    /// Ends the query of a stream or table that could not be brought back, if it has one: its positions and its state are
    /// still there.
    pub(super) fn end_lost(&mut self, lost: Option<&Arc<Lost>>) {
        lost.and_then(|lost| lost.query_id.clone()).into_iter().for_each(|id| self.end(id));
    }

    /// The stream or table it makes or changes.
    pub fn source(&self) -> Option<(SourceKind, String)> {
        self.changes.iter().find_map(|change| match change {
            Change::PutSource(source) => Some((source.kind, source.name.clone())),
            _ => None,
        })
    }

    /// The query it puts into the catalog.
    pub fn query(&self) -> Option<&Arc<Query>> {
        self.changes.iter().find_map(|change| if let Change::PutQuery(query) = change { Some(query) } else { None })
    }

    /// The steps of the query it starts.
    pub fn start(&self) -> Option<&Arc<QueryPlan>> {
        self.query().map(|query| &query.plan)
    }
}
