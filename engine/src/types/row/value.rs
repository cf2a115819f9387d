//! Single values as bytes that say their own type: what aggregates keep.

use super::varint::{get_i128, put_i128, take_byte};
use super::{BadRow, get_i64, get_u64, put_i64, put_u64, take};
use crate::types::Value;

/// Appends a value.
pub fn put_value(value: &Value, into: &mut Vec<u8>) {
    match value {
        Value::Null => into.push(0),
        Value::Boolean(value) => into.extend_from_slice(&[1, u8::from(*value)]),
        Value::Integer(value) => put_number(2, (*value).into(), into),
        Value::Bigint(value) => put_number(3, *value, into),
        Value::Double(value) => {
            into.push(4);
            into.extend_from_slice(&value.to_bits().to_le_bytes());
        }
        Value::Decimal(unscaled, scale) => {
            put_number(5, (*scale).into(), into);
            put_i128(*unscaled, into);
        }
        Value::String(text) => put_bytes(6, text.as_bytes(), into),
        Value::Bytes(bytes) => put_bytes(7, bytes, into),
        Value::Time(value) => put_number(8, (*value).into(), into),
        Value::Date(value) => put_number(9, (*value).into(), into),
        Value::Timestamp(value) => put_number(10, *value, into),
        Value::Array(items) => put_all(11, items, into),
        Value::Map(entries) => {
            into.push(12);
            put_u64(entries.len() as u64, into);
            for (key, value) in entries {
                put_value(key, into);
                put_value(value, into);
            }
        }
        Value::Struct(fields) => put_all(13, fields, into),
    }
}

/// Takes a value off the front.
///
/// # Errors
/// What is there is not one that [`put_value`] wrote.
pub fn get_value(bytes: &mut &[u8]) -> Result<Value, BadRow> {
    Ok(match take_byte(bytes)? {
        0 => Value::Null,
        1 => Value::Boolean(take_byte(bytes)? != 0),
        2 => Value::Integer(get_i32(bytes)?),
        3 => Value::Bigint(get_i64(bytes)?),
        4 => Value::Double(f64::from_bits(take(bytes, 8)?.try_into().map(u64::from_le_bytes).map_err(|_| BadRow)?)),
        5 => {
            let scale = i8::try_from(get_i64(bytes)?).map_err(|_| BadRow)?;
            Value::Decimal(get_i128(bytes)?, scale)
        }
        6 => Value::String(String::from_utf8(get_bytes(bytes)?).map_err(|_| BadRow)?),
        7 => Value::Bytes(get_bytes(bytes)?),
        8 => Value::Time(get_i32(bytes)?),
        9 => Value::Date(get_i32(bytes)?),
        10 => Value::Timestamp(get_i64(bytes)?),
        11 => Value::Array(get_all(bytes)?),
        12 => {
            let n = get_u64(bytes)?;
            Value::Map((0..n).map(|_| Ok((get_value(bytes)?, get_value(bytes)?))).collect::<Result<_, _>>()?)
        }
        13 => Value::Struct(get_all(bytes)?),
        _ => return Err(BadRow),
    })
}

fn put_number(tag: u8, n: i64, into: &mut Vec<u8>) {
    into.push(tag);
    put_i64(n, into);
}

fn put_bytes(tag: u8, bytes: &[u8], into: &mut Vec<u8>) {
    into.push(tag);
    put_u64(bytes.len() as u64, into);
    into.extend_from_slice(bytes);
}

fn put_all(tag: u8, values: &[Value], into: &mut Vec<u8>) {
    into.push(tag);
    put_u64(values.len() as u64, into);
    values.iter().for_each(|value| put_value(value, into));
}

fn get_i32(bytes: &mut &[u8]) -> Result<i32, BadRow> {
    i32::try_from(get_i64(bytes)?).map_err(|_| BadRow)
}

fn get_bytes(bytes: &mut &[u8]) -> Result<Vec<u8>, BadRow> {
    let n = usize::try_from(get_u64(bytes)?).map_err(|_| BadRow)?;
    Ok(take(bytes, n)?.to_vec())
}

fn get_all(bytes: &mut &[u8]) -> Result<Vec<Value>, BadRow> {
    let n = get_u64(bytes)?;
    (0..n).map(|_| get_value(bytes)).collect()
}
