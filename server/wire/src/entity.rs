//! Entities: what `/ksql` answers for a statement.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{QueryDescription, RunningQuery, SchemaInfo, SourceDescription};

/// One element of the answer of `/ksql`: one per statement. Each has the statement (canonical for CREATE, else as it was
/// received) and warnings: what is worth knowing although it worked.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "@type")]
pub enum Entity {
    /// What went through the command log: CREATE, DROP, INSERT INTO … SELECT, TERMINATE, …
    #[serde(rename = "currentStatus")]
    CurrentStatus(CommandStatusEntity),
    /// `IF [NOT] EXISTS`, and nothing was to do.
    #[serde(rename = "warning_entity")]
    Warning(WarningEntity),
    /// `SHOW STREAMS`
    #[serde(rename = "streams")]
    Streams(StreamList),
    /// `SHOW TABLES`
    #[serde(rename = "tables")]
    Tables(TableList),
    /// `SHOW STREAMS EXTENDED`, `DESCRIBE TABLES`, …
    #[serde(rename = "source_descriptions")]
    SourceDescriptions(SourceDescriptionList),
    /// `DESCRIBE name`
    #[serde(rename = "sourceDescription")]
    SourceDescription(SourceDescriptionEntity),
    /// `SHOW QUERIES`
    #[serde(rename = "queries")]
    Queries(QueryList),
    /// `SHOW QUERIES EXTENDED`
    #[serde(rename = "query_descriptions")]
    QueryDescriptions(QueryDescriptionList),
    /// `EXPLAIN`
    #[serde(rename = "queryDescription")]
    QueryDescription(QueryDescriptionEntity),
    /// `SHOW TOPICS`
    #[serde(rename = "kafka_topics")]
    Topics(TopicList),
    /// `SHOW TOPICS EXTENDED`
    #[serde(rename = "kafka_topics_extended")]
    TopicsExtended(TopicListExtended),
    /// `SHOW PROPERTIES`
    #[serde(rename = "properties")]
    Properties(PropertiesList),
    /// `SHOW FUNCTIONS`
    #[serde(rename = "function_names")]
    Functions(FunctionList),
    /// `DESCRIBE FUNCTION name`
    #[serde(rename = "describe_function")]
    Function(DescribeFunction),
    /// `SHOW TYPES`
    #[serde(rename = "type_list")]
    Types(TypeList),
    /// `SHOW VARIABLES`
    #[serde(rename = "variables")]
    Variables(VariableList),
    /// `TERMINATE` of a push query
    #[serde(rename = "terminate_query")]
    TerminateQuery(TerminateQuery),
    /// `SHOW CONNECTORS`
    #[serde(rename = "connector_list")]
    Connectors(ConnectorList),
    /// `SHOW CONNECTOR PLUGINS`
    #[serde(rename = "connector_plugins_list")]
    ConnectorPlugins(ConnectorPlugins),
    /// `ASSERT [NOT EXISTS] TOPIC`
    #[serde(rename = "assert_topic")]
    AssertTopic(AssertTopic),
    /// `ASSERT [NOT EXISTS] SCHEMA`
    #[serde(rename = "assert_schema")]
    AssertSchema(AssertSchema),
    /// An entity this version does not know (only met when reading).
    #[serde(untagged)]
    Other(Value),
}

/// By hand, because serde buffers the content of tagged enums and that loses exact numbers.
impl<'de> Deserialize<'de> for Entity {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        fn read<T: serde::de::DeserializeOwned, E: serde::de::Error>(value: Value) -> Result<T, E> {
            serde_json::from_value(value).map_err(E::custom)
        }
        let value = Value::deserialize(input)?;
        let tag = value.get("@type").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(match tag.as_str() {
            "currentStatus" => Self::CurrentStatus(read(value)?),
            "warning_entity" => Self::Warning(read(value)?),
            "streams" => Self::Streams(read(value)?),
            "tables" => Self::Tables(read(value)?),
            "source_descriptions" => Self::SourceDescriptions(read(value)?),
            "sourceDescription" => Self::SourceDescription(read(value)?),
            "queries" => Self::Queries(read(value)?),
            "query_descriptions" => Self::QueryDescriptions(read(value)?),
            "queryDescription" => Self::QueryDescription(read(value)?),
            "kafka_topics" => Self::Topics(read(value)?),
            "kafka_topics_extended" => Self::TopicsExtended(read(value)?),
            "properties" => Self::Properties(read(value)?),
            "function_names" => Self::Functions(read(value)?),
            "describe_function" => Self::Function(read(value)?),
            "type_list" => Self::Types(read(value)?),
            "variables" => Self::Variables(read(value)?),
            "terminate_query" => Self::TerminateQuery(read(value)?),
            "connector_list" => Self::Connectors(read(value)?),
            "connector_plugins_list" => Self::ConnectorPlugins(read(value)?),
            "assert_topic" => Self::AssertTopic(read(value)?),
            "assert_schema" => Self::AssertSchema(read(value)?),
            _ => Self::Other(value),
        })
    }
}

/// Something worth knowing about a statement that worked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Warning {
    /// What.
    pub message: String,
}

/// Answer of a statement that went through the command log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommandStatusEntity {
    /// What this answers; see [`Entity`].
    pub statement_text: String,
    /// ``stream/`X`/create``
    pub command_id: String,
    /// What became of it.
    pub command_status: CommandStatus,
    /// Position in the command log, -1 before any.
    pub command_sequence_number: i64,
    /// See [`Entity`].
    pub warnings: Vec<Warning>,
}

/// How far a command is; also the answer of `GET /status/…`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommandStatus {
    /// `SUCCESS`, `ERROR`, `EXECUTING`, …
    pub status: String,
    /// `Stream created`, `Created query with ID CSAS_X_7`, …
    pub message: String,
    /// Query it started.
    pub query_id: Option<String>,
}

/// Answer of `IF [NOT] EXISTS` when nothing was to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WarningEntity {
    /// What this answers; see [`Entity`].
    pub statement_text: String,
    /// Why nothing was to do.
    pub message: String,
    /// See [`Entity`].
    pub warnings: Vec<Warning>,
}

/// SHOW STREAMS
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamList {
    /// What this answers; see [`Entity`].
    pub statement_text: String,
    /// In order of their names.
    pub streams: Vec<SourceInfo>,
    /// See [`Entity`].
    pub warnings: Vec<Warning>,
}

/// SHOW TABLES
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TableList {
    /// What this answers; see [`Entity`].
    pub statement_text: String,
    /// In order of their names.
    pub tables: Vec<SourceInfo>,
    /// See [`Entity`].
    pub warnings: Vec<Warning>,
}

/// A stream or table in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceInfo {
    /// `STREAM` or `TABLE`.
    #[serde(rename = "type")]
    pub kind: String,
    /// As the catalog knows it, without quotes.
    pub name: String,
    /// The topic its records are in.
    pub topic: String,
    /// `KAFKA`, `JSON`, …
    pub key_format: String,
    /// `JSON`, `DELIMITED`, …
    pub value_format: String,
    /// Whether its keys stand in windows.
    pub is_windowed: bool,
}

/// SHOW STREAMS EXTENDED
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceDescriptionList {
    /// What this answers; see [`Entity`].
    pub statement_text: String,
    /// In order of their names.
    pub source_descriptions: Vec<SourceDescription>,
    /// See [`Entity`].
    pub warnings: Vec<Warning>,
}

/// DESCRIBE
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceDescriptionEntity {
    /// What this answers; see [`Entity`].
    pub statement_text: String,
    /// The one asked for.
    pub source_description: SourceDescription,
    /// See [`Entity`].
    pub warnings: Vec<Warning>,
}

/// SHOW QUERIES
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryList {
    /// What this answers; see [`Entity`].
    pub statement_text: String,
    /// Persistent ones, then push queries, each oldest first.
    pub queries: Vec<RunningQuery>,
    /// See [`Entity`].
    pub warnings: Vec<Warning>,
}

/// SHOW QUERIES EXTENDED
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryDescriptionList {
    /// What this answers; see [`Entity`].
    pub statement_text: String,
    /// Persistent ones, oldest first.
    pub query_descriptions: Vec<QueryDescription>,
    /// See [`Entity`].
    pub warnings: Vec<Warning>,
}

/// EXPLAIN
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryDescriptionEntity {
    /// What this answers; see [`Entity`].
    pub statement_text: String,
    /// The query, or what the statement would start.
    pub query_description: QueryDescription,
    /// See [`Entity`].
    pub warnings: Vec<Warning>,
}

/// SHOW TOPICS
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicList {
    /// What this answers; see [`Entity`].
    pub statement_text: String,
    /// In order of their names.
    pub topics: Vec<TopicInfo>,
    /// See [`Entity`].
    pub warnings: Vec<Warning>,
}

/// A topic in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicInfo {
    /// In the case Kafka knows it by.
    pub name: String,
    /// Number of replicas of each partition.
    pub replica_info: Vec<u32>,
}

/// SHOW TOPICS EXTENDED
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicListExtended {
    /// What this answers; see [`Entity`].
    pub statement_text: String,
    /// In order of their names.
    pub topics: Vec<TopicInfoExtended>,
    /// See [`Entity`].
    pub warnings: Vec<Warning>,
}

/// A topic in a longer list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicInfoExtended {
    /// In the case Kafka knows it by.
    pub name: String,
    /// Number of replicas of each partition.
    pub replica_info: Vec<u32>,
    /// Persistent queries that read it.
    pub consumer_count: u32,
    /// The same: each has a group of its own.
    pub consumer_group_count: u32,
}

/// SHOW PROPERTIES
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PropertiesList {
    /// What this answers; see [`Entity`].
    pub statement_text: String,
    /// All that the server knows.
    pub properties: Vec<Property>,
    /// Names the request overrides.
    pub overwritten_properties: Vec<String>,
    /// Names nobody set.
    pub default_properties: Vec<String>,
    /// See [`Entity`].
    pub warnings: Vec<Warning>,
}

/// One property.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Property {
    /// `ksql.streams.auto.offset.reset`, …
    pub name: String,
    /// `KSQL` or `EMBEDDED CONNECT WORKER`.
    pub scope: String,
    /// As set, else the default; `[hidden]` for a password, absent when there is none.
    pub value: Option<String>,
    /// Whether a session may set it.
    pub editable: bool,
    /// `SERVER` or `QUERY`.
    pub level: String,
}

/// SHOW FUNCTIONS
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionList {
    /// What this answers; see [`Entity`].
    pub statement_text: String,
    /// In order of their names.
    pub functions: Vec<FunctionName>,
    /// See [`Entity`].
    pub warnings: Vec<Warning>,
}

/// A function in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FunctionName {
    /// In upper case.
    pub name: String,
    /// `SCALAR`, `AGGREGATE`, `TABLE`.
    #[serde(rename = "type")]
    pub kind: String,
    /// As `SHOW FUNCTIONS` groups them: `STRING`, `DATE / TIME`, …
    pub category: String,
}

/// DESCRIBE FUNCTION
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeFunction {
    /// What this answers; see [`Entity`].
    pub statement_text: String,
    /// In upper case.
    pub name: String,
    /// What it does.
    pub description: String,
    /// `Confluent` for those that ksqlDB has.
    pub author: String,
    /// Of the function; mostly empty.
    pub version: String,
    /// Always `internal`: no function comes from a file.
    pub path: String,
    /// Its signatures.
    pub functions: Vec<FunctionInfo>,
    /// `SCALAR`, `AGGREGATE`, `TABLE`.
    #[serde(rename = "type")]
    pub kind: String,
    /// See [`Entity`].
    pub warnings: Vec<Warning>,
}

/// One signature of a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionInfo {
    /// In order.
    pub arguments: Vec<FunctionArgument>,
    /// As SQL writes it.
    pub return_type: String,
    /// What this signature does.
    pub description: String,
    /// Types of `arguments`, as SQL writes them.
    pub argument_types: Vec<String>,
}

/// One argument.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionArgument {
    /// As the documentation calls it.
    pub name: String,
    /// As SQL writes it.
    #[serde(rename = "type")]
    pub ty: String,
    /// What it is for; may be empty.
    pub description: String,
    /// Whether any number of them may follow.
    pub is_variadic: bool,
}

/// SHOW TYPES
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TypeList {
    /// What this answers; see [`Entity`].
    pub statement_text: String,
    /// Name → [`SchemaInfo`].
    pub types: Map<String, Value>,
    /// See [`Entity`].
    pub warnings: Vec<Warning>,
}

impl TypeList {
    /// The types, read.
    pub fn schemas(&self) -> Vec<(String, SchemaInfo)> {
        let read = |(name, ty): (&String, &Value)| Some((name.clone(), serde_json::from_value(ty.clone()).ok()?));
        self.types.iter().filter_map(read).collect()
    }
}

/// SHOW VARIABLES
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VariableList {
    /// What this answers; see [`Entity`].
    pub statement_text: String,
    /// In order of their names.
    pub variables: Vec<Variable>,
    /// See [`Entity`].
    pub warnings: Vec<Warning>,
}

/// A variable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Variable {
    /// In the case it was defined in.
    pub name: String,
    /// What `${name}` stands for.
    pub value: String,
}

/// TERMINATE of a push query
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TerminateQuery {
    /// What this answers; see [`Entity`].
    pub statement_text: String,
    /// Of the push query.
    pub query_id: String,
    /// False when it had ended before.
    pub was_terminated: bool,
    /// See [`Entity`].
    pub warnings: Vec<Warning>,
}

/// SHOW CONNECTORS
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectorList {
    /// What this answers; see [`Entity`].
    pub statement_text: String,
    /// Always empty: there are no connectors.
    pub connectors: Vec<Value>,
    /// See [`Entity`].
    pub warnings: Vec<Warning>,
}

/// SHOW CONNECTOR PLUGINS
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectorPlugins {
    /// What this answers; see [`Entity`].
    pub statement_text: String,
    /// Always empty.
    pub connectors_plugins: Vec<Value>,
    /// See [`Entity`].
    pub warnings: Vec<Warning>,
}

/// ASSERT TOPIC
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssertTopic {
    /// What this answers; see [`Entity`].
    pub statement_text: String,
    /// In the case it was written in.
    pub topic_name: String,
    /// Whether it was asserted to exist, or not to.
    pub exists: bool,
    /// See [`Entity`].
    pub warnings: Vec<Warning>,
}

/// ASSERT SCHEMA
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssertSchema {
    /// What this answers; see [`Entity`].
    pub statement_text: String,
    /// As asked for.
    pub subject: Option<String>,
    /// As asked for.
    pub id: Option<i32>,
    /// Whether it was asserted to exist, or not to.
    pub exists: bool,
    /// See [`Entity`].
    pub warnings: Vec<Warning>,
}
