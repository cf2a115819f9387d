//! Compaction of a partition: of every key the last record is kept, and tombstones for a while.
//!
//! A pass looks at what was appended since the last one, notes the last offset of each key in it, and writes all closed
//! segments anew without the records that others have replaced. Offsets stay as they are. The new files, which carry the
//! number of the pass in their names, are durable before the local database says that they count; until then, and for
//! whoever starts after a crash, the old ones do. So readers always find one or the other.

use std::collections::hash_map::RandomState;
use std::fs::{File, OpenOptions, remove_file};
use std::hash::BuildHasher;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use arrow::array::Array;
use hashbrown::HashMap;

use crate::kv::KvError;
use crate::kv::sync_dir;
use crate::log::embedded::batch::payload;
use crate::log::embedded::cleaned::{Cleaned, Rewritten};
use crate::log::embedded::frame::{Header, cover, frame, place};
use crate::log::embedded::partition::Partition;
use crate::log::embedded::prepared::BATCH_BYTES;
use crate::log::embedded::retention::Compaction;
use crate::log::embedded::segment::{Scan, Segment, corrupt};
use crate::log::{LogError, RawBatch, Result};

/// Keys a pass notes at most, in about 26 MB: what a map of 2^20 places holds without growing.
pub(super) const MAX_KEYS: usize = (1 << 20) / 8 * 7;
/// A batch covers fewer offsets than this.
const MAX_COVERED: i64 = u32::MAX as i64;
/// Tombstones whose time ends within this part of their retention are kept equally long, so that their batches can be
/// joined.
const RETENTION_PARTS: u64 = 8;

/// Where a pass gets the time from and whether it should go on.
#[derive(Clone, Copy)]
pub(super) struct Pass<'a> {
    /// What the topic's configuration says.
    pub(super) rules: Compaction,
    /// Now.
    pub(super) now: SystemTime,
    /// How many keys it may note.
    pub(super) max_keys: usize,
    /// Asked for every batch.
    pub(super) is_stopped: &'a dyn Fn() -> bool,
}

impl Pass<'_> {
    /// Writes the closed segments of a partition anew, if enough of them is dirty. `None`: there was nothing to do, or the
    /// pass was stopped.
    pub(super) fn run(&self, partition: &Partition) -> Result<Option<Rewritten>> {
        let (mut closed, cleaned) = (partition.segments(), partition.cleaned());
        let Some(active) = closed.pop() else { return Ok(None) };
        if !self.is_due(&closed, active.base, cleaned.clean) {
            return Ok(None);
        }
        let Some(last) = self.last_offsets(&closed, active.base, cleaned.clean)? else { return Ok(None) };
        let read = closed.partition_point(|segment| segment.base < last.until);
        let until = closed.get(read).map_or(active.base, |next| next.base);
        closed.truncate(read);
        let next = Cleaned { generation: cleaned.generation + 1, until, clean: last.until };
        let Some(dir) = active.path.parent() else { return Ok(None) };
        let mut rewriter = Rewriter::new(dir, next.generation, self, &last);
        let done = self.rewrite(&closed, until, &mut rewriter);
        match done {
            Ok(true) => Ok(Some(Rewritten { old: closed, new: rewriter.finished, cleaned: next })),
            stopped => {
                rewriter.remove();
                stopped.map(|_| None)
            }
        }
    }

    /// Whether the share of bytes that were appended since the last pass is large enough.
    fn is_due(&self, closed: &[Arc<Segment>], end: i64, clean: i64) -> bool {
        let (mut all, mut dirty) = (0, 0);
        for (i, segment) in closed.iter().enumerate() {
            all += segment.len();
            if closed.get(i + 1).map_or(end, |next| next.base) > clean {
                dirty += segment.len();
            }
        }
        dirty > 0 && dirty as f64 >= self.rules.dirty_ratio * all as f64
    }

    /// The last offsets of the keys from `clean` on, as far as memory allows. `None`: stopped.
    fn last_offsets(&self, closed: &[Arc<Segment>], end: i64, clean: i64) -> Result<Option<LastOffsets>> {
        let mut last = LastOffsets { hashers: Default::default(), offsets: HashMap::new(), until: clean };
        for (i, segment) in closed.iter().enumerate() {
            let next = closed.get(i + 1).map_or(end, |next| next.base);
            if next <= last.until {
                continue;
            }
            let mut scan = Scan::open(Arc::clone(segment), last.until)?;
            while let Some(batch) = scan.next_batch()? {
                if (self.is_stopped)() {
                    return Ok(None);
                }
                if !last.offsets.is_empty() && last.offsets.len() + batch.records.len() > self.max_keys {
                    return Ok(Some(last));
                }
                let end = batch.end();
                last.note(&batch.from(clean));
                last.until = end;
            }
            last.until = next;
        }
        Ok(Some(last))
    }

    /// Copies what is to be kept of the segments, which end at `end`; false: stopped.
    fn rewrite(&self, closed: &[Arc<Segment>], end: i64, rewriter: &mut Rewriter<'_>) -> Result<bool> {
        for (i, segment) in closed.iter().enumerate() {
            if !self.rules.merges {
                rewriter.finish_file()?;
            }
            rewriter.appended = rewriter.appended.max(modified(&segment.path));
            let mut read = segment.base;
            let mut scan = Scan::at(Arc::clone(segment), 0, segment.len(), BATCH_BYTES)?;
            while let Some(header) = scan.header()? {
                if (self.is_stopped)() {
                    return Ok(false);
                }
                let Some(batch) = scan.next_batch()? else { break };
                rewriter.take(&header, batch.from(header.base))?;
                read = header.end();
            }
            // What is missing must stay missing in the eyes of readers.
            if read != closed.get(i + 1).map_or(end, |next| next.base) {
                return Err(corrupt(&segment.path, format!("offset {read} is missing")));
            }
        }
        rewriter.finish_file()?;
        sync_dir(rewriter.dir).map_err(|source| io("syncing", rewriter.dir, source))?;
        Ok(true)
    }

    /// Until when tombstones stay that a pass sees now for the first time, in seconds since the epoch.
    fn tombstones_until(&self) -> u32 {
        let part = (self.rules.delete_retention_ms / 1000 / RETENTION_PARTS).max(1);
        let until = self.seconds() + self.rules.delete_retention_ms.div_ceil(1000);
        u32::try_from(until.div_ceil(part).saturating_mul(part)).unwrap_or(u32::MAX)
    }

    fn seconds(&self) -> u64 {
        self.now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_secs())
    }
}

/// The last offset of each key in a stretch of a partition, by a hash of 128 bits.
struct LastOffsets {
    hashers: [RandomState; 2],
    offsets: HashMap<[u64; 2], i64>,
    /// Where the stretch ends.
    until: i64,
}

impl LastOffsets {
    fn hash(&self, key: &[u8]) -> [u64; 2] {
        self.hashers.each_ref().map(|hasher| hasher.hash_one(key))
    }

    fn note(&mut self, batch: &RawBatch) {
        for (key, offset) in batch.records.keys.iter().zip(&*batch.offsets) {
            if let Some(key) = key {
                self.offsets.insert(self.hash(key), *offset);
            }
        }
    }

    /// Whether a later record has the same key.
    fn is_replaced(&self, key: &[u8], offset: i64) -> bool {
        self.offsets.get(&self.hash(key)).is_some_and(|last| *last > offset)
    }
}

/// Writes the files of a pass.
struct Rewriter<'a> {
    dir: &'a Path,
    generation: u64,
    pass: &'a Pass<'a>,
    last: &'a LastOffsets,
    /// Kept records that will be one batch.
    pending: Pending,
    file: Option<Open>,
    finished: Vec<Arc<Segment>>,
    /// When the files read last were appended to: what retention goes by.
    appended: Option<SystemTime>,
}

/// Records of consecutive batches.
#[derive(Default)]
struct Pending {
    /// The offsets they were taken from.
    covered: Option<(i64, i64)>,
    kept: Vec<RawBatch>,
    bytes: usize,
    tombstones_until: u32,
    group: u64,
}

/// A file being written.
struct Open {
    file: File,
    path: PathBuf,
    base: i64,
    len: u64,
}

impl<'a> Rewriter<'a> {
    fn new(dir: &'a Path, generation: u64, pass: &'a Pass<'a>, last: &'a LastOffsets) -> Rewriter<'a> {
        let (pending, file, finished, appended) = (Pending::default(), None, Vec::new(), None);
        Rewriter { dir, generation, pass, last, pending, file, finished, appended }
    }

    /// Takes over what is to be kept of a batch.
    fn take(&mut self, header: &Header, batch: RawBatch) -> Result<()> {
        let end = header.end();
        // The end of the stretch is the end of a batch: where the next pass begins.
        let is_clean = end <= self.last.until;
        let (kept, tombstones_until) = if is_clean { self.kept(header, &batch)? } else { (batch, 0) };
        let bytes = kept.records.payload_bytes(kept.records.len()) + kept.records.len() * 20;
        let fits = match self.pending.covered {
            Some((base, so_far)) => {
                so_far != self.last.until
                    && end - base < MAX_COVERED
                    && self.pending.bytes + bytes <= BATCH_BYTES
                    && (self.pending.tombstones_until == tombstones_until
                        || self.pending.tombstones_until == 0
                        || tombstones_until == 0)
            }
            None => true,
        };
        if !fits {
            self.flush()?;
        }
        let pending = &mut self.pending;
        pending.covered = Some((pending.covered.map_or(header.base, |(base, _)| base), end));
        pending.bytes += bytes;
        pending.tombstones_until = pending.tombstones_until.max(tombstones_until);
        pending.group = pending.group.max(header.group);
        pending.kept.push(kept);
        Ok(())
    }

    /// The records of a batch that are to be kept, and until when those of them that are tombstones stay.
    fn kept(&self, header: &Header, batch: &RawBatch) -> Result<(RawBatch, u32)> {
        let RawBatch { offsets, records } = batch;
        let seen = header.tombstones_until;
        let are_over = seen > 0 && u64::from(seen) <= self.pass.seconds();
        let mut rows = Vec::with_capacity(records.len());
        let mut has_tombstones = false;
        for (row, offset) in offsets.iter().enumerate() {
            // As in Kafka a record without a key does not outlive compaction.
            let is_tombstone = records.values.is_null(row);
            let is_kept = records.keys.is_valid(row)
                && !(is_tombstone && are_over)
                && !self.last.is_replaced(records.keys.value(row), *offset);
            if is_kept {
                rows.push(row as u32);
                has_tombstones |= is_tombstone;
            }
        }
        let offsets = rows.iter().filter_map(|row| offsets.get(*row as usize).copied()).collect();
        let until = match (has_tombstones, seen) {
            (false, _) => 0,
            (true, 0) => self.pass.tombstones_until(),
            (true, seen) => seen,
        };
        let records = records.take(rows).map_err(|error| LogError::Invalid(error.to_string()))?;
        Ok((RawBatch { offsets, records }, until))
    }

    /// Writes the pending records as one batch.
    fn flush(&mut self) -> Result<()> {
        let Pending { covered, kept, tombstones_until, group, .. } = std::mem::take(&mut self.pending);
        let (Some((base, end)), Some(joined)) = (covered, RawBatch::join(kept)?) else { return Ok(()) };
        let at: Vec<u32> = joined.offsets.iter().map(|offset| (offset - base) as u32).collect();
        let (payload, shape) = payload(&joined.records, Some(&at))?;
        let newest = joined.records.timestamps.iter().copied().max().unwrap_or(0);
        let mut frame = frame(&payload, shape, newest);
        cover(&mut frame, (end - base) as u32, tombstones_until);
        place(&mut frame, base, group);
        let full = |open: &Open| open.len + frame.len() as u64 > self.pass.rules.segment_bytes;
        if self.pass.rules.merges && self.file.as_ref().is_some_and(full) {
            self.close()?;
        }
        let open = match &mut self.file {
            Some(open) => open,
            none => none.insert(Open::new(self.dir, base, self.generation)?),
        };
        open.file.write_all_at(&frame, open.len).map_err(|source| io("writing", &open.path, source))?;
        open.len += frame.len() as u64;
        Ok(())
    }

    /// What comes next goes into a new file.
    fn finish_file(&mut self) -> Result<()> {
        self.flush()?;
        self.close()?;
        self.appended = None;
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        let Some(Open { file, path, base, len }) = self.file.take() else { return Ok(()) };
        // Retention goes by the time of the last append.
        let synced = self.appended.map_or(Ok(()), |appended| file.set_modified(appended));
        synced.and_then(|()| file.sync_all()).map_err(|source| io("syncing", &path, source))?;
        self.finished.push(Arc::new(Segment::new(self.dir, base, self.generation, len)));
        Ok(())
    }

    /// Removes what was written.
    fn remove(&mut self) {
        let open = self.file.take().map(|open| open.path);
        discard(self.finished.iter().map(|segment| segment.path.clone()).chain(open));
    }
}

impl Open {
    fn new(dir: &Path, base: i64, generation: u64) -> Result<Open> {
        let path = Segment::new(dir, base, generation, 0).path;
        let file = OpenOptions::new().create(true).truncate(true).write(true).open(&path);
        let file = file.map_err(|source| io("creating", &path, source))?;
        Ok(Open { file, path, base, len: 0 })
    }
}

/// Removes files that do not count; what stays goes at the next start.
pub(super) fn discard(paths: impl Iterator<Item = PathBuf>) {
    for path in paths {
        if let Err(error) = remove_file(&path) {
            tracing::warn!("removing {}: {error}", path.display());
        }
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|file| file.modified()).ok()
}

fn io(what: &str, path: &Path, source: std::io::Error) -> LogError {
    KvError::Io { what: format!("{what} {}", path.display()), source }.into()
}
