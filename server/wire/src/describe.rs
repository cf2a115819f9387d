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
    /// As the catalog knows it, without quotes.
    pub name: String,
    /// `TUMBLING`, `HOPPING`, `SESSION`.
    pub window_type: Option<String>,
    /// Queries that read it, oldest first.
    pub read_queries: Vec<RunningQuery>,
    /// Queries that write it, oldest first.
    pub write_queries: Vec<RunningQuery>,
    /// Its columns, key columns first.
    pub fields: Vec<Field>,
    /// `STREAM` or `TABLE`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Name of the timestamp column, or empty.
    pub timestamp: String,
    /// Always empty: what ksqlDB has here comes of JMX.
    pub statistics: String,
    /// What is known of records that could not be read, as text; empty unless `extended`.
    pub error_stats: String,
    /// Whether `EXTENDED` was asked for. What only that shows is empty without it.
    pub extended: bool,
    /// `KAFKA`, `JSON`, …
    pub key_format: String,
    /// `JSON`, `DELIMITED`, …
    pub value_format: String,
    /// The topic its records are in.
    pub topic: String,
    /// Of the topic; 0 when it is gone.
    pub partitions: u32,
    /// Replicas of each partition; 0 when the topic is gone.
    pub replication: u32,
    /// The CREATE statement.
    pub statement: String,
    /// Where the queries that write it stand; empty unless `extended`.
    pub query_offset_summaries: Vec<QueryOffsetSummary>,
    /// Sources that are made from this one.
    pub source_constraints: Vec<String>,
    /// Always empty.
    pub cluster_statistics: Vec<HostStat>,
    /// Always empty.
    pub cluster_error_stats: Vec<HostStat>,
}

/// One statistic of one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostStat {
    /// `messages-per-sec`, …
    pub name: String,
    /// `host:port`
    pub host: String,
    /// A number.
    pub value: Value,
    /// Milliseconds since the epoch.
    pub timestamp: i64,
}

/// Where a query's consumer group stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryOffsetSummary {
    /// As Kafka knows the group.
    pub group_id: String,
    /// Topics the group reads.
    pub topic_summaries: Vec<QueryTopicOffsetSummary>,
}

/// Where it stands in one topic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryTopicOffsetSummary {
    /// Name of the topic.
    pub kafka_topic: String,
    /// Its partitions, in order.
    pub offsets: Vec<ConsumerOffset>,
}

/// Where it stands in one partition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsumerOffset {
    /// Number of the partition, from 0.
    pub partition: u32,
    /// First offset that is still there.
    pub log_start_offset: i64,
    /// Offset of the record that comes next.
    pub log_end_offset: i64,
    /// Committed: the first offset that is not yet processed.
    pub consumer_offset: i64,
}

/// A query in full.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryDescription {
    /// `CSAS_X_7`, …; of a statement that was only planned, one that no query has.
    pub id: String,
    /// The statement that made it.
    pub statement_text: String,
    /// `TUMBLING`, `HOPPING`, `SESSION`.
    pub window_type: Option<String>,
    /// Columns of its rows, key columns first.
    pub fields: Vec<Field>,
    /// Streams and tables it reads.
    pub sources: Vec<String>,
    /// The stream or table it writes, if it is persistent.
    pub sinks: Vec<String>,
    /// The sub-topologies, as text.
    pub topology: String,
    /// The steps, as an indented tree.
    pub execution_plan: String,
    /// Properties that the session had set when it was made.
    pub overridden_properties: Map<String, Value>,
    /// `host:port` → state.
    pub ksql_host_query_status: Map<String, Value>,
    /// `PERSISTENT`, `PUSH` or `PULL`.
    pub query_type: String,
    /// The latest ones, oldest first.
    pub query_errors: Vec<QueryError>,
    /// Where its tasks stand.
    pub tasks_metadata: Vec<TaskMetadata>,
    /// The group that its positions are kept for.
    pub consumer_group_id: Option<String>,
    /// `RUNNING` or `ERROR`; absent when it does not run.
    pub state: Option<String>,
}

/// Something that stopped a query for a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryError {
    /// Milliseconds since the epoch.
    pub timestamp: i64,
    /// What went wrong, as text.
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
    /// For each partition it reads.
    pub topic_offsets: Vec<TopicOffset>,
    /// Always absent: tasks here do not wait for slower partitions by the clock.
    pub time_current_idling_started: Option<i64>,
}

/// Where a task stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicOffset {
    /// Of which partition.
    pub topic_partition_entity: TopicPartitionEntity,
    /// Offset of the record that comes next, -1 while the task has read none.
    pub end_offset: i64,
    /// The first offset that is not yet processed, -1 while the task has read none.
    pub committed_offset: i64,
}

/// A partition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopicPartitionEntity {
    /// Name of the topic.
    pub topic: String,
    /// Number of the partition, from 0.
    pub partition: u32,
}
