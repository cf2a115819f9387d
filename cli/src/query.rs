//! Shows the rows of a query as they come, until it ends or the user has seen enough.

use std::future::pending;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use crate::args::OutputFormat;
use crate::client::request;
use crate::empty;
use crate::render::{Line, Results, grouped, more};
use crate::session::{Result, Session, SessionError};

/// After so long without a row the shell says why there may be none.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often the line that tells how a query goes is drawn.
const TICK: Duration = Duration::from_millis(500);

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Whether it goes on until it is stopped.
    pub(crate) push: bool,
    /// Whether it is PRINT: what comes is text, whatever it looks like.
    pub(crate) print: bool,
    /// Whether it ends after some rows.
    pub(crate) limited: bool,
    /// The one stream or table it reads, if an empty result may be that one's doing.
    pub(crate) source: Option<String>,
}

/// How it goes.
struct Progress {
    begin: Instant,
    until: Option<Instant>,
    rows: u64,
    /// Whether a row was gone from its table.
    removed: bool,
    /// Whether the array that the lines make has not been closed.
    open: bool,
    /// A line of PRINT that says how it failed, if nothing comes after it.
    failure: Option<String>,
    /// Whether an empty result has been explained.
    explained: bool,
    /// When the status was drawn last, and how many rows there were.
    drawn: (Instant, u64),
}

/// How it ended.
enum End {
    /// By itself, perhaps with some words.
    Said(Option<String>),
    /// By `--query-timeout`.
    TimeIsUp,
    /// By Ctrl-C.
    Interrupted,
}

impl Session {
    /// Streams a query until it ends or Ctrl-C; rows appear as they come.
    pub(crate) async fn query(&mut self, text: &str, asked: &Asked) -> Result<()> {
        let mut progress = Progress::new(self.limits.time, asked);
        // What the user asked for to the row is shown to the row.
        let shortened = self.output.is_terminal() && !asked.push && !asked.limited;
        let max_rows = self.chosen.max_rows.filter(|_| shortened);
        let mut results = Results::new(self.format, self.layout(), max_rows);
        let ended = self.ask(text, asked, &mut results, &mut progress).await;
        let interrupted = matches!(ended, Ok(End::Interrupted));
        if interrupted {
            self.output.stop_at_once();
        }
        // Before a person's eyes nothing comes after Ctrl-C that was not there before.
        let rest = if interrupted && self.output.is_terminal() { results.close() } else { results.end() };
        if progress.rows > 0 || !interrupted {
            self.output.data(&rest);
        }
        more(results.hidden(), "row").into_iter().for_each(|more| self.output.notice(&more));
        match ended? {
            End::Said(message) => message.into_iter().for_each(|message| self.output.notice(&message)),
            End::TimeIsUp => {
                self.timed_out = true;
                self.output.notice("Time is up");
                // That there would have been none, nobody knows.
                progress.explained = true;
            }
            End::Interrupted => {
                self.remark_rows(&progress);
                return Err(SessionError::Interrupted("Query terminated"));
            }
        }
        if progress.rows == 0 && !progress.explained {
            let reason = self.reason_while_wanted(asked, &progress).await;
            reason.into_iter().for_each(|reason| self.output.notice(&reason));
        }
        self.remark_rows(&progress);
        Ok(())
    }

    /// How many rows there were and how long it took, for a person.
    fn remark_rows(&mut self, progress: &Progress) {
        if self.interactive && self.output.is_terminal() {
            let s = if progress.rows == 1 { "" } else { "s" };
            let seconds = progress.begin.elapsed().as_secs_f64();
            let text = format!("{} row{s} in {seconds:.2} s", grouped(progress.rows));
            self.output.remark(&text);
        }
    }

    /// Sends the query and shows what comes.
    async fn ask(&mut self, text: &str, asked: &Asked, results: &mut Results, progress: &mut Progress) -> Result<End> {
        let request = request(text, &self.properties, &self.variables);
        let (client, interrupts, reader) =
            (self.client.clone(), self.output.interrupts.clone(), self.output.reader.clone());
        let mut lines = tokio::select! {
            biased;
            () = interrupts.wait() => return Ok(End::Interrupted),
            lines = client.query(&request) => lines?,
            () = deadline(progress.until) => return Ok(End::TimeIsUp),
        };
        loop {
            // Asked each time: while rows flow, nothing else gets a turn.
            if interrupts.pressed() {
                return Ok(End::Interrupted);
            }
            if self.output.has_failed() {
                return Ok(End::Said(None));
            }
            if progress.until.is_some_and(|until| until <= Instant::now()) {
                return Ok(End::TimeIsUp);
            }
            if self.limits.rows.is_some_and(|rows| progress.rows >= rows) {
                return Ok(End::Said(Some("Limit Reached".to_owned())));
            }
            let pause = self.pause(asked, results, progress);
            let line = tokio::select! {
                biased;
                () = interrupts.wait() => continue,
                line = lines.next() => line?,
                () = deadline(progress.until) => continue,
                () = reader.gone() => {
                    self.output.nobody_reads();
                    continue;
                }
                () = sleep(pause) => {
                    self.pause_in_rows(asked, results, progress).await;
                    continue;
                }
            };
            let Some(line) = line else { return progress.end() };
            if asked.print {
                take_print(&line, results, progress);
            } else if let Some(end) = self.take_line(&line, results, progress)? {
                return Ok(end);
            }
            if results.are_many() {
                self.output.data(&results.take());
                self.draw_status(asked, progress);
            }
        }
    }

    /// Notes what came for the next time that something is written.
    fn take_line(&mut self, raw: &str, results: &mut Results, progress: &mut Progress) -> Result<Option<End>> {
        let line = Line::read(raw);
        // What is cut off within a row may end with that bracket, too.
        progress.open = !raw.trim_end().ends_with(']') || matches!(line, Line::Text(_));
        match line {
            Line::Nothing => {}
            Line::Error(message) => return Err(SessionError::Query(message)),
            Line::Final(_) if self.format == OutputFormat::Json => results.raw(raw),
            Line::Final(message) => return Ok(Some(End::Said(Some(message)))),
            Line::Header { schema } => results.header(raw, &schema),
            Line::Row { columns, tombstone } => {
                progress.rows += 1;
                if tombstone && self.format == OutputFormat::Csv && !std::mem::replace(&mut progress.removed, true) {
                    self.output.notice(
                        "Rows are gone from the table: CSV has their keys and NULLs, JSONL says \"@tombstone\"",
                    );
                }
                results.row(raw, columns, tombstone);
            }
            Line::Text(text) => results.text(&text),
        }
        Ok(None)
    }

    /// How long to wait for more rows. Rows that come together are laid out together, and before a person's eyes a lonely
    /// one is shown at once; in a file, a table that will end is laid out as a whole.
    fn pause(&self, asked: &Asked, results: &Results, progress: &Progress) -> Duration {
        if results.has_text() {
            return Duration::ZERO;
        }
        match (results.has_rows() && asked.push, self.output.is_terminal(), asked.limited) {
            (true, true, _) => Duration::from_millis(20),
            (true, false, false) => Duration::from_millis(250),
            (true, false, true) => Duration::from_secs(2),
            (false, ..) if asked.push && progress.rows > 0 && self.output.shows_status() => TICK,
            (false, ..) => PATIENCE,
        }
    }

    /// Shows the rows that wait, or says why there are none.
    async fn pause_in_rows(&mut self, asked: &Asked, results: &mut Results, progress: &mut Progress) {
        if results.has_text() || (asked.push && results.has_rows()) {
            self.output.data(&results.take());
        } else if asked.push && !progress.explained && progress.rows == 0 {
            progress.explained = true;
            let Some(reason) = self.reason_while_wanted(asked, progress).await else { return };
            self.output.notice(&format!("{reason}\nPress Ctrl-C to stop waiting."));
        }
        self.draw_status(asked, progress);
    }

    /// Why there are no rows, unless Ctrl-C says that nobody wants to know, or the query's time is up.
    async fn reason_while_wanted(&self, asked: &Asked, progress: &Progress) -> Option<String> {
        tokio::select! {
            reason = empty::reason(self, asked) => Some(reason),
            () = deadline(progress.until) => None,
            () = self.output.interrupts.wait() => None,
        }
    }

    /// Tells a person how a query goes that does not end by itself.
    fn draw_status(&mut self, asked: &Asked, progress: &mut Progress) {
        let (drawn, rows) = progress.drawn;
        let passed = drawn.elapsed();
        if asked.push && progress.rows > 0 && self.output.shows_status() && passed >= TICK {
            let in_between = progress.rows.saturating_sub(rows);
            let rate = in_between as f64 / passed.as_secs_f64();
            let rows = grouped(progress.rows);
            self.output.status(&format!("{rows} rows, {rate:.0} a second; Ctrl-C ends the query"));
            progress.drawn = (Instant::now(), progress.rows);
        }
    }
}

impl Progress {
    fn new(limit: Option<Duration>, asked: &Asked) -> Self {
        let begin = Instant::now();
        Self {
            begin,
            until: limit.map(|time| begin + time),
            rows: 0,
            removed: false,
            open: !asked.print,
            failure: None,
            explained: false,
            drawn: (begin, 0),
        }
    }

    /// How it ended when no more lines come.
    fn end(&mut self) -> Result<End> {
        match self.failure.take().map(|line| Line::read(&line)) {
            Some(Line::Error(message)) => Err(SessionError::Query(message)),
            _ if self.open => Err(SessionError::Query("the answer ended before it was complete".to_owned())),
            _ => Ok(End::Said(None)),
        }
    }
}

/// Notes a line of PRINT. Lines about the formats come before the first record; ksqlDB sends empty ones to see whether anybody
/// is there.
fn take_print(line: &str, results: &mut Results, progress: &mut Progress) {
    if line.is_empty() {
        return;
    }
    // ksqlDB writes the line ends of records as they are: a line that looks like an error is one if nothing comes after it.
    progress.failure.take().into_iter().for_each(|line| results.text(&line));
    if line.ends_with('}') && matches!(Line::read(line), Line::Error(_)) {
        progress.failure = Some(line.to_owned());
    } else {
        progress.rows += u64::from(line.starts_with("rowtime: "));
        results.text(line);
    }
}

/// Waits until then, or for ever.
async fn deadline(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => pending().await,
    }
}
