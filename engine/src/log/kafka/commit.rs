//! What tasks did, all of it or nothing: outputs, changelogs and positions on the brokers first, then the local database.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::crash::{self, Point};
use crate::kv::Writes;
use crate::log::kafka::membership::{Fence, Membership};
use crate::log::kafka::sending::{Rows, Timestamps};
use crate::log::kafka::transactions::{Transaction, Uncommitted};
use crate::log::kafka::{Kafka, restore};
use crate::log::{Commit, LogError, Output, Result, TopicPartition, positions};

/// How long tasks may be dealt out among processes.
const DEALING: Duration = Duration::from_secs(60);
/// Pause before what was refused meanwhile is tried again.
const PAUSE: Duration = Duration::from_millis(20);

/// What became of commits.
enum Done {
    /// Each is done, or not.
    Answered(Vec<Result<()>>),
    /// None is: the process is not known to be a member of the group as it is now.
    Refused(LogError),
}

/// A commit, and what it changes as records of changelogs, with the indices of these.
struct Prepared {
    commit: Commit,
    changes: Vec<(usize, Output)>,
}

impl Kafka {
    /// Does commits of one thread at once; says of each whether it is done.
    pub(super) fn do_commits(&self, thread: usize, commits: Vec<Commit>) -> Vec<Result<()>> {
        // What can be known to fail does so before anything is written.
        let prepared: Vec<Result<Prepared>> = commits.into_iter().map(|commit| self.prepare(commit)).collect();
        let begun = Instant::now();
        let mut done = loop {
            // In this order: a task that is given up now cannot be committed with a fence of later. Without transactions there is
            // nothing that could be refused.
            let membership = self.membership.as_ref().filter(|_| self.transactions.is_some());
            let fence = membership.map(Membership::fence).transpose();
            let ours = prepared.iter().map(|prepared| prepared.as_ref().ok().filter(|one| one.commit.is_ours()));
            let ours: Vec<Option<&Prepared>> = ours.collect();
            let good: Vec<&Prepared> = ours.iter().flatten().copied().collect();
            let done = match fence {
                Ok(fence) => self.commit_fenced(thread, &good, fence.as_ref()),
                Err(error) => Done::Refused(error),
            };
            match done {
                Done::Answered(answers) => {
                    let mut answers = answers.into_iter();
                    let answer = |one: Option<&Prepared>| one.map(|_| answers.next().unwrap_or(Ok(())));
                    break ours.into_iter().map(answer).collect::<Vec<_>>();
                }
                // The group deals out tasks; when that is over, it is known whose these are.
                Done::Refused(_) if begun.elapsed() < DEALING => std::thread::sleep(PAUSE),
                Done::Refused(error) => break ours.into_iter().map(|one| one.map(|_| Err(error.copied()))).collect(),
            }
        }
        .into_iter();
        let answer = |prepared: Result<Prepared>| {
            let done = done.next().flatten();
            prepared.and_then(|_| done.unwrap_or(Err(LogError::Moved)))
        };
        prepared.into_iter().map(answer).collect()
    }

    fn commit_fenced(&self, thread: usize, good: &[&Prepared], fence: Option<&Fence>) -> Done {
        match self.commit_at_once(thread, good, fence) {
            Ok(()) => Done::Answered(good.iter().map(|_| Ok(())).collect()),
            Err(Uncommitted { is_fenced: true, error, .. }) => Done::Refused(error),
            // One of them is to blame, and is found when each has a transaction of its own.
            Err(Uncommitted { is_taken_back: true, error, .. }) if good.len() > 1 && !error.may_pass() => {
                let alone = |one: &&Prepared| self.commit_at_once(thread, &[one], fence).map_err(|failed| failed.error);
                Done::Answered(good.iter().map(alone).collect())
            }
            Err(Uncommitted { error, .. }) => Done::Answered(good.iter().map(|_| Err(error.copied())).collect()),
        }
    }

    fn commit_at_once(
        &self,
        thread: usize,
        commits: &[&Prepared],
        fence: Option<&Fence>,
    ) -> std::result::Result<(), Uncommitted> {
        if commits.is_empty() {
            return Ok(());
        }
        let begun = Instant::now();
        self.kv.recover().map_err(LogError::from)?;
        crash::at(Point::CommitPrepared);
        let ends = self.produce(thread, commits, fence)?;
        crash::at(Point::TransactionCommitted);
        let mut local = Writes::default();
        for (Prepared { commit, .. }, ends) in commits.iter().zip(ends) {
            local.append(commit.writes.clone());
            local.append(positions::writes(&commit.group, &commit.positions));
            if let Some(changelogs) = &commit.changelogs {
                restore::note(changelogs, ends, &mut local);
            }
        }
        self.kv.write(local).map_err(LogError::from)?;
        crash::at(Point::CommitDone);
        if self.transactions.is_none() {
            commits
                .iter()
                .try_for_each(|prepared| self.groups.tell(&prepared.commit.group, &prepared.commit.positions))?;
        }
        tracing::debug!(thread, tasks = commits.len(), took_ms = begun.elapsed().as_secs_f64() * 1e3, "committed");
        Ok(())
    }

    fn prepare(&self, commit: Commit) -> Result<Prepared> {
        commit.outputs.iter().try_for_each(|output| self.admin.check_partition(&output.to))?;
        self.kv.check(&commit.writes)?;
        let changes = match &commit.changelogs {
            Some(changelogs) => changelogs.records(&commit.writes)?,
            None => Vec::new(),
        };
        Ok(Prepared { commit, changes })
    }

    /// Writes to the brokers; says how far each commit's changelogs are then, by their indices.
    fn produce(
        &self,
        thread: usize,
        commits: &[&Prepared],
        fence: Option<&Fence>,
    ) -> std::result::Result<Vec<Vec<(usize, i64)>>, Uncommitted> {
        let outputs: Vec<&Output> = commits.iter().flat_map(|prepared| &prepared.commit.outputs).collect();
        let changes = commits.iter().flat_map(|prepared| &prepared.changes);
        let changelogs: Vec<&Output> = changes.map(|(_, output)| output).collect();
        let count = outputs.len();
        let ends: Vec<Option<i64>> = match &self.transactions {
            Some(transactions) => {
                let moved =
                    commits.iter().map(|prepared| &prepared.commit).filter(|commit| !commit.positions.is_empty());
                let of_group = |commit: &Commit| -> Result<_> {
                    Ok((self.groups.metadata(&commit.group)?, commit.positions.clone()))
                };
                let positions = moved.map(of_group).collect::<Result<_>>()?;
                let own = outputs.iter().map(|output| Rows::of(output, Timestamps::Own));
                let now = changelogs.iter().map(|output| Rows::of(output, Timestamps::Now));
                let outputs = own.chain(now).collect::<Result<_>>()?;
                transactions.commit(thread, &Transaction { outputs, positions, fence })?
            }
            None => {
                let all: Vec<&Output> = outputs.iter().chain(&changelogs).copied().collect();
                let firsts = self.producer.produce(&all)?;
                let end = |(first, output): (Option<i64>, &&Output)| first.map(|at| at + output.records.len() as i64);
                firsts.into_iter().zip(&all).map(end).collect()
            }
        };
        self.written.note(commits.iter().flat_map(|prepared| &prepared.commit.outputs).zip(&ends));
        let mut ends = ends.into_iter().skip(count);
        let mut of_commit = |prepared: &&Prepared| {
            let changed = prepared.changes.iter().zip(ends.by_ref());
            changed.filter_map(|((topic, _), end)| Some((*topic, end?))).collect()
        };
        Ok(commits.iter().map(&mut of_commit).collect())
    }
}

/// How far this process has written partitions. What follows its last record there may be no record at all (the mark of a
/// transaction's end), so that the end of a partition does not tell.
#[derive(Default)]
pub(super) struct Written(Mutex<HashMap<TopicPartition, i64>>);

impl Written {
    /// Notes the offset behind the last record of each output.
    pub(super) fn note<'a>(&self, outputs: impl Iterator<Item = (&'a Output, &'a Option<i64>)>) {
        let mut written = self.0.lock();
        for (output, end) in outputs {
            let Some(end) = end else { continue };
            match written.get_mut(&output.to) {
                Some(known) => *known = (*known).max(*end),
                None => drop(written.insert(output.to.clone(), *end)),
            }
        }
    }

    /// The offset behind its last record in a partition.
    pub(super) fn end(&self, of: &TopicPartition) -> Option<i64> {
        self.0.lock().get(of).copied()
    }

    /// Forgets a topic.
    pub(super) fn forget(&self, topic: &str) {
        self.0.lock().retain(|of, _| *of.topic != *topic);
    }
}

impl From<LogError> for Uncommitted {
    fn from(error: LogError) -> Self {
        Self { is_taken_back: false, is_fenced: false, error }
    }
}
