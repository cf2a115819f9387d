//! Text ⟷ statements. Knows the grammar and nothing about topics, types of columns or whether a name exists.
//!
//! ```text
//! text ──tokens──> ──parser──> Statement ──format──> canonical text
//!   └─split──> where statements end          └─variables: ${x} is replaced in the text, which is then parsed again
//! ```

pub mod ast;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod depth_tests;
mod error;
mod format;
mod keywords;
mod limits;
mod parser;
mod split;
mod tokens;
mod variables;

pub use ast::*;
pub use error::{ErrorKind, SourceText, SqlError, Suggestion, line_column};
pub use format::{
    format, format_element, format_expr, format_ident, format_query, format_string, format_type, format_with,
    is_secret, masked, masked_text, without_credentials,
};
pub use keywords::keywords;
pub use limits::Limits;
pub use split::{Piece, split};
pub use variables::Variables;

/// The stack of a thread that reads statements or does something with what was read. A statement may be deep, and whatever
/// walks over it calls itself for each level; the parser takes most (6 MiB, and 34 without optimisations). Only what is used
/// of a stack takes memory.
pub const STACK_BYTES: usize = if cfg!(debug_assertions) { 64 << 20 } else { 16 << 20 };

use parser::{Found, Grammar, Parser};
use tokens::Token;
use variables::Budget;

/// Parses a whole text. Every statement needs its `;`.
///
/// A DEFINE or UNDEFINE in the text counts for the statements after it, on top of `variables`.
///
/// # Errors
/// A syntax error anywhere, else the first statement that breaks a rule (see [`ErrorKind`]).
pub fn parse(text: &str, variables: &Variables) -> Result<Vec<Parsed>, SqlError> {
    parse_within(text, variables, Limits::default())
}

/// [`parse`] with bounds of one's own.
///
/// # Errors
/// As [`parse`].
pub fn parse_within(text: &str, variables: &Variables, limits: Limits) -> Result<Vec<Parsed>, SqlError> {
    parse_all(text, variables, Grammar::Server, limits)
}

/// [`parse`], for test scripts: also takes ASSERT VALUES, ASSERT NULL VALUES, ASSERT STREAM, ASSERT TABLE and RUN SCRIPT.
///
/// # Errors
/// As [`parse`].
pub fn parse_script(text: &str, variables: &Variables) -> Result<Vec<Parsed>, SqlError> {
    parse_all(text, variables, Grammar::Scripts, Limits::NONE)
}

/// Parses a text that must be exactly one statement, with or without its `;`.
///
/// # Errors
/// As [`parse`].
pub fn parse_one(text: &str, variables: &Variables) -> Result<Parsed, SqlError> {
    let tokens = tokens::tokenize(text);
    let mut parser = Parser::new(SourceText::whole(text), &tokens.list, Grammar::Server, Limits::NONE);
    let found = parser.terminated_statement(false)?;
    parser.end()?;
    let (grammar, limits, read) = (Grammar::Server, Limits::NONE, SourceText::whole(text));
    Rest { text, grammar, limits, grown: 0, read }.finish(&tokens.list, found, variables)
}

/// Parses an expression.
///
/// # Errors
/// A syntax error, or a broken rule such as a number out of range.
pub fn parse_expression(text: &str) -> Result<Expr, SqlError> {
    parse_part(text, |p| p.expression())
}

/// Parses a type such as `MAP<STRING, DECIMAL(4, 2)>`.
///
/// # Errors
/// As [`parse_expression`].
pub fn parse_type(text: &str) -> Result<Type, SqlError> {
    parse_part(text, |p| p.sql_type())
}

/// Parses columns such as `ID BIGINT KEY, V STRING`; there may be none.
///
/// # Errors
/// As [`parse_expression`].
pub fn parse_elements(text: &str) -> Result<Vec<Element>, SqlError> {
    parse_part(text, |p| p.bare_elements())
}

fn parse_part<T>(text: &str, part: impl FnOnce(&mut Parser) -> Result<T, SqlError>) -> Result<T, SqlError> {
    let tokens = tokens::tokenize(text);
    let mut parser = Parser::new(SourceText::whole(text), &tokens.list, Grammar::Server, Limits::NONE);
    let parsed = part(&mut parser)?;
    parser.end()?;
    parser.broken_rule()?;
    Ok(parsed)
}

fn parse_all(text: &str, variables: &Variables, grammar: Grammar, limits: Limits) -> Result<Vec<Parsed>, SqlError> {
    limits.check_bytes(text)?;
    let tokens = tokens::tokenize_at_most(text, limits.tokens);
    limits.check_tokens(text, &tokens)?;
    let found = Parser::new(SourceText::whole(text), &tokens.list, grammar, limits).statements()?;
    let mut variables = variables.clone();
    let mut rest = Rest { text, grammar, limits, grown: 0, read: SourceText::whole(text) };
    let mut all = Vec::with_capacity(found.len());
    for statement in found {
        let parsed = rest.finish(&tokens.list, statement, &variables)?;
        match &parsed.statement {
            Statement::Define { name, value } => variables.define(name, value),
            Statement::Undefine { name } => {
                variables.undefine(name);
            }
            _ => {}
        }
        all.push(parsed);
    }
    Ok(all)
}

/// The rest of the way of statements that were read: variables, and the rules beyond the grammar.
struct Rest<'a> {
    text: &'a str,
    grammar: Grammar,
    limits: Limits,
    /// Bytes of the statements so far whose variables were replaced.
    grown: usize,
    /// The text from the last statement on.
    read: SourceText<'a>,
}

impl Rest<'_> {
    /// Replaces a statement's variables, if it has any, and checks the rules.
    fn finish(&mut self, tokens: &[Token], found: Found, variables: &Variables) -> Result<Parsed, SqlError> {
        let Span { start, end } = found.span;
        if variables.is_idle() {
            self.read = self.read.from(start);
            return accept(self.read.slice(found.span), (start, self.read.first), found);
        }
        // With variables, ksqlDB reads every statement once more and by itself: from here on, messages count lines and
        // columns from its start.
        let own = SourceText { text: SourceText::whole(self.text).slice(Span { start, end }), start, first: (1, 1) };
        let own_tokens = tokens.get(found.tokens.clone()).unwrap_or_default();
        let budget = Budget { most: self.limits.bytes, left: self.limits.bytes.saturating_sub(self.grown) };
        let replaced = variables::substitute(own, own_tokens, variables, budget)?;
        if replaced.is_none() && found.invalid.is_none() {
            return accept(own.text, (start, own.first), found);
        }
        let replaced = replaced.as_deref().unwrap_or(own.text);
        self.grown += replaced.len();
        let mut again = tokens::tokenize(replaced);
        again.move_to(start);
        let mut parser = Parser::new(SourceText { text: replaced, ..own }, &again.list, self.grammar, self.limits);
        let statement = parser.terminated_statement(false)?;
        parser.end()?;
        accept(replaced, (start, own.first), statement)
    }
}

/// `own` is the statement's text, which starts at an offset and at a line and column.
fn accept(own: &str, (start, first): (u32, (u32, u32)), found: Found) -> Result<Parsed, SqlError> {
    if let Some(mut error) = found.invalid {
        if error.statement.is_empty() {
            error.statement = masked(&found.statement).unwrap_or_else(|| masked_text(own));
        }
        return Err(error);
    }
    let span = Span { start, end: found.span.end };
    Ok(Parsed { statement: found.statement, text: own.to_owned(), span, first })
}
