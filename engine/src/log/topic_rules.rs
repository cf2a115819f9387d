//! What a topic may be called and look like.

use crate::log::{LogError, Result};

/// Kafka's limit for topic names.
const NAME_CHARS: usize = 249;

/// Most partitions of a topic of the embedded log.
pub(super) const PARTITIONS: u32 = 10_000;

/// Kafka's rules for topics.
///
/// # Errors
/// [`LogError::Invalid`] says which rule it breaks.
pub fn check(name: &str, partitions: u32) -> Result<()> {
    check_name(name)?;
    if partitions == 0 {
        return Err(LogError::Invalid(format!("topic {name} needs at least one partition")));
    }
    Ok(())
}

/// Kafka's rules for their names.
pub(super) fn check_name(name: &str) -> Result<()> {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let problem = if name.is_empty() || name == "." || name == ".." {
        format!("'{name}' cannot be the name of a topic")
    } else if name.len() > NAME_CHARS {
        let start = &name[..name.floor_char_boundary(NAME_CHARS)];
        format!("the topic name '{start}…' is longer than {NAME_CHARS} characters")
    } else if !name.chars().all(is_legal) {
        format!("the topic name '{name}' has characters other than ASCII letters, digits, '.', '_' and '-'")
    } else {
        return Ok(());
    };
    Err(LogError::Invalid(problem))
}
