//! Rows of columns as messages. The columns' types are looked at once for all rows.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array,
    StringArray, Time32MillisecondArray, TimestampMillisecondArray, cast::AsArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, TimeUnit};

use super::super::FormatError;
use super::layout::{FieldLayout, Form};
use super::types::Enum;
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
        let fields = (1..).zip(columns).map(|(number, column)| {
            FieldWriter::new(&FieldLayout::generated(number, column.data_type(), None), column)
        });
        Self { fields: fields.collect() }
    }

    /// A writer of rows of these columns as fields of those layouts, in the order of their numbers, as Protobuf's own
    /// libraries write them.
    pub(super) fn with_layout(layouts: &[FieldLayout], columns: &'a [ArrayRef]) -> Self {
        let fields = layouts.iter().zip(columns).map(|(layout, column)| FieldWriter::new(layout, column));
        let mut fields: Vec<FieldWriter<'a>> = fields.collect();
        fields.sort_by_key(|field| field.number);
        Self { fields }
    }

    /// Appends the message of a row.
    ///
    /// # Errors
    /// The row holds an ARRAY with a NULL or a MAP in it, or a value that its field cannot hold. What was appended by
    /// then is to be thrown away.
    pub fn write(&self, row: usize, out: &mut Vec<u8>) -> Result<(), FormatError> {
        self.fields.iter().try_for_each(|field| field.write(row, out))
    }
}

/// A column as a field.
pub(super) struct FieldWriter<'a> {
    number: u32,
    wire_type: WireType,
    /// Whether a default value is written.
    explicit: bool,
    required: bool,
    nulls: Option<&'a NullBuffer>,
    form: Written,
    typed: Typed<'a>,
}

/// How the value of a field stands in the message, where its type leaves a choice.
#[derive(Clone)]
enum Written {
    Plain,
    Zigzag,
    Fixed32,
    Fixed64,
    Unsigned32,
    Float,
    Enum(Arc<Enum>),
    /// In a message of `google/protobuf/wrappers.proto`.
    Wrapped(Box<Written>),
}

impl Written {
    /// Of a single value, or of each item.
    fn new(form: &Form) -> Self {
        match form {
            Form::Zigzag => Self::Zigzag,
            Form::Fixed32 => Self::Fixed32,
            Form::Fixed64 => Self::Fixed64,
            Form::Unsigned32 => Self::Unsigned32,
            Form::Float => Self::Float,
            Form::Enum(names) => Self::Enum(Arc::clone(names)),
            Form::Wrapped(inner) => Self::Wrapped(Box::new(Self::new(inner))),
            Form::Plain | Form::Message(_) | Form::Repeated { .. } | Form::Map(_) | Form::Oneof(_) => Self::Plain,
        }
    }
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
    /// A STRUCT of which the first field that is not NULL is written.
    Oneof(MessageWriter<'a>),
    List {
        offsets: &'a OffsetBuffer<i32>,
        items: Box<FieldWriter<'a>>,
        packed: bool,
    },
    /// The entries are messages of two fields.
    Map {
        offsets: &'a OffsetBuffer<i32>,
        entry: MessageWriter<'a>,
    },
    Nothing,
}

impl Typed<'_> {
    fn wire_type(&self, form: &Written) -> WireType {
        match (form, self) {
            (Written::Fixed32 | Written::Float, _) => WireType::Fixed32,
            (Written::Fixed64, _) | (_, Self::Double(_)) => WireType::Fixed64,
            (Written::Enum(_), _) | (_, Self::Boolean(_) | Self::Int(_) | Self::Long(_)) => WireType::Varint,
            _ => WireType::Delimited,
        }
    }
}

impl<'a> FieldWriter<'a> {
    pub(super) fn new(layout: &FieldLayout, column: &'a ArrayRef) -> Self {
        let typed = match (column.data_type(), &layout.form) {
            (DataType::Boolean, _) => Typed::Boolean(column.as_boolean()),
            (DataType::Int32, _) => Typed::Int(column.as_primitive()),
            (DataType::Int64, _) => Typed::Long(column.as_primitive()),
            (DataType::Float64, _) => Typed::Double(column.as_primitive()),
            (DataType::Utf8, _) => Typed::String(column.as_string()),
            (DataType::Binary, _) => Typed::Bytes(column.as_binary()),
            (DataType::Decimal128(_, scale), _) => Typed::Decimal(column.as_primitive(), *scale),
            (DataType::Time32(TimeUnit::Millisecond), _) => Typed::Time(column.as_primitive()),
            (DataType::Date32, _) => Typed::Date(column.as_primitive()),
            (DataType::Timestamp(TimeUnit::Millisecond, _), _) => Typed::Timestamp(column.as_primitive()),
            (DataType::Struct(_), Form::Message(fields)) => Typed::Struct(MessageWriter::of_struct(fields, column)),
            (DataType::Struct(_), Form::Oneof(fields)) => Typed::Oneof(MessageWriter::of_struct(fields, column)),
            (DataType::List(_), Form::Repeated { item, packed }) => {
                let list = column.as_list::<i32>();
                let items = Box::new(Self::new(item, list.values()));
                Typed::List { offsets: list.offsets(), items, packed: *packed }
            }
            (DataType::Map(..), Form::Map(entry)) => {
                let map = column.as_map();
                let entry = MessageWriter::with_layout(entry, map.entries().columns());
                Typed::Map { offsets: map.offsets(), entry }
            }
            _ => Typed::Nothing,
        };
        let form = Written::new(&layout.form);
        Self {
            number: layout.number,
            wire_type: match form {
                Written::Wrapped(_) => WireType::Delimited,
                _ => typed.wire_type(&form),
            },
            explicit: layout.explicit,
            required: layout.required,
            nulls: column.nulls(),
            form,
            typed,
        }
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        self.nulls.is_some_and(|nulls| nulls.is_null(row))
    }

    /// Appends the field, unless it is NULL or, where these are left out, its type's default.
    fn write(&self, row: usize, out: &mut Vec<u8>) -> Result<(), FormatError> {
        if self.is_null(row) {
            return if self.required { self.no_null() } else { Ok(()) };
        }
        if !self.explicit && self.is_default(row) {
            return Ok(());
        }
        match &self.typed {
            Typed::List { offsets, items, packed } => items.write_repeated(range(offsets, row), *packed, out),
            Typed::Map { offsets, entry } => range(offsets, row).try_for_each(|at| {
                wire::tag(self.number, WireType::Delimited, out);
                wire::delimited(out, |out| entry.write(at, out))
            }),
            Typed::Oneof(members) => {
                let member = members.fields.iter().find(|member| !member.is_null(row));
                member.map_or(Ok(()), |member| member.write(row, out))
            }
            _ => {
                wire::tag(self.number, self.wire_type, out);
                self.write_value(row, out)
            }
        }
    }

    #[cold]
    fn no_null(&self) -> Result<(), FormatError> {
        let number = self.number;
        Err(FormatError::Encode(format!("NULL has no place in the required field of number {number}")))
    }

    /// Appends a `repeated` field; packed numbers share one.
    fn write_repeated(&self, mut rows: Range<usize>, packed: bool, out: &mut Vec<u8>) -> Result<(), FormatError> {
        if rows.is_empty() {
            return Ok(());
        }
        if rows.clone().any(|row| self.is_null(row)) {
            return Err(FormatError::Encode("Protobuf cannot hold an ARRAY with a NULL in it.".to_owned()));
        }
        if packed && self.wire_type != WireType::Delimited {
            wire::tag(self.number, WireType::Delimited, out);
            return wire::delimited(out, |out| rows.try_for_each(|row| self.write_value(row, out)));
        }
        rows.try_for_each(|row| {
            wire::tag(self.number, self.wire_type, out);
            self.write_value(row, out)
        })
    }

    /// Whether a value is its type's default. Messages are none.
    fn is_default(&self, row: usize) -> bool {
        match &self.typed {
            Typed::Boolean(values) => !values.value(row),
            Typed::Int(values) => values.value(row) == 0,
            Typed::Long(values) => values.value(row) == 0,
            // -0.0 is another value than the default.
            Typed::Double(values) => values.value(row).to_bits() == 0,
            Typed::String(values) => match &self.form {
                Written::Enum(names) => names.number_of(values.value(row)) == Some(0),
                _ => values.value(row).is_empty(),
            },
            Typed::Bytes(values) => values.value(row).is_empty(),
            Typed::Nothing => true,
            _ => false,
        }
    }

    /// Appends the value without what stands before it.
    fn write_value(&self, row: usize, out: &mut Vec<u8>) -> Result<(), FormatError> {
        let Written::Wrapped(form) = &self.form else { return self.write_as(&self.form, row, out) };
        wire::delimited(out, |out| {
            if self.is_default(row) {
                return Ok(());
            }
            wire::tag(1, self.typed.wire_type(form), out);
            self.write_as(form, row, out)
        })
    }

    fn write_as(&self, form: &Written, row: usize, out: &mut Vec<u8>) -> Result<(), FormatError> {
        match &self.typed {
            Typed::Boolean(values) => wire::varint(u64::from(values.value(row)), out),
            Typed::Int(values) => return number(form, i64::from(values.value(row)), out),
            Typed::Long(values) => return number(form, values.value(row), out),
            Typed::Double(values) => match form {
                Written::Float => out.extend_from_slice(&(values.value(row) as f32).to_le_bytes()),
                _ => out.extend_from_slice(&values.value(row).to_le_bytes()),
            },
            Typed::String(values) => match form {
                Written::Enum(names) => return enum_number(names, values.value(row), out),
                _ => wire::bytes(values.value(row).as_bytes(), out),
            },
            Typed::Bytes(values) => wire::bytes(values.value(row), out),
            Typed::Decimal(..) | Typed::Time(_) | Typed::Date(_) | Typed::Timestamp(_) | Typed::Struct(_) => {
                return wire::delimited(out, |out| self.write_message(row, out));
            }
            Typed::List { .. } | Typed::Map { .. } | Typed::Oneof(_) => {
                return Err(FormatError::Encode("Protobuf cannot hold an ARRAY of MAPs or ARRAYs.".to_owned()));
            }
            Typed::Nothing => {}
        }
        Ok(())
    }

    /// Appends the message that a value is, without its length; nothing for a value that is none.
    pub(super) fn write_message(&self, row: usize, out: &mut Vec<u8>) -> Result<(), FormatError> {
        match &self.typed {
            Typed::Decimal(values, scale) => decimal(values.value(row), *scale, out),
            Typed::Time(values) => time_of_day(values.value(row), out),
            Typed::Date(values) => date(values.value(row), out),
            Typed::Timestamp(values) => timestamp(values.value(row), out),
            Typed::Struct(message) => return message.write(row, out),
            _ => {}
        }
        Ok(())
    }
}

impl<'a> MessageWriter<'a> {
    fn of_struct(layouts: &[FieldLayout], column: &'a ArrayRef) -> Self {
        Self::with_layout(layouts, column.as_struct().columns())
    }
}

fn range(offsets: &OffsetBuffer<i32>, row: usize) -> Range<usize> {
    offsets[row] as usize..offsets[row + 1] as usize
}

/// A whole number in its form.
fn number(form: &Written, value: i64, out: &mut Vec<u8>) -> Result<(), FormatError> {
    let unsigned = || {
        let error = || FormatError::Encode(format!("{value} is no unsigned number of 32 bits."));
        u32::try_from(value).map_err(|_| error())
    };
    match form {
        Written::Zigzag => wire::varint(wire::zigzag(value), out),
        Written::Fixed64 => out.extend_from_slice(&value.to_le_bytes()),
        Written::Unsigned32 => wire::varint(u64::from(unsigned()?), out),
        // What is signed comes from an INTEGER.
        Written::Fixed32 => match i32::try_from(value) {
            Ok(value) => out.extend_from_slice(&value.to_le_bytes()),
            Err(_) => out.extend_from_slice(&unsigned()?.to_le_bytes()),
        },
        _ => wire::signed(value, out),
    }
    Ok(())
}

fn enum_number(names: &Enum, name: &str, out: &mut Vec<u8>) -> Result<(), FormatError> {
    match names.number_of(name).or_else(|| names.unknown_number(name)) {
        Some(number) => {
            wire::signed(i64::from(number), out);
            Ok(())
        }
        None => Err(FormatError::Encode(format!("'{name}' is no value of enum {}.", names.full_name))),
    }
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
