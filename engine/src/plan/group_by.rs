//! GROUP BY: the key, what is aggregated, HAVING, EMIT FINAL.

use sql::Emit;

use crate::expr::Typed;
use crate::steps::{AggregateCall, StepKind, Window};
use crate::types::{SqlType, Value};

use super::aggregate::AggregateUse;
use super::bind::{self, Clause};
use super::error::{PlanError, Result};
use super::keys::KeyOrigin;
use super::names::listed;
use super::relation::Relation;
use super::select::Select;
use super::universe::ColumnId;

/// Name of the aggregation's internal topic and prefix of its steps.
const AGGREGATE: &str = "Aggregate";

impl Select<'_> {
    /// Binds the grouping expressions and makes columns for those that are none.
    pub(super) fn bind_group_by(&mut self) -> Result<Vec<Typed>> {
        let exprs = self.query.group_by.clone();
        let bound = exprs.iter().map(|expr| self.bind(expr, Clause::GroupBy)).collect::<Result<Vec<_>>>()?;
        // What is not selected is named as if nothing were.
        let mut aliases = self.universe.aliases();
        self.make_key_columns(&exprs, &bound, &mut aliases);
        Ok(bound)
    }

    /// Binds HAVING over the grouping and aggregate columns.
    pub(super) fn bind_having(&mut self) -> Result<Option<Typed>> {
        let Some(mut having) = self.query.having.clone() else { return Ok(None) };
        self.take_aggregates(&mut having)?;
        self.bind(&having, Clause::Having).map(Some)
    }

    /// A sink needs groups that have a name.
    pub(super) fn check_grouped(&self) -> Result<()> {
        if self.query.group_by.is_empty() && self.sink.is_some() { Err(self.needs_group_by()) } else { Ok(()) }
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
        if relation.step.is_table {
            if window.is_some() {
                return Err(PlanError::statement("Windowing not supported for table aggregations."));
            }
            self.check_table_aggregates()?;
        }
        let group_by = if group_by.is_empty() { vec![self.one_group()] } else { group_by };
        let group = self.group_columns(&group_by);
        let prepared = self.prepare(relation, &group_by)?;
        self.check_kept_states(&prepared.step.schema.value, window.is_some());
        let mut relation = if prepared.step.is_table {
            self.aggregate_table(prepared, &group_by, &group)?
        } else {
            self.aggregate_stream(prepared, &group_by, &group, window)?
        };
        self.key_origin = KeyOrigin::Group;
        if let (Some(window), Some(Emit::Final)) = (window, self.query.emit) {
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
                self.check_rekey(&relation)?;
            }
            relation = self.regroup(relation, group_by, group)?;
        }
        let aggregates = self.calls(&relation)?;
        let mut columns: Vec<ColumnId> = self.aggregates.iter().map(|aggregate| aggregate.column).collect();
        if window.is_some() {
            columns.extend(self.window_bounds());
        }
        let own_window = window.map(|window| window.in_key());
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
