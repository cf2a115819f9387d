//! The topic of the processing log: entries as JSON records in ksqlDB's form, which `KSQL_PROCESSING_LOG` reads.
//!
//! What a task has to tell is committed with its step, so it is there exactly once where commits are. Between two commits a
//! task keeps at most [`KEPT_BYTES`] of it; what is beyond is counted, and the last entry says how many there were.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;

use crate::config::{Config, setting};
use crate::log::{Log, LogError, Output, Partitioner, Position, RecordsBuilder, TopicPartition, TopicSpec};

use super::processing_log::{Entry, LOGGERS, Origin, Trouble, shortened};

/// Bytes of entries that a task keeps until its next commit.
const KEPT_BYTES: usize = 1 << 20;

/// Longest part of a bad record that stands in its entry, bytes: with it in base64 an entry is no larger than what Kafka
/// takes by default.
const MAX_RECORD_BYTES: usize = 512 << 10;

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
        Ok(Some(Self { log: Arc::clone(log), name: name.into(), spec, is_told, includes_rows }))
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Writes at once that a query cannot go on.
    pub(super) fn append_failure(&self, query: &str, message: &str, time_ms: i64) {
        let logger = format!("{LOGGERS}.{query}");
        let value = record(&Incident::Thread(&shortened(message.to_owned())), &logger, time_ms, false);
        self.append(self.outputs(vec![Waiting { time_ms, value, at: None }], &mut Partitioner::default()));
    }

    /// Whoever cannot write the log goes on without it.
    fn append(&self, outputs: Vec<Output>) {
        if let Err(error) = self.log.append(outputs) {
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
    waiting: Vec<Waiting>,
    /// Bytes of these.
    bytes: usize,
    /// How many there was no room for.
    left_out: u64,
    /// What stops the task; it is written when the task has stopped.
    fatal: Vec<Waiting>,
    partitioner: Partitioner,
}

impl Entries {
    /// Of a task of that query.
    pub(super) fn new(topic: Arc<LogTopic>, query: &str) -> Self {
        let partitioner = Partitioner::default();
        Self {
            topic,
            query: query.to_owned(),
            waiting: Vec::new(),
            bytes: 0,
            left_out: 0,
            fatal: Vec::new(),
            partitioner,
        }
    }

    /// Takes an entry; `bytes` is the part of the record that was bad.
    pub(super) fn push(&mut self, entry: &Entry, bytes: Option<&[u8]>) {
        if self.bytes >= KEPT_BYTES {
            self.left_out += 1;
            return;
        }
        let incident = Incident::Entry(entry, bytes);
        let value = record(&incident, &entry.logger, entry.time_ms, self.topic.includes_rows);
        self.bytes += value.len();
        let at = entry.origin.as_ref().map(|origin| {
            let Origin { topic, partition, offset, .. } = origin;
            (TopicPartition { topic: Arc::clone(topic), partition: *partition }, *offset)
        });
        self.waiting.push(Waiting { time_ms: entry.time_ms, value, at });
    }

    /// Takes what stops the task.
    pub(super) fn note_fatal(&mut self, incident: &Incident<'_>, logger: &str, time_ms: i64) {
        let value = record(incident, logger, time_ms, self.topic.includes_rows);
        self.fatal.push(Waiting { time_ms, value, at: None });
    }

    /// Writes what has stopped the task.
    pub(super) fn fail(&mut self, message: &str, time_ms: i64) {
        self.note_fatal(&Incident::Thread(&shortened(message.to_owned())), &self.logger(), time_ms);
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
        self.bytes = rest.iter().map(|waiting| waiting.value.len()).sum();
        self.waiting = rest;
        let left_out = std::mem::take(&mut self.left_out);
        if left_out > 0 {
            let value = record(&Incident::LeftOut(left_out), &self.logger(), now_ms, false);
            passed.push(Waiting { time_ms: now_ms, value, at: None });
        }
        self.topic.outputs(passed, &mut self.partitioner)
    }

    /// Writes at once.
    pub(super) fn append(&self, outputs: Vec<Output>) {
        if !outputs.is_empty() {
            self.topic.append(outputs);
        }
    }
}

/// What a record of the topic is about.
pub(super) enum Incident<'a> {
    /// A record that could not be read, or a row; the bytes of the bad part.
    Entry(&'a Entry, Option<&'a [u8]>),
    /// Rows that could not be written to that topic.
    Unwritten(&'a Entry, &'a str),
    /// What was made could not be committed.
    Production(&'a str),
    /// A query that stopped.
    Thread(&'a str),
    /// More entries than there is room for.
    LeftOut(u64),
}

/// ksqlDB's form of an entry.
#[derive(Serialize)]
struct Record<'a> {
    logger: &'a str,
    level: &'static str,
    time: i64,
    message: Message,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    r#type: i32,
    deserialization_error: Option<DeserializationError>,
    record_processing_error: Option<RecordProcessingError>,
    production_error: Option<ProductionError>,
    serialization_error: Option<SerializationError>,
    kafka_streams_thread_error: Option<ThreadError>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeserializationError {
    target: &'static str,
    error_message: String,
    #[serde(rename = "recordB64")]
    record_b64: Option<String>,
    cause: [String; 1],
    topic: Arc<str>,
    partition: u32,
    offset: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RecordProcessingError {
    error_message: String,
    record: Option<String>,
    cause: [String; 0],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProductionError {
    error_message: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SerializationError {
    target: &'static str,
    error_message: String,
    record: Option<String>,
    cause: [String; 1],
    topic: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ThreadError {
    error_message: String,
    thread_name: String,
    cause: [String; 1],
}

/// The value of a record of the topic.
fn record(incident: &Incident<'_>, logger: &str, time: i64, includes_rows: bool) -> Vec<u8> {
    let level = if matches!(incident, Incident::LeftOut(_)) { "WARN" } else { "ERROR" };
    let record = Record { logger, level, time, message: message(incident, includes_rows) };
    // Nothing in it can fail to be written as JSON.
    serde_json::to_vec(&record).unwrap_or_default()
}

fn message(incident: &Incident<'_>, includes_rows: bool) -> Message {
    let serialization = |entry: &Entry, topic: Option<&str>| Message {
        r#type: 3,
        serialization_error: Some(SerializationError {
            target: "value",
            error_message: entry.message.clone(),
            record: None,
            cause: [entry.message.clone()],
            topic: topic.map(str::to_owned),
        }),
        ..Message::default()
    };
    let processing = |error_message: String| Message {
        r#type: 1,
        record_processing_error: Some(RecordProcessingError { error_message, record: None, cause: [] }),
        ..Message::default()
    };
    match incident {
        Incident::Entry(entry, bytes) => match (&entry.origin, entry.trouble) {
            (Some(origin), _) => Message {
                deserialization_error: Some(unread(
                    entry,
                    origin,
                    bytes.filter(|bytes| includes_rows && bytes.len() <= MAX_RECORD_BYTES),
                )),
                ..Message::default()
            },
            (None, Trouble::Serialization) => serialization(entry, None),
            (None, _) => processing(entry.message.clone()),
        },
        Incident::Unwritten(entry, topic) => serialization(entry, Some(topic)),
        Incident::Production(error) => Message {
            r#type: 2,
            production_error: Some(ProductionError { error_message: shortened((*error).to_owned()) }),
            ..Message::default()
        },
        Incident::Thread(error) => Message {
            r#type: 4,
            kafka_streams_thread_error: Some(ThreadError {
                error_message: "Unhandled exception caught in streams thread".to_owned(),
                thread_name: std::thread::current().name().unwrap_or_default().to_owned(),
                cause: [(*error).to_owned()],
            }),
            ..Message::default()
        },
        Incident::LeftOut(count) => processing(format!("{count} more entries were left out here")),
    }
}

fn unread(entry: &Entry, origin: &Origin, bytes: Option<&[u8]>) -> DeserializationError {
    let target = if origin.is_key { "key" } else { "value" };
    let why = &entry.message;
    DeserializationError {
        target,
        error_message: format!("Failed to deserialize {target} from topic: {}. {why}", origin.topic),
        record_b64: bytes.map(|bytes| BASE64_STANDARD.encode(bytes)),
        cause: [why.clone()],
        topic: Arc::clone(&origin.topic),
        partition: origin.partition,
        offset: origin.offset,
    }
}
