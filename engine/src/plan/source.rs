//! The step that reads a topic.

use crate::catalog;
use crate::steps::{Source, SourceColumn, Step, StepKind};
use crate::types::{Column, Schema};

use super::relation::Relation;
use super::universe::{ColumnId, From, Origin, Universe};

/// Reads the n-th source of a query: its key and the `needed` ones of its other columns.
pub(super) fn read(id: &str, n: usize, from: &From, needed: &[ColumnId], universe: &Universe) -> Relation {
    let source = &from.source;
    let mut key = Vec::new();
    let mut value = Vec::new();
    let mut columns = Vec::new();
    for (column, origin) in universe.origins.iter().enumerate() {
        match origin {
            Origin::Key(owner, _) if *owner == n => key.push(column),
            Origin::Value(owner, place) if *owner == n && needed.contains(&column) => {
                value.push(column);
                columns.push(place.clone());
            }
            _ => {}
        }
    }
    let schema = universe.schema(&key, &value);
    let step = step(id, source, schema, columns);
    Relation { step, layout: key.into_iter().chain(value).collect(), window: source.formats.window }
}

/// Reads all of a source under its own names.
pub(super) fn whole(source: &catalog::Source) -> Step {
    let mut in_record = 0;
    let columns = source.schema.value.iter().map(|column| place(source, column, &mut in_record)).collect();
    step("KsqlTopic/Source", source, source.schema.clone(), columns)
}

fn place(source: &catalog::Source, column: &Column, in_record: &mut usize) -> SourceColumn {
    match source.header(&column.name) {
        Some(header) => header.key.clone().map_or(SourceColumn::Headers, SourceColumn::Header),
        None => {
            *in_record += 1;
            SourceColumn::Value(*in_record - 1)
        }
    }
}

fn step(id: &str, source: &catalog::Source, schema: Schema, columns: Vec<SourceColumn>) -> Step {
    Step {
        id: id.to_owned(),
        schema,
        is_table: source.is_table(),
        key_format: source.formats.key.clone(),
        kind: StepKind::Source(Box::new(Source {
            name: source.name.clone(),
            topic: source.topic.clone(),
            formats: source.formats.clone(),
            declared: source.record_schema(),
            columns,
            timestamp: source.timestamp.clone(),
        })),
    }
}
