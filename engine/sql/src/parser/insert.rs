//! INSERT INTO … SELECT and INSERT INTO … VALUES.

use super::{Parser, Result};
use crate::{Expr, Ident, Statement, tokens::Token};

impl Parser<'_> {
    pub(super) fn insert(&mut self) -> Result<Statement> {
        self.choice = Some(self.position);
        self.advance();
        self.expect("INTO")?;
        let target = self.source_name()?;
        if ["(", "VALUES", "WITH", "SELECT"].iter().any(|word| self.at(word)) {
            self.choice = None;
        }
        if self.at("(") || self.at("VALUES") {
            let first = self.position;
            let columns = self.optional_columns()?;
            let values = self.values_row("VALUES")?;
            self.check_row(&columns, &values, first);
            return Ok(Statement::InsertValues { target, columns, values });
        }
        let with = self.with_clause(true)?;
        if self.undecided_insert() {
            return Err(self.no_alternative());
        }
        self.choice = None;
        let query = Box::new(self.query()?);
        Ok(Statement::InsertSelect { target, with, query })
    }

    fn undecided_insert(&self) -> bool {
        self.choice.is_some() && !self.at("SELECT")
    }

    /// `(a, b, …)`, or nothing.
    pub(super) fn optional_columns(&mut self) -> Result<Vec<Ident>> {
        if !self.at("(") {
            return Ok(Vec::new());
        }
        self.advance();
        self.bracketed(|p| p.list(")", |p, _| p.identifier()))
    }

    /// `VALUES (…)` or `KEY (…)`; the row may be empty.
    pub(super) fn values_row(&mut self, word: &'static str) -> Result<Vec<Expr>> {
        self.expect_before(word, |t| t.is("("))?;
        self.expect_before("(", |t| t.starts_expression() || t.is(")"))?;
        if self.at(")") {
            self.advance();
            return Ok(Vec::new());
        }
        self.bracketed(|p| p.list(")", |p, _| p.value()))
    }

    fn check_row(&mut self, columns: &[Ident], values: &[Expr], first: usize) {
        let span = self.span_since(first);
        if values.is_empty() {
            self.refuse_prepared("Expected some values for INSERT INTO statement.", span);
        } else if !columns.is_empty() && columns.len() != values.len() {
            let (columns, values) = (columns.len(), values.len());
            self.refuse_prepared(&format!("Expected number columns and values to match: {columns}, {values}"), span);
        }
    }

    /// Whether a literal of a WITH clause can start here.
    pub(super) fn starts_literal(token: &Token) -> bool {
        token.is_number() || token.is("-") || ["TRUE", "FALSE", "NULL"].iter().any(|word| token.is(word))
    }
}
