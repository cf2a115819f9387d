//! Reading committed batches.

use std::sync::Arc;

use arrow::buffer::ScalarBuffer;

use crate::log::embedded::batch::Batch;
use crate::log::embedded::partition::Partition;
use crate::log::{RawBatch, Reader, Result, Signal};

/// Consecutive batches are joined up to this size; joining larger ones costs more than it saves downstream.
const JOIN_BYTES: usize = 256 << 10;

/// Reads some partitions.
pub(super) struct LogReader {
    partitions: Vec<Cursor>,
}

struct Cursor {
    partition: Arc<Partition>,
    watch: u64,
    next: i64,
}

impl LogReader {
    /// Reads each partition from its offset on.
    pub(super) fn new(from: Vec<(Arc<Partition>, i64)>, wake: &Arc<Signal>) -> LogReader {
        let cursor = |(partition, next): (Arc<Partition>, i64)| {
            let watch = partition.watch(Arc::clone(wake));
            Cursor { partition, watch, next }
        };
        LogReader { partitions: from.into_iter().map(cursor).collect() }
    }
}

impl Drop for LogReader {
    fn drop(&mut self) {
        self.partitions.iter().for_each(|cursor| cursor.partition.unwatch(cursor.watch));
    }
}

impl Reader for LogReader {
    fn poll(&mut self, max_bytes: usize) -> Result<Vec<(usize, RawBatch)>> {
        let mut read = Vec::new();
        for (i, cursor) in self.partitions.iter_mut().enumerate() {
            cursor.partition.check_exists()?;
            if cursor.next < cursor.partition.end()
                && let Some(batch) = cursor.read(max_bytes)?
            {
                read.push((i, batch));
            }
        }
        Ok(read)
    }
}

impl Cursor {
    fn read(&mut self, max_bytes: usize) -> Result<Option<RawBatch>> {
        let limit = max_bytes.min(JOIN_BYTES);
        let mut bytes = 0;
        let batches = self.partition.read_recent(self.next, |batch| {
            let wanted = bytes == 0 || bytes + batch.bytes <= limit;
            bytes += batch.bytes;
            wanted
        });
        let raw = batches.into_iter().map(|batch| from(batch, self.next)).collect();
        let raw = RawBatch::join(raw)?;
        if let Some(last) = raw.as_ref().and_then(|raw| raw.offsets.last()) {
            self.next = last + 1;
        }
        Ok(raw)
    }
}

/// The records of a batch from `offset` on.
fn from(batch: Batch, offset: i64) -> RawBatch {
    let end = batch.end();
    let start = offset.max(batch.base);
    let records = match (start - batch.base) as usize {
        0 => batch.records,
        skip => batch.records.slice(skip, batch.records.len() - skip),
    };
    RawBatch { offsets: ScalarBuffer::from_iter(start..end), records }
}
