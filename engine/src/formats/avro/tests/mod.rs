//! What ksqlDB writes and reads in Avro.

mod compatibility;
mod damage;
mod evolution;
mod inference;
mod mappings;
mod oracle;
mod reading;
mod text;
mod writing;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, BinaryArray};
use parking_lot::Mutex;
use serde_json::{Value as Json, json};

use super::compat::incompatibilities;
use super::default::write_default;
use super::wire::drop_length;
use super::{Avro, AvroSchema, columns, key_schema_name, schema};
use crate::formats::tests::{Random, rounds, to_columns};
use crate::formats::{Decoded, Format, FormatSpec, Half};
use crate::schemas::{Language, Registered, Schema, SchemaError, Schemas, topic_subject};
use crate::types::{Column, SqlType, Value};

/// A registry in memory that takes everything.
#[derive(Debug, Default)]
struct Registry {
    schemas: Mutex<Vec<Arc<Schema>>>,
    subjects: Mutex<HashMap<String, i32>>,
}

impl Registry {
    fn add(&self, text: &Json) -> i32 {
        self.put(Schema::alone(Language::Avro, text.to_string()))
    }

    fn put(&self, schema: Schema) -> i32 {
        let mut schemas = self.schemas.lock();
        schemas.push(Arc::new(schema));
        schemas.len() as i32
    }
}

impl Schemas for Registry {
    fn by_id(&self, id: i32) -> Result<Arc<Schema>, SchemaError> {
        self.schemas.lock().get((id as usize).wrapping_sub(1)).cloned().ok_or(SchemaError::UnknownId(id))
    }

    fn latest(&self, _: &str) -> Result<Option<Registered>, SchemaError> {
        Ok(None)
    }

    fn register(&self, subject: &str, schema: &Schema) -> Result<i32, SchemaError> {
        let known = self.schemas.lock().iter().position(|other| **other == *schema);
        let id = known.map_or_else(|| self.put(schema.clone()), |place| place as i32 + 1);
        self.subjects.lock().insert(subject.to_owned(), id);
        Ok(id)
    }

    fn delete(&self, _: &str) -> Result<(), SchemaError> {
        Ok(())
    }

    fn has(&self, _: Option<&str>, _: Option<i32>) -> Result<bool, SchemaError> {
        Ok(false)
    }

    fn subject(&self, topic: &str, is_key: bool, _: Option<&str>) -> String {
        topic_subject(topic, is_key)
    }
}

fn half(registry: &Arc<Registry>, is_key: bool) -> Half {
    Half { topic: Arc::from("t"), is_key, schemas: Arc::clone(registry) as Arc<dyn Schemas> }
}

fn wrapped() -> FormatSpec {
    FormatSpec::plain("AVRO", true)
}

fn column(name: &str, ty: SqlType) -> Column {
    Column::new(name, ty)
}

fn decimal(precision: u8, scale: i8) -> SqlType {
    SqlType::Decimal { precision, scale }
}

fn map_of(value: SqlType) -> SqlType {
    SqlType::Map(Box::new(SqlType::String), Box::new(value))
}

fn struct_of(fields: &[(&str, SqlType)]) -> SqlType {
    SqlType::Struct(fields.iter().map(|(name, ty)| ((*name).to_owned(), ty.clone())).collect())
}

fn text_of(columns: &[Column], spec: &FormatSpec, is_key: bool) -> String {
    schema(columns, spec, is_key).unwrap().text.to_string()
}

/// A record of a schema, written as JSON.
fn record(registry: &Arc<Registry>, id: i32, value: &Json) -> Vec<u8> {
    let avro = AvroSchema::parse(&registry.by_id(id).unwrap()).unwrap();
    let mut bytes = Vec::new();
    crate::schemas::put_header(id, &mut bytes);
    let start = bytes.len();
    write_default(&avro, avro.root, value, &mut bytes).unwrap();
    if avro.is_bytes() {
        drop_length(start, &mut bytes);
    }
    bytes
}

fn decode(registry: &Arc<Registry>, columns: &[Column], spec: &FormatSpec, records: &[&[u8]]) -> Decoded {
    let used: Vec<usize> = (0..columns.len()).collect();
    let mut decoder = Avro.decoder(spec, columns, &used, &half(registry, false)).unwrap();
    let payloads = BinaryArray::from_iter_values(records);
    decoder.prepare(&payloads).unwrap();
    decoder.decode(&payloads)
}

/// A record of a schema as values of columns, or what is wrong with it.
fn read_one(writer: &Json, value: &Json, columns: &[Column], spec: &FormatSpec) -> Result<Vec<Value>, String> {
    let registry = Arc::default();
    read_with(&registry, writer, value, columns, spec)
}

fn read_with(
    registry: &Arc<Registry>,
    writer: &Json,
    value: &Json,
    columns: &[Column],
    spec: &FormatSpec,
) -> Result<Vec<Value>, String> {
    let id = registry.add(writer);
    let decoded = decode(registry, columns, spec, &[&record(registry, id, value)]);
    match decoded.bad.first() {
        Some((_, problem)) => Err(problem.clone()),
        None => Ok(decoded.columns.iter().map(|column| Value::at(column, 0)).collect()),
    }
}
