//! Bodies of the small endpoints.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// `GET /info`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Info {
    /// The one thing in it.
    #[serde(rename = "KsqlServerInfo")]
    pub server: ServerInfo,
}

/// What `/info` says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerInfo {
    /// Version of ksqlDB this server behaves like; clients parse it.
    pub version: String,
    /// Id of the Kafka cluster or of the embedded log.
    pub kafka_cluster_id: String,
    /// `ksql.service.id`
    pub ksql_service_id: String,
    /// `RUNNING`, `ERROR` or `DEGRADED`.
    pub server_status: String,
}

/// `GET /healthcheck`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// Whether every part is.
    pub is_healthy: bool,
    /// Each part.
    pub details: HealthDetails,
    /// `INITIALIZING`, `READY`, `TERMINATING`, `TERMINATED`.
    pub server_state: String,
}

/// Parts of the server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthDetails {
    /// The catalog.
    pub metastore: Healthy,
    /// The log.
    pub kafka: Healthy,
    /// The command log.
    pub command_runner: Healthy,
}

/// Health of one part.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Healthy {
    /// Whether it is.
    pub is_healthy: bool,
    /// Why not. It is ours; ksqlDB's clients pass over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `GET /v1/metadata`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerMetadata {
    /// As in `/info`.
    pub version: String,
    /// Which cluster this is.
    pub cluster_id: ClusterId,
}

/// `GET /v1/metadata/id`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClusterId {
    /// Where it belongs.
    pub scope: ClusterScope,
    /// Always empty.
    pub id: String,
}

/// Names of the clusters.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClusterScope {
    /// Always empty.
    pub path: Vec<String>,
    /// `kafka-cluster` and `ksql-cluster`.
    pub clusters: Map<String, Value>,
}

/// `GET /status`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommandStatuses {
    /// Command id → status.
    pub command_statuses: Map<String, Value>,
}
