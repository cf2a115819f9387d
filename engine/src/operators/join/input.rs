//! Inputs of a step, made ready to be walked.

use std::ops::Range;

use arrow::array::{Array, BinaryArray};

use super::{LEFT, RIGHT};
use crate::operators::{EncodeKeys, OperatorError};
use crate::types::Changes;
use crate::types::row::RowEncoder;

/// One input of a step: serialised keys, and encoders of its key and value columns.
pub(super) struct Input<'a> {
    pub(super) rows: &'a Changes,
    keys: BinaryArray,
    key_row: RowEncoder<'a>,
    row: RowEncoder<'a>,
}

impl<'a> Input<'a> {
    pub(super) fn new(rows: &'a Changes, encode: &mut EncodeKeys) -> Result<Self, OperatorError> {
        Ok(Self {
            rows,
            keys: encode(&rows.key, rows.windows.as_ref(), rows.len())?,
            key_row: RowEncoder::new(&rows.key)?,
            row: RowEncoder::new(&rows.new.columns)?,
        })
    }

    /// Serialised key of a row, `None` for a null key.
    #[inline]
    pub(super) fn key(&self, row: usize) -> Option<&[u8]> {
        (!self.keys.is_null(row)).then(|| self.keys.value(row))
    }

    /// Writes the key columns of a row into `bytes`.
    pub(super) fn key_row(&self, row: usize, bytes: &mut Vec<u8>) {
        bytes.clear();
        self.key_row.encode(row, bytes);
    }

    /// Writes the value columns of a row into `bytes`; says whether the row has a value.
    pub(super) fn row(&self, row: usize, bytes: &mut Vec<u8>) -> bool {
        bytes.clear();
        let present = self.rows.new.is_present(row);
        if present {
            self.row.encode(row, bytes);
        }
        present
    }

    /// Window in the key of a row.
    pub(super) fn window(&self, row: usize) -> Option<(i64, i64)> {
        self.rows.windows.as_ref().map(|windows| (windows.start[row], windows.end[row]))
    }
}

/// Left and right input of a step; a join operator has two.
pub(super) fn two(inputs: Vec<Changes>) -> Result<[Changes; 2], OperatorError> {
    let count = inputs.len();
    inputs.try_into().map_err(|_| OperatorError::Fatal(format!("a join was given {count} inputs")))
}

/// Rows that happened one after the other on one port, in the order of (`seq`, port).
pub(super) fn runs<'a>(inputs: &'a [Changes; 2]) -> impl Iterator<Item = (usize, Range<usize>)> + 'a {
    let [left, right] = [&inputs[LEFT].seq, &inputs[RIGHT].seq];
    let (mut l, mut r) = (0, 0);
    std::iter::from_fn(move || match (left.get(l), right.get(r)) {
        (None, None) => None,
        (Some(_), None) => Some((LEFT, std::mem::replace(&mut l, left.len())..left.len())),
        (None, Some(_)) => Some((RIGHT, std::mem::replace(&mut r, right.len())..right.len())),
        (Some(left_seq), Some(right_seq)) if left_seq <= right_seq => {
            let end = l + left[l..].partition_point(|seq| seq <= right_seq);
            Some((LEFT, std::mem::replace(&mut l, end)..end))
        }
        (Some(left_seq), Some(_)) => {
            let end = r + right[r..].partition_point(|seq| seq < left_seq);
            Some((RIGHT, std::mem::replace(&mut r, end)..end))
        }
    })
}
