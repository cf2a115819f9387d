//! What a process keeps for itself: its data directory and the local database in it (state, positions, command log).
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
mod journal;
#[cfg(test)]
mod long_key_tests;
mod long_keys;
mod memory;
mod opened;
mod panics;

use std::ops::Bound;

pub(super) use self::database::{Database, described};
pub(super) use self::descriptors::for_segments;
pub(super) use self::dir::{DataDir, sync_dir};
pub(super) use self::memory::MemoryKv;

/// Whether no key lies between the bounds (ranges of maps panic for such).
fn is_empty(from: Bound<&[u8]>, to: Bound<&[u8]>) -> bool {
    match (from, to) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => from >= to,
    }
}
