//! What operators that evaluate expressions row by row have in common.

use std::collections::HashSet;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::buffer::BooleanBuffer;

use crate::expr::{Evaluator, RowErrors, Rows};
use crate::types::{Changes, Side};

use super::{Context, Failed};

/// Key columns, then the columns of a side.
pub(super) fn layout(key: &[ArrayRef], side: &Side) -> Vec<ArrayRef> {
    key.iter().chain(&side.columns).cloned().collect()
}

/// What becomes of a row for which an expression fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It stays: what could not be computed is NULL.
    Kept,
    /// It is dropped, here or by the step that reads it.
    Lost,
    /// It was told when it was the new row.
    Told,
}

/// The rows of a side, over which a step evaluates expressions. Failures of rows that have a value are reported.
pub(super) struct Evaluation<'a> {
    step: &'a str,
    rows: &'a Changes,
    side: &'a Side,
    fate: Fate,
    columns: Vec<ArrayRef>,
}

impl<'a> Evaluation<'a> {
    /// Of that side of the rows.
    pub(super) fn new(step: &'a str, rows: &'a Changes, side: &'a Side, fate: Fate) -> Self {
        Self { step, rows, side, fate, columns: layout(&rows.key, side) }
    }

    /// Key columns, then those of the side.
    pub(super) fn columns(&self) -> &[ArrayRef] {
        &self.columns
    }

    /// The values of an expression. Where a part of it fails that part is NULL; only a row for which all of it is NULL then
    /// meets its fate.
    pub(super) fn eval(&self, expr: &Evaluator, ctx: &mut dyn Context) -> ArrayRef {
        let (result, failures) = self.eval_rows(expr, ctx);
        for (row, message) in failures {
            self.report(row, message, if result.is_null(row) { self.fate } else { Fate::Kept }, ctx);
        }
        result
    }

    /// The values of a grouping column. Rows for which it is NULL are in no group, and are reported, unless they are among
    /// those that are in none because of a column before.
    pub(super) fn eval_group(
        &self,
        column: usize,
        expr: &Evaluator,
        ungrouped: &mut HashSet<usize>,
        ctx: &mut dyn Context,
    ) -> ArrayRef {
        let (result, failures) = self.eval_rows(expr, ctx);
        for (row, message) in failures {
            if result.is_valid(row) {
                self.report(row, message, Fate::Kept, ctx);
            } else if ungrouped.insert(row) {
                self.report(row, message, self.fate, ctx);
            }
        }
        if ctx.is_cancelled() || result.null_count() == 0 {
            return result;
        }
        for row in (0..result.len()).filter(|row| result.is_null(*row) && self.side.is_present(*row)) {
            if ungrouped.insert(row) {
                let message = format!(
                    "Group-by column with index {column} resolved to null. The source row will be excluded from the table."
                );
                self.report(row, message, self.fate, ctx);
            }
        }
        result
    }

    /// Rows that have a value and for which the predicate is TRUE (NULL counts as FALSE).
    pub(super) fn matching(&self, predicate: &Evaluator, ctx: &mut dyn Context) -> BooleanBuffer {
        let (mask, failures) = self.eval_rows(predicate, ctx);
        let mut bits = mask.as_boolean_opt().map_or_else(|| BooleanBuffer::new_unset(self.rows.len()), truth);
        if let Some(present) = &self.side.present {
            bits = &bits & present;
        }
        for (row, message) in failures {
            self.report(row, message, if bits.value(row) { Fate::Kept } else { self.fate }, ctx);
        }
        bits
    }

    /// The values of an expression; rows that have a value and for which it fails, and why.
    pub(super) fn eval_rows(&self, expr: &Evaluator, ctx: &dyn Context) -> (ArrayRef, Vec<(usize, String)>) {
        if ctx.is_cancelled() {
            return (expr.nulls(self.rows.len()), Vec::new());
        }
        let mut errors = RowErrors::default();
        let result = expr.eval(Rows { columns: &self.columns, len: self.rows.len() }, &mut errors);
        errors.rows.retain(|(row, _)| self.side.is_present(*row));
        (result, errors.rows)
    }

    /// Reports that a row failed, and what becomes of it.
    pub(super) fn report(&self, row: usize, message: String, fate: Fate, ctx: &mut dyn Context) {
        if self.fate == Fate::Told {
            return;
        }
        let failed = Failed { step: self.step, message, row: Some((&self.columns, row)) };
        match fate {
            Fate::Lost => ctx.row_lost(failed, self.rows.seq.get(row).copied()),
            Fate::Kept | Fate::Told => ctx.row_error(failed),
        }
    }
}

fn truth(mask: &BooleanArray) -> BooleanBuffer {
    match mask.nulls() {
        Some(nulls) => mask.values() & nulls.inner(),
        None => mask.values().clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Array, ArrayRef, BooleanArray, Int32Array};

    use super::*;
    use crate::expr::{Kind, Registry, Settings, Typed, compile};
    use crate::types::SqlType;

    struct Gone;

    impl Context for Gone {
        fn row_error(&mut self, failed: Failed<'_>) {
            panic!("{failed:?}");
        }
        fn is_cancelled(&self) -> bool {
            true
        }
    }

    #[test]
    fn nothing_is_computed_for_nobody() {
        let columns: Vec<ArrayRef> =
            vec![Arc::new(Int32Array::from(vec![1, 2])), Arc::new(BooleanArray::from(vec![true; 2]))];
        let rows = Changes {
            key: Vec::new(),
            null_keys: None,
            windows: None,
            new: Side { columns, present: None },
            old: None,
            time: vec![0, 0].into(),
            seq: vec![0, 1].into(),
            headers: None,
        };
        let column =
            |ty, at| compile(&Typed { ty, kind: Kind::Column(at) }, &Registry::with(&[]), &Settings::default());
        let evaluation = Evaluation::new("S", &rows, &rows.new, Fate::Lost);
        let values = evaluation.eval(&column(SqlType::Integer, 0).unwrap(), &mut Gone);
        assert_eq!((values.len(), values.null_count()), (2, 2));
        assert_eq!(evaluation.matching(&column(SqlType::Boolean, 1).unwrap(), &mut Gone).count_set_bits(), 0);
    }
}
