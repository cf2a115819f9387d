//! Kafka's model in the fewest calls, with two implementations: [`embedded`] (durable on disk, or in memory) and
//! [`kafka`]. Nothing above this module knows which one it runs on.
//!
//! ```text
//! topics ── partitions ── records {offset, timestamp, key, value, headers}
//! Reader (polls partitions from given offsets, wakes its owner)      append (durable on return)
//! commit {positions, output records, state changes}: one atomic write
//! the local database (crate::kv) holds positions, state, the command log
//! ```

mod changelogs;
pub mod embedded;
#[doc(hidden)]
pub mod forwarding;
pub mod kafka;
mod murmur2;
mod ownership;
mod positions;
mod records;
#[doc(hidden)]
pub mod testing;
mod topic_rules;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{BinaryArray, ListArray};
use arrow::buffer::ScalarBuffer;
use parking_lot::{Condvar, Mutex};

use crate::incident::reported;
use crate::kv::{Kv, KvError, Writes};

pub use self::changelogs::Changelogs;
pub use self::embedded::Embedded;
pub use self::kafka::{ClientSettings, Kafka, KafkaSettings};
pub use self::murmur2::{Partitioner, murmur2, partition_for};
pub use self::ownership::Ownership;
pub use self::records::RecordsBuilder;
pub use self::topic_rules::check as check_topic;

/// What can go wrong below this module.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The topic is not there.
    #[error("topic {0} does not exist")]
    UnknownTopic(String),
    /// The topic is there already.
    #[error("topic {0} already exists")]
    TopicExists(String),
    /// The partition is not there.
    #[error("topic {topic} has no partition {partition}")]
    UnknownPartition {
        /// The topic, which exists.
        topic: String,
        /// The number asked for.
        partition: u32,
    },
    /// The request makes no sense (a bad name, zero partitions, …).
    #[error("{0}")]
    Invalid(String),
    /// The data directory, or the database in it, failed.
    #[error(transparent)]
    Local(KvError),
    /// The system starts no more threads.
    #[error("starting a thread: {0}")]
    Thread(std::io::Error),
    /// The broker failed or cannot be reached.
    #[error("kafka: {0}")]
    Broker(String),
    /// The broker does not let the server in, or the server does not trust it.
    #[error("kafka: {0}")]
    NotLetIn(String),
    /// The broker does not let the server do that with that topic.
    #[error("{0}")]
    Denied(String),
    /// Another process has claimed the right to write there; nothing is written.
    #[error("another process writes to topic {0}")]
    Overtaken(String),
    /// The task is not this process's any more; nothing is written.
    #[error("another process has the task now")]
    Moved,
}

impl LogError {
    /// Whether the same call may well succeed a little later, without anybody doing anything about it.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Broker(_) | Self::Thread(_) | Self::Overtaken(_) | Self::Moved => true,
            Self::Local(error) => error.may_pass(),
            Self::UnknownTopic(_)
            | Self::TopicExists(_)
            | Self::UnknownPartition { .. }
            | Self::Invalid(_)
            | Self::NotLetIn(_)
            | Self::Denied(_) => false,
        }
    }

    /// The same error for somebody else whom it concerns.
    pub(crate) fn copied(&self) -> Self {
        match self {
            Self::UnknownTopic(topic) => Self::UnknownTopic(topic.clone()),
            Self::TopicExists(topic) => Self::TopicExists(topic.clone()),
            Self::UnknownPartition { topic, partition } => {
                Self::UnknownPartition { topic: topic.clone(), partition: *partition }
            }
            Self::Invalid(problem) => Self::Invalid(problem.clone()),
            Self::Local(_) | Self::Thread(_) if self.may_pass() => Self::Broker(self.to_string()),
            Self::Local(_) | Self::Thread(_) => Self::Invalid(self.to_string()),
            Self::Broker(problem) => Self::Broker(problem.clone()),
            Self::NotLetIn(problem) => Self::NotLetIn(problem.clone()),
            Self::Denied(problem) => Self::Denied(problem.clone()),
            Self::Overtaken(topic) => Self::Overtaken(topic.clone()),
            Self::Moved => Self::Moved,
        }
    }

    /// What a client is told of it; the operator learns all of it.
    pub fn told(&self) -> String {
        match self {
            Self::Broker(_) => reported("Kafka did not do what it was asked for", self),
            Self::NotLetIn(_) => reported("Kafka does not let the server in", self),
            Self::Local(error) => error.told(),
            Self::Thread(_) => reported("The server could not start a thread", self),
            Self::UnknownTopic(_)
            | Self::TopicExists(_)
            | Self::UnknownPartition { .. }
            | Self::Invalid(_)
            | Self::Denied(_)
            | Self::Overtaken(_)
            | Self::Moved => self.to_string(),
        }
    }
}

impl From<KvError> for LogError {
    fn from(error: KvError) -> Self {
        match error {
            KvError::Invalid(problem) => Self::Invalid(problem),
            other => Self::Local(other),
        }
    }
}

/// Result of this module's calls.
pub type Result<T> = std::result::Result<T, LogError>;

/// What a topic is made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// Number of partitions, at least 1.
    pub partitions: u32,
    /// Replication factor; the embedded log keeps it only to show it.
    pub replicas: u16,
    /// Kafka's topic configuration (`retention.ms`, `cleanup.policy`, …).
    pub config: BTreeMap<String, String>,
}

/// A topic that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// What it was made with.
    pub spec: TopicSpec,
}

/// One partition of one topic.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    /// Topic name.
    pub topic: Arc<str>,
    /// Partition number.
    pub partition: u32,
}

/// First offset that is still there and the next offset to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Earliest readable offset.
    pub begin: i64,
    /// Offset the next record will get.
    pub end: i64,
}

/// Records to write, in order; all arrays have the same length. `values` null = tombstone.
#[derive(Debug, Clone)]
pub struct Records {
    /// Milliseconds since the epoch.
    pub timestamps: ScalarBuffer<i64>,
    /// Serialised keys, null for "no key".
    pub keys: BinaryArray,
    /// Serialised values, null for tombstones.
    pub values: BinaryArray,
    /// `List<Struct<KEY Utf8, VALUE Binary>>`; `None` when no record has headers.
    pub headers: Option<ListArray>,
}

/// Records read from one partition.
#[derive(Debug, Clone)]
pub struct RawBatch {
    /// Offsets, strictly increasing (Kafka leaves gaps).
    pub offsets: ScalarBuffer<i64>,
    /// The records.
    pub records: Records,
}

impl RawBatch {
    /// Some of the records; nothing is copied.
    pub fn slice(&self, start: usize, len: usize) -> Self {
        Self { offsets: self.offsets.slice(start, len), records: self.records.slice(start, len) }
    }
}

/// Records for one partition.
#[derive(Debug, Clone)]
pub struct Output {
    /// Where they go.
    pub to: TopicPartition,
    /// What goes there.
    pub records: Records,
}

/// How far a group has read a partition: the offset of the next record it wants.
#[derive(Debug, Clone)]
pub struct Position {
    /// Which partition.
    pub of: TopicPartition,
    /// Next offset.
    pub offset: i64,
}

/// What one task did since its last commit. All of it becomes visible and durable, or nothing.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    /// Consumer group (`_confluent-ksql-<service id>query_<query id>`).
    pub group: Arc<str>,
    /// Input read so far.
    pub positions: Vec<Position>,
    /// Records produced.
    pub outputs: Vec<Output>,
    /// State changed.
    pub writes: Writes,
    /// Where that state is kept as well, if the log wants it so (see [`Log::keeps_changelogs`]).
    pub changelogs: Option<Arc<Changelogs>>,
    /// Whether the task is still this process's, where others may get it (see [`Log::ownership`]).
    pub ours: Option<Arc<AtomicBool>>,
}

impl Commit {
    /// Whether it is of a task that this process has.
    pub fn is_ours(&self) -> bool {
        self.ours.as_ref().is_none_or(|ours| ours.load(Ordering::Acquire))
    }
}

/// Topics and commits. Every call can fail with [`LogError::Local`] when the data directory does, and over Kafka with
/// [`LogError::Broker`]; what a call adds to these stands with it.
pub trait Log: Send + Sync + 'static {
    /// Makes a topic.
    ///
    /// # Errors
    /// [`LogError::TopicExists`], or [`LogError::Invalid`] for a name or a number of partitions that cannot be.
    fn create_topic(&self, name: &str, spec: &TopicSpec) -> Result<()>;
    /// Removes a topic and its records.
    ///
    /// # Errors
    /// [`LogError::UnknownTopic`].
    fn delete_topic(&self, name: &str) -> Result<()>;
    /// The topic of that name, if there is one.
    ///
    /// # Errors
    /// Those of every call.
    fn topic(&self, name: &str) -> Result<Option<Topic>>;
    /// All topics, by name.
    ///
    /// # Errors
    /// Those of every call.
    fn topics(&self) -> Result<Vec<Topic>>;
    /// How many partitions each topic has.
    ///
    /// # Errors
    /// Those of every call.
    fn partitions(&self) -> Result<BTreeMap<String, u32>> {
        Ok(self.topics()?.into_iter().map(|topic| (topic.name, topic.spec.partitions)).collect())
    }
    /// Whether a topic that is not known to it is not there: a broker that has just started may not have heard of one yet.
    fn knows_all_topics(&self) -> bool {
        true
    }
    /// Bounds of one partition.
    ///
    /// # Errors
    /// [`LogError::UnknownTopic`] or [`LogError::UnknownPartition`].
    fn bounds(&self, of: &TopicPartition) -> Result<Bounds>;
    /// Whether no record of a partition waits for the end of its transaction: until then it is not there, though its writer may
    /// have been told that it is written.
    ///
    /// # Errors
    /// As [`Log::bounds`].
    fn is_settled(&self, of: &TopicPartition) -> Result<bool> {
        let _transactions_end_at_once = of;
        Ok(true)
    }
    /// The offset behind the last record of a partition, as far as this process has written it.
    ///
    /// # Errors
    /// As [`Log::bounds`].
    fn written(&self, of: &TopicPartition) -> Result<i64> {
        Ok(self.bounds(of)?.end)
    }
    /// Reads the given partitions from the given offsets on. `wake` is raised whenever new records may be there.
    ///
    /// # Errors
    /// [`LogError::UnknownTopic`] or [`LogError::UnknownPartition`].
    fn reader(&self, from: Vec<Position>, wake: Arc<Signal>) -> Result<Box<dyn Reader>>;
    /// Writes records and returns, once they are durable, the offset of the first record of each output.
    ///
    /// # Errors
    /// [`LogError::UnknownTopic`], [`LogError::UnknownPartition`], or [`LogError::Invalid`] for columns of different length:
    /// nothing is written then.
    fn append(&self, outputs: Vec<Output>) -> Result<Vec<i64>>;
    /// Writes positions, records and state at once.
    ///
    /// # Errors
    /// As [`Log::append`]; [`LogError::Invalid`] also for state that the database can never take. Over Kafka the records of
    /// a commit that failed may have been written.
    fn commit(&self, commit: Commit) -> Result<()>;
    /// Whether state is to be kept in changelog topics as well, because the local database is not the only one that counts.
    fn keeps_changelogs(&self) -> bool {
        false
    }
    /// Which tasks are this process's; none if all are. The commits of the others fail with [`LogError::Moved`].
    fn ownership(&self) -> Option<&Arc<Ownership>> {
        None
    }
    /// Has other processes told where this one is reached, a URL.
    fn advertise(&self, url: &str) {
        let _there_are_none = url;
    }
    /// Where the processes are reached that have these partitions of a query, as far as that is known.
    ///
    /// # Errors
    /// Those of every call.
    fn owners(&self, query: &str, partitions: &[u32]) -> Result<BTreeMap<u32, String>> {
        let _all_are_here = (query, partitions);
        Ok(BTreeMap::new())
    }
    /// Whether the tasks of a thread share their commits, one each interval: where a commit takes so long that each task's own
    /// would cost more than it brings.
    fn shares_commits(&self) -> bool {
        false
    }
    /// Does the commits of tasks of one thread, at once if [`Log::shares_commits`]; says of each whether it is done. One that
    /// can never be done does not keep the others from it.
    fn commit_all(&self, thread: usize, commits: Vec<Commit>) -> Vec<Result<()>> {
        let _one_is_as_good = thread;
        commits.into_iter().map(|commit| self.commit(commit)).collect()
    }
    /// Where a group stands in these partitions, for a task that begins. Commits that others have begun, or this process
    /// before it was stopped, are over then.
    ///
    /// # Errors
    /// Those of every call.
    fn committed(&self, group: &str, of: &[TopicPartition]) -> Result<Vec<Position>> {
        let all = self.positions(group)?;
        Ok(all.into_iter().filter(|position| of.contains(&position.of)).collect())
    }
    /// Brings the local database up to what the changelogs of a task hold, after [`Log::committed`] and before it begins.
    ///
    /// # Errors
    /// [`LogError::Invalid`] for a changelog that cannot be read.
    fn restore(&self, changelogs: &Changelogs) -> Result<()> {
        let _the_database_has_it = changelogs;
        Ok(())
    }
    /// Whether a commit that fails has written nothing. Else its records may be there, and again when it is repeated.
    fn is_atomic(&self) -> bool {
        true
    }
    /// Gives up the records before these positions: nobody will read them again. A log that gives up whole files keeps
    /// some of them for now.
    ///
    /// # Errors
    /// [`LogError::UnknownTopic`] or [`LogError::UnknownPartition`].
    fn delete_records(&self, before: &[Position]) -> Result<()>;
    /// Committed positions of a group; the records that were committed with them are visible.
    ///
    /// # Errors
    /// Those of every call.
    fn positions(&self, group: &str) -> Result<Vec<Position>>;
    /// Whether a group has members, which are other programs: queries here are none of their groups'.
    ///
    /// # Errors
    /// Those of every call.
    fn has_members(&self, group: &str) -> Result<bool> {
        let _there_are_no_other_programs = group;
        Ok(false)
    }
    /// Forgets a group's positions.
    ///
    /// # Errors
    /// Those of every call.
    fn delete_group(&self, group: &str) -> Result<()>;
    /// Fails while nothing can be written; tries to mend that first.
    ///
    /// # Errors
    /// What keeps it from being written to, mostly a full disk.
    fn check_writable(&self) -> Result<()>;
    /// What writes to a partition that the processes called `id` write to, one at a time; none where this process is the only one
    /// that there can be.
    fn sole_writer(&self, of: &TopicPartition, id: &str) -> Option<Box<dyn SoleWriter>> {
        let _nobody_else = (of, id);
        None
    }
    /// Notes that all was written before the process ends. What is lost of it afterwards keeps the log from opening.
    ///
    /// # Errors
    /// Those of every call: then the next start takes the process for one that crashed.
    fn close(&self) -> Result<()>;
    /// The local database.
    fn kv(&self) -> &Arc<dyn Kv>;
    /// The id of the cluster, if it is one.
    fn cluster_id(&self) -> Option<&str> {
        None
    }
    /// Largest record it takes, key, value and headers together.
    fn max_record_bytes(&self) -> usize;
}

/// Writes to a partition that several processes write to: the one that has claimed it last.
pub trait SoleWriter: Send {
    /// Keeps the others from writing until they claim the partition themselves. What they had begun to write is there on
    /// return, or will never be.
    ///
    /// # Errors
    /// Those of every call to a log.
    fn claim(&mut self) -> Result<()>;
    /// Writes records at once, durable on return; says where the first one is.
    ///
    /// # Errors
    /// [`LogError::Overtaken`] without a claim that holds: nothing is written. [`LogError::UnknownTopic`]. After any other error
    /// they may have been written: a claim ends the doubt.
    fn append(&mut self, records: Records) -> Result<i64>;
}

/// Reads some partitions in offset order. Owned by one task.
pub trait Reader: Send {
    /// What is there now, at most about `max_bytes` and at most one batch per partition, as (index into the positions
    /// the reader was made with, records). Empty when nothing is there; never waits.
    ///
    /// # Errors
    /// [`LogError::UnknownTopic`] when a topic has gone; what is there cannot be read, or is damaged. The reader may have
    /// passed over records then: whoever goes on takes a new one.
    fn poll(&mut self, max_bytes: usize) -> Result<Vec<(usize, RawBatch)>>;
    /// Whether a partition of which the last poll gave nothing has nothing more for now. Where records come from afar there may
    /// be some on their way: then the signal is raised when they are here, or when it is known that there are none. The
    /// last offset before a partition's end may belong to no record (markers of Kafka's transactions).
    fn has_reached_end(&self, index: usize) -> bool;
}

/// A counter one can sleep on: raised by a log when there may be new data, by the engine when there is other work.
#[derive(Debug, Default)]
pub struct Signal {
    count: Mutex<u64>,
    raised: Condvar,
}

impl Signal {
    /// Wakes whoever waits.
    pub fn raise(&self) {
        *self.count.lock() += 1;
        self.raised.notify_all();
    }

    /// How often it was raised.
    pub fn count(&self) -> u64 {
        *self.count.lock()
    }

    /// Waits until it was raised more than `seen` times or the time is over; returns the count.
    pub fn wait(&self, seen: u64, timeout: std::time::Duration) -> u64 {
        let mut count = self.count.lock();
        if *count == seen {
            self.raised.wait_for(&mut count, timeout);
        }
        *count
    }
}
