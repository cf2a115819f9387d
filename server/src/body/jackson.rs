//! What ksqlDB's JSON parser says of bodies that will not do.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

/// What it says about where a text comes from.
const SOURCE: &str = "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line";
/// What may stand where a value is expected.
const VALUES: &str = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";
/// Fields by what they hold.
const TEXTS: &[&str] = &["ksql", "sql", "target", "queryId"];
const MAPS: &[&str] = &["streamsProperties", "requestProperties", "sessionVariables", "properties"];

/// A text that is no JSON.
pub(super) fn not_json(bytes: &[u8], error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    if error.is_eof() {
        let at = at(line, column + 1);
        if text.starts_with("EOF while parsing a string") {
            return format!("Unexpected end-of-input: was expecting closing quote for a string value{at}");
        }
        let marker = if bytes.trim_ascii_start().first() == Some(&b'[') { "Array" } else { "Object" };
        return format!(
            "Unexpected end-of-input: expected close marker for {marker} (start marker at {SOURCE}: 1, column: 1]){at}"
        );
    }
    let token: String = String::from_utf8_lossy(bytes)
        .trim_start()
        .chars()
        .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '$'))
        .collect();
    if line == 1 && token.starts_with(char::is_alphabetic) {
        return format!("Unrecognized token '{token}': was expecting {VALUES}{}", at(1, 1));
    }
    let offending = bytes.split(|byte| *byte == b'\n').nth(line - 1).and_then(|line| line.get(column.max(1) - 1));
    let expected = [
        ("key must be a string", "was expecting double-quote to start field name"),
        ("trailing comma", "was expecting double-quote to start field name"),
        ("expected value", &format!("expected a valid value {VALUES}")),
        ("expected `,` or `}`", "was expecting comma to separate Object entries"),
        ("expected `,` or `]`", "was expecting comma to separate Array entries"),
        ("expected `:`", "was expecting a colon to separate field name and value"),
    ];
    match (offending, expected.iter().find(|(ours, _)| text.starts_with(ours))) {
        (Some(byte), Some((_, expected))) if byte.is_ascii() => {
            format!("Unexpected character ('{}' (code {byte})): {expected}{}", char::from(*byte), at(line, column))
        }
        _ => text,
    }
}

/// JSON that is not the request it should be; `class` is what ksqlDB calls it.
pub(super) fn not_a_request(bytes: &[u8], value: &Value, class: &str, error: &serde_json::Error) -> String {
    let start = bytes.len() - bytes.trim_ascii_start().len();
    // ksqlDB does not see this one coming.
    if value.is_null() {
        return error.to_string();
    }
    if !value.is_object() {
        return format!("{}{}", wrong_whole(value, class), located(bytes, start));
    }
    let fields: BTreeMap<String, &RawValue> =
        serde_json::Deserializer::from_slice(bytes).into_iter().next().and_then(Result::ok).unwrap_or_default();
    for (name, raw) in &fields {
        let raw = raw.get();
        if let Some(problem) = wrong_field(name, raw) {
            // The raw value is a part of the body.
            let offset = (raw.as_ptr() as usize).saturating_sub(bytes.as_ptr() as usize);
            return format!("{problem}{}{}", located(bytes, offset), chain(class, name));
        }
    }
    let text = error.to_string();
    match text.strip_prefix("missing field `").and_then(|rest| rest.split_once('`')) {
        Some((field, _)) => {
            let read = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
            let end = end_of_first(read).unwrap_or(bytes.len());
            let at = located(bytes, end.saturating_sub(1));
            format!("Missing required creator property '{field}' (index 0){at}{}", chain(class, field))
        }
        None => text,
    }
}

/// Where the first document ends.
fn end_of_first<'a>(
    mut documents: serde_json::StreamDeserializer<'a, serde_json::de::SliceRead<'a>, Value>,
) -> Option<usize> {
    documents.next()?.ok()?;
    Some(documents.byte_offset())
}

fn wrong_whole(value: &Value, class: &str) -> String {
    let creator = |kind: &str, value: &str| no_creator(class, kind, value);
    match value {
        Value::Number(number) if number.is_i64() => creator("int/Int", &format!("Number value ({number})")),
        Value::Number(number) => creator("double/Double", &format!("Number value ({number})")),
        Value::Bool(value) => creator("boolean/Boolean", &format!("boolean value ({value})")),
        Value::String(text) => creator("String", &format!("String value ('{text}')")),
        _ => format!("Cannot deserialize value of type `{class}` from {}", token("[")),
    }
}

fn wrong_field(name: &str, raw: &str) -> Option<String> {
    let class = match name {
        _ if TEXTS.contains(&name) => "java.lang.String",
        _ if MAPS.contains(&name) => "java.util.LinkedHashMap<java.lang.String,java.lang.Object>",
        "commandSequenceNumber" => "java.lang.Long",
        "deleteTopicList" => "java.util.ArrayList<java.lang.String>",
        _ => return None,
    };
    let is_fit = match (*raw.as_bytes().first()?, class) {
        (b'n', _) | (b'{', "java.util.LinkedHashMap<java.lang.String,java.lang.Object>") => true,
        (b'[', "java.util.ArrayList<java.lang.String>") => true,
        (first, "java.lang.String") => !matches!(first, b'{' | b'['),
        (b'"', "java.lang.Long") => {
            let number = raw.trim_matches('"');
            if number.trim().is_empty() || number.trim().parse::<i64>().is_ok() {
                return None;
            }
            return Some(format!(
                "Cannot deserialize value of type `{class}` from String {raw}: not a valid `{class}` value"
            ));
        }
        (b'0'..=b'9' | b'-', "java.lang.Long") => true,
        (b'"', _) => {
            // What cannot be made from a text is called without its parameters.
            let bare = class.split('<').next().unwrap_or(class);
            let text: String = serde_json::from_str(raw).ok()?;
            return (!text.trim().is_empty()).then(|| no_creator(bare, "String", &format!("String value ('{text}')")));
        }
        _ => false,
    };
    (!is_fit).then(|| format!("Cannot deserialize value of type `{class}` from {}", token(raw)))
}

/// How a value of another kind is called.
fn token(raw: &str) -> String {
    let (kind, token) = match raw.as_bytes().first() {
        Some(b'{') => ("Object", "START_OBJECT"),
        Some(b'[') => ("Array", "START_ARRAY"),
        Some(b't') => ("Boolean", "VALUE_TRUE"),
        Some(b'f') => ("Boolean", "VALUE_FALSE"),
        _ if raw.contains(['.', 'e', 'E']) => ("Floating-point", "VALUE_NUMBER_FLOAT"),
        _ => ("Integer", "VALUE_NUMBER_INT"),
    };
    format!("{kind} value (token `JsonToken.{token}`)")
}

fn no_creator(class: &str, kind: &str, value: &str) -> String {
    format!(
        "Cannot construct instance of `{class}` (although at least one Creator exists): no {kind}-argument \
         constructor/factory method to deserialize from {value}"
    )
}

fn chain(class: &str, field: &str) -> String {
    format!(" (through reference chain: {class}[\"{field}\"])")
}

fn located(bytes: &[u8], offset: usize) -> String {
    let before = bytes.get(..offset).unwrap_or(bytes);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    at(line, offset - start + 1)
}

fn at(line: usize, column: usize) -> String {
    format!("\n at {SOURCE}: {line}, column: {column}]")
}
