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
use crate::runtime::{Blame, Kept, State, Unavailable};
use crate::serving::Client;
use crate::statements::{Failure, FailureKind, Progress};

use super::Engine;

/// A query that is far behind, or is being started, does not hold up its readers longer than this.
const PATIENCE: Duration = Duration::from_secs(2);
/// Pauses between two looks: short at first, as the wait mostly is.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(16);

/// What a pull query has waited so far: for rows that were inserted, and for its table's query to start; and for whom.
#[derive(Debug, Default)]
pub struct Patience {
    pub(super) client: Client,
    for_rows: Waited,
    for_start: Waited,
}

#[derive(Debug, Default)]
struct Waited {
    since: Option<Instant>,
    pause: Duration,
}

impl Patience {
    /// How long to wait before it is looked again whether a query's rows are with a server, unless patience is at its end.
    pub(super) fn for_owner(&mut self) -> Option<Duration> {
        self.for_start.pause()
    }

    /// A client's.
    pub fn of(client: Client) -> Self {
        Self { client, ..Self::default() }
    }
}

impl Waited {
    /// The next pause, unless patience is at its end.
    fn pause(&mut self) -> Option<Duration> {
        if self.since.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
            return None;
        }
        self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        Some(self.pause)
    }
}

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
    pub(super) fn tables(
        &self,
        table: &str,
        query: &str,
        only: Option<&[u32]>,
        patience: &mut Patience,
    ) -> Result<Progress<Kept>, Failure> {
        let state = match self.shared.runtime.tables(query, only) {
            Ok(tables) => return Ok(Progress::Done(tables)),
            Err(Unavailable::Starting) => {
                if let Some(pause) = patience.for_start.pause().filter(|_| self.shared.has_threads) {
                    return Ok(Progress::Wait(pause));
                }
                "is being started; ask again later"
            }
            Err(Unavailable::Failed(Blame::System)) => {
                "has failed: its state, its topics or the disk could not be read or written"
            }
            Err(Unavailable::Failed(Blame::User)) => "has failed: its topics or records are not as it needs them",
            Err(Unavailable::Failed(Blame::Unknown)) => "has failed",
        };
        Err(Failure::new(
            FailureKind::Unavailable,
            format!(
                "The rows of table `{table}` cannot be read: the query {query} that keeps them {state}. EXPLAIN \
                 {query}; shows its state and its errors."
            ),
        ))
    }

    /// Whether the queries that lead to the rows of `query` have read what was inserted so far; how long to wait before
    /// asking again if not. A log that cannot be asked is not waited for.
    pub(super) fn settle(&self, query: &str, catalog: &Catalog, patience: &mut Patience) -> Progress<()> {
        let settling = &self.shared.settling;
        let Some(event) = settling.awaited(query).filter(|_| self.shared.has_threads) else {
            return Progress::Done(());
        };
        match self.has_read_all(&upstream(query, catalog), catalog) {
            Ok(false) => return patience.for_rows.pause().map_or(Progress::Done(()), Progress::Wait),
            Ok(true) => {}
            Err(error) => tracing::debug!("not waiting for inserted rows: {error}"),
        }
        settling.settled.write().insert(query.to_owned(), event);
        Progress::Done(())
    }

    /// Whether those queries, oldest first, have read all there is in their topics.
    fn has_read_all(&self, queries: &BTreeSet<String>, catalog: &Catalog) -> Result<bool, LogError> {
        for query in catalog.queries().filter(|query| queries.contains(&query.id)) {
            let Some(running) = self.shared.runtime.query(&query.id) else { return Ok(false) };
            match running.life().state() {
                State::Running => {}
                State::Created => return Ok(false),
                _ => continue,
            }
            let positions = self.shared.log.positions(&running.group())?;
            for position in positions.into_iter().filter(|position| running.reads(position.of.partition)) {
                if position.offset < self.shared.log.written(&position.of)? {
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
