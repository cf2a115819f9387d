//! A broker, and what the bench does on it as a client that knows nothing of Millstream.

use std::time::{Duration, Instant};

use arrow::array::Array;
use e2e::kafka::{Kafka, Secured};
use engine::log::Records;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

/// Records generated at once.
const APPEND: usize = 50_000;
/// What takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A broker that keeps what is old: times of the generated records are of years ago.
pub(super) struct Cluster {
    kafka: Kafka,
}

impl Cluster {
    pub(super) fn start() -> Self {
        let settings = vec!["log.initial.task.delay.ms=86400000".to_owned()];
        Self { kafka: Kafka::start_with(&Secured { settings, ..Secured::default() }) }
    }

    /// Where it is.
    pub(super) fn bootstrap(&self) -> &str {
        &self.kafka.bootstrap
    }

    fn config(&self, more: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.bootstrap()).set_log_level(rdkafka::config::RDKafkaLogLevel::Error);
        for (name, value) in more {
            config.set(*name, *value);
        }
        config
    }

    /// A client that produces, with the partitions that Kafka's own would choose.
    pub(super) fn producer(&self) -> Result<BaseProducer, String> {
        let settings = [("partitioner", "murmur2_random"), ("linger.ms", "1")];
        self.config(&settings).create().map_err(|error| error.to_string())
    }

    fn consumer(&self, group: &str) -> Result<BaseConsumer, String> {
        self.consumer_of(group, "read_committed")
    }

    fn consumer_of(&self, group: &str, isolation: &str) -> Result<BaseConsumer, String> {
        let settings = [
            ("group.id", group),
            ("enable.auto.commit", "false"),
            ("enable.partition.eof", "true"),
            ("isolation.level", isolation),
            ("fetch.queue.backoff.ms", "10"),
        ];
        self.config(&settings).create().map_err(|error| error.to_string())
    }

    /// Writes `count` records that `make` gives from their numbers on, and waits until they are there.
    pub(super) fn fill(
        &self,
        topic: &str,
        count: usize,
        mut make: impl FnMut(u64, usize) -> Records,
    ) -> Result<(), String> {
        let producer = self.producer()?;
        for from in (0..count).step_by(APPEND) {
            let records = make(from as u64, APPEND.min(count - from));
            for row in 0..records.len() {
                let key = records.keys.is_valid(row).then(|| records.keys.value(row));
                let value = records.values.is_valid(row).then(|| records.values.value(row));
                let time = records.timestamps.get(row).copied().unwrap_or_default();
                send(&producer, topic, time, key, value)?;
            }
        }
        producer.flush(PATIENCE).map_err(|error| error.to_string())
    }

    /// Waits until no transaction is open in a partition: its end may come after the group's positions are seen.
    fn wait_for_transactions(&self, topic: &str, partition: i32) -> Result<(), String> {
        let (all, committed) = (self.consumer_of("bench-reads", "read_uncommitted")?, self.consumer("bench-reads")?);
        let end = |consumer: &BaseConsumer| consumer.fetch_watermarks(topic, partition, PATIENCE).map(|(_, end)| end);
        let begin = Instant::now();
        while end(&all).ok() != end(&committed).ok() {
            if begin.elapsed() > PATIENCE {
                return Err(format!("a transaction in topic {topic} does not end"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Hands every committed record of a topic, key and value, to `each`.
    pub(super) fn read(
        &self,
        topic: &str,
        mut each: impl FnMut(Option<&[u8]>, Option<&[u8]>) -> Result<(), String>,
    ) -> Result<(), String> {
        let consumer = self.consumer("bench-reads")?;
        let mut from = TopicPartitionList::new();
        for partition in 0..partitions(&consumer, topic)? {
            self.wait_for_transactions(topic, partition)?;
            let added = from.add_partition_offset(topic, partition, Offset::Beginning);
            added.map_err(|error| error.to_string())?;
        }
        consumer.assign(&from).map_err(|error| error.to_string())?;
        let mut left = from.count();
        while left > 0 {
            match consumer.poll(PATIENCE).ok_or_else(|| format!("topic {topic} gives no more records"))? {
                Ok(message) => each(message.key(), message.payload())?,
                Err(KafkaError::PartitionEOF(_)) => left -= 1,
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(())
    }

    /// Waits until a group has committed so many records of a topic, all partitions together.
    pub(super) fn wait(&self, group: &str, topic: &str, count: usize, patience: Duration) -> Result<(), String> {
        let consumer = self.consumer(group)?;
        let mut asked = TopicPartitionList::new();
        asked.add_partition_range(topic, 0, partitions(&consumer, topic)? - 1);
        let begin = Instant::now();
        let mut read = 0;
        while begin.elapsed() < patience {
            // While the group's coordinator is being found there is no answer.
            if let Ok(offsets) = consumer.committed_offsets(asked.clone(), PATIENCE) {
                let offsets = offsets.elements().iter().filter_map(|one| one.offset().to_raw()).collect::<Vec<_>>();
                read = offsets.into_iter().filter(|offset| *offset > 0).sum::<i64>();
                if read == count as i64 {
                    return Ok(());
                }
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(format!("{group} has committed {read} of the {count} records of {topic}"))
    }
}

/// Puts a record into the queue of a producer, with its time in milliseconds.
pub(super) fn send(
    producer: &BaseProducer,
    topic: &str,
    time: i64,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
) -> Result<(), String> {
    let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(topic).timestamp(time);
    (record.key, record.payload) = (key, value);
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                producer.poll(Duration::from_millis(5));
                record = back;
            }
            Err((error, _)) => return Err(error.to_string()),
        }
    }
}

fn partitions(consumer: &BaseConsumer, topic: &str) -> Result<i32, String> {
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).map_err(|error| error.to_string())?;
    match metadata.topics().first().map(|topic| topic.partitions().len()) {
        Some(count) if count > 0 => Ok(count as i32),
        _ => Err(format!("there is no topic {topic}")),
    }
}
