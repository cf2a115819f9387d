//! What a task reads: a partition, from an offset on.

use arrow::buffer::ScalarBuffer;

use crate::log::{Position, RawBatch, Reader, Records, TopicPartition};
use crate::types::Changes;

use super::dead_letters::LostRecord;
use super::error::TaskError;
use super::partitions::Head;
use super::reports::Reports;

/// Bytes polled from one input at a time.
const POLL_BYTES: usize = 1 << 20;

/// Rows of one partition, and the offset of each.
#[derive(Debug)]
pub(super) struct Read {
    /// The rows; `seq` is empty, the merge fills it.
    pub(super) rows: Changes,
    /// Offset of the record each row comes from.
    pub(super) offsets: ScalarBuffer<i64>,
    /// How many records of the batch were read; the others are still to be.
    pub(super) records: usize,
}

/// Reads the records of one input.
pub(super) trait ReadRows: Send {
    /// The rows of a batch of records, or of its first ones; what cannot be used is reported.
    fn read(&mut self, batch: &RawBatch, reports: &mut Reports) -> Result<Read, TaskError>;

    /// A record whose value nobody else can read, as others can.
    fn readable(&self, _record: &Records) -> Option<Records> {
        None
    }
}

/// One partition a task reads.
pub(super) struct Input {
    of: TopicPartition,
    /// A partition of a repartition topic: this task is its only reader.
    is_internal: bool,
    /// Index of the stage it feeds.
    stage: usize,
    reader: Box<dyn Reader>,
    rows: Box<dyn ReadRows>,
    /// Records that were polled and are not read yet, and the offset after all of them.
    rest: Option<(RawBatch, i64)>,
    /// Decoded rows not taken yet, and their offsets.
    pending: Option<Read>,
    /// Offset after everything read.
    polled: i64,
    /// Offset after everything taken.
    position: i64,
    /// Where a scan ends.
    until: Option<i64>,
    /// The last poll gave something, or more is on its way.
    more: bool,
    /// See [`Head::turn`].
    turn: u64,
    /// The records of what is at hand, if dead letters are made of some.
    kept: Option<Kept>,
}

/// Records, and the rows of them that the present step has taken.
struct Kept {
    batch: RawBatch,
    /// Numbers of these rows, ascending, and the offsets of their records.
    seq: Vec<u64>,
    offsets: ScalarBuffer<i64>,
}

/// Where an input begins and ends.
pub(super) struct Range {
    /// Offset of the first record.
    pub(super) from: i64,
    /// Offset after the last one, if it is to end.
    pub(super) until: Option<i64>,
}

impl Input {
    /// An input of the stage with that index.
    pub(super) fn new(
        of: TopicPartition,
        stage: usize,
        is_internal: bool,
        range: &Range,
        reader: Box<dyn Reader>,
        rows: Box<dyn ReadRows>,
    ) -> Self {
        let Range { from, until } = *range;
        let (pending, polled, position) = (None, from, from);
        Self {
            of,
            is_internal,
            stage,
            reader,
            rows,
            rest: None,
            pending,
            polled,
            position,
            until,
            more: false,
            turn: 0,
            kept: None,
        }
    }

    /// How far it is taken.
    pub(super) fn position(&self) -> Position {
        Position { of: self.of.clone(), offset: self.position }
    }

    /// Index of the stage it feeds.
    pub(super) fn stage(&self) -> usize {
        self.stage
    }

    /// Whether it is a partition of a repartition topic.
    pub(super) fn is_internal(&self) -> bool {
        self.is_internal
    }

    /// Whether nothing of it waits to be taken.
    pub(super) fn is_drained(&self) -> bool {
        self.pending.is_none()
    }

    /// Whether a scan has taken everything up to its end.
    pub(super) fn is_scanned(&self) -> bool {
        self.until.is_some_and(|until| self.position >= until)
    }

    /// Whether everything up to its end has been polled.
    pub(super) fn is_polled(&self) -> bool {
        self.until.is_none_or(|until| self.polled >= until)
    }

    /// What the merge is to know of it.
    pub(super) fn head(&self) -> Head<'_> {
        Head { times: self.pending.as_ref().map_or(&[], |read| &read.rows.time), more: self.more, turn: self.turn }
    }

    /// Reads what is there; says how many bytes it was, or that there was nothing.
    pub(super) fn poll(&mut self, reports: &mut Reports) -> Result<Option<usize>, TaskError> {
        self.more = false;
        self.kept = None;
        if self.until.is_some_and(|until| self.polled >= until) {
            return Ok(None);
        }
        let polled = match self.rest.take() {
            Some(rest) => Some(rest),
            None => self.poll_batch()?,
        };
        let Some((batch, end)) = polled else { return Ok(None) };
        self.more = true;
        let read = self.rows.read(&batch, reports)?;
        let left = batch.offsets.get(read.records).copied();
        self.polled = left.unwrap_or(end);
        let done = batch.slice(0, read.records.min(batch.offsets.len()));
        self.rest = left.map(|_| (batch.slice(read.records, batch.offsets.len() - read.records), end));
        let bytes = done.records.payload_bytes(done.records.len());
        self.pending = Some(read);
        self.kept = reports.keeps_records().then(|| Kept { batch: done, seq: Vec::new(), offsets: Vec::new().into() });
        Ok(Some(bytes))
    }

    /// Takes records from the log, up to the end of a scan, and the offset after them.
    fn poll_batch(&mut self) -> Result<Option<(RawBatch, i64)>, TaskError> {
        let batches = self.reader.poll(POLL_BYTES)?;
        let Some((_, batch)) = batches.into_iter().next() else {
            self.more = !self.reader.has_reached_end(0);
            if let Some(until) = self.until.filter(|_| !self.more) {
                self.polled = until;
            }
            return Ok(None);
        };
        let Some(last) = batch.offsets.last().copied() else { return Ok(None) };
        Ok(Some(match self.until.filter(|until| last >= *until) {
            Some(until) => {
                let count = batch.offsets.iter().take_while(|offset| **offset < until).count();
                (batch.slice(0, count), until)
            }
            None => (batch, last + 1),
        }))
    }

    /// Takes all rows at hand as they are.
    pub(super) fn take_all(&mut self) -> Option<Changes> {
        self.pending.take().map(|read| read.rows)
    }

    /// Takes as many rows as there are numbers; `turn` is its [`Head::turn`] from now on.
    pub(super) fn take(&mut self, seq: Vec<u64>, turn: u64) -> Option<Changes> {
        self.turn = turn;
        let count = seq.len();
        if let Some(kept) = &mut self.kept {
            kept.seq.clear();
        }
        if count == 0 {
            return None;
        }
        let read = self.pending.as_mut()?;
        if let Some(kept) = &mut self.kept {
            (kept.seq, kept.offsets) = (seq.clone(), read.offsets.slice(0, count));
        }
        let mut rows = read.rows.slice(0, count);
        rows.seq = ScalarBuffer::from(seq);
        let rest = read.rows.len() - count;
        read.rows = read.rows.slice(count, rest);
        read.offsets = read.offsets.slice(count, rest);
        Some(rows)
    }

    /// The record of the row with that number in the present step, if it is one of these and kept.
    pub(super) fn record(&self, seq: u64) -> Option<LostRecord> {
        let Kept { batch, seq: taken, offsets } = self.kept.as_ref()?;
        let offset = *offsets.get(taken.binary_search(&seq).ok()?)?;
        let row = batch.offsets.binary_search(&offset).ok()?;
        let record = batch.records.slice(row, 1);
        let record = self.rows.readable(&record).unwrap_or(record);
        Some(LostRecord { of: self.of.clone(), offset, is_internal: self.is_internal, record })
    }

    /// Moves the position behind what was taken; says whether it moved.
    pub(super) fn advance(&mut self) -> bool {
        if self.pending.as_ref().is_some_and(|read| read.rows.is_empty()) {
            self.pending = None;
        }
        let next = self.pending.as_ref().and_then(|read| read.offsets.first().copied()).unwrap_or(self.polled);
        let moved = next != self.position;
        self.position = next;
        moved
    }
}
