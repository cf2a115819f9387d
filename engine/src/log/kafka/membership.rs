//! The processes of a service as a consumer group: it deals out the partitions of a topic in which nothing ever stands, and
//! these are the [slots](crate::log::ownership) of tasks.
//!
//! ```text
//! partition 0          nobody's: where a transaction notes that its process is of the group (the fence)
//! partitions 1..=48    the slots
//! ```
//!
//! Why no task is done by two processes: each transaction notes, as the last thing before it is committed, a position of this
//! group with the member's generation (KIP-447), and the group's coordinator refuses that from a process that is not a member
//! of the present generation. The positions of queries were noted before. So whoever gets a slot in a later generation finds
//! them set, or still undecided, and waits until they are. A slot goes from one process to another only after the first has
//! said that it has let go of it (cooperative rebalancing), or is not a member any more.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::TopicPartitionList;
use rdkafka::client::ClientContext;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::{Offset, TopicPartitionListElem};
use rdkafka::types::RDKafkaRespErr;

use crate::log::kafka::connection::{Connection, Events};
use crate::log::ownership::{Ownership, SLOTS, slot_of};
use crate::log::{LogError, Result};

/// The partition of the fence.
const FENCE: i32 = 0;
/// How many partitions the topic has.
pub(super) const PARTITIONS: u32 = SLOTS + 1;
/// How often the client is served.
const POLL: Duration = Duration::from_millis(100);
/// How long leaving the group may take.
const LEAVING: Duration = Duration::from_secs(3);
/// How long the group may take to say who is in it, and how long that is believed.
const ASKING: Duration = Duration::from_secs(2);
const RECENT: Duration = Duration::from_millis(500);
/// Pause before a client that cannot go on is made anew.
const PAUSE: Duration = Duration::from_secs(1);

/// How a process is a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberSettings {
    /// The group, and the topic that it deals out.
    pub group: String,
    /// Replicas of the topic.
    pub replicas: u16,
    /// `session.timeout.ms`: a member that is not heard of for so long is none any more.
    pub session_timeout_ms: u32,
    /// `group.instance.id`, if it is not to be what the process is called in its data directory.
    pub instance: Option<String>,
}

/// The membership of this process.
pub(super) struct Membership {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    connection: Arc<Connection>,
    settings: MemberSettings,
    instance: String,
    /// What this process is called, and how many threads commit.
    process: String,
    threads: usize,
    ownership: Arc<Ownership>,
    consumer: Mutex<Option<Arc<BaseConsumer<Slots>>>>,
    /// Where this process is reached, once it says so.
    url: Mutex<Option<String>>,
    /// Whether the group is to be told that of slots that were gained since.
    untold: Arc<AtomicBool>,
    /// What the owners of slots say, and when that was asked.
    owners: Mutex<Option<(Instant, BTreeMap<u32, Owner>)>>,
    /// The processes that had slots before that this one has now.
    predecessors: Mutex<BTreeSet<(String, usize)>>,
    is_leaving: AtomicBool,
}

/// What a transaction has to note.
pub(super) struct Fence {
    pub(super) position: TopicPartitionList,
    pub(super) member: ConsumerGroupMetadata,
}

impl Membership {
    /// Joins the group, whose topic is there. `process` is what this process is called, the same after every start: as it comes
    /// back at once after it was killed, it has its slots again at once.
    pub(super) fn join(
        connection: Arc<Connection>,
        settings: &MemberSettings,
        process: &str,
        threads: usize,
    ) -> Result<Membership> {
        let instance = settings.instance.clone().unwrap_or_else(|| process.to_owned());
        let shared = Arc::new(Shared {
            connection,
            settings: settings.clone(),
            instance,
            process: process.to_owned(),
            threads,
            ownership: Arc::default(),
            consumer: Mutex::default(),
            url: Mutex::default(),
            untold: Arc::default(),
            owners: Mutex::default(),
            predecessors: Mutex::default(),
            is_leaving: AtomicBool::new(false),
        });
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("members".to_owned());
        let thread = thread.spawn(move || of_thread.run()).map_err(LogError::Thread)?;
        Ok(Membership { shared, thread: Mutex::new(Some(thread)) })
    }

    /// The slots of this process.
    pub(super) fn ownership(&self) -> &Arc<Ownership> {
        &self.shared.ownership
    }

    /// Has the others told where this process is reached.
    pub(super) fn advertise(&self, url: &str) {
        *self.shared.url.lock() = Some(url.to_owned());
        self.shared.untold.store(true, Ordering::Release);
    }

    /// Where the owners of some units are reached.
    pub(super) fn owners(&self, query: &str, partitions: &[u32]) -> Result<BTreeMap<u32, String>> {
        let by_slot = self.shared.owners()?;
        let url = |owner: &Owner| Some(owner.url.clone()).filter(|url| !url.is_empty());
        let owner = |partition: &u32| Some((*partition, url(by_slot.get(&slot_of(query, *partition))?)?));
        Ok(partitions.iter().filter_map(owner).collect())
    }

    /// The processes, and how many threads they have, that had slots before which this one got since it was last asked.
    pub(super) fn take_predecessors(&self) -> BTreeSet<(String, usize)> {
        std::mem::take(&mut *self.shared.predecessors.lock())
    }

    /// What a transaction has to note now. It must be taken before it is decided which tasks the transaction is of.
    pub(super) fn fence(&self) -> Result<Fence> {
        let consumer = self.shared.consumer.lock().clone();
        let member = consumer.as_ref().and_then(|consumer| consumer.group_metadata());
        let group = &self.shared.settings.group;
        let member = member.ok_or_else(|| LogError::Broker(format!("the process is not in the group {group}")))?;
        let mut position = TopicPartitionList::with_capacity(1);
        position
            .add_partition_offset(group, FENCE, Offset::Offset(0))
            .map_err(|error| LogError::Invalid(error.to_string()))?;
        Ok(Fence { position, member })
    }

    /// Leaves the group, so that others have its slots at once.
    pub(super) fn leave(&self) {
        self.shared.is_leaving.store(true, Ordering::Release);
        if let Some(thread) = self.thread.lock().take() {
            // A thread that panicked is in no group.
            let _panicked = thread.join();
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Shared {
    fn run(&self) {
        while !self.is_leaving.load(Ordering::Acquire) {
            if let Err(error) = self.take_part() {
                tracing::warn!("the process has lost its place in the group of its service, and joins again: {error}");
                self.ownership.cut_off();
                std::thread::sleep(PAUSE);
            }
        }
    }

    /// Is a member until it leaves, or the client cannot go on.
    fn take_part(&self) -> Result<()> {
        let MemberSettings { group, session_timeout_ms, .. } = &self.settings;
        let config = self.connection.config(&[
            ("group.id", group),
            ("group.instance.id", &self.instance),
            ("partition.assignment.strategy", "cooperative-sticky"),
            ("session.timeout.ms", &session_timeout_ms.to_string()),
            // Members learn by it that there is something to deal out anew.
            ("heartbeat.interval.ms", &(session_timeout_ms / 10).clamp(100, 500).to_string()),
            ("enable.auto.commit", "false"),
            ("auto.offset.reset", "earliest"),
            // A topic that another process has just made.
            ("topic.metadata.refresh.fast.interval.ms", "100"),
            ("allow.auto.create.topics", "false"),
        ]);
        let (events, untold) = (self.connection.events(), Arc::clone(&self.untold));
        let context = Slots { events, ownership: Arc::clone(&self.ownership), untold };
        let consumer = Arc::new(self.connection.made(BaseConsumer::from_config_and_context(&config, context))?);
        let failed = |error: KafkaError| LogError::Broker(format!("joining the group {group}: {error}"));
        consumer.subscribe(&[group]).map_err(failed)?;
        *self.consumer.lock() = Some(Arc::clone(&consumer));
        let ended = loop {
            if self.is_leaving.load(Ordering::Acquire) {
                break Ok(());
            }
            // There are no records; what it says of brokers that are away has been told by its events.
            let _nothing = consumer.poll(POLL);
            self.tell(&consumer);
            if let Some((code, reason)) = consumer.client().fatal_error() {
                break Err(LogError::Broker(format!("{code}: {reason}")));
            }
        };
        *self.consumer.lock() = None;
        if ended.is_ok() {
            consumer.unsubscribe();
            let deadline = Instant::now() + LEAVING;
            while consumer.assignment().is_ok_and(|left| left.count() > 0) && Instant::now() < deadline {
                let _nothing = consumer.poll(POLL);
            }
        }
        ended
    }
}

impl Shared {
    /// Notes with the slots of this process whose they are, and whose they were before.
    fn tell(&self, consumer: &BaseConsumer<Slots>) {
        if !self.untold.swap(false, Ordering::AcqRel) {
            return;
        }
        let told = self.note_own(consumer);
        if let Err(error) = told {
            tracing::debug!("the group does not take whose its slots are: {error}");
            self.untold.store(true, Ordering::Release);
        }
    }

    fn note_own(&self, consumer: &BaseConsumer<Slots>) -> KafkaResult<()> {
        let own = consumer.assignment()?;
        if own.count() == 0 {
            return Ok(());
        }
        let before = consumer.committed_offsets(own.clone(), ASKING)?;
        let others = before.elements().into_iter().filter_map(|slot| Owner::parse(slot.metadata()));
        let others = others.filter(|owner| owner.process != self.process);
        self.predecessors.lock().extend(others.map(|owner| (owner.process, owner.threads)));
        let url = self.url.lock().clone().unwrap_or_default();
        let owner = Owner { process: self.process.clone(), threads: self.threads, url }.to_string();
        let mut told = TopicPartitionList::with_capacity(own.count());
        for slot in own.elements() {
            let mut position = told.add_partition(slot.topic(), slot.partition());
            position.set_offset(Offset::Offset(0))?;
            position.set_metadata(owner.as_str());
        }
        consumer.commit(&told, CommitMode::Sync)
    }

    /// What the owner of each slot says: the last one that has, so that it may have lost the slot since.
    fn owners(&self) -> Result<BTreeMap<u32, Owner>> {
        let mut known = self.owners.lock();
        if let Some((_, owners)) = known.as_ref().filter(|(asked, _)| asked.elapsed() < RECENT) {
            return Ok(owners.clone());
        }
        let group = &self.settings.group;
        let unknown = || LogError::Broker(format!("the process is not in the group {group}"));
        let consumer = self.consumer.lock().clone().ok_or_else(unknown)?;
        let mut slots = TopicPartitionList::with_capacity(SLOTS as usize);
        for slot in 0..SLOTS {
            slots.add_partition(group, slot as i32 + 1);
        }
        let told = consumer.committed_offsets(slots, ASKING);
        let told = told.map_err(|error| LogError::Broker(format!("asking who is in the group {group}: {error}")))?;
        let owner = |slot: TopicPartitionListElem<'_>| {
            Some((u32::try_from(slot.partition() - 1).ok()?, Owner::parse(slot.metadata())?))
        };
        let owners: BTreeMap<u32, Owner> = told.elements().into_iter().filter_map(owner).collect();
        *known = Some((Instant::now(), owners.clone()));
        Ok(owners)
    }
}

/// What a process says of itself with its slots: `<process> <threads> <URL>`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Owner {
    process: String,
    /// How many of its threads commit.
    threads: usize,
    /// Where it is reached; empty if it has not said so.
    url: String,
}

impl Owner {
    fn parse(text: &str) -> Option<Owner> {
        let mut parts = text.splitn(3, ' ');
        let (process, threads) = (parts.next()?.to_owned(), parts.next()?.parse().ok()?);
        Some(Owner { process, threads, url: parts.next()?.to_owned() })
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.process, self.threads, self.url)
    }
}

/// Hears of what is dealt out.
struct Slots {
    events: Events,
    ownership: Arc<Ownership>,
    untold: Arc<AtomicBool>,
}

impl ClientContext for Slots {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.events.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.events.error(error, reason);
    }
}

impl ConsumerContext for Slots {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, what: RDKafkaRespErr, partitions: &mut TopicPartitionList) {
        let slots = slots(partitions);
        let answered = match what {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                // With an offset, and at rest: nothing is asked for.
                let from_begin = partitions.set_all_offsets(Offset::Beginning);
                let assigned = from_begin.and_then(|()| consumer.incremental_assign(partitions));
                let assigned = assigned.and_then(|()| consumer.pause(partitions));
                tracing::info!(?slots, "this process has more of its service's tasks");
                self.ownership.gain(slots);
                self.untold.store(true, Ordering::Release);
                assigned
            }
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS => {
                if consumer.assignment_lost() {
                    tracing::warn!(
                        "this process is cut off from its group: others may have its tasks until it is back"
                    );
                    self.ownership.cut_off();
                } else {
                    tracing::info!(?slots, "other processes have tasks of this one");
                    self.ownership.lose(slots);
                }
                consumer.incremental_unassign(partitions)
            }
            _ => {
                self.ownership.cut_off();
                consumer.unassign()
            }
        };
        if let Err(error) = answered {
            tracing::warn!("dealing out tasks: {error}");
        }
    }
}

fn slots(partitions: &TopicPartitionList) -> Vec<u32> {
    let numbers = partitions.elements().into_iter().filter_map(|element| u32::try_from(element.partition()).ok());
    numbers.filter_map(|partition| partition.checked_sub(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::Owner;

    #[test]
    fn what_a_process_says_of_itself_is_read() {
        for url in ["http://127.0.0.1:8088", ""] {
            let owner = Owner { process: "00ff".to_owned(), threads: 4, url: url.to_owned() };
            assert_eq!(Owner::parse(&owner.to_string()), Some(owner));
        }
        for other in ["", "00ff", "00ff 4", "00ff four http://x"] {
            assert_eq!(Owner::parse(other), None, "{other}");
        }
    }
}
