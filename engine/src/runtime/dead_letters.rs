//! Records that a query could not use, on their way to a topic (`ksql.processing.deadletter.topic`): key, value, time and
//! headers as they were, and headers that say where the record is, which query and step had no use for it, and why.
//! They are committed with the step that passes the record, and what cannot be written there stops the query: a dead letter
//! is the only trace of its record.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray};

use crate::log::{Log, LogError, Output, Partitioner, Position, Records, RecordsBuilder, TopicPartition};

use super::log_topic::is_passed;

/// Dead letters of one task that are not committed yet.
pub(super) struct DeadLetters {
    log: Arc<dyn Log>,
    topic: Arc<str>,
    query: String,
    /// By the place of their records: one that has several faults is one letter.
    letters: BTreeMap<(TopicPartition, i64), Letter>,
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
    fault: Fault,
}

impl DeadLetters {
    /// Of a task of that query.
    pub(super) fn new(log: Arc<dyn Log>, topic: Arc<str>, query: &str) -> Self {
        let (letters, lost, partitioner) = (BTreeMap::new(), Vec::new(), Partitioner::default());
        Self { log, topic, query: query.to_owned(), letters, lost, partitioner }
    }

    /// Takes a record, which is the only one of `record`.
    pub(super) fn push(&mut self, at: (TopicPartition, i64), record: Records, fault: Fault) {
        self.letters.entry(at).or_insert(Letter { record, fault });
    }

    /// Takes a row whose record is not at hand.
    pub(super) fn lose(&mut self, seq: u64, fault: Fault) {
        self.lost.push(Lost { seq, fault });
    }

    /// The rows that the step has lost.
    pub(super) fn take_lost(&mut self) -> Vec<Lost> {
        std::mem::take(&mut self.lost)
    }

    /// The records of what these positions have passed.
    pub(super) fn drain(&mut self, positions: &[Position]) -> Result<Vec<Output>, LogError> {
        if self.letters.is_empty() {
            return Ok(Vec::new());
        }
        let mut records = RecordsBuilder::default();
        let query = &self.query;
        self.letters.retain(|at, letter| {
            let passed = is_passed(at, positions);
            if passed {
                letter.write(at, query, &mut records);
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
    fn write(&self, (of, offset): &(TopicPartition, i64), query: &str, into: &mut RecordsBuilder) {
        let Records { timestamps, keys, values, .. } = &self.record;
        into.push(
            timestamps.first().copied().unwrap_or_default(),
            keys.iter().next().flatten(),
            values.iter().next().flatten(),
        );
        self.copy_headers(into);
        let Fault { step, part, message } = &self.fault;
        for (name, value) in [
            ("millstream.error.topic", &*of.topic),
            ("millstream.error.partition", &*of.partition.to_string()),
            ("millstream.error.offset", &*offset.to_string()),
            ("millstream.error.query", query),
            ("millstream.error.step", step.as_str()),
            ("millstream.error.part", *part),
            ("millstream.error.message", message.as_str()),
        ] {
            into.header(name, Some(value.as_bytes()));
        }
    }

    fn copy_headers(&self, into: &mut RecordsBuilder) {
        let Some(lists) = &self.record.headers else { return };
        let Some(pairs) = lists.values().as_struct_opt() else { return };
        let (Some(names), Some(values)) =
            (pairs.column(0).as_string_opt::<i32>(), pairs.column(1).as_binary_opt::<i32>())
        else {
            return;
        };
        if let [start, end, ..] = *lists.value_offsets() {
            for at in start as usize..end as usize {
                into.header(names.value(at), values.is_valid(at).then(|| values.value(at)));
            }
        }
    }
}
