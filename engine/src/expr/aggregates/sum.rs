//! SUM and SUM_LIST

use std::marker::PhantomData;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, ListArray, PrimitiveArray, PrimitiveBuilder};
use arrow::datatypes::{ArrowNativeType, DataType, Decimal128Type, DecimalType, Float64Type, Int32Type, Int64Type};

use super::{AggregateError, Function, NumberBytes};
use crate::types::Value;
use crate::types::row::BadRow;

/// A number type with Java's addition.
pub(super) trait Summand: ArrowPrimitiveType<Native: NumberBytes> + Send + Sync {
    fn add(a: Self::Native, b: Self::Native) -> Self::Native;
    fn sub(a: Self::Native, b: Self::Native) -> Self::Native;
    fn to_f64(a: Self::Native) -> f64;
    /// Whether a sum fits the type.
    fn fits(_sum: Self::Native, _ty: &DataType) -> bool {
        true
    }
    /// What the processing log says of a sum that does not fit.
    fn overflow(_sum: Self::Native, _ty: &DataType) -> String {
        String::new()
    }
}

macro_rules! summand {
    ($ty:ty, $a:ident, $b:ident, $add:expr, $sub:expr, $double:expr) => {
        impl Summand for $ty {
            fn add($a: Self::Native, $b: Self::Native) -> Self::Native {
                $add
            }
            fn sub($a: Self::Native, $b: Self::Native) -> Self::Native {
                $sub
            }
            fn to_f64($a: Self::Native) -> f64 {
                $double
            }
        }
    };
}

summand!(Int32Type, a, b, a.wrapping_add(b), a.wrapping_sub(b), f64::from(a));
summand!(Int64Type, a, b, a.wrapping_add(b), a.wrapping_sub(b), a as f64);
summand!(Float64Type, a, b, a + b, a - b, a);

/// A sum of decimals that even 128 bits do not hold: nothing brings it back.
const LOST: i128 = i128::MIN;

impl Summand for Decimal128Type {
    fn add(a: i128, b: i128) -> i128 {
        if a == LOST || b == LOST { LOST } else { a.checked_add(b).unwrap_or(LOST) }
    }

    fn sub(a: i128, b: i128) -> i128 {
        if a == LOST { LOST } else { a.checked_sub(b).unwrap_or(LOST) }
    }

    fn to_f64(a: i128) -> f64 {
        a as f64
    }

    fn fits(sum: i128, ty: &DataType) -> bool {
        matches!(ty, DataType::Decimal128(precision, _) if sum.unsigned_abs() < 10_u128.pow((*precision).into()))
    }

    fn overflow(sum: i128, ty: &DataType) -> String {
        let DataType::Decimal128(precision, scale) = *ty else { return String::new() };
        let digits = i32::from(precision) - i32::from(scale);
        let sum = if sum == LOST { "more".to_owned() } else { Decimal128Type::format_decimal(sum, 38, scale) };
        format!(
            "Numeric field overflow: A field with precision {precision} and scale {scale} must round to an absolute \
             value less than 10^{digits}. Got {sum}"
        )
    }
}

/// Adds what is not NULL; the sum of nothing is 0. Integers wrap around; a sum of decimals is NULL while it has more
/// digits than its type.
pub(super) struct Sum<T> {
    ty: DataType,
    number: PhantomData<T>,
}

impl<T> Sum<T> {
    pub(super) fn new(ty: DataType) -> Self {
        Self { ty, number: PhantomData }
    }
}

impl<T: Summand> Function for Sum<T> {
    type State = T::Native;
    type Args<'a> = &'a PrimitiveArray<T>;
    type Out = PrimitiveBuilder<T>;

    fn init(&self) -> T::Native {
        T::Native::default()
    }

    fn args<'a>(&self, columns: &'a [ArrayRef]) -> Result<&'a PrimitiveArray<T>, AggregateError> {
        primitive(columns, 0)
    }

    fn add(&self, state: &mut T::Native, args: &Self::Args<'_>, row: usize) -> Result<(), AggregateError> {
        if args.is_valid(row) {
            *state = T::add(*state, args.value(row));
        }
        Ok(())
    }

    fn undo(&self, state: &mut T::Native, args: &Self::Args<'_>, row: usize) -> Result<(), AggregateError> {
        if args.is_valid(row) {
            *state = T::sub(*state, args.value(row));
        }
        Ok(())
    }

    fn merge(&self, into: &mut T::Native, from: &T::Native) -> Result<(), AggregateError> {
        *into = T::add(*into, *from);
        Ok(())
    }

    fn output(&self) -> PrimitiveBuilder<T> {
        PrimitiveBuilder::new().with_data_type(self.ty.clone())
    }

    fn result(&self, state: &T::Native, out: &mut PrimitiveBuilder<T>) {
        out.append_option(T::fits(*state, &self.ty).then_some(*state));
    }

    fn fits(&self, state: &T::Native) -> bool {
        T::fits(*state, &self.ty)
    }

    fn overflow(&self, state: &T::Native) -> String {
        T::overflow(*state, &self.ty)
    }

    fn encode(&self, state: &T::Native, into: &mut Vec<u8>) {
        state.put(into);
    }

    fn decode(&self, bytes: &mut &[u8]) -> Result<T::Native, BadRow> {
        T::Native::get(bytes)
    }

    fn taken_over(&self, kept: &Value) -> Option<T::Native> {
        if kept.is_null() { Some(self.init()) } else { T::Native::of(kept) }
    }
}

/// Adds the sums of lists.
pub(super) struct SumList<T>(Sum<T>);

impl<T: Summand> SumList<T> {
    pub(super) fn new(item: DataType) -> Self {
        Self(Sum::new(item))
    }

    /// The sum of one list. It is made before it is added, which shows in the last digits of doubles.
    fn sum((lists, values): &(&ListArray, &PrimitiveArray<T>), row: usize) -> T::Native {
        let valid = items(lists, row).filter(|&item| values.is_valid(item));
        valid.fold(T::Native::default(), |sum, item| T::add(sum, values.value(item)))
    }
}

impl<T: Summand> Function for SumList<T> {
    type State = T::Native;
    type Args<'a> = (&'a ListArray, &'a PrimitiveArray<T>);
    type Out = PrimitiveBuilder<T>;

    fn init(&self) -> T::Native {
        self.0.init()
    }

    fn args<'a>(&self, columns: &'a [ArrayRef]) -> Result<Self::Args<'a>, AggregateError> {
        let lists = columns.first().and_then(|column| column.as_list_opt::<i32>()).ok_or_else(wrong_argument)?;
        Ok((lists, lists.values().as_primitive_opt().ok_or_else(wrong_argument)?))
    }

    fn add(&self, state: &mut T::Native, args: &Self::Args<'_>, row: usize) -> Result<(), AggregateError> {
        *state = T::add(*state, Self::sum(args, row));
        Ok(())
    }

    fn undo(&self, state: &mut T::Native, args: &Self::Args<'_>, row: usize) -> Result<(), AggregateError> {
        *state = T::sub(*state, Self::sum(args, row));
        Ok(())
    }

    fn merge(&self, into: &mut T::Native, from: &T::Native) -> Result<(), AggregateError> {
        self.0.merge(into, from)
    }

    fn output(&self) -> PrimitiveBuilder<T> {
        self.0.output()
    }

    fn result(&self, state: &T::Native, out: &mut PrimitiveBuilder<T>) {
        self.0.result(state, out);
    }

    fn encode(&self, state: &T::Native, into: &mut Vec<u8>) {
        self.0.encode(state, into);
    }

    fn decode(&self, bytes: &mut &[u8]) -> Result<T::Native, BadRow> {
        self.0.decode(bytes)
    }

    fn taken_over(&self, kept: &Value) -> Option<T::Native> {
        self.0.taken_over(kept)
    }
}

/// Positions of a list's elements in the column of all elements.
fn items(lists: &ListArray, row: usize) -> std::ops::Range<usize> {
    if lists.is_null(row) {
        return 0..0;
    }
    let offsets = lists.value_offsets();
    offsets[row].as_usize()..offsets[row + 1].as_usize()
}

/// The argument column at that position, as numbers.
pub(super) fn primitive<T: ArrowPrimitiveType>(
    columns: &[ArrayRef],
    at: usize,
) -> Result<&PrimitiveArray<T>, AggregateError> {
    columns.get(at).and_then(|column| column.as_primitive_opt::<T>()).ok_or_else(wrong_argument)
}

/// The planner passed a column of another type than it resolved; a bug.
pub(super) fn wrong_argument() -> AggregateError {
    AggregateError::Value("an aggregate got an argument of another type than it was resolved for".to_owned())
}
