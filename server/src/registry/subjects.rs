//! `/subjects`: what stands in which subject.

use engine::registry::{NewSchema, SchemaRegistry, VersionNumber, Which};
use engine::schemas::{Language, Reference};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{self, Found, Refusal, Reply};
use super::call::Call;
use super::page;

/// A schema in a request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    #[serde(default)]
    schema: Option<String>,
    #[serde(default)]
    schema_type: Option<String>,
    #[serde(default)]
    references: Option<Vec<Reference>>,
    #[serde(default)]
    id: Option<i32>,
    #[serde(default)]
    version: Option<i32>,
    #[serde(default)]
    metadata: Value,
    #[serde(default)]
    rule_set: Value,
}

/// The schema that a call brings.
pub(super) fn sent(call: &Call) -> Result<NewSchema, Refusal> {
    let sent: Sent = call.body()?;
    for (name, value) in [("metadata", &sent.metadata), ("ruleSet", &sent.rule_set)] {
        if !is_nothing(value) {
            return Err(Refusal::new(42201, format!("Invalid schema, details: {name} is not supported")));
        }
    }
    let language = sent.schema_type.as_deref().filter(|name| !name.is_empty()).unwrap_or("AVRO");
    let language =
        Language::of_name(language).ok_or_else(|| Refusal::new(42201, format!("Invalid schema type {language}")))?;
    Ok(NewSchema {
        language,
        text: sent.schema.unwrap_or_default(),
        references: sent.references.unwrap_or_default(),
        // Clients say -1 or 0 for what the registry is to choose.
        id: sent.id.filter(|id| *id >= 0),
        version: sent.version.filter(|version| *version > 0),
        normalize: call.is_on("normalize"),
    })
}

/// Whether a value says nothing.
pub(super) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(members) => members.values().all(is_nothing),
        Value::Array(elements) => elements.is_empty(),
        _ => false,
    }
}

pub(super) fn list(registry: &SchemaRegistry, call: &Call) -> Reply {
    let found = registry.subjects(call.prefix(), call.which())?;
    Ok(json!(page(found, call)).into())
}

pub(super) fn find(registry: &SchemaRegistry, subject: &str, call: &Call) -> Reply {
    let which = if call.is_on("deleted") { Which::All } else { Which::Live };
    Ok(answer::version(&registry.find(subject, &sent(call)?, which)?).into())
}

pub(super) fn register(registry: &SchemaRegistry, subject: &str, call: &Call) -> Reply {
    Ok(json!({ "id": registry.register(subject, &sent(call)?)? }).into())
}

pub(super) fn delete(registry: &SchemaRegistry, subject: &str, call: &Call) -> Reply {
    Ok(json!(registry.delete_subject(subject, call.is_on("permanent"))?).into())
}

pub(super) fn versions(registry: &SchemaRegistry, subject: &str, call: &Call) -> Reply {
    Ok(json!(page(registry.versions(subject, call.which())?, call)).into())
}

pub(super) fn version(registry: &SchemaRegistry, subject: &str, version: &str, call: &Call) -> Reply {
    let which = if call.is_on("deleted") { Which::All } else { Which::Live };
    let found = registry.version(subject, VersionNumber::read(version)?, which)?;
    let mut answered = answer::version(&found);
    answered["schema"] = json!(answer::text(&found.schema, call)?);
    Ok(answered.into())
}

pub(super) fn text(registry: &SchemaRegistry, subject: &str, version: &str, call: &Call) -> Reply {
    let which = if call.is_on("deleted") { Which::All } else { Which::Live };
    let found = registry.version(subject, VersionNumber::read(version)?, which)?;
    Ok(Found::Text(answer::text(&found.schema, call)?))
}

pub(super) fn referenced_by(registry: &SchemaRegistry, subject: &str, version: &str) -> Reply {
    Ok(json!(registry.referenced_by(subject, VersionNumber::read(version)?)?).into())
}

pub(super) fn delete_version(registry: &SchemaRegistry, subject: &str, version: &str, call: &Call) -> Reply {
    let version = VersionNumber::read(version)?;
    Ok(json!(registry.delete_version(subject, version, call.is_on("permanent"))?).into())
}
