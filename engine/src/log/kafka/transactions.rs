//! Commits: what the tasks of one thread did becomes visible in one transaction of that thread's producer, or not at all.
//!
//! librdkafka does not speak the protocol in which a late end of a transaction cannot end the next one (KIP-890). So a
//! producer that was not told how a transaction ended is given up; the one made in its place, under the same id, first
//! has the broker end what is open, and what the old one may still send is refused.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, Producer, ProducerContext};
use rdkafka::{Offset, TopicPartitionList};

use crate::crash::{self, Point};
use crate::log::kafka::connection::{Call, Connection, Events};
use crate::log::kafka::membership::Fence;
use crate::log::kafka::sending::{MESSAGE_BYTES, MESSAGE_TIMEOUT_MS, Rows, enqueue};
use crate::log::{LogError, Position, Result};

/// How long a call may take. Longer than a record may be on its way.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long one call to take a transaction back may take.
const ABORTING: Duration = Duration::from_millis(50);
/// How long a transaction may be open, as Kafka Streams has it; not shorter than a record may be on its way.
const TRANSACTION_TIMEOUT_MS: &str = "10000";
/// How often to look whether brokers have answered.
const LOOK: Duration = Duration::from_millis(1);
/// How long to wait when the client's queue is full.
const FULL: Duration = Duration::from_millis(5);

/// What goes into a transaction.
pub(super) struct Transaction<'a> {
    /// Records.
    pub(super) outputs: Vec<Rows<'a>>,
    /// Positions of groups.
    pub(super) positions: Vec<(Arc<ConsumerGroupMetadata>, Vec<Position>)>,
    /// By which the process shows that it has a right to all that.
    pub(super) fence: Option<&'a Fence>,
}

/// Why a transaction was not done.
pub(super) struct Uncommitted {
    /// Whether nothing of it counts for sure.
    pub(super) is_taken_back: bool,
    /// Whether the process could not show that it has a right to it.
    pub(super) is_fenced: bool,
    /// What is wrong.
    pub(super) error: LogError,
}

/// The producers of a process, one per thread that commits.
pub(super) struct Transactions {
    connection: Arc<Connection>,
    /// What the ids of all processes' producers begin with.
    prefix: String,
    process: String,
    producers: Vec<Mutex<Option<TransactionalProducer>>>,
}

impl Transactions {
    /// For so many threads. No other process is called `process`.
    pub(super) fn new(connection: Arc<Connection>, prefix: &str, process: &str, threads: usize) -> Transactions {
        let producers = (0..threads.max(1)).map(|_| Mutex::default()).collect();
        Transactions { connection, prefix: prefix.to_owned(), process: process.to_owned(), producers }
    }

    /// Waits until the transactions that this process had begun before are over, however they ended.
    pub(super) fn settle(&self) -> Result<()> {
        for (thread, producer) in self.producers.iter().enumerate() {
            let mut producer = producer.lock();
            if producer.is_none() {
                *producer = Some(self.producer(thread)?);
            }
        }
        Ok(())
    }

    /// Does a transaction; returns the offset behind the last record of each output.
    pub(super) fn commit(
        &self,
        thread: usize,
        transaction: &Transaction<'_>,
    ) -> std::result::Result<Vec<Option<i64>>, Uncommitted> {
        let thread = thread % self.producers.len();
        let Some(mutex) = self.producers.get(thread) else { return Ok(Vec::new()) };
        let mut slot = mutex.lock();
        let producer = match slot.take() {
            Some(producer) => producer,
            None => self.producer(thread)?,
        };
        match producer.run(transaction) {
            Ok(()) => {
                let ends = producer.ends();
                *slot = Some(producer);
                Ok(ends)
            }
            Err(Failed { stage, error: failed }) => {
                let error = producer.blame(&self.connection, &transaction.outputs, &failed);
                let is_fenced = transaction.fence.is_some() && producer.is_refused(stage, &failed);
                // One that has taken everything back can go on; any other is given up.
                let is_taken_back = producer.takes_back(&failed);
                if is_taken_back {
                    *slot = Some(producer);
                }
                Err(Uncommitted { is_taken_back, is_fenced, error })
            }
        }
    }

    /// Ends what a process with so many threads has begun, which seems to be gone. One that is not does it again.
    pub(super) fn end_those_of(&self, process: &str, threads: usize) {
        for thread in 0..threads {
            if let Err(error) = TransactionalProducer::open(&self.connection, &self.id_of(process, thread)) {
                tracing::debug!(process, thread, "what it has begun is left to the brokers to end: {error}");
            }
        }
    }

    fn producer(&self, thread: usize) -> Result<TransactionalProducer> {
        TransactionalProducer::open(&self.connection, &self.id_of(&self.process, thread))
    }

    fn id_of(&self, process: &str, thread: usize) -> String {
        format!("{}{process}-{thread}", self.prefix)
    }
}

/// How far a transaction has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Its records and positions.
    Written,
    /// The proof that the process has a right to them.
    Fenced,
    /// It was asked to be committed.
    Asked,
}

/// Why it came no further.
struct Failed {
    stage: Stage,
    error: KafkaError,
}

impl Stage {
    fn failed(self) -> impl Fn(KafkaError) -> Failed {
        move |error| Failed { stage: self, error }
    }
}

/// A producer with a transactional id.
pub(super) struct TransactionalProducer {
    producer: BaseProducer<Deliveries>,
}

/// What brokers have said of the records of the present transaction.
#[derive(Default)]
struct Delivered {
    /// Offset behind the last record, by number of the output.
    ends: Vec<Option<i64>>,
    /// The first record that was not taken: its topic, and why.
    refused: Option<(String, KafkaError)>,
}

/// Where acknowledgements go.
struct Deliveries {
    events: Events,
    delivered: Mutex<Delivered>,
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.events.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // Whoever has been overtaken learns it as an error of what was tried, and knows whether that is to be told.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::Fenced) {
            self.events.error(error, reason);
        }
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        match result {
            Ok(message) => {
                let mut delivered = self.delivered.lock();
                if let Some(end) = delivered.ends.get_mut(number) {
                    *end = (*end).max(Some(message.offset() + 1));
                }
            }
            Err((error, message)) => {
                let mut delivered = self.delivered.lock();
                // What is purged behind a refused record was not refused itself.
                let code = error.rdkafka_error_code();
                if !matches!(code, Some(RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight)) {
                    delivered.refused.get_or_insert_with(|| (message.topic().to_owned(), error.clone()));
                }
            }
        }
    }
}

impl TransactionalProducer {
    /// One that keeps all others with its id from writing; what they had begun is over.
    pub(super) fn open(connection: &Connection, id: &str) -> Result<TransactionalProducer> {
        let config = connection.config(&[
            ("transactional.id", id),
            ("transaction.timeout.ms", TRANSACTION_TIMEOUT_MS),
            ("message.timeout.ms", MESSAGE_TIMEOUT_MS),
            ("compression.type", "lz4"),
            // Records come at once, in a commit, which then waits for them.
            ("linger.ms", "1"),
            // A transaction that follows another waits as long when the broker has not ended that one everywhere.
            ("retry.backoff.ms", "10"),
            ("message.max.bytes", &MESSAGE_BYTES.to_string()),
            ("queue.buffering.max.messages", "500000"),
            ("queue.buffering.max.kbytes", "131072"),
        ]);
        let context = Deliveries { events: connection.events(), delivered: Mutex::default() };
        let producer = connection.made(BaseProducer::from_config_and_context(&config, context))?;
        let producer = TransactionalProducer { producer };
        let call = Call { does: "beginning transactions", needs: "Write", topic: "" };
        producer.producer.init_transactions(TIMEOUT).map_err(|error| connection.failed(call, &error))?;
        Ok(producer)
    }

    /// Writes records in a transaction of their own; returns the offset behind the last one.
    pub(super) fn append(&self, rows: &Rows<'_>) -> std::result::Result<Option<i64>, KafkaError> {
        *self.producer.context().delivered.lock() = Delivered { ends: vec![None], refused: None };
        self.producer.begin_transaction()?;
        self.send(rows, 0)?;
        self.flush()?;
        self.producer.commit_transaction(TIMEOUT)?;
        Ok(self.ends().into_iter().next().flatten())
    }

    /// Whether another producer with its id has taken its place.
    pub(super) fn is_fenced(&self, failed: &KafkaError) -> bool {
        let fatal = self.producer.client().fatal_error().map(|(code, _)| code);
        [fatal, failed.rdkafka_error_code()].into_iter().flatten().any(|code| {
            matches!(
                code,
                RDKafkaErrorCode::Fenced | RDKafkaErrorCode::ProducerFenced | RDKafkaErrorCode::InvalidProducerEpoch
            )
        })
    }

    fn run(&self, transaction: &Transaction<'_>) -> std::result::Result<(), Failed> {
        self.write(transaction).map_err(Stage::Written.failed())?;
        // Behind the positions: who sees that it was refused, or comes later, finds them undecided.
        if let Some(Fence { position, member }) = transaction.fence {
            let fenced = self.producer.send_offsets_to_transaction(position, member, TIMEOUT);
            fenced.map_err(Stage::Fenced.failed())?;
        }
        crash::at(Point::PositionsSent);
        self.flush().map_err(Stage::Written.failed())?;
        crash::at(Point::CommitUnasked);
        self.producer.commit_transaction(TIMEOUT).map_err(Stage::Asked.failed())
    }

    fn write(&self, transaction: &Transaction<'_>) -> std::result::Result<(), KafkaError> {
        *self.producer.context().delivered.lock() =
            Delivered { ends: vec![None; transaction.outputs.len()], refused: None };
        self.producer.begin_transaction()?;
        crash::at(Point::TransactionBegun);
        for (number, rows) in transaction.outputs.iter().enumerate() {
            self.send(rows, number)?;
        }
        crash::at(Point::RecordsSent);
        for (group, positions) in &transaction.positions {
            let mut offsets = TopicPartitionList::with_capacity(positions.len());
            for Position { of, offset } in positions {
                offsets.add_partition_offset(&of.topic, of.partition as i32, Offset::Offset(*offset))?;
            }
            self.producer.send_offsets_to_transaction(&offsets, group, TIMEOUT)?;
        }
        Ok(())
    }

    /// Whether the process could not show that it has a right to a transaction, which is not done: it is no member of the
    /// group's present generation, or was away so long that the broker has ended the transaction, or others have.
    fn is_refused(&self, stage: Stage, failed: &KafkaError) -> bool {
        let is_no_member = matches!(
            failed.rdkafka_error_code(),
            Some(
                RDKafkaErrorCode::IllegalGeneration
                    | RDKafkaErrorCode::UnknownMemberId
                    | RDKafkaErrorCode::RebalanceInProgress
                    | RDKafkaErrorCode::FencedInstanceId
            )
        );
        (stage == Stage::Fenced && is_no_member) || (stage != Stage::Asked && self.is_fenced(failed))
    }

    #[allow(clippy::result_large_err, reason = "a client that does not take a record gives it back")]
    fn send(&self, rows: &Rows<'_>, number: usize) -> std::result::Result<(), KafkaError> {
        let wait = || {
            self.producer.poll(FULL);
        };
        for row in 0..rows.len() {
            let send = |record| self.producer.send(record);
            enqueue(rows.record(row, number), self.producer.client(), send, wait)?;
        }
        // Serves what was acknowledged meanwhile.
        self.producer.poll(Duration::ZERO);
        Ok(())
    }

    /// Waits until brokers have answered for every record. The library's own flush looks only once in 100 ms whether they have.
    fn flush(&self) -> std::result::Result<(), KafkaError> {
        let deadline = Instant::now() + TIMEOUT;
        while self.producer.in_flight_count() > 0 && Instant::now() < deadline {
            self.producer.poll(LOOK);
        }
        self.producer.flush(Duration::ZERO)
    }

    fn ends(&self) -> Vec<Option<i64>> {
        std::mem::take(&mut self.producer.context().delivered.lock().ends)
    }

    /// Takes the transaction back after a failure, if that can be done for sure; says whether it is.
    pub(super) fn takes_back(&self, failed: &KafkaError) -> bool {
        self.may_abort(failed) && self.abort()
    }

    /// Takes the transaction back; says whether it is. The call waits until this thread has heard of every record, which it
    /// does only between two calls.
    fn abort(&self) -> bool {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            match self.producer.abort_transaction(ABORTING) {
                Ok(()) => return true,
                Err(KafkaError::Transaction(error)) if error.is_retriable() && Instant::now() < deadline => {
                    self.producer.poll(Duration::ZERO);
                }
                Err(_) => return false,
            }
        }
    }

    /// Whether the transaction can be taken back for sure: a commit that was not answered may be done.
    fn may_abort(&self, failed: &KafkaError) -> bool {
        if self.producer.client().fatal_error().is_some() {
            return false;
        }
        match failed {
            KafkaError::Transaction(error) => error.txn_requires_abort() && !error.is_fatal(),
            // A record that was not even taken, or a flush that took too long: no commit was asked for.
            _ => true,
        }
    }

    /// What is wrong, with the topic as far as that is known.
    pub(super) fn blame(&self, connection: &Connection, outputs: &[Rows<'_>], failed: &KafkaError) -> LogError {
        // What the broker refused may be the reason that the next call was.
        self.producer.poll(ABORTING);
        let refused = self.producer.context().delivered.lock().refused.take();
        let written = || {
            let topics = outputs.iter().map(|rows| &*rows.to().topic);
            topics.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
        };
        let (topic, error) = refused.unwrap_or_else(|| (written(), failed.clone()));
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
                LogError::UnknownTopic(topic)
            }
            Some(RDKafkaErrorCode::MessageSizeTooLarge | RDKafkaErrorCode::InvalidMessageSize) => {
                LogError::Invalid(format!("a record is too large for topic {topic}"))
            }
            _ => connection.failed(Call { does: "writing to", needs: "Write", topic: &topic }, &error),
        }
    }
}
