//! What the open database holds, by the keys it is stored under.

use std::ops::Bound;
use std::path::Path;

use fjall::{Keyspace, LsmError, Slice};

use crate::kv::long_keys::Beginning;
use crate::kv::{KvError, Result};

/// The entries of a database.
#[derive(Clone, Copy)]
pub(super) struct Stored<'k> {
    pub(super) entries: &'k Keyspace,
    /// Where the database is, for errors.
    pub(super) path: &'k Path,
}

impl<'k> Stored<'k> {
    /// The value of an entry.
    pub(super) fn kept(&self, entry: &Slice) -> Result<Option<Slice>> {
        self.entries.get(entry).map_err(|error| self.failed(error))
    }

    /// Keys of entries.
    pub(super) fn keys(self, of: (Bound<Slice>, Bound<Slice>)) -> impl DoubleEndedIterator<Item = Result<Slice>> + 'k {
        self.entries.range(of).map(move |entry| entry.key().map_err(|error| self.failed(error)))
    }

    /// What the entry of the beginning of long keys holds.
    pub(super) fn beginning<'a>(&self, entry: &'a [u8]) -> Result<Beginning<'a>> {
        Beginning::parse(entry).ok_or_else(|| KvError::Corrupt {
            file: self.path.display().to_string(),
            problem: "an entry of long keys cannot be read".to_owned(),
        })
    }

    /// The error of a call of fjall that failed.
    pub(super) fn failed(&self, error: fjall::Error) -> KvError {
        match io_error(error) {
            Ok(source) => KvError::Io { what: self.path.display().to_string(), source },
            Err(error) => KvError::Store(format!("{}: {error}", self.path.display())),
        }
    }
}

/// The error of the disk that a failure comes from, if it does.
pub(super) fn io_error(error: fjall::Error) -> std::result::Result<std::io::Error, fjall::Error> {
    match error {
        fjall::Error::Io(source) | fjall::Error::Storage(LsmError::Io(source)) => Ok(source),
        other => Err(other),
    }
}
