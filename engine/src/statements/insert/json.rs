//! One line of /inserts-stream → a row. Nothing is coerced here but what JSON has no form for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json};

use crate::catalog::Source;
use crate::statements::Failure;
use crate::types::{Column, SqlType, Value, text};

use super::{Row, names};

/// Reads a row. Names match in any case unless they are quoted; fields that are no column are dropped.
pub(super) fn read_row(source: &Source, line: &[u8], now_ms: i64) -> Result<Row, Failure> {
    let Ok(Json::Object(fields)) = serde_json::from_slice(line) else {
        return Err(Failure::request("Invalid JSON in inserts stream"));
    };
    let schema = source.record_schema();
    let key = row(&schema.key, &fields)?;
    let missing = |(column, value): (&Column, &Value)| value.is_null().then(|| column.name.clone());
    if let Some(name) = schema.key.iter().zip(&key).find_map(missing) {
        return Err(Failure::request(format!("Key field must be specified: {name}")));
    }
    debug_assert!(key.len() == schema.key.len(), "{}", names(&schema.key));
    Ok(Row { timestamp: now_ms, value: row(&schema.value, &fields)?, key })
}

fn row(columns: &[Column], fields: &Map<String, Json>) -> Result<Vec<Value>, Failure> {
    columns
        .iter()
        .map(|column| find(&column.name, fields).map_or(Ok(Value::Null), |json| value(json, &column.ty)))
        .collect()
}

/// The field that means the column of that name.
fn find<'a>(name: &str, fields: &'a Map<String, Json>) -> Option<&'a Json> {
    fields.iter().find(|(field, _)| folded(field) == name).map(|(_, json)| json)
}

/// Upper case unless the name stands in quotes.
pub(super) fn folded(name: &str) -> String {
    for quote in ['`', '"'] {
        if let Some(inner) = name.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner.to_owned();
        }
    }
    name.to_uppercase()
}

fn value(json: &Json, ty: &SqlType) -> Result<Value, Failure> {
    let refused = || {
        let class = class_name(json);
        Failure::request(format!("Can't coerce a field of type class {class} into type {ty}"))
    };
    Ok(match (json, ty) {
        (Json::Null, _) => Value::Null,
        (Json::Bool(value), SqlType::Boolean) => Value::Boolean(*value),
        (Json::Number(number), SqlType::Integer) => Value::Integer(number.as_str().parse().map_err(|_| refused())?),
        (Json::Number(number), SqlType::Bigint) => Value::Bigint(number.as_str().parse().map_err(|_| refused())?),
        (Json::Number(number), SqlType::Double) => Value::Double(number.as_f64().ok_or_else(refused)?),
        (Json::Number(number), SqlType::Decimal { .. }) => decimal(number.as_str(), ty).ok_or_else(refused)?,
        (Json::String(number), SqlType::Decimal { .. }) => decimal(number, ty).ok_or_else(refused)?,
        (Json::String(value), SqlType::String) => Value::String(value.clone()),
        (Json::String(value), SqlType::Bytes) => Value::Bytes(STANDARD.decode(value).map_err(|_| refused())?),
        (Json::String(value), SqlType::Date) => Value::Date(text::parse_date(value).ok_or_else(refused)?),
        (Json::String(value), SqlType::Time) => Value::Time(text::parse_time(value).ok_or_else(refused)?),
        (Json::String(value), SqlType::Timestamp) => {
            Value::Timestamp(text::parse_timestamp(value).ok_or_else(refused)?)
        }
        (Json::Array(items), SqlType::Array(item)) => {
            Value::Array(items.iter().map(|json| value(json, item)).collect::<Result<_, _>>()?)
        }
        (Json::Object(entries), SqlType::Map(key, item)) if **key == SqlType::String => {
            let entry = |(key, json): (&String, &Json)| Ok((Value::String(key.clone()), value(json, item)?));
            Value::Map(entries.iter().map(entry).collect::<Result<_, Failure>>()?)
        }
        (Json::Object(fields), SqlType::Struct(of)) => {
            let field =
                |(name, ty): &(String, SqlType)| find(name, fields).map_or(Ok(Value::Null), |json| value(json, ty));
            Value::Struct(of.iter().map(field).collect::<Result<_, _>>()?)
        }
        _ => return Err(refused()),
    })
}

/// Rounds half up to the column's scale; too many whole digits are refused.
fn decimal(digits: &str, ty: &SqlType) -> Option<Value> {
    let SqlType::Decimal { precision, scale } = ty else { return None };
    let (unscaled, from) = text::parse_decimal(digits)?;
    let unscaled = text::rescale_half_up(unscaled, from, i32::from(*scale))?;
    let limit = 10_i128.checked_pow(u32::from(*precision))?;
    (unscaled.unsigned_abs() < limit.unsigned_abs()).then_some(Value::Decimal(unscaled, *scale))
}

/// The class Java would have read the JSON as.
fn class_name(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "java.lang.Boolean",
        Json::Number(number) if number.as_i64().is_some_and(|value| i32::try_from(value).is_ok()) => {
            "java.lang.Integer"
        }
        Json::Number(number) if number.as_i64().is_some() => "java.lang.Long",
        Json::Number(_) => "java.lang.Double",
        Json::String(_) => "java.lang.String",
        Json::Array(_) => "io.vertx.core.json.JsonArray",
        Json::Object(_) => "io.vertx.core.json.JsonObject",
    }
}
