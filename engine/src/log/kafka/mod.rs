//! The log on a Kafka cluster. Topics are the broker's, positions are those of consumer groups, state is kept in changelog
//! topics; the local database has a copy of both, and the command log.
//!
//! ```text
//! admin        topics, configurations, watermarks
//! fetch        a few consumers for all readers, assigned by hand, no group
//! reader       what a reader sees of them
//! producer     one idempotent producer for everybody, for what is no part of a commit
//! transactions one producer per thread: outputs, changelogs and positions of its tasks, at once
//! commit       what tasks did: the transaction, then the local database
//! sending      records on their way into either
//! sole_writer  a topic that several processes write, one at a time: that of the commands
//! groups       how far each query is
//! membership   which tasks are this process's, and the proof of it in each transaction
//! restore      the local database is brought up to the changelogs
//! security     what lets the clients in: settings of Kafka's Java clients in librdkafka's terms
//! refusals     why they are not let in
//! ```
//!
//! The order of a commit: the transaction, then one local write of state, positions and how far the changelogs are in it. What a
//! crash leaves between the two is read from the changelogs at the next start. With `at_least_once` there is no transaction:
//! records are acknowledged, then comes the local write, and the brokers are told the positions.

mod admin;
mod commit;
mod connection;
mod fetch;
mod groups;
mod membership;
mod producer;
mod reader;
mod refusals;
mod restore;
mod security;
mod sending;
mod sole_writer;
mod transactions;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::kv::{DataDir, Kv, Write};
use crate::log::kafka::admin::Admin;
use crate::log::kafka::commit::Written;
use crate::log::kafka::connection::Connection;
use crate::log::kafka::fetch::Fetching;
use crate::log::kafka::groups::Groups;
use crate::log::kafka::membership::Membership;
use crate::log::kafka::producer::Producer;
use crate::log::kafka::reader::KafkaReader;
use crate::log::kafka::restore::Restore;
use crate::log::kafka::sending::MESSAGE_BYTES;
use crate::log::kafka::sole_writer::KafkaSoleWriter;
use crate::log::kafka::transactions::Transactions;
use crate::log::{
    Bounds, Changelogs, Commit, Log, LogError, Output, Ownership, Position, Reader, Result, Signal, SoleWriter, Topic,
    TopicPartition, TopicSpec, positions,
};

pub use self::membership::MemberSettings;
pub use self::security::{Given, Security};

/// How to reach a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KafkaSettings {
    /// `host:port`, separated by commas.
    pub bootstrap_servers: String,
    /// Of the client that looks at topics, makes and deletes them.
    pub admin: ClientSettings,
    /// Of those that write.
    pub producer: ClientSettings,
    /// Of those that read.
    pub consumer: ClientSettings,
    /// The consumer group that readers say they are of; they neither join nor commit.
    pub readers: String,
    /// What the transactional ids of its producers begin with; `None`: what it does may be done twice after a crash.
    pub transactions: Option<String>,
    /// How many threads commit.
    pub threads: usize,
    /// How this process is one of several that share tasks; `None`: all are its own.
    pub member: Option<MemberSettings>,
}

/// How clients of one kind are set up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientSettings {
    /// What secures their connections.
    pub security: Security,
    /// What else was set for them, as librdkafka names it. It counts for more than what the log sets for the same.
    pub tuning: BTreeMap<&'static str, String>,
}

/// A log on a Kafka cluster.
pub struct Kafka {
    consumers: Arc<Connection>,
    fetching: Arc<Fetching>,
    admin: Admin,
    producers: Arc<Connection>,
    producer: Producer,
    transactions: Option<Transactions>,
    membership: Option<Membership>,
    groups: Groups,
    written: Written,
    kv: Arc<dyn Kv>,
    dir: DataDir,
    cluster_id: Option<String>,
}

impl Kafka {
    /// Connects to the cluster; state is kept in the data directory.
    ///
    /// # Errors
    /// [`LogError::Broker`] when no broker answers, [`LogError::NotLetIn`] when one does not let the server in,
    /// [`LogError::Invalid`] for settings that cannot be followed, and what the data directory fails with: [`KvError::DataDir`](crate::kv::KvError::DataDir) when it is not ours to use.
    pub fn open(settings: &KafkaSettings, path: &Path) -> Result<Kafka> {
        let servers = &settings.bootstrap_servers;
        let connection = |client| Ok::<_, LogError>(Arc::new(Connection::new(servers, client)?));
        let (producers, consumers) = (connection(&settings.producer)?, connection(&settings.consumer)?);
        let admin = Admin::new(connection(&settings.admin)?)?;
        admin.check_reachable()?;
        let (dir, database) = DataDir::open(path, "kafka")?;
        let process = process_id(&database)?;
        let of_process =
            |prefix: &String| Transactions::new(Arc::clone(&producers), prefix, &process, settings.threads);
        let transactions = settings.transactions.as_ref().map(of_process);
        let membership = match &settings.member {
            Some(member) => {
                make_members_topic(&admin, member)?;
                Some(Membership::join(Arc::clone(&consumers), member, &process, settings.threads)?)
            }
            None => None,
        };
        let clients = if transactions.is_some() { 1 } else { GROUP_CLIENTS };
        Ok(Kafka {
            cluster_id: admin.cluster_id(),
            admin,
            producer: Producer::new(Arc::clone(&producers))?,
            producers,
            transactions,
            membership,
            groups: Groups::new(Arc::clone(&consumers), clients),
            written: Written::default(),
            fetching: Fetching::new(Arc::clone(&consumers), &settings.readers),
            consumers,
            kv: Arc::new(database),
            dir,
        })
    }
}

impl Kafka {
    /// Ends the transactions of the processes that had this one's tasks before: of one that was killed they stay open until
    /// the brokers end them.
    fn end_those_before(&self) {
        let Some((transactions, membership)) = self.transactions.as_ref().zip(self.membership.as_ref()) else { return };
        for (process, threads) in membership.take_predecessors() {
            transactions.end_those_of(&process, threads);
        }
    }
}

/// Makes the topic whose partitions are dealt out, if it is missing.
fn make_members_topic(admin: &Admin, member: &MemberSettings) -> Result<()> {
    if admin.topic(&member.group)?.is_some() {
        return Ok(());
    }
    let config = BTreeMap::from([("cleanup.policy".to_owned(), "delete".to_owned())]);
    let spec = TopicSpec { partitions: membership::PARTITIONS, replicas: member.replicas, config };
    match admin.create_topic(&member.group, &spec) {
        Ok(()) | Err(LogError::TopicExists(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Clients of groups that are kept, where positions are told one group at a time.
const GROUP_CLIENTS: usize = 16;
/// Where the database keeps who it is among the processes of a service.
const PROCESS: &str = "log/process";

/// A name that no other process has, the same after every start with this database.
fn process_id(kv: &dyn Kv) -> Result<String> {
    if let Some(known) = kv.get(PROCESS, b"id")?.and_then(|known| String::from_utf8(known).ok()) {
        return Ok(known);
    }
    let id = format!("{:016x}", rand_id());
    let write = Write { space: Arc::from(PROCESS), key: b"id".to_vec(), value: Some(id.clone().into_bytes()) };
    kv.write(write.into())?;
    Ok(id)
}

/// A number that is not given twice.
fn rand_id() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish()
}

impl Log for Kafka {
    fn create_topic(&self, name: &str, spec: &TopicSpec) -> Result<()> {
        self.admin.create_topic(name, spec)
    }

    fn delete_topic(&self, name: &str) -> Result<()> {
        self.admin.delete_topic(name)?;
        self.written.forget(name);
        Ok(self.kv.write(positions::forget_topic(&*self.kv, name)?)?)
    }

    fn topic(&self, name: &str) -> Result<Option<Topic>> {
        self.admin.topic(name)
    }

    fn topics(&self) -> Result<Vec<Topic>> {
        self.admin.topics()
    }

    fn partitions(&self) -> Result<BTreeMap<String, u32>> {
        self.admin.partitions()
    }

    fn knows_all_topics(&self) -> bool {
        false
    }

    fn bounds(&self, of: &TopicPartition) -> Result<Bounds> {
        self.admin.check_partition(of)?;
        self.admin.bounds(of)
    }

    fn is_settled(&self, of: &TopicPartition) -> Result<bool> {
        Ok(self.admin.bounds(of)?.end >= self.admin.written_end(of)?)
    }

    fn reader(&self, from: Vec<Position>, wake: Arc<Signal>) -> Result<Box<dyn Reader>> {
        from.iter().try_for_each(|position| self.admin.check_partition(&position.of))?;
        Ok(Box::new(KafkaReader::new(Arc::clone(&self.consumers), &self.fetching, from, &wake)?))
    }

    fn written(&self, of: &TopicPartition) -> Result<i64> {
        match self.written.end(of) {
            Some(end) => Ok(end),
            // At the last offset there may be the mark of a transaction's end.
            None => Ok(self.admin.bounds(of)?.end - 1),
        }
    }

    fn append(&self, outputs: Vec<Output>) -> Result<Vec<i64>> {
        for Output { to, records } in &outputs {
            self.admin.check_partition(to)?;
            if !records.is_even() {
                return Err(LogError::Invalid(format!("columns of different length for topic {}", to.topic)));
            }
        }
        let firsts = self.producer.produce(&outputs.iter().collect::<Vec<_>>())?;
        // nothing was produced to a partition without records: what it got is its end
        let first = |(first, output): (Option<i64>, &Output)| match first {
            Some(first) => Ok(first),
            None => Ok(self.admin.bounds(&output.to)?.end),
        };
        let firsts: Vec<i64> = firsts.into_iter().zip(&outputs).map(first).collect::<Result<_>>()?;
        let ends: Vec<_> =
            firsts.iter().zip(&outputs).map(|(at, output)| Some(at + output.records.len() as i64)).collect();
        self.written.note(outputs.iter().zip(&ends));
        Ok(firsts)
    }

    fn commit(&self, commit: Commit) -> Result<()> {
        self.do_commits(0, vec![commit]).into_iter().collect()
    }

    fn keeps_changelogs(&self) -> bool {
        true
    }

    fn ownership(&self) -> Option<&Arc<Ownership>> {
        self.membership.as_ref().map(Membership::ownership)
    }

    fn advertise(&self, url: &str) {
        if let Some(membership) = &self.membership {
            membership.advertise(url);
        }
    }

    fn owners(&self, query: &str, partitions: &[u32]) -> Result<BTreeMap<u32, String>> {
        self.membership.as_ref().map_or(Ok(BTreeMap::new()), |membership| membership.owners(query, partitions))
    }

    fn shares_commits(&self) -> bool {
        self.transactions.is_some()
    }

    fn commit_all(&self, thread: usize, commits: Vec<Commit>) -> Vec<Result<()>> {
        self.do_commits(thread, commits)
    }

    fn committed(&self, group: &str, of: &[TopicPartition]) -> Result<Vec<Position>> {
        let mut noted = self.positions(group)?;
        noted.retain(|position| of.contains(&position.of));
        match &self.transactions {
            Some(transactions) => transactions.settle()?,
            // The brokers are told without waiting for them, so what is noted here is newer.
            None if self.membership.is_none() && !noted.is_empty() => return Ok(noted),
            None => {}
        }
        let mut committed = self.groups.committed(group, of, || self.end_those_before())?;
        if self.transactions.is_none() {
            // Or another process has been there since.
            for known in &mut committed {
                let here = noted.iter().find(|position| position.of == known.of);
                known.offset = here.map_or(known.offset, |here| here.offset.max(known.offset));
            }
        }
        // They forget what was not committed for a week, and the positions in a topic that is deleted.
        noted.retain(|position| committed.iter().all(|known| known.of != position.of));
        committed.append(&mut noted);
        Ok(committed)
    }

    fn restore(&self, changelogs: &Changelogs) -> Result<()> {
        let reader = |from, wake| self.reader(vec![from], wake);
        let waits = || self.end_those_before();
        Restore { admin: &self.admin, kv: &*self.kv, reader: &reader, waits: &waits }.run(changelogs)
    }

    fn delete_records(&self, before: &[Position]) -> Result<()> {
        self.admin.delete_records(before)
    }

    fn positions(&self, group: &str) -> Result<Vec<Position>> {
        positions::of_group(&*self.kv, group)
    }

    fn has_members(&self, group: &str) -> Result<bool> {
        self.admin.has_members(group)
    }

    fn delete_group(&self, group: &str) -> Result<()> {
        self.kv.write(positions::forget_group(&*self.kv, group)?)?;
        self.groups.forget(group);
        self.admin.delete_group(group)
    }

    fn sole_writer(&self, of: &TopicPartition, id: &str) -> Option<Box<dyn SoleWriter>> {
        Some(Box::new(KafkaSoleWriter::new(Arc::clone(&self.producers), of.clone(), id)))
    }

    fn check_writable(&self) -> Result<()> {
        Ok(self.kv.recover()?)
    }

    fn close(&self) -> Result<()> {
        if let Some(membership) = &self.membership {
            membership.leave();
        }
        Ok(self.dir.close(&*self.kv)?)
    }

    fn kv(&self) -> &Arc<dyn Kv> {
        &self.kv
    }

    fn is_atomic(&self) -> bool {
        false
    }

    fn cluster_id(&self) -> Option<&str> {
        self.cluster_id.as_deref()
    }

    fn max_record_bytes(&self) -> usize {
        self.producers.number("message.max.bytes").unwrap_or(MESSAGE_BYTES)
    }
}
