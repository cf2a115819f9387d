//! Writing segment files of one partition: stage, sync, then publish or roll back. Only the committer's leader writes.

use std::fs::{File, OpenOptions, create_dir_all, remove_file};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::kv::KvError;
use crate::kv::sync_dir;
use crate::log::embedded::frame::place;
use crate::log::embedded::segment::Segment;
use crate::log::{LogError, Result};

/// How far a partition is written; committed ends are kept in the local database in this form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Mark {
    /// First offset that is kept.
    pub(super) begin: i64,
    /// Offset after the last record.
    pub(super) end: i64,
    /// Base of the last segment.
    pub(super) segment: i64,
    /// Bytes of the last segment; 0 = there is no such file.
    pub(super) len: u64,
    /// Where the last batch starts in it.
    pub(super) last: u64,
}

impl Mark {
    /// As stored: five big-endian numbers.
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let signed = [self.begin, self.end, self.segment].map(i64::to_be_bytes);
        let unsigned = [self.len, self.last].map(u64::to_be_bytes);
        [signed.concat(), unsigned.concat()].concat()
    }

    /// The inverse of [`to_bytes`](Self::to_bytes).
    pub(super) fn parse(bytes: &[u8]) -> Option<Mark> {
        let (numbers, []) = bytes.as_chunks::<8>() else { return None };
        let [begin, end, segment, len, last] = *<&[[u8; 8]; 5]>::try_from(numbers).ok()?;
        Some(Mark {
            begin: i64::from_be_bytes(begin),
            end: i64::from_be_bytes(end),
            segment: i64::from_be_bytes(segment),
            len: u64::from_be_bytes(len),
            last: u64::from_be_bytes(last),
        })
    }
}

/// A batch in a file, not committed yet.
#[derive(Debug)]
pub(super) struct StagedFrame {
    /// The file it is in.
    pub(super) segment: Arc<Segment>,
    /// Offset of its first record.
    pub(super) base: i64,
    /// Where it starts.
    pub(super) position: u64,
    /// Where it ends.
    pub(super) end: u64,
}

/// Appends to the segments of one partition.
#[derive(Debug)]
pub(super) struct SegmentWriter {
    dir: PathBuf,
    segment_bytes: u64,
    /// What the local database says.
    committed: Mark,
    committed_last: Option<Arc<Segment>>,
    /// The same with what is staged.
    written: Mark,
    /// The last segment, and its file once it has been written to.
    last: Option<(Arc<Segment>, Option<File>)>,
    /// Files finished since the last commit.
    finished: Vec<(Arc<Segment>, File)>,
    staged: Vec<StagedFrame>,
}

impl SegmentWriter {
    /// Goes on behind `committed`; `last` is the last segment, if there is a file.
    pub(super) fn new(dir: PathBuf, segment_bytes: u64, committed: Mark, last: Option<Arc<Segment>>) -> SegmentWriter {
        SegmentWriter {
            dir,
            segment_bytes,
            committed,
            committed_last: last.clone(),
            written: committed,
            last: last.map(|segment| (segment, None)),
            finished: Vec::new(),
            staged: Vec::new(),
        }
    }

    /// Writes a frame whose first record gets the offset `base` and which ends before `end`.
    pub(super) fn stage(&mut self, mut frame: Vec<u8>, base: i64, end: i64, group: u64) -> Result<()> {
        place(&mut frame, base, group);
        let len = frame.len() as u64;
        let (segment, file) = match self.last.take() {
            Some((segment, file)) if self.written.len + len <= self.segment_bytes => {
                let open = || OpenOptions::new().write(true).open(&segment.path).map_err(io("opening", &segment));
                let file = file.map_or_else(open, Ok)?;
                (segment, file)
            }
            full => {
                self.finished.extend(full.and_then(|(segment, file)| Some((segment, file?))));
                let segment = Arc::new(Segment::new(&self.dir, base, 0, 0));
                create_dir_all(&self.dir).map_err(io("creating the directory of", &segment))?;
                let create = OpenOptions::new().create(true).truncate(true).write(true).open(&segment.path);
                self.written = Mark { segment: base, len: 0, ..self.written };
                let file = create.map_err(io("creating", &segment))?;
                (segment, file)
            }
        };
        let position = self.written.len;
        let write = file.write_all_at(&frame, position).map_err(io("writing", &segment));
        self.staged.push(StagedFrame { segment: Arc::clone(&segment), base, position, end: position + len });
        self.last = Some((segment, Some(file)));
        write?;
        self.written = Mark { end, len: position + len, last: position, ..self.written };
        Ok(())
    }

    /// Makes what is staged durable; returns the mark to be committed.
    pub(super) fn sync(&mut self) -> Result<Mark> {
        let last = self.last.iter().filter_map(|(segment, file)| Some((segment, file.as_ref()?)));
        for (segment, file) in self.finished.iter().map(|(segment, file)| (segment, file)).chain(last) {
            file.sync_data().map_err(io("syncing", segment))?;
        }
        if let Some(new) = self.staged.iter().find(|staged| staged.position == 0) {
            // the partition's, the topic's and the topics' directory may be new
            for dir in self.dir.ancestors().take(3) {
                sync_dir(dir).map_err(io("syncing the directory of", &new.segment))?;
            }
        }
        Ok(self.written)
    }

    /// What is staged is committed; returns it.
    pub(super) fn publish(&mut self) -> Vec<StagedFrame> {
        self.committed = self.written;
        self.committed_last = self.last.as_ref().map(|(segment, _)| Arc::clone(segment));
        self.finished.clear();
        std::mem::take(&mut self.staged)
    }

    /// Cuts off what is staged; can be done again when it fails.
    pub(super) fn roll_back(&mut self) -> Result<()> {
        self.written = self.committed;
        self.last = self.committed_last.clone().map(|segment| (segment, None));
        self.finished.clear();
        for staged in &self.staged {
            let path = &staged.segment.path;
            if staged.position == 0 {
                // A file that stays here could one day be taken for a committed one.
                match remove_file(path) {
                    // It may not even have been made.
                    Err(error) if error.kind() != ErrorKind::NotFound => {
                        return Err(io("removing", &staged.segment)(error));
                    }
                    _ => {}
                }
            } else if staged.segment.base == self.committed.segment {
                let file = OpenOptions::new().write(true).open(path);
                let cut = file.and_then(|file| file.set_len(self.committed.len));
                cut.map_err(io("cutting off", &staged.segment))?;
            }
        }
        self.staged.clear();
        Ok(())
    }

    /// The mark without the segments before `begin`; with `begin` = end there is none left.
    pub(super) fn without(&self, begin: i64) -> Mark {
        match begin == self.committed.end {
            true => Mark { begin, segment: begin, len: 0, last: 0, ..self.committed },
            false => Mark { begin, ..self.committed },
        }
    }

    /// Segments have been given up, and the mark is as the local database has it now.
    pub(super) fn expire(&mut self, mark: Mark) {
        if mark.begin == mark.end {
            self.committed_last = None;
            self.last = None;
        }
        self.committed = mark;
        self.written = mark;
    }

    /// Closes the file it writes to; the next write opens it again.
    pub(super) fn close(&mut self) {
        if let Some((_, file)) = &mut self.last {
            *file = None;
        }
    }
}

fn io(what: &str, segment: &Segment) -> impl FnOnce(std::io::Error) -> LogError {
    let what = format!("{what} {}", segment.path.display());
    move |source| KvError::Io { what, source }.into()
}
