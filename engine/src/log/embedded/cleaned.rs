//! What compaction has done to a partition.

use std::sync::Arc;

use crate::log::embedded::segment::Segment;

/// How far a partition is compacted; the local database has it in this form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Cleaned {
    /// The number of the last pass; its files have it in their names.
    pub(super) generation: u64,
    /// Its files hold what is before this offset.
    pub(super) until: i64,
    /// Before this offset every key is there once.
    pub(super) clean: i64,
}

impl Cleaned {
    /// As stored: three big-endian numbers.
    pub(super) fn to_bytes(self) -> Vec<u8> {
        [self.generation.to_be_bytes(), self.until.to_be_bytes(), self.clean.to_be_bytes()].concat()
    }

    /// The inverse of [`to_bytes`](Self::to_bytes).
    pub(super) fn parse(bytes: &[u8]) -> Option<Cleaned> {
        let (numbers, []) = bytes.as_chunks::<8>() else { return None };
        let [generation, until, clean] = *<&[[u8; 8]; 3]>::try_from(numbers).ok()?;
        let (until, clean) = (i64::from_be_bytes(until), i64::from_be_bytes(clean));
        Some(Cleaned { generation: u64::from_be_bytes(generation), until, clean })
    }

    /// Whether a segment file with this in its name counts.
    pub(super) fn has(&self, base: i64, generation: u64) -> bool {
        generation == if base < self.until { self.generation } else { 0 }
    }
}

/// What a pass made, not in its place yet.
#[derive(Debug)]
pub(super) struct Rewritten {
    /// The files it read: the first ones of the partition.
    pub(super) old: Vec<Arc<Segment>>,
    /// The files it wrote.
    pub(super) new: Vec<Arc<Segment>>,
    /// How far the partition is compacted with them.
    pub(super) cleaned: Cleaned,
}
