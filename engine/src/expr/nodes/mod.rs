//! Physical expressions. DataFusion's own nodes serve where ksqlDB means the same (columns, constants); everything else
//! is a [`Node`] around an [`Operation`], because ksqlDB compares in two values, computes as Java does, and turns the
//! failure of one row into a NULL of the smallest value around it.
//!
//! Column 0 of every batch that nodes see holds row numbers, so that a failure deep inside a CASE branch or a lambda
//! still knows its row.

mod access;
mod arithmetic;
mod call;
mod cast;
mod comparison;
mod construct;
mod lambda;
mod like;
mod logic;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use arrow::array::{ArrayRef, AsArray, UInt32Array};
use arrow::datatypes::{DataType, Schema, UInt32Type};
use arrow::record_batch::RecordBatch;
use datafusion_common::{Result, exec_datafusion_err};
use datafusion_expr::ColumnarValue;
use datafusion_physical_expr::PhysicalExpr;

use super::arg::Arg;
use super::failures::{self, Failures};

pub(super) use access::{Field, Subscript};
pub(super) use arithmetic::{Calculate, Negate};
pub(super) use call::CallFunction;
pub(super) use cast::Convert;
pub(super) use comparison::{Between, Compare, In, IsNull};
pub(super) use construct::{MakeArray, MakeMap, MakeStruct};
pub(super) use lambda::{Body, CallLambda};
pub(super) use like::Like;
pub(super) use logic::{And, Case, Not, Or};

/// What a node does with its arguments.
pub(super) trait Operation: fmt::Debug + Send + Sync {
    /// The result for every row of the frame. Rows that fail are told to [`Frame::fail`] and hold anything.
    fn run(&self, frame: &Frame<'_>) -> Result<ArrayRef>;
}

/// An operation with its arguments.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) operation: Arc<dyn Operation>,
    pub(super) args: Vec<Arc<dyn PhysicalExpr>>,
    pub(super) ty: DataType,
    /// A failure in an argument makes that argument NULL, not the whole.
    pub(super) guards: bool,
    /// A failure within makes this node NULL and goes no further.
    pub(super) caught: bool,
}

/// One evaluation of a node.
pub(super) struct Frame<'a> {
    pub(super) batch: &'a RecordBatch,
    node: &'a Node,
    failures: Failures<'a>,
}

impl<'a> Frame<'a> {
    pub(super) fn len(&self) -> usize {
        self.batch.num_rows()
    }

    pub(super) fn args(&self) -> Result<Vec<Arg>> {
        (0..self.node.args.len()).map(|i| self.arg(i)).collect()
    }

    /// Argument `i` for all rows.
    pub(super) fn arg(&self, i: usize) -> Result<Arg> {
        self.arg_over(i, self.batch)
    }

    /// Argument `i` for the rows of a batch taken from this frame's.
    pub(super) fn arg_over(&self, i: usize, batch: &RecordBatch) -> Result<Arg> {
        let expr = self.node.args.get(i).ok_or_else(|| exec_datafusion_err!("there is no argument {i}"))?;
        let mark = failures::mark();
        let arg = match expr.evaluate(batch)? {
            ColumnarValue::Array(array) => Arg { array, scalar: false },
            ColumnarValue::Scalar(value) => Arg { array: value.to_array_of_size(1)?, scalar: true },
        };
        if self.node.guards {
            failures::release(mark);
        }
        Ok(arg)
    }

    pub(super) fn arg_count(&self) -> usize {
        self.node.args.len()
    }

    pub(super) fn ty(&self) -> &DataType {
        &self.node.ty
    }

    pub(super) fn failures(&self) -> &Failures<'a> {
        &self.failures
    }

    pub(super) fn fail(&self, row: usize, message: impl FnOnce() -> String) {
        self.failures.fail(row, message);
    }

    /// The same node over some of the rows.
    pub(super) fn over<'b>(&'b self, batch: &'b RecordBatch) -> Result<Frame<'b>> {
        Ok(Frame { batch, node: self.node, failures: Failures::new(row_numbers(batch)?) })
    }
}

/// Row numbers from 0.
pub(super) fn numbering(len: usize) -> ArrayRef {
    const KEPT: u32 = 1 << 16;
    static NUMBERS: OnceLock<ArrayRef> = OnceLock::new();
    if len <= KEPT as usize {
        return NUMBERS.get_or_init(|| Arc::new(UInt32Array::from_iter_values(0..KEPT))).slice(0, len);
    }
    Arc::new(UInt32Array::from_iter_values(0..u32::try_from(len).unwrap_or(u32::MAX)))
}

/// The row numbers of a batch.
fn row_numbers(batch: &RecordBatch) -> Result<&UInt32Array> {
    let numbers = batch.columns().first().and_then(|column| column.as_primitive_opt::<UInt32Type>());
    numbers.ok_or_else(|| exec_datafusion_err!("a batch without row numbers"))
}

impl PhysicalExpr for Node {
    fn data_type(&self, _: &Schema) -> Result<DataType> {
        Ok(self.ty.clone())
    }

    fn nullable(&self, _: &Schema) -> Result<bool> {
        Ok(true)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let mark = failures::mark();
        let numbers = row_numbers(batch)?;
        let frame = Frame { batch, node: self, failures: Failures::new(numbers) };
        let result = self.operation.run(&frame)?;
        let result = failures::null_out(result, numbers, mark)?;
        if self.caught {
            failures::release(mark);
        }
        Ok(ColumnarValue::Array(result))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        self.args.iter().collect()
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        Ok(Arc::new(Self {
            operation: self.operation.clone(),
            args: children,
            ty: self.ty.clone(),
            guards: self.guards,
            caught: self.caught,
        }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.operation)
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.operation, &other.operation) && self.args == other.args
    }
}

impl Eq for Node {}

impl Hash for Node {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.operation).hash(state);
        self.args.hash(state);
    }
}
