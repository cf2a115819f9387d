//! A stream looks up a table.

use std::hint::black_box;
use std::ops::Range;

use arrow::array::UInt32Array;
use arrow::error::ArrowError;

use super::input::{Input, runs, two};
use super::output::{damaged, decoder};
use super::{Inputs, LEFT, RIGHT};
use crate::kv::Writes;
use crate::operators::{Context, EncodeKeys, Operator, OperatorError};
use crate::state::{Row, Store};
use crate::types::Changes;
use crate::types::row::RowDecoder;

/// Rows that are looked up together: few enough that what was read of them stays in the processor's cache.
const BLOCK: usize = 256;

/// Joins every row of the stream (port 0) with the row that the table (port 1) has for its key at that moment; changes
/// of the table emit nothing.
///
/// Output: the stream row's key, timestamp and headers; its value columns, then the table's. A stream row without a
/// value is dropped; so is one without a key or without a match, unless the join is a LEFT join: then the table's
/// columns are NULL.
pub(crate) struct StreamTableJoin {
    keys: EncodeKeys,
    outer_left: bool,
    table: Store<Vec<Row>>,
    right: RowDecoder,
    /// Bytes of a table row.
    bytes: Vec<u8>,
    /// Slots of a block's matches.
    slots: Vec<Option<u32>>,
    /// Stream rows that are in the output.
    kept: Vec<u32>,
}

impl StreamTableJoin {
    /// A join; the table as of the last commit is read from `inputs.place`.
    pub(crate) fn new(inputs: Inputs<'_>, outer_left: bool) -> Result<Self, OperatorError> {
        Ok(Self {
            keys: inputs.keys,
            outer_left,
            table: Store::open(Vec::new(), inputs.place.below("right"))?,
            right: decoder(&inputs.right.value),
            bytes: Vec::new(),
            slots: Vec::new(),
            kept: Vec::new(),
        })
    }

    fn change_table(&mut self, input: &Input<'_>, rows: Range<usize>) -> Result<(), OperatorError> {
        for row in rows {
            let Some(key) = input.key(row) else { continue };
            if input.row(row, &mut self.bytes) {
                let (slot, _) = self.table.upsert(0, key)?;
                self.table.values_mut()[slot as usize].set(input.rows.time[row], &self.bytes);
            } else if let Some(slot) = self.table.get(0, key)? {
                self.table.remove(slot);
            }
        }
        Ok(())
    }

    fn look_up(&mut self, input: &Input<'_>, rows: Range<usize>) -> Result<(), OperatorError> {
        let blocks = rows.clone().step_by(BLOCK).map(|start| start..rows.end.min(start + BLOCK));
        blocks.into_iter().try_for_each(|block| self.look_up_block(input, block))
    }

    /// Most of the time goes into waiting for memory. Step by step for a whole block, reads of different rows do not wait
    /// for each other: first the slots, then where the rows are, then their first bytes, then all of them.
    fn look_up_block(&mut self, input: &Input<'_>, rows: Range<usize>) -> Result<(), OperatorError> {
        self.slots.clear();
        for row in rows.clone() {
            self.slots.push(match input.key(row) {
                Some(key) => self.table.get(0, key)?,
                None => None,
            });
        }
        let table = self.table.values();
        let mut found: [Option<&[u8]>; BLOCK] = [None; BLOCK];
        for (found, slot) in found.iter_mut().zip(&self.slots) {
            *found = slot.map(|slot| table[slot as usize].bytes.as_ref());
        }
        black_box(found.iter().flatten().fold(0, |all, bytes| all ^ bytes.first().copied().unwrap_or(0)));
        for (row, found) in rows.zip(found) {
            if !input.rows.new.is_present(row) {
                continue;
            }
            match found {
                Some(bytes) => self.right.push(bytes).map_err(damaged)?,
                None if self.outer_left => self.right.push_null(),
                None => continue,
            }
            self.kept.push(row as u32);
        }
        Ok(())
    }

    /// The kept stream rows with the columns looked up.
    fn finish(&mut self, stream: &Changes) -> Result<Changes, ArrowError> {
        let kept = UInt32Array::from(std::mem::take(&mut self.kept));
        let mut joined = if kept.len() == stream.len() { stream.clone() } else { stream.take(&kept)? };
        joined.new.present = None;
        joined.new.columns.extend(self.right.finish()?);
        Ok(joined)
    }
}

impl Operator for StreamTableJoin {
    fn run(&mut self, inputs: Vec<Changes>, _: &mut dyn Context) -> Result<Changes, OperatorError> {
        let inputs = two(inputs)?;
        let stream = Input::new(&inputs[LEFT], &mut self.keys)?;
        let table = Input::new(&inputs[RIGHT], &mut self.keys)?;
        for (port, rows) in runs(&inputs) {
            if port == RIGHT { self.change_table(&table, rows)? } else { self.look_up(&stream, rows)? }
        }
        Ok(self.finish(&inputs[LEFT])?)
    }

    fn drain_state(&mut self, into: &mut Writes) {
        self.table.drain(into);
    }

    fn committed(&mut self) -> Result<(), OperatorError> {
        Ok(self.table.committed()?)
    }
}

#[cfg(test)]
mod tests {
    use super::StreamTableJoin;
    use crate::operators::join::testing::check;

    const SCRIPT: &str = "
        left  @10 a | l1
        right @20 a | r1
        left  @15 a | l2
        left  @16 b | l3
        right @21 a | r2
        right @22 b | -
        left  @30 a | l4
        left  @31 b | -
        left  @32 - | l5
        left  @33 a
        right @34 a
        left  @35 a | l6
        right @36 - | r3";

    #[test]
    fn a_stream_row_sees_the_table_as_it_is_then() {
        let expected = "
            @15 a | l2, r1
            @30 a | l4, r2
            @31 b | -, -";
        check([1, 1], &|inputs| StreamTableJoin::new(inputs, false), SCRIPT, expected);
    }

    #[test]
    fn a_left_join_keeps_every_stream_row_that_has_a_value() {
        let expected = "
            @10 a | l1, -
            @15 a | l2, r1
            @16 b | l3, -
            @30 a | l4, r2
            @31 b | -, -
            @32 - | l5, -
            @35 a | l6, -";
        check([1, 1], &|inputs| StreamTableJoin::new(inputs, true), SCRIPT, expected);
    }
}
