//! A task: one partition of one sub-topology (or a whole query), run by one thread at a time.
//!
//! ```text
//! poll inputs ─ decode ─ merge by time, number rows ─ operators in order ─ encode ─┐
//!   ▲                                                                              ▼
//!   └──────────── commit {positions, outputs, state} when drained or due ◄─── pending outputs
//! ```

use std::sync::Arc;

use arrow::array::UInt32Array;
use arrow::buffer::ScalarBuffer;
use arrow::error::ArrowError;

use crate::kv::KvError;
use crate::kv::Writes;
use crate::log::{Commit, Log, LogError, Output, Position, RawBatch, Reader, TopicPartition};
use crate::operators::{Operator, OperatorError};
use crate::state::Budget;
use crate::types::Changes;

use super::pace::Pace;
use super::partitions::{Head, merge};
use super::query::Blame;
use super::reports::Reports;
use super::sink::SinkError;
use super::source::Read;
use super::sweep::Sweep;
use super::target::Target;

/// Bytes polled from one input at a time.
const POLL_BYTES: usize = 1 << 20;

/// Why a task cannot go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum TaskError {
    /// The log failed: the query is started again from its last commit.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A record cannot be used and must not be passed over.
    #[error("{0}")]
    Record(String),
    /// The query must stop.
    #[error("{0}")]
    Fatal(String),
}

impl TaskError {
    /// Whose it is.
    pub(super) fn blame(&self) -> Blame {
        match self {
            Self::Log(error) => error.into(),
            Self::Record(_) => Blame::User,
            Self::Fatal(_) => Blame::Unknown,
        }
    }

    /// What a client is told of it.
    pub(super) fn told(&self) -> String {
        match self {
            Self::Log(error) => error.told(),
            other => other.to_string(),
        }
    }
}

impl From<KvError> for TaskError {
    fn from(error: KvError) -> Self {
        LogError::from(error).into()
    }
}

impl From<OperatorError> for TaskError {
    fn from(error: OperatorError) -> Self {
        match error {
            OperatorError::State(error) => error.into(),
            other => Self::Fatal(other.to_string()),
        }
    }
}

impl From<ArrowError> for TaskError {
    fn from(error: ArrowError) -> Self {
        Self::Fatal(error.to_string())
    }
}

impl From<SinkError> for TaskError {
    fn from(error: SinkError) -> Self {
        Self::Record(error.to_string())
    }
}

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

/// Reads the records of one input.
pub(super) trait ReadRows: Send {
    fn read(&mut self, batch: &RawBatch, reports: &Reports) -> Result<Read, TaskError>;
}

/// One partition a task reads.
pub(super) struct Input {
    pub(super) of: TopicPartition,
    /// A partition of a repartition topic: this task is its only reader.
    pub(super) is_internal: bool,
    /// Index of the node it feeds.
    pub(super) node: usize,
    pub(super) reader: Box<dyn Reader>,
    pub(super) rows: Box<dyn ReadRows>,
    /// Decoded rows not taken yet, and their offsets.
    pub(super) pending: Option<Read>,
    /// Offset after everything polled.
    pub(super) polled: i64,
    /// Offset after everything taken.
    pub(super) position: i64,
    /// Where a scan ends.
    pub(super) until: Option<i64>,
    /// The last poll gave something, so there may be more.
    pub(super) more: bool,
    /// See [`Head::turn`].
    pub(super) turn: u64,
}

/// One operator and where its input comes from.
pub(super) struct Node {
    /// `None` hands on its only input.
    pub(super) operator: Option<Box<dyn Operator>>,
    pub(super) inputs: Vec<usize>,
    /// What it gets when nothing was read for it.
    pub(super) empty: Changes,
}

/// A task.
pub(super) struct Task {
    /// `<sub-topology>_<partition>`
    pub(super) id: String,
    pub(super) group: Arc<str>,
    pub(super) inputs: Vec<Input>,
    pub(super) nodes: Vec<Node>,
    pub(super) target: Target,
    pub(super) reports: Reports,
    pub(super) log: Arc<dyn Log>,
    /// Shared by all stores: when it is exceeded, what is committed can leave memory.
    pub(super) budget: Arc<Budget>,
    pub(super) pace: Pace,
    /// Whether it commits: a transient query does not.
    pub(super) commits: bool,
    pub(super) commit_interval_ms: i64,
    /// Pause between two purges of the repartition topics it reads.
    pub(super) purge_interval_ms: i64,
    pub(super) outputs: Vec<Output>,
    /// Bytes taken and made since the last commit: about what memory cannot let go of.
    pub(super) pending_bytes: usize,
    /// Something was taken since the last commit.
    pub(super) dirty: bool,
    /// What there is to do before anything is read, because the query took the place of another.
    pub(super) sweep: Option<Sweep>,
    /// What the next commit notes besides the operators' state.
    pub(super) notes: Writes,
    pub(super) committed_ms: i64,
    pub(super) purged_ms: i64,
}

impl Task {
    /// Its name within the query.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Takes one step; commits when its inputs are drained, when the interval is over, or when much is pending.
    pub(super) fn step(&mut self, now_ms: i64) -> Result<Progress, TaskError> {
        if self.target.is_gone() {
            return Ok(Progress::Finished);
        }
        if !self.target.has_room() {
            return Ok(Progress::Blocked);
        }
        if let Some(sweep) = self.sweep.take() {
            return self.sweep(sweep, now_ms);
        }
        let polled = self.poll()?;
        let taken = self.take();
        let moved = taken.is_some();
        // LIMIT 0 is reached before a record comes.
        let mut finished = self.target.wants_none();
        if let Some(fed) = taken {
            finished = self.run(fed)?;
        }
        let due = now_ms - self.committed_ms >= self.commit_interval_ms
            || self.pending_bytes >= self.budget.uncommitted()
            || self.budget.is_exceeded();
        if self.dirty && (finished || !moved || due) {
            self.commit(now_ms)?;
        }
        if finished || (!moved && self.is_scanned()) {
            self.target.end(finished);
            return Ok(Progress::Finished);
        }
        Ok(if moved || polled { Progress::Moved } else { Progress::Idle })
    }

    /// Commits what is pending (on an orderly stop).
    pub(super) fn commit(&mut self, now_ms: i64) -> Result<(), TaskError> {
        self.dirty = false;
        self.pending_bytes = 0;
        self.committed_ms = now_ms;
        let mut writes = std::mem::take(&mut self.notes);
        for node in &mut self.nodes {
            if let Some(operator) = &mut node.operator {
                operator.drain_state(&mut writes);
            }
        }
        if !self.commits {
            // Nothing is kept beyond the query, but its stores let go of what they do not need any more.
            return self.committed();
        }
        let positions =
            self.inputs.iter().map(|input| Position { of: input.of.clone(), offset: input.position }).collect();
        let outputs = std::mem::take(&mut self.outputs);
        if self.reports.is_over() {
            // Whoever stopped the query has not waited for this step: what it did must not count any more.
            return Ok(());
        }
        self.log.commit(Commit { group: Arc::clone(&self.group), positions, outputs, writes })?;
        self.committed()?;
        if now_ms - self.purged_ms >= self.purge_interval_ms {
            self.purged_ms = now_ms;
            self.purge();
        }
        Ok(())
    }

    /// What was drained is committed.
    fn committed(&mut self) -> Result<(), TaskError> {
        let mut operators = self.nodes.iter_mut().filter_map(|node| node.operator.as_mut());
        Ok(operators.try_for_each(|operator| operator.committed())?)
    }

    /// Gives up what it has read, and committed, of repartition topics. What cannot be given up now stays until later.
    fn purge(&self) {
        let internal = self.inputs.iter().filter(|input| input.is_internal);
        let read: Vec<Position> =
            internal.map(|input| Position { of: input.of.clone(), offset: input.position }).collect();
        if !read.is_empty()
            && let Err(error) = self.log.delete_records(&read)
        {
            tracing::warn!(task = self.id, "repartition topics are not purged: {error}");
        }
    }

    /// Reads from inputs that have nothing at hand; says whether anything came.
    fn poll(&mut self) -> Result<bool, TaskError> {
        let mut any = false;
        for input in &mut self.inputs {
            if input.pending.is_none() {
                let bytes = input.poll(&self.reports)?;
                any |= bytes.is_some();
                self.pending_bytes += bytes.unwrap_or_default();
            }
        }
        Ok(any)
    }

    /// Takes the next step's rows, by node; `None` when there are none.
    fn take(&mut self) -> Option<Vec<(usize, Changes)>> {
        let heads: Vec<Head<'_>> = self.inputs.iter().map(Input::head).collect();
        let merged = merge(&heads, self.pace.rows());
        let mut fed = Vec::new();
        for ((input, seq), turn) in self.inputs.iter_mut().zip(merged.seq).zip(merged.turns) {
            input.turn = turn;
            if let Some(rows) = input.take(seq) {
                fed.push((input.node, rows));
            }
        }
        // Offsets of dropped records count as taken too. Every input advances, or one that is drained would never be polled.
        let advanced = self.inputs.iter_mut().fold(false, |any, input| input.advance() | any);
        self.dirty |= advanced || !fed.is_empty();
        (!fed.is_empty()).then_some(fed)
    }

    /// Runs the operators; says whether the target wants no more.
    fn run(&mut self, fed: Vec<(usize, Changes)>) -> Result<bool, TaskError> {
        let mut made: Vec<Option<Changes>> = self.nodes.iter().map(|_| None).collect();
        let mut read: Vec<Vec<Changes>> = self.nodes.iter().map(|_| Vec::new()).collect();
        let taken = fed.iter().map(|(_, rows)| rows.len()).sum();
        let mut most_bytes = 0;
        for (node, rows) in fed {
            if let Some(read) = read.get_mut(node) {
                read.push(rows);
            }
        }
        for (index, (node, read)) in self.nodes.iter_mut().zip(read).enumerate() {
            let ports: Vec<Changes> = if node.inputs.is_empty() {
                vec![if read.is_empty() { node.empty.clone() } else { by_seq(read)? }]
            } else {
                let port = |from: &usize| made.get_mut(*from).and_then(Option::take);
                node.inputs.iter().map(port).map(|rows| rows.unwrap_or_else(|| node.empty.clone())).collect()
            };
            let rows = match &mut node.operator {
                Some(operator) => operator.run(ports, &mut self.reports)?,
                None => ports.into_iter().next().unwrap_or_else(|| node.empty.clone()),
            };
            most_bytes = most_bytes.max(rows.bytes());
            if let Some(made) = made.get_mut(index) {
                *made = Some(rows);
            }
        }
        self.pace.made(taken, most_bytes);
        let Some(result) = made.pop().flatten() else { return Ok(false) };
        if result.is_empty() {
            return Ok(false);
        }
        let before = self.outputs.len();
        let finished = self.target.take(result, &self.reports, &mut self.outputs)?;
        let new = self.outputs.get(before..).unwrap_or_default();
        self.pending_bytes +=
            new.iter().map(|output| output.records.payload_bytes(output.records.len())).sum::<usize>();
        Ok(finished)
    }

    /// Whether a scan has read everything up to its end.
    fn is_scanned(&self) -> bool {
        !self.inputs.is_empty()
            && self.inputs.iter().all(|input| input.until.is_some_and(|until| input.position >= until))
    }
}

impl Input {
    fn head(&self) -> Head<'_> {
        Head { times: self.pending.as_ref().map_or(&[], |read| &read.rows.time), more: self.more, turn: self.turn }
    }

    /// Reads what is there; says how many bytes it was, or that there was nothing.
    pub(super) fn poll(&mut self, reports: &Reports) -> Result<Option<usize>, TaskError> {
        self.more = false;
        if self.until.is_some_and(|until| self.polled >= until) {
            return Ok(None);
        }
        let batches = self.reader.poll(POLL_BYTES)?;
        let Some((_, mut batch)) = batches.into_iter().next() else {
            if let Some(until) = self.until.filter(|_| self.reader.has_reached_end(0)) {
                self.polled = until;
            }
            return Ok(None);
        };
        let Some(last) = batch.offsets.last().copied() else { return Ok(None) };
        self.polled = last + 1;
        self.more = true;
        if let Some(until) = self.until.filter(|until| last >= *until) {
            let count = batch.offsets.iter().take_while(|offset| **offset < until).count();
            batch = RawBatch { offsets: batch.offsets.slice(0, count), records: batch.records.slice(0, count) };
            self.polled = until;
        }
        let bytes = batch.records.payload_bytes(batch.records.len());
        self.pending = Some(self.rows.read(&batch, reports)?);
        Ok(Some(bytes))
    }

    /// Takes as many rows as there are numbers.
    fn take(&mut self, seq: Vec<u64>) -> Option<Changes> {
        let count = seq.len();
        if count == 0 {
            return None;
        }
        let read = self.pending.as_mut()?;
        let mut rows = read.rows.slice(0, count);
        rows.seq = ScalarBuffer::from(seq);
        let rest = read.rows.len() - count;
        read.rows = read.rows.slice(count, rest);
        read.offsets = read.offsets.slice(count, rest);
        Some(rows)
    }

    /// Moves the position behind what was taken; says whether it moved.
    fn advance(&mut self) -> bool {
        if self.pending.as_ref().is_some_and(|read| read.rows.is_empty()) {
            self.pending = None;
        }
        let next = self.pending.as_ref().and_then(|read| read.offsets.first().copied()).unwrap_or(self.polled);
        let moved = next != self.position;
        self.position = next;
        moved
    }
}

/// Rows of several partitions of one source, in the order of their numbers.
fn by_seq(read: Vec<Changes>) -> Result<Changes, ArrowError> {
    let all = Changes::concat(&read)?;
    if read.len() == 1 {
        return Ok(all);
    }
    let mut order: Vec<u32> = (0..all.len() as u32).collect();
    order.sort_by_key(|&row| all.seq.get(row as usize).copied());
    all.take(&UInt32Array::from(order))
}
