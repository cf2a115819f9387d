//! Records on their way into a producer of librdkafka.

use std::time::Duration;

use arrow::array::{Array, BinaryArray, ListArray, StringArray};
use rdkafka::client::{Client, ClientContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::BaseRecord;
use rdkafka::util::IntoOpaque;

use crate::log::records::header_columns;
use crate::log::{LogError, Output, Result, TopicPartition};

/// After that long without an acknowledgement a record counts as failed.
pub(super) const MESSAGE_TIMEOUT_MS: &str = "10000";
/// Largest message, as a broker's default is; a topic may allow less.
pub(super) const MESSAGE_BYTES: usize = 1_048_588;
/// librdkafka takes the timestamp 0 for "none given" and writes the present instead; this is as near as it gets.
const FIRST_TIMESTAMP: i64 = 1;
/// How often, and how long apart, the partitions of a topic are asked for that should be there, and how long that may take.
const LEARNING_TRIES: u32 = 20;
const LEARNING: Duration = Duration::from_millis(100);
const ASKING: Duration = Duration::from_secs(5);

/// The time of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timestamps {
    /// Their own.
    Own,
    /// When they are sent.
    Now,
}

/// The records of an output, known to be whole.
pub(super) struct Rows<'a> {
    output: &'a Output,
    headers: Option<(&'a ListArray, &'a StringArray, &'a BinaryArray)>,
    timestamps: Timestamps,
}

impl<'a> Rows<'a> {
    /// Of that output.
    ///
    /// # Errors
    /// [`LogError::Invalid`] for columns of different length, or headers that are none.
    pub(super) fn of(output: &'a Output, timestamps: Timestamps) -> Result<Rows<'a>> {
        if !output.records.is_even() {
            return Err(LogError::Invalid(format!("columns of different length for topic {}", output.to.topic)));
        }
        let columns = |lists: &'a ListArray| header_columns(lists).map(|(keys, values)| (lists, keys, values));
        Ok(Rows { output, headers: output.records.headers.as_ref().map(columns).transpose()?, timestamps })
    }

    /// Where they go.
    pub(super) fn to(&self) -> &'a TopicPartition {
        &self.output.to
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.output.records.len()
    }

    /// One of them, and what is told of its delivery with it.
    pub(super) fn record<D: IntoOpaque>(&self, row: usize, delivery: D) -> BaseRecord<'a, [u8], [u8], D> {
        let Output { to, records } = self.output;
        let mut record = BaseRecord::with_opaque_to(&to.topic, delivery).partition(to.partition as i32);
        if self.timestamps == Timestamps::Own {
            let timestamp = records.timestamps.get(row).copied().unwrap_or_default();
            record = record.timestamp(FIRST_TIMESTAMP.max(timestamp));
        }
        record.key = records.keys.is_valid(row).then(|| records.keys.value(row));
        record.payload = records.values.is_valid(row).then(|| records.values.value(row));
        record.headers = self.headers(row);
        record
    }

    fn headers(&self, row: usize) -> Option<OwnedHeaders> {
        let (lists, keys, values) = self.headers?;
        let offsets = lists.value_offsets();
        let (start, end) = (*offsets.get(row)?, *offsets.get(row + 1)?);
        if start == end {
            return None;
        }
        let mut headers = OwnedHeaders::new_with_capacity((end - start) as usize);
        for i in start as usize..end as usize {
            let value = values.is_valid(i).then(|| values.value(i));
            headers = headers.insert(Header { key: keys.value(i), value });
        }
        Some(headers)
    }
}

/// Puts a record into the queue of a client: calls `wait` while that is full, and has the client ask for the partitions of
/// a topic that has more than it knows of.
pub(super) fn enqueue<'a, C: ClientContext, D: IntoOpaque>(
    mut record: BaseRecord<'a, [u8], [u8], D>,
    client: &Client<C>,
    send: impl Fn(BaseRecord<'a, [u8], [u8], D>) -> std::result::Result<(), (KafkaError, BaseRecord<'a, [u8], [u8], D>)>,
    wait: impl Fn(),
) -> std::result::Result<(), KafkaError> {
    let mut tries = 0;
    loop {
        let (error, back) = match send(record) {
            Ok(()) => return Ok(()),
            Err(refused) => refused,
        };
        match error {
            KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) => wait(),
            KafkaError::MessageProduction(RDKafkaErrorCode::UnknownPartition)
                if tries < LEARNING_TRIES && client.fetch_metadata(Some(back.topic), ASKING).is_ok() =>
            {
                if tries > 0 {
                    std::thread::sleep(LEARNING);
                }
                tries += 1;
            }
            error => return Err(error),
        }
        record = back;
    }
}
