//! `CAST`, value by value. Which pairs exist is `coerce::can_cast`'s business.

use crate::types::{SqlType, Value, text};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Settings of a session that change what expressions yield.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `ksql.cast.strings.preserve.nulls`: NULL cast to STRING stays NULL instead of becoming the text `null`.
    pub preserve_nulls: bool,
    /// `ksql.functions.substring.legacy.args`: SUBSTRING takes a 0-based start and an end.
    pub substring_legacy: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { preserve_nulls: true, substring_legacy: false }
    }
}

impl Settings {
    /// Reads the properties of a session; the ones that are missing or no booleans keep their default.
    pub fn from_properties<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Self {
        let flag = |name: &str, default: bool| {
            get(name).and_then(|value| value.to_lowercase().parse().ok()).unwrap_or(default)
        };
        Self {
            preserve_nulls: flag("ksql.cast.strings.preserve.nulls", true),
            substring_legacy: flag("ksql.functions.substring.legacy.args", false),
        }
    }
}

/// Converts a value of type `from`; NULL stays NULL. The error text goes to the processing log.
pub fn cast_value(value: &Value, from: &SqlType, to: &SqlType) -> Result<Value, String> {
    if from == to || value.is_null() {
        return Ok(value.clone());
    }
    match (value, to) {
        (value, SqlType::String) => Ok(Value::String(value.java_text(from))),
        (Value::String(text), to) => from_text(text.trim(), to),
        (value, SqlType::Decimal { precision, scale }) => to_decimal(value, *precision, *scale),
        (Value::Double(value), SqlType::Integer) => Ok(Value::Integer(*value as i32)),
        (Value::Double(value), SqlType::Bigint) => Ok(Value::Bigint(*value as i64)),
        (value, SqlType::Integer) => integral(value).map(|value| Value::Integer(value as i32)),
        (value, SqlType::Bigint) => integral(value).map(|value| Value::Bigint(value as i64)),
        (value, SqlType::Double) => to_double(value).map(Value::Double),
        (Value::Timestamp(millis), SqlType::Date) => day(*millis).map(Value::Date),
        (Value::Timestamp(millis), SqlType::Time) => Ok(Value::Time(millis.rem_euclid(86_400_000) as i32)),
        (Value::Date(days), SqlType::Timestamp) => Ok(Value::Timestamp(i64::from(*days) * 86_400_000)),
        (Value::Array(items), SqlType::Array(to)) => {
            let SqlType::Array(from) = from else { return unsupported(from, to) };
            Ok(Value::Array(items.iter().map(|item| cast_value(item, from, to)).collect::<Result<_, _>>()?))
        }
        (Value::Map(entries), SqlType::Map(to_key, to_value)) => {
            let SqlType::Map(from_key, from_value) = from else { return unsupported(from, to) };
            let entries = entries
                .iter()
                .map(|(key, value)| Ok((cast_value(key, from_key, to_key)?, cast_value(value, from_value, to_value)?)));
            Ok(Value::Map(entries.collect::<Result<_, String>>()?))
        }
        (Value::Struct(values), SqlType::Struct(wanted)) => {
            let SqlType::Struct(fields) = from else { return unsupported(from, to) };
            let values = wanted.iter().map(|(name, ty)| {
                let found = fields.iter().zip(values).find(|((field, _), _)| field == name);
                found.map_or(Ok(Value::Null), |((_, from), value)| cast_value(value, from, ty))
            });
            Ok(Value::Struct(values.collect::<Result<_, String>>()?))
        }
        _ => unsupported(from, to),
    }
}

fn unsupported(from: &SqlType, to: &SqlType) -> Result<Value, String> {
    Err(format!("Cast of {from} to {to} is not supported"))
}

fn day(millis: i64) -> Result<i32, String> {
    i32::try_from(millis.div_euclid(86_400_000)).map_err(|_| format!("{millis} is no date"))
}

/// Whole part of an exact number; the caller cuts it to the target's width, as Java does.
fn integral(value: &Value) -> Result<i128, String> {
    match value {
        Value::Integer(value) => Ok(i128::from(*value)),
        Value::Bigint(value) => Ok(i128::from(*value)),
        Value::Decimal(unscaled, scale) => {
            let divisor = u32::try_from(*scale).ok().and_then(text::power_of_ten).unwrap_or(i128::MAX);
            Ok(unscaled / divisor)
        }
        _ => Err("not a number".to_owned()),
    }
}

fn to_double(value: &Value) -> Result<f64, String> {
    match value {
        Value::Integer(value) => Ok(f64::from(*value)),
        Value::Bigint(value) => Ok(*value as f64),
        Value::Decimal(unscaled, scale) => {
            let mut out = String::new();
            text::plain_decimal(*unscaled, *scale, &mut out);
            out.parse().map_err(|_| format!("{out} is no number"))
        }
        _ => Err("not a number".to_owned()),
    }
}

fn to_decimal(value: &Value, precision: u8, scale: i8) -> Result<Value, String> {
    match value {
        Value::Integer(value) => fit_decimal(i128::from(*value), 0, precision, scale),
        Value::Bigint(value) => fit_decimal(i128::from(*value), 0, precision, scale),
        Value::Decimal(unscaled, from) => fit_decimal(*unscaled, i32::from(*from), precision, scale),
        // `BigDecimal.valueOf`: by way of the shortest text.
        Value::Double(value) => {
            let mut out = String::new();
            text::java_double(*value, &mut out);
            decimal_text(&out, precision, scale)
        }
        _ => Err("not a number".to_owned()),
    }
}

/// Rounds HALF_UP to `scale`; an error if more than `precision` digits remain.
pub(super) fn fit_decimal(unscaled: i128, from: i32, precision: u8, scale: i8) -> Result<Value, String> {
    text::rescale_half_up(unscaled, from, i32::from(scale))
        .filter(|value| fits(*value, precision))
        .map(|value| Value::Decimal(value, scale))
        .ok_or_else(|| format!("Numeric field overflow: A field with precision {precision} and scale {scale} must round to an absolute value less than 10^{}.", i32::from(precision) - i32::from(scale)))
}

/// Whether the digits of an unscaled value are not more than `precision`.
pub(super) fn fits(unscaled: i128, precision: u8) -> bool {
    text::power_of_ten(u32::from(precision.min(38))).is_none_or(|limit| unscaled.unsigned_abs() < limit.unsigned_abs())
}

fn decimal_text(text: &str, precision: u8, scale: i8) -> Result<Value, String> {
    let (unscaled, from) = text::parse_decimal(text).ok_or_else(|| format!("{text} is no decimal"))?;
    fit_decimal(unscaled, from, precision, scale)
}

fn from_text(text: &str, to: &SqlType) -> Result<Value, String> {
    let refused = || format!("Cannot cast '{text}' to {to}");
    match to {
        SqlType::Boolean => {
            let text = text.to_lowercase();
            Ok(Value::Boolean(!text.is_empty() && ("true".starts_with(&text) || "yes".starts_with(&text))))
        }
        SqlType::Integer => text.parse().map(Value::Integer).map_err(|_| refused()),
        SqlType::Bigint => text.parse().map(Value::Bigint).map_err(|_| refused()),
        SqlType::Double => {
            let parsed = text.parse().ok().filter(|value: &f64| value.is_finite());
            parsed.map(Value::Double).ok_or_else(refused)
        }
        SqlType::Decimal { precision, scale } => decimal_text(text, *precision, *scale),
        SqlType::Bytes => STANDARD.decode(text).map(Value::Bytes).map_err(|_| refused()),
        SqlType::Time => text::parse_time(text).map(Value::Time).ok_or_else(refused),
        SqlType::Date => text::parse_date(text).map(Value::Date).ok_or_else(refused),
        SqlType::Timestamp => text::parse_timestamp(text).map(Value::Timestamp).ok_or_else(refused),
        _ => Err(refused()),
    }
}
