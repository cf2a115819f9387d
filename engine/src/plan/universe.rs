//! Every column a query may name, numbered: expressions are bound to these numbers once, and placed onto the row layout
//! of whichever step evaluates them.

use std::sync::Arc;

use crate::catalog::Source;
use crate::expr::{Scope, ScopeColumn, Typed};
use crate::steps::SourceColumn;
use crate::types::{Column, Schema, SqlType};

use super::names::{Aliases, ROWOFFSET, ROWPARTITION, ROWTIME, WINDOWEND, WINDOWSTART};

/// A stream or table of the FROM clause.
#[derive(Debug, Clone)]
pub(super) struct From {
    /// The name expressions use for it.
    pub(super) alias: String,
    /// What it is.
    pub(super) source: Arc<Source>,
}

/// Number of a column in the [`Universe`].
pub(super) type ColumnId = usize;

/// Where a column comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// Key column of the n-th source, at that position.
    Key(usize, usize),
    /// Anything else of the n-th source.
    Value(usize, SourceColumn),
    /// Made by the query: an aggregate, a table function, a key expression, a bound of its window.
    Made,
}

/// The columns of all sources, then those the query makes itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Universe {
    pub(super) scope: Scope,
    pub(super) origins: Vec<Origin>,
    /// Whether there is more than one source.
    joined: bool,
}

impl Universe {
    /// Names that no column has.
    pub(super) fn aliases(&self) -> Aliases {
        Aliases::new(self.scope.columns.iter().map(|column| column.name.as_str()))
    }

    /// The columns of the sources, pseudo columns included.
    pub(super) fn new(froms: &[From]) -> Self {
        let mut universe = Self { joined: froms.len() > 1, ..Self::default() };
        for (n, from) in froms.iter().enumerate() {
            universe.add_source(n, from);
        }
        universe
    }

    fn add_source(&mut self, n: usize, from: &From) {
        let source = &from.source;
        let mut add = |name: &str, ty: SqlType, origin| {
            self.scope.columns.push(ScopeColumn { source: Some(from.alias.clone()), name: name.to_owned(), ty });
            self.origins.push(origin);
        };
        for (i, column) in source.schema.key.iter().enumerate() {
            add(&column.name, column.ty.clone(), Origin::Key(n, i));
        }
        let mut in_record = 0;
        for column in &source.schema.value {
            let place = match source.header(&column.name) {
                Some(header) => header.key.clone().map_or(SourceColumn::Headers, SourceColumn::Header),
                None => {
                    in_record += 1;
                    SourceColumn::Value(in_record - 1)
                }
            };
            add(&column.name, column.ty.clone(), Origin::Value(n, place));
        }
        add(ROWTIME, SqlType::Bigint, Origin::Value(n, SourceColumn::RowTime));
        add(ROWPARTITION, SqlType::Integer, Origin::Value(n, SourceColumn::RowPartition));
        add(ROWOFFSET, SqlType::Bigint, Origin::Value(n, SourceColumn::RowOffset));
        if source.is_windowed() {
            add(WINDOWSTART, SqlType::Bigint, Origin::Value(n, SourceColumn::WindowStart));
            add(WINDOWEND, SqlType::Bigint, Origin::Value(n, SourceColumn::WindowEnd));
        }
    }

    /// Adds a column the query makes; expressions may name it without a source.
    pub(super) fn make(&mut self, name: impl Into<String>, ty: SqlType) -> ColumnId {
        self.scope.columns.push(ScopeColumn { source: None, name: name.into(), ty });
        self.origins.push(Origin::Made);
        self.origins.len() - 1
    }

    /// The column of a source.
    pub(super) fn find(&self, alias: &str, name: &str) -> Option<ColumnId> {
        self.scope.position(Some(alias), name)
    }

    /// The first source's column of that name.
    pub(super) fn find_any(&self, name: &str) -> Option<ColumnId> {
        self.scope.position(None, name)
    }

    /// The column of that name that the query makes.
    pub(super) fn made_by_name(&self, name: &str) -> Option<ColumnId> {
        self.scope.columns.iter().position(|column| column.source.is_none() && column.name == name)
    }

    /// The key of the n-th source.
    pub(super) fn key_of(&self, n: usize) -> Vec<ColumnId> {
        let origins = self.origins.iter().enumerate();
        origins.filter(|(_, origin)| matches!(origin, Origin::Key(of, _) if *of == n)).map(|(id, _)| id).collect()
    }

    /// Whether it is a key column of a source.
    pub(super) fn is_key(&self, id: ColumnId) -> bool {
        matches!(self.origins.get(id), Some(Origin::Key(..)))
    }

    /// Whether the query makes the column.
    pub(super) fn is_made(&self, id: ColumnId) -> bool {
        self.origins.get(id) == Some(&Origin::Made)
    }

    /// A reference to a column.
    pub(super) fn column(&self, id: ColumnId) -> Typed {
        Typed::column(id, self.ty(id))
    }

    /// Type of a column.
    pub(super) fn ty(&self, id: ColumnId) -> SqlType {
        self.scope.columns.get(id).map_or(SqlType::String, |column| column.ty.clone())
    }

    /// Name of a column in its source.
    pub(super) fn name(&self, id: ColumnId) -> &str {
        self.scope.columns.get(id).map_or("", |column| &column.name)
    }

    /// Name of a column inside the query: unique among its sources.
    pub(super) fn label(&self, id: ColumnId) -> String {
        let Some(column) = self.scope.columns.get(id) else { return String::new() };
        match &column.source {
            Some(source) if self.joined => format!("{source}_{}", column.name),
            _ => column.name.clone(),
        }
    }

    /// The columns that code made for the query's sources may use, as messages show them: keys, values and pseudo
    /// columns, the keys again as values, bounds of windows.
    pub(super) fn code_schema(&self) -> Schema {
        let all = self.origins.iter().enumerate();
        let of = |wanted: fn(&Origin) -> bool| -> Vec<ColumnId> {
            all.clone().filter(|(_, origin)| wanted(origin)).map(|(id, _)| id).collect()
        };
        let is_bound =
            |origin: &Origin| matches!(origin, Origin::Value(_, SourceColumn::WindowStart | SourceColumn::WindowEnd));
        let key = of(|origin| matches!(origin, Origin::Key(..)));
        let value = of(|origin| matches!(origin, Origin::Value(..)));
        let (bounds, value): (Vec<ColumnId>, Vec<ColumnId>) =
            value.into_iter().partition(|&id| self.origins.get(id).is_some_and(is_bound));
        self.schema(&key, &[value, key.clone(), bounds].concat())
    }

    /// A schema made of columns.
    pub(super) fn schema(&self, key: &[ColumnId], value: &[ColumnId]) -> Schema {
        let columns = |ids: &[ColumnId]| ids.iter().map(|&id| Column::new(self.label(id), self.ty(id))).collect();
        Schema { key: columns(key), value: columns(value) }
    }
}
