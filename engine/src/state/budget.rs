//! How much memory all stores together may use.

use std::sync::atomic::{AtomicUsize, Ordering};

/// A limit shared by stores. Nothing refuses to grow past it (a step must finish), but stores that find it exceeded
/// give back clean entries before their next step.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    used: AtomicUsize,
    /// What cannot leave memory; it takes room from the stores.
    pinned: AtomicUsize,
}

impl Budget {
    /// A limit in bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, used: AtomicUsize::new(0), pinned: AtomicUsize::new(0) }
    }

    /// What one task may hold that is not committed yet, and therefore cannot leave memory: inputs taken, outputs made.
    pub(crate) fn uncommitted(&self) -> usize {
        (self.limit / 16).clamp(1 << 20, 64 << 20)
    }

    /// Bytes of stores.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Bytes that cannot leave memory.
    pub(super) fn pinned(&self) -> usize {
        self.pinned.load(Ordering::Relaxed)
    }

    /// Bytes that stores may use. A quarter of the limit stays theirs: with none, each step of each task would commit and
    /// give back what it needs next.
    fn room(&self) -> usize {
        self.limit.saturating_sub(self.pinned()).max(self.limit / 4)
    }

    /// Whether stores should give something back.
    pub(crate) fn is_exceeded(&self) -> bool {
        self.used() > self.room()
    }

    /// Whether `more` bytes would still fit.
    pub(crate) fn has_room(&self, more: usize) -> bool {
        self.used() + more <= self.room()
    }

    /// Replaces a store's old share by its new one.
    pub(super) fn replace(&self, old: usize, new: usize) {
        replace(&self.used, old, new);
    }

    /// Replaces what somebody held that cannot leave memory.
    pub(super) fn replace_pinned(&self, old: usize, new: usize) {
        replace(&self.pinned, old, new);
    }

    /// What a store of `share` bytes should shrink to: nothing to do while all fit, else its part of 7/8 of the room.
    pub(super) fn target(&self, share: usize) -> usize {
        let (used, room) = (self.used(), self.room());
        if used <= room {
            return share;
        }
        (share as u128 * (room - room / 8) as u128 / used as u128) as usize
    }
}

fn replace(bytes: &AtomicUsize, old: usize, new: usize) {
    if new >= old {
        bytes.fetch_add(new - old, Ordering::Relaxed);
    } else {
        bytes.fetch_sub(old - new, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_leave_takes_room_from_stores_but_not_all() {
        let budget = Budget::new(1000);
        budget.replace(0, 600);
        assert!(!budget.is_exceeded() && budget.has_room(400));
        budget.replace_pinned(0, 500);
        assert!(budget.is_exceeded() && !budget.has_room(1));
        assert_eq!(budget.target(600), 438);
        budget.replace_pinned(500, 5000);
        assert_eq!(budget.target(600), 219);
        budget.replace(600, 200);
        assert!(!budget.is_exceeded() && budget.has_room(50));
        budget.replace_pinned(5000, 0);
        assert!(budget.has_room(800));
    }
}
