//! Records of ksqlDB's changelogs → rows.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray, BinaryBuilder, Int64Array, new_null_array};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::DataType;

use crate::formats::windowed;
use crate::formats::{Decode, FormatError, FormatSpec, Half, known_format};
use crate::log::{RawBatch, TopicPartition};
use crate::runtime::error::TaskError;
use crate::runtime::input::{Read, ReadRows};
use crate::runtime::reports::Reports;
use crate::types::{Changes, Column, KeyWindow, Side, Windows};

/// What stands in the records of a changelog.
pub(super) struct Layout {
    pub(super) key: Vec<Column>,
    pub(super) key_format: FormatSpec,
    /// The window behind the key.
    pub(super) window: Option<KeyWindow>,
    /// How many bytes stand behind that: the time of a row, the number that tells equal keys apart.
    pub(super) behind: usize,
    pub(super) value: Vec<Column>,
    pub(super) value_format: FormatSpec,
    /// The value columns of the rows.
    pub(super) columns: Vec<From>,
}

/// Where a column comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    Value(usize),
    Time,
    WindowStart,
    WindowEnd,
}

/// Reads one partition of a changelog. Every record counts, so one that cannot be read is an error.
pub(super) struct LeftRecords {
    of: TopicPartition,
    window: Option<KeyWindow>,
    behind: usize,
    key: Box<dyn Decode>,
    value: Box<dyn Decode>,
    columns: Vec<From>,
}

impl LeftRecords {
    pub(super) fn new(layout: &Layout, of: TopicPartition) -> Result<Self, FormatError> {
        let decoder = |spec: &FormatSpec, columns: &[Column], is_key| {
            let all: Vec<usize> = (0..columns.len()).collect();
            known_format(&spec.name)?.decoder(spec, columns, &all, &Half::bare(is_key))
        };
        Ok(Self {
            window: layout.window,
            behind: layout.behind,
            key: decoder(&layout.key_format, &layout.key, true)?,
            value: decoder(&layout.value_format, &layout.value, false)?,
            columns: layout.columns.clone(),
            of,
        })
    }

    /// The keys without what stands behind them.
    fn keys(&self, batch: &RawBatch) -> Result<(BinaryArray, Option<Windows>), TaskError> {
        let mut keys = BinaryBuilder::new();
        for (row, key) in batch.records.keys.iter().enumerate() {
            let own = key.and_then(|key| key.get(..key.len().checked_sub(self.behind)?));
            keys.append_value(own.ok_or_else(|| self.unreadable(batch, row, "its key is too short"))?);
        }
        let keys = keys.finish();
        let Some(window) = self.window else { return Ok((keys, None)) };
        let split = windowed::split(&keys, window);
        self.check(batch, split.bad)?;
        Ok((split.payloads, Some(split.windows)))
    }

    fn check(&self, batch: &RawBatch, bad: Vec<(usize, String)>) -> Result<(), TaskError> {
        match bad.into_iter().next() {
            Some((row, problem)) => Err(self.unreadable(batch, row, &problem)),
            None => Ok(()),
        }
    }

    fn unreadable(&self, batch: &RawBatch, row: usize, problem: &str) -> TaskError {
        let TopicPartition { topic, partition } = &self.of;
        let offset = batch.offsets.get(row).copied().unwrap_or_default();
        TaskError::Record(format!(
            "the state that ksqlDB has left cannot be taken over: the record at offset {offset} of partition {partition} of \
             changelog {topic} cannot be read: {problem}. DROP what the query makes (TERMINATE it) and CREATE that anew, so \
             that it begins without that state"
        ))
    }

    fn column(
        &self,
        from: From,
        value: &[ArrayRef],
        time: &ScalarBuffer<i64>,
        windows: Option<&Windows>,
    ) -> Option<ArrayRef> {
        let numbers = |numbers: &ScalarBuffer<i64>| Arc::new(Int64Array::new(numbers.clone(), None)) as ArrayRef;
        let none = || new_null_array(&DataType::Int64, time.len());
        Some(match from {
            From::Value(at) => value.get(at)?.clone(),
            From::Time => numbers(time),
            From::WindowStart => windows.map_or_else(none, |windows| numbers(&windows.start)),
            From::WindowEnd => windows.map_or_else(none, |windows| numbers(&windows.end)),
        })
    }
}

impl ReadRows for LeftRecords {
    fn read(&mut self, batch: &RawBatch, _: &mut Reports) -> Result<Read, TaskError> {
        let rows = batch.offsets.len();
        let (keys, windows) = self.keys(batch)?;
        let key = self.key.decode(&keys);
        self.check(batch, key.bad)?;
        let value = self.value.decode(&batch.records.values);
        self.check(batch, value.bad)?;
        let time = batch.records.timestamps.clone();
        let columns = self.columns.iter().map(|from| self.column(*from, &value.columns, &time, windows.as_ref()));
        let columns = columns.collect::<Option<Vec<_>>>();
        let columns = columns.ok_or_else(|| self.unreadable(batch, 0, "a column is missing"))?;
        let present = batch.records.values.nulls().map(|nulls| nulls.inner().clone());
        let mut new = Side { columns, present };
        new.mask_absent()?;
        let seq = ScalarBuffer::from(vec![0_u64; rows]);
        let rows_of = Changes { key: key.columns, null_keys: None, windows, new, old: None, time, seq, headers: None };
        Ok(Read { rows: rows_of, offsets: batch.offsets.clone(), records: rows })
    }
}
