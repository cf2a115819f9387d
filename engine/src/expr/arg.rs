//! Arguments of nodes and functions.

use arrow::array::{Array, ArrayRef, Datum, UInt32Array};
use arrow::compute::take;
use arrow::error::ArrowError;

/// An evaluated argument: a column, or a constant as a column of one row.
#[derive(Debug, Clone)]
pub struct Arg {
    /// Values.
    pub array: ArrayRef,
    /// Whether its one row stands for all.
    pub scalar: bool,
}

impl Arg {
    /// Where the value of `row` stands in [`Arg::array`].
    pub fn index(&self, row: usize) -> usize {
        if self.scalar { 0 } else { row }
    }

    /// Whether it is NULL in that row.
    pub fn is_null(&self, row: usize) -> bool {
        self.array.is_null(self.index(row))
    }

    /// A column of `len` rows.
    ///
    /// # Errors
    /// Repeated, the value takes more than an Arrow column can hold.
    pub fn expand(&self, len: usize) -> Result<ArrayRef, ArrowError> {
        if self.scalar { take(&self.array, &UInt32Array::from_value(0, len), None) } else { Ok(self.array.clone()) }
    }
}

impl Datum for Arg {
    fn get(&self) -> (&dyn Array, bool) {
        (&self.array, self.scalar)
    }
}
