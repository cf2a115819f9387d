//! Rows that are not there.

use arrow::array::{Array, ArrayRef, BooleanArray, new_null_array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::nullif;
use arrow::error::ArrowError;

use super::Side;

impl Side {
    /// A side of the same columns without any row present.
    pub fn absent(columns: &[ArrayRef], len: usize) -> Side {
        Side {
            columns: columns.iter().map(|column| new_null_array(column.data_type(), len)).collect(),
            present: Some(BooleanBuffer::new_unset(len)),
        }
    }

    /// Makes every column NULL where the row is not present.
    ///
    /// # Errors
    /// Never for columns as long as the side.
    pub fn mask_absent(&mut self) -> Result<(), ArrowError> {
        let Some(present) = &self.present else { return Ok(()) };
        let absent = BooleanArray::new(!present, None);
        for column in &mut self.columns {
            if column.null_count() < column.len() {
                *column = nullif(column, &absent)?;
            }
        }
        Ok(())
    }
}
