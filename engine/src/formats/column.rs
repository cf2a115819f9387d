//! A column under construction, which can take back what a bad record has already written into it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, BooleanBufferBuilder, Date32Array, Decimal128Array, Float64Array, Int32Array,
    Int64Array, ListArray, MapArray, StringArray, StructArray, Time32MillisecondArray, TimestampMillisecondArray,
    new_null_array,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Fields};

use super::growth::TooLarge;
use crate::types::SqlType;

/// Values of one column, row by row. Unlike Arrow's builders it can be cut back ([`ColumnBuilder::truncate`]).
pub(super) struct ColumnBuilder {
    /// The type of the column.
    pub(super) ty: SqlType,
    /// The values; rows that are NULL hold a default.
    pub(super) values: Values,
    /// How many columns one row takes: those of a STRUCT, and of STRUCTs in it, besides itself.
    pub(super) width: usize,
    rows: usize,
    /// Whether each row is present; `None` while all are.
    present: Option<BooleanBufferBuilder>,
}

/// The values of a column, without their validity.
pub(super) enum Values {
    Boolean(BooleanBufferBuilder),
    /// INTEGER, TIME and DATE.
    Int(Vec<i32>),
    /// BIGINT and TIMESTAMP.
    Long(Vec<i64>),
    Double(Vec<f64>),
    Decimal(Vec<i128>),
    /// STRING and BYTES.
    Bytes(Variable),
    List {
        offsets: Vec<i32>,
        items: Box<ColumnBuilder>,
    },
    Map {
        offsets: Vec<i32>,
        keys: Box<ColumnBuilder>,
        values: Box<ColumnBuilder>,
    },
    Struct(Vec<ColumnBuilder>),
}

/// Values of variable length, one after the other.
pub(super) struct Variable {
    /// All bytes. Append here, then [`Variable::end`].
    pub(super) data: Vec<u8>,
    offsets: Vec<i32>,
}

impl Variable {
    /// Ends a value: it is what was appended to `data` since the last one.
    ///
    /// # Errors
    /// Positions do not reach so far: the record must be taken back.
    #[inline]
    pub(super) fn end(&mut self) -> Result<(), TooLarge> {
        self.offsets.push(i32::try_from(self.data.len()).map_err(|_| TooLarge::Column)?);
        Ok(())
    }

    /// Ends a value without bytes.
    fn end_empty(&mut self) {
        self.offsets.push(self.offsets.last().copied().unwrap_or_default());
    }

    /// For the values from row `start` on, whether none after it is the same; `None` if all are different.
    pub(super) fn last_occurrences(&self, start: usize) -> Option<Vec<bool>> {
        let ends = self.offsets.get(start..).unwrap_or_default();
        let value = |pair: &[i32]| self.data.get(pair[0] as usize..pair[1] as usize).unwrap_or_default();
        let values = || ends.windows(2).map(value);
        // Most maps are small, and this runs once per map.
        let distinct = if ends.len() <= 16 {
            values().enumerate().all(|(i, this)| values().skip(i + 1).all(|other| other != this))
        } else {
            values().collect::<HashSet<_>>().len() == ends.len() - 1
        };
        if distinct {
            return None;
        }
        let last: HashMap<&[u8], usize> = values().enumerate().map(|(i, value)| (value, i)).collect();
        Some(values().enumerate().map(|(i, value)| last.get(value) == Some(&i)).collect())
    }
}

impl ColumnBuilder {
    /// An empty column.
    pub(super) fn new(ty: &SqlType) -> Self {
        let values = match ty {
            SqlType::Boolean => Values::Boolean(BooleanBufferBuilder::new(0)),
            SqlType::Integer | SqlType::Time | SqlType::Date => Values::Int(Vec::new()),
            SqlType::Bigint | SqlType::Timestamp => Values::Long(Vec::new()),
            SqlType::Double => Values::Double(Vec::new()),
            SqlType::Decimal { .. } => Values::Decimal(Vec::new()),
            SqlType::String | SqlType::Bytes => Values::Bytes(Variable { data: Vec::new(), offsets: vec![0] }),
            SqlType::Array(item) => Values::List { offsets: vec![0], items: Box::new(Self::new(item)) },
            SqlType::Map(key, value) => {
                Values::Map { offsets: vec![0], keys: Box::new(Self::new(key)), values: Box::new(Self::new(value)) }
            }
            SqlType::Struct(fields) => Values::Struct(fields.iter().map(|(_, ty)| Self::new(ty)).collect()),
        };
        let width = match &values {
            Values::Struct(fields) => 1 + fields.iter().map(|field| field.width).sum::<usize>(),
            _ => 1,
        };
        Self { ty: ty.clone(), values, width, rows: 0, present: None }
    }

    /// Number of rows.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.rows
    }

    /// Whether the last row is NULL.
    pub(super) fn last_is_null(&self) -> bool {
        match (&self.present, self.rows.checked_sub(1)) {
            (Some(present), Some(last)) => !present.get_bit(last),
            _ => false,
        }
    }

    /// Marks the value just appended to [`Self::values`] as present.
    #[inline]
    pub(super) fn mark_present(&mut self) {
        self.rows += 1;
        if let Some(present) = &mut self.present {
            present.append(true);
        }
    }

    fn mark_null(&mut self) {
        let rows = self.rows;
        let present = self.present.get_or_insert_with(|| {
            let mut present = BooleanBufferBuilder::new(rows + 1);
            present.append_n(rows, true);
            present
        });
        present.append(false);
        self.rows += 1;
    }

    /// Appends NULL.
    pub(super) fn append_null(&mut self) {
        match &mut self.values {
            Values::Boolean(bits) => bits.append(false),
            Values::Int(values) => values.push(0),
            Values::Long(values) => values.push(0),
            Values::Double(values) => values.push(0.0),
            Values::Decimal(values) => values.push(0),
            Values::Bytes(values) => values.end_empty(),
            Values::List { offsets, items } => offsets.push(items.len() as i32),
            Values::Map { offsets, keys, .. } => offsets.push(keys.len() as i32),
            Values::Struct(fields) => fields.iter_mut().for_each(Self::append_null),
        }
        self.mark_null();
    }

    /// Drops everything after the first `rows` rows, half-written rows included.
    pub(super) fn truncate(&mut self, rows: usize) {
        let end = |offsets: &mut Vec<i32>| {
            offsets.truncate(rows + 1);
            offsets.last().map_or(0, |end| *end as usize)
        };
        match &mut self.values {
            Values::Boolean(bits) => bits.truncate(rows),
            Values::Int(values) => values.truncate(rows),
            Values::Long(values) => values.truncate(rows),
            Values::Double(values) => values.truncate(rows),
            Values::Decimal(values) => values.truncate(rows),
            Values::Bytes(values) => {
                let bytes = end(&mut values.offsets);
                values.data.truncate(bytes);
            }
            Values::List { offsets, items } => items.truncate(end(offsets)),
            Values::Map { offsets, keys, values } => {
                let entries = end(offsets);
                keys.truncate(entries);
                values.truncate(entries);
            }
            Values::Struct(fields) => fields.iter_mut().for_each(|field| field.truncate(rows)),
        }
        self.rows = self.rows.min(rows);
        if let Some(present) = &mut self.present {
            present.truncate(rows);
        }
    }

    /// The column as an array; the builder is empty afterwards.
    pub(super) fn finish(&mut self) -> ArrayRef {
        let rows = std::mem::take(&mut self.rows);
        let ty = self.ty.clone();
        let nulls = self.present.take().map(|mut present| NullBuffer::new(present.finish()));
        let data_type = ty.to_arrow();
        let capacity = rows;
        match &mut self.values {
            Values::Boolean(bits) => Arc::new(BooleanArray::new(bits.finish(), nulls)),
            Values::Int(values) => {
                let values = ScalarBuffer::from(renew(values, capacity));
                match ty {
                    SqlType::Time => Arc::new(Time32MillisecondArray::new(values, nulls)),
                    SqlType::Date => Arc::new(Date32Array::new(values, nulls)),
                    _ => Arc::new(Int32Array::new(values, nulls)),
                }
            }
            Values::Long(values) => {
                let values = ScalarBuffer::from(renew(values, capacity));
                match ty {
                    SqlType::Timestamp => Arc::new(TimestampMillisecondArray::new(values, nulls)),
                    _ => Arc::new(Int64Array::new(values, nulls)),
                }
            }
            Values::Double(values) => Arc::new(Float64Array::new(ScalarBuffer::from(renew(values, capacity)), nulls)),
            Values::Decimal(values) => {
                let values = Decimal128Array::new(ScalarBuffer::from(renew(values, capacity)), nulls);
                Arc::new(values.with_data_type(data_type))
            }
            Values::Bytes(values) => finish_bytes(values, &ty, nulls),
            Values::List { offsets, items } => {
                let offsets = finish_offsets(offsets);
                let DataType::List(field) = &data_type else { return new_null_array(&data_type, rows) };
                let items = items.finish();
                or_null(ListArray::try_new(Arc::clone(field), offsets, items, nulls), &data_type, rows)
            }
            Values::Map { offsets, keys, values } => {
                let offsets = finish_offsets(offsets);
                let (keys, values) = (keys.finish(), values.finish());
                let DataType::Map(entries, _) = &data_type else { return new_null_array(&data_type, rows) };
                let DataType::Struct(fields) = entries.data_type() else { return new_null_array(&data_type, rows) };
                let map = StructArray::try_new(fields.clone(), vec![keys, values], None)
                    .and_then(|pairs| MapArray::try_new(Arc::clone(entries), offsets, pairs, nulls, false));
                or_null(map, &data_type, rows)
            }
            Values::Struct(fields) => {
                let columns: Vec<ArrayRef> = fields.iter_mut().map(Self::finish).collect();
                let fields = struct_fields(&data_type);
                or_null(StructArray::try_new_with_length(fields, columns, nulls, rows), &data_type, rows)
            }
        }
    }
}

/// Takes the values and leaves room for as many.
fn renew<T>(values: &mut Vec<T>, capacity: usize) -> Vec<T> {
    std::mem::replace(values, Vec::with_capacity(capacity))
}

fn finish_offsets(offsets: &mut Vec<i32>) -> OffsetBuffer<i32> {
    let mut next = Vec::with_capacity(offsets.len());
    next.push(0);
    OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(offsets, next)))
}

fn finish_bytes(values: &mut Variable, ty: &SqlType, nulls: Option<NullBuffer>) -> ArrayRef {
    let rows = values.offsets.len() - 1;
    let offsets = finish_offsets(&mut values.offsets);
    let capacity = values.data.len();
    let data = Buffer::from_vec(renew(&mut values.data, capacity));
    match ty {
        SqlType::Bytes => or_null(BinaryArray::try_new(offsets, data, nulls), &DataType::Binary, rows),
        _ => or_null(StringArray::try_new(offsets, data, nulls), &DataType::Utf8, rows),
    }
}

fn struct_fields(data_type: &DataType) -> Fields {
    match data_type {
        DataType::Struct(fields) => fields.clone(),
        _ => Fields::from(Vec::<Field>::new()),
    }
}

/// The parts always fit together by construction; should they not, NULL is better than a crash.
fn or_null<A: arrow::array::Array + 'static>(
    array: Result<A, arrow::error::ArrowError>,
    data_type: &DataType,
    rows: usize,
) -> ArrayRef {
    match array {
        Ok(array) => Arc::new(array),
        Err(error) => {
            tracing::error!(%error, "a decoded column does not fit together");
            new_null_array(data_type, rows)
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::Int32Type;

    use super::*;

    fn push(column: &mut ColumnBuilder, value: Option<i32>) {
        match (value, &mut column.values) {
            (Some(value), Values::Int(values)) => {
                values.push(value);
                column.mark_present();
            }
            _ => column.append_null(),
        }
    }

    #[test]
    fn a_column_that_positions_do_not_reach_through_takes_the_record_back() {
        let mut column = ColumnBuilder::new(&SqlType::String);
        let Values::Bytes(bytes) = &mut column.values else { unreachable!() };
        // Zeros that nobody touches take no memory.
        bytes.data = vec![0; 1 << 31];
        assert!(matches!(bytes.end(), Err(TooLarge::Column)));
        column.truncate(0);
        column.append_null();
        assert_eq!(column.finish().null_count(), 1);
    }

    #[test]
    fn what_is_taken_back_leaves_no_trace() {
        let mut column = ColumnBuilder::new(&SqlType::Integer);
        for kept in [&[Some(1), Some(2)][..], &[Some(1), None, Some(3)], &[None], &[]] {
            for cut in [&[Some(8)][..], &[Some(8), None, Some(9)], &[None, None]] {
                kept.iter().for_each(|value| push(&mut column, *value));
                cut.iter().for_each(|value| push(&mut column, *value));
                assert_eq!(column.last_is_null(), cut.last() == Some(&None));
                column.truncate(kept.len());
                assert_eq!(column.last_is_null(), kept.last() == Some(&None));
                push(&mut column, Some(7));
                let expected = [kept, &[Some(7)]].concat();
                assert_eq!(column.len(), expected.len());
                let array = column.finish();
                assert_eq!(array.as_primitive::<Int32Type>().iter().collect::<Vec<_>>(), expected);
                assert_eq!((array.null_count() > 0, column.len()), (kept.contains(&None), 0));
            }
        }
    }
}
