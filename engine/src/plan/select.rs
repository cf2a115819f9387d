//! A query → steps, up to and including its projection.
//!
//! ```text
//! source | joins ─> WHERE ─> PARTITION BY ─> table functions ─> GROUP BY, HAVING ─> projection
//! ```

use std::collections::BTreeSet;

use sql::{Emit, Expr, Query};

use crate::config::setting;
use crate::expr::{FunctionKind, Typed};
use crate::steps::{KeyWindow, Step, StepKind};
use crate::types::{Column, Schema, SqlType};

use super::Planner;
use super::aggregate::AggregateUse;
use super::bind::Clause;
use super::error::{PlanError, Result};
use super::join::BoundJoin;
use super::keys::{KeyOrigin, Split};
use super::late::{Late, Making};
use super::names::Aliases;
use super::relation::Relation;
use super::resolve::{Resolved, Wrong};
use super::universe::{ColumnId, From, Universe};
use super::with_properties::Properties;
use super::{sink, source};

/// What a query makes.
#[derive(Debug, Clone)]
pub(super) struct Selected {
    /// The root step: its schema is the result's.
    pub(super) root: Step,
    /// The window in the result's key.
    pub(super) window: Option<KeyWindow>,
    /// Names of the streams and tables it reads.
    pub(super) sources: Vec<String>,
    /// Why it cannot be started, although it has steps.
    pub(super) late: Result<()>,
}

/// A query whose types and key are known.
struct Logical {
    joins: Vec<BoundJoin>,
    filter: Option<Typed>,
    partition_by: Vec<Typed>,
    group_by: Vec<Typed>,
    having: Option<Typed>,
    /// How the SELECT list makes up the key and the values of a sink.
    split: Option<Split>,
    aggregated: bool,
}

/// A selected expression.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// Its value over the query's columns.
    pub(super) expr: Typed,
    /// Its name in the result.
    pub(super) alias: String,
    /// Made by a star: bounds of a window are left out of a sink then, instead of refused.
    pub(super) from_star: bool,
}

/// A query under construction.
pub(super) struct Select<'a> {
    pub(super) planner: &'a Planner<'a>,
    pub(super) froms: Vec<From>,
    pub(super) query: Query,
    pub(super) universe: Universe,
    pub(super) aliases: Aliases,
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
    /// What is wrong, but is found later than it was come upon.
    pub(super) late: Late,
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
            late: Late::default(),
            properties: None,
            target: None,
        }
    }

    /// Plans the whole query. ksqlDB goes through it three times: names, then types and keys, then steps.
    pub(super) fn plan(mut self) -> Result<Selected> {
        self.analyze()?;
        let logical = self.logical()?;
        self.steps(logical)
    }

    /// What ksqlDB finds before it looks at types, in its order.
    pub(super) fn analyze(&mut self) -> Result<()> {
        self.check_criteria()?;
        self.check_names()?;
        if let (Some(properties), Some(from)) = (self.properties, self.froms.first()) {
            let is_keyless = self.is_made_keyless()?;
            self.planner.check_sink_formats(properties, &from.source, !is_keyless)?;
            if let Some(window) = &self.query.window {
                super::window::check_size(window)?;
            }
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
        self.check_table_functions()
    }

    /// Names of the SELECT list, then columns of all clauses.
    pub(super) fn check_names(&mut self) -> Result<()> {
        self.check_selected_names()?;
        self.wrong.column.take().map_or(Ok(()), Err)
    }

    /// Whether the rows get no key: PARTITION BY NULL, which stands alone.
    fn is_made_keyless(&self) -> Result<bool> {
        let exprs = &self.query.partition_by;
        match (exprs.iter().any(|expr| expr.kind == sql::ExprKind::Null), exprs.len()) {
            (true, 1) => Ok(true),
            (true, _) => Err(PlanError::statement("Cannot PARTITION BY multiple columns including NULL")),
            (false, _) => Ok(false),
        }
    }

    /// Types of everything, in ksqlDB's order, and what the result's key is.
    fn logical(&mut self) -> Result<Logical> {
        let joins = self.bind_joins()?;
        let filter = self.bind_where()?;
        let partition_by = self.bind_partition_by()?;
        let aggregated = self.aggregates();
        if !aggregated {
            self.refuse_clauses_of_aggregations()?;
        }
        let written = self.written_items()?;
        if aggregated {
            self.check_grouping(&written)?;
        }
        if self.query.window.is_some() {
            self.make_window_bounds();
        }
        self.bind_items(written)?;
        let group_by = self.bind_group_by()?;
        self.settle_key_origin(&partition_by, aggregated);
        let key = self.result_key(&joins, &partition_by, &group_by);
        let split = match self.sink {
            Some(_) => Some(self.split_key(&key)?),
            None => self.check_shown().map(|()| None)?,
        };
        let having = self.bind_having()?;
        self.check_final(aggregated)?;
        if let (Some(sink), Some(split)) = (self.sink, &split) {
            self.check_sink(&key, split)?;
            if aggregated {
                self.check_grouped()?;
            }
            self.check_key(sink, split)?;
        }
        Ok(Logical { joins, filter, partition_by, group_by, having, split, aggregated })
    }

    fn refuse_clauses_of_aggregations(&self) -> Result<()> {
        if let Some(window) = &self.query.window {
            let place = self.planner.location(window.span);
            let message = format!("{place}: WINDOW clause requires a GROUP BY clause.");
            return Err(PlanError::statement(message).at(window.span));
        }
        match &self.query.having {
            Some(having) => Err(PlanError::statement("HAVING needs a GROUP BY clause.")
                .with_hint(Some("use WHERE to filter rows that are not aggregated".to_owned()))
                .at(having.span)),
            None => Ok(()),
        }
    }

    fn check_final(&self, aggregated: bool) -> Result<()> {
        if self.query.emit != Some(Emit::Final) {
            return Ok(());
        }
        if !self.planner.session.config.get(setting::SUPPRESS_ENABLED) {
            return Err(PlanError::statement(
                "Suppression is currently disabled. You can enable it by setting ksql.suppress.enabled to true",
            ));
        }
        if aggregated && self.query.window.is_some() {
            return Ok(());
        }
        Err(PlanError::statement("EMIT FINAL is only supported for windowed aggregations."))
    }

    /// Whether rows of the result replace each other.
    pub(super) fn makes_table(&self) -> bool {
        self.aggregates() || self.froms.iter().all(|from| from.source.is_table())
    }

    fn settle_key_origin(&mut self, partition_by: &[Typed], aggregated: bool) {
        if aggregated {
            self.key_origin = KeyOrigin::Group;
        } else if !partition_by.is_empty() {
            self.key_origin = KeyOrigin::Partition;
        }
    }

    fn result_key(&self, joins: &[BoundJoin], partition_by: &[Typed], group_by: &[Typed]) -> Vec<ColumnId> {
        let columns = |exprs: &[Typed]| exprs.iter().filter_map(|expr| self.key_column(expr)).collect();
        match &self.key_origin {
            KeyOrigin::Group => columns(group_by),
            KeyOrigin::Partition => columns(partition_by),
            KeyOrigin::Join(_) => joins.last().and_then(|join| join.key).into_iter().collect(),
            KeyOrigin::Source | KeyOrigin::ForeignKeyJoin(_) => self.universe.key_of(0),
        }
    }

    /// The sink's time and whether its values may be written as they are asked to be.
    fn check_sink(&self, key: &[ColumnId], split: &Split) -> Result<()> {
        let (Some(properties), Some(from)) = (self.properties, self.froms.first()) else { return Ok(()) };
        let schema = self.schema_of(key, split);
        sink::check_timestamp(&schema, properties.timestamp.as_ref())?;
        let format = properties.value_format().unwrap_or_else(|| from.source.formats.value.name.clone());
        super::formats::check_wrap(&format, schema.value.len(), properties.wrap_single_value)
    }

    fn schema_of(&self, key: &[ColumnId], split: &Split) -> Schema {
        let names = split.key_names();
        let types = key.iter().map(|&id| self.universe.ty(id));
        let drops_key = !split.is_key_selected();
        Schema {
            key: names.into_iter().zip(types).filter(|_| !drops_key).map(|(name, ty)| Column::new(name, ty)).collect(),
            value: split.value.iter().map(|item| Column::new(&*item.alias, item.expr.ty.clone())).collect(),
        }
    }

    /// The steps, from the sources on.
    fn steps(mut self, logical: Logical) -> Result<Selected> {
        let Logical { mut joins, filter, partition_by, group_by, having, split, aggregated } = logical;
        self.check_joins(&joins)?;
        if !joins.is_empty() {
            self.check_joined_columns();
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
            self.late.check(Making::Groups)?;
            let plan = |window| super::window::plan(window, self.query.emit, &self.planner.session.bounds);
            let window = self.query.window.as_ref().map(plan).transpose()?;
            relation = self.aggregate(relation, group_by, having, window)?;
        }
        self.late.check(Making::Selected)?;
        self.check_kept_columns(&relation, split.as_ref());
        let window = relation.window;
        let sources = self.froms.iter().map(|from| from.source.name.clone()).collect();
        let late = self.late.check(Making::Query);
        let root = self.project(relation, split)?;
        Ok(Selected { root, window, sources, late })
    }

    pub(super) fn bind_where(&mut self) -> Result<Option<Typed>> {
        let Some(filter) = self.query.filter.clone() else { return Ok(None) };
        if self.query.window.is_some()
            && let Some(bound) = super::bind::window_bound_in(&filter)
        {
            return Err(PlanError::statement(format!("Error in WHERE expression: Unknown column {bound}."))
                .brief("Error in WHERE expression")
                .at(filter.span));
        }
        self.bind(&filter, Clause::Where).map(Some)
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
        self.check_rekey(&relation)?;
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

    fn bind_partition_by(&mut self) -> Result<Vec<Typed>> {
        let exprs = self.query.partition_by.clone();
        let bound = exprs.iter().map(|expr| self.bind(expr, Clause::PartitionBy)).collect::<Result<Vec<_>>>()?;
        self.is_made_keyless()?;
        let mut aliases = self.aliases.clone();
        self.make_key_columns(&exprs, &bound, &mut aliases);
        Ok(bound)
    }

    /// Columns for key expressions that are no columns yet, named after the select item that shows them.
    pub(super) fn make_key_columns(&mut self, exprs: &[Expr], bound: &[Typed], aliases: &mut Aliases) {
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
                (None, sql::ExprKind::Field { field, .. }) => aliases.field(&field.name),
                (None, _) => aliases.expression(),
            };
            let id = self.universe.make(name, typed.ty.clone());
            self.key_expressions.push((typed.clone(), id));
        }
    }

    /// One row of a table cannot become several.
    pub(super) fn check_table_functions(&self) -> Result<()> {
        let of_table = self.froms.first().is_some_and(|from| from.source.is_table());
        let calls = |item: &sql::SelectItem| match item {
            sql::SelectItem::Expr { expr, .. } => self.calls_a(FunctionKind::Table, expr),
            _ => false,
        };
        if of_table && self.query.select.iter().any(calls) {
            return Err(PlanError::statement("Table source is not supported with table functions"));
        }
        Ok(())
    }

    fn flat_map(&mut self, relation: Relation) -> Result<Relation> {
        let functions =
            self.table_functions.iter().map(|(function, _)| relation.place(function)).collect::<Result<Vec<_>>>()?;
        let key = relation.key().to_vec();
        let made = self.table_functions.iter().map(|(_, id)| *id);
        let value = relation.value().iter().copied().chain(made).collect();
        Ok(relation.onto("FlatMap", &self.universe, key, value, |input| StepKind::FlatMap { input, functions }))
    }

    /// The projection: key columns under their selected names, then the other selected expressions.
    fn project(mut self, relation: Relation, split: Option<Split>) -> Result<Step> {
        let (key, value) = match split {
            Some(split) => (split.key_names(), split.value),
            None => {
                let names = relation.key().iter().map(|&id| self.universe.label(id)).collect();
                let items = std::mem::take(&mut self.items);
                (names, items.into_iter().map(|item| self.over_key(item)).collect())
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
