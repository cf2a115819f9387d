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
    let mut errors = RowErrors::default();
    let result = expr.eval(Rows { columns, len }, &mut errors);
    for (row, message) in errors.rows {
        if present.is_none_or(|present| present.value(row)) {
            ctx.row_error(step, message);
        }
    }
    result
}

/// Rows of a side that have a value and for which the predicate is TRUE (NULL counts as FALSE).
pub(super) fn matching(
    predicate: &Evaluator,
    rows: &Changes,
    side: &Side,
    step: &str,
    ctx: &mut dyn Context,
) -> BooleanBuffer {
    let columns = layout(&rows.key, side);
    let mask = eval(predicate, &columns, rows.len(), side.present.as_ref(), step, ctx);
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
