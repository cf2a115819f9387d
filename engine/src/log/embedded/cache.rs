//! How much of what was appended last stays in memory, over all partitions.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::log::embedded::partition::Partition;

/// The batches in memory, oldest first. Readers at the tail find theirs there.
#[derive(Debug, Default)]
pub(super) struct Cache {
    batches: VecDeque<(Arc<Partition>, i64, usize)>,
    bytes: usize,
}

impl Cache {
    /// Notes a published batch: its offset and its bytes. Lets go of the oldest ones while there are more than `budget`.
    pub(super) fn admit(&mut self, partition: &Arc<Partition>, (base, bytes): (i64, usize), budget: usize) {
        self.batches.push_back((Arc::clone(partition), base, bytes));
        self.bytes += bytes;
        while self.bytes > budget
            && let Some((partition, base, bytes)) = self.batches.pop_front()
        {
            self.bytes -= bytes;
            partition.forget(base);
        }
    }
}
