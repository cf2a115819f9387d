//! Calls of aggregate functions.

use sql::{Expr, ExprKind};

use crate::expr::Typed;
use crate::expr::aggregates::{Call, Limits};
use crate::expr::functions::Argument;
use crate::types::{SqlType, Value};

use super::Planner;
use super::bind::Clause;
use super::error::{PlanError, Result};
use super::names::ROWTIME;
use super::universe::{ColumnId, Universe};

/// The one function that may work on no column at all.
const COUNT: &str = "COUNT";

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
    /// Literal arguments behind them.
    pub(super) literals: Vec<Value>,
    /// Result type.
    pub(super) ty: SqlType,
    /// Type ksqlDB keeps per group.
    pub(super) intermediate: SqlType,
    /// Whether a row's contribution can be taken back, as tables need it.
    pub(super) supports_undo: bool,
}

impl Planner<'_> {
    /// Resolves a call: which arguments are columns, which literals, what it yields. Without an argument, or with `*`,
    /// a function works on ROWTIME; COUNT then reads no column at all. Beside it stands why there is no code for an argument.
    pub(super) fn resolve_aggregate(
        &self,
        universe: &Universe,
        call: &Expr,
    ) -> Result<(AggregateUse, Option<PlanError>)> {
        let ExprKind::Call { name, args, .. } = &call.kind else {
            return Err(PlanError::internal("not a call"));
        };
        let aggregate = self.functions.aggregates().get(&name.name.to_uppercase());
        let Some(aggregate) = aggregate else {
            let message = format!("Can't find any functions with the name '{}'", name.name);
            return Err(PlanError::statement(message).at(call.span));
        };
        let mut no_code = None;
        let bound: Vec<Typed> = if args.is_empty() && aggregate.name != COUNT {
            universe.find_any(ROWTIME).map(|id| universe.column(id)).into_iter().collect()
        } else {
            let checked = args.iter().map(|arg| self.bind_types(arg, universe, Clause::Select));
            let checked = checked.collect::<Result<Vec<_>>>()?.into_iter();
            checked
                .map(|(typed, code)| {
                    no_code = no_code.take().or(code);
                    typed
                })
                .collect()
        };
        let split = bound.len().saturating_sub((aggregate.literals)(bound.len()));
        let given: Vec<Argument> = bound
            .iter()
            .map(|arg| if arg.is_null_literal() { Argument::Null } else { Argument::Type(arg.ty.clone()) })
            .collect();
        self.functions
            .resolve(&name.name, &given, call.span)
            .map_err(|error| PlanError::statement(error.to_string()).at(call.span).with_hint(error.hint()))?;
        let literals = literals(aggregate.name, args, &bound, split)?;
        let columns: Vec<SqlType> = bound.iter().take(split).map(|arg| arg.ty.clone()).collect();
        let call_of = Call { columns: &columns, literals: &literals, limits: Limits::default() };
        let resolved = (aggregate.make)(&call_of).map_err(|problem| {
            PlanError::statement("Failed to invoke UDAF factory method").with_hint(Some(problem)).at(call.span)
        })?;
        let call = AggregateUse {
            column: 0,
            written: call.clone(),
            function: aggregate.name.to_owned(),
            args: bound.into_iter().take(split).collect(),
            arg_columns: Vec::new(),
            literals,
            ty: resolved.returns,
            intermediate: resolved.intermediate,
            supports_undo: aggregate.undoable,
        };
        Ok((call, no_code))
    }
}

/// The values of the arguments from position `split` on.
fn literals(function: &str, written: &[Expr], bound: &[Typed], split: usize) -> Result<Vec<Value>> {
    let value = |(i, (written, bound)): (usize, (&Expr, &Typed))| {
        bound.as_literal().cloned().ok_or_else(|| {
            PlanError::statement(format!(
                "Parameter {} passed to function {function} must be a literal constant, but was expression: '{}'",
                i + 1,
                super::bind::unqualified(written)
            ))
            .at(written.span)
        })
    };
    written.iter().zip(bound).enumerate().skip(split).map(value).collect()
}
