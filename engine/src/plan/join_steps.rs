//! Checked joins → steps: both sides keyed alike, repartitioned where they are not.

use sql::{Join, JoinKind};

use crate::expr::Typed;
use crate::formats::FormatSpec;
use crate::steps::StepKind;
use crate::types::Column;

use super::error::{PlanError, Result};
use super::formats;
use super::join::{BoundJoin, Shape, clause};
use super::relation::Relation;
use super::select::Select;
use super::source;
use super::universe::ColumnId;

/// One side of a join on its way there.
struct Side<'a> {
    relation: Relation,
    /// Its side of the criterion.
    on: &'a Typed,
    /// Whether the criterion is its key.
    is_key: bool,
    /// Suffix of the internal topic, if it needs one.
    topic: String,
    /// Id of its steps.
    id: String,
}

impl Select<'_> {
    /// What ksqlDB finds when it puts joins together: the last one first.
    pub(super) fn check_joins(&self, joins: &[BoundJoin]) -> Result<()> {
        for (i, join) in joins.iter().enumerate().rev() {
            if join.shape != Shape::ForeignKey {
                self.check_partitions(i)?;
            }
            join.refused.clone().map_or(Ok(()), Err)?;
        }
        Ok(())
    }

    /// The sources next to a join have as many partitions.
    fn check_partitions(&self, i: usize) -> Result<()> {
        let known = |n: usize| {
            let from = self.froms.get(n)?;
            Some(self.planner.topics.topic(&from.source.topic)?.partitions)
        };
        let (Some(left_count), Some(right_count)) = (known(i), known(i + 1)) else { return Ok(()) };
        if left_count == right_count {
            return Ok(());
        }
        // Of what was joined before, ksqlDB counts the last source and names the first.
        let (left, right) = (self.alias(0), self.alias(i + 1));
        Err(PlanError::statement(format!(
            "Can't join `{left}` with `{right}` since the number of partitions don't match. `{left}` partitions = \
             {left_count}; `{right}` partitions = {right_count}. Please repartition either one so that the number of \
             partitions match."
        )))
    }

    /// Reads and joins all sources, left to right.
    pub(super) fn join(&mut self, joins: &[BoundJoin], needed: &[ColumnId]) -> Result<Relation> {
        let depth = |i: usize| "L_".repeat(joins.len() - 1 - i);
        let mut left = match self.froms.first() {
            Some(from) => {
                let id = format!("{}KafkaTopic_Left/Source", depth(0));
                source::read(&id, 0, from, needed, &self.universe)
            }
            None => return Err(PlanError::internal("a join without sources")),
        };
        for (i, join) in joins.iter().enumerate() {
            let Some(from) = self.froms.get(i + 1) else { break };
            let prefix = depth(i);
            let right = source::read(&format!("{prefix}KafkaTopic_Right/Source"), i + 1, from, needed, &self.universe);
            left = match join.shape {
                Shape::ForeignKey => self.foreign_key_join(&prefix, left, right, join)?,
                _ => self.key_join(&prefix, left, right, join)?,
            };
        }
        Ok(left)
    }

    fn key_join(&mut self, prefix: &str, left: Relation, right: Relation, join: &BoundJoin) -> Result<Relation> {
        Self::check_windows(&left, &right, join)?;
        let format = self.common_key_format(&left, &right, join);
        let Some(key) = join.key else { return Err(PlanError::internal("a join without a key")) };
        let topic = |side: &str, relation: &Relation| match (relation.step.is_table, join.shape) {
            (true, _) => format!("{prefix}{side}SourceKeyed-SelectKey"),
            (false, Shape::StreamTable) => format!("{prefix}Join"),
            (false, _) => format!("{prefix}Join-{}", side.to_lowercase()),
        };
        let window = left.window;
        let left = Side {
            topic: topic("Left", &left),
            relation: left,
            on: &join.left,
            is_key: join.left_is_key,
            id: format!("{prefix}LeftSourceKeyed"),
        };
        let right = Side {
            topic: topic("Right", &right),
            relation: right,
            on: &join.right,
            is_key: join.right_is_key,
            id: format!("{prefix}RightSourceKeyed"),
        };
        let left = self.side(left, key, join, &format)?;
        let right = self.side(right, key, join, &format)?;
        let value: Vec<ColumnId> = left.value().iter().chain(right.value()).copied().collect();
        let (outer_left, outer_right) = outer(join.kind);
        let is_table = join.shape == Shape::TableTable;
        let right = Box::new(right.step);
        let mut joined =
            left.onto(format!("{prefix}Join"), &self.universe, vec![key], value, |left| match join.shape {
                Shape::StreamStream { before_ms, after_ms, grace_ms } => {
                    StepKind::StreamStreamJoin { left, right, outer_left, outer_right, before_ms, after_ms, grace_ms }
                }
                Shape::StreamTable => StepKind::StreamTableJoin { left, right, outer_left },
                Shape::TableTable | Shape::ForeignKey => {
                    StepKind::TableTableJoin { left, right, outer_left, outer_right }
                }
            });
        joined.step.is_table = is_table;
        joined.window = window;
        Ok(joined)
    }

    /// Keys a side by its side of the criterion, in the common format, and keeps the columns that are read later.
    fn side(&mut self, side: Side<'_>, key: ColumnId, join: &BoundJoin, format: &FormatSpec) -> Result<Relation> {
        let Side { relation, on, is_key, topic, id } = side;
        let same_format =
            relation.step.key_format.name == format.name && relation.step.key_format.delimiter == format.delimiter;
        let kept: Vec<ColumnId> =
            relation.layout.iter().copied().filter(|&id| id != key && join.kept.contains(&id)).collect();
        if is_key && same_format && !has_foreign_ids(&relation) {
            return self.keep(relation, &id, kept);
        }
        if relation.window.is_some() && !(is_key && same_format) {
            return Err(implicit_repartition());
        }
        let key_column = match on.as_column() {
            Some(column) => column,
            None => self.universe.make(format!("KSQL_JOIN_{id}"), on.ty.clone()),
        };
        let keyed = if is_key {
            self.keep(relation, &id, kept)?
        } else {
            let on = relation.place(on)?;
            let positions = kept.iter().map(|&id| relation.position(id)).collect::<Result<Vec<_>>>()?;
            relation.onto(id.clone(), &self.universe, vec![key_column], kept, |input| StepKind::Rekey {
                input,
                key: vec![on],
                value: positions,
            })
        };
        let mut repartitioned = keyed.wrap(format!("{id}/Repartition"), |input| StepKind::Repartition {
            input,
            topic_suffix: topic,
            partitions: None,
        });
        repartitioned.step.key_format = format.clone();
        Ok(repartitioned)
    }

    /// Makes exactly `kept` the value columns; key columns among them are copied.
    fn keep(&self, relation: Relation, id: &str, kept: Vec<ColumnId>) -> Result<Relation> {
        if relation.value() == kept {
            return Ok(relation);
        }
        let key = relation.key().to_vec();
        let positions = (0..key.len()).collect();
        let value = kept.iter().map(|&id| relation.place(&self.universe.column(id))).collect::<Result<Vec<_>>>()?;
        Ok(relation.onto(id, &self.universe, key, kept, |input| StepKind::Project { input, key: positions, value }))
    }

    fn foreign_key_join(&self, prefix: &str, left: Relation, right: Relation, join: &BoundJoin) -> Result<Relation> {
        let from_right = right.layout.iter().copied().filter(|id| join.kept.contains(id)).collect();
        let right = self.keep(right, &format!("{prefix}RightSourceKeyed"), from_right)?;
        let foreign_key = left.place(&join.left)?;
        let key = left.key().to_vec();
        let value: Vec<ColumnId> = left.value().iter().chain(right.value()).copied().collect();
        let right = Box::new(right.step);
        let outer_left = join.kind == JoinKind::Left;
        Ok(left.onto(format!("{prefix}Join"), &self.universe, key, value, |left| StepKind::ForeignKeyJoin {
            left,
            right,
            foreign_key,
            outer_left,
        }))
    }

    /// The left side's key format, unless only the left side has to be re-keyed.
    fn common_key_format(&self, left: &Relation, right: &Relation, join: &BoundJoin) -> FormatSpec {
        let (left_format, right_format) = (&left.step.key_format, &right.step.key_format);
        let prefer_right = (!join.left_is_key && join.right_is_key) || left_format.name == "NONE";
        let preferred = if prefer_right { right_format } else { left_format };
        let default = self.planner.default_format("key").unwrap_or_else(|| "KAFKA".to_owned());
        formats::internal_key_spec(preferred, &[Column::new("KEY", join.left.ty.clone())], &default)
    }

    fn check_windows(left: &Relation, right: &Relation, join: &BoundJoin) -> Result<()> {
        match (left.window, right.window) {
            (None, None) => Ok(()),
            (Some(l), Some(r)) if join.left_is_key && join.right_is_key && l.size_ms == r.size_ms => Ok(()),
            _ => Err(implicit_repartition()),
        }
    }
}

/// Whether the keys of a source hold ids of schemas: those of another topic may hold another id, so that the same key is
/// other bytes there, in another partition.
fn has_foreign_ids(relation: &Relation) -> bool {
    let format = crate::formats::format(&relation.step.key_format.name);
    matches!(relation.step.kind, StepKind::Source(_)) && format.is_some_and(|format| format.language().is_some())
}

/// What a kind of join cannot have.
pub(super) fn refuse(join: &Join, shape: Shape) -> Result<()> {
    let not_windowed = |what: &str, hint: &str| {
        format!(
            "A window definition was provided for a {what} join. These joins are not windowed. Please drop the window \
             definition {hint} join again."
        )
    };
    let message = match (shape, &join.within) {
        (Shape::StreamStream { .. }, None) => {
            "Stream-Stream joins must have a WITHIN clause specified. None was provided. To learn about how to specify a \
             WITHIN clause with a stream-stream join, please visit: \
             https://docs.confluent.io/current/ksql/docs/syntax-reference.html#create-stream-as-select"
                .to_owned()
        }
        (Shape::StreamTable, Some(_)) => {
            not_windowed("Stream-Table", "(ie. the WITHIN clause) and try to execute your")
        }
        (Shape::TableTable | Shape::ForeignKey, Some(_)) => {
            not_windowed("Table-Table", "(i.e. the WITHIN clause) and try to execute your Table-Table")
        }
        (Shape::StreamTable, None) if join.kind == JoinKind::Right => {
            format!("Invalid join type encountered: {}", clause(join.kind))
        }
        (Shape::ForeignKey, None) if join.kind == JoinKind::Right => {
            "RIGHT OUTER JOIN on a foreign key is not supported".to_owned()
        }
        _ => return Ok(()),
    };
    Err(PlanError::statement(message).at(join.span))
}

/// Which sides keep rows that find no partner.
fn outer(kind: JoinKind) -> (bool, bool) {
    match kind {
        JoinKind::Inner => (false, false),
        JoinKind::Left => (true, false),
        JoinKind::Right => (false, true),
        JoinKind::Outer => (true, true),
    }
}

fn implicit_repartition() -> PlanError {
    PlanError::statement(
        "Implicit repartitioning of windowed sources is not supported. See \
         https://github.com/confluentinc/ksql/issues/4385.",
    )
}
