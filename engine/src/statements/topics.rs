//! SHOW [ALL] TOPICS [EXTENDED]

use std::collections::BTreeMap;

use parking_lot::RwLock;
use regex::Regex;

use crate::config::{Config, setting};

use super::{Failure, Outcome, TopicLine, View};

/// Topics ksqlDB and Kafka make for themselves.
const INTERNAL: &[&str] = &["_confluent", "__confluent", "_kafka", "__consumer_offsets", "__transaction_state"];

/// Whether a topic is hidden from `SHOW TOPICS`.
fn is_internal(view: View<'_>, name: &str) -> bool {
    INTERNAL.iter().any(|prefix| name.starts_with(prefix))
        || view.config.list(setting::HIDDEN_TOPICS).any(|pattern| matches(pattern, name))
}

/// Whether no statement may write a topic.
pub(crate) fn is_readonly(config: &Config, topic: &str) -> bool {
    config.list(setting::READONLY_TOPICS).any(|pattern| matches(pattern, topic))
        || (config.writes_processing_log() && config.processing_log_topic() == topic)
}

/// Whether a pattern means the topic. Patterns are compiled once: every INSERT asks.
fn matches(pattern: &str, topic: &str) -> bool {
    static COMPILED: RwLock<BTreeMap<String, Option<Regex>>> = RwLock::new(BTreeMap::new());
    let matches = |compiled: &Option<Regex>| compiled.as_ref().is_some_and(|regex| regex.is_match(topic));
    if let Some(compiled) = COMPILED.read().get(pattern) {
        return matches(compiled);
    }
    let compiled = Regex::new(&format!("^(?:{pattern})$")).ok();
    matches(COMPILED.write().entry(pattern.to_owned()).or_insert(compiled))
}

/// Lists topics.
pub(super) fn show(view: View<'_>, all: bool, extended: bool) -> Result<Outcome, Failure> {
    let mut consumers: BTreeMap<String, u32> = BTreeMap::new();
    if extended {
        for query in view.catalog.queries() {
            for source in query.sources.iter().filter_map(|name| view.catalog.source(name)) {
                *consumers.entry(source.topic.clone()).or_default() += 1;
            }
        }
    }
    let mut topics = Vec::new();
    for topic in view.log.topics()? {
        if !all && is_internal(view, &topic.name) {
            continue;
        }
        let consumers = consumers.get(&topic.name).copied().unwrap_or_default();
        topics.push(TopicLine {
            name: topic.name,
            partitions: topic.spec.partitions,
            replicas: u32::from(topic.spec.replicas),
            consumers,
            consumer_groups: consumers,
        });
    }
    Ok(Outcome::Topics { topics, extended })
}
