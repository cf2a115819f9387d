//! CREATE OR REPLACE of a table: rows that the old query has written and the new one leaves out get a tombstone. The task
//! does that before it reads on.
//!
//! Both queries end with filters and projections over the same rows, those of a source table or of an aggregation (the
//! planner sees to that). These rows are kept; where the old query did not need to keep those of its source, they are read
//! once more, up to where it stood, over what may be left of an older query. (A row that is kept although it is gone does
//! no harm: somebody may get a tombstone twice.) Then every kept row is put through both queries.
//!
//! With its last commit the task notes the number of the command whose query it is in line with now. A task that is made
//! and finds another number there, or none, begins anew, whatever has stopped the one before.

use std::ops::Bound;
use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::buffer::BooleanBuffer;

use crate::kv::{Kv, KvError, Writes};
use crate::log::{Log, Position, TopicPartition};
use crate::operators::{Finish, finish};
use crate::state::{Cursor, Found, Place, Table};
use crate::steps::{Step, StepKind};
use crate::types::Changes;

use super::error::{RuntimeError, TaskError};
use super::input::{Input, Range};
use super::operators::Making;
use super::pipeline::{Pipeline, Stage};
use super::request::Earlier;
use super::topology::{Node, Role, SubTopology};

/// What a task has noted, below its state.
const SPACE: &str = "swept";
const KEY: &[u8] = b"command";
/// Needless rows are removed in steps of so many, and of about so many bytes of keys.
const ROWS_REMOVED: usize = 4096;
const BYTES_REMOVED: usize = 1 << 20;

/// The plans of a query.
pub(super) struct History<'a> {
    /// Number of the command that made the present one.
    pub(super) command: i64,
    /// Those before it.
    pub(super) earlier: &'a [Earlier],
}

/// A task that is not in line with its query yet.
pub(super) struct Behind {
    /// The command it is in line with; `None`: the first one of the query.
    since: Option<i64>,
    command: i64,
    /// The step whose rows are kept.
    base: String,
    /// That step is a source.
    is_source: bool,
    /// The ends of the queries that were there: a row may have been written by any of them.
    was: Vec<Vec<Finish>>,
    is: Vec<Finish>,
}

/// What a task has left to do.
pub(super) struct Sweep {
    since: Option<i64>,
    command: i64,
    kv: Arc<dyn Kv>,
    /// Where it is noted that all is done.
    note: Arc<str>,
    needless: Option<Needless>,
    /// Records of the source to be kept first, up to where the old query stood.
    fill: Vec<Input>,
    scan: Option<Scan>,
}

/// Rows of the source that nobody needs any more.
struct Needless {
    space: Arc<str>,
    /// Key of the last one that was removed.
    removed: Option<Vec<u8>>,
    /// There may be more.
    is_there: bool,
}

/// The way through the kept rows.
struct Scan {
    /// The stage that keeps the rows, and its table.
    keeper: usize,
    table: Table,
    /// The stage that keeps the result, if that is another one.
    result: Option<usize>,
    was: Vec<Vec<Finish>>,
    is: Vec<Finish>,
    cursor: Cursor,
    /// Rows looked at in one go.
    batch: usize,
}

fn filters(steps: &[Finish]) -> bool {
    steps.iter().any(|step| matches!(step, Finish::Filter(_)))
}

impl Behind {
    /// How far a task with its state in `place` is behind its query, whose last step is `root`.
    pub(super) fn of(
        history: &History<'_>,
        root: &Step,
        making: &Making<'_>,
        place: &Place,
    ) -> Result<Option<Behind>, RuntimeError> {
        let since = match history.earlier {
            [] => return Ok(None),
            _ => in_line_with(place)?,
        };
        if since == Some(history.command) {
            return Ok(None);
        }
        let left = history.earlier.iter().filter(|earlier| since.is_none_or(|since| earlier.command >= since));
        let was: Vec<_> =
            left.map(|earlier| Ok(making.finishing(&earlier.plan.root)?.1)).collect::<Result<_, RuntimeError>>()?;
        let (base, is) = making.finishing(root)?;
        let is_source = matches!(base.kind, StepKind::Source(_));
        Ok(Some(Behind { since, command: history.command, base: base.id.clone(), is_source, was, is }))
    }

    /// What the task made of these parts has to do first.
    pub(super) fn into_sweep(self, parts: &Parts<'_>, log: &dyn Log) -> Result<Sweep, RuntimeError> {
        let Behind { since, command, base, is_source, was, is } = self;
        let space = |name: &str| parts.place.below(name).disk.map(|(_, space)| space);
        let mut sweep = Sweep {
            since,
            command,
            kv: Arc::clone(log.kv()),
            note: space(SPACE).unwrap_or_default(),
            needless: space(&base).filter(|_| is_source && !filters(&is)).map(Needless::new),
            fill: Vec::new(),
            scan: None,
        };
        let nodes = &parts.sub.nodes;
        let keeps =
            |node: &Node| node.step.id == base && matches!(node.role, Role::Read | Role::Run | Role::RunSecondHalf);
        let keeper = nodes.iter().position(keeps).filter(|_| filters(&is));
        let kept = keeper.and_then(|at| Some((at, parts.stages.get(at)?.table()?)));
        let Some((keeper, table)) = kept else { return Ok(sweep) };
        let misses_rows = is_source && !was.iter().all(|was| filters(was));
        for input in parts.inputs.iter().filter(|input| misses_rows && input.stage() == keeper) {
            let Position { of, offset } = input.position();
            let from = log.bounds(&of)?.begin;
            if from < offset {
                sweep.fill.push((parts.reopen)(keeper, of, &Range { from, until: Some(offset) })?);
            }
        }
        let result = (parts.stages.len() > nodes.len()).then_some(nodes.len());
        let (cursor, batch) = (Cursor::default(), parts.step_rows);
        sweep.scan = Some(Scan { keeper, table, result, was, is, cursor, batch });
        Ok(sweep)
    }
}

/// A task that is being made.
pub(super) struct Parts<'a> {
    /// What it does.
    pub(super) sub: &'a SubTopology,
    /// Where its state is.
    pub(super) place: &'a Place,
    /// Its stages: one for each node, and one more if the result is kept by itself.
    pub(super) stages: &'a [Stage],
    /// What it reads.
    pub(super) inputs: &'a [Input],
    /// Makes one more input of a stage.
    pub(super) reopen: &'a dyn Fn(usize, TopicPartition, &Range) -> Result<Input, RuntimeError>,
    /// Rows it takes at once.
    pub(super) step_rows: usize,
}

/// The command whose query a task is in line with.
fn in_line_with(place: &Place) -> Result<Option<i64>, KvError> {
    let Some((kv, space)) = place.below(SPACE).disk else { return Ok(None) };
    let Some(noted) = kv.get(&space, KEY)? else { return Ok(None) };
    let corrupt = || KvError::Corrupt { file: space.to_string(), problem: "it holds no number".to_owned() };
    Ok(Some(i64::from_be_bytes(noted.try_into().map_err(|_| corrupt())?)))
}

/// What came of a part of a sweep.
#[derive(Debug, Default)]
pub(super) struct Swept {
    /// There is something to commit.
    pub(super) has_made: bool,
    /// There is more to do.
    pub(super) has_more: bool,
    /// What is to be read has not come yet.
    pub(super) waits: bool,
}

impl Sweep {
    /// The command the task was in line with.
    pub(super) fn since(&self) -> Option<i64> {
        self.since
    }

    /// Does a part of it; `notes` are committed with what the pipeline makes.
    pub(super) fn step(&mut self, pipeline: &mut Pipeline, notes: &mut Writes) -> Result<Swept, TaskError> {
        if self.needless.as_ref().is_some_and(|needless| needless.is_there) {
            self.remove_needless(notes)?;
            return Ok(Swept { has_made: true, has_more: true, waits: false });
        }
        if let Some((input, scan)) = self.fill.last_mut().zip(self.scan.as_ref()) {
            let read = input.poll(pipeline.reports())?.is_some();
            let rows = input.take_all().filter(|rows| !rows.is_empty());
            let has_made = rows.is_some();
            if let Some(rows) = rows {
                pipeline.run_stage(scan.keeper, rows)?;
            }
            let is_filled = !read && input.is_polled();
            if is_filled {
                self.fill.pop();
            }
            return Ok(Swept { has_made, has_more: true, waits: !read && !is_filled });
        }
        let mut swept = Swept::default();
        if let Some(scan) = &mut self.scan {
            let mut found = Found::default();
            swept.has_more = scan.table.scan(&mut scan.cursor, scan.batch, &mut found)?;
            let mut gone = scan.gone(found)?;
            swept.has_made = !gone.is_empty();
            if swept.has_made {
                if let Some(result) = scan.result {
                    gone = pipeline.run_stage(result, gone)?;
                }
                pipeline.send(gone)?;
            }
        }
        if !swept.has_more {
            notes.put(&self.note, KEY, |bytes| bytes.extend_from_slice(&self.command.to_be_bytes()));
            swept.has_made = true;
        }
        Ok(swept)
    }

    /// Removes some rows that nobody needs any more with the next commit.
    fn remove_needless(&mut self, notes: &mut Writes) -> Result<(), KvError> {
        let Some(needless) = &mut self.needless else { return Ok(()) };
        let from = needless.removed.take();
        let from = from.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let (space, mut last) = (&needless.space, None);
        self.kv.scan(space, from, Bound::Unbounded, &mut |key, _| {
            notes.delete(space, key);
            last = Some(key.to_vec());
            notes.len() < ROWS_REMOVED && notes.bytes() < BYTES_REMOVED
        })?;
        needless.is_there = last.is_some();
        needless.removed = last;
        if !needless.is_there {
            // Windows are in spaces of their own.
            self.kv.drop_spaces(space)?;
        }
        Ok(())
    }
}

impl Needless {
    fn new(space: Arc<str>) -> Self {
        Self { space, removed: None, is_there: true }
    }
}

impl Scan {
    /// Tombstones of the rows that were in the table and are not any more.
    fn gone(&self, found: Found) -> Result<Changes, TaskError> {
        let kept = self.table.rows(found)?;
        let was = self.was.iter().map(|was| finish(was, kept.clone())).collect::<Result<Vec<_>, _>>()?;
        let mut is = finish(&self.is, kept)?;
        let was_there = |row: usize| was.iter().any(|was| was.new.is_present(row));
        let gone: BooleanBuffer = (0..is.len()).map(|row| was_there(row) && !is.new.is_present(row)).collect();
        is = is.filter(&BooleanArray::new(gone, None))?;
        is.new.present = Some(BooleanBuffer::new_unset(is.len()));
        is.new.mask_absent()?;
        Ok(is)
    }
}
