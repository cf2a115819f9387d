//! Opening a partition: what lies behind the committed end is cut off; what is committed must be there and whole.

use std::collections::BTreeMap;
use std::fs::{OpenOptions, metadata, read_dir, remove_file};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::kv::KvError;
use crate::log::embedded::cleaned::Cleaned;
use crate::log::embedded::partition::Partition;
use crate::log::embedded::segment::{Scan, Segment, corrupt, parse_name};
use crate::log::embedded::writer::{Mark, SegmentWriter};
use crate::log::{LogError, Result, TopicPartition};

/// What the local database knows of a partition.
#[derive(Debug, Clone, Copy)]
pub(super) struct Committed {
    /// Its committed end.
    pub(super) mark: Mark,
    /// How far it is compacted.
    pub(super) cleaned: Cleaned,
    /// The last group of commits, of all partitions.
    pub(super) group: u64,
}

/// Opens a partition in `dir`. Nothing is removed unless all that is committed is there.
pub(super) fn open(id: TopicPartition, dir: PathBuf, committed: &Committed, segment_bytes: u64) -> Result<Partition> {
    let Committed { mark, cleaned, group } = *committed;
    let (mut segments, mut stale, mut behind) = (BTreeMap::new(), Vec::new(), Vec::new());
    for File { base, generation, len } in segment_files(&dir)? {
        let segment = Segment::new(&dir, base, generation, len);
        let is_last = base == mark.segment && mark.len > 0 && generation == 0;
        if base < mark.begin || !cleaned.has(base, generation) {
            // retention or compaction was on its way
            stale.push(segment.path);
        } else if is_last && len < mark.len {
            return Err(corrupt(&segment.path, format!("it has {len} bytes instead of {}", mark.len)));
        } else if base < mark.segment || (is_last && len == mark.len) {
            segments.insert(base, Arc::new(segment));
        } else {
            behind.push((segment, if is_last { mark.len } else { 0 }, len));
            if is_last {
                segments.insert(base, Arc::new(Segment::new(&dir, base, generation, mark.len)));
            }
        }
    }
    if segments.keys().next().copied().unwrap_or(mark.end) != mark.begin {
        return Err(corrupt(&dir, format!("the segment of offset {} is missing", mark.begin)));
    }
    let last = segments.get(&mark.segment).cloned();
    match &last {
        Some(last) => check_last(last, mark)?,
        None if mark.len > 0 => {
            return Err(corrupt(&dir, format!("the segment of offset {} is missing", mark.segment)));
        }
        None => {}
    }
    for (segment, committed, len) in behind {
        cut_off(segment, committed, len, group)?;
    }
    for path in stale {
        remove_file(&path).map_err(|source| io(&path, source))?;
    }
    let writer = SegmentWriter::new(dir, segment_bytes, mark, last);
    Ok(Partition::new(id, mark, cleaned, Some(writer), segments))
}

/// A segment file.
struct File {
    base: i64,
    generation: u64,
    len: u64,
}

/// The segment files in a directory, which need not exist.
fn segment_files(dir: &Path) -> Result<Vec<File>> {
    let entries = match read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(io(dir, source)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|source| io(dir, source))?;
        if let Some((base, generation)) = entry.file_name().to_str().and_then(parse_name) {
            let len = metadata(entry.path()).map_err(|source| io(&entry.path(), source))?.len();
            files.push(File { base, generation, len });
        }
    }
    Ok(files)
}

/// Removes what was written but never committed: batches of the group after the last one the local database knows. Later
/// groups mean that the database has lost commits; nothing is cut then.
fn cut_off(segment: Segment, committed: u64, len: u64, group: u64) -> Result<()> {
    let segment = Arc::new(segment);
    let path = segment.path.clone();
    let mut scan = Scan::at(segment, committed, len, 0)?;
    while let Ok(Some(header)) = scan.header() {
        if header.group > group + 1 {
            return Err(corrupt(&path, "it holds commits which the local database has lost".to_owned()));
        }
        scan.skip(&header);
    }
    let done = match committed {
        0 => remove_file(&path),
        _ => OpenOptions::new().write(true).open(&path).and_then(|file| {
            file.set_len(committed)?;
            file.sync_data()
        }),
    };
    done.map_err(|source| io(&path, source))
}

/// The last committed batch must be whole and end where the local database says.
fn check_last(segment: &Arc<Segment>, mark: Mark) -> Result<()> {
    let mut scan = Scan::at(Arc::clone(segment), mark.last, mark.len, 0)?;
    let batch = scan.next_batch()?;
    let is_all = scan.next_batch()?.is_none();
    match batch {
        Some(batch) if is_all && batch.end() == mark.end => Ok(()),
        _ => Err(corrupt(&segment.path, format!("it does not end at offset {}", mark.end))),
    }
}

fn io(path: &Path, source: std::io::Error) -> LogError {
    KvError::Io { what: path.display().to_string(), source }.into()
}
