//! GROUP BY: the key, what is aggregated, HAVING, EMIT FINAL.

use sql::{Emit, Expr};

use crate::expr::Typed;
use crate::formats::format;
use crate::steps::{AggregateCall, StepKind, Window};
use crate::types::{Column, SqlType, Value};

use super::aggregate::{self, AggregateUse};
use super::bind::{self, Clause};
use super::error::{PlanError, Result};
use super::keys::KeyOrigin;
use super::names::listed;
use super::relation::Relation;
use super::select::{Select, final_needs_window};
use super::universe::ColumnId;

/// Name of the aggregation's internal topic and prefix of its steps.
const AGGREGATE: &str = "Aggregate";

impl Select<'_> {
    /// Binds the grouping expressions and makes columns for those that are none.
    pub(super) fn bind_group_by(&mut self) -> Result<Vec<Typed>> {
        let exprs = self.query.group_by.clone();
        exprs.iter().try_for_each(|expr| self.check_group_expression(expr))?;
        let bound = exprs
            .iter()
            .map(|expr| self.planner.bind(expr, &self.universe, Clause::GroupBy))
            .collect::<Result<Vec<_>>>()?;
        self.make_key_columns(&exprs, &bound);
        Ok(bound)
    }

    fn check_group_expression(&self, expr: &Expr) -> Result<()> {
        if let Some(name) = aggregate::first_aggregate(expr, self.planner.functions) {
            return Err(PlanError::statement(format!(
                "GROUP BY does not support aggregate functions: {name} is an aggregate function."
            ))
            .at(expr.span));
        }
        match bind::window_bound_in(expr) {
            Some(bound) => Err(aggregate::misplaced_window_bound(bound).at(expr.span)),
            None => Ok(()),
        }
    }

    /// Binds HAVING over the grouping and aggregate columns.
    pub(super) fn bind_having(&mut self) -> Result<Option<Typed>> {
        let Some(having) = self.query.having.clone() else { return Ok(None) };
        if let Some(bound) = bind::window_bound_in(&having) {
            return Err(aggregate::misplaced_window_bound(bound).at(having.span));
        }
        let mut inner = having;
        self.take_calls(&mut inner, Clause::Having)?;
        self.planner.bind_predicate(&inner, &self.universe, Clause::Having).map(Some)
    }

    /// Whether the query aggregates; refuses expressions that are neither grouped nor aggregated.
    pub(super) fn check_aggregation(&self, group_by: &[Typed], having: Option<&Typed>) -> Result<bool> {
        if group_by.is_empty() && self.aggregates.is_empty() {
            return match having {
                Some(_) => Err(PlanError::statement("HAVING needs a GROUP BY clause.")
                    .hint(Some("use WHERE to filter rows that are not aggregated".to_owned()))),
                None => Ok(false),
            };
        }
        if self.aggregates.is_empty() {
            return Err(PlanError::statement(
                "GROUP BY requires aggregate functions in either the SELECT or HAVING clause.",
            ));
        }
        self.check_selected(group_by)?;
        if let (Some(having), Some(written)) = (having, &self.query.having)
            && !self.is_grouped(having, group_by)
        {
            return Err(PlanError::statement(format!(
                "Non-aggregate HAVING expression not part of GROUP BY: {}\nConsider switching the HAVING clause to a \
                 WHERE clause before the GROUP BY.",
                self.ungrouped_part(written, group_by)
            ))
            .at(written.span));
        }
        if group_by.is_empty() && self.sink.is_some() {
            return Err(self.needs_group_by());
        }
        if self.froms.iter().all(|from| from.source.is_table()) {
            self.check_table_aggregates()?;
        }
        self.refuse_kafka_values("GROUP BY")?;
        self.check_intermediate_types()?;
        Ok(true)
    }

    fn check_selected(&self, group_by: &[Typed]) -> Result<()> {
        let ungrouped: Vec<String> = self
            .items
            .iter()
            .filter(|item| !self.is_grouped(&item.expr, group_by))
            .map(|item| bind::internal(&item.written, &self.universe))
            .collect();
        if ungrouped.is_empty() {
            return Ok(());
        }
        Err(PlanError::statement(format!(
            "Non-aggregate SELECT expression(s) not part of GROUP BY: {}\nEither add the column(s) to the GROUP BY or \
             remove them from the SELECT.",
            ungrouped.join(", ")
        )))
    }

    /// Whether nothing but grouping expressions, aggregates and constants is left of an expression.
    fn is_grouped(&self, expr: &Typed, group_by: &[Typed]) -> bool {
        let left = expr.clone().replace(&|part| {
            let grouped = group_by.contains(part);
            grouped.then(|| Typed::null(part.ty.clone()))
        });
        left.columns().into_iter().all(|id| self.universe.is_made(id))
    }

    /// The first column of HAVING that is not grouped.
    fn ungrouped_part(&self, written: &Expr, group_by: &[Typed]) -> String {
        let grouped = |expr: &Expr| {
            self.planner.bind(expr, &self.universe, Clause::Having).is_ok_and(|typed| self.is_grouped(&typed, group_by))
        };
        fn first<'e>(expr: &'e Expr, grouped: &dyn Fn(&Expr) -> bool) -> Option<&'e Expr> {
            if grouped(expr) {
                return None;
            }
            let inner = super::ast::children(expr).into_iter().find_map(|child| first(child, grouped));
            inner.or_else(|| matches!(expr.kind, sql::ExprKind::Column { .. }).then_some(expr))
        }
        bind::internal(first(written, &grouped).unwrap_or(written), &self.universe)
    }

    fn needs_group_by(&self) -> PlanError {
        let calls: Vec<String> = self
            .aggregates
            .iter()
            .map(|aggregate| bind::internal(&aggregate.written, &self.universe).replace("(*)", "(ROWTIME)"))
            .collect();
        PlanError::statement(format!(
            "CREATE TABLE AS SELECT statement does not support aggregate function [{}] without a GROUP BY clause.",
            calls.join(", ")
        ))
    }

    /// ksqlDB keeps the states in the value format of the first source.
    fn check_intermediate_types(&self) -> Result<()> {
        let Some(from) = self.froms.first() else { return Ok(()) };
        let fits = |ty: &SqlType| {
            format(&from.source.formats.value.name)
                .is_none_or(|format| format.validate(&[Column::new("STATE", ty.clone())], false).is_ok())
        };
        if self.aggregates.iter().all(|aggregate| fits(&aggregate.intermediate)) {
            return Ok(());
        }
        Err(PlanError::statement(
            "One of the functions used in the statement has an intermediate type that the value format can not handle. \
             Please remove the function or change the format.",
        ))
    }

    fn check_table_aggregates(&self) -> Result<()> {
        let mut names: Vec<String> = Vec::new();
        for aggregate in self.aggregates.iter().filter(|aggregate| !aggregate.supports_undo) {
            if !names.contains(&aggregate.function) {
                names.push(aggregate.function.clone());
            }
        }
        if names.is_empty() {
            return Ok(());
        }
        let plural = if names.len() == 1 { "" } else { "s" };
        Err(PlanError::statement(format!(
            "The aggregation function{plural} {} cannot be applied to a table source, only to a stream source.",
            listed(&names, "and")
        )))
    }

    /// Projects what is aggregated, re-keys where the key is not the group, aggregates, filters.
    pub(super) fn aggregate(
        &mut self,
        relation: Relation,
        group_by: Vec<Typed>,
        having: Option<Typed>,
        window: Option<Window>,
    ) -> Result<Relation> {
        if self.query.emit == Some(Emit::Final) && window.is_none() {
            return Err(final_needs_window());
        }
        if relation.step.is_table && window.is_some() {
            return Err(PlanError::statement("Windowing not supported for table aggregations."));
        }
        let group_by = if group_by.is_empty() { vec![self.one_group()] } else { group_by };
        let group = self.group_columns(&group_by);
        let prepared = self.prepare(relation, &group_by)?;
        let mut relation = if prepared.step.is_table {
            self.aggregate_table(prepared, &group_by, &group)?
        } else {
            self.aggregate_stream(prepared, &group_by, &group, window)?
        };
        self.key_origin = KeyOrigin::Group;
        if let (Some(window), Some(Emit::Final)) = (window, self.query.emit) {
            if !self.planner.session.config.enabled("ksql.suppress.enabled") {
                return Err(PlanError::statement(
                    "Suppression is currently disabled. You can enable it by setting ksql.suppress.enabled to true",
                ));
            }
            relation = relation.wrap("Suppress", |input| StepKind::Suppress { input, window });
        }
        if let Some(having) = having {
            let predicate = relation.place(&self.place_keys(having))?;
            relation = relation.wrap("Aggregate/HavingFilter", |input| StepKind::Filter { input, predicate });
        }
        Ok(relation)
    }

    /// Without GROUP BY everything is one group: the key is a constant.
    fn one_group(&mut self) -> Typed {
        let constant = Typed::literal(Value::Integer(0), SqlType::Integer);
        let column = self.universe.make("KSQL_GROUP", SqlType::Integer);
        self.key_expressions.push((constant.clone(), column));
        constant
    }

    fn group_columns(&self, group_by: &[Typed]) -> Vec<ColumnId> {
        group_by.iter().filter_map(|expr| self.key_column(expr)).collect()
    }

    /// A projection to the old key, the arguments of the aggregates and the columns the group is made of.
    fn prepare(&mut self, relation: Relation, group_by: &[Typed]) -> Result<Relation> {
        let mut values: Vec<(Typed, ColumnId)> = Vec::new();
        let arguments: Vec<Typed> = self.aggregates.iter().flat_map(|aggregate| aggregate.args.clone()).collect();
        for argument in arguments {
            if values.iter().any(|(known, _)| *known == argument) {
                continue;
            }
            let column = match argument.as_column() {
                Some(column) => column,
                None => {
                    let name = format!("KSQL_INTERNAL_COL_{}", values.len());
                    self.universe.make(name, argument.ty.clone())
                }
            };
            values.push((argument, column));
        }
        for column in group_by.iter().flat_map(Typed::columns) {
            let at_hand = relation.key().contains(&column) || values.iter().any(|(_, known)| *known == column);
            if !at_hand {
                values.push((self.universe.column(column), column));
            }
        }
        for aggregate in &mut self.aggregates {
            aggregate.arg_columns = aggregate
                .args
                .iter()
                .filter_map(|arg| values.iter().find(|(known, _)| known == arg).map(|(_, column)| *column))
                .collect();
        }
        let key = relation.key().to_vec();
        let positions = (0..key.len()).collect();
        let placed = values.iter().map(|(value, _)| relation.place(value)).collect::<Result<Vec<_>>>()?;
        let columns = values.into_iter().map(|(_, column)| column).collect();
        Ok(relation.onto("Aggregate/Prepare", &self.universe, key, columns, |input| StepKind::Project {
            input,
            key: positions,
            value: placed,
        }))
    }

    fn aggregate_stream(
        &self,
        prepared: Relation,
        group_by: &[Typed],
        group: &[ColumnId],
        window: Option<Window>,
    ) -> Result<Relation> {
        let mut relation = prepared;
        if relation.key() != group {
            if relation.window.is_some() {
                self.check_rekey(&relation, group)?;
            }
            relation = self.regroup(relation, group_by, group)?;
        }
        let aggregates = self.calls(&relation)?;
        let mut columns: Vec<ColumnId> = self.aggregates.iter().map(|aggregate| aggregate.column).collect();
        if window.is_some() {
            columns.extend(self.window_bounds());
        }
        let own_window = window.map(|window| window.kind.in_key());
        let mut relation = relation.onto("Aggregate/Aggregate", &self.universe, group.to_vec(), columns, |input| {
            StepKind::Aggregate { input, aggregates, window }
        });
        relation.step.is_table = true;
        relation.window = own_window.or(relation.window);
        Ok(relation)
    }

    fn window_bounds(&self) -> impl Iterator<Item = ColumnId> + '_ {
        [super::names::WINDOWSTART, super::names::WINDOWEND]
            .into_iter()
            .filter_map(|name| self.universe.made_by_name(name))
    }

    /// Makes the group the key and sends the rows through an internal topic.
    fn regroup(&self, relation: Relation, group_by: &[Typed], group: &[ColumnId]) -> Result<Relation> {
        let key = group_by.iter().map(|expr| relation.place(expr)).collect::<Result<Vec<_>>>()?;
        let mut value: Vec<ColumnId> = Vec::new();
        for column in self.aggregates.iter().flat_map(|aggregate| &aggregate.arg_columns) {
            if !value.contains(column) {
                value.push(*column);
            }
        }
        let positions = value.iter().map(|&id| relation.position(id)).collect::<Result<Vec<_>>>()?;
        let mut keyed = relation.onto("Aggregate/GroupBy", &self.universe, group.to_vec(), value, |input| {
            StepKind::Rekey { input, key, value: positions }
        });
        keyed.step.key_format = self.planner.internal_key_format(&keyed.step);
        Ok(keyed.wrap("Aggregate/Repartition", |input| StepKind::Repartition {
            input,
            topic_suffix: format!("{AGGREGATE}-GroupBy"),
            partitions: None,
        }))
    }

    fn aggregate_table(&self, prepared: Relation, group_by: &[Typed], group: &[ColumnId]) -> Result<Relation> {
        let group_key = group_by.iter().map(|expr| prepared.place(expr)).collect::<Result<Vec<_>>>()?;
        let aggregates = self.calls(&prepared)?;
        let columns = self.aggregates.iter().map(|aggregate| aggregate.column).collect();
        let mut relation = prepared.onto("Aggregate/Aggregate", &self.universe, group.to_vec(), columns, |input| {
            StepKind::TableAggregate { input, group_key, aggregates, topic_suffix: format!("{AGGREGATE}-GroupBy") }
        });
        relation.step.key_format = self.planner.internal_key_format(&relation.step);
        Ok(relation)
    }

    fn calls(&self, relation: &Relation) -> Result<Vec<AggregateCall>> {
        self.aggregates
            .iter()
            .map(|aggregate| {
                let AggregateUse { function, literals, ty, arg_columns, .. } = aggregate;
                Ok(AggregateCall {
                    function: function.clone(),
                    args: arg_columns.iter().map(|&id| relation.position(id)).collect::<Result<_>>()?,
                    literals: literals.clone(),
                    ty: ty.clone(),
                })
            })
            .collect()
    }
}
