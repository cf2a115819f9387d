//! What a statement answers, in the engine's own words.

use std::collections::BTreeMap;

use crate::runtime::QueryError;
use crate::types::SqlType;

/// Answer to one statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The statement: canonical for CREATE, as received for the rest.
    pub text: String,
    /// What came of it.
    pub outcome: Outcome,
    /// Things worth knowing although it worked.
    pub warnings: Vec<String>,
}

/// What came of a statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Nothing to show: SET, UNSET, DEFINE, UNDEFINE, INSERT VALUES.
    Nothing,
    /// It went through the command log.
    Command(CommandStatus),
    /// `IF [NOT] EXISTS` and nothing was to do.
    NothingToDo { message: String },
    /// SHOW STREAMS
    Streams(Vec<SourceLine>),
    /// SHOW TABLES
    Tables(Vec<SourceLine>),
    /// SHOW STREAMS EXTENDED, DESCRIBE STREAMS, …
    SourceDescriptions(Vec<SourceDescription>),
    /// DESCRIBE
    SourceDescription(Box<SourceDescription>),
    /// SHOW QUERIES
    Queries(Vec<QueryLine>),
    /// SHOW QUERIES EXTENDED
    QueryDescriptions(Vec<QueryDescription>),
    /// EXPLAIN
    QueryDescription(Box<QueryDescription>),
    /// SHOW TOPICS
    Topics { topics: Vec<TopicLine>, extended: bool },
    /// SHOW PROPERTIES
    Properties { properties: Vec<Property>, overwritten: Vec<String>, defaults: Vec<String> },
    /// SHOW FUNCTIONS
    Functions(Vec<FunctionLine>),
    /// DESCRIBE FUNCTION
    Function(Box<FunctionDescription>),
    /// SHOW TYPES
    Types(Vec<(String, SqlType)>),
    /// SHOW VARIABLES
    Variables(Vec<(String, String)>),
    /// TERMINATE of a push query
    PushQueryTerminated { query_id: String, was_terminated: bool },
    /// SHOW CONNECTORS: there never are any
    Connectors,
    /// SHOW CONNECTOR PLUGINS: there never are any
    ConnectorPlugins,
    /// ASSERT [NOT EXISTS] TOPIC
    AssertedTopic { topic: String, exists: bool },
    /// ASSERT [NOT EXISTS] SCHEMA
    AssertedSchema { subject: Option<String>, id: Option<i32>, exists: bool },
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandStatus {
    /// ``stream/`X`/create``, `stream/X/drop`, `terminate/CSAS_X_1/execute`, …
    pub command_id: String,
    /// `Stream created`, `Created query with ID CSAS_X_7`, …
    pub message: String,
    /// The query it started.
    pub query_id: Option<String>,
    /// Position in the command log.
    pub sequence_number: i64,
}

/// A stream or table in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLine {
    pub name: String,
    pub topic: String,
    pub key_format: String,
    pub value_format: String,
    pub windowed: bool,
}

/// A column of a source or a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceField {
    pub name: String,
    pub ty: SqlType,
    pub constraint: FieldConstraint,
}

/// What a column is besides a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldConstraint {
    /// A value column.
    None,
    /// (Part of) the key.
    Key,
    /// All headers.
    Headers,
    /// One header.
    Header(String),
}

/// Persistent, push or pull.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryType {
    Persistent,
    Push,
    Pull,
}

/// A running query in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryLine {
    pub id: String,
    /// Its statement.
    pub text: String,
    /// Name of what it writes, and its topic.
    pub sink: Option<(String, String)>,
    pub query_type: QueryType,
    /// `RUNNING`, `PAUSED`, `ERROR`.
    pub status: String,
    /// `RUNNING` or `ERROR`: Kafka Streams knows no pause.
    pub state: String,
}

/// A stream or table in full.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceDescription {
    pub name: String,
    pub is_table: bool,
    /// `TUMBLING`, `HOPPING`, `SESSION`.
    pub window_type: Option<&'static str>,
    pub readers: Vec<QueryLine>,
    pub writers: Vec<QueryLine>,
    pub fields: Vec<SourceField>,
    /// Name of the timestamp column, or empty.
    pub timestamp: String,
    pub extended: bool,
    pub key_format: String,
    pub value_format: String,
    pub topic: String,
    pub partitions: u32,
    pub replicas: u32,
    /// The CREATE statement.
    pub statement: String,
    /// Of the queries that write it; empty unless extended.
    pub offsets: Vec<GroupOffsets>,
    /// What is known of records that could not be read; empty when there are none, or unless extended.
    pub trouble: String,
    /// Names of sources made from this one.
    pub dependants: Vec<String>,
}

/// Where a consumer group stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupOffsets {
    pub group: String,
    /// Topic → its partitions.
    pub topics: Vec<(String, Vec<PartitionOffsets>)>,
}

/// Where a consumer group stands in a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionOffsets {
    pub partition: u32,
    pub begin: i64,
    pub end: i64,
    pub position: i64,
}

/// A query in full.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryDescription {
    pub id: String,
    pub text: String,
    pub window_type: Option<&'static str>,
    pub fields: Vec<SourceField>,
    pub sources: Vec<String>,
    pub sinks: Vec<String>,
    /// The sub-topologies, as text.
    pub topology: String,
    /// The steps, as an indented tree.
    pub execution_plan: String,
    pub overrides: BTreeMap<String, String>,
    pub query_type: QueryType,
    /// None for a statement that was only planned.
    pub running: Option<QueryLine>,
    pub tasks: Vec<TaskOffsets>,
    pub errors: Vec<QueryError>,
    pub group: Option<String>,
}

/// Where a task of a query stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskOffsets {
    /// `<sub-topology>_<partition>`
    pub id: String,
    /// (topic, partition, end, committed); -1 where nothing is known yet.
    pub offsets: Vec<(String, u32, i64, i64)>,
}

/// A topic in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicLine {
    pub name: String,
    pub partitions: u32,
    pub replicas: u32,
    pub consumers: u32,
    pub consumer_groups: u32,
}

/// A property of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    pub name: String,
    pub value: Option<String>,
    pub editable: bool,
    /// Whether a query may have its own.
    pub per_query: bool,
}

/// A function in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionLine {
    pub name: String,
    /// `SCALAR`, `AGGREGATE`, `TABLE`.
    pub kind: &'static str,
    pub category: String,
}

/// A function in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionDescription {
    pub name: String,
    pub description: String,
    pub author: String,
    pub version: String,
    /// `SCALAR`, `AGGREGATE`, `TABLE`.
    pub kind: &'static str,
    pub signatures: Vec<FunctionSignature>,
}

/// One signature of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionSignature {
    pub arguments: Vec<FunctionArgument>,
    pub return_type: String,
    pub description: String,
}

/// One argument of a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionArgument {
    pub name: String,
    pub ty: String,
    pub description: String,
    pub variadic: bool,
}
