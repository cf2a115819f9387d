//! Rows of columns as messages. The columns' types are looked at once for all rows.

use std::ops::Range;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array,
    StringArray, Time32MillisecondArray, TimestampMillisecondArray, cast::AsArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, TimeUnit};

use super::super::FormatError;
use super::wire::{self, WireType};
use crate::types::text;

/// Writes rows as messages; the first column is field 1.
pub struct MessageWriter<'a> {
    fields: Vec<FieldWriter<'a>>,
}

impl<'a> MessageWriter<'a> {
    /// A writer of rows of these columns, which must be of Arrow types of [`crate::types::SqlType::to_arrow`] (others are
    /// left out).
    pub fn new(columns: impl IntoIterator<Item = &'a ArrayRef>) -> Self {
        Self { fields: columns.into_iter().map(FieldWriter::new).collect() }
    }

    /// Appends the message of a row.
    ///
    /// # Errors
    /// The row holds an ARRAY with a NULL or a MAP in it. What was appended by then is to be thrown away.
    pub fn write(&self, row: usize, out: &mut Vec<u8>) -> Result<(), FormatError> {
        (1..).zip(&self.fields).try_for_each(|(number, field)| field.write(number, row, out))
    }
}

/// A column as a field.
struct FieldWriter<'a> {
    nulls: Option<&'a NullBuffer>,
    typed: Typed<'a>,
}

enum Typed<'a> {
    Boolean(&'a BooleanArray),
    Int(&'a Int32Array),
    Long(&'a Int64Array),
    Double(&'a Float64Array),
    String(&'a StringArray),
    Bytes(&'a BinaryArray),
    Decimal(&'a Decimal128Array, i8),
    Time(&'a Time32MillisecondArray),
    Date(&'a Date32Array),
    Timestamp(&'a TimestampMillisecondArray),
    Struct(MessageWriter<'a>),
    List {
        offsets: &'a OffsetBuffer<i32>,
        items: Box<FieldWriter<'a>>,
    },
    /// The entries are messages of two fields.
    Map {
        offsets: &'a OffsetBuffer<i32>,
        entry: MessageWriter<'a>,
    },
    Nothing,
}

impl<'a> FieldWriter<'a> {
    fn new(column: &'a ArrayRef) -> Self {
        let typed = match column.data_type() {
            DataType::Boolean => Typed::Boolean(column.as_boolean()),
            DataType::Int32 => Typed::Int(column.as_primitive()),
            DataType::Int64 => Typed::Long(column.as_primitive()),
            DataType::Float64 => Typed::Double(column.as_primitive()),
            DataType::Utf8 => Typed::String(column.as_string()),
            DataType::Binary => Typed::Bytes(column.as_binary()),
            DataType::Decimal128(_, scale) => Typed::Decimal(column.as_primitive(), *scale),
            DataType::Time32(TimeUnit::Millisecond) => Typed::Time(column.as_primitive()),
            DataType::Date32 => Typed::Date(column.as_primitive()),
            DataType::Timestamp(TimeUnit::Millisecond, _) => Typed::Timestamp(column.as_primitive()),
            DataType::Struct(_) => Typed::Struct(MessageWriter::new(column.as_struct().columns())),
            DataType::List(_) => {
                let list = column.as_list::<i32>();
                Typed::List { offsets: list.offsets(), items: Box::new(Self::new(list.values())) }
            }
            DataType::Map(..) => {
                let map = column.as_map();
                Typed::Map { offsets: map.offsets(), entry: MessageWriter::new(map.entries().columns()) }
            }
            _ => Typed::Nothing,
        };
        Self { nulls: column.nulls(), typed }
    }

    fn is_null(&self, row: usize) -> bool {
        self.nulls.is_some_and(|nulls| nulls.is_null(row))
    }

    /// Appends the field, unless it is NULL or its type's default.
    fn write(&self, number: u32, row: usize, out: &mut Vec<u8>) -> Result<(), FormatError> {
        if self.is_null(row) || self.is_default(row) {
            return Ok(());
        }
        match &self.typed {
            Typed::List { offsets, items } => items.write_repeated(number, range(offsets, row), out),
            Typed::Map { offsets, entry } => range(offsets, row).try_for_each(|at| {
                wire::tag(number, WireType::Delimited, out);
                wire::delimited(out, |out| entry.write(at, out))
            }),
            _ => {
                wire::tag(number, self.wire_type(), out);
                self.write_value(row, out)
            }
        }
    }

    /// Appends a `repeated` field; numbers share one.
    fn write_repeated(&self, number: u32, mut rows: Range<usize>, out: &mut Vec<u8>) -> Result<(), FormatError> {
        if rows.is_empty() {
            return Ok(());
        }
        if rows.clone().any(|row| self.is_null(row)) {
            return Err(FormatError::Encode("Protobuf cannot hold an ARRAY with a NULL in it.".to_owned()));
        }
        if self.wire_type() != WireType::Delimited {
            wire::tag(number, WireType::Delimited, out);
            return wire::delimited(out, |out| rows.try_for_each(|row| self.write_value(row, out)));
        }
        rows.try_for_each(|row| {
            wire::tag(number, WireType::Delimited, out);
            self.write_value(row, out)
        })
    }

    /// Whether a field of that value is not written. Messages are.
    fn is_default(&self, row: usize) -> bool {
        match &self.typed {
            Typed::Boolean(values) => !values.value(row),
            Typed::Int(values) => values.value(row) == 0,
            Typed::Long(values) => values.value(row) == 0,
            // -0.0 is another value than the default.
            Typed::Double(values) => values.value(row).to_bits() == 0,
            Typed::String(values) => values.value(row).is_empty(),
            Typed::Bytes(values) => values.value(row).is_empty(),
            Typed::Nothing => true,
            _ => false,
        }
    }

    fn wire_type(&self) -> WireType {
        match &self.typed {
            Typed::Boolean(_) | Typed::Int(_) | Typed::Long(_) => WireType::Varint,
            Typed::Double(_) => WireType::Fixed64,
            _ => WireType::Delimited,
        }
    }

    /// Appends the value without what stands before it.
    fn write_value(&self, row: usize, out: &mut Vec<u8>) -> Result<(), FormatError> {
        match &self.typed {
            Typed::Boolean(values) => wire::varint(u64::from(values.value(row)), out),
            Typed::Int(values) => wire::signed(i64::from(values.value(row)), out),
            Typed::Long(values) => wire::signed(values.value(row), out),
            Typed::Double(values) => out.extend_from_slice(&values.value(row).to_le_bytes()),
            Typed::String(values) => wire::bytes(values.value(row).as_bytes(), out),
            Typed::Bytes(values) => wire::bytes(values.value(row), out),
            Typed::Decimal(values, scale) => wire::delimited(out, |out| decimal(values.value(row), *scale, out)),
            Typed::Time(values) => wire::delimited(out, |out| time_of_day(values.value(row), out)),
            Typed::Date(values) => wire::delimited(out, |out| date(values.value(row), out)),
            Typed::Timestamp(values) => wire::delimited(out, |out| timestamp(values.value(row), out)),
            Typed::Struct(message) => return wire::delimited(out, |out| message.write(row, out)),
            Typed::List { .. } | Typed::Map { .. } => {
                return Err(FormatError::Encode("Protobuf cannot hold an ARRAY of MAPs or ARRAYs.".to_owned()));
            }
            Typed::Nothing => {}
        }
        Ok(())
    }
}

fn range(offsets: &OffsetBuffer<i32>, row: usize) -> Range<usize> {
    offsets[row] as usize..offsets[row + 1] as usize
}

/// `confluent.type.Decimal`
fn decimal(unscaled: i128, scale: i8, out: &mut Vec<u8>) {
    let bytes = unscaled.to_be_bytes();
    // The sign takes one bit.
    let bits = 129 - if unscaled < 0 { unscaled.leading_ones() } else { unscaled.leading_zeros() };
    let used = bits.div_ceil(8) as usize;
    wire::tag(1, WireType::Delimited, out);
    wire::bytes(&bytes[bytes.len() - used..], out);
    let precision = unscaled.unsigned_abs().checked_ilog10().unwrap_or(0) + 1;
    wire::number_field(2, i64::from(precision), out);
    wire::number_field(3, i64::from(scale), out);
}

/// `google.type.TimeOfDay`
fn time_of_day(millis: i32, out: &mut Vec<u8>) {
    let seconds = millis / 1000;
    let parts = [seconds / 3600, seconds / 60 % 60, seconds % 60, millis % 1000 * 1_000_000];
    (1..).zip(parts).for_each(|(number, part)| wire::number_field(number, i64::from(part), out));
}

/// `google.type.Date`
fn date(days: i32, out: &mut Vec<u8>) {
    let (year, month, day) = text::civil(i64::from(days));
    let parts = [year, i64::from(month), i64::from(day)];
    (1..).zip(parts).for_each(|(number, part)| wire::number_field(number, part, out));
}

/// `google.protobuf.Timestamp`
fn timestamp(millis: i64, out: &mut Vec<u8>) {
    wire::number_field(1, millis.div_euclid(1000), out);
    wire::number_field(2, millis.rem_euclid(1000) * 1_000_000, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{SqlType, Value};

    fn message(columns: &[(SqlType, Value)]) -> Result<Vec<u8>, String> {
        let columns: Vec<ArrayRef> =
            columns.iter().map(|(ty, value)| Value::column(ty, std::slice::from_ref(value))).collect();
        let mut out = Vec::new();
        MessageWriter::new(&columns).write(0, &mut out).map(|()| out).map_err(|error| error.to_string())
    }

    fn field(ty: SqlType, value: Value) -> Vec<u8> {
        message(&[(ty, value)]).unwrap()
    }

    #[test]
    fn fields_are_numbered_by_position_and_defaults_left_out() {
        let row = [
            (SqlType::Integer, Value::Integer(123)),
            (SqlType::Double, Value::Double(234.0)),
            (SqlType::String, Value::Null),
            (SqlType::Bigint, Value::Bigint(0)),
            (SqlType::Boolean, Value::Boolean(true)),
            (SqlType::Double, Value::Double(-0.0)),
            (SqlType::String.array_of(), Value::Array(vec![Value::String("hello".to_owned())])),
        ];
        let expected = b"\x08\x7b\x11\0\0\0\0\0\x40\x6d\x40\x28\x01\x31\0\0\0\0\0\0\0\x80\x3a\x05hello";
        assert_eq!(message(&row).unwrap(), expected);
        assert_eq!(field(SqlType::Integer, Value::Integer(-1)), b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
        assert_eq!(field(SqlType::Bytes, Value::Bytes(vec![0])), [0x0a, 1, 0]);
        assert!(field(SqlType::String, Value::String(String::new())).is_empty());
        assert!(field(SqlType::Integer.array_of(), Value::Array(Vec::new())).is_empty());
    }

    #[test]
    fn decimals_are_the_fewest_bytes_of_the_unscaled_value() {
        let decimal = |unscaled| field(SqlType::Decimal { precision: 38, scale: 2 }, Value::Decimal(unscaled, 2));
        assert_eq!(decimal(1250), [0x0a, 8, 0x0a, 2, 0x04, 0xe2, 0x10, 4, 0x18, 2]);
        assert_eq!(decimal(0), [0x0a, 7, 0x0a, 1, 0, 0x10, 1, 0x18, 2]);
        assert_eq!(decimal(-1), [0x0a, 7, 0x0a, 1, 0xff, 0x10, 1, 0x18, 2]);
        assert_eq!(decimal(128)[..6], [0x0a, 8, 0x0a, 2, 0x00, 0x80]);
        assert_eq!(decimal(-128)[..6], [0x0a, 7, 0x0a, 1, 0x80, 0x10]);
        assert_eq!(decimal(10_i128.pow(38) - 1)[2..4], [0x0a, 16]);
    }

    #[test]
    fn times_are_messages_even_when_zero() {
        assert_eq!(field(SqlType::Time, Value::Time(0)), [0x0a, 0]);
        let time = field(SqlType::Time, Value::Time(14_706_007));
        assert_eq!(time, [0x0a, 11, 8, 4, 16, 5, 24, 6, 32, 0xc0, 0x9f, 0xab, 0x03]);
        assert_eq!(field(SqlType::Date, Value::Date(18661)), [0x0a, 7, 8, 0xe5, 0x0f, 16, 2, 24, 3]);
        assert_eq!(field(SqlType::Timestamp, Value::Timestamp(1001)), [0x0a, 6, 8, 1, 16, 0xc0, 0x84, 0x3d]);
        // Nanoseconds count up from the second before.
        let before = field(SqlType::Timestamp, Value::Timestamp(-1));
        assert_eq!(before[..13], [0x0a, 17, 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]);
        assert_eq!(before[13..], [16, 0xc0, 0x8f, 0xae, 0xdc, 0x03]);
    }

    #[test]
    fn nested_values_are_messages_and_numbers_are_packed() {
        let numbers = Value::Array(vec![Value::Integer(0), Value::Integer(300)]);
        assert_eq!(field(SqlType::Integer.array_of(), numbers), [0x0a, 3, 0, 0xac, 0x02]);
        let inner = SqlType::Struct(vec![("X".to_owned(), SqlType::Integer), ("Z".to_owned(), SqlType::String)]);
        let value = |x, z: &str| Value::Struct(vec![Value::Integer(x), Value::String(z.to_owned())]);
        assert_eq!(field(inner.clone(), value(1, "w")), b"\x0a\x05\x08\x01\x12\x01w");
        assert_eq!(field(inner.clone(), value(0, "")), [0x0a, 0]);
        assert_eq!(
            field(inner.clone().array_of(), Value::Array(vec![value(0, ""), value(2, "")])),
            [10, 0, 10, 2, 8, 2]
        );
        let map = SqlType::Map(Box::new(SqlType::String), Box::new(SqlType::Integer));
        let entries =
            vec![(Value::String("a".to_owned()), Value::Integer(1)), (Value::String("b".to_owned()), Value::Null)];
        assert_eq!(field(map, Value::Map(entries)), b"\x0a\x05\x0a\x01a\x10\x01\x0a\x03\x0a\x01b");
    }

    #[test]
    fn what_protobuf_cannot_hold_is_an_error_of_its_row() {
        let with_null = message(&[(SqlType::Integer.array_of(), Value::Array(vec![Value::Null]))]);
        assert!(with_null.unwrap_err().contains("NULL"));
        let maps = SqlType::Map(Box::new(SqlType::String), Box::new(SqlType::Integer)).array_of();
        assert!(message(&[(maps.clone(), Value::Array(vec![Value::Map(Vec::new())]))]).is_err());
        assert!(message(&[(maps, Value::Array(Vec::new()))]).unwrap().is_empty());
    }
}
