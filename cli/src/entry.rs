//! Statements in lines that come one after the other: typed, piped, or from a file.

use std::collections::VecDeque;

use sql::Span;

use crate::commands;

/// Lines from the first that has not been run to the last that has come. SQL ends with `;`, a command of the shell with its
/// line, and a `\` at the end of a line joins it to the next. Each character is looked at once, however long a statement is.
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
    /// Where in `text` the last line begins; lines that are joined are one.
    line: u32,
    /// How many lines these are, and how many of the source came before.
    lines: u32,
    lines_before: u32,
    /// What the next character is part of.
    within: Within,
    /// Where in `text` a statement has begun that has not ended.
    open: Option<u32>,
    ready: VecDeque<Span>,
}

/// What a character stands in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Within {
    /// Neither quotes nor a comment.
    #[default]
    Statement,
    /// Behind a `-` or a `/` at that place, which may begin a comment.
    Dash(u32),
    Slash(u32),
    Quotes(char),
    LineComment,
    /// `/* … */` that begins at that place; behind a `*` that may end it.
    Comment(u32),
    CommentStar(u32),
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
                None => {
                    self.take("\n");
                    self.line = position(self.text.len());
                }
            }
        }
        self.lines += 1;
        self.written.push_str(line);
        let joined = line.trim_end().strip_suffix('\\').unwrap_or(line);
        self.take(joined);
        let left_out = line.split_at(joined.len()).1;
        let is_comment = matches!(self.within, Within::LineComment | Within::Comment(_) | Within::CommentStar(_));
        self.goes_on = (!left_out.is_empty() && !is_comment).then(|| position(left_out.len() + 1));
        if self.goes_on.is_none() {
            // In a comment a `\` is nothing special.
            self.take(left_out);
            self.end_line();
        }
    }

    /// Looks at text that comes behind what is there.
    fn take(&mut self, text: &str) {
        for (at, c) in text.char_indices() {
            self.step(c, position(self.text.len() + at));
        }
        self.text.push_str(text);
    }

    fn step(&mut self, c: char, at: u32) {
        use Within::{Comment, CommentStar, Dash, LineComment, Quotes, Slash, Statement};
        self.within = match (self.within, c) {
            (Dash(_), '-') => LineComment,
            (CommentStar(_), '/') | (LineComment, '\r' | '\n') => Statement,
            (Comment(from) | CommentStar(from), '*') => CommentStar(from),
            (Slash(from), '*') | (CommentStar(from), _) => Comment(from),
            (Quotes(quote), c) if c == quote => Statement,
            (Dash(from) | Slash(from), c) => {
                self.open.get_or_insert(from);
                self.step_in_statement(c, at)
            }
            (Statement, c) => self.step_in_statement(c, at),
            (within, _) => within,
        };
    }

    fn step_in_statement(&mut self, c: char, at: u32) -> Within {
        match c {
            '-' => return Within::Dash(at),
            '/' => return Within::Slash(at),
            ';' => {
                let start = self.open.take().unwrap_or(at);
                self.ready.push_back(Span { start, end: at + 1 });
            }
            c if c.is_whitespace() => {}
            c => {
                self.open.get_or_insert(at);
                if let '\'' | '"' | '`' = c {
                    return Within::Quotes(c);
                }
            }
        }
        Within::Statement
    }

    /// Where what waits for its end begins: a statement, or a comment before one.
    fn begun(&self) -> Option<u32> {
        self.open.or(match self.within {
            Within::Dash(from) | Within::Slash(from) | Within::Comment(from) | Within::CommentStar(from) => Some(from),
            Within::Statement | Within::Quotes(_) | Within::LineComment => None,
        })
    }

    /// A command of the shell ends with the line it begins in.
    fn end_line(&mut self) {
        let Some(start) = self.begun().filter(|start| *start >= self.line) else { return };
        let span = Span { start, end: position(self.text.trim_end().len()) };
        let text = self.slice(span);
        // `set` alone may be the first line of a SET.
        if commands::is_command(text) && !is_bare_set(text) {
            self.ready.push_back(span);
            (self.open, self.within) = (None, Within::Statement);
        }
    }

    /// The next statement that is complete; at the end of the source also one that is not closed. Lines that are through are
    /// forgotten when there is none.
    pub(crate) fn next(&mut self, at_end: bool) -> Option<Span> {
        if at_end && self.goes_on.take().is_some() {
            self.end_line();
        }
        if let Some(span) = self.ready.pop_front() {
            return Some(span);
        }
        if at_end && let Some(start) = self.begun() {
            (self.open, self.within) = (None, Within::Statement);
            return Some(Span { start, end: position(self.text.trim_end().len()) });
        }
        if self.is_through() {
            *self = Self { lines_before: self.lines_before + self.lines, ..Self::default() };
        }
        None
    }

    fn is_through(&self) -> bool {
        self.begun().is_none() && self.goes_on.is_none()
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

    #[test]
    fn a_long_statement_is_read_once() {
        for item in ["'a;b',", "1, \\", "/* ; */ 2,"] {
            let mut entry = Entry::default();
            entry.push("SELECT * FROM s WHERE a IN (");
            for _ in 0..100_000 {
                entry.push(item);
                assert_eq!(entry.next(false), None);
            }
            entry.push("3); SHOW");
            assert_eq!(ready(&mut entry, true).len(), 2, "{item}");
        }
    }

    #[test]
    fn statements_end_where_the_grammar_says() {
        let texts = [
            "a - b; c -- d; e\n; /* f; ** */ g; h /*/ i; */ j;",
            "'k''; l'; \"m;\"\"\"; `n;`; 'o /* ; '; p -/* q; */ - r;",
            "s--\rt; u -> v; w * /x/ y;--",
            "z 'never; closed",
            "z /* never; closed",
            "/* never; closed",
        ];
        for text in texts {
            let mut entry = Entry::of(text);
            let pieces: Vec<&str> = sql::split(text).into_iter().map(|piece| piece.text).collect();
            assert_eq!(ready(&mut entry, true), pieces, "{text}");
        }
    }

    #[test]
    fn a_comment_that_is_closed_waits_for_nothing() {
        let mut entry = Entry::of("/* a comment\nof two lines */");
        assert!(entry.is_through());
        entry.push("help");
        assert_eq!(ready(&mut entry, false), ["help"]);
    }
}
