//! JOIN criteria: which sides belong together, which joins ksqlDB knows, what the key of the result is.

use std::collections::BTreeSet;

use sql::{BinaryOp, Expr, ExprKind, Join, JoinKind, SelectItem};

use crate::expr::Typed;
use crate::steps::KeyWindow;

use super::bind::{self, Clause};
use super::error::{PlanError, Result};
use super::keys::KeyOrigin;
use super::select::Select;
use super::universe::{ColumnId, From, Origin};
use super::window::interval_ms;

/// How two sides are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Within a time window.
    StreamStream { before_ms: i64, after_ms: i64, grace_ms: Option<i64> },
    /// The table is looked up.
    StreamTable,
    /// On both primary keys.
    TableTable,
    /// On the right one's primary key.
    ForeignKey,
}

/// One JOIN clause, checked.
#[derive(Debug, Clone)]
pub(super) struct BoundJoin {
    /// INNER, LEFT, RIGHT or FULL.
    pub(super) kind: JoinKind,
    /// How it is done.
    pub(super) shape: Shape,
    /// The side of the criterion that belongs to what stands before the JOIN.
    pub(super) left: Typed,
    /// The side that belongs to the joined source.
    pub(super) right: Typed,
    /// Whether `left` is the key already.
    pub(super) left_is_key: bool,
    /// Whether `right` is the key already.
    pub(super) right_is_key: bool,
    /// The column that stands for the key of the result; `None`: the left side's whole key.
    pub(super) key: Option<ColumnId>,
    /// Columns that later steps read.
    pub(super) kept: Vec<ColumnId>,
    /// Why it cannot be put together.
    pub(super) refused: Option<PlanError>,
}

/// What stands before a JOIN.
struct Before {
    is_table: bool,
    /// Expressions that all equal its key.
    key: Vec<Typed>,
    /// Number of its key columns.
    key_columns: usize,
}

/// A criterion with its sides put in order.
struct Criterion<'e> {
    left: &'e Expr,
    right: &'e Expr,
    left_source: usize,
    /// Whether what is left was written on the right.
    flipped: bool,
}

impl<'e> Criterion<'e> {
    /// Both sides as they were written, each with what belongs to it.
    fn written<T>(&self, left: T, right: T) -> [(&'e Expr, T); 2] {
        let (left, right) = ((self.left, left), (self.right, right));
        if self.flipped { [right, left] } else { [left, right] }
    }

    fn shown(&self) -> String {
        let [(one, ()), (other, ())] = self.written((), ());
        format!("{} = {}", bind::qualified(one), bind::qualified(other))
    }
}

impl Select<'_> {
    /// Binds all JOIN clauses and settles the key of each result.
    pub(super) fn bind_joins(&mut self) -> Result<Vec<BoundJoin>> {
        if self.query.joins.is_empty() {
            return Ok(Vec::new());
        }
        let joins = self.query.joins.clone();
        let mut before = self.first_source();
        let mut bound = Vec::new();
        let mut viable: Vec<Vec<ColumnId>> = Vec::new();
        for (i, join) in joins.iter().enumerate() {
            let one = self.bind_join(i, join, &before)?;
            let is_table = matches!(one.shape, Shape::TableTable | Shape::ForeignKey);
            before = match one.shape {
                Shape::ForeignKey => before,
                _ => Before { is_table, key: equal_to_key(&one, &before), key_columns: 1 },
            };
            viable.push(before.key.iter().filter_map(Typed::as_column).collect());
            bound.push(one);
        }
        self.choose_keys(&mut bound, &viable);
        Ok(bound)
    }

    /// Refuses sources that are joined twice, and criteria that are no equality of the two sides.
    pub(super) fn check_criteria(&mut self) -> Result<()> {
        for (i, join) in self.query.joins.iter().enumerate() {
            self.check_repeated(i, join)?;
            self.criterion(i, join)?;
        }
        Ok(())
    }

    fn check_repeated(&self, i: usize, join: &Join) -> Result<()> {
        let name = self.name(i + 1);
        if !self.froms.iter().take(i + 1).any(|from| from.source.name == name) {
            return Ok(());
        }
        Err(PlanError::statement(if i == 0 {
            format!("Can not join '{name}' to '{name}': self joins are not yet supported.")
        } else {
            format!("N-way joins do not support multiple occurrences of the same source. Source: '{name}'.")
        })
        .at(join.right.name.span))
    }

    fn first_source(&self) -> Before {
        let is_key = |origin: &Origin| matches!(origin, Origin::Key(0, _));
        let origins = self.universe.origins.iter().enumerate();
        let key: Vec<Typed> =
            origins.filter(|(_, origin)| is_key(origin)).map(|(id, _)| self.universe.column(id)).collect();
        let is_table = self.froms.first().is_some_and(|from| from.source.is_table());
        Before { is_table, key_columns: key.len(), key }
    }

    /// Refuses sources whose values are in KAFKA format: internal topics of joins and groups cannot be.
    pub(super) fn refuse_kafka_values(&self, what: &str) -> Result<()> {
        let names: Vec<&str> = self
            .froms
            .iter()
            .filter(|from| from.source.formats.value.name == "KAFKA")
            .map(|from| from.alias.as_str())
            .collect();
        if names.is_empty() {
            return Ok(());
        }
        Err(PlanError::statement(format!(
            "Source(s) {} are using the 'KAFKA' value format. This format does not yet support {what}.\nThe KAFKA format \
             is primarily intended for use as a key format. It can be used as a value format, but can not be used in any \
             operation that requires a repartition or changelog topic.\nRemoving this limitation requires enhancements \
             to the core of KSQL. This will come in a future release. Until then, avoid using the KAFKA format for \
             values.\nIf you have an existing topic with KAFKA formatted values you can duplicate the data and serialize \
             using Avro or JSON with a statement such as: \n\n'CREATE STREAM <new-stream-name> \
             WITH(VALUE_FORMAT='Avro') AS SELECT * FROM <existing-kafka-formated-stream-name>;'\nFor more info see \
             https://github.com/confluentinc/ksql/issues/3060",
            names.join(", ")
        )))
    }

    fn bind_join(&mut self, i: usize, join: &Join, before: &Before) -> Result<BoundJoin> {
        let criterion = self.criterion(i, join)?;
        let left = self.bind(criterion.left, Clause::JoinOn)?;
        let right = self.bind(criterion.right, Clause::JoinOn)?;
        let left_is_key = before.key_columns == 1 && before.key.contains(&left);
        let right_is_key = self.is_only_key(&right, i + 1);
        let shape = self.shape(i, join, &criterion, before, (left_is_key, right_is_key))?;
        if left.ty != right.ty {
            let message = match shape {
                Shape::TableTable | Shape::ForeignKey => {
                    let [(one, one_type), (other, other_type)] = criterion.written(&left.ty, &right.ty);
                    format!(
                        "Invalid join condition: types don't match. Got {}{{{one_type}}} = {}{{{other_type}}}.",
                        bind::qualified(one),
                        bind::qualified(other),
                    )
                }
                _ => format!("Invalid join. Key types differ: {} vs {}", left.ty, right.ty),
            };
            return Err(PlanError::statement(message).at(join.on.span));
        }
        if shape == Shape::ForeignKey && self.froms.first().is_some_and(|from| from.source.is_windowed()) {
            let message = "Foreign-key table-table joins are not supported on windowed tables.";
            return Err(PlanError::statement(message).at(join.span));
        }
        let refused = super::join_steps::refuse(join, shape).err();
        let (kind, kept) = (join.kind, Vec::new());
        Ok(BoundJoin { kind, shape, left, right, left_is_key, right_is_key, key: None, kept, refused })
    }

    fn criterion<'e>(&self, i: usize, join: &'e Join) -> Result<Criterion<'e>> {
        let on = &join.on;
        let (one, other) = match &on.kind {
            ExprKind::Binary { op: BinaryOp::Equal, left, right } => (&**left, &**right),
            ExprKind::Binary { op: BinaryOp::And | BinaryOp::Or, left, right } if is_equal(left) && is_equal(right) => {
                return Err(PlanError::statement(format!(
                    "Invalid join condition: joins on multiple conditions are not yet supported. Got {}.",
                    bind::qualified(on)
                ))
                .at(on.span));
            }
            ExprKind::Binary { op, .. } if is_comparison(*op) => {
                return Err(PlanError::statement("Only equality join criteria is supported.").at(on.span));
            }
            _ => {
                let shown = bind::qualified(on);
                return Err(PlanError::statement(format!("Unsupported join expression: {shown}")).at(on.span));
            }
        };
        if let Some(wrong) = self.wrong.criteria.get(i).and_then(Option::as_ref) {
            return Err(wrong.clone());
        }
        let joined = i + 1;
        self.refuse_later_sources(one, joined)?;
        self.refuse_later_sources(other, joined)?;
        let one_source = self.only_source(one, on)?;
        let other_source = self.only_source(other, on)?;
        if one_source == other_source {
            let name = self.alias(one_source);
            return Err(PlanError::statement(format!(
                "Each side of the join must reference exactly one source and not the same source. Left side references \
                 `{name}` and right references `{name}`"
            ))
            .at(on.span));
        }
        self.check_windowing(one_source, other_source).map_err(|error| error.at(on.span))?;
        if other_source == joined && one_source < joined {
            return Ok(Criterion { left: one, right: other, left_source: one_source, flipped: false });
        }
        if one_source == joined && other_source < joined {
            return Ok(Criterion { left: other, right: one, left_source: other_source, flipped: true });
        }
        Err(PlanError::statement(format!(
            "A join criteria is expected to reference the source (`{}`) in the FROM clause, instead the right source \
             references `{}` and the left source references `{}`",
            self.alias(joined),
            self.alias(other_source),
            self.alias(one_source)
        ))
        .at(on.span))
    }

    /// A criterion knows the sources up to the one it joins.
    fn refuse_later_sources(&self, side: &Expr, joined: usize) -> Result<()> {
        if let ExprKind::Column { source: Some(source), name } = &side.kind
            && self.froms.iter().position(|from| from.alias == source.name).is_some_and(|of| of > joined)
        {
            let column = format!("{}.{}", source.name, name.name);
            return Err(self.planner.unknown_column(&column, side.span, Clause::JoinOn).at(side.span));
        }
        super::ast::children(side).into_iter().try_for_each(|child| self.refuse_later_sources(child, joined))
    }

    fn only_source(&self, side: &Expr, on: &Expr) -> Result<usize> {
        let mut names = BTreeSet::new();
        collect_sources(side, &mut names);
        let place = |name: &&str| self.froms.iter().position(|from| from.alias == **name);
        match (names.len(), names.iter().next().and_then(place)) {
            (1, Some(source)) => Ok(source),
            _ => Err(PlanError::statement(format!(
                "Invalid comparison expression '{}' in join '{}'. Each side of the join comparision must contain \
                 references from exactly one source.",
                bind::qualified(side),
                bind::qualified(on)
            ))
            .at(side.span)),
        }
    }

    fn check_windowing(&self, left: usize, right: usize) -> Result<()> {
        let window = |n: usize| self.froms.get(n).and_then(|from| from.source.formats.window);
        let is_session = |window: KeyWindow| window.kind.is_session();
        let shown = |window: Option<KeyWindow>| window.map_or("not", |window| window.kind.name());
        match (window(left), window(right)) {
            (None, None) => Ok(()),
            (Some(l), Some(r)) if is_session(l) == is_session(r) => Ok(()),
            (Some(l), Some(r)) => Err(PlanError::statement(format!(
                "Incompatible windowed sources.\nLeft source: {}\nRight source: {}\nSession windowed sources can only be \
                 joined to other session windowed sources, and may still not result in expected behaviour as session \
                 bounds must be an exact match for the join to work\nHopping and tumbling windowed sources can only be \
                 joined to other hopping and tumbling windowed sources",
                l.kind.name(),
                r.kind.name()
            ))),
            (l, r) => Err(PlanError::statement(format!(
                "Can not join windowed source to non-windowed source.\n`{}` is {} windowed\n`{}` is {} windowed",
                self.alias(left),
                shown(l),
                self.alias(right),
                shown(r)
            ))),
        }
    }

    pub(super) fn alias(&self, source: usize) -> &str {
        self.froms.get(source).map_or("", |from| from.alias.as_str())
    }

    fn name(&self, source: usize) -> &str {
        self.froms.get(source).map_or("", |from| from.source.name.as_str())
    }

    fn is_only_key(&self, expr: &Typed, source: usize) -> bool {
        let single = self.froms.get(source).is_some_and(|from| from.source.schema.key.len() == 1);
        let origin = expr.as_column().and_then(|column| self.universe.origins.get(column));
        single && matches!(origin, Some(Origin::Key(owner, _)) if *owner == source)
    }

    fn shape(
        &self,
        i: usize,
        join: &Join,
        criterion: &Criterion<'_>,
        before: &Before,
        (left_is_key, right_is_key): (bool, bool),
    ) -> Result<Shape> {
        let right_is_table = self.froms.get(i + 1).is_some_and(|from: &From| from.source.is_table());
        let got = || format!("{} {} {}", self.name(criterion.left_source), clause(join.kind), self.name(i + 1));
        match (before.is_table, right_is_table) {
            (true, false) => Err(PlanError::statement(format!(
                "Invalid join order: table-stream joins are not supported; only stream-table joins. Got {}.",
                got()
            ))
            .at(join.span)),
            (false, false) => stream_window(join),
            (false, true) => {
                if join.kind == JoinKind::Outer {
                    return Err(PlanError::statement(format!(
                        "Invalid join type: full-outer join not supported for stream-table join. Got {}.",
                        got()
                    ))
                    .at(join.span));
                }
                if right_is_key {
                    return Ok(Shape::StreamTable);
                }
                Err(PlanError::statement(format!(
                    "Invalid join condition: stream-table joins require to join on the table's primary key. Got {}.",
                    criterion.shown()
                ))
                .at(join.on.span))
            }
            (true, true) => table_shape(i, join, criterion, (left_is_key, right_is_key), &got()),
        }
    }

    /// Chooses, for every join, the column that stands for its key: one that is selected, if there is one.
    fn choose_keys(&mut self, joins: &mut [BoundJoin], viable: &[Vec<ColumnId>]) {
        let Some(last) = viable.last() else { return };
        let selected = last.iter().copied().find(|&id| self.is_selected(id)).or(last.first().copied());
        let count = joins.len();
        for (i, (join, viable)) in joins.iter_mut().zip(viable).enumerate() {
            if join.shape == Shape::ForeignKey {
                continue;
            }
            let chosen = selected.filter(|id| viable.contains(id)).or(viable.first().copied());
            join.key = Some(match chosen {
                Some(id) => id,
                None if i + 1 == count => {
                    let name = self.aliases.synthetic_key();
                    self.universe.make(name, join.left.ty.clone())
                }
                None => self.universe.make(format!("KSQL_JOIN_KEY_{i}"), join.left.ty.clone()),
            });
        }
        self.key_origin = match joins.last() {
            Some(join) if join.shape == Shape::ForeignKey => KeyOrigin::ForeignKeyJoin(self.left_name()),
            _ => KeyOrigin::Join(last.clone()),
        };
    }

    fn left_name(&self) -> String {
        self.alias(0).to_owned()
    }

    fn is_selected(&self, id: ColumnId) -> bool {
        let Some(column) = self.universe.scope.columns.get(id) else { return false };
        self.query.select.iter().any(|item| match item {
            SelectItem::Expr { expr, .. } => match &expr.kind {
                ExprKind::Column { source, name } => {
                    source.as_ref().map(|source| &source.name) == column.source.as_ref() && name.name == column.name
                }
                _ => false,
            },
            SelectItem::All { source: None, .. } => true,
            SelectItem::All { source: Some(source), .. } => Some(&source.name) == column.source.as_ref(),
            SelectItem::StructAll { .. } => false,
        })
    }

    /// The key of the last join if no source's column stands for it.
    pub(super) fn synthetic_key(&self) -> Option<ColumnId> {
        match &self.key_origin {
            KeyOrigin::Join(columns) if columns.is_empty() => {
                self.universe.scope.columns.iter().position(|c| c.source.is_none() && c.name.starts_with("ROWKEY"))
            }
            _ => None,
        }
    }
}

fn is_equal(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Binary { op: BinaryOp::Equal, .. })
}

fn is_comparison(op: BinaryOp) -> bool {
    use BinaryOp::{Greater, GreaterEqual, IsDistinctFrom, IsNotDistinctFrom, Less, LessEqual, NotEqual};
    matches!(op, NotEqual | Less | LessEqual | Greater | GreaterEqual | IsDistinctFrom | IsNotDistinctFrom)
}

fn collect_sources<'e>(expr: &'e Expr, names: &mut BTreeSet<&'e str>) {
    if let ExprKind::Column { source: Some(source), .. } = &expr.kind {
        names.insert(&source.name);
    }
    super::ast::children(expr).into_iter().for_each(|child| collect_sources(child, names));
}

/// Expressions that equal the key of a join's result. A FULL JOIN has none: either side may be missing.
fn equal_to_key(join: &BoundJoin, before: &Before) -> Vec<Typed> {
    if join.kind == JoinKind::Outer {
        return Vec::new();
    }
    let left = if join.left_is_key { before.key.clone() } else { vec![join.left.clone()] };
    left.into_iter().chain([join.right.clone()]).collect()
}

pub(super) fn clause(kind: JoinKind) -> &'static str {
    match kind {
        JoinKind::Inner => "[INNER] JOIN",
        JoinKind::Left => "LEFT [OUTER] JOIN",
        JoinKind::Right => "RIGHT [OUTER] JOIN",
        JoinKind::Outer => "[FULL] OUTER JOIN",
    }
}

fn stream_window(join: &Join) -> Result<Shape> {
    let Some(within) = &join.within else {
        // It has none, which is told later.
        return Ok(Shape::StreamStream { before_ms: 0, after_ms: 0, grace_ms: None });
    };
    Ok(Shape::StreamStream {
        before_ms: interval_ms(within.before)?,
        after_ms: interval_ms(within.after)?,
        grace_ms: within.grace.map(interval_ms).transpose()?,
    })
}

fn table_shape(
    i: usize,
    join: &Join,
    criterion: &Criterion<'_>,
    (left_is_key, right_is_key): (bool, bool),
    got: &str,
) -> Result<Shape> {
    if !right_is_key {
        return Err(PlanError::statement(format!(
            "Invalid join condition: table-table joins require to join on the primary key of the right input table. Got \
             {}.",
            criterion.shown()
        ))
        .at(join.on.span));
    }
    if left_is_key {
        return Ok(Shape::TableTable);
    }
    if join.kind == JoinKind::Outer {
        return Err(PlanError::statement(format!(
            "Invalid join type: full-outer join not supported for foreign-key table-table join. Got {got}."
        ))
        .at(join.span));
    }
    if i > 0 {
        return Err(PlanError::statement(format!(
            "Invalid join condition: foreign-key table-table joins are not supported as part of n-way joins. Got {}.",
            criterion.shown()
        ))
        .at(join.on.span));
    }
    Ok(Shape::ForeignKey)
}
