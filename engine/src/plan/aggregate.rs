//! Calls of aggregate functions.

use sql::{Expr, ExprKind};

use crate::expr::{FunctionKind, Registry, Typed};
use crate::types::SqlType;

use super::error::PlanError;
use super::universe::ColumnId;

/// A call of an aggregate function in SELECT or HAVING.
#[derive(Debug, Clone)]
pub(super) struct AggregateUse {
    /// The column that holds its result.
    pub(super) column: ColumnId,
    /// The call as written.
    pub(super) written: Expr,
    /// Upper-case name.
    pub(super) function: String,
    /// Column arguments over the query's columns.
    pub(super) args: Vec<Typed>,
    /// The columns that hold the arguments where the aggregation reads them.
    pub(super) arg_columns: Vec<ColumnId>,
    /// Literal arguments, as written.
    pub(super) literals: Vec<Expr>,
    /// Result type.
    pub(super) ty: SqlType,
    /// Whether a row's contribution can be taken back, as tables need it.
    pub(super) supports_undo: bool,
}

/// Name of the first aggregate function an expression calls.
pub(super) fn first_aggregate<'e>(expr: &'e Expr, functions: &Registry) -> Option<&'e str> {
    if let ExprKind::Call { name, .. } = &expr.kind
        && functions.get(&name.name).is_some_and(|function| function.kind == FunctionKind::Aggregate)
    {
        return Some(&name.name);
    }
    super::ast::children(expr).into_iter().find_map(|child| first_aggregate(child, functions))
}

/// A bound of the query's window outside its SELECT list.
pub(super) fn misplaced_window_bound(name: &str) -> PlanError {
    PlanError::statement(format!(
        "Window bounds column {name} can only be used in the SELECT clause of windowed aggregations and can not be passed \
         to aggregate functions.\nSee https://github.com/confluentinc/ksql/issues/4397"
    ))
}

/// Resolves a call: which arguments are columns, which literals, what it yields.
pub(super) fn resolve(
    _: &super::Planner<'_>,
    _: &super::universe::Universe,
    _: &Expr,
) -> super::error::Result<AggregateUse> {
    Err(PlanError::unsupported("aggregations are"))
}
