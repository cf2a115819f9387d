//! What values are after they were written and read again, in formats that do not tell all of them apart.

use arrow::array::{Array, ArrayRef};
use arrow::buffer::BooleanBuffer;

use super::{Decode, Encode, Format, FormatError, FormatSpec, Half, known_format, row_count};
use crate::schemas::SchemaError;
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

    /// The columns as they come back, and which rows do, where not all can be written; the others, and those not `present`,
    /// are NULL.
    ///
    /// # Errors
    /// All rows together cannot be written, or the schema they are written by cannot be had.
    pub fn columns(
        &mut self,
        columns: &[ArrayRef],
        present: Option<&BooleanBuffer>,
    ) -> Result<(Vec<ArrayRef>, Option<BooleanBuffer>), FormatError> {
        match self.once(columns, present) {
            Err(FormatError::Encode(_)) => {}
            other => return Ok((other?, None)),
        }
        let mut failed = None;
        let comes_back = |row: usize| {
            let one: Vec<ArrayRef> = columns.iter().map(|column| column.slice(row, 1)).collect();
            let present = present.map(|present| present.slice(row, 1));
            match self.once(&one, present.as_ref()) {
                Err(FormatError::Encode(_)) => false,
                Err(other) => {
                    failed = Some(other);
                    false
                }
                Ok(_) => true,
            }
        };
        let good = BooleanBuffer::collect_bool(row_count(columns, present), comes_back);
        if let Some(failed) = failed {
            return Err(failed);
        }
        let both = present.map_or_else(|| good.clone(), |present| present & &good);
        Ok((self.once(columns, Some(&both))?, Some(good)))
    }

    fn once(&mut self, columns: &[ArrayRef], present: Option<&BooleanBuffer>) -> Result<Vec<ArrayRef>, FormatError> {
        let payloads = self.encoder.encode(columns, present)?;
        if self.decoder.prepare(&payloads)? < payloads.len() {
            let why = "it does not know yet what was just registered".to_owned();
            return Err(SchemaError::Unavailable(why).into());
        }
        let decoded = self.decoder.decode(&payloads);
        match decoded.bad.first() {
            Some((row, why)) => {
                Err(FormatError::Encode(format!("row {row} of {} cannot be read: {why}", payloads.len())))
            }
            None => Ok(decoded.columns),
        }
    }
}
