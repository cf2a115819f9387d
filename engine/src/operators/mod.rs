//! Operators: a struct of what it needs and one synchronous method. An operator returns errors, never spawns, never
//! reads a clock, never touches a topic; the task around it does.
//!
//! A task takes a *step*: a slice of every input, merged by timestamp once, each row numbered (`seq`). Operators run
//! over the whole step in topological order; one with two inputs walks both by (`seq`, port). Stream time is the
//! operator's own: the highest timestamp it has seen so far.

pub(crate) mod aggregate;
mod filter;
mod finish;
mod flat_map;
#[cfg(test)]
mod harness;
pub(crate) mod join;
mod keys;
mod materialize;
mod project;
mod rekey;
mod rows;
mod suppress;

use arrow::array::{ArrayRef, BinaryArray};

use crate::formats::FormatError;
use crate::kv::Writes;
use crate::schemas::SchemaError;
use crate::state::Table;
use crate::types::{Changes, Windows};

pub(crate) use filter::Filter;
pub(crate) use finish::{Finish, finish, finished};
pub(crate) use flat_map::FlatMap;
pub(crate) use keys::KeyForm;
pub(crate) use materialize::Materialize;
pub(crate) use project::Project;
pub(crate) use rekey::{Keyless, Rekey};
pub(crate) use suppress::Suppress;

/// What failed for a row.
#[derive(Debug)]
pub(crate) struct Failed<'a> {
    /// The step, as EXPLAIN has it.
    pub(crate) step: &'a str,
    /// Why.
    pub(crate) message: String,
    /// The columns that the step was given, and which of their rows it is, if it is one row.
    pub(crate) row: Option<(&'a [ArrayRef], usize)>,
}

/// What an operator may use besides its input.
pub(crate) trait Context {
    /// A value could not be computed, and is NULL: goes to the processing log.
    fn row_error(&mut self, failed: Failed<'_>);
    /// The same, and the row, which has that number in the step, is dropped for it.
    fn row_lost(&mut self, failed: Failed<'_>, _seq: Option<u64>) {
        self.row_error(failed);
    }
    /// Whether nobody wants what is being made any more. Whoever makes much of one row asks between its parts, and may stop.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Serialises the keys of a batch for stores: key columns, the windows in the keys, number of rows → one key per row, NULL
/// where the row has none.
pub(crate) type EncodeKeys =
    Box<dyn FnMut(&[ArrayRef], Option<&Windows>, usize) -> Result<BinaryArray, OperatorError> + Send>;

/// What can stop a query.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// A row that must stop the query (SUM overflow of DECIMAL, …).
    #[error("{0}")]
    Fatal(String),
    /// Arrow refused; a bug or a resource limit.
    #[error("{0}")]
    Arrow(#[from] arrow::error::ArrowError),
    /// State could not be read.
    #[error(transparent)]
    State(#[from] crate::kv::KvError),
    /// The schema registry does not answer.
    #[error(transparent)]
    Schemas(SchemaError),
}

impl From<FormatError> for OperatorError {
    fn from(error: FormatError) -> Self {
        match error {
            FormatError::Schemas(error) => Self::Schemas(error),
            other => Self::Fatal(other.to_string()),
        }
    }
}

/// How far rows count that a ksqlDB has left for what stands before an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leads {
    /// Also behind it, as they always do.
    On,
    /// It keeps them. What it made of them is kept by who keeps that.
    Here,
    /// Not here: what it made of them is left as its groups.
    Nowhere,
}

/// One operator of a task.
pub(crate) trait Operator: Send {
    /// Takes one batch per input port (possibly empty) and makes the output of the step, ordered by `seq`.
    fn run(&mut self, inputs: Vec<Changes>, ctx: &mut dyn Context) -> Result<Changes, OperatorError>;

    /// How far rows count that a ksqlDB has left.
    fn leads(&self) -> Leads {
        Leads::On
    }

    /// Takes in groups that a ksqlDB has left, with what that has kept of each as value, and says what it would say of them.
    /// Only aggregations have any.
    fn take_over(&mut self, _groups: Changes) -> Result<Changes, OperatorError> {
        Err(OperatorError::Fatal("an operator without groups got some".to_owned()))
    }

    /// Whether rows may leave it later than with what they were made of, when time goes on; they have the number of the row
    /// that lets them go.
    fn holds_back(&self) -> bool {
        false
    }

    /// State changed since the last call, to be committed with the outputs.
    fn drain_state(&mut self, _into: &mut Writes) {}

    /// What was drained is committed: state may leave memory.
    fn committed(&mut self) -> Result<(), OperatorError> {
        Ok(())
    }

    /// The table it keeps, for pull queries.
    fn table(&self) -> Option<Table> {
        None
    }
}

/// The only input of an operator that has one port.
fn only(inputs: Vec<Changes>) -> Result<Changes, OperatorError> {
    inputs.into_iter().next().ok_or_else(|| OperatorError::Fatal("an operator got no input".to_owned()))
}
