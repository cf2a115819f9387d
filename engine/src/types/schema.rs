//! Key and value columns of a source.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::SqlType;

/// A named column.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// As in the catalog: upper case unless it was quoted.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: SqlType,
}

impl Column {
    /// A column.
    pub fn new(name: impl Into<String>, ty: SqlType) -> Self {
        Self { name: name.into(), ty }
    }
}

/// The columns of a stream or table. In every row layout the key columns come first, then the value columns;
/// position `i` of [`Schema::column`] is position `i` of the batches that operators see.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// Columns in the record's key, in order.
    pub key: Vec<Column>,
    /// Columns in the record's value, in order.
    pub value: Vec<Column>,
}

impl Schema {
    /// Key columns, then value columns.
    pub fn columns(&self) -> impl Iterator<Item = &Column> {
        self.key.iter().chain(&self.value)
    }

    /// Number of columns.
    pub fn len(&self) -> usize {
        self.key.len() + self.value.len()
    }

    /// Whether there is no column at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The column at a position of the row layout.
    pub fn column(&self, index: usize) -> Option<&Column> {
        if index < self.key.len() { self.key.get(index) } else { self.value.get(index - self.key.len()) }
    }

    /// Position in the row layout of the column of that exact name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns().position(|column| column.name == name)
    }
}

/// ``  `ID` BIGINT KEY, `V` STRING  ``
impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, column) in self.columns().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write!(f, "`{}` {}", column.name, column.ty)?;
            if i < self.key.len() {
                f.write_str(" KEY")?;
            }
        }
        Ok(())
    }
}
