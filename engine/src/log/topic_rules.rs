//! What a topic may be called and look like.

use crate::log::{LogError, Result, TopicSpec};

/// Kafka's limit for topic names.
const NAME_CHARS: usize = 249;

/// Most partitions of a topic of the embedded log.
pub(super) const PARTITIONS: u32 = 10_000;

/// Kafka's rules for topics.
pub(super) fn check(name: &str, spec: &TopicSpec) -> Result<()> {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let problem = if name.is_empty() || name == "." || name == ".." {
        format!("'{name}' cannot be the name of a topic")
    } else if name.len() > NAME_CHARS {
        format!("the topic name '{name}' is longer than {NAME_CHARS} characters")
    } else if !name.chars().all(is_legal) {
        format!("the topic name '{name}' has characters other than ASCII letters, digits, '.', '_' and '-'")
    } else if spec.partitions == 0 {
        format!("topic {name} needs at least one partition")
    } else {
        return Ok(());
    };
    Err(LogError::Invalid(problem))
}
