//! Writing a group of requests: segment files, sync, one write of the local database, then readers see it.

use std::sync::Arc;
use std::time::SystemTime;

use crate::log::embedded::cache::Cache;
use crate::log::embedded::commit::{Answer, Request};
use crate::log::embedded::compaction::Rewritten;
use crate::log::embedded::partition::Partition;
use crate::log::embedded::topics::Topics;
use crate::log::embedded::trim::{delete_before, expire};
use crate::log::{Kv, LogError, Position, Result, Signal, Write, Writes};

const GROUP_SPACE: &str = "log/group";
/// Appended batches kept in memory, with a data directory.
const CACHE_BYTES: usize = 16 << 20;

/// What the one who writes needs.
#[derive(Debug)]
pub(super) struct Turn {
    /// Number of the last committed group.
    group: u64,
    cache: Cache,
    /// Set when it is unknown what is on disk; nothing is written until a restart has found out.
    broken: Option<String>,
}

/// What is written but not committed.
#[derive(Default)]
struct Staged {
    partitions: Vec<Arc<Partition>>,
    writes: Writes,
}

impl Turn {
    /// Goes on after a group.
    pub(super) fn new(group: u64) -> Turn {
        Turn { group, cache: Cache::default(), broken: None }
    }

    /// Goes on after the last group the local database knows.
    pub(super) fn load(kv: &dyn Kv) -> Result<Turn> {
        let group = kv.get(GROUP_SPACE, b"")?.and_then(|bytes| bytes.try_into().ok());
        Ok(Turn::new(group.map_or(0, u64::from_be_bytes)))
    }

    /// Number of the last committed group.
    pub(super) fn group(&self) -> u64 {
        self.group
    }

    /// Writes a group and answers each request, in order.
    pub(super) fn write(&mut self, group: Vec<Request>, topics: &Topics, kv: &dyn Kv) -> Vec<Answer> {
        let requests = group.len();
        let fail = |error: &LogError| (0..requests).map(|_| Err(again(error))).collect();
        if let Err(error) = self.check_whole() {
            return fail(&error);
        }
        let mut staged = Staged::default();
        let answers = match self.stage(group, &mut staged) {
            Ok(answers) => answers,
            Err(error) => {
                self.roll_back(&staged);
                return fail(&error);
            }
        };
        let Staged { partitions, mut writes } = staged;
        let committed = self.sync(&partitions, topics, &mut writes).and_then(|()| match writes.is_empty() {
            true => Ok(()),
            false => kv.write(writes),
        });
        if let Err(error) = committed {
            self.broken = Some(error.to_string());
            return fail(&error);
        }
        self.publish(&partitions, topics.are_on_disk());
        answers
    }

    /// Gives up the records before the positions.
    pub(super) fn delete_records(&mut self, before: &[Position], topics: &Topics, kv: &dyn Kv) -> Result<()> {
        self.check_whole()?;
        let cuts = before.iter().map(|position| Ok((topics.partition(&position.of)?, position.offset)));
        let cuts = cuts.collect::<Result<Vec<_>>>()?;
        delete_before(&cuts, topics, kv).inspect_err(|error| self.broken = Some(error.to_string()))
    }

    /// Gives up what retention lets go of.
    pub(super) fn expire(&mut self, now: SystemTime, topics: &Topics, kv: &dyn Kv) -> Result<()> {
        self.check_whole()?;
        expire(topics, kv, now).inspect_err(|error| self.broken = Some(error.to_string()))
    }

    /// Puts compacted files in place; says whether those they were made of are still there.
    pub(super) fn replace(
        &mut self,
        partition: &Partition,
        rewritten: &Rewritten,
        topics: &Topics,
        kv: &dyn Kv,
    ) -> Result<bool> {
        self.check_whole()?;
        partition.check_exists()?;
        let record = |cleaned| kv.write(topics.cleaned_write(&partition.id, cleaned)?.into());
        partition.replace(rewritten, record).inspect_err(|error| self.broken = Some(error.to_string()))
    }

    /// Fails if it is unknown what is on disk.
    pub(super) fn check_whole(&self) -> Result<()> {
        match &self.broken {
            Some(problem) => Err(LogError::Store(format!("writing stopped after an error: {problem}"))),
            None => Ok(()),
        }
    }

    /// Writes the batches of all requests. A request for a topic deleted meanwhile fails alone; when the disk fails, all
    /// do.
    fn stage(&mut self, group: Vec<Request>, staged: &mut Staged) -> Result<Vec<Answer>> {
        let mut answers = Vec::with_capacity(group.len());
        for request in group {
            if let Some(error) = request.outputs.iter().find_map(|(partition, _)| partition.check_exists().err()) {
                answers.push(Err(error));
                continue;
            }
            let mut firsts = Vec::with_capacity(request.outputs.len());
            for (partition, batches) in request.outputs {
                if !staged.partitions.iter().any(|known| Arc::ptr_eq(known, &partition)) {
                    staged.partitions.push(Arc::clone(&partition));
                }
                firsts.push(partition.stage(batches, self.group + 1)?);
            }
            staged.writes.append(request.writes);
            answers.push(Ok(firsts));
        }
        Ok(answers)
    }

    /// Makes the batches durable and adds the new ends to the writes.
    fn sync(&mut self, partitions: &[Arc<Partition>], topics: &Topics, writes: &mut Writes) -> Result<()> {
        let mut is_moved = false;
        for partition in partitions {
            if let Some(mark) = partition.sync()? {
                writes.push(topics.end_write(&partition.id, mark)?);
                is_moved = true;
            }
        }
        if is_moved {
            self.group += 1;
            let value = Some(self.group.to_be_bytes().to_vec());
            writes.push(Write { space: GROUP_SPACE.into(), key: Vec::new(), value });
        }
        Ok(())
    }

    fn publish(&mut self, partitions: &[Arc<Partition>], is_bounded: bool) {
        let mut wake: Vec<Arc<Signal>> = Vec::new();
        for partition in partitions {
            let published = partition.publish(&mut wake);
            if is_bounded {
                published.into_iter().for_each(|batch| self.cache.admit(partition, batch, CACHE_BYTES));
            }
        }
        wake.iter().for_each(|signal| signal.raise());
    }

    fn roll_back(&mut self, staged: &Staged) {
        for partition in &staged.partitions {
            if let Err(error) = partition.roll_back() {
                self.broken = Some(error.to_string());
            }
        }
    }
}

/// The same error for everybody in the group.
fn again(error: &LogError) -> LogError {
    match error {
        LogError::Io { what, source } => {
            LogError::Io { what: what.clone(), source: std::io::Error::new(source.kind(), source.to_string()) }
        }
        LogError::Store(problem) => LogError::Store(problem.clone()),
        other => LogError::Store(other.to_string()),
    }
}
