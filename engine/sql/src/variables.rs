//! `${name}`: values put into literals and names, never into keywords.

use std::collections::BTreeMap;

use crate::{
    Span, SqlError,
    error::{ErrorKind, SourceText},
    limits::exceeded,
    tokens::{self, Kind, Token},
};

/// What DEFINE knows. Names are found in any case and listed as they were written last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables {
    by_upper_name: BTreeMap<String, (String, String)>,
    /// Texts stay as they were written.
    switched_off: bool,
}

impl Variables {
    /// The same, and no text is changed by them.
    pub fn switched_off(self) -> Self {
        Self { switched_off: true, ..self }
    }

    /// Whether texts stay as they are.
    pub fn is_idle(&self) -> bool {
        self.switched_off || self.by_upper_name.is_empty()
    }

    /// Sets a variable.
    pub fn define(&mut self, name: &str, value: &str) {
        self.by_upper_name.insert(name.to_ascii_uppercase(), (name.to_owned(), value.to_owned()));
    }

    /// Forgets a variable; false if there was none.
    pub fn undefine(&mut self, name: &str) -> bool {
        self.by_upper_name.remove(&name.to_ascii_uppercase()).is_some()
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.by_upper_name.get(&name.to_ascii_uppercase()).map(|(_, value)| value.as_str())
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.by_upper_name.values().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut variables = Self::default();
        for (name, value) in pairs {
            variables.define(name.as_ref(), value.as_ref());
        }
        variables
    }
}

/// How many bytes the text may still have, of how many.
#[derive(Clone, Copy)]
pub(crate) struct Budget {
    pub(crate) most: usize,
    pub(crate) left: usize,
}

/// A statement's text with its variables replaced, or None if it has none.
pub(crate) fn substitute(
    statement: SourceText<'_>,
    tokens: &[Token],
    variables: &Variables,
    budget: Budget,
) -> Result<Option<String>, SqlError> {
    if !statement.text.contains("${") {
        return Ok(None);
    }
    let mut out = Replaced { text: String::new(), budget };
    let mut copied = statement.start;
    for token in tokens {
        let written = statement.slice(token.span);
        let value = match token.kind {
            Kind::Variable => variables.get(variable_name(written)),
            Kind::String | Kind::Quoted => Some(""),
            _ => None,
        };
        let Some(value) = value else { continue };
        out.push(statement.slice(Span { start: copied, end: token.span.start }), statement, token.span)?;
        copied = token.span.end;
        if token.kind != Kind::Variable {
            within_quotes(written, variables, |part| out.push(part, statement, token.span))?;
            continue;
        }
        if !is_one_value(value) {
            let (line, column) = statement.line_column(token.span.start);
            let message = format!(
                "Illegal argument at Line: {line}, Col: {column}. Variable values outside quotes must be one literal or \
                 one identifier. Got: '{value}'"
            );
            let mut error = SqlError::new(ErrorKind::Invalid, message, statement, token.span);
            statement.text.clone_into(&mut error.statement);
            return Err(error);
        }
        out.push(value, statement, token.span)?;
    }
    let end = statement.start.saturating_add(tokens::position(statement.text.len()));
    let span = Span { start: copied, end };
    out.push(statement.slice(span), statement, span)?;
    Ok(Some(out.text))
}

struct Replaced {
    text: String,
    budget: Budget,
}

impl Replaced {
    /// Adds a part that comes from `span`, if the text may become so long.
    fn push(&mut self, part: &str, statement: SourceText<'_>, span: Span) -> Result<(), SqlError> {
        if self.text.len() + part.len() > self.budget.left {
            let much = "with its variables replaced more bytes";
            return Err(exceeded(statement, span.start, much, self.budget.most, "bytes"));
        }
        self.text.push_str(part);
        Ok(())
    }
}

/// `x` of `${x}`
fn variable_name(written: &str) -> &str {
    written.get(2..written.len().saturating_sub(1)).unwrap_or_default()
}

/// A value must not bring syntax of its own.
fn is_one_value(value: &str) -> bool {
    let tokens = tokens::tokenize(value).list;
    match tokens.as_slice() {
        [one, _] => one.is_identifier() || one.is_number() || one.kind == Kind::String || is_constant(one),
        [sign, number, _] => sign.is("-") && number.is_number(),
        _ => false,
    }
}

fn is_constant(token: &Token) -> bool {
    ["TRUE", "FALSE", "NULL"].iter().any(|word| token.is(word))
}

/// Replaces inside a quoted text, doubling the quotes that values bring. `$${x}` stays as `${x}`.
fn within_quotes(
    written: &str,
    variables: &Variables,
    mut push: impl FnMut(&str) -> Result<(), SqlError>,
) -> Result<(), SqlError> {
    let quote = written.get(..1).unwrap_or_default();
    let mut rest = written;
    while let Some(dollar) = rest.find('$') {
        let (before, from) = rest.split_at(dollar);
        push(before)?;
        let escaped = from.strip_prefix('$').filter(|after| tokens::variable_length(after).is_some());
        let length = tokens::variable_length(escaped.unwrap_or(from)).unwrap_or(1);
        let (variable, after) = escaped.unwrap_or(from).split_at(length);
        match variables.get(variable_name(variable)) {
            Some(value) if escaped.is_none() && length > 1 => push(&value.replace(quote, &quote.repeat(2)))?,
            _ => push(variable)?,
        }
        rest = after;
    }
    push(rest)
}

#[cfg(test)]
mod tests {
    use super::Variables;
    use crate::{parse, parse_one};

    fn text(sql: &str, variables: &[(&str, &str)]) -> String {
        parse_one(sql, &variables.iter().copied().collect()).unwrap().text
    }

    #[test]
    fn names_and_literals_are_replaced() {
        assert_eq!(text("DESCRIBE ${Src};", &[("src", "x")]), "DESCRIBE x;");
        assert_eq!(
            text("INSERT INTO x VALUES (${id}, '${v}', '$${v}', ${q});", &[("id", "-7"), ("v", "it's"), ("q", "'s'")]),
            "INSERT INTO x VALUES (-7, 'it''s', '${v}', 's');"
        );
        assert_eq!(text("SELECT `${c}` FROM s;", &[("c", "a`b")]), "SELECT `a``b` FROM s;");
    }

    #[test]
    fn undefined_ones_stay() {
        assert_eq!(text("SELECT ${a}, '${b} $ ${' FROM s;", &[]), "SELECT ${a}, '${b} $ ${' FROM s;");
    }

    #[test]
    fn keywords_and_syntax_cannot_be_brought_in() {
        let with = |sql: &str, value: &str| parse_one(sql, &[("w", value)].into_iter().collect::<Variables>());
        let error = with("LIST ${w};", "STREAMS").unwrap_err();
        assert_eq!(error.message, "line 1:6: Syntax Error\nSyntax error at or near '${w}' at line 1:6");
        assert_eq!(with("SELECT * FROM x LIMIT ${w};", "2").unwrap_err().message, "line 1:23: Syntax Error\n");
        assert!(with("DROP STREAM ${w};", "a; DROP STREAM b").is_err());
        assert!(with("DROP STREAM ${w};", "a DELETE TOPIC").is_err());
        assert!(with("DROP STREAM ${w};", "SELECT").is_err());
        assert_eq!(with("SET 'a'='${w}';", "'; DROP").unwrap().text, "SET 'a'='''; DROP';");
    }

    #[test]
    fn define_counts_from_the_next_statement_on() {
        let parsed = parse("DEFINE a = 'x'; DESCRIBE ${a}; UNDEFINE A; PRINT '${a}';", &Variables::default()).unwrap();
        let texts: Vec<&str> = parsed.iter().map(|p| p.text.as_str()).collect();
        assert_eq!(texts, ["DEFINE a = 'x';", "DESCRIBE x;", "UNDEFINE A;", "PRINT '${a}';"]);
    }
}
