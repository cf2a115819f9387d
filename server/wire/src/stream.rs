//! Lines of query streams. Rows themselves are written by the engine's row encoder and never pass through serde.

use serde::{Deserialize, Serialize};

use crate::ErrorBody;

/// First line of the delimited format and of the JSON array.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DelimitedHeader {
    /// Id of the query.
    pub query_id: String,
    /// Names of the columns of each row.
    pub column_names: Vec<String>,
    /// Their types.
    pub column_types: Vec<String>,
}

/// First element of a StreamedRow array.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Header {
    /// What it says.
    pub header: HeaderBody,
}

/// What the header of a StreamedRow array says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HeaderBody {
    /// Id of the query.
    #[serde(rename = "queryId")]
    pub query_id: String,
    /// ``  `ID` INTEGER KEY, `NAME` STRING  ``
    pub schema: String,
    /// The schema of the rows' messages, where rows are Protobuf.
    #[serde(rename = "protoSchema", default, skip_serializing_if = "Option::is_none")]
    pub proto_schema: Option<String>,
}

/// Last element of a StreamedRow array: `Limit Reached` or `Query Completed`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FinalMessage {
    /// How it ended.
    pub final_message: String,
}

/// An error within a StreamedRow array.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RowError {
    /// What went wrong.
    pub error_message: ErrorBody,
}
