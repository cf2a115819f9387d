//! Which values may go into which columns: the same type, wider numbers, and text that reads as bytes, a date or a time.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::types::{SqlType, Value, text};

/// The value as one of `to`, or `None` if it may not become one.
pub(super) fn coerce(value: &Value, from: &SqlType, to: &SqlType) -> Option<Value> {
    if value.is_null() {
        return Some(Value::Null);
    }
    match (value, to) {
        (Value::Boolean(_), SqlType::Boolean)
        | (Value::Integer(_), SqlType::Integer)
        | (Value::Bigint(_), SqlType::Bigint)
        | (Value::Double(_), SqlType::Double)
        | (Value::String(_), SqlType::String)
        | (Value::Bytes(_), SqlType::Bytes)
        | (Value::Time(_), SqlType::Time)
        | (Value::Date(_), SqlType::Date)
        | (Value::Timestamp(_), SqlType::Timestamp) => Some(value.clone()),
        (Value::Integer(number), SqlType::Bigint) => Some(Value::Bigint(i64::from(*number))),
        (Value::Integer(number), SqlType::Double) => Some(Value::Double(f64::from(*number))),
        (Value::Bigint(number), SqlType::Double) => Some(Value::Double(*number as f64)),
        (Value::Decimal(unscaled, scale), SqlType::Double) => {
            let mut digits = String::new();
            text::plain_decimal(*unscaled, *scale, &mut digits);
            digits.parse().ok().map(Value::Double)
        }
        (Value::Integer(number), SqlType::Decimal { .. }) => decimal(i128::from(*number), 0, to),
        (Value::Bigint(number), SqlType::Decimal { .. }) => decimal(i128::from(*number), 0, to),
        (Value::Decimal(unscaled, scale), SqlType::Decimal { .. }) => decimal(*unscaled, *scale, to),
        (Value::String(string), SqlType::Bytes) => STANDARD.decode(string).ok().map(Value::Bytes),
        (Value::String(string), SqlType::Date) => text::parse_date(string).map(Value::Date),
        (Value::String(string), SqlType::Time) => text::parse_time(string).map(Value::Time),
        (Value::String(string), SqlType::Timestamp) => text::parse_timestamp(string).map(Value::Timestamp),
        _ => nested(value, from, to),
    }
}

fn nested(value: &Value, from: &SqlType, to: &SqlType) -> Option<Value> {
    match (value, from, to) {
        (Value::Array(items), SqlType::Array(from), SqlType::Array(to)) => {
            items.iter().map(|item| coerce(item, from, to)).collect::<Option<_>>().map(Value::Array)
        }
        (Value::Map(entries), SqlType::Map(from_key, from), SqlType::Map(to_key, to)) => {
            let entry =
                |(key, value): &(Value, Value)| Some((coerce(key, from_key, to_key)?, coerce(value, from, to)?));
            entries.iter().map(entry).collect::<Option<_>>().map(Value::Map)
        }
        (Value::Struct(values), SqlType::Struct(from), SqlType::Struct(to)) => {
            let field = |(name, to): &(String, SqlType)| {
                let found = from.iter().zip(values).find(|((other, _), _)| other == name);
                found.map_or(Some(Value::Null), |((_, from), value)| coerce(value, from, to))
            };
            to.iter().map(field).collect::<Option<_>>().map(Value::Struct)
        }
        _ => None,
    }
}

/// A decimal that fits without losing a digit.
fn decimal(unscaled: i128, scale: i8, to: &SqlType) -> Option<Value> {
    let SqlType::Decimal { precision, scale: wanted } = to else { return None };
    let shift = u32::try_from(i32::from(*wanted) - i32::from(scale)).ok()?;
    let unscaled = unscaled.checked_mul(10_i128.checked_pow(shift)?)?;
    let limit = 10_i128.checked_pow(u32::from(*precision))?;
    (unscaled.unsigned_abs() < limit.unsigned_abs()).then_some(Value::Decimal(unscaled, *wanted))
}

/// What ksqlDB adds to the refusal of a text, so that the user sees which form is wanted.
pub(super) fn wanted_form(value: &Value, to: &SqlType) -> &'static str {
    match (value, to) {
        (Value::String(_), SqlType::Date) => ". Date format must be yyyy-mm-dd",
        (Value::String(_), SqlType::Time) => ". Time format must be hh:mm:ss[.S]",
        (Value::String(_), SqlType::Timestamp) => ". Timestamp format must be yyyy-mm-ddThh:mm:ss[.S]",
        _ => "",
    }
}

/// The name of a type without what it is made of, as messages about values say it.
pub(super) fn base_name(ty: &SqlType) -> String {
    match ty {
        SqlType::Decimal { .. } => "DECIMAL".to_owned(),
        SqlType::Array(_) => "ARRAY".to_owned(),
        SqlType::Map(..) => "MAP".to_owned(),
        SqlType::Struct(_) => "STRUCT".to_owned(),
        simple => simple.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_only_get_wider() {
        let decimal = SqlType::Decimal { precision: 6, scale: 2 };
        let to = |value: Value, from: SqlType, to: &SqlType| coerce(&value, &from, to);
        assert_eq!(to(Value::Integer(3), SqlType::Integer, &SqlType::Double), Some(Value::Double(3.0)));
        assert_eq!(to(Value::Bigint(3), SqlType::Bigint, &SqlType::Integer), None);
        assert_eq!(to(Value::Integer(3), SqlType::Integer, &decimal), Some(Value::Decimal(300, 2)));
        assert_eq!(to(Value::Decimal(1234, 3), decimal.clone(), &decimal), None);
        assert_eq!(to(Value::Decimal(123_456, 1), decimal.clone(), &decimal), None);
        assert_eq!(to(Value::String("12".into()), SqlType::String, &SqlType::Integer), None);
    }

    #[test]
    fn structs_match_by_field_name() {
        let from = SqlType::Struct(vec![("B".into(), SqlType::Integer), ("X".into(), SqlType::String)]);
        let to = SqlType::Struct(vec![("A".into(), SqlType::String), ("B".into(), SqlType::Bigint)]);
        let value = Value::Struct(vec![Value::Integer(2), Value::String("x".into())]);
        assert_eq!(coerce(&value, &from, &to), Some(Value::Struct(vec![Value::Null, Value::Bigint(2)])));
    }
}
