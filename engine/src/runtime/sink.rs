//! Rows → records of a topic, placed by key.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray, BooleanArray};
use arrow::buffer::{BooleanBuffer, ScalarBuffer};
use arrow::error::ArrowError;

use crate::expr::Registry;
use crate::formats::windowed;
use crate::formats::{self, Encode, FormatError, Half};
use crate::log::{Output, Partitioner, Records, TopicPartition};
use crate::operators::Failed;
use crate::schemas::Schemas;
use crate::steps::{KeyWindow, QueryPlan, Sink};
use crate::types::Changes;

use super::error::SinkError;
use super::event_time::EventTime;
use super::processing_log::About;
use super::reports::Reports;
use super::topology::always_has_key;

/// Writes rows to a topic. A row whose event time cannot be had is dropped and reported.
pub(super) struct SinkWriter {
    /// As EXPLAIN calls it.
    step: String,
    topic: Arc<str>,
    partitions: u32,
    window: Option<KeyWindow>,
    /// A key that is NULL in all columns is written all the same.
    always_key: bool,
    key: Box<dyn Encode>,
    value: Box<dyn Encode>,
    time: Option<EventTime>,
    partitioner: Partitioner,
}

impl SinkWriter {
    /// For a topic of so many partitions.
    pub(super) fn new(
        plan: &QueryPlan,
        sink: &Sink,
        partitions: u32,
        functions: &Registry,
        schemas: &Arc<dyn Schemas>,
    ) -> Result<Self, FormatError> {
        let (formats, schema) = (&sink.formats, &sink.schema);
        let time = sink.timestamp.as_ref().map(|timestamp| {
            let at = schema.position(&timestamp.column);
            let at =
                at.ok_or_else(|| FormatError::Schema(format!("no column {} to take the time from", timestamp.column)));
            EventTime::new(timestamp, at?, functions).map_err(FormatError::Schema)
        });
        let topic: Arc<str> = Arc::from(sink.topic.as_str());
        let half = |is_key| Half { topic: Arc::clone(&topic), is_key, schemas: Arc::clone(schemas) };
        let (key, value) = (&formats.key, &formats.value);
        Ok(Self {
            step: sink.topic.clone(),
            always_key: always_has_key(&plan.root),
            partitions: partitions.max(1),
            window: formats.window,
            key: formats::known_format(&key.name)?.encoder(key, &schema.key, &half(true))?,
            value: formats::known_format(&value.name)?.encoder(value, &schema.value, &half(false))?,
            topic,
            time: time.transpose()?,
            partitioner: Partitioner::default(),
        })
    }

    /// The records of a batch of rows, by partition, in order.
    pub(super) fn write(&mut self, rows: &Changes, reports: &mut Reports) -> Result<Vec<Output>, SinkError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let timed;
        let (rows, times) = match self.times(rows, reports)? {
            Some((kept, times)) => {
                timed = kept;
                (&timed, times)
            }
            None => (rows, rows.time.clone()),
        };
        match self.encode(rows, times.clone()) {
            Err(_) if reports.keeps_records() => self.encode_one_by_one(rows, &times, reports),
            Err(error) => {
                self.report_fatal(rows, &times, &error, reports);
                Err(error)
            }
            outputs => outputs,
        }
    }

    /// The records of the rows that can be written; the others are reported.
    fn encode_one_by_one(
        &mut self,
        rows: &Changes,
        times: &ScalarBuffer<i64>,
        reports: &mut Reports,
    ) -> Result<Vec<Output>, SinkError> {
        let mut keep = vec![true; rows.len()];
        for (row, keep) in keep.iter_mut().enumerate() {
            match self.encode(&rows.slice(row, 1), times.slice(row, 1)) {
                Ok(_) => {}
                Err(error) => {
                    let about = About::Unwritten { topic: Arc::clone(&self.topic), is_key: error.is_of_key() };
                    self.report_bad(rows, row, error.to_string(), about, reports);
                    *keep = false;
                }
            }
        }
        let times = times.iter().zip(&keep).filter(|(_, keep)| **keep).map(|(time, _)| *time).collect();
        self.encode(&rows.filter(&BooleanArray::from(keep))?, times)
    }

    fn report_bad(&self, rows: &Changes, row: usize, message: String, about: About, reports: &mut Reports) {
        let columns: Vec<ArrayRef> = rows.row(&rows.new).cloned().collect();
        let failed = Failed { step: &self.step, message, row: Some((&columns, row)) };
        reports.bad_row(failed, rows.seq.get(row).copied(), about);
    }

    /// Reports the first row that cannot be written.
    fn report_fatal(&mut self, rows: &Changes, times: &ScalarBuffer<i64>, error: &SinkError, reports: &mut Reports) {
        let is_bad = |row: &usize| self.encode(&rows.slice(*row, 1), times.slice(*row, 1)).is_err();
        let bad = (0..rows.len()).find(is_bad);
        let columns: Vec<ArrayRef> = rows.row(&rows.new).cloned().collect();
        let row = bad.map(|row| (columns.as_slice(), row));
        let about = About::Unwritten { topic: Arc::clone(&self.topic), is_key: error.is_of_key() };
        reports.fatal_row(Failed { step: &self.step, message: error.to_string(), row }, about);
    }

    fn encode(&mut self, rows: &Changes, times: ScalarBuffer<i64>) -> Result<Vec<Output>, SinkError> {
        let keys = match self.always_key {
            true => self.key.encode(&rows.key, None),
            false => encode_keys(&mut *self.key, &rows.key, rows.null_keys.as_ref(), rows.len()),
        };
        let keys = keys.map_err(SinkError::Key)?;
        let values = self.value.encode(&rows.new.columns, rows.new.present.as_ref())?;
        let places = self.partitioner.place_all(&keys, self.partitions);
        let keys = match (self.window, &rows.windows) {
            (Some(window), Some(windows)) => windowed::join(&keys, windows, window),
            _ => keys,
        };
        let records = Records { timestamps: times, keys, values, headers: rows.headers.clone() };
        Ok(split(&self.topic, &places, records, self.partitions)?)
    }

    /// Event times from the sink's column, and the rows that have one; `None` when rows keep the times they have.
    fn times(&self, rows: &Changes, reports: &mut Reports) -> Result<Option<(Changes, ScalarBuffer<i64>)>, ArrowError> {
        let Some(time) = &self.time else { return Ok(None) };
        let Some(column) = rows.row(&rows.new).nth(time.column) else { return Ok(None) };
        let column = &time.of_batch(column);
        let mut keep = Vec::with_capacity(rows.len());
        let mut times = Vec::with_capacity(rows.len());
        for (row, own) in rows.time.iter().enumerate() {
            let at = if rows.new.is_present(row) { time.at(column, row) } else { Ok(*own) };
            keep.push(at.is_ok());
            match at {
                Ok(at) => times.push(at),
                Err(message) => {
                    let about =
                        About::Unwritten { topic: Arc::clone(&self.topic), is_key: time.column < rows.key.len() };
                    self.report_bad(rows, row, message, about, reports);
                }
            }
        }
        Ok(Some((rows.filter(&BooleanArray::from(keep))?, times.into())))
    }
}

/// Serialised keys; a key that is NULL in every column, or has no column, is no key, except in the rows `nulls` names.
pub(super) fn encode_keys(
    encoder: &mut dyn Encode,
    key: &[ArrayRef],
    nulls: Option<&BooleanBuffer>,
    rows: usize,
) -> Result<BinaryArray, FormatError> {
    if key.is_empty() {
        return Ok(BinaryArray::new_null(rows));
    }
    let is_key =
        |row: usize| key.iter().any(|column| column.is_valid(row)) || nulls.is_some_and(|nulls| nulls.value(row));
    let may_lack = key.iter().all(|column| column.null_count() > 0);
    let present = may_lack.then(|| (0..rows).map(is_key).collect::<BooleanBuffer>());
    encoder.encode(key, present.as_ref())
}

/// The outputs of a topic, by partition; the order of records within each is kept.
pub(super) fn split(
    topic: &Arc<str>,
    places: &[u32],
    records: Records,
    partitions: u32,
) -> Result<Vec<Output>, ArrowError> {
    let to = |partition| TopicPartition { topic: Arc::clone(topic), partition };
    let split = records.split(places, partitions)?;
    Ok(split.into_iter().map(|(partition, records)| Output { to: to(partition), records }).collect())
}
