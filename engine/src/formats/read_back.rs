//! What values are after they were written and read again, in formats that do not tell all of them apart.

use arrow::array::{Array, ArrayRef};
use arrow::buffer::BooleanBuffer;

use super::{Decode, Encode, Format, FormatError, FormatSpec, Half, known_format};
use crate::types::Column;

/// Writes columns and reads them again.
pub struct ReadBack {
    pub(super) encoder: Box<dyn Encode>,
    pub(super) decoder: Box<dyn Decode>,
}

impl ReadBack {
    /// For columns that a topic holds in that format; `None` if they come back as they are.
    ///
    /// # Errors
    /// The format cannot hold the columns, or a schema cannot be had.
    pub fn of(spec: &FormatSpec, columns: &[Column], half: &Half) -> Result<Option<Self>, FormatError> {
        known_format(&spec.name)?.read_back(spec, columns, half)
    }

    /// By the codecs that write and read the topic.
    pub(super) fn by_codecs(
        format: &(impl Format + ?Sized),
        spec: &FormatSpec,
        columns: &[Column],
        half: &Half,
    ) -> Result<Self, FormatError> {
        let used: Vec<usize> = (0..columns.len()).collect();
        let encoder = format.encoder(spec, columns, half)?;
        Ok(Self { encoder, decoder: format.decoder(spec, columns, &used, half)? })
    }

    /// The columns as they come back; rows not `present` are NULL.
    ///
    /// # Errors
    /// A value cannot be written, or the schema it is written by cannot be had.
    pub fn columns(
        &mut self,
        columns: &[ArrayRef],
        present: Option<&BooleanBuffer>,
    ) -> Result<Vec<ArrayRef>, FormatError> {
        let payloads = self.encoder.encode(columns, present)?;
        self.decoder.prepare(&payloads)?;
        let decoded = self.decoder.decode(&payloads);
        match decoded.bad.first() {
            Some((row, why)) => {
                Err(FormatError::Encode(format!("row {row} of {} cannot be read: {why}", payloads.len())))
            }
            None => Ok(decoded.columns),
        }
    }
}
