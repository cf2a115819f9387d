//! What is wrong with a statement.

use sql::Span;

/// Whose layer of ksqlDB speaks: decides the error code, and which exception a conformance case names.
/// Each kind is also everything below it in this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorKind {
    /// The statement parses but makes no sense by itself.
    Prepare,
    /// The statement does not fit what exists.
    Statement,
    /// The statement is sound, but its query cannot be built: ksqlDB's server says so without naming the statement.
    Build,
    /// Not tied to a statement.
    General,
    /// Understood, but not built yet.
    Unsupported,
    /// It needs a schema registry.
    NoRegistry,
    /// The statement is wrong in a way that ksqlDB did not foresee: it calls that a fault of the server.
    Unforeseen,
}

/// Why a statement cannot be planned. Nothing has happened.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("{message}")]
pub struct PlanError {
    /// Whose layer speaks.
    pub kind: ErrorKind,
    /// All that can be said.
    pub message: String,
    /// What ksqlDB's `/ksql` endpoint says instead, where it keeps data of the statement to itself.
    pub brief: Option<String>,
    /// The part of the request it is about.
    pub span: Option<Span>,
    /// What the user may have meant.
    pub hint: Option<String>,
    /// The statement with its names resolved, or the expression that is wrong; ksqlDB shows it after the message.
    pub resolved: Option<String>,
    /// Found only when the query is built, after the schema of its result is settled.
    is_late: bool,
}

impl PlanError {
    fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), brief: None, span: None, hint: None, resolved: None, is_late: false }
    }

    /// The statement makes no sense by itself; the prefix is ksqlDB's.
    pub fn prepare(message: impl AsRef<str>) -> Self {
        Self::new(ErrorKind::Prepare, format!("Failed to prepare statement: {}", message.as_ref()))
    }

    /// The statement names what does not exist; the prefix is ksqlDB's.
    pub(super) fn preparing(message: impl AsRef<str>) -> Self {
        Self::new(ErrorKind::Prepare, format!("Exception while preparing statement: {}", message.as_ref()))
    }

    /// The statement does not fit what exists.
    pub fn statement(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Statement, message)
    }

    /// It needs a schema registry.
    pub fn no_registry(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NoRegistry, message)
    }

    /// The statement is wrong in a way that ksqlDB did not foresee.
    pub fn unforeseen(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unforeseen, message)
    }

    /// Something ksqlDB reports without its statement.
    pub fn general(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::General, message)
    }

    /// `what` parses but is not built: "… not supported yet".
    pub fn unsupported(what: impl AsRef<str>) -> Self {
        Self::new(ErrorKind::Unsupported, format!("{} not supported yet", what.as_ref()))
    }

    /// Points at a part of the request.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// Adds what the user may have meant.
    #[must_use]
    pub fn hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    /// Says what ksqlDB's `/ksql` endpoint says instead.
    #[must_use]
    pub fn brief(mut self, brief: impl Into<String>) -> Self {
        self.brief = Some(brief.into());
        self
    }

    /// Says that it shows only when the query is built.
    #[must_use]
    pub(super) fn late(mut self) -> Self {
        self.is_late = true;
        self
    }

    /// A late error that is reported without the statement.
    #[must_use]
    pub(super) fn of_build(mut self) -> Self {
        self.kind = ErrorKind::Build;
        self.late()
    }

    /// What becomes of an error in the query of a `CREATE … AS`: what keeps the result from having a schema is said to do
    /// so, and an expression that is to blame stands below.
    #[must_use]
    pub(super) fn of_query(mut self) -> Self {
        const NO_SCHEMA: &str = "Could not determine output schema for query due to error: ";
        if self.resolved.is_some() {
            self.brief = None;
        }
        if self.is_late {
            return self;
        }
        if self.kind == ErrorKind::Unforeseen {
            self.kind = ErrorKind::Statement;
        }
        self = self.of_client();
        self.resolved = None;
        self.message.insert_str(0, NO_SCHEMA);
        if let Some(brief) = &mut self.brief {
            brief.insert_str(0, NO_SCHEMA);
        }
        self
    }

    /// What a client that asked a query reads: an expression that is to blame stands below.
    #[must_use]
    pub fn of_client(mut self) -> Self {
        if let Some(expression) = &self.resolved {
            self.message.push_str("\nStatement: ");
            self.message.push_str(expression);
        }
        self
    }

    /// Forgets what it is about: it is about the text as it stands.
    #[must_use]
    pub fn of_text(mut self) -> Self {
        self.resolved = None;
        self
    }

    /// Adds the statement with its names resolved, unless an expression is known. What was not foreseen is about the text.
    #[must_use]
    pub(super) fn of(mut self, resolved: &str) -> Self {
        if self.kind == ErrorKind::Unforeseen {
            return self;
        }
        self.resolved.get_or_insert_with(|| resolved.to_owned());
        self
    }
}

/// Result of planning.
pub(super) type Result<T> = std::result::Result<T, PlanError>;

/// `Line: 1, Col: 16`, counted from one.
pub(super) fn location(place: sql::Place<'_>, span: Span) -> String {
    let (line, column) = place.line_column(span.start);
    format!("Line: {line}, Col: {column}")
}
