//! Request bodies. Fields nobody knows are ignored, explicit nulls are the same as absence.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Body of `/ksql` and `/query`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KsqlRequest {
    /// Statements, each ended by `;`.
    #[serde(deserialize_with = "text")]
    pub ksql: String,
    /// Properties for this request.
    #[serde(deserialize_with = "nullable")]
    pub streams_properties: Map<String, Value>,
    /// Properties from server to server.
    #[serde(deserialize_with = "nullable")]
    pub request_properties: Map<String, Value>,
    /// Values of `${name}`.
    #[serde(deserialize_with = "nullable")]
    pub session_variables: Map<String, Value>,
    /// Wait until the server has executed that command.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "number")]
    pub command_sequence_number: Option<i64>,
}

/// Body of `/query-stream`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryStreamRequest {
    /// One query.
    #[serde(deserialize_with = "text")]
    pub sql: String,
    /// Properties for this query.
    #[serde(default, deserialize_with = "nullable")]
    pub properties: Map<String, Value>,
    /// Values of `${name}`.
    #[serde(default, deserialize_with = "nullable")]
    pub session_variables: Map<String, Value>,
    /// Properties from server to server.
    #[serde(default, deserialize_with = "nullable")]
    pub request_properties: Map<String, Value>,
}

/// First line of `/inserts-stream`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InsertsTarget {
    /// Stream or table.
    #[serde(deserialize_with = "text")]
    pub target: String,
    /// Properties for this request.
    #[serde(default, deserialize_with = "nullable")]
    pub properties: Map<String, Value>,
}

/// Body of `/ksql/terminate`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterTerminateRequest {
    /// Regular expressions; topics of streams and tables that one of them matches are deleted.
    #[serde(deserialize_with = "texts")]
    pub delete_topic_list: Vec<String>,
}

/// Body of `/close-query`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CloseQuery {
    /// Which one.
    #[serde(deserialize_with = "text")]
    pub query_id: String,
}

/// A string; scalars of other types count by their text, null as empty.
fn text<'de, D: serde::Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    match Value::deserialize(input)? {
        Value::String(text) => Ok(text),
        Value::Null => Ok(String::new()),
        scalar @ (Value::Bool(_) | Value::Number(_)) => Ok(scalar.to_string()),
        _ => Err(serde::de::Error::custom("Cannot deserialize value of type `java.lang.String`")),
    }
}

/// A whole number; it may stand in quotes, and a fraction does not count.
fn number<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Option<i64>, D::Error> {
    let text = text(input)?;
    let whole = text.trim().split('.').next().unwrap_or_default();
    if whole.is_empty() {
        return Ok(None);
    }
    whole.parse().map(Some).map_err(|_| serde::de::Error::custom("Cannot deserialize value of type `java.lang.Long`"))
}

fn texts<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::deserialize(input)?.unwrap_or_default())
}

fn nullable<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Map<String, Value>, D::Error> {
    Ok(Option::<Map<String, Value>>::deserialize(input)?.unwrap_or_default())
}
