//! PARTITION BY, and the new key of a GROUP BY or join on a stream.

use arrow::array::{ArrayRef, BooleanArray};
use arrow::compute::nullif;

use crate::expr::Evaluator;
use crate::types::{Changes, Side};

use super::rows::{eval, layout};
use super::{Context, Operator, OperatorError};

/// Computes a new key and picks the value columns. No row is dropped: a key that cannot be computed is NULL, and for a
/// row without a value so is every key that reads value columns.
pub(crate) struct Rekey {
    step: String,
    key: Vec<Evaluator>,
    value: Vec<usize>,
}

impl Rekey {
    /// `key` is over the input's row layout, `value` are positions in it.
    pub(crate) fn new(step: &str, key: Vec<Evaluator>, value: Vec<usize>) -> Self {
        Self { step: step.to_owned(), key, value }
    }
}

impl Operator for Rekey {
    fn run(&mut self, inputs: Vec<Changes>, ctx: &mut dyn Context) -> Result<Changes, OperatorError> {
        let rows = super::only(inputs)?;
        let columns = layout(&rows.key, &rows.new);
        let present = rows.new.present.as_ref();
        let mut key: Vec<ArrayRef> = Vec::with_capacity(self.key.len());
        for expr in &self.key {
            let column = eval(expr, &columns, rows.len(), present, &self.step, ctx);
            let reads_value = expr.columns().iter().any(|at| *at >= rows.key.len());
            key.push(match present {
                Some(present) if reads_value => nullif(&column, &BooleanArray::new(!present, None))?,
                _ => column,
            });
        }
        let picked = self.value.iter().filter_map(|at| columns.get(*at).cloned()).collect();
        let mut new = Side { columns: picked, present: rows.new.present.clone() };
        new.mask_absent()?;
        Ok(Changes { key, new, windows: None, old: None, ..rows })
    }
}
