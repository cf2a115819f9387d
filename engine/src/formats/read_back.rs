//! What values are after they were written and read again, in formats that do not tell all of them apart.

use arrow::array::{Array, ArrayRef};
use arrow::buffer::BooleanBuffer;

use super::{Decode, Encode, FormatError, FormatSpec, known_format};
use crate::types::Column;

/// Writes columns and reads them again.
pub struct ReadBack {
    pub(super) encoder: Box<dyn Encode>,
    pub(super) decoder: Box<dyn Decode>,
}

impl ReadBack {
    /// For columns of values that a topic holds in that format; `None` if they come back as they are.
    ///
    /// # Errors
    /// The format cannot hold the columns.
    pub fn of(spec: &FormatSpec, columns: &[Column]) -> Result<Option<Self>, FormatError> {
        known_format(&spec.name)?.read_back(spec, columns)
    }

    /// The columns as they come back; rows not `present` are NULL.
    ///
    /// # Errors
    /// A value cannot be written.
    pub fn columns(
        &mut self,
        columns: &[ArrayRef],
        present: Option<&BooleanBuffer>,
    ) -> Result<Vec<ArrayRef>, FormatError> {
        let payloads = self.encoder.encode(columns, present)?;
        let decoded = self.decoder.decode(&payloads);
        match decoded.bad.first() {
            Some((row, why)) => {
                Err(FormatError::Encode(format!("row {row} of {} cannot be read: {why}", payloads.len())))
            }
            None => Ok(decoded.columns),
        }
    }
}
