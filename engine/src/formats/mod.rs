//! Bytes of a record's key or value ⟷ Arrow columns. A format never sees a topic; the log never sees a field.
//!
//! ```text
//! RawBatch.values ──Decode──> columns (only the used ones)        columns ──Encode──> BinaryArray
//! ```

pub mod avro;
mod awaited;
mod column;
mod delimited;
mod growth;
mod inferred;
mod json;
pub(crate) mod json_sr;
mod kafka;
mod none;
mod number;
mod payloads;
pub(crate) mod problem;
pub mod protobuf;
mod read_back;
mod registered;
pub mod rest;
pub mod sniff;
mod varint;
pub mod windowed;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray};
use arrow::buffer::BooleanBuffer;
use serde::{Deserialize, Serialize};

pub use self::delimited::parse_delimiter;
pub use self::read_back::ReadBack;
pub use self::registered::{register, to_register};
use crate::schemas::{Language, NoSchemas, Schema, SchemaError, Schemas, split_header};
use crate::types::{Column, SqlType};

/// All formats, by the name in `VALUE_FORMAT='…'`.
static FORMATS: &[&dyn Format] = &[
    &delimited::Delimited,
    &json::Json,
    &kafka::Kafka,
    &none::Nothing,
    &avro::Avro,
    &json_sr::JsonSr,
    &protobuf::Protobuf,
    &protobuf::ProtobufNoSr,
];

/// The format of that name, in any case.
pub fn format(name: &str) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|format| format.name().eq_ignore_ascii_case(name))
}

/// Names of all formats.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    FORMATS.iter().map(|format| format.name())
}

/// [`format()`], or the error to show for a name that is none.
///
/// # Errors
/// [`FormatError::Unsupported`], in ksqlDB's words.
pub fn known_format(name: &str) -> Result<&'static dyn Format, FormatError> {
    format(name).ok_or_else(|| FormatError::Unsupported(format!("Unknown format: {}", name.to_uppercase())))
}

/// A format as a source declares it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormatSpec {
    /// Upper-case name as in `VALUE_FORMAT`.
    pub name: String,
    /// DELIMITED only: the character between fields (`,` when not given).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// Whether a single column stands in an envelope (`{"V": 1}`) or bare (`1`). Ignored with several columns.
    pub wrap_single: bool,
    /// `KEY_SCHEMA_ID`, `VALUE_SCHEMA_ID`: the registered schema that records are read by and written with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_id: Option<i32>,
    /// `KEY_SCHEMA_FULL_NAME`, `VALUE_SCHEMA_FULL_NAME`: the record or message among those of a schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_name: Option<String>,
    /// The registered schema that the columns were taken from when nobody named one: records that lack a field of it are
    /// read with its defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inferred_from: Option<i32>,
    /// PROTOBUF only: how NULL is told from a default value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nullable: Option<NullableAs>,
}

impl FormatSpec {
    /// A format without any of the choices that only some have.
    pub fn plain(name: &str, wrap_single: bool) -> Self {
        Self {
            name: name.to_owned(),
            delimiter: None,
            wrap_single,
            schema_id: None,
            full_name: None,
            inferred_from: None,
            nullable: None,
        }
    }

    /// The schema that the reader of records has in mind, if one is known.
    pub fn reader_schema(&self) -> Option<i32> {
        self.schema_id.or(self.inferred_from)
    }
}

/// `KEY_PROTOBUF_NULLABLE_REPRESENTATION`, `VALUE_PROTOBUF_NULLABLE_REPRESENTATION`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum NullableAs {
    /// `optional` fields.
    Optional,
    /// Messages of `google/protobuf/wrappers.proto`.
    Wrapper,
}

impl NullableAs {
    /// As ksqlDB calls it among the properties of a format.
    pub fn name(self) -> &'static str {
        match self {
            Self::Optional => "optional",
            Self::Wrapper => "wrapper",
        }
    }
}

/// Whose payloads a codec handles: the keys or the values of a topic.
#[derive(Debug, Clone)]
pub struct Half {
    /// The topic.
    pub topic: Arc<str>,
    /// Its keys, or its values.
    pub is_key: bool,
    /// Who keeps the schemas that payloads name.
    pub schemas: Arc<dyn Schemas>,
}

impl Half {
    /// What stands in no topic, and names no schema.
    pub fn bare(is_key: bool) -> Self {
        Self { topic: Arc::from(""), is_key, schemas: Arc::new(NoSchemas) }
    }
}

/// Why a format refuses a schema or a record.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// There is no such format (or it is not built yet).
    #[error("{0}")]
    Unsupported(String),
    /// The schema does not fit the format.
    #[error("{0}")]
    Schema(String),
    /// A value cannot be written in this format.
    #[error("{0}")]
    Encode(String),
    /// A schema cannot be had, or is not taken.
    #[error(transparent)]
    Schemas(#[from] SchemaError),
}

/// What came out of a batch of payloads.
#[derive(Debug)]
pub struct Decoded {
    /// The wanted columns, each as long as the input. Rows with a null payload or a bad payload are all NULL.
    pub columns: Vec<ArrayRef>,
    /// Rows that could not be read (ascending) and why. The caller drops and reports them.
    pub bad: Vec<(usize, String)>,
}

impl Decoded {
    /// Says of bad payloads by which schema they were written, where that is not said.
    fn with_schemas_of(mut self, payloads: &BinaryArray) -> Self {
        for (row, why) in &mut self.bad {
            if let Some((id, _)) = split_header(payloads.value(*row))
                && !why.contains(&format!(" id {id}"))
            {
                why.push_str(&format!(" (schema of id {id})"));
            }
        }
        self
    }
}

/// Payloads to columns.
pub trait Decode: Send {
    /// Gets what [`Decode::decode`] needs for these payloads: schemas they were written with. May wait, for a bounded
    /// time; what a registry answers that it does not know is a bad record, not an error of this. Returns how many of them,
    /// from the first on, can be decoded now: the others are asked about when these are done.
    ///
    /// # Errors
    /// A registry that must be asked for the first of them does not answer.
    fn prepare(&mut self, payloads: &BinaryArray) -> Result<usize, SchemaError> {
        Ok(payloads.len())
    }

    /// Decodes a batch; never fails as a whole.
    fn decode(&mut self, payloads: &BinaryArray) -> Decoded;
}

/// Columns to payloads.
pub trait Encode: Send {
    /// One payload per row; rows not `present` become null payloads. Without columns, the number of rows is that of
    /// `present`.
    ///
    /// # Errors
    /// [`FormatError::Encode`]: a value is none that the format can write; nothing is written of the batch.
    fn encode(&mut self, columns: &[ArrayRef], present: Option<&BooleanBuffer>) -> Result<BinaryArray, FormatError>;
}

/// A format: features for the planner, codecs for the dataflow.
pub trait Format: Sync {
    /// As written in `VALUE_FORMAT='…'`.
    fn name(&self) -> &'static str;
    /// What it can do; the planner asks.
    fn features(&self) -> Features;
    /// Whether it can hold these columns as a key (`is_key`) or a value; the error text is ksqlDB's.
    ///
    /// # Errors
    /// [`FormatError::Schema`]: what it cannot hold, and why.
    fn validate(&self, columns: &[Column], is_key: bool) -> Result<(), FormatError>;
    /// A decoder of the payload of `columns` that produces the columns at positions `used`, in that order.
    ///
    /// # Errors
    /// [`FormatError::Schema`], as [`Format::validate`]; [`FormatError::Schemas`].
    fn decoder(
        &self,
        spec: &FormatSpec,
        columns: &[Column],
        used: &[usize],
        half: &Half,
    ) -> Result<Box<dyn Decode>, FormatError>;
    /// An encoder for all `columns`. It registers the schema of what it writes, where the format has one.
    ///
    /// # Errors
    /// [`FormatError::Schema`], as [`Format::validate`]; [`FormatError::Schemas`].
    fn encoder(&self, spec: &FormatSpec, columns: &[Column], half: &Half) -> Result<Box<dyn Encode>, FormatError>;

    /// The language its schemas are written in; `None`: it has none.
    fn language(&self) -> Option<Language> {
        None
    }

    /// The columns that a registered schema of its language declares, by the rules of `inferred::columns`. Whether the
    /// whole is one bare column is what `spec.wrap_single` says; which of several records is meant, `spec.full_name`.
    ///
    /// # Errors
    /// [`FormatError::Schema`]: the schema is broken, or has no columns that ksqlDB can hold; the text names the field.
    fn columns(&self, _schema: &Schema, _spec: &FormatSpec, _is_key: bool) -> Result<Vec<Column>, FormatError> {
        Err(FormatError::Unsupported(format!("The format {} has no schemas.", self.name())))
    }

    /// The schema generated for records of these columns, which [`register`] registers; `None` if the format has none.
    /// What it refers to is registered here, under names of its own.
    ///
    /// # Errors
    /// [`FormatError::Schema`], as [`Format::validate`]; [`FormatError::Schemas`].
    fn schema(&self, _columns: &[Column], _spec: &FormatSpec, _half: &Half) -> Result<Option<Schema>, FormatError> {
        Ok(None)
    }

    /// What becomes of values that are written and read; `None`: they stay what they are. A registered schema may have
    /// defaults for what is NULL, and fewer digits.
    ///
    /// # Errors
    /// [`FormatError::Schema`], as [`Format::validate`]; [`FormatError::Schemas`].
    fn read_back(&self, spec: &FormatSpec, columns: &[Column], half: &Half) -> Result<Option<ReadBack>, FormatError> {
        if spec.schema_id.is_none() {
            return Ok(None);
        }
        ReadBack::by_codecs(self, spec, columns, half).map(Some)
    }

    /// The full names of the records that a schema declares and a topic could hold, its main one first.
    ///
    /// # Errors
    /// [`FormatError::Schema`]: the schema is broken.
    fn full_names(&self, _schema: &Schema) -> Result<Vec<String>, FormatError> {
        Ok(Vec::new())
    }
}

/// What the planner may ask of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Features {
    /// May be a key format / a value format.
    pub key: bool,
    /// May be a value format.
    pub value: bool,
    /// More than one column.
    pub multiple_columns: bool,
    /// `WRAP_SINGLE_VALUE=true` is possible.
    pub wrap_singles: bool,
    /// `WRAP_SINGLE_VALUE=false` is possible.
    pub unwrap_singles: bool,
    /// Columns may come from a schema registry.
    pub schema_inference: bool,
    /// Has a delimiter.
    pub delimiter: bool,
    /// Payloads are read, and may be bad, also where no columns are declared.
    pub checks_without_columns: bool,
}

impl Features {
    /// Of formats whose values have names and stand in each other.
    const NESTED: Self = Self {
        key: true,
        value: true,
        multiple_columns: true,
        wrap_singles: true,
        unwrap_singles: true,
        schema_inference: false,
        delimiter: false,
        checks_without_columns: true,
    };
}

/// Whether a record is an object of columns: several always are, a single key column never is.
fn is_wrapped(spec: &FormatSpec, columns: &[Column], is_key: bool) -> bool {
    columns.len() != 1 || (spec.wrap_single && !is_key)
}

/// Whether keys of MAPs are STRINGs, however deep.
fn has_text_keys(ty: &SqlType) -> bool {
    match ty {
        SqlType::Array(item) => has_text_keys(item),
        SqlType::Map(key, value) => **key == SqlType::String && has_text_keys(value),
        SqlType::Struct(fields) => fields.iter().all(|(_, ty)| has_text_keys(ty)),
        _ => true,
    }
}

/// Number of rows of a batch to encode.
fn row_count(columns: &[ArrayRef], present: Option<&BooleanBuffer>) -> usize {
    columns.first().map(Array::len).or(present.map(BooleanBuffer::len)).unwrap_or(0)
}

/// "… format does not support schema": what ksqlDB says when a format cannot hold the columns.
fn schema_error(format: &str, columns: &[Column], is_key: bool, reason: &str) -> FormatError {
    let side = if is_key { "Key" } else { "Value" };
    FormatError::Schema(format!(
        "{side} format does not support schema.\nformat: {format}\nschema: Persistence{{columns={}, features=[]}}\n\
         reason: {reason}",
        column_list(columns, is_key)
    ))
}

/// ``[`A` INTEGER KEY, `B` STRING KEY]``.
fn column_list(columns: &[Column], is_key: bool) -> String {
    let suffix = if is_key { " KEY" } else { "" };
    let columns: Vec<String> =
        columns.iter().map(|column| format!("`{}` {}{suffix}", column.name, column.ty)).collect();
    format!("[{}]", columns.join(", "))
}

/// The name of a type without its parameters.
fn base_type(ty: &SqlType) -> &'static str {
    match ty {
        SqlType::Boolean => "BOOLEAN",
        SqlType::Integer => "INTEGER",
        SqlType::Bigint => "BIGINT",
        SqlType::Double => "DOUBLE",
        SqlType::Decimal { .. } => "DECIMAL",
        SqlType::String => "STRING",
        SqlType::Bytes => "BYTES",
        SqlType::Time => "TIME",
        SqlType::Date => "DATE",
        SqlType::Timestamp => "TIMESTAMP",
        SqlType::Array(_) => "ARRAY",
        SqlType::Map(..) => "MAP",
        SqlType::Struct(_) => "STRUCT",
    }
}

#[cfg(test)]
mod tests;
