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

use crate::kv::{Kv, KvError};
use crate::log::LogError;
use crate::operators::{Finish, finish};
use crate::state::{Cursor, Found, Place, Table};
use crate::steps::{QueryPlan, StepKind};
use crate::types::Changes;

use super::build::Builder;
use super::operators::Making;
use super::registry::RuntimeError;
use super::task::{Input, Progress, Task, TaskError};
use super::topology::{self, Role, SubTopology};

/// What a task has noted, below its state.
const SPACE: &str = "swept";
const KEY: &[u8] = b"command";
/// Needless rows are removed in steps of so many, and of about so many bytes of keys.
const ROWS_REMOVED: usize = 4096;
const BYTES_REMOVED: usize = 1 << 20;

/// A plan that a query had before CREATE OR REPLACE gave it another.
#[derive(Debug, Clone)]
pub struct Earlier {
    /// The plan.
    pub plan: Arc<QueryPlan>,
    /// Number of the command that gave it to the query.
    pub command: i64,
}

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
    /// The command the task was in line with.
    pub(super) since: Option<i64>,
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
    /// The node that keeps the rows, and its table.
    keeper: usize,
    table: Table,
    /// The node that keeps the result, if that is another one.
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

impl Builder<'_> {
    /// How far a task with its state in `place` is behind its query.
    pub(super) fn behind(
        &self,
        history: &History<'_>,
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
        let (base, is) = making.finishing(&self.plan.root)?;
        let is_source = matches!(base.kind, StepKind::Source(_));
        Ok(Some(Behind { since, command: history.command, base: base.id.clone(), is_source, was, is }))
    }

    /// What the task of that sub-topology, already built with its state in `place`, has to do first.
    pub(super) fn sweep(
        &self,
        behind: Behind,
        place: &Place,
        sub: &SubTopology,
        task: &Task,
    ) -> Result<Sweep, RuntimeError> {
        let Behind { since, command, base, is_source, was, is } = behind;
        let space = |name: &str| place.below(name).disk.map(|(_, space)| space);
        let mut sweep = Sweep {
            since,
            command,
            kv: Arc::clone(self.log.kv()),
            note: space(SPACE).unwrap_or_default(),
            needless: space(&base).filter(|_| is_source && !filters(&is)).map(Needless::new),
            fill: Vec::new(),
            scan: None,
        };
        let keeps = |node: &topology::Node| {
            node.step.id == base && matches!(node.role, Role::Read | Role::Run | Role::RunSecondHalf)
        };
        let keeper = sub.nodes.iter().position(keeps).filter(|_| filters(&is));
        let kept = keeper.and_then(|at| Some((at, task.nodes.get(at)?.operator.as_ref()?.table()?)));
        let Some((keeper, table)) = kept else { return Ok(sweep) };
        let misses_rows = is_source && !was.iter().all(|was| filters(was));
        for input in task.inputs.iter().filter(|input| misses_rows && input.node == keeper) {
            let begin = self.log.bounds(&input.of)?.begin;
            if let Some(node) = sub.nodes.get(keeper).filter(|_| begin < input.position) {
                sweep.fill.push(self.input(keeper, node, input.of.clone(), begin, Some(input.position))?);
            }
        }
        let result = (task.nodes.len() > sub.nodes.len()).then_some(sub.nodes.len());
        let (cursor, batch) = (Cursor::default(), self.step_rows);
        sweep.scan = Some(Scan { keeper, table, result, was, is, cursor, batch });
        Ok(sweep)
    }
}

/// The command whose query a task is in line with.
fn in_line_with(place: &Place) -> Result<Option<i64>, LogError> {
    let Some((kv, space)) = place.below(SPACE).disk else { return Ok(None) };
    let Some(noted) = kv.get(&space, KEY)? else { return Ok(None) };
    let corrupt = || KvError::Corrupt { file: space.to_string(), problem: "it holds no number".to_owned() };
    Ok(Some(i64::from_be_bytes(noted.try_into().map_err(|_| corrupt())?)))
}

impl Task {
    /// Does a part of what replaced queries have left to do, and commits it.
    pub(super) fn sweep(&mut self, mut sweep: Sweep, now_ms: i64) -> Result<Progress, TaskError> {
        if sweep.needless.as_ref().is_some_and(|needless| needless.is_there) {
            self.remove_needless(&mut sweep)?;
            self.commit(now_ms)?;
            self.sweep = Some(sweep);
            return Ok(Progress::Moved);
        }
        if let Some((input, scan)) = sweep.fill.last_mut().zip(sweep.scan.as_ref()) {
            let read = input.poll(&self.reports)?.is_some();
            if let Some(rows) = input.pending.take().map(|read| read.rows).filter(|rows| !rows.is_empty()) {
                self.apply(scan.keeper, rows)?;
                self.commit(now_ms)?;
            }
            let is_filled = !read && input.until.is_none_or(|until| input.polled >= until);
            if is_filled {
                sweep.fill.pop();
            }
            self.sweep = Some(sweep);
            return Ok(if read || is_filled { Progress::Moved } else { Progress::Idle });
        }
        let mut has_more = false;
        if let Some(scan) = &mut sweep.scan {
            let mut found = Found::default();
            has_more = scan.table.scan(&mut scan.cursor, scan.batch, &mut found)?;
            let mut gone = scan.gone(found)?;
            self.dirty = !gone.is_empty();
            if self.dirty {
                if let Some(result) = scan.result {
                    gone = self.apply(result, gone)?;
                }
                self.target.take(gone, &self.reports, &mut self.outputs)?;
            }
        }
        if !has_more {
            self.notes.put(&sweep.note, KEY, |bytes| bytes.extend_from_slice(&sweep.command.to_be_bytes()));
        }
        if self.dirty || !has_more {
            self.commit(now_ms)?;
        }
        if has_more {
            self.sweep = Some(sweep);
        }
        Ok(Progress::Moved)
    }

    /// Removes some rows that nobody needs any more with the next commit.
    fn remove_needless(&mut self, sweep: &mut Sweep) -> Result<(), LogError> {
        let Some(needless) = &mut sweep.needless else { return Ok(()) };
        let from = needless.removed.take();
        let from = from.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let (space, notes, mut last) = (&needless.space, &mut self.notes, None);
        sweep.kv.scan(space, from, Bound::Unbounded, &mut |key, _| {
            notes.delete(space, key);
            last = Some(key.to_vec());
            notes.len() < ROWS_REMOVED && notes.bytes() < BYTES_REMOVED
        })?;
        needless.is_there = last.is_some();
        needless.removed = last;
        if !needless.is_there {
            // Windows are in spaces of their own.
            sweep.kv.drop_spaces(space)?;
        }
        Ok(())
    }

    /// Runs one node by itself.
    fn apply(&mut self, node: usize, rows: Changes) -> Result<Changes, TaskError> {
        match self.nodes.get_mut(node).and_then(|node| node.operator.as_mut()) {
            Some(operator) => Ok(operator.run(vec![rows], &mut self.reports)?),
            None => Ok(rows),
        }
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
