//! Reading a store without changing it, in key order: what pull queries do.

use std::cmp::Ordering;
use std::ops::{Bound, RangeBounds};

use super::store::{Store, Values};
use crate::log::Result;

/// Bounds of a scan.
pub type Range<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

impl<V: Values> Store<V> {
    /// The bytes of one key's value.
    pub fn peek(&self, segment: i64, key: &[u8]) -> Result<Option<Vec<u8>>> {
        if let Some(slot) = self.lookup(segment, key) {
            return Ok(self.entries[slot as usize].present.then(|| self.encoded(slot)));
        }
        match &self.place.disk {
            Some((kv, _)) if self.spilled => kv.get(&self.space(segment), key),
            _ => Ok(None),
        }
    }

    /// Segments that hold something, oldest first.
    pub fn live_segments(&self) -> Vec<i64> {
        let mut segments: Vec<i64> = self.segments.iter().copied().collect();
        segments.extend(self.entries.iter().filter(|entry| entry.used).map(|entry| entry.segment));
        segments.sort_unstable();
        segments.dedup();
        segments
    }

    /// Calls `each` with key and value bytes of one segment, in the order of the key's bytes, until it returns false.
    /// Says whether it came to the end.
    pub fn scan(&self, segment: i64, range: Range<'_>, each: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<bool> {
        let mut slots: Vec<u32> = (0..self.entries.len() as u32)
            .filter(|&slot| {
                let entry = &self.entries[slot as usize];
                entry.used && entry.segment == segment && RangeBounds::<[u8]>::contains(&range, entry.key.bytes())
            })
            .collect();
        slots.sort_unstable_by(|&a, &b| self.key(a).cmp(self.key(b)));
        let mut slots = slots.into_iter().peekable();
        let mut value = Vec::new();
        let mut memory = |slot: u32, each: &mut dyn FnMut(&[u8], &[u8]) -> bool| {
            if !self.entries[slot as usize].present {
                return true;
            }
            value.clear();
            self.values().encode(slot, &mut value);
            each(self.key(slot), &value)
        };
        let mut go_on = true;
        if let Some((kv, _)) = self.place.disk.as_ref().filter(|_| self.spilled) {
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

    fn encoded(&self, slot: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.values().encode(slot, &mut bytes);
        bytes
    }
}
