//! The formats `PROTOBUF` and `PROTOBUF_NOSR`.

use super::named_schema_text;
use super::reader::ProtobufDecoder;
use super::writer::{ProtobufEncoder, is_wrapped_scalar};
use crate::formats::{
    Decode, Encode, Features, Format, FormatError, FormatSpec, Half, NullableAs, ReadBack, has_text_keys, schema_error,
};
use crate::schemas::{Language, Schema};
use crate::types::{Column, SqlType};

/// Messages of registered schemas, whose ids stand before them.
pub(in crate::formats) struct Protobuf;

/// Messages that nothing stands before; the columns tell all about them.
pub(in crate::formats) struct ProtobufNoSr;

impl Format for Protobuf {
    fn name(&self) -> &'static str {
        "PROTOBUF"
    }

    fn features(&self) -> Features {
        Features { schema_inference: true, unwrap_singles: false, ..Features::NESTED }
    }

    fn validate(&self, columns: &[Column], is_key: bool) -> Result<(), FormatError> {
        validate(self.name(), columns, is_key)
    }

    fn decoder(
        &self,
        spec: &FormatSpec,
        columns: &[Column],
        used: &[usize],
        half: &Half,
    ) -> Result<Box<dyn Decode>, FormatError> {
        self.validate(columns, half.is_key)?;
        Ok(Box::new(ProtobufDecoder::framed(spec, columns, used, half)))
    }

    fn encoder(&self, spec: &FormatSpec, columns: &[Column], half: &Half) -> Result<Box<dyn Encode>, FormatError> {
        self.validate(columns, half.is_key)?;
        Ok(Box::new(ProtobufEncoder::framed(spec, columns, half)?))
    }

    fn language(&self) -> Option<Language> {
        Some(Language::Protobuf)
    }

    fn columns(&self, schema: &Schema, spec: &FormatSpec, _: bool) -> Result<Vec<Column>, FormatError> {
        super::columns(schema, spec)
    }

    fn schema(&self, columns: &[Column], spec: &FormatSpec, half: &Half) -> Result<Option<Schema>, FormatError> {
        let full_name = effective_name(spec);
        let subject = half.schemas.subject(&half.topic, half.is_key, full_name);
        // One of several messages is written by the schema of all.
        if full_name.is_some()
            && let Ok(Some(latest)) = half.schemas.latest(&subject)
            && super::message_names(&latest.schema).is_ok_and(|names| names.len() > 1)
        {
            return Ok(Some(Schema::clone(&latest.schema)));
        }
        schema(columns, full_name, spec.nullable).map(Some)
    }

    fn full_names(&self, schema: &Schema) -> Result<Vec<String>, FormatError> {
        super::message_names(schema)
    }

    fn read_back(&self, spec: &FormatSpec, columns: &[Column], half: &Half) -> Result<Option<ReadBack>, FormatError> {
        // A message of a name may be one of a schema that others registered.
        if spec.schema_id.is_none() && effective_name(spec).is_none() {
            return read_back(spec, columns);
        }
        ReadBack::by_codecs(self, spec, columns, half).map(Some)
    }
}

impl Format for ProtobufNoSr {
    fn name(&self) -> &'static str {
        "PROTOBUF_NOSR"
    }

    fn features(&self) -> Features {
        Features::NESTED
    }

    fn validate(&self, columns: &[Column], is_key: bool) -> Result<(), FormatError> {
        validate(self.name(), columns, is_key)
    }

    fn decoder(
        &self,
        spec: &FormatSpec,
        columns: &[Column],
        used: &[usize],
        half: &Half,
    ) -> Result<Box<dyn Decode>, FormatError> {
        self.validate(columns, half.is_key)?;
        let wrapped = self.is_wrapped(spec, columns, half.is_key)?;
        Ok(Box::new(ProtobufDecoder::bare(spec, columns, used, wrapped)?))
    }

    fn encoder(&self, spec: &FormatSpec, columns: &[Column], half: &Half) -> Result<Box<dyn Encode>, FormatError> {
        self.validate(columns, half.is_key)?;
        let wrapped = self.is_wrapped(spec, columns, half.is_key)?;
        Ok(Box::new(ProtobufEncoder::bare(spec, columns, wrapped)))
    }

    fn read_back(&self, spec: &FormatSpec, columns: &[Column], _: &Half) -> Result<Option<ReadBack>, FormatError> {
        if self.is_wrapped(spec, columns, false)? { read_back(spec, columns) } else { Ok(None) }
    }
}

impl ProtobufNoSr {
    /// Several columns are always a message with a field for each; a single key column is the message itself.
    fn is_wrapped(&self, spec: &FormatSpec, columns: &[Column], is_key: bool) -> Result<bool, FormatError> {
        let [column] = columns else { return Ok(true) };
        let wrapped = spec.wrap_single && !is_key;
        match &column.ty {
            SqlType::Array(_) | SqlType::Map(..) if !wrapped => {
                let reason = format!("Unsupported root schema of type {}", super::super::base_type(&column.ty));
                Err(schema_error(self.name(), columns, is_key, &reason))
            }
            _ => Ok(wrapped),
        }
    }
}

/// A NULL comes back as its type's default, unless the source tells them apart.
fn read_back(spec: &FormatSpec, columns: &[Column]) -> Result<Option<ReadBack>, FormatError> {
    let used: Vec<usize> = (0..columns.len()).collect();
    let decoder = Box::new(ProtobufDecoder::bare(spec, columns, &used, true)?);
    Ok(Some(ReadBack { encoder: Box::new(ProtobufEncoder::bare(spec, columns, true)), decoder }))
}

fn validate(name: &str, columns: &[Column], is_key: bool) -> Result<(), FormatError> {
    if !columns.iter().all(|column| has_text_keys(&column.ty)) {
        let reason = "PROTOBUF format only supports MAP types with STRING keys. See \
                      https://github.com/confluentinc/ksql/issues/6177.";
        return Err(schema_error(name, columns, is_key, reason));
    }
    match named_schema_text(columns, None, None) {
        Ok(_) => Ok(()),
        Err(error) => Err(schema_error(name, columns, is_key, &error.to_string())),
    }
}

/// The schema of messages with a field for each column.
pub(in crate::formats) fn schema(
    columns: &[Column],
    full_name: Option<&str>,
    nullable: Option<NullableAs>,
) -> Result<Schema, FormatError> {
    Ok(Schema::alone(Language::Protobuf, named_schema_text(columns, full_name, nullable)?))
}

/// The full name a message is given or looked for by. ksqlDB takes no notice of the names that it gives itself.
pub(in crate::formats) fn effective_name(spec: &FormatSpec) -> Option<&str> {
    let name = spec.full_name.as_deref().map(str::trim);
    name.filter(|name| !name.is_empty() && !name.starts_with("ConnectDefault"))
}

/// How NULLs are told in the message that is a column's value, or wraps it.
pub(super) fn bare_nullable(spec: &FormatSpec, columns: &[Column]) -> Option<NullableAs> {
    match columns {
        [column] if is_wrapped_scalar(&column.ty) => Some(NullableAs::Wrapper),
        _ => spec.nullable,
    }
}
