//! The topics there are.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::log::embedded::partition::Partition;
use crate::log::{LogError, Result, Topic, TopicPartition, TopicSpec};

/// Kafka's limit for topic names.
const NAME_CHARS: usize = 249;

/// Topics by name.
#[derive(Debug, Default)]
pub(super) struct Topics {
    by_name: RwLock<BTreeMap<Arc<str>, Entry>>,
}

#[derive(Debug)]
struct Entry {
    spec: TopicSpec,
    partitions: Vec<Arc<Partition>>,
}

impl Topics {
    /// Adds a topic.
    pub(super) fn create(&self, name: &str, spec: &TopicSpec) -> Result<()> {
        check(name, spec)?;
        let mut topics = self.by_name.write();
        if topics.contains_key(name) {
            return Err(LogError::TopicExists(name.to_owned()));
        }
        let topic: Arc<str> = name.into();
        let partition = |partition| Arc::new(Partition::new(TopicPartition { topic: Arc::clone(&topic), partition }));
        let partitions = (0..spec.partitions).map(partition).collect();
        topics.insert(Arc::clone(&topic), Entry { spec: spec.clone(), partitions });
        Ok(())
    }

    /// Removes a topic.
    pub(super) fn delete(&self, name: &str) -> Result<()> {
        let entry = self.by_name.write().remove(name).ok_or_else(|| LogError::UnknownTopic(name.to_owned()))?;
        entry.partitions.iter().for_each(|partition| partition.delete());
        Ok(())
    }

    /// A topic.
    pub(super) fn get(&self, name: &str) -> Option<Topic> {
        let topics = self.by_name.read();
        topics.get(name).map(|entry| Topic { name: name.to_owned(), spec: entry.spec.clone() })
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<Topic> {
        let topics = self.by_name.read();
        topics.iter().map(|(name, entry)| Topic { name: name.to_string(), spec: entry.spec.clone() }).collect()
    }

    /// A partition.
    pub(super) fn partition(&self, of: &TopicPartition) -> Result<Arc<Partition>> {
        let topics = self.by_name.read();
        let entry = topics.get(&of.topic).ok_or_else(|| LogError::UnknownTopic(of.topic.to_string()))?;
        entry
            .partitions
            .get(of.partition as usize)
            .cloned()
            .ok_or_else(|| LogError::UnknownPartition { topic: of.topic.to_string(), partition: of.partition })
    }
}

/// Kafka's rules for topics.
fn check(name: &str, spec: &TopicSpec) -> Result<()> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let problem = if name.is_empty() || name == "." || name == ".." {
        format!("'{name}' cannot be the name of a topic")
    } else if name.len() > NAME_CHARS {
        format!("the topic name '{name}' is longer than {NAME_CHARS} characters")
    } else if !name.chars().all(legal) {
        format!("the topic name '{name}' has characters other than ASCII letters, digits, '.', '_' and '-'")
    } else if spec.partitions == 0 {
        format!("topic {name} needs at least one partition")
    } else {
        return Ok(());
    };
    Err(LogError::Invalid(problem))
}
