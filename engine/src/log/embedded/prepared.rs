//! Records cut into batches and laid out, before they have a place in a partition.

use crate::log::embedded::batch::{self, Batch, payload};
use crate::log::embedded::frame::frame;
use crate::log::{LogError, Records, Result};

/// Appended records are cut into batches of about so many bytes of keys and values.
pub(super) const BATCH_BYTES: usize = 1 << 20;

/// Most bytes of one record.
const RECORD_BYTES: usize = 1 << 30;

/// A batch ready to be written; only its place is missing.
#[derive(Debug)]
pub(super) struct Prepared {
    /// What readers will get; its base is still to be set.
    pub(super) batch: Batch,
    /// What goes into a segment file; empty for a log in memory.
    pub(super) frame: Vec<u8>,
}

/// Cuts records into batches and lays each out, `with_frames` also as it will lie on disk. Runs in the writer's own
/// thread, before it queues.
pub(super) fn prepare(records: &Records, with_frames: bool) -> Result<Vec<Prepared>> {
    let mut batches = Vec::with_capacity(1);
    let mut start = 0;
    while start < records.len() {
        let rest = records.slice(start, records.len() - start);
        let piece = rest.slice(0, fitting(&rest));
        start += piece.len();
        let (payload, shape) = payload(&piece, None)?;
        if payload.len() > RECORD_BYTES {
            let bytes = payload.len();
            return Err(LogError::Invalid(format!("a record has {bytes} bytes: {RECORD_BYTES} are the most")));
        }
        let frame = match with_frames {
            true => frame(&payload, shape, piece.timestamps.iter().copied().max().unwrap_or(0)),
            false => Vec::new(),
        };
        let (records, _) = batch::records(&payload, shape).map_err(LogError::Invalid)?;
        batches.push(Prepared { batch: Batch::new(0, records, payload.len()), frame });
    }
    Ok(batches)
}

/// How many of the records make one batch: at least one, at most about [`BATCH_BYTES`].
fn fitting(records: &Records) -> usize {
    let (mut fits, mut too_many) = (1, records.len() + 1);
    while too_many - fits > 1 {
        let middle = fits + (too_many - fits) / 2;
        if records.payload_bytes(middle) + middle * 16 <= BATCH_BYTES {
            fits = middle;
        } else {
            too_many = middle;
        }
    }
    fits
}
