//! Rows written by hand: INSERT VALUES and /inserts-stream.
//!
//! ```text
//! INSERT VALUES ──values.rs: evaluate──> Value ──coerce.rs──┐
//!                                                           ├──> Row ──writer.rs──> key bytes, value bytes ──> log
//! JSON line ────────────json.rs─────────────────────────────┘
//! ```

mod coerce;
mod inserter;
mod json;
mod values;
mod writer;

use std::sync::Arc;

use crate::catalog::Source;
use crate::config::setting;
use crate::formats::{FormatError, Half, to_register};
use crate::plan::other_spelling;
use crate::schemas::Schema;
use crate::types::{Column, Value};

use super::topics::is_readonly;
use super::{Failure, FailureKind, Outcome, View};

pub use inserter::Inserter;
pub(crate) use values::prepare;

use json::read_row;
use writer::{WriteError, Writer};

/// A row for a source.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// Milliseconds since the epoch.
    pub(crate) timestamp: i64,
    /// One value per key column.
    pub(crate) key: Vec<Value>,
    /// One value per column of [`Source::record_schema`]'s value.
    pub(crate) value: Vec<Value>,
}

/// The source rows may be written to, or why there is none.
pub(super) fn target(view: View<'_>, name: &str) -> Result<Arc<Source>, Failure> {
    let Some(source) = view.catalog.source(name) else {
        if let Some(lost) = view.catalog.lost_source(name) {
            return Err(Failure::statement(format!("{name} {}", lost.reason())));
        }
        let hint = other_spelling(view.catalog, name);
        return Err(Failure::request(format!("Cannot insert values into an unknown stream/table: `{name}`{hint}")));
    };
    if source.read_only {
        let kind = if source.is_table() { "table" } else { "stream" };
        return Err(Failure::request(format!("Cannot insert values into read-only {kind}: {name}")));
    }
    if source.is_windowed() {
        return Err(Failure::request("Cannot insert values into windowed stream/table!"));
    }
    if is_readonly(view.config, &source.topic) {
        return Err(Failure::request(format!("Cannot insert values into read-only topic: {}", source.topic)));
    }
    Ok(source.clone())
}

/// Whether rows may be written by hand at all.
pub(super) fn check_enabled(view: View<'_>) -> Result<(), Failure> {
    if view.config.get(setting::INSERT_INTO_VALUES_ENABLED) {
        return Ok(());
    }
    Err(Failure::request(
        "The server has disabled INSERT INTO ... VALUES functionality. To enable it, restart your ksqlDB server with \
         'ksql.insert.into.values.enabled'=true",
    ))
}

/// Writes rows that [`prepare`] made; they are durable on return.
pub(crate) fn insert(view: View<'_>, name: &str, rows: &[Row]) -> Result<Outcome, Failure> {
    let source = target(view, name)?;
    check_key_schema(view, &source).map_err(|failure| Failure {
        message: format!("Failed to insert values into '{name}'. {}", failure.message),
        ..failure
    })?;
    let mut writer = Writer::new(&source, view.schemas).map_err(|error| write_failure(name, error.into()))?;
    writer.write(view.log, rows).map_err(|error| write_failure(name, error))?;
    Ok(Outcome::Nothing)
}

/// Keys go to partitions by their bytes, and these hold the id of a schema: rows of another one would go elsewhere.
fn check_key_schema(view: View<'_>, source: &Source) -> Result<(), Failure> {
    let spec = &source.formats.key;
    if spec.schema_id.is_some() {
        return Ok(());
    }
    let half = Half { topic: source.topic.as_str().into(), is_key: true, schemas: Arc::clone(view.schemas) };
    let ours = to_register(spec, &source.schema.key, &half).map_err(|error| Failure::statement(error.to_string()))?;
    let Some((subject, ours)) = ours else { return Ok(()) };
    let latest = view.schemas.latest(&subject).map_err(|error| {
        Failure::statement(format!(
            "Could not determine that insert values operations is safe; operation potentially overrides existing key \
             schema in schema registry.\nCaused by: {error}"
        ))
    })?;
    match latest {
        Some(latest) if !is_same(&ours, &latest.schema) => Err(Failure::statement(format!(
            "Cannot INSERT VALUES into data source `{}`. ksqlDB generated schema would overwrite existing key \
             schema.\n\tExisting Schema: {}\n\tksqlDB Generated: {}",
            source.name, latest.schema.text, ours.text
        ))),
        _ => Ok(()),
    }
}

/// Whether two schemas are the same but for white space and what Connect notes in them.
fn is_same(one: &Schema, other: &Schema) -> bool {
    let plain = |schema: &Schema| {
        let mut text: serde_json::Value = serde_json::from_str(&schema.text).ok()?;
        forget_notes(&mut text);
        Some(text)
    };
    let words = |schema: &Schema| schema.text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    one.language == other.language
        && match (plain(one), plain(other)) {
            (Some(one), Some(other)) => one == other,
            _ => words(one) == words(other),
        }
}

fn forget_notes(schema: &mut serde_json::Value) {
    match schema {
        serde_json::Value::Object(fields) => {
            fields.retain(|name, _| name != "connect.name");
            fields.values_mut().for_each(forget_notes);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(forget_notes),
        _ => {}
    }
}

fn write_failure(name: &str, error: WriteError) -> Failure {
    match error {
        WriteError::Format(FormatError::Schemas(error)) => {
            Failure::statement(format!("Failed to insert values into '{name}'. Could not serialize value: {error}"))
        }
        WriteError::Format(error) => Failure::statement(format!("Failed to insert values into '{name}'. {error}")),
        WriteError::Log(error) => {
            let told = error.told();
            Failure::new(FailureKind::from(&error), format!("Failed to insert values into '{name}'. {told}"))
        }
    }
}

/// `K` or ``K, L``, as in messages about missing keys.
fn names(columns: &[Column]) -> String {
    columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
}
