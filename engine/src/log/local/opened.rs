//! The local database while it is open: one fjall keyspace. A space is a number of four bytes (big-endian) before its keys, so that
//! most keys are short enough to lie in the memtable's nodes; space 0 holds the numbers of the others by name.

use std::collections::BTreeMap;
use std::ops::{Bound, RangeBounds};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use fjall::compaction::Leveled;
use fjall::config::{PartitioningPolicy, PinningPolicy};
use fjall::{Keyspace, KeyspaceCreateOptions, LsmError, OwnedWriteBatch, PersistMode, Slice};
use parking_lot::{Mutex, RwLock};

use crate::log::local::long_keys::{self, Bundle, LONG};
use crate::log::local::panics::quietly;
use crate::log::local::{descriptors, is_empty, journal};
use crate::log::{LogError, Result, Writes};

/// Unflushed writes kept in memory: what is replayed at the next start. Up to five of these tables are in memory, one that is
/// filled and four that wait or that fjall has not let go of.
const MEMTABLE_BYTES: u64 = 8 << 20;
/// With so many bytes unflushed, or so many files not yet merged, a write waits for the thread that does it. fjall would
/// make it wait a little later.
const UNFLUSHED_BYTES: u64 = 3 * MEMTABLE_BYTES;
const YOUNG_TABLES: usize = 24;
const FLUSH_PAUSE: Duration = Duration::from_millis(1);
/// After so many pauses it is asked whether the thread has failed.
const CHECK_EVERY: u32 = 100;
/// A thread that has done nothing for so long will not do any more.
const FLUSH_PATIENCE: Duration = Duration::from_secs(60);
const CACHE_BYTES: u64 = 8 << 20;
const JOURNAL_BYTES: u64 = 64 << 20;
/// Size of the database's files; a compaction notes eight bytes for every key of the one it writes.
const FILE_BYTES: u64 = 32 << 20;
/// Entries removed at a time when spaces are dropped.
const DROP_CHUNK: usize = 4096;
/// The space of names.
const NAMES: u32 = 0;

/// The open database.
pub(super) struct Opened {
    database: fjall::Database,
    entries: Keyspace,
    spaces: RwLock<Spaces>,
    /// Held while entries that hold several long keys are read, changed and written.
    bundling: Mutex<()>,
    path: PathBuf,
}

/// Numbers of spaces by name, and the next number to give.
struct Spaces {
    numbers: BTreeMap<Arc<str>, u32>,
    next: u32,
}

impl Opened {
    /// Opens or makes it.
    pub(super) fn open(path: &Path) -> Result<Opened> {
        journal::check(path)?;
        let corrupt = |problem: String| LogError::Corrupt { file: path.display().to_string(), problem };
        let broken = || corrupt("the local database cannot be opened".to_owned());
        // damaged files make fjall panic in places
        let opened = quietly(broken().to_string(), || {
            let builder = fjall::Database::builder(path).cache_size(CACHE_BYTES).max_journaling_size(JOURNAL_BYTES);
            let builder = builder.max_cached_files(Some(descriptors::for_tables()));
            let database = builder.worker_threads(1).open()?;
            let entries = database.keyspace("entries", options)?;
            let spaces = RwLock::new(Spaces::read(&entries)?);
            Ok(Opened { database, entries, spaces, bundling: Mutex::default(), path: path.to_owned() })
        });
        match opened {
            Ok(Ok(opened)) => Ok(opened),
            Ok(Err(error)) => Err(match io_error(error) {
                Ok(source) => LogError::Io { what: path.display().to_string(), source },
                Err(error) => corrupt(error.to_string()),
            }),
            Err(_) => Err(broken()),
        }
    }

    /// The number that the next batch of its journals gets; what a failed write left there has this number or a higher one.
    pub(super) fn next_batch(&self) -> u64 {
        self.database.visible_seqno()
    }

    fn failed(&self, error: fjall::Error) -> LogError {
        match io_error(error) {
            Ok(source) => LogError::Io { what: self.path.display().to_string(), source },
            Err(error) => LogError::Store(format!("{}: {error}", self.path.display())),
        }
    }

    fn space(&self, name: &str) -> Option<u32> {
        self.spaces.read().numbers.get(name).copied()
    }

    /// The number of a space, given to it if it has none. Its name is durable before anything is in it, because what is
    /// written later is never recovered without what was written before.
    fn make_space(&self, name: &Arc<str>) -> Result<u32> {
        if let Some(space) = self.space(name) {
            return Ok(space);
        }
        let mut spaces = self.spaces.write();
        if let Some(space) = spaces.numbers.get(name) {
            return Ok(*space);
        }
        let space = spaces.next;
        let key = full_key(NAMES, name.as_bytes());
        self.entries.insert(key, space.to_be_bytes()).map_err(|error| self.failed(error))?;
        spaces.numbers.insert(Arc::clone(name), space);
        spaces.next += 1;
        Ok(space)
    }

    /// Waits while much is unflushed, so that memory does not fill with what is on its way to disk, and so that no write
    /// waits within fjall, where it would wait for ever once the thread that flushes has failed.
    fn let_flush(&self) -> Result<()> {
        let begin = Instant::now();
        let is_behind =
            || self.database.write_buffer_size() > UNFLUSHED_BYTES || self.entries.l0_table_count() > YOUNG_TABLES;
        let mut pauses = 0_u32;
        while is_behind() {
            sleep(FLUSH_PAUSE);
            pauses += 1;
            if pauses.is_multiple_of(CHECK_EVERY) {
                self.database.persist(PersistMode::Buffer).map_err(|error| self.failed(error))?;
            }
            if begin.elapsed() > FLUSH_PATIENCE {
                return Err(LogError::Store("what was written is not flushed".to_owned()));
            }
        }
        Ok(())
    }

    /// Removes everything in a space; nobody writes to it. Every chunk is read anew: fjall keeps all memtables that are filled
    /// while an iterator is open.
    fn clear(&self, space: u32) -> Result<()> {
        let mut from = Bound::Included(full_key(space, &[]));
        let to = Bound::Excluded(full_key(space + 1, &[]));
        loop {
            self.let_flush()?;
            let mut batch = OwnedWriteBatch::with_capacity(self.database.clone(), DROP_CHUNK);
            for entry in self.entries.range((from.clone(), to.clone())).take(DROP_CHUNK) {
                let key = entry.key().map_err(|error| self.failed(error))?;
                batch.remove(&self.entries, key.clone());
                from = Bound::Excluded(key);
            }
            if batch.is_empty() {
                return Ok(());
            }
            batch.commit().map_err(|error| self.failed(error))?;
        }
    }

    /// The value of a key.
    pub(super) fn get(&self, space: &str, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let Some(space) = self.space(space) else { return Ok(None) };
        let (entry, rest) = long_keys::cut(key).map_or((key, None), |(entry, rest)| (entry, Some(rest)));
        let value = self.entries.get(full_key(space, entry)).map_err(|error| self.failed(error))?;
        let Some(value) = value else { return Ok(None) };
        match rest {
            None => Ok(Some(value.to_vec())),
            Some(rest) => Ok(self.bundle(&value)?.get(rest).map(<[u8]>::to_vec)),
        }
    }

    fn bundle<'a>(&self, entry: &'a [u8]) -> Result<Bundle<'a>> {
        Bundle::parse(entry).ok_or_else(|| LogError::Corrupt {
            file: self.path.display().to_string(),
            problem: "an entry of long keys cannot be read".to_owned(),
        })
    }

    /// Calls `each` for every entry in key order until it returns false.
    pub(super) fn scan(
        &self,
        space: &str,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        each: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<()> {
        let Some(space) = self.space(space).filter(|_| !is_empty(from, to)) else { return Ok(()) };
        let first = bound(from, space).unwrap_or_else(|| Bound::Included(full_key(space, &[])));
        let last = bound(to, space).unwrap_or_else(|| Bound::Excluded(full_key(space + 1, &[])));
        let mut full = Vec::new();
        for entry in self.entries.range((first, last)) {
            let (key, value) = entry.into_inner().map_err(|error| self.failed(error))?;
            let key = key.get(size_of::<u32>()..).unwrap_or_default();
            if key.len() < LONG {
                if !each(key, &value) {
                    return Ok(());
                }
                continue;
            }
            for (rest, value) in self.bundle(&value)?.iter() {
                full.clear();
                full.extend_from_slice(key);
                full.extend_from_slice(rest);
                if RangeBounds::<[u8]>::contains(&(from, to), full.as_slice()) && !each(&full, value) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Applies all writes at once, durably.
    pub(super) fn write(&self, writes: &Writes) -> Result<()> {
        // Before, not after: readers wait for what is written.
        self.let_flush()?;
        let spaces: Vec<u32> = writes.spaces().iter().map(|name| self.make_space(name)).collect::<Result<_>>()?;
        let mut places: Vec<Place> = Vec::with_capacity(writes.len());
        for (at, (space, key, _)) in writes.iter().enumerate() {
            places.push(Place {
                prefix: prefix(key),
                space: spaces.get(space).copied().unwrap_or(NAMES),
                at: at as u32,
            });
        }
        let key = |place: &Place| writes.get(place.at as usize).map(|(_, key, _)| key);
        let order = |one: &Place, other: &Place| {
            (one.space, one.prefix).cmp(&(other.space, other.prefix)).then_with(|| key(one).cmp(&key(other)))
        };
        // Neighbours go into the memtable one after the other: most of the way to the second is in the cache.
        places.sort_unstable_by(|one, other| order(one, other).then(one.at.cmp(&other.at)));
        let mut batch = OwnedWriteBatch::with_capacity(self.database.clone(), places.len());
        let mut long = BTreeMap::<Slice, Vec<Rest<'_>>>::new();
        for (i, place) in places.iter().enumerate() {
            // Of several writes to one key the last one counts.
            if places.get(i + 1).is_some_and(|next| order(place, next).is_eq()) {
                continue;
            }
            let Some((_, key, value)) = writes.get(place.at as usize) else { continue };
            match (long_keys::cut(key), value) {
                (Some((entry, rest)), value) => {
                    long.entry(full_key(place.space, entry)).or_default().push((rest, value));
                }
                (None, Some(value)) => batch.insert(&self.entries, full_key(place.space, key), value),
                (None, None) => batch.remove(&self.entries, full_key(place.space, key)),
            }
        }
        let _nobody_bundles = (!long.is_empty()).then(|| self.bundling.lock());
        for (entry, changes) in long {
            let kept = self.entries.get(&entry).map_err(|error| self.failed(error))?;
            let mut bundle = kept.as_ref().map_or_else(|| Ok(Bundle::default()), |kept| self.bundle(kept))?;
            changes.into_iter().for_each(|(rest, value)| bundle.set(rest, value));
            match bundle.to_bytes() {
                Some(bytes) => batch.insert(&self.entries, entry, bytes),
                None => batch.remove(&self.entries, entry),
            }
        }
        batch.durability(Some(PersistMode::SyncData)).commit().map_err(|error| self.failed(error))
    }

    /// Removes every space whose name starts with the prefix.
    pub(super) fn drop_spaces(&self, prefix: &str) -> Result<()> {
        let dropped = self.spaces.read().starting_with(prefix);
        for (name, space) in dropped {
            self.clear(space)?;
            self.entries.remove(full_key(NAMES, name.as_bytes())).map_err(|error| self.failed(error))?;
            self.spaces.write().numbers.remove(&name);
        }
        self.database.persist(PersistMode::SyncData).map_err(|error| self.failed(error))
    }
}

/// The rest of a long key and its new value.
type Rest<'a> = (&'a [u8], Option<&'a [u8]>);

/// Where a scan begins or ends: with the entry that holds the key, if it is long. `None`: the space does.
fn bound(of: Bound<&[u8]>, space: u32) -> Option<Bound<Slice>> {
    match of {
        Bound::Unbounded => None,
        Bound::Included(key) | Bound::Excluded(key) if key.len() >= LONG => {
            Some(Bound::Included(full_key(space, key.get(..LONG).unwrap_or(key))))
        }
        short => Some(short.map(|key| full_key(space, key))),
    }
}

/// The error of the disk that a failure comes from, if it does.
fn io_error(error: fjall::Error) -> std::result::Result<std::io::Error, fjall::Error> {
    match error {
        fjall::Error::Io(source) | fjall::Error::Storage(LsmError::Io(source)) => Ok(source),
        other => Err(other),
    }
}

impl Spaces {
    /// What stands in space 0.
    fn read(entries: &Keyspace) -> fjall::Result<Spaces> {
        let (mut numbers, mut next) = (BTreeMap::new(), NAMES + 1);
        for entry in entries.prefix(NAMES.to_be_bytes()) {
            let (key, value) = entry.into_inner()?;
            let name = String::from_utf8_lossy(key.get(size_of::<u32>()..).unwrap_or_default());
            if let Ok(space) = value.as_ref().try_into().map(u32::from_be_bytes) {
                numbers.insert(Arc::from(name), space);
                next = next.max(space + 1);
            }
        }
        Ok(Spaces { numbers, next })
    }

    fn starting_with(&self, prefix: &str) -> Vec<(Arc<str>, u32)> {
        let from = self.numbers.range::<str, _>((Bound::Included(prefix), Bound::Unbounded));
        let all = from.take_while(|(name, _)| name.starts_with(prefix));
        all.map(|(name, space)| (Arc::clone(name), *space)).collect()
    }
}

/// How entries are kept. Indexes and filters are cut into blocks that come and go with the cache, in files of every level:
/// whole ones, as fjall keeps them for young files, would stay in memory, some bytes for every key.
fn options() -> KeyspaceCreateOptions {
    let (in_blocks, stay) = (PartitioningPolicy::all(true), PinningPolicy::all(false));
    KeyspaceCreateOptions::default()
        .max_memtable_size(MEMTABLE_BYTES)
        .compaction_strategy(Arc::new(Leveled::default().with_table_target_size(FILE_BYTES)))
        .index_block_partitioning_policy(in_blocks.clone())
        .filter_block_partitioning_policy(in_blocks)
        .index_block_pinning_policy(stay.clone())
        .filter_block_pinning_policy(stay)
}

/// Where a change goes.
struct Place {
    prefix: u128,
    space: u32,
    /// Which change.
    at: u32,
}

/// The beginning of a key as a number that sorts like it.
fn prefix(key: &[u8]) -> u128 {
    let mut bytes = [0; size_of::<u128>()];
    let len = key.len().min(bytes.len());
    bytes[..len].copy_from_slice(&key[..len]);
    u128::from_be_bytes(bytes)
}

/// A key of a space; short ones are not put on the heap.
fn full_key(space: u32, key: &[u8]) -> Slice {
    const SHORT: usize = 20;
    let len = size_of::<u32>() + key.len();
    let mut short = [0; SHORT];
    match short.get_mut(..len) {
        Some(full) => {
            let (head, tail) = full.split_at_mut(size_of::<u32>());
            head.copy_from_slice(&space.to_be_bytes());
            tail.copy_from_slice(key);
            Slice::from(&*full)
        }
        None => Slice::from([&space.to_be_bytes(), key].concat()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Write;

    fn scanned(opened: &Opened, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut found = Vec::new();
        opened
            .scan("s", from, to, &mut |key, value| {
                found.push((key.to_vec(), value.to_vec()));
                true
            })
            .unwrap();
        found
    }

    /// Keys around the length from which they are kept in bundles, with beginnings that agree and that do not.
    fn keys() -> Vec<Vec<u8>> {
        let mut keys = vec![b"a".to_vec(), b"z".to_vec()];
        for byte in *b"bc" {
            for len in [LONG - 1, LONG, LONG + 1, LONG + 9, 70_000, 200_000] {
                keys.push(vec![byte; len]);
                keys.push([vec![byte; len], vec![0, 1]].concat());
            }
        }
        keys.sort();
        keys
    }

    #[test]
    fn long_keys_are_found_and_scanned_in_order() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("db");
        let opened = Opened::open(&path).unwrap();
        let keys = keys();
        let write = |at: &[usize], value: Option<&str>| {
            let each = |i: &usize| Write {
                space: "s".into(),
                key: keys[*i].clone(),
                value: value.map(|value| format!("{value}{i}").into_bytes()),
            };
            opened.write(&at.iter().map(each).collect()).unwrap();
        };
        let all: Vec<usize> = (0..keys.len()).collect();
        write(&all, Some("old"));
        write(&all, Some("v"));
        let gone: Vec<usize> = all.iter().copied().filter(|i| i % 3 == 1).collect();
        write(&gone, None);
        let check = |opened: &Opened| {
            let mut kept: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
            for (i, key) in keys.iter().enumerate() {
                let value = (i % 3 != 1).then(|| format!("v{i}").into_bytes());
                assert_eq!(opened.get("s", key).unwrap(), value, "key {i}");
                kept.extend(value.map(|value| (key.clone(), value)));
            }
            assert!(scanned(opened, Bound::Unbounded, Bound::Unbounded) == kept);
            for from in (0..keys.len()).step_by(3) {
                for to in (from + 1..keys.len()).step_by(5) {
                    let (from, to) = (keys[from].as_slice(), keys[to].as_slice());
                    let within = |(key, _): &&(Vec<u8>, Vec<u8>)| key.as_slice() >= from && key.as_slice() < to;
                    let wanted: Vec<_> = kept.iter().filter(within).cloned().collect();
                    assert!(scanned(opened, Bound::Included(from), Bound::Excluded(to)) == wanted);
                    let within = |(key, _): &&(Vec<u8>, Vec<u8>)| key.as_slice() > from && key.as_slice() <= to;
                    let wanted: Vec<_> = kept.iter().filter(within).cloned().collect();
                    assert!(scanned(opened, Bound::Excluded(from), Bound::Included(to)) == wanted);
                }
            }
        };
        check(&opened);
        drop(opened);
        let opened = Opened::open(&path).unwrap();
        check(&opened);
        opened.drop_spaces("s").unwrap();
        assert!(scanned(&opened, Bound::Unbounded, Bound::Unbounded).is_empty());
    }
}
