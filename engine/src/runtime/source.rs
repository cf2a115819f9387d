//! Records of a source's topic → rows.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BinaryBuilder, BooleanArray, Int32Array, Int64Array, ListArray,
    new_empty_array, new_null_array,
};
use arrow::buffer::{BooleanBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use crate::config::{Config, setting};
use crate::expr::Registry;
use crate::formats::windowed::{self, SplitKeys};
use crate::formats::{self, Decode, FormatError, FormatSpec, Half};
use crate::log::{RawBatch, TopicPartition};
use crate::schemas::{SchemaError, Schemas};
use crate::steps::{KeyWindow, Source, SourceColumn, Step};
use crate::types::{Changes, Column, Side, Windows, header_type};

use super::error::TaskError;
use super::event_time::EventTime;
use super::input::{Read, ReadRows};
use super::processing_log::Origin;
use super::reports::Reports;

/// Reads the records of one partition of one source.
///
/// Dropped and reported: records whose key or value cannot be read, records without a usable event time, and, on a
/// table, records without a key.
pub(super) struct SourceReader {
    step: String,
    of: TopicPartition,
    is_table: bool,
    window: Option<KeyWindow>,
    has_key: bool,
    /// Keys are read, if only to see whether they can be: formats with a shape of their own refuse what has not got it,
    /// even where no key column is declared.
    reads_key: bool,
    key: Box<dyn Decode>,
    value: Box<dyn Decode>,
    /// For each output value column where it comes from; `Value` counts among the decoded columns.
    columns: Vec<SourceColumn>,
    /// Counts among key columns, then decoded value columns.
    time: Option<EventTime>,
    /// A record without a usable event time stops the query.
    strict_time: bool,
    /// A record that cannot be read stops the query.
    strict_format: bool,
}

impl SourceReader {
    /// For one partition of the topic.
    pub(super) fn new(
        step: &Step,
        source: &Source,
        of: TopicPartition,
        functions: &Registry,
        config: &Config,
        schemas: &Arc<dyn Schemas>,
    ) -> Result<Self, FormatError> {
        let declared = &source.declared;
        let mut used = Vec::new();
        let mut decoded_at = |declared_at: usize| match used.iter().position(|at| *at == declared_at) {
            Some(at) => at,
            None => {
                used.push(declared_at);
                used.len() - 1
            }
        };
        let columns = source.columns.iter().map(|column| match column {
            SourceColumn::Value(at) => SourceColumn::Value(decoded_at(*at)),
            other => other.clone(),
        });
        let columns: Vec<SourceColumn> = columns.collect();
        let keys = declared.key.len();
        let time = source.timestamp.as_ref().map(|timestamp| {
            let at = declared.position(&timestamp.column);
            let at =
                at.ok_or_else(|| FormatError::Schema(format!("no column {} to take the time from", timestamp.column)));
            let at = at.map(|at| if at < keys { at } else { keys + decoded_at(at - keys) });
            EventTime::new(timestamp, at?, functions).map_err(FormatError::Schema)
        });
        let time = time.transpose()?;
        let key_used: Vec<usize> = (0..keys).collect();
        let formats = &source.formats;
        let half = |is_key| Half { topic: Arc::clone(&of.topic), is_key, schemas: Arc::clone(schemas) };
        Ok(Self {
            step: step.id.clone(),
            is_table: step.is_table,
            window: formats.window,
            has_key: keys > 0,
            reads_key: keys > 0 || formats::known_format(&formats.key.name)?.features().checks_without_columns,
            key: decoder(&formats.key, &declared.key, &key_used, &half(true))?,
            value: decoder(&formats.value, &declared.value, &used, &half(false))?,
            columns,
            time,
            strict_time: config.get(setting::TIMESTAMP_THROW_ON_INVALID),
            strict_format: config.get(setting::FAIL_ON_DESERIALIZATION_ERROR),
            of,
        })
    }
}

impl ReadRows for SourceReader {
    fn read(&mut self, batch: &RawBatch, reports: &mut Reports) -> Result<Read, TaskError> {
        let split = self.split(batch);
        let keys = split.as_ref().map_or(&batch.records.keys, |split| &split.payloads);
        let mut ready = batch.offsets.len();
        if self.reads_key {
            ready = self.key.prepare(keys)?;
        }
        ready = self.value.prepare(&batch.records.values.slice(0, ready))?;
        if ready == batch.offsets.len() {
            return self.read_ready(batch, split, reports);
        }
        let part = batch.slice(0, ready);
        let split = self.split(&part);
        self.read_ready(&part, split, reports)
    }
}

/// Which records have a key of several columns that are all NULL; the others have none where all are NULL.
fn null_keys(keys: &BinaryArray, columns: &[ArrayRef]) -> Option<BooleanBuffer> {
    if columns.len() < 2 || columns.iter().any(|column| column.null_count() == 0) {
        return None;
    }
    let is_null = |row| keys.is_valid(row) && columns.iter().all(|column| column.is_null(row));
    let rows: BooleanBuffer = (0..keys.len()).map(is_null).collect();
    Some(rows).filter(|rows| rows.count_set_bits() > 0)
}

impl SourceReader {
    /// The keys of a batch without their windows.
    fn split(&self, batch: &RawBatch) -> Option<SplitKeys> {
        self.window.map(|window| windowed::split(&batch.records.keys, window))
    }

    /// Decodes records that the decoders are ready for.
    fn read_ready(
        &mut self,
        batch: &RawBatch,
        split: Option<SplitKeys>,
        reports: &mut Reports,
    ) -> Result<Read, TaskError> {
        let records = &batch.records;
        let rows = batch.offsets.len();
        let mut keep = vec![true; rows];
        let (keys, windows) = self.windows(split, batch, &mut keep, reports)?;
        let key = if self.reads_key {
            let decoded = self.key.decode(&keys);
            self.drop_bad(decoded.bad, batch, true, &mut keep, reports)?;
            decoded.columns
        } else {
            Vec::new()
        };
        if self.is_table && self.has_key {
            self.drop_keyless(&keys, batch, &mut keep, reports);
        }
        let value = self.value.decode(&records.values);
        self.drop_bad(value.bad, batch, false, &mut keep, reports)?;
        let time = self.times(batch, &key, &value.columns, &mut keep, reports)?;
        let columns = self.columns.iter().map(|column| self.column(column, batch, &value.columns, &time, &windows));
        let present = records.values.nulls().map(|nulls| nulls.inner().clone());
        let mut new = Side { columns: columns.collect::<Result<_, _>>()?, present };
        new.mask_absent()?;
        let all = Changes {
            null_keys: null_keys(&keys, &key),
            key,
            windows,
            new,
            old: None,
            time,
            seq: ScalarBuffer::from(vec![0_u64; rows]),
            headers: records.headers.clone(),
        };
        if keep.iter().all(|keep| *keep) {
            return Ok(Read { rows: all, offsets: batch.offsets.clone(), records: rows });
        }
        let offsets = batch.offsets.iter().zip(&keep).filter(|(_, keep)| **keep).map(|(offset, _)| *offset).collect();
        Ok(Read { rows: all.filter(&BooleanArray::from(keep))?, offsets, records: rows })
    }

    /// Keys and windows; what has none is dropped.
    fn windows(
        &self,
        split: Option<SplitKeys>,
        batch: &RawBatch,
        keep: &mut [bool],
        reports: &mut Reports,
    ) -> Result<(BinaryArray, Option<Windows>), TaskError> {
        let keys = &batch.records.keys;
        let Some(split) = split else { return Ok((keys.clone(), None)) };
        self.drop_bad(split.bad, batch, true, keep, reports)?;
        self.drop_keyless(keys, batch, keep, reports);
        Ok((split.payloads, Some(split.windows)))
    }

    /// Drops and reports records without a key where every row has one.
    fn drop_keyless(&self, keys: &BinaryArray, batch: &RawBatch, keep: &mut [bool], reports: &mut Reports) {
        if keys.null_count() == 0 {
            return;
        }
        let keyless = keep.iter_mut().enumerate().filter(|(row, keep)| **keep && keys.is_null(*row));
        for (row, keep) in keyless {
            *keep = false;
            let kind = if self.is_table { "a table" } else { "a windowed stream" };
            let message = format!("The record has no key, and the rows of {kind} have one.");
            reports.bad_record(&self.step, message, self.origin(batch, row, true), batch, row);
        }
    }

    fn drop_bad(
        &self,
        bad: Vec<(usize, String)>,
        batch: &RawBatch,
        is_key: bool,
        keep: &mut [bool],
        reports: &mut Reports,
    ) -> Result<(), TaskError> {
        for (row, message) in bad {
            if self.strict_format {
                let origin = self.origin(batch, row, is_key);
                reports.fatal_record(&self.step, message.clone(), origin, batch, row);
                return Err(TaskError::Record(format!("Deserialization exception: {message}")));
            }
            if let Some(keep) = keep.get_mut(row) {
                *keep = false;
            }
            let origin = self.origin(batch, row, is_key);
            reports.bad_record(&self.step, message, origin, batch, row);
        }
        Ok(())
    }

    fn origin(&self, batch: &RawBatch, row: usize, is_key: bool) -> Origin {
        let offset = batch.offsets.get(row).copied().unwrap_or(-1);
        Origin { topic: Arc::clone(&self.of.topic), partition: self.of.partition, offset, is_key }
    }

    /// Event times. A time that stands in the value makes a record without one unusable, as in ksqlDB.
    fn times(
        &self,
        batch: &RawBatch,
        key: &[ArrayRef],
        value: &[ArrayRef],
        keep: &mut [bool],
        reports: &mut Reports,
    ) -> Result<ScalarBuffer<i64>, TaskError> {
        let own = &batch.records.timestamps;
        let Some(time) = &self.time else {
            for (row, _) in own.iter().enumerate().filter(|(_, time)| **time < 0) {
                if let Some(keep) = keep.get_mut(row)
                    && std::mem::take(keep)
                {
                    let message = format!("the timestamp {} is negative", own[row]);
                    let origin = self.origin(batch, row, false);
                    reports.bad_record(&self.step, message, origin, batch, row);
                }
            }
            return Ok(own.clone());
        };
        let Some(column) = key.iter().chain(value).nth(time.column) else { return Ok(own.clone()) };
        let column = &time.of_batch(column);
        let mut times = Vec::with_capacity(own.len());
        for (row, (own, keep)) in own.iter().zip(keep).enumerate() {
            if !*keep {
                times.push(*own);
                continue;
            }
            match time.at(column, row) {
                Ok(time) => times.push(time),
                Err(message) if self.strict_time => {
                    return Err(TaskError::Record(format!(
                        "Fatal user code error in TimestampExtractor callback for record: {message}"
                    )));
                }
                Err(message) => {
                    times.push(0);
                    *keep = false;
                    let origin = self.origin(batch, row, false);
                    reports.bad_record(&self.step, message, origin, batch, row);
                }
            }
        }
        Ok(times.into())
    }

    fn column(
        &self,
        column: &SourceColumn,
        batch: &RawBatch,
        value: &[ArrayRef],
        time: &ScalarBuffer<i64>,
        windows: &Option<Windows>,
    ) -> Result<ArrayRef, ArrowError> {
        let rows = batch.offsets.len();
        let bound = |pick: fn(&Windows) -> &ScalarBuffer<i64>| match windows {
            Some(windows) => Arc::new(Int64Array::new(pick(windows).clone(), None)) as ArrayRef,
            None => new_null_array(&DataType::Int64, rows),
        };
        Ok(match column {
            SourceColumn::Value(at) => value.get(*at).cloned().ok_or_else(|| {
                ArrowError::SchemaError(format!("{} decoded columns, the one at {at} is wanted", value.len()))
            })?,
            SourceColumn::RowTime => Arc::new(Int64Array::new(time.clone(), None)),
            SourceColumn::RowPartition => Arc::new(Int32Array::from_value(self.of.partition as i32, rows)),
            SourceColumn::RowOffset => Arc::new(Int64Array::new(batch.offsets.clone(), None)),
            SourceColumn::WindowStart => bound(|windows| &windows.start),
            SourceColumn::WindowEnd => bound(|windows| &windows.end),
            SourceColumn::Headers => headers(batch)?,
            SourceColumn::Header(name) => header(batch, name),
        })
    }
}

/// A decoder of the columns at those positions.
fn decoder(spec: &FormatSpec, columns: &[Column], used: &[usize], half: &Half) -> Result<Box<dyn Decode>, FormatError> {
    let format = formats::known_format(&spec.name)?;
    if format.language().is_some() {
        half.schemas.check()?;
    }
    format.decoder(spec, columns, used, half).map_err(|error| match error {
        // Without it records would be read in another way.
        FormatError::Schemas(error @ SchemaError::UnknownId(_)) => FormatError::Schema(format!(
            "the schema that the {} of topic {} are read by is gone: {error}",
            if half.is_key { "keys" } else { "values" },
            half.topic
        )),
        other => other,
    })
}

/// All headers of every record; `[]` where there are none.
fn headers(batch: &RawBatch) -> Result<ArrayRef, ArrowError> {
    match &batch.records.headers {
        Some(headers) => Ok(Arc::new(headers.clone())),
        None => {
            let DataType::List(item) = header_type().to_arrow() else {
                return Err(ArrowError::SchemaError("headers are no list".to_owned()));
            };
            let none = new_empty_array(item.data_type());
            Ok(Arc::new(ListArray::try_new(item, OffsetBuffer::new_zeroed(batch.offsets.len()), none, None)?))
        }
    }
}

/// The last header of that name of every record.
fn header(batch: &RawBatch, name: &str) -> ArrayRef {
    let columns = batch.records.headers.as_ref().and_then(|lists| {
        let pairs = lists.values().as_struct_opt()?;
        let (keys, values) = (pairs.column(0).as_string_opt::<i32>()?, pairs.column(1).as_binary_opt::<i32>()?);
        Some((lists.value_offsets(), keys, values))
    });
    let of_row = |row: usize| {
        let (offsets, keys, values) = columns?;
        let (start, end) = (*offsets.get(row)? as usize, *offsets.get(row + 1)? as usize);
        let last = (start..end).rev().find(|&at| keys.is_valid(at) && keys.value(at) == name)?;
        values.is_valid(last).then(|| values.value(last))
    };
    let mut found = BinaryBuilder::new();
    (0..batch.offsets.len()).for_each(|row| found.append_option(of_row(row)));
    Arc::new(found.finish())
}
