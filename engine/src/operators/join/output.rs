//! Rows of a result, put together from the bytes of their parts.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, new_empty_array};
use arrow::buffer::{BooleanBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::interleave;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use crate::kv::KvError;
use crate::operators::OperatorError;
use crate::types::row::{BadRow, RowDecoder};
use crate::types::{Changes, Column, Schema, Side, SqlType, Windows};

/// What a state that cannot be read is for a query.
pub(super) fn damaged(bad: BadRow) -> OperatorError {
    OperatorError::State(KvError::Corrupt { file: "state of a join".to_owned(), problem: bad.to_string() })
}

/// Decodes rows of these columns.
pub(super) fn decoder(columns: &[Column]) -> RowDecoder {
    let types: Vec<SqlType> = columns.iter().map(|column| column.ty.clone()).collect();
    RowDecoder::new(&types)
}

/// Bytes of the left and the right part of a joined row; a part that is not there is NULL in all its columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair<'a> {
    pub(super) left: Option<&'a [u8]>,
    pub(super) right: Option<&'a [u8]>,
}

impl<'a> Pair<'a> {
    /// The part of `port` and that of the other one.
    pub(super) fn of(port: usize, this: Option<&'a [u8]>, other: Option<&'a [u8]>) -> Self {
        if port == super::LEFT { Self { left: this, right: other } } else { Self { left: other, right: this } }
    }
}

/// Where and when a joined row comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin<'a> {
    /// Port and row of the input row that caused it: gives `seq` and headers.
    pub(super) port: usize,
    pub(super) row: usize,
    /// Encoded key columns.
    pub(super) key_row: &'a [u8],
    /// Window in the key.
    pub(super) window: Option<(i64, i64)>,
    /// ROWTIME.
    pub(super) time: i64,
}

/// The result of one step being put together.
pub(super) struct Output {
    key: RowDecoder,
    new: Joined,
    old: Option<Joined>,
    starts: Vec<i64>,
    ends: Vec<i64>,
    times: Vec<i64>,
    from: Vec<(usize, usize)>,
}

impl Output {
    /// For rows of these inputs; the key columns are those of `left`. `old`: whether old rows are made too.
    pub(super) fn new(left: &Schema, right: &Schema, old: bool) -> Self {
        Self {
            key: decoder(&left.key),
            new: Joined::new(left, right),
            old: old.then(|| Joined::new(left, right)),
            starts: Vec::new(),
            ends: Vec::new(),
            times: Vec::new(),
            from: Vec::new(),
        }
    }

    /// Appends a row; `None` is a row that is not there.
    pub(super) fn push(
        &mut self,
        origin: Origin<'_>,
        new: Option<Pair<'_>>,
        old: Option<Pair<'_>>,
    ) -> Result<(), OperatorError> {
        self.key.push(origin.key_row).map_err(damaged)?;
        self.new.push(new).map_err(damaged)?;
        if let Some(olds) = &mut self.old {
            olds.push(old).map_err(damaged)?;
        }
        let (start, end) = origin.window.unwrap_or_default();
        self.starts.push(start);
        self.ends.push(end);
        self.times.push(origin.time);
        self.from.push((origin.port, origin.row));
        Ok(())
    }

    /// The rows; the output is empty afterwards.
    pub(super) fn finish(&mut self, inputs: &[Changes; 2]) -> Result<Changes, ArrowError> {
        let from = std::mem::take(&mut self.from);
        let (starts, ends) = (std::mem::take(&mut self.starts), std::mem::take(&mut self.ends));
        let windowed = inputs.iter().any(|input| input.windows.is_some());
        let seqs = from.iter().filter_map(|&(port, row)| inputs.get(port)?.seq.get(row).copied());
        Ok(Changes {
            key: self.key.finish()?,
            null_keys: None,
            windows: windowed.then(|| Windows { start: starts.into(), end: ends.into() }),
            new: self.new.finish()?,
            old: self.old.as_mut().map(Joined::finish).transpose()?,
            time: std::mem::take(&mut self.times).into(),
            seq: seqs.collect::<ScalarBuffer<u64>>(),
            headers: headers(inputs, &from)?,
        })
    }
}

/// One version of the result's value columns.
struct Joined {
    left: RowDecoder,
    right: RowDecoder,
    present: Vec<bool>,
}

impl Joined {
    fn new(left: &Schema, right: &Schema) -> Self {
        Self { left: decoder(&left.value), right: decoder(&right.value), present: Vec::new() }
    }

    fn push(&mut self, row: Option<Pair<'_>>) -> Result<(), BadRow> {
        push_part(&mut self.left, row.and_then(|pair| pair.left))?;
        push_part(&mut self.right, row.and_then(|pair| pair.right))?;
        self.present.push(row.is_some());
        Ok(())
    }

    fn finish(&mut self) -> Result<Side, ArrowError> {
        let present = std::mem::take(&mut self.present);
        let mut columns = self.left.finish()?;
        columns.extend(self.right.finish()?);
        let all = present.iter().all(|present| *present);
        Ok(Side { columns, present: (!all).then(|| BooleanBuffer::from(present)) })
    }
}

fn push_part(decoder: &mut RowDecoder, part: Option<&[u8]>) -> Result<(), BadRow> {
    match part {
        Some(bytes) => decoder.push(bytes),
        None => {
            decoder.push_null();
            Ok(())
        }
    }
}

/// Headers of the input rows that caused the output rows.
fn headers(inputs: &[Changes; 2], from: &[(usize, usize)]) -> Result<Option<ListArray>, ArrowError> {
    let Some(some) = inputs.iter().find_map(|input| input.headers.as_ref()) else { return Ok(None) };
    let lists = inputs.iter().map(|input| match &input.headers {
        Some(headers) => Ok(Arc::new(headers.clone()) as ArrayRef),
        None => Ok(Arc::new(no_headers(some.data_type(), input.len())?) as ArrayRef),
    });
    let lists = lists.collect::<Result<Vec<_>, ArrowError>>()?;
    let lists: Vec<&dyn Array> = lists.iter().map(AsRef::as_ref).collect();
    Ok(interleave(&lists, from)?.as_list_opt().cloned())
}

fn no_headers(ty: &DataType, rows: usize) -> Result<ListArray, ArrowError> {
    let DataType::List(item) = ty else {
        return Err(ArrowError::SchemaError("headers are no list".to_owned()));
    };
    ListArray::try_new(Arc::clone(item), OffsetBuffer::new_zeroed(rows), new_empty_array(item.data_type()), None)
}
