//! Step → operator.

use crate::expr::aggregates::{Call, Limits};
use crate::expr::{Evaluator, Registry, Settings, Typed, compile};
use crate::formats::{Encode, ReadBack, windowed};
use crate::operators::aggregate::{
    AggregateTable, GroupCall, GroupTable, Grouping, SessionAggregate, StreamAggregate, Updates, regrouped_schema,
};
use crate::operators::join::{
    ForeignKeyJoin, Inputs, JoinWindow, Outer, StreamStreamJoin, StreamTableJoin, TableTableJoin,
};
use crate::operators::{
    EncodeKeys, Filter, Finish, FlatMap, KeyForm, Keyless, Materialize, Operator, Project, Rekey, Suppress,
};
use crate::state::{Place, TableKind};
use crate::steps::{AggregateCall, Step, StepKind, Window};
use crate::types::{Schema, SqlType};

use super::error::RuntimeError;
use super::sink::encode_keys;

/// What operators are made with besides their step.
pub(super) struct Making<'a> {
    pub(super) functions: &'a Registry,
    pub(super) settings: &'a Settings,
    /// How long collections may become.
    pub(super) limits: Limits,
    /// Whether every update of a group goes out.
    pub(super) updates: Updates,
    /// Where the task keeps its state; each operator keeps its own below.
    pub(super) place: &'a Place,
    /// What the query makes.
    pub(super) root: &'a Step,
}

impl Making<'_> {
    /// The operator of a step that runs in one piece; `tells_old`: somebody reads the old side of its rows.
    pub(super) fn operator(&self, step: &Step, tells_old: bool) -> Result<Box<dyn Operator>, RuntimeError> {
        Ok(match &step.kind {
            StepKind::Filter { predicate, .. } => Box::new(self.filter(step, predicate)?),
            StepKind::Project { key, value, .. } => Box::new(self.project(step, key, value)?),
            StepKind::Rekey { key, value, .. } => {
                let keyless = keyless(self.root, &step.id, Keyless::Stays).unwrap_or(Keyless::Stays);
                Box::new(Rekey::new(&step.id, self.compile_all(key)?, value.clone(), keyless))
            }
            StepKind::FlatMap { functions, .. } => Box::new(FlatMap::new(&step.id, self.compile_all(functions)?)),
            StepKind::Aggregate { input, aggregates, window } => {
                self.aggregate(step, input, aggregates, *window, tells_old)?
            }
            StepKind::Suppress { window, .. } => {
                let place = self.place.below(&step.id);
                Box::new(Suppress::new(&step.schema, plain_keys(step)?, *window, &place, tells_old)?)
            }
            _ => return self.join(step, tells_old),
        })
    }

    fn filter(&self, step: &Step, predicate: &Typed) -> Result<Filter, RuntimeError> {
        Ok(Filter::new(&step.id, self.compile(predicate)?, step.is_table))
    }

    fn project(&self, step: &Step, key: &[usize], value: &[Typed]) -> Result<Project, RuntimeError> {
        Ok(Project::new(&step.id, key.to_vec(), self.compile_all(value)?))
    }

    /// The aggregation whose groups are the rows of a table, and what makes rows of them. `None`: the rows must be kept.
    pub(super) fn aggregated<'s>(&self, root: &'s Step) -> Result<Option<(&'s Step, Vec<Finish>)>, RuntimeError> {
        let mut step = root;
        loop {
            step = match &step.kind {
                StepKind::Filter { input, .. } => input,
                StepKind::Project { input, key, .. } if key.iter().copied().eq(0..input.schema.key.len()) => input,
                StepKind::Aggregate { .. } | StepKind::TableAggregate { .. } => return self.finishing(root).map(Some),
                _ => return Ok(None),
            };
        }
    }

    /// The step below the filters and projections that a query ends with, and these, first one first.
    pub(super) fn finishing<'s>(&self, root: &'s Step) -> Result<(&'s Step, Vec<Finish>), RuntimeError> {
        let (mut step, mut finish) = (root, Vec::new());
        loop {
            step = match &step.kind {
                StepKind::Filter { input, predicate } => {
                    finish.push(Finish::Filter(self.filter(step, predicate)?));
                    input
                }
                StepKind::Project { input, key, value } => {
                    finish.push(Finish::Project(self.project(step, key, value)?));
                    input
                }
                _ => {
                    finish.reverse();
                    return Ok((step, finish));
                }
            };
        }
    }

    /// The half of a GROUP BY on a table before its repartition topic.
    pub(super) fn group_table(&self, step: &Step) -> Result<Box<dyn Operator>, RuntimeError> {
        let StepKind::TableAggregate { group_key, topic_suffix, .. } = &step.kind else {
            return Err(cannot_run(step));
        };
        // It has no step of its own; its name is that of the topic behind it, as on a stream.
        Ok(Box::new(GroupTable::new(&topic_suffix.replace('-', "/"), self.compile_all(group_key)?)))
    }

    /// The half behind it.
    pub(super) fn aggregate_table(&self, step: &Step, tells_old: bool) -> Result<Box<dyn Operator>, RuntimeError> {
        let StepKind::TableAggregate { input, aggregates, .. } = &step.kind else { return Err(cannot_run(step)) };
        let schema = regrouped_schema(&input.schema, &step.schema);
        let place = self.place.below(&step.id);
        // The old key stands before the other columns of the regrouped rows.
        let calls = self.calls(aggregates, &schema, step.schema.key.len())?;
        Ok(Box::new(AggregateTable::new(self.grouping(step, calls, &place, tells_old)?)?))
    }

    fn aggregate(
        &self,
        step: &Step,
        input: &Step,
        aggregates: &[AggregateCall],
        window: Option<Window>,
        tells_old: bool,
    ) -> Result<Box<dyn Operator>, RuntimeError> {
        let place = self.place.below(&step.id);
        let calls = self.calls(aggregates, &input.schema, 0)?;
        let grouping = self.grouping(step, calls, &place, tells_old)?;
        Ok(match window {
            Some(window) if window.kind.is_session() => Box::new(SessionAggregate::new(grouping, window)?),
            window => Box::new(StreamAggregate::new(grouping, window)?),
        })
    }

    fn grouping<'p>(
        &self,
        step: &'p Step,
        calls: Vec<GroupCall>,
        place: &'p Place,
        with_old: bool,
    ) -> Result<Grouping<'p>, RuntimeError> {
        Ok(Grouping { step: &step.id, calls, keys: key_form(step), place, with_old, updates: self.updates })
    }

    /// Calls over rows of `schema`; positions count from `shift`.
    fn calls(
        &self,
        aggregates: &[AggregateCall],
        schema: &Schema,
        shift: usize,
    ) -> Result<Vec<GroupCall>, RuntimeError> {
        let call = |call: &AggregateCall| {
            let args: Vec<usize> = call.args.iter().map(|at| at + shift).collect();
            let columns = args.iter().filter_map(|at| schema.column(*at)).map(|column| column.ty.clone());
            let columns: Vec<SqlType> = columns.collect();
            let function = self.functions.aggregates().get(&call.function);
            let function = function.ok_or_else(|| RuntimeError::Build(format!("no aggregate {}", call.function)))?;
            let limits = self.limits;
            let resolved = (function.make)(&Call { columns: &columns, literals: &call.literals, limits });
            Ok(GroupCall { args, factory: resolved.map_err(RuntimeError::Build)?.factory })
        };
        aggregates.iter().map(call).collect()
    }

    fn join(&self, step: &Step, tells_old: bool) -> Result<Box<dyn Operator>, RuntimeError> {
        let [left, right] = step.inputs()[..] else {
            return Err(cannot_run(step));
        };
        let place = self.place.below(&step.id);
        let both = Inputs { left: &left.schema, right: &right.schema, keys: keys(left)?, place: &place };
        Ok(match &step.kind {
            StepKind::StreamTableJoin { outer_left, .. } => Box::new(StreamTableJoin::new(both, *outer_left)?),
            StepKind::TableTableJoin { outer_left, outer_right, .. } => {
                let outer = Outer { left: *outer_left, right: *outer_right };
                Box::new(TableTableJoin::new(both, outer, tells_old)?)
            }
            StepKind::StreamStreamJoin { outer_left, outer_right, before_ms, after_ms, grace_ms, .. } => {
                let window = JoinWindow { before_ms: *before_ms, after_ms: *after_ms, grace_ms: *grace_ms };
                let outer = Outer { left: *outer_left, right: *outer_right };
                Box::new(StreamStreamJoin::new(both, window, outer)?)
            }
            StepKind::ForeignKeyJoin { foreign_key, outer_left, .. } => {
                let foreign_key = self.compile(foreign_key)?;
                Box::new(ForeignKeyJoin::new(&step.id, both, keys(right)?, foreign_key, *outer_left, tells_old)?)
            }
            _ => return Err(cannot_run(step)),
        })
    }

    /// Keeps the rows of a step's table, or what is read of them where they were written, and tells what each replaces.
    pub(super) fn materialize(
        &self,
        step: &Step,
        name: &str,
        tells_old: bool,
        read_back: Option<ReadBack>,
    ) -> Result<Box<dyn Operator>, RuntimeError> {
        let place = self.place.below(name);
        let kept = Materialize::new(&step.schema, &step.key_format, table_kind(step), place, tells_old)?;
        Ok(Box::new(kept.read_back(read_back)))
    }

    fn compile(&self, expr: &Typed) -> Result<Evaluator, RuntimeError> {
        compile(expr, self.functions, self.settings).map_err(|error| RuntimeError::Build(error.to_string()))
    }

    fn compile_all(&self, exprs: &[Typed]) -> Result<Vec<Evaluator>, RuntimeError> {
        exprs.iter().map(|expr| self.compile(expr)).collect()
    }
}

fn cannot_run(step: &Step) -> RuntimeError {
    RuntimeError::Build(format!("step {} cannot be run", step.id))
}

/// Serialises the keys of a step's rows, their windows included.
fn keys(step: &Step) -> Result<EncodeKeys, RuntimeError> {
    let mut encoder = key_encoder(step)?;
    let window = step.key_window();
    Ok(Box::new(move |key, windows, rows| {
        let keys = encode_keys(&mut *encoder, key, None, rows)?;
        Ok(match (window, windows) {
            (Some(window), Some(windows)) => windowed::join(&keys, windows, window),
            _ => keys,
        })
    }))
}

/// Serialises the key columns of a step's rows.
fn plain_keys(step: &Step) -> Result<EncodeKeys, RuntimeError> {
    let mut encoder = key_encoder(step)?;
    Ok(Box::new(move |key, _, rows| Ok(encode_keys(&mut *encoder, key, None, rows)?)))
}

fn key_encoder(step: &Step) -> Result<Box<dyn Encode>, RuntimeError> {
    Ok(key_form(step).encoder()?)
}

/// How the keys of a step's rows stand in stores.
fn key_form(step: &Step) -> KeyForm {
    KeyForm::new(&step.key_format, &step.schema.key)
}

/// What becomes of rows with a NULL key that the step of that id makes, where those of `step` are read as `read` says.
fn keyless(step: &Step, id: &str, read: Keyless) -> Option<Keyless> {
    if step.id == id {
        return Some(read);
    }
    let of_join = |stays: bool| if stays { Keyless::Stays } else { Keyless::Unjoined };
    let [left, right] = match &step.kind {
        StepKind::Filter { .. }
        | StepKind::Project { .. }
        | StepKind::FlatMap { .. }
        | StepKind::Repartition { .. } => [read; 2],
        StepKind::Aggregate { .. } => [Keyless::Ungrouped; 2],
        StepKind::StreamTableJoin { outer_left, .. } => [of_join(*outer_left), Keyless::Unjoined],
        StepKind::StreamStreamJoin { outer_left, outer_right, .. } => [of_join(*outer_left), of_join(*outer_right)],
        StepKind::Source(_)
        | StepKind::Rekey { .. }
        | StepKind::TableAggregate { .. }
        | StepKind::Suppress { .. }
        | StepKind::TableTableJoin { .. }
        | StepKind::ForeignKeyJoin { .. } => [Keyless::Stays; 2],
    };
    step.inputs().into_iter().zip([left, right]).find_map(|(input, read)| keyless(input, id, read))
}

/// What stands behind the key in the table a step makes.
fn table_kind(step: &Step) -> TableKind {
    match &step.kind {
        StepKind::Aggregate { window: Some(window), .. } => TableKind::of(*window),
        // Where the windows of somebody else's table begin is not known: both bounds stand in the key, for ever.
        StepKind::Source(source) if source.formats.window.is_some() => TableKind::Session { retention_ms: i64::MAX },
        StepKind::Source(_) => TableKind::Plain,
        StepKind::Aggregate { window: None, .. } | StepKind::TableAggregate { .. } => TableKind::Plain,
        _ => step.inputs().first().map_or(TableKind::Plain, |input| table_kind(input)),
    }
}
