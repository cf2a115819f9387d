//! SELECT lists.

use crate::expr::Evaluator;
use crate::types::{Changes, Side};

use super::rows::{Evaluation, Fate};
use super::{Context, Operator, OperatorError};

/// Computes the value columns and picks the key columns. Rows without a value stay so.
pub(crate) struct Project {
    step: String,
    key: Vec<usize>,
    value: Vec<Evaluator>,
}

impl Project {
    /// `key` are positions of key columns; `value` is over the input's row layout.
    pub(crate) fn new(step: &str, key: Vec<usize>, value: Vec<Evaluator>) -> Self {
        Self { step: step.to_owned(), key, value }
    }

    fn side(&self, rows: &Changes, side: &Side, fate: Fate, ctx: &mut dyn Context) -> Result<Side, OperatorError> {
        let evaluation = Evaluation::new(&self.step, rows, side, fate);
        let columns = self.value.iter().map(|expr| evaluation.eval(expr, ctx)).collect();
        let mut side = Side { columns, present: side.present.clone() };
        side.mask_absent()?;
        Ok(side)
    }
}

impl Operator for Project {
    fn run(&mut self, inputs: Vec<Changes>, ctx: &mut dyn Context) -> Result<Changes, OperatorError> {
        self.apply(super::only(inputs)?, ctx)
    }
}

impl Project {
    /// The projected rows.
    pub(super) fn apply(&self, rows: Changes, ctx: &mut dyn Context) -> Result<Changes, OperatorError> {
        let new = self.side(&rows, &rows.new, Fate::Kept, ctx)?;
        let old = rows.old.as_ref().map(|old| self.side(&rows, old, Fate::Told, ctx)).transpose()?;
        let key = self.key.iter().filter_map(|at| rows.key.get(*at).cloned()).collect();
        Ok(Changes { key, new, old, ..rows })
    }
}
