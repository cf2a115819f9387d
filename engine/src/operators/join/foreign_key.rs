//! A table finds its rows' partners in another table by a foreign key.

use arrow::array::{Array, BinaryArray};

use super::input::{Input, runs, two};
use super::output::{Origin, Output, Pair};
use super::subscribers::{Subscribers, subscribe, unsubscribe};
use super::{Inputs, LEFT, RIGHT};
use crate::expr::Evaluator;
use crate::kv::Writes;
use crate::operators::rows::{Evaluation, Fate};
use crate::operators::{Context, EncodeKeys, Operator, OperatorError};
use crate::state::{Layout, Row, Store, Stored};
use crate::types::Changes;
use crate::types::row::{BadRow, get_u64, put_u64, take};

/// Joins the table `left` to the table `right` where an expression over left's row equals right's key.
///
/// Output: keyed as left; the left value columns, then the right ones.
/// * A left change emits its joined row; ROWTIME is the later of the two rows'. In an inner join a row without a
///   partner emits nothing, or a tombstone when it was there before with another foreign key, even NULL (whether it had a
///   partner is not asked). A delete emits a tombstone if the row had a foreign key.
/// * A right change emits the joined row of every left row with that foreign key, in the order of their serialised
///   keys; ROWTIME is the right row's. Where the right row is gone that is a tombstone, or, in a LEFT join, the left row
///   alone.
/// * A foreign key that is NULL or could not be evaluated (which is reported) has no partner.
pub(crate) struct ForeignKeyJoin {
    step: String,
    left_keys: EncodeKeys,
    right_keys: EncodeKeys,
    foreign_key: Evaluator,
    outer_left: bool,
    left: Store<Vec<LeftRow>>,
    right: Store<Vec<Row>>,
    /// Foreign key → keys of left rows.
    subscribers: Store<Vec<Subscribers>>,
    output: Output,
    bytes: Vec<u8>,
    key_row: Vec<u8>,
}

impl ForeignKeyJoin {
    /// A join; failures are reported as those of `step`. `inputs.keys` serialises left's keys, `right_keys` those of right; `foreign_key` is compiled over left's
    /// row layout and has the type of right's key. `emit_old`: whether somebody reads the old rows of the result.
    pub(crate) fn new(
        step: &str,
        inputs: Inputs<'_>,
        right_keys: EncodeKeys,
        foreign_key: Evaluator,
        outer_left: bool,
        emit_old: bool,
    ) -> Result<Self, OperatorError> {
        Ok(Self {
            step: step.to_owned(),
            foreign_key,
            outer_left,
            left: Store::open(Vec::new(), inputs.place.below("left"))?,
            right: Store::open(Vec::new(), inputs.place.below("right"))?,
            subscribers: Store::open(Vec::new(), inputs.place.below("subscribers"))?,
            output: Output::new(inputs.left, inputs.right, emit_old),
            left_keys: inputs.keys,
            right_keys,
            bytes: Vec::new(),
            key_row: Vec::new(),
        })
    }

    /// The foreign key of every left row, serialised.
    fn foreign_keys(&mut self, left: &Changes, ctx: &mut dyn Context) -> Result<ForeignKeys, OperatorError> {
        let fate = if self.outer_left { Fate::Kept } else { Fate::Lost };
        let column = Evaluation::new(&self.step, left, &left.new, fate).eval(&self.foreign_key, ctx);
        Ok(ForeignKeys((self.right_keys)(&[column], None, left.len())?))
    }

    fn change_left(&mut self, input: &Input<'_>, keys: &ForeignKeys, row: usize) -> Result<(), OperatorError> {
        let Some(key) = input.key(row) else { return Ok(()) };
        let time = input.rows.time[row];
        let new = if input.row(row, &mut self.bytes) { Some(self.bytes.as_slice()) } else { None };
        let old = match self.left.get(0, key)? {
            Some(slot) => Some(std::mem::take(&mut self.left.values_mut()[slot as usize])),
            None => None,
        };
        if new.is_none() && old.is_none() {
            return Ok(());
        }
        let new_key = new.and_then(|_| keys.get(row));
        let old_key = old.as_ref().and_then(|old| old.foreign_key.as_deref());
        if new_key != old_key {
            if let Some(foreign_key) = old_key {
                unsubscribe(&mut self.subscribers, foreign_key, key)?;
            }
            if let Some(foreign_key) = new_key {
                subscribe(&mut self.subscribers, foreign_key, key)?;
            }
        }
        input.key_row(row, &mut self.key_row);
        let partners = [find(&mut self.right, new_key)?, find(&mut self.right, old_key)?];
        let [new_right, old_right] = partners.map(|slot| slot.map(|slot| &self.right.values()[slot as usize]));
        let result = joined(self.outer_left, new, new_right);
        if result.is_some() || self.outer_left || (old.is_some() && old_key != new_key) {
            // The tombstone of a row that lost its foreign key was caused by the old partner.
            let partner = if new_key.is_none() && !self.outer_left { old_right } else { new_right };
            let time = partner.map_or(time, |partner| time.max(partner.time));
            let origin = Origin { port: LEFT, row, key_row: &self.key_row, window: None, time };
            let old = joined(self.outer_left, old.as_ref().map(|old| old.bytes.as_ref()), old_right);
            self.output.push(origin, result, old)?;
        }
        match new {
            Some(bytes) => {
                let (slot, _) = self.left.upsert(0, key)?;
                self.left.values_mut()[slot as usize] = LeftRow {
                    foreign_key: new_key.map(Box::from),
                    key_row: self.key_row.as_slice().into(),
                    bytes: bytes.into(),
                };
            }
            None => {
                if let Some(slot) = self.left.get(0, key)? {
                    self.left.remove(slot);
                }
            }
        }
        Ok(())
    }

    fn change_right(&mut self, input: &Input<'_>, row: usize) -> Result<(), OperatorError> {
        let Some(key) = input.key(row) else { return Ok(()) };
        let time = input.rows.time[row];
        let new = input.row(row, &mut self.bytes).then(|| Row { time, bytes: self.bytes.as_slice().into() });
        let slot = self.right.get(0, key)?;
        let old = slot.map(|slot| std::mem::take(&mut self.right.values_mut()[slot as usize]));
        if let Some(at) = self.subscribers.get(0, key)? {
            for left_key in self.subscribers.values()[at as usize].iter() {
                let Some(slot) = self.left.get(0, left_key)? else { continue };
                let left = &self.left.values()[slot as usize];
                let origin = Origin { port: RIGHT, row, key_row: &left.key_row, window: None, time };
                let [new, old] = [&new, &old].map(|right| joined(self.outer_left, Some(&left.bytes), right.as_ref()));
                self.output.push(origin, new, old)?;
            }
        }
        match (new, slot) {
            (Some(new), _) => {
                let (slot, _) = self.right.upsert(0, key)?;
                self.right.values_mut()[slot as usize] = new;
            }
            (None, Some(slot)) => self.right.remove(slot),
            (None, None) => {}
        }
        Ok(())
    }
}

fn find(right: &mut Store<Vec<Row>>, key: Option<&[u8]>) -> Result<Option<u32>, OperatorError> {
    Ok(match key {
        Some(key) => right.get(0, key)?,
        None => None,
    })
}

/// The joined row, if there is one.
fn joined<'a>(outer_left: bool, left: Option<&'a [u8]>, right: Option<&'a Row>) -> Option<Pair<'a>> {
    let right = right.map(|row| row.bytes.as_ref());
    (left.is_some() && (right.is_some() || outer_left)).then_some(Pair { left, right })
}

/// Serialised foreign keys of a batch of left rows.
struct ForeignKeys(BinaryArray);

impl ForeignKeys {
    fn get(&self, row: usize) -> Option<&[u8]> {
        (!self.0.is_null(row)).then(|| self.0.value(row))
    }
}

/// A row of the left table.
#[derive(Debug, Default)]
struct LeftRow {
    /// Serialised.
    foreign_key: Option<Box<[u8]>>,
    /// Encoded key columns.
    key_row: Box<[u8]>,
    /// Encoded value columns.
    bytes: Box<[u8]>,
}

impl Operator for ForeignKeyJoin {
    fn run(&mut self, inputs: Vec<Changes>, ctx: &mut dyn Context) -> Result<Changes, OperatorError> {
        let inputs = two(inputs)?;
        let foreign_keys = self.foreign_keys(&inputs[LEFT], ctx)?;
        let left = Input::new(&inputs[LEFT], &mut self.left_keys)?;
        let right = Input::new(&inputs[RIGHT], &mut self.right_keys)?;
        for (port, rows) in runs(&inputs) {
            for row in rows {
                if port == LEFT {
                    self.change_left(&left, &foreign_keys, row)?
                } else {
                    self.change_right(&right, row)?
                }
            }
        }
        Ok(self.output.finish(&inputs)?)
    }

    fn drain_state(&mut self, into: &mut Writes) {
        self.left.drain(into);
        self.right.drain(into);
        self.subscribers.drain(into);
    }

    fn committed(&mut self) -> Result<(), OperatorError> {
        self.left.committed()?;
        self.right.committed()?;
        Ok(self.subscribers.committed()?)
    }
}

/// Length of the foreign key + 1 or 0, foreign key; length of the key row, key row; row.
impl Stored for LeftRow {
    const LAYOUT: Layout = Layout { kind: "rows with a foreign key", version: 1 };

    fn encode(&self, into: &mut Vec<u8>) {
        put_u64(self.foreign_key.as_ref().map_or(0, |key| key.len() as u64 + 1), into);
        into.extend_from_slice(self.foreign_key.as_deref().unwrap_or_default());
        put_u64(self.key_row.len() as u64, into);
        into.extend_from_slice(&self.key_row);
        into.extend_from_slice(&self.bytes);
    }

    fn decode(mut bytes: &[u8]) -> Result<Self, BadRow> {
        let bytes = &mut bytes;
        let len = |n: u64| usize::try_from(n).map_err(|_| BadRow);
        let foreign_key = match get_u64(bytes)? {
            0 => None,
            n => Some(Box::from(take(bytes, len(n - 1)?)?)),
        };
        let key_len = len(get_u64(bytes)?)?;
        let key_row = Box::from(take(bytes, key_len)?);
        Ok(Self { foreign_key, key_row, bytes: Box::from(*bytes) })
    }

    fn heap_bytes(&self) -> usize {
        self.foreign_key.as_ref().map_or(0, |key| key.len()) + self.key_row.len() + self.bytes.len() + 48
    }
}

#[cfg(test)]
mod tests {
    use super::ForeignKeyJoin;
    use crate::expr::{Kind, Registry, Settings, Typed, compile};
    use crate::operators::join::testing::{check, text_keys};
    use crate::types::SqlType;

    const SCRIPT: &str = "
        left  @10 b | p, l1
        left  @11 a | p, l2
        left  @12 c | -, l3
        right @5  p | r1
        left  @20 a | p, l4
        left  @21 a | q, l5
        right @22 q | r2
        left  @23 a | -, l6
        left  @24 a | q, l7
        left  @24 c | s, l8
        right @25 p
        left  @26 b
        left  @27 b
        left  @15 a
        left  @28 c";

    fn join(outer_left: bool, expected: &str) {
        let foreign_key = Typed { ty: SqlType::String, kind: Kind::Column(1) };
        let make = |inputs: super::Inputs<'_>| {
            let foreign_key = compile(&foreign_key, &Registry::with(&[]), &Settings::default()).unwrap();
            ForeignKeyJoin::new("J", inputs, text_keys(), foreign_key, outer_left, true)
        };
        check([2, 1], &make, SCRIPT, expected);
    }

    #[test]
    fn an_inner_join_emits_a_tombstone_when_the_partner_changes_to_none() {
        let expected = "
            @5 a | p, l2, r1
            @5 b | p, l1, r1
            @20 a | p, l4, r1 << p, l2, r1
            @21 a << p, l4, r1
            @22 a | q, l5, r2
            @23 a << q, l5, r2
            @24 a | q, l7, r2
            @24 c
            @25 b << p, l1, r1
            @26 b
            @22 a << q, l7, r2
            @28 c";
        join(false, expected);
    }

    #[test]
    fn a_left_join_emits_every_left_row() {
        let expected = "
            @10 b | p, l1, -
            @11 a | p, l2, -
            @12 c | -, l3, -
            @5 a | p, l2, r1 << p, l2, -
            @5 b | p, l1, r1 << p, l1, -
            @20 a | p, l4, r1 << p, l2, r1
            @21 a | q, l5, - << p, l4, r1
            @22 a | q, l5, r2 << q, l5, -
            @23 a | -, l6, - << q, l5, r2
            @24 a | q, l7, r2 << -, l6, -
            @24 c | s, l8, - << -, l3, -
            @25 b | p, l1, - << p, l1, r1
            @26 b << p, l1, -
            @15 a << q, l7, r2
            @28 c << s, l8, -";
        join(true, expected);
    }
}
