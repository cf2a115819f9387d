//! One partition: its committed end, the batches appended last, and who waits for more.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::log::embedded::batch::{Batch, Prepared};
use crate::log::{Bounds, LogError, Result, Signal, TopicPartition};

/// One partition of one topic. Its end moves only when the committer publishes what it has made durable.
#[derive(Debug)]
pub(super) struct Partition {
    /// Its name.
    pub(super) id: TopicPartition,
    end: AtomicI64,
    deleted: AtomicBool,
    tail: Mutex<Tail>,
    recent: Mutex<Recent>,
    watchers: Mutex<Vec<(u64, Arc<Signal>)>>,
}

/// What the committer has written but not published yet.
#[derive(Debug, Default)]
struct Tail {
    next: i64,
    staged: Vec<Batch>,
}

/// Published batches still in memory, without gaps up to the end.
#[derive(Debug, Default)]
struct Recent {
    begin: i64,
    batches: VecDeque<Batch>,
}

impl Partition {
    /// An empty partition.
    pub(super) fn new(id: TopicPartition) -> Partition {
        Partition {
            id,
            end: AtomicI64::new(0),
            deleted: AtomicBool::new(false),
            tail: Mutex::default(),
            recent: Mutex::default(),
            watchers: Mutex::default(),
        }
    }

    /// Offset after the last committed record.
    pub(super) fn end(&self) -> i64 {
        self.end.load(Ordering::Acquire)
    }

    /// First and last offset.
    pub(super) fn bounds(&self) -> Bounds {
        Bounds { begin: self.recent.lock().begin, end: self.end() }
    }

    /// Fails once the topic has been deleted.
    pub(super) fn check_exists(&self) -> Result<()> {
        match self.deleted.load(Ordering::Acquire) {
            true => Err(LogError::UnknownTopic(self.id.topic.to_string())),
            false => Ok(()),
        }
    }

    /// Marks it as gone and wakes whoever reads it, to find out.
    pub(super) fn delete(&self) {
        self.deleted.store(true, Ordering::Release);
        self.recent.lock().batches.clear();
        self.watchers.lock().iter().for_each(|(_, signal)| signal.raise());
    }

    /// Writes batches behind the end; returns the offset of the first. Only the committer calls this.
    pub(super) fn stage(&self, batches: Vec<Prepared>) -> Result<i64> {
        let mut tail = self.tail.lock();
        let first = tail.next;
        for prepared in batches {
            let batch = prepared.place(tail.next);
            tail.next = batch.end();
            tail.staged.push(batch);
        }
        Ok(first)
    }

    /// Forgets what was staged.
    pub(super) fn unstage(&self) {
        let mut tail = self.tail.lock();
        tail.staged.clear();
        tail.next = self.end();
    }

    /// Makes what was staged visible; returns the memory it takes and whom to wake.
    pub(super) fn publish(&self, wake: &mut Vec<Arc<Signal>>) {
        let mut tail = self.tail.lock();
        let mut recent = self.recent.lock();
        recent.batches.extend(tail.staged.drain(..));
        self.end.store(tail.next, Ordering::Release);
        for (_, signal) in &*self.watchers.lock() {
            if !wake.iter().any(|known| Arc::ptr_eq(known, signal)) {
                wake.push(Arc::clone(signal));
            }
        }
    }

    /// The batches in memory from the one that holds `offset` on, as long as `wanted` says so.
    pub(super) fn read_recent(&self, offset: i64, mut wanted: impl FnMut(&Batch) -> bool) -> Vec<Batch> {
        let recent = self.recent.lock();
        let first = recent.batches.partition_point(|batch| batch.end() <= offset);
        recent.batches.range(first..).take_while(|batch| wanted(batch)).cloned().collect()
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
