//! Reading some partitions: one consumer, assigned by hand.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use arrow::buffer::ScalarBuffer;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{Offset, TopicPartitionList};

use crate::log::kafka::connection::{Call, Connection, Events};
use crate::log::{LogError, Position, RawBatch, Reader, RecordsBuilder, Result, Signal, TopicPartition};

/// The client demands a group id; as partitions are assigned by hand it never joins or commits.
const NO_GROUP: &str = "_millstream-reader";
/// Records fetched ahead per reader.
const FETCHED_KB: &str = "16384";
/// What a record counts beside its key and value.
const RECORD_BYTES: usize = 16;

/// Reads some partitions.
pub(super) struct KafkaReader {
    connection: Arc<Connection>,
    consumer: BaseConsumer<Events>,
    partitions: Vec<Partition>,
    /// The partition of the record before: the next one is mostly from the same.
    last: usize,
}

struct Partition {
    of: TopicPartition,
    offsets: Vec<i64>,
    records: RecordsBuilder,
    /// Nothing was left on the broker when it was asked last.
    has_reached_end: bool,
}

impl KafkaReader {
    /// Reads each partition from its offset on; an offset that retention has removed means the first one there is.
    pub(super) fn new(
        connection: Arc<Connection>,
        group: &str,
        from: Vec<Position>,
        wake: Arc<Signal>,
    ) -> Result<KafkaReader> {
        let config = connection.config(&[
            ("group.id", if group.is_empty() { NO_GROUP } else { group }),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("auto.offset.reset", "earliest"),
            ("isolation.level", "read_committed"),
            ("enable.partition.eof", "true"),
            ("fetch.error.backoff.ms", "100"),
            ("queued.max.messages.kbytes", FETCHED_KB),
        ]);
        let mut consumer: BaseConsumer<Events> =
            connection.made(BaseConsumer::from_config_and_context(&config, connection.events()))?;
        consumer.set_nonempty_callback(move || wake.raise());
        let mut assignment = TopicPartitionList::with_capacity(from.len());
        let assigned = from.iter().try_for_each(|Position { of, offset }| {
            assignment.add_partition_offset(&of.topic, of.partition as i32, Offset::Offset(*offset))
        });
        let assigned = assigned.and_then(|()| consumer.assign(&assignment));
        let call = Call { does: "assigning partitions", needs: "Read", topic: "" };
        assigned.map_err(|error| connection.failed(call, &error))?;
        let partition = |Position { of, .. }| Partition {
            of,
            offsets: Vec::new(),
            records: RecordsBuilder::default(),
            has_reached_end: false,
        };
        Ok(KafkaReader { connection, consumer, partitions: from.into_iter().map(partition).collect(), last: 0 })
    }

    /// The client says only which number came to its end, so a number that several topics have tells nothing.
    fn reached_end(&mut self, number: i32) {
        let mut its = self.partitions.iter_mut().filter(|partition| partition.of.partition as i32 == number);
        if let (Some(partition), None) = (its.next(), its.next()) {
            partition.has_reached_end = true;
        }
    }

    fn topics(&self) -> String {
        let topics: BTreeSet<&str> = self.partitions.iter().map(|partition| &*partition.of.topic).collect();
        topics.into_iter().collect::<Vec<_>>().join(", ")
    }

    fn failed(&self, error: &KafkaError) -> Result<()> {
        match error.rdkafka_error_code() {
            // the client goes on trying, and what comes later is complete
            Some(
                RDKafkaErrorCode::AllBrokersDown
                | RDKafkaErrorCode::BrokerTransportFailure
                | RDKafkaErrorCode::OperationTimedOut
                | RDKafkaErrorCode::Resolve
                | RDKafkaErrorCode::AutoOffsetReset,
            ) => {
                tracing::debug!("reading: {error}");
                Ok(())
            }
            Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
                Err(LogError::UnknownTopic(self.topics()))
            }
            // Nobody here uses the group.
            Some(RDKafkaErrorCode::GroupAuthorizationFailed) => Ok(()),
            _ => {
                let call = Call { does: "reading", needs: "Read", topic: &self.topics() };
                Err(self.connection.failed(call, error))
            }
        }
    }
}

impl Reader for KafkaReader {
    fn poll(&mut self, max_bytes: usize) -> Result<Vec<(usize, RawBatch)>> {
        let mut bytes = 0;
        while bytes < max_bytes {
            let reports = self.connection.reports();
            match self.consumer.poll(Duration::ZERO) {
                // The queue held a report of the client: records may stand behind it, and nobody would be woken for them.
                None if self.connection.reports() != reports => {}
                None => break,
                Some(Ok(message)) => {
                    bytes += message.key_len() + message.payload_len() + RECORD_BYTES;
                    self.last = find(&self.partitions, self.last, &message);
                    if let Some(partition) = self.partitions.get_mut(self.last) {
                        partition.push(&message);
                    }
                }
                Some(Err(KafkaError::PartitionEOF(number))) => self.reached_end(number),
                Some(Err(error)) => self.failed(&error)?,
            }
        }
        let filled = self.partitions.iter_mut().enumerate().filter(|(_, partition)| !partition.offsets.is_empty());
        Ok(filled.map(|(i, partition)| (i, partition.take())).collect())
    }

    fn has_reached_end(&self, index: usize) -> bool {
        self.partitions.get(index).is_some_and(|partition| partition.has_reached_end)
    }
}

impl Partition {
    fn push(&mut self, message: &BorrowedMessage<'_>) {
        self.has_reached_end = false;
        self.offsets.push(message.offset());
        self.records.push(message.timestamp().to_millis().unwrap_or(0), message.key(), message.payload());
        for header in message.headers().iter().flat_map(|headers| headers.iter()) {
            self.records.header(header.key, header.value);
        }
    }

    fn take(&mut self) -> RawBatch {
        let offsets = ScalarBuffer::from(std::mem::take(&mut self.offsets));
        RawBatch { offsets, records: self.records.finish() }
    }
}

/// The index of a message's partition.
fn find(partitions: &[Partition], last: usize, message: &BorrowedMessage<'_>) -> usize {
    let is_its = |partition: &Partition| {
        partition.of.partition as i32 == message.partition() && *partition.of.topic == *message.topic()
    };
    match partitions.get(last).is_some_and(is_its) {
        true => last,
        false => partitions.iter().position(is_its).unwrap_or(partitions.len()),
    }
}
