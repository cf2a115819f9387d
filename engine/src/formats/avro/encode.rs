//! Columns to bytes. How each is written is decided once per schema, its Arrow arrays are looked at once per batch.

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Decimal128Array, StringArray};
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, Time32MillisecondType,
    TimestampMillisecondType,
};

use super::layout::{FieldLayout, Layout, TEXT, What};
use super::schema::AvroSchema;
use super::wire::{drop_length, put_long, put_sized, twos_complement};
use crate::formats::payloads::Payloads;
use crate::formats::{Encode, FormatError, row_count};
use crate::schemas::put_header;

/// Encodes records of a schema.
pub(super) struct AvroEncoder {
    /// The schema's.
    id: i32,
    /// How a record is written.
    layout: Layout,
    /// Whether a record is one of the columns or the bare value of the only one.
    wrapped: bool,
    /// Whether a record is bytes, which stand alone without their length.
    is_bytes: bool,
    /// Bytes of the last batch, a guess for the next one.
    capacity: usize,
}

impl AvroEncoder {
    /// An encoder of columns that are laid out so in a schema of that id.
    pub(super) fn new((id, schema): (i32, &AvroSchema), layout: Layout, wrapped: bool) -> Self {
        Self { id, layout, wrapped, is_bytes: schema.is_bytes(), capacity: 0 }
    }
}

impl Encode for AvroEncoder {
    fn encode(&mut self, columns: &[ArrayRef], present: Option<&BooleanBuffer>) -> Result<BinaryArray, FormatError> {
        let rows = row_count(columns, present);
        let bare = if self.wrapped { None } else { columns.first() };
        let writer = match bare {
            Some(column) => Writer::new(&self.layout, column),
            None => Writer::of_columns(&self.layout, columns),
        };
        let mut payloads = Payloads::new(rows, Vec::with_capacity(self.capacity));
        for row in 0..rows {
            // A bare NULL is the same as no record.
            if present.is_some_and(|present| !present.value(row)) || bare.is_some_and(|column| column.is_null(row)) {
                payloads.end_null();
                continue;
            }
            put_header(self.id, &mut payloads.data);
            let start = payloads.data.len();
            writer.write(row, &mut payloads.data)?;
            if self.is_bytes {
                drop_length(start, &mut payloads.data);
            }
            payloads.end_row();
        }
        self.capacity = payloads.data.len();
        payloads.finish()
    }
}

/// A column, typed once for all of its rows.
struct Writer<'a> {
    layout: &'a Layout,
    nulls: Option<&'a NullBuffer>,
    typed: Typed<'a>,
}

enum Typed<'a> {
    /// Every row is NULL.
    Null,
    Boolean(&'a BooleanArray),
    /// INTEGER, DATE and TIME.
    Int(&'a [i32]),
    /// BIGINT and TIMESTAMP.
    Long(&'a [i64]),
    Double(&'a [f64]),
    Decimal(&'a Decimal128Array),
    String(&'a StringArray),
    Bytes(&'a BinaryArray),
    List(&'a OffsetBuffer<i32>, Box<Writer<'a>>),
    Map(&'a OffsetBuffer<i32>, Box<(Writer<'a>, Writer<'a>)>),
    Fields(Vec<FieldWriter<'a>>),
}

enum FieldWriter<'a> {
    Constant(&'a [u8]),
    Column(Writer<'a>),
}

impl<'a> Writer<'a> {
    fn new(layout: &'a Layout, column: &'a dyn Array) -> Self {
        let typed = match (column.data_type(), &layout.what) {
            (DataType::Boolean, _) => Typed::Boolean(column.as_boolean()),
            (DataType::Int32, _) => Typed::Int(column.as_primitive::<Int32Type>().values()),
            (DataType::Date32, _) => Typed::Int(column.as_primitive::<Date32Type>().values()),
            (DataType::Time32(_), _) => Typed::Int(column.as_primitive::<Time32MillisecondType>().values()),
            (DataType::Int64, _) => Typed::Long(column.as_primitive::<Int64Type>().values()),
            (DataType::Timestamp(..), _) => Typed::Long(column.as_primitive::<TimestampMillisecondType>().values()),
            (DataType::Float64, _) => Typed::Double(column.as_primitive::<Float64Type>().values()),
            (DataType::Decimal128(..), _) => Typed::Decimal(column.as_primitive::<Decimal128Type>()),
            (DataType::Utf8, _) => Typed::String(column.as_string()),
            (DataType::Binary, _) => Typed::Bytes(column.as_binary()),
            (DataType::List(_), What::Array(item)) => {
                let list = column.as_list::<i32>();
                Typed::List(list.offsets(), Box::new(Self::new(item, list.values())))
            }
            (DataType::Map(..), What::Map(value)) => {
                let map = column.as_map();
                let entry = (Self::new(&TEXT, map.keys()), Self::new(value, map.values()));
                Typed::Map(map.offsets(), Box::new(entry))
            }
            (DataType::Map(..), What::Entries { key, value, .. }) => {
                let map = column.as_map();
                let entry = (Self::new(key, map.keys()), Self::new(value, map.values()));
                Typed::Map(map.offsets(), Box::new(entry))
            }
            (DataType::Struct(_), What::Record(_) | What::Branches(_)) => {
                return Self { nulls: column.nulls(), ..Self::of_columns(layout, column.as_struct().columns()) };
            }
            _ => Typed::Null,
        };
        Self { layout, nulls: column.nulls(), typed }
    }

    /// A writer of records of columns, none of them NULL.
    fn of_columns(layout: &'a Layout, columns: &'a [ArrayRef]) -> Self {
        let field = |field: &'a FieldLayout| match field {
            FieldLayout::Constant(bytes) => FieldWriter::Constant(bytes),
            FieldLayout::Column(column, layout) => match columns.get(*column) {
                Some(column) => FieldWriter::Column(Self::new(layout, column)),
                None => FieldWriter::Constant(&[]),
            },
        };
        let typed = match &layout.what {
            What::Record(fields) => Typed::Fields(fields.iter().map(field).collect()),
            What::Branches(branches) => {
                let branch = |(i, (_, layout)): (usize, &'a (i64, Layout))| {
                    columns.get(i).map(|column| FieldWriter::Column(Self::new(layout, column)))
                };
                Typed::Fields(branches.iter().enumerate().filter_map(branch).collect())
            }
            _ => Typed::Null,
        };
        Self { layout, nulls: None, typed }
    }

    fn is_null(&self, row: usize) -> bool {
        self.nulls.is_some_and(|nulls| nulls.is_null(row)) || matches!(self.typed, Typed::Null)
    }

    /// Appends the value of a row.
    fn write(&self, row: usize, out: &mut Vec<u8>) -> Result<(), FormatError> {
        let is_null = self.is_null(row);
        match (&self.layout.optional, &self.layout.instead_of_null) {
            (Some(optional), _) if is_null => {
                put_long(optional.null_at, out);
                return Ok(());
            }
            (None, Some(default)) if is_null => {
                out.extend_from_slice(default);
                return Ok(());
            }
            (None, None) if is_null => return Err(self.layout.error("NULL has no place there")),
            (Some(optional), _) => {
                if let Some(value_at) = optional.value_at {
                    put_long(value_at, out);
                }
            }
            (None, _) => {}
        }
        self.write_value(row, out)
    }

    fn write_value(&self, row: usize, out: &mut Vec<u8>) -> Result<(), FormatError> {
        let layout = self.layout;
        match (&self.typed, &layout.what) {
            (Typed::Boolean(values), What::Boolean) => out.push(u8::from(values.value(row))),
            (Typed::Int(values), What::Long) => put_long(i64::from(values[row]), out),
            (Typed::Long(values), What::Long) => put_long(values[row], out),
            (Typed::Double(values), What::Double) => out.extend_from_slice(&values[row].to_le_bytes()),
            (Typed::Double(values), What::Float) => out.extend_from_slice(&(values[row] as f32).to_le_bytes()),
            (Typed::Int(values), What::Double) => out.extend_from_slice(&f64::from(values[row]).to_le_bytes()),
            (Typed::String(values), What::Sized) => put_sized(values.value(row).as_bytes(), out),
            (Typed::Bytes(values), What::Sized) => put_sized(values.value(row), out),
            (Typed::Bytes(values), What::Fixed(size)) => {
                let value = values.value(row);
                if value.len() != *size {
                    return Err(layout.error(&format!("{} bytes do not make {size}", value.len())));
                }
                out.extend_from_slice(value);
            }
            (Typed::String(values), What::Enum(symbols)) => match symbols.get(values.value(row)) {
                Some(position) => put_long(*position, out),
                None => return Err(layout.error(&format!("'{}' is none of its symbols", values.value(row)))),
            },
            (Typed::Decimal(values), What::Decimal { size }) => {
                if !put_decimal(values.value(row), *size, out) {
                    return Err(layout.error("the number needs more bytes"));
                }
            }
            (Typed::List(offsets, items), _) => {
                let range = range(offsets, row);
                put_count(range.len(), out);
                for item in range {
                    items.write(item, out)?;
                }
                out.push(0);
            }
            (Typed::Map(offsets, entry), what) => {
                let (key, value) = &**entry;
                let value_first = matches!(what, What::Entries { value_first: true, .. });
                let (first, second) = if value_first { (value, key) } else { (key, value) };
                let range = range(offsets, row);
                put_count(range.len(), out);
                for item in range {
                    first.write(item, out)?;
                    second.write(item, out)?;
                }
                out.push(0);
            }
            (Typed::Fields(fields), What::Branches(branches)) => return self.write_branch(row, fields, branches, out),
            (Typed::Fields(fields), _) => {
                for field in fields {
                    match field {
                        FieldWriter::Constant(bytes) => out.extend_from_slice(bytes),
                        FieldWriter::Column(column) => column.write(row, out)?,
                    }
                }
            }
            _ => return Err(layout.error("the column is of another type")),
        }
        Ok(())
    }

    /// Appends the one field of a STRUCT that is not NULL, as the branch of a union.
    fn write_branch(
        &self,
        row: usize,
        fields: &[FieldWriter<'_>],
        branches: &[(i64, Layout)],
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        let mut taken = None;
        for (field, (position, _)) in fields.iter().zip(branches) {
            let FieldWriter::Column(column) = field else { continue };
            if !column.is_null(row) && taken.replace((column, *position)).is_some() {
                return Err(self.layout.error("only one field of a union may be other than NULL"));
            }
        }
        let Some((column, position)) = taken else { return Err(self.layout.error("no field of the union is set")) };
        put_long(position, out);
        column.write_value(row, out)
    }
}

/// Appends a decimal's digits, in so many bytes or with their length before them. Answers whether they fit.
fn put_decimal(unscaled: i128, size: Option<usize>, out: &mut Vec<u8>) -> bool {
    let bytes = unscaled.to_be_bytes();
    let digits = twos_complement(&bytes);
    let Some(size) = size else {
        put_sized(digits, out);
        return true;
    };
    let Some(padding) = size.checked_sub(digits.len()) else { return false };
    out.extend(std::iter::repeat_n(if unscaled < 0 { 0xFF } else { 0 }, padding));
    out.extend_from_slice(digits);
    true
}

/// Appends how many items a block has; an empty array has no block.
fn put_count(count: usize, out: &mut Vec<u8>) {
    if count > 0 {
        put_long(count as i64, out);
    }
}

fn range(offsets: &OffsetBuffer<i32>, row: usize) -> std::ops::Range<usize> {
    offsets[row] as usize..offsets[row + 1] as usize
}
