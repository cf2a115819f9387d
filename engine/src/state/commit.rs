//! What changed goes into the commit; what is committed may leave memory.

use std::sync::Arc;

use super::store::{LAYOUT, Store, Values, space_of};
use crate::kv::{Result, Writes};
use crate::types::row::{put_i64, put_u64};

impl<V: Values> Store<V> {
    /// Appends what changed since the last drain, to be written in the commit.
    pub(crate) fn drain(&mut self, into: &mut Writes) {
        self.drained.append(&mut self.dirty);
        if self.segmented && !self.drained.is_empty() {
            // A changelog gives up old records: what is noted of the entries must not be older than they are.
            (self.layout_dirty, self.time_dirty, self.segments_dirty) = (true, true, true);
        }
        let mut space: Option<(i64, Arc<str>)> = None;
        for &slot in &self.drained {
            let entry = &mut self.entries[slot as usize];
            entry.dirty = false;
            let (segment, present) = (entry.segment, entry.present);
            if self.place.disk.is_none() || segment < self.live_from {
                continue;
            }
            if space.as_ref().is_none_or(|(of, _)| *of != segment) {
                space = Some((segment, space_of(&self.place, self.segmented, segment)));
                if self.segmented && self.segments.insert(segment) {
                    self.segments_dirty = true;
                }
            }
            if let Some((_, space)) = &space {
                let key = entry.key.bytes();
                match present {
                    true => into.put(space, key, |bytes| self.values.encode(slot, bytes)),
                    false => into.delete(space, key),
                }
            }
        }
        self.drain_meta(into);
        self.drained_live_from = self.live_from;
    }

    fn drain_meta(&mut self, into: &mut Writes) {
        let Some((_, space)) = &self.place.disk else { return };
        let meta: Arc<str> = Arc::from(format!("{space}/meta"));
        if std::mem::take(&mut self.layout_dirty) {
            into.put(&meta, LAYOUT, |bytes| bytes.extend_from_slice(V::LAYOUT.to_string().as_bytes()));
        }
        if std::mem::take(&mut self.time_dirty) {
            into.put(&meta, b"time", |bytes| put_i64(self.time, bytes));
        }
        if std::mem::take(&mut self.segments_dirty) {
            into.put(&meta, b"segments", |bytes| {
                put_u64(self.segments.len() as u64, bytes);
                self.segments.iter().for_each(|&segment| put_i64(segment, bytes));
            });
        }
    }

    /// What was drained is committed: removed keys give their slots back, expired segments leave the database, and as
    /// many entries leave memory as the budget asks for.
    pub(crate) fn committed(&mut self) -> Result<()> {
        let before = self.bytes;
        let mut drained = std::mem::take(&mut self.drained);
        for slot in drained.drain(..) {
            let entry = &self.entries[slot as usize];
            if entry.present && entry.segment >= self.drained_live_from {
                self.measure(slot);
            } else {
                self.release(slot);
            }
        }
        self.drained = drained;
        self.place.budget.replace(before, self.bytes);
        if self.drained_live_from > self.expired_to {
            self.drop_expired()?;
        }
        let target = self.place.budget.target(self.bytes);
        if target < self.bytes && self.place.disk.is_some() {
            self.evict_to(target);
        }
        Ok(())
    }

    fn evict_to(&mut self, target: usize) {
        let before = self.bytes;
        // Twice around: the first pass takes away the second chance.
        for _ in 0..self.entries.len() * 2 {
            if self.bytes <= target {
                break;
            }
            self.hand = if self.hand + 1 < self.entries.len() { self.hand + 1 } else { 0 };
            let entry = &mut self.entries[self.hand];
            if !entry.used || entry.dirty {
                continue;
            }
            if !std::mem::take(&mut entry.recent) {
                self.spilled = true;
                self.release(self.hand as u32);
            }
        }
        self.place.budget.replace(before, self.bytes);
    }

    fn drop_expired(&mut self) -> Result<()> {
        let live_from = self.drained_live_from;
        self.expired_to = live_from;
        let keep = self.segments.split_off(&live_from);
        let expired = std::mem::replace(&mut self.segments, keep);
        if let Some((kv, _)) = &self.place.disk {
            for &segment in &expired {
                kv.drop_spaces(&self.space(segment))?;
            }
            self.segments_dirty = !expired.is_empty() || self.segments_dirty;
        }
        let before = self.bytes;
        for slot in 0..self.entries.len() {
            let entry = &self.entries[slot];
            if entry.used && entry.segment < live_from && !entry.dirty {
                self.release(slot as u32);
            }
        }
        self.place.budget.replace(before, self.bytes);
        Ok(())
    }
}
