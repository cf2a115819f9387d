//! Life of a query: its state with the legal transitions, its errors, its processing log.

use std::collections::VecDeque;
use std::fmt;

use parking_lot::Mutex;

use super::processing_log::ProcessingLog;

/// Where a query is in its life.
///
/// ```text
///  Created ──> Running <──> Paused          Retrying: the log failed; tasks start again from the last commit
///               │   ▲ └──> Retrying ──> Running
///               │   └─ (started again)      any ──> Stopped
///               └──> Error
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Known, no task yet.
    Created,
    /// Its tasks run.
    Running,
    /// Its tasks wait; positions and state are kept.
    Paused,
    /// The log failed it; it will be started again by itself.
    Retrying,
    /// A fatal error stopped it.
    Error,
    /// Terminated or dropped.
    Stopped,
}

impl State {
    /// Whether a query may go from here to there.
    pub fn may_become(self, next: State) -> bool {
        use State::{Created, Error, Paused, Retrying, Running, Stopped};
        matches!(
            (self, next),
            (Created | Retrying | Error | Paused, Running)
                | (Created | Running | Retrying, Paused)
                | (Running, Retrying)
                | (Created | Running | Paused | Retrying, Error)
                | (_, Stopped)
        )
    }

    /// Whether its tasks should take steps.
    pub fn is_running(self) -> bool {
        self == Self::Running
    }
}

/// As SHOW QUERIES shows it.
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created | Self::Running | Self::Retrying => "RUNNING",
            Self::Paused => "PAUSED",
            Self::Error => "ERROR",
            Self::Stopped => "TERMINATED",
        })
    }
}

/// State, errors and processing log of one query; shared by its tasks and by those who ask.
#[derive(Debug)]
pub struct Life {
    state: Mutex<State>,
    /// (when, what), oldest first.
    errors: Mutex<VecDeque<(i64, String)>>,
    errors_kept: usize,
    /// Records and values that could not be used.
    pub processing_log: ProcessingLog,
}

impl Life {
    /// A query that was just made; keeps that many errors.
    pub fn new(query: &str, errors_kept: usize) -> Self {
        Self {
            state: Mutex::new(State::Created),
            errors: Mutex::default(),
            errors_kept,
            processing_log: ProcessingLog::new(query),
        }
    }

    /// Where it is.
    pub fn state(&self) -> State {
        *self.state.lock()
    }

    /// Moves it on, if that is legal; says whether it was.
    pub fn become_(&self, next: State) -> bool {
        let mut state = self.state.lock();
        let legal = state.may_become(next);
        if legal {
            *state = next;
        }
        legal
    }

    /// Remembers an error.
    pub fn error(&self, time_ms: i64, message: String) {
        let mut errors = self.errors.lock();
        if errors.len() >= self.errors_kept.max(1) {
            errors.pop_front();
        }
        errors.push_back((time_ms, message));
    }

    /// The latest errors, oldest first.
    pub fn errors(&self) -> Vec<(i64, String)> {
        self.errors.lock().iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_query_stays_stopped_and_a_failed_one_is_not_paused() {
        let life = Life::new("Q", 2);
        assert!(life.become_(State::Running));
        assert!(life.become_(State::Error));
        assert!(!life.become_(State::Paused));
        assert!(life.become_(State::Stopped));
        assert!(!life.become_(State::Running));
        for i in 0..3 {
            life.error(i, format!("error {i}"));
        }
        assert_eq!(life.errors().iter().map(|(time, _)| *time).collect::<Vec<_>>(), [1, 2]);
    }
}
