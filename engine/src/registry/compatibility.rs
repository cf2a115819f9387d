//! Whether a new version of a subject goes with the older ones.

use std::time::{Duration, Instant};

use crate::formats::avro::{AvroSchema, incompatibilities};
use crate::formats::json_sr::Documents;
use crate::formats::protobuf::compat::differences;
use crate::schemas::{Language, Registered, Schema};

use super::canonical::{documents, json_document};
use super::json_diff;
use super::level::Level;

/// How long comparing a schema with all versions may take.
const MAX_TIME: Duration = Duration::from_secs(10);

/// What is told at most of what stands against a schema.
const MAX_TOLD: usize = 1_000;

/// Bytes that are told of the text of the older version.
const MAX_TEXT: usize = 10 * 1024;

/// Why a schema does not go with the last version that it does not go with, of those that count, oldest first; nothing: it
/// goes with all.
pub(super) fn check(level: Level, new: &Schema, versions: &[Registered]) -> Vec<String> {
    check_until(Instant::now() + MAX_TIME, level, new, versions)
}

fn check_until(end: Instant, level: Level, new: &Schema, versions: &[Registered]) -> Vec<String> {
    if level == Level::None {
        return Vec::new();
    }
    let found = versions.iter().rev().map(|old| with_one(end, level, new, old)).find(|messages| !messages.is_empty());
    let Some(mut messages) = found else { return Vec::new() };
    messages.push(format!("{{validateFields: 'false', compatibility: '{}'}}", level.name()));
    messages
}

/// Why two schemas do not go with each other.
fn with_one(end: Instant, level: Level, new: &Schema, old: &Registered) -> Vec<String> {
    let mut messages = if new.language != old.schema.language {
        vec!["Incompatible because of different schema type".to_owned()]
    } else {
        let forward = level.is_forward().then(|| unreadable(end, &old.schema, new, false));
        let backward = level.is_backward().then(|| unreadable(end, new, &old.schema, true));
        forward.into_iter().chain(backward).flatten().take(MAX_TOLD).collect()
    };
    // What was found by then may come from the hurry.
    if Instant::now() >= end {
        messages = vec![format!(
            "Comparing the schema with the versions of its subject takes longer than {} s; compatibility NONE takes it",
            MAX_TIME.as_secs()
        )];
    }
    if !messages.is_empty() {
        messages.push(format!("{{oldSchemaVersion: {}}}", old.version));
        let text = &old.schema.text;
        messages.push(match text.get(..text.floor_char_boundary(MAX_TEXT)) {
            Some(cut) if cut.len() < text.len() => {
                format!("{{oldSchema: <truncated to {MAX_TEXT} characters> '{cut}'}}")
            }
            _ => format!("{{oldSchema: '{text}'}}"),
        });
    }
    messages
}

/// Why what was written with one schema cannot be read with another; one of them is the new one.
fn unreadable(end: Instant, reader: &Schema, writer: &Schema, reader_is_new: bool) -> Vec<String> {
    if reader.text == writer.text && reader.referenced == writer.referenced {
        return Vec::new();
    }
    match reader.language {
        Language::Avro => avro(reader, writer, reader_is_new),
        Language::Protobuf => protobuf(reader, writer, reader_is_new),
        Language::Json => json(end, reader, writer, reader_is_new),
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
            found.take(MAX_TOLD).map(|difference| difference.message(of_reader, of_writer)).collect()
        }
        Err(problem) => vec![format!("The schemas cannot be compared: {problem}")],
    }
}

/// What messages call the schema that reads and the one that wrote.
fn names(reader_is_new: bool) -> (&'static str, &'static str) {
    if reader_is_new { ("new", "old") } else { ("old", "new") }
}

fn json(end: Instant, reader: &Schema, writer: &Schema, reader_is_new: bool) -> Vec<String> {
    let compare = || {
        let (of_reader, of_writer) = (documents(reader)?, documents(writer)?);
        let (reader, writer) = (json_document(&reader.text)?, json_document(&writer.text)?);
        let reader = Documents::new(&reader, &of_reader);
        let writer = Documents::new(&writer, &of_writer);
        Ok(json_diff::differences(end, reader, writer, reader_is_new))
    };
    compare().unwrap_or_else(|problem: String| vec![problem])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(version: i32, text: &str) -> Registered {
        let schema = Schema::alone(Language::Json, text).into();
        Registered { subject: "s".to_owned(), version, id: version, schema }
    }

    const NUMBER: &str = r#"{"type":"number"}"#;

    #[test]
    fn the_last_version_that_does_not_go_is_told() {
        let new = Schema::alone(Language::Json, NUMBER);
        let versions = [version(1, r#"{"type":"string"}"#), version(2, r#"{"type":"boolean"}"#), version(3, NUMBER)];
        let told = check(Level::FullTransitive, &new, &versions);
        let ends = [
            "{oldSchemaVersion: 2}",
            "{oldSchema: '{\"type\":\"boolean\"}'}",
            "{validateFields: 'false', compatibility: 'FULL_TRANSITIVE'}",
        ];
        assert_eq!((told.len(), &told[2..]), (5, &ends.map(str::to_owned)[..]), "{told:?}");
        assert!(told[0].contains("in the old schema") || told[0].contains("between the old schema"), "{told:?}");
        assert_eq!(check(Level::FullTransitive, &new, &versions[2..]), Vec::<String>::new());
    }

    #[test]
    fn little_is_told_of_many_differences() {
        let properties = |kind: &str| (0..5_000).map(|i| format!(r#""{i}":{{"type":"{kind}"}}"#)).collect::<Vec<_>>();
        let object = |kind: &str| format!(r#"{{"type":"object","properties":{{{}}}}}"#, properties(kind).join(","));
        let new = Schema::alone(Language::Json, object("string"));
        let told = check(Level::Full, &new, &[version(1, &object("boolean"))]);
        assert_eq!(told.len(), MAX_TOLD + 3);
        let start = "{oldSchema: <truncated to 10240 characters> '{\"type\":\"object\",";
        assert!(told[MAX_TOLD + 1].starts_with(start) && told[MAX_TOLD + 1].len() < MAX_TEXT + 100);
    }

    #[test]
    fn long_names_are_told_in_short() {
        let name = "n".repeat(200_000);
        let message = |kind: &str| {
            let fields: Vec<String> = (1..2_000).map(|i| format!("{kind} f{i} = {i};")).collect();
            let text = format!("syntax = 'proto3'; message M {{ oneof {name} {{ {} }} }}", fields.join(" "));
            Schema::alone(Language::Protobuf, text)
        };
        let old = Registered { schema: message("string").into(), ..version(1, "") };
        let told = check(Level::Backward, &message("bool"), &[old]);
        assert_eq!(told.len(), MAX_TOLD + 3);
        assert!(told[..MAX_TOLD].iter().all(|text| text.len() < 1_500), "{}", told[0].len());
    }

    #[test]
    fn what_takes_too_long_is_told_and_refused() {
        let new = Schema::alone(Language::Json, NUMBER);
        let versions = [version(1, NUMBER), version(2, r#"{"type":"integer"}"#)];
        assert_eq!(check(Level::BackwardTransitive, &new, &versions), Vec::<String>::new());
        let told = check_until(Instant::now(), Level::BackwardTransitive, &new, &versions);
        assert!(told[0].contains("takes longer than 10 s") && told[1] == "{oldSchemaVersion: 2}", "{told:?}");
    }
}
