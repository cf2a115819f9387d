//! What statements may look at: a consistent snapshot, taken by the engine for each statement.

use std::sync::Arc;

use crate::catalog::{Catalog, Lost, Query, QueryKind};
use crate::clock::Clock;
use crate::config::Config;
use crate::log::Log;
use crate::runtime::{self, BadRecords, QueryError};

use super::{QueryLine, QueryType};

/// Everything a statement may look at.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    /// What exists, as the statements before this one left it.
    pub(crate) catalog: &'a Catalog,
    /// Topics.
    pub(crate) log: &'a dyn Log,
    /// The server's settings with the request's on top.
    pub(crate) config: &'a Config,
    /// The time.
    pub(crate) clock: &'a dyn Clock,
    /// Queries that run, persistent ones and others, oldest first.
    pub(crate) live: &'a [LiveQuery],
}

/// What the runtime knows about a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LiveQuery {
    /// Its id.
    pub(crate) id: String,
    /// `RUNNING`, `PAUSED`, `ERROR`.
    pub(crate) status: String,
    /// Latest errors, oldest first.
    pub(crate) errors: Vec<QueryError>,
    /// Records it could not read.
    pub(crate) bad_records: Vec<BadRecords>,
    /// The statement and the sources of a push query; persistent ones stand in the catalog.
    pub(crate) push: Option<PushQuery>,
    /// The settings it runs with.
    pub(crate) config: Option<Arc<Config>>,
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
        self.live.iter().find(|query| query.id == id)
    }

    /// A persistent query as lists show it.
    pub(super) fn query_line(&self, query: &Query) -> QueryLine {
        let status = self.live(&query.id).map_or("RUNNING", |live| &live.status).to_owned();
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
        Some(QueryLine {
            id: live.id.clone(),
            text: live.push.as_ref()?.text.clone(),
            sink: None,
            query_type: QueryType::Push,
            state: state(&live.status),
            status: live.status.clone(),
        })
    }

    /// The consumer group of a persistent query.
    pub(super) fn group(&self, id: &str) -> String {
        runtime::group(self.config.service_id(), id)
    }
}

/// Kafka Streams knows no pause: a paused query is running to it.
fn state(status: &str) -> String {
    if status == "ERROR" { "ERROR" } else { "RUNNING" }.to_owned()
}
