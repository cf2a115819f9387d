//! Kafka's model in the fewest calls, with two implementations: [`embedded`] (durable on disk, or in memory) and
//! [`kafka`]. Nothing above this module knows which one it runs on.
//!
//! ```text
//! topics ── partitions ── records {offset, timestamp, key, value, headers}
//! Reader (polls partitions from given offsets, wakes its owner)      append (durable on return)
//! commit {positions, output records, state changes}: one atomic write
//! Kv: the local database that holds positions, state, the command log
//! ```

pub mod embedded;
pub mod kafka;
mod local;
mod murmur2;
mod positions;
mod records;
#[doc(hidden)]
pub mod testing;
mod told;
mod topic_rules;
mod writes;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use arrow::array::{BinaryArray, ListArray};
use arrow::buffer::ScalarBuffer;
use parking_lot::{Condvar, Mutex};

pub use self::embedded::Embedded;
pub use self::kafka::{Kafka, KafkaSettings};
pub use self::murmur2::{Partitioner, murmur2, partition_for};
pub use self::records::RecordsBuilder;
pub use self::told::reported;
pub use self::topic_rules::check as check_topic;
pub use self::writes::{Write, Writes, Written};

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
    UnknownPartition { topic: String, partition: u32 },
    /// The request makes no sense (a bad name, zero partitions, …).
    #[error("{0}")]
    Invalid(String),
    /// A file of the data directory is damaged beyond recovery to the last commit.
    #[error("{file} is corrupt: {problem}")]
    Corrupt { file: String, problem: String },
    /// The data directory cannot be used (locked by another process, foreign files, no permission).
    #[error("{0}")]
    DataDir(String),
    /// Reading or writing failed; `what` names the file or the call.
    #[error("{what}: {source}")]
    Io { what: String, source: std::io::Error },
    /// The local database failed.
    #[error("local store: {0}")]
    Store(String),
    /// Nothing can be written for now: the disk is full, say. Writing goes on by itself when that is over.
    #[error("the data directory cannot be written to: {0}")]
    Unwritable(String),
    /// The broker failed or cannot be reached.
    #[error("kafka: {0}")]
    Broker(String),
}

impl LogError {
    /// Whether the same call may well succeed a little later, without anybody doing anything about it.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Io { .. } | Self::Broker(_) | Self::Unwritable(_))
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
}

/// Topics and commits.
pub trait Log: Send + Sync + 'static {
    /// Makes a topic.
    fn create_topic(&self, name: &str, spec: &TopicSpec) -> Result<()>;
    /// Removes a topic and its records.
    fn delete_topic(&self, name: &str) -> Result<()>;
    /// The topic of that name, if there is one.
    fn topic(&self, name: &str) -> Result<Option<Topic>>;
    /// All topics, by name.
    fn topics(&self) -> Result<Vec<Topic>>;
    /// Bounds of one partition.
    fn bounds(&self, of: &TopicPartition) -> Result<Bounds>;
    /// Reads the given partitions from the given offsets on. `wake` is raised whenever new records may be there.
    fn reader(&self, from: Vec<Position>, wake: Arc<Signal>) -> Result<Box<dyn Reader>>;
    /// Writes records and returns, once they are durable, the offset of the first record of each output.
    fn append(&self, outputs: Vec<Output>) -> Result<Vec<i64>>;
    /// Writes positions, records and state at once.
    fn commit(&self, commit: Commit) -> Result<()>;
    /// Gives up the records before these positions: nobody will read them again. A log that gives up whole files keeps
    /// some of them for now.
    fn delete_records(&self, before: &[Position]) -> Result<()>;
    /// Committed positions of a group; the records that were committed with them are visible.
    fn positions(&self, group: &str) -> Result<Vec<Position>>;
    /// Forgets a group's positions.
    fn delete_group(&self, group: &str) -> Result<()>;
    /// Fails while nothing can be written; tries to mend that first.
    fn check_writable(&self) -> Result<()>;
    /// Notes that all was written before the process ends. What is lost of it afterwards keeps the log from opening.
    fn close(&self) -> Result<()>;
    /// The local database.
    fn kv(&self) -> &Arc<dyn Kv>;
}

/// Reads some partitions in offset order. Owned by one task.
pub trait Reader: Send {
    /// What is there now, at most about `max_bytes` and at most one batch per partition, as (index into the positions
    /// the reader was made with, records). Empty when nothing is there; never waits.
    fn poll(&mut self, max_bytes: usize) -> Result<Vec<(usize, RawBatch)>>;
    /// Whether everything that was readable in that partition when the reader was made has been polled, although the
    /// last offset before its end may belong to no record (markers of Kafka's transactions). A log without such offsets
    /// leaves it at false: there the last record tells.
    fn has_reached_end(&self, _index: usize) -> bool {
        false
    }
}

/// The local database: ordered keys in named spaces.
pub trait Kv: Send + Sync + 'static {
    /// The value of a key.
    fn get(&self, space: &str, key: &[u8]) -> Result<Option<Vec<u8>>>;
    /// Calls `each` for every entry in key order until it returns false.
    fn scan(
        &self,
        space: &str,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        each: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<()>;
    /// Applies all writes at once, durably. When that fails none of them is applied, now or later.
    fn write(&self, writes: Writes) -> Result<()>;
    /// Fails if these writes could never be applied, for what they are.
    fn check(&self, _writes: &Writes) -> Result<()> {
        Ok(())
    }
    /// Makes writing possible again after it failed; fails while it is not.
    fn recover(&self) -> Result<()> {
        Ok(())
    }
    /// Removes every space whose name starts with the prefix.
    fn drop_spaces(&self, prefix: &str) -> Result<()>;
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
