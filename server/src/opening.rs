//! Opening the engine, however long the Kafka brokers are away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use engine::config::Config;
use engine::engine::Engine;
use engine::error::Error;
use tokio::sync::watch;

/// Pauses between two tries.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// An engine that is being opened.
pub(crate) struct Opening {
    /// What it waits for, in the words of the last try that failed.
    waits_for: watch::Sender<Option<String>>,
    given_up: AtomicBool,
}

impl Opening {
    /// Not begun.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { waits_for: watch::Sender::new(None), given_up: AtomicBool::new(false) })
    }

    /// Opens it; tries again for as long as no broker answers.
    ///
    /// # Errors
    /// Trying again would not help, or nobody wants it any more.
    pub(crate) fn open(&self, config: &Config) -> Result<Engine, Error> {
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match Engine::open(config.clone()) {
                Err(error) if error.awaits_brokers() && !self.given_up.load(Ordering::Relaxed) => error,
                opened => return opened,
            };
            tracing::warn!("the server waits for Kafka and tries again: {error}");
            self.waits_for.send_replace(Some(error.to_string()));
            std::thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Ends trying.
    pub(crate) fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    /// What it waits for.
    pub(crate) fn waits_for(&self) -> Option<String> {
        self.waits_for.borrow().clone()
    }
}
