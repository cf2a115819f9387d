//! Reading committed batches: from memory when they are still there, else from segment files.

use std::sync::Arc;

use crate::log::embedded::batch::Batch;
use crate::log::embedded::partition::Partition;
use crate::log::embedded::segment::{Scan, are_scans_too_many, corrupt};
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
    scan: Option<Scan>,
    /// Read from disk but not handed out.
    left: Option<Batch>,
}

impl LogReader {
    /// Reads each partition from its offset on.
    pub(super) fn new(from: Vec<(Arc<Partition>, i64)>, wake: &Arc<Signal>) -> LogReader {
        let cursor = |(partition, next): (Arc<Partition>, i64)| {
            let watch = partition.watch(Arc::clone(wake));
            Cursor { partition, watch, next, scan: None, left: None }
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
            if let Some(batch) = cursor.read(max_bytes.min(JOIN_BYTES))? {
                read.push((i, batch));
            }
        }
        Ok(read)
    }

    fn has_reached_end(&self, _index: usize) -> bool {
        true
    }
}

impl Cursor {
    /// One batch, or several small ones joined up to `limit` bytes. Batches of which compaction has left nothing are
    /// passed over.
    fn read(&mut self, limit: usize) -> Result<Option<RawBatch>> {
        while self.next < self.partition.end() {
            let batches = self.batches(limit)?;
            let Some(next) = batches.last().map(Batch::end) else { break };
            let from = std::mem::replace(&mut self.next, next);
            let raw = RawBatch::join(batches.into_iter().map(|batch| batch.from(from)).collect())?;
            if raw.as_ref().is_some_and(|raw| !raw.records.is_empty()) {
                return Ok(raw);
            }
        }
        Ok(None)
    }

    fn batches(&mut self, limit: usize) -> Result<Vec<Batch>> {
        let mut bytes = 0;
        let recent = self.partition.read_recent(self.next, |batch| {
            let is_wanted = bytes == 0 || bytes + batch.bytes <= limit;
            bytes += batch.bytes;
            is_wanted
        });
        match recent {
            Some(batches) => {
                (self.scan, self.left) = (None, None);
                Ok(batches)
            }
            None => self.read_disk(limit),
        }
    }

    fn read_disk(&mut self, limit: usize) -> Result<Vec<Batch>> {
        let (mut batches, mut bytes, mut next) = (Vec::new(), 0, self.next);
        while let Some(batch) = self.next_on_disk(next)? {
            if bytes > 0 && bytes + batch.bytes > limit {
                self.left = Some(batch);
                break;
            }
            bytes += batch.bytes;
            next = batch.end();
            batches.push(batch);
        }
        if are_scans_too_many() {
            self.scan = None;
        }
        Ok(batches)
    }

    /// The batch that holds `offset`, or the first one after it when retention has removed it.
    fn next_on_disk(&mut self, offset: i64) -> Result<Option<Batch>> {
        if let Some(batch) = self.left.take().filter(|batch| batch.base <= offset && offset < batch.end()) {
            return Ok(Some(batch));
        }
        if offset >= self.partition.end() {
            // what comes next is read from memory; the file and its buffer are not needed for that
            self.scan = None;
            return Ok(None);
        }
        if let Some(scan) = self.scan.as_mut().filter(|scan| scan.is_at(offset))
            && let Some(batch) = scan.next_batch()?
        {
            return Ok(Some(batch));
        }
        let scan = self.partition.scan(offset);
        let begin = self.partition.bounds().begin;
        let mut scan = match scan {
            Ok(Some(scan)) => scan,
            Ok(None) => return Ok(None),
            // retention or a deletion took the file away just now
            Err(_) if offset < begin => return Ok(None),
            Err(error) => return self.partition.check_exists().and(Err(error)),
        };
        let batch = scan.next_batch()?;
        let file = scan.segment.path.clone();
        self.scan = Some(scan);
        match batch {
            Some(batch) if batch.base <= offset.max(begin) => Ok(Some(batch)),
            None if offset < begin => Ok(None),
            _ => Err(corrupt(&file, format!("offset {offset} is missing"))),
        }
    }
}
