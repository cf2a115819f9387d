//! Defaults of fields, which stand as JSON in a schema, in Avro's binary encoding.

use serde_json::Value as Json;

use super::schema::{AvroSchema, Kind, TypeId};
use super::wire::{put_long, put_sized};
use crate::formats::problem::short;

/// Values in values that a default is made of: those of fields that it does not mention have their own defaults, which may
/// be of the same record again.
const LEVELS_MAX: usize = 100;

/// Values of one default, and of all defaults of a schema that is checked.
const VALUES_MAX: usize = 100_000;
const CHECKED_MAX: usize = 1_000_000;

/// Bytes of the texts in one default.
const BYTES_MAX: usize = 1 << 20;

/// Appends a default of a type; the number of values that it is made of.
///
/// # Errors
/// It is none, or is too large.
pub(super) fn write_default(schema: &AvroSchema, id: TypeId, json: &Json, out: &mut Vec<u8>) -> Result<usize, String> {
    let mut defaults = Defaults { schema, size: Size::of(VALUES_MAX) };
    match defaults.write(id, json, out) {
        Ok(()) => Ok(VALUES_MAX - defaults.size.values),
        Err(Fault::TooLarge) => Err(Fault::TooLarge.to_string()),
        Err(Fault::Type(word)) => Err(short(format!("{json} is no default: {}", Fault::Type(word)))),
    }
}

/// Why a default cannot be written. There may be one for each branch of each union, so it holds no text.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("a default is too large, or holds itself")]
    TooLarge,
    #[error("a value in it is no {0}")]
    Type(&'static str),
}

impl AvroSchema {
    /// Checks the defaults of fields, as Avro for Java does.
    ///
    /// # Errors
    /// One is no value of its field's type, or they are too large to be checked.
    pub fn check_defaults(&self) -> Result<(), String> {
        let mut defaults = Defaults { schema: self, size: Size::of(CHECKED_MAX) };
        for ty in &self.types {
            let Kind::Record { fields, .. } = &ty.kind else { continue };
            for field in fields {
                let Some(json) = &field.default else { continue };
                if !defaults.is_valid(field.ty, json).map_err(|fault| fault.to_string())? {
                    let (name, ty) = (&field.name, shown(self, field.ty));
                    return Err(format!("Invalid default for field {name}: {json} not a {ty}"));
                }
            }
        }
        Ok(())
    }
}

/// A type as a schema's text has it, in short.
fn shown(schema: &AvroSchema, id: TypeId) -> String {
    match schema.branches(id) {
        Some(branches) => {
            let branches: Vec<String> = branches.iter().map(|branch| shown(schema, *branch)).collect();
            format!("[{}]", branches.join(","))
        }
        None => format!("\"{}\"", schema.name_of(id)),
    }
}

/// What is left of the room for a default.
struct Size {
    levels: usize,
    values: usize,
    bytes: usize,
}

impl Size {
    fn of(values: usize) -> Self {
        Self { levels: LEVELS_MAX, values, bytes: BYTES_MAX }
    }

    /// Takes room for a value within others.
    fn enter(&mut self) -> Result<(), Fault> {
        self.levels = self.levels.checked_sub(1).ok_or(Fault::TooLarge)?;
        self.values = self.values.checked_sub(1).ok_or(Fault::TooLarge)?;
        Ok(())
    }

    /// Takes room for a text.
    fn text<'t>(&mut self, text: &'t str) -> Result<&'t str, Fault> {
        self.bytes = self.bytes.checked_sub(text.len()).ok_or(Fault::TooLarge)?;
        Ok(text)
    }
}

struct Defaults<'a> {
    schema: &'a AvroSchema,
    size: Size,
}

impl<'a> Defaults<'a> {
    fn write(&mut self, id: TypeId, json: &Json, out: &mut Vec<u8>) -> Result<(), Fault> {
        self.size.enter()?;
        let written = self.value(id, json, out);
        self.size.levels += 1;
        written
    }

    fn value(&mut self, id: TypeId, json: &Json, out: &mut Vec<u8>) -> Result<(), Fault> {
        let schema: &'a AvroSchema = self.schema;
        let kind = schema.kind(id);
        let wrong = || Fault::Type(kind.word());
        match kind {
            Kind::Null => json.as_null().ok_or_else(wrong)?,
            Kind::Boolean => out.push(u8::from(json.as_bool().ok_or_else(wrong)?)),
            Kind::Int => {
                put_long(i64::from(json.as_i64().and_then(|value| i32::try_from(value).ok()).ok_or_else(wrong)?), out);
            }
            Kind::Long => put_long(json.as_i64().ok_or_else(wrong)?, out),
            Kind::Float => out.extend_from_slice(&(double(json).ok_or_else(wrong)? as f32).to_le_bytes()),
            Kind::Double => out.extend_from_slice(&double(json).ok_or_else(wrong)?.to_le_bytes()),
            Kind::String => put_sized(self.text(json, wrong)?.as_bytes(), out),
            Kind::Bytes => put_sized(&latin1(self.text(json, wrong)?).ok_or_else(wrong)?, out),
            Kind::Fixed { size, .. } => {
                let bytes = latin1(self.text(json, wrong)?);
                let bytes = bytes.filter(|bytes| bytes.len() == *size).ok_or_else(wrong)?;
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
                items.iter().try_for_each(|json| self.write(*item, json, out))?;
                put_long(0, out);
            }
            Kind::Map(value) => {
                let entries = json.as_object().ok_or_else(wrong)?;
                if !entries.is_empty() {
                    put_long(entries.len() as i64, out);
                }
                for (key, json) in entries {
                    put_sized(self.size.text(key)?.as_bytes(), out);
                    self.write(*value, json, out)?;
                }
                put_long(0, out);
            }
            Kind::Record { fields, .. } => {
                let values = json.as_object().ok_or_else(wrong)?;
                for field in fields {
                    let json = values.get(&field.name).or_else(|| schema.default_of(field)).ok_or_else(wrong)?;
                    self.write(field.ty, json, out)?;
                }
            }
            // The first branch by the letter; any that fits by Avro 1.12 and by Connect's own defaults.
            Kind::Union(branches) => {
                let start = out.len();
                for (i, branch) in branches.iter().enumerate() {
                    put_long(i as i64, out);
                    match self.write(*branch, json, out) {
                        Err(Fault::Type(_)) => out.truncate(start),
                        written => return written,
                    }
                }
                return Err(wrong());
            }
        }
        Ok(())
    }

    /// A text that is part of the default.
    fn text<'j>(&mut self, json: &'j Json, wrong: impl Fn() -> Fault) -> Result<&'j str, Fault> {
        self.size.text(json.as_str().ok_or_else(wrong)?)
    }

    /// Whether it is a value of the type: of a union, of any branch.
    fn is_valid(&mut self, id: TypeId, json: &Json) -> Result<bool, Fault> {
        self.size.enter()?;
        let valid = self.is_value(id, json);
        self.size.levels += 1;
        valid
    }

    fn are_valid<'j>(&mut self, id: TypeId, items: impl Iterator<Item = &'j Json>) -> Result<bool, Fault> {
        for item in items {
            if !self.is_valid(id, item)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn is_value(&mut self, id: TypeId, json: &Json) -> Result<bool, Fault> {
        let schema: &'a AvroSchema = self.schema;
        Ok(match (schema.kind(id), json) {
            (Kind::String | Kind::Bytes | Kind::Enum { .. } | Kind::Fixed { .. }, json) => json.is_string(),
            (Kind::Int, json) => json.as_i64().is_some_and(|value| i32::try_from(value).is_ok()),
            (Kind::Long, json) => json.as_i64().is_some(),
            (Kind::Float | Kind::Double, json) => json.is_number(),
            (Kind::Boolean, json) => json.is_boolean(),
            (Kind::Null, json) => json.is_null(),
            (Kind::Array(item), Json::Array(items)) => self.are_valid(*item, items.iter())?,
            (Kind::Map(value), Json::Object(entries)) => self.are_valid(*value, entries.values())?,
            (Kind::Union(branches), json) => {
                for branch in branches {
                    if self.is_valid(*branch, json)? {
                        return Ok(true);
                    }
                }
                false
            }
            (Kind::Record { fields, .. }, Json::Object(values)) => {
                for field in fields {
                    let Some(json) = values.get(&field.name).or(field.default.as_ref()) else { return Ok(false) };
                    if !self.is_valid(field.ty, json)? {
                        return Ok(false);
                    }
                }
                true
            }
            _ => false,
        })
    }
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
fn latin1(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|char| u8::try_from(u32::from(char)).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schemas::{Language, Schema};

    fn parse(fields: &str) -> AvroSchema {
        let text = format!(r#"{{"type":"record","name":"A","fields":[{fields}]}}"#);
        AvroSchema::parse(&Schema::alone(Language::Avro, text)).unwrap()
    }

    #[test]
    fn defaults_are_checked_as_avro_for_java_does() {
        let field = |ty: &str, default: &str| parse(&format!(r#"{{"name":"f","type":{ty},"default":{default}}}"#));
        for (ty, default, is_valid) in [
            (r#""int""#, "1", true),
            (r#""int""#, "2147483648", false),
            (r#""int""#, "1.0", false),
            (r#""int""#, r#""1""#, false),
            (r#""long""#, "2147483648", true),
            (r#""double""#, "1", true),
            (r#""double""#, r#""NaN""#, false),
            (r#""string""#, "null", false),
            (r#""bytes""#, r#""\u00ff""#, true),
            (r#"["null","string"]"#, "null", true),
            (r#"["null","string"]"#, r#""x""#, true),
            (r#"["null","string"]"#, "5", false),
            (r#"{"type":"enum","name":"E","symbols":["X"]}"#, r#""Y""#, true),
            (r#"{"type":"array","items":"int"}"#, "[1, 2]", true),
            (r#"{"type":"array","items":"int"}"#, r#"[1, "2"]"#, false),
            (r#"{"type":"map","values":"boolean"}"#, r#"{"k": 1}"#, false),
            (r#"{"type":"record","name":"R","fields":[{"name":"x","type":"int"}]}"#, "{}", false),
            (r#"{"type":"record","name":"R","fields":[{"name":"x","type":"int","default":3}]}"#, "{}", true),
        ] {
            let checked = field(ty, default).check_defaults();
            assert_eq!(checked.is_ok(), is_valid, "{ty} {default}: {checked:?}");
        }
        let told = field(r#"["null","int"]"#, r#""x""#).check_defaults().unwrap_err().to_string();
        assert_eq!(told, r#"Invalid default for field f: "x" not a ["null","int"]"#);
    }

    #[test]
    fn texts_of_a_default_are_bounded_and_its_values_counted() {
        let text = "x".repeat(700 << 10);
        let inner =
            format!(r#"{{"type":"record","name":"R","fields":[{{"name":"s","type":"string","default":"{text}"}}]}}"#);
        let list = parse(&format!(r#"{{"name":"f","type":{{"type":"array","items":[{inner},"null"]}}}}"#));
        let write = |items: usize| {
            let json = serde_json::json!({"f": vec![serde_json::json!({}); items]});
            write_default(&list, list.root, &json, &mut Vec::new())
        };
        // The record, its list, a branch, the inner record, its text.
        assert_eq!(write(1), Ok(5));
        assert!(write(2).is_err_and(|problem| problem.contains("too large")));
        let wrong = write_default(&list, list.root, &serde_json::json!({"f": [text]}), &mut Vec::new()).unwrap_err();
        assert!(wrong.len() < 2000, "{}", wrong.len());
    }

    #[test]
    fn a_default_that_holds_itself_or_grows_without_end_is_refused() {
        let own = parse(r#"{"name":"f","type":"A","default":{}}"#);
        assert!(own.check_defaults().is_err());
        assert!(write_default(&own, own.root, &serde_json::json!({}), &mut Vec::new()).is_err());
        let mut inner = r#"{"type":"record","name":"R0","fields":[]}"#.to_owned();
        for level in 1..40 {
            let below = level - 1;
            inner = format!(
                r#"{{"type":"record","name":"R{level}","fields":[{{"name":"a","type":{inner},"default":{{}}}},{{"name":"b","type":"R{below}","default":{{}}}}]}}"#
            );
        }
        let wide = parse(&format!(r#"{{"name":"f","type":{inner},"default":{{}}}}"#));
        assert!(wide.check_defaults().is_err());
        assert!(write_default(&wide, wide.root, &serde_json::json!({}), &mut Vec::new()).is_err());
    }
}
