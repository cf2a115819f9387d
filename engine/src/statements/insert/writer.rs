//! Rows → records of the source's topic.

use std::sync::Arc;

use arrow::array::{Array, BinaryArray};
use arrow::buffer::{BooleanBuffer, ScalarBuffer};

use crate::catalog::Source;
use crate::formats::{Encode, FormatError, FormatSpec, Half, known_format};
use crate::log::{Log, LogError, Output, Partitioner, Records, TopicPartition};
use crate::schemas::Schemas;
use crate::types::{Column, SqlType, Value};

use super::Row;

/// Why rows cannot be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    /// A value does not fit the format.
    #[error("{0}")]
    Format(#[from] FormatError),
    /// The log failed.
    #[error("{0}")]
    Log(#[from] LogError),
}

/// Writes rows to one source; keeps its encoders.
pub(crate) struct Writer {
    topic: Arc<str>,
    key_columns: Vec<Column>,
    value_columns: Vec<Column>,
    key: Box<dyn Encode>,
    value: Box<dyn Encode>,
    partitioner: Partitioner,
}

impl Writer {
    /// A writer for that source.
    pub(crate) fn new(source: &Source, schemas: &Arc<dyn Schemas>) -> Result<Self, FormatError> {
        let schema = source.record_schema();
        let topic: Arc<str> = source.topic.as_str().into();
        let half = |is_key| Half { topic: Arc::clone(&topic), is_key, schemas: Arc::clone(schemas) };
        Ok(Self {
            key: encoder(&source.formats.key, &schema.key, &half(true))?,
            value: encoder(&source.formats.value, &schema.value, &half(false))?,
            topic,
            key_columns: schema.key,
            value_columns: schema.value,
            partitioner: Partitioner::default(),
        })
    }

    /// Writes rows; they are durable on return.
    pub(crate) fn write(&mut self, log: &dyn Log, rows: &[Row]) -> Result<(), WriteError> {
        if rows.is_empty() {
            return Ok(());
        }
        let outputs = self.encode(log, rows)?;
        log.append(outputs)?;
        Ok(())
    }

    /// The records of rows, placed.
    fn encode(&mut self, log: &dyn Log, rows: &[Row]) -> Result<Vec<Output>, WriteError> {
        let keys: Vec<_> = columns(&self.key_columns, rows, |row| &row.key);
        let values: Vec<_> = columns(&self.value_columns, rows, |row| &row.value);
        // A key of several columns is a row of its own, which is there even if all of them are NULL.
        let is_row = self.key_columns.len() > 1;
        let present = rows.iter().map(|row| is_row || row.key.iter().any(|value| !value.is_null())).collect();
        let keys: BinaryArray = self.key.encode(&keys, Some(&present))?;
        // Without a column nothing else tells how many values there are.
        let all = BooleanBuffer::new_set(rows.len());
        let values = self.value.encode(&values, values.is_empty().then_some(&all))?;
        let timestamps: ScalarBuffer<i64> = rows.iter().map(|row| row.timestamp).collect();
        debug_assert_eq!(keys.len(), rows.len());
        let topic = log.topic(&self.topic)?.ok_or_else(|| LogError::UnknownTopic(self.topic.to_string()))?;
        let records = Records { timestamps, keys, values, headers: None };
        let placed = self.partitioner.split(records, topic.spec.partitions)?;
        let to = |partition| TopicPartition { topic: self.topic.clone(), partition };
        Ok(placed.into_iter().map(|(partition, records)| Output { to: to(partition), records }).collect())
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("topic", &self.topic).finish_non_exhaustive()
    }
}

fn encoder(spec: &FormatSpec, columns: &[Column], half: &Half) -> Result<Box<dyn Encode>, FormatError> {
    known_format(&spec.name)?.encoder(spec, columns, half)
}

fn columns(columns: &[Column], rows: &[Row], of: impl Fn(&Row) -> &Vec<Value>) -> Vec<arrow::array::ArrayRef> {
    let column = |(i, ty): (usize, &SqlType)| {
        let values: Vec<Value> = rows.iter().map(|row| of(row).get(i).cloned().unwrap_or_default()).collect();
        Value::column(ty, &values)
    };
    columns.iter().map(|column| &column.ty).enumerate().map(column).collect()
}
