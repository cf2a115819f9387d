//! `Changes`: the one type between operators.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, UInt32Array, new_empty_array};
use arrow::buffer::{BooleanBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::{concat, filter, take};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use super::{Schema, View};

/// One version of the value side of a batch of rows.
#[derive(Debug, Clone)]
pub struct Side {
    /// Value columns, each as long as the batch. Rows that are not present hold NULL in every column.
    pub columns: Vec<ArrayRef>,
    /// Which rows have a value at all; `None` means every row. A row that is not present is a record with a null
    /// value: on a stream it is passed along, on a table it is "there is no such row" (a tombstone on the new side).
    pub present: Option<BooleanBuffer>,
}

impl Side {
    /// Whether row `i` has a value.
    pub fn is_present(&self, i: usize) -> bool {
        self.present.as_ref().is_none_or(|present| present.value(i))
    }

    fn bytes(&self) -> usize {
        self.columns.iter().map(|column| View::new(column).bytes(0..column.len())).sum()
    }

    fn slice(&self, start: usize, len: usize) -> Self {
        Self {
            columns: self.columns.iter().map(|column| column.slice(start, len)).collect(),
            present: self.present.as_ref().map(|present| present.slice(start, len)),
        }
    }

    fn filter(&self, keep: &BooleanArray) -> Result<Self, ArrowError> {
        Ok(Self { columns: filter_all(&self.columns, keep)?, present: filter_bits(self.present.as_ref(), keep) })
    }

    /// These rows, in that order; indices must be within the batch.
    ///
    /// # Errors
    /// A column of the result takes more than Arrow's can hold.
    pub fn take(&self, rows: &UInt32Array) -> Result<Self, ArrowError> {
        let present = self.present.as_ref();
        Ok(Self {
            columns: take_all(&self.columns, rows)?,
            present: present.map(|bits| rows.values().iter().map(|&row| bits.value(row as usize)).collect()),
        })
    }

    fn concat(sides: &[&Side], lens: &[usize]) -> Result<Self, ArrowError> {
        let width = sides.first().map_or(0, |side| side.columns.len());
        let columns = (0..width).map(|i| concat_column(sides.iter().map(|side| side.columns.get(i))));
        let columns = columns.collect::<Result<_, _>>()?;
        let present = sides.iter().any(|side| side.present.is_some()).then(|| {
            let rows = sides.iter().zip(lens).flat_map(|(side, &len)| (0..len).map(|row| side.is_present(row)));
            rows.collect()
        });
        Ok(Self { columns, present })
    }
}

/// Bounds of the window in the key of each row, milliseconds. For time windows `end` is exclusive, for sessions it is
/// the timestamp of the last record.
#[derive(Debug, Clone)]
pub struct Windows {
    /// First millisecond of each row's window.
    pub start: ScalarBuffer<i64>,
    /// End of each row's window.
    pub end: ScalarBuffer<i64>,
}

/// A batch of rows between two operators, in the order in which they happened.
///
/// *Streams*: every row is an insert, `old` is `None`. *Tables*: every row replaces `old` by `new` for its key; either
/// may be absent; `old` is `None` when no operator downstream reads it (the plan knows) .
///
/// `seq` numbers the input record a row comes from within the task's current step (never decreasing). Two inputs of one
/// operator are walked by (`seq`, port), so results equal those of one-record-at-a-time processing.
#[derive(Debug, Clone)]
pub struct Changes {
    /// Key columns. A null key is NULL in all of them.
    pub key: Vec<ArrayRef>,
    /// Which rows have a key even though it is NULL in all columns: in a topic a key of several columns is a row of its own.
    /// `None` when no row has such a key.
    pub null_keys: Option<BooleanBuffer>,
    /// Window in the key, for windowed streams and tables.
    pub windows: Option<Windows>,
    /// What each row is now.
    pub new: Side,
    /// What each row was before (tables, only where somebody reads it).
    pub old: Option<Side>,
    /// ROWTIME of each row, milliseconds since the epoch.
    pub time: ScalarBuffer<i64>,
    /// Number of the input record within the step.
    pub seq: ScalarBuffer<u64>,
    /// Headers of the input record (`List<Struct<KEY Utf8, VALUE Binary>>`); `None` when no row has any.
    pub headers: Option<ListArray>,
}

impl Changes {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.time.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.time.is_empty()
    }

    /// Bytes its values take.
    pub fn bytes(&self) -> usize {
        self.new.bytes() + self.old.as_ref().map_or(0, Side::bytes)
    }

    /// No rows of that schema.
    pub fn empty(schema: &Schema) -> Self {
        let none = |columns: &[super::Column]| columns.iter().map(|c| new_empty_array(&c.ty.to_arrow())).collect();
        Self {
            key: none(&schema.key),
            null_keys: None,
            windows: None,
            new: Side { columns: none(&schema.value), present: None },
            old: None,
            time: ScalarBuffer::from(Vec::new()),
            seq: ScalarBuffer::from(Vec::new()),
            headers: None,
        }
    }

    /// Rows `start..start + len`; nothing is copied.
    pub fn slice(&self, start: usize, len: usize) -> Self {
        Self {
            key: self.key.iter().map(|column| column.slice(start, len)).collect(),
            null_keys: self.null_keys.as_ref().map(|bits| bits.slice(start, len)),
            windows: self
                .windows
                .as_ref()
                .map(|windows| Windows { start: windows.start.slice(start, len), end: windows.end.slice(start, len) }),
            new: self.new.slice(start, len),
            old: self.old.as_ref().map(|old| old.slice(start, len)),
            time: self.time.slice(start, len),
            seq: self.seq.slice(start, len),
            headers: self.headers.as_ref().map(|headers| headers.slice(start, len)),
        }
    }

    /// The rows where `keep` is true.
    ///
    /// # Errors
    /// Never for `keep` as long as the batch.
    pub fn filter(&self, keep: &BooleanArray) -> Result<Self, ArrowError> {
        Ok(Self {
            key: filter_all(&self.key, keep)?,
            null_keys: filter_bits(self.null_keys.as_ref(), keep),
            windows: self.windows.as_ref().map(|windows| Windows {
                start: filter_buffer(&windows.start, keep),
                end: filter_buffer(&windows.end, keep),
            }),
            new: self.new.filter(keep)?,
            old: self.old.as_ref().map(|old| old.filter(keep)).transpose()?,
            time: filter_buffer(&self.time, keep),
            seq: filter_buffer(&self.seq, keep),
            headers: match &self.headers {
                Some(headers) => filter(headers, keep)?.as_list_opt().cloned(),
                None => None,
            },
        })
    }

    /// These rows, in that order; indices must be within the batch.
    ///
    /// # Errors
    /// A column of the result takes more than Arrow's can hold.
    pub fn take(&self, rows: &UInt32Array) -> Result<Self, ArrowError> {
        let null_keys = self.null_keys.as_ref();
        Ok(Self {
            key: take_all(&self.key, rows)?,
            null_keys: null_keys.map(|bits| rows.values().iter().map(|&row| bits.value(row as usize)).collect()),
            windows: self.windows.as_ref().map(|windows| Windows {
                start: take_buffer(&windows.start, rows),
                end: take_buffer(&windows.end, rows),
            }),
            new: self.new.take(rows)?,
            old: self.old.as_ref().map(|old| old.take(rows)).transpose()?,
            time: take_buffer(&self.time, rows),
            seq: take_buffer(&self.seq, rows),
            headers: match &self.headers {
                Some(headers) => take(headers, rows, None)?.as_list_opt().cloned(),
                None => None,
            },
        })
    }

    /// Batches of one schema, one after the other (at least one).
    ///
    /// # Errors
    /// There is no batch, they are of different schemas, or a column of the result takes more than Arrow's can hold.
    pub fn concat(batches: &[Changes]) -> Result<Self, ArrowError> {
        let Some(first) = batches.first() else {
            return Err(ArrowError::InvalidArgumentError("nothing to concatenate".to_owned()));
        };
        if batches.len() == 1 {
            return Ok(first.clone());
        }
        let lens: Vec<usize> = batches.iter().map(Changes::len).collect();
        let key = (0..first.key.len()).map(|i| concat_column(batches.iter().map(|batch| batch.key.get(i))));
        let news: Vec<&Side> = batches.iter().map(|batch| &batch.new).collect();
        let olds: Option<Vec<&Side>> = batches.iter().map(|batch| batch.old.as_ref()).collect();
        let windows: Option<Vec<&Windows>> = batches.iter().map(|batch| batch.windows.as_ref()).collect();
        let null_keys = batches.iter().any(|batch| batch.null_keys.is_some()).then(|| {
            let rows = batches.iter().flat_map(|batch| (0..batch.len()).map(|row| batch.has_null_key(row)));
            rows.collect()
        });
        Ok(Self {
            key: key.collect::<Result<_, _>>()?,
            null_keys,
            windows: windows.map(|windows| Windows {
                start: windows.iter().flat_map(|windows| windows.start.iter().copied()).collect(),
                end: windows.iter().flat_map(|windows| windows.end.iter().copied()).collect(),
            }),
            new: Side::concat(&news, &lens)?,
            old: olds.map(|olds| Side::concat(&olds, &lens)).transpose()?,
            time: batches.iter().flat_map(|batch| batch.time.iter().copied()).collect(),
            seq: batches.iter().flat_map(|batch| batch.seq.iter().copied()).collect(),
            headers: concat_headers(batches)?,
        })
    }

    /// Whether row `i` has a key that is NULL in all columns.
    pub fn has_null_key(&self, i: usize) -> bool {
        self.null_keys.as_ref().is_some_and(|bits| bits.value(i))
    }

    /// Key columns, then the columns of `side`: the row layout expressions are compiled against.
    pub fn row<'a>(&'a self, side: &'a Side) -> impl Iterator<Item = &'a ArrayRef> {
        self.key.iter().chain(&side.columns)
    }
}

fn filter_all(columns: &[ArrayRef], keep: &BooleanArray) -> Result<Vec<ArrayRef>, ArrowError> {
    columns.iter().map(|column| filter(column, keep)).collect()
}

fn take_all(columns: &[ArrayRef], rows: &UInt32Array) -> Result<Vec<ArrayRef>, ArrowError> {
    columns.iter().map(|column| take(column, rows, None)).collect()
}

fn filter_buffer<T: arrow::datatypes::ArrowNativeType>(
    values: &ScalarBuffer<T>,
    keep: &BooleanArray,
) -> ScalarBuffer<T> {
    values.iter().zip(keep).filter(|(_, keep)| *keep == Some(true)).map(|(value, _)| *value).collect()
}

fn filter_bits(bits: Option<&BooleanBuffer>, keep: &BooleanArray) -> Option<BooleanBuffer> {
    bits.map(|bits| bits.iter().zip(keep).filter(|(_, keep)| *keep == Some(true)).map(|(bit, _)| bit).collect())
}

fn take_buffer<T: arrow::datatypes::ArrowNativeType>(values: &ScalarBuffer<T>, rows: &UInt32Array) -> ScalarBuffer<T> {
    rows.values().iter().filter_map(|&row| values.get(row as usize).copied()).collect()
}

fn concat_column<'a>(columns: impl Iterator<Item = Option<&'a ArrayRef>>) -> Result<ArrayRef, ArrowError> {
    let columns: Vec<&dyn Array> = columns.flatten().map(AsRef::as_ref).collect();
    concat(&columns)
}

/// Rows of batches without headers get empty lists.
fn concat_headers(batches: &[Changes]) -> Result<Option<ListArray>, ArrowError> {
    let Some(some) = batches.iter().find_map(|batch| batch.headers.as_ref()) else { return Ok(None) };
    let lists = batches.iter().map(|batch| match &batch.headers {
        Some(headers) => Ok(headers.clone()),
        None => {
            let DataType::List(item) = some.data_type() else { return Ok(some.slice(0, 0)) };
            let offsets = OffsetBuffer::new_zeroed(batch.len());
            ListArray::try_new(Arc::clone(item), offsets, new_empty_array(item.data_type()), None)
        }
    });
    let lists = lists.collect::<Result<Vec<_>, _>>()?;
    let lists: Vec<&dyn Array> = lists.iter().map(|list| list as &dyn Array).collect();
    Ok(concat(&lists)?.as_list_opt().cloned())
}
