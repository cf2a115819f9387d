//! The mathematical functions. Sine and its like come from `libm`, which descends from the same code as Java's, so that
//! last digits agree and do not depend on the platform.

use std::f64::consts::PI;
use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int32Array, Int64Array};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int32Type, Int64Type};
use arrow::error::ArrowError;

use super::columns::{Numbers, decimals, numbers};
use super::{Batch, Category, Function, Variation};
use crate::expr::coerce;
use crate::types::{SqlType, text};

/// A function of one number that yields a DOUBLE.
macro_rules! unary {
    ($name:literal, $apply:expr, $says:literal, $example:literal, $result:literal) => {
        Function::scalar(
            $name,
            Category::Mathematical,
            &[
                Variation::batch("(INT value) DOUBLE", |batch| map_double(batch, $apply)),
                Variation::batch("(BIGINT value) DOUBLE", |batch| map_double(batch, $apply)),
                Variation::batch("(DOUBLE value) DOUBLE", |batch| map_double(batch, $apply)),
            ],
        )
        .says($says)
        .example($example, $result)
    };
}

pub(super) static FUNCTIONS: &[Function] = &[
    Function::scalar(
        "ABS",
        Category::Mathematical,
        &[
            Variation::batch("(INT val) INT", |batch| map_int(batch, i32::wrapping_abs)),
            Variation::batch("(BIGINT val) BIGINT", |batch| map_bigint(batch, i64::wrapping_abs)),
            Variation::batch("(DOUBLE val) DOUBLE", |batch| map_double(batch, f64::abs)),
            Variation::batch("(DECIMAL val) DECIMAL", |batch| map_decimal(batch, |value, _| value.abs())),
        ],
    )
    .spelled("Abs")
    .says("The distance of a number from zero.")
    .example("ABS(-1.5)", "1.5"),
    Function::scalar(
        "CEIL",
        Category::Mathematical,
        &[
            Variation::batch("(INT val) INT", |batch| batch.column(0)),
            Variation::batch("(BIGINT val) BIGINT", |batch| batch.column(0)),
            Variation::batch("(DOUBLE val) DOUBLE", |batch| map_double(batch, f64::ceil)),
            Variation::batch("(DECIMAL val) DECIMAL", |batch| {
                map_decimal(batch, |value, one| {
                    value.div_euclid(one) * one + if value.rem_euclid(one) > 0 { one } else { 0 }
                })
            }),
        ],
    )
    .spelled("Ceil")
    .says("The next whole number that is not below the argument.")
    .example("CEIL(-1.5)", "-1.0"),
    Function::scalar(
        "FLOOR",
        Category::Mathematical,
        &[
            Variation::batch("(INT val) INT", |batch| batch.column(0)),
            Variation::batch("(BIGINT val) BIGINT", |batch| batch.column(0)),
            Variation::batch("(DOUBLE val) DOUBLE", |batch| map_double(batch, f64::floor)),
            Variation::batch("(DECIMAL val) DECIMAL", |batch| {
                map_decimal(batch, |value, one| value.div_euclid(one) * one)
            }),
        ],
    )
    .spelled("Floor")
    .says("The largest whole number that is not above the argument.")
    .example("FLOOR(-1.5)", "-2.0"),
    Function::scalar(
        "ROUND",
        Category::Mathematical,
        &[
            Variation::batch("(int val) BIGINT", whole),
            Variation::batch("(bigint val) BIGINT", |batch| batch.column(0)),
            Variation::batch("(DOUBLE val) BIGINT", |batch| to_bigint(batch, round)),
            Variation::batch("(DOUBLE val, INT decimalPlaces) DOUBLE", |batch| double_places(batch, half_up)),
            Variation::batch("(DECIMAL val) DECIMAL", |batch| decimal_places(batch, half_up)).returns(without_scale),
            Variation::batch("(DECIMAL val, INT decimalPlaces) DECIMAL", |batch| decimal_places(batch, half_up)),
        ],
    )
    .spelled("Round")
    .says(
        "The nearest number with so many decimal places (none if not said, tens and hundreds if negative); ties go up.",
    )
    .example("ROUND(-1.5)", "-1"),
    Function::scalar(
        "TRUNC",
        Category::Mathematical,
        &[
            Variation::batch("(INT val) BIGINT", whole),
            Variation::batch("(BIGINT val) BIGINT", |batch| batch.column(0)),
            Variation::batch("(DOUBLE val) BIGINT", |batch| to_bigint(batch, |value| value.trunc() as i64)),
            Variation::batch("(DOUBLE val, INT decimalPlaces) DOUBLE", |batch| double_places(batch, toward_zero)),
            Variation::batch("(DECIMAL val) DECIMAL", |batch| decimal_places(batch, toward_zero))
                .returns(without_scale),
            Variation::batch("(DECIMAL val, INT decimalPlaces) DECIMAL", |batch| decimal_places(batch, toward_zero)),
        ],
    )
    .spelled("Trunc")
    .says("The number cut towards zero to so many decimal places.")
    .example("TRUNC(1.239, 2)", "1.230"),
    Function::scalar(
        "SIGN",
        Category::Mathematical,
        &[
            Variation::batch("(INT value) INT", sign),
            Variation::batch("(BIGINT value) INT", sign),
            Variation::batch("(DOUBLE value) INT", sign),
        ],
    )
    .says("-1, 0 or 1 for a negative number, zero, a positive number.")
    .example("SIGN(-3)", "-1"),
    unary!("ACOS", f64::acos, "Arc cosine, in radians.", "ACOS(1)", "0.0"),
    unary!("ASIN", f64::asin, "Arc sine, in radians.", "ASIN(0)", "0.0"),
    unary!("ATAN", f64::atan, "Arc tangent, in radians.", "ATAN(0)", "0.0"),
    unary!("CBRT", libm::cbrt, "Cube root.", "CBRT(27)", "3.0"),
    unary!("COS", libm::cos, "Cosine of an angle in radians.", "COS(0)", "1.0"),
    unary!("COSH", f64::cosh, "Hyperbolic cosine.", "COSH(0)", "1.0"),
    unary!("COT", |x| 1.0 / libm::tan(x), "Cotangent of an angle in radians.", "COT(0)", "Infinity"),
    unary!("DEGREES", f64::to_degrees, "Radians as degrees.", "DEGREES(0)", "0.0"),
    unary!("EXP", f64::exp, "e to the power of the argument.", "EXP(0)", "1.0"),
    unary!("LN", f64::ln, "Natural logarithm.", "LN(1)", "0.0"),
    unary!("RADIANS", f64::to_radians, "Degrees as radians.", "RADIANS(0)", "0.0"),
    unary!("SIN", libm::sin, "Sine of an angle in radians.", "SIN(0)", "0.0"),
    unary!("SINH", f64::sinh, "Hyperbolic sine.", "SINH(0)", "0.0"),
    unary!("SQRT", f64::sqrt, "Square root.", "SQRT(9)", "3.0"),
    unary!("TAN", libm::tan, "Tangent of an angle in radians.", "TAN(0)", "0.0"),
    unary!("TANH", f64::tanh, "Hyperbolic tangent.", "TANH(0)", "0.0"),
    Function::scalar(
        "LOG",
        Category::Mathematical,
        &[
            Variation::batch("(INT value) DOUBLE", |batch| map_double(batch, f64::ln)),
            Variation::batch("(BIGINT value) DOUBLE", |batch| map_double(batch, f64::ln)),
            Variation::batch("(DOUBLE value) DOUBLE", |batch| map_double(batch, f64::ln)),
            Variation::batch("(INT base, INT value) DOUBLE", |batch| map_doubles(batch, log)),
            Variation::batch("(BIGINT base, BIGINT value) DOUBLE", |batch| map_doubles(batch, log)),
            Variation::batch("(DOUBLE base, DOUBLE value) DOUBLE", |batch| map_doubles(batch, log)),
        ],
    )
    .says("Logarithm: natural with one argument, to the base of the first with two.")
    .example("LOG(2, 8)", "3.0"),
    Function::scalar(
        "ATAN2",
        Category::Mathematical,
        &[
            Variation::batch("(INT y, INT x) DOUBLE", |batch| map_doubles(batch, f64::atan2)),
            Variation::batch("(BIGINT y, BIGINT x) DOUBLE", |batch| map_doubles(batch, f64::atan2)),
            Variation::batch("(DOUBLE y, DOUBLE x) DOUBLE", |batch| map_doubles(batch, f64::atan2)),
        ],
    )
    .says("Angle of the point (x, y), in radians.")
    .example("ATAN2(0, 1)", "0.0"),
    Function::scalar(
        "POWER",
        Category::Mathematical,
        &[
            Variation::batch("(INT base, INT exponent) DOUBLE", |batch| map_doubles(batch, f64::powf)),
            Variation::batch("(BIGINT base, BIGINT exponent) DOUBLE", |batch| map_doubles(batch, f64::powf)),
            Variation::batch("(DOUBLE base, DOUBLE exponent) DOUBLE", |batch| map_doubles(batch, f64::powf)),
        ],
    )
    .says("The base to the power of the exponent.")
    .example("POWER(2, 10)", "1024.0"),
    Function::scalar(
        "PI",
        Category::Mathematical,
        &[Variation::batch("() DOUBLE", |batch| Ok(Arc::new(Float64Array::from_value(PI, batch.len))))],
    )
    .says("The number pi.")
    .example("PI()", "3.141592653589793"),
];

/// Applies `each` to every number of the first argument.
fn map_double(batch: &Batch<'_>, each: impl Fn(f64) -> f64) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(doubles(batch, 0)?.unary::<_, Float64Type>(each)))
}

/// Argument `i` as doubles.
fn doubles(batch: &Batch<'_>, i: usize) -> Result<Float64Array, ArrowError> {
    let column = batch.column(i)?;
    Ok(match column.data_type() {
        DataType::Int32 => column.as_primitive::<Int32Type>().unary(f64::from),
        DataType::Int64 => column.as_primitive::<Int64Type>().unary(|value| value as f64),
        _ => column.as_primitive::<Float64Type>().clone(),
    })
}

fn map_doubles(batch: &Batch<'_>, each: impl Fn(f64, f64) -> f64) -> Result<ArrayRef, ArrowError> {
    let (a, b) = (doubles(batch, 0)?, doubles(batch, 1)?);
    Ok(Arc::new(arrow::compute::binary::<_, _, _, Float64Type>(&a, &b, each)?))
}

fn map_int(batch: &Batch<'_>, each: impl Fn(i32) -> i32) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(batch.column(0)?.as_primitive::<Int32Type>().unary::<_, Int32Type>(each)))
}

fn map_bigint(batch: &Batch<'_>, each: impl Fn(i64) -> i64) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(batch.column(0)?.as_primitive::<Int64Type>().unary::<_, Int64Type>(each)))
}

fn whole(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let array: Int64Array = batch.column(0)?.as_primitive::<Int32Type>().unary(i64::from);
    Ok(Arc::new(array))
}

fn to_bigint(batch: &Batch<'_>, each: impl Fn(f64) -> i64) -> Result<ArrayRef, ArrowError> {
    let array: Int64Array = doubles(batch, 0)?.unary(each);
    Ok(Arc::new(array))
}

fn sign(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let array: Int32Array = doubles(batch, 0)?.unary(|value| i32::from(value > 0.0) - i32::from(value < 0.0));
    Ok(Arc::new(array))
}

fn log(base: f64, value: f64) -> f64 {
    if base <= 0.0 || base == 1.0 { f64::NAN } else { value.ln() / base.ln() }
}

/// `Math.round`: ties go towards plus infinity.
fn round(value: f64) -> i64 {
    let floor = value.floor();
    // Adding a half would round once more.
    (if value - floor >= 0.5 { floor + 1.0 } else { floor }) as i64
}

/// Applies `each` to the unscaled value and the unscaled form of 1.
fn map_decimal(batch: &Batch<'_>, each: impl Fn(i128, i128) -> i128) -> Result<ArrayRef, ArrowError> {
    let values = Numbers::<Decimal128Type>::new(batch, 0)?;
    let one = u32::try_from(scale_of(batch)).ok().and_then(text::power_of_ten).unwrap_or(1);
    Ok(decimals(batch, |row| Ok(each(values.at(row), one))))
}

/// Scale of the first argument.
fn scale_of(batch: &Batch<'_>) -> i32 {
    match batch.context.types.first() {
        Some(SqlType::Decimal { scale, .. }) => i32::from(*scale),
        _ => 0,
    }
}

/// `DECIMAL(p - s, 0)`
fn without_scale(types: &[SqlType]) -> SqlType {
    match types.first().and_then(coerce::as_decimal) {
        Some((precision, scale)) => {
            SqlType::Decimal { precision: precision.saturating_sub(scale.unsigned_abs()), scale: 0 }
        }
        None => SqlType::Decimal { precision: 38, scale: 0 },
    }
}

/// How a quotient with a rest becomes whole: (quotient towards minus infinity, rest, divisor) → quotient.
type Rounding = fn(i128, i128, i128) -> i128;

/// Ties go towards plus infinity.
fn half_up(floor: i128, rest: i128, divisor: i128) -> i128 {
    // Twice the rest may be more than there is room for.
    floor + i128::from(rest >= divisor - rest)
}

fn toward_zero(floor: i128, rest: i128, _: i128) -> i128 {
    if floor < 0 && rest != 0 { floor + 1 } else { floor }
}

/// Keeps `places` decimal places of an unscaled value, which keeps its scale; `None` on overflow.
fn keep_places(unscaled: i128, scale: i32, places: i32, rounding: Rounding) -> Option<i128> {
    if places >= scale {
        return Some(unscaled);
    }
    let Some(divisor) = u32::try_from(scale.saturating_sub(places)).ok().and_then(text::power_of_ten) else {
        return Some(0);
    };
    rounding(unscaled.div_euclid(divisor), unscaled.rem_euclid(divisor), divisor).checked_mul(divisor)
}

/// ROUND and TRUNC of a DECIMAL, to the places of argument 1 or none.
fn decimal_places(batch: &Batch<'_>, rounding: Rounding) -> Result<ArrayRef, ArrowError> {
    let values = Numbers::<Decimal128Type>::new(batch, 0)?;
    let places = if batch.args.len() > 1 { Some(Numbers::<Int32Type>::new(batch, 1)?) } else { None };
    let scale = scale_of(batch);
    let SqlType::Decimal { scale: to, .. } = batch.context.returns else { return batch.column(0) };
    Ok(decimals(batch, |row| {
        let places = places.as_ref().map_or(0, |places| places.at(row));
        keep_places(values.at(row), scale, places, rounding)
            .and_then(|rounded| text::rescale_half_up(rounded, scale, i32::from(*to)))
            .ok_or_else(|| "Numeric field overflow".to_owned())
    }))
}

/// ROUND and TRUNC of a DOUBLE: by way of its shortest decimal text, as `BigDecimal.valueOf` does.
fn double_places(batch: &Batch<'_>, rounding: Rounding) -> Result<ArrayRef, ArrowError> {
    let (values, places) = (Numbers::<Float64Type>::new(batch, 0)?, Numbers::<Int32Type>::new(batch, 1)?);
    let mut written = String::new();
    Ok(numbers::<Float64Type>(batch, |row| {
        let (value, places) = (values.at(row), places.at(row));
        if !value.is_finite() {
            return Err(format!("{value} is no decimal number"));
        }
        if places >= 0 && value.trunc() == value {
            // There is no negative zero among decimals.
            return Ok(value + 0.0);
        }
        written.clear();
        text::java_double(value, &mut written);
        let Some((unscaled, scale)) = text::parse_decimal(&written) else { return Ok(value) };
        let Some(rounded) = keep_places(unscaled, scale, places, rounding) else { return Ok(value) };
        written.clear();
        let _ = write!(written, "{rounded}e{}", -scale);
        written.parse().map_err(|_| format!("{value} cannot be rounded"))
    }))
}
