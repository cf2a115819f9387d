//! Changes of long keys, as changes of the entries that hold them (see [`super::long_keys`]).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Bound;

use fjall::{Keyspace, Slice};

use crate::kv::Result;
use crate::kv::long_keys::{Beginning, Node, branch_entry};
use crate::kv::stored::Stored;

/// Entries to be written in one batch; `None`: to be removed.
pub(super) type Entries<'a> = BTreeMap<Slice, Option<Cow<'a, [u8]>>>;

/// Changes of one batch. Nobody else changes branches meanwhile.
pub(super) struct Changes<'a, 'k> {
    stored: Stored<'k>,
    changed: Entries<'a>,
    /// Branches that something was removed from.
    thinned: Vec<Thinned>,
    /// Number of the next branch.
    next: &'k mut u64,
}

struct Thinned {
    depth: usize,
    /// Key of the entry that leads to the branch.
    beginning: Slice,
    number: u64,
    /// Key of an entry of the branch that may go: the value's, or one that leads to a branch further down.
    gone: Slice,
}

/// The number of the next branch, as it was written.
pub(super) fn next_branch(entries: &Keyspace) -> fjall::Result<u64> {
    let next = entries.get(Node::Branch(0).key(&[]))?;
    Ok(next.and_then(|next| next.as_ref().try_into().ok()).map_or(1, u64::from_be_bytes))
}

impl<'a, 'k> Changes<'a, 'k> {
    pub(super) fn new(stored: Stored<'k>, next: &'k mut u64) -> Self {
        Self { stored, changed: Entries::new(), thinned: Vec::new(), next }
    }

    /// Sets or removes the value of a key.
    pub(super) fn set(&mut self, node: Node, key: &[u8], value: Option<Cow<'a, [u8]>>) -> Result<()> {
        let (mut node, mut key) = (node, key);
        let mut way = Vec::new();
        while let Some((begin, rest)) = node.cut(key) {
            let beginning = node.key(begin);
            let number = match self.branch(&beginning)? {
                Some(number) => number,
                None if value.is_some() => self.make_branch(beginning.clone()),
                None => return Ok(()),
            };
            way.push((beginning, number));
            (node, key) = (Node::Branch(number), rest);
        }
        let entry = node.key(key);
        if value.is_none() {
            let mut gone = entry.clone();
            for (depth, (beginning, number)) in way.into_iter().enumerate().rev() {
                self.thinned.push(Thinned { depth, beginning: beginning.clone(), number, gone });
                gone = beginning;
            }
        }
        self.changed.insert(entry, value);
        Ok(())
    }

    /// The branch that the entry of a beginning leads to, if there is one.
    fn branch(&mut self, beginning: &Slice) -> Result<Option<u64>> {
        let kept = match self.changed.get(beginning) {
            Some(changed) => changed.as_deref().map(Slice::from),
            None => self.stored.kept(beginning)?,
        };
        let Some(kept) = kept else { return Ok(None) };
        match self.stored.beginning(&kept)? {
            Beginning::Branch(number) => Ok(Some(number)),
            Beginning::Bundle(bundle) => {
                let number = self.make_branch(beginning.clone());
                for (rest, value) in bundle.iter() {
                    self.set(Node::Branch(number), rest, Some(Cow::Owned(value.to_vec())))?;
                }
                Ok(Some(number))
            }
        }
    }

    fn make_branch(&mut self, beginning: Slice) -> u64 {
        let number = *self.next;
        *self.next += 1;
        self.changed.insert(beginning, Some(branch_entry(number).into()));
        self.changed.insert(Node::Branch(0).key(&[]), Some(self.next.to_be_bytes().to_vec().into()));
        number
    }

    /// All entries to be written: with the last key of a branch goes what led to it.
    pub(super) fn finish(mut self) -> Result<Entries<'a>> {
        let mut thinned = std::mem::take(&mut self.thinned);
        thinned.sort_by(|one, other| other.depth.cmp(&one.depth).then(one.number.cmp(&other.number)));
        thinned.dedup_by_key(|thinned| thinned.number);
        for Thinned { beginning, number, gone, .. } in thinned {
            if self.is_empty(number, &gone)? {
                self.changed.insert(beginning, None);
            }
        }
        Ok(self.changed)
    }

    /// Whether nothing will be left of a branch. What is near what was removed is looked at first: it tells soonest.
    fn is_empty(&self, number: u64, gone: &Slice) -> Result<bool> {
        if self.changed.get(gone).is_none_or(Option::is_some) {
            return Ok(false);
        }
        let (from, to) = Node::Branch(number).range(Bound::Unbounded, Bound::Unbounded);
        if self.changed.range((from.clone(), to.clone())).any(|(_, value)| value.is_some()) {
            return Ok(false);
        }
        let behind = self.stored.keys((Bound::Excluded(gone.clone()), to));
        let before = self.stored.keys((from, Bound::Excluded(gone.clone()))).rev();
        for key in behind.chain(before) {
            let key = key?;
            if !self.changed.contains_key(&key) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
