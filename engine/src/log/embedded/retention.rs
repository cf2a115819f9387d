//! Which segments a topic may give up. Ages count from the last append to a segment, so that events of the past stay.

use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::log::TopicSpec;
use crate::log::embedded::segment::Segment;

/// Kafka's defaults.
const RETENTION_MS: i64 = 7 * 24 * 60 * 60 * 1000;
const UNLIMITED: i64 = -1;
/// Kafka's is 1 GiB; smaller segments let retention work more evenly.
const SEGMENT_BYTES: u64 = 128 << 20;

/// What a topic's configuration says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Retention {
    ms: i64,
    bytes: i64,
    /// Size at which a new segment is begun.
    pub(super) segment_bytes: u64,
}

impl Retention {
    /// Reads `retention.ms`, `retention.bytes`, `cleanup.policy` and `segment.bytes`. Topics that are only compacted
    /// are kept whole.
    pub(super) fn of(spec: &TopicSpec) -> Retention {
        fn number<T: FromStr>(spec: &TopicSpec, name: &str, default: T) -> T {
            spec.config.get(name).and_then(|value| value.trim().parse().ok()).unwrap_or(default)
        }
        let segment_bytes = number(spec, "segment.bytes", SEGMENT_BYTES);
        match spec.config.get("cleanup.policy") {
            Some(policy) if !policy.contains("delete") => Retention { ms: UNLIMITED, bytes: UNLIMITED, segment_bytes },
            _ => {
                let ms = number(spec, "retention.ms", RETENTION_MS);
                Retention { ms, bytes: number(spec, "retention.bytes", UNLIMITED), segment_bytes }
            }
        }
    }

    /// The first offset to keep, given all segments (oldest first) of a partition that ends at `end`; `None` when
    /// nothing is to be given up.
    pub(super) fn first_kept(&self, segments: &[Arc<Segment>], end: i64, now: SystemTime) -> Option<i64> {
        let mut bytes: u64 = segments.iter().map(|segment| segment.len()).sum();
        let mut first = None;
        for (i, segment) in segments.iter().enumerate() {
            let next = segments.get(i + 1).map(|next| next.base);
            let without = bytes - segment.len();
            let is_too_much = next.is_some() && self.bytes >= 0 && without >= self.bytes as u64;
            if !is_too_much && !self.is_old(segment, now) {
                break;
            }
            bytes = without;
            first = Some(next.unwrap_or(end));
        }
        first
    }

    fn is_old(&self, segment: &Segment, now: SystemTime) -> bool {
        let Ok(ms) = u64::try_from(self.ms) else { return false };
        let appended = std::fs::metadata(&segment.path).and_then(|file| file.modified());
        appended.is_ok_and(|appended| now.duration_since(appended).is_ok_and(|age| age > Duration::from_millis(ms)))
    }
}
