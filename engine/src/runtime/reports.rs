//! What a task tells the processing log, and the records it has no use for.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};

use crate::clock::Clock;
use crate::log::{LogError, Output, Position, RawBatch, TopicPartition};
use crate::operators::{Context, Failed};

use super::dead_letters::{DeadLetters, Fault, Lost, LostRecord, MAX_ATTEMPTS};
use super::life::Life;
use super::log_record::{Data, Incident};
use super::log_topic::{Entries, LogTopic};
use super::processing_log::{About, Origin, shortened};

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
    /// `topic`: where entries go besides standard error; `is_client`: the query is a client's.
    pub(super) fn new(
        life: Arc<Life>,
        clock: Arc<dyn Clock>,
        topic: Option<Arc<LogTopic>>,
        letters: Option<DeadLetters>,
        is_client: bool,
    ) -> Self {
        let entries = topic.map(|topic| Entries::new(topic, life.processing_log.query(), is_client));
        Self { life, clock, entries, letters, has_records: true, repeats: false }
    }

    /// Whether the query is over, and another may run in its place.
    pub(super) fn is_over(&self) -> bool {
        self.life.is_stopped()
    }

    /// About how many bytes the dead letters take besides their records.
    pub(super) fn held_bytes(&self) -> usize {
        self.letters.as_ref().map_or(0, DeadLetters::held_bytes)
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
        if self.keeps_records() {
            let part = if origin.is_key { "key" } else { "value" };
            let of = TopicPartition { topic: Arc::clone(&origin.topic), partition: origin.partition };
            let record = batch.records.slice(row, 1);
            let lost = LostRecord { of, offset: origin.offset, is_internal: false, record };
            self.dead_letter(lost, fault(step, part, &message));
        }
        let bytes = bytes(batch, row, origin.is_key);
        self.write(step, message, About::Unread(origin), bytes);
    }

    /// A row that could not be written.
    pub(super) fn bad_row(&mut self, failed: Failed<'_>, seq: Option<u64>, about: About) {
        let Failed { step, message, row } = failed;
        self.lose(step, &message, seq);
        self.write(step, message, about, data(row));
    }

    /// The rows that were dropped since the last call, whose records the task knows.
    pub(super) fn take_lost(&mut self) -> Vec<Lost> {
        self.letters.as_mut().map(DeadLetters::take_lost).unwrap_or_default()
    }

    /// The record of a row that was dropped.
    pub(super) fn dead_letter(&mut self, lost: LostRecord, fault: Fault) {
        let Some(letters) = &mut self.letters else { return };
        let step = fault.step.clone();
        if !letters.push(lost, fault) {
            let message = format!("The record is not a dead letter again: it has been one {MAX_ATTEMPTS} times.");
            self.write(&step, message, About::Row, Data::Nothing);
        }
    }

    /// A record that could not be read and must not be passed over: the query stops.
    pub(super) fn fatal_record(&mut self, step: &str, message: String, origin: Origin, batch: &RawBatch, row: usize) {
        let bytes = bytes(batch, row, origin.is_key);
        let log = &self.life.processing_log;
        let entry = log.entry(self.clock.now_ms(), step, message, About::Unread(origin));
        if let Some(entries) = self.entries() {
            entries.note_fatal(&Incident::Entry(&entry), &entry.logger, entry.time_ms, bytes);
        }
    }

    /// A row that could not be written, so that the query stops.
    pub(super) fn fatal_row(&mut self, failed: Failed<'_>, about: About) {
        let Failed { step, message, row } = failed;
        let entry = self.life.processing_log.entry(self.clock.now_ms(), step, message, about);
        if let Some(entries) = self.entries() {
            entries.note_fatal(&Incident::Entry(&entry), &entry.logger, entry.time_ms, data(row));
        }
    }

    /// What was made could not be committed.
    pub(super) fn uncommitted(&mut self, error: &LogError) {
        let now_ms = self.clock.now_ms();
        if let Some(entries) = self.entries() {
            entries.note_fatal(&Incident::Production(&error.to_string()), &entries.logger(), now_ms, Data::Nothing);
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

    /// The dead letters that are to be committed with these positions.
    pub(super) fn drain_letters(&mut self, positions: &[Position]) -> Result<Vec<Output>, LogError> {
        let letters = self.letters.as_mut().map(|letters| letters.drain(positions)).transpose()?;
        Ok(letters.unwrap_or_default())
    }

    /// The entries for the log's topic that are.
    pub(super) fn drain_entries(&mut self, positions: &[Position]) -> Vec<Output> {
        let now_ms = self.clock.now_ms();
        self.entries.as_mut().map(|entries| entries.drain(positions, now_ms)).unwrap_or_default()
    }

    /// Appends the entries of what these positions have passed, if it can.
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

    fn write(&mut self, step: &str, message: String, about: About, data: Data<'_>) {
        let entry = self.life.processing_log.entry(self.clock.now_ms(), step, message, about);
        if !self.repeats
            && let Some(entries) = self.entries()
        {
            entries.push(&entry, data);
        }
        self.life.processing_log.write(entry);
    }
}

impl Context for Reports {
    fn is_cancelled(&self) -> bool {
        self.is_over()
    }

    fn row_error(&mut self, failed: Failed<'_>) {
        self.write(failed.step, failed.message, About::Row, data(failed.row));
    }

    fn row_lost(&mut self, failed: Failed<'_>, seq: Option<u64>) {
        self.lose(failed.step, &failed.message, seq);
        self.row_error(failed);
    }
}

/// The key or the value of a record, if it has one.
fn bytes(batch: &RawBatch, row: usize, of_key: bool) -> Data<'_> {
    let all = if of_key { &batch.records.keys } else { &batch.records.values };
    if row < all.len() && all.is_valid(row) { Data::Bytes(all.value(row)) } else { Data::Nothing }
}

fn data<'a>(row: Option<(&'a [ArrayRef], usize)>) -> Data<'a> {
    row.map_or(Data::Nothing, |(columns, row)| Data::Row(columns, row))
}

fn fault(step: &str, part: &'static str, message: &str) -> Fault {
    Fault { step: step.replace('/', "."), part, message: shortened(message.to_owned()) }
}
