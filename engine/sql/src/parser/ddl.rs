//! CREATE, ALTER and DROP.

use std::collections::{HashMap, HashSet};

use super::{Parser, Result};
use crate::{
    ConnectorKind, Constraint, CreateAs, CreateSource, Element, Expr, ExprKind, Ident, SourceKind, Statement,
    Suggestion, With,
    tokens::{Kind, Token},
};

impl Parser<'_> {
    pub(super) fn create(&mut self) -> Result<Statement> {
        self.choice = Some(self.position);
        self.advance();
        if self.at("TYPE") {
            self.choice = None;
            return self.create_type();
        }
        if self.at("SINK") || (self.at("SOURCE") && self.peek_nth(1).is("CONNECTOR")) {
            self.choice = None;
            return self.create_connector();
        }
        let or_replace = self.eat_firmly(&["OR", "REPLACE"], 1)?;
        let source = self.eat("SOURCE");
        let kind = self.source_kind()?;
        if source {
            self.choice = None;
        }
        let if_not_exists = self.eat_firmly(&["IF", "NOT", "EXISTS"], 2)?;
        let name = self.source_name()?;
        if self.at("(") {
            self.choice = None;
            self.advance();
            let elements = self.bracketed_elements()?;
            self.check_key_constraints(kind, &elements);
            let with = self.with_clause(true)?;
            return Ok(Statement::CreateSource(CreateSource {
                kind,
                name,
                or_replace,
                source,
                if_not_exists,
                elements,
                with,
            }));
        }
        // ksqlDB does not name the AS that could follow
        self.note_tried("(");
        let with = self.with_clause(true)?;
        self.choice = None;
        if !source && self.at("AS") {
            self.advance();
            let statement = if kind == SourceKind::Stream { "CREATE STREAM" } else { "CREATE TABLE" };
            let query = self.persistent_query(statement)?;
            return Ok(Statement::CreateAs(CreateAs { kind, name, or_replace, if_not_exists, with, query }));
        }
        let elements = Vec::new();
        Ok(Statement::CreateSource(CreateSource { kind, name, or_replace, source, if_not_exists, elements, with }))
    }

    /// STREAM or TABLE.
    pub(super) fn source_kind(&mut self) -> Result<SourceKind> {
        if self.eat("STREAM") {
            Ok(SourceKind::Stream)
        } else if self.eat("TABLE") {
            Ok(SourceKind::Table)
        } else {
            Err(self.no_alternative())
        }
    }

    /// Streams have keys, tables have primary keys. Names that are taken twice are told of first, by who looks at columns.
    fn check_key_constraints(&mut self, kind: SourceKind, elements: &[Element]) {
        let (wrong, is, use_, of) = match kind {
            SourceKind::Stream => (Constraint::PrimaryKey, "PRIMARY KEY", "KEY", "streams"),
            SourceKind::Table => (Constraint::Key, "KEY", "PRIMARY KEY", "tables"),
        };
        let Some(element) = elements.iter().find(|element| element.constraint == wrong) else { return };
        let mut names = HashSet::new();
        if !elements.iter().all(|element| names.insert(&element.name.name)) {
            return;
        }
        let span = element.name.span;
        let (line, column) = self.place.line_column(span.start);
        let name = &element.name.name;
        self.refuse(
            format!(
                "Line: {line}, Col: {column}: Column `{name}` is a '{is}' column: please use '{use_}' for {of}.\n\
                 Tables have PRIMARY KEYs, which are unique and NON NULL.\n\
                 Streams have KEYs, which have no uniqueness or NON NULL constraints."
            ),
            span,
        );
    }

    fn create_type(&mut self) -> Result<Statement> {
        self.advance();
        let if_not_exists = self.eat_firmly(&["IF", "NOT", "EXISTS"], 2)?;
        let name = self.identifier()?;
        self.expect_before("AS", |t| t.is_identifier() || t.is("DECIMAL"))?;
        Ok(Statement::CreateType { name, ty: self.sql_type()?, if_not_exists })
    }

    fn create_connector(&mut self) -> Result<Statement> {
        let kind = if self.at("SOURCE") { ConnectorKind::Source } else { ConnectorKind::Sink };
        self.advance();
        self.expect_before("CONNECTOR", Token::is_identifier)?;
        let if_not_exists = self.eat_firmly(&["IF", "NOT", "EXISTS"], 2)?;
        let name = self.identifier()?;
        if !self.at("WITH") {
            return Err(self.unexpected_before(&["WITH"], |t| t.is("(")));
        }
        let with = self.with_clause(false)?;
        Ok(Statement::CreateConnector { kind, name, if_not_exists, with })
    }

    /// `WITH (name = literal, …)`, or nothing. `fold`: names are upper-cased even when quoted.
    pub(super) fn with_clause(&mut self, fold: bool) -> Result<With> {
        if !self.eat("WITH") {
            return Ok(With::default());
        }
        let starts_name = |t: &Token| t.is_identifier() || t.kind == Kind::String;
        self.expect_before("(", starts_name)?;
        let properties = self.bracketed(|p| p.list(")", |p, _| p.property(fold)))?;
        self.check_property_names(&properties);
        Ok(With(properties))
    }

    fn check_property_names(&mut self, properties: &[(Ident, Expr)]) {
        let mut seen = HashMap::new();
        for (name, value) in properties {
            if let Some(earlier) = seen.insert(&name.name, value.span) {
                let name_of = &name.name;
                let (earlier, later) = (self.text_of(earlier), self.text_of(value.span));
                let message = format!("Multiple entries with same key: {name_of}={earlier} and {name_of}={later}");
                return self.refuse_prepared(&message, name.span);
            }
        }
    }

    fn property(&mut self, fold: bool) -> Result<(Ident, Expr)> {
        let token = self.peek();
        let mut name = if token.kind == Kind::String {
            Ident { name: self.string()?, span: token.span }
        } else if token.is_identifier() {
            self.identifier()?
        } else {
            let mut error = self.unexpected_open("property", |t| t.is_identifier() || t.kind == Kind::String);
            // The name that comes to mind is a word of the language.
            error.suggestion = token.is("TOPIC").then_some(Suggestion::Word("KAFKA_TOPIC"));
            return Err(error);
        };
        if fold {
            name.name = name.name.to_ascii_uppercase();
        }
        self.expect_before("=", |t| t.kind == Kind::String || Self::starts_literal(t))?;
        Ok((name, self.literal()?))
    }

    /// A string, number, boolean or NULL.
    fn literal(&mut self) -> Result<Expr> {
        let first = self.position;
        let token = self.peek();
        let kind = match token.kind {
            Kind::String | Kind::Variable => ExprKind::String(self.string()?),
            Kind::Keyword("NULL") => ExprKind::Null,
            Kind::Keyword("TRUE") => ExprKind::Boolean(true),
            Kind::Keyword("FALSE") => ExprKind::Boolean(false),
            _ if token.is_number() || token.is("-") => self.number()?,
            _ => return Err(self.unexpected_open("literal", |t| t.kind == Kind::String || Self::starts_literal(t))),
        };
        if self.position == first {
            self.advance();
        }
        Ok(Expr { kind, span: self.span_since(first) })
    }

    pub(super) fn alter(&mut self) -> Result<Statement> {
        self.advance();
        if self.at("SYSTEM") {
            self.advance();
            let (name, value) = self.assignment()?;
            return Ok(Statement::AlterSystem { name, value });
        }
        let kind = self.source_kind()?;
        let name = self.source_name()?;
        let mut add = vec![self.added_column()?];
        while self.eat(",") {
            add.push(self.added_column()?);
        }
        Ok(Statement::AlterSource { kind, name, add })
    }

    /// `ADD [COLUMN] name type`; the column may itself be called COLUMN.
    fn added_column(&mut self) -> Result<(Ident, crate::Type)> {
        self.expect_before("ADD", |t| t.is_identifier())?;
        let first = self.position;
        if !self.at("COLUMN") {
            return Ok((self.identifier()?, self.sql_type()?));
        }
        let is_name = !self.peek_nth(2).is_identifier() && !self.peek_nth(2).is("DECIMAL");
        let name = self.choosing(first, |p| {
            let starts_type = p.peek_nth(1).is_identifier() || p.peek_nth(1).is("DECIMAL");
            if !is_name || !starts_type {
                p.advance();
            }
            p.identifier()
        })?;
        Ok((name, self.sql_type()?))
    }

    pub(super) fn drop(&mut self) -> Result<Statement> {
        self.advance();
        if self.at("CONNECTOR") || self.at("TYPE") {
            let connector = self.advance().is("CONNECTOR");
            let if_exists = self.eat_all(&["IF", "EXISTS"]);
            let name = self.identifier()?;
            return Ok(if connector {
                Statement::DropConnector { name, if_exists }
            } else {
                Statement::DropType { name, if_exists }
            });
        }
        let kind = self.source_kind()?;
        let if_exists = self.eat_all(&["IF", "EXISTS"]);
        let name = self.source_name()?;
        let delete_topic = self.eat("DELETE");
        if delete_topic {
            self.expect_before("TOPIC", |t| t.is(";"))?;
        }
        Ok(Statement::DropSource { kind, name, if_exists, delete_topic })
    }
}

#[cfg(test)]
mod tests {
    use crate::{Variables, parse};

    #[test]
    fn keys_and_properties_that_do_not_fit_are_refused() {
        for (text, expected) in [
            (
                "CREATE STREAM s (k INT PRIMARY KEY) WITH (a=1);",
                "Line: 1, Col: 18: Column `K` is a 'PRIMARY KEY' column",
            ),
            ("CREATE TABLE s (k INT KEY);", "Line: 1, Col: 17: Column `K` is a 'KEY' column"),
            (
                "CREATE STREAM s (k INT) WITH (partitions=1, 'Partitions'='b');",
                "Failed to prepare statement: Multiple entries with same key: PARTITIONS=1 and PARTITIONS='b'",
            ),
            (
                "CREATE STREAM s WITH (format='a', format='b') AS SELECT * FROM t;",
                "Failed to prepare statement: Multiple entries with same key: FORMAT='a' and FORMAT='b'",
            ),
        ] {
            let message = parse(text, &Variables::default()).unwrap_err().message;
            assert!(message.starts_with(expected), "{text}\n{message}");
        }
        // The planner tells of the names first.
        assert!(parse("CREATE TABLE s (k INT KEY, k INT);", &Variables::default()).is_ok());
    }
}
