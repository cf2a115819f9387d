//! Keys longer than the database takes (65,535 bytes). An entry of the beginning of such keys leads to a branch, which holds
//! what is left of each; so scans are in the order of the keys, and a change writes little more than what is left.
//!
//! ```text
//! space, first LONG bytes            = MARK, number of a branch
//! TAILS, number, next bytes as many
//!                as fit              = MARK, number of a branch
//! TAILS, number, the rest            = value
//! TAILS, 0                           = number of the next branch that is made
//! ```
//!
//! No other entry has a key of exactly the length of a beginning. Shorter keys stand for themselves. Versions before this one
//! kept all keys of one beginning in its entry, as a [`Bundle`]; the first change of one makes a branch of it.

use std::collections::BTreeMap;
use std::ops::Bound;

use fjall::Slice;

/// Keys of a space of so many bytes and more are long: what the database takes, less the number of the space before the key.
pub(super) const LONG: usize = u16::MAX as usize - size_of::<u32>();
/// Where branches are: behind all spaces.
const TAILS: u32 = u32::MAX;
/// What the database takes, less TAILS and the number.
const TAIL_LONG: usize = LONG - size_of::<u64>();
/// Bundles begin with the length of something shorter.
const MARK: [u8; 4] = [0xff; 4];

/// Where keys begin: in a space, or where a branch goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    Space(u32),
    Branch(u64),
}

impl Node {
    /// Keys of so many bytes and more go on in a branch.
    pub(super) fn longest(self) -> usize {
        match self {
            Self::Space(_) => LONG,
            Self::Branch(_) => TAIL_LONG,
        }
    }

    /// Where the branch begins that a key goes on in, and what is left of the key; `None`: it is short.
    pub(super) fn cut(self, key: &[u8]) -> Option<(&[u8], &[u8])> {
        key.split_at_checked(self.longest())
    }

    /// Key of an entry.
    pub(super) fn key(self, key: &[u8]) -> Slice {
        match self {
            Self::Space(space) => full_key(space, key),
            Self::Branch(number) => Slice::from([&TAILS.to_be_bytes(), &number.to_be_bytes()[..], key].concat()),
        }
    }

    /// A key of this node, of the key of its entry.
    pub(super) fn bare(self, entry: &[u8]) -> &[u8] {
        let before = u16::MAX as usize - self.longest();
        entry.get(before..).unwrap_or_default()
    }

    /// The entries from one key to another; long keys stand for the branches that may hold them.
    pub(super) fn range(self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> (Bound<Slice>, Bound<Slice>) {
        let bound = |of: Bound<&[u8]>| match of {
            Bound::Included(key) | Bound::Excluded(key) if key.len() >= self.longest() => {
                Some(Bound::Included(self.key(key.get(..self.longest()).unwrap_or(key))))
            }
            Bound::Unbounded => None,
            short => Some(short.map(|key| self.key(key))),
        };
        let behind = match self {
            Self::Space(space) => Node::Space(space.saturating_add(1)),
            Self::Branch(number) => Node::Branch(number.saturating_add(1)),
        };
        let from = bound(from).unwrap_or_else(|| Bound::Included(self.key(&[])));
        (from, bound(to).unwrap_or_else(|| Bound::Excluded(behind.key(&[]))))
    }
}

/// A key of a space; short ones are not put on the heap.
fn full_key(space: u32, key: &[u8]) -> Slice {
    const SHORT: usize = 20;
    let len = size_of::<u32>() + key.len();
    let mut short = [0; SHORT];
    match short.get_mut(..len) {
        Some(full) => {
            let (head, tail) = full.split_at_mut(size_of::<u32>());
            head.copy_from_slice(&space.to_be_bytes());
            tail.copy_from_slice(key);
            Slice::from(&*full)
        }
        None => Slice::from([&space.to_be_bytes(), key].concat()),
    }
}

/// The part of a bound that lies within a branch of keys that begin with `beginning`, which lies at least partly within the
/// bound.
pub(super) fn within<'a>(bound: Bound<&'a [u8]>, beginning: &[u8]) -> Bound<&'a [u8]> {
    match bound {
        Bound::Included(key) => key.strip_prefix(beginning).map_or(Bound::Unbounded, Bound::Included),
        Bound::Excluded(key) => key.strip_prefix(beginning).map_or(Bound::Unbounded, Bound::Excluded),
        Bound::Unbounded => Bound::Unbounded,
    }
}

/// What the entry of a beginning holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beginning<'a> {
    Branch(u64),
    Bundle(Bundle<'a>),
}

impl<'a> Beginning<'a> {
    /// Reads an entry; `None`: it is damaged.
    pub(super) fn parse(entry: &'a [u8]) -> Option<Self> {
        match entry.strip_prefix(&MARK) {
            Some(number) => Some(Self::Branch(u64::from_be_bytes(number.try_into().ok()?))),
            None => Bundle::parse(entry).map(Self::Bundle),
        }
    }
}

/// The entry of a beginning that leads to a branch.
pub(super) fn branch_entry(number: u64) -> Vec<u8> {
    [&MARK, &number.to_be_bytes()[..]].concat()
}

/// What the long keys with the same beginning hold, by the rest of each.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Bundle<'a>(BTreeMap<&'a [u8], &'a [u8]>);

impl<'a> Bundle<'a> {
    /// Reads an entry; `None`: it is damaged.
    pub(super) fn parse(mut entry: &'a [u8]) -> Option<Bundle<'a>> {
        let mut next = || {
            let (len, rest) = entry.split_first_chunk()?;
            let (bytes, rest) = rest.split_at_checked(u32::from_be_bytes(*len) as usize)?;
            entry = rest;
            Some((bytes, rest.is_empty()))
        };
        let mut bundle = Bundle::default();
        loop {
            let (rest, _) = next()?;
            let (value, is_last) = next()?;
            bundle.0.insert(rest, value);
            if is_last {
                return Some(bundle);
            }
        }
    }

    /// The value of a key.
    pub(super) fn get(&self, rest: &[u8]) -> Option<&'a [u8]> {
        self.0.get(rest).copied()
    }

    /// All keys, in order, with their values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.0.iter().map(|(rest, value)| (*rest, *value))
    }
}

/// A bundle as older versions wrote it.
#[cfg(test)]
pub(super) fn bundle(of: &[(&[u8], &[u8])]) -> Vec<u8> {
    let parts = of.iter().flat_map(|(rest, value)| [rest, value]);
    parts.flat_map(|part| [&(part.len() as u32).to_be_bytes(), *part].concat()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_is_read_and_damage_is_seen() {
        let bytes = bundle(&[(b"", b"1"), (b"b", b"2"), (b"ba", b"")]);
        let bundle = Bundle::parse(&bytes).unwrap();
        assert_eq!((bundle.get(b"b"), bundle.get(b"c")), (Some(&b"2"[..]), None));
        let keys: Vec<&[u8]> = bundle.iter().map(|(rest, _)| rest).collect();
        assert_eq!(keys, [&b""[..], b"b", b"ba"]);
        for cut in 0..bytes.len() {
            assert_ne!(Bundle::parse(&bytes[..cut]).as_ref(), Some(&bundle), "cut at {cut}");
        }
        assert_eq!(Beginning::parse(&branch_entry(7)), Some(Beginning::Branch(7)));
        assert_eq!(Beginning::parse(&bytes), Some(Beginning::Bundle(bundle)));
        assert_eq!(Beginning::parse(&branch_entry(7)[..11]), None);
    }

    #[test]
    fn keys_are_cut_where_the_database_ends() {
        for node in [Node::Space(1), Node::Branch(1)] {
            let longest = vec![0; node.longest()];
            assert_eq!(node.key(&longest).len(), usize::from(u16::MAX));
            assert_eq!(node.bare(&node.key(&longest)), longest);
            assert_eq!(node.cut(&longest[1..]), None);
            assert_eq!(node.cut(&longest).map(|(_, rest)| rest.len()), Some(0));
        }
    }
}
