//! Internal topics of a query: made where they are not there.

use std::collections::BTreeMap;

use crate::config::setting;
use crate::log::{LogError, TopicSpec};

use super::build::Builder;
use super::changelogs::StoreTopic;
use super::error::RuntimeError;
use super::topology::{Exchange, partitions_of};

/// As Kafka Streams has it: what has been read goes by the segment, so they are smaller than others.
const REPARTITION_SEGMENT_BYTES: u64 = 50 << 20;
/// Kafka's own least size: each segment is a file.
const LEAST_SEGMENT_BYTES: u64 = 1 << 20;

impl Builder<'_> {
    /// Makes a repartition topic if it is not there. Whatever is set for such topics, a record stays until it is read.
    pub(super) fn make_topic(&self, exchange: &Exchange) -> Result<(), RuntimeError> {
        let set = self.config.internal_topics().find(|(name, _)| *name == "segment.bytes");
        let segment = set.and_then(|(_, bytes)| bytes.trim().parse().ok());
        let segment = segment.unwrap_or(REPARTITION_SEGMENT_BYTES).max(LEAST_SEGMENT_BYTES);
        let own = [
            ("segment.bytes", segment.to_string()),
            ("cleanup.policy", "delete".to_owned()),
            ("retention.ms", "-1".to_owned()),
            ("retention.bytes", "-1".to_owned()),
        ];
        self.make_internal_topic(&exchange.topic, exchange.partitions, own)
    }

    /// Makes a store's changelog topic if it is not there. An entry stays until its key is written again, and those of windowed
    /// stores no longer than their windows.
    pub(super) fn make_changelog(&self, store: &StoreTopic, partitions: u32) -> Result<(), RuntimeError> {
        let retention = store.retention_ms.map(|retention| ("retention.ms", retention.to_string()));
        let own = std::iter::once(("cleanup.policy", store.cleanup_policy.to_owned())).chain(retention);
        self.make_internal_topic(&store.topic, partitions, own)
    }

    fn make_internal_topic(
        &self,
        name: &str,
        partitions: u32,
        own: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Result<(), RuntimeError> {
        let set = self.config.internal_topics().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut config: BTreeMap<String, String> = set.collect();
        // Whatever the brokers do with other topics, the time of a row is its own.
        config.insert("message.timestamp.type".to_owned(), "CreateTime".to_owned());
        config.extend(own.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let replicas = match self.config.get(setting::REPLICATION_FACTOR) {
            ..=0 => self.config.get(setting::INTERNAL_TOPIC_REPLICAS),
            replicas => replicas,
        };
        let spec = TopicSpec { partitions, replicas: replicas as u16, config };
        match self.log.create_topic(name, &spec) {
            Ok(()) => Ok(()),
            Err(LogError::TopicExists(_)) => match partitions_of(&**self.log, name)? {
                has if has == partitions => Ok(()),
                // ksqlDB cuts what here is one task that writes to the first of them.
                has if has > partitions && self.taken.is_some_and(|taken| taken.ends.contains_key(name)) => Ok(()),
                has => Err(RuntimeError::InternalTopic { topic: name.to_owned(), needs: partitions, has }),
            },
            Err(error) => Err(error.into()),
        }
    }
}
