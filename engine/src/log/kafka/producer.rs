//! Producing records and waiting until the brokers have them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use rdkafka::client::ClientContext;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{Producer as _, ProducerContext, ThreadedProducer};

use crate::log::kafka::connection::{Call, Connection, Events};
use crate::log::kafka::sending::{MESSAGE_BYTES, MESSAGE_TIMEOUT_MS, Rows, Timestamps, enqueue};
use crate::log::{LogError, Output, Result};

/// Longer than the client's own timeout.
const GIVE_UP: Duration = Duration::from_secs(15);
/// How long to wait when the client's queue is full.
const FULL: Duration = Duration::from_millis(2);
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

    #[allow(clippy::result_large_err, reason = "a client that does not take a record gives it back")]
    fn send(&self, output: &Output) -> Result<Arc<Delivery>> {
        let rows = Rows::of(output, Timestamps::Own)?;
        let delivery = Arc::new(Delivery {
            left: AtomicUsize::new(rows.len()),
            first: AtomicI64::new(i64::MAX),
            error: Mutex::default(),
            done: Condvar::new(),
        });
        let (send, wait) = (|record| self.producer.send(record), || std::thread::sleep(FULL));
        for row in 0..rows.len() {
            let record = rows.record(row, Arc::clone(&delivery));
            if let Err(error) = enqueue(record, self.producer.client(), send, wait) {
                delivery.settle(rows.len() - row, Some(error));
                break;
            }
        }
        Ok(delivery)
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
