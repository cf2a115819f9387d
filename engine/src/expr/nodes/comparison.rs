//! Comparisons in two values: with a NULL they are FALSE, except the null-safe ones.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, BooleanBufferBuilder, UInt32Array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{take, take_record_batch};
use datafusion_common::Result;

use super::super::compare::compare;
use super::super::typed::Comparison;
use super::{Arg, Frame, Operation};

/// `left op right`
#[derive(Debug)]
pub(in super::super) struct Compare {
    pub(in super::super) op: Comparison,
    /// The right side may fail, which does not count where the left side is NULL: it is not evaluated there.
    pub(in super::super) lazy: bool,
}

impl Operation for Compare {
    fn run(&self, frame: &Frame<'_>) -> Result<ArrayRef> {
        let left = frame.arg(0)?;
        if self.lazy && left.array.null_count() > 0 {
            return self.where_present(frame, &left);
        }
        Ok(Arc::new(compare(self.op, &left, &frame.arg(1)?, frame.len())))
    }
}

impl Compare {
    fn where_present(&self, frame: &Frame<'_>, left: &Arg) -> Result<ArrayRef> {
        let left = left.expand(frame.len())?;
        let rows: UInt32Array = (0..frame.len()).filter(|row| left.is_valid(*row)).map(|row| row as u32).collect();
        let mut result = BooleanBufferBuilder::new(frame.len());
        result.append_n(frame.len(), false);
        if !rows.is_empty() {
            let right = frame.arg_over(1, &take_record_batch(frame.batch, &rows)?)?;
            let left = Arg { array: take(&left, &rows, None)?, scalar: false };
            let truths = compare(self.op, &left, &right, rows.len());
            rows.values().iter().enumerate().for_each(|(i, row)| result.set_bit(*row as usize, truths.value(i)));
        }
        Ok(Arc::new(BooleanArray::new(result.finish(), None)))
    }
}

/// `expr BETWEEN low AND high`
#[derive(Debug)]
pub(in super::super) struct Between;

impl Operation for Between {
    fn run(&self, frame: &Frame<'_>) -> Result<ArrayRef> {
        let value = frame.arg(0)?;
        let low = compare(Comparison::GreaterEqual, &value, &frame.arg(1)?, frame.len());
        let high = compare(Comparison::LessEqual, &value, &frame.arg(2)?, frame.len());
        Ok(Arc::new(BooleanArray::new(low.values() & high.values(), None)))
    }
}

/// `expr IN (…)`: FALSE for NULL, NULLs in the list never match.
#[derive(Debug)]
pub(in super::super) struct In;

impl Operation for In {
    fn run(&self, frame: &Frame<'_>) -> Result<ArrayRef> {
        let value = frame.arg(0)?;
        let mut found = BooleanBuffer::new_unset(frame.len());
        for i in 1..frame.arg_count() {
            let equal = compare(Comparison::Equal, &value, &frame.arg(i)?, frame.len());
            found = &found | equal.values();
        }
        Ok(Arc::new(BooleanArray::new(found, None)))
    }
}

/// `expr IS NULL`
#[derive(Debug)]
pub(in super::super) struct IsNull;

impl Operation for IsNull {
    fn run(&self, frame: &Frame<'_>) -> Result<ArrayRef> {
        let array = frame.arg(0)?.expand(frame.len())?;
        let values =
            array.logical_nulls().map_or_else(|| BooleanBuffer::new_unset(frame.len()), |nulls| !nulls.inner());
        Ok(Arc::new(BooleanArray::new(values, None)))
    }
}
