//! Keys longer than the database takes (65,535 bytes): those that agree in their first [`LONG`] bytes are kept in one entry,
//! under these bytes, so that scans are still in the order of the keys.
//!
//! ```text
//! entry of the first LONG bytes = bytes of the rest (u32), rest, bytes of the value (u32), value; …   by rest
//! ```
//!
//! No other entry has a key of exactly that length. Shorter keys, and so nearly all that versions before this one took, stand
//! for themselves.

use std::collections::BTreeMap;

/// Keys of so many bytes and more are long: what the database takes, less the number of the space before the key.
pub(super) const LONG: usize = u16::MAX as usize - 4;

/// What the long keys with the same beginning hold, by the rest of each.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Bundle<'a>(BTreeMap<&'a [u8], &'a [u8]>);

/// The beginning and the rest of a long key; `None`: it is short.
pub(super) fn cut(key: &[u8]) -> Option<(&[u8], &[u8])> {
    key.split_at_checked(LONG)
}

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

    /// Sets or removes the value of a key.
    pub(super) fn set(&mut self, rest: &'a [u8], value: Option<&'a [u8]>) {
        match value {
            Some(value) => self.0.insert(rest, value),
            None => self.0.remove(rest),
        };
    }

    /// Its entry; `None`: nothing is left in it.
    pub(super) fn to_bytes(&self) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        for part in self.0.iter().flat_map(|(rest, value)| [rest, value]) {
            // Whoever writes has checked that the value is not longer than the database takes.
            bytes.extend_from_slice(&(part.len() as u32).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        (!bytes.is_empty()).then_some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_comes_back_and_damage_is_seen() {
        let mut bundle = Bundle::default();
        for (rest, value) in [("b", "2"), ("", "1"), ("ba", ""), ("c", "x")] {
            bundle.set(rest.as_bytes(), Some(value.as_bytes()));
        }
        bundle.set(b"c", None);
        let bytes = bundle.to_bytes().unwrap();
        assert_eq!(Bundle::parse(&bytes).as_ref(), Some(&bundle));
        assert_eq!((bundle.get(b"b"), bundle.get(b"c")), (Some(&b"2"[..]), None));
        let keys: Vec<&[u8]> = bundle.iter().map(|(rest, _)| rest).collect();
        assert_eq!(keys, [&b""[..], b"b", b"ba"]);
        for cut in 0..bytes.len() {
            assert_ne!(Bundle::parse(&bytes[..cut]).as_ref(), Some(&bundle), "cut at {cut}");
        }
        assert_eq!(Bundle::default().to_bytes(), None);
        assert_eq!(cut(&[0; LONG - 1]), None);
        assert_eq!(cut(&[0; LONG]).map(|(_, rest)| rest.len()), Some(0));
    }
}
