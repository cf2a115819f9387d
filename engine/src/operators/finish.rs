//! The SELECT list and HAVING of a table, put over what an operator keeps: pull queries then need no copy of the rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, BooleanArray};
use parking_lot::Mutex;

use super::{Context, Failed, Filter, OperatorError, Project};
use crate::formats::ReadBack;
use crate::kv::{KvError, Result};
use crate::state::{Table, ToRows};
use crate::types::{Changes, Windows};

/// An operator without state.
pub(crate) enum Finish {
    /// A SELECT list.
    Project(Project),
    /// HAVING.
    Filter(Filter),
    /// What a topic keeps of the values.
    ReadBack(Mutex<ReadBack>),
}

/// A table's rows after these operators, first one first.
pub(crate) fn finished(table: Table, steps: Vec<Finish>) -> Table {
    if steps.is_empty() { table } else { table.map(|kept| Arc::new(Finished { kept, steps })) }
}

/// Rows after these operators, first one first. What cannot be evaluated was told when the row was made.
pub(crate) fn finish(steps: &[Finish], rows: Changes) -> Result<Changes> {
    steps.iter().try_fold(rows, |rows, step| {
        let rows = match step {
            Finish::Project(project) => project.apply(rows, &mut Told),
            Finish::Filter(filter) => filter.apply(rows, &mut Told),
            Finish::ReadBack(read_back) => read(&mut read_back.lock(), rows),
        };
        rows.map_err(|error| match error {
            OperatorError::State(error) => error,
            other => KvError::Store(other.to_string()),
        })
    })
}

fn read(read_back: &mut ReadBack, mut rows: Changes) -> std::result::Result<Changes, OperatorError> {
    let (columns, good) = read_back.columns(&rows.new.columns, rows.new.present.as_ref())?;
    rows.new.columns = columns;
    Ok(match good {
        None => rows,
        // What cannot be written is not in the topic.
        Some(good) => rows.filter(&BooleanArray::new(good, None))?,
    })
}

struct Finished {
    kept: Arc<dyn ToRows>,
    steps: Vec<Finish>,
}

impl ToRows for Finished {
    fn keys(&self, key: &[ArrayRef]) -> Result<BinaryArray> {
        self.kept.keys(key)
    }

    fn rows(&self, keys: &BinaryArray, windows: Option<Windows>, values: &BinaryArray) -> Result<Changes> {
        finish(&self.steps, self.kept.rows(keys, windows, values)?)
    }
}

struct Told;

impl Context for Told {
    fn row_error(&mut self, _: Failed<'_>) {}
}
