//! Avro with the framing of schema registries, as ksqlDB reads and writes it through Kafka Connect's converter.
//!
//! ```text
//! schema.rs   a schema as types          parse.rs     its JSON text to that
//! columns.rs  a schema to SQL types      text.rs      columns to the text of a schema
//! plan.rs     a writer's schema to how columns are read     decode.rs   bytes to columns by that plan
//! layout.rs   a schema to how columns are written           encode.rs   columns to bytes by that layout
//! wire.rs     the binary encoding        default.rs   defaults in it
//! compat.rs   whether a schema can read what another wrote
//! ```
//!
//! Records are read by the schema they were written with. A field is a column's if it has its name, or its name in upper
//! case; an absent one is NULL, or what the schema named by `…_SCHEMA_ID` says (its default, its aliases).
//!
//! | Avro | column |
//! |---|---|
//! | boolean, int (also int8, int16), long, float and double, string, bytes | BOOLEAN, INTEGER, BIGINT, DOUBLE, STRING, BYTES |
//! | fixed, enum | BYTES, STRING |
//! | decimal, date, time-millis, timestamp-millis | DECIMAL, DATE, TIME, TIMESTAMP |
//! | other logical types | as the type they annotate |
//! | array, record | ARRAY, STRUCT |
//! | map, array of Connect's MapEntry | MAP with STRING keys |
//! | union of null and a type | the type |
//! | other unions | STRUCT of the branches, named after their types |

mod columns;
mod compat;
mod decode;
mod default;
mod encode;
mod layout;
mod parse;
mod plan;
mod schema;
mod text;
mod wire;

use std::sync::Arc;

pub use self::compat::{Incompatibility, IncompatibilityType, incompatibilities};
pub use self::parse::BadSchema;
pub use self::schema::AvroSchema;
pub use self::text::key_schema_name;
use self::text::{DEFAULT_NAME, schema_text};
use super::{
    Decode, Encode, Features, Format, FormatError, FormatSpec, Half, has_text_keys, inferred, is_wrapped, schema_error,
};
use crate::schemas::{Language, Schema};
use crate::types::Column;

/// The format `AVRO`.
pub(super) struct Avro;

impl Format for Avro {
    fn name(&self) -> &'static str {
        "AVRO"
    }

    fn features(&self) -> Features {
        Features { schema_inference: true, ..Features::NESTED }
    }

    fn validate(&self, columns: &[Column], is_key: bool) -> Result<(), FormatError> {
        let problem = if columns.iter().all(|column| has_text_keys(&column.ty)) {
            schema_text(columns, columns.len() != 1 || !is_key, DEFAULT_NAME).err()
        } else {
            Some("Avro only supports MAPs with STRING keys".to_owned())
        };
        problem.map_or(Ok(()), |problem| Err(schema_error("AVRO", columns, is_key, &problem)))
    }

    fn decoder(
        &self,
        spec: &FormatSpec,
        columns: &[Column],
        used: &[usize],
        half: &Half,
    ) -> Result<Box<dyn Decode>, FormatError> {
        self.validate(columns, half.is_key)?;
        let reader = match spec.reader_schema() {
            Some(id) => Some(Arc::new(registered(id, half)?.1)),
            None => None,
        };
        let shape = (is_wrapped(spec, columns, half.is_key), half.is_key);
        let decoder = decode::AvroDecoder::new(columns, used, shape, reader, Arc::clone(&half.schemas));
        Ok(Box::new(decoder))
    }

    fn encoder(&self, spec: &FormatSpec, columns: &[Column], half: &Half) -> Result<Box<dyn Encode>, FormatError> {
        self.validate(columns, half.is_key)?;
        let wrapped = is_wrapped(spec, columns, half.is_key);
        let (id, avro) = match spec.schema_id {
            Some(id) => (id, registered(id, half)?.1),
            None => {
                let schema = schema(columns, spec, half.is_key)?;
                let avro = AvroSchema::parse(&schema).map_err(|error| FormatError::Schema(error.to_string()))?;
                let subject = half.schemas.subject(&half.topic, half.is_key, Some(avro.full_name()));
                (half.schemas.register(&subject, &schema)?, avro)
            }
        };
        let layout = layout::Layout::new(&avro, columns, wrapped).map_err(FormatError::Schema)?;
        Ok(Box::new(encode::AvroEncoder::new((id, &avro), layout, wrapped)))
    }

    fn language(&self) -> Option<Language> {
        Some(Language::Avro)
    }

    fn columns(&self, schema: &Schema, spec: &FormatSpec, is_key: bool) -> Result<Vec<Column>, FormatError> {
        columns(schema, spec, is_key)
    }

    fn schema(&self, columns: &[Column], spec: &FormatSpec, half: &Half) -> Result<Option<Schema>, FormatError> {
        schema(columns, spec, half.is_key).map(Some)
    }

    fn full_names(&self, schema: &Schema) -> Result<Vec<String>, FormatError> {
        let avro = AvroSchema::parse(schema).map_err(|error| FormatError::Schema(error.to_string()))?;
        Ok(vec![avro.full_name().to_owned()])
    }
}

/// The schema of that id.
fn registered(id: i32, half: &Half) -> Result<(Arc<Schema>, AvroSchema), FormatError> {
    let schema = half.schemas.by_id(id)?;
    if schema.language != Language::Avro {
        return Err(FormatError::Schema(format!("the schema of id {id} is {}, not AVRO", schema.language)));
    }
    let avro = AvroSchema::parse(&schema).map_err(|error| FormatError::Schema(error.to_string()))?;
    Ok((schema, avro))
}

/// The columns of keys or values of a schema.
///
/// # Errors
/// [`FormatError::Schema`]: the schema is none, or has a part that no column can hold; the message names the field.
pub fn columns(schema: &Schema, spec: &FormatSpec, is_key: bool) -> Result<Vec<Column>, FormatError> {
    let avro = AvroSchema::parse(schema).map_err(|error| FormatError::Schema(error.to_string()))?;
    let whole = columns::whole_type(&avro).map_err(FormatError::Schema)?;
    // A single key column always stands bare.
    inferred::columns(whole, &FormatSpec { wrap_single: spec.wrap_single && !is_key, ..spec.clone() }, is_key)
}

/// The schema that ksqlDB makes of the columns of keys or values.
///
/// # Errors
/// [`FormatError::Schema`]: a name is none in Avro.
pub fn schema(columns: &[Column], spec: &FormatSpec, is_key: bool) -> Result<Schema, FormatError> {
    let full_name = spec.full_name.as_deref().unwrap_or(DEFAULT_NAME);
    let text = schema_text(columns, is_wrapped(spec, columns, is_key), full_name);
    Ok(Schema::alone(Language::Avro, text.map_err(|problem| schema_error("AVRO", columns, is_key, &problem))?))
}

#[cfg(test)]
mod tests;
