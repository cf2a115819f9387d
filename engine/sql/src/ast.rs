//! What a statement says, as data. Nothing here knows topics, types of columns or whether a name exists.
//!
//! Identifiers are already folded: upper case unless they were quoted. Every node that an error may point at has a
//! [`Span`]; spans never take part in comparison, so that `parse(format(x)) == x`.

use serde::{Deserialize, Serialize};

/// Byte range in the text the statement was parsed from. Equal to every other span on purpose.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl PartialEq for Span {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for Span {}
impl std::hash::Hash for Span {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

/// A name as the catalog knows it: `foo` and `FOO` are `FOO`, `` `foo` `` is `foo`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ident {
    /// The folded name.
    pub name: String,
    /// Where it was written.
    pub span: Span,
}

impl Ident {
    /// A name that was not written by the user.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), span: Span::default() }
    }
}

/// One statement with the text it came from (without the closing `;`).
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The statement.
    pub statement: Statement,
    /// Its own text, as the user wrote it, trimmed, including the closing `;` if it was written.
    pub text: String,
    /// Where that text starts in the whole input (spans inside the statement count from the whole input).
    pub span: Span,
    /// Line and column of its first character, as messages give them.
    pub first: (u32, u32),
}

impl Parsed {
    /// What its spans count in.
    pub fn place(&self) -> crate::SourceText<'_> {
        crate::SourceText { text: &self.text, start: self.span.start, first: self.first }
    }
}

/// Everything the grammar knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Statement {
    /// `CREATE [OR REPLACE] [SOURCE] STREAM|TABLE [IF NOT EXISTS] name [(elements)] [WITH (…)]`
    CreateSource(CreateSource),
    /// `CREATE [OR REPLACE] STREAM|TABLE [IF NOT EXISTS] name [WITH (…)] AS query`
    CreateAs(CreateAs),
    /// `INSERT INTO name [WITH (…)] query`
    InsertSelect { target: Ident, with: With, query: Box<Query> },
    /// `INSERT INTO name [(columns)] VALUES (…)`
    InsertValues { target: Ident, columns: Vec<Ident>, values: Vec<Expr> },
    /// `ALTER STREAM|TABLE name ADD [COLUMN] …`
    AlterSource { kind: SourceKind, name: Ident, add: Vec<(Ident, Type)> },
    /// `DROP STREAM|TABLE [IF EXISTS] name [DELETE TOPIC]`
    DropSource { kind: SourceKind, name: Ident, if_exists: bool, delete_topic: bool },
    /// `CREATE TYPE [IF NOT EXISTS] name AS type`
    CreateType { name: Ident, ty: Type, if_not_exists: bool },
    /// `DROP TYPE [IF EXISTS] name`
    DropType { name: Ident, if_exists: bool },
    /// `CREATE SOURCE|SINK CONNECTOR [IF NOT EXISTS] name WITH (…)`
    CreateConnector { kind: ConnectorKind, name: Ident, if_not_exists: bool, with: With },
    /// `DROP CONNECTOR [IF EXISTS] name`
    DropConnector { name: Ident, if_exists: bool },
    /// `DESCRIBE CONNECTOR name`
    DescribeConnector { name: Ident },
    /// `SHOW|LIST …`
    Show(Show),
    /// `DESCRIBE name [EXTENDED]`
    DescribeSource { name: Ident, extended: bool },
    /// `DESCRIBE STREAMS|TABLES [EXTENDED]`
    DescribeAll { kind: SourceKind, extended: bool },
    /// `DESCRIBE FUNCTION name`
    DescribeFunction { name: Ident },
    /// `EXPLAIN query_id`
    ExplainQuery { id: Ident },
    /// `EXPLAIN statement`
    ExplainStatement(Box<Statement>),
    /// `PRINT topic [FROM BEGINNING] [INTERVAL|SAMPLE n] [LIMIT n]`; the topic keeps its case
    Print { topic: Ident, from_beginning: bool, interval: Option<u64>, limit: Option<u64> },
    /// `SELECT …`: a push query when it has EMIT, a pull query otherwise
    Query(Box<Query>),
    /// `TERMINATE id` or `TERMINATE ALL` (None)
    Terminate { id: Option<Ident> },
    /// `PAUSE id` or `PAUSE ALL` (None)
    Pause { id: Option<Ident> },
    /// `RESUME id` or `RESUME ALL` (None)
    Resume { id: Option<Ident> },
    /// `SET 'name'='value'`
    Set { name: String, value: String },
    /// `UNSET 'name'`
    Unset { name: String },
    /// `ALTER SYSTEM 'name'='value'`
    AlterSystem { name: String, value: String },
    /// `DEFINE name = 'value'`; the name keeps its case
    Define { name: String, value: String },
    /// `UNDEFINE name`
    Undefine { name: String },
    /// `ASSERT [NOT EXISTS] TOPIC name [WITH (…)] [TIMEOUT n unit]`; the topic keeps its case
    AssertTopic { exists: bool, topic: Ident, with: With, timeout: Option<Interval> },
    /// `ASSERT [NOT EXISTS] SCHEMA [SUBJECT name] [ID n] [TIMEOUT n unit]`
    AssertSchema { exists: bool, subject: Option<String>, id: Option<i32>, timeout: Option<Interval> },
    /// `ASSERT VALUES name [(columns)] VALUES (…)` (test scripts)
    AssertValues { source: Ident, columns: Vec<Ident>, values: Vec<Expr> },
    /// `ASSERT NULL VALUES name [(columns)] KEY (…)` (test scripts)
    AssertNullValues { source: Ident, columns: Vec<Ident>, key: Vec<Expr> },
    /// `ASSERT STREAM|TABLE name [(elements)] [WITH (…)]` (test scripts)
    AssertSource(CreateSource),
    /// `RUN SCRIPT 'file'`
    RunScript { file: String },
}

/// A stream or a table. It stands in the command log: names stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    Stream,
    Table,
}

/// Which way a connector carries data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConnectorKind {
    Source,
    Sink,
}

/// `CREATE STREAM|TABLE name (…) WITH (…)`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CreateSource {
    pub kind: SourceKind,
    pub name: Ident,
    pub or_replace: bool,
    /// `CREATE SOURCE …`: read-only.
    pub source: bool,
    pub if_not_exists: bool,
    pub elements: Vec<Element>,
    pub with: With,
}

/// `CREATE STREAM|TABLE name WITH (…) AS query`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CreateAs {
    pub kind: SourceKind,
    pub name: Ident,
    pub or_replace: bool,
    pub if_not_exists: bool,
    pub with: With,
    pub query: Box<Query>,
}

/// A declared column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Element {
    pub name: Ident,
    pub ty: Type,
    pub constraint: Constraint,
}

/// What a declared column is besides a value column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Constraint {
    /// A value column.
    None,
    /// `KEY`
    Key,
    /// `PRIMARY KEY`
    PrimaryKey,
    /// `HEADERS`
    Headers,
    /// `HEADER('name')`
    Header(String),
}

/// A type as written; names of custom types are not resolved.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Type {
    Boolean,
    Integer,
    Bigint,
    Double,
    Decimal {
        precision: u32,
        scale: u32,
    },
    String,
    Bytes,
    Time,
    Date,
    Timestamp,
    Array(Box<Type>),
    Map(Box<Type>, Box<Type>),
    Struct(Vec<(Ident, Type)>),
    /// A name that is none of the above: a user's `CREATE TYPE`.
    Custom(Ident),
}

/// `WITH (name = literal, …)`: names upper-cased (those of connectors keep their case), in the order written.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct With(pub Vec<(Ident, Expr)>);

/// `SHOW|LIST …`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Show {
    Topics { all: bool, extended: bool },
    Sources { kind: SourceKind, extended: bool },
    Functions,
    Connectors { kind: Option<ConnectorKind> },
    ConnectorPlugins,
    Queries { extended: bool },
    Properties,
    Types,
    Variables,
}

/// `SELECT …`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Query {
    pub select: Vec<SelectItem>,
    pub from: SourceRef,
    pub joins: Vec<Join>,
    pub window: Option<Window>,
    pub filter: Option<Expr>,
    pub group_by: Vec<Expr>,
    pub partition_by: Vec<Expr>,
    pub having: Option<Expr>,
    pub emit: Option<Emit>,
    /// Not more rows than that; less than none is for whoever plans the query to refuse.
    pub limit: Option<i64>,
    pub span: Span,
}

/// One item of a SELECT list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum SelectItem {
    /// `expr [AS alias]`
    Expr { expr: Expr, alias: Option<Ident> },
    /// `*` or `source.*`
    All { source: Option<Ident>, span: Span },
    /// `struct->*`
    StructAll { base: Expr, span: Span },
}

/// `name [AS alias]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceRef {
    pub name: Ident,
    pub alias: Option<Ident>,
}

/// One `JOIN` clause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Join {
    pub kind: JoinKind,
    pub right: SourceRef,
    pub within: Option<Within>,
    pub on: Expr,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum JoinKind {
    Inner,
    Left,
    Right,
    Outer,
}

/// `WITHIN n unit | (before, after) [GRACE PERIOD g]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Within {
    pub before: Interval,
    pub after: Interval,
    pub grace: Option<Interval>,
}

/// `n unit`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    pub amount: i64,
    pub unit: TimeUnit,
}

/// A unit of time. It stands in the command log: names stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeUnit {
    Days,
    Hours,
    Minutes,
    Seconds,
    Milliseconds,
}

/// `WINDOW …`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Window {
    pub kind: WindowKind,
    pub retention: Option<Interval>,
    pub grace: Option<Interval>,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WindowKind {
    Tumbling { size: Interval },
    Hopping { size: Interval, advance: Interval },
    Session { gap: Interval },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Emit {
    Changes,
    Final,
}

/// An expression and where it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ExprKind {
    Null,
    Boolean(bool),
    Integer(i32),
    Bigint(i64),
    /// Text of an exact number, as written (`1.50`).
    Decimal(String),
    Double(f64),
    String(String),
    /// `name` or `source.name`
    Column {
        source: Option<Ident>,
        name: Ident,
    },
    /// `-x`, `+x`
    Unary {
        op: Sign,
        expr: Box<Expr>,
    },
    Not(Box<Expr>),
    Binary {
        op: BinaryOp,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    Between {
        expr: Box<Expr>,
        low: Box<Expr>,
        high: Box<Expr>,
        negated: bool,
    },
    In {
        expr: Box<Expr>,
        list: Vec<Expr>,
        negated: bool,
    },
    Like {
        expr: Box<Expr>,
        pattern: Box<Expr>,
        escape: Option<char>,
        negated: bool,
    },
    IsNull {
        expr: Box<Expr>,
        negated: bool,
    },
    Case {
        operand: Option<Box<Expr>>,
        whens: Vec<(Expr, Expr)>,
        otherwise: Option<Box<Expr>>,
    },
    Cast {
        expr: Box<Expr>,
        to: Type,
    },
    /// `base[index]`
    Subscript {
        base: Box<Expr>,
        index: Box<Expr>,
    },
    /// `base->field`
    Field {
        base: Box<Expr>,
        field: Ident,
    },
    /// `ARRAY[…]`
    Array(Vec<Expr>),
    /// `MAP(k := v, …)`
    Map(Vec<(Expr, Expr)>),
    /// `STRUCT(f := v, …)`
    Struct(Vec<(Ident, Expr)>),
    /// `name(args)`; `star` is `COUNT(*)`
    Call {
        name: Ident,
        args: Vec<Expr>,
        star: bool,
    },
    /// `x => body`, `(x, y) => body`
    Lambda {
        params: Vec<Ident>,
        body: Box<Expr>,
    },
    /// A bare time unit as a function's argument: `TIMESTAMPADD(DAYS, 1, ts)`
    Unit(TimeUnit),
    /// `expr AT TIME ZONE 'zone'`
    AtTimeZone {
        expr: Box<Expr>,
        zone: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Sign {
    Plus,
    Minus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Concat,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    IsDistinctFrom,
    IsNotDistinctFrom,
    And,
    Or,
}
