//! JSON, and JSON Schema as JSON without white space.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::schemas::{Referenced, Schema};

/// Levels of objects and arrays in each other in a schema.
const MAX_LEVELS: usize = 1_000;

/// A JSON document; threads that read one have stack for as many levels as it may have (`sql::STACK_BYTES`).
pub(in crate::registry) fn parse(text: &str) -> Result<Value, String> {
    check_levels(text)?;
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.disable_recursion_limit();
    let value = Value::deserialize(&mut reader).map_err(|error| error.to_string())?;
    reader.end().map_err(|error| error.to_string())?;
    Ok(value)
}

fn check_levels(text: &str) -> Result<(), String> {
    let (mut levels, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => levels += 1,
            b'}' | b']' if !in_string => levels = levels.saturating_sub(1),
            _ => {}
        }
        if levels > MAX_LEVELS {
            return Err(format!("it has more than {MAX_LEVELS} levels"));
        }
    }
    Ok(())
}

/// The documents that a schema refers to, by the names it has for them.
pub(in crate::registry) fn documents(schema: &Schema) -> Result<Vec<(&str, Value)>, String> {
    let parsed = |other: &Referenced| parse(&other.text).map_err(|problem| format!("{}: {problem}", other.name));
    schema.referenced.iter().map(|other| Ok((other.name.as_str(), parsed(other)?))).collect()
}

/// The document without white space, and sorted by names when normalised.
pub(super) fn canonical(text: &str, normalize: bool) -> Result<String, String> {
    let mut schema = parse(text)?;
    if !matches!(schema, Value::Object(_) | Value::Bool(_)) {
        return Err("a JSON Schema is an object, true or false".to_owned());
    }
    if normalize {
        sort(&mut schema);
    }
    Ok(schema.to_string())
}

/// Sorts the members of all objects by their names.
pub(super) fn sort(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<(String, Value)> = std::mem::take(members).into_iter().collect();
            sorted.sort_by(|a, b| a.0.cmp(&b.0));
            sorted.iter_mut().for_each(|(_, value)| sort(value));
            *members = Map::from_iter(sorted);
        }
        Value::Array(elements) => elements.iter_mut().for_each(sort),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_counts_until_it_is_normalised() {
        let text = "{ \"type\" : \"object\",\n \"properties\": {\"b\": {}, \"a\": true} }";
        let kept = r#"{"type":"object","properties":{"b":{},"a":true}}"#;
        assert_eq!(canonical(text, false).unwrap(), kept);
        assert_eq!(canonical(text, true).unwrap(), r#"{"properties":{"a":true,"b":{}},"type":"object"}"#);
        assert!(canonical("[]", false).is_err() && canonical("{} x", false).is_err());
    }

    #[test]
    fn depth_is_bounded() {
        let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        let test = move || {
            assert!(parse(&deep(MAX_LEVELS)).is_ok());
            assert!(parse(&deep(MAX_LEVELS + 1)).is_err());
            assert!(parse(&"[".repeat(1 << 20)).is_err());
        };
        std::thread::Builder::new().stack_size(sql::STACK_BYTES).spawn(test).unwrap().join().unwrap();
        assert!(parse("\"[[[\\\"[\"").is_ok());
    }
}
