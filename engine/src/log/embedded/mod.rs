//! The embedded log: topics of this process, in memory or in a data directory.
//!
//! ```text
//! append, commit ─batch→ prepared batches ─commit→ group ─partition→ staged ─ local database (positions, state) ─→ published
//!                                                                                       reader ← batches ─ wakes ─┘
//! ```

mod batch;
mod commit;
mod kv;
mod partition;
mod reader;
mod topics;

use std::sync::Arc;

use parking_lot::Mutex;

use crate::log::embedded::batch::prepare;
use crate::log::embedded::commit::{Answer, Committer, Request};
use crate::log::embedded::kv::MemoryKv;
use crate::log::embedded::partition::Partition;
use crate::log::embedded::reader::LogReader;
use crate::log::embedded::topics::Topics;
use crate::log::{
    Bounds, Commit, Kv, Log, LogError, Output, Position, Reader, Result, Signal, Topic, TopicPartition, TopicSpec,
    positions,
};

/// A log without a broker.
pub struct Embedded {
    topics: Topics,
    committer: Committer,
    /// Held while topics or partitions change: by the committer's leader, and to make and delete topics.
    turn: Mutex<()>,
    kv: Arc<dyn Kv>,
}

impl Embedded {
    /// A log in memory, gone with the process. It keeps everything until the topic is deleted.
    pub fn in_memory() -> Embedded {
        Embedded {
            topics: Topics::default(),
            committer: Committer::default(),
            turn: Mutex::default(),
            kv: Arc::new(MemoryKv::default()),
        }
    }

    fn prepare(&self, outputs: Vec<Output>) -> Result<Request> {
        let mut request = Request::default();
        for Output { to, records } in outputs {
            if !records.is_even() {
                return Err(LogError::Invalid(format!("columns of different length for topic {}", to.topic)));
            }
            request.outputs.push((self.topics.partition(&to)?, prepare(&records)?));
        }
        Ok(request)
    }

    /// Writes what several callers want: files, then the local database, then readers see it.
    fn write_group(&self, group: Vec<Request>) -> Vec<Answer> {
        let _turn = self.turn.lock();
        let mut touched: Vec<Arc<Partition>> = Vec::new();
        let mut writes = Vec::new();
        let mut answers = Vec::with_capacity(group.len());
        for request in group {
            let gone = request.outputs.iter().find_map(|(partition, _)| partition.check_exists().err());
            answers.push(match gone {
                Some(error) => Err(error),
                None => {
                    writes.extend(request.writes);
                    request
                        .outputs
                        .into_iter()
                        .map(|(partition, batches)| {
                            let first = partition.stage(batches);
                            if !touched.iter().any(|known| Arc::ptr_eq(known, &partition)) {
                                touched.push(partition);
                            }
                            first
                        })
                        .collect()
                }
            });
        }
        if let Err(error) = self.kv.write(writes) {
            touched.iter().for_each(|partition| partition.unstage());
            return answers.iter().map(|_| Err(LogError::Store(error.to_string()))).collect();
        }
        let mut wake = Vec::new();
        touched.iter().for_each(|partition| partition.publish(&mut wake));
        wake.iter().for_each(|signal| signal.raise());
        answers
    }

    fn submit(&self, request: Request) -> Answer {
        self.committer.submit(request, |group| self.write_group(group))
    }
}

impl Log for Embedded {
    fn create_topic(&self, name: &str, spec: &TopicSpec) -> Result<()> {
        let _turn = self.turn.lock();
        self.topics.create(name, spec)
    }

    fn delete_topic(&self, name: &str) -> Result<()> {
        let _turn = self.turn.lock();
        self.topics.delete(name)?;
        positions::forget_topic(&*self.kv, name)
    }

    fn topic(&self, name: &str) -> Result<Option<Topic>> {
        Ok(self.topics.get(name))
    }

    fn topics(&self) -> Result<Vec<Topic>> {
        Ok(self.topics.all())
    }

    fn bounds(&self, of: &TopicPartition) -> Result<Bounds> {
        Ok(self.topics.partition(of)?.bounds())
    }

    fn reader(&self, from: Vec<Position>, wake: Arc<Signal>) -> Result<Box<dyn Reader>> {
        let from = from.into_iter().map(|position| Ok((self.topics.partition(&position.of)?, position.offset)));
        Ok(Box::new(LogReader::new(from.collect::<Result<_>>()?, &wake)))
    }

    fn append(&self, outputs: Vec<Output>) -> Result<Vec<i64>> {
        let request = self.prepare(outputs)?;
        self.submit(request)
    }

    fn commit(&self, commit: Commit) -> Result<()> {
        let mut request = self.prepare(commit.outputs)?;
        request.writes = commit.writes;
        request.writes.extend(positions::writes(&commit.group, &commit.positions));
        self.submit(request).map(drop)
    }

    fn positions(&self, group: &str) -> Result<Vec<Position>> {
        positions::of_group(&*self.kv, group)
    }

    fn delete_group(&self, group: &str) -> Result<()> {
        positions::forget_group(&*self.kv, group)
    }

    fn kv(&self) -> &Arc<dyn Kv> {
        &self.kv
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::testing::exercise;

    #[test]
    fn memory_keeps_the_contract() {
        exercise(&Embedded::in_memory());
    }
}
