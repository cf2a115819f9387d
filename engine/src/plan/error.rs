//! What is wrong with a statement. What was found says only what is wrong; what stands around it follows from how far the
//! statement had come ([`Stage`]) and from what kind of statement it is ([`Told`]), here and nowhere else.

use sql::Span;

/// How far ksqlDB takes a statement before it finds what is wrong, in its order. A statement with two faults is told of
/// the earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// It is read: types, WITH clause, names of sources before a column, clauses that exclude each other.
    Read,
    /// Its sources are looked up, its columns get theirs.
    Names,
    /// What it leaves out is filled in: formats, schemas.
    Fill,
    /// Its topic is compared with the one that exists, or settled.
    Topic,
    /// It is planned: the schema of its result is known then.
    Plan,
    /// It is compared with what it would replace.
    Change,
    /// Its query is put together and started.
    Start,
}

/// What ksqlDB makes of a mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// It looks out for it.
    Foreseen,
    /// It runs into it, and blames the server unless it is planning a statement that changes something.
    Unforeseen,
    /// It needs a schema registry.
    NoRegistry,
    /// It is not built here.
    Unsupported,
    /// It is a mistake of ours.
    Internal,
}

/// What kind of statement is told of its mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// Any but the ones below.
    Command,
    /// `CREATE … AS`: its query decides what it creates.
    CreateAs,
    /// A query whose rows go to a client.
    Query,
    /// EXPLAIN: it only wants to know, and shows itself.
    Explain,
}

/// A statement as ksqlDB shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shown {
    /// With everything that was filled in.
    filled: String,
    /// Without what its topic adds: what starts it shows that.
    bare: String,
}

/// Whose layer of ksqlDB speaks: decides the error code, and which exception a conformance case names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// A bad statement.
    Statement,
    /// The statement is sound, but its query cannot be built: ksqlDB's server says so without naming the statement.
    Build,
    /// Not tied to a statement.
    General,
    /// It needs a schema registry.
    NoRegistry,
    /// The statement is wrong in a way that ksqlDB did not foresee: it calls that a fault of the server.
    Unforeseen,
}

/// Why a statement cannot be planned. Nothing has happened.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("{message}")]
pub struct PlanError {
    /// All that can be said.
    pub message: String,
    /// What ksqlDB logs, and shows where it has only its log's words: without data of the statement.
    pub brief: Option<String>,
    /// The part of the request it is about.
    pub span: Option<Span>,
    /// What the user may have meant.
    pub hint: Option<String>,
    /// The statement with its names resolved, or the expression that is wrong; ksqlDB shows it after the message.
    pub resolved: Option<String>,
    cause: Cause,
    stage: Option<Stage>,
    about: Option<Box<About>>,
}

/// What a mistake is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct About {
    /// The expression that is wrong.
    expression: Option<String>,
    /// The statement as far as it was filled in; without it, it is shown as the request has it.
    statement: Option<Shown>,
}

impl PlanError {
    fn new(cause: Cause, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            brief: None,
            span: None,
            hint: None,
            resolved: None,
            cause,
            stage: None,
            about: None,
        }
    }

    /// The statement does not make sense, or does not fit what exists.
    pub fn statement(message: impl Into<String>) -> Self {
        Self::new(Cause::Foreseen, message)
    }

    /// It needs a schema registry.
    pub fn no_registry(message: impl Into<String>) -> Self {
        Self::new(Cause::NoRegistry, message)
    }

    /// The statement is wrong in a way that ksqlDB did not foresee.
    pub fn unforeseen(message: impl Into<String>) -> Self {
        Self::new(Cause::Unforeseen, message)
    }

    /// `what` parses but is not built: "… not supported yet".
    pub fn unsupported(what: impl AsRef<str>) -> Self {
        Self::new(Cause::Unsupported, format!("{} not supported yet", what.as_ref()))
    }

    /// A mistake of the planner, reported rather than hidden.
    pub fn internal(what: impl AsRef<str>) -> Self {
        Self::new(Cause::Internal, format!("internal error: {}", what.as_ref()))
    }

    /// Points at a part of the request.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// Adds what the user may have meant.
    #[must_use]
    pub fn with_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    /// Says what ksqlDB logs.
    #[must_use]
    pub fn brief(mut self, brief: impl Into<String>) -> Self {
        self.brief = Some(brief.into());
        self
    }

    /// Names the expression that is to blame.
    #[must_use]
    pub(super) fn of(mut self, expression: &str) -> Self {
        self.about.get_or_insert_default().expression.get_or_insert_with(|| expression.to_owned());
        self
    }

    /// Says how far the statement had come, unless that is known already.
    #[must_use]
    pub(super) fn during(mut self, stage: Stage) -> Self {
        self.stage.get_or_insert(stage);
        self
    }

    fn expression(&self) -> Option<&str> {
        self.about.as_ref()?.expression.as_deref()
    }

    /// Whether it is found only when the query is put together.
    pub(super) fn is_late(&self) -> bool {
        self.stage == Some(Stage::Start)
    }

    fn stage(&self) -> Stage {
        self.stage.unwrap_or(Stage::Plan)
    }

    /// Whose layer of ksqlDB speaks.
    pub fn kind(&self) -> ErrorKind {
        match (self.cause, self.stage()) {
            (Cause::NoRegistry, _) => ErrorKind::NoRegistry,
            (Cause::Internal, _) => ErrorKind::General,
            (Cause::Unforeseen, _) => ErrorKind::Unforeseen,
            (Cause::Foreseen, Stage::Topic) => ErrorKind::General,
            (Cause::Foreseen, Stage::Start) if self.expression().is_none() => ErrorKind::Build,
            (Cause::Foreseen | Cause::Unsupported, _) => ErrorKind::Statement,
        }
    }

    /// Says what the statement had become, unless that is known already.
    #[must_use]
    pub(super) fn shown(self, filled: &str) -> Self {
        self.shown_as(filled, filled)
    }

    /// Says what a `CREATE … AS` had become, and what it was without what its topic adds.
    #[must_use]
    pub(super) fn shown_as(mut self, filled: &str, bare: &str) -> Self {
        self.about
            .get_or_insert_default()
            .statement
            .get_or_insert_with(|| Shown { filled: filled.to_owned(), bare: bare.to_owned() });
        self
    }

    /// Puts around the message what ksqlDB does, and adds what it shows of the statement.
    #[must_use]
    pub(super) fn told(mut self, to: Told) -> Self {
        let stage = self.stage();
        if stage == Stage::Plan && self.cause == Cause::Unforeseen && matches!(to, Told::Command | Told::CreateAs) {
            self.cause = Cause::Foreseen;
        }
        match (stage, to) {
            (Stage::Read, _) => self.prefix("Failed to prepare statement: "),
            (Stage::Names, _) => self.prefix("Exception while preparing statement: "),
            (_, Told::Explain) => {}
            (_, Told::Query) => self.show_expression(),
            (Stage::Plan, Told::CreateAs) => {
                self.show_expression();
                self.forget_log();
                self.prefix("Could not determine output schema for query due to error: ");
                self.about.as_mut().and_then(|about| about.expression.take());
                self.show_statement();
            }
            (_, Told::Command | Told::CreateAs) => self.show_statement(),
        }
        self
    }

    fn prefix(&mut self, prefix: &str) {
        self.message.insert_str(0, prefix);
        if let Some(brief) = &mut self.brief {
            brief.insert_str(0, prefix);
        }
    }

    /// The expression that is to blame stands below the message.
    fn show_expression(&mut self) {
        if let Some(expression) = self.expression().map(str::to_owned) {
            self.message.push_str("\nStatement: ");
            self.message.push_str(&expression);
        }
    }

    /// What is about an expression is told in full.
    fn forget_log(&mut self) {
        if self.expression().is_some() {
            self.brief = None;
        }
    }

    /// The expression that is to blame is shown, else the statement; what was not foreseen is about the request.
    fn show_statement(&mut self) {
        if self.cause == Cause::Unforeseen {
            return;
        }
        self.forget_log();
        let is_started = self.stage() == Stage::Start;
        self.resolved = self.about.as_ref().and_then(|about| {
            let statement = about.statement.as_ref().map(|shown| if is_started { &shown.bare } else { &shown.filled });
            about.expression.as_ref().or(statement).cloned()
        });
    }
}

/// Result of planning.
pub(super) type Result<T> = std::result::Result<T, PlanError>;

/// `Line: 1, Col: 16`, counted from one.
pub(super) fn location(place: sql::SourceText<'_>, span: Span) -> String {
    let (line, column) = place.line_column(span.start);
    format!("Line: {line}, Col: {column}")
}
