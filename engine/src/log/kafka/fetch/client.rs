//! A client of librdkafka and its thread. Each partition has a queue of its own in the client, so that what it reports is known
//! to be of that partition, and one that nobody asks for keeps no other waiting.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arrow::buffer::ScalarBuffer;
use crossbeam_channel::{Receiver, Sender, unbounded};
use parking_lot::Mutex;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers, Message as _};
use rdkafka::{Offset, TopicPartitionList};

use super::Feed;
use super::sharing::{TAIL, Trouble, Wanted};
use crate::log::kafka::connection::{Connection, Events};
use crate::log::{LogError, RawBatch, RecordsBuilder, Result};

/// The client demands a group id; as partitions are assigned by hand it never joins or commits.
const NO_GROUP: &str = "_millstream-reader";
/// What a record counts beside its key and value.
const RECORD_BYTES: usize = 48;
/// How much is handed on at once.
const BATCH_BYTES: usize = 256 << 10;
/// How long to ask for a topic that the client does not know yet.
const METADATA: Duration = Duration::from_secs(1);
/// How often to look for readers that do not come.
const TICK: Duration = Duration::from_secs(2);

/// What a client is told.
enum Message {
    /// Something else may be wanted of a partition, or there are records of it.
    Look(Arc<Feed>),
    /// The client has something to report.
    Report,
    /// It is no longer needed.
    Stop,
}

/// A client; stops with the last clone.
#[derive(Clone)]
pub(super) struct Client(Arc<Handle>);

struct Handle {
    messages: Sender<Message>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Client {
    /// Makes the client of that number.
    pub(super) fn start(number: usize, connection: Arc<Connection>, group: &str) -> Result<Client> {
        let (messages, inbox) = unbounded();
        let config = connection.config(&[
            ("group.id", if group.is_empty() { NO_GROUP } else { group }),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("auto.offset.reset", "earliest"),
            ("isolation.level", "read_committed"),
            ("enable.partition.eof", "true"),
            ("fetch.error.backoff.ms", "100"),
            // A partition that is read for the first time, or whose queue was full, waits for the fetch before it to come back.
            ("fetch.wait.max.ms", if number == TAIL { "100" } else { "5" }),
            // The queue of a partition: small, and looked after again soon when it was full.
            ("queued.min.messages", "20000"),
            ("queued.max.messages.kbytes", "1024"),
            ("fetch.queue.backoff.ms", "5"),
            ("fetch.message.max.bytes", "1048576"),
            // Records of one answer share its buffer: the slowest partition keeps it.
            ("fetch.max.bytes", "2097152"),
        ]);
        let mut consumer: BaseConsumer<Events> =
            connection.made(BaseConsumer::from_config_and_context(&config, connection.events()))?;
        let reports = messages.clone();
        consumer.set_nonempty_callback(move || drop(reports.send(Message::Report)));
        let fetcher = Fetcher {
            number,
            connection,
            consumer: Arc::new(consumer),
            messages: messages.clone(),
            assigned: HashMap::new(),
        };
        let thread = std::thread::Builder::new().name(format!("fetch-{number}"));
        let thread = thread.spawn(move || fetcher.run(&inbox)).map_err(LogError::Thread)?;
        Ok(Client(Arc::new(Handle { messages, thread: Mutex::new(Some(thread)) })))
    }

    /// Has the client look at what is wanted of a partition.
    pub(super) fn look(&self, feed: &Arc<Feed>) {
        // A thread that is gone has nothing to do.
        let _gone = self.0.messages.send(Message::Look(Arc::clone(feed)));
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let _gone = self.messages.send(Message::Stop);
        if let Some(thread) = self.thread.lock().take() {
            // One that panicked has nothing left to do.
            let _panicked = thread.join();
        }
    }
}

struct Fetcher {
    number: usize,
    connection: Arc<Connection>,
    consumer: Arc<BaseConsumer<Events>>,
    messages: Sender<Message>,
    /// What is read, by the number of the feed.
    assigned: HashMap<u64, Assigned>,
}

/// A partition that the client reads.
struct Assigned {
    feed: Arc<Feed>,
    number: u64,
    queue: PartitionQueue<Events>,
    offsets: Vec<i64>,
    records: RecordsBuilder,
    bytes: usize,
}

impl Fetcher {
    fn run(mut self, inbox: &Receiver<Message>) {
        let mut ready = BTreeSet::new();
        let mut ticked = Instant::now();
        loop {
            let first = if ready.is_empty() { inbox.recv_timeout(TICK).ok() } else { None };
            let mut looked = BTreeMap::new();
            for message in first.into_iter().chain(inbox.try_iter()) {
                match message {
                    Message::Look(feed) => drop(looked.insert(feed.id, feed)),
                    Message::Report => {}
                    Message::Stop => return,
                }
            }
            self.serve_reports();
            ready.extend(looked.keys().copied());
            self.reconcile(looked.into_values());
            ready.retain(|id| self.bring(*id));
            if ticked.elapsed() >= TICK {
                ticked = Instant::now();
                let feeds: Vec<_> = self.assigned.values().map(|assigned| Arc::clone(&assigned.feed)).collect();
                feeds.iter().for_each(|feed| feed.sharing.lock().rest(self.number, ticked));
                self.reconcile(feeds.into_iter());
            }
        }
    }

    /// Reads what is wanted of partitions, from where it is wanted, and nothing else.
    fn reconcile(&mut self, feeds: impl Iterator<Item = Arc<Feed>>) {
        let (mut over, mut begun) = (TopicPartitionList::new(), Vec::new());
        for feed in feeds {
            let wanted = feed.sharing.lock().wanted(self.number);
            let has = self.assigned.get(&feed.id).map(|assigned| assigned.number);
            if has == wanted.map(|wanted| wanted.number) {
                continue;
            }
            if self.assigned.remove(&feed.id).is_some() {
                over.add_partition(&feed.of.topic, feed.of.partition as i32);
            }
            begun.extend(wanted.map(|wanted| (feed, wanted)));
        }
        if over.count() > 0
            && let Err(error) = self.consumer.incremental_unassign(&over)
        {
            tracing::warn!("reading {over:?} could not be ended: {error}");
        }
        if !begun.is_empty() {
            self.begin(begun);
        }
    }

    fn begin(&mut self, begun: Vec<(Arc<Feed>, Wanted)>) {
        let mut from = TopicPartitionList::with_capacity(begun.len());
        let (mut numbers, mut topics) = (Vec::new(), BTreeSet::new());
        for (feed, Wanted { number, from: offset }) in begun {
            let (topic, partition) = (Arc::clone(&feed.of.topic), feed.of.partition as i32);
            let queue = self.consumer.split_partition_queue(&topic, partition);
            let added = from.add_partition_offset(&topic, partition, Offset::Offset(offset));
            let (Some(mut queue), Ok(())) = (queue, added) else {
                feed.sharing.lock().failed(self.number, number, &Trouble::Gone);
                continue;
            };
            let (messages, of) = (self.messages.clone(), Arc::clone(&feed));
            queue.set_nonempty_callback(move || drop(messages.send(Message::Look(Arc::clone(&of)))));
            if self.assigned.values().all(|assigned| assigned.feed.of.topic != topic) {
                topics.insert(topic);
            }
            numbers.push((feed.id, number));
            let (offsets, records) = (Vec::new(), RecordsBuilder::default());
            self.assigned.insert(feed.id, Assigned { feed, number, queue, offsets, records, bytes: 0 });
        }
        if let Err(error) = self.consumer.incremental_assign(&from) {
            for (id, number) in numbers {
                if let Some(assigned) = self.assigned.remove(&id) {
                    let trouble = Trouble::Failed(error.clone());
                    assigned.feed.sharing.lock().failed(self.number, number, &trouble);
                }
            }
        }
        for topic in topics {
            // The client would look for it within a second. What it learns goes to the queues of the partitions.
            let _answer = self.consumer.fetch_metadata(Some(&topic), METADATA);
        }
    }

    /// Takes what there is of a partition, up to a batch; says whether there may be more.
    fn bring(&mut self, id: u64) -> bool {
        let client = self.number;
        let Some(assigned) = self.assigned.get_mut(&id) else { return false };
        let (feed, number) = (Arc::clone(&assigned.feed), assigned.number);
        if !feed.sharing.lock().has_room(client, number) {
            return false;
        }
        while assigned.bytes < BATCH_BYTES {
            match assigned.queue.poll(Duration::ZERO) {
                None => {
                    assigned.hand_on(client);
                    return false;
                }
                Some(Ok(message)) => {
                    let (offsets, records) = (&mut assigned.offsets, &mut assigned.records);
                    assigned.bytes += push(offsets, records, &message);
                }
                Some(Err(KafkaError::PartitionEOF(_))) => {
                    assigned.hand_on(client);
                    feed.sharing.lock().ended(client, number);
                }
                Some(Err(error)) => {
                    assigned.hand_on(client);
                    if let Some(trouble) = trouble(error) {
                        feed.sharing.lock().failed(client, number, &trouble);
                        self.reconcile(std::iter::once(feed));
                        return false;
                    }
                }
            }
        }
        assigned.hand_on(client);
        if feed.sharing.lock().wanted(client).map(|wanted| wanted.number) != Some(number) {
            self.reconcile(std::iter::once(feed));
        }
        true
    }

    /// What concerns the client as a whole.
    fn serve_reports(&mut self) {
        loop {
            let reports = self.connection.reports();
            match self.consumer.poll(Duration::ZERO) {
                // The queue held a report: more may stand behind it, and nobody would be woken for it.
                None if self.connection.reports() != reports => {}
                None => return,
                Some(Ok(message)) => {
                    // It was not meant for this queue; what is missing now is fetched again.
                    let topic = message.topic();
                    let is_its = |assigned: &&Assigned| {
                        assigned.feed.of.partition as i32 == message.partition() && &*assigned.feed.of.topic == topic
                    };
                    if let Some(assigned) = self.assigned.values().find(is_its) {
                        assigned.feed.sharing.lock().begin_anew(self.number);
                        let _gone = self.messages.send(Message::Look(Arc::clone(&assigned.feed)));
                    }
                }
                Some(Err(error)) => {
                    let Some(trouble) = trouble(error) else { continue };
                    let feeds: Vec<_> = self.assigned.values().map(|a| (Arc::clone(&a.feed), a.number)).collect();
                    for (feed, number) in &feeds {
                        feed.sharing.lock().failed(self.number, *number, &trouble);
                    }
                    self.reconcile(feeds.into_iter().map(|(feed, _)| feed));
                }
            }
        }
    }
}

impl Drop for Fetcher {
    fn drop(&mut self) {
        // Queues go before their client.
        self.assigned.clear();
    }
}

impl Assigned {
    fn hand_on(&mut self, client: usize) {
        if self.offsets.is_empty() {
            return;
        }
        let offsets = ScalarBuffer::from(std::mem::take(&mut self.offsets));
        let batch = RawBatch { offsets, records: self.records.finish() };
        let bytes = std::mem::take(&mut self.bytes);
        self.feed.sharing.lock().arrived(client, self.number, batch, bytes);
    }
}

/// Copies a record; returns what it counts.
fn push(offsets: &mut Vec<i64>, records: &mut RecordsBuilder, message: &BorrowedMessage<'_>) -> usize {
    offsets.push(message.offset());
    records.push(message.timestamp().to_millis().unwrap_or(0), message.key(), message.payload());
    let mut bytes = RECORD_BYTES + message.key_len() + message.payload_len();
    for header in message.headers().iter().flat_map(|headers| headers.iter()) {
        records.header(header.key, header.value);
        bytes += header.key.len() + header.value.map_or(0, <[u8]>::len);
    }
    bytes
}

/// What readers are told of an error; nothing if the client goes on trying, and what comes later is complete.
fn trouble(error: KafkaError) -> Option<Trouble> {
    match error.rdkafka_error_code() {
        Some(
            RDKafkaErrorCode::AllBrokersDown
            | RDKafkaErrorCode::BrokerTransportFailure
            | RDKafkaErrorCode::OperationTimedOut
            | RDKafkaErrorCode::Resolve
            | RDKafkaErrorCode::AutoOffsetReset
            // Nobody here uses the group.
            | RDKafkaErrorCode::GroupAuthorizationFailed,
        ) => {
            tracing::debug!("reading: {error}");
            None
        }
        // Topics have no fewer partitions than before, only others of that name have.
        Some(
            RDKafkaErrorCode::UnknownTopicOrPartition
            | RDKafkaErrorCode::UnknownTopic
            | RDKafkaErrorCode::UnknownPartition,
        ) => Some(Trouble::Gone),
        _ => Some(Trouble::Failed(error)),
    }
}
