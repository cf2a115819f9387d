//! Committed positions, kept in the local database: `group 0 topic 0 partition` → offset.

use std::ops::Bound;
use std::sync::Arc;

use crate::kv::{Kv, Write, Writes};
use crate::log::{Position, Result, TopicPartition};

/// Spaces that start with `log/` belong to the log itself.
const SPACE: &str = "log/positions";

/// The changes that record a group's positions.
pub(super) fn writes(group: &str, positions: &[Position]) -> Writes {
    let space: Arc<str> = SPACE.into();
    let write = |position: &Position| {
        let mut key = prefix(group);
        key.extend_from_slice(position.of.topic.as_bytes());
        key.push(0);
        key.extend_from_slice(&position.of.partition.to_be_bytes());
        Write { space: Arc::clone(&space), key, value: Some(position.offset.to_be_bytes().to_vec()) }
    };
    positions.iter().map(write).collect()
}

/// A group's positions.
pub(super) fn of_group(kv: &dyn Kv, group: &str) -> Result<Vec<Position>> {
    let prefix = prefix(group);
    let mut found = Vec::new();
    kv.scan(SPACE, Bound::Included(&prefix), Bound::Unbounded, &mut |key, value| {
        let Some(rest) = key.strip_prefix(prefix.as_slice()) else { return false };
        found.extend(parse(rest, value));
        true
    })?;
    Ok(found)
}

/// The changes that forget a group's positions.
pub(super) fn forget_group(kv: &dyn Kv, group: &str) -> Result<Writes> {
    removals(kv, |of, _| of == group)
}

/// The changes that forget all groups' positions in a topic.
pub(super) fn forget_topic(kv: &dyn Kv, topic: &str) -> Result<Writes> {
    removals(kv, |_, of| of == topic)
}

fn removals(kv: &dyn Kv, which: impl Fn(&str, &str) -> bool) -> Result<Writes> {
    let space: Arc<str> = SPACE.into();
    let mut writes = Writes::default();
    kv.scan(SPACE, Bound::Unbounded, Bound::Unbounded, &mut |key, _| {
        let mut parts = key.splitn(3, |byte| *byte == 0).map(|part| std::str::from_utf8(part).unwrap_or_default());
        if let (Some(group), Some(topic)) = (parts.next(), parts.next())
            && which(group, topic)
        {
            writes.delete(&space, key);
        }
        true
    })?;
    Ok(writes)
}

fn prefix(group: &str) -> Vec<u8> {
    [group.as_bytes(), &[0]].concat()
}

fn parse(rest: &[u8], value: &[u8]) -> Option<Position> {
    let (rest, partition) = rest.split_last_chunk::<4>()?;
    let topic = std::str::from_utf8(rest.strip_suffix(&[0])?).ok()?;
    let of = TopicPartition { topic: topic.into(), partition: u32::from_be_bytes(*partition) };
    Some(Position { of, offset: i64::from_be_bytes(value.try_into().ok()?) })
}
