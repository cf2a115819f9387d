//! SUM and SUM_LIST

use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, ListArray, PrimitiveArray, PrimitiveBuilder};
use arrow::datatypes::{ArrowNativeType, DataType, Decimal128Type, Float64Type, Int32Type, Int64Type};

use super::{AggregateError, Function, NumberBytes};
use crate::types::row::BadRow;

/// A number type with Java's addition.
pub(super) trait Summand: ArrowPrimitiveType<Native: NumberBytes> + Send + Sync {
    fn add(a: Self::Native, b: Self::Native) -> Self::Native;
    fn sub(a: Self::Native, b: Self::Native) -> Self::Native;
    fn to_f64(a: Self::Native) -> f64;
    /// Whether a sum still fits the type.
    fn fits(_sum: Self::Native, _ty: &DataType) -> bool {
        true
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

impl Summand for Decimal128Type {
    fn add(a: i128, b: i128) -> i128 {
        a.wrapping_add(b)
    }

    fn sub(a: i128, b: i128) -> i128 {
        a.wrapping_sub(b)
    }

    fn to_f64(a: i128) -> f64 {
        a as f64
    }

    fn fits(sum: i128, ty: &DataType) -> bool {
        // Two decimals of 38 digits do not overflow 128 bits, so the sum may be looked at afterwards.
        matches!(ty, DataType::Decimal128(precision, _) if sum.unsigned_abs() < 10_u128.pow((*precision).into()))
    }
}

/// Adds what is not NULL; the sum of nothing is 0. Integers wrap around.
pub(super) struct Sum<T> {
    ty: DataType,
    number: PhantomData<T>,
}

impl<T> Sum<T> {
    pub(super) fn new(ty: DataType) -> Self {
        Self { ty, number: PhantomData }
    }
}

impl<T: Summand> Sum<T> {
    fn checked(&self, sum: T::Native) -> Result<T::Native, AggregateError> {
        if T::fits(sum, &self.ty) {
            return Ok(sum);
        }
        let DataType::Decimal128(precision, scale) = self.ty else {
            return Err(AggregateError::Value("Numeric field overflow".to_owned()));
        };
        let digits = i32::from(precision) - i32::from(scale);
        let shown = PrimitiveArray::<T>::from_value(sum, 1).with_data_type(DataType::Decimal128(38, scale));
        let shown = arrow::util::display::array_value_to_string(&(Arc::new(shown) as ArrayRef), 0)?;
        Err(AggregateError::Value(format!(
            "Numeric field overflow: A field with precision {precision} and scale {scale} must round to an absolute \
             value less than 10^{digits}. Got {shown}"
        )))
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
            *state = self.checked(T::add(*state, args.value(row)))?;
        }
        Ok(())
    }

    fn undo(&self, state: &mut T::Native, args: &Self::Args<'_>, row: usize) -> Result<(), AggregateError> {
        if args.is_valid(row) {
            *state = self.checked(T::sub(*state, args.value(row)))?;
        }
        Ok(())
    }

    fn merge(&self, into: &mut T::Native, from: &T::Native) -> Result<(), AggregateError> {
        *into = self.checked(T::add(*into, *from))?;
        Ok(())
    }

    fn output(&self) -> PrimitiveBuilder<T> {
        PrimitiveBuilder::new().with_data_type(self.ty.clone())
    }

    fn result(&self, state: &T::Native, out: &mut PrimitiveBuilder<T>) {
        out.append_value(*state);
    }

    fn encode(&self, state: &T::Native, into: &mut Vec<u8>) {
        state.put(into);
    }

    fn decode(&self, bytes: &mut &[u8]) -> Result<T::Native, BadRow> {
        T::Native::get(bytes)
    }
}

/// Adds the elements of lists.
pub(super) struct SumList<T>(Sum<T>);

impl<T> SumList<T> {
    pub(super) fn new(item: DataType) -> Self {
        Self(Sum::new(item))
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
        items(args.0, row).try_for_each(|item| self.0.add(state, &args.1, item))
    }

    fn undo(&self, state: &mut T::Native, args: &Self::Args<'_>, row: usize) -> Result<(), AggregateError> {
        items(args.0, row).try_for_each(|item| self.0.undo(state, &args.1, item))
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
