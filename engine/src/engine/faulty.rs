//! A log that fails where a test wants it to.

use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::kv::{self, Kv, KvError, Writes};
use crate::log::{
    Bounds, Commit, Embedded, Log, Output, Position, Reader, Result, Signal, Topic, TopicPartition, TopicSpec,
};

type AtCommit = Box<dyn FnMut() -> Result<()> + Send>;

/// Stands before another log.
pub(super) struct Faulty {
    inner: Arc<dyn Log>,
    kv: Arc<dyn Kv>,
    refuses_commands: Arc<AtomicBool>,
    at_commit: Mutex<Option<AtCommit>>,
    panics_at_reader: AtomicBool,
    refuses_topics: AtomicBool,
}

struct FaultyKv {
    inner: Arc<dyn Kv>,
    refuses_commands: Arc<AtomicBool>,
}

impl Faulty {
    /// A log in memory that fails on demand, as itself and as a log.
    pub(super) fn in_memory() -> (Arc<Self>, Arc<dyn Log>) {
        let faulty = Arc::new(Self::on(Arc::new(Embedded::in_memory())));
        (Arc::clone(&faulty), faulty)
    }

    pub(super) fn on(inner: Arc<dyn Log>) -> Self {
        let refuses_commands = Arc::<AtomicBool>::default();
        let kv = FaultyKv { inner: Arc::clone(inner.kv()), refuses_commands: Arc::clone(&refuses_commands) };
        Self {
            inner,
            kv: Arc::new(kv),
            refuses_commands,
            at_commit: Mutex::default(),
            panics_at_reader: AtomicBool::default(),
            refuses_topics: AtomicBool::default(),
        }
    }

    /// Whether no topic can be made.
    pub(super) fn refuse_topics(&self, refuses: bool) {
        self.refuses_topics.store(refuses, Ordering::Relaxed);
    }

    /// Whether whoever wants to read topics panics.
    pub(super) fn panic_at_reader(&self, panics: bool) {
        self.panics_at_reader.store(panics, Ordering::Relaxed);
    }

    /// Whether no command can be written.
    pub(super) fn refuse_commands(&self, refuses: bool) {
        self.refuses_commands.store(refuses, Ordering::Relaxed);
    }

    /// What happens before each commit; it can keep the commit from happening.
    pub(super) fn at_commit(&self, what: impl FnMut() -> Result<()> + Send + 'static) {
        *self.at_commit.lock() = Some(Box::new(what));
    }
}

impl Kv for FaultyKv {
    fn get(&self, space: &str, key: &[u8]) -> kv::Result<Option<Vec<u8>>> {
        self.inner.get(space, key)
    }
    fn scan(
        &self,
        space: &str,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        each: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> kv::Result<()> {
        self.inner.scan(space, from, to, each)
    }
    fn write(&self, writes: Writes) -> kv::Result<()> {
        let is_command = writes.spaces().iter().any(|space| **space == *"commands");
        match is_command && self.refuses_commands.load(Ordering::Relaxed) {
            true => Err(KvError::Unwritable("the disk is full".to_owned())),
            false => self.inner.write(writes),
        }
    }
    fn drop_spaces(&self, prefix: &str) -> kv::Result<()> {
        self.inner.drop_spaces(prefix)
    }
}

impl Log for Faulty {
    fn create_topic(&self, name: &str, spec: &TopicSpec) -> Result<()> {
        match self.refuses_topics.load(Ordering::Relaxed) {
            true => Err(KvError::Unwritable("the disk is full".to_owned()).into()),
            false => self.inner.create_topic(name, spec),
        }
    }
    fn delete_topic(&self, name: &str) -> Result<()> {
        self.inner.delete_topic(name)
    }
    fn topic(&self, name: &str) -> Result<Option<Topic>> {
        self.inner.topic(name)
    }
    fn topics(&self) -> Result<Vec<Topic>> {
        self.inner.topics()
    }
    fn bounds(&self, of: &TopicPartition) -> Result<Bounds> {
        self.inner.bounds(of)
    }
    fn reader(&self, from: Vec<Position>, wake: Arc<Signal>) -> Result<Box<dyn Reader>> {
        assert!(!self.panics_at_reader.load(Ordering::Relaxed), "no reader");
        self.inner.reader(from, wake)
    }
    fn append(&self, outputs: Vec<Output>) -> Result<Vec<i64>> {
        self.inner.append(outputs)
    }
    fn commit(&self, commit: Commit) -> Result<()> {
        if let Some(at_commit) = &mut *self.at_commit.lock() {
            at_commit()?;
        }
        self.inner.commit(commit)
    }
    fn delete_records(&self, before: &[Position]) -> Result<()> {
        self.inner.delete_records(before)
    }
    fn positions(&self, group: &str) -> Result<Vec<Position>> {
        self.inner.positions(group)
    }
    fn delete_group(&self, group: &str) -> Result<()> {
        self.inner.delete_group(group)
    }
    fn check_writable(&self) -> Result<()> {
        self.inner.check_writable()
    }
    fn close(&self) -> Result<()> {
        self.inner.close()
    }
    fn kv(&self) -> &Arc<dyn Kv> {
        &self.kv
    }
    fn max_record_bytes(&self) -> usize {
        64 << 10
    }
}
