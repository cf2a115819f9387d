//! Where what is shown goes: data to standard output, words about it to standard error, both to a spool file while one is
//! open.

use std::fs::File;
use std::future::pending;
use std::io::{self, ErrorKind, IsTerminal, Write};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::termios::{QueueSelector, tcflush, tcgetwinsize};
use tokio::sync::watch;

use crate::interrupts::Interrupts;
use crate::render::printable;

/// So many bytes are written at once, at most, or one record: Ctrl-C comes between two pieces. Before a person's eyes that is
/// some lines.
const PIECE: usize = 64 << 10;
const PIECE_IN_TERMINAL: usize = 1 << 10;

/// What is to be written, record by record. Another program reads whole records, which may have several lines.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Records {
    text: String,
    /// Where in `text` each ends.
    ends: Vec<usize>,
}

impl Records {
    /// Each line of a text is one.
    pub(crate) fn of_lines(text: &str) -> Self {
        let mut records = Self::default();
        text.split_inclusive('\n').for_each(|line| records.push(line));
        records
    }

    /// Adds one, with its line end.
    pub(crate) fn push(&mut self, record: &str) {
        self.text.push_str(record);
        self.ends.push(self.text.len());
    }

    /// All of them.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// As many records as fit into a piece that begins at `from`, at least one. A person reads lines: there a piece may end
    /// with any.
    fn piece(&self, from: usize, most: usize, for_person: bool) -> &str {
        let rest = self.text.get(from..).unwrap_or_default();
        if rest.len() <= most {
            return rest;
        }
        let end = if for_person {
            let within = rest.as_bytes().get(..most).and_then(|piece| piece.iter().rposition(|&byte| byte == b'\n'));
            within.or_else(|| rest.find('\n')).map(|end| from + end + 1)
        } else {
            let fitting = self.ends.partition_point(|end| *end <= from + most);
            let last = fitting.checked_sub(1).and_then(|at| self.ends.get(at)).filter(|end| **end > from);
            last.or_else(|| self.ends.get(fitting)).copied()
        };
        self.text.get(from..end.unwrap_or(self.text.len())).unwrap_or(rest)
    }
}

/// Whoever reads standard output, if that is a pipe.
#[derive(Clone)]
pub(crate) struct Reader(watch::Receiver<bool>);

impl Reader {
    /// A thread of its own waits for the reader's end, which does not keep the process alive.
    fn of_stdout(is_terminal: bool) -> Self {
        let (tell, gone) = watch::channel(false);
        if !is_terminal {
            std::thread::spawn(move || {
                let stdout = io::stdout();
                let mut watched = [PollFd::new(&stdout, PollFlags::empty())];
                while poll(&mut watched, None) == Err(Errno::INTR) {}
                // A file has nobody who could go, and waits here for ever.
                let is_gone = watched.iter().any(|fd| fd.revents().intersects(PollFlags::ERR | PollFlags::HUP));
                tell.send_replace(is_gone);
            });
        }
        Self(gone)
    }

    /// Waits until nobody reads any more (`| head`), which a write would find out, but not a query that has no rows.
    pub(crate) async fn gone(&self) {
        if self.0.clone().wait_for(|gone| *gone).await.is_err() {
            pending().await
        }
    }
}

/// Standard output, standard error, the spool file.
pub(crate) struct Output {
    pub(crate) interrupts: Interrupts,
    pub(crate) reader: Reader,
    /// Whether a person looks at the data.
    terminal: bool,
    /// Whether a person looks at the words, too, on the same screen.
    both: bool,
    colours: bool,
    spool: Option<File>,
    /// Whether the last line of the screen is a status that is to go.
    status_shown: bool,
    failure: Option<io::Error>,
}

impl Output {
    /// The process's own.
    pub(crate) fn new(interrupts: Interrupts) -> Self {
        let terminal = io::stdout().is_terminal();
        let both = terminal && io::stderr().is_terminal();
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let colours = terminal && !is_dumb && std::env::var_os("NO_COLOR").is_none();
        let reader = Reader::of_stdout(terminal);
        Self { interrupts, reader, terminal, both, colours, spool: None, status_shown: false, failure: None }
    }

    /// Starts copying everything to a file.
    pub(crate) fn spool_to(&mut self, file: File) {
        self.spool = Some(file);
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
        self.copy(&format!("ksql> {typed}\n"));
    }

    /// Whether a person looks at it.
    pub(crate) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Whether that person may see colours.
    pub(crate) fn has_colours(&self) -> bool {
        self.colours
    }

    /// Columns of the terminal, if there is one.
    pub(crate) fn width(&self) -> Option<usize> {
        let size = self.terminal.then(|| tcgetwinsize(io::stdout()).ok())?;
        let columns = size.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0);
        // A terminal that does not know its width is one nevertheless.
        Some(columns.unwrap_or(usize::MAX))
    }

    /// Whether data could not be written.
    pub(crate) fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Takes note that nobody reads any more.
    pub(crate) fn nobody_reads(&mut self) {
        self.failure.get_or_insert(ErrorKind::BrokenPipe.into());
    }

    /// Why data could not be written, since the last call.
    pub(crate) fn failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// Waits for something unless the user presses Ctrl-C.
    pub(crate) async fn interruptible<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let interrupts = self.interrupts.clone();
        let done = tokio::select! {
            biased;
            () = interrupts.wait() => None,
            done = work => Some(done),
        };
        if done.is_none() {
            self.stop_at_once();
        }
        done
    }

    /// Acts on Ctrl-C: what the terminal has not shown yet, and the `^C` that it shows for the key, go.
    pub(crate) fn stop_at_once(&mut self) {
        self.interrupts.forget();
        if self.terminal {
            self.status_shown = false;
            let mut out = io::stdout().lock();
            let _ = tcflush(&out, QueueSelector::OFlush);
            let _ = write!(out, "\r\x1b[0m\x1b[K").and_then(|()| out.flush());
        }
    }

    /// Clears the screen, if there is one.
    pub(crate) fn clear(&mut self) {
        if self.terminal {
            self.write("\x1b[2J\x1b[H");
        }
    }

    /// Writes a line of data, or several. Ends early when Ctrl-C is pressed, between two lines.
    pub(crate) fn line(&mut self, text: &str) {
        self.plain(&Records::of_lines(&format!("{text}\n")));
    }

    /// Writes data without colours: a terminal takes nothing in it for orders.
    pub(crate) fn plain(&mut self, records: &Records) {
        if self.terminal {
            self.data(&Records::of_lines(&printable(records.text())));
        } else {
            self.data(records);
        }
    }

    /// Writes data. Ends early when Ctrl-C is pressed, between two records.
    pub(crate) fn data(&mut self, records: &Records) {
        self.clear_status();
        let most = if self.terminal { PIECE_IN_TERMINAL } else { PIECE };
        let mut done = 0;
        while done < records.text.len() && self.failure.is_none() && !self.interrupts.pressed() {
            let piece = records.piece(done, most, self.terminal);
            self.write(piece);
            self.copy(piece);
            done += piece.len();
        }
    }

    /// Tells something about the data, or why there is none.
    pub(crate) fn notice(&mut self, text: &str) {
        self.clear_status();
        let text = printable(text);
        // Who closes standard error does not want to know.
        let _ = writeln!(io::stderr().lock(), "{text}");
        self.copy(&format!("{text}\n"));
    }

    /// The same, less loud on a terminal that has colours.
    pub(crate) fn remark(&mut self, text: &str) {
        if self.colours && self.both {
            self.clear_status();
            let _ = writeln!(io::stderr().lock(), "\x1b[2m{text}\x1b[0m");
            self.copy(&format!("{text}\n"));
        } else {
            self.notice(text);
        }
    }

    /// Whether there is a screen for [`Output::status`].
    pub(crate) fn shows_status(&self) -> bool {
        self.both
    }

    /// Shows a line that goes when anything else is shown; only on a terminal.
    pub(crate) fn status(&mut self, text: &str) {
        if !self.both {
            return;
        }
        // The last column stays free: a terminal may go on in the next line when it is full.
        let width = self.width().map_or(usize::MAX, |width| width.saturating_sub(1));
        let text: String = text.chars().take(width).collect();
        let mut err = io::stderr().lock();
        let _ = write!(err, "\r\x1b[K\x1b[2m{text}\x1b[0m").and_then(|()| err.flush());
        self.status_shown = true;
    }

    /// Takes the status line away.
    pub(crate) fn clear_status(&mut self) {
        if std::mem::take(&mut self.status_shown) {
            let mut err = io::stderr().lock();
            let _ = write!(err, "\r\x1b[K").and_then(|()| err.flush());
        }
    }

    fn write(&mut self, text: &str) {
        let mut out = io::stdout().lock();
        if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            self.failure.get_or_insert(error);
        }
    }

    fn copy(&mut self, text: &str) {
        if let Some(file) = &mut self.spool
            && let Err(error) = file.write_all(text.as_bytes())
        {
            // What is shown counts; the shell goes on without the copy.
            self.spool = None;
            self.notice(&format!("spooling has ended: {error}"));
        }
    }
}

/// Whether it means that nobody reads any more.
pub(crate) fn is_closed(error: &io::Error) -> bool {
    error.kind() == ErrorKind::BrokenPipe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(records: &[&str], most: usize, for_person: bool) -> Vec<String> {
        let mut all = Records::default();
        records.iter().for_each(|record| all.push(record));
        let mut pieces: Vec<String> = Vec::new();
        while pieces.concat().len() < all.text.len() {
            let piece = all.piece(pieces.concat().len(), most, for_person).to_owned();
            pieces.push(piece);
        }
        pieces
    }

    #[test]
    fn a_piece_ends_with_a_record() {
        let records = ["a\n", "\"b\nb\"\n", "c\n", "d\n"];
        assert_eq!(pieces(&records, 100, false), ["a\n\"b\nb\"\nc\nd\n"]);
        assert_eq!(pieces(&records, 5, false), ["a\n", "\"b\nb\"\n", "c\nd\n"]);
        assert_eq!(pieces(&records, 1, false), records, "at least one, however long");
    }

    #[test]
    fn before_a_person_a_piece_ends_with_a_line() {
        assert_eq!(pieces(&["a\nb\n"], 4, true), ["a\nb\n"]);
        assert_eq!(pieces(&["a\nb\n"], 3, true), ["a\n", "b\n"]);
        assert_eq!(pieces(&["é\né\né\n"], 7, true), ["é\né\n", "é\n"]);
        assert_eq!(pieces(&["long\nb\n"], 2, true), ["long\n", "b\n"]);
        assert_eq!(pieces(&["open"], 2, true), ["open"]);
    }
}
