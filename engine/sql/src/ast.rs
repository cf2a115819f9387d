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
#[allow(missing_docs, reason = "the grammar beside a variant shows what its fields are")]
pub enum Statement {
    /// `CREATE [OR REPLACE] [SOURCE] STREAM|TABLE [IF NOT EXISTS] name [(elements)] [WITH (…)]`
    CreateSource(CreateSource),
    /// `CREATE [OR REPLACE] STREAM|TABLE [IF NOT EXISTS] name [WITH (…)] AS query`
    CreateAs(CreateAs),
    /// `INSERT INTO target [WITH (…)] query`
    InsertSelect { target: Ident, with: With, query: Box<Query> },
    /// `INSERT INTO target [(columns)] VALUES (values)`; no columns: all of them
    InsertValues { target: Ident, columns: Vec<Ident>, values: Vec<Expr> },
    /// `ALTER STREAM|TABLE name ADD [COLUMN] column type, …`
    AlterSource { kind: SourceKind, name: Ident, add: Vec<(Ident, Type)> },
    /// `DROP STREAM|TABLE [IF EXISTS] name [DELETE TOPIC]`
    DropSource { kind: SourceKind, name: Ident, if_exists: bool, delete_topic: bool },
    /// `CREATE TYPE [IF NOT EXISTS] name AS ty`
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
    /// `PRINT topic [FROM BEGINNING] [INTERVAL|SAMPLE interval] [LIMIT limit]`; the topic keeps its case
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
    /// `ASSERT [NOT EXISTS] TOPIC topic [WITH (…)] [TIMEOUT timeout]`; the topic keeps its case
    AssertTopic { exists: bool, topic: Ident, with: With, timeout: Option<Interval> },
    /// `ASSERT [NOT EXISTS] SCHEMA [SUBJECT subject] [ID id] [TIMEOUT timeout]`
    AssertSchema { exists: bool, subject: Option<String>, id: Option<i32>, timeout: Option<Interval> },
    /// `ASSERT VALUES source [(columns)] VALUES (values)` (test scripts)
    AssertValues { source: Ident, columns: Vec<Ident>, values: Vec<Expr> },
    /// `ASSERT NULL VALUES source [(columns)] KEY (key)` (test scripts)
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
    /// Events, each for itself.
    Stream,
    /// The latest row of each key.
    Table,
}

/// Which way a connector carries data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConnectorKind {
    /// Into topics.
    Source,
    /// Out of topics.
    Sink,
}

/// `CREATE STREAM|TABLE name (…) WITH (…)`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CreateSource {
    /// `STREAM` or `TABLE`.
    pub kind: SourceKind,
    /// What is made.
    pub name: Ident,
    /// `OR REPLACE`
    pub or_replace: bool,
    /// `CREATE SOURCE …`: read-only.
    pub source: bool,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// Declared columns in the order written; none: they come from the topic's schema.
    pub elements: Vec<Element>,
    /// `WITH (…)`; empty when left out.
    pub with: With,
}

/// `CREATE STREAM|TABLE name WITH (…) AS query`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CreateAs {
    /// `STREAM` or `TABLE`.
    pub kind: SourceKind,
    /// What is made.
    pub name: Ident,
    /// `OR REPLACE`
    pub or_replace: bool,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// `WITH (…)`; empty when left out.
    pub with: With,
    /// What fills it.
    pub query: Box<Query>,
}

/// A declared column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Element {
    /// The column.
    pub name: Ident,
    /// As written; whether it exists is not looked at.
    pub ty: Type,
    /// What it is besides a value column.
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
    /// `BOOLEAN`
    Boolean,
    /// `INT`, `INTEGER`
    Integer,
    /// `BIGINT`
    Bigint,
    /// `DOUBLE`
    Double,
    /// `DECIMAL(precision, scale)`
    Decimal {
        /// Digits in all.
        precision: u32,
        /// Digits behind the point.
        scale: u32,
    },
    /// `STRING`, `VARCHAR`
    String,
    /// `BYTES`
    Bytes,
    /// `TIME`
    Time,
    /// `DATE`
    Date,
    /// `TIMESTAMP`
    Timestamp,
    /// `ARRAY<element>`
    Array(Box<Type>),
    /// `MAP<key, value>`
    Map(Box<Type>, Box<Type>),
    /// `STRUCT<field type, …>`
    Struct(Vec<(Ident, Type)>),
    /// A name that is none of the above: a user's `CREATE TYPE`.
    Custom(Ident),
}

/// `WITH (name = literal, …)`: names upper-cased (those of connectors keep their case), in the order written.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct With(pub Vec<(Ident, Expr)>);

/// `SHOW|LIST …`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the grammar beside a variant shows what its fields are")]
pub enum Show {
    /// `[ALL] TOPICS [EXTENDED]`
    Topics { all: bool, extended: bool },
    /// `STREAMS|TABLES [EXTENDED]`
    Sources { kind: SourceKind, extended: bool },
    /// `FUNCTIONS`
    Functions,
    /// `[SOURCE|SINK] CONNECTORS`
    Connectors { kind: Option<ConnectorKind> },
    /// `CONNECTOR PLUGINS`
    ConnectorPlugins,
    /// `QUERIES [EXTENDED]`
    Queries { extended: bool },
    /// `PROPERTIES`
    Properties,
    /// `TYPES`
    Types,
    /// `VARIABLES`
    Variables,
}

/// `SELECT …`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// The SELECT list, in the order written.
    pub select: Vec<SelectItem>,
    /// `FROM`; what is left of all joins.
    pub from: SourceRef,
    /// `JOIN` clauses, from left to right.
    pub joins: Vec<Join>,
    /// `WINDOW …`
    pub window: Option<Window>,
    /// `WHERE …`
    pub filter: Option<Expr>,
    /// `GROUP BY …`; empty when left out.
    pub group_by: Vec<Expr>,
    /// `PARTITION BY …`; empty when left out.
    pub partition_by: Vec<Expr>,
    /// `HAVING …`
    pub having: Option<Expr>,
    /// `EMIT …`; None: a pull query, or whatever is usual where the query stands.
    pub emit: Option<Emit>,
    /// Not more rows than that; less than none is for whoever plans the query to refuse.
    pub limit: Option<i64>,
    /// From SELECT to the end.
    pub span: Span,
}

/// One item of a SELECT list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the grammar beside a variant shows what its fields are")]
pub enum SelectItem {
    /// `expr [AS alias]`
    Expr { expr: Expr, alias: Option<Ident> },
    /// `*` or `source.*`
    All { source: Option<Ident>, span: Span },
    /// `base->*`
    StructAll { base: Expr, span: Span },
}

/// `name [AS alias]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceRef {
    /// The stream or table.
    pub name: Ident,
    /// What expressions call it instead.
    pub alias: Option<Ident>,
}

/// One `JOIN` clause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Join {
    /// `INNER` when nothing is written.
    pub kind: JoinKind,
    /// What is joined to all that stands before.
    pub right: SourceRef,
    /// `WITHIN …`, between streams.
    pub within: Option<Within>,
    /// `ON …`
    pub on: Expr,
    /// The whole clause.
    pub span: Span,
}

/// Which rows without a partner stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum JoinKind {
    /// `[INNER] JOIN`
    Inner,
    /// `LEFT [OUTER] JOIN`
    Left,
    /// `RIGHT [OUTER] JOIN`
    Right,
    /// `FULL [OUTER] JOIN`
    Outer,
}

/// `WITHIN n unit | (before, after) [GRACE PERIOD g]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Within {
    /// How much earlier than the left row the right one may be.
    pub before: Interval,
    /// How much later; the same unless two are written.
    pub after: Interval,
    /// `GRACE PERIOD`: how late rows may come.
    pub grace: Option<Interval>,
}

/// `n unit`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// How many, as written.
    pub amount: i64,
    /// Of what.
    pub unit: TimeUnit,
}

/// A unit of time. It stands in the command log: names stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeUnit {
    /// Of 24 hours.
    Days,
    /// `HOUR`, `HOURS`
    Hours,
    /// `MINUTE`, `MINUTES`
    Minutes,
    /// `SECOND`, `SECONDS`
    Seconds,
    /// `MILLISECOND`, `MILLISECONDS`
    Milliseconds,
}

/// `WINDOW …`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// With its sizes.
    pub kind: WindowKind,
    /// `RETENTION …`: how long closed windows can be read.
    pub retention: Option<Interval>,
    /// `GRACE PERIOD …`: how late rows may come.
    pub grace: Option<Interval>,
    /// The whole clause.
    pub span: Span,
}

/// The kind of a window, with its sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the grammar beside a variant shows what its fields are")]
pub enum WindowKind {
    /// `TUMBLING (SIZE size)`
    Tumbling { size: Interval },
    /// `HOPPING (SIZE size, ADVANCE BY advance)`
    Hopping { size: Interval, advance: Interval },
    /// `SESSION (gap)`
    Session { gap: Interval },
}

/// When rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Emit {
    /// `EMIT CHANGES`: each change of a row.
    Changes,
    /// `EMIT FINAL`: one row per window, when it closes.
    Final,
}

/// An expression and where it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// All of it, with its operands.
    pub span: Span,
}

/// What an expression is. Parentheses are not kept; operands that need them get them when it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the grammar beside a variant shows what its fields are")]
pub enum ExprKind {
    /// `NULL`
    Null,
    /// `TRUE`, `FALSE`
    Boolean(bool),
    /// A whole number that 32 bits hold.
    Integer(i32),
    /// A whole number that needs 64 bits.
    Bigint(i64),
    /// Text of an exact number, as written (`1.50`).
    Decimal(String),
    /// A number with an exponent (`1.5E0`).
    Double(f64),
    /// `'text'`, its quotes read.
    String(String),
    /// `name` or `source.name`
    Column { source: Option<Ident>, name: Ident },
    /// `-expr`, `+expr`
    Unary { op: Sign, expr: Box<Expr> },
    /// `NOT expr`
    Not(Box<Expr>),
    /// `left op right`
    Binary { op: BinaryOp, left: Box<Expr>, right: Box<Expr> },
    /// `expr [NOT] BETWEEN low AND high`
    Between { expr: Box<Expr>, low: Box<Expr>, high: Box<Expr>, negated: bool },
    /// `expr [NOT] IN (list)`
    In { expr: Box<Expr>, list: Vec<Expr>, negated: bool },
    /// `expr [NOT] LIKE pattern [ESCAPE 'escape']`
    Like { expr: Box<Expr>, pattern: Box<Expr>, escape: Option<char>, negated: bool },
    /// `expr IS [NOT] NULL`
    IsNull { expr: Box<Expr>, negated: bool },
    /// `CASE [operand] WHEN … THEN … [ELSE otherwise] END`
    Case { operand: Option<Box<Expr>>, whens: Vec<(Expr, Expr)>, otherwise: Option<Box<Expr>> },
    /// `CAST(expr AS to)`
    Cast { expr: Box<Expr>, to: Type },
    /// `base[index]`
    Subscript { base: Box<Expr>, index: Box<Expr> },
    /// `base->field`
    Field { base: Box<Expr>, field: Ident },
    /// `ARRAY[…]`
    Array(Vec<Expr>),
    /// `MAP(k := v, …)`
    Map(Vec<(Expr, Expr)>),
    /// `STRUCT(f := v, …)`
    Struct(Vec<(Ident, Expr)>),
    /// `name(args)`; `star` is `COUNT(*)`
    Call { name: Ident, args: Vec<Expr>, star: bool },
    /// `x => body`, `(x, y) => body` with `params` x and y
    Lambda { params: Vec<Ident>, body: Box<Expr> },
    /// A bare time unit as a function's argument: `TIMESTAMPADD(DAYS, 1, ts)`
    Unit(TimeUnit),
    /// `expr AT TIME ZONE 'zone'`
    AtTimeZone { expr: Box<Expr>, zone: String },
}

/// The sign before an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Sign {
    /// `+`
    Plus,
    /// `-`
    Minus,
}

/// An operator between two expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
    /// `||`
    Concat,
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `IS DISTINCT FROM`
    IsDistinctFrom,
    /// `IS NOT DISTINCT FROM`
    IsNotDistinctFrom,
    /// `AND`
    And,
    /// `OR`
    Or,
}
