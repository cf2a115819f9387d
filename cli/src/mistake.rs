//! What is wrong with a statement, drawn below the line in question.
//!
//! ```text
//! riders.sql:3:12: SELECT column 'LATITUD' cannot be resolved.
//!   |
//! 3 | SELECT id, latitud FROM riders EMIT CHANGES;
//!   |            ^^^^^^^ did you mean `LATITUDE`?
//! ```

use sql::{Span, SqlError};
use unicode_width::UnicodeWidthStr;

use crate::client::Refusal;
use crate::entry::Entry;

/// Where a statement comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Script<'a> {
    /// How errors call it; what is typed has no name.
    pub(crate) name: Option<&'a str>,
    /// The lines around it.
    pub(crate) entry: &'a Entry,
}

/// What is wrong with one statement.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// In the words of ksqlDB's clients.
    message: String,
    /// The part of the statement it is about, where known.
    span: Option<Span>,
    /// What could be done about it; may be empty.
    note: String,
}

impl Mistake {
    /// The statement is no SQL.
    pub(crate) fn of_syntax(error: &SqlError, statement: &str) -> Self {
        // The note says what was expected, in fewer words.
        let message = error.message.split("\nExpecting").next().unwrap_or_default().trim_end();
        let word = statement.get(error.span.start as usize..error.span.end as usize).unwrap_or_default();
        let is_keyword = sql::keywords().any(|keyword| keyword.eq_ignore_ascii_case(word));
        // It was closed by `;`, so what is open now is a quote or a comment.
        let is_open = sql::split(statement).last().is_some_and(|piece| !piece.complete);
        let note = if is_open {
            "a quote or a comment before this is not closed".to_owned()
        } else if is_keyword && error.expected == ["identifier"] {
            format!("{word} is a word of the language; as a name it is written `{}`", word.to_ascii_uppercase())
        } else {
            error.note()
        };
        Self { message: message.to_owned(), span: Some(error.span), note }
    }

    /// The server refused the statement.
    pub(crate) fn of_refusal(refusal: &Refusal, statement: &str) -> Self {
        let message = refusal.body.message().to_owned();
        let named = || place(&message).and_then(|(line, column)| word_at(statement, line, column));
        Self { span: refusal.span.or_else(named), note: refusal.hint.clone().unwrap_or_default(), message }
    }

    /// Nobody knows which part of the statement is to blame, or none is.
    pub(crate) fn somewhere(message: String) -> Self {
        Self { message, span: None, note: String::new() }
    }

    /// The text to show. A statement with variables was not sent as it stands there, so that places in it mean nothing; one
    /// with a password is not shown.
    pub(crate) fn show(&self, script: Script<'_>, statement: Span) -> String {
        let Script { name, entry } = script;
        let text = entry.slice(statement);
        let at = self.span.filter(|_| !text.contains("${") && sql::masked_text(text) == text);
        let Some(span) = at.map(|span| Span { start: span.start + statement.start, end: span.end + statement.start })
        else {
            let hint = if self.note.is_empty() { String::new() } else { format!("\n{}", self.note) };
            let line = entry.line_column(entry.as_written(statement).start).0;
            let name = name.map(|name| format!("{name}:{line}: ")).unwrap_or_default();
            return format!("{name}{}{hint}", self.message);
        };
        let span = entry.as_written(span);
        let (line, column) = entry.line_column(span.start);
        // The drawing shows the part of the statement that ksqlDB tells below its message.
        let message = self.message.split("\nStatement: ").next().unwrap_or_default();
        let message = match name {
            Some(name) => format!("{name}:{line}:{column}: {}", without_place(message)),
            None => message.to_owned(),
        };
        format!("{message}\n{}", underlined(entry, span, &self.note))
    }
}

/// The line where `span` begins, with as much of the span as is on it underlined.
fn underlined(entry: &Entry, span: Span, note: &str) -> String {
    let text = entry.written();
    let (number, column) = entry.line_column(span.start);
    let start = text.get(..span.start as usize).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let line = text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default().replace('\t', " ");
    let split = line.char_indices().nth(column.saturating_sub(1) as usize).map_or(line.len(), |(at, _)| at);
    let (before, rest) = line.split_at(split);
    let covered = text.get(span.start as usize..span.end as usize).unwrap_or_default();
    let covered = covered.lines().next().unwrap_or_default().width().min(rest.width()).max(1);
    let number = number.to_string();
    let gutter = " ".repeat(number.len());
    let marks = format!("{}{} {note}", " ".repeat(before.width()), "^".repeat(covered));
    format!("{gutter} |\n{number} | {line}\n{gutter} | {}", marks.trim_end())
}

/// The word at a place of a statement.
fn word_at(statement: &str, line: usize, column: usize) -> Option<Span> {
    let before: usize = statement.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let rest = statement.get(before..)?;
    let start = before + rest.char_indices().nth(column - 1).map_or(rest.len(), |(at, _)| at);
    let word = statement.get(start..)?.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(0);
    Some(Span { start: u32::try_from(start).ok()?, end: u32::try_from(start + word).ok()? })
}

/// Line and column of the first place a message names, from 1: `Line: 2, Col: 5`, `line 2:5`.
fn place(message: &str) -> Option<(usize, usize)> {
    let lower = message.to_ascii_lowercase();
    let at = lower.find("line")?;
    let mut numbers = lower[at..].split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok());
    let (line, column) = (numbers.next()?, numbers.next()?);
    let names_one = lower[at + 4..].trim_start_matches([':', ' ']).starts_with(|c: char| c.is_ascii_digit());
    (names_one && line > 0 && column > 0).then_some((line, column))
}

/// The message without the place it begins with, which counts from the statement's beginning.
fn without_place(message: &str) -> &str {
    let begins_with_one = message.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("line"));
    let end = if begins_with_one && place(message).is_some() { message.find(": ").map(|at| at + 2) } else { None };
    match end.and_then(|end| message.get(end..)) {
        // `Line: 1, Col: 12: text`: the first colon is within the place.
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest.splitn(3, ": ").nth(2).unwrap_or(message),
        Some(rest) => rest,
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: u32, end: u32) -> Span {
        Span { start, end }
    }

    #[test]
    fn both_ways_of_naming_a_place() {
        let resolved = "Line: 1, Col: 12: SELECT column 'X' cannot be resolved.";
        assert_eq!(place(resolved), Some((1, 12)));
        assert_eq!(without_place(resolved), "SELECT column 'X' cannot be resolved.");
        assert_eq!(place("line 2:5: Syntax Error"), Some((2, 5)));
        assert_eq!(without_place("line 2:5: Syntax Error"), "Syntax Error");
        assert_eq!(place("the online shop has 3 or 4 rows"), None);
    }

    #[test]
    fn places_count_from_the_beginning_of_the_file() {
        let entry = Entry::of("SHOW STREAMS;\n\n  SELECT a,\n 日本 bb FROM s;");
        let script = Script { name: Some("x.sql"), entry: &entry };
        let statement = span(17, 44);
        let at = word_at(entry.slice(statement), 2, 5);
        let mistake = Mistake { message: "line 2:5: no".to_owned(), span: at, note: "b?".into() };
        assert_eq!(mistake.show(script, statement), "x.sql:4:5: no\n  |\n4 |  日本 bb FROM s;\n  |       ^^ b?");
    }

    #[test]
    fn passwords_are_not_drawn() {
        let entry = Entry::of("SET 'ssl.key.password' = 'sekret' 'x';");
        let script = Script { name: Some("x.sql"), entry: &entry };
        let mistake = Mistake { message: "no".to_owned(), span: Some(span(34, 37)), note: String::new() };
        assert_eq!(mistake.show(script, span(0, 38)), "x.sql:1: no");
    }

    #[test]
    fn without_a_place_the_statement_is_named() {
        let entry = Entry::of("\nSHOW STREAMS;");
        let script = Script { name: Some("x.sql"), entry: &entry };
        let mistake = Mistake::somewhere("no".to_owned());
        assert_eq!(mistake.show(script, span(1, 14)), "x.sql:2: no");
        assert_eq!(mistake.show(Script { name: None, ..script }, span(1, 14)), "no");
    }
}
