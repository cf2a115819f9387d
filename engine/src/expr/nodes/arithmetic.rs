//! Arithmetic as Java does it: integers wrap, division by zero and NULL operands are errors of the row. DECIMALs are
//! rounded half up to the scale of the result's type.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, PrimitiveArray, StringBuilder};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{
    ArrowNativeTypeOp, ArrowPrimitiveType, DataType, Decimal128Type, Float64Type, Int32Type, Int64Type, i256,
};
use datafusion_common::{Result, exec_datafusion_err};

use super::super::cast::{check_bytes, fits};
use super::super::typed::Arithmetic;
use super::{Arg, Frame, Operation};

/// `left op right`
#[derive(Debug)]
pub(in super::super) struct Calculate {
    pub(in super::super) op: Arithmetic,
    /// Longest text that `+` may make.
    pub(in super::super) value_bytes: usize,
}

impl Operation for Calculate {
    fn run(&self, frame: &Frame<'_>) -> Result<ArrayRef> {
        let (left, right) = (frame.arg(0)?, frame.arg(1)?);
        if *frame.ty() == DataType::Utf8 {
            return Ok(concatenate_text(&left, &right, frame, self.value_bytes));
        }
        fail_nulls(frame, &left);
        fail_nulls(frame, &right);
        Ok(match frame.ty() {
            DataType::Int32 => integers::<Int32Type>(self.op, &left, &right, frame),
            DataType::Int64 => integers::<Int64Type>(self.op, &left, &right, frame),
            DataType::Float64 => doubles(self.op, &left, &right, frame.len()),
            DataType::Decimal128(precision, scale) => decimals(self.op, &left, &right, frame, *precision, *scale),
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
            let result = decimal(op, (x, left_scale), (y, right_scale), scale);
            let fitting = result.filter(|value| fits(*value, precision));
            if fitting.is_none() {
                frame.fail(row, || match op {
                    Arithmetic::Divide | Arithmetic::Modulo if y == 0 => "Division undefined or by zero".to_owned(),
                    _ => format!("the result does not fit into DECIMAL({precision}, {scale})"),
                });
            }
            fitting
        })
        .collect();
    Arc::new(result.with_data_type(DataType::Decimal128(precision, scale)))
}

/// The result at a scale, `None` if there is none or it is too large. Where 256 bits do not hold an intermediate of two
/// 38-digit numbers, the result is too large as well.
fn decimal(op: Arithmetic, left: (i128, i8), right: (i128, i8), scale: i8) -> Option<i128> {
    let (a, b) = (i256::from_i128(left.0), i256::from_i128(right.0));
    let (sa, sb, s) = (i32::from(left.1), i32::from(right.1), i32::from(scale));
    // Sums and remainders have the larger scale of the two.
    let common = sa.max(sb);
    let (result, from) = match op {
        Arithmetic::Add => (up(a, common - sa)?.checked_add(up(b, common - sb)?)?, common),
        Arithmetic::Subtract => (up(a, common - sa)?.checked_sub(up(b, common - sb)?)?, common),
        Arithmetic::Multiply => (a.checked_mul(b)?, sa + sb),
        Arithmetic::Divide => {
            let digits = s - sa + sb;
            let (dividend, divisor) = if digits >= 0 { (up(a, digits)?, b) } else { (a, up(b, -digits)?) };
            return half_up(dividend, divisor)?.to_i128();
        }
        Arithmetic::Modulo => (up(a, common - sa)?.checked_rem(up(b, common - sb)?)?, common),
    };
    let result = if s >= from { up(result, s - from)? } else { half_up(result, up(i256::ONE, from - s)?)? };
    result.to_i128()
}

/// Times a power of ten.
fn up(value: i256, digits: i32) -> Option<i256> {
    if digits == 0 {
        return Some(value);
    }
    value.checked_mul(i256::from_i128(10).checked_pow(u32::try_from(digits).ok()?)?)
}

/// The quotient, rounded half up (away from zero).
fn half_up(dividend: i256, divisor: i256) -> Option<i256> {
    let quotient = dividend.checked_div(divisor)?;
    let rest = dividend.checked_rem(divisor)?;
    let size = |value: i256| if value < i256::ZERO { value.checked_neg() } else { Some(value) };
    let (rest, half) = (size(rest)?, size(divisor)?);
    if rest < half.checked_sub(rest)? {
        return Some(quotient);
    }
    let negative = (dividend < i256::ZERO) != (divisor < i256::ZERO);
    if negative { quotient.checked_sub(i256::ONE) } else { quotient.checked_add(i256::ONE) }
}

/// Java's `+` on two strings: a NULL is the text `null`.
fn concatenate_text(left: &Arg, right: &Arg, frame: &Frame<'_>, most: usize) -> ArrayRef {
    let len = frame.len();
    let (a, b) = (left.array.as_string::<i32>(), right.array.as_string::<i32>());
    let mut builder = StringBuilder::with_capacity(len, a.values().len() + b.values().len());
    let mut text = String::new();
    for row in 0..len {
        let first = if left.is_null(row) { "null" } else { a.value(left.index(row)) };
        let second = if right.is_null(row) { "null" } else { b.value(right.index(row)) };
        if let Err(message) = check_bytes(first.len() + second.len(), most) {
            frame.fail(row, || message);
            builder.append_null();
            continue;
        }
        text.clear();
        text.push_str(first);
        text.push_str(second);
        builder.append_value(&text);
    }
    Arc::new(builder.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_rounded_half_up() {
        use Arithmetic::{Add, Divide, Modulo, Multiply, Subtract};
        const MOST: i128 = 10_i128.pow(38) - 1;
        for (op, left, right, scale, expected) in [
            (Divide, (1000, 2), (30, 1), 7, Some(33_333_333)),
            (Divide, (-1000, 2), (30, 1), 7, Some(-33_333_333)),
            (Divide, (2, 0), (3, 0), 0, Some(1)),
            (Divide, (1, 0), (2, 0), 0, Some(1)),
            (Divide, (-1, 0), (2, 0), 0, Some(-1)),
            (Divide, (1, 0), (-2, 0), 0, Some(-1)),
            (Divide, (5, 1), (-3, 0), 3, Some(-167)),
            (Divide, (0, 2), (-3, 0), 3, Some(0)),
            (Divide, (149, 2), (1, 0), 0, Some(1)),
            (Divide, (150, 2), (1, 0), 0, Some(2)),
            (Divide, (1, 0), (0, 0), 3, None),
            (Divide, (MOST, 0), (1, 38), 6, None),
            (Divide, (MOST, 0), (MOST, 0), 37, Some(10_i128.pow(37))),
            (Divide, (i128::from(i64::MAX), 0), (30, 1), 6, Some(3_074_457_345_618_258_602_333_333)),
            (Divide, (i128::from(i64::MAX), 0), (70, 1), 6, Some(1_317_624_576_693_539_401_000_000)),
            (Divide, (999_999_999_999_999_999, 0), (70, 1), 6, Some(142_857_142_857_142_857_000_000)),
            (Divide, (i128::from(i64::MAX) * 10 + 1, 1), (30, 1), 6, Some(3_074_457_345_618_258_602_366_667)),
            (Multiply, (MOST, 38), (MOST, 38), 38, Some(MOST - 1)),
            (Multiply, (15, 1), (15, 1), 1, Some(23)),
            (Multiply, (15, 1), (-15, 1), 1, Some(-23)),
            (Multiply, (MOST, 0), (MOST, 0), 0, None),
            (Add, (MOST, 38), (MOST, 0), 0, Some(MOST + 1)),
            (Add, (15, 1), (5, 2), 2, Some(155)),
            (Subtract, (15, 1), (155, 2), 2, Some(-5)),
            (Modulo, (-725, 2), (2, 0), 2, Some(-125)),
            (Modulo, (MOST, 0), (3, 38), 38, Some(0)),
            (Modulo, (1, 0), (0, 0), 0, None),
        ] {
            assert_eq!(decimal(op, left, right, scale), expected, "{op:?} {left:?} {right:?} {scale}");
        }
    }
}
