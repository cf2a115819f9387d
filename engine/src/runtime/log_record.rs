//! Records of the processing log's topic, in ksqlDB's form.

use std::sync::Arc;

use arrow::array::ArrayRef;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;

use crate::formats::rest::RestRows;

use super::processing_log::{About, Entry, Origin, shortened};

/// Longest part of a bad record, or longest row, that stands in its entry, bytes: with it in base64 an entry is no larger than
/// what Kafka takes by default.
const MAX_RECORD_BYTES: usize = 512 << 10;

/// Bytes of entries that one query of a client writes.
pub(super) const CLIENT_BYTES: usize = 256 << 10;

/// What an entry is about, for readers that are to see data.
#[derive(Clone, Copy)]
pub(super) enum Data<'a> {
    /// Nothing that is known.
    Nothing,
    /// A key or a value that could not be read.
    Bytes(&'a [u8]),
    /// A row of these columns.
    Row(&'a [ArrayRef], usize),
}

impl Data<'_> {
    /// In base64.
    fn base64(self) -> Option<String> {
        let Self::Bytes(bytes) = self else { return None };
        (bytes.len() <= MAX_RECORD_BYTES).then(|| BASE64_STANDARD.encode(bytes))
    }

    /// As a JSON array.
    fn row(self) -> Option<String> {
        let Self::Row(columns, row) = self else { return None };
        let mut json = String::new();
        RestRows::new(columns).write_row(row, &mut json);
        (json.len() <= MAX_RECORD_BYTES).then_some(json)
    }
}

/// What a record of the topic is about.
pub(super) enum Incident<'a> {
    /// A record that could not be read, or a row that something failed for.
    Entry(&'a Entry),
    /// What was made could not be committed.
    Production(&'a str),
    /// A query that stopped.
    Thread(&'a str),
    /// More entries than there is room for.
    LeftOut(u64),
    /// A client's query has written all it may.
    Full,
    /// So have the queries of all clients for a while.
    ClientsLeftOut(u64),
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
    topic: Arc<str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ThreadError {
    error_message: String,
    thread_name: String,
    cause: [String; 1],
}

/// The value of a record of the topic.
pub(super) fn record(incident: &Incident<'_>, logger: &str, time: i64, data: Data<'_>) -> Vec<u8> {
    let is_notice = matches!(incident, Incident::LeftOut(_) | Incident::Full | Incident::ClientsLeftOut(_));
    let level = if is_notice { "WARN" } else { "ERROR" };
    let record = Record { logger, level, time, message: message(incident, data) };
    // Nothing in it can fail to be written as JSON.
    serde_json::to_vec(&record).unwrap_or_default()
}

fn message(incident: &Incident<'_>, data: Data<'_>) -> Message {
    let processing = |error_message: String, record: Option<String>| Message {
        r#type: 1,
        record_processing_error: Some(RecordProcessingError { error_message, record, cause: [] }),
        ..Message::default()
    };
    match incident {
        Incident::Entry(entry) => match &entry.about {
            About::Unread(origin) => {
                Message { deserialization_error: Some(unread(entry, origin, data.base64())), ..Message::default() }
            }
            About::Row => processing(entry.message.clone(), data.row()),
            About::Unwritten { topic, is_key } => Message {
                r#type: 3,
                serialization_error: Some(SerializationError {
                    target: part(*is_key),
                    error_message: entry.message.clone(),
                    record: data.row(),
                    cause: [entry.message.clone()],
                    topic: Arc::clone(topic),
                }),
                ..Message::default()
            },
        },
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
        Incident::LeftOut(count) => processing(format!("{count} more entries were left out here"), None),
        Incident::Full => {
            let most = CLIENT_BYTES >> 10;
            processing(format!("A client's query writes {most} KiB here at most: more entries were left out"), None)
        }
        Incident::ClientsLeftOut(count) => {
            processing(format!("{count} more entries of clients' queries were left out here"), None)
        }
    }
}

fn part(is_key: bool) -> &'static str {
    if is_key { "key" } else { "value" }
}

fn unread(entry: &Entry, origin: &Origin, record_b64: Option<String>) -> DeserializationError {
    let target = part(origin.is_key);
    let why = &entry.message;
    DeserializationError {
        target,
        error_message: format!("Failed to deserialize {target} from topic: {}. {why}", origin.topic),
        record_b64,
        cause: [why.clone()],
        topic: Arc::clone(&origin.topic),
        partition: origin.partition,
        offset: origin.offset,
    }
}
