//! What is wrong with a text, where, and what would have been right.

use crate::Span;

/// Whether the grammar or a rule beyond it was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The text is no statement. Nothing of the whole text can run.
    Syntax,
    /// The statement reads well but cannot mean anything (a number out of range, KEY on a table). Statements before it can.
    Invalid,
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
    /// The word that was probably meant.
    pub suggestion: Option<String>,
    /// What ksqlDB reports as the statement: the whole text for syntax errors, else the one statement, with its values
    /// masked.
    pub statement: String,
}

impl SqlError {
    pub(crate) fn new(kind: ErrorKind, message: String, text: &str, span: Span) -> Self {
        let (line, column) = line_column(text, span.start);
        Self { kind, message, span, line, column, expected: Vec::new(), suggestion: None, statement: text.to_owned() }
    }

    /// What could have stood there and what was probably meant; empty when nothing is known.
    pub fn note(&self) -> String {
        let mut parts = Vec::new();
        if let Some((last, rest)) = self.expected.split_last() {
            let list = if rest.is_empty() { last.clone() } else { format!("{} or {last}", rest.join(", ")) };
            parts.push(format!("expected {list}"));
        }
        if let Some(word) = &self.suggestion {
            parts.push(format!("did you mean {word}?"));
        }
        parts.join("; ")
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

    #[test]
    fn the_note_says_what_was_expected() {
        let error = parse("SELECT *\n FORM orders;", &Variables::default()).unwrap_err();
        assert_eq!((error.line, error.column), (2, 2));
        assert_eq!(error.note(), "expected ',' or 'FROM'; did you mean FROM?");
    }
}
