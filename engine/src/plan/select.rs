//! A query → steps, up to and including its projection.
//!
//! ```text
//! source | joins ─> WHERE ─> PARTITION BY ─> table functions ─> GROUP BY, HAVING ─> projection
//! ```

use std::collections::BTreeSet;

use sql::{Emit, Expr, Query};

use crate::expr::Typed;
use crate::steps::{KeyWindow, Step, StepKind};
use crate::types::{Column, Schema, SqlType};

use super::Planner;
use super::aggregate::AggregateUse;
use super::ast;
use super::bind::Clause;
use super::error::{PlanError, Result};
use super::join::BoundJoin;
use super::keys::KeyOrigin;
use super::relation::Relation;
use super::resolve::{Resolved, Wrong};
use super::source;
use super::universe::{ColumnId, From, Universe};
use super::with_properties::Properties;

/// What a query makes.
#[derive(Debug, Clone)]
pub(super) struct Selected {
    /// The root step: its schema is the result's.
    pub(super) root: Step,
    /// The window in the result's key.
    pub(super) window: Option<KeyWindow>,
    /// Names of the streams and tables it reads.
    pub(super) sources: Vec<String>,
}

/// A selected expression.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// Its value over the query's columns.
    pub(super) expr: Typed,
    /// Its name in the result.
    pub(super) alias: String,
    /// The expression as written, for messages; a star's columns are written out.
    pub(super) written: Expr,
    /// Made by a star: bounds of a window are left out of a sink then, instead of refused.
    pub(super) from_star: bool,
}

/// A query under construction.
pub(super) struct Select<'a> {
    pub(super) planner: &'a Planner<'a>,
    pub(super) froms: Vec<From>,
    pub(super) query: Query,
    pub(super) universe: Universe,
    pub(super) aliases: super::names::Aliases,
    /// Name of the sink; `None` for a query whose rows go to a client.
    pub(super) sink: Option<&'a str>,
    pub(super) items: Vec<Item>,
    pub(super) aggregates: Vec<AggregateUse>,
    /// Table functions and the column each makes.
    pub(super) table_functions: Vec<(Typed, ColumnId)>,
    /// Key expressions and the column that holds each.
    pub(super) key_expressions: Vec<(Typed, ColumnId)>,
    /// Where the key of the result comes from.
    pub(super) key_origin: KeyOrigin,
    /// Names that will not do.
    pub(super) wrong: Wrong,
    /// The WITH clause of a new sink.
    pub(super) properties: Option<&'a Properties>,
    /// Columns of an existing sink; values are widened to their types.
    pub(super) target: Option<Schema>,
}

impl<'a> Select<'a> {
    pub(super) fn new(planner: &'a Planner<'a>, resolved: Resolved, sink: Option<&'a str>) -> Self {
        let Resolved { froms, query, universe, aliases, wrong } = resolved;
        Self {
            planner,
            froms,
            query,
            universe,
            aliases,
            sink,
            items: Vec::new(),
            aggregates: Vec::new(),
            table_functions: Vec::new(),
            key_expressions: Vec::new(),
            key_origin: KeyOrigin::Source,
            wrong,
            properties: None,
            target: None,
        }
    }

    /// Plans the whole query.
    pub(super) fn plan(mut self) -> Result<Selected> {
        self.analyze()?;
        let mut joins = self.bind_joins()?;
        let filter = self.bind_where()?;
        let partition_by = self.bind_partition_by()?;
        let group_by = self.bind_group_by()?;
        self.bind_items()?;
        let having = self.bind_having()?;
        let aggregated = self.check_aggregation(&group_by, having.as_ref())?;
        if !aggregated && let Some(window) = &self.query.window {
            let place = self.planner.location(window.span);
            return Err(
                PlanError::statement(format!("{place}: WINDOW clause requires a GROUP BY clause.")).at(window.span)
            );
        }
        let clauses = [filter.as_slice(), &partition_by, &group_by];
        for i in 0..joins.len() {
            let kept = self.needed(joins.get(i + 1..).unwrap_or_default(), &clauses);
            if let Some(join) = joins.get_mut(i) {
                join.kept = kept;
            }
        }
        let needed = self.needed(&joins, &clauses);
        self.check_decimals(&needed)?;
        let mut relation = self.read_sources(&joins, &needed)?;
        if let Some(predicate) = filter {
            let predicate = relation.place(&predicate)?;
            relation = relation.wrap("WhereFilter", |input| StepKind::Filter { input, predicate });
        }
        if !partition_by.is_empty() {
            relation = self.partition(relation, partition_by)?;
        }
        if !self.table_functions.is_empty() {
            relation = self.flat_map(relation)?;
        }
        if aggregated {
            let plan = |window| super::window::plan(window, self.query.emit, &self.planner.session.bounds);
            let window = self.query.window.as_ref().map(plan).transpose()?;
            relation = self.aggregate(relation, group_by, having, window)?;
        } else if self.query.emit == Some(Emit::Final) {
            return Err(final_needs_window());
        }
        let window = relation.window;
        let sources = self.froms.iter().map(|from| from.source.name.clone()).collect();
        let root = self.project(relation)?;
        Ok(Selected { root, window, sources })
    }

    /// What ksqlDB finds before it looks at types, in its order.
    pub(super) fn analyze(&mut self) -> Result<()> {
        self.check_criteria()?;
        self.check_names()?;
        if let (Some(properties), Some(from)) = (self.properties, self.froms.first()) {
            let is_keyless = matches!(self.query.partition_by.as_slice(), [Expr { kind: sql::ExprKind::Null, .. }]);
            self.planner.check_sink_formats(properties, &from.source, !is_keyless)?;
        }
        if !self.query.joins.is_empty() {
            self.refuse_kafka_values("JOIN")?;
        }
        if !self.query.group_by.is_empty() {
            self.refuse_kafka_values("GROUP BY")?;
        }
        let windowed_table = |from: &From| from.source.is_table() && from.source.is_windowed();
        if self.sink.is_some() && self.froms.iter().any(windowed_table) {
            return Err(PlanError::statement("KSQL does not support persistent queries on windowed tables."));
        }
        Ok(())
    }

    /// Names of the SELECT list, then columns of all clauses.
    pub(super) fn check_names(&mut self) -> Result<()> {
        self.wrong.alias.take().map_or(Ok(()), Err)?;
        self.refuse_table_functions_with_aggregates()?;
        self.wrong.column.take().map_or(Ok(()), Err)
    }

    pub(super) fn bind_where(&self) -> Result<Option<Typed>> {
        let Some(filter) = &self.query.filter else { return Ok(None) };
        if self.query.window.is_some()
            && let Some(bound) = super::bind::window_bound_in(filter)
        {
            return Err(PlanError::statement(format!("Error in WHERE expression: Unknown column {bound}."))
                .brief("Error in WHERE expression")
                .at(filter.span));
        }
        self.planner.bind_predicate(filter, &self.universe, Clause::Where).map(Some)
    }

    /// Columns of the sources that these joins and everything after them read; a side that is the key already is at hand.
    fn needed(&self, joins: &[BoundJoin], clauses: &[&[Typed]]) -> Vec<ColumnId> {
        let exprs = joins
            .iter()
            .flat_map(|join| [(&join.left, join.left_is_key), (&join.right, join.right_is_key)])
            .filter_map(|(side, is_key)| (!is_key).then_some(side))
            .chain(clauses.iter().copied().flatten())
            .chain(self.items.iter().map(|item| &item.expr))
            .chain(self.aggregates.iter().flat_map(|aggregate| &aggregate.args))
            .chain(self.table_functions.iter().map(|(function, _)| function));
        let ids: BTreeSet<ColumnId> = exprs.flat_map(Typed::columns).collect();
        ids.into_iter().filter(|&id| !self.universe.is_made(id)).collect()
    }

    fn check_decimals(&self, needed: &[ColumnId]) -> Result<()> {
        let keys = self.froms.iter().flat_map(|from| &from.source.schema.key).map(|column| &column.ty);
        let read = needed.iter().filter_map(|&id| self.universe.scope.columns.get(id)).map(|column| &column.ty);
        let made = self.items.iter().map(|item| &item.expr.ty);
        super::formats::check_decimals(keys.chain(read).chain(made))
    }

    fn read_sources(&mut self, joins: &[BoundJoin], needed: &[ColumnId]) -> Result<Relation> {
        match self.froms.as_slice() {
            [only] => Ok(source::read("KsqlTopic/Source", 0, only, needed, &self.universe)),
            _ => self.join(joins, needed),
        }
    }

    /// Computes the new key. A key that is the old one, column for column, changes nothing.
    fn partition(&mut self, relation: Relation, exprs: Vec<Typed>) -> Result<Relation> {
        self.key_origin = KeyOrigin::Partition;
        let key: Vec<ColumnId> = exprs.iter().filter_map(|expr| self.key_column(expr)).collect();
        if relation.key() == key && !key.is_empty() {
            return Ok(relation);
        }
        self.check_rekey(&relation, &key)?;
        let placed = exprs
            .iter()
            .filter(|expr| !expr.is_null_literal())
            .map(|expr| relation.place(expr))
            .collect::<Result<Vec<_>>>()?;
        // Old key columns go last; what became the key is no value any more.
        let (old_key, old_value) = (relation.key().iter(), relation.value().iter());
        let value: Vec<ColumnId> = old_value.chain(old_key).copied().filter(|id| !key.contains(id)).collect();
        let positions = value.iter().map(|&id| relation.position(id)).collect::<Result<Vec<_>>>()?;
        let mut relation = relation.onto("PartitionBy", &self.universe, key, value, |input| StepKind::Rekey {
            input,
            key: placed,
            value: positions,
        });
        relation.step.key_format = self.planner.internal_key_format(&relation.step);
        Ok(relation)
    }

    /// The column that holds a key expression after the re-keying.
    pub(super) fn key_column(&self, expr: &Typed) -> Option<ColumnId> {
        expr.as_column().or_else(|| self.key_expressions.iter().find(|(other, _)| other == expr).map(|(_, id)| *id))
    }

    pub(super) fn check_rekey(&self, relation: &Relation, key: &[ColumnId]) -> Result<()> {
        if relation.step.is_table {
            let labels =
                |ids: &[ColumnId]| ids.iter().map(|&id| self.universe.label(id)).collect::<Vec<_>>().join(", ");
            return Err(PlanError::unforeseen(format!(
                "Cannot repartition a TABLE source. If this is a join, make sure that the criteria uses the TABLE's \
                 key column {} instead of [{}]",
                labels(relation.key()),
                labels(key)
            )));
        }
        if relation.window.is_some() {
            return Err(PlanError::statement(
                "Implicit repartitioning of windowed sources is not supported. See \
                 https://github.com/confluentinc/ksql/issues/4385.",
            ));
        }
        Ok(())
    }

    fn bind_partition_by(&mut self) -> Result<Vec<Typed>> {
        let exprs = self.query.partition_by.clone();
        let bound = exprs
            .iter()
            .map(|expr| self.planner.bind(expr, &self.universe, Clause::PartitionBy))
            .collect::<Result<Vec<_>>>()?;
        if bound.len() > 1 && bound.iter().any(Typed::is_null_literal) {
            return Err(PlanError::statement("Cannot PARTITION BY multiple columns including NULL"));
        }
        self.make_key_columns(&exprs, &bound);
        Ok(bound)
    }

    /// Columns for key expressions that are no columns yet, named after the select item that shows them.
    pub(super) fn make_key_columns(&mut self, exprs: &[Expr], bound: &[Typed]) {
        for (expr, typed) in exprs.iter().zip(bound) {
            if typed.is_null_literal() || self.key_column(typed).is_some() {
                continue;
            }
            let selected = self.query.select.iter().find_map(|item| match item {
                sql::SelectItem::Expr { expr: other, alias } if other == expr => alias.clone(),
                _ => None,
            });
            let name = match (selected, &expr.kind) {
                (Some(alias), _) => alias.name,
                (None, sql::ExprKind::Field { field, .. }) => self.aliases.field(&field.name),
                (None, _) => self.aliases.expression(),
            };
            let id = self.universe.make(name, typed.ty.clone());
            self.key_expressions.push((typed.clone(), id));
        }
    }

    /// One row of a table cannot become several.
    pub(super) fn check_table_functions(&self, of_table: bool) -> Result<()> {
        if of_table && !self.table_functions.is_empty() {
            return Err(PlanError::statement("Table source is not supported with table functions"));
        }
        Ok(())
    }

    fn flat_map(&mut self, relation: Relation) -> Result<Relation> {
        self.check_table_functions(relation.step.is_table)?;
        let functions =
            self.table_functions.iter().map(|(function, _)| relation.place(function)).collect::<Result<Vec<_>>>()?;
        let key = relation.key().to_vec();
        let made = self.table_functions.iter().map(|(_, id)| *id);
        let value = relation.value().iter().copied().chain(made).collect();
        Ok(relation.onto("FlatMap", &self.universe, key, value, |input| StepKind::FlatMap { input, functions }))
    }

    /// The projection: key columns under their selected names, then the other selected expressions.
    fn project(mut self, relation: Relation) -> Result<Step> {
        let items = std::mem::take(&mut self.items);
        let items: Vec<Item> = items.into_iter().map(|item| self.over_key(item)).collect();
        let (key, value) = match self.sink {
            Some(sink) => {
                self.check_timestamp(&items)?;
                self.split_key(sink, &relation, items)?
            }
            None => {
                super::keys::check_duplicates(&[], &items)?;
                let names = relation.key().iter().map(|&id| self.universe.label(id)).collect();
                (names, items)
            }
        };
        let value = self.widened(value);
        let positions: Vec<usize> = (0..key.len()).collect();
        let key_types = relation.key().iter().map(|&id| self.universe.ty(id));
        let schema = Schema {
            key: key.into_iter().zip(key_types).map(|(name, ty)| Column::new(name, ty)).collect(),
            value: value.iter().map(|item| Column::new(&*item.alias, item.expr.ty.clone())).collect(),
        };
        let value = value.iter().map(|item| relation.place(&item.expr)).collect::<Result<Vec<_>>>()?;
        let mut projected = relation.wrap("Project", |input| StepKind::Project { input, key: positions, value }).step;
        projected.schema = schema;
        Ok(projected)
    }

    /// The column must be selected; whether it holds a time is for the sink to check.
    fn check_timestamp(&self, items: &[Item]) -> Result<()> {
        match self.properties.and_then(|properties| properties.timestamp.as_ref()) {
            Some(timestamp) if !items.iter().any(|item| item.alias == timestamp.column) => {
                Err(super::messages::no_timestamp_column(&timestamp.column))
            }
            _ => Ok(()),
        }
    }

    /// Values cast to the types of an existing sink where ksqlDB does so by itself: numbers for a DECIMAL.
    fn widened(&self, mut value: Vec<Item>) -> Vec<Item> {
        let Some(target) = self.target.as_ref().filter(|target| target.value.len() == value.len()) else {
            return value;
        };
        for (item, column) in value.iter_mut().zip(&target.value) {
            let widens = item.expr.ty.is_numeric() && matches!(column.ty, SqlType::Decimal { .. });
            if let (true, Ok(cast)) = (widens, item.expr.clone().cast_to(&column.ty)) {
                item.expr = cast;
            }
        }
        value
    }

    /// Replaces key expressions by the columns that hold them.
    pub(super) fn over_key(&self, mut item: Item) -> Item {
        item.expr = self.place_keys(item.expr);
        item
    }

    pub(super) fn place_keys(&self, expr: Typed) -> Typed {
        expr.replace(&|part| {
            let (_, id) = self.key_expressions.iter().find(|(key, _)| key == part)?;
            Some(self.universe.column(*id))
        })
    }
}

pub(super) fn final_needs_window() -> PlanError {
    PlanError::statement("EMIT FINAL is only supported for windowed aggregations.")
}

/// Whether an expression calls a function of that kind anywhere.
pub(super) fn calls(expr: &Expr, is_kind: &dyn Fn(&str) -> bool) -> bool {
    ast::any(expr, &|part| matches!(&part.kind, sql::ExprKind::Call { name, .. } if is_kind(&name.name)))
}
