//! Shows the rows of a query as they come, until it ends or the user has seen enough.

use std::future::pending;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use crate::args::OutputFormat;
use crate::client::{Lines, request};
use crate::empty;
use crate::render::{Line, RowPrinter};
use crate::session::{Result, Session, SessionError};

/// After so long without a row the shell says why there may be none.
const PATIENCE: Duration = Duration::from_secs(3);

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Whether it goes on until it is stopped.
    pub(crate) push: bool,
    /// Whether it ends after some rows.
    pub(crate) limited: bool,
    /// The one stream or table it reads, if an empty result may be that one's doing.
    pub(crate) source: Option<String>,
}

/// How it went.
#[derive(Default)]
struct Shown {
    rows: usize,
    /// Whether an empty result has been explained.
    explained: bool,
}

/// What happened next.
enum Next {
    Line(Option<String>),
    Pause,
    Interrupted,
    Enough,
}

impl Session {
    /// Streams a query until it ends or Ctrl-C; rows appear as they come.
    pub(crate) async fn query(&mut self, text: &str, asked: &Asked) -> Result<()> {
        let request = request(text, &self.properties, &self.variables);
        let client = self.client.clone();
        let Some(lines) = self.output.interruptible(client.query(&request)).await else {
            return Err(SessionError::Interrupted("Query terminated"));
        };
        let mut printer = RowPrinter::new(self.layout);
        let mut shown = Shown { rows: 0, explained: self.format == OutputFormat::Json };
        let ended = self.show_rows(lines?, asked, &mut printer, &mut shown).await;
        let interrupted = matches!(ended, Err(SessionError::Interrupted(_)));
        if let Some(rest) = printer.end().filter(|_| shown.rows > 0 || !interrupted) {
            self.output.line(&rest);
        }
        if let Some(message) = ended? {
            self.output.line(&message);
        }
        if shown.rows == 0 && !shown.explained {
            let reason = empty::reason(self, asked).await;
            self.output.line(&reason);
        }
        Ok(())
    }

    /// Prints what comes; returns the words the server ends with, if any.
    async fn show_rows(
        &mut self,
        mut lines: Lines,
        asked: &Asked,
        printer: &mut RowPrinter,
        shown: &mut Shown,
    ) -> Result<Option<String>> {
        let until = self.limits.time.map(|time| Instant::now() + time);
        while self.limits.rows.is_none_or(|rows| shown.rows < rows) {
            let pause = self.pause(asked, printer.has_waiting());
            let next = tokio::select! {
                line = lines.next() => Next::Line(line?),
                () = self.output.interrupted() => Next::Interrupted,
                () = sleep(pause) => Next::Pause,
                () = deadline(until) => Next::Enough,
            };
            let line = match next {
                Next::Line(Some(line)) => line,
                Next::Line(None) => return Ok(None),
                Next::Interrupted => {
                    self.output.erase_control_c();
                    return Err(SessionError::Interrupted("Query terminated"));
                }
                Next::Enough => return Ok(Some("Time is up".to_owned())),
                Next::Pause => {
                    self.pause_in_rows(asked, printer, shown).await;
                    continue;
                }
            };
            let line_read = Line::read(&line);
            shown.rows += usize::from(matches!(line_read, Line::Row { .. } | Line::Text(_)));
            match line_read {
                Line::Nothing => {}
                Line::Text(text) => self.output.line(&text),
                Line::Error(message) => return Err(SessionError::Query(message)),
                Line::Final(message) if self.format == OutputFormat::Tabular => return Ok(Some(message)),
                _ if self.format == OutputFormat::Json => {
                    self.output.line(line.trim().trim_start_matches('[').trim_end_matches([',', ']']));
                }
                Line::Header { schema } => printer.header(&schema),
                Line::Row { columns, tombstone } => {
                    printer.row(&columns, tombstone);
                    if let Some(text) = printer.flush_when_many() {
                        self.output.line(&text);
                    }
                }
                Line::Final(_) => {}
            }
        }
        Ok(Some("Limit Reached".to_owned()))
    }

    /// How long to wait for more rows. Rows that come together are laid out together, and before a person's eyes a lonely
    /// one is shown at once; in a file, a result that will end is laid out as a whole.
    fn pause(&self, asked: &Asked, has_waiting: bool) -> Duration {
        match (has_waiting && asked.push, self.output.is_terminal(), asked.limited) {
            (false, ..) => PATIENCE,
            (true, true, _) => Duration::from_millis(20),
            (true, false, false) => Duration::from_millis(250),
            (true, false, true) => Duration::from_secs(2),
        }
    }

    /// Shows the rows that wait, or says why there are none.
    async fn pause_in_rows(&mut self, asked: &Asked, printer: &mut RowPrinter, shown: &mut Shown) {
        if asked.push
            && let Some(text) = printer.flush()
        {
            self.output.line(&text);
        } else if asked.push && !shown.explained && shown.rows == 0 {
            shown.explained = true;
            let reason = empty::reason(self, asked).await;
            self.output.line(&format!("{reason}\nPress Ctrl-C to stop waiting."));
        }
    }
}

/// Waits until then, or for ever.
async fn deadline(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => pending().await,
    }
}
