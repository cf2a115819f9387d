//! Whether a new version of a subject goes with the older ones.

use crate::formats::avro::{AvroSchema, incompatibilities};
use crate::formats::json_sr::Documents;
use crate::formats::protobuf::compat::differences;
use crate::schemas::{Language, Registered, Schema};

use super::canonical::{documents, json_document};
use super::json_diff;
use super::level::Level;

/// Why a schema does not go with the versions that count, oldest first; nothing: it does.
pub(super) fn check(level: Level, new: &Schema, versions: &[Registered]) -> Vec<String> {
    if level == Level::None {
        return Vec::new();
    }
    let mut messages = versions.iter().rev().flat_map(|old| with_one(level, new, old)).collect::<Vec<_>>();
    if !messages.is_empty() {
        messages.push(format!("{{compatibility: '{}'}}", level.name()));
    }
    messages
}

/// Why two schemas do not go with each other.
fn with_one(level: Level, new: &Schema, old: &Registered) -> Vec<String> {
    let mut messages = if new.language != old.schema.language {
        vec!["Incompatible because of different schema type".to_owned()]
    } else {
        let backward = level.is_backward().then(|| unreadable(new, &old.schema, true));
        let forward = level.is_forward().then(|| unreadable(&old.schema, new, false));
        backward.into_iter().chain(forward).flatten().collect()
    };
    if !messages.is_empty() {
        messages.push(format!("{{oldSchemaVersion: {}}}", old.version));
    }
    messages
}

/// Why what was written with one schema cannot be read with another; one of them is the new one.
fn unreadable(reader: &Schema, writer: &Schema, reader_is_new: bool) -> Vec<String> {
    if reader.text == writer.text && reader.referenced == writer.referenced {
        return Vec::new();
    }
    match reader.language {
        Language::Avro => avro(reader, writer, reader_is_new),
        Language::Protobuf => protobuf(reader, writer, reader_is_new),
        Language::Json => json(reader, writer, reader_is_new),
    }
}

fn avro(reader: &Schema, writer: &Schema, reader_is_new: bool) -> Vec<String> {
    let (of_reader, of_writer) = names(reader_is_new);
    let found = AvroSchema::parse(reader).and_then(|reader| incompatibilities(&reader, &AvroSchema::parse(writer)?));
    match found {
        Ok(found) => found.iter().map(|incompatibility| incompatibility.describe(of_reader, of_writer)).collect(),
        Err(problem) => vec![format!("The schemas cannot be compared: {problem}")],
    }
}

fn protobuf(reader: &Schema, writer: &Schema, reader_is_new: bool) -> Vec<String> {
    let (of_reader, of_writer) = names(reader_is_new);
    match differences(writer, reader) {
        Ok(found) => {
            let found = found.iter().filter(|difference| !difference.change.is_compatible());
            found.map(|difference| difference.message(of_reader, of_writer)).collect()
        }
        Err(problem) => vec![format!("The schemas cannot be compared: {problem}")],
    }
}

/// What messages call the schema that reads and the one that wrote.
fn names(reader_is_new: bool) -> (&'static str, &'static str) {
    if reader_is_new { ("new", "old") } else { ("old", "new") }
}

fn json(reader: &Schema, writer: &Schema, reader_is_new: bool) -> Vec<String> {
    let compare = || {
        let (of_reader, of_writer) = (documents(reader)?, documents(writer)?);
        let (reader, writer) = (json_document(&reader.text)?, json_document(&writer.text)?);
        let reader = Documents { root: &reader, others: &of_reader };
        let writer = Documents { root: &writer, others: &of_writer };
        Ok(json_diff::differences(reader, writer, reader_is_new))
    };
    compare().unwrap_or_else(|problem: String| vec![problem])
}
