//! Starts queries again that the log failed, with growing pauses.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::registry::Runtime;
use super::worker::Failed;

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A query that ran this long since its last failure starts over with short pauses.
const HEALTHY: Duration = Duration::from_secs(60);

/// One query's failures.
struct Trouble {
    pause: Duration,
    since: Instant,
    /// When to start it again.
    due: Option<Instant>,
}

/// Runs until the runtime is gone.
pub(super) fn supervise(failures: &Receiver<Failed>, runtime: &Weak<Runtime>) {
    let mut troubled: HashMap<Arc<str>, Trouble> = HashMap::new();
    loop {
        let next = troubled.values().filter_map(|trouble| trouble.due).min();
        let wait = next.map_or(HEALTHY, |due| due.saturating_duration_since(Instant::now()));
        match failures.recv_timeout(wait) {
            Ok(failed) => note(&mut troubled, failed.query),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let Some(runtime) = runtime.upgrade() else { return };
        let now = Instant::now();
        for (query, trouble) in &mut troubled {
            if trouble.due.is_some_and(|due| due <= now) {
                trouble.due = None;
                if !runtime.restart(query) {
                    trouble.pause = (trouble.pause * 2).min(LONGEST_PAUSE);
                    trouble.due = Some(now + trouble.pause);
                }
            }
        }
        troubled.retain(|_, trouble| trouble.due.is_some() || now - trouble.since < HEALTHY);
    }
}

fn note(troubled: &mut HashMap<Arc<str>, Trouble>, query: Arc<str>) {
    let now = Instant::now();
    let trouble = troubled.entry(query).or_insert(Trouble { pause: FIRST_PAUSE / 2, since: now, due: None });
    trouble.pause = if now - trouble.since > HEALTHY { FIRST_PAUSE } else { (trouble.pause * 2).min(LONGEST_PAUSE) };
    trouble.since = now;
    trouble.due = Some(now + trouble.pause);
}
