//! Opening a store over what is in the local database.

use std::ops::Bound;
use std::sync::Arc;

use super::store::{LAYOUT, Layout, Place, Store, Values};
use crate::kv::{Kv, KvError, Result};
use crate::types::row::{BadRow, get_i64, get_u64};

impl<V: Values> Store<V> {
    /// Opens a store. As many entries are read into memory as the budget has room for; the others are read when they
    /// are needed. `values` holds no value yet.
    pub(crate) fn open(values: V, place: Place) -> Result<Self> {
        Self::open_as(values, place, false)
    }

    /// Opens a store that is cut into segments.
    pub(crate) fn open_segmented(values: V, place: Place) -> Result<Self> {
        Self::open_as(values, place, true)
    }

    fn open_as(values: V, place: Place, segmented: bool) -> Result<Self> {
        let mut store = Store::new(values, place, segmented);
        let Some((kv, space)) = store.place.disk.clone() else { return Ok(store) };
        let meta = format!("{space}/meta");
        let damaged = |BadRow| KvError::Corrupt { file: meta.clone(), problem: BadRow.to_string() };
        if let Some(time) = kv.get(&meta, b"time")? {
            store.time = get_i64(&mut time.as_slice()).map_err(damaged)?;
        }
        if let Some(segments) = kv.get(&meta, b"segments")? {
            let bytes = &mut segments.as_slice();
            for _ in 0..get_u64(bytes).map_err(damaged)? {
                store.segments.insert(get_i64(bytes).map_err(damaged)?);
            }
        }
        store.check_layout(&*kv, &space, &meta)?;
        let spaces: Vec<(i64, Arc<str>)> = match segmented {
            true => store.segments.iter().map(|&segment| (segment, store.space(segment))).collect(),
            false => vec![(0, space)],
        };
        // Newest segments first: they are the ones that will be used.
        for (segment, space) in spaces.into_iter().rev() {
            let mut outcome = Ok(());
            kv.scan(&space, Bound::Unbounded, Bound::Unbounded, &mut |key, value| {
                if !store.place.budget.has_room(key.len() + value.len()) {
                    store.spilled = true;
                    return false;
                }
                outcome = store.restore(segment, key, value);
                outcome.is_ok()
            })?;
            outcome?;
        }
        Ok(store)
    }
    /// Refuses entries that are laid out in a way that is not known here.
    fn check_layout(&mut self, kv: &dyn Kv, space: &str, meta: &str) -> Result<()> {
        let known = V::LAYOUT.to_string();
        let noted = kv.get(meta, LAYOUT)?.map(|noted| String::from_utf8_lossy(&noted).into_owned());
        self.layout_dirty = noted.is_none();
        let found = match noted {
            Some(found) => found,
            None if self.has_entries(kv, space)? => Layout { version: 1, ..V::LAYOUT }.to_string(),
            None => return Ok(()),
        };
        if found == known {
            return Ok(());
        }
        Err(KvError::Layout { space: space.to_owned(), found, known })
    }

    fn has_entries(&self, kv: &dyn Kv, space: &str) -> Result<bool> {
        let mut found = !self.segments.is_empty();
        if !self.segmented {
            kv.scan(space, Bound::Unbounded, Bound::Unbounded, &mut |_, _| {
                found = true;
                false
            })?;
        }
        Ok(found)
    }
}
