//! GREATEST, LEAST, RANDOM, GEO_DISTANCE.

use std::cmp::Ordering;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, ArrowPrimitiveType, AsArray, BinaryArray, Decimal128Array, Float64Array, PrimitiveArray, StringArray,
};
use arrow::datatypes::{
    Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, Time32MillisecondType, TimestampMillisecondType,
};
use arrow::error::ArrowError;

use super::columns::Numbers;
use super::{Arg, Batch, Category, Function, Variation};
use crate::expr::coerce;
use crate::types::text::{java_compare, java_compare_bytes, java_compare_doubles};
use crate::types::{SqlType, text};

/// Variations of GREATEST and LEAST.
macro_rules! extreme {
    ($name:literal, $spelled:literal, $order:expr, $says:literal, $example:literal, $result:literal) => {
        Function::scalar(
            $name,
            Category::Mathematical,
            &[
                Variation::batch("(INT val, INT... vals) INT", |batch| extreme(batch, $order)),
                Variation::batch("(BIGINT val, BIGINT... vals) BIGINT", |batch| extreme(batch, $order)),
                Variation::batch("(DOUBLE val, DOUBLE... vals) DOUBLE", |batch| extreme(batch, $order)),
                Variation::batch("(DECIMAL val, DECIMAL... vals) DECIMAL", |batch| extreme(batch, $order))
                    .returns(widest),
                Variation::batch("(VARCHAR val, VARCHAR... vals) VARCHAR", |batch| extreme(batch, $order)),
                Variation::batch("(BYTES val, BYTES... vals) BYTES", |batch| extreme(batch, $order)),
                Variation::batch("(DATE val, DATE... vals) DATE", |batch| extreme(batch, $order)),
                Variation::batch("(TIME val, TIME... vals) TIME", |batch| extreme(batch, $order)),
                Variation::batch("(TIMESTAMP val, TIMESTAMP... vals) TIMESTAMP", |batch| extreme(batch, $order)),
            ],
        )
        .spelled($spelled)
        .says($says)
        .example($example, $result)
    };
}

pub(super) static FUNCTIONS: &[Function] = &[
    extreme!(
        "GREATEST",
        "greatest",
        Ordering::Greater,
        "The highest of the arguments that are not NULL.",
        "GREATEST(1, NULL, 3)",
        "3"
    ),
    extreme!(
        "LEAST",
        "least",
        Ordering::Less,
        "The lowest of the arguments that are not NULL.",
        "LEAST('b', 'a')",
        "a"
    ),
    Function::scalar(
        "RANDOM",
        Category::Mathematical,
        &[Variation::batch("() DOUBLE", |batch| {
            let random = RandomState::new();
            // 53 bits are what a double can hold.
            let numbers = (0..batch.len).map(|row| (random.hash_one(row) >> 11) as f64 / (1_u64 << 53) as f64);
            Ok(Arc::new(Float64Array::from_iter_values(numbers)))
        })],
    )
    .says("A random number, at least 0 and below 1."),
    Function::scalar(
        "GEO_DISTANCE",
        Category::Other,
        &[
            Variation::batch("(double lat1, double lon1, double lat2, double lon2) DOUBLE", distance),
            Variation::batch("(double lat1, double lon1, double lat2, double lon2, VARCHAR units) DOUBLE", distance),
        ],
    )
    .spelled("geo_distance")
    .says("Great-circle distance of two points given in degrees, in kilometres or miles.")
    .example("GEO_DISTANCE(0, 0, 0, 0)", "0.0"),
];

/// The argument that comes first in an order turned so that `wanted` is before; NULLs are left out.
fn extreme(batch: &Batch<'_>, wanted: Ordering) -> Result<ArrayRef, ArrowError> {
    Ok(match batch.context.returns {
        SqlType::Integer => numbers::<Int32Type>(batch, wanted, i32::cmp),
        SqlType::Bigint => numbers::<Int64Type>(batch, wanted, i64::cmp),
        SqlType::Double => numbers::<Float64Type>(batch, wanted, |a, b| java_compare_doubles(*a, *b)),
        SqlType::Date => numbers::<Date32Type>(batch, wanted, i32::cmp),
        SqlType::Time => numbers::<Time32MillisecondType>(batch, wanted, i32::cmp),
        SqlType::Timestamp => numbers::<TimestampMillisecondType>(batch, wanted, i64::cmp),
        SqlType::Decimal { scale, .. } => decimals(batch, *scale, wanted),
        SqlType::Bytes => {
            let columns = arguments(batch, |array| array.as_binary_opt::<i32>());
            let best = |row| best(&columns, row, wanted, |array, at| array.value(at), |a, b| java_compare_bytes(a, b));
            Arc::new((0..batch.len).map(best).collect::<BinaryArray>())
        }
        _ => {
            let columns = arguments(batch, |array| array.as_string_opt::<i32>());
            let best = |row| best(&columns, row, wanted, |array, at| array.value(at), |a, b| java_compare(a, b));
            Arc::new((0..batch.len).map(best).collect::<StringArray>())
        }
    })
}

/// The arguments of the type that counts; an untyped NULL is none.
fn arguments<'a, A: ?Sized>(batch: &Batch<'a>, cast: impl Fn(&'a ArrayRef) -> Option<&'a A>) -> Vec<(&'a Arg, &'a A)> {
    batch.args.iter().filter_map(|arg| Some((arg, cast(&arg.array)?))).collect()
}

/// The best value of a row.
fn best<'a, A: ?Sized, V>(
    columns: &[(&'a Arg, &'a A)],
    row: usize,
    wanted: Ordering,
    value: impl Fn(&'a A, usize) -> V,
    compare: impl Fn(&V, &V) -> Ordering,
) -> Option<V> {
    let present = columns.iter().filter(|(arg, _)| !arg.is_null(row));
    let values = present.map(|(arg, array)| value(array, arg.index(row)));
    values.reduce(|best, next| if compare(&next, &best) == wanted { next } else { best })
}

fn numbers<T: ArrowPrimitiveType>(
    batch: &Batch<'_>,
    wanted: Ordering,
    compare: fn(&T::Native, &T::Native) -> Ordering,
) -> ArrayRef {
    let columns = arguments(batch, |array| array.as_primitive_opt::<T>());
    let best = |row| best(&columns, row, wanted, |array, at| array.value(at), compare);
    Arc::new((0..batch.len).map(best).collect::<PrimitiveArray<T>>())
}

/// Arguments of different scales are brought to the one of the result.
fn decimals(batch: &Batch<'_>, scale: i8, wanted: Ordering) -> ArrayRef {
    let columns = arguments(batch, |array| array.as_primitive_opt::<Decimal128Type>());
    let rescaled = |array: &Decimal128Array, at| {
        let from = i32::from(array.scale());
        text::rescale_half_up(array.value(at), from, i32::from(scale)).unwrap_or(i128::MAX)
    };
    let best = |row| best(&columns, row, wanted, rescaled, i128::cmp);
    let array = (0..batch.len).map(best).collect::<Decimal128Array>();
    Arc::new(array.with_data_type(batch.context.returns.to_arrow()))
}

/// The DECIMAL that holds all arguments.
fn widest(types: &[SqlType]) -> SqlType {
    let decimals = types.iter().filter(|ty| matches!(ty, SqlType::Decimal { .. })).cloned();
    decimals
        .reduce(|a, b| coerce::common_type(&a, &b).unwrap_or(a))
        .unwrap_or(SqlType::Decimal { precision: 38, scale: 0 })
}

/// The distance of two points. NULL where a coordinate is; without a unit in kilometres.
fn distance(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let degrees = |i| Numbers::<Float64Type>::new(batch, i);
    let (lat1, lon1, lat2, lon2) = (degrees(0)?, degrees(1)?, degrees(2)?, degrees(3)?);
    let units = batch.args.get(4).and_then(|arg| Some((arg, arg.array.as_string_opt::<i32>()?)));
    let distances = (0..batch.len).map(|row| {
        if batch.args.iter().take(4).any(|arg| arg.is_null(row)) {
            return None;
        }
        let unit = units.filter(|(arg, _)| !arg.is_null(row)).map_or("", |(arg, texts)| texts.value(arg.index(row)));
        let (from, to) = ((lat1.at(row), lon1.at(row)), (lat2.at(row), lon2.at(row)));
        great_circle(from, to, unit).map_err(|message| batch.fail(row, || message)).ok()
    });
    Ok(Arc::new(distances.collect::<Float64Array>()))
}

/// Haversine formula on a sphere; points are latitude and longitude in degrees.
fn great_circle((lat1, lon1): (f64, f64), (lat2, lon2): (f64, f64), unit: &str) -> Result<f64, String> {
    const KILOMETRES: [&str; 6] = ["", "km", "kilometer", "kilometers", "kilometre", "kilometres"];
    const MILES: [&str; 3] = ["mi", "mile", "miles"];
    if [lat1, lat2].iter().any(|latitude| !(-90.0..=90.0).contains(latitude))
        || [lon1, lon2].iter().any(|longitude| !(-180.0..=180.0).contains(longitude))
    {
        return Err("latitudes must be within 90 and longitudes within 180 degrees".to_owned());
    }
    let is_one_of = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(unit.trim()));
    let radius = if is_one_of(&KILOMETRES) {
        6371.0
    } else if is_one_of(&MILES) {
        3959.0
    } else {
        return Err(format!("unknown unit of length '{unit}'"));
    };
    let radians = |degrees: f64| degrees / 180.0 * std::f64::consts::PI;
    let half = |a: f64, b: f64| (radians(b - a) / 2.0).sin();
    let (latitude, longitude) = (half(lat1, lat2), half(lon1, lon2));
    let a = latitude * latitude + longitude * longitude * radians(lat1).cos() * radians(lat2).cos();
    Ok(radius * 2.0 * a.sqrt().asin())
}
