//! Records that a query could not use, on their way to a topic (`ksql.processing.deadletter.topic`): key, value, time and
//! headers as they were, and headers that say where the record is, which query and step had no use for it, and why. Of a
//! record of a repartition topic, which nobody but the query can read, the value is the row as a JSON object.
//! They are committed with the step that passes the record, and what cannot be written there stops the query: a dead letter
//! is the only trace of its record.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray};

use crate::log::{Log, LogError, Output, Partitioner, Position, Records, RecordsBuilder, TopicPartition};

use super::log_topic::is_passed;

/// How often a record may become a dead letter. Programs and clients outside can lead letters back to what wrote them.
pub(super) const MAX_ATTEMPTS: u32 = 16;

/// Bytes of the headers that are added, and of what a log adds to a record: a message has at most about 1 KiB, a name of a
/// topic 249 bytes.
const RESERVED_BYTES: usize = 4 << 10;

/// What a letter takes until it is committed, besides its record: place, step and message.
const LETTER_BYTES: usize = 1 << 10;

/// What a header costs besides its name and its value, at most.
const HEADER_BYTES: usize = 10;

/// The header that counts.
const ATTEMPT: &str = "millstream.error.attempt";

/// Dead letters of one task that are not committed yet.
pub(super) struct DeadLetters {
    log: Arc<dyn Log>,
    topic: Arc<str>,
    query: String,
    /// By the place of their records: one that has several faults is one letter.
    letters: BTreeMap<(TopicPartition, i64), Letter>,
    /// Faults of rows that were held back, whose records are long past, with the time now.
    unknown: Vec<(i64, Fault)>,
    /// What the present step could not use; the task knows the records.
    lost: Vec<Lost>,
    partitioner: Partitioner,
}

/// A row that was dropped because it could not be used.
#[derive(Debug)]
pub(super) struct Lost {
    /// Its number in the step.
    pub(super) seq: u64,
    /// Why.
    pub(super) fault: Fault,
}

/// The record that a query has no use for, or that such a row was made of.
pub(super) struct LostRecord {
    /// Where it is.
    pub(super) of: TopicPartition,
    pub(super) offset: i64,
    /// That is a repartition topic.
    pub(super) is_internal: bool,
    /// The only one.
    pub(super) record: Records,
}

/// Why a record is a dead letter.
#[derive(Debug)]
pub(super) struct Fault {
    /// The step, as EXPLAIN has it.
    pub(super) step: String,
    /// What of the record: its key, its value, or the row that was made of it.
    pub(super) part: &'static str,
    /// What is wrong.
    pub(super) message: String,
}

struct Letter {
    /// One record.
    record: Records,
    /// It stands in a topic of the query's own.
    is_internal: bool,
    /// How often it is a dead letter, with this one.
    attempt: u32,
    fault: Fault,
}

impl DeadLetters {
    /// Of a task of that query.
    pub(super) fn new(log: Arc<dyn Log>, topic: Arc<str>, query: &str) -> Self {
        let (letters, unknown, lost) = (BTreeMap::new(), Vec::new(), Vec::new());
        Self { log, topic, query: query.to_owned(), letters, unknown, lost, partitioner: Partitioner::default() }
    }

    /// Takes a record, unless it has been one too often.
    pub(super) fn push(&mut self, lost: LostRecord, fault: Fault) -> bool {
        let LostRecord { of, offset, is_internal, record } = lost;
        let attempt = attempts(&record).saturating_add(1);
        if attempt > MAX_ATTEMPTS {
            return false;
        }
        self.letters.entry((of, offset)).or_insert(Letter { record, is_internal, attempt, fault });
        true
    }

    /// Takes a row whose record nobody knows any more.
    pub(super) fn push_unknown(&mut self, now_ms: i64, fault: Fault) {
        self.unknown.push((now_ms, fault));
    }

    /// Takes a row whose record is not at hand.
    pub(super) fn lose(&mut self, seq: u64, fault: Fault) {
        self.lost.push(Lost { seq, fault });
    }

    /// About how many bytes it takes besides the batches that the records are from.
    pub(super) fn held_bytes(&self) -> usize {
        (self.letters.len() + self.unknown.len()) * LETTER_BYTES
    }

    /// The rows that the step has lost.
    pub(super) fn take_lost(&mut self) -> Vec<Lost> {
        std::mem::take(&mut self.lost)
    }

    /// The records of what these positions have passed.
    pub(super) fn drain(&mut self, positions: &[Position]) -> Result<Vec<Output>, LogError> {
        if self.letters.is_empty() && self.unknown.is_empty() {
            return Ok(Vec::new());
        }
        let mut records = RecordsBuilder::default();
        let query = &self.query;
        for (time_ms, fault) in self.unknown.drain(..) {
            records.push(time_ms, None, None);
            fault.write(query, 1, &mut records);
        }
        let max_bytes = self.log.max_record_bytes();
        self.letters.retain(|at, letter| {
            let passed = is_passed(at, positions);
            if passed {
                letter.write(at, query, max_bytes, &mut records);
            }
            !passed
        });
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let topic = self.log.topic(&self.topic)?.ok_or_else(|| LogError::UnknownTopic(self.topic.to_string()))?;
        let split = self.partitioner.split(records.finish(), topic.spec.partitions)?;
        let to = |partition| TopicPartition { topic: Arc::clone(&self.topic), partition };
        Ok(split.into_iter().map(|(partition, records)| Output { to: to(partition), records }).collect())
    }
}

impl Letter {
    fn write(&self, (of, offset): &(TopicPartition, i64), query: &str, max_bytes: usize, into: &mut RecordsBuilder) {
        let Records { timestamps, keys, values, .. } = &self.record;
        let (mut key, mut value) = (keys.iter().next().flatten(), values.iter().next().flatten());
        let mut own: Vec<_> = headers(&self.record).filter(|(name, _)| *name != ATTEMPT).collect();
        let length = |part: Option<&[u8]>| part.map_or(0, <[u8]>::len);
        let room = max_bytes.saturating_sub(RESERVED_BYTES);
        let of_headers = |own: &[(&str, Option<&[u8]>)]| -> usize {
            own.iter().map(|(name, value)| name.len() + length(*value) + HEADER_BYTES).sum()
        };
        // With what is added it may be larger than the log takes, which would stop the query for good.
        let mut left_out = Vec::new();
        if length(key) + length(value) + of_headers(&own) > room {
            left_out.push(format!("value of {} bytes", length(value.take())));
        }
        if length(key) + of_headers(&own) > room {
            left_out.push(format!("{} headers", own.len()));
            own.clear();
        }
        if length(key) > room {
            left_out.push(format!("key of {} bytes", length(key.take())));
        }
        into.push(timestamps.first().copied().unwrap_or_default(), key, value);
        own.into_iter().for_each(|(name, value)| into.header(name, value));
        for (name, value) in [
            ("millstream.error.topic", &*of.topic),
            ("millstream.error.partition", &*of.partition.to_string()),
            ("millstream.error.offset", &*offset.to_string()),
        ] {
            into.header(name, Some(value.as_bytes()));
        }
        if self.is_internal {
            into.header("millstream.error.internal", Some(b"true"));
        }
        if !left_out.is_empty() {
            into.header("millstream.error.left.out", Some(left_out.join(", ").as_bytes()));
        }
        self.fault.write(query, self.attempt, into);
    }
}

impl Fault {
    /// Writes the headers that tell of it.
    fn write(&self, query: &str, attempt: u32, into: &mut RecordsBuilder) {
        for (name, value) in [
            ("millstream.error.query", query),
            ("millstream.error.step", self.step.as_str()),
            ("millstream.error.part", self.part),
            ("millstream.error.message", self.message.as_str()),
            (ATTEMPT, &*attempt.to_string()),
        ] {
            into.header(name, Some(value.as_bytes()));
        }
    }
}

/// The headers of one record.
fn headers(record: &Records) -> impl Iterator<Item = (&str, Option<&[u8]>)> {
    let pairs = record.headers.as_ref().and_then(|lists| {
        let pairs = lists.values().as_struct_opt()?;
        let (names, values) = (pairs.column(0).as_string_opt::<i32>()?, pairs.column(1).as_binary_opt::<i32>()?);
        let [start, end, ..] = *lists.value_offsets() else { return None };
        Some((start as usize..end as usize).map(|at| (names.value(at), values.is_valid(at).then(|| values.value(at)))))
    });
    pairs.into_iter().flatten()
}

/// How often that record has been a dead letter.
fn attempts(record: &Records) -> u32 {
    let count = |value: Option<&[u8]>| std::str::from_utf8(value?).ok()?.parse().ok();
    headers(record).filter(|(name, _)| *name == ATTEMPT).filter_map(|(_, value)| count(value)).max().unwrap_or_default()
}
