//! Columns made value by value.

use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder,
    Int32Builder, Int64Builder, ListArray, MapArray, NullBufferBuilder, StringBuilder, StructArray,
    Time32MillisecondBuilder, TimestampMillisecondBuilder, new_null_array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::DataType;

use super::{SqlType, Value, text};

/// A column of an SQL type under construction.
#[derive(Debug)]
pub struct ColumnBuilder {
    data_type: DataType,
    values: Values,
}

#[derive(Debug)]
enum Values {
    Boolean(BooleanBuilder),
    Integer(Int32Builder),
    Bigint(Int64Builder),
    Double(Float64Builder),
    /// With its scale.
    Decimal(Decimal128Builder, i8),
    String(StringBuilder),
    Bytes(BinaryBuilder),
    Time(Time32MillisecondBuilder),
    Date(Date32Builder),
    Timestamp(TimestampMillisecondBuilder),
    Array(Lists, Box<ColumnBuilder>),
    Map(Lists, Box<ColumnBuilder>, Box<ColumnBuilder>),
    Struct(NullBufferBuilder, Vec<ColumnBuilder>),
}

/// Where lists end in what they have together, and which ones are there.
#[derive(Debug)]
struct Lists {
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
}

impl Lists {
    fn new() -> Self {
        Self { offsets: vec![0], nulls: NullBufferBuilder::new(0) }
    }

    fn close(&mut self, items: usize, is_present: bool) {
        self.offsets.push(i32::try_from(items).unwrap_or(i32::MAX));
        self.nulls.append(is_present);
    }

    fn finish(&mut self) -> (OffsetBuffer<i32>, Option<NullBuffer>) {
        let offsets = std::mem::replace(&mut self.offsets, vec![0]);
        (OffsetBuffer::new(ScalarBuffer::from(offsets)), self.nulls.finish())
    }
}

/// Appends to an Arrow builder what the pattern finds in a value, or NULL.
macro_rules! append {
    ($builder:expr, $value:expr, $variant:ident) => {
        $builder.append_option(if let Value::$variant(value) = $value { Some(*value) } else { None })
    };
}

/// Does the same with every builder of flat values; the arms for nested ones follow.
macro_rules! flat {
    ($values:expr, $builder:ident => $each:expr, { $($nested:tt)* }) => {
        match $values {
            Values::Boolean($builder) => $each,
            Values::Integer($builder) => $each,
            Values::Bigint($builder) => $each,
            Values::Double($builder) => $each,
            Values::Decimal($builder, _) => $each,
            Values::String($builder) => $each,
            Values::Bytes($builder) => $each,
            Values::Time($builder) => $each,
            Values::Date($builder) => $each,
            Values::Timestamp($builder) => $each,
            $($nested)*
        }
    };
}

impl ColumnBuilder {
    /// An empty column.
    pub fn new(ty: &SqlType) -> Self {
        let child = |ty: &SqlType| Box::new(Self::new(ty));
        let data_type = ty.to_arrow();
        let values = match ty {
            SqlType::Boolean => Values::Boolean(BooleanBuilder::with_capacity(0)),
            SqlType::Integer => Values::Integer(Int32Builder::with_capacity(0)),
            SqlType::Bigint => Values::Bigint(Int64Builder::with_capacity(0)),
            SqlType::Double => Values::Double(Float64Builder::with_capacity(0)),
            SqlType::Decimal { scale, .. } => {
                let builder = Decimal128Builder::with_capacity(0).with_data_type(data_type.clone());
                Values::Decimal(builder, *scale)
            }
            SqlType::String => Values::String(StringBuilder::with_capacity(0, 0)),
            SqlType::Bytes => Values::Bytes(BinaryBuilder::with_capacity(0, 0)),
            SqlType::Time => Values::Time(Time32MillisecondBuilder::with_capacity(0)),
            SqlType::Date => Values::Date(Date32Builder::with_capacity(0)),
            SqlType::Timestamp => Values::Timestamp(TimestampMillisecondBuilder::with_capacity(0)),
            SqlType::Array(item) => Values::Array(Lists::new(), child(item)),
            SqlType::Map(key, value) => Values::Map(Lists::new(), child(key), child(value)),
            SqlType::Struct(fields) => {
                Values::Struct(NullBufferBuilder::new(0), fields.iter().map(|(_, ty)| Self::new(ty)).collect())
            }
        };
        Self { data_type, values }
    }

    /// Appends a value. One of another type becomes NULL; a map entry whose key is NULL is written down with the text
    /// `null` as its key, as in ksqlDB, and left out where keys are no texts.
    pub fn push(&mut self, value: &Value) {
        match (&mut self.values, value) {
            (Values::Boolean(builder), value) => append!(builder, value, Boolean),
            (Values::Integer(builder), value) => append!(builder, value, Integer),
            (Values::Bigint(builder), value) => append!(builder, value, Bigint),
            (Values::Double(builder), value) => append!(builder, value, Double),
            (Values::Time(builder), value) => append!(builder, value, Time),
            (Values::Date(builder), value) => append!(builder, value, Date),
            (Values::Timestamp(builder), value) => append!(builder, value, Timestamp),
            (Values::Decimal(builder, scale), Value::Decimal(unscaled, from)) => {
                builder.append_option(text::rescale_half_up(*unscaled, i32::from(*from), i32::from(*scale)));
            }
            (Values::String(builder), Value::String(text)) => builder.append_value(text),
            (Values::Bytes(builder), Value::Bytes(bytes)) => builder.append_value(bytes),
            (Values::Array(..), Value::Array(items)) => self.push_list(items),
            (Values::Map(lists, keys, values), Value::Map(entries)) => {
                for (key, value) in entries {
                    match (key, &mut keys.values) {
                        (Value::Null, Values::String(texts)) => texts.append_value("null"),
                        (Value::Null, _) => continue,
                        (key, _) => keys.push(key),
                    }
                    values.push(value);
                }
                lists.close(keys.len(), true);
            }
            (Values::Struct(nulls, fields), Value::Struct(values)) => {
                nulls.append_non_null();
                for (i, field) in fields.iter_mut().enumerate() {
                    field.push(values.get(i).unwrap_or(&Value::Null));
                }
            }
            _ => self.push_null(),
        }
    }

    /// Appends an array of these values; NULL if this is no column of arrays.
    pub fn push_list<'v>(&mut self, items: impl IntoIterator<Item = &'v Value>) {
        let Values::Array(lists, builder) = &mut self.values else { return self.push_null() };
        items.into_iter().for_each(|item| builder.push(item));
        lists.close(builder.len(), true);
    }

    /// Appends NULL.
    pub fn push_null(&mut self) {
        flat!(&mut self.values, builder => builder.append_null(), {
            Values::Array(lists, items) => lists.close(items.len(), false),
            Values::Map(lists, keys, _) => lists.close(keys.len(), false),
            Values::Struct(nulls, fields) => {
                nulls.append_null();
                fields.iter_mut().for_each(Self::push_null);
            }
        });
    }

    /// The column; empty afterwards.
    pub fn finish(&mut self) -> ArrayRef {
        let len = self.len();
        let nested = flat!(&mut self.values, builder => return Arc::new(builder.finish()), {
            Values::Array(lists, items) => array(&self.data_type, lists, items),
            Values::Map(lists, keys, values) => map(&self.data_type, lists, keys, values),
            Values::Struct(nulls, fields) => structs(&self.data_type, nulls, fields, len),
        });
        // Only more items than Arrow can count do not make a column.
        nested.unwrap_or_else(|| new_null_array(&self.data_type, len))
    }

    fn len(&self) -> usize {
        flat!(&self.values, builder => builder.len(), {
            Values::Array(lists, _) | Values::Map(lists, ..) => lists.nulls.len(),
            Values::Struct(nulls, _) => nulls.len(),
        })
    }
}

fn array(ty: &DataType, lists: &mut Lists, items: &mut ColumnBuilder) -> Option<ArrayRef> {
    let DataType::List(item) = ty else { return None };
    let (offsets, nulls) = lists.finish();
    Some(Arc::new(ListArray::try_new(Arc::clone(item), offsets, items.finish(), nulls).ok()?))
}

fn map(ty: &DataType, lists: &mut Lists, keys: &mut ColumnBuilder, values: &mut ColumnBuilder) -> Option<ArrayRef> {
    let DataType::Map(entry, ordered) = ty else { return None };
    let DataType::Struct(fields) = entry.data_type() else { return None };
    let (offsets, nulls) = lists.finish();
    let entries = StructArray::try_new(fields.clone(), vec![keys.finish(), values.finish()], None).ok()?;
    Some(Arc::new(MapArray::try_new(Arc::clone(entry), offsets, entries, nulls, *ordered).ok()?))
}

fn structs(ty: &DataType, nulls: &mut NullBufferBuilder, fields: &mut [ColumnBuilder], len: usize) -> Option<ArrayRef> {
    let DataType::Struct(names) = ty else { return None };
    let columns = fields.iter_mut().map(ColumnBuilder::finish).collect();
    Some(Arc::new(StructArray::try_new_with_length(names.clone(), columns, nulls.finish(), len).ok()?))
}

impl Value {
    /// A column of values of type `ty`, as [`ColumnBuilder::push`] writes them down.
    pub fn column(ty: &SqlType, values: &[Value]) -> ArrayRef {
        let mut column = ColumnBuilder::new(ty);
        values.iter().for_each(|value| column.push(value));
        column.finish()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Array;

    use super::*;

    #[test]
    fn a_builder_begins_anew_after_each_column() {
        let item = SqlType::Struct(vec![("A".into(), SqlType::Integer), ("T".into(), SqlType::String)]);
        let row = |a| Value::Struct(vec![Value::Integer(a), Value::Null]);
        let mut builder = ColumnBuilder::new(&item.clone().array_of());
        for first in 0..2 {
            builder.push_list(&[row(first), Value::Null]);
            builder.push_null();
            builder.push(&Value::Array(vec![]));
            builder.push(&Value::Integer(1));
            let column = builder.finish();
            let wanted = [Value::Array(vec![row(first), Value::Null]), Value::Null, Value::Array(vec![]), Value::Null];
            assert_eq!((0..column.len()).map(|i| Value::at(&column, i)).collect::<Vec<_>>(), wanted);
        }
        assert_eq!(builder.finish().len(), 0);
    }

    #[test]
    fn a_list_is_no_value_of_a_flat_column_and_a_struct_may_have_no_field() {
        let mut builder = ColumnBuilder::new(&SqlType::Integer);
        builder.push_list(&[Value::Integer(1)]);
        assert_eq!(Value::at(&builder.finish(), 0), Value::Null);
        let mut builder = ColumnBuilder::new(&SqlType::Struct(vec![]));
        builder.push(&Value::Struct(vec![]));
        builder.push_null();
        let column = builder.finish();
        assert_eq!([0, 1].map(|i| Value::at(&column, i)), [Value::Struct(vec![]), Value::Null]);
    }
}
