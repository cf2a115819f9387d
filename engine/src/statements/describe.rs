//! DESCRIBE and DESCRIBE STREAMS|TABLES, plain and EXTENDED.

use std::collections::BTreeMap;

use sql::SourceKind;

use crate::catalog::{Query, QueryKind, Source};
use crate::log::Position;
use crate::plan::other_spelling;
use crate::runtime::{BadRecords, Origin};
use crate::types::Column;

use super::view::Asking;
use super::{Failure, FieldConstraint, GroupOffsets, Outcome, PartitionOffsets, SourceDescription, SourceField, View};

/// `DESCRIBE name [EXTENDED]`
pub(crate) fn describe(view: View<'_>, name: &str, extended: bool) -> Result<Outcome, Failure> {
    let Some(source) = view.catalog.source(name) else {
        if let Some(lost) = view.catalog.lost_source(name) {
            return Err(Failure::statement(format!("STREAM/TABLE '{name}' {}", lost.reason())));
        }
        return Err(Failure::statement(format!(
            "Could not find STREAM/TABLE '{name}' in the Metastore{}",
            other_spelling(view.catalog, name)
        )));
    };
    Ok(Outcome::SourceDescription(Box::new(description(view, source, extended)?)))
}

/// `DESCRIBE STREAMS|TABLES [EXTENDED]`, `SHOW STREAMS|TABLES EXTENDED`
pub(crate) fn all(view: View<'_>, kind: SourceKind, extended: bool) -> Result<Outcome, Failure> {
    let sources = view.catalog.sources().filter(|source| source.kind == kind);
    let described: Result<Vec<_>, Failure> = sources.map(|source| description(view, source, extended)).collect();
    Ok(Outcome::SourceDescriptions(described?))
}

fn description(view: View<'_>, source: &Source, extended: bool) -> Result<SourceDescription, Failure> {
    let topic = view.log.topic(&source.topic)?;
    let writes = |query: &&Query| query.kind != QueryKind::SourceTable;
    let writers: Vec<&Query> = view.catalog.writers(&source.name).map(|query| &**query).filter(writes).collect();
    let asking = Asking::of(view);
    let groups = writers.iter().filter(|_| extended).filter_map(|query| view.live(&query.id));
    let offsets = groups.map(|live| offsets(&asking, live.running.group())).collect();
    Ok(SourceDescription {
        name: source.name.clone(),
        is_table: source.is_table(),
        window_type: source.formats.window.map(|window| window.kind.name()),
        readers: view.catalog.readers(&source.name).map(|query| view.query_line(query)).collect(),
        writers: writers.iter().map(|query| view.query_line(query)).collect(),
        fields: source_fields(source),
        timestamp: source.timestamp.as_ref().map(|timestamp| timestamp.column.clone()).unwrap_or_default(),
        extended,
        key_format: source.formats.key.name.clone(),
        value_format: source.formats.value.name.clone(),
        topic: source.topic.clone(),
        partitions: topic.as_ref().map_or(0, |topic| topic.spec.partitions),
        replicas: topic.as_ref().map_or(0, |topic| u32::from(topic.spec.replicas)),
        statement: source.statement.clone(),
        offsets,
        trouble: if extended { trouble(view, &source.topic) } else { String::new() },
        dependants: view.catalog.dependants(&source.name).map(|other| other.name.clone()).collect(),
    })
}

/// What queries that run now could not read of a topic. Several may have met the same records.
fn trouble(view: View<'_>, topic: &str) -> String {
    let bad = view.live.iter().flat_map(|query| query.running.life().processing_log.bad_records());
    let bad = bad.filter(|bad| *bad.last.topic == *topic);
    let Some(most) = bad.max_by_key(|bad| bad.count) else { return String::new() };
    let BadRecords { count, last: Origin { partition, offset, is_key, .. }, message } = most;
    let part = if is_key { "key" } else { "value" };
    let records = if count == 1 { "record" } else { "records" };
    format!(
        "{count} {records} of topic {topic} could not be read; the last is at partition {partition}, offset {offset}: its {part}: {message}"
    )
}

/// The columns of a source: key, value and header columns.
pub(super) fn source_fields(source: &Source) -> Vec<SourceField> {
    let key = source.schema.key.iter().map(|column| field(column, FieldConstraint::Key));
    let value = source.schema.value.iter().map(|column| {
        let constraint = match source.header(&column.name) {
            None => FieldConstraint::None,
            Some(header) => header.key.clone().map_or(FieldConstraint::Headers, FieldConstraint::Header),
        };
        field(column, constraint)
    });
    key.chain(value).collect()
}

/// A column with its constraint.
pub(super) fn field(column: &Column, constraint: FieldConstraint) -> SourceField {
    SourceField { name: column.name.clone(), ty: column.ty.clone(), constraint }
}

/// Where a consumer group stands, for the topics it has read something of.
fn offsets(asking: &Asking<'_>, group: String) -> GroupOffsets {
    let mut topics: BTreeMap<String, Vec<PartitionOffsets>> = BTreeMap::new();
    for Position { of, offset } in asking.ask(|log| log.positions(&group)).unwrap_or_default() {
        let Some(bounds) = asking.ask(|log| log.bounds(&of)).filter(|bounds| offset > bounds.begin) else { continue };
        topics.entry(of.topic.to_string()).or_default().push(PartitionOffsets {
            partition: of.partition,
            begin: bounds.begin,
            end: bounds.end,
            position: offset,
        });
    }
    GroupOffsets { group, topics: topics.into_iter().collect() }
}
