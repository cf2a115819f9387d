//! The topics there are. The local database knows them (`log/topics`), the committed ends of their partitions
//! (`log/ends`), how far they are compacted (`log/cleaned`), and which directories are still to be removed
//! (`log/deleted`).

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{create_dir_all, read_dir, remove_dir_all};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;
use serde::{Deserialize, Serialize};

use crate::kv::{Kv, KvError, Write};
use crate::log::embedded::cleaned::Cleaned;
use crate::log::embedded::partition::Partition;
use crate::log::embedded::recovery::{self, Committed};
use crate::log::embedded::retention::Retention;
use crate::log::embedded::segment::corrupt;
use crate::log::embedded::writer::Mark;
use crate::log::topic_rules::{self, PARTITIONS};
use crate::log::{LogError, Result, Topic, TopicPartition, TopicSpec, positions};

const TOPICS: &str = "log/topics";
const ENDS: &str = "log/ends";
const CLEANED: &str = "log/cleaned";
const DELETED: &str = "log/deleted";
/// Versions that had no limit recorded a topic before they made it. With more partitions than this they took the memory of
/// the machine and never answered; with fewer the topic is there, although more than a new one may have.
const ANSWERED: u32 = 1_000_000;
/// How much of the name goes into the directory's; file systems allow 255 characters with the id.
const DIR_NAME_CHARS: usize = 200;

/// Topics by name.
#[derive(Debug, Default)]
pub(super) struct Topics {
    /// Where the segment files are; `None` in memory.
    dir: Option<PathBuf>,
    next_id: AtomicU64,
    by_name: RwLock<BTreeMap<Arc<str>, Entry>>,
}

#[derive(Debug)]
struct Entry {
    record: Record,
    retention: Retention,
    partitions: Vec<Arc<Partition>>,
}

/// A topic as the local database has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    id: u64,
    partitions: u32,
    replicas: u16,
    config: BTreeMap<String, String>,
}

impl Record {
    fn spec(&self) -> TopicSpec {
        TopicSpec { partitions: self.partitions, replicas: self.replicas, config: self.config.clone() }
    }

    fn dir_name(&self, topic: &str) -> String {
        format!("{}.{}", topic.get(..DIR_NAME_CHARS).unwrap_or(topic), self.id)
    }

    /// Key of a partition's end.
    fn end_key(&self, partition: u32) -> Vec<u8> {
        [&self.id.to_be_bytes()[..], &partition.to_be_bytes()].concat()
    }
}

fn put(space: &str, key: &[u8], value: Option<Vec<u8>>) -> Write {
    Write { space: space.into(), key: key.to_vec(), value }
}

impl Topics {
    /// Opens the topics of a data directory; `group` is the last group of commits the database knows.
    pub(super) fn open(dir: PathBuf, kv: &dyn Kv, group: u64) -> Result<Topics> {
        let io = |source| KvError::Io { what: dir.display().to_string(), source };
        create_dir_all(&dir).map_err(io)?;
        let mut unknown: Vec<OsString> = Vec::new();
        for entry in read_dir(&dir).map_err(io)? {
            unknown.push(entry.map_err(io)?.file_name());
        }
        let mut topics = Topics { dir: Some(dir.clone()), ..Topics::default() };
        for (name, record) in records(kv)? {
            if record.partitions > ANSWERED && !topics.was_written(&record, kv)? {
                tracing::warn!("topic {name} with {} partitions is forgotten: it was never made", record.partitions);
                kv.write(put(TOPICS, name.as_bytes(), None).into())?;
                continue;
            }
            unknown.retain(|dir| *dir != *record.dir_name(&name));
            topics.next_id = AtomicU64::new((record.id + 1).max(topics.next_id.into_inner()));
            let entry = topics.entry(&name, record, kv, group)?;
            topics.by_name.get_mut().insert(name, entry);
        }
        for name in unknown {
            let name = name.to_string_lossy();
            if kv.get(DELETED, name.as_bytes())?.is_none() {
                let problem = "the local database does not know this topic".to_owned();
                return Err(corrupt(&dir.join(&*name), problem));
            }
            topics.remove_dir(&name, kv);
        }
        Ok(topics)
    }

    /// Whether anything was ever written to a topic.
    fn was_written(&self, record: &Record, kv: &dyn Kv) -> Result<bool> {
        let (from, to) = (record.id.to_be_bytes(), (record.id + 1).to_be_bytes());
        let mut any = false;
        kv.scan(ENDS, Bound::Included(&from), Bound::Excluded(&to), &mut |_, _| {
            any = true;
            false
        })?;
        Ok(any)
    }

    fn entry(&self, name: &Arc<str>, record: Record, kv: &dyn Kv, group: u64) -> Result<Entry> {
        let retention = Retention::of(&record.spec());
        let mut partitions = Vec::with_capacity(record.partitions as usize);
        for partition in 0..record.partitions {
            let id = TopicPartition { topic: Arc::clone(name), partition };
            partitions.push(Arc::new(match &self.dir {
                None => Partition::in_memory(id),
                Some(dir) => {
                    let dir = dir.join(record.dir_name(name)).join(partition.to_string());
                    let key = record.end_key(partition);
                    let committed = Committed {
                        mark: stored(kv, ENDS, &key, Mark::parse)?,
                        cleaned: stored(kv, CLEANED, &key, Cleaned::parse)?,
                        group,
                    };
                    recovery::open(id, dir, &committed, retention.segment_bytes)?
                }
            }));
        }
        Ok(Entry { record, retention, partitions })
    }

    /// Adds a topic.
    pub(super) fn create(&self, name: &str, spec: &TopicSpec, kv: &dyn Kv, group: u64) -> Result<()> {
        topic_rules::check(name, spec.partitions)?;
        if spec.partitions > PARTITIONS {
            let partitions = spec.partitions;
            let problem = format!("topic {name} cannot have {partitions} partitions: {PARTITIONS} are the most");
            return Err(LogError::Invalid(problem));
        }
        let mut topics = self.by_name.write();
        if topics.contains_key(name) {
            return Err(LogError::TopicExists(name.to_owned()));
        }
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (partitions, replicas, config) = (spec.partitions, spec.replicas, spec.config.clone());
        let record = Record { id, partitions, replicas, config };
        let bytes = serde_json::to_vec(&record).map_err(|error| LogError::Invalid(error.to_string()))?;
        let name: Arc<str> = name.into();
        let entry = self.entry(&name, record, kv, group)?;
        kv.write(put(TOPICS, name.as_bytes(), Some(bytes)).into())?;
        topics.insert(name, entry);
        Ok(())
    }

    /// Removes a topic and all positions in it; returns the name of its directory, which can go.
    pub(super) fn delete(&self, name: &str, kv: &dyn Kv) -> Result<String> {
        let mut topics = self.by_name.write();
        let entry = topics.get(name).ok_or_else(|| LogError::UnknownTopic(name.to_owned()))?;
        let record = entry.record.clone();
        let dir_name = record.dir_name(name);
        let mut writes = positions::forget_topic(kv, name)?;
        writes.push(put(TOPICS, name.as_bytes(), None));
        for key in (0..record.partitions).map(|partition| record.end_key(partition)) {
            writes.extend([put(ENDS, &key, None), put(CLEANED, &key, None)]);
        }
        if self.dir.is_some() {
            writes.push(put(DELETED, dir_name.as_bytes(), Some(Vec::new())));
        }
        kv.write(writes)?;
        if let Some(entry) = topics.remove(name) {
            entry.partitions.iter().for_each(|partition| partition.delete());
        }
        Ok(dir_name)
    }

    /// Removes the directory of a deleted topic; what fails now is tried again at the next start.
    pub(super) fn remove_dir(&self, name: &str, kv: &dyn Kv) {
        let Some(path) = self.dir.as_ref().map(|dir| dir.join(name)) else { return };
        let removed = if path.exists() { remove_dir_all(&path) } else { Ok(()) };
        let removed = removed.map_err(|error| error.to_string());
        let forget = |()| kv.write(put(DELETED, name.as_bytes(), None).into()).map_err(|error| error.to_string());
        if let Err(error) = removed.and_then(forget) {
            tracing::warn!("removing {}: {error}", path.display());
        }
    }

    /// The change that records a partition's committed end.
    pub(super) fn end_write(&self, of: &TopicPartition, mark: Mark) -> Result<Write> {
        self.write(ENDS, of, mark.to_bytes())
    }

    /// The change that records how far a partition is compacted.
    pub(super) fn cleaned_write(&self, of: &TopicPartition, cleaned: Cleaned) -> Result<Write> {
        self.write(CLEANED, of, cleaned.to_bytes())
    }

    fn write(&self, space: &str, of: &TopicPartition, value: Vec<u8>) -> Result<Write> {
        let topics = self.by_name.read();
        let entry = topics.get(&of.topic).ok_or_else(|| LogError::UnknownTopic(of.topic.to_string()))?;
        Ok(put(space, &entry.record.end_key(of.partition), Some(value)))
    }

    /// Where the segment files are.
    pub(super) fn dir(&self) -> Option<&Path> {
        self.dir.as_deref()
    }

    /// Whether there is a data directory.
    pub(super) fn are_on_disk(&self) -> bool {
        self.dir.is_some()
    }

    /// A topic.
    pub(super) fn get(&self, name: &str) -> Option<Topic> {
        let topics = self.by_name.read();
        topics.get(name).map(|entry| Topic { name: name.to_owned(), spec: entry.record.spec() })
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<Topic> {
        let topics = self.by_name.read();
        topics.iter().map(|(name, entry)| Topic { name: name.to_string(), spec: entry.record.spec() }).collect()
    }

    /// All partitions and what their topics keep.
    pub(super) fn partitions(&self) -> Vec<(Arc<Partition>, Retention)> {
        let topics = self.by_name.read();
        let each = |entry: &Entry| {
            let retention = entry.retention.clone();
            entry.partitions.clone().into_iter().map(move |partition| (partition, retention.clone()))
        };
        topics.values().flat_map(each).collect()
    }

    /// A partition.
    pub(super) fn partition(&self, of: &TopicPartition) -> Result<Arc<Partition>> {
        let topics = self.by_name.read();
        let entry = topics.get(&of.topic).ok_or_else(|| LogError::UnknownTopic(of.topic.to_string()))?;
        let partition = entry.partitions.get(of.partition as usize).cloned();
        let (topic, partition_number) = (&of.topic, of.partition);
        partition.ok_or_else(|| LogError::UnknownPartition { topic: topic.to_string(), partition: partition_number })
    }
}

/// A partition's entry in a space; the default if it has none.
fn stored<T: Default>(kv: &dyn Kv, space: &str, key: &[u8], parse: fn(&[u8]) -> Option<T>) -> Result<T> {
    let Some(bytes) = kv.get(space, key)? else { return Ok(T::default()) };
    parse(&bytes).ok_or_else(|| KvError::Store(format!("an entry of {space} cannot be read")).into())
}

fn records(kv: &dyn Kv) -> Result<Vec<(Arc<str>, Record)>> {
    let mut records = Vec::new();
    let mut broken = None;
    kv.scan(TOPICS, Bound::Unbounded, Bound::Unbounded, &mut |name, record| {
        match (std::str::from_utf8(name), serde_json::from_slice(record)) {
            (Ok(name), Ok(record)) => records.push((Arc::from(name), record)),
            _ => broken = Some(String::from_utf8_lossy(name).into_owned()),
        }
        broken.is_none()
    })?;
    match broken {
        Some(name) => Err(KvError::Store(format!("the record of topic {name} cannot be read")).into()),
        None => Ok(records),
    }
}
