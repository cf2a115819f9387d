//! SELECT and its clauses, in ksqlDB's order: WINDOW comes before WHERE.

use super::{Parser, Result};
use crate::{Emit, Expr, Join, JoinKind, Query, SelectItem, SourceRef, Statement, Window, tokens::Token};

impl Parser<'_> {
    pub(super) fn query(&mut self) -> Result<Query> {
        let first = self.position;
        self.expect_before("SELECT", |t| t.starts_expression() || t.is("*"))?;
        let select = self.list("FROM", |p, _| p.select_item())?;
        let from = self.source_ref()?;
        let joins = self.joins()?;
        let window = if self.eat("WINDOW") { Some(self.window()?) } else { None };
        let filter = if self.eat("WHERE") { Some(self.expression()?) } else { None };
        let group_by = if self.eat("GROUP") { self.keys()? } else { Vec::new() };
        let partition_first = self.position;
        let partition_by = if self.at_all(&["PARTITION", "BY"]) {
            self.advance();
            let keys = self.keys()?;
            if keys.is_empty() {
                self.refuse_prepared("PARTITION BY requires at least one expression", self.span_since(partition_first));
            }
            keys
        } else {
            Vec::new()
        };
        if !group_by.is_empty() && !partition_by.is_empty() {
            let span = self.span_since(partition_first);
            self.refuse_prepared("Queries only support one of PARTITION BY and GROUP BY", span);
        }
        let having = if self.eat("HAVING") { Some(self.expression()?) } else { None };
        let emit = self.emit()?;
        let limit = if self.eat("LIMIT") { Some(self.whole_number()?) } else { None };
        let span = self.span_since(first);
        Ok(Query { select, from, joins, window, filter, group_by, partition_by, having, emit, limit, span })
    }

    fn select_item(&mut self) -> Result<SelectItem> {
        let first = self.position;
        if self.at("*") {
            self.advance();
            return Ok(SelectItem::All { source: None, span: self.span_since(first) });
        }
        if self.peek().is_identifier() && self.peek_nth(1).is(".") && self.peek_nth(2).is("*") {
            let source = Some(self.identifier()?);
            self.position += 2;
            return Ok(SelectItem::All { source, span: self.span_since(first) });
        }
        if !self.peek().starts_expression() {
            return Err(self.unexpected_open("expression", |t| t.starts_expression() || t.is("*")));
        }
        let expr = self.select_expression(first)?;
        if self.at_all(&["->", "*"]) {
            self.position += 2;
            return Ok(SelectItem::StructAll { base: expr, span: self.span_since(first) });
        }
        let alias = if self.eat("AS") || self.peek().is_identifier() { Some(self.identifier()?) } else { None };
        Ok(SelectItem::Expr { expr, alias })
    }

    /// Whether an item is `x->*` or an expression shows only after its first operand, so errors in that one are "no
    /// alternative fits". The operand is read twice; it is usually a word.
    fn select_expression(&mut self, first: usize) -> Result<Expr> {
        let signed = ["-", "+", "NOT"].iter().any(|word| self.at(word));
        if !signed && self.peek().starts_expression() {
            self.choice.get_or_insert(first);
            let height = self.height;
            let base = self.primary();
            self.choice = self.choice.filter(|choice| *choice != first);
            let base = base?;
            if self.at_all(&["->", "*"]) {
                return Ok(base);
            }
            (self.position, self.height) = (first, height);
        }
        self.expression()
    }

    /// `name [[AS] alias]`. EMIT and PARTITION are aliases unless they start their clauses.
    fn source_ref(&mut self) -> Result<SourceRef> {
        let name = self.source_name()?;
        let clause = (self.at("EMIT") && (self.peek_nth(1).is("CHANGES") || self.peek_nth(1).is("FINAL")))
            || self.at_all(&["PARTITION", "BY"]);
        let alias =
            if self.eat("AS") || (!clause && self.peek().is_identifier()) { Some(self.source_name()?) } else { None };
        self.note_open();
        Ok(SourceRef { name, alias })
    }

    fn joins(&mut self) -> Result<Vec<Join>> {
        let mut joins = Vec::new();
        loop {
            let first = self.position;
            let Some(kind) = self.join_kind()? else { return Ok(joins) };
            let right = self.source_ref()?;
            let within = if self.at("WITHIN") { Some(self.within()?) } else { None };
            if !self.at("ON") {
                let expected: &[&str] = if within.is_some() { &["ON"] } else { &["WITHIN", "ON"] };
                return Err(self.unexpected(expected));
            }
            self.advance();
            let on = self.expression()?;
            joins.push(Join { kind, right, within, on, span: self.span_since(first) });
        }
    }

    fn join_kind(&mut self) -> Result<Option<JoinKind>> {
        let kind = if self.eat("INNER") || self.at("JOIN") {
            JoinKind::Inner
        } else if self.eat("LEFT") {
            JoinKind::Left
        } else if self.eat("RIGHT") {
            JoinKind::Right
        } else if self.eat("FULL") {
            JoinKind::Outer
        } else {
            return Ok(None);
        };
        if kind != JoinKind::Inner {
            self.eat("OUTER");
        }
        self.expect_before("JOIN", Token::is_identifier)?;
        Ok(Some(kind))
    }

    fn window(&mut self) -> Result<Window> {
        let first = self.position;
        let (kind, retention, grace) = self.window_clause()?;
        Ok(Window { kind, retention, grace, span: self.span_since(first) })
    }

    /// `BY a, b` or `BY (a, b)`, which mean the same.
    fn keys(&mut self) -> Result<Vec<Expr>> {
        self.expect_before("BY", Token::starts_expression)?;
        if let Some(keys) = self.keys_in_brackets() {
            return Ok(keys);
        }
        let mut keys = vec![self.value()?];
        while self.at(",") {
            self.advance();
            keys.push(self.value()?);
        }
        Ok(keys)
    }

    /// The bracketed list, unless the bracket only opens an expression: `(a + b) * c, d`.
    fn keys_in_brackets(&mut self) -> Option<Vec<Expr>> {
        let first = self.position;
        if !self.at("(") {
            return None;
        }
        self.advance();
        let keys = if self.at(")") { Some(Vec::new()) } else { self.values_until_bracket() };
        if keys.is_some() && self.at(")") {
            self.advance();
            let ends = [";", "PARTITION", "HAVING", "EMIT", "LIMIT"].iter().any(|word| self.at(word));
            if ends || self.peek().kind == crate::tokens::Kind::End {
                self.note_open();
                return keys;
            }
        }
        self.position = first;
        None
    }

    fn values_until_bracket(&mut self) -> Option<Vec<Expr>> {
        let (invalid, is_refused, height) = (self.invalid.clone(), self.is_refused, self.height);
        let mut keys = Vec::new();
        loop {
            let Ok(key) = self.value() else {
                (self.invalid, self.is_refused, self.height) = (invalid, is_refused, height);
                return None;
            };
            keys.push(key);
            if !self.at(",") {
                return Some(keys);
            }
            self.advance();
        }
    }

    fn emit(&mut self) -> Result<Option<Emit>> {
        if !self.eat("EMIT") {
            return Ok(None);
        }
        if self.at("CHANGES") {
            self.advance();
            return Ok(Some(Emit::Changes));
        }
        if self.at("FINAL") {
            self.advance();
            return Ok(Some(Emit::Final));
        }
        Err(self.unexpected_before(&["CHANGES", "FINAL"], |t| t.is("LIMIT") || t.is(";")))
    }

    /// The query of `CREATE … AS`, which runs for ever.
    pub(super) fn persistent_query(&mut self, statement: &str) -> Result<Box<Query>> {
        let query = self.query()?;
        if query.limit.is_some() {
            let message = format!("{statement} AS SELECT statements don't support LIMIT clause.");
            self.refuse_prepared(&message, query.span);
        }
        Ok(Box::new(query))
    }

    pub(super) fn explain(&mut self) -> Result<Statement> {
        self.advance();
        // SHOW, SET and the like can also be query ids
        let id = self.peek().is_identifier()
            && (self.peek_nth(1).is(";") || self.peek_nth(1).kind == crate::tokens::Kind::End);
        if id {
            return Ok(Statement::ExplainQuery { id: self.identifier()? });
        }
        if crate::keywords::STATEMENT_STARTS.iter().any(|word| self.at(word)) {
            let statement = self.nested(Self::statement)?;
            self.grow()?;
            return Ok(Statement::ExplainStatement(Box::new(statement)));
        }
        Ok(Statement::ExplainQuery { id: self.identifier()? })
    }
}
