//! Records of one partition, written together, as one payload:
//!
//! ```text
//! timestamps │ [offsets] │ key offsets │ value offsets │ [header offsets, header key offsets, header value offsets]
//! │ [key nulls] [value nulls] [header value nulls] │ key bytes │ value bytes │ [header keys, header values]
//! ```
//!
//! Only compacted batches have offsets, counted from that of the batch. Columns are Arrow's, little-endian: decoding cuts the payload into buffers and looks at no record.

use arrow::array::{Array, BinaryArray, StringArray};
use arrow::buffer::{BooleanBuffer, Buffer, MutableBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};

use crate::log::records::{header_columns, header_lists};
use crate::log::{RawBatch, Records, Result};

const _: () = assert!(cfg!(target_endian = "little"), "segment files hold Arrow buffers as they are in memory");

/// Memory of a batch beside its payload: arrays, buffers, their place in the partition.
const OVERHEAD: usize = 512;

const KEY_NULLS: u32 = 1;
const VALUE_NULLS: u32 = 2;
const HEADERS: u32 = 4;
const HEADER_VALUE_NULLS: u32 = 8;
const OFFSETS: u32 = 16;
/// All of these.
pub(super) const SHAPES: u32 = KEY_NULLS | VALUE_NULLS | HEADERS | HEADER_VALUE_NULLS | OFFSETS;

/// What is needed to cut a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// Number of records.
    pub(super) records: u32,
    /// Number of headers of all records.
    pub(super) headers: u32,
    /// Which columns there are.
    pub(super) flags: u32,
}

/// Lays out records, and their offsets if they do not follow each other, as one payload: the one copy made of them.
pub(super) fn payload(records: &Records, at: Option<&[u32]>) -> Result<(Buffer, Shape)> {
    let rows = records.len();
    let headers = match &records.headers {
        Some(lists) => Some((lists.value_offsets(), header_columns(lists)?)),
        None => None,
    };
    let headers = headers.map(|(offsets, (keys, values))| {
        let first = offsets.first().copied().unwrap_or(0) as usize;
        let count = offsets.last().copied().unwrap_or(0) as usize - first;
        (offsets, keys.slice(first, count), values.slice(first, count))
    });
    let mut shape = Shape { records: rows as u32, headers: 0, flags: 0 };
    let mut out = MutableBuffer::with_capacity(64 + rows * 17 + records.payload_bytes(rows));
    out.extend_from_slice(&records.timestamps);
    if let Some(at) = at {
        shape.flags |= OFFSETS;
        out.extend_from_slice(at);
    }
    push_offsets(&mut out, records.keys.value_offsets());
    push_offsets(&mut out, records.values.value_offsets());
    if let Some((offsets, keys, values)) = &headers {
        shape.flags |= HEADERS;
        shape.headers = keys.len() as u32;
        push_offsets(&mut out, offsets);
        push_offsets(&mut out, keys.value_offsets());
        push_offsets(&mut out, values.value_offsets());
    }
    shape.flags |= push_nulls(&mut out, records.keys.nulls(), KEY_NULLS);
    shape.flags |= push_nulls(&mut out, records.values.nulls(), VALUE_NULLS);
    if let Some((_, _, values)) = &headers {
        shape.flags |= push_nulls(&mut out, values.nulls(), HEADER_VALUE_NULLS);
    }
    push_bytes(&mut out, records.keys.value_offsets(), records.keys.value_data());
    push_bytes(&mut out, records.values.value_offsets(), records.values.value_data());
    if let Some((_, keys, values)) = &headers {
        push_bytes(&mut out, keys.value_offsets(), keys.value_data());
        push_bytes(&mut out, values.value_offsets(), values.value_data());
    }
    Ok((out.into(), shape))
}

fn push_offsets(out: &mut MutableBuffer, offsets: &[i32]) {
    match offsets.first().copied().unwrap_or(0) {
        0 => out.extend_from_slice(offsets),
        first => out.extend(offsets.iter().map(|offset| offset - first)),
    }
}

fn push_nulls(out: &mut MutableBuffer, nulls: Option<&NullBuffer>, flag: u32) -> u32 {
    match nulls {
        Some(nulls) if nulls.null_count() > 0 => {
            let bits = nulls.inner().sliced();
            out.extend_from_slice(bits.as_slice().get(..nulls.len().div_ceil(8)).unwrap_or(&bits));
            flag
        }
        _ => 0,
    }
}

fn push_bytes(out: &mut MutableBuffer, offsets: &[i32], bytes: &[u8]) {
    let (first, last) = (offsets.first().copied().unwrap_or(0), offsets.last().copied().unwrap_or(0));
    out.extend_from_slice(bytes.get(first as usize..last as usize).unwrap_or_default());
}

/// Records and, of a compacted batch, their offsets.
type Cutting = (Records, Option<ScalarBuffer<u32>>);

/// Cuts a payload into columns that share its memory. The error says what is wrong with it.
pub(super) fn records(payload: &Buffer, shape: Shape) -> std::result::Result<Cutting, String> {
    let mut cut = Cut { payload, at: 0 };
    let (rows, headers) = (shape.records as usize, shape.headers as usize);
    let has = |flag: u32| shape.flags & flag != 0;
    let timestamps = ScalarBuffer::new(cut.bytes(rows * 8)?, 0, rows);
    let at = if has(OFFSETS) { Some(ScalarBuffer::new(cut.bytes(rows * 4)?, 0, rows)) } else { None };
    let (key_offsets, value_offsets) = (cut.offsets(rows)?, cut.offsets(rows)?);
    let header_offsets = match has(HEADERS) {
        true => Some((cut.offsets(rows)?, cut.offsets(headers)?, cut.offsets(headers)?)),
        false => None,
    };
    let key_nulls = cut.nulls(has(KEY_NULLS), rows)?;
    let value_nulls = cut.nulls(has(VALUE_NULLS), rows)?;
    let header_nulls = cut.nulls(has(HEADER_VALUE_NULLS), headers)?;
    let keys = cut.binary(key_offsets, key_nulls)?;
    let values = cut.binary(value_offsets, value_nulls)?;
    let headers = match header_offsets {
        Some((lists, key_offsets, value_offsets)) => {
            let bytes = cut.bytes(last(&key_offsets))?;
            let keys = StringArray::try_new(key_offsets, bytes, None).map_err(|error| error.to_string())?;
            let values = cut.binary(value_offsets, header_nulls)?;
            Some(header_lists(lists, keys, values).map_err(|error| error.to_string())?)
        }
        None => None,
    };
    Ok((Records { timestamps, keys, values, headers }, at))
}

fn last(offsets: &OffsetBuffer<i32>) -> usize {
    offsets.last().copied().unwrap_or(0) as usize
}

struct Cut<'a> {
    payload: &'a Buffer,
    at: usize,
}

impl Cut<'_> {
    fn bytes(&mut self, len: usize) -> std::result::Result<Buffer, String> {
        if self.payload.len() - self.at < len {
            return Err("a batch is shorter than it says".to_owned());
        }
        let bytes = self.payload.slice_with_length(self.at, len);
        self.at += len;
        Ok(bytes)
    }

    fn offsets(&mut self, rows: usize) -> std::result::Result<OffsetBuffer<i32>, String> {
        let offsets = ScalarBuffer::<i32>::new(self.bytes((rows + 1) * 4)?, 0, rows + 1);
        if offsets.first() != Some(&0) || !offsets.is_sorted() {
            return Err("a batch holds offsets that do not ascend".to_owned());
        }
        Ok(OffsetBuffer::new(offsets))
    }

    fn nulls(&mut self, any: bool, rows: usize) -> std::result::Result<Option<NullBuffer>, String> {
        match any {
            true => Ok(Some(NullBuffer::new(BooleanBuffer::new(self.bytes(rows.div_ceil(8))?, 0, rows)))),
            false => Ok(None),
        }
    }

    fn binary(
        &mut self,
        offsets: OffsetBuffer<i32>,
        nulls: Option<NullBuffer>,
    ) -> std::result::Result<BinaryArray, String> {
        let bytes = self.bytes(last(&offsets))?;
        BinaryArray::try_new(offsets, bytes, nulls).map_err(|error| error.to_string())
    }
}

/// A batch at its place in a partition, decoded.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    /// Offset of its first record.
    pub(super) base: i64,
    /// Its records, sharing one buffer.
    pub(super) records: Records,
    /// Memory it takes.
    pub(super) bytes: usize,
    /// Its records' offsets, if compaction has left gaps.
    offsets: Option<ScalarBuffer<i64>>,
    /// Offsets it stands for.
    covered: i64,
}

impl Batch {
    /// Records that share a payload of so many bytes.
    pub(super) fn new(base: i64, records: Records, payload_bytes: usize) -> Batch {
        let covered = records.len() as i64;
        Batch { base, records, bytes: payload_bytes + OVERHEAD, offsets: None, covered }
    }

    /// The batch as compaction left it: its records' offsets, counted from its own, and how many it stands for (0: it is
    /// as it was appended).
    pub(super) fn compacted(self, at: Option<&[u32]>, covered: u32) -> std::result::Result<Batch, String> {
        match at {
            None if covered == 0 => Ok(self),
            Some(at) if at.is_sorted_by(|a, b| a < b) && at.last().is_none_or(|last| *last < covered) => {
                let offsets = at.iter().map(|at| self.base + i64::from(*at)).collect();
                Ok(Batch { offsets: Some(offsets), covered: covered.into(), ..self })
            }
            _ => Err("a batch holds offsets that are not its own".to_owned()),
        }
    }

    /// The offset at which the next batch begins.
    pub(super) fn end(&self) -> i64 {
        self.base + self.covered
    }

    /// Its records from `offset` on.
    pub(super) fn from(self, offset: i64) -> RawBatch {
        let (skip, offsets) = match self.offsets {
            Some(offsets) => {
                let skip = offsets.partition_point(|at| *at < offset);
                (skip, offsets.slice(skip, offsets.len() - skip))
            }
            None => {
                let start = offset.clamp(self.base, self.base + self.covered);
                ((start - self.base) as usize, (start..self.base + self.covered).collect())
            }
        };
        let records = match skip {
            0 => self.records,
            skip => self.records.slice(skip, self.records.len() - skip),
        };
        RawBatch { offsets, records }
    }
}
