//! GROUP BY on a table. Between the two operators the rows may travel to another task.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, UInt32Array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::interleave;
use parking_lot::RwLock;

use super::emit::{Emission, Emissions};
use super::groups::{Groups, SharedGroups};
use super::kept::table;
use super::stream::key_nulls;
use super::taken::{results, take_group};
use super::{Grouping, Updates};
use crate::expr::Evaluator;
use crate::expr::aggregates::{Emit, NONE, Op};
use crate::kv::Writes;
use crate::operators::keys::KeyBytes;
use crate::operators::rows::{Evaluation, Fate};
use crate::operators::{Context, Leads, Operator, OperatorError, only};
use crate::state::{Store, Table, TableKind};
use crate::types::row::RowEncoder;
use crate::types::{Changes, Schema, Side};

/// Columns of what [`GroupTable`] emits: the group's columns as key, all columns of the input as value.
pub(crate) fn regrouped_schema(input: &Schema, group: &Schema) -> Schema {
    Schema { key: group.key.clone(), value: input.columns().cloned().collect() }
}

/// Computes the group of the old and of the new side of every row.
///
/// A row that stays in its group makes one change with both sides; one that moves makes two: the old side leaves the
/// old group first. A side whose group has a NULL, or cannot be computed, counts as absent. Needs the old side.
pub(crate) struct GroupTable {
    step: String,
    group: Vec<Evaluator>,
}

/// Group of every row of a side.
struct Sides {
    keys: Vec<ArrayRef>,
    valid: Vec<bool>,
}

impl GroupTable {
    /// `group` is over the input's row layout.
    pub(crate) fn new(step: &str, group: Vec<Evaluator>) -> Self {
        Self { step: step.to_owned(), group }
    }

    /// The groups of a side; rows without one are reported.
    fn groups(&self, rows: &Changes, side: &Side, fate: Fate, ctx: &mut dyn Context) -> Sides {
        let evaluation = Evaluation::new(&self.step, rows, side, fate);
        let mut ungrouped = HashSet::new();
        let keys = self.group.iter().enumerate();
        let keys: Vec<ArrayRef> = keys.map(|(at, expr)| evaluation.eval_group(at, expr, &mut ungrouped, ctx)).collect();
        let is_grouped = |row: usize| side.is_present(row) && keys.iter().all(|key| key.is_valid(row));
        let valid = (0..rows.len()).map(is_grouped).collect();
        Sides { keys, valid }
    }
}

impl Operator for GroupTable {
    fn run(&mut self, inputs: Vec<Changes>, ctx: &mut dyn Context) -> Result<Changes, OperatorError> {
        let rows = only(inputs)?;
        let old_side = match &rows.old {
            Some(old) => old.clone(),
            None => Side::absent(&rows.new.columns, rows.len()),
        };
        let new = self.groups(&rows, &rows.new, Fate::Lost, ctx);
        let old = self.groups(&rows, &old_side, Fate::Told, ctx);
        let same_group = {
            let (new, old) = (RowEncoder::new(&new.keys)?, RowEncoder::new(&old.keys)?);
            let (mut a, mut b) = (Vec::new(), Vec::new());
            move |row: usize| {
                a.clear();
                b.clear();
                new.encode(row, &mut a);
                old.encode(row, &mut b);
                a == b
            }
        };
        let made = moves(&new.valid, &old.valid, same_group);
        let from = UInt32Array::from_iter_values(made.iter().map(|change| change.row));
        let keys: Vec<(usize, usize)> = made.iter().map(|c| (usize::from(!c.new), c.row as usize)).collect();
        let key = new.keys.iter().zip(&old.keys).map(|(new, old)| interleave(&[new, old], &keys));
        let key = key.collect::<Result<_, _>>()?;
        let side = |side: &Side, present: BooleanBuffer| -> Result<Side, OperatorError> {
            let mut columns = rows.key.clone();
            columns.extend(side.columns.iter().cloned());
            let mut side = Side { columns, present: None }.take(&from)?;
            side.present = Some(present);
            side.mask_absent()?;
            Ok(side)
        };
        let new = side(&rows.new, made.iter().map(|change| change.new).collect())?;
        let old = side(&old_side, made.iter().map(|change| change.old).collect())?;
        let picked = Changes { new: Side { columns: Vec::new(), present: None }, old: None, ..rows.clone() };
        Ok(Changes { key, null_keys: None, windows: None, new, old: Some(old), ..picked.take(&from)? })
    }
}

/// One change of one group: which sides of which row.
#[derive(Debug, Clone, Copy)]
struct Move {
    row: u32,
    old: bool,
    new: bool,
}

fn moves(new: &[bool], old: &[bool], mut same_group: impl FnMut(usize) -> bool) -> Vec<Move> {
    let mut made = Vec::with_capacity(new.len());
    for (row, (&new, &old)) in new.iter().zip(old).enumerate() {
        let change = Move { row: row as u32, old, new };
        match (old, new) {
            (false, false) => {}
            (true, true) if !same_group(row) => {
                made.push(Move { new: false, ..change });
                made.push(Move { old: false, ..change });
            }
            _ => made.push(change),
        }
    }
    made
}

/// Takes the old side of every change back from its group, adds the new side, and emits the group's results. A group
/// stays when its last row has left. ROWTIME is the highest timestamp that contributed.
///
/// The input is what [`GroupTable`] emits (see [`regrouped_schema`]).
pub(crate) struct AggregateTable {
    keys: KeyBytes,
    groups: SharedGroups,
    with_old: bool,
    updates: Updates,
}

impl AggregateTable {
    /// The aggregate; groups as of the last commit are read from `grouping.place`.
    pub(crate) fn new(grouping: Grouping<'_>) -> Result<Self, OperatorError> {
        let groups = Store::open(Groups::new(grouping.step, grouping.calls), grouping.place.clone())?;
        Ok(Self {
            keys: KeyBytes::new(grouping.keys)?,
            groups: Arc::new(RwLock::new(groups)),
            with_old: grouping.with_old,
            updates: grouping.updates,
        })
    }
}

impl Operator for AggregateTable {
    fn run(&mut self, inputs: Vec<Changes>, ctx: &mut dyn Context) -> Result<Changes, OperatorError> {
        let rows = only(inputs)?;
        let mut groups = self.groups.write();
        let keys = self.keys.of_rows(&rows)?;
        let nulls = key_nulls(&rows);
        let (mut out, mut ops) = (Emissions::default(), Vec::with_capacity(rows.len()));
        for row in 0..rows.len() {
            if nulls.is_null(row) || keys.is_null(row) {
                continue;
            }
            let is_new = rows.new.is_present(row);
            // There is nothing to take back from a group that was never made.
            if !is_new && groups.get(0, keys.value(row))?.is_none() {
                continue;
            }
            let (slot, existed) = groups.upsert(0, keys.value(row))?;
            let undo = existed && rows.old.as_ref().is_some_and(|old| old.is_present(row));
            let time = groups.values_mut().advance(slot, rows.time[row]);
            let pick = |is: bool| if is { row as u32 } else { NONE };
            ops.push(Op { slot, merge: NONE, undo: pick(undo), add: pick(is_new), emit: Emit::Result });
            out.push(Emission { row: row as u32, time, existed, gone: false });
        }
        let folds = self.updates == Updates::Last && !self.with_old;
        if folds {
            out.keep_last(&mut ops, groups.slots());
        }
        let results = groups.values_mut().run(&ops, &rows.key, &rows.new, rows.old.as_ref(), self.with_old, ctx)?;
        Ok(out.finish(&rows, results, false, self.with_old)?)
    }

    fn leads(&self) -> Leads {
        Leads::Nowhere
    }

    fn take_over(&mut self, rows: Changes) -> Result<Changes, OperatorError> {
        let mut groups = self.groups.write();
        let keys = self.keys.of_rows(&rows)?;
        let slots = (0..rows.len()).map(|row| take_group(&mut groups, (0, keys.value(row)), &rows, row));
        let slots = slots.collect::<Result<Vec<_>, _>>()?;
        results(&rows, &slots, groups.values(), self.with_old)
    }

    fn drain_state(&mut self, into: &mut Writes) {
        self.groups.write().drain(into);
    }

    fn committed(&mut self) -> Result<(), OperatorError> {
        Ok(self.groups.write().committed()?)
    }

    fn table(&self) -> Option<Table> {
        Some(table(&self.groups, self.keys.form(), TableKind::Plain))
    }
}
