//! The log on a Kafka cluster. Topics are the broker's; positions, state and the command log are in the local database of
//! the data directory, written after the outputs have been acknowledged: what a crash leaves between the two is
//! processed again (at least once).
//!
//! ```text
//! admin    topics, configurations, watermarks
//! reader   one consumer per reader, assigned by hand, no group
//! producer one idempotent producer for everybody
//! groups   committed positions, told to the broker as well so that lag tools see them
//! security what lets the clients in: settings of Kafka's Java clients in librdkafka's terms
//! refusals why they are not let in
//! ```

mod admin;
mod connection;
mod groups;
mod producer;
mod reader;
mod refusals;
mod security;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::kv::{DataDir, Kv};
use crate::log::kafka::admin::Admin;
use crate::log::kafka::connection::Connection;
use crate::log::kafka::groups::Groups;
use crate::log::kafka::producer::{MESSAGE_BYTES, Producer};
use crate::log::kafka::reader::KafkaReader;
use crate::log::{
    Bounds, Commit, Log, LogError, Output, Position, Reader, Result, Signal, Topic, TopicPartition, TopicSpec,
    positions,
};

pub use self::security::{Given, Security};

/// How to reach a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KafkaSettings {
    /// `host:port`, separated by commas.
    pub bootstrap_servers: String,
    /// Further settings, as librdkafka names them (`client.id`, …).
    pub properties: BTreeMap<String, String>,
    /// What secures the client that looks at topics, makes and deletes them.
    pub admin: Security,
    /// What secures those that write.
    pub producer: Security,
    /// What secures those that read.
    pub consumer: Security,
    /// The consumer group that readers say they are of; they neither join nor commit.
    pub readers: String,
}

/// A log on a Kafka cluster.
pub struct Kafka {
    consumers: Arc<Connection>,
    readers: String,
    admin: Admin,
    producer: Producer,
    groups: Groups,
    kv: Arc<dyn Kv>,
    dir: DataDir,
}

impl Kafka {
    /// Connects to the cluster; state is kept in the data directory.
    ///
    /// # Errors
    /// [`LogError::Broker`] when no broker answers, [`LogError::NotLetIn`] when one does not let the server in,
    /// [`LogError::Invalid`] for settings that cannot be followed, and what the data directory fails with: [`KvError::DataDir`](crate::kv::KvError::DataDir) when it is not ours to use.
    pub fn open(settings: &KafkaSettings, path: &Path) -> Result<Kafka> {
        let connection = |security| Ok::<_, LogError>(Arc::new(Connection::new(settings, security)?));
        let (producers, consumers) = (connection(&settings.producer)?, connection(&settings.consumer)?);
        let admin = Admin::new(connection(&settings.admin)?)?;
        admin.check_reachable()?;
        let (dir, database) = DataDir::open(path, "kafka")?;
        Ok(Kafka {
            admin,
            producer: Producer::new(producers)?,
            groups: Groups::new(Arc::clone(&consumers)),
            consumers,
            readers: settings.readers.clone(),
            kv: Arc::new(database),
            dir,
        })
    }
}

impl Log for Kafka {
    fn create_topic(&self, name: &str, spec: &TopicSpec) -> Result<()> {
        self.admin.create_topic(name, spec)
    }

    fn delete_topic(&self, name: &str) -> Result<()> {
        self.admin.delete_topic(name)?;
        Ok(self.kv.write(positions::forget_topic(&*self.kv, name)?)?)
    }

    fn topic(&self, name: &str) -> Result<Option<Topic>> {
        self.admin.topic(name)
    }

    fn topics(&self) -> Result<Vec<Topic>> {
        self.admin.topics()
    }

    fn knows_all_topics(&self) -> bool {
        false
    }

    fn bounds(&self, of: &TopicPartition) -> Result<Bounds> {
        self.admin.check_partition(of)?;
        self.admin.bounds(of)
    }

    fn reader(&self, from: Vec<Position>, wake: Arc<Signal>) -> Result<Box<dyn Reader>> {
        from.iter().try_for_each(|position| self.admin.check_partition(&position.of))?;
        Ok(Box::new(KafkaReader::new(Arc::clone(&self.consumers), &self.readers, from, wake)?))
    }

    fn append(&self, outputs: Vec<Output>) -> Result<Vec<i64>> {
        for Output { to, records } in &outputs {
            self.admin.check_partition(to)?;
            if !records.is_even() {
                return Err(LogError::Invalid(format!("columns of different length for topic {}", to.topic)));
            }
        }
        let firsts = self.producer.produce(&outputs)?;
        // nothing was produced to a partition without records: what it got is its end
        let first = |(first, output): (Option<i64>, &Output)| match first {
            Some(first) => Ok(first),
            None => Ok(self.admin.bounds(&output.to)?.end),
        };
        firsts.into_iter().zip(&outputs).map(first).collect()
    }

    fn commit(&self, commit: Commit) -> Result<()> {
        for output in &commit.outputs {
            self.admin.check_partition(&output.to)?;
        }
        let mut writes = commit.writes;
        writes.append(positions::writes(&commit.group, &commit.positions));
        // Outputs that are out cannot be taken back: what can be known to fail does so before.
        self.kv.recover()?;
        self.kv.check(&writes)?;
        self.producer.produce(&commit.outputs)?;
        self.kv.write(writes)?;
        self.groups.commit(&commit.group, &commit.positions)
    }

    fn delete_records(&self, before: &[Position]) -> Result<()> {
        self.admin.delete_records(before)
    }

    fn positions(&self, group: &str) -> Result<Vec<Position>> {
        positions::of_group(&*self.kv, group)
    }

    fn delete_group(&self, group: &str) -> Result<()> {
        self.kv.write(positions::forget_group(&*self.kv, group)?)?;
        self.groups.forget(group);
        self.admin.delete_group(group);
        Ok(())
    }

    fn check_writable(&self) -> Result<()> {
        Ok(self.kv.recover()?)
    }

    fn close(&self) -> Result<()> {
        Ok(self.dir.close(&*self.kv)?)
    }

    fn kv(&self) -> &Arc<dyn Kv> {
        &self.kv
    }

    fn is_atomic(&self) -> bool {
        false
    }

    fn max_record_bytes(&self) -> usize {
        MESSAGE_BYTES
    }
}
