//! A task: one partition of one sub-topology (or a whole query), run by one thread at a time.
//!
//! ```text
//! poll inputs ─ decode ─ merge by time, number rows ─ operators in order ─ encode ─┐
//!   ▲                                                                              ▼
//!   └──────────── commit {positions, outputs, state} when drained or due ◄─── pending outputs
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::kv::Writes;
use crate::log::{Changelogs, Commit, Log, LogError, Position};
use crate::state::Budget;
use crate::types::Changes;

use super::dead_letters::Lost;
use super::error::TaskError;
use super::input::Input;
use super::pace::Pace;
use super::partitions::{Head, merge};
use super::pipeline::Pipeline;
use super::sweep::Sweep;

/// Kafka forgets positions of groups without members that were not committed for a week.
const RENEWAL_MS: i64 = 12 * 60 * 60 * 1000;

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Rows were taken; there may be more.
    Moved,
    /// There was nothing to take.
    Idle,
    /// The client must read first.
    Blocked,
    /// It is over: the limit is reached, the scan is at its end, or the client is gone.
    Finished,
}

/// What all tasks of a query commit by.
pub(super) struct Commits {
    /// Its consumer group; none: it is a client's and keeps nothing.
    pub(super) group: Option<Arc<str>>,
    /// The thread that runs the task.
    pub(super) thread: usize,
    /// Where its state is kept besides the local database.
    pub(super) changelogs: Option<Arc<Changelogs>>,
    /// Whether the task is still this process's; none: nobody else can get it.
    pub(super) ours: Option<Arc<AtomicBool>>,
    /// Pause between two commits.
    pub(super) interval_ms: i64,
    /// Pause between two purges of the repartition topics it reads.
    pub(super) purge_interval_ms: i64,
    /// Where to.
    pub(super) log: Arc<dyn Log>,
    /// Shared by all stores: when it is exceeded, what is committed can leave memory.
    pub(super) budget: Arc<Budget>,
}

/// A task.
pub(super) struct Task {
    /// `<sub-topology>_<partition>`
    id: String,
    inputs: Vec<Input>,
    pipeline: Pipeline,
    commits: Commits,
    pace: Pace,
    /// Bytes taken and made since the last commit: about what memory cannot let go of.
    pending_bytes: usize,
    /// Something was taken since the last commit.
    dirty: bool,
    /// It is time for a commit that it shares with the other tasks of its thread.
    due: bool,
    /// What there is to do before anything is read, because the query took the place of another.
    sweep: Option<Sweep>,
    /// What the next commit notes besides the operators' state.
    notes: Writes,
    committed_ms: i64,
    purged_ms: i64,
    /// There is something to purge.
    unpurged: bool,
    /// When it last committed its positions whether or not it had moved.
    renewed_ms: Option<i64>,
}

impl Task {
    /// A task that has not begun; it does what `sweep` says first.
    pub(super) fn new(
        id: String,
        inputs: Vec<Input>,
        pipeline: Pipeline,
        commits: Commits,
        pace: Pace,
        sweep: Option<Sweep>,
        now_ms: i64,
    ) -> Self {
        Self {
            id,
            inputs,
            pipeline,
            commits,
            pace,
            pending_bytes: 0,
            dirty: false,
            due: false,
            sweep,
            notes: Writes::default(),
            committed_ms: now_ms,
            purged_ms: now_ms,
            unpurged: false,
            renewed_ms: None,
        }
    }

    /// Its name within the query.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Whether its query is a client's.
    pub(super) fn is_transient(&self) -> bool {
        self.commits.group.is_none()
    }

    /// Whether it is still this process's.
    pub(super) fn is_ours(&self) -> bool {
        self.commits.ours.as_ref().is_none_or(|ours| ours.load(Ordering::Acquire))
    }

    /// Whether it has taken something since its last commit.
    pub(super) fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// Whether it commits together with the other tasks of its thread.
    pub(super) fn shares_commits(&self) -> bool {
        self.commits.group.is_some() && self.commits.log.shares_commits()
    }

    /// Where it commits.
    pub(super) fn log(&self) -> &Arc<dyn Log> {
        &self.commits.log
    }

    /// The thread that runs it.
    pub(super) fn thread(&self) -> usize {
        self.commits.thread
    }

    /// When the next shared commit is due, milliseconds since the epoch, if there will be something to commit.
    pub(super) fn due_ms(&self) -> Option<i64> {
        let after = if self.due { 0 } else { self.commits.interval_ms };
        (self.dirty && self.shares_commits()).then(|| self.committed_ms.saturating_add(after))
    }

    /// What it has to do first.
    pub(super) fn sweep(&self) -> Option<&Sweep> {
        self.sweep.as_ref()
    }

    /// Tells a client, if it has one, that it cannot go on.
    pub(super) fn fail(&self, message: &str) {
        self.pipeline.target().fail(message);
    }

    /// Writes to the processing log that it cannot go on.
    pub(super) fn report(&mut self, error: &TaskError) {
        self.pipeline.reports().failed(&error.to_string());
    }

    /// Takes one step; commits when its inputs are drained, when the interval is over, or when much is pending.
    pub(super) fn step(&mut self, now_ms: i64) -> Result<Progress, TaskError> {
        if self.pipeline.target().is_gone() {
            return Ok(Progress::Finished);
        }
        if !self.pipeline.target().has_room() {
            return Ok(Progress::Blocked);
        }
        if let Some(sweep) = self.sweep.take() {
            return self.go_on_with(sweep, now_ms);
        }
        let polled = match self.poll() {
            Err(TaskError::Schemas(error)) if self.dirty => {
                // What was taken does not wait for the schema of a record behind it.
                self.commit(now_ms)?;
                return Err(TaskError::Schemas(error));
            }
            polled => polled?,
        };
        let taken = self.take();
        if self.shares_commits() && self.renewed_ms.is_none_or(|at| now_ms - at >= RENEWAL_MS) {
            self.renewed_ms = Some(now_ms);
            self.dirty = true;
        }
        let moved = taken.is_some();
        // LIMIT 0 is reached before a record comes.
        let mut finished = self.pipeline.target().wants_none();
        if let Some(fed) = taken {
            finished = self.run(fed)?;
            if self.pipeline.reports().is_over() {
                // It was stopped meanwhile, and what it made may be no more than begun.
                return Ok(Progress::Finished);
            }
        }
        let budget = &self.commits.budget;
        let due = now_ms - self.committed_ms >= self.commits.interval_ms
            || self.pending_bytes + self.pipeline.reports().held_bytes() >= budget.uncommitted()
            || budget.is_exceeded();
        if self.shares_commits() && !finished {
            self.due |= self.dirty && due;
        } else if self.dirty && (finished || !moved || due) {
            self.commit(now_ms)?;
        }
        if !self.dirty {
            self.purge_if_due(now_ms);
        }
        if finished || (!moved && self.is_scanned()) {
            self.pipeline.target().end(finished);
            return Ok(Progress::Finished);
        }
        Ok(if moved || polled { Progress::Moved } else { Progress::Idle })
    }

    /// Commits what is pending.
    pub(super) fn commit(&mut self, now_ms: i64) -> Result<(), TaskError> {
        let Some(commit) = self.begin_commit(now_ms)? else { return Ok(()) };
        let committed = self.commits.log.commit_all(self.commits.thread, vec![commit]);
        committed.into_iter().try_for_each(|committed| self.end_commit(committed, now_ms))
    }

    /// What is to be committed since the last time, [`Task::end_commit`] follows. `None`: nothing is kept of it.
    pub(super) fn begin_commit(&mut self, now_ms: i64) -> Result<Option<Commit>, TaskError> {
        (self.dirty, self.due) = (false, false);
        self.pending_bytes = 0;
        self.committed_ms = now_ms;
        let mut writes = std::mem::take(&mut self.notes);
        let mut outputs = self.pipeline.drain(&mut writes);
        let positions = self.positions();
        let Some(group) = self.commits.group.clone() else {
            self.pipeline.reports().append(&positions);
            // Nothing is kept beyond the query, but its stores let go of what they do not need any more.
            self.pipeline.committed()?;
            return Ok(None);
        };
        if self.pipeline.reports().is_over() {
            // Whoever stopped the query has not waited for this step: what it did must not count any more.
            return Ok(None);
        }
        outputs.extend(self.pipeline.reports().drain_letters(&positions)?);
        if self.commits.log.is_atomic() {
            outputs.extend(self.pipeline.reports().drain_entries(&positions));
        }
        let (changelogs, ours) = (self.commits.changelogs.clone(), self.commits.ours.clone());
        Ok(Some(Commit { group, positions, outputs, writes, changelogs, ours }))
    }

    /// What was to be committed is, or is not. The next interval begins now: a commit that takes longer than one must not leave
    /// the time for a single step between it and the next.
    pub(super) fn end_commit(&mut self, committed: Result<(), LogError>, now_ms: i64) -> Result<(), TaskError> {
        if matches!(committed, Err(LogError::Moved)) {
            return Err(LogError::Moved.into());
        }
        committed.inspect_err(|error| self.pipeline.reports().uncommitted(error))?;
        if !self.commits.log.is_atomic() {
            // A processing log that cannot be written must not stop the query, or have it write its rows again.
            let positions = self.positions();
            self.pipeline.reports().append(&positions);
        }
        self.pipeline.committed()?;
        self.committed_ms = now_ms;
        self.unpurged = self.inputs.iter().any(Input::is_internal);
        self.purge_if_due(now_ms);
        Ok(())
    }

    /// Gives up what it has read of repartition topics, if that is due; also when nothing more comes.
    fn purge_if_due(&mut self, now_ms: i64) {
        if self.unpurged && now_ms - self.purged_ms >= self.commits.purge_interval_ms {
            (self.unpurged, self.purged_ms) = (false, now_ms);
            self.purge();
        }
    }

    fn positions(&self) -> Vec<Position> {
        self.inputs.iter().map(Input::position).collect()
    }

    /// Does a part of what replaced queries have left to do, and commits it.
    fn go_on_with(&mut self, mut sweep: Sweep, now_ms: i64) -> Result<Progress, TaskError> {
        self.pipeline.reports().repeat(true);
        let swept = sweep.step(&mut self.pipeline, &mut self.notes)?;
        self.pipeline.reports().repeat(false);
        if swept.has_made {
            self.commit(now_ms)?;
        }
        self.sweep = swept.has_more.then_some(sweep);
        Ok(if swept.waits { Progress::Idle } else { Progress::Moved })
    }

    /// Gives up what it has read, and committed, of repartition topics. What cannot be given up now stays until later.
    fn purge(&self) {
        let internal = self.inputs.iter().filter(|input| input.is_internal());
        let read: Vec<Position> = internal.map(Input::position).collect();
        if !read.is_empty()
            && let Err(error) = self.commits.log.delete_records(&read)
        {
            tracing::warn!(task = self.id, "repartition topics are not purged: {error}");
        }
    }

    /// Reads from inputs that have nothing at hand; says whether anything came.
    fn poll(&mut self) -> Result<bool, TaskError> {
        let mut any = false;
        for input in &mut self.inputs {
            if input.is_drained() {
                let bytes = input.poll(self.pipeline.reports())?;
                any |= bytes.is_some();
                self.pending_bytes += bytes.unwrap_or_default();
            }
        }
        Ok(any)
    }

    /// Takes the next step's rows, by stage; `None` when there are none.
    fn take(&mut self) -> Option<Vec<(usize, Changes)>> {
        let heads: Vec<Head<'_>> = self.inputs.iter().map(Input::head).collect();
        let merged = merge(&heads, self.pace.rows());
        let mut fed = Vec::new();
        for ((input, seq), turn) in self.inputs.iter_mut().zip(merged.seq).zip(merged.turns) {
            if let Some(rows) = input.take(seq, turn) {
                fed.push((input.stage(), rows));
            }
        }
        // Offsets of dropped records count as taken too. Every input advances, or one that is drained would never be polled.
        let advanced = self.inputs.iter_mut().fold(false, |any, input| input.advance() | any);
        self.dirty |= advanced || !fed.is_empty();
        (!fed.is_empty()).then_some(fed)
    }

    /// Runs the operators; says whether the target wants no more.
    fn run(&mut self, fed: Vec<(usize, Changes)>) -> Result<bool, TaskError> {
        let taken = fed.iter().map(|(_, rows)| rows.len()).sum();
        let begin = Instant::now();
        let ran = self.pipeline.run(fed)?;
        let took = begin.elapsed();
        for Lost { seq, fault } in self.pipeline.reports().take_lost() {
            if let Some(lost) = self.inputs.iter().find_map(|input| input.record(seq)) {
                self.pipeline.reports().dead_letter(lost, fault);
            }
        }
        self.pace.made(taken, ran.most_bytes, took);
        self.pending_bytes += ran.output_bytes;
        Ok(ran.is_over)
    }

    /// Whether a scan has read everything up to its end.
    fn is_scanned(&self) -> bool {
        !self.inputs.is_empty() && self.inputs.iter().all(Input::is_scanned)
    }
}
