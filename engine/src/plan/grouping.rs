//! What an aggregation asks of its clauses, whatever their types: what is neither grouped nor aggregated is refused.

use sql::{Expr, ExprKind, Ident, Span};

use crate::expr::FunctionKind;

use super::ast;
use super::bind;
use super::error::{PlanError, Result};
use super::items::Written;
use super::names::is_window_bound;
use super::select::Select;

/// A column that a clause names, other than within a grouping expression.
struct Named<'e> {
    column: &'e Expr,
    name: &'e str,
    /// The aggregate it is an argument of.
    aggregate: Option<&'e str>,
}

/// Where a walk over a clause is.
#[derive(Clone, Copy, Default)]
struct Within<'e> {
    grouped: bool,
    aggregate: Option<&'e str>,
}

/// A walk over a clause.
struct Walk<'w, 'e> {
    select: &'w Select<'w>,
    /// Parameters of the lambdas around.
    params: Vec<&'e str>,
    columns: Vec<Named<'e>>,
    /// Aggregates that it calls.
    aggregates: Vec<&'e str>,
}

impl<'e> Walk<'_, 'e> {
    fn visit(&mut self, expr: &'e Expr, mut place: Within<'e>) -> Result<()> {
        place.grouped |= self.select.query.group_by.contains(expr);
        match &expr.kind {
            ExprKind::Column { source: None, name } if self.params.contains(&&*name.name) => return Ok(()),
            ExprKind::Column { name, .. } => {
                if !place.grouped || place.aggregate.is_some() || is_window_bound(&name.name) {
                    self.columns.push(Named { column: expr, name: &name.name, aggregate: place.aggregate });
                }
                return Ok(());
            }
            ExprKind::Call { name, .. } if self.select.planner.functions.get(&name.name).is_none() => {
                return self.select.unknown_function(name, expr.span);
            }
            ExprKind::Call { name, .. } if self.select.is_a(FunctionKind::Aggregate, &name.name) => {
                if let Some(outer) = place.aggregate {
                    let message = format!("Aggregate functions can not be nested: {outer}({}())", name.name);
                    return Err(PlanError::statement(message).at(expr.span));
                }
                place.aggregate = Some(&name.name);
                self.aggregates.push(&name.name);
            }
            ExprKind::Lambda { params, .. } => self.params.extend(params.iter().map(|param| &*param.name)),
            _ => {}
        }
        ast::children(expr).into_iter().try_for_each(|child| self.visit(child, place))?;
        if let ExprKind::Lambda { params, .. } = &expr.kind {
            self.params.truncate(self.params.len() - params.len());
        }
        Ok(())
    }
}

impl Select<'_> {
    /// Whether the query aggregates. A client may be shown the aggregate of everything, without GROUP BY.
    pub(super) fn aggregates(&self) -> bool {
        let calls = |item: &sql::SelectItem| match item {
            sql::SelectItem::Expr { expr, .. } => self.calls_a(FunctionKind::Aggregate, expr),
            _ => false,
        };
        !self.query.group_by.is_empty() || self.query.select.iter().any(calls)
    }

    /// Whether a function of that name is of that kind.
    pub(super) fn is_a(&self, kind: FunctionKind, name: &str) -> bool {
        self.planner.functions.get(name).is_some_and(|function| function.kind == kind)
    }

    /// Whether an expression calls a function of that kind anywhere.
    pub(super) fn calls_a(&self, kind: FunctionKind, expr: &Expr) -> bool {
        ast::any(expr, &|part| matches!(&part.kind, ExprKind::Call { name, .. } if self.is_a(kind, &name.name)))
    }

    /// Refuses what is neither grouped nor aggregated, in ksqlDB's order.
    pub(super) fn check_grouping(&self, selected: &[Written]) -> Result<()> {
        let mut aggregates = 0;
        let mut ungrouped = Vec::new();
        for item in selected {
            let walk = self.walk(&item.expr)?;
            let (inside, outside): (Vec<_>, Vec<_>) = walk.columns.iter().partition(|named| named.aggregate.is_some());
            inside.into_iter().try_for_each(|named| self.check_bound(named))?;
            aggregates += walk.aggregates.len();
            if !self.query.group_by.contains(&item.expr) && outside.into_iter().any(|named| self.is_ungrouped(named)) {
                ungrouped.push(self.shown(&item.expr));
            }
        }
        for expr in &self.query.group_by {
            let walk = self.walk(expr)?;
            if let Some(name) = walk.aggregates.first() {
                return Err(PlanError::statement(format!(
                    "GROUP BY does not support aggregate functions: {name} is an aggregate function."
                ))
                .at(expr.span));
            }
            walk.columns.iter().try_for_each(|named| self.check_bound(named))?;
        }
        let mut wrong_in_having = Vec::new();
        if let Some(having) = &self.query.having {
            let walk = self.walk(having)?;
            walk.columns.iter().try_for_each(|named| self.check_bound(named))?;
            aggregates += walk.aggregates.len();
            let outside = walk.columns.iter().filter(|named| named.aggregate.is_none());
            wrong_in_having.extend(outside.map(|named| self.shown(named.column)));
        }
        if aggregates == 0 {
            return Err(PlanError::statement(
                "GROUP BY requires aggregate functions in either the SELECT or HAVING clause.",
            ));
        }
        if !ungrouped.is_empty() {
            return Err(PlanError::statement(format!(
                "Non-aggregate SELECT expression(s) not part of GROUP BY: {}\nEither add the column(s) to the GROUP BY or \
                 remove them from the SELECT.",
                ungrouped.join(", ")
            )));
        }
        if wrong_in_having.is_empty() {
            return Ok(());
        }
        Err(PlanError::statement(format!(
            "Non-aggregate HAVING expression not part of GROUP BY: {}\nConsider switching the HAVING clause to a WHERE \
             clause before the GROUP BY.",
            wrong_in_having.join(", ")
        )))
    }

    fn walk<'w, 'e>(&'w self, expr: &'e Expr) -> Result<Walk<'w, 'e>> {
        let mut walk = Walk { select: self, params: Vec::new(), columns: Vec::new(), aggregates: Vec::new() };
        walk.visit(expr, Within::default())?;
        Ok(walk)
    }

    /// The bounds of the query's own window may only be selected.
    fn check_bound(&self, named: &Named<'_>) -> Result<()> {
        if self.query.window.is_none() || !is_window_bound(named.name) {
            return Ok(());
        }
        Err(PlanError::statement(format!(
            "Window bounds column {} can only be used in the SELECT clause of windowed aggregations and can not be passed \
             to aggregate functions.\nSee https://github.com/confluentinc/ksql/issues/4397",
            self.shown(named.column)
        ))
        .at(named.column.span))
    }

    fn is_ungrouped(&self, named: &Named<'_>) -> bool {
        let is_own_bound = self.query.window.is_some() && is_window_bound(named.name);
        !is_own_bound && !self.query.group_by.contains(named.column)
    }

    fn unknown_function(&self, name: &Ident, span: Span) -> Result<()> {
        let refused = self.planner.functions.resolve(&name.name, &[], span);
        refused.map(drop).map_err(|error| PlanError::statement(error.to_string()).at(span).with_hint(error.hint()))
    }

    fn shown(&self, expr: &Expr) -> String {
        bind::internal(expr, &self.universe)
    }
}
