//! The local database on disk: one fjall keyspace. A space is a number of four bytes (big-endian) before its keys, so that
//! most keys are short enough to lie in the memtable's nodes; space 0 holds the numbers of the others by name.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use fjall::compaction::Leveled;
use fjall::config::{PartitioningPolicy, PinningPolicy};
use fjall::{Keyspace, KeyspaceCreateOptions, OwnedWriteBatch, PersistMode, Slice};
use parking_lot::RwLock;

use crate::log::local::panics::quietly;
use crate::log::local::{is_empty, journal};
use crate::log::{Kv, LogError, Result, Writes};

/// Unflushed writes kept in memory: what is replayed at the next start. Up to five of these tables are in memory, one that is
/// filled and four that wait or that fjall has not let go of.
const MEMTABLE_BYTES: u64 = 8 << 20;
/// With so many bytes unflushed a write waits, at most `FLUSH_PATIENCE`, for the thread that flushes.
const UNFLUSHED_BYTES: u64 = 4 * MEMTABLE_BYTES;
const FLUSH_PATIENCE: Duration = Duration::from_secs(2);
const FLUSH_PAUSE: Duration = Duration::from_millis(1);
const CACHE_BYTES: u64 = 8 << 20;
const JOURNAL_BYTES: u64 = 64 << 20;
/// Size of the database's files; a compaction notes eight bytes for every key of the one it writes.
const FILE_BYTES: u64 = 32 << 20;
/// fjall's limit.
const KEY_BYTES: usize = u16::MAX as usize;
/// Entries removed at a time when spaces are dropped.
const DROP_CHUNK: usize = 4096;
/// The space of names.
const NAMES: u32 = 0;

/// The local database in a directory.
pub(in crate::log) struct Database {
    database: fjall::Database,
    entries: Keyspace,
    spaces: RwLock<Spaces>,
    path: PathBuf,
}

/// Numbers of spaces by name, and the next number to give.
struct Spaces {
    numbers: BTreeMap<Arc<str>, u32>,
    next: u32,
}

impl Database {
    /// Opens or makes it.
    pub(in crate::log) fn open(path: &Path) -> Result<Database> {
        journal::check(path)?;
        let corrupt = |problem: String| LogError::Corrupt { file: path.display().to_string(), problem };
        let broken = || corrupt("the local database cannot be opened".to_owned());
        // damaged files make fjall panic in places
        let opened = quietly(broken().to_string(), || {
            let builder = fjall::Database::builder(path).cache_size(CACHE_BYTES).max_journaling_size(JOURNAL_BYTES);
            let database = builder.worker_threads(1).open()?;
            let entries = database.keyspace("entries", options)?;
            let spaces = RwLock::new(Spaces::read(&entries)?);
            Ok(Database { database, entries, spaces, path: path.to_owned() })
        });
        match opened {
            Ok(Ok(database)) => Ok(database),
            Ok(Err(fjall::Error::Io(source))) => Err(LogError::Io { what: path.display().to_string(), source }),
            Ok(Err(error)) => Err(corrupt(error.to_string())),
            Err(_) => Err(broken()),
        }
    }
}

impl Database {
    fn failed(&self, error: fjall::Error) -> LogError {
        LogError::Store(format!("{}: {error}", self.path.display()))
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
        let key = checked_key(NAMES, name.as_bytes())?;
        self.entries.insert(key, space.to_be_bytes()).map_err(|error| self.failed(error))?;
        spaces.numbers.insert(Arc::clone(name), space);
        spaces.next += 1;
        Ok(space)
    }

    /// Waits while much is unflushed, so that memory does not fill with what is on its way to disk.
    fn let_flush(&self) {
        let begin = Instant::now();
        while self.database.write_buffer_size() > UNFLUSHED_BYTES && begin.elapsed() < FLUSH_PATIENCE {
            sleep(FLUSH_PAUSE);
        }
    }

    /// Removes everything in a space; nobody writes to it. Every chunk is read anew: fjall keeps all memtables that are filled
    /// while an iterator is open.
    fn clear(&self, space: u32) -> Result<()> {
        let mut from = Bound::Included(full_key(space, &[]));
        let to = Bound::Excluded(full_key(space + 1, &[]));
        loop {
            self.let_flush();
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
}

impl Kv for Database {
    fn get(&self, space: &str, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let Some(space) = self.space(space) else { return Ok(None) };
        let value = self.entries.get(full_key(space, key)).map_err(|error| self.failed(error))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn scan(
        &self,
        space: &str,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        each: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<()> {
        let Some(space) = self.space(space).filter(|_| !is_empty(from, to)) else { return Ok(()) };
        let from = match from {
            Bound::Unbounded => Bound::Included(full_key(space, &[])),
            bound => bound.map(|key| full_key(space, key)),
        };
        let to = match to {
            Bound::Unbounded => Bound::Excluded(full_key(space + 1, &[])),
            bound => bound.map(|key| full_key(space, key)),
        };
        for entry in self.entries.range((from, to)) {
            let (key, value) = entry.into_inner().map_err(|error| self.failed(error))?;
            if !each(key.get(size_of::<u32>()..).unwrap_or_default(), &value) {
                break;
            }
        }
        Ok(())
    }

    fn write(&self, writes: Writes) -> Result<()> {
        // Before, not after: readers wait for what is written.
        self.let_flush();
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
        for (i, place) in places.iter().enumerate() {
            // Of several writes to one key the last one counts.
            if places.get(i + 1).is_some_and(|next| order(place, next).is_eq()) {
                continue;
            }
            match writes.get(place.at as usize) {
                Some((_, key, Some(value))) => batch.insert(&self.entries, checked_key(place.space, key)?, value),
                Some((_, key, None)) => batch.remove(&self.entries, checked_key(place.space, key)?),
                None => {}
            }
        }
        batch.durability(Some(PersistMode::SyncData)).commit().map_err(|error| self.failed(error))
    }

    fn drop_spaces(&self, prefix: &str) -> Result<()> {
        let dropped = self.spaces.read().starting_with(prefix);
        for (name, space) in dropped {
            self.clear(space)?;
            self.entries.remove(full_key(NAMES, name.as_bytes())).map_err(|error| self.failed(error))?;
            self.spaces.write().numbers.remove(&name);
        }
        self.database.persist(PersistMode::SyncData).map_err(|error| self.failed(error))
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

fn checked_key(space: u32, key: &[u8]) -> Result<Slice> {
    let full = full_key(space, key);
    match full.len() <= KEY_BYTES {
        true => Ok(full),
        false => Err(LogError::Store(format!("a key of {} bytes is longer than {KEY_BYTES}", full.len()))),
    }
}
