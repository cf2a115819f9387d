//! What became of records and values that could not be used: counted, kept in a bounded ring, and traced. `log_topic.rs`
//! makes records of it, too.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// How many entries a query keeps.
const KEPT: usize = 200;
/// Longest message that is kept or traced, bytes.
const MAX_MESSAGE_BYTES: usize = 1024;
/// How many entries of a query are traced in such a while; the others are only counted.
const TRACED: u32 = 20;
const WHILE_MS: i64 = 60_000;
/// What the names of all loggers begin with.
pub(super) const LOGGERS: &str = "processing";

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

/// What went wrong, and with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// A key or value that could not be read; the record was dropped.
    Unread(Origin),
    /// An expression that failed for a row; its value is NULL or the row was dropped.
    Row,
    /// A row that could not be written to that topic.
    Unwritten {
        /// The topic.
        topic: Arc<str>,
        /// It is the key that could not be, or else the value.
        is_key: bool,
    },
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When, milliseconds since the epoch.
    pub time_ms: i64,
    /// What it is about.
    pub about: About,
    /// `processing.<query>.<step>`, as EXPLAIN has the steps.
    pub logger: String,
    /// Why.
    pub message: String,
}

impl Entry {
    /// The record that could not be read, if it is about one.
    pub fn origin(&self) -> Option<&Origin> {
        match &self.about {
            About::Unread(origin) => Some(origin),
            About::Row | About::Unwritten { .. } => None,
        }
    }
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
    /// Queries of clients have one in common: each request would make its own otherwise.
    traced: Arc<Mutex<Traced>>,
    entries: Mutex<VecDeque<Entry>>,
    /// By topic.
    bad_records: Mutex<BTreeMap<Arc<str>, BadRecords>>,
}

/// How much of a processing log was traced of late.
#[derive(Debug, Default)]
pub(super) struct Traced {
    since_ms: Option<i64>,
    count: u32,
    left_out: u64,
}

impl Traced {
    /// Whether one more entry is to be traced, and how many were left out before it.
    fn next(&mut self, now_ms: i64) -> Option<u64> {
        let is_over = self.since_ms.is_none_or(|since| !(0..WHILE_MS).contains(&now_ms.saturating_sub(since)));
        if is_over {
            (self.since_ms, self.count) = (Some(now_ms), 0);
        }
        if self.count == TRACED {
            self.left_out += 1;
            return None;
        }
        self.count += 1;
        Some(std::mem::take(&mut self.left_out))
    }
}

impl ProcessingLog {
    /// An empty one.
    pub fn new(query: impl Into<String>) -> Self {
        Self::sharing(query, Arc::default())
    }

    /// An empty one of a query that does not count alone what is traced.
    pub(super) fn sharing(query: impl Into<String>, traced: Arc<Mutex<Traced>>) -> Self {
        Self {
            query: query.into(),
            count: AtomicU64::new(0),
            traced,
            entries: Mutex::default(),
            bad_records: Mutex::default(),
        }
    }

    /// An entry of that step.
    pub fn entry(&self, time_ms: i64, step: &str, message: String, about: About) -> Entry {
        let part = match about {
            About::Unread(_) => ".deserializer",
            About::Row => "",
            About::Unwritten { .. } => ".serializer",
        };
        let logger = format!("{LOGGERS}.{}.{}{part}", self.query, step.replace('/', "."));
        Entry { time_ms, about, logger, message: shortened(message) }
    }

    /// Writes an entry. Only ever called for what went wrong, so it may lock.
    pub fn write(&self, entry: Entry) {
        let Entry { time_ms, ref logger, ref message, .. } = entry;
        self.count.fetch_add(1, Ordering::Relaxed);
        let left_out = self.traced.lock().next(time_ms);
        if let Some(left_out) = left_out {
            self.trace_left_out(left_out);
            trace(logger, message, entry.origin());
        }
        if let Some(origin) = entry.origin() {
            let mut topics = self.bad_records.lock();
            let count = topics.get(&origin.topic).map_or(0, |bad| bad.count) + 1;
            topics.insert(origin.topic.clone(), BadRecords { count, last: origin.clone(), message: message.clone() });
        }
        let mut entries = self.entries.lock();
        if entries.len() == KEPT {
            entries.pop_front();
        }
        entries.push_back(entry);
    }

    fn trace_left_out(&self, left_out: u64) {
        if left_out > 0 {
            let query = &self.query;
            tracing::warn!(target: "processing", query, left_out, "more entries than {TRACED} a minute were left out here");
        }
    }

    /// Whose it is.
    pub fn query(&self) -> &str {
        &self.query
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

impl Drop for ProcessingLog {
    fn drop(&mut self) {
        let own = Arc::get_mut(&mut self.traced).map(|traced| traced.get_mut().left_out);
        self.trace_left_out(own.unwrap_or_default());
    }
}

/// One line for the operator. Line breaks of records are not line breaks of the log.
fn trace(logger: &str, message: &str, origin: Option<&Origin>) {
    let message: String = message.chars().flat_map(visible).collect();
    match origin {
        Some(at) => tracing::warn!(
            target: "processing", %logger, topic = %at.topic, partition = at.partition, offset = at.offset,
            part = if at.is_key { "key" } else { "value" }, "{message}"
        ),
        None => tracing::warn!(target: "processing", %logger, "{message}"),
    }
}

fn visible(c: char) -> impl Iterator<Item = char> {
    let escaped = c.is_control().then(|| c.escape_default());
    let plain = escaped.is_none().then_some(c);
    escaped.into_iter().flatten().chain(plain)
}

/// A message of bounded length.
pub(super) fn shortened(mut message: String) -> String {
    if message.len() > MAX_MESSAGE_BYTES {
        let left_out = message.len() - MAX_MESSAGE_BYTES;
        message.truncate(message.floor_char_boundary(MAX_MESSAGE_BYTES));
        message.push_str(&format!("… ({left_out} bytes more)"));
        message.shrink_to_fit();
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(log: &ProcessingLog, time_ms: i64, message: String, about: About) {
        log.write(log.entry(time_ms, "KsqlTopic/Source", message, about));
    }

    #[test]
    fn the_ring_is_bounded_and_the_count_is_not() {
        let log = ProcessingLog::new("CSAS_X_0");
        for i in 0..KEPT + 5 {
            write(&log, i as i64, format!("row {i}"), About::Row);
        }
        assert_eq!(log.count(), KEPT as u64 + 5);
        assert_eq!(log.entries().len(), KEPT);
        assert_eq!(log.entries()[0].message, "row 5");
        assert_eq!(log.entries()[0].logger, "processing.CSAS_X_0.KsqlTopic.Source");
    }

    #[test]
    fn a_flood_is_counted_but_not_traced() {
        let mut traced = Traced::default();
        let shown = (0..1000).filter(|ms| traced.next(*ms).is_some()).count();
        assert_eq!(shown, TRACED as usize);
        assert_eq!(
            traced.next(WHILE_MS + 1),
            Some(1000 - u64::from(TRACED)),
            "the next line says how many were left out"
        );
        assert_eq!(traced.next(WHILE_MS + 2), Some(0));
        // A clock that goes back does not silence the log.
        assert!((0..100).filter(|ms| traced.next(*ms).is_some()).count() > 1);
    }

    #[test]
    fn messages_have_a_length_and_stay_on_their_line() {
        let log = ProcessingLog::new("CSAS_X_0");
        write(&log, 0, "ä".repeat(10_000), About::Row);
        let message = &log.entries()[0].message;
        assert!(message.len() < 2 * MAX_MESSAGE_BYTES && message.ends_with("… (18976 bytes more)"), "{message}");
        assert_eq!("a\n\u{1b}ä".chars().flat_map(visible).collect::<String>(), "a\\n\\u{1b}ä");
    }

    #[test]
    fn bad_records_are_counted_by_topic() {
        let log = ProcessingLog::new("CSAS_X_0");
        for (topic, offset) in [("a", 1), ("b", 4), ("a", 7)] {
            let origin = Origin { topic: topic.into(), partition: 0, offset, is_key: false };
            write(&log, 0, "no JSON".to_owned(), About::Unread(origin));
        }
        let bad = log.bad_records();
        assert_eq!(
            bad.iter().map(|bad| (&*bad.last.topic, bad.count, bad.last.offset)).collect::<Vec<_>>(),
            [("a", 2, 7), ("b", 1, 4)]
        );
    }
}
