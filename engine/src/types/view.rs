//! The values of a column where they lie: equality, order and hash are those of [`Value`],
//! without making one.

use std::cmp::Ordering;
use std::fmt::Write;
use std::hash::Hasher;
use std::ops::Range;

use arrow::array::{Array, AsArray, BinaryArray, BooleanArray, StringArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Fields, Float64Type, Int32Type, Int64Type, Time32MillisecondType, TimeUnit,
    TimestampMillisecondType,
};

use super::value::compare_decimals;
use super::{SqlType, Value, text};

/// A column, downcast once. Rows are counted from the start of the (perhaps sliced) array.
#[derive(Debug)]
pub struct View<'a> {
    nulls: Option<&'a NullBuffer>,
    pub(super) values: Values<'a>,
}

/// Values, those of NULL rows too.
#[derive(Debug)]
pub(super) enum Values<'a> {
    Boolean(&'a BooleanArray),
    Integer(&'a [i32]),
    Bigint(&'a [i64]),
    Double(&'a [f64]),
    Decimal(&'a [i128], i8),
    String(&'a StringArray),
    Bytes(&'a BinaryArray),
    Time(&'a [i32]),
    Date(&'a [i32]),
    Timestamp(&'a [i64]),
    /// Offsets and items.
    Array(&'a [i32], Box<View<'a>>),
    /// Offsets, keys and values.
    Map(&'a [i32], Box<View<'a>>, Box<View<'a>>),
    Struct(&'a Fields, Vec<View<'a>>),
    /// A column of NULLs without a type.
    Nothing,
}

impl<'a> View<'a> {
    /// Of a column of one of the Arrow types of [`SqlType::to_arrow`]; any other one reads as
    /// all NULL.
    pub fn new(array: &'a dyn Array) -> Self {
        let values = match array.data_type() {
            DataType::Boolean => Values::Boolean(array.as_boolean()),
            DataType::Int32 => Values::Integer(array.as_primitive::<Int32Type>().values()),
            DataType::Int64 => Values::Bigint(array.as_primitive::<Int64Type>().values()),
            DataType::Float64 => Values::Double(array.as_primitive::<Float64Type>().values()),
            DataType::Decimal128(_, scale) => Values::Decimal(array.as_primitive::<Decimal128Type>().values(), *scale),
            DataType::Utf8 => Values::String(array.as_string::<i32>()),
            DataType::Binary => Values::Bytes(array.as_binary::<i32>()),
            DataType::Time32(TimeUnit::Millisecond) => {
                Values::Time(array.as_primitive::<Time32MillisecondType>().values())
            }
            DataType::Date32 => Values::Date(array.as_primitive::<Date32Type>().values()),
            DataType::Timestamp(TimeUnit::Millisecond, _) => {
                Values::Timestamp(array.as_primitive::<TimestampMillisecondType>().values())
            }
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                Values::Array(list.value_offsets(), Box::new(Self::new(list.values())))
            }
            DataType::Map(..) => {
                let map = array.as_map();
                let (keys, values) = (Self::new(map.keys()), Self::new(map.values()));
                Values::Map(map.value_offsets(), Box::new(keys), Box::new(values))
            }
            DataType::Struct(fields) => {
                Values::Struct(fields, array.as_struct().columns().iter().map(|field| Self::new(field)).collect())
            }
            _ => Values::Nothing,
        };
        Self { nulls: array.nulls(), values }
    }

    /// Whether the value of that row is NULL.
    pub fn is_null(&self, row: usize) -> bool {
        match self.nulls {
            Some(nulls) => nulls.is_null(row),
            None => matches!(self.values, Values::Nothing),
        }
    }

    /// The text of a row; none if it is NULL or the column is of another type.
    pub fn text(&self, row: usize) -> Option<&'a str> {
        match &self.values {
            Values::String(texts) if !self.is_null(row) => Some(texts.value(row)),
            _ => None,
        }
    }

    /// Whether a value equals that of a row of another column; NULL equals NULL.
    pub fn equals(&self, row: usize, other: &Self, at: usize) -> bool {
        match (self.is_null(row), other.is_null(at)) {
            (false, false) => self.same(row, other, at),
            (left, right) => left == right,
        }
    }

    fn same(&self, row: usize, other: &Self, at: usize) -> bool {
        match (&self.values, &other.values) {
            (Values::Boolean(a), Values::Boolean(b)) => a.value(row) == b.value(at),
            (Values::Integer(a), Values::Integer(b))
            | (Values::Time(a), Values::Time(b))
            | (Values::Date(a), Values::Date(b)) => a[row] == b[at],
            (Values::Bigint(a), Values::Bigint(b)) | (Values::Timestamp(a), Values::Timestamp(b)) => a[row] == b[at],
            (Values::Double(a), Values::Double(b)) => text::java_compare_doubles(a[row], b[at]) == Ordering::Equal,
            (Values::Decimal(a, i), Values::Decimal(b, j)) => a[row] == b[at] && i == j,
            (Values::String(a), Values::String(b)) => a.value(row) == b.value(at),
            (Values::Bytes(a), Values::Bytes(b)) => a.value(row) == b.value(at),
            (Values::Array(a, items), Values::Array(b, others)) => {
                let (a, b) = (range(a, row), range(b, at));
                a.len() == b.len() && a.zip(b).all(|(i, j)| items.equals(i, others, j))
            }
            (Values::Map(a, keys, values), Values::Map(b, other_keys, other_values)) => {
                let (a, b) = (range(a, row), range(b, at));
                a.len() == b.len()
                    && a.zip(b.clone()).all(|(i, same_place)| {
                        let is_here = |j: &usize| keys.equals(i, other_keys, *j);
                        let found = if is_here(&same_place) { Some(same_place) } else { b.clone().find(is_here) };
                        found.is_some_and(|j| values.equals(i, other_values, j))
                    })
            }
            (Values::Struct(_, a), Values::Struct(_, b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equals(row, b, at))
            }
            _ => false,
        }
    }

    /// Order of a value and that of a row of another column, as [`Value::compare`].
    pub fn compare(&self, row: usize, other: &Self, at: usize) -> Option<Ordering> {
        if self.is_null(row) || other.is_null(at) {
            return None;
        }
        match (&self.values, &other.values) {
            (Values::Boolean(a), Values::Boolean(b)) => Some(a.value(row).cmp(&b.value(at))),
            (Values::Integer(a), Values::Integer(b))
            | (Values::Time(a), Values::Time(b))
            | (Values::Date(a), Values::Date(b)) => Some(a[row].cmp(&b[at])),
            (Values::Bigint(a), Values::Bigint(b)) | (Values::Timestamp(a), Values::Timestamp(b)) => {
                Some(a[row].cmp(&b[at]))
            }
            (Values::Double(a), Values::Double(b)) => Some(text::java_compare_doubles(a[row], b[at])),
            (Values::Decimal(a, i), Values::Decimal(b, j)) if i == j => Some(a[row].cmp(&b[at])),
            (Values::Decimal(a, i), Values::Decimal(b, j)) => compare_decimals((a[row], *i), (b[at], *j)),
            (Values::String(a), Values::String(b)) => Some(text::java_compare(a.value(row), b.value(at))),
            (Values::Bytes(a), Values::Bytes(b)) => Some(text::java_compare_bytes(a.value(row), b.value(at))),
            _ => None,
        }
    }

    /// Order of a value and one on its own, as [`Value::compare`].
    pub fn compare_value(&self, row: usize, other: &Value) -> Option<Ordering> {
        if self.is_null(row) {
            return None;
        }
        match (&self.values, other) {
            (Values::Boolean(a), Value::Boolean(b)) => Some(a.value(row).cmp(b)),
            (Values::Integer(a), Value::Integer(b))
            | (Values::Time(a), Value::Time(b))
            | (Values::Date(a), Value::Date(b)) => Some(a[row].cmp(b)),
            (Values::Bigint(a), Value::Bigint(b)) | (Values::Timestamp(a), Value::Timestamp(b)) => Some(a[row].cmp(b)),
            (Values::Double(a), Value::Double(b)) => Some(text::java_compare_doubles(a[row], *b)),
            (Values::Decimal(a, i), Value::Decimal(b, j)) => compare_decimals((a[row], *i), (*b, *j)),
            (Values::String(a), Value::String(b)) => Some(text::java_compare(a.value(row), b)),
            (Values::Bytes(a), Value::Bytes(b)) => Some(text::java_compare_bytes(a.value(row), b)),
            _ => None,
        }
    }

    /// Feeds a value to a hasher: equal values of columns of one type feed the same.
    pub fn hash(&self, row: usize, state: &mut impl Hasher) {
        if self.is_null(row) {
            return state.write_u8(0);
        }
        match &self.values {
            Values::Boolean(a) => state.write_u8(1 + u8::from(a.value(row))),
            Values::Integer(a) | Values::Time(a) | Values::Date(a) => state.write_i32(a[row]),
            Values::Bigint(a) | Values::Timestamp(a) => state.write_i64(a[row]),
            Values::Double(a) => state.write_u64(if a[row].is_nan() { u64::MAX } else { a[row].to_bits() }),
            Values::Decimal(a, _) => state.write_i128(a[row]),
            Values::String(a) => write_bytes(a.value(row).as_bytes(), state),
            Values::Bytes(a) => write_bytes(a.value(row), state),
            Values::Array(offsets, items) => {
                let range = range(offsets, row);
                state.write_usize(range.len());
                range.for_each(|i| items.hash(i, state));
            }
            // Entries have no order.
            Values::Map(offsets, ..) => state.write_usize(range(offsets, row).len()),
            Values::Struct(_, fields) => fields.iter().for_each(|field| field.hash(row, state)),
            Values::Nothing => {}
        }
    }

    /// Appends `toString()` of the Java object ksqlDB would hold: `[1, 3]`, `{k=v}`, `Struct{A=bar}`.
    pub fn java_text(&self, row: usize, out: &mut String) {
        if self.is_null(row) {
            return out.push_str("null");
        }
        match &self.values {
            Values::Boolean(a) => out.push_str(if a.value(row) { "true" } else { "false" }),
            Values::Integer(a) => drop(write!(out, "{}", a[row])),
            Values::Bigint(a) => drop(write!(out, "{}", a[row])),
            Values::Double(a) => text::java_double(a[row], out),
            Values::Decimal(a, scale) => text::plain_decimal(a[row], *scale, out),
            Values::String(a) => out.push_str(a.value(row)),
            Values::Bytes(a) => text::java_bytes(a.value(row), out),
            Values::Time(a) => text::time(a[row], out),
            Values::Date(a) => text::date(a[row], out),
            Values::Timestamp(a) => text::timestamp(a[row], out),
            Values::Array(offsets, items) => {
                out.push('[');
                for (i, item) in range(offsets, row).enumerate() {
                    out.push_str(if i > 0 { ", " } else { "" });
                    items.java_text(item, out);
                }
                out.push(']');
            }
            Values::Map(offsets, keys, values) => {
                out.push('{');
                for (i, entry) in range(offsets, row).enumerate() {
                    out.push_str(if i > 0 { ", " } else { "" });
                    keys.java_text(entry, out);
                    out.push('=');
                    values.java_text(entry, out);
                }
                out.push('}');
            }
            Values::Struct(names, fields) => {
                out.push_str("Struct{");
                let present = names.iter().zip(fields).filter(|(_, field)| !field.is_null(row));
                for (i, (name, field)) in present.enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    out.push_str(name.name());
                    out.push('=');
                    field.java_text(row, out);
                }
                out.push('}');
            }
            Values::Nothing => {}
        }
    }

    /// Bytes the values of some rows take in a column.
    pub fn bytes(&self, rows: Range<usize>) -> usize {
        let count = rows.len();
        match &self.values {
            Values::Boolean(_) => count,
            Values::Integer(_) | Values::Time(_) | Values::Date(_) => count * 4,
            Values::Bigint(_) | Values::Double(_) | Values::Timestamp(_) => count * 8,
            Values::Decimal(..) => count * 16,
            Values::String(a) => count * 4 + span(a.value_offsets(), &rows).len(),
            Values::Bytes(a) => count * 4 + span(a.value_offsets(), &rows).len(),
            Values::Array(offsets, items) => count * 4 + items.bytes(span(offsets, &rows)),
            Values::Map(offsets, keys, values) => {
                let entries = span(offsets, &rows);
                count * 4 + keys.bytes(entries.clone()) + values.bytes(entries)
            }
            Values::Struct(_, fields) => fields.iter().map(|field| field.bytes(rows.clone())).sum(),
            Values::Nothing => 0,
        }
    }
}

fn write_bytes(bytes: &[u8], state: &mut impl Hasher) {
    state.write_usize(bytes.len());
    state.write(bytes);
}

/// Where the elements of a row stand.
pub(super) fn range(offsets: &[i32], row: usize) -> Range<usize> {
    offsets[row] as usize..offsets[row + 1] as usize
}

/// What consecutive rows have together.
fn span(offsets: &[i32], rows: &Range<usize>) -> Range<usize> {
    offsets[rows.start] as usize..offsets[rows.end] as usize
}

impl Value {
    /// `toString()` of the Java object ksqlDB would hold.
    pub fn java_text(&self, ty: &SqlType) -> String {
        let column = Self::column(ty, std::slice::from_ref(self));
        let mut out = String::new();
        View::new(&column).java_text(0, &mut out);
        out
    }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;

    use foldhash::fast::FixedState;

    use super::View;
    use crate::types::{SqlType, Value};

    /// Values of a nested type that has all flat types within, some of them equal or nearly so.
    fn samples() -> (SqlType, Vec<Value>) {
        let flat = [
            (SqlType::Boolean, vec![Value::Boolean(false), Value::Boolean(true)]),
            (SqlType::Integer, vec![Value::Integer(-1), Value::Integer(2)]),
            (SqlType::Bigint, vec![Value::Bigint(i64::MIN), Value::Bigint(2)]),
            (SqlType::Double, [0.0, -0.0, 1.5, f64::NAN, -f64::NAN, f64::INFINITY].map(Value::Double).to_vec()),
            (SqlType::Decimal { precision: 5, scale: 2 }, vec![Value::Decimal(150, 2), Value::Decimal(-1, 2)]),
            (SqlType::String, ["", "a", "ab", "\u{1F600}", "\u{FFFD}"].map(|text| Value::String(text.into())).to_vec()),
            (SqlType::Bytes, vec![Value::Bytes(vec![0x80]), Value::Bytes(vec![0x7f]), Value::Bytes(vec![])]),
            (SqlType::Time, vec![Value::Time(1), Value::Time(61_000)]),
            (SqlType::Date, vec![Value::Date(-1), Value::Date(20_000)]),
            (SqlType::Timestamp, vec![Value::Timestamp(-1), Value::Timestamp(0)]),
        ];
        let map_type = SqlType::Map(Box::new(SqlType::String), Box::new(SqlType::Integer));
        let entry = |key: &str, value| (Value::String(key.into()), Value::Integer(value));
        let maps = vec![
            Value::Map(vec![entry("a", 1), entry("b", 2)]),
            Value::Map(vec![entry("b", 2), entry("a", 1)]),
            Value::Map(vec![entry("b", 2), entry("a", 2)]),
            Value::Map(vec![]),
        ];
        let columns: Vec<(SqlType, Vec<Value>)> = flat.into_iter().chain([(map_type, maps)]).collect();
        let fields = columns.iter().enumerate().map(|(i, (ty, _))| (format!("F{i}"), ty.clone().array_of())).collect();
        let mut rows = vec![Value::Null, Value::Struct(vec![Value::Null; columns.len()])];
        for (i, (_, values)) in columns.iter().enumerate() {
            let with = |items: Vec<Value>| {
                let mut row = vec![Value::Null; columns.len()];
                row[i] = Value::Array(items);
                Value::Struct(row)
            };
            rows.push(with(vec![]));
            rows.push(with(vec![Value::Null]));
            rows.extend(values.iter().map(|value| with(vec![value.clone()])));
            rows.push(with(values.clone()));
        }
        (SqlType::Struct(fields), rows)
    }

    fn hash(view: &View<'_>, row: usize) -> u64 {
        let mut hasher = FixedState::default().build_hasher();
        view.hash(row, &mut hasher);
        std::hash::Hasher::finish(&hasher)
    }

    #[test]
    fn a_view_agrees_with_the_values() {
        let (ty, rows) = samples();
        let column = Value::column(&ty, &rows);
        // A view of a slice counts from its start.
        let sliced = column.slice(1, rows.len() - 1);
        let (view, other) = (View::new(&column), View::new(&sliced));
        for (i, a) in rows.iter().enumerate() {
            for (j, b) in rows.iter().skip(1).enumerate() {
                assert_eq!(view.equals(i, &other, j), a == b, "{a:?} = {b:?}");
                assert!(hash(&view, i) == hash(&other, j) || a != b, "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn a_view_orders_as_the_values() {
        let (SqlType::Struct(fields), rows) = samples() else { return };
        for (i, (_, ty)) in fields.iter().enumerate() {
            let SqlType::Array(item) = ty else { continue };
            let items: Vec<Value> = rows
                .iter()
                .filter_map(|row| if let Value::Struct(fields) = row { fields.get(i) } else { None })
                .flat_map(|field| if let Value::Array(items) = field { items.clone() } else { vec![] })
                .collect();
            let column = Value::column(item, &items);
            let view = View::new(&column);
            for (a, left) in items.iter().enumerate() {
                for (b, right) in items.iter().enumerate() {
                    assert_eq!(view.compare(a, &view, b), left.compare(right), "{left:?} {right:?}");
                    assert_eq!(view.compare_value(a, right), left.compare(right), "{left:?} {right:?}");
                }
            }
        }
    }
}
