//! SHOW [ALL] TOPICS [EXTENDED]

use std::collections::BTreeMap;

use crate::config::setting;

use super::{Failure, Outcome, TopicLine, View};

/// Topics ksqlDB and Kafka make for themselves.
const INTERNAL: &[&str] = &["_confluent", "__confluent", "_kafka", "__consumer_offsets", "__transaction_state"];

/// Whether a topic is hidden from `SHOW TOPICS`.
fn is_internal(view: View<'_>, name: &str) -> bool {
    INTERNAL.iter().any(|prefix| name.starts_with(prefix))
        || view.config.list(setting::HIDDEN_TOPICS).any(|hidden| hidden == name)
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
