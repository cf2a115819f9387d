//! GREATEST, LEAST, RANDOM, GEO_DISTANCE.

use std::cmp::Ordering;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use arrow::array::Float64Array;

use super::row::{Row, double, optional_text};
use super::{Category, Function, Variation};
use crate::expr::coerce;
use crate::types::{SqlType, Value, text};

/// Variations of GREATEST and LEAST.
macro_rules! extreme {
    ($name:literal, $spelled:literal, $order:expr, $says:literal, $example:literal, $result:literal) => {
        Function::scalar(
            $name,
            Category::Mathematical,
            &[
                Variation::row_nulls("(INT val, INT... vals) INT", |args, _| extreme(args, $order)),
                Variation::row_nulls("(BIGINT val, BIGINT... vals) BIGINT", |args, _| extreme(args, $order)),
                Variation::row_nulls("(DOUBLE val, DOUBLE... vals) DOUBLE", |args, _| extreme(args, $order)),
                Variation::row_nulls("(DECIMAL val, DECIMAL... vals) DECIMAL", |args, context| {
                    widen(extreme(args, $order)?, context.returns)
                })
                .returns(widest),
                Variation::row_nulls("(VARCHAR val, VARCHAR... vals) VARCHAR", |args, _| extreme(args, $order)),
                Variation::row_nulls("(BYTES val, BYTES... vals) BYTES", |args, _| extreme(args, $order)),
                Variation::row_nulls("(DATE val, DATE... vals) DATE", |args, _| extreme(args, $order)),
                Variation::row_nulls("(TIME val, TIME... vals) TIME", |args, _| extreme(args, $order)),
                Variation::row_nulls("(TIMESTAMP val, TIMESTAMP... vals) TIMESTAMP", |args, _| extreme(args, $order)),
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
            Variation::row("(double lat1, double lon1, double lat2, double lon2) DOUBLE", |args, _| distance(args)),
            Variation::row_nulls(
                "(double lat1, double lon1, double lat2, double lon2, VARCHAR units) DOUBLE",
                |args, _| distance(args),
            ),
        ],
    )
    .spelled("geo_distance")
    .says("Great-circle distance of two points given in degrees, in kilometres or miles.")
    .example("GEO_DISTANCE(0, 0, 0, 0)", "0.0"),
];

fn extreme(args: &[Value], wanted: Ordering) -> Row {
    let present = args.iter().filter(|value| !value.is_null());
    let best = present.reduce(|best, value| if value.compare(best) == Some(wanted) { value } else { best });
    Ok(best.cloned().unwrap_or_default())
}

/// The DECIMAL that holds all arguments.
fn widest(types: &[SqlType]) -> SqlType {
    let decimals = types.iter().filter(|ty| matches!(ty, SqlType::Decimal { .. })).cloned();
    decimals
        .reduce(|a, b| coerce::common_type(&a, &b).unwrap_or(a))
        .unwrap_or(SqlType::Decimal { precision: 38, scale: 0 })
}

fn widen(value: Value, to: &SqlType) -> Row {
    match (value, to) {
        (Value::Decimal(unscaled, from), SqlType::Decimal { scale, .. }) => {
            let rescaled = text::rescale_half_up(unscaled, i32::from(from), i32::from(*scale));
            rescaled.map(|unscaled| Value::Decimal(unscaled, *scale)).ok_or_else(|| "numeric overflow".to_owned())
        }
        (value, _) => Ok(value),
    }
}

/// Haversine formula on a sphere.
fn distance(args: &[Value]) -> Row {
    if args.iter().take(4).any(Value::is_null) {
        return Ok(Value::Null);
    }
    let (lat1, lon1, lat2, lon2) = (double(args, 0)?, double(args, 1)?, double(args, 2)?, double(args, 3)?);
    if [lat1, lat2].iter().any(|latitude| !(-90.0..=90.0).contains(latitude))
        || [lon1, lon2].iter().any(|longitude| !(-180.0..=180.0).contains(longitude))
    {
        return Err("latitudes must be within 90 and longitudes within 180 degrees".to_owned());
    }
    let unit = optional_text(args, 4).map(|unit| unit.trim().to_lowercase()).unwrap_or_default();
    let radius = match unit.as_str() {
        "" | "km" | "kilometer" | "kilometers" | "kilometre" | "kilometres" => 6371.0,
        "mi" | "mile" | "miles" => 3959.0,
        other => return Err(format!("unknown unit of length '{other}'")),
    };
    let radians = |degrees: f64| degrees / 180.0 * std::f64::consts::PI;
    let half = |a: f64, b: f64| (radians(b - a) / 2.0).sin();
    let (latitude, longitude) = (half(lat1, lat2), half(lon1, lon2));
    let a = latitude * latitude + longitude * longitude * radians(lat1).cos() * radians(lat2).cos();
    Ok(Value::Double(radius * 2.0 * a.sqrt().asin()))
}
