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
    NothingToDo {
        /// Why, as ksqlDB says it.
        message: String,
    },
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
    Topics {
        /// In order of their names.
        topics: Vec<TopicLine>,
        /// Whether consumers were counted.
        extended: bool,
    },
    /// SHOW PROPERTIES
    Properties {
        /// All that are known.
        properties: Vec<Property>,
        /// Names the session has set.
        overwritten: Vec<String>,
        /// Names nobody set.
        defaults: Vec<String>,
    },
    /// SHOW FUNCTIONS
    Functions(Vec<FunctionLine>),
    /// DESCRIBE FUNCTION
    Function(Box<FunctionDescription>),
    /// SHOW TYPES
    Types(Vec<(String, SqlType)>),
    /// SHOW VARIABLES
    Variables(Vec<(String, String)>),
    /// TERMINATE of a push query
    PushQueryTerminated {
        /// As asked for.
        query_id: String,
        /// False when it had ended before.
        was_terminated: bool,
    },
    /// SHOW CONNECTORS: there never are any
    Connectors,
    /// SHOW CONNECTOR PLUGINS: there never are any
    ConnectorPlugins,
    /// ASSERT [NOT EXISTS] TOPIC
    AssertedTopic {
        /// In the case it was written in.
        topic: String,
        /// Whether it was asserted to exist, or not to.
        exists: bool,
    },
    /// ASSERT [NOT EXISTS] SCHEMA
    AssertedSchema {
        /// As asked for.
        subject: Option<String>,
        /// As asked for.
        id: Option<i32>,
        /// Whether it was asserted to exist, or not to.
        exists: bool,
    },
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
    /// As the catalog knows it.
    pub name: String,
    /// The topic its records are in.
    pub topic: String,
    /// `KAFKA`, `JSON`, …
    pub key_format: String,
    /// `JSON`, `DELIMITED`, …
    pub value_format: String,
    /// Whether its keys stand in windows.
    pub windowed: bool,
}

/// A column of a source or a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceField {
    /// As the catalog knows it.
    pub name: String,
    /// Custom types are written out.
    pub ty: SqlType,
    /// Value, key or header.
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
    /// Writes a stream or table until it is terminated.
    Persistent,
    /// A client's, until the client leaves: `EMIT CHANGES`.
    Push,
    /// A client's, over what is there.
    Pull,
}

/// A running query in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryLine {
    /// `CSAS_X_7`, …
    pub id: String,
    /// Its statement.
    pub text: String,
    /// Name of what it writes, and its topic.
    pub sink: Option<(String, String)>,
    /// Pull queries are in no list.
    pub query_type: QueryType,
    /// `RUNNING`, `PAUSED`, `ERROR`.
    pub status: String,
    /// `RUNNING` or `ERROR`: Kafka Streams knows no pause.
    pub state: String,
}

/// A stream or table in full.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceDescription {
    /// As the catalog knows it.
    pub name: String,
    /// Else it is a stream.
    pub is_table: bool,
    /// `TUMBLING`, `HOPPING`, `SESSION`.
    pub window_type: Option<&'static str>,
    /// Persistent queries that read it, oldest first.
    pub readers: Vec<QueryLine>,
    /// Persistent queries that write it, oldest first.
    pub writers: Vec<QueryLine>,
    /// Its columns, key columns first.
    pub fields: Vec<SourceField>,
    /// Name of the timestamp column, or empty.
    pub timestamp: String,
    /// Whether `EXTENDED` was asked for.
    pub extended: bool,
    /// `KAFKA`, `JSON`, …
    pub key_format: String,
    /// `JSON`, `DELIMITED`, …
    pub value_format: String,
    /// The topic its records are in.
    pub topic: String,
    /// Of the topic; 0 when it is gone.
    pub partitions: u32,
    /// Of each partition; 0 when the topic is gone.
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
    /// As the log knows it.
    pub group: String,
    /// Topic → its partitions.
    pub topics: Vec<(String, Vec<PartitionOffsets>)>,
}

/// Where a consumer group stands in a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionOffsets {
    /// Its number, from 0.
    pub partition: u32,
    /// First offset that is still there.
    pub begin: i64,
    /// Offset of the record that comes next.
    pub end: i64,
    /// Committed: the first offset that is not yet processed.
    pub position: i64,
}

/// A query in full.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryDescription {
    /// `CSAS_X_7`, …; of a statement that was only planned, one that no query has.
    pub id: String,
    /// The statement that made it, without a leading EXPLAIN.
    pub text: String,
    /// `TUMBLING`, `HOPPING`, `SESSION`.
    pub window_type: Option<&'static str>,
    /// Columns of its rows, key columns first.
    pub fields: Vec<SourceField>,
    /// Names of the streams and tables it reads.
    pub sources: Vec<String>,
    /// Name of what it writes, if it is persistent.
    pub sinks: Vec<String>,
    /// The sub-topologies, as text.
    pub topology: String,
    /// The steps, as an indented tree.
    pub execution_plan: String,
    /// Properties that the session had set when it was made.
    pub overrides: BTreeMap<String, String>,
    /// Never a pull query: these are not explained.
    pub query_type: QueryType,
    /// None for a statement that was only planned.
    pub running: Option<QueryLine>,
    /// One for each partition of each sub-topology; none for a statement that was only planned.
    pub tasks: Vec<TaskOffsets>,
    /// The latest ones, oldest first.
    pub errors: Vec<QueryError>,
    /// The consumer group that its positions are kept for.
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
    /// In the case the log knows it by.
    pub name: String,
    /// How many it has.
    pub partitions: u32,
    /// Of each partition.
    pub replicas: u32,
    /// Persistent queries that read it; counted for EXTENDED only.
    pub consumers: u32,
    /// The same: each query has a group of its own.
    pub consumer_groups: u32,
}

/// A property of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// `ksql.streams.auto.offset.reset`, …
    pub name: String,
    /// As set, else the default; `[hidden]` for a password.
    pub value: Option<String>,
    /// Whether a session may set it.
    pub editable: bool,
    /// Whether a query may have its own.
    pub per_query: bool,
}

/// A function in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionLine {
    /// In upper case.
    pub name: String,
    /// `SCALAR`, `AGGREGATE`, `TABLE`.
    pub kind: &'static str,
    /// `STRING`, `DATE / TIME`, …
    pub category: String,
}

/// A function in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionDescription {
    /// In upper case.
    pub name: String,
    /// What it does.
    pub description: String,
    /// `Confluent` for those that ksqlDB has.
    pub author: String,
    /// Always empty, as in ksqlDB for built-in functions.
    pub version: String,
    /// `SCALAR`, `AGGREGATE`, `TABLE`.
    pub kind: &'static str,
    /// One for each variation.
    pub signatures: Vec<FunctionSignature>,
}

/// One signature of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionSignature {
    /// In order.
    pub arguments: Vec<FunctionArgument>,
    /// As SQL writes it.
    pub return_type: String,
    /// What this variation does.
    pub description: String,
}

/// One argument of a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionArgument {
    /// As the documentation calls it.
    pub name: String,
    /// As SQL writes it.
    pub ty: String,
    /// What it is for; may be empty.
    pub description: String,
    /// Whether any number of them may follow.
    pub variadic: bool,
}
