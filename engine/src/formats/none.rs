//! NONE: no columns, always a null payload.

use arrow::array::{ArrayRef, BinaryArray};
use arrow::buffer::BooleanBuffer;

use super::{
    Decode, Decoded, Encode, Features, Format, FormatError, FormatSpec, Half, column_list, row_count, schema_error,
};
use crate::types::Column;

/// The format `NONE`.
pub(super) struct Nothing;

impl Format for Nothing {
    fn name(&self) -> &'static str {
        "NONE"
    }

    fn features(&self) -> Features {
        Features { key: true, ..Features::default() }
    }

    fn validate(&self, columns: &[Column], is_key: bool) -> Result<(), FormatError> {
        if columns.is_empty() {
            return Ok(());
        }
        let got = column_list(columns, is_key);
        let reason = format!("The 'NONE' format can only be used when no columns are defined. Got: {got}");
        Err(schema_error("NONE", columns, is_key, &reason))
    }

    fn decoder(
        &self,
        _: &FormatSpec,
        columns: &[Column],
        _: &[usize],
        half: &Half,
    ) -> Result<Box<dyn Decode>, FormatError> {
        self.validate(columns, half.is_key)?;
        Ok(Box::new(NoColumns))
    }

    fn encoder(&self, _: &FormatSpec, columns: &[Column], half: &Half) -> Result<Box<dyn Encode>, FormatError> {
        self.validate(columns, half.is_key)?;
        Ok(Box::new(NoColumns))
    }
}

struct NoColumns;

impl Decode for NoColumns {
    fn decode(&mut self, _: &BinaryArray) -> Decoded {
        Decoded { columns: Vec::new(), bad: Vec::new() }
    }
}

impl Encode for NoColumns {
    fn encode(&mut self, columns: &[ArrayRef], present: Option<&BooleanBuffer>) -> Result<BinaryArray, FormatError> {
        Ok(BinaryArray::new_null(row_count(columns, present)))
    }
}
