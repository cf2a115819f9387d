//! Topics whose records name a registered schema: which one a case's records are written with, and how they are read back.

use std::sync::Arc;

use engine::engine::Engine;
use engine::registry::{Level, Rules};
use engine::schemas::{Language, Reference, Referenced, Schema, Schemas, put_header, split_header, topic_subject};
use serde_json::Value as Json;

use crate::avro;
use crate::case::TopicDecl;
use crate::protobuf;
use crate::value::{self, Value};

/// The registry, and the subject of one side of a topic.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    schemas: Arc<dyn Schemas>,
    name: String,
    /// The message among those of a schema.
    full_name: Option<String>,
}

impl Subject {
    pub(crate) fn of_topic(schemas: &Arc<dyn Schemas>, topic: &str, is_key: bool, full_name: Option<String>) -> Self {
        Self { schemas: Arc::clone(schemas), name: topic_subject(topic, is_key), full_name }
    }

    /// Serialises by the last schema of the subject.
    pub(crate) fn encode(&self, json: &Json) -> Result<Vec<u8>, String> {
        let latest = self.schemas.latest(&self.name).map_err(|e| e.to_string())?;
        let latest = latest.ok_or_else(|| format!("there is no subject {}", self.name))?;
        let mut record = Vec::new();
        put_header(latest.id, &mut record);
        match latest.schema.language {
            Language::Avro => record.extend(avro_reader(&latest.schema)?.encode(json)?),
            Language::Protobuf => {
                let messages = protobuf_reader(&latest.schema)?;
                record.extend(messages.encode_registered(json, self.full_name.as_deref())?);
            }
            Language::Json => record.extend(serde_json::to_vec(json).map_err(|e| e.to_string())?),
        }
        Ok(record)
    }

    /// Deserialises by the schema the record names.
    pub(crate) fn decode(&self, record: &[u8], exact: bool) -> Result<Value, String> {
        let (id, payload) = split_header(record).ok_or_else(|| format!("{record:?} names no schema"))?;
        let schema = self.schemas.by_id(id).map_err(|e| e.to_string())?;
        match schema.language {
            Language::Avro => avro_reader(&schema)?.decode(payload),
            Language::Protobuf => {
                let (indexes, payload) = protobuf::split_indexes(payload)?;
                protobuf_reader(&schema)?.decode(payload, &indexes)
            }
            Language::Json => {
                let json = serde_json::from_slice(payload).map_err(|e| e.to_string())?;
                Ok(value::from_json(&json, exact))
            }
        }
    }
}

fn avro_reader(schema: &Schema) -> Result<avro::Reader, String> {
    let referenced: Vec<&str> = schema.referenced.iter().map(|other| &*other.text).collect();
    avro::Reader::new(&schema.text, &referenced)
}

fn protobuf_reader(schema: &Schema) -> Result<protobuf::Reader, String> {
    let referenced: Vec<(&str, &str)> =
        schema.referenced.iter().map(|other| (other.name.as_str(), &*other.text)).collect();
    protobuf::Reader::new(&schema.text, &referenced)
}

/// The language of a case's schema for a topic: as its format says, Avro when it says nothing.
fn language(format: Option<&str>) -> Result<Language, String> {
    match format.map(str::to_uppercase).as_deref() {
        None | Some("AVRO") => Ok(Language::Avro),
        Some("PROTOBUF" | "PROTOBUF_NOSR") => Ok(Language::Protobuf),
        Some("JSON" | "JSON_SR") => Ok(Language::Json),
        Some(other) => Err(format!("{other} has no schemas")),
    }
}

/// The text of a case's schema: Protobuf stands in a string, the others are JSON.
fn schema_text(schema: &Json, language: Language) -> String {
    match schema {
        Json::String(text) if language == Language::Protobuf => text.clone(),
        other => other.to_string(),
    }
}

/// Gives a schema a place in a subject, with an id of the case's choice if it has one.
pub(crate) fn register(engine: &Engine, subject: &str, schema: &Schema, id: Option<i32>) -> Result<(), String> {
    let id = match id {
        None if schema.references.is_empty() => {
            return engine.schemas().register(subject, schema).map(drop).map_err(|e| e.to_string());
        }
        None => (1..).find(|id| engine.schemas().by_id(*id).is_err()).unwrap_or(1),
        Some(id) => id,
    };
    let registry = engine.own_registry().ok_or("the registry is elsewhere")?;
    registry.import(subject, schema, id).map_err(|e| e.to_string())
}

/// Gives a schema a place in a subject, with an id of the case's choice if it has one.
pub(crate) type Register<'a> = dyn Fn(&str, &Schema, Option<i32>) -> Result<(), String> + 'a;

/// Ids of schemas that others refer to: the test driver does not count them.
const REFERENCES_FROM: i32 = 100_000;

/// Like the registry of the test driver, takes every schema.
pub(crate) fn check_nothing(engine: &Engine) -> Result<(), String> {
    let rules = Rules { level: Some(Level::None), ..Rules::default() };
    let registry = engine.own_registry().ok_or("the registry is elsewhere")?;
    registry.set_rules(None, rules).map(drop).map_err(|e| e.to_string())
}

/// Registers what a case says of the schemas of a topic.
pub(crate) fn of_topic(topic: &TopicDecl, register: &Register<'_>) -> Result<(), String> {
    let sides = [
        (true, &topic.key_schema, topic.key_format.as_deref(), topic.key_schema_id, &topic.key_schema_references),
        (
            false,
            &topic.value_schema,
            topic.value_format.as_deref(),
            topic.value_schema_id,
            &topic.value_schema_references,
        ),
    ];
    for (is_key, schema, format, id, references) in sides {
        if schema.is_null() {
            continue;
        }
        let language = language(format)?;
        let mut whole = Schema::alone(language, schema_text(schema, language));
        for (reference, id) in references.iter().zip(REFERENCES_FROM..) {
            let text = schema_text(&reference.schema, language);
            register(&reference.name, &Schema::alone(language, &*text), Some(id))?;
            let (name, subject) = (reference.name.clone(), reference.name.clone());
            whole.references.push(Reference { name, subject, version: 1 });
            whole.referenced.push(Referenced { name: reference.name.clone(), text: text.into() });
        }
        register(&topic_subject(&topic.name, is_key), &whole, id)?;
    }
    Ok(())
}
