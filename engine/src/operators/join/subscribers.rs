//! Which left rows refer to a foreign key.

use std::collections::BTreeSet;

use crate::operators::OperatorError;
use crate::state::{Layout, Store, Stored};
use crate::types::row::{BadRow, get_u64, put_u64, take};

/// Serialised keys of the left rows that have one foreign key, in the order of their bytes: the order in which a change
/// of the right row reaches them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Subscribers(BTreeSet<Box<[u8]>>);

impl Subscribers {
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(AsRef::as_ref)
    }
}

/// The left row `key` refers to `foreign_key` from now on.
pub(super) fn subscribe(
    store: &mut Store<Vec<Subscribers>>,
    foreign_key: &[u8],
    key: &[u8],
) -> Result<(), OperatorError> {
    let (slot, _) = store.upsert(0, foreign_key)?;
    store.values_mut()[slot as usize].0.insert(key.into());
    Ok(())
}

/// The left row `key` does not refer to `foreign_key` any more.
pub(super) fn unsubscribe(
    store: &mut Store<Vec<Subscribers>>,
    foreign_key: &[u8],
    key: &[u8],
) -> Result<(), OperatorError> {
    let Some(slot) = store.get(0, foreign_key)? else { return Ok(()) };
    let keys = &mut store.values_mut()[slot as usize].0;
    keys.remove(key);
    if keys.is_empty() {
        store.remove(slot)
    } else {
        store.touch(slot)
    }
    Ok(())
}

/// Number of keys; length and bytes of each.
impl Stored for Subscribers {
    const LAYOUT: Layout = Layout { kind: "subscribers", version: 1 };

    fn encode(&self, into: &mut Vec<u8>) {
        put_u64(self.0.len() as u64, into);
        for key in &self.0 {
            put_u64(key.len() as u64, into);
            into.extend_from_slice(key);
        }
    }

    fn decode(mut bytes: &[u8]) -> Result<Self, BadRow> {
        let bytes = &mut bytes;
        let keys = (0..get_u64(bytes)?).map(|_| {
            let len = usize::try_from(get_u64(bytes)?).map_err(|_| BadRow)?;
            Ok(Box::from(take(bytes, len)?))
        });
        let keys = keys.collect::<Result<_, _>>()?;
        if bytes.is_empty() { Ok(Self(keys)) } else { Err(BadRow) }
    }

    fn heap_bytes(&self) -> usize {
        self.0.iter().map(|key| key.len() + 32).sum()
    }
}
