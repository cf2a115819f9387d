//! Where results go: standard output, and a spool file while one is open.

use std::fs::File;
use std::io::{self, IsTerminal, Write};

/// Writes to standard output and to the spool file.
#[derive(Default)]
pub(crate) struct Output {
    spool: Option<File>,
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
    pub(crate) async fn interruptible<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            _ = tokio::signal::ctrl_c() => {
                self.erase_control_c();
                None
            }
        }
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
