//! Writing a group of requests: segment files, sync, one write of the local database, then readers see it.

use std::sync::Arc;
use std::time::SystemTime;

use crate::kv::{Kv, KvError, Write, Writes, described, for_segments};
use crate::log::embedded::cache::Cache;
use crate::log::embedded::cleaned::Rewritten;
use crate::log::embedded::commit::{Answer, Request};
use crate::log::embedded::open_files::OpenFiles;
use crate::log::embedded::partition::Partition;
use crate::log::embedded::topics::Topics;
use crate::log::embedded::trim::{delete_before, expire};
use crate::log::{LogError, Position, Result, Signal};

const GROUP_SPACE: &str = "log/group";
/// Appended batches kept in memory, with a data directory.
const CACHE_BYTES: usize = 16 << 20;

/// What the one who writes needs.
#[derive(Debug)]
pub(super) struct GroupWriter {
    /// Number of the last committed group.
    group: u64,
    cache: Cache,
    /// Where batches are written but not committed.
    staged: Vec<Arc<Partition>>,
    /// Set while a group is written, and stays when that fails: what was staged is to be given up first.
    is_unfinished: bool,
    /// Why the disk could not be written to the last time, if it could not.
    pub(super) problem: Option<String>,
    files: OpenFiles,
}

impl GroupWriter {
    /// Goes on after a group.
    pub(super) fn new(group: u64) -> GroupWriter {
        let files = OpenFiles::new(for_segments());
        GroupWriter { group, cache: Cache::default(), staged: Vec::new(), is_unfinished: false, problem: None, files }
    }

    /// Goes on after the last group the local database knows.
    pub(super) fn load(kv: &dyn Kv) -> Result<GroupWriter> {
        Ok(GroupWriter::new(last_group(kv)?))
    }

    /// Number of the last committed group.
    pub(super) fn group(&self) -> u64 {
        self.group
    }

    #[cfg(test)]
    pub(super) fn keep_open(&mut self, files: usize) {
        self.files = OpenFiles::new(files);
    }

    /// Writes a group and answers each request, in order.
    pub(super) fn write(&mut self, group: Vec<Request>, topics: &Topics, kv: &dyn Kv) -> Vec<Answer> {
        let requests = group.len();
        let written = self.recover(topics, kv).and_then(|()| {
            self.is_unfinished = true;
            let answers = self.commit(group, topics, kv)?;
            self.is_unfinished = false;
            self.problem = None;
            Ok(answers)
        });
        written.unwrap_or_else(|error| {
            let error = self.noted(error, topics);
            if let Err(error) = self.recover(topics, kv) {
                tracing::debug!("what failed is given up later: {error}");
            }
            (0..requests).map(|_| Err(again(&error))).collect()
        })
    }

    /// Notes that the disk cannot be written to, if that is it; the error for whoever wanted it.
    fn noted(&mut self, error: LogError, topics: &Topics) -> LogError {
        let (LogError::Local(local @ KvError::Io { .. }), Some(dir)) = (&error, topics.dir()) else { return error };
        let problem = described(local, dir);
        if self.problem.replace(problem.clone()).is_none() {
            tracing::error!("topics cannot be written to: {error}");
        }
        KvError::Unwritable(problem).into()
    }

    /// Gives up the records before the positions.
    pub(super) fn delete_records(&mut self, before: &[Position], topics: &Topics, kv: &dyn Kv) -> Result<()> {
        self.recover(topics, kv)?;
        let cuts = before.iter().map(|position| Ok((topics.partition(&position.of)?, position.offset)));
        let cuts = cuts.collect::<Result<Vec<_>>>()?;
        delete_before(&cuts, topics, kv)
    }

    /// Gives up what retention lets go of.
    pub(super) fn expire(&mut self, now: SystemTime, topics: &Topics, kv: &dyn Kv) -> Result<()> {
        self.recover(topics, kv)?;
        expire(topics, kv, now)
    }

    /// Puts compacted files in place; says whether those they were made of are still there.
    pub(super) fn replace(
        &mut self,
        partition: &Partition,
        rewritten: &Rewritten,
        topics: &Topics,
        kv: &dyn Kv,
    ) -> Result<bool> {
        self.recover(topics, kv)?;
        partition.check_exists()?;
        let record = |cleaned| Ok(kv.write(topics.cleaned_write(&partition.id, cleaned)?.into())?);
        partition.replace(rewritten, record)
    }

    /// Makes writing possible after it failed, or whoever wrote has panicked: the local database knows whether the group was
    /// committed.
    pub(super) fn recover(&mut self, topics: &Topics, kv: &dyn Kv) -> Result<()> {
        kv.recover()?;
        if !self.is_unfinished {
            return Ok(());
        }
        let committed = if topics.are_on_disk() { last_group(kv)? } else { self.group };
        if committed > self.group {
            self.group = committed;
            self.publish(topics.are_on_disk());
        } else {
            self.staged.iter().try_for_each(|partition| partition.roll_back())?;
            self.staged.clear();
        }
        self.is_unfinished = false;
        Ok(())
    }

    fn commit(&mut self, group: Vec<Request>, topics: &Topics, kv: &dyn Kv) -> Result<Vec<Answer>> {
        let (answers, mut writes) = self.stage(group)?;
        let is_moved = self.sync(topics, &mut writes)?;
        if !writes.is_empty() {
            kv.write(writes)?;
        }
        self.group += u64::from(is_moved);
        self.publish(topics.are_on_disk());
        Ok(answers)
    }

    /// Writes the batches of all requests. A request for a topic deleted meanwhile fails alone; when the disk fails, all
    /// do.
    fn stage(&mut self, group: Vec<Request>) -> Result<(Vec<Answer>, Writes)> {
        let (mut answers, mut writes) = (Vec::with_capacity(group.len()), Writes::default());
        for request in group {
            if let Some(error) = request.outputs.iter().find_map(|(partition, _)| partition.check_exists().err()) {
                answers.push(Err(error));
                continue;
            }
            let mut firsts = Vec::with_capacity(request.outputs.len());
            for (partition, batches) in request.outputs {
                if !self.staged.iter().any(|known| Arc::ptr_eq(known, &partition)) {
                    self.staged.push(Arc::clone(&partition));
                    self.files.used(&partition);
                }
                firsts.push(partition.stage(batches, self.group + 1)?);
            }
            writes.append(request.writes);
            answers.push(Ok(firsts));
        }
        Ok((answers, writes))
    }

    /// Makes the batches durable and adds the new ends to the writes, and the group's number; says whether there were any.
    fn sync(&mut self, topics: &Topics, writes: &mut Writes) -> Result<bool> {
        let mut is_moved = false;
        for partition in &self.staged {
            if let Some(mark) = partition.sync()? {
                writes.push(topics.end_write(&partition.id, mark)?);
                is_moved = true;
            }
        }
        if is_moved {
            let value = Some((self.group + 1).to_be_bytes().to_vec());
            writes.push(Write { space: GROUP_SPACE.into(), key: Vec::new(), value });
        }
        Ok(is_moved)
    }

    fn publish(&mut self, is_bounded: bool) {
        let mut wake: Vec<Arc<Signal>> = Vec::new();
        for partition in &self.staged {
            let published = partition.publish(&mut wake);
            if is_bounded {
                published.into_iter().for_each(|batch| self.cache.admit(partition, batch, CACHE_BYTES));
            }
        }
        self.staged.clear();
        self.files.close_some();
        wake.iter().for_each(|signal| signal.raise());
    }
}

/// The number of the last group that the local database knows.
fn last_group(kv: &dyn Kv) -> Result<u64> {
    let group = kv.get(GROUP_SPACE, b"")?.and_then(|bytes| bytes.try_into().ok());
    Ok(group.map_or(0, u64::from_be_bytes))
}

/// The same error for everybody in the group.
fn again(error: &LogError) -> LogError {
    let local = match error {
        LogError::Invalid(problem) => return LogError::Invalid(problem.clone()),
        LogError::Local(KvError::Io { what, source }) => {
            KvError::Io { what: what.clone(), source: std::io::Error::new(source.kind(), source.to_string()) }
        }
        LogError::Local(KvError::Unwritable(problem)) => KvError::Unwritable(problem.clone()),
        LogError::Local(KvError::Store(problem)) => KvError::Store(problem.clone()),
        other => KvError::Store(other.to_string()),
    };
    local.into()
}
