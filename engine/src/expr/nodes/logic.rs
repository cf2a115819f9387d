//! AND, OR, NOT, CASE. What need not be evaluated for a row is not, so that its failures do not count.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, UInt32Array, new_null_array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{interleave, take_record_batch};
use datafusion_common::Result;

use super::{Arg, Frame, Operation};

/// `left AND right`
#[derive(Debug)]
pub(in super::super) struct And {
    /// The right side cannot fail: evaluating it for all rows is cheaper than choosing rows.
    pub(in super::super) eager: bool,
}

/// `left OR right`
#[derive(Debug)]
pub(in super::super) struct Or {
    /// As in [`And`].
    pub(in super::super) eager: bool,
}

/// `NOT expr`
#[derive(Debug)]
pub(in super::super) struct Not;

impl Operation for And {
    fn run(&self, frame: &Frame<'_>) -> Result<ArrayRef> {
        let left = truths(frame, &frame.arg(0)?)?;
        let right = right_where(frame, &left, self.eager)?;
        Ok(Arc::new(BooleanArray::new(&left & &right, None)))
    }
}

impl Operation for Or {
    fn run(&self, frame: &Frame<'_>) -> Result<ArrayRef> {
        let left = truths(frame, &frame.arg(0)?)?;
        let right = right_where(frame, &!&left, self.eager)?;
        Ok(Arc::new(BooleanArray::new(&left | &right, None)))
    }
}

impl Operation for Not {
    fn run(&self, frame: &Frame<'_>) -> Result<ArrayRef> {
        let values = truths(frame, &frame.arg(0)?)?;
        Ok(Arc::new(BooleanArray::new(!&values, None)))
    }
}

/// The right side where it is needed, FALSE elsewhere.
fn right_where(frame: &Frame<'_>, needed: &BooleanBuffer, eager: bool) -> Result<BooleanBuffer> {
    let count = needed.count_set_bits();
    if eager || count == frame.len() {
        return truths(frame, &frame.arg(1)?);
    }
    let mut result = arrow::array::BooleanBufferBuilder::new(frame.len());
    result.append_n(frame.len(), false);
    if count > 0 {
        let rows: UInt32Array = needed.set_indices().map(|row| row as u32).collect();
        let chosen = frame.arg_over(1, &take_record_batch(frame.batch, &rows)?)?;
        let values = chosen.array.as_boolean();
        for (i, row) in rows.values().iter().enumerate() {
            let at = chosen.index(i);
            if chosen.array.is_null(at) {
                frame.fail(*row as usize, || "a condition is NULL".to_owned());
            } else {
                result.set_bit(*row as usize, values.value(at));
            }
        }
    }
    Ok(result.finish())
}

/// A condition without NULLs: where it is NULL, the expression fails.
fn truths(frame: &Frame<'_>, arg: &Arg) -> Result<BooleanBuffer> {
    let array = arg.expand(frame.len())?;
    let array = array.as_boolean();
    let Some(nulls) = array.nulls().filter(|nulls| nulls.null_count() > 0) else { return Ok(array.values().clone()) };
    for row in (0..array.len()).filter(|row| nulls.is_null(*row)) {
        frame.fail(row, || "a condition is NULL".to_owned());
    }
    Ok(array.values() & nulls.inner())
}

/// Searched CASE; arguments are condition, result, condition, result, …, maybe the default.
#[derive(Debug)]
pub(in super::super) struct Case;

impl Operation for Case {
    fn run(&self, frame: &Frame<'_>) -> Result<ArrayRef> {
        // Where each row's value stands: (piece, row of the piece). Piece 0 is a lone NULL.
        let mut places = vec![(0, 0); frame.len()];
        let mut pieces: Vec<ArrayRef> = vec![new_null_array(frame.ty(), 1)];
        let mut open: Vec<u32> = (0..frame.len() as u32).collect();
        let branches = frame.arg_count() / 2;
        for branch in 0..branches {
            if open.is_empty() {
                break;
            }
            let condition = evaluate(frame, branch * 2, &open)?;
            let truths = condition.array.as_boolean();
            let (mut matching, mut rest) = (Vec::new(), Vec::new());
            for (i, row) in open.iter().enumerate() {
                let at = condition.index(i);
                if condition.array.is_null(at) {
                    frame.fail(*row as usize, || "a condition is NULL".to_owned());
                } else if truths.value(at) {
                    matching.push(*row);
                } else {
                    rest.push(*row);
                }
            }
            place(frame, branch * 2 + 1, &matching, &mut places, &mut pieces)?;
            open = rest;
        }
        if frame.arg_count() % 2 == 1 {
            place(frame, frame.arg_count() - 1, &open, &mut places, &mut pieces)?;
        }
        let pieces: Vec<&dyn Array> = pieces.iter().map(|piece| &**piece).collect();
        Ok(interleave(&pieces, &places)?)
    }
}

fn evaluate(frame: &Frame<'_>, arg: usize, rows: &[u32]) -> Result<Arg> {
    if rows.len() == frame.len() {
        return frame.arg(arg);
    }
    frame.arg_over(arg, &take_record_batch(frame.batch, &UInt32Array::from(rows.to_vec()))?)
}

fn place(
    frame: &Frame<'_>,
    arg: usize,
    rows: &[u32],
    places: &mut [(usize, usize)],
    pieces: &mut Vec<ArrayRef>,
) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let result = evaluate(frame, arg, rows)?;
    for (i, row) in rows.iter().enumerate() {
        if let Some(place) = places.get_mut(*row as usize) {
            *place = (pieces.len(), result.index(i));
        }
    }
    pieces.push(result.array);
    Ok(())
}
