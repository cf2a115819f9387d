//! The encoders: columns as messages, with what stands before them.

use arrow::array::{ArrayRef, BinaryArray};
use arrow::buffer::BooleanBuffer;

use super::encode::{FieldWriter, MessageWriter};
use super::layout::{FieldLayout, layout};
use super::parse::parse;
use super::types::Types;
use super::wire::{varint, zigzag};
use super::{effective_name, schema};
use crate::formats::payloads::Payloads;
use crate::formats::{Encode, FormatError, FormatSpec, Half, NullableAs, row_count};
use crate::schemas::{Language, Schema, put_header};
use crate::types::{Column, SqlType};

/// Encodes records as messages.
pub(super) struct ProtobufEncoder {
    /// What stands before each message.
    prefix: Vec<u8>,
    layouts: Vec<FieldLayout>,
    shape: Shape,
    /// Bytes of the last batch, a guess for the next one.
    capacity: usize,
}

enum Shape {
    /// A field for each column.
    Message,
    /// The value of the only column as the only field.
    Wrapper,
    /// The message that the only column's value is.
    Value,
}

impl ProtobufEncoder {
    /// An encoder of messages with the id of a schema, which it registers unless it is given.
    ///
    /// # Errors
    /// The columns are none that the schema has, or a registry does not take it or does not answer.
    pub(super) fn framed(spec: &FormatSpec, columns: &[Column], half: &Half) -> Result<Self, FormatError> {
        let full_name = effective_name(spec);
        let subject = half.schemas.subject(&half.topic, half.is_key, Some(full_name.unwrap_or("ConnectDefault1")));
        let mut prefix = Vec::new();
        if let Some(id) = spec.schema_id {
            let types = types(&*half.schemas.by_id(id)?)?;
            return Self::registered(id, &types, full_name, columns);
        }
        // A subject whose schema has other messages too is written with that schema.
        if full_name.is_some()
            && let Some(latest) = half.schemas.latest(&subject)?
            && let Ok(types) = types(&latest.schema)
            && types.top.len() > 1
        {
            return Self::registered(latest.id, &types, full_name, columns);
        }
        let id = half.schemas.register(&subject, &schema(columns, full_name, spec.nullable)?)?;
        put_header(id, &mut prefix);
        put_indexes(&[0], &mut prefix);
        Ok(Self { prefix, layouts: generated(columns, spec.nullable), shape: Shape::Message, capacity: 0 })
    }

    fn registered(id: i32, types: &Types, full_name: Option<&str>, columns: &[Column]) -> Result<Self, FormatError> {
        let name = || full_name.unwrap_or("of any name");
        let at = types.message(full_name);
        let at = at.ok_or_else(|| FormatError::Schema(format!("The schema of id {id} has no message {}", name())))?;
        let message = types.messages.get(at).zip(types.indexes(at));
        let (message, indexes) =
            message.ok_or_else(|| FormatError::Schema(format!("The schema of id {id} only imports {}", name())))?;
        let columns: Vec<(&str, &SqlType)> = columns.iter().map(|column| (column.name.as_str(), &column.ty)).collect();
        let layouts = layout(types, message, &columns).map_err(FormatError::Schema)?;
        let mut prefix = Vec::new();
        put_header(id, &mut prefix);
        put_indexes(&indexes, &mut prefix);
        Ok(Self { prefix, layouts, shape: Shape::Message, capacity: 0 })
    }

    /// An encoder of messages that nothing stands before.
    pub(super) fn bare(spec: &FormatSpec, columns: &[Column], wrapped: bool) -> Self {
        let shape = match columns {
            _ if wrapped => Shape::Message,
            [column] if is_wrapped_scalar(&column.ty) => Shape::Wrapper,
            _ => Shape::Value,
        };
        let nullable = if wrapped || matches!(shape, Shape::Value) { spec.nullable } else { None };
        Self { prefix: Vec::new(), layouts: generated(columns, nullable), shape, capacity: 0 }
    }
}

/// Whether a value that stands alone is wrapped into a message, as it is none itself.
pub(super) fn is_wrapped_scalar(ty: &SqlType) -> bool {
    matches!(
        ty,
        SqlType::Boolean | SqlType::Integer | SqlType::Bigint | SqlType::Double | SqlType::String | SqlType::Bytes
    )
}

fn types(schema: &Schema) -> Result<Types, FormatError> {
    if schema.language != Language::Protobuf {
        return Err(FormatError::Schema(format!("The schema is in {}, not in Protobuf", schema.language)));
    }
    parse(schema).map_err(FormatError::Schema)
}

fn generated(columns: &[Column], nullable: Option<NullableAs>) -> Vec<FieldLayout> {
    (1..).zip(columns).map(|(number, column)| FieldLayout::generated(number, &column.ty.to_arrow(), nullable)).collect()
}

/// Appends where in its schema a message is; the first is told by one byte.
fn put_indexes(indexes: &[i64], out: &mut Vec<u8>) {
    if indexes == [0] {
        return out.push(0);
    }
    varint(zigzag(indexes.len() as i64), out);
    indexes.iter().for_each(|index| varint(zigzag(*index), out));
}

impl Encode for ProtobufEncoder {
    fn encode(&mut self, columns: &[ArrayRef], present: Option<&BooleanBuffer>) -> Result<BinaryArray, FormatError> {
        let rows = row_count(columns, present);
        let messages = MessageWriter::with_layout(&self.layouts, columns);
        let value = match (&self.shape, self.layouts.first(), columns.first()) {
            (Shape::Wrapper | Shape::Value, Some(layout), Some(column)) => Some(FieldWriter::new(layout, column)),
            _ => None,
        };
        let mut payloads = Payloads::new(rows, Vec::with_capacity(self.capacity));
        for row in 0..rows {
            // A bare NULL is the same as no record.
            let is_null = value.as_ref().is_some_and(|value| value.is_null(row));
            if is_null || present.is_some_and(|present| !present.value(row)) {
                payloads.end_null();
                continue;
            }
            payloads.data.extend_from_slice(&self.prefix);
            match (&self.shape, &value) {
                (Shape::Value, Some(value)) => value.write_message(row, &mut payloads.data)?,
                _ => messages.write(row, &mut payloads.data)?,
            }
            payloads.end_row();
        }
        self.capacity = payloads.data.len();
        payloads.finish()
    }
}
