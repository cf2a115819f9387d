//! Keys in order, all of them in memory; the budget knows of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::budget::Budget;

/// What a key takes besides its bytes: its place in the tree, and in the heap.
const OVERHEAD: usize = 48;

/// Keys in the order of their bytes. They cannot leave memory, so others' entries have to when they are many.
pub(crate) struct KeySet {
    keys: BTreeSet<Box<[u8]>>,
    bytes: usize,
    budget: Arc<Budget>,
}

impl KeySet {
    /// No key yet.
    pub(crate) fn new(budget: &Arc<Budget>) -> Self {
        Self { keys: BTreeSet::new(), bytes: 0, budget: Arc::clone(budget) }
    }

    /// Adds a key, if it is not there.
    pub(crate) fn insert(&mut self, key: &[u8]) {
        if self.keys.insert(Box::from(key)) {
            self.resize(self.bytes + key.len() + OVERHEAD);
        }
    }

    /// Removes a key; says whether it was there.
    pub(crate) fn remove(&mut self, key: &[u8]) -> bool {
        let was_there = self.keys.remove(key);
        if was_there {
            self.resize(self.bytes - key.len() - OVERHEAD);
        }
        was_there
    }

    /// The lowest key.
    pub(crate) fn first(&self) -> Option<&[u8]> {
        self.keys.first().map(AsRef::as_ref)
    }

    /// Takes out the lowest key.
    pub(crate) fn pop_first(&mut self) -> Option<Box<[u8]>> {
        let key = self.keys.pop_first()?;
        self.resize(self.bytes - key.len() - OVERHEAD);
        Some(key)
    }

    /// All keys, lowest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.keys.iter().map(AsRef::as_ref)
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    fn resize(&mut self, bytes: usize) {
        self.budget.replace_pinned(self.bytes, bytes);
        self.bytes = bytes;
    }
}

impl Drop for KeySet {
    fn drop(&mut self) {
        self.resize(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_knows_what_the_keys_take() {
        let budget = Arc::new(Budget::new(1000));
        let mut keys = KeySet::new(&budget);
        for key in [&b"b"[..], b"a", b"b", b"ccc"] {
            keys.insert(key);
        }
        assert_eq!(budget.pinned(), 5 + 3 * OVERHEAD);
        assert!(keys.remove(b"b") && !keys.remove(b"b"));
        assert_eq!(keys.first(), Some(&b"a"[..]));
        assert_eq!(keys.pop_first().as_deref(), Some(&b"a"[..]));
        assert_eq!((budget.pinned(), keys.iter().count()), (3 + OVERHEAD, 1));
        drop(keys);
        assert_eq!(budget.pinned(), 0);
    }
}
