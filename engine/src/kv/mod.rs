//! What a process keeps for itself: its data directory, and the local database in it ([`Kv`]) with state, positions and the
//! command log. Every log uses it; what needs nothing but the database does not know of logs.
//!
//! ```text
//! <data directory>/FORMAT   what this directory is, and in which format
//!                  LOCK     held by the process that uses it
//!                  CLOSED   that the server stopped in an orderly way, and what its database has had by then
//!                  db/      the local database (fjall)
//!                  topics/  segment files of the embedded log
//! ```

mod branches;
mod closed;
mod database;
mod descriptors;
mod dir;
mod error;
mod journal;
#[cfg(test)]
mod long_key_tests;
mod long_keys;
mod memory;
mod opened;
mod panics;
mod stored;
mod sync;
mod writes;

use std::ops::Bound;

pub(crate) use self::database::{Database, described};
pub(crate) use self::descriptors::for_segments;
pub(crate) use self::dir::DataDir;
pub use self::error::{KvError, Result};
pub use self::memory::MemoryKv;
pub(crate) use self::sync::sync_dir;
pub use self::writes::{Write, Writes, Written};

/// The local database: ordered keys in named spaces. Reading fails with [`KvError::Io`] or [`KvError::Store`],
/// with [`KvError::Corrupt`] when what is there is damaged, and with [`KvError::Unwritable`] while the database is closed
/// after a failed write.
pub trait Kv: Send + Sync + 'static {
    /// The value of a key.
    ///
    /// # Errors
    /// It cannot be read.
    fn get(&self, space: &str, key: &[u8]) -> Result<Option<Vec<u8>>>;
    /// Calls `each` for every entry in key order until it returns false.
    ///
    /// # Errors
    /// It cannot be read; `each` has seen the entries before the fault.
    fn scan(
        &self,
        space: &str,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        each: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<()>;
    /// Applies all writes at once, durably. When that fails none of them is applied, now or later.
    ///
    /// # Errors
    /// [`KvError::Unwritable`] while the disk takes nothing; [`KvError::Invalid`] as [`Kv::check`].
    fn write(&self, writes: Writes) -> Result<()>;
    /// Fails if these writes could never be applied, for what they are.
    ///
    /// # Errors
    /// [`KvError::Invalid`], when a name or an entry is too long.
    fn check(&self, writes: &Writes) -> Result<()>;
    /// Makes writing possible again after it failed; fails while it is not.
    ///
    /// # Errors
    /// [`KvError::Unwritable`], with what was wrong last.
    fn recover(&self) -> Result<()>;
    /// Removes every space whose name starts with the prefix.
    ///
    /// # Errors
    /// As [`Kv::write`]; some of the spaces may be gone then.
    fn drop_spaces(&self, prefix: &str) -> Result<()>;
}

/// Whether no key lies between the bounds (ranges of maps panic for such).
fn is_empty(from: Bound<&[u8]>, to: Bound<&[u8]>) -> bool {
    match (from, to) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => from >= to,
    }
}
