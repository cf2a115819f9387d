//! What operators that evaluate expressions row by row have in common.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::buffer::BooleanBuffer;

use crate::expr::{Evaluator, RowErrors, Rows};
use crate::types::{Changes, Side};

use super::Context;

/// Key columns, then the columns of a side.
pub(super) fn layout(key: &[ArrayRef], side: &Side) -> Vec<ArrayRef> {
    key.iter().chain(&side.columns).cloned().collect()
}

/// Evaluates an expression for every row; failures of rows that have a value are reported.
pub(super) fn eval(
    expr: &Evaluator,
    columns: &[ArrayRef],
    len: usize,
    present: Option<&BooleanBuffer>,
    step: &str,
    ctx: &mut dyn Context,
) -> ArrayRef {
    let (result, failures) = eval_rows(expr, columns, len, present);
    failures.for_each(|(_, message)| ctx.row_error(step, message));
    result
}

/// Evaluates an expression for every row; with the failures of rows that have a value.
fn eval_rows<'a>(
    expr: &Evaluator,
    columns: &[ArrayRef],
    len: usize,
    present: Option<&'a BooleanBuffer>,
) -> (ArrayRef, impl Iterator<Item = (usize, String)> + use<'a>) {
    let mut errors = RowErrors::default();
    let result = expr.eval(Rows { columns, len }, &mut errors);
    let is_there = move |row: usize| present.is_none_or(|present| present.value(row));
    (result, errors.rows.into_iter().filter(move |(row, _)| is_there(*row)))
}

/// Rows of a side that have a value and for which the predicate is TRUE (NULL counts as FALSE). With `loses` those for which
/// it fails are reported as lost.
pub(super) fn matching(
    predicate: &Evaluator,
    rows: &Changes,
    side: &Side,
    loses: bool,
    step: &str,
    ctx: &mut dyn Context,
) -> BooleanBuffer {
    let columns = layout(&rows.key, side);
    let (mask, failures) = eval_rows(predicate, &columns, rows.len(), side.present.as_ref());
    for (row, message) in failures {
        match loses {
            true => ctx.row_lost(step, message, rows.seq.get(row).copied()),
            false => ctx.row_error(step, message),
        }
    }
    let Some(mask) = mask.as_boolean_opt() else { return BooleanBuffer::new_unset(rows.len()) };
    let bits = truth(mask);
    match &side.present {
        Some(present) => &bits & present,
        None => bits,
    }
}

fn truth(mask: &BooleanArray) -> BooleanBuffer {
    match mask.nulls() {
        Some(nulls) => mask.values() & nulls.inner(),
        None => mask.values().clone(),
    }
}
