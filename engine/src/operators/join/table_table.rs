//! Two tables on equal keys.

use super::input::{Input, runs, two};
use super::output::{Origin, Output, Pair};
use super::{Inputs, LEFT, Outer, RIGHT};
use crate::kv::Writes;
use crate::operators::{Context, EncodeKeys, Operator, OperatorError};
use crate::state::{Row, Store};
use crate::types::Changes;

/// Joins two tables on equal keys: a change on either side emits the joined row anew.
///
/// * Output: the left value columns, then the right ones; ROWTIME is the later of the two rows', or that of the change
///   if the other side has no row.
/// * A change is passed on when the other side has a row, or, on a side that is kept without a partner, when its own row
///   was or is there. What becomes of it may be a tombstone.
/// * Rows without a key are dropped. Old sides of the inputs are not read: the join keeps both tables.
pub(crate) struct TableTableJoin {
    keys: EncodeKeys,
    outer: Outer,
    tables: [Store<Vec<Row>>; 2],
    output: Output,
    bytes: Vec<u8>,
    key_row: Vec<u8>,
}

impl TableTableJoin {
    /// A join; `emit_old`: whether somebody reads the old rows of the result.
    pub(crate) fn new(inputs: Inputs<'_>, outer: Outer, emit_old: bool) -> Result<Self, OperatorError> {
        let open = |name| Store::open(Vec::new(), inputs.place.below(name));
        Ok(Self {
            outer,
            tables: [open("left")?, open("right")?],
            output: Output::new(inputs.left, inputs.right, emit_old),
            keys: inputs.keys,
            bytes: Vec::new(),
            key_row: Vec::new(),
        })
    }

    fn change(&mut self, port: usize, input: &Input<'_>, row: usize) -> Result<(), OperatorError> {
        let Some(key) = input.key(row) else { return Ok(()) };
        let [left, right] = &mut self.tables;
        let (this, others) = if port == LEFT { (left, right) } else { (right, left) };
        let time = input.rows.time[row];
        let new = if input.row(row, &mut self.bytes) { Some(self.bytes.as_slice()) } else { None };
        let slot = match new {
            Some(_) => this.upsert(0, key).map(|(slot, existed)| (Some(slot), existed)),
            None => this.get(0, key).map(|slot| (slot, slot.is_some())),
        };
        let (slot, existed) = slot?;
        let old = slot.filter(|_| existed).map(|slot| this.values()[slot as usize].bytes.as_ref());
        let other = others.get(0, key)?.map(|slot| &others.values()[slot as usize]);
        let kept = if port == LEFT { self.outer.left } else { self.outer.right };
        if other.is_some() || (kept && (new.is_some() || old.is_some())) {
            input.key_row(row, &mut self.key_row);
            let time = other.map_or(time, |other| time.max(other.time));
            let origin = Origin { port, row, key_row: &self.key_row, window: input.window(row), time };
            let other = other.map(|other| other.bytes.as_ref());
            let (new, old) = (Pair::of(port, new, other), Pair::of(port, old, other));
            self.output.push(origin, joined(self.outer, new), joined(self.outer, old))?;
        }
        match (slot, new) {
            (Some(slot), Some(new)) => this.values_mut()[slot as usize].set(time, new),
            (Some(slot), None) => this.remove(slot),
            (None, _) => {}
        }
        Ok(())
    }
}

/// The joined row, if there is one.
fn joined(outer: Outer, pair: Pair<'_>) -> Option<Pair<'_>> {
    let exists = match (pair.left, pair.right) {
        (Some(_), Some(_)) => true,
        (Some(_), None) => outer.left,
        (None, Some(_)) => outer.right,
        (None, None) => false,
    };
    exists.then_some(pair)
}

impl Operator for TableTableJoin {
    fn run(&mut self, inputs: Vec<Changes>, _: &mut dyn Context) -> Result<Changes, OperatorError> {
        let inputs = two(inputs)?;
        let ports = [Input::new(&inputs[LEFT], &mut self.keys)?, Input::new(&inputs[RIGHT], &mut self.keys)?];
        for (port, rows) in runs(&inputs) {
            for row in rows {
                self.change(port, &ports[port], row)?;
            }
        }
        Ok(self.output.finish(&inputs)?)
    }

    fn drain_state(&mut self, into: &mut Writes) {
        for table in &mut self.tables {
            table.drain(into);
        }
    }

    fn committed(&mut self) -> Result<(), OperatorError> {
        self.tables.iter_mut().try_for_each(|table| Ok(table.committed()?))
    }
}

#[cfg(test)]
mod tests {
    use super::{Outer, TableTableJoin};
    use crate::operators::join::testing::check;

    const SCRIPT: &str = "
        left  @10 a | l1
        right @5  a | r1
        left  @20 a | l2
        right @30 b | r2
        right @31 a
        left  @32 a
        left  @33 b
        right @34 b
        right @35 b
        left  @36 - | l3";

    fn join(left: bool, right: bool, old: bool, expected: &str) {
        check([1, 1], &|inputs| TableTableJoin::new(inputs, Outer { left, right }, old), SCRIPT, expected);
    }

    #[test]
    fn an_inner_join_needs_both() {
        let expected = "
            @10 a | l1, r1
            @20 a | l2, r1 << l1, r1
            @31 a << l2, r1
            @33 b";
        join(false, false, true, expected);
    }

    #[test]
    fn a_left_join_needs_the_left_one() {
        let expected = "
            @10 a | l1, -
            @10 a | l1, r1 << l1, -
            @20 a | l2, r1 << l1, r1
            @31 a | l2, - << l2, r1
            @32 a << l2, -
            @33 b";
        join(true, false, true, expected);
    }

    #[test]
    fn a_right_join_needs_the_right_one() {
        let expected = "
            @10 a | l1, r1
            @20 a | l2, r1 << l1, r1
            @30 b | -, r2
            @31 a << l2, r1
            @33 b | -, r2 << -, r2
            @34 b << -, r2";
        join(false, true, true, expected);
    }

    #[test]
    fn a_full_join_needs_any() {
        let expected = "
            @10 a | l1, -
            @10 a | l1, r1
            @20 a | l2, r1
            @30 b | -, r2
            @31 a | l2, -
            @32 a
            @33 b | -, r2
            @34 b";
        join(true, true, false, expected);
    }
}
