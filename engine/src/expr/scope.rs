//! The columns an expression may name.

use crate::types::{Schema, SqlType};

/// One column an expression may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeColumn {
    /// Alias of the source it belongs to, if `alias.column` is allowed.
    pub source: Option<String>,
    /// Column name.
    pub name: String,
    /// Column type.
    pub ty: SqlType,
}

/// The columns an expression may name, in row-layout order (key columns first).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Position `i` here is column `i` of the batches the compiled expression is evaluated on.
    pub columns: Vec<ScopeColumn>,
}

impl Scope {
    /// The columns of a schema, with or without a source name before them.
    pub fn of(schema: &Schema, source: Option<&str>) -> Self {
        let columns = schema.columns().map(|column| ScopeColumn {
            source: source.map(str::to_owned),
            name: column.name.clone(),
            ty: column.ty.clone(),
        });
        Self { columns: columns.collect() }
    }

    /// Position of a column. Without a source the first column of that name counts; telling that a name is ambiguous is
    /// the planner's business, which knows the clause.
    pub fn position(&self, source: Option<&str>, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| {
            column.name == name && source.is_none_or(|source| column.source.as_deref() == Some(source))
        })
    }

    /// How messages call a column: `NAME`, or `SOURCE_NAME` when several sources are joined.
    pub fn label(&self, position: usize) -> String {
        let Some(column) = self.columns.get(position) else { return String::new() };
        let joined = self.columns.iter().any(|other| other.source != column.source);
        match &column.source {
            Some(source) if joined => format!("{source}_{}", column.name),
            _ => column.name.clone(),
        }
    }
}
