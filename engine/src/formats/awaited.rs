//! Schemas of the ids in a batch: those that cannot be had yet make their records wait, and what is behind them.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::schemas::{Schema, SchemaError, Schemas};

/// How long the questions of one batch may take: the thread has other queries to run. What follows is asked for when the
/// records before it are read.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a batch rests whose first id is to be asked for once more: the records are read again without a new start of
/// the query, and the thread turns to other queries in between.
const REST: Duration = Duration::from_millis(10);

/// What the ids of one batch wait for.
#[derive(Default)]
pub(super) struct Awaited {
    ids: HashSet<i32>,
    /// The first row that waits, and for what.
    first: Option<(usize, SchemaError)>,
    spent: Duration,
    /// Nothing more is to be asked for now.
    is_over: bool,
}

impl Awaited {
    /// The schema of a row's id, or what is wrong with its records; `None`: they must wait.
    pub(super) fn ask(
        &mut self,
        schemas: &dyn Schemas,
        row: usize,
        id: i32,
    ) -> Option<Result<Arc<Schema>, SchemaError>> {
        if self.ids.contains(&id) {
            return None;
        }
        if self.is_over || self.spent > PATIENCE {
            let many = || SchemaError::Unavailable("records of a batch name more schemas than it tells in time".into());
            self.first.get_or_insert_with(|| (row, many()));
            return None;
        }
        let begun = Instant::now();
        let answer = schemas.by_id(id);
        self.spent += begun.elapsed();
        match answer {
            Err(error) if !error.is_of_record() => {
                // All ids are asked for, so that there is one pause for all of them.
                self.is_over = !error.may_pass();
                self.ids.insert(id);
                self.first.get_or_insert((row, error));
                None
            }
            answer => Some(answer),
        }
    }

    /// How many of so many rows, from the first on, wait for nothing: none while the first one's id is to be asked for again.
    ///
    /// # Errors
    /// What the first of them waits for.
    pub(super) fn end(self, rows: usize) -> Result<usize, SchemaError> {
        match self.first {
            None => Ok(rows),
            Some((0, SchemaError::NotYetKnown(_))) => {
                std::thread::sleep(REST);
                Ok(0)
            }
            Some((0, why)) => Err(why),
            Some((row, _)) => Ok(row),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::schemas::testing::InMemory;

    #[test]
    fn all_ids_are_asked_for_once_before_the_batch_waits() {
        let schemas = InMemory::default();
        schemas.is_down.store(true, Ordering::SeqCst);
        let mut awaited = Awaited::default();
        for (row, id) in [1, 2, 1, 2].into_iter().enumerate() {
            assert!(awaited.ask(&schemas, row, id).is_none());
        }
        assert_eq!(schemas.calls.load(Ordering::SeqCst), 2);
        assert!(awaited.end(4).unwrap_err().may_pass());
        schemas.is_down.store(false, Ordering::SeqCst);
        let mut awaited = Awaited::default();
        assert!(matches!(awaited.ask(&schemas, 0, 1), Some(Err(SchemaError::UnknownId(1)))));
        assert_eq!(awaited.end(4), Ok(4));
    }

    #[test]
    fn a_new_unknown_id_fails_no_query() {
        let schemas = InMemory::default();
        schemas.is_behind.store(true, Ordering::SeqCst);
        let mut awaited = Awaited::default();
        assert!(awaited.ask(&schemas, 0, 1).is_none());
        assert_eq!(awaited.end(3), Ok(0));
        let mut awaited = Awaited::default();
        schemas.is_behind.store(false, Ordering::SeqCst);
        assert!(matches!(awaited.ask(&schemas, 0, 1), Some(Err(SchemaError::UnknownId(1)))));
        assert_eq!(awaited.end(3), Ok(3));
    }

    #[test]
    fn rows_before_those_that_wait_do_not() {
        let schemas = InMemory::default();
        let mut awaited = Awaited::default();
        assert!(awaited.ask(&schemas, 0, 1).is_some());
        schemas.is_down.store(true, Ordering::SeqCst);
        assert!(awaited.ask(&schemas, 3, 2).is_none());
        assert_eq!(awaited.end(9), Ok(3));
        let mut slow = Awaited { spent: PATIENCE * 2, ..Awaited::default() };
        assert!(slow.ask(&schemas, 5, 1).is_none());
        assert_eq!((slow.end(9), schemas.calls.load(Ordering::SeqCst)), (Ok(5), 2));
    }
}
