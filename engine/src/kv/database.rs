//! The local database on disk, which outlives failed writes: it is opened again once the disk can be written to.
//!
//! After a failed write (a full disk, too many open files) fjall takes no other one, but can still be read. So it stays
//! open until there is room for a copy of its journals; what the failed write left there is not in the copy, so that what
//! was answered with an error has not happened.

use std::io::ErrorKind;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use rustix::fs::statvfs;

use crate::kv::journal;
use crate::kv::long_keys::LONG;
use crate::kv::opened::Opened;
use crate::kv::{Kv, KvError, Result, Writes};

/// Pauses between attempts to write again: the first one, and the longest when it fails again soon afterwards.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long those who read or write are waited for before the database is opened again.
const USERS_PATIENCE: Duration = Duration::from_secs(2);
const USERS_PAUSE: Duration = Duration::from_millis(1);
/// With less than this on the disk a table file may not fit.
const LITTLE_ROOM: u64 = 32 << 20;
/// Longest value; fjall's limit is 4 GiB.
const VALUE_BYTES: usize = 1 << 30;

/// The local database in a directory.
pub(crate) struct Database {
    path: PathBuf,
    place: RwLock<Access>,
    health: Mutex<Health>,
}

/// Whether it is open.
enum Access {
    Open(Arc<Opened>),
    /// It could not be opened again. What has this number or a higher one in its journals does not count.
    Closed {
        next: u64,
    },
}

/// Whether it can be written to.
#[derive(Debug)]
struct Health {
    /// Why not.
    problem: Option<String>,
    /// When it failed, or was last tried again.
    since: Instant,
    pause: Duration,
}

impl Database {
    /// Opens or makes it.
    pub(crate) fn open(path: &Path) -> Result<Database> {
        Ok(Database {
            path: path.to_owned(),
            place: RwLock::new(Access::Open(Arc::new(Opened::open(path)?))),
            health: Mutex::new(Health { problem: None, since: Instant::now(), pause: Duration::ZERO }),
        })
    }

    fn opened(&self) -> Result<Arc<Opened>> {
        match &*self.place.read() {
            Access::Open(opened) => Ok(Arc::clone(opened)),
            Access::Closed { .. } => Err(KvError::Unwritable("it could not be opened again".to_owned())),
        }
    }

    /// Notes that a write failed; the error for whoever wanted it.
    fn failed(&self, error: KvError) -> KvError {
        if let KvError::Corrupt { .. } = error {
            return error;
        }
        let mut health = self.health.lock();
        let problem = described(&error, &self.path);
        if health.problem.is_none() {
            tracing::error!("{} cannot be written to: {error}; it is tried again", self.path.display());
            let was_mended_just_now = health.since.elapsed() < 2 * LONGEST_PAUSE;
            let pause = if was_mended_just_now { health.pause * 2 } else { FIRST_PAUSE };
            health.pause = pause.clamp(FIRST_PAUSE, LONGEST_PAUSE);
            health.since = Instant::now();
        }
        health.problem = Some(problem.clone());
        KvError::Unwritable(problem)
    }

    /// Closes the database and opens it again without what a failed write has left. Until it is closed it can be read.
    fn reopen(&self) -> Result<()> {
        let mut place = self.place.write();
        match &mut *place {
            Access::Open(opened) => {
                let begin = Instant::now();
                while Arc::get_mut(opened).is_none() {
                    if begin.elapsed() > USERS_PATIENCE {
                        return Err(KvError::Store("it is being used".to_owned()));
                    }
                    sleep(USERS_PAUSE);
                }
                // Nobody writes any more, and whoever did has an answer.
                let next = opened.next_batch();
                let copies = journal::copy(&self.path, next)?;
                *place = Access::Closed { next };
                copies.put_in_place(&self.path)?;
            }
            Access::Closed { next } => journal::copy(&self.path, *next)?.put_in_place(&self.path)?,
        }
        *place = Access::Open(Arc::new(Opened::open(&self.path)?));
        Ok(())
    }
}

/// What is wrong, for those who cannot look at the server's files.
pub(crate) fn described(error: &KvError, path: &Path) -> String {
    const FULL: &str = "the disk is full";
    match error {
        KvError::Io { source, .. } if source.kind() == ErrorKind::StorageFull => FULL.to_owned(),
        KvError::Io { source, .. } => source.to_string(),
        // fjall does not say what its thread failed of.
        _ if free_bytes(path).is_some_and(|bytes| bytes < LITTLE_ROOM) => FULL.to_owned(),
        _ => "the local database failed".to_owned(),
    }
}

fn free_bytes(path: &Path) -> Option<u64> {
    let disk = statvfs(path).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

impl Kv for Database {
    fn get(&self, space: &str, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.opened()?.get(space, key)
    }

    fn scan(
        &self,
        space: &str,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        each: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<()> {
        self.opened()?.scan(space, from, to, each)
    }

    fn write(&self, writes: Writes) -> Result<()> {
        self.check(&writes)?;
        self.recover()?;
        let written = self.opened()?.write(&writes);
        written.map_err(|error| self.failed(error))
    }

    fn drop_spaces(&self, prefix: &str) -> Result<()> {
        self.recover()?;
        let dropped = self.opened()?.drop_spaces(prefix);
        dropped.map_err(|error| self.failed(error))
    }

    fn check(&self, writes: &Writes) -> Result<()> {
        if let Some(name) = writes.spaces().iter().find(|name| name.len() >= LONG) {
            let start: String = name.chars().take(80).collect();
            return Err(KvError::Invalid(format!("the name '{start}…' has {} bytes, more than {LONG}", name.len())));
        }
        if writes.bytes() > VALUE_BYTES {
            let longest = writes.iter().map(|(_, key, value)| key.len() + value.map_or(0, <[u8]>::len)).max();
            if let Some(longest) = longest.filter(|longest| *longest > VALUE_BYTES) {
                return Err(KvError::Invalid(format!(
                    "an entry of a store has {longest} bytes, more than {VALUE_BYTES}"
                )));
            }
        }
        Ok(())
    }

    fn recover(&self) -> Result<()> {
        let mut health = self.health.lock();
        let Some(problem) = &health.problem else { return Ok(()) };
        if health.since.elapsed() < health.pause {
            return Err(KvError::Unwritable(problem.clone()));
        }
        let reopened = self.reopen();
        health.since = Instant::now();
        match reopened {
            Ok(()) => {
                tracing::info!("{} can be written to again", self.path.display());
                health.problem = None;
                Ok(())
            }
            Err(error) => {
                let problem = described(&error, &self.path);
                tracing::debug!("{} still cannot be written to: {error}", self.path.display());
                health.problem = Some(problem.clone());
                Err(KvError::Unwritable(problem))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kv::Write;

    fn put(database: &Database, key: u8) -> Result<()> {
        database.write(Write { space: "s".into(), key: vec![key], value: Some(vec![key]) }.into())
    }

    #[test]
    fn after_a_failure_it_is_opened_again_with_all_that_was_written_and_no_more() {
        let temp = tempfile::tempdir().unwrap();
        let database = Database::open(&temp.path().join("db")).unwrap();
        for key in 0..10 {
            put(&database, key).unwrap();
        }
        // Closed, and what was written last does not count.
        let next = database.opened().unwrap().next_batch();
        put(&database, 10).unwrap();
        *database.place.write() = Access::Closed { next };
        assert!(database.get("s", &[1]).unwrap_err().may_pass());
        database.failed(KvError::Store("made up".to_owned()));
        database.health.lock().pause = Duration::ZERO;
        database.recover().unwrap();
        for key in 0..12 {
            assert_eq!(database.get("s", &[key]).unwrap().is_some(), key < 10, "key {key}");
        }
        put(&database, 11).unwrap();
        // While it is open, and a reader has not finished.
        database.failed(KvError::Store("made up".to_owned()));
        let reader = database.opened().unwrap();
        let error = put(&database, 12).unwrap_err();
        assert!(error.may_pass() && error.to_string().contains("the local database failed"), "{error}");
        assert_eq!(database.get("s", &[11]).unwrap(), Some(vec![11]));
        database.health.lock().pause = Duration::ZERO;
        assert!(database.recover().is_err());
        drop(reader);
        put(&database, 12).unwrap();
        drop(database);
        let database = Database::open(&temp.path().join("db")).unwrap();
        let there: Vec<u8> = (0..20).filter(|key| database.get("s", &[*key]).unwrap().is_some()).collect();
        assert_eq!(there, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12]);
    }
}
