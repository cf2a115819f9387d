//! Where a query's rows go: topic, formats, partitions, retention.

use sql::{CreateAs, With};

use crate::catalog::{Source, SourceKind};
use crate::config::setting;
use crate::formats::FormatSpec;
use crate::steps::{Formats, Sink, Timestamp};
use crate::types::{Column, Schema, SqlType};

use super::command::{DEFAULT_RETENTION_MS, NewTopic};
use super::error::{PlanError, Result, Stage};
use super::resolve::Resolved;
use super::select::Selected;
use super::session::TopicInfo;
use super::with_properties::Properties;
use super::{Planner, formats, messages};

/// A planned topic.
pub(super) struct PlannedTopic {
    pub(super) topic: NewTopic,
    /// The WITH clause with everything that was inherited.
    pub(super) with: With,
}

impl Planner<'_> {
    /// The topic of `CREATE … AS`; what the statement does not say comes from the left-most source.
    pub(super) fn plan_topic(
        &self,
        create: &CreateAs,
        properties: &Properties,
        resolved: &Resolved,
    ) -> Result<PlannedTopic> {
        let from = resolved.froms.first().ok_or_else(|| PlanError::internal("the query has no source"))?;
        properties.check_cleanup_policy()?;
        let name = self.sink_topic_name(&create.name.name, properties);
        let topic = self.sink_topic(&name, create, properties, &from.source)?;
        let with = self.with_of_topic(&create.with, &topic, properties, &from.source);
        Ok(PlannedTopic { topic, with })
    }

    /// The sink of `CREATE … AS`.
    pub(super) fn plan_sink(
        &self,
        name: &str,
        topic: &str,
        properties: &Properties,
        selected: &Selected,
    ) -> Result<Sink> {
        let source = selected
            .sources
            .first()
            .and_then(|name| self.catalog.source(name))
            .ok_or_else(|| PlanError::internal("the query has no source"))?;
        let schema = &selected.root.schema;
        let formats = self.sink_formats(name, properties, source, selected)?;
        Ok(Sink { topic: topic.to_owned(), formats, schema: schema.clone(), timestamp: properties.timestamp.clone() })
    }

    /// Columns that are not declared come from a registry.
    pub(super) fn check_inferred(&self, source: &Source) -> Result<()> {
        let sides = self.sides_without_registry(&source.formats, &source.schema);
        let Some((side, format, _)) = sides.into_iter().find(|(_, _, columns)| columns.is_empty()) else {
            return Ok(());
        };
        let topic = &source.topic;
        let cause = "Caused by: KSQL is not configured to use a schema registry. To enable it, please\n\tset \
                     ksql.schema.registry.url";
        Err(PlanError::no_registry(format!(
            "Schema registry fetch for topic {side} request failed for topic: {topic}\n{cause}\n{cause}"
        ))
        .with_hint(Some(messages::no_registry_format(format))))
    }

    /// Formats that keep their schemas in a registry need one.
    pub(super) fn check_registry(&self, topic: &str, formats: &Formats, schema: &Schema) -> Result<()> {
        match self.sides_without_registry(formats, schema).first() {
            Some((_, name, _)) => Err(PlanError::no_registry(format!(
                "Cannot create topic '{topic}' with format {name} without configuring 'ksql.schema.registry.url'"
            ))
            .with_hint(Some(messages::no_registry_format(name)))),
            None => Ok(()),
        }
    }

    /// The sides whose format has its schemas in the registry that is not there.
    fn sides_without_registry<'a>(
        &self,
        formats: &'a Formats,
        schema: &'a Schema,
    ) -> Vec<(&'static str, &'a str, &'a [Column])> {
        let key = ("key", formats.key.name.as_str(), schema.key.as_slice());
        let value = ("value", formats.value.name.as_str(), schema.value.as_slice());
        let needs = |name: &str| crate::formats::format(name).is_some_and(|f| f.features().schema_inference);
        let sides = [key, value].into_iter().filter(|(_, name, _)| !self.schemas.is_there() && needs(name));
        sides.collect()
    }

    fn sink_topic_name(&self, sink: &str, properties: &Properties) -> String {
        let prefix = self.session.config.get(setting::OUTPUT_TOPIC_NAME_PREFIX);
        properties.text("KAFKA_TOPIC").map_or_else(|| format!("{prefix}{sink}"), str::to_owned)
    }

    /// A WITH clause with all there is to say about the topic.
    fn with_of_topic(&self, with: &With, topic: &NewTopic, properties: &Properties, source: &Source) -> With {
        let mut shown = with.clone();
        messages::set_text(&mut shown, "CLEANUP_POLICY", topic.cleanup_policy);
        messages::set_text(&mut shown, "KAFKA_TOPIC", &topic.name);
        messages::set_number(&mut shown, "PARTITIONS", i64::from(topic.partitions));
        messages::set_number(&mut shown, "REPLICAS", i64::from(topic.replicas));
        let inherited = self.topics.topic(&source.topic).map_or(DEFAULT_RETENTION_MS, |topic| topic.retention_ms);
        messages::set_number(&mut shown, "RETENTION_MS", properties.retention_ms.unwrap_or(inherited));
        shown
    }

    /// Refuses formats that do not exist, or do not take what they are given.
    pub(super) fn check_sink_formats(&self, properties: &Properties, source: &Source, has_key: bool) -> Result<()> {
        if !has_key && properties.key_format().is_some_and(|name| name != "NONE") {
            return Err(PlanError::statement("Key format specified for stream without key columns."));
        }
        let (key, value) = self.sink_format_names(properties, source, has_key);
        formats::check_schema_properties(properties, &key, &value)?;
        messages::check_schema_id(formats::Side::Key, &key, properties.key_schema_id.is_some(), false)?;
        messages::check_schema_id(formats::Side::Value, &value, properties.value_schema_id.is_some(), false)?;
        formats::key_spec(&key, properties.key_delimiter, 0)?;
        formats::value_spec(&value, properties.value_delimiter, None, None).map(drop)
    }

    fn sink_format_names(&self, properties: &Properties, source: &Source, has_key: bool) -> (String, String) {
        let default_key = self.default_format("key").unwrap_or_else(|| "KAFKA".to_owned());
        let key = match properties.key_format() {
            Some(name) => name,
            None if !has_key => "NONE".to_owned(),
            None if source.formats.key.name == "NONE" => default_key,
            None => source.formats.key.name.clone(),
        };
        (key, properties.value_format().unwrap_or_else(|| source.formats.value.name.clone()))
    }

    fn sink_formats(
        &self,
        name: &str,
        properties: &Properties,
        source: &Source,
        selected: &Selected,
    ) -> Result<Formats> {
        let schema = &selected.root.schema;
        let (key_name, value_name) = self.sink_format_names(properties, source, !schema.key.is_empty());
        let inherited = |of: &FormatSpec, name: &str| of.delimiter.filter(|_| of.name == name);
        let key_delimiter = properties.key_delimiter.or_else(|| inherited(&source.formats.key, &key_name));
        let value_delimiter = properties.value_delimiter.or_else(|| inherited(&source.formats.value, &value_name));
        let key = formats::key_spec(&key_name, key_delimiter, schema.key.len())?;
        let wrap = properties.wrap_single_value;
        let value = formats::value_spec(&value_name, value_delimiter, wrap, self.default_wrap())?;
        let mut key = formats::with_schema(key, formats::Side::Key, name, properties);
        let mut value = formats::with_schema(value, formats::Side::Value, name, properties);
        for (spec, of) in [(&mut key, &source.formats.key), (&mut value, &source.formats.value)] {
            if spec.full_name.is_none() && spec.name == of.name && spec.name == "PROTOBUF" {
                spec.full_name.clone_from(&of.full_name);
            }
        }
        Ok(Formats { key, value, window: selected.window })
    }

    fn sink_topic(&self, name: &str, create: &CreateAs, properties: &Properties, source: &Source) -> Result<NewTopic> {
        let window = create.query.window.as_ref();
        let is_plain_table = create.kind == SourceKind::Table && window.is_none();
        if is_plain_table && properties.retention_ms.is_some() {
            return Err(messages::retention_of_plain_table());
        }
        check_topic_name(name)?;
        let inherited = self.topics.topic(&source.topic).unwrap_or(TopicInfo {
            partitions: 1,
            replicas: 1,
            retention_ms: DEFAULT_RETENTION_MS,
        });
        // A window's RETENTION keeps the topic's records for that long, too; its size and grace period alone do not.
        let retention = window.and_then(|window| window.retention).map(super::window::interval_ms).transpose()?;
        let retention_ms = properties.retention_ms.unwrap_or(inherited.retention_ms);
        let retention_ms = (!is_plain_table).then(|| retention.map_or(retention_ms, |least| least.max(retention_ms)));
        let cleanup_policy = formats::cleanup_policy(create.kind, window.is_some());
        if let Some(existing) = self.topics.topic(name) {
            check_existing_topic(name, existing, properties)?;
            let TopicInfo { partitions, replicas, .. } = existing;
            return Ok(NewTopic { name: name.to_owned(), partitions, replicas, cleanup_policy, retention_ms });
        }
        let config = self.session.config;
        let inherits = config.get(setting::CREATE_TOPIC_INHERIT_SOURCE_REPLICAS_ENABLED);
        let replicas = if inherits { inherited.replicas } else { 1 };
        let partitions = properties
            .partitions
            .or_else(|| config.get(setting::SINK_PARTITIONS))
            .unwrap_or_else(|| i64::from(inherited.partitions));
        let replicas =
            properties.replicas.or_else(|| config.get(setting::SINK_REPLICAS)).unwrap_or_else(|| i64::from(replicas));
        Ok(NewTopic {
            name: name.to_owned(),
            partitions: partition_count(name, partitions)?,
            replicas: replica_count(replicas),
            cleanup_policy,
            retention_ms,
        })
    }
}

/// Kafka's rule for names of topics.
pub(super) fn check_topic_name(name: &str) -> Result<()> {
    let legal = |c: char| c.is_ascii_alphanumeric() || ['.', '_', '-'].contains(&c);
    if !name.is_empty() && name.len() <= 249 && name != "." && name != ".." && name.chars().all(legal) {
        return Ok(());
    }
    let start = name.get(..name.floor_char_boundary(249)).unwrap_or(name);
    Err(PlanError::statement(format!(
        "Failed to check if exists for topic: {start}\nCaused by: The request attempted to perform an operation on an \
         invalid topic. A topic's name is at most 249 ASCII letters, digits, '.', '_' and '-', and not '.' or '..'."
    ))
    .during(Stage::Fill))
}

/// -1 asks for the log's default.
pub(super) fn partition_count(topic: &str, partitions: i64) -> Result<u32> {
    match u32::try_from(partitions) {
        Ok(0) => Err(PlanError::unforeseen(format!(
            "Failed to guarantee existence of topic {topic}\nCaused by: Number of partitions was set to an invalid \
             non-positive value."
        ))),
        Ok(partitions) => Ok(partitions),
        Err(_) if partitions == -1 => Ok(1),
        Err(_) => Err(PlanError::unforeseen(format!(
            "Failed to guarantee existence of topic {topic}\nCaused by: Number of partitions was set to an invalid \
             non-positive value."
        ))),
    }
}

/// Anything below one asks for the log's default.
pub(super) fn replica_count(replicas: i64) -> u16 {
    u16::try_from(replicas).unwrap_or(1).max(1)
}

/// A topic that exists must be as the statement wants it.
pub(super) fn check_existing_topic(name: &str, existing: TopicInfo, wanted: &Properties) -> Result<()> {
    let partitions = wanted.partitions.filter(|&count| count != -1).unwrap_or_else(|| i64::from(existing.partitions));
    let replicas = wanted.replicas.filter(|&count| count != -1).unwrap_or_else(|| i64::from(existing.replicas));
    let retention_ms = wanted.retention_ms.unwrap_or(existing.retention_ms);
    let matches = partitions == i64::from(existing.partitions)
        && replicas == i64::from(existing.replicas)
        && retention_ms == existing.retention_ms;
    if matches {
        return Ok(());
    }
    Err(PlanError::unforeseen(format!(
        "A Kafka topic with the name '{name}' already exists, with different partition/replica/retention configuration \
         than required. KSQL expects {partitions} partitions (topic has {}), {replicas} replication factor (topic has \
         {}), and {retention_ms} retention (topic has {}).",
        existing.partitions, existing.replicas, existing.retention_ms
    )))
}

/// A TIMESTAMP column must exist and hold a time; text needs a format.
pub(super) fn check_timestamp(schema: &Schema, timestamp: Option<&Timestamp>) -> Result<()> {
    let Some(Timestamp { column, format }) = timestamp else { return Ok(()) };
    let Some(found) = schema.columns().find(|other| other.name == *column) else {
        return Err(messages::no_timestamp_column(column));
    };
    match (&found.ty, format) {
        (SqlType::String, Some(_)) | (SqlType::Bigint | SqlType::Timestamp, None) => Ok(()),
        (SqlType::String, None) => Err(PlanError::statement(
            "A String timestamp field has been specified without also specifying the timestamp_format",
        )),
        (SqlType::Bigint | SqlType::Timestamp, Some(_)) => Err(PlanError::statement(
            "'TIMESTAMP_FORMAT' set in the WITH clause can only be used when the timestamp column is of type STRING.",
        )),
        _ => Err(PlanError::statement(format!(
            "Timestamp column, `{column}`, should be LONG(INT64), TIMESTAMP, or a String with a timestamp_format \
             specified."
        ))),
    }
}
