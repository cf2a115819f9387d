//! A log that fails where a test wants it to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use parking_lot::Mutex;

use crate::kv::{self, Kv, KvError, Writes};
use crate::log::forwarding::{ForwardingKv, ForwardingLog};
use crate::log::{Commit, Embedded, Log, LogError, Output, Position, Reader, Result, Signal, Topic, TopicSpec};

type AtCommit = Box<dyn FnMut() -> Result<()> + Send>;
type AtCommand = Mutex<Option<Box<dyn FnMut() + Send>>>;

/// Stands before another log.
pub(super) struct Faulty {
    inner: Arc<dyn Log>,
    kv: Arc<dyn Kv>,
    refuses_commands: Arc<AtomicBool>,
    at_command: Arc<AtCommand>,
    at_commit: Mutex<Option<AtCommit>>,
    panics_at_reader: AtomicBool,
    refuses_topics: AtomicBool,
    /// No record of that one is taken, by a log whose commits are not atomic.
    refused_topic: Mutex<Option<&'static str>>,
    /// How often.
    pub(super) refusals: AtomicU32,
}

struct FaultyKv {
    inner: Arc<dyn Kv>,
    refuses_commands: Arc<AtomicBool>,
    at_command: Arc<AtCommand>,
}

impl Faulty {
    /// A log in memory that fails on demand, as itself and as a log.
    pub(super) fn in_memory() -> (Arc<Self>, Arc<dyn Log>) {
        let faulty = Arc::new(Self::on(Arc::new(Embedded::in_memory())));
        (Arc::clone(&faulty), faulty)
    }

    pub(super) fn on(inner: Arc<dyn Log>) -> Self {
        let refuses_commands = Arc::<AtomicBool>::default();
        let at_command = Arc::<AtCommand>::default();
        let kv = FaultyKv {
            inner: Arc::clone(inner.kv()),
            refuses_commands: Arc::clone(&refuses_commands),
            at_command: Arc::clone(&at_command),
        };
        Self {
            inner,
            kv: Arc::new(kv),
            refuses_commands,
            at_command,
            at_commit: Mutex::default(),
            panics_at_reader: AtomicBool::default(),
            refuses_topics: AtomicBool::default(),
            refused_topic: Mutex::default(),
            refusals: AtomicU32::default(),
        }
    }

    /// Whether no topic can be made, deleted or listed.
    pub(super) fn refuse_topics(&self, refuses: bool) {
        self.refuses_topics.store(refuses, Ordering::Relaxed);
    }

    fn check_topics(&self) -> Result<()> {
        match self.refuses_topics.load(Ordering::Relaxed) {
            true => Err(KvError::Unwritable("the disk is full".to_owned()).into()),
            false => Ok(()),
        }
    }

    /// Whether whoever wants to read topics panics.
    pub(super) fn panic_at_reader(&self, panics: bool) {
        self.panics_at_reader.store(panics, Ordering::Relaxed);
    }

    /// Takes no records of that topic, and is not atomic from now on.
    pub(super) fn refuse_records_of(&self, topic: &'static str) {
        *self.refused_topic.lock() = Some(topic);
    }

    fn check(&self, outputs: &[Output]) -> Result<()> {
        let refused = *self.refused_topic.lock();
        match outputs.iter().any(|output| Some(&*output.to.topic) == refused) {
            true => {
                self.refusals.fetch_add(1, Ordering::Relaxed);
                Err(LogError::Broker("not allowed to write there".to_owned()))
            }
            false => Ok(()),
        }
    }

    /// Whether no command can be written.
    pub(super) fn refuse_commands(&self, refuses: bool) {
        self.refuses_commands.store(refuses, Ordering::Relaxed);
    }

    /// What happens before each command is written.
    pub(super) fn at_command(&self, what: impl FnMut() + Send + 'static) {
        *self.at_command.lock() = Some(Box::new(what));
    }

    /// What happens before each commit; it can keep the commit from happening.
    pub(super) fn at_commit(&self, what: impl FnMut() -> Result<()> + Send + 'static) {
        *self.at_commit.lock() = Some(Box::new(what));
    }
}

impl ForwardingKv for FaultyKv {
    fn inner(&self) -> &Arc<dyn Kv> {
        &self.inner
    }
    fn write(&self, writes: Writes) -> kv::Result<()> {
        let is_command = writes.spaces().iter().any(|space| **space == *"commands");
        if let Some(at_command) = self.at_command.lock().as_mut().filter(|_| is_command) {
            at_command();
        }
        match is_command && self.refuses_commands.load(Ordering::Relaxed) {
            true => Err(KvError::Unwritable("the disk is full".to_owned())),
            false => self.inner.write(writes),
        }
    }
}

impl ForwardingLog for Faulty {
    fn inner(&self) -> &Arc<dyn Log> {
        &self.inner
    }
    fn create_topic(&self, name: &str, spec: &TopicSpec) -> Result<()> {
        self.check_topics()?;
        self.inner.create_topic(name, spec)
    }
    fn delete_topic(&self, name: &str) -> Result<()> {
        self.check_topics()?;
        self.inner.delete_topic(name)
    }
    fn topics(&self) -> Result<Vec<Topic>> {
        self.check_topics()?;
        self.inner.topics()
    }
    fn reader(&self, from: Vec<Position>, wake: Arc<Signal>) -> Result<Box<dyn Reader>> {
        assert!(!self.panics_at_reader.load(Ordering::Relaxed), "no reader");
        self.inner.reader(from, wake)
    }
    fn commit(&self, commit: Commit) -> Result<()> {
        if let Some(at_commit) = &mut *self.at_commit.lock() {
            at_commit()?;
        }
        self.check(&commit.outputs)?;
        self.inner.commit(commit)
    }
    fn append(&self, outputs: Vec<Output>) -> Result<Vec<i64>> {
        self.check(&outputs)?;
        self.inner.append(outputs)
    }
    fn is_atomic(&self) -> bool {
        self.refused_topic.lock().is_none()
    }
    fn kv(&self) -> &Arc<dyn Kv> {
        &self.kv
    }
    fn max_record_bytes(&self) -> usize {
        64 << 10
    }
}
