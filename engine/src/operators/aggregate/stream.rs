//! GROUP BY on a stream, without windows or with tumbling and hopping ones.

use std::sync::Arc;

use arrow::array::{Array, BinaryArray};
use parking_lot::RwLock;

use super::emit::{Emission, Emissions};
use super::groups::{Groups, SharedGroups};
use super::kept::table;
use super::taken::{results, take_group};
use super::{Grouping, Updates};
use crate::expr::aggregates::{Emit, NONE, Op};
use crate::kv::Writes;
use crate::operators::keys::KeyBytes;
use crate::operators::{Context, Leads, Operator, OperatorError, only};
use crate::state::{Store, Table, TableKind};
use crate::types::{Changes, Window};

/// Adds every row to its group, or to the group's windows that its timestamp falls into, and emits the results.
///
/// Rows without a value or with a NULL in a key column are left out. With windows, a row is dropped from a window whose
/// end plus grace is not after stream time, which moves on rows of any key. Windows of one row come in ascending order. A
/// row whose windows cannot be represented is refused: it moves nothing.
/// ROWTIME of a result is the highest timestamp that contributed to it.
/// Output value columns: one per function; with windows then the window's start and end.
pub(crate) struct StreamAggregate {
    keys: KeyBytes,
    groups: SharedGroups,
    window: Option<Window>,
    with_old: bool,
    updates: Updates,
    ops: Vec<Op>,
    key: Vec<u8>,
}

impl StreamAggregate {
    /// The aggregate, with a time window or none; groups as of the last commit are read from `grouping.place`.
    pub(crate) fn new(grouping: Grouping<'_>, window: Option<Window>) -> Result<Self, OperatorError> {
        let groups = Groups::new(grouping.step, grouping.calls);
        let place = grouping.place.clone();
        let groups = if window.is_some() { Store::open_segmented(groups, place)? } else { Store::open(groups, place)? };
        Ok(Self {
            keys: KeyBytes::new(grouping.keys)?,
            groups: Arc::new(RwLock::new(groups)),
            window,
            with_old: grouping.with_old,
            updates: grouping.updates,
            ops: Vec::new(),
            key: Vec::new(),
        })
    }

    #[cfg(test)]
    pub(super) fn slots(&self) -> usize {
        self.groups.read().slots()
    }

    fn group(
        &mut self,
        groups: &mut Store<Groups>,
        rows: &Changes,
        keys: &BinaryArray,
        ctx: &mut dyn Context,
    ) -> Result<Emissions, OperatorError> {
        let mut out = Emissions::default();
        let nulls = key_nulls(rows);
        for row in 0..rows.len() {
            if nulls.is_null(row) || keys.is_null(row) || !rows.new.is_present(row) {
                continue;
            }
            let time = rows.time[row];
            let Some(window) = self.window else {
                let emission = self.add(groups, (0, keys.value(row)), row, time)?;
                out.push(emission);
                continue;
            };
            let Some(starts) = window.starts(time) else {
                groups.values().refuse(rows, row, ctx);
                continue;
            };
            groups.advance(time);
            let closing = window.closing(groups.time());
            for start in starts {
                let end = start + window.size_ms;
                if end <= closing {
                    continue;
                }
                let mut key = std::mem::take(&mut self.key);
                key.clear();
                key.extend_from_slice(keys.value(row));
                key.extend_from_slice(&start.to_be_bytes());
                let emission = self.add(groups, (window.segment(start), &key), row, time)?;
                self.key = key;
                out.push_windowed(emission, (start, end));
            }
        }
        Ok(out)
    }

    fn add(
        &mut self,
        groups: &mut Store<Groups>,
        (segment, key): (i64, &[u8]),
        row: usize,
        time: i64,
    ) -> Result<Emission, OperatorError> {
        let (slot, existed) = groups.upsert(segment, key)?;
        self.ops.push(Op { slot, merge: NONE, undo: NONE, add: row as u32, emit: Emit::Result });
        let time = groups.values_mut().advance(slot, time);
        Ok(Emission { row: row as u32, time, existed, gone: false })
    }
}

impl Operator for StreamAggregate {
    fn run(&mut self, inputs: Vec<Changes>, ctx: &mut dyn Context) -> Result<Changes, OperatorError> {
        let rows = only(inputs)?;
        let shared = Arc::clone(&self.groups);
        let store = &mut *shared.write();
        self.ops.clear();
        let keys = self.keys.of_rows(&rows)?;
        let mut out = self.group(store, &rows, &keys, ctx)?;
        let mut ops = std::mem::take(&mut self.ops);
        let mut before = None;
        if self.updates == Updates::Last {
            out.keep_last(&mut ops, store.slots());
            if self.with_old {
                // What the groups that emit were before the whole step.
                let emits = ops.iter().filter(|op| op.emit != Emit::Nothing).map(|op| op.slot);
                before = Some(store.values().results(&emits.collect::<Vec<_>>()));
            }
        }
        let with_before = self.with_old && before.is_none();
        let mut results = store.values_mut().run(&ops, &rows.key, &rows.new, None, with_before, ctx)?;
        for (result, before) in results.iter_mut().zip(before.into_iter().flatten()) {
            result.before = Some(before);
        }
        self.ops = ops;
        if let Some(window) = self.window {
            store.expire_before(window.first_segment(store.time()));
        }
        Ok(out.finish(&rows, results, self.window.is_some(), self.with_old)?)
    }

    fn leads(&self) -> Leads {
        Leads::Nowhere
    }

    fn take_over(&mut self, rows: Changes) -> Result<Changes, OperatorError> {
        let mut groups = self.groups.write();
        let keys = self.keys.of_rows(&rows)?;
        let mut slots = Vec::with_capacity(rows.len());
        for row in 0..rows.len() {
            let (Some(window), Some(windows)) = (self.window, &rows.windows) else {
                slots.push(take_group(&mut groups, (0, keys.value(row)), &rows, row)?);
                continue;
            };
            let start = windows.start[row];
            self.key.clear();
            self.key.extend_from_slice(keys.value(row));
            self.key.extend_from_slice(&start.to_be_bytes());
            groups.advance(rows.time[row]);
            slots.push(take_group(&mut groups, (window.segment(start), &self.key), &rows, row)?);
        }
        if let Some(window) = self.window {
            let live = window.first_segment(groups.time());
            groups.expire_before(live);
        }
        results(&rows, &slots, groups.values(), self.with_old)
    }

    fn drain_state(&mut self, into: &mut Writes) {
        self.groups.write().drain(into);
    }

    fn committed(&mut self) -> Result<(), OperatorError> {
        Ok(self.groups.write().committed()?)
    }

    fn table(&self) -> Option<Table> {
        Some(table(&self.groups, self.keys.form(), self.window.map_or(TableKind::Plain, TableKind::of)))
    }
}

/// Rows with a NULL in any key column.
pub(super) struct KeyNulls<'a>(Vec<&'a arrow::buffer::NullBuffer>);

impl KeyNulls<'_> {
    pub(super) fn is_null(&self, row: usize) -> bool {
        self.0.iter().any(|nulls| nulls.is_null(row))
    }
}

pub(super) fn key_nulls(rows: &Changes) -> KeyNulls<'_> {
    KeyNulls(rows.key.iter().filter(|column| column.null_count() > 0).filter_map(|column| column.nulls()).collect())
}
