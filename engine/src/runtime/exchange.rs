//! Repartition topics: rows of one sub-topology on their way to another. The key is serialised in the step's key format,
//! so that rows land where Kafka's producers would put them; the value is ours:
//!
//! ```text
//! flags (1 new, 2 old, 4 window)  [window start, end]  key ++ new columns  [key ++ old columns]
//! ```
//!
//! Each row is as long as `varint(length)` before it says. What cannot be read stops the query: nobody but it writes there,
//! so a row would be lost.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, BinaryBuilder};
use arrow::buffer::{BooleanBuffer, ScalarBuffer};
use arrow::error::ArrowError;

use crate::formats::rest::RestRows;
use crate::formats::{self, Encode, FormatError, Half};
use crate::log::{Output, Partitioner, RawBatch, Records, TopicPartition};
use crate::schemas::Schemas;
use crate::types::row::{BadRow, RowDecoder, RowEncoder, get_i64, get_u64, put_i64, put_u64, take};
use crate::types::{Changes, Side, SqlType, Windows};

use super::error::{SinkError, TaskError};
use super::input::{Read, ReadRows};
use super::reports::Reports;
use super::sink::{encode_keys, split};
use super::topology::Exchange;

const NEW: u8 = 1;
const OLD: u8 = 2;
const WINDOW: u8 = 4;

/// Writes rows to a repartition topic.
pub(super) struct ExchangeWriter {
    topic: Arc<str>,
    partitions: u32,
    key: Box<dyn Encode>,
    partitioner: Partitioner,
}

impl ExchangeWriter {
    /// For that topic.
    pub(super) fn new(exchange: &Exchange, schemas: &Arc<dyn Schemas>) -> Result<Self, FormatError> {
        let format = formats::known_format(&exchange.key_format.name)?;
        let half = Half { topic: Arc::clone(&exchange.topic), is_key: true, schemas: Arc::clone(schemas) };
        let key = format.encoder(&exchange.key_format, &exchange.schema.key, &half)?;
        let (topic, partitions) = (Arc::clone(&exchange.topic), exchange.partitions.max(1));
        Ok(Self { topic, partitions, key, partitioner: Partitioner::default() })
    }

    /// The records of a batch of rows, by partition, in order.
    pub(super) fn write(&mut self, rows: &Changes) -> Result<Vec<Output>, SinkError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let keys = encode_keys(&mut *self.key, &rows.key, None, rows.len())?;
        let places = self.partitioner.place_all(&keys, self.partitions);
        let values = encode(rows)?;
        let records = Records { timestamps: rows.time.clone(), keys, values, headers: rows.headers.clone() };
        Ok(split(&self.topic, &places, records, self.partitions)?)
    }
}

fn encode(rows: &Changes) -> Result<BinaryArray, ArrowError> {
    let new = RowEncoder::new(rows.row(&rows.new))?;
    let old = rows.old.as_ref().map(|old| RowEncoder::new(rows.row(old))).transpose()?;
    let mut values = BinaryBuilder::with_capacity(rows.len(), rows.len() * 64);
    let (mut value, mut row_bytes) = (Vec::new(), Vec::new());
    for row in 0..rows.len() {
        value.clear();
        let has_old = rows.old.as_ref().is_some_and(|old| old.is_present(row));
        let new_flag = if rows.new.is_present(row) { NEW } else { 0 };
        value.push(new_flag | if has_old { OLD } else { 0 } | if rows.windows.is_some() { WINDOW } else { 0 });
        if let Some(windows) = &rows.windows {
            put_i64(windows.start.get(row).copied().unwrap_or(0), &mut value);
            put_i64(windows.end.get(row).copied().unwrap_or(0), &mut value);
        }
        // The new side is written even if absent: the key stands in it.
        for encoder in [Some(&new), if has_old { old.as_ref() } else { None }].into_iter().flatten() {
            row_bytes.clear();
            encoder.encode(row, &mut row_bytes);
            put_u64(row_bytes.len() as u64, &mut value);
            value.extend_from_slice(&row_bytes);
        }
        values.append_value(&value);
    }
    Ok(values.finish())
}

/// Reads one partition of a repartition topic.
pub(super) struct ExchangeReader {
    of: TopicPartition,
    names: Vec<String>,
    types: Vec<SqlType>,
    keys: usize,
    is_table: bool,
    is_windowed: bool,
}

impl ExchangeReader {
    /// For one partition of that topic.
    pub(super) fn new(exchange: &Exchange, of: TopicPartition) -> Self {
        let schema = &exchange.schema;
        let names = schema.columns().map(|column| column.name.clone()).collect();
        let types = schema.columns().map(|column| column.ty.clone()).collect();
        let (is_table, is_windowed) = (exchange.is_table, exchange.is_windowed);
        Self { of, names, types, keys: schema.key.len(), is_table, is_windowed }
    }
}

impl ReadRows for ExchangeReader {
    fn read(&mut self, batch: &RawBatch, _: &mut Reports) -> Result<Read, TaskError> {
        let mut rows = Decoding::new(&self.types);
        for (value, offset) in batch.records.values.iter().zip(batch.offsets.iter()) {
            let parsed = Parsed::read(value.unwrap_or_default());
            parsed.and_then(|parsed| rows.push(parsed)).map_err(|_| self.unreadable(*offset))?;
        }
        let (key, new, old, windows) = rows.finish(self.keys)?;
        let rows = Changes {
            key,
            null_keys: None,
            windows: self.is_windowed.then_some(windows),
            new,
            old: self.is_table.then_some(old),
            time: batch.records.timestamps.clone(),
            seq: ScalarBuffer::from(vec![0_u64; batch.offsets.len()]),
            headers: batch.records.headers.clone(),
        };
        Ok(Read { rows, offsets: batch.offsets.clone(), records: batch.offsets.len() })
    }

    /// The value is a JSON object of the row's columns.
    fn readable(&self, record: &Records) -> Option<Records> {
        let value = record.values.iter().next().flatten()?;
        let mut rows = Decoding::new(&self.types);
        rows.push(Parsed::read(value).ok()?).ok()?;
        let (key, new, _, windows) = rows.finish(self.keys).ok()?;
        let value = new.is_present(0).then(|| self.object(key.iter().chain(&new.columns), &windows));
        Some(Records { values: BinaryArray::from_iter([value]), ..record.clone() })
    }
}

impl ExchangeReader {
    /// A row of columns as a JSON object.
    fn object<'a>(&self, columns: impl Iterator<Item = &'a ArrayRef>, windows: &Windows) -> String {
        let values = RestRows::new(columns);
        let mut json = String::new();
        for (at, name) in self.names.iter().enumerate() {
            json.push(if at == 0 { '{' } else { ',' });
            json.push_str(&serde_json::Value::from(name.as_str()).to_string());
            json.push(':');
            values.write_value(at, 0, &mut json);
        }
        if self.is_windowed {
            let bound = |bound: &ScalarBuffer<i64>| bound.first().copied().unwrap_or_default();
            json.push_str(&format!(r#","WINDOWSTART":{},"WINDOWEND":{}"#, bound(&windows.start), bound(&windows.end)));
        }
        json.push('}');
        json
    }

    fn unreadable(&self, offset: i64) -> TaskError {
        let TopicPartition { topic, partition } = &self.of;
        TaskError::Fatal(format!(
            "the record at offset {offset} of partition {partition} of {topic} cannot be read. The query wrote that topic \
             itself, so going on without the record would lose a row. Either something else wrote to the topic, or it is \
             damaged: terminate the query and create it anew"
        ))
    }
}

/// One record's value, taken apart.
struct Parsed<'a> {
    flags: u8,
    window: (i64, i64),
    new: &'a [u8],
    old: Option<&'a [u8]>,
}

impl<'a> Parsed<'a> {
    fn read(mut value: &'a [u8]) -> Result<Self, BadRow> {
        let flags = take(&mut value, 1)?.first().copied().ok_or(BadRow)?;
        let window = if flags & WINDOW > 0 { (get_i64(&mut value)?, get_i64(&mut value)?) } else { (0, 0) };
        let mut row = || {
            let len = usize::try_from(get_u64(&mut value)?).map_err(|_| BadRow)?;
            take(&mut value, len)
        };
        let new = row()?;
        let old = if flags & OLD > 0 { Some(row()?) } else { None };
        Ok(Self { flags, window, new, old })
    }
}

/// Columns being put together.
struct Decoding {
    new: RowDecoder,
    old: RowDecoder,
    new_present: Vec<bool>,
    old_present: Vec<bool>,
    starts: Vec<i64>,
    ends: Vec<i64>,
}

impl Decoding {
    fn new(types: &[SqlType]) -> Self {
        let (new, old) = (RowDecoder::new(types), RowDecoder::new(types));
        Self { new, old, new_present: Vec::new(), old_present: Vec::new(), starts: Vec::new(), ends: Vec::new() }
    }

    fn push(&mut self, parsed: Parsed<'_>) -> Result<(), BadRow> {
        self.new.push(parsed.new)?;
        self.new_present.push(parsed.flags & NEW > 0);
        match parsed.old {
            Some(old) => self.old.push(old)?,
            None => self.old.push_null(),
        }
        self.old_present.push(parsed.old.is_some());
        self.starts.push(parsed.window.0);
        self.ends.push(parsed.window.1);
        Ok(())
    }

    fn finish(mut self, keys: usize) -> Result<(Vec<ArrayRef>, Side, Side, Windows), ArrowError> {
        let mut key = self.new.finish()?;
        let new = key.split_off(keys.min(key.len()));
        let mut old = self.old.finish()?;
        let old = old.split_off(keys.min(old.len()));
        let bits = |present: Vec<bool>| {
            if present.iter().all(|present| *present) { None } else { Some(BooleanBuffer::from(present)) }
        };
        Ok((
            key,
            Side { columns: new, present: bits(self.new_present) },
            Side { columns: old, present: bits(self.old_present) },
            Windows { start: self.starts.into(), end: self.ends.into() },
        ))
    }
}
