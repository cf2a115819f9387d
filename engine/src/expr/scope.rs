//! The columns an expression may name.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use super::ExprError;
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
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Position `i` here is column `i` of the batches the compiled expression is evaluated on. Columns are only added.
    pub columns: Vec<ScopeColumn>,
    /// Parts of what was bound here so far.
    bound: Cell<usize>,
    /// Positions by name, of the columns so far.
    by_name: RefCell<Index>,
}

#[derive(Debug, Clone, Default)]
struct Index {
    positions: HashMap<String, Vec<usize>>,
    columns: usize,
}

impl Scope {
    /// The columns of a schema, with or without a source name before them.
    pub fn of(schema: &Schema, source: Option<&str>) -> Self {
        let columns = schema.columns().map(|column| ScopeColumn {
            source: source.map(str::to_owned),
            name: column.name.clone(),
            ty: column.ty.clone(),
        });
        Self { columns: columns.collect(), ..Self::default() }
    }

    /// Counts what was bound, and refuses more than `most` in all.
    ///
    /// # Errors
    /// What is bound so far is too much, with the place of what is counted now.
    pub fn count(&self, parts: usize, most: usize, span: sql::Span) -> Result<(), ExprError> {
        let bound = self.bound.get().saturating_add(parts);
        self.bound.set(bound);
        if bound <= most {
            return Ok(());
        }
        let message = format!(
            "The statement is too large: its expressions, times the parts of their types, and as often as CASE, BETWEEN \
             and `->*` repeat them, are more than {most}"
        );
        Err(ExprError::ty(message, span))
    }

    /// Position of a column. Without a source the first column of that name counts; telling that a name is ambiguous is
    /// the planner's business, which knows the clause.
    pub fn position(&self, source: Option<&str>, name: &str) -> Option<usize> {
        let mut index = self.by_name.borrow_mut();
        while let Some(column) = self.columns.get(index.columns) {
            let position = index.columns;
            index.positions.entry(column.name.clone()).or_default().push(position);
            index.columns += 1;
        }
        let of_source = |position: &&usize| {
            let own = self.columns.get(**position).and_then(|column| column.source.as_deref());
            source.is_none_or(|source| own == Some(source))
        };
        index.positions.get(name)?.iter().find(of_source).copied()
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
