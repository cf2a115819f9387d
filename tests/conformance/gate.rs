//! A log as ksqlDB's test driver sees it: one partition whatever was declared, and records that become visible one
//! after the other (conformance.md §4.2 steps 5 and 7).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use engine::log::forwarding::ForwardingLog;
use engine::log::{
    Bounds, Commit, Log, Output, Position, RawBatch, Reader, Records, Result, Signal, Topic, TopicPartition, TopicSpec,
};
use parking_lot::Mutex;

/// How far each topic may be read; topics that are not listed are open.
type Limits = Arc<Mutex<BTreeMap<String, i64>>>;

/// The wrapper around the real in-memory log.
pub(crate) struct Gate {
    inner: Arc<dyn Log>,
    declared: Mutex<BTreeMap<String, TopicSpec>>,
    limits: Limits,
}

impl Gate {
    /// Wraps a log.
    pub(crate) fn new(inner: Arc<dyn Log>) -> Self {
        Self { inner, declared: Mutex::default(), limits: Limits::default() }
    }

    /// Makes the first `end` records of a topic visible and no more.
    pub(crate) fn limit(&self, topic: &str, end: i64) {
        self.limits.lock().insert(topic.to_owned(), end);
    }

    /// Makes all topics visible.
    pub(crate) fn open(&self) {
        self.limits.lock().clear();
    }

    fn with_declared_spec(&self, mut topic: Topic) -> Topic {
        if let Some(spec) = self.declared.lock().get(&topic.name) {
            topic.spec = spec.clone();
        }
        topic
    }
}

fn to_first_partition(mut outputs: Vec<Output>) -> Vec<Output> {
    for output in &mut outputs {
        output.to.partition = 0;
    }
    outputs
}

impl ForwardingLog for Gate {
    fn inner(&self) -> &Arc<dyn Log> {
        &self.inner
    }

    fn create_topic(&self, name: &str, spec: &TopicSpec) -> Result<()> {
        self.inner.create_topic(name, &TopicSpec { partitions: 1, ..spec.clone() })?;
        self.declared.lock().insert(name.to_owned(), spec.clone());
        Ok(())
    }

    fn delete_topic(&self, name: &str) -> Result<()> {
        self.declared.lock().remove(name);
        self.inner.delete_topic(name)
    }

    fn topic(&self, name: &str) -> Result<Option<Topic>> {
        Ok(self.inner.topic(name)?.map(|topic| self.with_declared_spec(topic)))
    }

    fn topics(&self) -> Result<Vec<Topic>> {
        Ok(self.inner.topics()?.into_iter().map(|topic| self.with_declared_spec(topic)).collect())
    }

    fn bounds(&self, of: &TopicPartition) -> Result<Bounds> {
        if of.partition > 0 {
            return Ok(Bounds { begin: 0, end: 0 });
        }
        let bounds = self.inner.bounds(of)?;
        let limit = self.limits.lock().get(&*of.topic).copied();
        Ok(Bounds { end: limit.map_or(bounds.end, |limit| bounds.end.min(limit)), ..bounds })
    }

    fn reader(&self, from: Vec<Position>, wake: Arc<Signal>) -> Result<Box<dyn Reader>> {
        let indexes: Vec<usize> = (0..from.len()).filter(|&i| from[i].of.partition == 0).collect();
        let first: Vec<Position> = indexes.iter().map(|&i| from[i].clone()).collect();
        let topics = first.iter().map(|position| position.of.topic.to_string()).collect();
        let pending = first.iter().map(|_| VecDeque::new()).collect();
        let inner = self.inner.reader(first, wake)?;
        Ok(Box::new(GatedReader { inner, indexes, topics, pending, limits: Arc::clone(&self.limits) }))
    }

    fn append(&self, outputs: Vec<Output>) -> Result<Vec<i64>> {
        self.inner.append(to_first_partition(outputs))
    }

    fn commit(&self, mut commit: Commit) -> Result<()> {
        commit.positions.retain(|position| position.of.partition == 0);
        commit.outputs = to_first_partition(commit.outputs);
        self.inner.commit(commit)
    }

    fn delete_records(&self, before: &[Position]) -> Result<()> {
        let first: Vec<Position> = before.iter().filter(|position| position.of.partition == 0).cloned().collect();
        self.inner.delete_records(&first)
    }
}

/// Holds back what is not visible yet.
struct GatedReader {
    inner: Box<dyn Reader>,
    /// Index of each inner partition in the positions the reader was asked for.
    indexes: Vec<usize>,
    topics: Vec<String>,
    pending: Vec<VecDeque<RawBatch>>,
    limits: Limits,
}

impl Reader for GatedReader {
    fn poll(&mut self, max_bytes: usize) -> Result<Vec<(usize, RawBatch)>> {
        for (i, batch) in self.inner.poll(max_bytes)? {
            self.pending[i].push_back(batch);
        }
        let limits = self.limits.lock();
        let mut visible = Vec::new();
        for (i, pending) in self.pending.iter_mut().enumerate() {
            let Some(batch) = pending.pop_front() else { continue };
            let limit = limits.get(&self.topics[i]).copied().unwrap_or(i64::MAX);
            let count = batch.offsets.iter().take_while(|&&offset| offset < limit).count();
            if count < batch.offsets.len() {
                pending.push_front(slice(&batch, count, batch.offsets.len() - count));
            }
            if count > 0 {
                visible.push((self.indexes[i], slice(&batch, 0, count)));
            }
        }
        Ok(visible)
    }

    fn has_reached_end(&self, _index: usize) -> bool {
        true
    }
}

fn slice(batch: &RawBatch, start: usize, len: usize) -> RawBatch {
    RawBatch {
        offsets: batch.offsets.slice(start, len),
        records: Records {
            timestamps: batch.records.timestamps.slice(start, len),
            keys: batch.records.keys.slice(start, len),
            values: batch.records.values.slice(start, len),
            headers: batch.records.headers.as_ref().map(|headers| headers.slice(start, len)),
        },
    }
}
