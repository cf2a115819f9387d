//! Where a test may have the process die, as `kill -9` between two lines would have it: builds with debug assertions read
//! `MILLSTREAM_CRASH` (`name of the point:n`, at its n-th passing). Others have nothing of this.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The points there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// What is to be committed over Kafka is known, and no transaction has begun.
    CommitPrepared,
    /// A transaction has begun, and nothing is in it.
    TransactionBegun,
    /// Its records are on their way.
    RecordsSent,
    /// The groups' positions are in it.
    PositionsSent,
    /// The broker has all of it, and has not been asked to commit.
    CommitUnasked,
    /// It is committed, and the local database does not know.
    TransactionCommitted,
    /// The local database knows.
    CommitDone,
    /// The state of a task was removed to be read from its changelogs.
    StateRemoved,
    /// A part of it was read.
    StatePartlyRead,
    /// One changelog was read to its end.
    ChangelogRead,
}

impl Point {
    /// All of them.
    pub const ALL: [Point; 10] = [
        Point::CommitPrepared,
        Point::TransactionBegun,
        Point::RecordsSent,
        Point::PositionsSent,
        Point::CommitUnasked,
        Point::TransactionCommitted,
        Point::CommitDone,
        Point::StateRemoved,
        Point::StatePartlyRead,
        Point::ChangelogRead,
    ];
}

struct Chosen {
    name: String,
    left: AtomicU64,
}

/// Ends the process here and now, if that is the point that was chosen and its turn has come.
pub(crate) fn at(point: Point) {
    static CHOSEN: OnceLock<Option<Chosen>> = OnceLock::new();
    if !cfg!(debug_assertions) {
        return;
    }
    let chosen = CHOSEN.get_or_init(|| {
        let text = std::env::var("MILLSTREAM_CRASH").ok()?;
        let (name, turn) = text.split_once(':')?;
        Some(Chosen { name: name.to_owned(), left: AtomicU64::new(turn.parse().ok()?) })
    });
    if let Some(Chosen { name, left }) = chosen
        && *name == format!("{point:?}")
        && left.fetch_sub(1, Ordering::Relaxed) == 1
    {
        std::process::abort();
    }
}

/// Whether a test wants all state to be read from its changelogs (`MILLSTREAM_FORGETS_STATE` is set).
pub(crate) fn forgets_state() -> bool {
    cfg!(debug_assertions) && std::env::var_os("MILLSTREAM_FORGETS_STATE").is_some()
}
