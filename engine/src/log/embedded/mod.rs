//! The embedded log: topics of this process, in memory or in a data directory.
//!
//! ```text
//! append, commit ─batch→ prepared batches ─commit→ group ─partition→ staged ─ local database (positions, state) ─→ published
//!                                                                                       reader ← batches ─ wakes ─┘
//! cleaner (a thread): retention ─ trim     compaction: closed segments → new files → the switch in the local database
//! ```

mod batch;
mod cache;
mod cleaned;
mod cleaner;
mod commit;
mod compaction;
#[cfg(test)]
mod compaction_tests;
#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod failure_tests;
mod frame;
mod group;
mod open_files;
mod partition;
mod prepared;
mod reader;
mod recovery;
mod retention;
mod segment;
mod topics;
mod trim;
mod writer;

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::kv::{DataDir, Kv, KvError, MemoryKv};
use crate::log::embedded::cleaner::Cleaner;
use crate::log::embedded::commit::{Committer, Request};
use crate::log::embedded::group::GroupWriter;
use crate::log::embedded::prepared::prepare;
use crate::log::embedded::reader::LogReader;
use crate::log::embedded::topics::Topics;
use crate::log::{
    Bounds, Commit, Log, LogError, Output, Position, Reader, Result, Signal, Topic, TopicPartition, TopicSpec,
    positions,
};

/// A log without a broker.
pub struct Embedded {
    shared: Arc<Shared>,
    committer: Committer,
    /// `None` in memory, as the directory. It ends before the directory is free for others.
    _cleaner: Option<Cleaner>,
    dir: Option<DataDir>,
}

/// What writers and the cleaner share.
struct Shared {
    topics: Topics,
    /// Held while topics or partitions change: by the committer's leader, the cleaner, and to make and delete topics.
    turn: Mutex<GroupWriter>,
    kv: Arc<dyn Kv>,
}

impl Embedded {
    /// A log in memory, gone with the process. Retention and compaction take nothing from it.
    pub fn in_memory() -> Embedded {
        let (topics, turn) = (Topics::default(), Mutex::new(GroupWriter::new(0)));
        let shared = Arc::new(Shared { topics, turn, kv: Arc::new(MemoryKv::default()) });
        Embedded { shared, committer: Committer::default(), _cleaner: None, dir: None }
    }

    /// Opens the log in a data directory, or makes one there. Everything acknowledged before is there again; what a
    /// crash left half-written is not.
    ///
    /// # Errors
    /// [`KvError::DataDir`] when the directory is not ours to use, [`KvError::Corrupt`] when committed data is damaged.
    pub fn open(path: &Path) -> Result<Embedded> {
        let (dir, database) = DataDir::open(path, "embedded")?;
        let kv: Arc<dyn Kv> = Arc::new(database);
        let turn = GroupWriter::load(&*kv)?;
        let topics = Topics::open(dir.path().join("topics"), &*kv, turn.group())?;
        let shared = Arc::new(Shared { topics, turn: Mutex::new(turn), kv });
        let cleaner = Cleaner::start(Arc::clone(&shared))?;
        Ok(Embedded { shared, committer: Committer::default(), _cleaner: Some(cleaner), dir: Some(dir) })
    }

    fn prepare(&self, outputs: Vec<Output>) -> Result<Request> {
        let mut request = Request::default();
        for Output { to, records } in outputs {
            if !records.is_even() {
                return Err(LogError::Invalid(format!("columns of different length for topic {}", to.topic)));
            }
            let partition = self.shared.topics.partition(&to)?;
            request.outputs.push((partition, prepare(&records, self.dir.is_some())?));
        }
        Ok(request)
    }

    fn submit(&self, request: Request) -> Result<Vec<i64>> {
        self.committer
            .submit(request, |group| self.shared.turn.lock().write(group, &self.shared.topics, &*self.shared.kv))
    }
}

impl Log for Embedded {
    fn create_topic(&self, name: &str, spec: &TopicSpec) -> Result<()> {
        let turn = self.shared.turn.lock();
        self.shared.topics.create(name, spec, &*self.shared.kv, turn.group())
    }

    fn delete_topic(&self, name: &str) -> Result<()> {
        let dir = {
            let mut turn = self.shared.turn.lock();
            // What a failed write left in the topic's files cannot be taken back once they are gone.
            turn.recover(&self.shared.topics, &*self.shared.kv)?;
            self.shared.topics.delete(name, &*self.shared.kv)?
        };
        self.shared.topics.remove_dir(&dir, &*self.shared.kv);
        Ok(())
    }

    fn topic(&self, name: &str) -> Result<Option<Topic>> {
        Ok(self.shared.topics.get(name))
    }

    fn topics(&self) -> Result<Vec<Topic>> {
        Ok(self.shared.topics.all())
    }

    fn bounds(&self, of: &TopicPartition) -> Result<Bounds> {
        Ok(self.shared.topics.partition(of)?.bounds())
    }

    fn reader(&self, from: Vec<Position>, wake: Arc<Signal>) -> Result<Box<dyn Reader>> {
        let from = from.into_iter().map(|position| Ok((self.shared.topics.partition(&position.of)?, position.offset)));
        Ok(Box::new(LogReader::new(from.collect::<Result<_>>()?, &wake)))
    }

    fn append(&self, outputs: Vec<Output>) -> Result<Vec<i64>> {
        let request = self.prepare(outputs)?;
        self.submit(request)
    }

    fn commit(&self, commit: Commit) -> Result<()> {
        let mut request = self.prepare(commit.outputs)?;
        request.writes = commit.writes;
        request.writes.append(positions::writes(&commit.group, &commit.positions));
        // What can never be written must not fail together with what others write.
        self.shared.kv.check(&request.writes)?;
        self.submit(request).map(drop)
    }

    fn delete_records(&self, before: &[Position]) -> Result<()> {
        self.shared.turn.lock().delete_records(before, &self.shared.topics, &*self.shared.kv)
    }

    fn positions(&self, group: &str) -> Result<Vec<Position>> {
        // A commit is in the local database a moment before readers see its records.
        let _nobody_writes = self.shared.turn.lock();
        positions::of_group(&*self.shared.kv, group)
    }

    fn delete_group(&self, group: &str) -> Result<()> {
        Ok(self.shared.kv.write(positions::forget_group(&*self.shared.kv, group)?)?)
    }

    fn check_writable(&self) -> Result<()> {
        let mut turn = self.shared.turn.lock();
        turn.recover(&self.shared.topics, &*self.shared.kv)?;
        if let (Some(problem), Some(dir)) = (&turn.problem, &self.dir) {
            dir.probe().map_err(|_| KvError::Unwritable(problem.clone()))?;
            turn.problem = None;
        }
        Ok(())
    }

    fn close(&self) -> Result<()> {
        self.shared.turn.lock().recover(&self.shared.topics, &*self.shared.kv)?;
        self.dir.as_ref().map_or(Ok(()), |dir| Ok(dir.close(&*self.shared.kv)?))
    }

    fn kv(&self) -> &Arc<dyn Kv> {
        &self.shared.kv
    }

    fn max_record_bytes(&self) -> usize {
        usize::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::testing::{exercise, partition, read};

    #[test]
    fn memory_keeps_the_contract() {
        exercise(&Embedded::in_memory());
    }

    #[test]
    fn a_data_directory_keeps_the_contract_and_its_data() {
        let temp = tempfile::tempdir().unwrap();
        let log = Embedded::open(temp.path()).unwrap();
        exercise(&log);
        let before: Vec<_> = log.topics().unwrap();
        drop(log);
        let log = Embedded::open(temp.path()).unwrap();
        assert_eq!(log.topics().unwrap(), before);
        assert_eq!(log.positions("g2").unwrap().len(), 1);
        let wake = Arc::new(Signal::default());
        let from = Position { of: partition("many", 1), offset: 7 };
        let mut reader = log.reader(vec![from], Arc::clone(&wake)).unwrap();
        let batches = read(&mut *reader, &wake, 1, 994).remove(0);
        assert!(batches.len() < 5, "small batches are joined, there were {}", batches.len());
        let offsets: Vec<i64> = batches.iter().flat_map(|batch| batch.offsets.to_vec()).collect();
        assert_eq!(offsets, (7..1001).collect::<Vec<_>>());
    }
}
