//! An aggregate function, and what a call of it becomes.

use std::sync::Arc;

use super::States;
use crate::types::{SqlType, Value};

/// How long collections of one group may become (`ksql.functions.collect_list.limit`, `….collect_set.limit`).
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// COLLECT_LIST
    pub collect_list: usize,
    /// COLLECT_SET
    pub collect_set: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { collect_list: usize::MAX, collect_set: usize::MAX }
    }
}

/// Makes the states of a task.
pub type Factory = Arc<dyn Fn() -> Box<dyn States> + Send + Sync>;

/// A call whose variation is known to fit.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// Types of the column arguments.
    pub columns: &'a [SqlType],
    /// Literal arguments behind them.
    pub literals: &'a [Value],
    /// Limits of the session.
    pub limits: Limits,
}

/// What a call becomes.
pub struct Resolved {
    /// Type of the result.
    pub returns: SqlType,
    /// Type ksqlDB keeps per group: the value format of the sink must be able to hold it.
    pub intermediate: SqlType,
    /// Makes states.
    pub factory: Factory,
}

/// One aggregate function; what DESCRIBE FUNCTION tells of it stands in [`super::FUNCTIONS`].
pub struct Aggregate {
    /// Upper-case name.
    pub name: &'static str,
    /// Whether a row's contribution can be taken back, as GROUP BY on a table needs it.
    pub undoable: bool,
    /// How many of a call's arguments are literals, from their number; the others are columns.
    pub literals: fn(usize) -> usize,
    /// What a call becomes; `Err` says what is wrong with its literals.
    pub make: fn(&Call<'_>) -> Result<Resolved, String>,
}

impl Resolved {
    /// A result of that type from one function, kept as `intermediate`.
    pub fn new<F: super::Function>(
        returns: SqlType,
        intermediate: SqlType,
        function: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self {
        Self { returns, intermediate, factory: Arc::new(move || Box::new(super::Slots::new(function()))) }
    }
}
