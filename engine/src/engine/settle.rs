//! Pull queries see the rows that were inserted before them.
//!
//! ksqlDB answers from whatever its tables hold at the moment, so a script that inserts and then asks gets an answer by
//! chance. Here a pull query that follows an INSERT waits, for a bounded time, until the queries that lead to its table
//! have read what was inserted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::RwLock;

use crate::catalog::Catalog;
use crate::log::LogError;
use crate::runtime::{State, Tables, Unavailable, group};
use crate::serving::Client;
use crate::statements::{Failure, FailureKind};

use super::Engine;

/// A query that is far behind does not hold up its readers longer than this.
const PATIENCE: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(1);

/// What pull queries may have to wait for.
#[derive(Debug, Default)]
pub(super) struct Settling {
    /// Grows when rows may be on their way: some were inserted by hand, or a query was resumed.
    events: AtomicU64,
    /// By query: up to which event everything that leads to it was seen to be read.
    settled: RwLock<BTreeMap<String, u64>>,
}

impl Settling {
    /// Rows may be on their way.
    pub(super) fn note(&self) {
        self.events.fetch_add(1, Ordering::AcqRel);
    }

    /// The query is gone.
    pub(super) fn forget(&self, query: &str) {
        self.settled.write().remove(query);
    }

    /// The event that rows of the query have to be waited for, if any.
    fn awaited(&self, query: &str) -> Option<u64> {
        let event = self.events.load(Ordering::Acquire);
        (self.settled.read().get(query).copied().unwrap_or(0) < event).then_some(event)
    }
}

impl Engine {
    /// The rows of a table, which a query keeps. It is waited for a query that is being started, for a bounded time; there
    /// is no answer from one that has failed.
    pub(super) fn tables(&self, table: &str, query: &str, client: &Client) -> Result<Tables, Failure> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let state = match self.shared.runtime.tables(query) {
                Ok(tables) => return Ok(tables),
                Err(Unavailable::Starting)
                    if self.shared.has_threads && !client.is_gone() && Instant::now() < deadline =>
                {
                    std::thread::sleep(PAUSE);
                    continue;
                }
                Err(Unavailable::Starting) => "is being started; ask again later",
                Err(Unavailable::Failed) => "has failed",
            };
            return Err(Failure::new(
                FailureKind::Unavailable,
                format!(
                    "The rows of table `{table}` cannot be read: the query {query} that keeps them {state}. EXPLAIN \
                     {query} shows its state and its errors."
                ),
            ));
        }
    }

    /// Waits until the queries that lead to the rows of `query` have read what was inserted so far. A log that cannot be
    /// asked is not waited for.
    pub(super) fn settle(&self, query: &str, catalog: &Catalog, client: &Client) {
        let settling = &self.shared.settling;
        let Some(event) = settling.awaited(query).filter(|_| self.shared.has_threads) else { return };
        let deadline = Instant::now() + PATIENCE;
        let upstream = upstream(query, catalog);
        loop {
            match self.has_read_all(&upstream, catalog) {
                Ok(true) => break,
                Ok(false) if Instant::now() > deadline || client.is_gone() => return,
                Ok(false) => std::thread::sleep(PAUSE),
                Err(error) => {
                    tracing::debug!("not waiting for inserted rows: {error}");
                    break;
                }
            }
        }
        settling.settled.write().insert(query.to_owned(), event);
    }

    /// Whether those queries, oldest first, have read all there is in their topics.
    fn has_read_all(&self, queries: &BTreeSet<String>, catalog: &Catalog) -> Result<bool, LogError> {
        for query in catalog.queries().filter(|query| queries.contains(&query.id)) {
            match self.shared.runtime.life(&query.id).map(|life| life.state()) {
                Some(State::Running) => {}
                None | Some(State::Created) => return Ok(false),
                Some(_) => continue,
            }
            for position in self.shared.log.positions(&group(self.shared.config.service_id(), &query.id))? {
                if position.offset < self.shared.log.bounds(&position.of)?.end {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

/// The query and those that write what it reads, and so on.
fn upstream(query: &str, catalog: &Catalog) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![query.to_owned()];
    while let Some(id) = open.pop() {
        if !found.insert(id.clone()) {
            continue;
        }
        let Some(query) = catalog.query(&id) else { continue };
        let writers = query.sources.iter().flat_map(|source| catalog.writers(source));
        open.extend(writers.map(|writer| writer.id.clone()));
    }
    found
}
