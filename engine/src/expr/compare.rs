//! How two columns compare, row by row.

use std::cmp::Ordering;

use arrow::array::{Array, AsArray, BooleanArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, Time32MillisecondType,
    TimeUnit, TimestampMillisecondType,
};

use super::arg::Arg;
use super::typed::Comparison;
use crate::types::{View, text};

/// Compares two arguments of one type; the result has no NULL.
pub(super) fn compare(op: Comparison, left: &Arg, right: &Arg, len: usize) -> BooleanArray {
    let values = match (left.array.data_type(), right.array.data_type()) {
        (DataType::Int32, DataType::Int32) => primitive::<Int32Type>(op, left, right, len),
        (DataType::Int64, DataType::Int64) => primitive::<Int64Type>(op, left, right, len),
        (DataType::Float64, DataType::Float64) => primitive::<Float64Type>(op, left, right, len),
        (DataType::Date32, DataType::Date32) => primitive::<Date32Type>(op, left, right, len),
        (DataType::Time32(_), DataType::Time32(_)) => primitive::<Time32MillisecondType>(op, left, right, len),
        (DataType::Timestamp(TimeUnit::Millisecond, _), DataType::Timestamp(TimeUnit::Millisecond, _)) => {
            primitive::<TimestampMillisecondType>(op, left, right, len)
        }
        (DataType::Decimal128(_, a), DataType::Decimal128(_, b)) if a == b => {
            primitive::<Decimal128Type>(op, left, right, len)
        }
        (DataType::Utf8, DataType::Utf8) => strings(op, left, right, len),
        _ => nested(op, left, right, len),
    };
    settle_nulls(op, values, left, right, len)
}

/// Overwrites what was computed for rows with a NULL.
fn settle_nulls(op: Comparison, values: BooleanBuffer, left: &Arg, right: &Arg, len: usize) -> BooleanArray {
    let nulls = |arg: &Arg| {
        if arg.array.null_count() == 0 {
            None
        } else if arg.scalar {
            Some(NullBuffer::new_null(len))
        } else {
            arg.array.nulls().cloned()
        }
    };
    let (left, right) = (nulls(left), nulls(right));
    let Some(valid) = NullBuffer::union(left.as_ref(), right.as_ref()) else {
        return BooleanArray::new(values, None);
    };
    let values = match op {
        Comparison::Distinct | Comparison::NotDistinct => {
            let unset = BooleanBuffer::new_set(len);
            let a = left.as_ref().map_or(&unset, NullBuffer::inner);
            let b = right.as_ref().map_or(&unset, NullBuffer::inner);
            let differ = a ^ b;
            let settled = if op == Comparison::Distinct { differ } else { &!&differ & &!valid.inner() };
            &(&values & valid.inner()) | &(&settled & &!valid.inner())
        }
        _ => &values & valid.inner(),
    };
    BooleanArray::new(values, None)
}

fn primitive<T: ArrowPrimitiveType>(op: Comparison, left: &Arg, right: &Arg, len: usize) -> BooleanBuffer
where
    T::Native: PartialOrd,
{
    let a = left.array.as_primitive::<T>().values();
    let b = right.array.as_primitive::<T>().values();
    let sides = Sides { a, b, scalars: (left.scalar, right.scalar), len };
    match op {
        Comparison::Equal | Comparison::NotDistinct => sides.each(|a, b| a == b),
        Comparison::NotEqual | Comparison::Distinct => sides.each(|a, b| a != b),
        Comparison::Less => sides.each(|a, b| a < b),
        Comparison::LessEqual => sides.each(|a, b| a <= b),
        Comparison::Greater => sides.each(|a, b| a > b),
        Comparison::GreaterEqual => sides.each(|a, b| a >= b),
    }
}

struct Sides<'a, T> {
    a: &'a [T],
    b: &'a [T],
    scalars: (bool, bool),
    len: usize,
}

impl<T: Copy> Sides<'_, T> {
    fn each(&self, test: impl Fn(T, T) -> bool) -> BooleanBuffer {
        match (self.scalars, self.a.first(), self.b.first()) {
            ((false, true), _, Some(b)) => BooleanBuffer::collect_bool(self.len, |i| test(self.a[i], *b)),
            ((true, false), Some(a), _) => BooleanBuffer::collect_bool(self.len, |i| test(*a, self.b[i])),
            ((true, true), Some(a), Some(b)) => {
                let result = test(*a, *b);
                if result { BooleanBuffer::new_set(self.len) } else { BooleanBuffer::new_unset(self.len) }
            }
            _ => BooleanBuffer::collect_bool(self.len, |i| test(self.a[i], self.b[i])),
        }
    }
}

fn strings(op: Comparison, left: &Arg, right: &Arg, len: usize) -> BooleanBuffer {
    let (a, b) = (left.array.as_string::<i32>(), right.array.as_string::<i32>());
    let get = |i: usize| (a.value(left.index(i)), b.value(right.index(i)));
    match op {
        Comparison::Equal | Comparison::NotDistinct => BooleanBuffer::collect_bool(len, |i| {
            let (a, b) = get(i);
            a == b
        }),
        Comparison::NotEqual | Comparison::Distinct => BooleanBuffer::collect_bool(len, |i| {
            let (a, b) = get(i);
            a != b
        }),
        _ => BooleanBuffer::collect_bool(len, |i| {
            let (a, b) = get(i);
            op.holds(Some(text::java_compare(a, b)))
        }),
    }
}

fn nested(op: Comparison, left: &Arg, right: &Arg, len: usize) -> BooleanBuffer {
    let (a, b) = (View::new(&left.array), View::new(&right.array));
    BooleanBuffer::collect_bool(len, |row| {
        let (i, j) = (left.index(row), right.index(row));
        op.holds(a.compare(i, &b, j).or_else(|| a.equals(i, &b, j).then_some(Ordering::Equal)))
    })
}
