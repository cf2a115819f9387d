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

    /// The line in question with the place underlined and, where known, what was expected there.
    ///
    /// ```text
    ///   |
    /// 1 | SELECT * FORM orders;
    ///   |          ^^^^ expected ',' or 'FROM'; did you mean FROM?
    /// ```
    pub fn caret(&self, text: &str) -> String {
        let line = text.lines().nth(self.line.saturating_sub(1) as usize).unwrap_or_default();
        let shown = line.replace('\t', " ");
        let width = self.underlined(text, line);
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        let indent = " ".repeat(self.column.saturating_sub(1) as usize);
        let note = self.note();
        let gap = if note.is_empty() { "" } else { " " };
        format!("{gutter} |\n{number} | {shown}\n{gutter} | {indent}{}{gap}{note}", "^".repeat(width))
    }

    /// How many characters of `line` the span covers, at least one.
    fn underlined(&self, text: &str, line: &str) -> usize {
        let covered = text.get(self.span.start as usize..self.span.end as usize).unwrap_or_default();
        let here = covered.lines().next().unwrap_or_default().chars().count();
        let left = line.chars().count().saturating_sub(self.column.saturating_sub(1) as usize);
        here.min(left).max(1)
    }

    fn note(&self) -> String {
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
    fn the_caret_underlines_the_token_and_says_what_was_expected() {
        let text = "SELECT *\n FORM orders;";
        let drawn = parse(text, &Variables::default()).unwrap_err().caret(text);
        assert_eq!(drawn, "  |\n2 |  FORM orders;\n  |  ^^^^ expected ',' or 'FROM'; did you mean FROM?");
    }
}
