//! What statements may look at: a consistent snapshot, taken by the engine for each statement.

use std::cell::{Cell, OnceCell};
use std::sync::Arc;

use crate::catalog::{Catalog, Lost, Query, QueryKind};
use crate::clock::Clock;
use crate::config::Config;
use crate::log::{Log, LogError};
use crate::runtime::Running;
use crate::schemas::Schemas;

use super::{QueryLine, QueryType};

/// Everything a statement may look at.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    /// What exists, as the statements before this one left it.
    pub(crate) catalog: &'a Catalog,
    /// Topics.
    pub(crate) log: &'a dyn Log,
    /// Who keeps schemas.
    pub(crate) schemas: &'a Arc<dyn Schemas>,
    /// The server's settings with the request's on top.
    pub(crate) config: &'a Config,
    /// The time.
    pub(crate) clock: &'a dyn Clock,
    /// Queries that run, persistent ones and others, oldest first.
    pub(crate) live: &'a Live<'a>,
}

/// Queries that run, looked up when a statement asks for them: most do not.
pub(crate) struct Live<'a> {
    look_up: &'a dyn Fn() -> Vec<LiveQuery>,
    found: OnceCell<Vec<LiveQuery>>,
}

impl<'a> Live<'a> {
    /// Those that this finds.
    pub(crate) fn by(look_up: &'a dyn Fn() -> Vec<LiveQuery>) -> Self {
        Self { look_up, found: OnceCell::new() }
    }

    /// All of them, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &LiveQuery> {
        self.found.get_or_init(self.look_up).iter()
    }
}

/// A query that runs.
pub(crate) struct LiveQuery {
    /// What the runtime knows about it.
    pub(crate) running: Arc<Running>,
    /// The statement and the sources of a push query; persistent ones stand in the catalog.
    pub(crate) push: Option<PushQuery>,
}

impl LiveQuery {
    /// `RUNNING`, `PAUSED`, `ERROR`.
    pub(crate) fn status(&self) -> String {
        self.running.life().state().to_string()
    }
}

/// Asks the log for what is only nice to know: one that does not answer is not asked again, and the rest is shown.
pub(super) struct Asking<'a> {
    log: &'a dyn Log,
    has_failed: Cell<bool>,
}

impl<'a> Asking<'a> {
    /// Of a statement.
    pub(super) fn of(view: View<'a>) -> Self {
        Self { log: view.log, has_failed: Cell::new(false) }
    }

    /// What it answers, if it does.
    pub(super) fn ask<T>(&self, question: impl FnOnce(&dyn Log) -> Result<T, LogError>) -> Option<T> {
        if self.has_failed.get() {
            return None;
        }
        let answer = question(self.log);
        answer
            .inspect_err(|error| {
                tracing::warn!("not all of a description is known: {error}");
                self.has_failed.set(error.may_pass());
            })
            .ok()
    }
}

/// A push query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PushQuery {
    /// Its statement, as received.
    pub(crate) text: String,
    /// Streams and tables it reads.
    pub(crate) sources: Vec<String>,
}

impl View<'_> {
    /// The runtime's word on a query.
    pub(super) fn live(&self, id: &str) -> Option<&LiveQuery> {
        self.live.iter().find(|query| **query.running.id() == *id)
    }

    /// A persistent query as lists show it.
    pub(super) fn query_line(&self, query: &Query) -> QueryLine {
        let status = self.live(&query.id).map_or_else(|| "RUNNING".to_owned(), LiveQuery::status);
        // What keeps a source table's rows writes to no topic.
        let sink = query.sink.as_ref().filter(|_| query.kind != QueryKind::SourceTable);
        let sink = sink.and_then(|name| self.catalog.source(name));
        QueryLine {
            id: query.id.clone(),
            text: query.statement.clone(),
            sink: sink.map(|source| (source.name.clone(), source.topic.clone())),
            query_type: QueryType::Persistent,
            state: state(&status),
            status,
        }
    }

    /// A query that the start could not bring back, as lists show it.
    pub(super) fn lost_line(&self, lost: &Lost) -> Option<QueryLine> {
        let (error, text) = ("ERROR".to_owned(), lost.statement.clone());
        let (status, state, query_type) = (error.clone(), error, QueryType::Persistent);
        Some(QueryLine { id: lost.query_id.clone()?, text, sink: None, query_type, state, status })
    }

    /// A push query as lists show it.
    pub(super) fn push_line(&self, live: &LiveQuery) -> Option<QueryLine> {
        let status = live.status();
        Some(QueryLine {
            id: live.running.id().to_string(),
            text: live.push.as_ref()?.text.clone(),
            sink: None,
            query_type: QueryType::Push,
            state: state(&status),
            status,
        })
    }
}

/// Kafka Streams knows no pause: a paused query is running to it.
fn state(status: &str) -> String {
    if status == "ERROR" { "ERROR" } else { "RUNNING" }.to_owned()
}
