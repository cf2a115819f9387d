//! How much memory all stores together may use.

use std::sync::atomic::{AtomicUsize, Ordering};

/// A limit shared by stores. Nothing refuses to grow past it (a step must finish), but stores that find it exceeded
/// give back clean entries before their next step.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    used: AtomicUsize,
}

impl Budget {
    /// A limit in bytes.
    pub fn new(limit: usize) -> Self {
        Self { limit, used: AtomicUsize::new(0) }
    }

    /// What one task may hold that is not committed yet, and therefore cannot leave memory: inputs taken, outputs made.
    pub fn uncommitted(&self) -> usize {
        (self.limit / 16).clamp(1 << 20, 64 << 20)
    }

    /// Bytes in use.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether stores should give something back.
    pub fn is_exceeded(&self) -> bool {
        self.used() > self.limit
    }

    /// Whether `more` bytes would still fit.
    pub fn has_room(&self, more: usize) -> bool {
        self.used() + more <= self.limit
    }

    /// Replaces a store's old share by its new one.
    pub(super) fn replace(&self, old: usize, new: usize) {
        if new >= old {
            self.used.fetch_add(new - old, Ordering::Relaxed);
        } else {
            self.used.fetch_sub(old - new, Ordering::Relaxed);
        }
    }

    /// What a store of `share` bytes should shrink to: nothing to do while all fit, else its part of 7/8 of the limit.
    pub(super) fn target(&self, share: usize) -> usize {
        let used = self.used();
        if used <= self.limit {
            return share;
        }
        (share as u128 * (self.limit - self.limit / 8) as u128 / used as u128) as usize
    }
}
