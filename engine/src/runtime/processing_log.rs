//! What became of records and values that could not be used: counted, kept in a bounded ring, and traced.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// How many entries a query keeps.
const KEPT: usize = 200;

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// A key or value that could not be read; the record was dropped.
    Deserialization,
    /// An expression that failed for a row; its value is NULL or the row was dropped.
    Processing,
    /// A row that could not be written.
    Serialization,
}

/// Where a record came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Topic.
    pub topic: Arc<str>,
    /// Partition.
    pub partition: u32,
    /// Offset.
    pub offset: i64,
    /// The part that was bad: the key, or else the value.
    pub is_key: bool,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When, milliseconds since the epoch.
    pub time_ms: i64,
    /// What went wrong.
    pub trouble: Trouble,
    /// `<query>.<step>`
    pub logger: String,
    /// Why.
    pub message: String,
    /// Which record, where one is known.
    pub origin: Option<Origin>,
}

/// The records of one topic that a query could not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRecords {
    /// How many there were.
    pub count: u64,
    /// The last one.
    pub last: Origin,
    /// What is wrong with that one.
    pub message: String,
}

/// The processing log of one query.
#[derive(Debug)]
pub struct ProcessingLog {
    query: String,
    count: AtomicU64,
    entries: Mutex<VecDeque<Entry>>,
    /// By topic.
    bad_records: Mutex<BTreeMap<Arc<str>, BadRecords>>,
}

impl ProcessingLog {
    /// An empty one.
    pub fn new(query: impl Into<String>) -> Self {
        Self { query: query.into(), count: AtomicU64::new(0), entries: Mutex::default(), bad_records: Mutex::default() }
    }

    /// Writes an entry. Only ever called for what went wrong, so it may lock.
    pub fn write(&self, time_ms: i64, trouble: Trouble, step: &str, message: String, origin: Option<Origin>) {
        self.count.fetch_add(1, Ordering::Relaxed);
        let logger = format!("{}.{step}", self.query);
        match &origin {
            Some(at) => tracing::warn!(
                target: "processing", %logger, topic = %at.topic, partition = at.partition, offset = at.offset,
                part = if at.is_key { "key" } else { "value" }, "{message}"
            ),
            None => tracing::warn!(target: "processing", %logger, "{message}"),
        }
        if let (Trouble::Deserialization, Some(origin)) = (trouble, &origin) {
            let mut topics = self.bad_records.lock();
            let count = topics.get(&origin.topic).map_or(0, |bad| bad.count) + 1;
            topics.insert(origin.topic.clone(), BadRecords { count, last: origin.clone(), message: message.clone() });
        }
        let mut entries = self.entries.lock();
        if entries.len() == KEPT {
            entries.pop_front();
        }
        entries.push_back(Entry { time_ms, trouble, logger, message, origin });
    }

    /// How many entries there ever were.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// The records that could not be read, by topic.
    pub fn bad_records(&self) -> Vec<BadRecords> {
        self.bad_records.lock().values().cloned().collect()
    }

    /// The latest entries, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        self.entries.lock().iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_is_bounded_and_the_count_is_not() {
        let log = ProcessingLog::new("CSAS_X_0");
        for i in 0..KEPT + 5 {
            log.write(i as i64, Trouble::Processing, "Project", format!("row {i}"), None);
        }
        assert_eq!(log.count(), KEPT as u64 + 5);
        assert_eq!(log.entries().len(), KEPT);
        assert_eq!(log.entries()[0].message, "row 5");
        assert_eq!(log.entries()[0].logger, "CSAS_X_0.Project");
    }

    #[test]
    fn bad_records_are_counted_by_topic() {
        let log = ProcessingLog::new("CSAS_X_0");
        for (topic, offset) in [("a", 1), ("b", 4), ("a", 7)] {
            let origin = Origin { topic: topic.into(), partition: 0, offset, is_key: false };
            log.write(0, Trouble::Deserialization, "KsqlTopic", "no JSON".to_owned(), Some(origin));
        }
        let bad = log.bad_records();
        assert_eq!(
            bad.iter().map(|bad| (&*bad.last.topic, bad.count, bad.last.offset)).collect::<Vec<_>>(),
            [("a", 2, 7), ("b", 1, 4)]
        );
    }
}
