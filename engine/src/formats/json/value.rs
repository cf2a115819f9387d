//! Arrow values as JSON text, in the dialects of ksqlDB.

use arrow::array::{
    Array, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array, StringArray,
    StructArray, Time32MillisecondArray, TimestampMillisecondArray, cast::AsArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, TimeUnit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::escape::{Surrogates, write_string};
use crate::types::text;

/// Who reads the JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::formats) enum Dialect {
    /// Records in Kafka: times are numbers.
    Record,
    /// As [`Dialect::Record`], but maps are arrays of `{"key": …, "value": …}`.
    Registered,
    /// Rows of the REST API: times are texts.
    Rest,
    /// Inside a STRUCT of a REST row: times are numbers, and decimals went through a double.
    RestStruct,
}

/// A column, typed once for all of its rows.
pub(in crate::formats) struct ValueWriter<'a> {
    nulls: Option<&'a NullBuffer>,
    typed: Typed<'a>,
}

enum Typed<'a> {
    Null,
    Boolean(&'a BooleanArray),
    Int(&'a Int32Array),
    Long(&'a Int64Array),
    Double(&'a Float64Array),
    Decimal {
        values: &'a Decimal128Array,
        scale: i8,
        through_double: bool,
    },
    String(&'a StringArray),
    Bytes(&'a BinaryArray),
    Time(&'a Time32MillisecondArray, Times),
    Date(&'a Date32Array, Times),
    Timestamp(&'a TimestampMillisecondArray, Times),
    List {
        offsets: &'a OffsetBuffer<i32>,
        items: Box<ValueWriter<'a>>,
    },
    Map {
        offsets: &'a OffsetBuffer<i32>,
        keys: Box<ValueWriter<'a>>,
        values: Box<ValueWriter<'a>>,
        as_entries: bool,
    },
    /// Each field with what stands before its value: `{"A":`, then `,"B":`.
    Struct(Vec<(String, ValueWriter<'a>)>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Times {
    Number,
    Text,
}

impl<'a> ValueWriter<'a> {
    /// A writer of the rows of `column`, which must be of an Arrow type of [`crate::types::SqlType::to_arrow`] (others
    /// are written as null).
    pub(in crate::formats) fn new(column: &'a dyn Array, dialect: Dialect) -> Self {
        let times = if dialect == Dialect::Rest { Times::Text } else { Times::Number };
        let typed = match column.data_type() {
            DataType::Boolean => Typed::Boolean(column.as_boolean()),
            DataType::Int32 => Typed::Int(column.as_primitive()),
            DataType::Int64 => Typed::Long(column.as_primitive()),
            DataType::Float64 => Typed::Double(column.as_primitive()),
            DataType::Decimal128(_, scale) => Typed::Decimal {
                values: column.as_primitive(),
                scale: *scale,
                through_double: dialect == Dialect::RestStruct,
            },
            DataType::Utf8 => Typed::String(column.as_string()),
            DataType::Binary => Typed::Bytes(column.as_binary()),
            DataType::Time32(TimeUnit::Millisecond) => Typed::Time(column.as_primitive(), times),
            DataType::Date32 => Typed::Date(column.as_primitive(), times),
            DataType::Timestamp(TimeUnit::Millisecond, _) => Typed::Timestamp(column.as_primitive(), times),
            DataType::List(_) => {
                let list = column.as_list::<i32>();
                Typed::List { offsets: list.offsets(), items: Box::new(Self::new(list.values(), dialect)) }
            }
            DataType::Map(_, _) => {
                let map = column.as_map();
                Typed::Map {
                    offsets: map.offsets(),
                    keys: Box::new(Self::new(map.keys(), dialect)),
                    values: Box::new(Self::new(map.values(), dialect)),
                    as_entries: dialect == Dialect::Registered,
                }
            }
            DataType::Struct(_) => Typed::Struct(struct_writers(column.as_struct(), dialect)),
            _ => Typed::Null,
        };
        Self { nulls: column.nulls(), typed }
    }

    /// Whether the row is NULL.
    pub(in crate::formats) fn is_null(&self, row: usize) -> bool {
        self.nulls.is_some_and(|nulls| nulls.is_null(row))
    }

    /// Appends the value of a row.
    pub(in crate::formats) fn write(&self, row: usize, out: &mut String) {
        if self.is_null(row) {
            return out.push_str("null");
        }
        match &self.typed {
            Typed::Null => out.push_str("null"),
            Typed::Boolean(values) => out.push_str(if values.value(row) { "true" } else { "false" }),
            Typed::Int(values) => write_integer(values.value(row), out),
            Typed::Long(values) => write_integer(values.value(row), out),
            Typed::Double(values) => write_double(values.value(row), out),
            Typed::Decimal { values, scale, through_double: false } => {
                text::plain_decimal(values.value(row), *scale, out);
            }
            Typed::Decimal { values, scale, through_double: true } => {
                let mut digits = String::new();
                text::plain_decimal(values.value(row), *scale, &mut digits);
                write_double(digits.parse().unwrap_or(f64::NAN), out);
            }
            Typed::String(values) => write_string(values.value(row), Surrogates::Escaped, out),
            Typed::Bytes(values) => {
                out.push('"');
                STANDARD.encode_string(values.value(row), out);
                out.push('"');
            }
            Typed::Time(values, Times::Number) => write_integer(values.value(row), out),
            Typed::Date(values, Times::Number) => write_integer(values.value(row), out),
            Typed::Timestamp(values, Times::Number) => write_integer(values.value(row), out),
            Typed::Time(values, Times::Text) => quoted(out, |out| text::time(values.value(row), out)),
            Typed::Date(values, Times::Text) => quoted(out, |out| text::date(values.value(row), out)),
            Typed::Timestamp(values, Times::Text) => quoted(out, |out| text::timestamp(values.value(row), out)),
            Typed::List { offsets, items } => {
                out.push('[');
                for (i, item) in range(offsets, row).enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    items.write(item, out);
                }
                out.push(']');
            }
            Typed::Map { offsets, keys, values, as_entries: true } => {
                write_entries(range(offsets, row), keys, values, out);
            }
            Typed::Map { offsets, keys, values, as_entries: false } => {
                out.push('{');
                for (i, entry) in range(offsets, row).enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    keys.write_key(entry, out);
                    out.push(':');
                    values.write(entry, out);
                }
                out.push('}');
            }
            Typed::Struct(fields) if fields.is_empty() => out.push_str("{}"),
            Typed::Struct(fields) => {
                for (before, field) in fields {
                    out.push_str(before);
                    field.write(row, out);
                }
                out.push('}');
            }
        }
    }

    /// Appends a map's key, in quotes whatever its type.
    fn write_key(&self, row: usize, out: &mut String) {
        if matches!(self.typed, Typed::String(_)) && !self.is_null(row) {
            return self.write(row, out);
        }
        let mut key = String::new();
        self.write(row, &mut key);
        write_string(key.trim_matches('"'), Surrogates::Escaped, out);
    }
}

fn struct_writers(column: &StructArray, dialect: Dialect) -> Vec<(String, ValueWriter<'_>)> {
    let inner = if dialect == Dialect::Rest { Dialect::RestStruct } else { dialect };
    let names = column.fields().iter().map(|field| field.name().as_str());
    field_prefixes(names).into_iter().zip(column.columns().iter().map(|field| ValueWriter::new(field, inner))).collect()
}

/// Appends a map as an array of `{"key": …, "value": …}`.
fn write_entries(entries: std::ops::Range<usize>, keys: &ValueWriter<'_>, values: &ValueWriter<'_>, out: &mut String) {
    out.push('[');
    for (i, entry) in entries.enumerate() {
        out.push_str(if i > 0 { ",{\"key\":" } else { "{\"key\":" });
        keys.write(entry, out);
        out.push_str(",\"value\":");
        values.write(entry, out);
        out.push('}');
    }
    out.push(']');
}

/// Appends a text as a JSON string.
pub(in crate::formats) fn write_json_string(text: &str, out: &mut String) {
    write_string(text, Surrogates::Plain, out);
}

/// What stands before each field's value: `{"A":`, then `,"B":`.
pub(super) fn field_prefixes<'n>(names: impl Iterator<Item = &'n str>) -> Vec<String> {
    names
        .enumerate()
        .map(|(i, name)| {
            let mut prefix = String::from(if i == 0 { "{" } else { "," });
            write_string(name, Surrogates::Escaped, &mut prefix);
            prefix.push(':');
            prefix
        })
        .collect()
}

fn range(offsets: &OffsetBuffer<i32>, row: usize) -> std::ops::Range<usize> {
    offsets[row] as usize..offsets[row + 1] as usize
}

fn write_integer(value: impl itoa::Integer, out: &mut String) {
    out.push_str(itoa::Buffer::new().format(value));
}

/// JSON has no NaN and no infinity; Jackson writes them as strings.
fn write_double(value: f64, out: &mut String) {
    if value.is_finite() {
        text::java_double(value, out);
    } else {
        quoted(out, |out| text::java_double(value, out));
    }
}

fn quoted(out: &mut String, write: impl FnOnce(&mut String)) {
    out.push('"');
    write(out);
    out.push('"');
}
