//! GROUP BY on a stream, without windows or with tumbling and hopping ones.

use std::sync::Arc;

use arrow::array::{Array, BinaryArray};
use parking_lot::RwLock;

use super::emit::{Emission, Emissions};
use super::groups::{Groups, SharedGroups};
use super::kept::table;
use super::{Grouping, Updates};
use crate::expr::aggregates::{Emit, NONE, Op};
use crate::log::Writes;
use crate::operators::keys::KeyBytes;
use crate::operators::{Context, Operator, OperatorError, only};
use crate::state::{Store, Table, TableKind, segment_ms};
use crate::types::Changes;

/// Tumbling (advance = size) and hopping windows, milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeWindows {
    /// Length of a window.
    pub size_ms: i64,
    /// Distance between the starts of two windows.
    pub advance_ms: i64,
    /// How late a record may be after the window's end.
    pub grace_ms: i64,
    /// How long windows are kept.
    pub retention_ms: i64,
}

impl TimeWindows {
    /// Starts of the windows that hold `time`, ascending; none is negative.
    fn starts(self, time: i64) -> impl Iterator<Item = i64> {
        let first = (time - self.size_ms + self.advance_ms).max(0) / self.advance_ms * self.advance_ms;
        (first..=time).step_by(usize::try_from(self.advance_ms).unwrap_or(usize::MAX).max(1))
    }

    /// Windows up to that start are past retention.
    fn expired(self, stream_time: i64) -> i64 {
        stream_time.saturating_sub(self.retention_ms.max(self.size_ms + self.grace_ms))
    }
}

/// Adds every row to its group, or to the group's windows that its timestamp falls into, and emits the results.
///
/// Rows without a value or with a NULL in a key column are left out. With windows, a row is dropped from a window whose
/// end plus grace is not after stream time, which moves on rows of any key. Windows of one row come in ascending order.
/// ROWTIME of a result is the highest timestamp that contributed to it.
/// Output value columns: one per function; with windows then the window's start and end.
pub struct StreamAggregate {
    keys: KeyBytes,
    groups: SharedGroups,
    windows: Option<TimeWindows>,
    with_old: bool,
    updates: Updates,
    ops: Vec<Op>,
    key: Vec<u8>,
}

impl StreamAggregate {
    /// The aggregate; groups as of the last commit are read from `grouping.place`.
    pub fn new(grouping: Grouping<'_>, windows: Option<TimeWindows>) -> Result<Self, OperatorError> {
        let groups = Groups::new(grouping.step, grouping.calls);
        let place = grouping.place.clone();
        let groups =
            if windows.is_some() { Store::open_segmented(groups, place)? } else { Store::open(groups, place)? };
        Ok(Self {
            keys: KeyBytes::new(grouping.keys)?,
            groups: Arc::new(RwLock::new(groups)),
            windows,
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
    ) -> Result<Emissions, OperatorError> {
        let mut out = Emissions::default();
        let nulls = key_nulls(rows);
        for row in 0..rows.len() {
            if nulls.is_null(row) || keys.is_null(row) || !rows.new.is_present(row) {
                continue;
            }
            let time = rows.time[row];
            match self.windows {
                None => {
                    let emission = self.add(groups, (0, keys.value(row)), row, time)?;
                    out.push(emission);
                }
                Some(windows) => {
                    groups.advance(time);
                    let close = groups.time() - windows.grace_ms;
                    for start in windows.starts(time) {
                        let end = start + windows.size_ms;
                        if end <= close {
                            continue;
                        }
                        let mut key = std::mem::take(&mut self.key);
                        key.clear();
                        key.extend_from_slice(keys.value(row));
                        key.extend_from_slice(&start.to_be_bytes());
                        let segment = start.div_euclid(segment_ms(windows.retention_ms));
                        let emission = self.add(groups, (segment, &key), row, time)?;
                        self.key = key;
                        out.push_windowed(emission, (start, end));
                    }
                }
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
        let mut out = self.group(store, &rows, &keys)?;
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
        if let Some(windows) = self.windows {
            let expired = windows.expired(store.time());
            store.expire_before(expired.div_euclid(segment_ms(windows.retention_ms)));
        }
        Ok(out.finish(&rows, results, self.windows.is_some(), self.with_old)?)
    }

    fn drain_state(&mut self, into: &mut Writes) {
        self.groups.write().drain(into);
    }

    fn committed(&mut self) -> Result<(), OperatorError> {
        Ok(self.groups.write().committed()?)
    }

    fn table(&self) -> Option<Table> {
        let kind = self.windows.map_or(TableKind::Plain, |windows| {
            let TimeWindows { size_ms, advance_ms, retention_ms, .. } = windows;
            TableKind::Time { size_ms, advance_ms, retention_ms }
        });
        Some(table(&self.groups, self.keys.form(), kind))
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
