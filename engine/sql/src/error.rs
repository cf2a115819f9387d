//! What is wrong with a text, where, and what would have been right.

use crate::Span;
use crate::format::masked_part;

/// Whether the grammar or a rule beyond it was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The text is no statement. Nothing of the whole text can run.
    Syntax,
    /// The statement reads well but cannot mean anything (a number out of range, KEY on a table). Statements before it can.
    Invalid,
}

/// What to write instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suggestion {
    /// The word that was probably meant.
    Word(&'static str),
    /// A mistake that is well known; nothing else needs to be said.
    Advice(&'static str),
}

/// Why a text is not a statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SqlError {
    /// Which of the two kinds.
    pub kind: ErrorKind,
    /// The message in the words ksqlDB's clients know.
    pub message: String,
    /// The offending token or clause; an empty range at the end of the text if something is missing there.
    pub span: Span,
    /// Line of `span.start`, from 1.
    pub line: u32,
    /// Column of `span.start` in characters, from 1.
    pub column: u32,
    /// What could have stood here (keywords, symbols, `identifier`, `expression` …), where known.
    pub expected: Vec<String>,
    /// What to write instead, where known.
    pub suggestion: Option<Suggestion>,
    /// What ksqlDB reports as the statement: the offending line for syntax errors, else the one statement, with its values
    /// masked.
    pub statement: String,
}

impl SqlError {
    pub(crate) fn new(kind: ErrorKind, message: String, place: SourceText<'_>, span: Span) -> Self {
        let (line, column) = place.line_column(span.start);
        let (expected, suggestion, statement) = (Vec::new(), None, String::new());
        Self { kind, message, span, line, column, expected, suggestion, statement }
    }

    /// What could have stood there and what was probably meant; empty when nothing is known.
    pub fn note(&self) -> String {
        if let Some(Suggestion::Advice(advice)) = self.suggestion {
            return advice.to_owned();
        }
        let mut parts = Vec::new();
        if let Some((last, rest)) = self.expected.split_last() {
            let list = if rest.is_empty() { last.clone() } else { format!("{} or {last}", rest.join(", ")) };
            parts.push(format!("expected {list}"));
        }
        if let Some(Suggestion::Word(word)) = self.suggestion {
            parts.push(format!("did you mean {word}?"));
        }
        parts.join("; ")
    }
}

/// A text, and where it stands in what was sent: spans count from the start of that, lines and columns as messages do.
#[derive(Debug, Clone, Copy)]
pub struct SourceText<'a> {
    pub(crate) text: &'a str,
    /// First byte.
    pub(crate) start: u32,
    /// Line and column of the first character, from 1.
    pub(crate) first: (u32, u32),
}

impl<'a> SourceText<'a> {
    /// All that was sent.
    pub(crate) fn whole(text: &'a str) -> Self {
        Self { text, start: 0, first: (1, 1) }
    }

    /// The text of a span.
    pub(crate) fn slice(self, span: Span) -> &'a str {
        let at = |offset: u32| offset.saturating_sub(self.start) as usize;
        self.text.get(at(span.start)..at(span.end)).unwrap_or_default()
    }

    /// The line that an offset is on, without secrets.
    pub(crate) fn line(self, offset: u32) -> String {
        let before = self.text.get(..offset.saturating_sub(self.start) as usize).unwrap_or(self.text);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = self.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        masked_part(self.text, start..start + line.len())
    }

    /// What is left of it from an offset on.
    pub(crate) fn from(self, start: u32) -> Self {
        let text = self.text.get(start.saturating_sub(self.start) as usize..).unwrap_or_default();
        Self { text, start, first: self.line_column(start) }
    }

    /// Line and column (in characters), both from 1, of an offset that spans have.
    pub fn line_column(self, offset: u32) -> (u32, u32) {
        let (line, column) = line_column(self.text, offset.saturating_sub(self.start));
        let (first_line, first_column) = self.first;
        (first_line + line - 1, if line == 1 { first_column + column - 1 } else { column })
    }
}

/// Line and column (in characters), both from 1, of a byte offset.
pub fn line_column(text: &str, offset: u32) -> (u32, u32) {
    let before = text.get(..offset as usize).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::line_column;
    use crate::{Variables, parse};

    #[test]
    fn positions_count_characters_from_one() {
        assert_eq!(line_column("a\nbé x", 5), (2, 3));
        assert_eq!(line_column("", 0), (1, 1));
    }

    /// As ksqlDB has it: without variables it reads a request once, with some it reads every statement by itself once more.
    #[test]
    fn positions_count_from_the_request_or_with_variables_from_the_statement() {
        let text = "\n  LIST TOPICS;\r\n  SELECT a\n FROM s WHERE `é` = 99999999999999999999;";
        let message = |variables: &Variables| parse(text, variables).unwrap_err().message;
        assert_eq!(
            message(&Variables::default()),
            "Failed to prepare statement: line 4:22: Invalid numeric literal: 99999999999999999999"
        );
        let some = [("x", "y")].into_iter().collect();
        assert_eq!(
            message(&some),
            "Failed to prepare statement: line 2:22: Invalid numeric literal: 99999999999999999999"
        );
        let parsed = parse("  SELECT a, ${x} FROM s;", &some).unwrap();
        let place = parsed[0].place();
        assert_eq!((parsed[0].first, place.line_column(9), place.line_column(2)), ((1, 1), (1, 8), (1, 1)));
        let parsed = parse("  SELECT a FROM s; \n LIST TOPICS;", &Variables::default()).unwrap();
        assert_eq!((parsed[0].first, parsed[1].first), ((1, 3), (2, 2)));
    }

    #[test]
    fn the_note_says_what_was_expected() {
        let error = parse("SELECT *\n FORM orders;", &Variables::default()).unwrap_err();
        assert_eq!((error.line, error.column), (2, 2));
        assert_eq!(error.note(), "expected ',' or 'FROM'; did you mean FROM?");
    }
}
