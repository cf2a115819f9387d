//! Which segment files stay open: those of the partitions written to last.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use crate::log::embedded::partition::Partition;

/// The partitions whose file is open, the one written to last at the end.
#[derive(Debug)]
pub(super) struct OpenFiles {
    partitions: VecDeque<Weak<Partition>>,
    most: usize,
}

impl OpenFiles {
    /// Keeps so many open.
    pub(super) fn new(most: usize) -> OpenFiles {
        OpenFiles { partitions: VecDeque::new(), most }
    }

    /// A partition is written to.
    pub(super) fn used(&mut self, partition: &Arc<Partition>) {
        let is_it = |other: &Weak<Partition>| other.as_ptr() == Arc::as_ptr(partition);
        // Most often it is one of the last.
        if let Some(at) = self.partitions.iter().rposition(is_it) {
            self.partitions.remove(at);
        }
        self.partitions.push_back(Arc::downgrade(partition));
    }

    /// Closes the files that are too many. Nobody writes.
    pub(super) fn close_some(&mut self) {
        while self.partitions.len() > self.most
            && let Some(oldest) = self.partitions.pop_front()
        {
            if let Some(partition) = oldest.upgrade() {
                partition.close_file();
            }
        }
    }
}
