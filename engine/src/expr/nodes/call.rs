//! Calls of functions.

use arrow::array::{Array, ArrayRef};
use datafusion_common::{Result, exec_datafusion_err};

use super::super::cast::Settings;
use super::super::functions::{Batch, Context, RowKernel, Run};
use super::{Arg, Frame, Operation};
use crate::types::{SqlType, Value};

/// A column of Arrow addresses 2 GiB.
const MOST_BYTES: usize = 1 << 30;

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
            Run::Row(kernel) => Ok(self.rows(frame, &args, kernel, &context, false)),
            Run::RowNulls(kernel) => Ok(self.rows(frame, &args, kernel, &context, true)),
            Run::Lambda(_) | Run::Elsewhere => Err(exec_datafusion_err!("{} is not run by an expression", self.name)),
        }
    }
}

impl CallFunction {
    fn rows(&self, frame: &Frame<'_>, args: &[Arg], kernel: RowKernel, context: &Context<'_>, nulls: bool) -> ArrayRef {
        // Constants are made once.
        let mut row_values: Vec<Value> = args.iter().map(|arg| Value::at(&arg.array, 0)).collect();
        let mut bytes = 0;
        let results: Vec<Value> = (0..frame.len())
            .map(|row| {
                if frame.has_failed(row) || (!nulls && args.iter().any(|arg| arg.is_null(row))) {
                    return Value::Null;
                }
                for (value, arg) in row_values.iter_mut().zip(args).filter(|(_, arg)| !arg.scalar) {
                    *value = Value::at(&arg.array, row);
                }
                let result = kernel(&row_values, context).and_then(|value| {
                    bytes += value.heap_bytes();
                    if bytes > MOST_BYTES {
                        Err("the results of these rows are too large".to_owned())
                    } else {
                        Ok(value)
                    }
                });
                result.unwrap_or_else(|message| {
                    frame.fail(row, || format!("{}: {message}", self.name));
                    Value::Null
                })
            })
            .collect();
        Value::column(&self.returns, &results)
    }
}
