//! Changes of the local database, gathered for one write.

use std::sync::Arc;

/// One change of the local database.
#[derive(Debug, Clone)]
pub struct Write {
    /// Key space (`state/<query>/<store>/<partition>`, `positions`, `commands`, …).
    pub space: Arc<str>,
    /// Key.
    pub key: Vec<u8>,
    /// New value, `None` deletes.
    pub value: Option<Vec<u8>>,
}

/// Many changes, in the order in which they were made, in one piece of memory: a commit may hold a million.
#[derive(Debug, Clone, Default)]
pub struct Writes {
    spaces: Vec<Arc<str>>,
    changes: Vec<Change>,
    bytes: Vec<u8>,
}

/// Where a change stands: key and value lie in `bytes` one after the other, behind those of the change before.
#[derive(Debug, Clone, Copy)]
struct Change {
    space: u32,
    deletes: bool,
    key_end: usize,
    value_end: usize,
}

/// A change as it is read: number of its space, key, new value (`None` deletes).
pub type Written<'a> = (usize, &'a [u8], Option<&'a [u8]>);

impl Writes {
    /// Number of changes.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Bytes of all keys and values.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The spaces that are written to; one may stand there twice.
    pub fn spaces(&self) -> &[Arc<str>] {
        &self.spaces
    }

    /// Sets a key to what `encode` appends.
    pub fn put(&mut self, space: &Arc<str>, key: &[u8], encode: impl FnOnce(&mut Vec<u8>)) {
        self.change(space, key, Some(encode));
    }

    /// Removes a key.
    pub fn delete(&mut self, space: &Arc<str>, key: &[u8]) {
        self.change(space, key, None::<fn(&mut Vec<u8>)>);
    }

    /// Adds one change.
    pub fn push(&mut self, write: Write) {
        let Write { space, key, value } = write;
        self.change(&space, &key, value.map(|value| move |bytes: &mut Vec<u8>| bytes.extend_from_slice(&value)));
    }

    /// Adds all changes of `other`.
    pub fn append(&mut self, other: Writes) {
        if self.is_empty() {
            *self = other;
            return;
        }
        for (space, key, value) in other.iter() {
            let Some(space) = other.spaces.get(space) else { continue };
            self.change(space, key, value.map(|value| move |bytes: &mut Vec<u8>| bytes.extend_from_slice(value)));
        }
    }

    fn change(&mut self, space: &Arc<str>, key: &[u8], encode: Option<impl FnOnce(&mut Vec<u8>)>) {
        if self.spaces.last().is_none_or(|last| last != space) {
            self.spaces.push(Arc::clone(space));
        }
        self.bytes.extend_from_slice(key);
        let (key_end, deletes) = (self.bytes.len(), encode.is_none());
        if let Some(encode) = encode {
            encode(&mut self.bytes);
        }
        let space = (self.spaces.len() - 1) as u32;
        self.changes.push(Change { space, deletes, key_end, value_end: self.bytes.len() });
    }

    /// The change at a position.
    pub fn get(&self, at: usize) -> Option<Written<'_>> {
        let change = self.changes.get(at)?;
        let start = at.checked_sub(1).and_then(|before| self.changes.get(before)).map_or(0, |before| before.value_end);
        let key = self.bytes.get(start..change.key_end)?;
        let value = self.bytes.get(change.key_end..change.value_end)?;
        Some((change.space as usize, key, (!change.deletes).then_some(value)))
    }

    /// All changes, in order.
    pub fn iter(&self) -> impl Iterator<Item = Written<'_>> {
        (0..self.len()).filter_map(|at| self.get(at))
    }
}

impl Extend<Write> for Writes {
    fn extend<T: IntoIterator<Item = Write>>(&mut self, writes: T) {
        writes.into_iter().for_each(|write| self.push(write));
    }
}

impl FromIterator<Write> for Writes {
    fn from_iter<T: IntoIterator<Item = Write>>(writes: T) -> Self {
        let mut all = Self::default();
        all.extend(writes);
        all
    }
}

impl From<Write> for Writes {
    fn from(write: Write) -> Self {
        Self::from_iter([write])
    }
}
