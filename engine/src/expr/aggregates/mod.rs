//! Aggregate functions: what is kept per group, and what a batch of rows does to it.
//!
//! ```text
//! Aggregate::make(Call { argument types, literals, limits }) ──> Resolved ──factory──> States (one per group, by slot)
//! States::run(ops, columns) ──> the result after every op, as a column
//! ```
//!
//! A function implements [`Function`] over a typed state; [`Slots`] turns it into [`States`], with one typed loop per
//! batch. State is encoded only when it is committed.

mod about;
mod aggregate;
mod attr;
mod collect;
mod count;
mod distinct;
mod extremes;
mod histogram;
mod library;
mod numbers;
mod offset;
mod output;
mod registry;
mod rows;
mod slots;
mod statistics;
mod sum;
#[cfg(test)]
mod tests;
mod topk;

use arrow::array::ArrayRef;

use crate::types::Value;
use crate::types::row::BadRow;
use numbers::NumberBytes;

pub use about::FUNCTIONS;
pub use aggregate::{Aggregate, Call, Factory, Limits, Resolved};
pub use output::Output;
pub use registry::Aggregates;
pub use slots::{Function, Slots};

/// An [`Op`] field that says "none".
pub const NONE: u32 = u32::MAX;

/// What one input row does to one group. The parts happen in the order of the fields, then the result is taken.
#[derive(Debug, Clone, Copy)]
pub struct Op {
    /// The group.
    pub slot: u32,
    /// Slot of a group whose state is merged into this one (sessions).
    pub merge: u32,
    /// Row of the old columns whose contribution is taken back.
    pub undo: u32,
    /// Row of the new columns that is added.
    pub add: u32,
    /// What goes out.
    pub emit: Emit,
}

/// What an [`Op`] makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emit {
    /// Nothing.
    Nothing,
    /// One result.
    Result,
    /// The group is gone: NULL as its result (what it was before is still told).
    Gone,
}

/// Argument columns of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// Columns [`Op::add`] points into.
    pub new: &'a [ArrayRef],
    /// Columns [`Op::undo`] points into; `None`: nothing is undone.
    pub old: Option<&'a [ArrayRef]>,
    /// Whether the results before each op are wanted too.
    pub with_before: bool,
}

/// One row per [`Op`] that emits.
#[derive(Debug)]
pub struct Results {
    /// Results before the op, if wanted.
    pub before: Option<ArrayRef>,
    /// Results after the op.
    pub after: ArrayRef,
    /// What is to be said of each group whose result stopped fitting its type, and is NULL now.
    pub overflows: Vec<String>,
}

/// What makes a batch fail, and with it the query.
#[derive(Debug, thiserror::Error)]
pub enum AggregateError {
    /// An argument that the function was not resolved for; a bug.
    #[error("{0}")]
    Value(String),
    /// Arrow refused; a bug.
    #[error("{0}")]
    Arrow(#[from] arrow::error::ArrowError),
}

/// The states of one aggregate function, one per slot.
pub trait States: Send + Sync {
    /// There are `slots` slots now; new ones are in the initial state.
    fn grow(&mut self, slots: usize);
    /// Puts a slot back to the initial state.
    fn clear(&mut self, slot: u32);
    /// Applies `ops` in order.
    ///
    /// # Errors
    /// The arguments are not of the types the call was resolved for, or Arrow refuses; a bug, and the query fails.
    fn run(&mut self, ops: &[Op], input: Input<'_>) -> Result<Results, AggregateError>;
    /// The results of slots as they are.
    fn results(&self, slots: &[u32]) -> ArrayRef;
    /// Appends a state's bytes.
    fn encode(&self, slot: u32, into: &mut Vec<u8>);
    /// Takes a state's bytes off the front.
    ///
    /// # Errors
    /// The bytes are not what [`States::encode`] wrote.
    fn decode(&mut self, slot: u32, bytes: &mut &[u8]) -> Result<(), BadRow>;
    /// Sets a state to what ksqlDB has kept of a group, a value of the call's intermediate type; says whether there is one
    /// that goes on like it.
    fn take_over(&mut self, slot: u32, kept: &Value) -> bool;
    /// Bytes of memory a state takes.
    fn heap_bytes(&self, slot: u32) -> usize;
}
