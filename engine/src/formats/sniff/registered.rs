//! Payloads that name a schema, as text: read by that schema, shown the way its language's own tools show them.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray};

use crate::formats::json::value::write_json_string;
use crate::formats::{Decode, FormatSpec, Half, format};
use crate::schemas::{Language, SchemaError, Schemas, split_header};
use crate::types::text::{java_double, plain_decimal};
use crate::types::{Column, SqlType, Value};

/// Schemas remembered. A topic has a handful.
const IDS_MAX: usize = 64;

/// Reads payloads by the schemas they name.
#[derive(Debug)]
pub(super) struct Registered {
    schemas: Arc<dyn Schemas>,
    /// What is known of ids; `None`: nothing can be read by that schema.
    known: Vec<(i32, Option<Reader>)>,
}

/// What came of a payload.
pub(super) enum Shown {
    /// It names no schema of that language, or cannot be read by it.
    No,
    /// It names a schema that cannot be had now.
    Perhaps,
    /// As text.
    Text(String),
}

struct Reader {
    language: Language,
    columns: Vec<Column>,
    is_record: bool,
    decoder: Box<dyn Decode>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("language", &self.language).finish_non_exhaustive()
    }
}

impl Registered {
    /// Schemas are those of this registry.
    pub(super) fn new(schemas: Arc<dyn Schemas>) -> Self {
        Self { schemas, known: Vec::new() }
    }

    /// The payload as text, if it names a schema of that language.
    pub(super) fn show(&mut self, language: Language, payload: &[u8]) -> Shown {
        let Some((id, text)) = split_header(payload) else { return Shown::No };
        let reader = match self.reader(id) {
            Ok(Some(reader)) if reader.language == language => reader,
            Ok(_) => return Shown::No,
            Err(_) => return Shown::Perhaps,
        };
        let one = BinaryArray::from_iter_values([payload]);
        if reader.decoder.prepare(&one) != Ok(1) {
            return Shown::Perhaps;
        }
        let decoded = reader.decoder.decode(&one);
        if !decoded.bad.is_empty() {
            return Shown::No;
        }
        Shown::Text(match language {
            Language::Json => String::from_utf8_lossy(text).into_owned(),
            Language::Avro => reader.avro(&decoded.columns),
            Language::Protobuf => reader.protobuf(&decoded.columns),
        })
    }

    fn reader(&mut self, id: i32) -> Result<Option<&mut Reader>, SchemaError> {
        if let Some(at) = self.known.iter().position(|(known, _)| *known == id) {
            return Ok(self.known[at].1.as_mut());
        }
        let made = match self.schemas.by_id(id) {
            Ok(schema) => Reader::new(id, schema.language, &schema, &self.schemas)?,
            // Who prints does not wait for an id that nobody may ever know.
            Err(SchemaError::NotYetKnown(_)) => return Ok(None),
            Err(error) if error.may_pass() => return Err(error),
            Err(_) => None,
        };
        if self.known.len() >= IDS_MAX {
            self.known.remove(0);
        }
        self.known.push((id, made));
        Ok(self.known.last_mut().and_then(|(_, reader)| reader.as_mut()))
    }
}

impl Reader {
    fn new(
        id: i32,
        language: Language,
        schema: &crate::schemas::Schema,
        schemas: &Arc<dyn Schemas>,
    ) -> Result<Option<Self>, SchemaError> {
        let Some(format) = format(name(language)) else { return Ok(None) };
        let spec = |wrap_single| FormatSpec { schema_id: Some(id), ..FormatSpec::plain(format.name(), wrap_single) };
        let half = Half { topic: Arc::from(""), is_key: false, schemas: Arc::clone(schemas) };
        for is_record in [true, false] {
            let Ok(columns) = format.columns(schema, &spec(is_record), false) else { continue };
            let used: Vec<usize> = (0..columns.len()).collect();
            return Ok(format.decoder(&spec(is_record), &columns, &used, &half).ok().map(|decoder| Self {
                language,
                columns,
                is_record,
                decoder,
            }));
        }
        Ok(None)
    }

    fn values<'a>(&'a self, columns: &'a [ArrayRef]) -> impl Iterator<Item = (&'a Column, Value)> {
        self.columns.iter().zip(columns).map(|(column, values)| (column, Value::at(values, 0)))
    }

    /// As Avro's own records write themselves: `{"ID": 1, "NAME": "x"}`.
    fn avro(&self, columns: &[ArrayRef]) -> String {
        let mut out = String::new();
        if self.is_record {
            let fields = self.values(columns).map(|(column, value)| (column.name.as_str(), &column.ty, value));
            avro_record(fields, &mut out);
        } else if let Some((column, value)) = self.values(columns).next() {
            avro(&column.ty, &value, &mut out);
        }
        out
    }

    /// As Protobuf's short text form: `ID: 1 NAME: "x"`; what has its default is left out.
    fn protobuf(&self, columns: &[ArrayRef]) -> String {
        let mut out = String::new();
        for (column, value) in self.values(columns) {
            protobuf(&column.name, &column.ty, &value, &mut out);
        }
        out.trim_end().to_owned()
    }
}

/// The format whose schemas are of that language.
pub(super) fn name(language: Language) -> &'static str {
    match language {
        Language::Avro => "AVRO",
        Language::Protobuf => "PROTOBUF",
        Language::Json => "JSON_SR",
    }
}

fn avro_record<'a>(fields: impl Iterator<Item = (&'a str, &'a SqlType, Value)>, out: &mut String) {
    out.push('{');
    for (i, (name, ty, value)) in fields.enumerate() {
        out.push_str(if i > 0 { ", " } else { "" });
        write_json_string(name, out);
        out.push_str(": ");
        avro(ty, &value, out);
    }
    out.push('}');
}

fn avro(ty: &SqlType, value: &Value, out: &mut String) {
    match (ty, value) {
        (SqlType::Array(item), Value::Array(items)) => {
            out.push('[');
            for (i, value) in items.iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                avro(item, value, out);
            }
            out.push(']');
        }
        (SqlType::Map(_, value_ty), Value::Map(entries)) => {
            let entries = entries.iter().filter_map(|(key, value)| match key {
                Value::String(key) => Some((key.as_str(), &**value_ty, value.clone())),
                _ => None,
            });
            avro_record(entries, out);
        }
        (SqlType::Struct(fields), Value::Struct(values)) => {
            let fields = fields.iter().zip(values).map(|((name, ty), value)| (name.as_str(), ty, value.clone()));
            avro_record(fields, out);
        }
        (_, Value::Bytes(bytes)) => {
            write_json_string(&bytes.iter().map(|byte| char::from(*byte)).collect::<String>(), out);
        }
        (_, value) => scalar(value, out),
    }
}

fn protobuf(name: &str, ty: &SqlType, value: &Value, out: &mut String) {
    match (ty, value) {
        (SqlType::Array(item), Value::Array(items)) => {
            items.iter().for_each(|value| protobuf_field(name, item, value, out));
        }
        (SqlType::Map(key_ty, value_ty), Value::Map(entries)) => {
            for (key, value) in entries {
                let _ = write!(out, "{name} {{ ");
                protobuf_field("key", key_ty, key, out);
                protobuf_field("value", value_ty, value, out);
                out.push_str("} ");
            }
        }
        (_, value) if is_default(value) => {}
        (ty, value) => protobuf_field(name, ty, value, out),
    }
}

fn protobuf_field(name: &str, ty: &SqlType, value: &Value, out: &mut String) {
    match (ty, value) {
        (_, Value::Null) => {}
        (SqlType::Struct(fields), Value::Struct(values)) => {
            let _ = write!(out, "{name} {{ ");
            for ((name, ty), value) in fields.iter().zip(values) {
                protobuf(name, ty, value, out);
            }
            out.push_str("} ");
        }
        (_, Value::Bytes(bytes)) => {
            let _ = write!(out, "{name}: \"{}\" ", bytes.escape_ascii());
        }
        (_, value) => {
            let _ = write!(out, "{name}: ");
            scalar(value, out);
            out.push(' ');
        }
    }
}

fn is_default(value: &Value) -> bool {
    match value {
        Value::Null | Value::Boolean(false) | Value::Integer(0) | Value::Bigint(0) => true,
        Value::Double(value) => *value == 0.0,
        Value::String(text) => text.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        _ => false,
    }
}

fn scalar(value: &Value, out: &mut String) {
    let _ = match value {
        Value::Boolean(value) => write!(out, "{value}"),
        Value::Integer(value) | Value::Time(value) | Value::Date(value) => write!(out, "{value}"),
        Value::Bigint(value) | Value::Timestamp(value) => write!(out, "{value}"),
        Value::Double(value) => {
            java_double(*value, out);
            Ok(())
        }
        Value::Decimal(unscaled, scale) => {
            plain_decimal(*unscaled, *scale, out);
            Ok(())
        }
        Value::String(text) => {
            write_json_string(text, out);
            Ok(())
        }
        _ => write!(out, "null"),
    };
}
