//! Life of a query: its state with the legal transitions, its errors, its processing log.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::log::LogError;

use super::loops::Fed;
use super::processing_log::{ProcessingLog, shortened};

/// Where a query is in its life.
///
/// ```text
///  Created ──> Running <──> Paused <── Retrying, Error: the supervisor starts the tasks again from the last commit,
///               │   ▲                  or RESUME does after a pause
///               ▼   │
///        Retrying, Error               any ──> Stopped
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Known, no task yet.
    Created,
    /// Its tasks run.
    Running,
    /// Its tasks wait; positions and state are kept.
    Paused,
    /// The log failed it in a way that may pass; it will be started again soon.
    Retrying,
    /// An error stopped it that will probably come again; it will be started again after growing pauses.
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
                | (Created | Running | Retrying | Error, Paused)
                | (Created | Running | Paused | Error, Retrying)
                | (Created | Running | Paused | Retrying, Error)
                | (_, Stopped)
        )
    }

    /// Whether it waits to be started again.
    pub fn has_failed(self) -> bool {
        matches!(self, Self::Retrying | Self::Error)
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

/// Whose an error is, in ksqlDB's classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The statements, topics or records must change.
    User,
    /// The machine, its files or its brokers.
    System,
    /// Nobody can tell.
    Unknown,
}

impl fmt::Display for Blame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "USER",
            Self::System => "SYSTEM",
            Self::Unknown => "UNKNOWN",
        })
    }
}

impl From<&LogError> for Blame {
    fn from(error: &LogError) -> Self {
        match error {
            LogError::UnknownTopic(_)
            | LogError::UnknownPartition { .. }
            | LogError::Invalid(_)
            | LogError::Denied(_) => Self::User,
            _ => Self::System,
        }
    }
}

/// An error of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryError {
    /// When, milliseconds since the epoch.
    pub time_ms: i64,
    /// What.
    pub message: String,
    /// Whose it is.
    pub blame: Blame,
}

/// State, errors and processing log of one query; shared by its tasks and by those who ask.
#[derive(Debug)]
pub struct Life {
    state: Mutex<State>,
    /// It is stopped: for those who ask all the time.
    is_stopped: AtomicBool,
    /// Some of its tasks are gone: it must be started again to go on.
    is_broken: AtomicBool,
    /// Oldest first.
    errors: Mutex<VecDeque<QueryError>>,
    errors_kept: usize,
    /// Entries of the processing log would feed it.
    is_fed_by_log: AtomicBool,
    /// Its dead letters would feed it.
    is_fed_by_letters: AtomicBool,
    /// Records and values that could not be used.
    pub processing_log: ProcessingLog,
}

impl Life {
    /// A query that was just made; keeps that many errors.
    pub fn new(query: &str, errors_kept: usize) -> Self {
        Self::of(ProcessingLog::new(query), errors_kept)
    }

    /// Of a query with that processing log.
    pub(super) fn of(processing_log: ProcessingLog, errors_kept: usize) -> Self {
        Self {
            state: Mutex::new(State::Created),
            is_stopped: AtomicBool::new(false),
            is_broken: AtomicBool::new(false),
            errors: Mutex::default(),
            errors_kept,
            is_fed_by_log: AtomicBool::new(false),
            is_fed_by_letters: AtomicBool::new(false),
            processing_log,
        }
    }

    /// Notes what of what is told of it would feed it; says whether that is more than before.
    pub(super) fn feed(&self, fed: Fed) -> bool {
        let newly = |flag: &AtomicBool, now: bool| !flag.swap(now, Ordering::Relaxed) && now;
        newly(&self.is_fed_by_log, fed.by_log) | newly(&self.is_fed_by_letters, fed.by_letters)
    }

    /// Whether its failures may be told in the topic of the processing log.
    pub(super) fn may_log(&self) -> bool {
        !self.is_fed_by_log.load(Ordering::Relaxed)
    }

    /// Whether it may write dead letters.
    pub(super) fn may_write_letters(&self) -> bool {
        !self.is_fed_by_letters.load(Ordering::Relaxed)
    }

    /// Where it is.
    pub fn state(&self) -> State {
        *self.state.lock()
    }

    /// Whether it is over, for good.
    pub(super) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Acquire)
    }

    /// Moves it on, if that is legal; says whether it was. A paused query that is broken cannot go on as it is.
    pub fn become_(&self, next: State) -> bool {
        let mut state = self.state.lock();
        let is_stuck = *state == State::Paused && next == State::Running && self.is_broken();
        let legal = state.may_become(next) && !is_stuck;
        if legal {
            *state = next;
            self.is_stopped.fetch_or(next == State::Stopped, Ordering::AcqRel);
            self.is_broken.fetch_or(next.has_failed(), Ordering::AcqRel);
        }
        legal
    }

    /// A task of it has failed; says whether that moved it on. A paused query stays paused, until RESUME starts it again.
    pub fn fail(&self, next: State) -> bool {
        let mut state = self.state.lock();
        self.is_broken.store(true, Ordering::Release);
        let moves = *state != State::Paused && state.may_become(next);
        if moves {
            *state = next;
        }
        moves
    }

    /// Whether it has failed and has not been started again since.
    pub fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Acquire)
    }

    /// All its tasks are there again.
    pub fn mended(&self) {
        self.is_broken.store(false, Ordering::Release);
    }

    /// Remembers an error.
    pub fn error(&self, time_ms: i64, message: String, blame: Blame) {
        let message = shortened(message);
        let mut errors = self.errors.lock();
        if errors.len() >= self.errors_kept.max(1) {
            errors.pop_front();
        }
        errors.push_back(QueryError { time_ms, message, blame });
    }

    /// The latest errors, oldest first.
    pub fn errors(&self) -> Vec<QueryError> {
        self.errors.lock().iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_query_stays_stopped_and_a_failed_one_is_broken_until_it_is_mended() {
        let life = Life::new("Q", 2);
        assert!(life.become_(State::Running));
        assert!(life.become_(State::Error));
        assert!(life.become_(State::Paused) && life.is_broken());
        assert!(!life.become_(State::Running));
        life.mended();
        assert!(life.become_(State::Running) && !life.is_broken());
        assert!(life.become_(State::Stopped));
        assert!(!life.become_(State::Running));
        for i in 0..3 {
            life.error(i, format!("error {i}"), Blame::Unknown);
        }
        assert_eq!(life.errors().iter().map(|error| error.time_ms).collect::<Vec<_>>(), [1, 2]);
    }
}
