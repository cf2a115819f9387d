//! Presses of Ctrl-C: one listener for the whole run, so that none is lost between two waits.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use crate::script::INTERRUPTED;

/// So long a press may take to have its effect on a query.
const EFFECT: Duration = Duration::from_secs(1);

/// Whether Ctrl-C has been pressed and nobody has acted on it yet.
#[derive(Clone, Default)]
pub(crate) struct Interrupts(Arc<Shared>);

#[derive(Default)]
struct Shared {
    pressed: AtomicBool,
    wake: Notify,
}

impl Interrupts {
    /// Listens from now on. Who presses again before the first press has had its effect (a pipe that nobody reads takes no
    /// more) ends the process; a person may be quick and gives it a second.
    pub(crate) fn listen(interactive: bool) -> io::Result<Self> {
        let mut signals = signal(SignalKind::interrupt())?;
        let interrupts = Self::default();
        let shared = Arc::clone(&interrupts.0);
        tokio::spawn(async move {
            let mut first = Instant::now();
            while signals.recv().await.is_some() {
                let again = shared.pressed.swap(true, Ordering::SeqCst);
                if again && (!interactive || first.elapsed() >= EFFECT) {
                    std::process::exit(INTERRUPTED.into());
                }
                if !again {
                    first = Instant::now();
                }
                shared.wake.notify_waiters();
            }
        });
        Ok(interrupts)
    }

    /// Whether it has been pressed.
    pub(crate) fn pressed(&self) -> bool {
        self.0.pressed.load(Ordering::SeqCst)
    }

    /// Forgets a press: it has had its effect, or was meant for what is over.
    pub(crate) fn forget(&self) {
        self.0.pressed.store(false, Ordering::SeqCst);
    }

    /// Waits until it has been pressed.
    pub(crate) async fn wait(&self) {
        loop {
            // Made before the look, so that a press after the look wakes it.
            let wake = self.0.wake.notified();
            if self.pressed() {
                return;
            }
            wake.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_press_waits_until_somebody_acts_on_it() {
        let interrupts = Interrupts::default();
        interrupts.0.pressed.store(true, Ordering::SeqCst);
        interrupts.wait().await;
        assert!(interrupts.pressed());
        interrupts.forget();
        assert!(!interrupts.pressed());
    }
}
