//! The topic of the processing log: entries as JSON records in ksqlDB's form, which `KSQL_PROCESSING_LOG` reads.
//!
//! What a task has to tell is committed with its step, so it is there exactly once where commits are. Between two commits a
//! task keeps at most [`KEPT_BYTES`] of it; what is beyond is counted, and the last entry says how many there were. Queries of
//! clients, which commit nothing, write less ([`CLIENT_BYTES`], [`CLIENTS_BYTES`]).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::config::{Config, setting};
use crate::log::{Log, LogError, Output, Partitioner, Position, RecordsBuilder, TopicPartition, TopicSpec};

use super::log_record::{CLIENT_BYTES, Data, Incident, record};
use super::processing_log::{Entry, LOGGERS, Origin, shortened};

/// Bytes of entries that a task keeps until its next commit.
const KEPT_BYTES: usize = 1 << 20;

/// Largest entry: a row's quotes and line breaks need more room than they have.
const MAX_ENTRY_BYTES: usize = 900 << 10;

/// Bytes of entries that all queries of clients write in such a while: whoever asks again and again about bad records must
/// not fill the log.
const CLIENTS_BYTES: usize = 1 << 20;
const WHILE_MS: i64 = 60_000;

/// How long entries are left out after some could not be appended.
const SILENCE: Duration = Duration::from_secs(60);

/// Where the entries of all queries go.
pub struct LogTopic {
    log: Arc<dyn Log>,
    name: Arc<str>,
    /// How it is made, also when it is gone later; `None` if it is not the server that makes it.
    spec: Option<TopicSpec>,
    /// It could not be written, and that was told.
    is_told: AtomicBool,
    /// The data of bad records stand in it.
    includes_rows: bool,
    /// What queries of clients write.
    clients: Mutex<Allowance>,
    /// Until when nothing is appended, because it could not be.
    silent_until: Mutex<Option<Instant>>,
}

/// What queries of clients have written of late.
#[derive(Default)]
struct Allowance {
    since_ms: Option<i64>,
    bytes: usize,
    left_out: u64,
}

impl Allowance {
    /// Takes an entry; says how many were left out before it, or that it is, too.
    fn take(&mut self, now_ms: i64) -> Option<u64> {
        if self.since_ms.is_none_or(|since| !(0..WHILE_MS).contains(&now_ms.saturating_sub(since))) {
            (self.since_ms, self.bytes) = (Some(now_ms), 0);
        }
        if self.bytes >= CLIENTS_BYTES {
            self.left_out += 1;
            return None;
        }
        Some(std::mem::take(&mut self.left_out))
    }
}

impl LogTopic {
    /// The topic that the settings ask for; it is made if it is missing and they say so.
    ///
    /// # Errors
    /// The topic cannot be made or asked for.
    pub fn open(log: &Arc<dyn Log>, config: &Config) -> Result<Option<Self>, LogError> {
        let name = config.processing_log_topic();
        let spec = config.get(setting::PROCESSING_LOG_TOPIC_AUTO_CREATE).then(|| TopicSpec {
            partitions: config.get(setting::PROCESSING_LOG_TOPIC_PARTITIONS) as u32,
            replicas: config.get(setting::PROCESSING_LOG_TOPIC_REPLICATION_FACTOR) as u16,
            config: Default::default(),
        });
        if let Some(spec) = &spec {
            match log.create_topic(&name, spec) {
                Ok(()) | Err(LogError::TopicExists(_)) => {}
                Err(error) => return Err(error),
            }
        } else if !config.writes_processing_log() || log.topic(&name)?.is_none() {
            return Ok(None);
        }
        let includes_rows = config.get(setting::PROCESSING_LOG_ROWS_INCLUDE);
        let is_told = AtomicBool::new(false);
        let clients = Mutex::default();
        Ok(Some(Self {
            log: Arc::clone(log),
            name: name.into(),
            spec,
            is_told,
            includes_rows,
            clients,
            silent_until: Mutex::default(),
        }))
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Writes at once that a query cannot go on.
    pub(super) fn append_failure(&self, query: &str, message: &str, time_ms: i64) {
        let logger = format!("{LOGGERS}.{query}");
        let value = record(&Incident::Thread(&shortened(message.to_owned())), &logger, time_ms, Data::Nothing);
        self.append(self.outputs(vec![Waiting { time_ms, value, at: None }], &mut Partitioner::default()));
    }

    /// The value of a record of the topic, with data if these are asked for and fit.
    fn record(&self, incident: &Incident<'_>, logger: &str, time_ms: i64, data: Data<'_>) -> Vec<u8> {
        if !self.includes_rows {
            return record(incident, logger, time_ms, Data::Nothing);
        }
        let value = record(incident, logger, time_ms, data);
        if value.len() <= MAX_ENTRY_BYTES { value } else { record(incident, logger, time_ms, Data::Nothing) }
    }

    /// Whoever cannot write the log goes on without it, and does not try again, nor wait, for a while.
    fn append(&self, outputs: Vec<Output>) {
        if self.silent_until.lock().is_some_and(|until| Instant::now() < until) {
            return;
        }
        if let Err(error) = self.log.append(outputs) {
            *self.silent_until.lock() = Some(Instant::now() + SILENCE);
            self.tell(&error);
        }
    }

    /// Tells once why the topic is not written.
    fn tell(&self, error: &LogError) {
        if !self.is_told.swap(true, Ordering::Relaxed) {
            tracing::warn!(topic = &*self.name, "the processing log cannot be written: {error}");
        }
    }

    /// How many partitions the topic has. If it is gone it is made again.
    fn partitions(&self) -> Result<u32, LogError> {
        if let Some(topic) = self.log.topic(&self.name)? {
            return Ok(topic.spec.partitions);
        }
        let spec = self.spec.as_ref().ok_or_else(|| LogError::UnknownTopic(self.name.to_string()))?;
        match self.log.create_topic(&self.name, spec) {
            Ok(()) => {
                tracing::warn!(topic = &*self.name, "the topic of the processing log was gone and is made again");
                Ok(spec.partitions)
            }
            // Another task was faster.
            Err(LogError::TopicExists(_)) => {
                Ok(self.log.topic(&self.name)?.map_or(spec.partitions, |topic| topic.spec.partitions))
            }
            Err(error) => Err(error),
        }
    }

    /// The records for the topic as it is now. If it cannot be written the entries are gone.
    fn outputs(&self, waiting: Vec<Waiting>, partitioner: &mut Partitioner) -> Vec<Output> {
        if waiting.is_empty() {
            return Vec::new();
        }
        let partitions = match self.partitions() {
            Ok(partitions) => partitions,
            Err(error) => {
                self.tell(&error);
                return Vec::new();
            }
        };
        self.is_told.store(false, Ordering::Relaxed);
        let mut records = RecordsBuilder::default();
        for entry in &waiting {
            records.push(entry.time_ms, None, Some(&entry.value));
        }
        let to = |partition| TopicPartition { topic: Arc::clone(&self.name), partition };
        match partitioner.split(records.finish(), partitions) {
            Ok(split) => split.into_iter().map(|(partition, records)| Output { to: to(partition), records }).collect(),
            Err(error) => {
                tracing::warn!(topic = &*self.name, "the processing log cannot be written: {error}");
                Vec::new()
            }
        }
    }
}

/// Whether a record lies before these positions.
pub(super) fn is_passed((of, offset): &(TopicPartition, i64), positions: &[Position]) -> bool {
    positions.iter().find(|position| position.of == *of).is_none_or(|position| *offset < position.offset)
}

/// An entry on its way.
struct Waiting {
    time_ms: i64,
    value: Vec<u8>,
    /// The record it is about: it is told when the task's position has passed it.
    at: Option<(TopicPartition, i64)>,
}

/// Entries of one task that are not committed yet.
pub(super) struct Entries {
    topic: Arc<LogTopic>,
    query: String,
    is_client: bool,
    waiting: Vec<Waiting>,
    /// Bytes of these; of a client's query those of all it has had to tell.
    bytes: usize,
    /// How many there was no room for.
    left_out: u64,
    /// What stops the task; it is written when the task has stopped.
    fatal: Vec<Waiting>,
    partitioner: Partitioner,
}

impl Entries {
    /// Of a task of that query, which may be a client's.
    pub(super) fn new(topic: Arc<LogTopic>, query: &str, is_client: bool) -> Self {
        let partitioner = Partitioner::default();
        Self {
            topic,
            query: query.to_owned(),
            is_client,
            waiting: Vec::new(),
            bytes: 0,
            left_out: 0,
            fatal: Vec::new(),
            partitioner,
        }
    }

    /// Takes an entry about that.
    pub(super) fn push(&mut self, entry: &Entry, data: Data<'_>) {
        if self.bytes >= if self.is_client { CLIENT_BYTES } else { KEPT_BYTES } {
            self.leave_out(entry.time_ms);
            return;
        }
        if !self.may_write(entry.time_ms) {
            return;
        }
        let value = self.topic.record(&Incident::Entry(entry), &entry.logger, entry.time_ms, data);
        self.spend(value.len());
        let at = entry.origin().map(|origin| {
            let Origin { topic, partition, offset, .. } = origin;
            (TopicPartition { topic: Arc::clone(topic), partition: *partition }, *offset)
        });
        self.waiting.push(Waiting { time_ms: entry.time_ms, value, at });
    }

    /// Counts an entry that there is no room for. A client's query writes nothing more, and says so once.
    fn leave_out(&mut self, time_ms: i64) {
        self.left_out += 1;
        if self.is_client && self.left_out == 1 && self.may_write(time_ms) {
            let notice = self.notice(&Incident::Full, &self.logger(), time_ms);
            self.spend(notice.value.len());
            self.waiting.push(notice);
        }
    }

    /// Whether an entry may be written: queries of clients share what they may write.
    fn may_write(&mut self, time_ms: i64) -> bool {
        if !self.is_client {
            return true;
        }
        let Some(left_out) = self.topic.clients.lock().take(time_ms) else { return false };
        if left_out > 0 {
            self.waiting.push(self.notice(&Incident::ClientsLeftOut(left_out), LOGGERS, time_ms));
        }
        true
    }

    /// Counts the bytes of an entry.
    fn spend(&mut self, bytes: usize) {
        self.bytes += bytes;
        if self.is_client {
            self.topic.clients.lock().bytes += bytes;
        }
    }

    /// An entry about entries.
    fn notice(&self, incident: &Incident<'_>, logger: &str, time_ms: i64) -> Waiting {
        Waiting { time_ms, value: record(incident, logger, time_ms, Data::Nothing), at: None }
    }

    /// Takes what stops the task.
    pub(super) fn note_fatal(&mut self, incident: &Incident<'_>, logger: &str, time_ms: i64, data: Data<'_>) {
        if !self.may_write(time_ms) {
            return;
        }
        let value = self.topic.record(incident, logger, time_ms, data);
        if self.is_client {
            self.spend(value.len());
        }
        self.fatal.push(Waiting { time_ms, value, at: None });
    }

    /// Writes what has stopped the task.
    pub(super) fn fail(&mut self, message: &str, time_ms: i64) {
        self.note_fatal(&Incident::Thread(&shortened(message.to_owned())), &self.logger(), time_ms, Data::Nothing);
        let outputs = self.topic.outputs(std::mem::take(&mut self.fatal), &mut self.partitioner);
        self.append(outputs);
    }

    /// Of the query as a whole.
    pub(super) fn logger(&self) -> String {
        format!("{LOGGERS}.{}", self.query)
    }

    /// The records of what these positions have passed.
    pub(super) fn drain(&mut self, positions: &[Position], now_ms: i64) -> Vec<Output> {
        if self.waiting.is_empty() {
            return Vec::new();
        }
        let is_passed = |waiting: &Waiting| waiting.at.as_ref().is_none_or(|at| is_passed(at, positions));
        let (mut passed, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting).into_iter().partition(is_passed);
        if !self.is_client {
            self.bytes = rest.iter().map(|waiting| waiting.value.len()).sum();
            let left_out = std::mem::take(&mut self.left_out);
            if left_out > 0 {
                passed.push(self.notice(&Incident::LeftOut(left_out), &self.logger(), now_ms));
            }
        }
        self.waiting = rest;
        self.topic.outputs(passed, &mut self.partitioner)
    }

    /// Writes at once.
    pub(super) fn append(&self, outputs: Vec<Output>) {
        if !outputs.is_empty() {
            self.topic.append(outputs);
        }
    }
}
