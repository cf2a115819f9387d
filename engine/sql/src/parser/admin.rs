//! Statements about the server and its queries: SHOW, DESCRIBE, PRINT, SET, DEFINE, TERMINATE, ASSERT …

use super::{Grammar, Parser, Result};
use crate::{
    ConnectorKind, CreateSource, Ident, Interval, Show, SourceKind, Statement,
    tokens::{Kind, Token},
};

/// What SHOW and LIST can show.
const SHOWN: &[&str] =
    &["CONNECTORS", "FUNCTIONS", "PROPERTIES", "QUERIES", "STREAMS", "TABLES", "TOPICS", "TYPES", "VARIABLES"];

impl Parser<'_> {
    pub(super) fn show(&mut self) -> Result<Statement> {
        self.advance();
        let all = self.at("ALL");
        if all {
            self.advance();
            if !self.at("TOPICS") {
                return Err(self.unexpected_before(&["TOPICS"], |t| t.is("EXTENDED") || t.is(";")));
            }
        }
        let connectors_of = match self.peek().kind {
            Kind::Keyword("SOURCE") => Some(ConnectorKind::Source),
            Kind::Keyword("SINK") => Some(ConnectorKind::Sink),
            _ => None,
        };
        if connectors_of.is_some() {
            self.advance();
            if !self.at("CONNECTORS") {
                return Err(self.unexpected_before(&["CONNECTORS"], |t| t.is(";")));
            }
        }
        let Kind::Keyword(word) = self.peek().kind else { return Err(self.none_of(SHOWN)) };
        let show = match (word, connectors_of) {
            ("CONNECTORS", kind) => Show::Connectors { kind },
            ("TOPICS", _) => Show::Topics { all, extended: false },
            ("STREAMS", _) => Show::Sources { kind: SourceKind::Stream, extended: false },
            ("TABLES", _) => Show::Sources { kind: SourceKind::Table, extended: false },
            ("QUERIES", _) => Show::Queries { extended: false },
            ("FUNCTIONS", _) => Show::Functions,
            ("PROPERTIES", _) => Show::Properties,
            ("TYPES", _) => Show::Types,
            ("VARIABLES", _) => Show::Variables,
            ("CONNECTOR", _) => {
                self.advance();
                if !self.at("PLUGINS") {
                    return Err(self.unexpected_before(&["PLUGINS"], |t| t.is(";")));
                }
                Show::ConnectorPlugins
            }
            _ => return Err(self.none_of(SHOWN)),
        };
        self.advance();
        Ok(Statement::Show(match show {
            Show::Topics { all, .. } => Show::Topics { all, extended: self.eat("EXTENDED") },
            Show::Sources { kind, .. } => Show::Sources { kind, extended: self.eat("EXTENDED") },
            Show::Queries { .. } => Show::Queries { extended: self.eat("EXTENDED") },
            other => other,
        }))
    }

    pub(super) fn describe(&mut self) -> Result<Statement> {
        self.advance();
        if self.at("FUNCTION") && self.peek_nth(1).is_identifier() {
            self.advance();
            return Ok(Statement::DescribeFunction { name: self.identifier()? });
        }
        if self.at("CONNECTOR") {
            self.advance();
            return Ok(Statement::DescribeConnector { name: self.identifier()? });
        }
        if self.at("STREAMS") || self.at("TABLES") {
            let kind = if self.advance().is("STREAMS") { SourceKind::Stream } else { SourceKind::Table };
            return Ok(Statement::DescribeAll { kind, extended: self.eat("EXTENDED") });
        }
        if !self.peek().is_identifier() {
            return Err(self.no_alternative());
        }
        let name = self.source_name()?;
        Ok(Statement::DescribeSource { name, extended: self.eat("EXTENDED") })
    }

    pub(super) fn print(&mut self) -> Result<Statement> {
        self.advance();
        let topic = self.resource_name()?;
        let from_beginning = self.eat("FROM");
        if from_beginning {
            let follows = |t: &Token| [";", "INTERVAL", "SAMPLE", "LIMIT"].iter().any(|word| t.is(word));
            self.expect_before("BEGINNING", follows)?;
        }
        let positive = "Failed to prepare statement: PRINT takes no negative numbers";
        let interval = if self.eat("INTERVAL") || self.eat("SAMPLE") { Some(self.count(positive)?) } else { None };
        let limit = if self.eat("LIMIT") { Some(self.count(positive)?) } else { None };
        Ok(Statement::Print { topic, from_beginning, interval, limit })
    }

    /// After TERMINATE, PAUSE or RESUME: a query id, or None for ALL.
    pub(super) fn query_id_or_all(&mut self) -> Result<Option<Ident>> {
        self.advance();
        if self.at("ALL") {
            self.advance();
            return Ok(None);
        }
        if !self.peek().is_identifier() {
            return Err(self.no_alternative());
        }
        self.identifier().map(Some)
    }

    /// SET or UNSET.
    pub(super) fn set(&mut self) -> Result<Statement> {
        if self.advance().is("UNSET") {
            return Ok(Statement::Unset { name: self.string()? });
        }
        let (name, value) = self.assignment()?;
        Ok(Statement::Set { name, value })
    }

    /// `'name'='value'`
    pub(super) fn assignment(&mut self) -> Result<(String, String)> {
        let name = self.string_before("=")?;
        self.expect_before("=", |t| t.kind == Kind::String)?;
        Ok((name, self.string()?))
    }

    /// DEFINE or UNDEFINE.
    pub(super) fn define(&mut self) -> Result<Statement> {
        let define = self.advance().is("DEFINE");
        let token = self.peek();
        // any word will do, even a reserved one
        if !matches!(token.kind, Kind::Word | Kind::Keyword(_)) {
            let next = if define { "=" } else { ";" };
            return Err(self.unexpected_before(&["<IDENTIFIER>"], |t| t.is(next)));
        }
        self.advance();
        let name = self.text_of(token.span).to_owned();
        if !define {
            return Ok(Statement::Undefine { name });
        }
        self.expect_before("=", |t| t.kind == Kind::String)?;
        Ok(Statement::Define { name, value: self.string()? })
    }

    pub(super) fn assert(&mut self) -> Result<Statement> {
        self.advance();
        if self.grammar == Grammar::Scripts {
            if self.eat("VALUES") {
                let source = self.source_name()?;
                let columns = self.optional_columns()?;
                return Ok(Statement::AssertValues { source, columns, values: self.values_row("VALUES")? });
            }
            if self.eat_all(&["NULL", "VALUES"]) {
                let source = self.source_name()?;
                let columns = self.optional_columns()?;
                return Ok(Statement::AssertNullValues { source, columns, key: self.values_row("KEY")? });
            }
            if self.at("STREAM") || self.at("TABLE") {
                return self.assert_source();
            }
        }
        let exists = !self.eat_firmly(&["NOT", "EXISTS"], 1)?;
        if self.eat("TOPIC") {
            let topic = self.resource_name()?;
            let with = self.with_clause(true)?;
            return Ok(Statement::AssertTopic { exists, topic, with, timeout: self.timeout()? });
        }
        if self.eat("SCHEMA") {
            let subject = if self.eat("SUBJECT") { Some(self.resource_name()?.name) } else { None };
            let id = if self.at("ID") {
                self.advance();
                Some(self.schema_id()?)
            } else {
                None
            };
            let timeout = self.timeout()?;
            if id.is_none() {
                self.note_tried("ID");
            }
            return Ok(Statement::AssertSchema { exists, subject, id, timeout });
        }
        Err(self.no_alternative())
    }

    fn assert_source(&mut self) -> Result<Statement> {
        let kind = self.source_kind()?;
        let name = self.source_name()?;
        let elements = if self.at("(") {
            self.advance();
            self.bracketed_elements()?
        } else {
            Vec::new()
        };
        let with = self.with_clause(true)?;
        let (or_replace, source, if_not_exists) = (false, false, false);
        Ok(Statement::AssertSource(CreateSource { kind, name, or_replace, source, if_not_exists, elements, with }))
    }

    fn schema_id(&mut self) -> Result<i32> {
        let span = self.peek().span;
        let number = self.whole_number()?;
        Ok(i32::try_from(number).unwrap_or_else(|_| {
            self.invalid_number("Invalid numeric literal", &number.to_string(), span);
            0
        }))
    }

    fn timeout(&mut self) -> Result<Option<Interval>> {
        if !self.eat("TIMEOUT") {
            return Ok(None);
        }
        self.interval().map(Some)
    }

    pub(super) fn run_script(&mut self) -> Result<Statement> {
        self.advance();
        self.expect_before("SCRIPT", |t: &Token| t.kind == Kind::String)?;
        Ok(Statement::RunScript { file: self.string()? })
    }
}
