//! The local database on disk: one fjall keyspace; a space is a prefix of its keys, ended by a zero byte.

use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use fjall::{Keyspace, KeyspaceCreateOptions, PersistMode};

use crate::log::local::is_empty;
use crate::log::{Kv, LogError, Result, Write};

/// Unflushed writes kept in memory: what is replayed at the next start.
const MEMTABLE_BYTES: u64 = 4 << 20;
const CACHE_BYTES: u64 = 8 << 20;
const JOURNAL_BYTES: u64 = 64 << 20;
/// fjall's limit.
const KEY_BYTES: usize = u16::MAX as usize;
/// Entries removed at a time when spaces are dropped.
const DROP_CHUNK: usize = 4096;

/// The local database in a directory.
pub(in crate::log) struct Database {
    database: fjall::Database,
    entries: Keyspace,
}

impl Database {
    /// Opens or makes it.
    pub(in crate::log) fn open(path: &Path) -> Result<Database> {
        let corrupt = |problem: String| LogError::Corrupt { file: path.display().to_string(), problem };
        // damaged files make fjall panic in places
        let opened = catch_unwind(AssertUnwindSafe(|| {
            let builder = fjall::Database::builder(path).cache_size(CACHE_BYTES).max_journaling_size(JOURNAL_BYTES);
            let database = builder.worker_threads(1).open()?;
            let options = || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES);
            let entries = database.keyspace("entries", options)?;
            Ok(Database { database, entries })
        }));
        match opened {
            Ok(Ok(database)) => Ok(database),
            Ok(Err(fjall::Error::Io(source))) => Err(LogError::Io { what: path.display().to_string(), source }),
            Ok(Err(error)) => Err(corrupt(error.to_string())),
            Err(_) => Err(corrupt("the local database cannot be opened".to_owned())),
        }
    }
}

impl Kv for Database {
    fn get(&self, space: &str, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let value = self.entries.get(full_key(space, key)).map_err(failed)?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn scan(
        &self,
        space: &str,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        each: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<()> {
        if is_empty(from, to) {
            return Ok(());
        }
        let start = full_key(space, &[]);
        let from = match from {
            Bound::Unbounded => Bound::Included(start.clone()),
            bound => bound.map(|key| full_key(space, key)),
        };
        let to = match to {
            Bound::Unbounded => Bound::Excluded([space.as_bytes(), &[1]].concat()),
            bound => bound.map(|key| full_key(space, key)),
        };
        for entry in self.entries.range((from, to)) {
            let (key, value) = entry.into_inner().map_err(failed)?;
            if !each(key.get(start.len()..).unwrap_or_default(), &value) {
                break;
            }
        }
        Ok(())
    }

    fn write(&self, writes: Vec<Write>) -> Result<()> {
        let mut batch = fjall::OwnedWriteBatch::with_capacity(self.database.clone(), writes.len());
        for Write { space, key, value } in writes {
            let key = full_key(&space, &key);
            if key.len() > KEY_BYTES {
                return Err(LogError::Store(format!("a key of {} bytes is longer than {KEY_BYTES}", key.len())));
            }
            match value {
                Some(value) => batch.insert(&self.entries, key, value),
                None => batch.remove(&self.entries, key),
            }
        }
        batch.durability(Some(PersistMode::SyncData)).commit().map_err(failed)
    }

    fn drop_spaces(&self, prefix: &str) -> Result<()> {
        let mut entries = self.entries.prefix(prefix);
        loop {
            let mut batch = fjall::OwnedWriteBatch::with_capacity(self.database.clone(), DROP_CHUNK);
            for entry in entries.by_ref().take(DROP_CHUNK) {
                batch.remove(&self.entries, entry.key().map_err(failed)?);
            }
            if batch.is_empty() {
                return self.database.persist(PersistMode::SyncData).map_err(failed);
            }
            batch.commit().map_err(failed)?;
        }
    }
}

fn full_key(space: &str, key: &[u8]) -> Vec<u8> {
    let mut full = Vec::with_capacity(space.len() + 1 + key.len());
    full.extend_from_slice(space.as_bytes());
    full.push(0);
    full.extend_from_slice(key);
    full
}

fn failed(error: fjall::Error) -> LogError {
    LogError::Store(error.to_string())
}
