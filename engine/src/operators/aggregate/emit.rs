//! Rows put together from results.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, UInt32Array};
use arrow::buffer::{BooleanBuffer, ScalarBuffer};
use arrow::compute::take;
use arrow::error::ArrowError;

use crate::expr::aggregates::{Emit, Op, Results};
use crate::types::{Changes, Side, Windows};

/// What is known of the output rows before the results are: one entry per op that emits, in their order.
#[derive(Default)]
pub(super) struct Emissions {
    rows: Vec<u32>,
    times: Vec<i64>,
    existed: Vec<bool>,
    gone: Vec<bool>,
    starts: Vec<i64>,
    ends: Vec<i64>,
}

/// One output row: the input row it comes from, its ROWTIME, whether the group was there before, whether it is not now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Emission {
    pub(super) row: u32,
    pub(super) time: i64,
    pub(super) existed: bool,
    pub(super) gone: bool,
}

impl Emissions {
    pub(super) fn push(&mut self, emission: Emission) {
        self.rows.push(emission.row);
        self.times.push(emission.time);
        self.existed.push(emission.existed);
        self.gone.push(emission.gone);
    }

    pub(super) fn push_windowed(&mut self, emission: Emission, window: (i64, i64)) {
        self.push(emission);
        self.starts.push(window.0);
        self.ends.push(window.1);
    }

    /// Of several emissions of one group only the last stays; it says whether the group was there before the first.
    /// `ops[i]` makes emission `i`.
    pub(super) fn keep_last(&mut self, ops: &mut [Op], slots: usize) {
        const NEVER: u32 = u32::MAX;
        let mut last = vec![NEVER; slots];
        let mut existed = vec![true; slots];
        for (i, op) in ops.iter().enumerate() {
            if last[op.slot as usize] == NEVER {
                existed[op.slot as usize] = self.existed[i];
            }
            last[op.slot as usize] = i as u32;
        }
        for (i, op) in ops.iter_mut().enumerate() {
            self.existed[i] = existed[op.slot as usize];
            if last[op.slot as usize] != i as u32 {
                op.emit = Emit::Nothing;
            }
        }
        let kept = |i: usize| ops[i].emit != Emit::Nothing;
        retain(&mut self.rows, kept);
        retain(&mut self.times, kept);
        retain(&mut self.existed, kept);
        retain(&mut self.gone, kept);
        retain(&mut self.starts, kept);
        retain(&mut self.ends, kept);
    }

    /// The output: keys, `seq` and headers of the input rows, results as value columns, then the window's bounds.
    pub(super) fn finish(
        self,
        input: &Changes,
        results: Vec<Results>,
        windowed: bool,
        with_old: bool,
    ) -> Result<Changes, ArrowError> {
        let count = self.rows.len();
        let rows = UInt32Array::from(self.rows);
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for result in results {
            before.extend(result.before);
            after.push(result.after);
        }
        let starts = ScalarBuffer::from(self.starts);
        let ends = ScalarBuffer::from(self.ends);
        if windowed {
            for bounds in [&starts, &ends] {
                let column: ArrayRef = Arc::new(Int64Array::new(bounds.clone(), None));
                before.push(column.clone());
                after.push(column);
            }
        }
        let identity = count == input.len() && rows.values().iter().enumerate().all(|(i, &row)| i == row as usize);
        let pick = |column: &ArrayRef| if identity { Ok(column.clone()) } else { take(column, &rows, None) };
        let windows = match (&input.windows, windowed) {
            (_, true) => Some(Windows { start: starts, end: ends }),
            (Some(windows), false) => Some(Windows {
                start: rows.values().iter().map(|&row| windows.start[row as usize]).collect(),
                end: rows.values().iter().map(|&row| windows.end[row as usize]).collect(),
            }),
            (None, false) => None,
        };
        let headers = input.headers.as_ref().map(|headers| take(headers, &rows, None)).transpose()?;
        Ok(Changes {
            key: input.key.iter().map(pick).collect::<Result<_, _>>()?,
            null_keys: None,
            windows,
            new: side(after, self.gone.iter().map(|gone| !gone).collect())?,
            old: if with_old { Some(side(before, BooleanBuffer::from(self.existed))?) } else { None },
            time: ScalarBuffer::from(self.times),
            seq: rows.values().iter().map(|&row| input.seq[row as usize]).collect(),
            headers: headers.and_then(|headers| headers.as_any().downcast_ref().cloned()),
        })
    }
}

fn side(columns: Vec<ArrayRef>, present: BooleanBuffer) -> Result<Side, ArrowError> {
    let all = present.count_set_bits() == present.len();
    let mut side = Side { columns, present: (!all).then_some(present) };
    side.mask_absent()?;
    Ok(side)
}

fn retain<T: Copy>(values: &mut Vec<T>, kept: impl Fn(usize) -> bool) {
    let mut at = 0;
    values.retain(|_| {
        at += 1;
        kept(at - 1)
    });
}
