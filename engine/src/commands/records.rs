//! The records of a command topic: ours, and those of a ksqlDB whose service goes on with Millstream.
//!
//! ```text
//! key    "stream/`S`/create"
//! value  {"statement": …, "streamsProperties": {…}, "originalProperties": {}, "plan": null,
//!         "millstream": {"number": 4, "by": …, "command": {…}}}
//! ```
//!
//! ksqlDB's have their plan in `plan` and nothing of ours. They stand before all of ours, whose first says up to where
//! they are taken over (`"after": 17`): what became of them is in ours.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::log::{Log, LogError, Position, RawBatch, Reader, Result, Signal, TopicPartition};

use super::Logged;

/// Bytes read at once.
pub(super) const READ_BYTES: usize = 4 << 20;
/// How long to wait for records that must be there.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(20);

/// A record of ours.
pub(super) struct Record {
    pub(super) offset: i64,
    pub(super) number: u64,
    pub(super) by: String,
    /// Up to which offset ksqlDB's commands are taken over, if it is the first of ours behind them.
    pub(super) after: Option<i64>,
    pub(super) command: Vec<u8>,
}

/// A command of ksqlDB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Foreign {
    /// Of its record.
    pub(crate) offset: i64,
    /// When it was written, milliseconds since the epoch.
    pub(crate) time_ms: i64,
    /// How clients call it: ``stream/`S`/create``.
    pub(crate) command_id: String,
    /// What was asked for, columns and properties filled in.
    pub(crate) statement: String,
    /// The properties of the session.
    pub(crate) properties: BTreeMap<String, String>,
    /// Id of the query that it started.
    pub(crate) query_id: Option<String>,
}

/// What stands in a command topic.
#[derive(Default)]
pub(super) struct Found {
    /// Of ksqlDB, all of them before the first of ours.
    pub(super) foreign: Vec<Foreign>,
    pub(super) ours: Vec<Record>,
}

#[derive(Serialize, Deserialize)]
struct Value<'a> {
    #[serde(borrow)]
    statement: Cow<'a, str>,
    #[serde(rename = "streamsProperties", default)]
    streams_properties: BTreeMap<String, serde_json::Value>,
    #[serde(rename = "originalProperties", default, skip_deserializing)]
    original_properties: BTreeMap<String, String>,
    #[serde(default)]
    plan: Option<Plan>,
    #[serde(default)]
    millstream: Option<Ours>,
}

/// What is read of ksqlDB's plans.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Plan {
    query_plan: Option<Query>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Query {
    query_id: String,
}

#[derive(Serialize, Deserialize)]
struct Ours {
    number: u64,
    by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<i64>,
    command: Box<RawValue>,
}

/// Key and value of a command's record.
pub(super) fn encode(
    number: u64,
    by: &str,
    after: Option<i64>,
    logged: &Logged,
    command: &[u8],
) -> Result<(Vec<u8>, Vec<u8>)> {
    let encoded = || {
        let command = RawValue::from_string(String::from_utf8_lossy(command).into_owned())?;
        let properties = logged.overrides.iter().map(|(name, value)| (name.clone(), value.as_str().into()));
        let value = Value {
            statement: Cow::Borrowed(&logged.text),
            streams_properties: properties.collect(),
            original_properties: BTreeMap::new(),
            plan: None,
            millstream: Some(Ours { number, by: by.to_owned(), after, command }),
        };
        Ok((serde_json::to_vec(&logged.command_id)?, serde_json::to_vec(&value)?))
    };
    encoded().map_err(|error: serde_json::Error| LogError::Invalid(error.to_string()))
}

/// The records from an offset on that stand before another.
pub(super) fn read(log: &Arc<dyn Log>, of: &TopicPartition, from: i64, end: i64) -> Result<Found> {
    let wake = Arc::new(Signal::default());
    let mut reader: Box<dyn Reader> = log.reader(vec![Position { of: of.clone(), offset: from }], Arc::clone(&wake))?;
    let (mut found, mut next, mut moved) = (Found::default(), from, Instant::now());
    while next < end {
        let seen = wake.count();
        let batches = reader.poll(READ_BYTES)?;
        if batches.is_empty() {
            if reader.has_reached_end(0) {
                break;
            }
            if moved.elapsed() > PATIENCE {
                return Err(LogError::Broker(format!("the command topic {} gives no records", of.topic)));
            }
            wake.wait(seen, PAUSE);
        }
        for (_, batch) in &batches {
            next = batch.offsets.last().map_or(next, |last| last + 1);
            found.add(&of.topic, batch)?;
            moved = Instant::now();
        }
    }
    Ok(found)
}

impl Found {
    /// Adds the records of a batch.
    pub(super) fn add(&mut self, topic: &str, batch: &RawBatch) -> Result<()> {
        let records = &batch.records;
        for (at, (key, value)) in records.keys.iter().zip(records.values.iter()).enumerate() {
            let offset = batch.offsets.get(at).copied().unwrap_or_default();
            let invalid = |problem: String| {
                LogError::Invalid(format!("the record at offset {offset} of the command topic {topic} {problem}"))
            };
            let value: Value<'_> = serde_json::from_slice(value.unwrap_or_default())
                .map_err(|error| invalid(format!("is no command ({error})")))?;
            match value.millstream {
                Some(Ours { number, by, after, command }) => {
                    let command = command.get().as_bytes().to_vec();
                    self.ours.push(Record { offset, number, by, after, command });
                }
                None if self.ours.is_empty() => {
                    let time_ms = records.timestamps.get(at).copied().unwrap_or_default();
                    self.foreign.push(foreign(offset, time_ms, key.unwrap_or_default(), value));
                }
                None => {
                    return Err(invalid("is one of ksqlDB's, behind Millstream's: a ksqlDB server still runs".into()));
                }
            }
        }
        Ok(())
    }

    /// What is ours, if nothing of ksqlDB's is left to take over.
    pub(super) fn into_ours(self, topic: &str) -> Result<Vec<Record>> {
        let after = self.ours.first().and_then(|record| record.after).unwrap_or_default();
        match self.foreign.iter().find(|command| command.offset >= after) {
            None => Ok(self.ours),
            Some(Foreign { offset, .. }) => Err(LogError::Invalid(format!(
                "the record at offset {offset} of the command topic {topic} is one of ksqlDB's. To go on with what ksqlDB \
                 ran, look at it with `millstream server … --dry-run`, stop ksqlDB's servers, and start with \
                 millstream.take.over=all and an empty data.dir; else give this server another ksql.service.id"
            ))),
        }
    }

    /// Whether there is nothing but ksqlDB's.
    pub(super) fn is_foreign(&self) -> bool {
        self.ours.is_empty() && !self.foreign.is_empty()
    }
}

fn foreign(offset: i64, time_ms: i64, key: &[u8], value: Value<'_>) -> Foreign {
    let text = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    Foreign {
        offset,
        time_ms,
        command_id: serde_json::from_slice(key).unwrap_or_else(|_| String::from_utf8_lossy(key).into_owned()),
        statement: value.statement.into_owned(),
        properties: value.streams_properties.into_iter().map(|(name, value)| (name, text(value))).collect(),
        query_id: value.plan.and_then(|plan| plan.query_plan).map(|query| query.query_id),
    }
}
