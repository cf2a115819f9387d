//! Producing records and waiting until the brokers have them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use arrow::array::Array;
use parking_lot::{Condvar, Mutex};
use rdkafka::client::{Client, ClientContext};
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};

use crate::log::kafka::connection::{Call, Connection, Events};
use crate::log::records::header_columns;
use crate::log::{LogError, Output, Records, Result};

/// After that long without an acknowledgement a record counts as failed.
const MESSAGE_TIMEOUT_MS: &str = "10000";
/// Longer than the client's own timeout.
const GIVE_UP: Duration = Duration::from_secs(15);
/// How long to wait when the client's queue is full.
const FULL: Duration = Duration::from_millis(2);
/// How often, and how long apart, the partitions of a topic are asked for that should be there, and how long that may take.
const LEARNING_TRIES: u32 = 20;
const LEARNING: Duration = Duration::from_millis(100);
const ASKING: Duration = Duration::from_secs(5);
/// librdkafka takes the timestamp 0 for "none given" and writes the present instead; this is as near as it gets.
const FIRST_TIMESTAMP: i64 = 1;

/// The producer of a process.
pub(super) struct Producer {
    connection: Arc<Connection>,
    producer: ThreadedProducer<Acknowledge>,
}

/// Counts what brokers have acknowledged of one output.
struct Delivery {
    left: AtomicUsize,
    first: AtomicI64,
    error: Mutex<Option<KafkaError>>,
    done: Condvar,
}

impl Delivery {
    fn settle(&self, records: usize, error: Option<KafkaError>) {
        if let Some(error) = error {
            self.error.lock().get_or_insert(error);
        }
        if self.left.fetch_sub(records, Ordering::AcqRel) == records {
            // whoever waits looks at `left` under this lock
            let _waiting = self.error.lock();
            self.done.notify_all();
        }
    }
}

/// Where acknowledgements go.
struct Acknowledge(Events);

impl ClientContext for Acknowledge {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.0.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(error, reason);
    }
}

impl ProducerContext for Acknowledge {
    type DeliveryOpaque = Arc<Delivery>;

    fn delivery(&self, result: &DeliveryResult<'_>, delivery: Arc<Delivery>) {
        match result {
            Ok(message) => {
                delivery.first.fetch_min(message.offset(), Ordering::AcqRel);
                delivery.settle(1, None);
            }
            Err((error, _)) => delivery.settle(1, Some(error.clone())),
        }
    }
}

/// Has a client ask for the partitions of a topic that has more than it knows of; says whether to try again.
pub(super) fn learns_of_partitions<C: ClientContext>(client: &Client<C>, tries: &mut u32, topic: &str) -> bool {
    *tries += 1;
    if *tries > 1 {
        std::thread::sleep(LEARNING);
    }
    *tries <= LEARNING_TRIES && client.fetch_metadata(Some(topic), ASKING).is_ok()
}

/// Largest message, as a broker's default is; a topic may allow less.
pub(super) const MESSAGE_BYTES: usize = 1_048_588;

impl Producer {
    /// Connects lazily.
    pub(super) fn new(connection: Arc<Connection>) -> Result<Producer> {
        let config = connection.config(&[
            ("enable.idempotence", "true"),
            ("compression.type", "lz4"),
            ("linger.ms", "1"),
            ("message.max.bytes", &MESSAGE_BYTES.to_string()),
            ("message.timeout.ms", MESSAGE_TIMEOUT_MS),
            ("queue.buffering.max.messages", "200000"),
            ("queue.buffering.max.kbytes", "65536"),
        ]);
        let producer =
            connection.made(ThreadedProducer::from_config_and_context(&config, Acknowledge(connection.events())))?;
        Ok(Producer { connection, producer })
    }

    /// Produces everything and waits until it is acknowledged; returns the offset of the first record of each output,
    /// `None` where there was no record.
    pub(super) fn produce(&self, outputs: &[&Output]) -> Result<Vec<Option<i64>>> {
        let deliveries: Vec<_> = outputs.iter().copied().map(|output| self.send(output)).collect::<Result<_>>()?;
        let wait = |(delivery, output): (Arc<Delivery>, &&Output)| self.wait(&delivery, output);
        deliveries.into_iter().zip(outputs).map(wait).collect()
    }

    fn send(&self, Output { to, records }: &Output) -> Result<Arc<Delivery>> {
        let delivery = Arc::new(Delivery {
            left: AtomicUsize::new(records.len()),
            first: AtomicI64::new(i64::MAX),
            error: Mutex::default(),
            done: Condvar::new(),
        });
        for (row, timestamp) in records.timestamps.iter().enumerate() {
            let mut record = BaseRecord::with_opaque_to(&to.topic, Arc::clone(&delivery))
                .partition(to.partition as i32)
                .timestamp(FIRST_TIMESTAMP.max(*timestamp));
            record.key = records.keys.is_valid(row).then(|| records.keys.value(row));
            record.payload = records.values.is_valid(row).then(|| records.values.value(row));
            record.headers = headers(records, row)?;
            if let Err(error) = self.enqueue(record) {
                delivery.settle(records.len() - row, Some(error));
                break;
            }
        }
        Ok(delivery)
    }

    fn enqueue(&self, mut record: BaseRecord<'_, [u8], [u8], Arc<Delivery>>) -> std::result::Result<(), KafkaError> {
        let (topic, mut tries) = (record.topic, 0);
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    std::thread::sleep(FULL);
                }
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::UnknownPartition), back))
                    if learns_of_partitions(self.producer.client(), &mut tries, topic) =>
                {
                    record = back;
                }
                Err((error, _)) => return Err(error),
            }
        }
    }

    fn wait(&self, delivery: &Delivery, Output { to, .. }: &Output) -> Result<Option<i64>> {
        let mut error = delivery.error.lock();
        while delivery.left.load(Ordering::Acquire) > 0 {
            if delivery.done.wait_for(&mut error, GIVE_UP).timed_out() {
                return Err(LogError::Broker(format!("topic {} does not acknowledge records", to.topic)));
            }
        }
        match &*error {
            None => Ok(Some(delivery.first.load(Ordering::Acquire)).filter(|first| *first != i64::MAX)),
            Some(error) => match error.rdkafka_error_code() {
                Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
                    Err(LogError::UnknownTopic(to.topic.to_string()))
                }
                // It would be as large the next time.
                Some(RDKafkaErrorCode::MessageSizeTooLarge | RDKafkaErrorCode::InvalidMessageSize) => {
                    Err(LogError::Invalid(format!("a record is too large for topic {}", to.topic)))
                }
                _ => Err(self.connection.failed(Call { does: "writing to", needs: "Write", topic: &to.topic }, error)),
            },
        }
    }
}

pub(super) fn headers(records: &Records, row: usize) -> Result<Option<OwnedHeaders>> {
    let Some(lists) = &records.headers else { return Ok(None) };
    let (keys, values) = header_columns(lists)?;
    let offsets = lists.value_offsets();
    let (Some(start), Some(end)) = (offsets.get(row), offsets.get(row + 1)) else { return Ok(None) };
    if start == end {
        return Ok(None);
    }
    let mut headers = OwnedHeaders::new_with_capacity((end - start) as usize);
    for i in *start as usize..*end as usize {
        let value = values.is_valid(i).then(|| values.value(i));
        headers = headers.insert(Header { key: keys.value(i), value });
    }
    Ok(Some(headers))
}
