//! Where results go: standard output, and a spool file while one is open.

use std::fs::File;
use std::future::pending;
use std::io::{self, IsTerminal, Write};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Writes to standard output and to the spool file.
#[derive(Default)]
pub(crate) struct Output {
    spool: Option<File>,
    interrupts: Interrupts,
}

/// Presses of Ctrl-C. One that comes while nothing is waited for counts for the next wait.
#[derive(Default)]
struct Interrupts(Option<Signal>);

impl Interrupts {
    /// Waits for the next one.
    async fn next(&mut self) {
        if self.0.is_none() {
            self.0 = signal(SignalKind::interrupt()).ok();
        }
        match &mut self.0 {
            Some(signal) => drop(signal.recv().await),
            // A system that tells nobody of it ends the process itself.
            None => pending().await,
        }
    }
}

impl Output {
    /// Starts copying everything to a file.
    pub(crate) fn spool_to(&mut self, path: &str) -> io::Result<()> {
        self.spool = Some(File::create(path)?);
        Ok(())
    }

    /// Stops copying; says whether it was on.
    pub(crate) fn spool_off(&mut self) -> bool {
        self.spool.take().is_some()
    }

    /// Whether a spool file is open.
    pub(crate) fn is_spooling(&self) -> bool {
        self.spool.is_some()
    }

    /// Copies what the user typed to the spool file.
    pub(crate) fn echo(&mut self, typed: &str) {
        if let Some(file) = &mut self.spool {
            // A full disk must not end the shell; the command itself still runs.
            let _ = writeln!(file, "ksql> {typed}");
        }
    }

    /// Whether a person looks at it.
    pub(crate) fn is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Waits for something unless the user presses Ctrl-C.
    pub(crate) async fn interruptible<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = self.interrupts.next() => {
                self.erase_control_c();
                None
            }
        }
    }

    /// Waits for Ctrl-C.
    pub(crate) async fn interrupted(&mut self) {
        self.interrupts.next().await;
    }

    /// Takes away the `^C` that the terminal shows for the key.
    pub(crate) fn erase_control_c(&self) {
        if self.is_terminal() {
            let _ = write!(io::stdout(), "\r\x1b[K");
        }
    }

    /// Clears the screen, if there is one.
    pub(crate) fn clear(&self) {
        if self.is_terminal() {
            let _ = write!(io::stdout(), "\x1b[2J\x1b[H").and_then(|()| io::stdout().flush());
        }
    }

    /// Prints a line or several. A closed pipe (`| head`) is not an error of ours.
    pub(crate) fn line(&mut self, text: &str) {
        let mut out = io::stdout().lock();
        let _ = writeln!(out, "{text}").and_then(|()| out.flush());
        if let Some(file) = &mut self.spool {
            let _ = writeln!(file, "{text}");
        }
    }
}
