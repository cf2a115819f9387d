//! CREATE OR REPLACE of a table: rows that the old query has written and the new one leaves out get a tombstone. The task
//! does that before it reads on.
//!
//! Both queries end with filters and projections over the same rows, those of a source table or of an aggregation (the
//! planner sees to that). These rows are kept; where the old query did not need to keep those of its source, they are read
//! once more, up to where it stood. Then every kept row is put through both queries.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::BooleanArray;
use arrow::buffer::BooleanBuffer;

use crate::operators::{Finish, finish};
use crate::state::{Cursor, Found, Place, Table};
use crate::steps::{QueryPlan, StepKind};
use crate::types::Changes;

use super::build::Builder;
use super::operators::Making;
use super::registry::RuntimeError;
use super::task::{Input, Progress, Task, TaskError};
use super::topology::{self, Role, SubTopology};

/// Rows looked at in one go.
const BATCH: usize = 4096;

/// What a query took the place of, until that is swept up.
#[derive(Clone, Default)]
pub(super) struct Replaced {
    /// The query that was there, and those which it had replaced itself and was not done with.
    plans: Vec<Arc<QueryPlan>>,
    /// Tasks that have something left to do; 1 before they are made.
    left: Arc<AtomicUsize>,
}

/// What a task has left to do.
pub(super) struct Sweep {
    /// Records of the source to be kept first, up to where the old query stood.
    fill: Vec<Input>,
    /// The node that keeps the rows, and its table.
    keeper: usize,
    table: Table,
    /// The node that keeps the result, if that is another one.
    result: Option<usize>,
    /// The ends of the queries that were there: a row may have been written by any of them.
    was: Vec<Vec<Finish>>,
    is: Vec<Finish>,
    cursor: Cursor,
    left: Arc<AtomicUsize>,
}

impl Replaced {
    /// A query of that plan was there, and had itself replaced others.
    pub(super) fn by_another(&self, plan: &Arc<QueryPlan>) -> Self {
        let before = if self.is_unfinished() { self.plans.clone() } else { Vec::new() };
        Self { plans: [vec![Arc::clone(plan)], before].concat(), left: Arc::new(AtomicUsize::new(1)) }
    }

    fn is_unfinished(&self) -> bool {
        self.left.load(Ordering::Acquire) > 0
    }

    /// Itself, if there is something left to do; each task that is made now counts what it has to.
    pub(super) fn begin(&self) -> Option<&Self> {
        (self.left.swap(0, Ordering::AcqRel) > 0).then_some(self)
    }

    /// The tasks could not be made.
    pub(super) fn postpone(&self) {
        self.left.store(1, Ordering::Release);
    }

    fn ends(&self, making: &Making<'_>) -> Result<Vec<Vec<Finish>>, RuntimeError> {
        self.plans.iter().map(|plan| Ok(making.finishing(&plan.root)?.1)).collect()
    }
}

fn filters(steps: &[Finish]) -> bool {
    steps.iter().any(|step| matches!(step, Finish::Filter(_)))
}

impl Builder<'_> {
    /// Forgets what is kept of a source that one of two queries keeps and the other does not: it would go out of date.
    pub(super) fn forget_source(
        &self,
        replaced: &Replaced,
        making: &Making<'_>,
        place: &Place,
    ) -> Result<(), RuntimeError> {
        let ((base, is), was) = (making.finishing(&self.plan.root)?, replaced.ends(making)?);
        if let (StepKind::Source(_), Some((kv, space))) = (&base.kind, &place.below(&base.id).disk)
            && !(filters(&is) && was.iter().all(|was| filters(was)))
        {
            kv.drop_spaces(space)?;
        }
        Ok(())
    }

    /// What the task of that sub-topology, already built, has to do first.
    pub(super) fn sweep(
        &self,
        replaced: &Replaced,
        making: &Making<'_>,
        sub: &SubTopology,
        task: &Task,
    ) -> Result<Option<Sweep>, RuntimeError> {
        let ((base, is), was) = (making.finishing(&self.plan.root)?, replaced.ends(making)?);
        if !filters(&is) {
            return Ok(None);
        }
        let keeps = |node: &topology::Node| {
            node.step.id == base.id && matches!(node.role, Role::Read | Role::Run | Role::RunSecondHalf)
        };
        let keeper = sub.nodes.iter().position(keeps);
        let kept = keeper.and_then(|at| Some((at, task.nodes.get(at)?.operator.as_ref()?.table()?)));
        let Some((keeper, table)) = kept else { return Ok(None) };
        let mut fill = Vec::new();
        if matches!(base.kind, StepKind::Source(_)) && !was.iter().all(|was| filters(was)) {
            for input in task.inputs.iter().filter(|input| input.node == keeper) {
                let begin = self.log.bounds(&input.of)?.begin;
                if let Some(node) = sub.nodes.get(keeper).filter(|_| begin < input.position) {
                    fill.push(self.input(keeper, node, input.of.clone(), begin, Some(input.position))?);
                }
            }
        }
        let result = (task.nodes.len() > sub.nodes.len()).then_some(sub.nodes.len());
        let left = Arc::clone(&replaced.left);
        left.fetch_add(1, Ordering::AcqRel);
        Ok(Some(Sweep { fill, keeper, table, result, was, is, cursor: Cursor::default(), left }))
    }
}

impl Task {
    /// Does a part of what a replaced query has left to do, and commits it.
    pub(super) fn sweep(&mut self, mut sweep: Sweep, now_ms: i64) -> Result<Progress, TaskError> {
        if let Some(input) = sweep.fill.last_mut() {
            let read = input.poll(&self.reports)?.is_some();
            if let Some(rows) = input.pending.take().map(|read| read.rows).filter(|rows| !rows.is_empty()) {
                self.apply(sweep.keeper, rows)?;
                self.commit(now_ms)?;
            }
            let is_filled = !read && input.until.is_none_or(|until| input.polled >= until);
            if is_filled {
                sweep.fill.pop();
            }
            self.sweep = Some(sweep);
            return Ok(if read || is_filled { Progress::Moved } else { Progress::Idle });
        }
        let mut found = Found::default();
        let has_more = sweep.table.scan(&mut sweep.cursor, BATCH, &mut found)?;
        let mut gone = sweep.gone(found)?;
        if !gone.is_empty() {
            if let Some(result) = sweep.result {
                gone = self.apply(result, gone)?;
            }
            self.target.take(gone, &self.reports, &mut self.outputs)?;
            self.commit(now_ms)?;
        }
        if has_more {
            self.sweep = Some(sweep);
        } else {
            sweep.left.fetch_sub(1, Ordering::AcqRel);
        }
        Ok(Progress::Moved)
    }

    /// Runs one node by itself.
    fn apply(&mut self, node: usize, rows: Changes) -> Result<Changes, TaskError> {
        match self.nodes.get_mut(node).and_then(|node| node.operator.as_mut()) {
            Some(operator) => Ok(operator.run(vec![rows], &mut self.reports)?),
            None => Ok(rows),
        }
    }
}

impl Sweep {
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
