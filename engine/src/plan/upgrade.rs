//! What CREATE OR REPLACE may change: columns are only appended; filters and projections are free, everything that owns
//! state stays as it was.

use crate::catalog::Source;
use crate::formats::FormatSpec;
use crate::steps::{QueryPlan, Step, StepKind};
use crate::types::Column;

use super::error::{PlanError, Result};

/// Whether a stream or table may take the place of another.
pub(super) fn check_source(old: &Source, new: &Source) -> Result<()> {
    let mut issues = Vec::new();
    let mut compare = |what: &str, was: String, is: String, same: bool| {
        if !same {
            issues.push(format!("DataSource '`{}`' has {what} = {was} which is not upgradeable to {is}", old.name));
        }
    };
    compare("type", kafka_kind(old), kafka_kind(new), old.kind == new.kind);
    compare("topic", kafka_topic(old), kafka_topic(new), kafka_topic(old) == kafka_topic(new));
    compare("timestampColumn", timestamp(old), timestamp(new), old.timestamp == new.timestamp);
    let reason = changed_key(old, new).or_else(|| changed_value(old, new));
    let is = format!("{}. ({})", new.schema, reason.as_deref().unwrap_or_default());
    compare("schema", old.schema.to_string(), is, reason.is_none());
    if issues.is_empty() {
        return Ok(());
    }
    Err(PlanError::statement(format!("Cannot upgrade data source: {}", issues.join("\n\tAND "))))
}

fn kafka_kind(source: &Source) -> String {
    format!("K{}", super::messages::kind_upper(source.kind))
}

/// A topic and its formats as ksqlDB prints them.
fn kafka_topic(source: &Source) -> String {
    let side = |spec: &FormatSpec, columns: usize| {
        let properties = [
            spec.full_name.as_ref().map(|name| format!("fullSchemaName={name}")),
            spec.delimiter.map(|delimiter| format!("delimiter={delimiter}")),
            spec.nullable.map(|nullable| format!("nullableRepresentation={}", nullable.name())),
            spec.schema_id.map(|id| format!("schemaId={id}")),
        ];
        format!(
            "format=FormatInfo{{format={}, properties={{{}}}}}, features=[{}]",
            spec.name,
            properties.into_iter().flatten().collect::<Vec<_>>().join(", "),
            super::serde_features(spec, columns).unwrap_or_default()
        )
    };
    let formats = &source.formats;
    let window = formats.window.map_or("Optional.empty".to_owned(), |window| {
        let size = window.size_ms.map_or("Optional.empty".to_owned(), |size_ms| format!("Optional[{size_ms}]"));
        format!("Optional[WindowInfo{{type={}, size={size}, emitStrategy=Optional.empty}}]", window.kind.name())
    });
    format!(
        "KsqlTopic{{kafkaTopicName='{}', keyFormat=KeyFormat{{{}, window={window}}}, valueFormat=ValueFormat{{{}}}}}",
        source.topic,
        side(&formats.key, source.schema.key.len()),
        side(&formats.value, source.schema.value.len())
    )
}

fn timestamp(source: &Source) -> String {
    source.timestamp.as_ref().map_or("Optional.empty".to_owned(), |timestamp| {
        let format =
            timestamp.format.as_ref().map_or("Optional.empty".to_owned(), |format| format!("Optional[{format}]"));
        format!("Optional[TimestampColumn{{column=`{}`, format={format}}}]", timestamp.column)
    })
}

fn changed_key(old: &Source, new: &Source) -> Option<String> {
    let changed = different(&old.schema.key, &new.schema.key, " KEY");
    if old.schema.key == new.schema.key {
        return None;
    }
    let listed = if changed.is_empty() { different(&new.schema.key, &old.schema.key, " KEY") } else { changed };
    Some(format!(
        "Key columns must be identical. The following key columns are changed, missing or reordered: [{listed}]"
    ))
}

fn changed_value(old: &Source, new: &Source) -> Option<String> {
    let changed = different(&old.schema.value, &new.schema.value, "");
    (!changed.is_empty()).then(|| format!("The following columns are changed, missing or reordered: [{changed}]"))
}

/// Columns of `old` that do not stand at the same place in `new`.
fn different(old: &[Column], new: &[Column], suffix: &str) -> String {
    let changed = old.iter().enumerate().filter(|(i, column)| new.get(*i) != Some(column));
    changed.map(|(_, column)| format!("`{}` {}{suffix}", column.name, column.ty)).collect::<Vec<_>>().join(", ")
}

/// Whether a query may take the place of another and keep its state.
pub(super) fn check_query(old: &QueryPlan, new: &QueryPlan) -> Result<()> {
    let mut old_steps = chain(&old.root)?.into_iter();
    let mut new_steps = chain(&new.root)?.into_iter();
    loop {
        match (old_steps.next(), new_steps.next()) {
            (None, None) => return Ok(()),
            (Some(old), Some(new)) => check_step(old, new)?,
            (Some(only), None) | (None, Some(only)) => return Err(unlike(name(only), "", "")),
        }
    }
}

/// The steps that must stay, from the source on.
fn chain(root: &Step) -> Result<Vec<&Step>> {
    let mut steps = Vec::new();
    let mut next = Some(root);
    while let Some(step) = next {
        next = match &step.kind {
            StepKind::Filter { input, .. } | StepKind::Project { input, .. } | StepKind::Repartition { input, .. } => {
                Some(input)
            }
            StepKind::Rekey { input, .. } => {
                steps.push(step);
                Some(input)
            }
            StepKind::Aggregate { input, window: None, .. } => {
                steps.push(step);
                Some(input)
            }
            StepKind::Source(source) if source.formats.window.is_none() => {
                steps.push(step);
                None
            }
            _ => return Err(PlanError::statement(format!("Upgrades not yet supported for {}", name(step)))),
        };
    }
    steps.reverse();
    Ok(steps)
}

fn check_step(old: &Step, new: &Step) -> Result<()> {
    let changed = |what: &str, was: String, is: String| Err(unlike(name(old), what, &format!("{was} vs. {is}")));
    match (&old.kind, &new.kind) {
        (StepKind::Source(was), StepKind::Source(is)) => {
            if old.is_table != new.is_table || was.topic != is.topic {
                return changed("topic", was.topic.clone(), is.topic.clone());
            }
            if was.formats != is.formats || was.timestamp != is.timestamp {
                return changed("formats", format!("{:?}", was.formats), format!("{:?}", is.formats));
            }
            Ok(())
        }
        (StepKind::Rekey { key: was, .. }, StepKind::Rekey { key: is, .. }) => {
            if was.len() != is.len() || old.schema.key != new.schema.key {
                return changed("key", columns(&old.schema.key), columns(&new.schema.key));
            }
            Ok(())
        }
        (
            StepKind::Aggregate { aggregates: was, input: from, .. },
            StepKind::Aggregate { aggregates: is, input: to, .. },
        ) => {
            if required(from) != required(to) {
                return changed("columns not part of aggregate", required(from), required(to));
            }
            let calls = |calls: &[crate::steps::AggregateCall]| {
                let shown: Vec<String> =
                    calls.iter().map(|call| format!("{}({:?})", call.function, call.args)).collect();
                format!("[{}]", shown.join(", "))
            };
            if calls(was) != calls(is) {
                return changed("aggregation functions", calls(was), calls(is));
            }
            Ok(())
        }
        _ => Err(unlike(name(old), "type", &format!("{} vs. {}", name(old), name(new)))),
    }
}

/// The source columns an aggregation reads, as ksqlDB lists them: ROWTIME stands for `COUNT(*)`.
fn required(input: &Step) -> String {
    let mut names: Vec<String> = input.schema.columns().map(|column| format!("`{}`", column.name)).collect();
    if input.schema.value.is_empty() {
        names.push("`ROWTIME`".to_owned());
    }
    format!("[{}]", names.join(", "))
}

fn columns(columns: &[Column]) -> String {
    let names: Vec<String> = columns.iter().map(|column| format!("`{}`", column.name)).collect();
    format!("[{}]", names.join(", "))
}

/// ksqlDB's name of a step.
fn name(step: &Step) -> &'static str {
    match (&step.kind, step.is_table) {
        (StepKind::Source(source), false) if source.formats.window.is_some() => "WindowedStreamSource",
        (StepKind::Source(source), true) if source.formats.window.is_some() => "WindowedTableSource",
        (StepKind::Source(_), false) => "StreamSource",
        (StepKind::Source(_), true) => "TableSource",
        (StepKind::Filter { .. }, false) => "StreamFilter",
        (StepKind::Filter { .. }, true) => "TableFilter",
        (StepKind::Project { .. }, false) => "StreamSelect",
        (StepKind::Project { .. }, true) => "TableSelect",
        (StepKind::Rekey { .. }, _) => "StreamSelectKey",
        (StepKind::FlatMap { .. }, _) => "StreamFlatMap",
        (StepKind::Repartition { .. }, _) => "StreamGroupBy",
        (StepKind::Aggregate { window: Some(_), .. }, _) => "StreamWindowedAggregate",
        (StepKind::Aggregate { .. }, _) => "StreamAggregate",
        (StepKind::TableAggregate { .. }, _) => "TableAggregate",
        (StepKind::Suppress { .. }, _) => "TableSuppress",
        (StepKind::StreamTableJoin { .. }, _) => "StreamTableJoin",
        (StepKind::TableTableJoin { .. }, _) => "TableTableJoin",
        (StepKind::StreamStreamJoin { .. }, _) => "StreamStreamJoin",
        (StepKind::ForeignKeyJoin { .. }, _) => "ForeignKeyTableTableJoin",
    }
}

fn unlike(step: &str, what: &str, values: &str) -> PlanError {
    PlanError::statement(format!("{step} must have matching {what}. Values differ: {values}"))
}
