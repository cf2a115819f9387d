//! Why a request was refused, in the words of ksqlDB's error codes.

use std::fmt;
use std::time::Duration;

use crate::config::ConfigError;
use crate::incident::reported;
use crate::kv::KvError;
use crate::log::LogError;

/// Which of ksqlDB's error codes a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// 40001: a bad statement.
    Statement,
    /// 40000: a property has a name or a value that will not do.
    Property,
    /// 40000: a statement whose query cannot be built; the answer does not name it.
    Build,
    /// 40000: the request, or something around the statement, is bad.
    Request,
    /// 40002: SELECT or PRINT where only other statements are taken.
    QueryEndpoint,
    /// 40003: too many push queries.
    TooManyPushQueries,
    /// 40301: Kafka does not let the server do that.
    Denied,
    /// 41700: an ASSERT did not hold.
    Assertion,
    /// 42801: no schema registry is configured.
    NoSchemaRegistry,
    /// 50000: a bad statement, in a way that ksqlDB did not foresee.
    Unforeseen,
    /// 50000: not the statement's fault.
    Server,
    /// 50303: the rows that were asked for cannot be read now.
    Unavailable,
    /// 50301: an earlier command took too long.
    CommandTimeout,
    /// 42900: more at once than is allowed.
    TooMany,
    /// 50300: no room for the request at the moment.
    Busy,
}

/// How far something is that may have to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress<T> {
    /// It is done.
    Done(T),
    /// What it needs is not there yet; it should be tried again after so long.
    Wait(Duration),
}

/// A refused request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Which code.
    pub kind: FailureKind,
    /// What the user reads.
    pub message: String,
    /// What ksqlDB's `/ksql` endpoint says instead, where it keeps data of the statement to itself.
    pub brief: Option<String>,
    /// The statement it is about; without one the answer is a generic error. [`FailureKind::Build`] does not show it.
    pub statement: Option<String>,
    /// The part of the request's text it is about.
    pub span: Option<sql::Span>,
    /// What the user may have meant.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure that is not (yet) tied to a statement.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), brief: None, statement: None, span: None, hint: None }
    }

    /// Something that is not the statement's fault: the client learns what, the operator why.
    pub fn internal(what: &str, problem: &dyn fmt::Display) -> Self {
        Self::new(FailureKind::Server, reported(what, problem))
    }

    /// A bad statement; [`Failure::of`] adds which.
    pub fn statement(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Statement, message)
    }

    /// A bad request.
    pub fn request(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Request, message)
    }

    /// Ties the failure to a statement without showing values or secrets.
    pub fn of_parsed(self, parsed: &sql::Parsed) -> Self {
        self.of(&sql::masked(&parsed.statement).unwrap_or_else(|| sql::masked_text(&parsed.text)))
    }

    /// Ties a failure that ksqlDB did not foresee to the whole request.
    pub fn of_request(self, text: &str) -> Self {
        if self.kind == FailureKind::Unforeseen { self.of(&sql::masked_text(text)) } else { self }
    }

    /// Ties the failure to a statement, if its kind has one and it has none yet.
    pub fn of(mut self, text: &str) -> Self {
        let tied = matches!(
            self.kind,
            FailureKind::Statement
                | FailureKind::Build
                | FailureKind::QueryEndpoint
                | FailureKind::Unforeseen
                | FailureKind::Server
        );
        if tied && self.statement.is_none() {
            self.statement = Some(text.to_owned());
        }
        self
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let (name, value, cause) = match error {
            ConfigError::Value { name, value, problem } => (name, value, problem),
            // ksqlDB fails here without expecting it.
            ConfigError::NotRecognizable(_) => return Self::new(FailureKind::Server, error.to_string()),
            other => return Self::new(FailureKind::Property, other.to_string()),
        };
        let cause = caused_by(&cause);
        Self::new(FailureKind::Property, format!("Failed to coerce type of value '{value}' for key '{name}'{cause}"))
    }
}

/// A cause as ksqlDB appends it to a message: in lines of 80 columns, further ones indented.
fn caused_by(cause: &str) -> String {
    const WIDTH: usize = 80;
    let mut lines = vec!["Caused by:".to_owned()];
    for word in cause.split(' ') {
        let Some(line) = lines.last_mut() else { continue };
        if line.chars().count() + 1 + word.chars().count() <= WIDTH {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    format!("\n{}", lines.join("\n\t"))
}

impl From<&LogError> for FailureKind {
    /// A topic that somebody has deleted is nothing the server could do better.
    fn from(error: &LogError) -> Self {
        match error {
            LogError::UnknownTopic(_) | LogError::UnknownPartition { .. } | LogError::Invalid(_) => Self::Statement,
            LogError::Denied(_) => Self::Denied,
            _ => Self::Server,
        }
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        Self::new(FailureKind::from(&error), error.told())
    }
}

impl From<KvError> for Failure {
    fn from(error: KvError) -> Self {
        LogError::from(error).into()
    }
}
