//! Going on with the state of a query of a ksqlDB that has been stopped.
//!
//! ```text
//! changelogs of ksqlDB, up to where they ended ─ records ─> rows ─ merged by time ─> operators ─> our own state, committed
//! ```
//!
//! Rows of tables and of both sides of a join of two streams go through the task's operators as if they were read, and
//! what comes out is dropped: ksqlDB has written it. Groups are set to what ksqlDB has kept of them; what the operators
//! behind hold back of their results (EMIT FINAL) follows from that. With the last commit the task notes that all is
//! done. One that finds no note begins anew: the same records make the same entries.
//!
//! | file | what |
//! |---|---|
//! | `left` | which changelogs ksqlDB has, and what stands in them |
//! | `records` | their records as rows |
//! | `why_not` | what cannot be taken over |

mod left;
mod records;
mod why_not;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::kv::Writes;
use crate::log::{Log, LogError, Position, Signal, TopicPartition};
use crate::state::{Budget, Place};

use super::error::{RuntimeError, TaskError};
use super::input::{Input, Range};
use super::partitions::{Head, merge};
use super::pipeline::{Given, Pipeline};
use super::taken::Taken;

use left::Goes;
pub(super) use left::{Left, Query, left};
use records::LeftRecords;
pub use why_not::why_not;

/// What a task has noted, below its state.
const SPACE: &str = "taken";
const KEY: &[u8] = b"over";
/// How long to wait for records that must be there.
const STALLED: Duration = Duration::from_secs(60);
const WAIT: Duration = Duration::from_millis(500);

/// Whether the state of a task is still to be made of what ksqlDB has left. What is there of it has come of an attempt that
/// was cut short, and is removed.
pub(super) fn begin(place: &Place) -> Result<bool, RuntimeError> {
    let Some((kv, space)) = &place.disk else { return Ok(false) };
    if kv.get(&format!("{space}/{SPACE}"), KEY)?.is_some() {
        return Ok(false);
    }
    kv.drop_spaces(&format!("{space}/"))?;
    Ok(true)
}

/// What taking over the state of one task needs.
pub(super) struct TakeOver<'a> {
    pub(super) log: &'a dyn Log,
    pub(super) taken: &'a Taken,
    pub(super) budget: &'a Budget,
    /// What ksqlDB has left for the task.
    pub(super) left: Vec<Left>,
    /// The partitions it reads: all of them if there are none.
    pub(super) partition: Option<u32>,
    /// Rows it takes at once.
    pub(super) step_rows: usize,
    /// Commits a part of the state.
    pub(super) commit: &'a dyn Fn(Writes) -> Result<(), LogError>,
}

impl TakeOver<'_> {
    /// Makes the state. `notes` are committed with the last part.
    pub(super) fn run(self, pipeline: &mut Pipeline, place: &Place, mut notes: Writes) -> Result<(), RuntimeError> {
        let Some((_, space)) = &place.disk else { return Ok(()) };
        if !self.left.is_empty() {
            tracing::info!(state = %space, "state is taken over from ksqlDB's changelogs");
        }
        pipeline.reports().repeat(true);
        let taken = self.rows(pipeline).and_then(|()| self.groups(pipeline));
        pipeline.reports().repeat(false);
        taken.map_err(|error| match error {
            TaskError::Log(error) => RuntimeError::Log(error),
            TaskError::Schemas(error) => crate::formats::FormatError::Schemas(error).into(),
            other => RuntimeError::Build(other.to_string()),
        })?;
        notes.put(&Arc::from(format!("{space}/{SPACE}")), KEY, |bytes| bytes.push(1));
        Ok((self.commit)(notes)?)
    }

    /// Takes in the rows of tables and of joins of streams.
    fn rows(&self, pipeline: &mut Pipeline) -> Result<(), TaskError> {
        self.each(pipeline, |goes| !matches!(goes, Goes::Groups(_)))
    }

    /// Takes in the groups of aggregations.
    fn groups(&self, pipeline: &mut Pipeline) -> Result<(), TaskError> {
        self.each(pipeline, |goes| matches!(goes, Goes::Groups(_)))
    }

    fn each(&self, pipeline: &mut Pipeline, which: impl Fn(Goes) -> bool) -> Result<(), TaskError> {
        let signal = Arc::<Signal>::default();
        let mut inputs = Vec::new();
        for (at, left) in self.left.iter().enumerate().filter(|(_, left)| which(left.goes)) {
            self.open(at, left, &signal, &mut inputs)?;
        }
        let (mut moved, mut pending) = (Instant::now(), 0);
        while !inputs.iter().all(Input::is_scanned) {
            let seen = signal.count();
            for input in inputs.iter_mut().filter(|input| input.is_drained()) {
                pending += input.poll(pipeline.reports())?.unwrap_or_default();
            }
            if self.step(&mut inputs, pipeline)? {
                moved = Instant::now();
                if pending >= self.budget.uncommitted() || self.budget.is_exceeded() {
                    self.commit(pipeline)?;
                    pending = 0;
                }
            } else if moved.elapsed() > STALLED {
                let waits = inputs.iter().find(|input| !input.is_scanned()).map(Input::position);
                let topic = waits.map(|position| position.of.topic.to_string()).unwrap_or_default();
                return Err(LogError::Broker(format!("changelog {topic} gives no records")).into());
            } else if !inputs.iter().all(Input::is_scanned) {
                signal.wait(seen, WAIT);
            }
        }
        self.commit(pipeline)
    }

    /// Opens the partitions of a changelog, as far as they are ksqlDB's.
    fn open(&self, at: usize, left: &Left, signal: &Arc<Signal>, inputs: &mut Vec<Input>) -> Result<(), TaskError> {
        let all = self.taken.ends.get(&*left.topic).map_or(0, |ends| ends.len() as u32);
        for partition in (0..all).filter(|partition| self.partition.is_none_or(|only| only == *partition)) {
            let of = TopicPartition { topic: Arc::clone(&left.topic), partition };
            let bounds = self.log.bounds(&of)?;
            let (from, until) = (bounds.begin, self.taken.end(&of.topic, partition).min(bounds.end));
            if from < until {
                let reader = self.log.reader(vec![Position { of: of.clone(), offset: from }], Arc::clone(signal))?;
                let rows = LeftRecords::new(&left.layout, of.clone());
                let rows = Box::new(rows.map_err(|error| TaskError::Fatal(error.to_string()))?);
                inputs.push(Input::new(of, at, false, &Range { from, until: Some(until) }, reader, rows));
            }
        }
        Ok(())
    }

    /// Takes in the next rows, oldest first; says whether anything moved.
    fn step(&self, inputs: &mut [Input], pipeline: &mut Pipeline) -> Result<bool, TaskError> {
        let heads: Vec<Head<'_>> = inputs.iter().map(Input::head).collect();
        let merged = merge(&heads, self.step_rows);
        let mut given = Vec::new();
        for ((input, seq), turn) in inputs.iter_mut().zip(merged.seq).zip(merged.turns) {
            let left = self.left.get(input.stage());
            given.extend(input.take(seq, turn).zip(left).map(|(rows, left)| match left.goes {
                Goes::Read(stage) => (stage, Given::Read(rows)),
                Goes::Made(stage) => (stage, Given::Made(rows)),
                Goes::Groups(stage) => (stage, Given::Groups(rows)),
            }));
        }
        let advanced = inputs.iter_mut().fold(false, |any, input| input.advance() | any);
        let has_rows = !given.is_empty();
        if has_rows {
            pipeline.take_over(given)?;
        }
        Ok(has_rows || advanced)
    }

    fn commit(&self, pipeline: &mut Pipeline) -> Result<(), TaskError> {
        let mut writes = Writes::default();
        // What was made of it went out long ago.
        let _written_by_ksqldb = pipeline.drain(&mut writes);
        if !writes.is_empty() {
            (self.commit)(writes)?;
        }
        pipeline.committed()
    }
}
