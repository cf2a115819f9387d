//! Arithmetic as Java does it: integers wrap, division by zero and NULL operands are errors of the row, DECIMALs are
//! exact or an error.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, PrimitiveArray, StringBuilder};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{
    ArrowNativeTypeOp, ArrowPrimitiveType, DataType, Decimal128Type, Float64Type, Int32Type, Int64Type, i256,
};
use datafusion_common::{Result, exec_datafusion_err};

use super::super::cast::fits;
use super::super::typed::Arithmetic;
use super::{Arg, Frame, Operation};

/// `left op right`
#[derive(Debug)]
pub(in super::super) struct Calculate(pub(in super::super) Arithmetic);

impl Operation for Calculate {
    fn run(&self, frame: &Frame<'_>) -> Result<ArrayRef> {
        let (left, right) = (frame.arg(0)?, frame.arg(1)?);
        if *frame.ty() == DataType::Utf8 {
            return Ok(concatenate_text(&left, &right, frame.len()));
        }
        fail_nulls(frame, &left);
        fail_nulls(frame, &right);
        Ok(match frame.ty() {
            DataType::Int32 => integers::<Int32Type>(self.0, &left, &right, frame),
            DataType::Int64 => integers::<Int64Type>(self.0, &left, &right, frame),
            DataType::Float64 => doubles(self.0, &left, &right, frame.len()),
            DataType::Decimal128(precision, scale) => decimals(self.0, &left, &right, frame, *precision, *scale),
            other => return Err(exec_datafusion_err!("no arithmetic on {other}")),
        })
    }
}

/// `-x`
#[derive(Debug)]
pub(in super::super) struct Negate;

impl Operation for Negate {
    fn run(&self, frame: &Frame<'_>) -> Result<ArrayRef> {
        let arg = frame.arg(0)?;
        fail_nulls(frame, &arg);
        let array = arg.expand(frame.len())?;
        Ok(match array.data_type() {
            DataType::Int32 => Arc::new(array.as_primitive::<Int32Type>().unary::<_, Int32Type>(i32::wrapping_neg)),
            DataType::Int64 => Arc::new(array.as_primitive::<Int64Type>().unary::<_, Int64Type>(i64::wrapping_neg)),
            DataType::Float64 => Arc::new(array.as_primitive::<Float64Type>().unary::<_, Float64Type>(|x| -x)),
            ty => {
                let negated = array.as_primitive::<Decimal128Type>().unary::<_, Decimal128Type>(i128::wrapping_neg);
                Arc::new(negated.with_data_type(ty.clone()))
            }
        })
    }
}

fn fail_nulls(frame: &Frame<'_>, arg: &Arg) {
    if arg.array.null_count() > 0 {
        for row in (0..frame.len()).filter(|row| arg.is_null(*row)) {
            frame.fail(row, || "arithmetic on NULL".to_owned());
        }
    }
}

/// Values of an argument for every row.
fn values<T: ArrowPrimitiveType>(arg: &Arg, len: usize) -> ScalarBuffer<T::Native> {
    let array = arg.array.as_primitive::<T>();
    if arg.scalar {
        std::iter::repeat_n(array.values().first().copied().unwrap_or_default(), len).collect()
    } else {
        array.values().clone()
    }
}

fn zip<T: ArrowPrimitiveType>(
    left: &Arg,
    right: &Arg,
    len: usize,
    each: impl Fn(T::Native, T::Native) -> T::Native,
) -> ArrayRef {
    let array = |arg: &Arg| arg.array.as_primitive::<T>().values().clone();
    let (a, b) = (array(left), array(right));
    let values: ScalarBuffer<T::Native> = match (left.scalar, right.scalar, a.first(), b.first()) {
        (false, true, _, Some(b)) => a.iter().map(|a| each(*a, *b)).collect(),
        (true, false, Some(a), _) => b.iter().map(|b| each(*a, *b)).collect(),
        (true, true, Some(a), Some(b)) => std::iter::repeat_n(each(*a, *b), len).collect(),
        _ => a.iter().zip(b.iter()).map(|(a, b)| each(*a, *b)).collect(),
    };
    Arc::new(PrimitiveArray::<T>::new(values, None))
}

fn integers<T: ArrowPrimitiveType>(op: Arithmetic, left: &Arg, right: &Arg, frame: &Frame<'_>) -> ArrayRef
where
    T::Native: ArrowNativeTypeOp,
{
    let len = frame.len();
    match op {
        Arithmetic::Add => zip::<T>(left, right, len, ArrowNativeTypeOp::add_wrapping),
        Arithmetic::Subtract => zip::<T>(left, right, len, ArrowNativeTypeOp::sub_wrapping),
        Arithmetic::Multiply => zip::<T>(left, right, len, ArrowNativeTypeOp::mul_wrapping),
        Arithmetic::Divide | Arithmetic::Modulo => {
            let zero = T::Native::ZERO;
            for (row, divisor) in values::<T>(right, len).iter().enumerate() {
                if divisor.is_eq(zero) && !right.is_null(row) {
                    frame.fail(row, || "/ by zero".to_owned());
                }
            }
            zip::<T>(left, right, len, |a, b| {
                if b.is_eq(zero) {
                    zero
                } else if op == Arithmetic::Divide {
                    a.div_wrapping(b)
                } else {
                    a.mod_wrapping(b)
                }
            })
        }
    }
}

fn doubles(op: Arithmetic, left: &Arg, right: &Arg, len: usize) -> ArrayRef {
    match op {
        Arithmetic::Add => zip::<Float64Type>(left, right, len, |a, b| a + b),
        Arithmetic::Subtract => zip::<Float64Type>(left, right, len, |a, b| a - b),
        Arithmetic::Multiply => zip::<Float64Type>(left, right, len, |a, b| a * b),
        Arithmetic::Divide => zip::<Float64Type>(left, right, len, |a, b| a / b),
        Arithmetic::Modulo => zip::<Float64Type>(left, right, len, |a, b| a % b),
    }
}

fn decimals(op: Arithmetic, left: &Arg, right: &Arg, frame: &Frame<'_>, precision: u8, scale: i8) -> ArrayRef {
    let scale_of = |arg: &Arg| if let DataType::Decimal128(_, scale) = arg.array.data_type() { *scale } else { 0 };
    let (left_scale, right_scale) = (scale_of(left), scale_of(right));
    let (a, b) = (left.array.as_primitive::<Decimal128Type>(), right.array.as_primitive::<Decimal128Type>());
    let result: Decimal128Array = (0..frame.len())
        .map(|row| {
            if left.is_null(row) || right.is_null(row) {
                return None;
            }
            let (x, y) = (a.value(left.index(row)), b.value(right.index(row)));
            let exact = decimal(op, (x, left_scale), (y, right_scale), scale);
            let fitting = exact.filter(|value| fits(*value, precision));
            if fitting.is_none() {
                frame.fail(row, || {
                    if y == 0 { "Division undefined or by zero".to_owned() } else { "Rounding necessary".to_owned() }
                });
            }
            fitting
        })
        .collect();
    Arc::new(result.with_data_type(DataType::Decimal128(precision, scale)))
}

/// The exact result at a scale; `None` if there is none. 256 bits hold every intermediate of two 38-digit numbers.
fn decimal(op: Arithmetic, left: (i128, i8), right: (i128, i8), scale: i8) -> Option<i128> {
    let (a, b) = (i256::from_i128(left.0), i256::from_i128(right.0));
    let (sa, sb, s) = (i32::from(left.1), i32::from(right.1), i32::from(scale));
    let exact = match op {
        Arithmetic::Add => shift(a, s - sa)?.checked_add(shift(b, s - sb)?)?,
        Arithmetic::Subtract => shift(a, s - sa)?.checked_sub(shift(b, s - sb)?)?,
        Arithmetic::Multiply => shift(a.checked_mul(b)?, s - sa - sb)?,
        Arithmetic::Divide => {
            let numerator = shift(a, s - sa + sb)?;
            if numerator.checked_rem(b)? != i256::ZERO {
                return None;
            }
            numerator.checked_div(b)?
        }
        Arithmetic::Modulo => shift(a, s - sa)?.checked_rem(shift(b, s - sb)?)?,
    };
    exact.to_i128()
}

/// Times a power of ten; dividing must leave no rest.
fn shift(value: i256, digits: i32) -> Option<i256> {
    let power = i256::from_i128(10).checked_pow(digits.unsigned_abs())?;
    if digits >= 0 {
        return value.checked_mul(power);
    }
    (value.checked_rem(power)? == i256::ZERO).then(|| value.checked_div(power)).flatten()
}

/// Java's `+` on two strings: a NULL is the text `null`.
fn concatenate_text(left: &Arg, right: &Arg, len: usize) -> ArrayRef {
    let (a, b) = (left.array.as_string::<i32>(), right.array.as_string::<i32>());
    let mut builder = StringBuilder::with_capacity(len, a.values().len() + b.values().len());
    let mut text = String::new();
    for row in 0..len {
        text.clear();
        text.push_str(if left.is_null(row) { "null" } else { a.value(left.index(row)) });
        text.push_str(if right.is_null(row) { "null" } else { b.value(right.index(row)) });
        builder.append_value(&text);
    }
    Arc::new(builder.finish())
}
