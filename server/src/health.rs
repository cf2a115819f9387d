//! Whether the parts of the server work: looked at again and again by a thread of its own, so that whoever asks is answered
//! at once, also while a broker leaves the server without an answer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use engine::config::setting;
use engine::log::LogError;

use crate::app::Server;

/// How long the log may take to answer before that is told.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is known of the parts.
#[derive(Debug, Default)]
pub(crate) struct Health(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    storage: Option<Problem>,
    log: Option<Problem>,
    /// Since when an answer is waited for.
    asking: Option<Instant>,
}

#[derive(Debug, Clone)]
struct Problem {
    /// For whoever asks.
    told: String,
    /// By which it is known again: it is reported once.
    error: String,
}

/// What is wrong with the parts; `None`: nothing is.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// The data directory.
    pub(crate) storage: Option<String>,
    /// The log, Kafka's or our own.
    pub(crate) log: Option<String>,
}

/// Looks at the parts of a server every `ksql.healthcheck.interval.ms`, until it is gone.
///
/// # Errors
/// There is no thread.
pub(crate) fn watch(server: &Arc<Server>) -> std::io::Result<()> {
    let pause = server.engine.config().millis(setting::HEALTHCHECK_INTERVAL_MS);
    let server = Arc::downgrade(server);
    let look = move || {
        while let Some(server) = server.upgrade() {
            let log = server.engine.log();
            server.health.look(|| log.check_writable(), || log.partitions().map(drop));
            drop(server);
            std::thread::sleep(pause);
        }
    };
    std::thread::Builder::new().name("health".to_owned()).spawn(look).map(drop)
}

impl Health {
    fn look(&self, storage: impl FnOnce() -> Result<(), LogError>, log: impl FnOnce() -> Result<(), LogError>) {
        let known = |state: &State| (state.storage.clone(), state.log.clone());
        let (storage_before, log_before) = self.change(|state| {
            state.asking = Some(Instant::now());
            known(state)
        });
        let storage = storage().err().map(|error| problem(&error, storage_before));
        let log = log().err().map(|error| problem(&error, log_before));
        self.change(|state| *state = State { storage, log, asking: None });
    }

    /// What was found last, or that there is no answer.
    pub(crate) fn found(&self) -> Found {
        self.change(|state| {
            let told = |problem: &Option<Problem>| problem.as_ref().map(|problem| problem.told.clone());
            let silence = state.asking.map(|since| since.elapsed()).filter(|waited| *waited > PATIENCE);
            let silence = silence.map(|waited| format!("no answer for {} s", waited.as_secs()));
            Found { storage: told(&state.storage), log: told(&state.log).or(silence) }
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What the brokers say is told as it is, as while the server waits for them; what may name files is not.
fn problem(error: &LogError, before: Option<Problem>) -> Problem {
    let text = error.to_string();
    if let Some(before) = before.filter(|before| before.error == text) {
        return before;
    }
    let told = match error {
        LogError::Broker(_) | LogError::NotLetIn(_) | LogError::Denied(_) => text.clone(),
        error => error.told(),
    };
    Problem { told, error: text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broker(problem: &str) -> Result<(), LogError> {
        Err(LogError::Broker(problem.to_owned()))
    }

    #[test]
    fn what_was_found_last_is_told_with_its_reason() {
        let health = Health::default();
        assert_eq!(health.found(), Found::default());
        health.look(|| Ok(()), || broker("no broker answers"));
        let said = health.found();
        assert_eq!(said.storage, None);
        assert!(said.log.unwrap().contains("no broker answers"));
        health.look(|| Ok(()), || Ok(()));
        assert_eq!(health.found(), Found::default());
    }

    #[test]
    fn a_log_that_does_not_answer_is_told_while_it_is_waited_for() {
        let health = Health::default();
        let asked_at = |health: &Health| health.change(|state| state.asking = Instant::now().checked_sub(PATIENCE * 5));
        health.look(
            || {
                asked_at(&health);
                assert_eq!(health.found().log.unwrap(), "no answer for 5 s");
                Ok(())
            },
            || Ok(()),
        );
        assert_eq!(health.found(), Found::default());
    }
}
