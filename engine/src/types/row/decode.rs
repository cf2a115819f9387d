//! Bytes → Arrow columns.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int32Builder,
    Int64Builder, ListArray, MapArray, NullBufferBuilder, StringBuilder, StructArray, Time32MillisecondBuilder,
    TimestampMillisecondBuilder,
};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use arrow::error::ArrowError;

use super::varint::{get_i64, get_i128, get_u64, take, take_byte};
use super::{BadRow, VERSION};
use crate::types::SqlType;

/// Collects rows into columns.
pub(crate) struct RowDecoder {
    columns: Vec<ColumnBuilder>,
}

impl RowDecoder {
    /// For rows of these columns.
    pub(crate) fn new(types: &[SqlType]) -> Self {
        Self { columns: types.iter().map(ColumnBuilder::new).collect() }
    }

    /// Appends one row.
    ///
    /// # Errors
    /// It is not one that the encoder wrote for these columns.
    pub(crate) fn push(&mut self, mut row: &[u8]) -> Result<(), BadRow> {
        if take_byte(&mut row)? != VERSION {
            return Err(BadRow);
        }
        let nulls = take(&mut row, self.columns.len().div_ceil(8))?;
        for (i, column) in self.columns.iter_mut().enumerate() {
            column.push_unless(is_null(nulls, i), &mut row)?;
        }
        if row.is_empty() { Ok(()) } else { Err(BadRow) }
    }

    /// Appends a row that is not there: NULL in every column.
    pub(crate) fn push_null(&mut self) {
        for column in &mut self.columns {
            column.push_null();
        }
    }

    /// The columns; the decoder is empty afterwards.
    ///
    /// # Errors
    /// Never for rows that [`RowDecoder::push`] has taken.
    pub(crate) fn finish(&mut self) -> Result<Vec<ArrayRef>, ArrowError> {
        self.columns.iter_mut().map(ColumnBuilder::finish).collect()
    }
}

/// Collects values of one type, given as bytes, into a column.
struct ColumnBuilder(Typed);

enum Typed {
    Boolean(BooleanBuilder),
    Integer(Int32Builder),
    Bigint(Int64Builder),
    Double(Float64Builder),
    Decimal(Decimal128Builder),
    String(StringBuilder),
    Bytes(BinaryBuilder),
    Time(Time32MillisecondBuilder),
    Date(Date32Builder),
    Timestamp(TimestampMillisecondBuilder),
    Array { field: FieldRef, offsets: Vec<i32>, nulls: NullBufferBuilder, items: Box<ColumnBuilder> },
    Map { entries: FieldRef, offsets: Vec<i32>, nulls: NullBufferBuilder, kv: Box<(ColumnBuilder, ColumnBuilder)> },
    Struct { fields: Fields, len: usize, nulls: NullBufferBuilder, columns: Vec<ColumnBuilder> },
}

impl ColumnBuilder {
    /// An empty column of that type.
    fn new(ty: &SqlType) -> Self {
        let nulls = || NullBufferBuilder::new(0);
        Self(match (ty, ty.to_arrow()) {
            (SqlType::Boolean, _) => Typed::Boolean(BooleanBuilder::new()),
            (SqlType::Integer, _) => Typed::Integer(Int32Builder::new()),
            (SqlType::Bigint, _) => Typed::Bigint(Int64Builder::new()),
            (SqlType::Double, _) => Typed::Double(Float64Builder::new()),
            (SqlType::Decimal { .. }, arrow) => Typed::Decimal(Decimal128Builder::new().with_data_type(arrow)),
            (SqlType::String, _) => Typed::String(StringBuilder::new()),
            (SqlType::Bytes, _) => Typed::Bytes(BinaryBuilder::new()),
            (SqlType::Time, _) => Typed::Time(Time32MillisecondBuilder::new()),
            (SqlType::Date, _) => Typed::Date(Date32Builder::new()),
            (SqlType::Timestamp, _) => Typed::Timestamp(TimestampMillisecondBuilder::new()),
            (SqlType::Array(item), _) => Typed::Array {
                field: Arc::new(Field::new("item", item.to_arrow(), true)),
                offsets: vec![0],
                nulls: nulls(),
                items: Box::new(Self::new(item)),
            },
            (SqlType::Map(key, value), arrow) => Typed::Map {
                entries: entries_field(&arrow),
                offsets: vec![0],
                nulls: nulls(),
                kv: Box::new((Self::new(key), Self::new(value))),
            },
            (SqlType::Struct(fields), arrow) => Typed::Struct {
                fields: match arrow {
                    DataType::Struct(fields) => fields,
                    _ => Fields::empty(),
                },
                len: 0,
                nulls: nulls(),
                columns: fields.iter().map(|(_, ty)| Self::new(ty)).collect(),
            },
        })
    }

    /// Appends the value at the front of `bytes` and takes it off.
    fn push(&mut self, bytes: &mut &[u8]) -> Result<(), BadRow> {
        match &mut self.0 {
            Typed::Boolean(b) => b.append_value(take_byte(bytes)? != 0),
            Typed::Integer(b) => b.append_value(get_i32(bytes)?),
            Typed::Bigint(b) => b.append_value(get_i64(bytes)?),
            Typed::Double(b) => b.append_value(f64::from_bits(get_bits(bytes)?)),
            Typed::Decimal(b) => b.append_value(get_i128(bytes)?),
            Typed::String(b) => b.append_value(std::str::from_utf8(get_bytes(bytes)?).map_err(|_| BadRow)?),
            Typed::Bytes(b) => b.append_value(get_bytes(bytes)?),
            Typed::Time(b) => b.append_value(get_i32(bytes)?),
            Typed::Date(b) => b.append_value(get_i32(bytes)?),
            Typed::Timestamp(b) => b.append_value(get_i64(bytes)?),
            Typed::Array { offsets, nulls, items, .. } => {
                let n = get_len(bytes)?;
                items.push_many(n, bytes)?;
                next_offset(offsets, n)?;
                nulls.append_non_null();
            }
            Typed::Map { offsets, nulls, kv, .. } => {
                let n = get_len(bytes)?;
                for _ in 0..n {
                    kv.0.push(bytes)?;
                }
                kv.1.push_many(n, bytes)?;
                next_offset(offsets, n)?;
                nulls.append_non_null();
            }
            Typed::Struct { len, nulls, columns, .. } => {
                let bits = take(bytes, columns.len().div_ceil(8))?;
                for (i, column) in columns.iter_mut().enumerate() {
                    column.push_unless(is_null(bits, i), bytes)?;
                }
                *len += 1;
                nulls.append_non_null();
            }
        }
        Ok(())
    }

    /// Appends NULL.
    fn push_null(&mut self) {
        match &mut self.0 {
            Typed::Boolean(b) => b.append_null(),
            Typed::Integer(b) => b.append_null(),
            Typed::Bigint(b) => b.append_null(),
            Typed::Double(b) => b.append_null(),
            Typed::Decimal(b) => b.append_null(),
            Typed::String(b) => b.append_null(),
            Typed::Bytes(b) => b.append_null(),
            Typed::Time(b) => b.append_null(),
            Typed::Date(b) => b.append_null(),
            Typed::Timestamp(b) => b.append_null(),
            Typed::Array { offsets, nulls, .. } | Typed::Map { offsets, nulls, .. } => {
                offsets.push(offsets.last().copied().unwrap_or(0));
                nulls.append_null();
            }
            Typed::Struct { len, nulls, columns, .. } => {
                columns.iter_mut().for_each(Self::push_null);
                *len += 1;
                nulls.append_null();
            }
        }
    }

    /// The column; the builder is empty afterwards.
    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        Ok(match &mut self.0 {
            Typed::Boolean(b) => Arc::new(b.finish()),
            Typed::Integer(b) => Arc::new(b.finish()),
            Typed::Bigint(b) => Arc::new(b.finish()),
            Typed::Double(b) => Arc::new(b.finish()),
            Typed::Decimal(b) => Arc::new(b.finish()),
            Typed::String(b) => Arc::new(b.finish()),
            Typed::Bytes(b) => Arc::new(b.finish()),
            Typed::Time(b) => Arc::new(b.finish()),
            Typed::Date(b) => Arc::new(b.finish()),
            Typed::Timestamp(b) => Arc::new(b.finish()),
            Typed::Array { field, offsets, nulls, items } => {
                Arc::new(ListArray::try_new(field.clone(), finish_offsets(offsets), items.finish()?, nulls.finish())?)
            }
            Typed::Map { entries, offsets, nulls, kv } => {
                let DataType::Struct(fields) = entries.data_type() else {
                    return Err(ArrowError::SchemaError("a map's entries are no struct".to_owned()));
                };
                let pairs = StructArray::try_new(fields.clone(), vec![kv.0.finish()?, kv.1.finish()?], None)?;
                Arc::new(MapArray::try_new(entries.clone(), finish_offsets(offsets), pairs, nulls.finish(), false)?)
            }
            Typed::Struct { fields, len, nulls, columns } => {
                let n = std::mem::take(len);
                if columns.is_empty() {
                    Arc::new(StructArray::new_empty_fields(n, nulls.finish()))
                } else {
                    let columns = columns.iter_mut().map(Self::finish).collect::<Result<_, _>>()?;
                    Arc::new(StructArray::try_new(fields.clone(), columns, nulls.finish())?)
                }
            }
        })
    }

    fn push_unless(&mut self, null: bool, bytes: &mut &[u8]) -> Result<(), BadRow> {
        if null {
            self.push_null();
            Ok(())
        } else {
            self.push(bytes)
        }
    }

    fn push_many(&mut self, n: usize, bytes: &mut &[u8]) -> Result<(), BadRow> {
        let nulls = take(bytes, n.div_ceil(8))?;
        (0..n).try_for_each(|i| self.push_unless(is_null(nulls, i), bytes))
    }
}

fn entries_field(map: &DataType) -> FieldRef {
    match map {
        DataType::Map(entries, _) => entries.clone(),
        other => Arc::new(Field::new("entries", other.clone(), false)),
    }
}

fn next_offset(offsets: &mut Vec<i32>, n: usize) -> Result<(), BadRow> {
    let last = offsets.last().copied().unwrap_or(0);
    offsets.push(i32::try_from(n).ok().and_then(|n| last.checked_add(n)).ok_or(BadRow)?);
    Ok(())
}

fn finish_offsets(offsets: &mut Vec<i32>) -> OffsetBuffer<i32> {
    OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(offsets, vec![0])))
}

fn is_null(bits: &[u8], i: usize) -> bool {
    bits.get(i / 8).is_some_and(|byte| byte >> (i % 8) & 1 == 1)
}

fn get_len(bytes: &mut &[u8]) -> Result<usize, BadRow> {
    usize::try_from(get_u64(bytes)?).map_err(|_| BadRow)
}

fn get_bytes<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], BadRow> {
    let n = get_len(bytes)?;
    take(bytes, n)
}

fn get_bits(bytes: &mut &[u8]) -> Result<u64, BadRow> {
    let bits = take(bytes, 8)?;
    bits.try_into().map(u64::from_le_bytes).map_err(|_| BadRow)
}

fn get_i32(bytes: &mut &[u8]) -> Result<i32, BadRow> {
    i32::try_from(get_i64(bytes)?).map_err(|_| BadRow)
}
