//! Reading a store without changing it, in key order: what pull queries do.

use std::cmp::Ordering;
use std::ops::{Bound, RangeBounds};

use super::store::{Store, Values};
use crate::kv::Result;

/// Bounds of a scan.
pub(crate) type Range<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// Takes key and value bytes of an entry; says whether it wants more.
pub(crate) type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> bool + 'a;

/// A store as its readers see it, whatever its values are.
pub trait Entries: Send + Sync {
    /// Stream time: see [`Store::time`].
    fn stream_time(&self) -> i64;

    /// Segments before this one are past retention.
    fn live_from(&self) -> i64;

    /// The bytes of one key's value.
    fn peek(&self, segment: i64, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// Segments that hold something and are not past retention, oldest first.
    fn live_segments(&self) -> Vec<i64>;

    /// Calls `each` with key and value bytes of one segment, in the order of the key's bytes, until it returns false.
    /// Says whether it came to the end.
    fn scan(&self, segment: i64, range: Range<'_>, each: &mut Visit<'_>) -> Result<bool>;
}

impl<V: Values> Entries for Store<V> {
    fn stream_time(&self) -> i64 {
        self.time()
    }

    fn live_from(&self) -> i64 {
        self.live_from
    }

    fn peek(&self, segment: i64, key: &[u8]) -> Result<Option<Vec<u8>>> {
        if let Some(slot) = self.lookup(segment, key) {
            return Ok(self.entries[slot as usize].present.then(|| {
                let mut bytes = Vec::new();
                self.values.encode(slot, &mut bytes);
                bytes
            }));
        }
        match &self.place.disk {
            Some((kv, _)) if self.spilled => kv.get(&self.space(segment), key),
            _ => Ok(None),
        }
    }

    fn live_segments(&self) -> Vec<i64> {
        let mut segments: Vec<i64> = self.segments.iter().copied().collect();
        segments.extend(self.fresh().map(|slot| self.entries[slot as usize].segment));
        segments.retain(|segment| *segment >= self.live_from);
        segments.sort_unstable();
        segments.dedup();
        segments
    }

    fn scan(&self, segment: i64, range: Range<'_>, each: &mut Visit<'_>) -> Result<bool> {
        let wanted = |&slot: &u32| {
            let entry = &self.entries[slot as usize];
            entry.used && entry.segment == segment && RangeBounds::<[u8]>::contains(&range, entry.key.bytes())
        };
        let mut slots: Vec<u32> = self.fresh().filter(wanted).collect();
        slots.sort_unstable_by(|&a, &b| self.key(a).cmp(self.key(b)));
        slots.dedup();
        let mut slots = slots.into_iter().peekable();
        let mut value = Vec::new();
        let mut memory = |slot: u32, each: &mut Visit<'_>| {
            if !self.entries[slot as usize].present {
                return true;
            }
            value.clear();
            self.values.encode(slot, &mut value);
            each(self.key(slot), &value)
        };
        let mut go_on = true;
        if let Some((kv, _)) = self.place.disk.as_ref() {
            kv.scan(&self.space(segment), range.0, range.1, &mut |key, bytes| {
                while let Some(slot) = slots.next_if(|&slot| self.key(slot) < key) {
                    go_on = memory(slot, each);
                    if !go_on {
                        return false;
                    }
                }
                go_on = match slots.next_if(|&slot| self.key(slot).cmp(key) == Ordering::Equal) {
                    Some(slot) => memory(slot, each),
                    None => each(key, bytes),
                };
                go_on
            })?;
        }
        Ok(go_on && slots.all(|slot| memory(slot, each)))
    }
}

impl<V: Values> Store<V> {
    /// Slots that may hold other values than the database: those changed since the last commit, or all if there is no
    /// database.
    fn fresh(&self) -> Box<dyn Iterator<Item = u32> + '_> {
        match self.place.disk {
            Some(_) => Box::new(self.dirty.iter().chain(&self.drained).copied()),
            None => Box::new((0..self.entries.len() as u32).filter(|&slot| self.entries[slot as usize].used)),
        }
    }
}
