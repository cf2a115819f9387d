//! PARTITION BY, and the new key of a GROUP BY or join on a stream.

use std::collections::HashSet;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::compute::nullif;

use crate::expr::Evaluator;
use crate::types::{Changes, Side};

use super::rows::{Evaluation, Fate};
use super::{Context, Operator, OperatorError};

/// What the reader of a new key does with a row whose key is NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keyless {
    /// It takes it as it is: PARTITION BY, and the side of a join whose rows all stay.
    Stays,
    /// It drops it: nothing joins it.
    Unjoined,
    /// It drops it: it is in no group.
    Ungrouped,
}

/// Computes a new key and picks the value columns. No row is dropped here: a key that cannot be computed is NULL, and for a
/// row without a value so is every key that reads value columns. What its reader will drop is reported as lost, though,
/// since only here is the record at hand.
pub(crate) struct Rekey {
    step: String,
    key: Vec<Evaluator>,
    value: Vec<usize>,
    keyless: Keyless,
}

impl Rekey {
    /// `key` is over the input's row layout, `value` are positions in it.
    pub(crate) fn new(step: &str, key: Vec<Evaluator>, value: Vec<usize>, keyless: Keyless) -> Self {
        Self { step: step.to_owned(), key, value, keyless }
    }
}

impl Operator for Rekey {
    fn run(&mut self, inputs: Vec<Changes>, ctx: &mut dyn Context) -> Result<Changes, OperatorError> {
        let rows = super::only(inputs)?;
        let fate = if self.keyless == Keyless::Stays { Fate::Kept } else { Fate::Lost };
        let evaluation = Evaluation::new(&self.step, &rows, &rows.new, fate);
        let present = rows.new.present.as_ref();
        let mut ungrouped = HashSet::new();
        let mut key: Vec<ArrayRef> = Vec::with_capacity(self.key.len());
        for (at, expr) in self.key.iter().enumerate() {
            let column = match self.keyless {
                Keyless::Ungrouped => evaluation.eval_group(at, expr, &mut ungrouped, ctx),
                Keyless::Stays | Keyless::Unjoined => evaluation.eval(expr, ctx),
            };
            let reads_value = expr.columns().iter().any(|at| *at >= rows.key.len());
            key.push(match present {
                Some(present) if reads_value => nullif(&column, &BooleanArray::new(!present, None))?,
                _ => column,
            });
        }
        let picked = self.value.iter().filter_map(|at| evaluation.columns().get(*at).cloned()).collect();
        let mut new = Side { columns: picked, present: rows.new.present.clone() };
        new.mask_absent()?;
        Ok(Changes { key, null_keys: None, new, windows: None, old: None, ..rows })
    }
}
