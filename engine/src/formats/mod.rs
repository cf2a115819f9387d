//! Bytes of a record's key or value ⟷ Arrow columns. A format never sees a topic; the log never sees a field.
//!
//! ```text
//! RawBatch.values ──Decode──> columns (only the used ones)        columns ──Encode──> BinaryArray
//! ```

use arrow::array::{ArrayRef, BinaryArray};
use arrow::buffer::BooleanBuffer;
use serde::{Deserialize, Serialize};

use crate::types::Column;

/// A format as a source declares it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FormatSpec {
    /// Upper-case name as in `VALUE_FORMAT`.
    pub name: String,
    /// DELIMITED only: the character between fields (`,` when not given).
    pub delimiter: Option<char>,
    /// Whether a single column stands in an envelope (`{"V": 1}`) or bare (`1`). Ignored with several columns.
    pub wrap_single: bool,
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
}

/// What came out of a batch of payloads.
#[derive(Debug)]
pub struct Decoded {
    /// The wanted columns, each as long as the input. Rows with a null payload or a bad payload are all NULL.
    pub columns: Vec<ArrayRef>,
    /// Rows that could not be read (ascending) and why. The caller drops and reports them.
    pub bad: Vec<(usize, String)>,
}

/// Payloads to columns.
pub trait Decode: Send {
    /// Decodes a batch; never fails as a whole.
    fn decode(&mut self, payloads: &BinaryArray) -> Decoded;
}

/// Columns to payloads.
pub trait Encode: Send {
    /// One payload per row; rows not `present` become null payloads.
    fn encode(&mut self, columns: &[ArrayRef], present: Option<&BooleanBuffer>) -> Result<BinaryArray, FormatError>;
}

/// A format: features for the planner, codecs for the dataflow.
pub trait Format: Sync {
    /// As written in `VALUE_FORMAT='…'`.
    fn name(&self) -> &'static str;
    /// What it can do; the planner asks.
    fn features(&self) -> Features;
    /// Whether it can hold these columns as a key (`is_key`) or a value; the error text is ksqlDB's.
    fn validate(&self, columns: &[Column], is_key: bool) -> Result<(), FormatError>;
    /// A decoder of the payload of `columns` that produces the columns at positions `used`, in that order.
    fn decoder(
        &self,
        spec: &FormatSpec,
        columns: &[Column],
        used: &[usize],
        is_key: bool,
    ) -> Result<Box<dyn Decode>, FormatError>;
    /// An encoder for all `columns`.
    fn encoder(&self, spec: &FormatSpec, columns: &[Column], is_key: bool) -> Result<Box<dyn Encode>, FormatError>;
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
}
