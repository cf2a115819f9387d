//! Streams, tables and persistent queries as the catalog knows them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sql::SourceKind;

use crate::steps::{Formats, QueryPlan, Timestamp};
use crate::types::{Column, Schema};

/// A stream or a table over a topic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Name: upper case unless it was quoted.
    pub name: String,
    /// Stream or table.
    pub kind: SourceKind,
    /// Key columns; value and header columns in the order declared.
    pub schema: Schema,
    /// Which of `schema.value` come from the record's headers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<HeaderColumn>,
    /// Topic it reads, and writes unless it is read-only.
    pub topic: String,
    /// Formats of the topic.
    pub formats: Formats,
    /// Column that holds the event time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Timestamp>,
    /// `CREATE SOURCE …`: read-only.
    pub read_only: bool,
    /// Made by `CREATE … AS SELECT`.
    pub derived: bool,
    /// The statement that made it, as ksqlDB shows it.
    pub statement: String,
    /// Creation order; the catalog numbers sources as they come, a replaced source keeps its number.
    #[serde(skip)]
    pub created: u64,
}

/// A column filled from headers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderColumn {
    /// Name of the column.
    pub name: String,
    /// `HEADER('key')`; `None` is `HEADERS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl Source {
    /// Whether it is a table.
    pub fn is_table(&self) -> bool {
        self.kind == SourceKind::Table
    }

    /// Whether its key carries a window.
    pub fn is_windowed(&self) -> bool {
        self.formats.window.is_some()
    }

    /// The header column of that name, if it is one.
    pub fn header(&self, column: &str) -> Option<&HeaderColumn> {
        self.headers.iter().find(|header| header.name == column)
    }

    /// The columns that stand in the record itself.
    pub fn record_schema(&self) -> Schema {
        let value: Vec<Column> =
            self.schema.value.iter().filter(|column| self.header(&column.name).is_none()).cloned().collect();
        Schema { key: self.schema.key.clone(), value }
    }
}

/// What made a persistent query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueryKind {
    /// `CREATE STREAM|TABLE … AS SELECT`
    CreateAs,
    /// `INSERT INTO … SELECT`
    InsertInto,
    /// `CREATE SOURCE TABLE`: keeps the table's rows for pull queries, writes nothing.
    SourceTable,
}

/// A persistent query.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// `CSAS_X_0`, …
    pub id: String,
    /// What made it.
    pub kind: QueryKind,
    /// Streams and tables it reads.
    pub sources: Vec<String>,
    /// Stream or table it writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sink: Option<String>,
    /// The statement that made it, as ksqlDB shows it.
    pub statement: String,
    /// Its steps.
    pub plan: Arc<QueryPlan>,
}
