//! What a task tells the processing log, and the records it has no use for.

use std::sync::Arc;

use arrow::array::Array;

use crate::clock::Clock;
use crate::log::{LogError, Output, Position, RawBatch, Records, TopicPartition};
use crate::operators::Context;

use super::dead_letters::{DeadLetters, Fault, Lost};
use super::life::{Life, State};
use super::log_topic::{Entries, Incident, LogTopic};
use super::processing_log::{Origin, Trouble, shortened};

/// The processing log, with the time; operators see it as their [`Context`].
pub(super) struct Reports {
    life: Arc<Life>,
    clock: Arc<dyn Clock>,
    /// For the log's topic, if entries go there.
    entries: Option<Entries>,
    /// For the topic of dead letters, if the query has one.
    letters: Option<DeadLetters>,
    /// The rows at hand come from records of the present step, by their numbers.
    has_records: bool,
    /// What is read and computed was read and computed before, and reported.
    repeats: bool,
}

impl Reports {
    /// `topic`: where entries go besides standard error.
    pub(super) fn new(
        life: Arc<Life>,
        clock: Arc<dyn Clock>,
        topic: Option<Arc<LogTopic>>,
        letters: Option<DeadLetters>,
    ) -> Self {
        let entries = topic.map(|topic| Entries::new(topic, life.processing_log.query()));
        Self { life, clock, entries, letters, has_records: true, repeats: false }
    }

    /// Whether the query is over, and another may run in its place.
    pub(super) fn is_over(&self) -> bool {
        self.life.state() == State::Stopped
    }

    /// Whether what follows has been reported before.
    pub(super) fn repeat(&mut self, repeats: bool) {
        self.repeats = repeats;
    }

    /// Whether what follows is about rows of the present step's records, and none that was held back.
    pub(super) fn behind(&mut self, has_records: bool) {
        self.has_records = has_records;
    }

    /// Whether records that cannot be used are kept, so that the task must have them at hand.
    pub(super) fn keeps_records(&self) -> bool {
        self.letters.is_some() && !self.repeats && self.life.may_write_letters()
    }

    /// The dead letters, while the query may write some.
    fn letters(&mut self) -> Option<&mut DeadLetters> {
        let keeps = self.keeps_records();
        self.letters.as_mut().filter(|_| keeps)
    }

    /// The entries for the log's topic, while the query may write some.
    fn entries(&mut self) -> Option<&mut Entries> {
        let may_log = self.life.may_log();
        self.entries.as_mut().filter(|_| may_log)
    }

    /// A record that could not be read: that row of the batch.
    pub(super) fn bad_record(&mut self, step: &str, message: String, origin: Origin, batch: &RawBatch, row: usize) {
        if let Some(letters) = self.letters() {
            let part = if origin.is_key { "key" } else { "value" };
            let of = TopicPartition { topic: Arc::clone(&origin.topic), partition: origin.partition };
            letters.push((of, origin.offset), batch.records.slice(row, 1), fault(step, part, &message));
        }
        let bytes = bytes(batch, row, origin.is_key);
        self.write(Trouble::Deserialization, step, message, Some(origin), bytes);
    }

    /// A row that could not be written.
    pub(super) fn bad_row(&mut self, step: &str, message: String, seq: Option<u64>) {
        self.lose(step, &message, seq);
        self.write(Trouble::Serialization, step, message, None, None);
    }

    /// The rows that were dropped since the last call, whose records the task knows.
    pub(super) fn take_lost(&mut self) -> Vec<Lost> {
        self.letters.as_mut().map(DeadLetters::take_lost).unwrap_or_default()
    }

    /// The record of a row that was dropped.
    pub(super) fn dead_letter(&mut self, at: (TopicPartition, i64), record: Records, fault: Fault) {
        if let Some(letters) = &mut self.letters {
            letters.push(at, record, fault);
        }
    }

    /// A record that could not be read and must not be passed over: the query stops.
    pub(super) fn fatal_record(&mut self, step: &str, message: String, origin: Origin, batch: &RawBatch, row: usize) {
        let bytes = bytes(batch, row, origin.is_key);
        let log = &self.life.processing_log;
        let entry = log.entry(self.clock.now_ms(), Trouble::Deserialization, step, message, Some(origin));
        if let Some(entries) = self.entries() {
            entries.note_fatal(&Incident::Entry(&entry, bytes), &entry.logger, entry.time_ms);
        }
    }

    /// Rows that could not be written to that topic, so that the query stops.
    pub(super) fn fatal_rows(&mut self, step: &str, topic: &str, message: &str) {
        let log = &self.life.processing_log;
        let entry = log.entry(self.clock.now_ms(), Trouble::Serialization, step, message.to_owned(), None);
        if let Some(entries) = self.entries() {
            entries.note_fatal(&Incident::Unwritten(&entry, topic), &entry.logger, entry.time_ms);
        }
    }

    /// What was made could not be committed.
    pub(super) fn uncommitted(&mut self, error: &LogError) {
        let now_ms = self.clock.now_ms();
        if let Some(entries) = self.entries() {
            entries.note_fatal(&Incident::Production(&error.to_string()), &entries.logger(), now_ms);
        }
    }

    /// The task cannot go on: what stopped it goes to the topic at once, and what was waiting for the next commit not at
    /// all, since it will come again.
    pub(super) fn failed(&mut self, message: &str) {
        let now_ms = self.clock.now_ms();
        if let Some(entries) = self.entries() {
            entries.fail(message, now_ms);
        }
    }

    /// What is to be committed with these positions.
    pub(super) fn drain(&mut self, positions: &[Position]) -> Result<Vec<Output>, LogError> {
        let letters = self.letters.as_mut().map(|letters| letters.drain(positions)).transpose()?;
        Ok([self.drain_entries(positions), letters.unwrap_or_default()].concat())
    }

    fn drain_entries(&mut self, positions: &[Position]) -> Vec<Output> {
        let now_ms = self.clock.now_ms();
        self.entries.as_mut().map(|entries| entries.drain(positions, now_ms)).unwrap_or_default()
    }

    /// Appends what a query without commits has to tell.
    pub(super) fn append(&mut self, positions: &[Position]) {
        let outputs = self.drain_entries(positions);
        if let Some(entries) = self.entries.as_ref().filter(|_| !outputs.is_empty()) {
            entries.append(outputs);
        }
    }

    fn lose(&mut self, step: &str, message: &str, seq: Option<u64>) {
        let (has_records, now_ms) = (self.has_records, self.clock.now_ms());
        let Some(letters) = self.letters() else { return };
        match seq {
            Some(seq) if has_records => letters.lose(seq, fault(step, "row", message)),
            _ => letters.push_unknown(now_ms, fault(step, "held-back row", message)),
        }
    }

    fn write(&mut self, trouble: Trouble, step: &str, message: String, origin: Option<Origin>, bytes: Option<&[u8]>) {
        let entry = self.life.processing_log.entry(self.clock.now_ms(), trouble, step, message, origin);
        if !self.repeats
            && let Some(entries) = self.entries()
        {
            entries.push(&entry, bytes);
        }
        self.life.processing_log.write(entry);
    }
}

impl Context for Reports {
    fn row_error(&mut self, operator: &str, message: String) {
        self.write(Trouble::Processing, operator, message, None, None);
    }

    fn row_lost(&mut self, operator: &str, message: String, seq: Option<u64>) {
        self.lose(operator, &message, seq);
        self.row_error(operator, message);
    }
}

/// The key or the value of a record, if it has one.
fn bytes(batch: &RawBatch, row: usize, of_key: bool) -> Option<&[u8]> {
    let all = if of_key { &batch.records.keys } else { &batch.records.values };
    (row < all.len() && all.is_valid(row)).then(|| all.value(row))
}

fn fault(step: &str, part: &'static str, message: &str) -> Fault {
    Fault { step: step.replace('/', "."), part, message: shortened(message.to_owned()) }
}
