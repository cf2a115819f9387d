//! The store: keys to slots, which slots are dirty, what may leave memory.

use std::collections::BTreeSet;
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::budget::Budget;
use super::key::Key;
use crate::kv::{Kv, KvError, Result};
use crate::types::row::BadRow;

/// Key, beside a store's entries, of what they are.
pub(super) const LAYOUT: &[u8] = b"layout";

/// What stands in the entries of a store, as it is noted beside them. Entries without a note have version 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    /// What is kept.
    pub kind: &'static str,
    /// Raised with every change of the bytes of keys or values.
    pub version: u32,
}

/// Values by slot.
pub(crate) trait Values: Send + Sync {
    /// What they are as bytes.
    const LAYOUT: Layout;
    /// There are `slots` slots now; the new ones hold no value.
    fn grow(&mut self, slots: usize);
    /// The slot holds no value any more.
    fn clear(&mut self, slot: u32);
    /// Appends the value's bytes.
    fn encode(&self, slot: u32, into: &mut Vec<u8>);
    /// Sets the value from its bytes.
    fn decode(&mut self, slot: u32, bytes: &[u8]) -> std::result::Result<(), BadRow>;
    /// Bytes of memory the value takes.
    fn heap_bytes(&self, slot: u32) -> usize;
}

/// Where a store keeps what is not in memory, and how much memory it shares.
#[derive(Clone)]
pub(crate) struct Place {
    /// The local database and the space's name (`state/<query>/<partition>/<store>`); `None`: all of it is in memory
    /// and lost with the query.
    pub disk: Option<(Arc<dyn Kv>, Arc<str>)>,
    /// Memory shared with other stores.
    pub budget: Arc<Budget>,
}

impl Place {
    /// In a space of the local database.
    pub(crate) fn on_disk(kv: Arc<dyn Kv>, space: impl Into<Arc<str>>, budget: Arc<Budget>) -> Self {
        Self { disk: Some((kv, space.into())), budget }
    }

    /// Memory only, without a limit.
    pub(crate) fn memory() -> Self {
        Self { disk: None, budget: Arc::new(Budget::new(usize::MAX)) }
    }

    /// A store below this one.
    pub(crate) fn below(&self, name: &str) -> Self {
        let disk = self.disk.as_ref().map(|(kv, space)| (kv.clone(), Arc::from(format!("{space}/{name}"))));
        Self { disk, budget: self.budget.clone() }
    }
}

/// One key that is in memory.
pub(super) struct Entry {
    pub(super) key: Key,
    hash: u64,
    pub(super) segment: i64,
    size: u32,
    /// The slot belongs to a key.
    pub(super) used: bool,
    /// The key has a value; otherwise it was removed since the last drain.
    pub(super) present: bool,
    pub(super) dirty: bool,
    /// Used since the eviction hand last passed.
    pub(super) recent: bool,
}

/// A map from (segment, key bytes) to values. Stores that are not cut into segments use segment 0.
pub(crate) struct Store<V> {
    pub(super) values: V,
    pub(super) place: Place,
    pub(super) segmented: bool,
    pub(super) entries: Vec<Entry>,
    index: HashTable<u32>,
    free: Vec<u32>,
    /// Slots changed since the last drain.
    pub(super) dirty: Vec<u32>,
    /// Slots drained but not known to be committed.
    pub(super) drained: Vec<u32>,
    hasher: RandomState,
    /// Bytes of the entries; values count as of the last commit.
    pub(super) bytes: usize,
    /// Whether the local database may hold keys that are not in memory.
    pub(super) spilled: bool,
    /// Segments that have a space in the local database.
    pub(super) segments: BTreeSet<i64>,
    pub(super) segments_dirty: bool,
    /// The database does not say yet how the entries are laid out.
    pub(super) layout_dirty: bool,
    /// Highest timestamp seen (stream time), kept with the state.
    pub(super) time: i64,
    pub(super) time_dirty: bool,
    pub(super) live_from: i64,
    pub(super) drained_live_from: i64,
    pub(super) expired_to: i64,
    pub(super) hand: usize,
}

impl<V: Values> Store<V> {
    pub(super) fn new(values: V, place: Place, segmented: bool) -> Self {
        Self {
            values,
            place,
            segmented,
            entries: Vec::new(),
            index: HashTable::new(),
            free: Vec::new(),
            dirty: Vec::new(),
            drained: Vec::new(),
            hasher: RandomState::default(),
            bytes: 0,
            spilled: false,
            segments: BTreeSet::new(),
            segments_dirty: false,
            layout_dirty: false,
            time: i64::MIN,
            time_dirty: false,
            live_from: i64::MIN,
            drained_live_from: i64::MIN,
            expired_to: i64::MIN,
            hand: 0,
        }
    }

    /// The values, by slot.
    pub(crate) fn values(&self) -> &V {
        &self.values
    }

    /// The values, by slot. Changing one is up to the caller to announce (see [`Store::upsert`], [`Store::touch`]).
    pub(crate) fn values_mut(&mut self) -> &mut V {
        &mut self.values
    }

    /// Stream time: the highest timestamp [`Store::advance`] was told, `i64::MIN` before the first.
    pub(crate) fn time(&self) -> i64 {
        self.time
    }

    /// Moves stream time forward (never back).
    pub(crate) fn advance(&mut self, time: i64) {
        if time > self.time {
            self.time = time;
            self.time_dirty = true;
        }
    }

    /// Segments before this one are not needed any more once what is drained next has been committed.
    pub(crate) fn expire_before(&mut self, segment: i64) {
        self.live_from = self.live_from.max(segment);
    }

    /// The slot of a key that has a value.
    #[inline]
    pub(crate) fn get(&mut self, segment: i64, key: &[u8]) -> Result<Option<u32>> {
        let hash = self.hash(segment, key);
        match self.find(hash, segment, key) {
            Some(slot) => {
                let entry = &mut self.entries[slot as usize];
                entry.recent = true;
                Ok(entry.present.then_some(slot))
            }
            None => self.load(hash, segment, key),
        }
    }

    /// The slot of a key, made if need be, and whether it had a value before. It has one now, and is dirty.
    #[inline]
    pub(crate) fn upsert(&mut self, segment: i64, key: &[u8]) -> Result<(u32, bool)> {
        let hash = self.hash(segment, key);
        let slot = match self.find(hash, segment, key) {
            Some(slot) => slot,
            None => match self.load(hash, segment, key)? {
                Some(slot) => slot,
                None => self.insert(hash, segment, key),
            },
        };
        let entry = &mut self.entries[slot as usize];
        let existed = std::mem::replace(&mut entry.present, true);
        entry.recent = true;
        if !entry.dirty {
            entry.dirty = true;
            self.dirty.push(slot);
        }
        Ok((slot, existed))
    }

    /// Says that the value in a slot was changed.
    #[inline]
    pub(crate) fn touch(&mut self, slot: u32) {
        let entry = &mut self.entries[slot as usize];
        if !entry.dirty {
            entry.dirty = true;
            self.dirty.push(slot);
        }
    }

    /// Removes the value in a slot. The slot stays the key's until that is committed.
    pub(crate) fn remove(&mut self, slot: u32) {
        self.touch(slot);
        self.entries[slot as usize].present = false;
        self.values.clear(slot);
    }

    /// Number of slots; every slot is below it.
    pub(crate) fn slots(&self) -> usize {
        self.entries.len()
    }

    /// Key of a slot.
    pub(crate) fn key(&self, slot: u32) -> &[u8] {
        self.entries[slot as usize].key.bytes()
    }

    /// Name of the space of a segment in the local database.
    pub(super) fn space(&self, segment: i64) -> Arc<str> {
        space_of(&self.place, self.segmented, segment)
    }

    /// The slot of a key that is in memory.
    pub(super) fn lookup(&self, segment: i64, key: &[u8]) -> Option<u32> {
        self.find(self.hash(segment, key), segment, key)
    }

    fn hash(&self, segment: i64, key: &[u8]) -> u64 {
        self.hasher.hash_one(key) ^ (segment as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    #[inline]
    fn find(&self, hash: u64, segment: i64, key: &[u8]) -> Option<u32> {
        let same = |&slot: &u32| {
            let entry = &self.entries[slot as usize];
            entry.hash == hash && entry.segment == segment && entry.key.bytes() == key
        };
        self.index.find(hash, same).copied()
    }

    fn load(&mut self, hash: u64, segment: i64, key: &[u8]) -> Result<Option<u32>> {
        if !self.spilled || (self.segmented && !self.segments.contains(&segment)) {
            return Ok(None);
        }
        let Some((kv, _)) = &self.place.disk else { return Ok(None) };
        let space = self.space(segment);
        let Some(bytes) = kv.get(&space, key)? else { return Ok(None) };
        let slot = self.insert(hash, segment, key);
        self.fill(slot, &bytes)?;
        Ok(Some(slot))
    }

    /// Puts a value read from the local database into memory.
    pub(super) fn restore(&mut self, segment: i64, key: &[u8], bytes: &[u8]) -> Result<()> {
        let hash = self.hash(segment, key);
        let slot = self.insert(hash, segment, key);
        self.fill(slot, bytes)
    }

    fn fill(&mut self, slot: u32, bytes: &[u8]) -> Result<()> {
        self.values.decode(slot, bytes).map_err(|problem| {
            let file = self.place.disk.as_ref().map_or_else(String::new, |(_, space)| space.to_string());
            KvError::Corrupt { file, problem: problem.to_string() }
        })?;
        self.entries[slot as usize].present = true;
        let before = self.bytes;
        self.measure(slot);
        self.place.budget.replace(before, self.bytes);
        Ok(())
    }

    fn insert(&mut self, hash: u64, segment: i64, key: &[u8]) -> u32 {
        let entry = Entry {
            key: Key::new(key),
            hash,
            segment,
            size: 0,
            used: true,
            present: false,
            dirty: false,
            recent: true,
        };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.entries[slot as usize] = entry;
                slot
            }
            None => {
                self.entries.push(entry);
                self.values.grow(self.entries.len());
                (self.entries.len() - 1) as u32
            }
        };
        self.index.insert_unique(hash, slot, |&slot| self.entries[slot as usize].hash);
        let before = self.bytes;
        self.resize(slot, 0);
        self.place.budget.replace(before, self.bytes);
        slot
    }

    /// Updates the store's size by an entry's.
    pub(super) fn measure(&mut self, slot: u32) {
        self.resize(slot, self.values.heap_bytes(slot));
    }

    /// Notes what an entry takes if its value takes `heap` bytes.
    fn resize(&mut self, slot: u32, heap: usize) {
        let entry = &mut self.entries[slot as usize];
        let size = u32::try_from(size_of::<Entry>() + 8 + entry.key.heap_bytes() + heap).unwrap_or(u32::MAX);
        self.bytes = self.bytes + size as usize - entry.size as usize;
        entry.size = size;
    }

    /// Gives a slot back.
    pub(super) fn release(&mut self, slot: u32) {
        let entry = &mut self.entries[slot as usize];
        if let Ok(found) = self.index.find_entry(entry.hash, |&other| other == slot) {
            found.remove();
        }
        self.bytes -= entry.size as usize;
        entry.size = 0;
        entry.used = false;
        entry.present = false;
        entry.key = Key::new(&[]);
        self.values.clear(slot);
        self.free.push(slot);
    }
}

/// Name of the space of a segment of a store.
pub(super) fn space_of(place: &Place, segmented: bool, segment: i64) -> Arc<str> {
    match &place.disk {
        Some((_, space)) if segmented => Arc::from(format!("{space}/{:016x}", segment as u64)),
        Some((_, space)) => space.clone(),
        None => Arc::from(""),
    }
}

impl std::fmt::Display for Layout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind, self.version)
    }
}

impl<V> Drop for Store<V> {
    fn drop(&mut self) {
        self.place.budget.replace(self.bytes, 0);
    }
}
