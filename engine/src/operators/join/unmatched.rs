//! Rows of an outer stream-stream join that wait: for a match, or for their window to close.

use std::ops::Bound;

use super::output::damaged;
use super::{LEFT, RIGHT};
use crate::kv::Writes;
use crate::operators::OperatorError;
use crate::state::{Entries, KeySet, Layout, Place, Store, Stored};
use crate::types::Time;
use crate::types::row::{BadRow, get_i64, get_u64, put_i64, put_u64, take};

/// How long rows wait, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wait {
    /// A left row's matches are at most so much younger.
    pub(super) after_ms: i64,
    /// A right row's matches are at most so much younger.
    pub(super) before_ms: i64,
    /// How late a match may come.
    pub(super) grace_ms: i64,
}

impl Wait {
    fn of(&self, port: usize) -> i64 {
        let younger = if port == LEFT { self.after_ms } else { self.before_ms };
        younger.saturating_add(self.grace_ms)
    }
}

/// The waiting rows, by time, side (right before left) and key: the order in which they are given up, which is that of
/// Kafka Streams. It also keeps the join's stream time.
pub(super) struct Unmatched {
    /// Entries: time, side, serialised key → rows in order of arrival.
    store: Store<Vec<Waiting>>,
    /// Keys of all entries.
    order: KeySet,
    wait: Wait,
    /// No row that waits is looked at while stream time is within this row's window. As in Kafka Streams it is not the
    /// oldest one, but the last one the previous look ended at (or an older one that came since), so rows may be given
    /// up later than they could be.
    next_look: i64,
    /// Keeps `next_look`, so that a restart changes nothing.
    looks: Store<Vec<Look>>,
    entry: Vec<u8>,
}

/// When to look next.
#[derive(Debug, Default)]
struct Look(i64);

/// Rows that are given up.
pub(super) struct GivenUp {
    pub(super) port: usize,
    pub(super) time: i64,
    pub(super) rows: Waiting,
}

/// Rows of one time, side and key.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Waiting {
    /// Encoded key columns.
    pub(super) key_row: Box<[u8]>,
    /// Window in the key.
    pub(super) window: Option<(i64, i64)>,
    /// Encoded value columns.
    pub(super) rows: Vec<Box<[u8]>>,
}

impl Unmatched {
    pub(super) fn open(place: Place, wait: Wait) -> Result<Self, OperatorError> {
        let mut looks: Store<Vec<Look>> = Store::open(Vec::new(), place.below("look"))?;
        let next_look = looks.get(0, b"")?.map_or(i64::MAX, |slot| looks.values()[slot as usize].0);
        let mut order = KeySet::new(&place.budget);
        let store: Store<Vec<Waiting>> = Store::open(Vec::new(), place)?;
        store.scan(0, (Bound::Unbounded, Bound::Unbounded), &mut |entry, _| {
            order.insert(entry);
            true
        })?;
        Ok(Self { store, order, wait, next_look, looks, entry: Vec::new() })
    }

    /// Stream time of the join: the newest row of both sides.
    pub(super) fn time(&self) -> i64 {
        self.store.time()
    }

    /// Moves stream time.
    pub(super) fn advance(&mut self, time: i64) {
        self.store.advance(time);
    }

    /// Whether a row of that side and time has nothing to wait for: its window and the grace period are over.
    pub(super) fn is_due(&self, port: usize, time: i64) -> bool {
        Time(time) + self.wait.of(port) < Time(self.time())
    }

    /// A row waits.
    pub(super) fn put(
        &mut self,
        port: usize,
        key: &[u8],
        time: i64,
        row: &[u8],
        about: impl FnOnce() -> (Box<[u8]>, Option<(i64, i64)>),
    ) -> Result<(), OperatorError> {
        if time < self.next_look {
            self.look_at(time)?;
        }
        put_entry(port, key, time, &mut self.entry);
        let (slot, existed) = self.store.upsert(0, &self.entry)?;
        let waiting = &mut self.store.values_mut()[slot as usize];
        if !existed {
            let (key_row, window) = about();
            *waiting = Waiting { key_row, window, rows: Vec::new() };
            self.order.insert(&self.entry);
        }
        waiting.rows.push(row.into());
        Ok(())
    }

    /// The rows of that side, key and time have found a match.
    pub(super) fn matched(&mut self, port: usize, key: &[u8], time: i64) -> Result<(), OperatorError> {
        if self.order.is_empty() {
            return Ok(());
        }
        put_entry(port, key, time, &mut self.entry);
        if self.order.remove(&self.entry)
            && let Some(slot) = self.store.get(0, &self.entry)?
        {
            self.store.remove(slot);
        }
        Ok(())
    }

    /// Takes out the rows whose window has closed, when a row of that side has moved stream time (or stands at it).
    pub(super) fn give_up(&mut self, port: usize) -> Result<Vec<GivenUp>, OperatorError> {
        let now = self.time();
        // Here the wait is that of the side the new row is of, not that of the rows that wait.
        let wait = if port == LEFT { self.wait.after_ms } else { self.wait.before_ms };
        if self.order.is_empty() || Time(self.next_look) + wait + self.wait.grace_ms >= Time(now) {
            return Ok(Vec::new());
        }
        let mut next_look = i64::MAX;
        let mut open = [false; 2];
        let mut closed = Vec::new();
        for entry in self.order.iter() {
            let (time, port) = time_and_port(entry);
            next_look = time;
            if open == [true, true] {
                break;
            }
            if !self.is_due(port, time) {
                open[port] = true;
                continue;
            }
            closed.push((Box::<[u8]>::from(entry), port, time));
        }
        self.look_at(next_look)?;
        let mut given_up = Vec::with_capacity(closed.len());
        for (entry, port, time) in closed {
            self.order.remove(&entry);
            let slot = self.store.get(0, &entry)?.ok_or_else(|| damaged(BadRow))?;
            let rows = std::mem::take(&mut self.store.values_mut()[slot as usize]);
            self.store.remove(slot);
            given_up.push(GivenUp { port, time, rows });
        }
        Ok(given_up)
    }

    fn look_at(&mut self, time: i64) -> Result<(), OperatorError> {
        self.next_look = time;
        let (slot, _) = self.looks.upsert(0, b"")?;
        self.looks.values_mut()[slot as usize] = Look(time);
        Ok(())
    }

    pub(super) fn committed(&mut self) -> Result<(), OperatorError> {
        self.store.committed()?;
        Ok(self.looks.committed()?)
    }

    pub(super) fn drain(&mut self, into: &mut Writes) {
        self.store.drain(into);
        self.looks.drain(into);
    }
}

fn put_entry(port: usize, key: &[u8], time: i64, into: &mut Vec<u8>) {
    into.clear();
    into.extend_from_slice(&time.to_be_bytes());
    into.push(u8::from(port == LEFT));
    into.extend_from_slice(key);
}

fn time_and_port(entry: &[u8]) -> (i64, usize) {
    let (time, rest) = entry.split_first_chunk().map_or((0, entry), |(time, rest)| (i64::from_be_bytes(*time), rest));
    (time, if rest.first() == Some(&1) { LEFT } else { RIGHT })
}

impl Stored for Look {
    const LAYOUT: Layout = Layout { kind: "looks", version: 1 };

    fn encode(&self, into: &mut Vec<u8>) {
        put_i64(self.0, into);
    }

    fn decode(mut bytes: &[u8]) -> Result<Self, BadRow> {
        Ok(Self(get_i64(&mut bytes)?))
    }

    fn heap_bytes(&self) -> usize {
        0
    }
}

/// Window (0, or 1 and its bounds), length of the key row, key row, then length and bytes of every row.
impl Stored for Waiting {
    const LAYOUT: Layout = Layout { kind: "rows without a partner", version: 1 };

    fn encode(&self, into: &mut Vec<u8>) {
        match self.window {
            None => into.push(0),
            Some((start, end)) => {
                into.push(1);
                put_i64(start, into);
                put_i64(end, into);
            }
        }
        for part in std::iter::once(&self.key_row).chain(&self.rows) {
            put_u64(part.len() as u64, into);
            into.extend_from_slice(part);
        }
    }

    fn decode(mut bytes: &[u8]) -> Result<Self, BadRow> {
        let bytes = &mut bytes;
        let window = match take(bytes, 1)? {
            [0] => None,
            _ => Some((get_i64(bytes)?, get_i64(bytes)?)),
        };
        let mut part = || {
            let len = usize::try_from(get_u64(bytes)?).map_err(|_| BadRow)?;
            Ok((Box::from(take(bytes, len)?), bytes.is_empty()))
        };
        let (key_row, mut at_end) = part()?;
        let mut rows = Vec::new();
        while !at_end {
            let (row, end) = part()?;
            rows.push(row);
            at_end = end;
        }
        Ok(Self { key_row, window, rows })
    }

    fn heap_bytes(&self) -> usize {
        self.key_row.len() + self.rows.iter().map(|row| row.len() + 16).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::Waiting;
    use crate::state::Stored;

    #[test]
    fn waiting_rows_come_back() {
        for window in [None, Some((-1, 5))] {
            let rows = vec![Box::from(*b"abc"), Box::from(*b""), Box::from(*b"d")];
            let waiting = Waiting { key_row: Box::from(*b"key"), window, rows };
            let mut bytes = Vec::new();
            waiting.encode(&mut bytes);
            assert_eq!(Waiting::decode(&bytes).unwrap(), waiting);
        }
    }
}
