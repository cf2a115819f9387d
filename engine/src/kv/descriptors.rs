//! How many files are kept open: shares of what the process may have open at once.

use rustix::process::{Resource, getrlimit};

/// One part in so many is for the database's tables, one for segment files; the rest is for connections and what is read.
const PARTS: u64 = 8;

/// For tables of the local database. fjall wants ten at least.
pub(super) fn for_tables() -> usize {
    share().clamp(10, 900)
}

/// For segment files that are written to.
pub(crate) fn for_segments() -> usize {
    share().clamp(4, 1024)
}

fn share() -> usize {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(limit / PARTS).unwrap_or(usize::MAX)
}
