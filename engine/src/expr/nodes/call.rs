//! Calls of functions.

use arrow::array::{Array, ArrayRef};
use datafusion_common::{Result, exec_datafusion_err};

use super::super::cast::Settings;
use super::super::functions::{Batch, Context, Run};
use super::{Frame, Operation};
use crate::types::SqlType;

/// Runs one variation of a function.
#[derive(Debug)]
pub(in super::super) struct CallFunction {
    pub(in super::super) name: &'static str,
    pub(in super::super) run: Run,
    pub(in super::super) types: Vec<SqlType>,
    pub(in super::super) returns: SqlType,
    pub(in super::super) settings: Settings,
    /// Arguments that are Java primitives: NULL there is an error.
    pub(in super::super) primitives: Vec<usize>,
}

impl Operation for CallFunction {
    fn run(&self, frame: &Frame<'_>) -> Result<ArrayRef> {
        let args = frame.args()?;
        for i in &self.primitives {
            if let Some(arg) = args.get(*i).filter(|arg| arg.array.null_count() > 0) {
                for row in (0..frame.len()).filter(|row| arg.is_null(*row)) {
                    frame.fail(row, || format!("argument {} of {} is NULL", i + 1, self.name));
                }
            }
        }
        let context = Context { types: &self.types, returns: &self.returns, settings: &self.settings };
        match self.run {
            Run::Batch(kernel) => {
                let failures = frame.failures();
                Ok(kernel(&Batch { name: self.name, args: &args, len: frame.len(), context: &context, failures })?)
            }
            Run::Lambda(_) | Run::Elsewhere => Err(exec_datafusion_err!("{} is not run by an expression", self.name)),
        }
    }
}
