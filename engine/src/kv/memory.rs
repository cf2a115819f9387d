//! The local database in memory.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::kv::{Kv, Result, Writes, is_empty};

/// Entries copied out of the lock at a time, so that a scan's callback may use the database.
const SCAN_CHUNK: usize = 256;

type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

/// Spaces in memory, gone with the process.
#[derive(Debug, Default)]
pub struct MemoryKv {
    spaces: RwLock<BTreeMap<Arc<str>, Entries>>,
}

impl Kv for MemoryKv {
    fn get(&self, space: &str, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.spaces.read().get(space).and_then(|entries| entries.get(key)).cloned())
    }

    fn scan(
        &self,
        space: &str,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        each: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<()> {
        if is_empty(from, to) {
            return Ok(());
        }
        let mut from = from.map(<[u8]>::to_vec);
        loop {
            let chunk: Vec<(Vec<u8>, Vec<u8>)> = match self.spaces.read().get(space) {
                Some(entries) => {
                    let entries = entries.range::<[u8], _>((from.as_ref().map(Vec::as_slice), to));
                    entries.take(SCAN_CHUNK).map(|(key, value)| (key.clone(), value.clone())).collect()
                }
                None => return Ok(()),
            };
            if !chunk.iter().all(|(key, value)| each(key, value)) || chunk.len() < SCAN_CHUNK {
                return Ok(());
            }
            if let Some((key, _)) = chunk.into_iter().next_back() {
                if is_empty(Bound::Excluded(&key), to) {
                    return Ok(());
                }
                from = Bound::Excluded(key);
            }
        }
    }

    fn write(&self, writes: Writes) -> Result<()> {
        let mut spaces = self.spaces.write();
        for (space, key, value) in writes.iter() {
            let Some(space) = writes.spaces().get(space) else { continue };
            match value {
                Some(value) => {
                    spaces.entry(Arc::clone(space)).or_default().insert(key.to_vec(), value.to_vec());
                }
                None => {
                    if let Some(entries) = spaces.get_mut(space) {
                        entries.remove(key);
                    }
                }
            }
        }
        Ok(())
    }

    fn check(&self, _writes: &Writes) -> Result<()> {
        Ok(())
    }

    fn recover(&self) -> Result<()> {
        Ok(())
    }

    fn drop_spaces(&self, prefix: &str) -> Result<()> {
        self.spaces.write().retain(|space, _| !space.starts_with(prefix));
        Ok(())
    }
}
