//! What the tests share: starting `millstream` (in a terminal, too) and a real Kafka broker, HTTP, temporary directories.

// Tests panic when something is not as it must be; that is how they fail.
#![allow(clippy::expect_used, clippy::panic)]

pub mod http;
pub mod intended;
pub mod kafka;
pub mod pretend;
pub mod process;
pub mod random;
pub mod terminal;

use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The checkout this runs in. Cargo says at run time where it is; a target directory may be shared by several.
pub fn repository() -> PathBuf {
    let tests = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    tests.parent().map_or_else(|| PathBuf::from(".."), PathBuf::from)
}

/// The reading room beside the checkout (`$MILLSTREAM_SHARED`, else `../shared`), if it is there. Under CI it must be.
pub fn shared(what: &str) -> Option<PathBuf> {
    let root = std::env::var_os("MILLSTREAM_SHARED").map_or_else(|| repository().join("../shared"), PathBuf::from);
    let path = root.join(what);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var_os("CI").is_none(), "{} is missing, and under CI it must be there", path.display());
    eprintln!("{} is not here: nothing was checked", path.display());
    None
}

/// Asks again and again until the answer is there; fails with `what` when it takes too long.
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited 30 s in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
