//! Starts failed queries again, after pauses that grow while it does not help.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::worker::Failed;

/// How often topics are looked at.
const LOOK: Duration = Duration::from_secs(10);
/// No pause is shorter or longer, whatever the settings say: a query that fails at once must not keep a core busy.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// How long to wait before a failed query is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BackOff {
    /// The first time, and after it ran well.
    pub(super) first: Duration,
    /// At most.
    pub(super) longest: Duration,
    /// A query that ran that long since it was started runs well.
    pub(super) healthy: Duration,
}

/// What became of starting a query again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Restart {
    /// It runs.
    Started,
    /// There is nothing to start: it is paused or gone, or runs.
    Needless,
    /// It failed again.
    Failed,
}

/// The queries it cares for.
pub(super) trait Queries {
    /// Starts a failed query again from its last commit.
    fn restart(&self, id: &Arc<str>) -> Restart;
    /// Looks whether the topics of queries are as they were, and fails those of which they are not.
    fn look_at_topics(&self);
    /// How long a query that has failed rests; `None`: it has not, or is gone.
    fn back_off(&self, id: &str) -> Option<BackOff>;
}

/// One query's failures.
struct Trouble {
    pause: Duration,
    /// When it was started again.
    started: Option<Instant>,
    /// When to start it again.
    due: Option<Instant>,
}

/// Runs until the runtime is gone.
pub(super) fn supervise(failures: &Receiver<Failed>, queries: &Weak<impl Queries>) {
    let mut troubled: HashMap<Arc<str>, Trouble> = HashMap::new();
    let mut looked = Instant::now();
    loop {
        let next = troubled.values().filter_map(|trouble| trouble.due).min();
        let wait = next.map_or(LOOK, |due| due.saturating_duration_since(Instant::now())).min(LOOK);
        let failed = match failures.recv_timeout(wait) {
            Ok(failed) => Some(failed),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let Some(queries) = queries.upgrade() else { return };
        if let Some(Failed { query }) = failed {
            note(&mut troubled, &query, &*queries);
        }
        if looked.elapsed() >= LOOK {
            // Whatever comes of looking, failed queries are started again.
            let _panicked = catch_unwind(AssertUnwindSafe(|| queries.look_at_topics()));
            looked = Instant::now();
        }
        let due = |trouble: &Trouble| trouble.due.is_some_and(|due| due <= Instant::now());
        let due: Vec<Arc<str>> =
            troubled.iter().filter(|(_, trouble)| due(trouble)).map(|(query, _)| Arc::clone(query)).collect();
        for query in due {
            // Whatever happens to one query, the others are started again.
            let restarted = catch_unwind(AssertUnwindSafe(|| queries.restart(&query)));
            match restarted.unwrap_or(Restart::Failed) {
                Restart::Started => {
                    if let Some(trouble) = troubled.get_mut(&query) {
                        (trouble.started, trouble.due) = (Some(Instant::now()), None);
                    }
                }
                Restart::Needless => drop(troubled.remove(&query)),
                Restart::Failed => note(&mut troubled, &query, &*queries),
            }
        }
    }
}

/// Decides when a query that has just failed is started again.
fn note(troubled: &mut HashMap<Arc<str>, Trouble>, query: &Arc<str>, queries: &impl Queries) {
    let Some(back_off) = queries.back_off(query) else {
        troubled.remove(query);
        return;
    };
    let now = Instant::now();
    let trouble = troubled.get(query);
    let ran = trouble.and_then(|trouble| trouble.started).map(|started| now - started);
    let pause = next_pause(back_off, trouble.map(|trouble| trouble.pause), ran);
    troubled.insert(Arc::clone(query), Trouble { pause, started: None, due: Some(now + pause) });
}

/// The pause after a failure, given the one before and how long the query ran since.
fn next_pause(back_off: BackOff, before: Option<Duration>, ran: Option<Duration>) -> Duration {
    let pause = match before {
        Some(before) if ran.is_none_or(|ran| ran < back_off.healthy) => before.saturating_mul(2).max(back_off.first),
        _ => back_off.first,
    };
    pause.min(back_off.longest).clamp(SHORTEST, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_until_the_query_runs_well() {
        let seconds = Duration::from_secs;
        let back_off = BackOff { first: seconds(15), longest: seconds(900), healthy: seconds(300) };
        let mut pauses = Vec::new();
        for _ in 0..8 {
            pauses.push(next_pause(back_off, pauses.last().copied(), Some(seconds(1))));
        }
        assert_eq!(pauses, [15, 30, 60, 120, 240, 480, 900, 900].map(seconds));
        assert_eq!(next_pause(back_off, Some(seconds(900)), None), seconds(900), "it could not even be started");
        assert_eq!(next_pause(back_off, Some(seconds(900)), Some(seconds(301))), seconds(15));
        let short = BackOff { first: seconds(1), longest: seconds(30), healthy: seconds(60) };
        assert_eq!(next_pause(short, Some(seconds(900)), None), seconds(30), "another kind of failure");
    }

    #[test]
    fn no_settings_make_a_pause_that_cannot_be() {
        let settings = [0, 1, 5_000, 15_000, u64::MAX].map(Duration::from_millis);
        for first in settings {
            for longest in settings {
                let back_off = BackOff { first, longest, healthy: Duration::from_secs(300) };
                let mut before = None;
                for _ in 0..70 {
                    let pause = next_pause(back_off, before, None);
                    assert!((SHORTEST..=LONGEST).contains(&pause), "{first:?} {longest:?}: {pause:?}");
                    assert!(pause <= longest.max(SHORTEST), "{first:?} {longest:?}: {pause:?}");
                    assert!(Instant::now().checked_add(pause).is_some());
                    before = Some(pause);
                }
            }
        }
    }
}
