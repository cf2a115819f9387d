//! WHERE and HAVING.

use arrow::array::BooleanArray;
use arrow::buffer::BooleanBuffer;

use crate::expr::Evaluator;
use crate::types::{Changes, Side};

use super::rows::{Evaluation, Fate};
use super::{Context, Operator, OperatorError};

/// Keeps rows whose predicate is TRUE (NULL counts as FALSE; a record without a value never matches).
///
/// On a table, a row that does not match becomes a tombstone, so downstream never keeps a stale row; where the old side
/// is known, a row that did not match before either is left out.
pub(crate) struct Filter {
    step: String,
    predicate: Evaluator,
    is_table: bool,
}

impl Filter {
    /// `predicate` is over the input's row layout.
    pub(crate) fn new(step: &str, predicate: Evaluator, is_table: bool) -> Self {
        Self { step: step.to_owned(), predicate, is_table }
    }
}

impl Operator for Filter {
    fn run(&mut self, inputs: Vec<Changes>, ctx: &mut dyn Context) -> Result<Changes, OperatorError> {
        self.apply(super::only(inputs)?, ctx)
    }
}

impl Filter {
    fn matching(&self, rows: &Changes, side: &Side, fate: Fate, ctx: &mut dyn Context) -> BooleanBuffer {
        Evaluation::new(&self.step, rows, side, fate).matching(&self.predicate, ctx)
    }

    /// The rows that stay.
    pub(super) fn apply(&self, mut rows: Changes, ctx: &mut dyn Context) -> Result<Changes, OperatorError> {
        if rows.is_empty() {
            return Ok(rows);
        }
        let now = self.matching(&rows, &rows.new, Fate::Lost, ctx);
        if !self.is_table {
            return Ok(if now.count_set_bits() == rows.len() {
                rows
            } else {
                rows.filter(&BooleanArray::new(now, None))?
            });
        }
        let before = rows.old.as_ref().map(|old| self.matching(&rows, old, Fate::Told, ctx));
        rows.new.present = Some(now.clone());
        rows.new.mask_absent()?;
        if let (Some(old), Some(before)) = (&mut rows.old, before) {
            old.present = Some(before.clone());
            old.mask_absent()?;
            rows = rows.filter(&BooleanArray::new(&now | &before, None))?;
        }
        Ok(rows)
    }
}
