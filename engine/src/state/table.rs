//! A table as pull queries see it.

use std::ops::Bound;
use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, BinaryBuilder};
use arrow::buffer::ScalarBuffer;
use parking_lot::RwLock;

use super::scan::{Entries, Visit};
use crate::kv::Result;
use crate::types::{Changes, Time, Window, WindowBounds, Windows, segment_ms};

/// What stands behind the key's own bytes in the key of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableKind {
    /// Nothing.
    Plain,
    /// 8-byte start of a window that begins at a multiple of `advance_ms`.
    Time {
        /// Length of the window.
        size_ms: i64,
        /// Distance between the starts of two windows.
        advance_ms: i64,
        /// How long windows are kept.
        retention_ms: i64,
    },
    /// 8-byte end, 8-byte start.
    Session {
        /// How long sessions are kept.
        retention_ms: i64,
    },
}

impl TableKind {
    /// For tables of a GROUP BY with that window.
    pub fn of(window: Window) -> Self {
        let Window { advance_ms, retention_ms, .. } = window;
        match window.in_key().size_ms {
            None => Self::Session { retention_ms },
            Some(size_ms) => Self::Time { size_ms, advance_ms, retention_ms },
        }
    }

    /// Length of a segment.
    pub fn segment_ms(self) -> i64 {
        match self {
            Self::Plain => i64::MAX,
            Self::Time { retention_ms, .. } | Self::Session { retention_ms } => segment_ms(retention_ms),
        }
    }

    fn suffix(self) -> usize {
        match self {
            Self::Plain => 0,
            Self::Time { .. } => 8,
            Self::Session { .. } => 16,
        }
    }

    /// Appends key and window in the entry's form.
    pub fn put_key(self, key: &[u8], window: WindowBounds, into: &mut Vec<u8>) {
        into.extend_from_slice(key);
        match self {
            Self::Plain => {}
            Self::Time { .. } => into.extend_from_slice(&window.0.to_be_bytes()),
            Self::Session { .. } => {
                into.extend_from_slice(&window.1.to_be_bytes());
                into.extend_from_slice(&window.0.to_be_bytes());
            }
        }
    }

    /// Takes an entry's key apart.
    pub fn split_key(self, entry: &[u8]) -> Option<(&[u8], Option<WindowBounds>)> {
        let (key, suffix) = entry.split_at_checked(entry.len().checked_sub(self.suffix())?)?;
        let window = match self {
            Self::Plain => None,
            Self::Time { size_ms, .. } => {
                let start = i64::from_be_bytes(suffix.try_into().ok()?);
                Some((start, start.saturating_add(size_ms)))
            }
            Self::Session { .. } => {
                let (end, start) = suffix.split_at_checked(8)?;
                Some((i64::from_be_bytes(start.try_into().ok()?), i64::from_be_bytes(end.try_into().ok()?)))
            }
        };
        Some((key, window))
    }

    /// The segment of a window: by its start, of sessions by their end.
    pub fn segment(self, window: WindowBounds) -> i64 {
        match self {
            Self::Plain => 0,
            Self::Time { .. } => Time(window.0).stretch(self.segment_ms()),
            Self::Session { .. } => Time(window.1).stretch(self.segment_ms()),
        }
    }
}

/// Makes rows of what a store keeps.
pub trait ToRows: Send + Sync {
    /// Keys as they stand in entries: one for each row of the key columns.
    fn keys(&self, key: &[ArrayRef]) -> Result<BinaryArray>;

    /// The rows of entries, in their order: a key and a value for each, windows as they are. An entry that is no row of
    /// the table is absent on the new side.
    fn rows(&self, keys: &BinaryArray, windows: Option<Windows>, values: &BinaryArray) -> Result<Changes>;
}

/// Entries that are larger than this together are enough for one step.
const SCANNED_BYTES: usize = 1 << 20;

/// So many windows of a key are looked for one by one; where more are possible, a scan finds those that are there.
const PEEKED_WINDOWS: i64 = 64;

/// Entries as read: serialised keys, windows, values.
#[derive(Debug, Default)]
pub struct Found {
    keys: BinaryBuilder,
    starts: Vec<i64>,
    ends: Vec<i64>,
    values: BinaryBuilder,
}

impl Found {
    /// Number of entries.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Whether there are `most`, or they are large enough together.
    pub fn is_full(&self, most: usize) -> bool {
        self.len() >= most || self.keys.values_slice().len() + self.values.values_slice().len() >= SCANNED_BYTES
    }

    fn push(&mut self, key: &[u8], window: Option<WindowBounds>, value: &[u8]) {
        let (start, end) = window.unwrap_or_default();
        self.keys.append_value(key);
        self.starts.push(start);
        self.ends.push(end);
        self.values.append_value(value);
    }
}

/// How far a scan, or the look-up of one key, has come.
#[derive(Debug)]
pub struct Cursor {
    segment: i64,
    after: Option<Vec<u8>>,
}

impl Default for Cursor {
    fn default() -> Self {
        Self { segment: i64::MIN, after: None }
    }
}

/// The rows of one partition of a table, written by one task and read by many pull queries. The task locks them once per
/// step, readers while they copy entries.
#[derive(Clone)]
pub struct Table {
    entries: Arc<RwLock<dyn Entries>>,
    kind: TableKind,
    rows: Arc<dyn ToRows>,
}

impl Table {
    /// What a store keeps, as `rows` understands it.
    pub fn new(entries: Arc<RwLock<dyn Entries>>, kind: TableKind, rows: Arc<dyn ToRows>) -> Self {
        Self { entries, kind, rows }
    }

    /// The same entries, understood in another way.
    pub fn map(self, rows: impl FnOnce(Arc<dyn ToRows>) -> Arc<dyn ToRows>) -> Self {
        Self { rows: rows(self.rows), ..self }
    }

    /// Adds the entries of a key whose windows start within the bounds (inclusive), earliest first, until there are `most`
    /// or they are large enough together. Says whether there may be more. A table without windows has at most one,
    /// whatever the bounds.
    pub fn look_up(
        &self,
        key: &[u8],
        (from, to): (i64, i64),
        cursor: &mut Cursor,
        most: usize,
        found: &mut Found,
    ) -> Result<bool> {
        let entries = self.entries.read();
        match self.kind {
            TableKind::Plain => {
                if let Some(value) = entries.peek(0, key)? {
                    found.push(key, None, &value);
                }
                Ok(false)
            }
            TableKind::Time { size_ms, advance_ms, retention_ms } => {
                let now = entries.stream_time();
                if now == i64::MIN {
                    return Ok(false);
                }
                let newest = Time(now).floor(advance_ms);
                // What is past retention goes segment by segment: what a scan shows is found, too.
                let length = self.kind.segment_ms();
                let oldest = (newest - retention_ms).floor(length).0.max(entries.live_from().saturating_mul(length));
                let (from, to) = (from.max(oldest).max(0), to.min(newest.0));
                let Some(first) = Time(from).ceil(advance_ms).filter(|first| first.0 <= to) else { return Ok(false) };
                let more = (to - first.0) / advance_ms;
                if more > PEEKED_WINDOWS {
                    let range = |_| between(key, (from, to), &[]);
                    return self.look_up_between(&*entries, &range, (key, from, to), cursor, most, found);
                }
                let mut entry = Vec::with_capacity(key.len() + 8);
                for nth in 0..=more {
                    let start = first.0 + nth * advance_ms;
                    let window = (start, start.saturating_add(size_ms));
                    entry.clear();
                    self.kind.put_key(key, window, &mut entry);
                    if let Some(value) = entries.peek(self.kind.segment(window), &entry)? {
                        found.push(key, Some(window), &value);
                    }
                }
                Ok(false)
            }
            TableKind::Session { .. } => {
                // A segment's sessions end within it. Keys that begin like this one are mostly not between.
                let length = self.kind.segment_ms();
                let ends = |segment: i64| {
                    let first = segment.saturating_mul(length);
                    between(key, (first, (Time(first) + (length - 1)).0), &[u8::MAX; 8])
                };
                self.look_up_between(&*entries, &ends, (key, from, to), cursor, most, found)
            }
        }
    }

    /// Adds the entries, in a range of each segment, that are those of the key with windows that start within the bounds.
    fn look_up_between(
        &self,
        entries: &dyn Entries,
        range: &dyn Fn(i64) -> Between,
        (key, from, to): (&[u8], i64, i64),
        cursor: &mut Cursor,
        most: usize,
        found: &mut Found,
    ) -> Result<bool> {
        let mut seen = 0;
        walk(entries, entries.live_segments(), range, cursor, &mut |entry, value| {
            if let Some((of, Some(window))) = self.kind.split_key(entry)
                && of == key
                && (from..=to).contains(&window.0)
            {
                found.push(key, Some(window), value);
            }
            // Keys that begin like this one stand between, and the task waits for its lock.
            seen += 1;
            seen < most && !found.is_full(most)
        })
    }

    /// Adds the next entries, until there are `most` or they are large enough together, in order of their bytes
    /// (windowed: segment by segment). Says whether there may be more.
    pub fn scan(&self, cursor: &mut Cursor, most: usize, found: &mut Found) -> Result<bool> {
        let entries = self.entries.read();
        let segments = if self.kind == TableKind::Plain { vec![0] } else { entries.live_segments() };
        walk(&*entries, segments, &|_| (Bound::Unbounded, Bound::Unbounded), cursor, &mut |entry, value| {
            if let Some((key, window)) = self.kind.split_key(entry) {
                found.push(key, window, value);
            }
            !found.is_full(most)
        })
    }

    /// Keys as this table's entries have them: one for each row of the key columns.
    pub fn keys(&self, key: &[ArrayRef]) -> Result<BinaryArray> {
        self.rows.keys(key)
    }

    /// The rows of entries.
    pub fn rows(&self, mut found: Found) -> Result<Changes> {
        let windows = Windows { start: ScalarBuffer::from(found.starts), end: ScalarBuffer::from(found.ends) };
        let windows = (self.kind != TableKind::Plain).then_some(windows);
        self.rows.rows(&found.keys.finish(), windows, &found.values.finish())
    }
}

/// Bounds of keys of entries.
type Between = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// From the key with the first time behind it to the key with the last time and these bytes.
fn between(key: &[u8], (first, last): (i64, i64), bytes: &[u8]) -> Between {
    let at = |time: i64, bytes: &[u8]| Bound::Included([key, time.to_be_bytes().as_slice(), bytes].concat());
    (at(first, &[]), at(last, bytes))
}

/// Calls `each` for the entries in a range of some segments, from where the cursor stands, until it wants no more. Says
/// whether there may be more.
fn walk(
    entries: &dyn Entries,
    segments: Vec<i64>,
    range: &dyn Fn(i64) -> Between,
    cursor: &mut Cursor,
    each: &mut Visit<'_>,
) -> Result<bool> {
    let Cursor { segment: at, after } = std::mem::take(cursor);
    for segment in segments.into_iter().filter(|segment| *segment >= at) {
        let after = after.as_deref().filter(|_| segment == at);
        let mut stopped_at = None;
        let (first, last) = range(segment);
        let first = after.map_or(first.as_ref().map(Vec::as_slice), Bound::Excluded);
        entries.scan(segment, (first, last.as_ref().map(Vec::as_slice)), &mut |entry, value| {
            let go_on = each(entry, value);
            if !go_on {
                stopped_at = Some(entry.to_vec());
            }
            go_on
        })?;
        if stopped_at.is_some() {
            *cursor = Cursor { segment, after: stopped_at };
            return Ok(true);
        }
    }
    Ok(false)
}
