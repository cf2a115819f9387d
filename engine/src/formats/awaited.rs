//! Schemas of the ids in a batch: those that cannot be had yet make the batch wait, when all ids have been asked for.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::schemas::{Schema, SchemaError, Schemas};

/// How long the questions of one batch may take. What was answered is known when the batch is tried again.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the ids of one batch wait for.
#[derive(Default)]
pub(super) struct Awaited {
    ids: HashSet<i32>,
    /// What the first of them waits for.
    why: Option<SchemaError>,
    spent: Duration,
}

impl Awaited {
    /// The schema of an id, or what is wrong with its records; `None`: they must wait.
    ///
    /// # Errors
    /// Nothing more is to be asked for now.
    pub(super) fn ask(
        &mut self,
        schemas: &dyn Schemas,
        id: i32,
    ) -> Result<Option<Result<Arc<Schema>, SchemaError>>, SchemaError> {
        if self.ids.contains(&id) {
            return Ok(None);
        }
        if self.spent > PATIENCE {
            let many = || SchemaError::Unavailable("records of a batch name more schemas than it tells in time".into());
            return Err(self.why.take().unwrap_or_else(many));
        }
        let begun = Instant::now();
        let answer = schemas.by_id(id);
        self.spent += begun.elapsed();
        match answer {
            Err(error) if error.may_pass() => {
                self.ids.insert(id);
                self.why.get_or_insert(error);
                Ok(None)
            }
            Err(error) if !error.is_of_record() => Err(error),
            answer => Ok(Some(answer)),
        }
    }

    /// Fails if there is something to wait for.
    pub(super) fn end(self) -> Result<(), SchemaError> {
        self.why.map_or(Ok(()), Err)
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
        for id in [1, 2, 1, 2] {
            assert!(awaited.ask(&schemas, id).unwrap().is_none());
        }
        assert_eq!(schemas.calls.load(Ordering::SeqCst), 2);
        assert!(awaited.end().unwrap_err().may_pass());
        schemas.is_down.store(false, Ordering::SeqCst);
        let mut awaited = Awaited::default();
        assert!(matches!(awaited.ask(&schemas, 1), Ok(Some(Err(SchemaError::UnknownId(1))))));
        assert!(awaited.end().is_ok());
    }
}
