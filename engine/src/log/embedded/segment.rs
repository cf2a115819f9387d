//! Segment files: batches one after the other, named by the offset of the first.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;

use crate::kv::KvError;
use crate::kv::for_segments;
use crate::log::embedded::batch::Batch;
use crate::log::embedded::frame::{HEADER, Header};
use crate::log::{LogError, Result};

/// So many segments at most stay open between two reads, each with a buffer.
const MOST_SCANS: usize = 256;
/// Distance of index entries in the file.
const INDEX_EVERY: u64 = 64 << 10;
/// Bytes read at once when batches are read, and when only their headers are.
const READ_AHEAD: usize = 128 << 10;
const READ_AHEAD_HEADERS: usize = 16 << 10;

/// One segment file, as far as it is committed.
#[derive(Debug)]
pub(super) struct Segment {
    /// Offset of its first record.
    pub(super) base: i64,
    /// Where it is.
    pub(super) path: PathBuf,
    extent: Mutex<Extent>,
}

#[derive(Debug)]
struct Extent {
    len: u64,
    /// (base offset, position) of some batches; made by the first reader that has to search.
    index: Option<Vec<(i64, u64)>>,
}

impl Segment {
    /// A segment of which `len` bytes are committed, written by that pass of compaction (0: appended).
    pub(super) fn new(dir: &Path, base: i64, generation: u64, len: u64) -> Segment {
        let index = (len == 0).then(Vec::new);
        let path = dir.join(file_name(base, generation));
        Segment { base, path, extent: Mutex::new(Extent { len, index }) }
    }

    /// Committed bytes.
    pub(super) fn len(&self) -> u64 {
        self.extent.lock().len
    }

    /// A batch behind the committed ones is committed now.
    pub(super) fn extend(&self, base: i64, position: u64, end: u64) {
        let mut extent = self.extent.lock();
        extent.len = end;
        if let Some(index) = &mut extent.index {
            note(index, base, position);
        }
    }

    /// Where to start reading to find an offset.
    fn seek(self: &Arc<Self>, offset: i64) -> Result<u64> {
        if offset <= self.base {
            return Ok(0);
        }
        let (len, is_indexed) = {
            let extent = self.extent.lock();
            (extent.len, extent.index.is_some())
        };
        if !is_indexed {
            let mut index = Vec::new();
            let mut scan = Scan::at(Arc::clone(self), 0, len, READ_AHEAD_HEADERS)?;
            while let Some(header) = scan.header()? {
                note(&mut index, header.base, scan.position);
                scan.skip(&header);
            }
            self.extent.lock().index.get_or_insert(index);
        }
        let extent = self.extent.lock();
        let index = extent.index.as_deref().unwrap_or_default();
        let after = index.partition_point(|(base, _)| *base <= offset);
        Ok(after.checked_sub(1).and_then(|i| index.get(i)).map_or(0, |(_, position)| *position))
    }
}

fn note(index: &mut Vec<(i64, u64)>, base: i64, position: u64) {
    if index.last().is_none_or(|(_, last)| position - last >= INDEX_EVERY) {
        index.push((base, position));
    }
}

/// The name of the segment that starts at an offset.
fn file_name(base: i64, generation: u64) -> String {
    match generation {
        0 => format!("{base:020}.log"),
        generation => format!("{base:020}-{generation}.log"),
    }
}

/// The offset and the generation in a segment's name.
pub(super) fn parse_name(file_name: &str) -> Option<(i64, u64)> {
    let name = file_name.strip_suffix(".log")?;
    match name.split_once('-') {
        Some((base, generation)) => Some((base.parse().ok()?, generation.parse().ok()?)),
        None => Some((name.parse().ok()?, 0)),
    }
}

/// Segments that are being read.
static SCANS: AtomicUsize = AtomicUsize::new(0);

/// Whether more segments are being read than files and buffers should be kept for: readers then let go of theirs after
/// every turn.
pub(super) fn are_scans_too_many() -> bool {
    static MOST: LazyLock<usize> = LazyLock::new(|| for_segments().min(MOST_SCANS));
    SCANS.load(Ordering::Relaxed) > *MOST
}

/// Counts a scan as long as it is there.
#[derive(Debug)]
struct Counted;

impl Counted {
    fn new() -> Counted {
        SCANS.fetch_add(1, Ordering::Relaxed);
        Counted
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        SCANS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Reads a segment from some batch on.
#[derive(Debug)]
pub(super) struct Scan {
    /// The segment.
    pub(super) segment: Arc<Segment>,
    file: File,
    position: u64,
    /// Committed bytes known so far.
    len: u64,
    /// Offset of the batch at `position`, once one was read.
    next: Option<i64>,
    buffer: Vec<u8>,
    buffer_at: u64,
    read_ahead: usize,
    _counted: Counted,
}

impl Scan {
    /// Reads from the batch that holds `offset` on.
    pub(super) fn open(segment: Arc<Segment>, offset: i64) -> Result<Scan> {
        let position = segment.seek(offset)?;
        let len = segment.len();
        let mut scan = Scan::at(segment, position, len, READ_AHEAD)?;
        while let Some(header) = scan.header()?
            && header.end() <= offset
        {
            scan.skip(&header);
        }
        Ok(scan)
    }

    /// Reads from a position on, up to `len`.
    pub(super) fn at(segment: Arc<Segment>, position: u64, len: u64, read_ahead: usize) -> Result<Scan> {
        let file = File::open(&segment.path).map_err(|source| match source.kind() {
            ErrorKind::NotFound => corrupt(&segment.path, "the file is missing".to_owned()),
            _ => KvError::Io { what: format!("opening {}", segment.path.display()), source }.into(),
        })?;
        let next = (position == 0).then_some(segment.base);
        let (buffer, _counted) = (Vec::new(), Counted::new());
        Ok(Scan { segment, file, position, len, next, buffer, buffer_at: 0, read_ahead, _counted })
    }

    /// Whether the batch that holds `offset` is the next to be read.
    pub(super) fn is_at(&self, offset: i64) -> bool {
        self.next == Some(offset)
    }

    /// The next batch, unless all committed ones have been read.
    pub(super) fn next_batch(&mut self) -> Result<Option<Batch>> {
        let Some(header) = self.header()? else { return Ok(None) };
        let position = self.position;
        let path = self.segment.path.clone();
        let frame = self.fill(header.frame_bytes())?;
        let batch = header.decode(frame.get(HEADER..).unwrap_or_default());
        let batch = batch.map_err(|problem| corrupt(&path, format!("{problem} at byte {position}")))?;
        self.skip(&header);
        Ok(Some(batch))
    }

    /// The header of the next batch.
    pub(super) fn header(&mut self) -> Result<Option<Header>> {
        if self.position >= self.len {
            self.len = self.len.max(self.segment.len());
            if self.position >= self.len {
                return Ok(None);
            }
        }
        let (position, expected) = (self.position, self.next);
        let header = Header::parse(self.fill(HEADER)?).and_then(|header| match expected {
            Some(next) if next != header.base => Err(format!("offset {next} is missing")),
            _ => Ok(header),
        });
        let header = header.map_err(|problem| corrupt(&self.segment.path, format!("{problem} at byte {position}")))?;
        Ok(Some(header))
    }

    /// Goes to the batch after this one.
    pub(super) fn skip(&mut self, header: &Header) {
        self.position += header.frame_bytes() as u64;
        self.next = Some(header.end());
    }

    /// The next `len` bytes.
    fn fill(&mut self, len: usize) -> Result<&[u8]> {
        let is_buffered =
            self.position >= self.buffer_at && self.position + len as u64 <= self.buffer_at + self.buffer.len() as u64;
        if !is_buffered {
            let left = self.len - self.position;
            if (len as u64) > left {
                let problem = format!("a batch is cut off at byte {}", self.position);
                return Err(corrupt(&self.segment.path, problem));
            }
            let wanted = left.min(len.max(self.read_ahead) as u64) as usize;
            self.buffer.resize(wanted, 0);
            self.buffer_at = self.position;
            if let Err(source) = self.file.read_exact_at(&mut self.buffer, self.position) {
                self.buffer.clear();
                return Err(match source.kind() {
                    ErrorKind::UnexpectedEof => corrupt(&self.segment.path, "the file is cut off".to_owned()),
                    _ => KvError::Io { what: format!("reading {}", self.segment.path.display()), source }.into(),
                });
            }
        }
        let start = (self.position - self.buffer_at) as usize;
        Ok(self.buffer.get(start..start + len).unwrap_or_default())
    }
}

/// The error for a damaged file.
pub(super) fn corrupt(file: &Path, problem: String) -> LogError {
    KvError::Corrupt { file: file.display().to_string(), problem }.into()
}
