//! Text ⟷ statements. Knows the grammar and nothing about topics, types of columns or whether a name exists.
//!
//! ```text
//! text ──tokens──> ──parser──> Statement ──format──> canonical text
//!   └─split──> where statements end          └─variables: ${x} is replaced in the text, which is then parsed again
//! ```

pub mod ast;
#[cfg(test)]
mod corpus;
mod dialect;
mod error;
mod format;
mod keywords;
mod parser;
mod split;
mod tokens;
mod variables;

pub use ast::*;
pub use error::{ErrorKind, SqlError, line_column};
pub use format::{
    format, format_element, format_expr, format_ident, format_query, format_string, format_type, format_with, masked,
};
pub use keywords::keywords;
pub use split::{Piece, split};
pub use variables::Variables;

use parser::{Found, Grammar, Parser};

/// Parses a whole text. Every statement needs its `;`.
///
/// A DEFINE or UNDEFINE in the text counts for the statements after it, on top of `variables`.
///
/// # Errors
/// A syntax error anywhere, else the first statement that breaks a rule (see [`ErrorKind`]).
pub fn parse(text: &str, variables: &Variables) -> Result<Vec<Parsed>, SqlError> {
    parse_all(text, variables, Grammar::Server)
}

/// [`parse`], for test scripts: also takes ASSERT VALUES, ASSERT NULL VALUES, ASSERT STREAM, ASSERT TABLE and RUN SCRIPT.
///
/// # Errors
/// As [`parse`].
pub fn parse_script(text: &str, variables: &Variables) -> Result<Vec<Parsed>, SqlError> {
    parse_all(text, variables, Grammar::Scripts)
}

/// Parses a text that must be exactly one statement, with or without its `;`.
///
/// # Errors
/// As [`parse`].
pub fn parse_one(text: &str, variables: &Variables) -> Result<Parsed, SqlError> {
    let tokens = tokens::tokenize(text);
    let mut parser = Parser::new(text, &tokens, 0, Grammar::Server);
    let found = parser.terminated_statement(false)?;
    parser.end()?;
    finish(text, &tokens, found, variables, Grammar::Server)
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
    let mut parser = Parser::new(text, &tokens, 0, Grammar::Server);
    let parsed = part(&mut parser)?;
    parser.end()?;
    parser.broken_rule()?;
    Ok(parsed)
}

fn parse_all(text: &str, variables: &Variables, grammar: Grammar) -> Result<Vec<Parsed>, SqlError> {
    let tokens = tokens::tokenize(text);
    let found = Parser::new(text, &tokens, 0, grammar).statements()?;
    let mut variables = variables.clone();
    let mut all = Vec::new();
    for statement in found {
        let parsed = finish(text, &tokens, statement, &variables, grammar)?;
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

/// Replaces a statement's variables, if it has any, and checks the rules beyond the grammar.
fn finish(
    text: &str,
    tokens: &tokens::Tokens,
    found: Found,
    variables: &Variables,
    grammar: Grammar,
) -> Result<Parsed, SqlError> {
    let own = tokens.list.get(found.tokens.clone()).unwrap_or_default();
    let Some(replaced) = variables::substitute(text, own, variables)? else {
        return accept(text, found);
    };
    // parsed behind the text before it, so that positions still count from the start
    let before = text.get(..found.span.start as usize).unwrap_or_default();
    let whole = format!("{before}{replaced}");
    let tokens = tokens::tokenize(&whole);
    let first = tokens.list.iter().position(|t| t.span.start >= found.span.start).unwrap_or_default();
    let mut parser = Parser::new(&whole, &tokens, first, grammar);
    let again = parser.terminated_statement(false)?;
    parser.end()?;
    accept(&whole, again)
}

fn accept(text: &str, found: Found) -> Result<Parsed, SqlError> {
    let own = text.get(found.span.start as usize..found.span.end as usize).unwrap_or_default();
    if let Some(mut error) = found.invalid {
        if error.statement.is_empty() {
            error.statement = masked(&found.statement).unwrap_or_else(|| own.to_owned());
        }
        return Err(error);
    }
    Ok(Parsed { statement: found.statement, text: own.to_owned(), span: found.span })
}
