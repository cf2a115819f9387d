//! Pull queries see the rows that were inserted before them.
//!
//! ksqlDB answers from whatever its tables hold at the moment, so a script that inserts and then asks gets an answer by
//! chance. Here a pull query that follows an INSERT waits, for a bounded time, until the queries that lead to its table
//! have read what was inserted.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::catalog::Catalog;
use crate::log::LogError;
use crate::runtime::{State, group};

use super::Engine;

/// A query that is far behind does not hold up its readers longer than this.
const PATIENCE: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(1);

impl Engine {
    /// Rows were written by hand.
    pub(super) fn note_insert(&self) {
        self.shared.unsettled.store(true, Ordering::Release);
    }

    /// Waits until the queries that lead to the rows of `query` have read what was inserted so far. A log that cannot be
    /// asked is not waited for.
    pub(super) fn settle(&self, query: &str, catalog: &Catalog) {
        if !self.shared.has_threads || !self.shared.unsettled.swap(false, Ordering::AcqRel) {
            return;
        }
        let deadline = Instant::now() + PATIENCE;
        let upstream = upstream(query, catalog);
        loop {
            match self.has_read_all(&upstream, catalog) {
                Ok(true) => return,
                Ok(false) if Instant::now() > deadline => return self.note_insert(),
                Ok(false) => std::thread::sleep(PAUSE),
                Err(error) => return tracing::debug!("not waiting for inserted rows: {error}"),
            }
        }
    }

    /// Whether those queries, oldest first, have read all there is in their topics.
    fn has_read_all(&self, queries: &BTreeSet<String>, catalog: &Catalog) -> Result<bool, LogError> {
        for query in catalog.queries().filter(|query| queries.contains(&query.id)) {
            let running = self.shared.runtime.life(&query.id).is_some_and(|life| life.state() == State::Running);
            if !running {
                continue;
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
