//! One text for each kind of entity `/ksql` answers with.

use serde_json::Value;
use wire::{
    CommandStatusEntity, DescribeFunction, Entity, Field, QueryDescription, RunningQuery, SchemaInfo,
    SourceDescription, SourceInfo, TopicInfoExtended,
};

use super::layout::Layout;
use super::table::{list, more};

const NO_QUERIES: &str = "no queries are running";

/// The entity as a person reads it; a long one is shortened for a terminal, lists by rows, all else by lines.
pub(crate) fn entity(layout: Layout, entity: &Entity) -> String {
    let text = whole(layout, entity);
    match entity {
        Entity::SourceDescription(_)
        | Entity::SourceDescriptions(_)
        | Entity::QueryDescription(_)
        | Entity::QueryDescriptions(_)
        | Entity::Function(_)
        | Entity::Connectors(_)
        | Entity::ConnectorPlugins(_)
        | Entity::Other(_) => {
            let lines: Vec<&str> = text.lines().collect();
            let (shown, hidden) = layout.shortened(&lines);
            let shown = shown.iter().map(|line| (*line).to_owned());
            shown.chain(more(hidden, "line")).collect::<Vec<_>>().join("\n")
        }
        _ => text,
    }
}

fn whole(layout: Layout, entity: &Entity) -> String {
    match entity {
        Entity::CurrentStatus(status) => outcome(layout, status),
        Entity::Warning(warning) => list(layout, &["Message"], &[vec![warning.message.clone()]]),
        Entity::Streams(found) => {
            sources(layout, "Stream Name", &found.streams, "no streams yet: CREATE STREAM makes one")
        }
        Entity::Tables(found) => {
            sources(layout, "Table Name", &found.tables, "no tables yet: CREATE TABLE … AS makes one")
        }
        Entity::SourceDescription(found) => source(layout, &found.source_description),
        Entity::SourceDescriptions(found) => {
            joined(found.source_descriptions.iter().map(|found| source(layout, found)), "nothing to describe")
        }
        Entity::Queries(found) => queries(layout, &found.queries),
        Entity::QueryDescription(found) => query(layout, &found.query_description),
        Entity::QueryDescriptions(found) => {
            joined(found.query_descriptions.iter().map(|found| query(layout, found)), NO_QUERIES)
        }
        Entity::Topics(found) => {
            let rows = found
                .topics
                .iter()
                .map(|topic| vec![topic.name.clone(), partitions(&topic.replica_info), replicas(&topic.replica_info)]);
            or_empty(layout, &["Kafka Topic", "Partitions", "Partition Replicas"], rows.collect(), "no topics yet")
        }
        Entity::TopicsExtended(found) => topics_extended(layout, &found.topics),
        Entity::Properties(found) => {
            let rows = found.properties.iter().map(|property| {
                let kept = found.default_properties.contains(&property.name);
                let value = property.value.clone().unwrap_or_else(|| "NULL".to_owned());
                vec![property.name.clone(), property.scope.clone(), if kept { "" } else { "SERVER" }.to_owned(), value]
            });
            list(layout, &["Property", "Scope", "Default override", "Effective Value"], &rows.collect::<Vec<_>>())
        }
        Entity::Functions(found) => {
            let rows = found.functions.iter().map(|f| vec![f.name.clone(), f.kind.clone(), f.category.clone()]);
            list(layout, &["Function Name", "Type", "Category"], &rows.collect::<Vec<_>>())
        }
        Entity::Function(found) => function(found),
        Entity::Types(found) => {
            let rows = found.schemas().into_iter().map(|(name, ty)| vec![name, type_text(&ty)]);
            or_empty(layout, &["Type Name", "Schema"], rows.collect(), "no types yet: CREATE TYPE makes one")
        }
        Entity::Variables(found) => {
            let rows = found.variables.iter().map(|variable| vec![variable.name.clone(), variable.value.clone()]);
            or_empty(
                layout,
                &["Variable Name", "Value"],
                rows.collect(),
                "no variables yet: DEFINE name = 'value' makes one",
            )
        }
        Entity::TerminateQuery(found) => {
            let outcome = if found.was_terminated { "terminated" } else { "was not running here" };
            list(layout, &["Message"], &[vec![format!("Query {} {outcome}", found.query_id)]])
        }
        Entity::AssertTopic(found) => existence(layout, "Topic", &found.topic_name, found.exists),
        Entity::AssertSchema(found) => {
            let name = found.subject.clone().or(found.id.map(|id| id.to_string())).unwrap_or_default();
            existence(layout, "Schema", &name, found.exists)
        }
        Entity::Connectors(found) => joined(found.connectors.iter().map(pretty), "no connectors"),
        Entity::ConnectorPlugins(found) => joined(found.connectors_plugins.iter().map(pretty), "no connector plugins"),
        Entity::Other(value) => pretty(value),
    }
}

fn outcome(layout: Layout, status: &CommandStatusEntity) -> String {
    let message = list(layout, &["Message"], &[vec![status.command_status.message.clone()]]);
    let warnings = status.warnings.iter().map(|warning| format!("WARNING: {}", warning.message));
    std::iter::once(message).chain(warnings).collect::<Vec<_>>().join("\n")
}

fn topics_extended(layout: Layout, topics: &[TopicInfoExtended]) -> String {
    let rows = topics.iter().map(|topic| {
        vec![
            topic.name.clone(),
            partitions(&topic.replica_info),
            replicas(&topic.replica_info),
            topic.consumer_count.to_string(),
            topic.consumer_group_count.to_string(),
        ]
    });
    let headers = ["Kafka Topic", "Partitions", "Partition Replicas", "Consumers", "ConsumerGroups"];
    or_empty(layout, &headers, rows.collect(), "no topics yet")
}

fn joined(texts: impl Iterator<Item = String>, empty: &str) -> String {
    let texts: Vec<String> = texts.collect();
    if texts.is_empty() { format!("({empty})") } else { texts.join("\n\n") }
}

fn or_empty(layout: Layout, headers: &[&str], rows: Vec<Vec<String>>, empty: &str) -> String {
    if rows.is_empty() { format!("({empty})") } else { list(layout, headers, &rows) }
}

fn existence(layout: Layout, what: &str, name: &str, exists: bool) -> String {
    let verb = if exists { "exists" } else { "does not exist" };
    list(layout, &["Message"], &[vec![format!("{what} {name} {verb}.")]])
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}

fn partitions(replica_info: &[u32]) -> String {
    replica_info.len().to_string()
}

fn replicas(replica_info: &[u32]) -> String {
    replica_info.first().map_or_else(|| "0".to_owned(), ToString::to_string)
}

fn sources(layout: Layout, header: &str, found: &[SourceInfo], empty: &str) -> String {
    let rows = found.iter().map(|source| {
        let windowed = source.is_windowed.to_string();
        vec![
            source.name.clone(),
            source.topic.clone(),
            source.key_format.clone(),
            source.value_format.clone(),
            windowed,
        ]
    });
    or_empty(layout, &[header, "Kafka Topic", "Key Format", "Value Format", "Windowed"], rows.collect(), empty)
}

fn queries(layout: Layout, found: &[RunningQuery]) -> String {
    let rows = found.iter().map(|query| {
        let status = query.status_count.iter().map(|(state, n)| format!("{state}:{n}")).collect::<Vec<_>>().join(",");
        let text = query.query_string.split_whitespace().collect::<Vec<_>>().join(" ");
        let topics = query.sink_kafka_topics.join(",");
        vec![query.id.clone(), query.query_type.clone(), status, query.sinks.join(","), topics, text]
    });
    let headers = ["Query ID", "Query Type", "Status", "Sink Name", "Sink Kafka Topic", "Query String"];
    or_empty(layout, &headers, rows.collect(), NO_QUERIES)
}

fn fields(layout: Layout, found: &[Field], kind: &str, window: Option<&str>) -> String {
    let rows = found.iter().map(|field| {
        let note = match (field.kind.as_deref(), &field.header_key) {
            (Some("KEY"), _) if kind == "TABLE" => " (primary key)".to_owned(),
            (Some("KEY"), _) => " (key)".to_owned(),
            (Some("HEADER"), Some(key)) => format!(" (header('{key}'))"),
            (Some("HEADER"), None) => " (headers)".to_owned(),
            _ => String::new(),
        };
        let is_key = field.kind.as_deref() == Some("KEY");
        let window = window.filter(|_| is_key).map(|w| format!(" (Window type: {w})")).unwrap_or_default();
        vec![field.name.clone(), format!("{}{note}{window}", type_text(&field.schema))]
    });
    list(layout, &["Field", "Type"], &rows.collect::<Vec<_>>())
}

/// A type as SQL writes it.
pub(crate) fn type_text(schema: &SchemaInfo) -> String {
    let member = || schema.member_schema.as_deref().map(type_text).unwrap_or_default();
    match schema.base.as_str() {
        "STRING" => "VARCHAR(STRING)".to_owned(),
        "ARRAY" => format!("ARRAY<{}>", member()),
        "MAP" => format!("MAP<STRING, {}>", member()),
        "STRUCT" => {
            let fields = schema.fields.iter().flatten();
            let fields: Vec<String> = fields.map(|f| format!("{} {}", f.name, type_text(&f.schema))).collect();
            format!("STRUCT<{}>", fields.join(", "))
        }
        "DECIMAL" => {
            let of = |name: &str| schema.parameters.get(name).map(ToString::to_string).unwrap_or_default();
            format!("DECIMAL({}, {})", of("precision"), of("scale"))
        }
        other => other.to_owned(),
    }
}

fn source(layout: Layout, found: &SourceDescription) -> String {
    let columns = fields(layout, &found.fields, &found.kind, found.window_type.as_deref());
    if !found.extended {
        let hint = "For runtime statistics and query details run: DESCRIBE <Stream,Table> EXTENDED;";
        return format!("Name                 : {}\n{columns}\n{hint}", found.name);
    }
    let mut out = vec![
        format!("Name                 : {}", found.name),
        format!("Type                 : {}", found.kind),
        format!(
            "Timestamp field      : {}",
            if found.timestamp.is_empty() { "Not set - using <ROWTIME>" } else { &found.timestamp }
        ),
        format!("Key format           : {}", found.key_format),
        format!("Value format         : {}", found.value_format),
        format!(
            "Kafka topic          : {} (partitions: {}, replication: {})",
            found.topic, found.partitions, found.replication
        ),
        format!("Statement            : {}", found.statement),
        String::new(),
        columns,
    ];
    for (title, queries) in
        [("Queries that read from this", &found.read_queries), ("Queries that write into this", &found.write_queries)]
    {
        if !queries.is_empty() {
            out.push(format!("\n{title}\n{}", "-".repeat(title.len())));
            out.extend(queries.iter().map(|query| {
                format!("{} ({}) : {}", query.id, query.state.as_deref().unwrap_or("?"), query.query_string)
            }));
        }
    }
    if !found.source_constraints.is_empty() {
        out.push(format!("\nSources that are made from this: {}", found.source_constraints.join(", ")));
    }
    let statistics: Vec<&str> =
        [found.statistics.trim(), found.error_stats.trim()].into_iter().filter(|text| !text.is_empty()).collect();
    if !statistics.is_empty() {
        out.push(format!("\nLocal runtime statistics\n------------------------\n{}", statistics.join("\n")));
    }
    for group in &found.query_offset_summaries {
        out.push(format!("\nConsumer group       : {}", group.group_id));
        for topic in &group.topic_summaries {
            let rows = topic.offsets.iter().map(|o| {
                let lag = o.log_end_offset - o.consumer_offset;
                [i64::from(o.partition), o.log_start_offset, o.log_end_offset, o.consumer_offset, lag]
                    .map(|n| n.to_string())
                    .to_vec()
            });
            let rows: Vec<_> = rows.collect();
            out.push(format!(
                "Kafka topic          : {}\n{}",
                topic.kafka_topic,
                list(layout, &["Partition", "Start Offset", "End Offset", "Offset", "Lag"], &rows)
            ));
        }
    }
    out.join("\n")
}

fn query(layout: Layout, found: &QueryDescription) -> String {
    let mut out = vec![
        format!("ID                   : {}", found.id),
        format!("Query Type           : {}", found.query_type),
        format!("SQL                  : {}", found.statement_text),
    ];
    let hosts: Vec<String> = found
        .ksql_host_query_status
        .iter()
        .map(|(host, state)| format!("{host}:{}", state.as_str().unwrap_or("?")))
        .collect();
    if !hosts.is_empty() {
        out.push(format!("Host Query Status    : {}", hosts.join(", ")));
    }
    if !found.fields.is_empty() {
        out.push(fields(layout, &found.fields, "STREAM", found.window_type.as_deref()));
    }
    for (title, text) in [
        ("Sources", found.sources.join(", ")),
        ("Sinks", found.sinks.join(", ")),
        ("Execution plan", found.execution_plan.clone()),
        ("Processing topology", found.topology.clone()),
    ] {
        if !text.is_empty() {
            out.push(format!("\n{title}\n{}\n{text}", "-".repeat(title.len())));
        }
    }
    if !found.overridden_properties.is_empty() {
        let rows: Vec<_> =
            found.overridden_properties.iter().map(|(name, value)| vec![name.clone(), value.to_string()]).collect();
        out.push(format!("\nOverridden Properties\n{}", list(layout, &["Property", "Value"], &rows)));
    }
    for error in &found.query_errors {
        out.push(format!("\nError ({}, at {}): {}", error.kind, error.timestamp, error.error_message));
    }
    out.join("\n")
}

fn function(found: &DescribeFunction) -> String {
    let mut out = vec![format!("Name        : {}", found.name)];
    for (title, text) in [("Author", &found.author), ("Version", &found.version), ("Overview", &found.description)] {
        if !text.is_empty() {
            out.push(format!("{title:<12}: {text}"));
        }
    }
    out.push(format!("Type        : {}", found.kind));
    out.push(format!("Jar         : {}", found.path));
    out.push("Variations  :".to_owned());
    for variation in &found.functions {
        let arguments: Vec<String> = variation
            .arguments
            .iter()
            .map(|a| {
                let dots = if a.is_variadic { "[]" } else { "" };
                format!("{} {}{dots}", a.name, a.ty).trim().to_owned()
            })
            .collect();
        out.push(format!("\n\tVariation   : {}({})", found.name, arguments.join(", ")));
        out.push(format!("\tReturns     : {}", variation.return_type));
        if !variation.description.is_empty() {
            out.push(format!("\tDescription : {}", variation.description));
        }
        out.extend(
            variation
                .arguments
                .iter()
                .filter(|a| !a.description.is_empty())
                .map(|a| format!("\t{:<12}: {}", a.name, a.description)),
        );
    }
    out.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_shows_the_beginning_of_a_long_description() {
        let other = Entity::Other(serde_json::json!({ "a": 1, "b": 2, "c": 3 }));
        let layout = Layout { terminal: Some(80), max_rows: Some(2), ..Layout::default() };
        assert_eq!(entity(layout, &other), "{\n  \"a\": 1,\n… 3 lines more; SET CLI MAX-ROWS 0 shows all");
        assert_eq!(entity(Layout { terminal: None, ..layout }, &other).lines().count(), 5);
    }
}
