//! Problems of the server that a client comes upon. Files, addresses and the words of libraries are for the operator alone:
//! the client reads what happened, and a number under which the operator finds all of it.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Reports a problem to the operator under a number; the text for the client says what happened, and that number.
pub(crate) fn reported(what: &str, problem: &dyn fmt::Display) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // Unlike any other in the logs that are kept, and short enough to be read out.
    let id = format!("{:x}-{}", since.as_secs(), NEXT.fetch_add(1, Ordering::Relaxed));
    tracing::error!(id, "{what}: {problem}");
    format!("{what}. The server's log has more about it under {id}.")
}
