//! What a topic's configuration says about how much of it is kept: which segments it may give up, and whether it is
//! compacted. Ages count from the last append to a segment, so that events of the past stay.

use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::log::TopicSpec;
use crate::log::embedded::segment::Segment;

/// Kafka's defaults.
const RETENTION_MS: i64 = 7 * 24 * 60 * 60 * 1000;
const UNLIMITED: i64 = -1;
/// Kafka's is 1 GiB; smaller segments let retention work more evenly, and compaction, which leaves the last one alone.
const SEGMENT_BYTES: u64 = 128 << 20;
const COMPACTED_SEGMENT_BYTES: u64 = 16 << 20;
const DIRTY_RATIO: f64 = 0.5;
const DELETE_RETENTION_MS: u64 = 24 * 60 * 60 * 1000;

/// What a topic's configuration says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Retention {
    ms: i64,
    bytes: i64,
    /// Size at which a new segment is begun.
    pub(super) segment_bytes: u64,
    /// `None`: every record is kept as long as its segment is.
    pub(super) compaction: Option<Compaction>,
}

/// How a topic is compacted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Compaction {
    /// The share of bytes appended since the last time from which it is done again.
    pub(super) dirty_ratio: f64,
    /// How long tombstones stay once compaction has seen them, in milliseconds.
    pub(super) delete_retention_ms: u64,
    /// Small files become one. Not where retention works too, which takes a file when its last record is old.
    pub(super) merges: bool,
    /// Size of the files.
    pub(super) segment_bytes: u64,
}

impl Retention {
    /// Reads `cleanup.policy` and what goes with it, by Kafka's names and with Kafka's defaults.
    pub(super) fn of(spec: &TopicSpec) -> Retention {
        fn number<T: FromStr>(spec: &TopicSpec, name: &str, default: T) -> T {
            spec.config.get(name).and_then(|value| value.trim().parse().ok()).unwrap_or(default)
        }
        let policy = spec.config.get("cleanup.policy").map_or("delete", String::as_str);
        let (is_compacted, is_deleted) = (policy.contains("compact"), policy.contains("delete"));
        let usual = if is_compacted { COMPACTED_SEGMENT_BYTES } else { SEGMENT_BYTES };
        let segment_bytes = number(spec, "segment.bytes", usual);
        let compaction = is_compacted.then(|| Compaction {
            dirty_ratio: number(spec, "min.cleanable.dirty.ratio", DIRTY_RATIO),
            delete_retention_ms: number(spec, "delete.retention.ms", DELETE_RETENTION_MS),
            merges: !is_deleted,
            segment_bytes,
        });
        let (ms, bytes) = match is_deleted {
            true => (number(spec, "retention.ms", RETENTION_MS), number(spec, "retention.bytes", UNLIMITED)),
            false => (UNLIMITED, UNLIMITED),
        };
        Retention { ms, bytes, segment_bytes, compaction }
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
