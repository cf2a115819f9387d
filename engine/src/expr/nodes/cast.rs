//! `CAST` over a column.

use arrow::array::ArrayRef;
use datafusion_common::Result;

use super::super::cast::{cast_column, texts};
use super::{Arg, Frame, Operation};
use crate::types::SqlType;

/// Converts between two SQL types.
#[derive(Debug)]
pub(in super::super) struct Convert {
    pub(in super::super) from: SqlType,
    pub(in super::super) to: SqlType,
    /// NULL becomes the text `null` instead of staying NULL.
    pub(in super::super) null_text: bool,
}

impl Operation for Convert {
    fn run(&self, frame: &Frame<'_>) -> Result<ArrayRef> {
        let Arg { array, scalar } = frame.arg(0)?;
        let array = if self.to == SqlType::String {
            texts(&array, self.null_text.then_some("null"))
        } else {
            cast_column(&array, &self.from, &self.to, &mut |row, message| {
                let rows = if scalar { 0..frame.len() } else { row..row + 1 };
                rows.for_each(|row| frame.fail(row, || message.clone()));
            })?
        };
        Ok(Arg { array, scalar }.expand(frame.len())?)
    }
}
