//! Arrow columns → bytes.

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array,
    Int64Array, ListArray, MapArray, StringArray, StructArray, Time32MillisecondArray, TimestampMillisecondArray,
};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, Time32MillisecondType, TimeUnit,
    TimestampMillisecondType,
};
use arrow::error::ArrowError;

use super::VERSION;
use super::varint::{put_i64, put_i128, put_u64};

/// Encodes rows of a batch; columns are downcast once.
pub struct RowEncoder<'a> {
    columns: Vec<ValueEncoder<'a>>,
}

impl<'a> RowEncoder<'a> {
    /// For the columns of one batch; fails on an Arrow type that no SQL type maps to.
    pub fn new(columns: impl IntoIterator<Item = &'a ArrayRef>) -> Result<Self, ArrowError> {
        let columns = columns.into_iter().map(|column| ValueEncoder::new(column)).collect::<Result<_, _>>()?;
        Ok(Self { columns })
    }

    /// Appends one row.
    pub fn encode(&self, row: usize, into: &mut Vec<u8>) {
        into.push(VERSION);
        put_nulls(self.columns.len(), |i| self.columns[i].is_null(row), into);
        for column in &self.columns {
            if !column.is_null(row) {
                column.put(row, into);
            }
        }
    }
}

/// Encodes values of one column.
struct ValueEncoder<'a> {
    array: &'a dyn Array,
    typed: Typed<'a>,
}

enum Typed<'a> {
    Boolean(&'a BooleanArray),
    Integer(&'a Int32Array),
    Bigint(&'a Int64Array),
    Double(&'a Float64Array),
    Decimal(&'a Decimal128Array),
    String(&'a StringArray),
    Bytes(&'a BinaryArray),
    Time(&'a Time32MillisecondArray),
    Date(&'a Date32Array),
    Timestamp(&'a TimestampMillisecondArray),
    Array(&'a ListArray, Box<ValueEncoder<'a>>),
    Map(&'a MapArray, Box<ValueEncoder<'a>>, Box<ValueEncoder<'a>>),
    Struct(Vec<ValueEncoder<'a>>),
}

impl<'a> ValueEncoder<'a> {
    /// For one column; fails on an Arrow type that no SQL type maps to.
    fn new(array: &'a dyn Array) -> Result<Self, ArrowError> {
        let typed = match array.data_type() {
            DataType::Boolean => Typed::Boolean(array.as_boolean()),
            DataType::Int32 => Typed::Integer(array.as_primitive::<Int32Type>()),
            DataType::Int64 => Typed::Bigint(array.as_primitive::<Int64Type>()),
            DataType::Float64 => Typed::Double(array.as_primitive::<Float64Type>()),
            DataType::Decimal128(..) => Typed::Decimal(array.as_primitive::<Decimal128Type>()),
            DataType::Utf8 => Typed::String(array.as_string::<i32>()),
            DataType::Binary => Typed::Bytes(array.as_binary::<i32>()),
            DataType::Time32(TimeUnit::Millisecond) => Typed::Time(array.as_primitive::<Time32MillisecondType>()),
            DataType::Date32 => Typed::Date(array.as_primitive::<Date32Type>()),
            DataType::Timestamp(TimeUnit::Millisecond, _) => {
                Typed::Timestamp(array.as_primitive::<TimestampMillisecondType>())
            }
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                Typed::Array(list, Box::new(Self::new(list.values().as_ref())?))
            }
            DataType::Map(..) => {
                let map = array.as_map();
                Typed::Map(map, Box::new(Self::new(map.keys().as_ref())?), Box::new(Self::new(map.values().as_ref())?))
            }
            DataType::Struct(_) => {
                let fields: &StructArray = array.as_struct();
                Typed::Struct(fields.columns().iter().map(|field| Self::new(field.as_ref())).collect::<Result<_, _>>()?)
            }
            other => return Err(ArrowError::NotYetImplemented(format!("stored column of type {other}"))),
        };
        Ok(Self { array, typed })
    }

    /// Whether that row is NULL.
    fn is_null(&self, row: usize) -> bool {
        self.array.is_null(row)
    }

    /// Appends a value that is not NULL.
    fn put(&self, row: usize, into: &mut Vec<u8>) {
        match &self.typed {
            Typed::Boolean(a) => into.push(u8::from(a.value(row))),
            Typed::Integer(a) => put_i64(a.value(row).into(), into),
            Typed::Bigint(a) => put_i64(a.value(row), into),
            Typed::Double(a) => into.extend_from_slice(&a.value(row).to_bits().to_le_bytes()),
            Typed::Decimal(a) => put_i128(a.value(row), into),
            Typed::String(a) => put_bytes(a.value(row).as_bytes(), into),
            Typed::Bytes(a) => put_bytes(a.value(row), into),
            Typed::Time(a) => put_i64(a.value(row).into(), into),
            Typed::Date(a) => put_i64(a.value(row).into(), into),
            Typed::Timestamp(a) => put_i64(a.value(row), into),
            Typed::Array(a, items) => {
                let offsets = a.value_offsets();
                let (from, to) = (offsets[row] as usize, offsets[row + 1] as usize);
                put_u64((to - from) as u64, into);
                items.put_many(from, to, into);
            }
            Typed::Map(a, keys, values) => {
                let offsets = a.value_offsets();
                let (from, to) = (offsets[row] as usize, offsets[row + 1] as usize);
                put_u64((to - from) as u64, into);
                for entry in from..to {
                    keys.put(entry, into);
                }
                values.put_many(from, to, into);
            }
            Typed::Struct(fields) => {
                put_nulls(fields.len(), |i| fields[i].is_null(row), into);
                for field in fields {
                    if !field.is_null(row) {
                        field.put(row, into);
                    }
                }
            }
        }
    }

    /// Appends null bits and values of consecutive rows.
    fn put_many(&self, from: usize, to: usize, into: &mut Vec<u8>) {
        put_nulls(to - from, |i| self.is_null(from + i), into);
        for row in from..to {
            if !self.is_null(row) {
                self.put(row, into);
            }
        }
    }
}

fn put_bytes(bytes: &[u8], into: &mut Vec<u8>) {
    put_u64(bytes.len() as u64, into);
    into.extend_from_slice(bytes);
}

fn put_nulls(n: usize, is_null: impl Fn(usize) -> bool, into: &mut Vec<u8>) {
    for first in (0..n).step_by(8) {
        let bits = (first..n.min(first + 8)).fold(0, |bits, i| bits | u8::from(is_null(i)) << (i - first));
        into.push(bits);
    }
}
