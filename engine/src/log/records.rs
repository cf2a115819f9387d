//! Handling of [`Records`]: slices, sizes, joining, and building them record by record.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BinaryArray, BinaryBuilder, ListArray, StringArray, StructArray, UInt32Array};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::{concat, take};
use arrow::datatypes::{DataType, Field, Fields};
use arrow::error::ArrowError;

use crate::log::{LogError, RawBatch, Records, Result};

/// Fields of one header: `KEY` and `VALUE`.
pub(super) fn header_fields() -> Fields {
    Fields::from(vec![Field::new("KEY", DataType::Utf8, true), Field::new("VALUE", DataType::Binary, true)])
}

/// Puts the headers of a batch together: `offsets` cuts `keys` and `values` into records.
pub(super) fn header_lists(offsets: OffsetBuffer<i32>, keys: StringArray, values: BinaryArray) -> Result<ListArray> {
    let fields = header_fields();
    let item = Arc::new(Field::new("item", DataType::Struct(fields.clone()), true));
    StructArray::try_new(fields, vec![Arc::new(keys), Arc::new(values)], None)
        .and_then(|pairs| ListArray::try_new(item, offsets, Arc::new(pairs), None))
        .map_err(|error| LogError::Invalid(format!("bad headers: {error}")))
}

/// The flat key and value columns of a batch's headers, as this module and formats lay them out.
pub(super) fn header_columns(headers: &ListArray) -> Result<(&StringArray, &BinaryArray)> {
    let pairs = headers.values().as_any().downcast_ref::<StructArray>();
    let column = |i: usize| pairs.and_then(|pairs| pairs.columns().get(i));
    let keys = column(0).and_then(|keys| keys.as_any().downcast_ref());
    let values = column(1).and_then(|values| values.as_any().downcast_ref());
    keys.zip(values).ok_or_else(|| LogError::Invalid(format!("headers of type {}", headers.data_type())))
}

impl Records {
    /// Number of records.
    pub fn len(&self) -> usize {
        self.timestamps.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.timestamps.is_empty()
    }

    /// Some of the records; nothing is copied.
    pub fn slice(&self, start: usize, len: usize) -> Records {
        Records {
            timestamps: self.timestamps.slice(start, len),
            keys: self.keys.slice(start, len),
            values: self.values.slice(start, len),
            headers: self.headers.as_ref().map(|headers| headers.slice(start, len)),
        }
    }

    /// The records of the given rows, copied.
    pub(super) fn take(&self, rows: Vec<u32>) -> std::result::Result<Records, ArrowError> {
        let rows = &UInt32Array::from(rows);
        let headers = match &self.headers {
            Some(headers) => take(headers, rows, None)?.as_list_opt().cloned(),
            None => None,
        };
        Ok(Records {
            timestamps: rows.values().iter().filter_map(|row| self.timestamps.get(*row as usize).copied()).collect(),
            keys: take(&self.keys, rows, None)?.as_binary().clone(),
            values: take(&self.values, rows, None)?.as_binary().clone(),
            headers,
        })
    }

    /// Sorts records into the partitions that `places` has for each; the order within each is kept. Partitions without
    /// records are left out.
    ///
    /// # Errors
    /// The columns are not of one length.
    pub fn split(self, places: &[u32], partitions: u32) -> std::result::Result<Vec<(u32, Records)>, ArrowError> {
        let Some(first) = places.first().copied() else { return Ok(Vec::new()) };
        if places.iter().all(|place| *place == first) {
            return Ok(vec![(first, self)]);
        }
        let mut rows = vec![Vec::new(); partitions as usize];
        for (row, place) in places.iter().enumerate() {
            if let Some(rows) = rows.get_mut(*place as usize) {
                rows.push(row as u32);
            }
        }
        let filled = (0..).zip(rows).filter(|(_, rows)| !rows.is_empty());
        filled.map(|(place, rows)| Ok((place, self.take(rows)?))).collect()
    }

    /// Bytes of keys and values of the first `count` records.
    pub(crate) fn payload_bytes(&self, count: usize) -> usize {
        let bytes = |offsets: &[i32]| {
            let (first, last) = (offsets.first().copied().unwrap_or(0), offsets.get(count).copied().unwrap_or(0));
            (last - first) as usize
        };
        bytes(self.keys.value_offsets()) + bytes(self.values.value_offsets())
    }

    /// Whether all columns are equally long.
    pub(super) fn is_even(&self) -> bool {
        let rows = self.len();
        let headers = self.headers.as_ref().is_none_or(|headers| headers.len() == rows);
        headers && self.keys.len() == rows && self.values.len() == rows
    }
}

impl RawBatch {
    /// Joins consecutive batches of one partition.
    pub(super) fn join(mut batches: Vec<RawBatch>) -> Result<Option<RawBatch>> {
        if batches.len() < 2 {
            return Ok(batches.pop());
        }
        fn column<'a>(columns: impl Iterator<Item = &'a dyn Array>) -> Result<Arc<dyn Array>> {
            concat(&columns.collect::<Vec<_>>()).map_err(|error| LogError::Invalid(error.to_string()))
        }
        let headers = if batches.iter().any(|batch| batch.records.headers.is_some()) {
            let lists = batches.iter().map(|batch| match &batch.records.headers {
                Some(headers) => Ok(headers.clone()),
                None => no_headers(batch.records.len()),
            });
            let lists = lists.collect::<Result<Vec<_>>>()?;
            column(lists.iter().map(|list| list as &dyn Array))?.as_any().downcast_ref::<ListArray>().cloned()
        } else {
            None
        };
        let records = Records {
            timestamps: batches.iter().flat_map(|batch| batch.records.timestamps.iter().copied()).collect(),
            keys: binary(&*column(batches.iter().map(|batch| &batch.records.keys as &dyn Array))?)?,
            values: binary(&*column(batches.iter().map(|batch| &batch.records.values as &dyn Array))?)?,
            headers,
        };
        let offsets = batches.iter().flat_map(|batch| batch.offsets.iter().copied()).collect();
        Ok(Some(RawBatch { offsets, records }))
    }
}

fn binary(array: &dyn Array) -> Result<BinaryArray> {
    let binary = array.as_any().downcast_ref::<BinaryArray>().cloned();
    binary.ok_or_else(|| LogError::Invalid("not a binary column".to_owned()))
}

/// Empty header lists for records that have none.
fn no_headers(records: usize) -> Result<ListArray> {
    let none: [Option<&str>; 0] = [];
    header_lists(OffsetBuffer::new_zeroed(records), StringArray::from(none.to_vec()), BinaryArray::new_null(0))
}

/// Builds [`Records`] one by one (INSERT VALUES, what comes from a broker, tests).
#[derive(Debug, Default)]
pub struct RecordsBuilder {
    timestamps: Vec<i64>,
    keys: BinaryBuilder,
    values: BinaryBuilder,
    header_ends: Vec<i32>,
    header_keys: Vec<u8>,
    header_key_ends: Vec<i32>,
    header_values: BinaryBuilder,
}

impl RecordsBuilder {
    /// Adds a record; `timestamp` in milliseconds since the epoch, no value = tombstone.
    pub fn push(&mut self, timestamp: i64, key: Option<&[u8]>, value: Option<&[u8]>) {
        self.timestamps.push(timestamp);
        self.keys.append_option(key);
        self.values.append_option(value);
        self.header_ends.push(self.header_key_ends.len() as i32);
    }

    /// Adds a header to the last record pushed.
    pub fn header(&mut self, key: &str, value: Option<&[u8]>) {
        if let Some(end) = self.header_ends.last_mut() {
            self.header_keys.extend_from_slice(key.as_bytes());
            self.header_key_ends.push(self.header_keys.len() as i32);
            self.header_values.append_option(value);
            *end += 1;
        }
    }

    /// Number of records so far.
    pub fn len(&self) -> usize {
        self.timestamps.len()
    }

    /// Whether there is none yet.
    pub fn is_empty(&self) -> bool {
        self.timestamps.is_empty()
    }

    /// The records; the builder is empty afterwards.
    pub fn finish(&mut self) -> Records {
        let timestamps = ScalarBuffer::from(std::mem::take(&mut self.timestamps));
        let (keys, values) = (self.keys.finish(), self.values.finish());
        let (ends, key_ends) = (std::mem::take(&mut self.header_ends), std::mem::take(&mut self.header_key_ends));
        let (header_keys, header_values) = (std::mem::take(&mut self.header_keys), self.header_values.finish());
        let starts = |ends: Vec<i32>| {
            let mut offsets = Vec::with_capacity(ends.len() + 1);
            offsets.push(0);
            offsets.extend(ends);
            OffsetBuffer::new(offsets.into())
        };
        let headers = if key_ends.is_empty() {
            None
        } else {
            // what was pushed as `&str` is UTF-8, so neither of these fails
            let keys = StringArray::try_new(starts(key_ends), header_keys.into(), None::<NullBuffer>).ok();
            keys.and_then(|keys| header_lists(starts(ends), keys, header_values).ok())
        };
        Records { timestamps, keys, values, headers }
    }
}
