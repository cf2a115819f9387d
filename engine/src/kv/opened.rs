//! The local database while it is open: one fjall keyspace. A space is a number of four bytes (big-endian) before its keys, so that
//! most keys are short enough to lie in the memtable's nodes; space 0 holds the numbers of the others by name.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::{Bound, RangeBounds};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use fjall::compaction::Leveled;
use fjall::config::{PartitioningPolicy, PinningPolicy};
use fjall::{Keyspace, KeyspaceCreateOptions, OwnedWriteBatch, PersistMode, Slice};
use parking_lot::{Mutex, RwLock};

use crate::kv::branches::{Changes, Entries, next_branch};
use crate::kv::long_keys::{Beginning, LONG, Node, within};
use crate::kv::panics::quietly;
use crate::kv::stored::{Stored, io_error};
use crate::kv::{KvError, Result, Writes, descriptors, is_empty, journal};

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
    /// Number of the next branch of long keys; held while branches are looked up and changed.
    next_branch: Mutex<u64>,
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
        let corrupt = |problem: String| KvError::Corrupt { file: path.display().to_string(), problem };
        let broken = || corrupt("the local database cannot be opened".to_owned());
        // damaged files make fjall panic in places
        let opened = quietly(broken().to_string(), || {
            let builder = fjall::Database::builder(path).cache_size(CACHE_BYTES).max_journaling_size(JOURNAL_BYTES);
            let builder = builder.max_cached_files(Some(descriptors::for_tables()));
            let database = builder.worker_threads(1).open()?;
            let entries = database.keyspace("entries", options)?;
            let spaces = RwLock::new(Spaces::read(&entries)?);
            let next_branch = Mutex::new(next_branch(&entries)?);
            Ok(Opened { database, entries, spaces, next_branch, path: path.to_owned() })
        });
        match opened {
            Ok(Ok(opened)) => Ok(opened),
            Ok(Err(error)) => Err(match io_error(error) {
                Ok(source) => KvError::Io { what: path.display().to_string(), source },
                Err(error) => corrupt(error.to_string()),
            }),
            Err(_) => Err(broken()),
        }
    }

    /// The number that the next batch of its journals gets; what a failed write left there has this number or a higher one.
    pub(super) fn next_batch(&self) -> u64 {
        self.database.visible_seqno()
    }

    /// Its entries, for whoever only looks.
    pub(super) fn stored(&self) -> Stored<'_> {
        Stored { entries: &self.entries, path: &self.path }
    }

    fn failed(&self, error: fjall::Error) -> KvError {
        self.stored().failed(error)
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
        let key = Node::Space(NAMES).key(name.as_bytes());
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
                return Err(KvError::Store("what was written is not flushed".to_owned()));
            }
        }
        Ok(())
    }

    /// Removes everything in a space, and first what is in the branches of it; nobody writes to it. Every chunk is read anew:
    /// fjall keeps all memtables that are filled while an iterator is open.
    fn clear(&self, space: u32) -> Result<()> {
        let all = |node: Node| (node, node.range(Bound::Unbounded, Bound::Unbounded));
        let mut nodes = vec![all(Node::Space(space))];
        let mut cleared = None;
        while let Some((node, (from, to))) = nodes.last_mut() {
            self.let_flush()?;
            let mut batch = OwnedWriteBatch::with_capacity(self.database.clone(), DROP_CHUNK);
            let mut branch = None;
            for entry in self.entries.range((from.clone(), to.clone())).take(DROP_CHUNK) {
                let is_beginning = |key: &Slice| node.bare(key).len() == node.longest();
                let (key, beginning) = entry.into_inner_if(is_beginning).map_err(|error| self.failed(error))?;
                if let Some(beginning) = beginning
                    && let Some(Beginning::Branch(number)) = Beginning::parse(&beginning)
                    && cleared != Some(number)
                {
                    branch = Some(number);
                    break;
                }
                batch.remove(&self.entries, key.clone());
                *from = Bound::Excluded(key);
            }
            let is_empty = batch.is_empty();
            batch.commit().map_err(|error| self.failed(error))?;
            match (branch, *node) {
                (Some(number), _) => nodes.push(all(Node::Branch(number))),
                (None, Node::Branch(number)) if is_empty => {
                    cleared = Some(number);
                    nodes.pop();
                }
                (None, Node::Space(_)) if is_empty => drop(nodes.pop()),
                (None, _) => {}
            }
        }
        Ok(())
    }

    /// The value of a key.
    pub(super) fn get(&self, space: &str, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let Some(space) = self.space(space) else { return Ok(None) };
        let (mut node, mut key) = (Node::Space(space), key);
        loop {
            let cut = node.cut(key);
            let Some(value) = self.stored().kept(&node.key(cut.map_or(key, |(begin, _)| begin)))? else {
                return Ok(None);
            };
            let Some((_, rest)) = cut else { return Ok(Some(value.to_vec())) };
            match self.stored().beginning(&value)? {
                Beginning::Branch(number) => (node, key) = (Node::Branch(number), rest),
                Beginning::Bundle(bundle) => return Ok(bundle.get(rest).map(<[u8]>::to_vec)),
            }
        }
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
        let level = |node: Node, begin: usize, from, to| (node, begin, self.entries.range(node.range(from, to)));
        // The branches on the way to the present key, and how much of it leads to each.
        let mut levels = vec![level(Node::Space(space), 0, from, to)];
        let mut full = Vec::new();
        while let Some((node, begin, entries)) = levels.last_mut() {
            let Some(entry) = entries.next() else {
                levels.pop();
                continue;
            };
            let (key, value) = entry.into_inner().map_err(|error| self.failed(error))?;
            let key = node.bare(&key);
            let is_short = key.len() < node.longest();
            if is_short && *begin == 0 {
                if !each(key, &value) {
                    return Ok(());
                }
                continue;
            }
            full.truncate(*begin);
            full.extend_from_slice(key);
            if is_short {
                if !each(&full, &value) {
                    return Ok(());
                }
                continue;
            }
            match self.stored().beginning(&value)? {
                Beginning::Branch(number) => {
                    let (from, to) = (within(from, &full), within(to, &full));
                    levels.push(level(Node::Branch(number), full.len(), from, to));
                }
                Beginning::Bundle(bundle) => {
                    for (rest, value) in bundle.iter() {
                        full.truncate(LONG);
                        full.extend_from_slice(rest);
                        let is_wanted = RangeBounds::<[u8]>::contains(&(from, to), full.as_slice());
                        if is_wanted && !each(&full, value) {
                            return Ok(());
                        }
                    }
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
        let mut places: Vec<Order> = Vec::with_capacity(writes.len());
        for (at, (space, key, _)) in writes.iter().enumerate() {
            places.push(Order {
                prefix: prefix(key),
                space: spaces.get(space).copied().unwrap_or(NAMES),
                at: at as u32,
            });
        }
        let key = |place: &Order| writes.get(place.at as usize).map(|(_, key, _)| key);
        let order = |one: &Order, other: &Order| {
            (one.space, one.prefix).cmp(&(other.space, other.prefix)).then_with(|| key(one).cmp(&key(other)))
        };
        // Neighbours go into the memtable one after the other: most of the way to the second is in the cache.
        places.sort_unstable_by(|one, other| order(one, other).then(one.at.cmp(&other.at)));
        let mut batch = OwnedWriteBatch::with_capacity(self.database.clone(), places.len());
        let mut long = Vec::new();
        for (i, place) in places.iter().enumerate() {
            // Of several writes to one key the last one counts.
            if places.get(i + 1).is_some_and(|next| order(place, next).is_eq()) {
                continue;
            }
            let Some((_, key, value)) = writes.get(place.at as usize) else { continue };
            let node = Node::Space(place.space);
            match value {
                _ if key.len() >= LONG => long.push((node, key, value)),
                Some(value) => batch.insert(&self.entries, node.key(key), value),
                None => batch.remove(&self.entries, node.key(key)),
            }
        }
        if long.is_empty() {
            return batch.durability(Some(PersistMode::SyncData)).commit().map_err(|error| self.failed(error));
        }
        let mut next_branch = self.next_branch.lock();
        for (entry, value) in self.entries_of(long, &mut next_branch)? {
            match value {
                Some(value) => batch.insert(&self.entries, entry, &*value),
                None => batch.remove(&self.entries, entry),
            }
        }
        batch.durability(Some(PersistMode::SyncData)).commit().map_err(|error| self.failed(error))
    }

    /// What is to be written for changes of long keys.
    fn entries_of<'a>(&self, long: Vec<Change<'a>>, next_branch: &mut u64) -> Result<Entries<'a>> {
        let mut changes = Changes::new(self.stored(), next_branch);
        for (node, key, value) in long {
            changes.set(node, key, value.map(Cow::Borrowed))?;
        }
        changes.finish()
    }

    /// Bytes that would be written for changes of long keys.
    #[cfg(test)]
    pub(super) fn written_for(&self, writes: &Writes) -> usize {
        let spaces: Vec<u32> = writes.spaces().iter().map(|name| self.make_space(name).unwrap()).collect();
        let long = writes.iter().map(|(space, key, value)| (Node::Space(spaces[space]), key, value)).collect();
        let entries = self.entries_of(long, &mut self.next_branch.lock().clone()).unwrap();
        entries.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, |value| value.len())).sum()
    }

    /// Writes an entry as an older version did.
    #[cfg(test)]
    pub(super) fn write_entry(&self, space: &str, key: &[u8], value: &[u8]) {
        self.entries.insert(Node::Space(self.space(space).unwrap()).key(key), value).unwrap();
    }

    /// Removes every space whose name starts with the prefix.
    pub(super) fn drop_spaces(&self, prefix: &str) -> Result<()> {
        let dropped = self.spaces.read().starting_with(prefix);
        for (name, space) in dropped {
            self.clear(space)?;
            self.entries.remove(Node::Space(NAMES).key(name.as_bytes())).map_err(|error| self.failed(error))?;
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

/// A change of a long key.
type Change<'a> = (Node, &'a [u8], Option<&'a [u8]>);

/// Where a change goes.
struct Order {
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
