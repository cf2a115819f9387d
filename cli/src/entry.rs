//! Statements in lines that come one after the other: typed, piped, or from a file.

use std::collections::VecDeque;

use sql::Span;

use crate::commands;

/// Lines from the first that has not been run to the last that has come. SQL ends with `;`, a command of the shell with its
/// line, and a `\` at the end of a line joins it to the next.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    /// As it was written.
    written: String,
    /// The same with lines joined: what is run.
    text: String,
    /// Where lines were joined: offset in `text`, and how many bytes of `written` are left out there.
    joins: Vec<(u32, u32)>,
    /// So many bytes of `written` are left out before the next line, if the last one goes on in it.
    goes_on: Option<u32>,
    /// How many lines these are, and how many of the source came before.
    lines: u32,
    lines_before: u32,
    /// Where in `text` what has not been looked at begins.
    done: u32,
    /// Where in `text` a statement has begun that has not ended.
    open: Option<u32>,
    ready: VecDeque<Span>,
}

impl Entry {
    /// All lines of a text.
    pub(crate) fn of(text: &str) -> Self {
        let mut entry = Self::default();
        text.split('\n').for_each(|line| entry.push(line));
        entry
    }

    /// Adds a line, without its end.
    pub(crate) fn push(&mut self, line: &str) {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if self.lines > 0 {
            self.written.push('\n');
            match self.goes_on {
                Some(left_out) => self.joins.push((position(self.text.len()), left_out)),
                None => self.text.push('\n'),
            }
        }
        self.lines += 1;
        self.written.push_str(line);
        let joined = line.trim_end().strip_suffix('\\').filter(|line| !ends_in_comment(&self.text, line));
        self.goes_on = joined.map(|joined| position(line.len() - joined.len() + 1));
        self.text.push_str(joined.unwrap_or(line));
        if joined.is_none() {
            self.cut();
        }
    }

    /// Finds what is complete. An open statement ends with a `;`, so that lines without one cost nothing.
    fn cut(&mut self) {
        let rest = self.text.get(self.done as usize..).unwrap_or_default();
        let last_line = rest.rsplit('\n').next().unwrap_or_default();
        if self.open.is_some() && !last_line.contains(';') {
            return;
        }
        let base = self.done;
        self.open = None;
        for piece in sql::split(rest) {
            let span = Span { start: base + piece.span.start, end: base + piece.span.end };
            // `set` alone may be the first line of a SET.
            let is_command = || commands::is_command(piece.text) && !is_bare_set(piece.text);
            if piece.complete || is_command() {
                self.done = span.end;
                self.ready.push_back(span);
            } else {
                self.open = Some(span.start);
            }
        }
    }

    /// The next statement that is complete; at the end of the source also one that is not closed. Lines that are through are
    /// forgotten when there is none.
    pub(crate) fn next(&mut self, at_end: bool) -> Option<Span> {
        if at_end && self.goes_on.take().is_some() {
            self.cut();
        }
        if let Some(span) = self.ready.pop_front() {
            return Some(span);
        }
        if at_end && let Some(start) = self.open.take() {
            self.done = position(self.text.len());
            return Some(Span { start, end: position(self.text.trim_end().len()) });
        }
        if self.is_through() {
            *self = Self { lines_before: self.lines_before + self.lines, ..Self::default() };
        }
        None
    }

    fn is_through(&self) -> bool {
        self.open.is_none() && self.goes_on.is_none()
    }

    /// What a span of the lines, as they are run, holds.
    pub(crate) fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// The lines as they were written.
    pub(crate) fn written(&self) -> &str {
        &self.written
    }

    /// The same place in [`Entry::written`].
    pub(crate) fn as_written(&self, span: Span) -> Span {
        let moved = |at: u32, is_before: fn(&u32, &u32) -> bool| {
            at + self.joins.iter().filter(|(join, _)| is_before(join, &at)).map(|(_, left_out)| left_out).sum::<u32>()
        };
        Span { start: moved(span.start, u32::le), end: moved(span.end, u32::lt) }
    }

    /// Line in the source and column, both from 1, of an offset of [`Entry::written`].
    pub(crate) fn line_column(&self, at: u32) -> (u32, u32) {
        let (line, column) = sql::line_column(&self.written, at);
        (self.lines_before + line, column)
    }

    /// Bytes that wait for the end of their statement.
    pub(crate) fn waiting(&self) -> usize {
        self.written.len()
    }
}

/// Whether nothing of what was typed waits for more.
pub(crate) fn is_complete(typed: &str) -> bool {
    is_bare_set(typed) || Entry::of(typed).is_through()
}

fn is_bare_set(text: &str) -> bool {
    text.trim().eq_ignore_ascii_case("set")
}

/// Whether a text and the line below it end within a comment, where a `\` is nothing special.
fn ends_in_comment(text: &str, line: &str) -> bool {
    let before = format!("{text}\n{line}");
    let length = |text: &str| sql::split(text).iter().map(|piece| piece.text.len()).sum::<usize>();
    length(&before) == length(&format!("{before}\\"))
}

fn position(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(entry: &mut Entry, at_end: bool) -> Vec<String> {
        let mut found = Vec::new();
        while let Some(span) = entry.next(at_end) {
            found.push(entry.slice(span).to_owned());
        }
        found
    }

    #[test]
    fn a_statement_is_ready_with_its_semicolon_and_a_command_with_its_line() {
        let mut entry = Entry::default();
        entry.push("-- help; is a comment");
        assert!(ready(&mut entry, false).is_empty());
        entry.push("SHOW STREAMS; SELECT ';' AS help");
        assert_eq!(ready(&mut entry, false), ["SHOW STREAMS;"]);
        entry.push("FROM s");
        entry.push("; output json");
        assert_eq!(ready(&mut entry, false), ["SELECT ';' AS help\nFROM s\n;", "output json"]);
        entry.push("set");
        assert!(ready(&mut entry, false).is_empty());
        entry.push("'a' = 'b';exit;");
        assert_eq!(ready(&mut entry, false), ["set\n'a' = 'b';", "exit;"]);
        entry.push("SHOW TABLES");
        assert!(ready(&mut entry, false).is_empty());
        assert_eq!(ready(&mut entry, true), ["SHOW TABLES"]);
    }

    #[test]
    fn a_backslash_joins_lines_even_within_quotes() {
        let mut entry = Entry::of("output \\\njson\nSET 'a' = 'long \\ \nvalue'; -- C:\\\nSHOW TOPICS;\nlist \\");
        assert_eq!(
            ready(&mut entry, true),
            ["output json", "SET 'a' = 'long value';", "SHOW TOPICS;", "list "].map(str::trim_end)
        );
    }

    #[test]
    fn places_are_those_of_the_source() {
        let mut entry = Entry::default();
        entry.push("SHOW STREAMS;");
        assert_eq!(ready(&mut entry, false), ["SHOW STREAMS;"]);
        ["", "SELECT a, \\", "  b", "FROM s;"].into_iter().for_each(|line| entry.push(line));
        let span = entry.next(false).unwrap();
        let text = entry.slice(span).to_owned();
        let place = |word: &str| {
            let start = span.start + position(text.find(word).unwrap());
            let written = entry.as_written(Span { start, end: start + 1 });
            assert_eq!(&entry.written()[written.start as usize..written.end as usize], word);
            entry.line_column(written.start)
        };
        assert_eq!([place("a"), place("b"), place("s")], [(3, 8), (4, 3), (5, 6)]);
    }

    #[test]
    fn what_is_typed_goes_on_until_it_is_closed() {
        for text in
            ["help", "spool off", "", "-- nothing", "set", "SHOW STREAMS;", "SELECT 1 \\\n;", "set cli wrap off"]
        {
            assert!(is_complete(text), "{text}");
        }
        for text in ["SELECT *", "SELECT 'a;", "SHOW STREAMS; SELECT", "output \\", "FROM x -- a comment;", "/* help"] {
            assert!(!is_complete(text), "{text}");
        }
    }
}
