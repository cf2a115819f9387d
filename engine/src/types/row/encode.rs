//! Arrow columns → bytes.

use std::ops::Range;

use arrow::array::ArrayRef;
use arrow::error::ArrowError;

use super::VERSION;
use super::varint::{put_i64, put_i128, put_u64};
use crate::types::View;
use crate::types::view::{Values, range};

/// Encodes rows of a batch; columns are downcast once.
pub(crate) struct RowEncoder<'a> {
    columns: Vec<View<'a>>,
}

impl<'a> RowEncoder<'a> {
    /// For the columns of one batch; fails on an Arrow type that no SQL type maps to.
    pub(crate) fn new(columns: impl IntoIterator<Item = &'a ArrayRef>) -> Result<Self, ArrowError> {
        let view = |column: &'a ArrayRef| match View::new(column) {
            View { values: Values::Nothing, .. } => {
                Err(ArrowError::NotYetImplemented(format!("stored column of type {}", column.data_type())))
            }
            view => Ok(view),
        };
        Ok(Self { columns: columns.into_iter().map(view).collect::<Result<_, _>>()? })
    }

    /// Appends one row.
    pub(crate) fn encode(&self, row: usize, into: &mut Vec<u8>) {
        into.push(VERSION);
        put_present(&self.columns, row, into);
    }
}

/// Appends a value that is not NULL.
fn put(column: &View<'_>, row: usize, into: &mut Vec<u8>) {
    match &column.values {
        Values::Boolean(a) => into.push(u8::from(a.value(row))),
        Values::Integer(a) | Values::Time(a) | Values::Date(a) => put_i64(a[row].into(), into),
        Values::Bigint(a) | Values::Timestamp(a) => put_i64(a[row], into),
        Values::Double(a) => into.extend_from_slice(&a[row].to_bits().to_le_bytes()),
        Values::Decimal(a, _) => put_i128(a[row], into),
        Values::String(a) => put_bytes(a.value(row).as_bytes(), into),
        Values::Bytes(a) => put_bytes(a.value(row), into),
        Values::Array(offsets, items) => {
            let range = range(offsets, row);
            put_u64(range.len() as u64, into);
            put_many(items, range, into);
        }
        Values::Map(offsets, keys, values) => {
            let range = range(offsets, row);
            put_u64(range.len() as u64, into);
            range.clone().for_each(|entry| put(keys, entry, into));
            put_many(values, range, into);
        }
        Values::Struct(_, fields) => put_present(fields, row, into),
        Values::Nothing => {}
    }
}

/// Appends null bits and values of consecutive rows.
fn put_many(column: &View<'_>, rows: Range<usize>, into: &mut Vec<u8>) {
    put_nulls(rows.len(), |i| column.is_null(rows.start + i), into);
    for row in rows {
        if !column.is_null(row) {
            put(column, row, into);
        }
    }
}

/// Appends null bits of several columns and the values of one row.
fn put_present(columns: &[View<'_>], row: usize, into: &mut Vec<u8>) {
    put_nulls(columns.len(), |i| columns[i].is_null(row), into);
    for column in columns {
        if !column.is_null(row) {
            put(column, row, into);
        }
    }
}

fn put_bytes(bytes: &[u8], into: &mut Vec<u8>) {
    put_u64(bytes.len() as u64, into);
    into.extend_from_slice(bytes);
}

fn put_nulls(n: usize, is_null: impl Fn(usize) -> bool, into: &mut Vec<u8>) {
    for first in (0..n).step_by(8) {
        let bits = (first..n.min(first + 8)).fold(0, |bits, i| bits | u8::from(is_null(i)) << (i - first));
        into.push(bits);
    }
}
