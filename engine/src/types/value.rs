//! One SQL value on its own: literals, keys that are asked for, what aggregates keep.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, Time32MillisecondType, TimeUnit,
    TimestampMillisecondType,
};
use serde::{Deserialize, Serialize};

use super::exact;
use super::text;
use super::text::{java_compare, java_compare_bytes, java_compare_doubles};

/// A value of one of the SQL types, or NULL. Doubles are equal as `Double.equals` says (NaN equals NaN), maps whatever
/// the order of their entries.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Of any type.
    #[default]
    Null,
    /// `TRUE` or `FALSE`.
    Boolean(bool),
    /// 32 bits.
    Integer(i32),
    /// 64 bits.
    Bigint(i64),
    /// 64 bits; NaN and infinities are values.
    Double(#[serde(with = "exact::double")] f64),
    /// Unscaled value and scale.
    Decimal(#[serde(with = "exact::unscaled")] i128, i8),
    /// UTF-8.
    String(String),
    /// As they are.
    Bytes(#[serde(with = "exact::bytes")] Vec<u8>),
    /// Milliseconds of the day.
    Time(i32),
    /// Days since the epoch.
    Date(i32),
    /// Milliseconds since the epoch.
    Timestamp(i64),
    /// The elements, in order.
    Array(Vec<Value>),
    /// The entries, in the order they came.
    Map(Vec<(Value, Value)>),
    /// The fields' values, in the order of the type's fields.
    Struct(Vec<Value>),
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Boolean(a), Self::Boolean(b)) => a == b,
            (Self::Integer(a), Self::Integer(b)) => a == b,
            (Self::Bigint(a), Self::Bigint(b)) => a == b,
            (Self::Double(a), Self::Double(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
            (Self::Decimal(a, i), Self::Decimal(b, j)) => a == b && i == j,
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Time(a), Self::Time(b)) | (Self::Date(a), Self::Date(b)) => a == b,
            (Self::Timestamp(a), Self::Timestamp(b)) => a == b,
            (Self::Array(a), Self::Array(b)) | (Self::Struct(a), Self::Struct(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => {
                a.len() == b.len()
                    && a.iter().zip(b).all(|((key, value), entry)| {
                        let same_place = *key == entry.0;
                        let found = if same_place { Some(entry) } else { b.iter().find(|(other, _)| other == key) };
                        found.is_some_and(|(_, other)| other == value)
                    })
            }
            _ => false,
        }
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Self::Null => {}
            Self::Boolean(value) => value.hash(state),
            Self::Integer(value) | Self::Time(value) | Self::Date(value) => value.hash(state),
            Self::Bigint(value) | Self::Timestamp(value) => value.hash(state),
            Self::Double(value) => if value.is_nan() { 0 } else { value.to_bits() }.hash(state),
            Self::Decimal(value, scale) => (value, scale).hash(state),
            Self::String(value) => value.hash(state),
            Self::Bytes(value) => value.hash(state),
            Self::Array(values) | Self::Struct(values) => values.hash(state),
            // Entries have no order.
            Self::Map(entries) => entries.len().hash(state),
        }
    }
}

impl Value {
    /// Whether it is NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Bytes it takes outside itself (about).
    pub fn heap_bytes(&self) -> usize {
        match self {
            Self::String(text) => text.capacity(),
            Self::Bytes(bytes) => bytes.capacity(),
            Self::Array(values) | Self::Struct(values) => values.iter().map(Self::whole_bytes).sum(),
            Self::Map(entries) => entries.iter().map(|(key, value)| key.whole_bytes() + value.whole_bytes()).sum(),
            _ => 0,
        }
    }

    /// Bytes it takes with itself (about).
    pub fn whole_bytes(&self) -> usize {
        size_of::<Self>() + self.heap_bytes()
    }

    /// The value in a row of a column of one of the Arrow types of [`SqlType::to_arrow`](super::SqlType::to_arrow); NULL for any other array.
    pub fn at(array: &dyn Array, row: usize) -> Value {
        if row >= array.len() || array.is_null(row) {
            return Self::Null;
        }
        match array.data_type() {
            DataType::Boolean => Self::Boolean(array.as_boolean().value(row)),
            DataType::Int32 => Self::Integer(array.as_primitive::<Int32Type>().value(row)),
            DataType::Int64 => Self::Bigint(array.as_primitive::<Int64Type>().value(row)),
            DataType::Float64 => Self::Double(array.as_primitive::<Float64Type>().value(row)),
            DataType::Decimal128(_, scale) => Self::Decimal(array.as_primitive::<Decimal128Type>().value(row), *scale),
            DataType::Utf8 => Self::String(array.as_string::<i32>().value(row).to_owned()),
            DataType::Binary => Self::Bytes(array.as_binary::<i32>().value(row).to_vec()),
            DataType::Time32(TimeUnit::Millisecond) => {
                Self::Time(array.as_primitive::<Time32MillisecondType>().value(row))
            }
            DataType::Date32 => Self::Date(array.as_primitive::<Date32Type>().value(row)),
            DataType::Timestamp(TimeUnit::Millisecond, _) => {
                Self::Timestamp(array.as_primitive::<TimestampMillisecondType>().value(row))
            }
            DataType::List(_) => {
                let items = array.as_list::<i32>().value(row);
                Self::Array((0..items.len()).map(|i| Self::at(&items, i)).collect())
            }
            DataType::Map(..) => {
                let entries = array.as_map().value(row);
                let (keys, values) = (entries.column(0), entries.column(1));
                Self::Map((0..entries.len()).map(|i| (Self::at(keys, i), Self::at(values, i))).collect())
            }
            DataType::Struct(_) => {
                Self::Struct(array.as_struct().columns().iter().map(|field| Self::at(field, row)).collect())
            }
            _ => Self::Null,
        }
    }

    /// Becomes the value in a row of a column, as [`Self::at`]; the room of a text is used again.
    pub fn set(&mut self, array: &dyn Array, row: usize) {
        match self {
            Self::String(text) if array.data_type() == &DataType::Utf8 && array.is_valid(row) => {
                text.clear();
                text.push_str(array.as_string::<i32>().value(row));
            }
            Self::Bytes(bytes) if array.data_type() == &DataType::Binary && array.is_valid(row) => {
                bytes.clear();
                bytes.extend_from_slice(array.as_binary::<i32>().value(row));
            }
            other => *other = Self::at(array, row),
        }
    }

    /// Order of two values of one type that has an order (numbers, text, bytes, times); `None` for others and NULL.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Boolean(a), Self::Boolean(b)) => Some(a.cmp(b)),
            (Self::Integer(a), Self::Integer(b)) => Some(a.cmp(b)),
            (Self::Bigint(a), Self::Bigint(b)) => Some(a.cmp(b)),
            (Self::Double(a), Self::Double(b)) => Some(java_compare_doubles(*a, *b)),
            (Self::Decimal(a, i), Self::Decimal(b, j)) => compare_decimals((*a, *i), (*b, *j)),
            (Self::String(a), Self::String(b)) => Some(java_compare(a, b)),
            (Self::Bytes(a), Self::Bytes(b)) => Some(java_compare_bytes(a, b)),
            (Self::Time(a), Self::Time(b)) | (Self::Date(a), Self::Date(b)) => Some(a.cmp(b)),
            (Self::Timestamp(a), Self::Timestamp(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }
}

pub(super) fn compare_decimals(left: (i128, i8), right: (i128, i8)) -> Option<Ordering> {
    let scale = i32::from(left.1.max(right.1));
    let a = text::rescale_half_up(left.0, i32::from(left.1), scale);
    let b = text::rescale_half_up(right.0, i32::from(right.1), scale);
    match (a, b) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        // Only the larger one can overflow.
        (None, Some(_)) => Some(left.0.cmp(&0)),
        (Some(_), None) => Some(0.cmp(&right.0)),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::SqlType;

    #[test]
    fn a_null_key_becomes_a_text() {
        let ty = SqlType::Map(Box::new(SqlType::String), Box::new(SqlType::Integer));
        let map = |key| Value::Map(vec![(key, Value::Integer(1))]);
        let column = Value::column(&ty, &[map(Value::Null)]);
        assert_eq!(Value::at(&column, 0), map(Value::String("null".into())));
    }

    #[test]
    fn nested_values_survive_a_column() {
        let ty = SqlType::Struct(vec![
            ("A".into(), SqlType::Map(Box::new(SqlType::String), Box::new(SqlType::Integer.array_of()))),
            ("D".into(), SqlType::Decimal { precision: 4, scale: 2 }),
        ]);
        let map = Value::Map(vec![(Value::String("k".into()), Value::Array(vec![Value::Integer(1), Value::Null]))]);
        let rows = [Value::Struct(vec![map, Value::Decimal(150, 2)]), Value::Null, Value::Struct(vec![Value::Null; 2])];
        let column = Value::column(&ty, &rows);
        assert_eq!(column.data_type(), &ty.to_arrow());
        assert_eq!((0..3).map(|i| Value::at(&column, i)).collect::<Vec<_>>(), rows);
        assert_eq!(rows[0].java_text(&ty), "Struct{A={k=[1, null]},D=1.50}");
    }
}
