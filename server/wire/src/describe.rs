//! What DESCRIBE, EXPLAIN and SHOW QUERIES say about sources and queries.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Field;

/// A running query in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunningQuery {
    /// Its statement.
    pub query_string: String,
    /// Names of what it writes.
    pub sinks: Vec<String>,
    /// Their topics.
    pub sink_kafka_topics: Vec<String>,
    /// Its id.
    pub id: String,
    /// State → number of servers.
    pub status_count: Map<String, Value>,
    /// `PERSISTENT`, `PUSH` or `PULL`.
    pub query_type: String,
    /// State on this server.
    pub state: Option<String>,
}

/// A stream or table in full.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceDescription {
    pub name: String,
    /// `TUMBLING`, `HOPPING`, `SESSION`.
    pub window_type: Option<String>,
    pub read_queries: Vec<RunningQuery>,
    pub write_queries: Vec<RunningQuery>,
    pub fields: Vec<Field>,
    /// `STREAM` or `TABLE`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Name of the timestamp column, or empty.
    pub timestamp: String,
    pub statistics: String,
    pub error_stats: String,
    pub extended: bool,
    pub key_format: String,
    pub value_format: String,
    pub topic: String,
    pub partitions: u32,
    pub replication: u32,
    /// The CREATE statement.
    pub statement: String,
    pub query_offset_summaries: Vec<QueryOffsetSummary>,
    /// Sources that are made from this one.
    pub source_constraints: Vec<String>,
    pub cluster_statistics: Vec<HostStat>,
    pub cluster_error_stats: Vec<HostStat>,
}

/// One statistic of one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostStat {
    pub name: String,
    pub host: String,
    pub value: Value,
    /// Milliseconds since the epoch.
    pub timestamp: i64,
}

/// Where a query's consumer group stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryOffsetSummary {
    pub group_id: String,
    pub topic_summaries: Vec<QueryTopicOffsetSummary>,
}

/// Where it stands in one topic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryTopicOffsetSummary {
    pub kafka_topic: String,
    pub offsets: Vec<ConsumerOffset>,
}

/// Where it stands in one partition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsumerOffset {
    pub partition: u32,
    pub log_start_offset: i64,
    pub log_end_offset: i64,
    pub consumer_offset: i64,
}

/// A query in full.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryDescription {
    pub id: String,
    pub statement_text: String,
    pub window_type: Option<String>,
    pub fields: Vec<Field>,
    pub sources: Vec<String>,
    pub sinks: Vec<String>,
    pub topology: String,
    pub execution_plan: String,
    pub overridden_properties: Map<String, Value>,
    /// `host:port` → state.
    pub ksql_host_query_status: Map<String, Value>,
    pub query_type: String,
    pub query_errors: Vec<QueryError>,
    pub tasks_metadata: Vec<TaskMetadata>,
    pub consumer_group_id: Option<String>,
    pub state: Option<String>,
}

/// Something that stopped a query for a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryError {
    pub timestamp: i64,
    pub error_message: String,
    /// `UNKNOWN`, `USER` or `SYSTEM`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// One task of a query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskMetadata {
    /// `<sub-topology>_<partition>`
    pub task_id: String,
    pub topic_offsets: Vec<TopicOffset>,
    pub time_current_idling_started: Option<i64>,
}

/// Where a task stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicOffset {
    pub topic_partition_entity: TopicPartitionEntity,
    pub end_offset: i64,
    pub committed_offset: i64,
}

/// A partition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopicPartitionEntity {
    pub topic: String,
    pub partition: u32,
}
