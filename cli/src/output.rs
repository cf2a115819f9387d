//! Where results go: standard output, and a spool file while one is open.

use std::fs::File;
use std::io::{self, Write};

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

    /// Prints a line or several. A closed pipe (`| head`) is not an error of ours.
    pub(crate) fn line(&mut self, text: &str) {
        let mut out = io::stdout().lock();
        let _ = writeln!(out, "{text}").and_then(|()| out.flush());
        if let Some(file) = &mut self.spool {
            let _ = writeln!(file, "{text}");
        }
    }
}
