//! What a log that others share keeps of a task's state: every change, as records of compacted topics. The local database
//! is a cache of these, and says with every change how far it has them.
//!
//! ```text
//! key     number of the store (1 byte)  length of the rest of the space's name (2 bytes)  that rest  key of the entry
//! value   of the entry, null where it was removed
//! ```
//!
//! The rest of a space's name is what tells the segments of a store apart, and its notes on itself from its entries.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::kv::{Write, Writes};
use crate::log::{LogError, Output, RawBatch, RecordsBuilder, Result, TopicPartition};

/// The number of what a task notes beside its stores.
const NOTES: u8 = u8::MAX;
/// Kafka's clients write the present time for it.
const NOW: i64 = 0;
/// Where it is kept how far the local database has each changelog, below the task's space.
const CHECKPOINTS: &str = "checkpoint";

/// Where the state of one task is kept besides the local database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changelogs {
    /// The space below which the local database has the task's state.
    space: Arc<str>,
    /// Changelog partitions; what belongs to no store is in the first one.
    topics: Vec<TopicPartition>,
    stores: Vec<Store>,
    /// By changelog, where our records begin: before that are a ksqlDB's.
    begins: Vec<i64>,
}

/// Which changelog has a store.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Store {
    /// Its space below the task's, with a slash before it.
    below: String,
    topic: usize,
    /// Its number among the stores of that topic.
    number: u8,
}

impl Changelogs {
    /// For a task with its state in that space: each of `stores` is a space below it and the name of a topic, of which the
    /// task has that partition. `None`: it has no stores.
    pub fn new<'a>(
        space: &str,
        partition: u32,
        stores: impl IntoIterator<Item = (&'a str, &'a Arc<str>)>,
    ) -> Option<Self> {
        let mut all = Self { space: Arc::from(space), topics: Vec::new(), stores: Vec::new(), begins: Vec::new() };
        for (below, topic) in stores {
            let known = all.topics.iter().position(|known| known.topic == *topic);
            let at = known.unwrap_or_else(|| {
                all.topics.push(TopicPartition { topic: Arc::clone(topic), partition });
                all.topics.len() - 1
            });
            let number = all.stores.iter().filter(|store| store.topic == at).count().min(usize::from(NOTES - 1)) as u8;
            all.stores.push(Store { below: format!("/{below}"), topic: at, number });
        }
        (!all.topics.is_empty()).then_some(all)
    }

    /// The same with our records beginning at these offsets.
    pub fn behind(mut self, begin: impl Fn(&TopicPartition) -> i64) -> Self {
        self.begins = self.topics.iter().map(begin).collect();
        self
    }

    /// Where our records of a changelog begin, if not at its beginning.
    pub fn begin(&self, topic: usize) -> i64 {
        self.begins.get(topic).copied().unwrap_or_default()
    }

    /// The changelog partitions.
    pub fn topics(&self) -> &[TopicPartition] {
        &self.topics
    }

    /// The space below which the task's state is.
    pub fn space(&self) -> &str {
        &self.space
    }

    /// The space that says how far the local database has each changelog, by the names of these.
    pub fn checkpoints(&self) -> Arc<str> {
        Arc::from(format!("{}/{CHECKPOINTS}", self.space))
    }

    /// Changes of the state as records, one output for each changelog that has any, with its index.
    ///
    /// # Errors
    /// [`LogError::Invalid`] for a name that is too long.
    pub fn records(&self, writes: &Writes) -> Result<Vec<(usize, Output)>> {
        let heads = writes.spaces().iter().map(|space| self.head(space)).collect::<Result<Vec<_>>>()?;
        let mut made: BTreeMap<usize, RecordsBuilder> = BTreeMap::new();
        let mut key = Vec::new();
        for (space, entry, value) in writes.iter() {
            let Some(Some((topic, head))) = heads.get(space) else { continue };
            key.clear();
            key.extend_from_slice(head);
            key.extend_from_slice(entry);
            made.entry(*topic).or_default().push(NOW, Some(&key), value);
        }
        let output = |(topic, mut records): (usize, RecordsBuilder)| {
            Some((topic, Output { to: self.topics.get(topic)?.clone(), records: records.finish() }))
        };
        Ok(made.into_iter().filter_map(output).collect())
    }

    /// The changelog of a space's entries, and what their keys begin with there. `None`: it is none of the task's state.
    fn head(&self, space: &str) -> Result<Option<(usize, Vec<u8>)>> {
        let Some(below) = space.strip_prefix(&*self.space).filter(|below| below.starts_with('/')) else {
            return Ok(None);
        };
        let rest = |store: &Store| {
            let rest = below.strip_prefix(store.below.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then(|| rest.to_owned())
        };
        let of_store = self.stores.iter().find_map(|store| Some((store.topic, store.number, rest(store)?)));
        let (topic, number, rest) = of_store.unwrap_or_else(|| (0, NOTES, below.to_owned()));
        let long = |_| LogError::Invalid(format!("the name of the space {space} is too long"));
        let length = u16::try_from(rest.len()).map_err(long)?;
        Ok(Some((topic, [&[number], length.to_be_bytes().as_slice(), rest.as_bytes()].concat())))
    }

    /// The changes that records of a changelog stand for. Of several for one key the last counts.
    ///
    /// # Errors
    /// [`LogError::Invalid`] for a record that no task has written.
    pub fn changes(&self, topic: usize, batch: &RawBatch) -> Result<Vec<Write>> {
        let records = &batch.records;
        let mut spaces: Vec<(&[u8], Arc<str>)> = Vec::new();
        let mut changes = Vec::with_capacity(batch.offsets.len());
        for (row, (key, value)) in records.keys.iter().zip(records.values.iter()).enumerate() {
            let foreign = || self.foreign(topic, batch.offsets.get(row).copied().unwrap_or_default());
            let (head, entry) = key.and_then(split).ok_or_else(foreign)?;
            let space = match spaces.iter().find(|(known, _)| *known == head) {
                Some((_, space)) => Arc::clone(space),
                None => {
                    let space = self.space_of(topic, head).ok_or_else(foreign)?;
                    spaces.push((head, Arc::clone(&space)));
                    space
                }
            };
            changes.push(Write { space, key: entry.to_vec(), value: value.map(<[u8]>::to_vec) });
        }
        Ok(changes)
    }

    fn space_of(&self, topic: usize, head: &[u8]) -> Option<Arc<str>> {
        let (&number, rest) = head.split_first()?;
        let rest = std::str::from_utf8(rest.get(2..)?).ok()?;
        let below = match number {
            NOTES => "",
            _ => {
                let is_its = |store: &&Store| (store.topic, store.number) == (topic, number);
                &self.stores.iter().find(is_its)?.below
            }
        };
        Some(Arc::from(format!("{}{below}{rest}", self.space)))
    }

    fn foreign(&self, topic: usize, offset: i64) -> LogError {
        let of = self.topics.get(topic).map(|of| format!("{} partition {}", of.topic, of.partition));
        LogError::Invalid(format!(
            "the record at offset {offset} of changelog {} is none of Millstream's. If it is that of ksqlDB's query of the \
             same name, that state cannot be read: give the server another ksql.service.id, or DROP the query and CREATE \
             it anew",
            of.unwrap_or_default()
        ))
    }
}

/// What a key begins with, and the key of the entry.
fn split(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = u16::from_be_bytes(key.get(1..3)?.try_into().ok()?);
    key.split_at_checked(3 + usize::from(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(space: &str, key: &[u8], value: Option<&[u8]>) -> Write {
        Write { space: Arc::from(space), key: key.to_vec(), value: value.map(<[u8]>::to_vec) }
    }

    #[test]
    fn records_of_changes_become_the_same_changes() {
        let (groups, tables): (Arc<str>, Arc<str>) = (Arc::from("groups"), Arc::from("tables"));
        let stores = [("Aggregate/Aggregate", &groups), ("Join/left", &tables), ("Join/right", &tables)];
        let changelogs = Changelogs::new("state/Q/1_2", 2, stores).unwrap();
        let changes = [
            write("state/Q/1_2/Aggregate/Aggregate/17", b"k\x00", Some(b"v")),
            write("state/Q/1_2/Aggregate/Aggregate/meta", b"time", Some(b"")),
            write("state/Q/1_2/Join/left", b"", None),
            write("state/Q/1_2/Join/right", b"r", Some(b"1")),
            write("state/Q/1_2/swept", b"command", Some(b"2")),
        ];
        let outside = [write("state/Q/1_20/Join/left", b"x", None), write("log/positions", b"x", None)];
        let writes: Writes = changes.iter().chain(&outside).cloned().collect();
        let mut back = Vec::new();
        for (topic, output) in changelogs.records(&writes).unwrap() {
            assert_eq!(&output.to, changelogs.topics().get(topic).unwrap());
            let offsets = (0..output.records.len() as i64).collect::<Vec<_>>().into();
            back.extend(changelogs.changes(topic, &RawBatch { offsets, records: output.records }).unwrap());
        }
        let shown = |changes: &[Write]| {
            let mut shown: Vec<_> = changes.iter().map(|change| format!("{change:?}")).collect();
            shown.sort();
            shown
        };
        assert_eq!(shown(&back), shown(&changes));
    }

    #[test]
    fn what_others_wrote_is_refused() {
        let topic: Arc<str> = Arc::from("groups");
        let changelogs = Changelogs::new("state/Q/0_0", 0, [("Aggregate", &topic)]).unwrap();
        for key in [None, Some(b"".as_slice()), Some(b"\x00\x00"), Some(b"\x00\x00\x09abc"), Some(b"\x07\x00\x00k")] {
            let mut records = RecordsBuilder::default();
            records.push(0, key, Some(b"v"));
            let batch = RawBatch { offsets: vec![5].into(), records: records.finish() };
            let error = changelogs.changes(0, &batch).unwrap_err().to_string();
            assert!(error.contains("offset 5 of changelog groups partition 0"), "{key:?}: {error}");
        }
    }

    #[test]
    fn a_task_without_stores_has_none() {
        assert_eq!(Changelogs::new("state/Q/0_0", 0, []), None);
    }
}
