//! EXPLAIN of a query or a statement, SHOW QUERIES EXTENDED.

use std::collections::BTreeMap;

use crate::catalog::{Lost, Query};
use crate::log::TopicPartition;
use crate::plan::explain::execution_plan;
use crate::runtime::{self, Blame, Part, QueryError};
use crate::steps::QueryPlan;

use super::describe::{field, source_fields};
use super::view::Asking;
use super::{Failure, FieldConstraint, Outcome, QueryDescription, QueryType, SourceField, TaskOffsets, View};

/// `EXPLAIN query_id`
pub(crate) fn explain_query(view: View<'_>, id: &str) -> Result<Outcome, Failure> {
    match view.catalog.query(id) {
        Some(query) => Ok(Outcome::QueryDescription(Box::new(running(view, query, &Asking::of(view))))),
        None if let Some(lost) = view.catalog.lost_query(id) => {
            Ok(Outcome::QueryDescription(Box::new(lost_query(view, lost))))
        }
        None => Err(Failure::statement(format!(
            "Query with id:{id} does not exist, use SHOW QUERIES to view the full set of queries."
        ))),
    }
}

/// `EXPLAIN statement`: what was planned for it; `text` is the whole EXPLAIN.
pub(crate) fn explain_plan(view: View<'_>, plan: &QueryPlan, text: &str) -> Result<Outcome, Failure> {
    let now = view.clock.now_ms();
    let transient = plan.sink.is_none() && plan.sink_name.is_none();
    let id = if transient { transient_id(plan, now) } else { plan.id.clone() };
    let service_id = view.config.service_id();
    let group = runtime::group(service_id, &plan.id);
    let query_type = if transient { QueryType::Push } else { QueryType::Persistent };
    let parts = runtime::parts(plan, transient, service_id, view.log)?;
    let described = planned(plan, &parts, group, query_type);
    let group = transient.then(|| runtime::transient_group(service_id, &id, now)).or(described.group);
    let text = without_explain(text).to_owned();
    Ok(Outcome::QueryDescription(Box::new(QueryDescription { text, group, id, ..described })))
}

fn without_explain(text: &str) -> &str {
    let word = text.get(.."EXPLAIN".len());
    if word.is_some_and(|word| word.eq_ignore_ascii_case("EXPLAIN")) {
        text["EXPLAIN".len()..].trim_start()
    } else {
        text
    }
}

/// `SHOW QUERIES EXTENDED`
pub(super) fn all(view: View<'_>) -> Outcome {
    let asking = Asking::of(view);
    let mut described: Vec<_> = view.catalog.queries().map(|query| running(view, query, &asking)).collect();
    described.extend(view.catalog.lost().filter(|lost| lost.query_id.is_some()).map(|lost| lost_query(view, lost)));
    Outcome::QueryDescriptions(described)
}

/// A query that the start could not bring back: nothing is known but its statement and what is wrong with it.
fn lost_query(view: View<'_>, lost: &Lost) -> QueryDescription {
    let id = lost.query_id.clone().unwrap_or_default();
    let error = QueryError { time_ms: lost.time_ms, message: lost.reason(), blame: Blame::System };
    QueryDescription {
        text: lost.statement.clone(),
        window_type: None,
        fields: Vec::new(),
        sources: Vec::new(),
        sinks: lost.source.iter().map(|(_, name)| name.clone()).collect(),
        topology: String::new(),
        execution_plan: String::new(),
        overrides: BTreeMap::new(),
        query_type: QueryType::Persistent,
        running: view.lost_line(lost),
        tasks: Vec::new(),
        errors: vec![error],
        group: Some(runtime::group(&lost.service_id, &id)),
        id,
    }
}

/// A persistent query.
fn running(view: View<'_>, query: &Query, asking: &Asking<'_>) -> QueryDescription {
    let sink = query.sink.as_ref().and_then(|name| view.catalog.source(name));
    let live = view.live(&query.id);
    let service_id = live.map_or(view.config.service_id(), |live| live.running.config().service_id());
    let group = runtime::group(service_id, &query.id);
    // One that could not be started yet is shown as it would run.
    let parts = live.map(|live| live.running.parts()).filter(|parts| !parts.is_empty());
    let parts = parts.or_else(|| asking.ask(|log| runtime::parts(&query.plan, false, service_id, log)));
    let parts = parts.unwrap_or_default();
    let tasks = tasks(asking, &group, &parts);
    let described = planned(&query.plan, &parts, group, QueryType::Persistent);
    QueryDescription {
        text: query.statement.clone(),
        fields: sink.map_or(described.fields, |source| source_fields(source)),
        sources: query.sources.clone(),
        sinks: query.sink.iter().cloned().collect(),
        running: Some(view.query_line(query)),
        tasks,
        errors: live.map(|live| live.running.life().errors()).unwrap_or_default(),
        overrides: live.map(|live| live.running.config().overridden()).unwrap_or_default(),
        ..described
    }
}

/// What is known of a plan, and of how it is cut.
fn planned(plan: &QueryPlan, parts: &[Part], group: String, query_type: QueryType) -> QueryDescription {
    QueryDescription {
        id: plan.id.clone(),
        text: String::new(),
        window_type: plan.root.key_window().map(|window| window.kind.name()),
        fields: plan_fields(plan),
        sources: plan.sources.clone(),
        sinks: plan.sink_name.iter().cloned().collect(),
        topology: topology(plan, parts, &group),
        execution_plan: execution_plan(plan),
        overrides: BTreeMap::new(),
        query_type,
        running: None,
        tasks: Vec::new(),
        errors: Vec::new(),
        group: Some(group),
    }
}

fn plan_fields(plan: &QueryPlan) -> Vec<SourceField> {
    let key = plan.root.schema.key.iter().map(|column| field(column, FieldConstraint::Key));
    key.chain(plan.root.schema.value.iter().map(|column| field(column, FieldConstraint::None))).collect()
}

/// An id that no query has: EXPLAIN starts none.
fn transient_id(plan: &QueryPlan, now_ms: i64) -> String {
    let source = plan.sources.first().map(String::as_str).unwrap_or_default();
    format!("transient_{source}_{}", now_ms << 16)
}

fn topology(plan: &QueryPlan, parts: &[Part], group: &str) -> String {
    let mut out = "Topologies:\n".to_owned();
    // Kafka Streams names internal topics without the prefix that all of the query's have.
    let short = |topic: &str| topic.strip_prefix(group).map_or(topic.to_owned(), |rest| format!("{}{rest}", plan.id));
    for (i, part) in parts.iter().enumerate() {
        let sources: Vec<String> = part.sources.iter().map(|topic| short(topic)).collect();
        out.push_str(&format!("   Sub-topology: {i}\n    Sources: {}\n", sources.join(", ")));
        let sink = part.repartition.as_deref().or(plan.sink.as_ref().map(|sink| sink.topic.as_str()));
        if let Some(sink) = sink {
            out.push_str(&format!("    Sink: {}\n", short(sink)));
        }
    }
    out
}

/// Where every task stands.
fn tasks(asking: &Asking<'_>, group: &str, parts: &[Part]) -> Vec<TaskOffsets> {
    let positions = asking.ask(|log| log.positions(group)).unwrap_or_default();
    let mut tasks: BTreeMap<(usize, u32), TaskOffsets> = BTreeMap::new();
    for (number, part) in parts.iter().enumerate() {
        for name in &part.sources {
            let Some(topic) = asking.ask(|log| log.topic(name)).flatten() else { continue };
            // Partitions that the topic has got since the query was started are nobody's.
            let read = if part.is_whole { topic.spec.partitions } else { topic.spec.partitions.min(part.tasks) };
            for partition in 0..read {
                let of = TopicPartition { topic: name.as_str().into(), partition };
                let at = positions.iter().find(|position| position.of == of).map(|position| position.offset);
                let bounds = asking.ask(|log| log.bounds(&of));
                let (end, committed) = match (at, bounds) {
                    (Some(offset), Some(bounds)) if offset > bounds.begin => (bounds.end, offset),
                    _ => (-1, -1),
                };
                let of_task = if part.is_whole { 0 } else { partition };
                let task = TaskOffsets { id: format!("{number}_{of_task}"), offsets: Vec::new() };
                tasks.entry((number, of_task)).or_insert(task).offsets.push((name.clone(), partition, end, committed));
            }
        }
    }
    tasks.into_values().collect()
}
