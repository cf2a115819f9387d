//! Columns and types as entities show them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A column or a field of a STRUCT.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    pub schema: SchemaInfo,
    /// `KEY` or `HEADER`; absent for value columns.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The header a `HEADER('k')` column shows.
    #[serde(rename = "headerKey", default, skip_serializing_if = "Option::is_none")]
    pub header_key: Option<String>,
}

/// A type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SchemaInfo {
    /// `BOOLEAN`, …, `ARRAY`, `MAP`, `STRUCT`.
    #[serde(rename = "type")]
    pub base: String,
    /// Fields of a STRUCT.
    #[serde(default)]
    pub fields: Option<Vec<Field>>,
    /// Element of an ARRAY, value of a MAP.
    #[serde(default)]
    pub member_schema: Option<Box<SchemaInfo>>,
    /// Precision and scale of a DECIMAL.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub parameters: Map<String, Value>,
}
