//! Groups that a ksqlDB has left: their states are set, not computed.

use std::sync::Arc;

use arrow::array::Int64Array;

use super::groups::Groups;
use crate::operators::OperatorError;
use crate::state::Store;
use crate::types::{Changes, Side, Value};

impl Groups {
    /// Sets a group to what ksqlDB has kept of it: a value of each function's intermediate type.
    fn take_over(&mut self, slot: u32, kept: &Side, (row, time): (usize, i64)) -> Result<(), OperatorError> {
        for (number, (states, column)) in self.states.iter_mut().zip(&kept.columns).enumerate() {
            if !states.take_over(slot, &Value::at(column, row)) {
                return Err(OperatorError::Fatal(format!(
                    "what ksqlDB keeps as KSQL_AGG_VARIABLE_{number} is not a state of its aggregate function"
                )));
            }
        }
        self.times[slot as usize] = time;
        Ok(())
    }
}

/// Sets the group of one of the rows, or removes it where the row has no value. Says its slot.
pub(super) fn take_group(
    groups: &mut Store<Groups>,
    (segment, key): (i64, &[u8]),
    rows: &Changes,
    row: usize,
) -> Result<u32, OperatorError> {
    let (slot, _) = groups.upsert(segment, key)?;
    if rows.new.is_present(row) {
        groups.values_mut().take_over(slot, &rows.new, (row, rows.time[row]))?;
    } else {
        groups.remove(slot);
    }
    Ok(slot)
}

/// What the aggregate says of the groups that it took over with these rows.
pub(super) fn results(
    rows: &Changes,
    slots: &[u32],
    groups: &Groups,
    with_old: bool,
) -> Result<Changes, OperatorError> {
    let mut columns = groups.results(slots);
    if let Some(windows) = &rows.windows {
        for bounds in [&windows.start, &windows.end] {
            columns.push(Arc::new(Int64Array::new(bounds.clone(), None)));
        }
    }
    let old = with_old.then(|| Side::absent(&columns, rows.len()));
    let mut new = Side { columns, present: rows.new.present.clone() };
    new.mask_absent()?;
    Ok(Changes { new, old, ..rows.clone() })
}
