//! A table as pull queries see it.

use std::ops::Bound;
use std::sync::Arc;

use parking_lot::RwLock;

use super::rows::{Row, Stored};
use super::scan::Range;
use super::store::{Place, Store};
use crate::log::{LogError, Result};

/// A table written by one task and read by many pull queries. The task locks it once per step.
pub type SharedTable = Arc<RwLock<Table>>;

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

/// Window of an entry: first millisecond, and end (exclusive) or, of a session, last millisecond.
pub type WindowBounds = (i64, i64);

/// One entry, as read: the key's own bytes, its window, ROWTIME, the encoded row.
#[derive(Debug, Clone, Copy)]
pub struct TableRow<'a> {
    /// The key in its format's bytes.
    pub key: &'a [u8],
    /// Its window.
    pub window: Option<WindowBounds>,
    /// ROWTIME.
    pub time: i64,
    /// Value columns, see [`crate::types::row`].
    pub row: &'a [u8],
}

/// Rows of a table by key.
pub struct Table {
    pub(crate) store: Store<Vec<Row>>,
    kind: TableKind,
}

impl TableKind {
    /// Length of a segment: as in Kafka Streams half of the retention, at least a minute.
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
            Self::Time { .. } => window.0.div_euclid(self.segment_ms()),
            Self::Session { .. } => window.1.div_euclid(self.segment_ms()),
        }
    }
}

/// Length of a segment of a store with that retention.
pub fn segment_ms(retention_ms: i64) -> i64 {
    (retention_ms / 2).max(60_000)
}

impl Table {
    /// Opens a table.
    pub fn open(place: Place, kind: TableKind) -> Result<Self> {
        let store = match kind {
            TableKind::Plain => Store::open(Vec::new(), place)?,
            TableKind::Time { .. } | TableKind::Session { .. } => Store::open_segmented(Vec::new(), place)?,
        };
        Ok(Self { store, kind })
    }

    /// What its keys look like.
    pub fn kind(&self) -> TableKind {
        self.kind
    }

    /// The row of a key without a window.
    pub fn get(&self, key: &[u8]) -> Result<Option<Row>> {
        self.store.peek(0, key)?.map(|bytes| self.row(&bytes)).transpose()
    }

    /// The row of a key in one window.
    pub fn get_window(&self, key: &[u8], window: WindowBounds) -> Result<Option<Row>> {
        let mut entry = Vec::with_capacity(key.len() + 16);
        self.kind.put_key(key, window, &mut entry);
        self.store.peek(self.kind.segment(window), &entry)?.map(|bytes| self.row(&bytes)).transpose()
    }

    /// The rows of one key whose windows start within the bounds (inclusive), earliest first.
    pub fn windows(&self, key: &[u8], from: i64, to: i64, each: &mut dyn FnMut(TableRow<'_>)) -> Result<()> {
        let TableKind::Time { size_ms, advance_ms, retention_ms } = self.kind else {
            return self.windows_by_scan(key, from, to, each);
        };
        let newest = self.store.time();
        if newest == i64::MIN {
            return Ok(());
        }
        let from = from.max(newest.saturating_sub(retention_ms)).max(0);
        let mut start = from.saturating_add(advance_ms - 1).div_euclid(advance_ms) * advance_ms;
        while start <= to.min(newest) {
            let window = (start, start.saturating_add(size_ms));
            if let Some(row) = self.get_window(key, window)? {
                each(TableRow { key, window: Some(window), time: row.time, row: &row.bytes });
            }
            start += advance_ms;
        }
        Ok(())
    }

    fn windows_by_scan(&self, key: &[u8], from: i64, to: i64, each: &mut dyn FnMut(TableRow<'_>)) -> Result<()> {
        self.scan((Bound::Included(key), Bound::Unbounded), &mut |row| {
            let starts = row.window.is_some_and(|(start, _)| from <= start && start <= to);
            if row.key == key && starts {
                each(row);
            }
            true
        })
    }

    /// All rows whose entries lie in the range, in order of their bytes (windowed: segment by segment), until `each`
    /// returns false.
    pub fn scan(&self, range: Range<'_>, each: &mut dyn FnMut(TableRow<'_>) -> bool) -> Result<()> {
        let segments = if self.kind == TableKind::Plain { vec![0] } else { self.store.live_segments() };
        let mut outcome = Ok(());
        for segment in segments {
            let go_on = self.store.scan(segment, range, &mut |entry, bytes| match (
                self.kind.split_key(entry),
                self.row(bytes),
            ) {
                (Some((key, window)), Ok(row)) => each(TableRow { key, window, time: row.time, row: &row.bytes }),
                (_, Err(error)) => {
                    outcome = Err(error);
                    false
                }
                (None, _) => true,
            })?;
            if !go_on {
                break;
            }
        }
        outcome
    }

    /// Takes in what the last step did and forgets what is past retention.
    pub(crate) fn expire(&mut self) {
        if let TableKind::Time { retention_ms, .. } | TableKind::Session { retention_ms } = self.kind {
            let newest = self.store.time();
            if newest > i64::MIN {
                self.store.expire_before(newest.saturating_sub(retention_ms).div_euclid(self.kind.segment_ms()));
            }
        }
    }

    fn row(&self, bytes: &[u8]) -> Result<Row> {
        Row::decode(bytes).map_err(|problem| LogError::Corrupt { file: "table".into(), problem: problem.to_string() })
    }
}
