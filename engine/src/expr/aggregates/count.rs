//! COUNT

use arrow::array::{Array, ArrayRef, Int64Builder};

use super::{AggregateError, Function, NumberBytes};
use crate::types::Value;
use crate::types::row::{BadRow, get_i64, put_i64};

/// Rows, or rows in which the argument is not NULL.
pub(super) struct Count;

impl Function for Count {
    type State = i64;
    type Args<'a> = Option<&'a dyn Array>;
    type Out = Int64Builder;

    fn init(&self) -> i64 {
        0
    }

    fn args<'a>(&self, columns: &'a [ArrayRef]) -> Result<Option<&'a dyn Array>, AggregateError> {
        Ok(columns.first().map(AsRef::as_ref))
    }

    fn add(&self, state: &mut i64, args: &Option<&dyn Array>, row: usize) -> Result<(), AggregateError> {
        *state += i64::from(args.is_none_or(|column| column.is_valid(row)));
        Ok(())
    }

    fn undo(&self, state: &mut i64, args: &Option<&dyn Array>, row: usize) -> Result<(), AggregateError> {
        *state -= i64::from(args.is_none_or(|column| column.is_valid(row)));
        Ok(())
    }

    fn merge(&self, into: &mut i64, from: &i64) -> Result<(), AggregateError> {
        *into += from;
        Ok(())
    }

    fn output(&self) -> Int64Builder {
        Int64Builder::new()
    }

    fn result(&self, state: &i64, out: &mut Int64Builder) {
        out.append_value(*state);
    }

    fn encode(&self, state: &i64, into: &mut Vec<u8>) {
        put_i64(*state, into);
    }

    fn decode(&self, bytes: &mut &[u8]) -> Result<i64, BadRow> {
        get_i64(bytes)
    }

    fn taken_over(&self, kept: &Value) -> Option<i64> {
        if kept.is_null() { Some(0) } else { i64::of(kept) }
    }
}
