//! Keys as bytes: how stores find rows.

use arrow::array::{Array, ArrayRef, BinaryArray};
use arrow::buffer::BooleanBuffer;

use crate::formats::{Encode, FormatSpec, known_format};
use crate::types::{Changes, Column};

use super::OperatorError;

/// Serialises keys in a format, so that stores are in ksqlDB's order.
pub(crate) struct KeyBytes {
    encode: Box<dyn Encode>,
}

impl KeyBytes {
    /// Keys of these columns.
    pub(crate) fn new(format: &FormatSpec, columns: &[Column]) -> Result<Self, OperatorError> {
        let fatal = |error: crate::formats::FormatError| OperatorError::Fatal(error.to_string());
        let encode = known_format(&format.name).and_then(|f| f.encoder(format, columns, true)).map_err(fatal)?;
        Ok(Self { encode })
    }

    /// One key per row; null where every key column is NULL.
    pub(crate) fn of(&mut self, key: &[ArrayRef], len: usize) -> Result<BinaryArray, OperatorError> {
        let present = BooleanBuffer::from_iter((0..len).map(|row| key.iter().any(|column| column.is_valid(row))));
        self.encode.encode(key, Some(&present)).map_err(|error| OperatorError::Fatal(error.to_string()))
    }

    /// The keys of a batch.
    pub(crate) fn of_rows(&mut self, rows: &Changes) -> Result<BinaryArray, OperatorError> {
        self.of(&rows.key, rows.len())
    }
}
