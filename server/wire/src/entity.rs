//! Entities: what `/ksql` answers for a statement.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{QueryDescription, RunningQuery, SchemaInfo, SourceDescription};

/// One element of the answer of `/ksql`.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "@type")]
pub enum Entity {
    #[serde(rename = "currentStatus")]
    CurrentStatus(CommandStatusEntity),
    #[serde(rename = "warning_entity")]
    Warning(WarningEntity),
    #[serde(rename = "streams")]
    Streams(StreamList),
    #[serde(rename = "tables")]
    Tables(TableList),
    #[serde(rename = "source_descriptions")]
    SourceDescriptions(SourceDescriptionList),
    #[serde(rename = "sourceDescription")]
    SourceDescription(SourceDescriptionEntity),
    #[serde(rename = "queries")]
    Queries(QueryList),
    #[serde(rename = "query_descriptions")]
    QueryDescriptions(QueryDescriptionList),
    #[serde(rename = "queryDescription")]
    QueryDescription(QueryDescriptionEntity),
    #[serde(rename = "kafka_topics")]
    Topics(TopicList),
    #[serde(rename = "kafka_topics_extended")]
    TopicsExtended(TopicListExtended),
    #[serde(rename = "properties")]
    Properties(PropertiesList),
    #[serde(rename = "function_names")]
    Functions(FunctionList),
    #[serde(rename = "describe_function")]
    Function(DescribeFunction),
    #[serde(rename = "type_list")]
    Types(TypeList),
    #[serde(rename = "variables")]
    Variables(VariableList),
    #[serde(rename = "terminate_query")]
    TerminateQuery(TerminateQuery),
    #[serde(rename = "connector_list")]
    Connectors(ConnectorList),
    #[serde(rename = "connector_plugins_list")]
    ConnectorPlugins(ConnectorPlugins),
    #[serde(rename = "assert_topic")]
    AssertTopic(AssertTopic),
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
    pub statement_text: String,
    /// ``stream/`X`/create``
    pub command_id: String,
    pub command_status: CommandStatus,
    /// Position in the command log, -1 before any.
    pub command_sequence_number: i64,
    pub warnings: Vec<Warning>,
}

/// How far a command is; also the answer of `GET /status/…`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommandStatus {
    /// `SUCCESS`, `ERROR`, `EXECUTING`, …
    pub status: String,
    pub message: String,
    /// Query it started.
    pub query_id: Option<String>,
}

/// Answer of `IF [NOT] EXISTS` when nothing was to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WarningEntity {
    pub statement_text: String,
    pub message: String,
    pub warnings: Vec<Warning>,
}

/// SHOW STREAMS
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamList {
    pub statement_text: String,
    pub streams: Vec<SourceInfo>,
    pub warnings: Vec<Warning>,
}

/// SHOW TABLES
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TableList {
    pub statement_text: String,
    pub tables: Vec<SourceInfo>,
    pub warnings: Vec<Warning>,
}

/// A stream or table in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceInfo {
    /// `STREAM` or `TABLE`.
    #[serde(rename = "type")]
    pub kind: String,
    pub name: String,
    pub topic: String,
    pub key_format: String,
    pub value_format: String,
    pub is_windowed: bool,
}

/// SHOW STREAMS EXTENDED
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceDescriptionList {
    pub statement_text: String,
    pub source_descriptions: Vec<SourceDescription>,
    pub warnings: Vec<Warning>,
}

/// DESCRIBE
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceDescriptionEntity {
    pub statement_text: String,
    pub source_description: SourceDescription,
    pub warnings: Vec<Warning>,
}

/// SHOW QUERIES
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryList {
    pub statement_text: String,
    pub queries: Vec<RunningQuery>,
    pub warnings: Vec<Warning>,
}

/// SHOW QUERIES EXTENDED
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryDescriptionList {
    pub statement_text: String,
    pub query_descriptions: Vec<QueryDescription>,
    pub warnings: Vec<Warning>,
}

/// EXPLAIN
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryDescriptionEntity {
    pub statement_text: String,
    pub query_description: QueryDescription,
    pub warnings: Vec<Warning>,
}

/// SHOW TOPICS
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicList {
    pub statement_text: String,
    pub topics: Vec<TopicInfo>,
    pub warnings: Vec<Warning>,
}

/// A topic in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicInfo {
    pub name: String,
    /// Number of replicas of each partition.
    pub replica_info: Vec<u32>,
}

/// SHOW TOPICS EXTENDED
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicListExtended {
    pub statement_text: String,
    pub topics: Vec<TopicInfoExtended>,
    pub warnings: Vec<Warning>,
}

/// A topic in a longer list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicInfoExtended {
    pub name: String,
    /// Number of replicas of each partition.
    pub replica_info: Vec<u32>,
    pub consumer_count: u32,
    pub consumer_group_count: u32,
}

/// SHOW PROPERTIES
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PropertiesList {
    pub statement_text: String,
    pub properties: Vec<Property>,
    /// Names the request overrides.
    pub overwritten_properties: Vec<String>,
    /// Names nobody set.
    pub default_properties: Vec<String>,
    pub warnings: Vec<Warning>,
}

/// One property.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Property {
    pub name: String,
    /// `KSQL` or `EMBEDDED CONNECT WORKER`.
    pub scope: String,
    pub value: Option<String>,
    pub editable: bool,
    /// `SERVER` or `QUERY`.
    pub level: String,
}

/// SHOW FUNCTIONS
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionList {
    pub statement_text: String,
    pub functions: Vec<FunctionName>,
    pub warnings: Vec<Warning>,
}

/// A function in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FunctionName {
    pub name: String,
    /// `SCALAR`, `AGGREGATE`, `TABLE`.
    #[serde(rename = "type")]
    pub kind: String,
    pub category: String,
}

/// DESCRIBE FUNCTION
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeFunction {
    pub statement_text: String,
    pub name: String,
    pub description: String,
    pub author: String,
    pub version: String,
    pub path: String,
    pub functions: Vec<FunctionInfo>,
    #[serde(rename = "type")]
    pub kind: String,
    pub warnings: Vec<Warning>,
}

/// One signature of a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionInfo {
    pub arguments: Vec<FunctionArgument>,
    pub return_type: String,
    pub description: String,
    pub argument_types: Vec<String>,
}

/// One argument.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionArgument {
    pub name: String,
    #[serde(rename = "type")]
    pub ty: String,
    pub description: String,
    pub is_variadic: bool,
}

/// SHOW TYPES
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TypeList {
    pub statement_text: String,
    /// Name → [`SchemaInfo`].
    pub types: Map<String, Value>,
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
    pub statement_text: String,
    pub variables: Vec<Variable>,
    pub warnings: Vec<Warning>,
}

/// A variable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Variable {
    pub name: String,
    pub value: String,
}

/// TERMINATE of a push query
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TerminateQuery {
    pub statement_text: String,
    pub query_id: String,
    pub was_terminated: bool,
    pub warnings: Vec<Warning>,
}

/// SHOW CONNECTORS
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectorList {
    pub statement_text: String,
    pub connectors: Vec<Value>,
    pub warnings: Vec<Warning>,
}

/// SHOW CONNECTOR PLUGINS
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectorPlugins {
    pub statement_text: String,
    pub connectors_plugins: Vec<Value>,
    pub warnings: Vec<Warning>,
}

/// ASSERT TOPIC
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssertTopic {
    pub statement_text: String,
    pub topic_name: String,
    pub exists: bool,
    pub warnings: Vec<Warning>,
}

/// ASSERT SCHEMA
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssertSchema {
    pub statement_text: String,
    pub subject: Option<String>,
    pub id: Option<i32>,
    pub exists: bool,
    pub warnings: Vec<Warning>,
}
