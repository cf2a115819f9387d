//! One partition: its committed end, its segments, the batches appended last, and who waits for more.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::log::embedded::batch::Batch;
use crate::log::embedded::cleaned::{Cleaned, Rewritten};
use crate::log::embedded::prepared::Prepared;
use crate::log::embedded::segment::{Scan, Segment};
use crate::log::embedded::writer::{Mark, SegmentWriter};
use crate::log::{Bounds, LogError, Result, Signal, TopicPartition};

/// One partition of one topic. Its end moves only when the committer publishes what it has made durable.
#[derive(Debug)]
pub(super) struct Partition {
    /// Its name.
    pub(super) id: TopicPartition,
    end: AtomicI64,
    is_deleted: AtomicBool,
    tail: Mutex<Tail>,
    kept: Mutex<Kept>,
    watchers: Mutex<Vec<(u64, Arc<Signal>)>>,
}

/// What the committer has written but not published yet.
#[derive(Debug)]
struct Tail {
    next: i64,
    staged: Vec<Batch>,
    /// `None` for a log in memory.
    files: Option<SegmentWriter>,
}

/// What can be read.
#[derive(Debug)]
struct Kept {
    begin: i64,
    /// Published batches still in memory, without gaps up to the end.
    recent: VecDeque<Batch>,
    /// Segment files by the offset of their first record.
    segments: BTreeMap<i64, Arc<Segment>>,
    cleaned: Cleaned,
}

impl Partition {
    /// An empty partition in memory.
    pub(super) fn in_memory(id: TopicPartition) -> Partition {
        Partition::new(id, Mark::default(), Cleaned::default(), None, BTreeMap::new())
    }

    /// A partition of which `mark` is committed, compacted as far as `cleaned` says, in the given files.
    pub(super) fn new(
        id: TopicPartition,
        mark: Mark,
        cleaned: Cleaned,
        files: Option<SegmentWriter>,
        segments: BTreeMap<i64, Arc<Segment>>,
    ) -> Partition {
        Partition {
            id,
            end: AtomicI64::new(mark.end),
            is_deleted: AtomicBool::new(false),
            tail: Mutex::new(Tail { next: mark.end, staged: Vec::new(), files }),
            kept: Mutex::new(Kept { begin: mark.begin, recent: VecDeque::new(), segments, cleaned }),
            watchers: Mutex::default(),
        }
    }

    /// Offset after the last committed record.
    pub(super) fn end(&self) -> i64 {
        self.end.load(Ordering::Acquire)
    }

    /// First and last offset.
    pub(super) fn bounds(&self) -> Bounds {
        Bounds { begin: self.kept.lock().begin, end: self.end() }
    }

    /// Fails once the topic has been deleted.
    pub(super) fn check_exists(&self) -> Result<()> {
        match self.is_deleted.load(Ordering::Acquire) {
            true => Err(LogError::UnknownTopic(self.id.topic.to_string())),
            false => Ok(()),
        }
    }

    /// Marks it as gone and wakes whoever reads it, to find out.
    pub(super) fn delete(&self) {
        self.is_deleted.store(true, Ordering::Release);
        self.kept.lock().recent.clear();
        self.watchers.lock().iter().for_each(|(_, signal)| signal.raise());
    }

    /// Writes batches behind the end; returns the offset of the first. Only the committer's leader calls this and the
    /// next three.
    pub(super) fn stage(&self, batches: Vec<Prepared>, group: u64) -> Result<i64> {
        let mut tail = self.tail.lock();
        let first = tail.next;
        for Prepared { mut batch, frame } in batches {
            batch.base = tail.next;
            tail.next = batch.end();
            if let Some(files) = &mut tail.files {
                files.stage(frame, batch.base, batch.end(), group)?;
            }
            tail.staged.push(batch);
        }
        Ok(first)
    }

    /// Makes what was staged durable; returns the mark to be committed, unless the log is in memory.
    pub(super) fn sync(&self) -> Result<Option<Mark>> {
        self.tail.lock().files.as_mut().map(SegmentWriter::sync).transpose()
    }

    /// Forgets what was staged.
    pub(super) fn roll_back(&self) -> Result<()> {
        let mut tail = self.tail.lock();
        tail.staged.clear();
        tail.next = self.end();
        tail.files.as_mut().map_or(Ok(()), SegmentWriter::roll_back)
    }

    /// Closes the file that is written to.
    pub(super) fn close_file(&self) {
        if let Some(files) = &mut self.tail.lock().files {
            files.close();
        }
    }

    /// Makes what was staged visible and tells each batch's offset and the memory it takes; collects whom to wake.
    pub(super) fn publish(&self, wake: &mut Vec<Arc<Signal>>) -> Vec<(i64, usize)> {
        let mut tail = self.tail.lock();
        let mut kept = self.kept.lock();
        for staged in tail.files.as_mut().map(SegmentWriter::publish).unwrap_or_default() {
            staged.segment.extend(staged.base, staged.position, staged.end);
            if staged.position == 0 {
                kept.segments.insert(staged.base, staged.segment);
            }
        }
        let published = tail.staged.iter().map(|batch| (batch.base, batch.bytes)).collect();
        kept.recent.extend(tail.staged.drain(..));
        self.end.store(tail.next, Ordering::Release);
        for (_, signal) in &*self.watchers.lock() {
            if !wake.iter().any(|known| Arc::ptr_eq(known, signal)) {
                wake.push(Arc::clone(signal));
            }
        }
        published
    }

    /// Drops the batch of that offset, the oldest one, from memory if it is still there; its segment file has it.
    pub(super) fn forget(&self, base: i64) {
        let mut kept = self.kept.lock();
        if kept.recent.front().is_some_and(|batch| batch.base == base) {
            kept.recent.pop_front();
        }
    }

    /// The batches in memory from the one that holds `offset` on, as long as `wanted` says so; `None` when `offset` is
    /// only on disk.
    pub(super) fn read_recent(&self, offset: i64, mut wanted: impl FnMut(&Batch) -> bool) -> Option<Vec<Batch>> {
        let kept = self.kept.lock();
        kept.recent.front().filter(|first| first.base <= offset)?;
        let first = kept.recent.partition_point(|batch| batch.end() <= offset);
        Some(kept.recent.range(first..).take_while(|batch| wanted(batch)).cloned().collect())
    }

    /// A scan of the segment that holds `offset` (an offset below the end), or the first one when retention has
    /// removed it. `None` when everything has been removed.
    pub(super) fn scan(&self, offset: i64) -> Result<Option<Scan>> {
        loop {
            let Some(segment) = self.segment(offset) else { return Ok(None) };
            match Scan::open(Arc::clone(&segment), offset) {
                // compaction may have put another file in its place just now
                Err(_) if self.segment(offset).is_some_and(|now| !Arc::ptr_eq(&now, &segment)) => {}
                scan => return scan.map(Some),
            }
        }
    }

    fn segment(&self, offset: i64) -> Option<Arc<Segment>> {
        let kept = self.kept.lock();
        let holds = kept.segments.range(..=offset).next_back().or_else(|| kept.segments.first_key_value());
        holds.map(|(_, segment)| Arc::clone(segment))
    }

    /// The segment files, oldest first.
    pub(super) fn segments(&self) -> Vec<Arc<Segment>> {
        self.kept.lock().segments.values().cloned().collect()
    }

    /// How far it is compacted.
    pub(super) fn cleaned(&self) -> Cleaned {
        self.kept.lock().cleaned
    }

    /// Puts compacted files in the place of those they were made of; the result of `record`, which is handed how far the
    /// partition is compacted then, decides. False: the files are others by now, and nothing has changed. Only whoever
    /// has the committer's turn calls this and the next two.
    pub(super) fn replace(&self, rewritten: &Rewritten, record: impl FnOnce(Cleaned) -> Result<()>) -> Result<bool> {
        let Rewritten { old, new, cleaned } = rewritten;
        let segments = self.segments();
        let is_same = segments.len() > old.len() && segments.iter().zip(old).all(|(now, old)| Arc::ptr_eq(now, old));
        if !is_same {
            return Ok(false);
        }
        record(*cleaned)?;
        let mut kept = self.kept.lock();
        for segment in old {
            kept.segments.remove(&segment.base);
        }
        kept.segments.extend(new.iter().map(|segment| (segment.base, Arc::clone(segment))));
        while kept.recent.front().is_some_and(|batch| batch.end() <= cleaned.until) {
            kept.recent.pop_front();
        }
        kept.cleaned = *cleaned;
        Ok(true)
    }

    /// The last place at or before `offset` where the partition can be cut: where a file begins, or a batch in memory.
    pub(super) fn cut_before(&self, offset: i64) -> i64 {
        let end = self.end();
        if offset >= end {
            return end;
        }
        let kept = self.kept.lock();
        let file = kept.segments.range(..=offset).next_back().map(|(base, _)| *base);
        let batch = || kept.recent.iter().rev().map(|batch| batch.base).find(|base| *base <= offset);
        file.or_else(batch).unwrap_or(kept.begin)
    }

    /// Gives up the segments before `begin`. The result of `record`, which is handed the new mark, decides.
    pub(super) fn expire(&self, begin: i64, record: impl FnOnce(Mark) -> Result<()>) -> Result<()> {
        let mut tail = self.tail.lock();
        if let Some(files) = &mut tail.files {
            let mark = files.without(begin);
            record(mark)?;
            files.expire(mark);
        }
        let mut kept = self.kept.lock();
        kept.begin = begin;
        kept.segments.retain(|base, _| *base >= begin);
        while kept.recent.front().is_some_and(|batch| batch.end() <= begin) {
            kept.recent.pop_front();
        }
        Ok(())
    }

    /// Raises `signal` on every commit from now on; the number is for [`unwatch`](Self::unwatch).
    pub(super) fn watch(&self, signal: Arc<Signal>) -> u64 {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        self.watchers.lock().push((number, signal));
        number
    }

    /// Ends a watch.
    pub(super) fn unwatch(&self, number: u64) {
        self.watchers.lock().retain(|(other, _)| *other != number);
    }
}
