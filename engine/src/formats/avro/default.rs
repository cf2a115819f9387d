//! Defaults of fields, which stand as JSON in a schema, in Avro's binary encoding.

use serde_json::Value as Json;

use super::schema::{AvroSchema, Kind, TypeId};
use super::wire::{put_long, put_sized};

/// Appends a default of a type.
pub(super) fn write_default(schema: &AvroSchema, id: TypeId, json: &Json, out: &mut Vec<u8>) -> Result<(), String> {
    let kind = schema.kind(id);
    let wrong = || format!("{json} is no default of type {}", kind.word());
    match kind {
        Kind::Null => json.as_null().ok_or_else(wrong)?,
        Kind::Boolean => out.push(u8::from(json.as_bool().ok_or_else(wrong)?)),
        Kind::Int => {
            put_long(i64::from(json.as_i64().and_then(|value| i32::try_from(value).ok()).ok_or_else(wrong)?), out);
        }
        Kind::Long => put_long(json.as_i64().ok_or_else(wrong)?, out),
        Kind::Float => out.extend_from_slice(&(double(json).ok_or_else(wrong)? as f32).to_le_bytes()),
        Kind::Double => out.extend_from_slice(&double(json).ok_or_else(wrong)?.to_le_bytes()),
        Kind::String => put_sized(json.as_str().ok_or_else(wrong)?.as_bytes(), out),
        Kind::Bytes => put_sized(&latin1(json).ok_or_else(wrong)?, out),
        Kind::Fixed { size, .. } => {
            let bytes = latin1(json).filter(|bytes| bytes.len() == *size).ok_or_else(wrong)?;
            out.extend_from_slice(&bytes);
        }
        Kind::Enum { symbols, .. } => {
            let position = json.as_str().and_then(|symbol| symbols.iter().position(|other| other == symbol));
            put_long(position.ok_or_else(wrong)? as i64, out);
        }
        Kind::Array(item) => {
            let items = json.as_array().ok_or_else(wrong)?;
            if !items.is_empty() {
                put_long(items.len() as i64, out);
            }
            items.iter().try_for_each(|json| write_default(schema, *item, json, out))?;
            put_long(0, out);
        }
        Kind::Map(value) => {
            let entries = json.as_object().ok_or_else(wrong)?;
            if !entries.is_empty() {
                put_long(entries.len() as i64, out);
            }
            for (key, json) in entries {
                put_sized(key.as_bytes(), out);
                write_default(schema, *value, json, out)?;
            }
            put_long(0, out);
        }
        Kind::Record { fields, .. } => {
            let values = json.as_object().ok_or_else(wrong)?;
            for field in fields {
                let json = values.get(&field.name).or_else(|| schema.default_of(field)).ok_or_else(wrong)?;
                write_default(schema, field.ty, json, out)?;
            }
        }
        // The first branch by the letter; any that fits by Avro 1.12 and by Connect's own defaults.
        Kind::Union(branches) => {
            let start = out.len();
            for (i, branch) in branches.iter().enumerate() {
                put_long(i as i64, out);
                if write_default(schema, *branch, json, out).is_ok() {
                    return Ok(());
                }
                out.truncate(start);
            }
            return Err(wrong());
        }
    }
    Ok(())
}

/// A number, or the name of what JSON has no number for.
fn double(json: &Json) -> Option<f64> {
    match json {
        Json::String(name) => match name.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" | "INF" => Some(f64::INFINITY),
            "-Infinity" | "-INF" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        other => other.as_f64(),
    }
}

/// Bytes stand as characters of their values.
fn latin1(json: &Json) -> Option<Vec<u8>> {
    json.as_str()?.chars().map(|char| u8::try_from(u32::from(char)).ok()).collect()
}
