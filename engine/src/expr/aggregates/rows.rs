//! Arguments that are kept as values, row by row.

use std::cell::RefCell;

use arrow::array::{Array, ArrayRef};

use super::AggregateError;
use super::sum::wrong_argument;
use crate::types::Value;

/// An argument column of any type.
pub(super) struct Rows<'a> {
    column: &'a ArrayRef,
    /// The row looked at last; its room is used again.
    value: RefCell<Value>,
}

impl<'a> Rows<'a> {
    /// The first argument.
    pub(super) fn new(columns: &'a [ArrayRef]) -> Result<Self, AggregateError> {
        Ok(Self { column: columns.first().ok_or_else(wrong_argument)?, value: RefCell::default() })
    }

    /// Whether a row is NULL.
    pub(super) fn is_null(&self, row: usize) -> bool {
        self.column.is_null(row)
    }

    /// The value of a row, to be kept.
    pub(super) fn value(&self, row: usize) -> Value {
        Value::at(self.column, row)
    }

    /// What `look` makes of the value of a row, which is not kept.
    pub(super) fn with<T>(&self, row: usize, look: impl FnOnce(&Value) -> T) -> T {
        let mut value = self.value.borrow_mut();
        value.set(self.column, row);
        look(&value)
    }

    /// Puts the value of a row in the place of another one.
    pub(super) fn replace(&self, row: usize, kept: &mut Value) {
        kept.set(self.column, row);
    }
}
