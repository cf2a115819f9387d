//! [`Typed`] → physical expression, and its evaluation over a batch.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, new_null_array};
use arrow::compute::concat;
use arrow::datatypes::{DataType, Field as ArrowField, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion_common::{Result, ScalarValue, plan_datafusion_err};
use datafusion_expr::ColumnarValue;
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::expressions::{Column, Literal};

use super::arg::Arg;
use super::cast::Settings;
use super::coerce::is_argument_castable;
use super::failures::collect;
use super::functions::Run;
use super::nodes::{
    And, Between, Body, Calculate, CallFunction, CallLambda, Case, Compare, Convert, Field, In, IsNull, Like,
    MakeArray, MakeMap, MakeStruct, Negate, Node, Not, Operation, Or, Subscript, numbering,
};
use super::registry::Registry;
use super::typed::{Call, Comparison, Kind};
use super::{ExprError, RowErrors, Rows, Typed};
use crate::types::{SqlType, Value};
use sql::{Span, TimeUnit};

/// A compiled expression.
#[derive(Debug, Clone)]
pub struct Evaluator {
    expr: Arc<dyn PhysicalExpr>,
    /// Positions in the row layout of the columns it reads; column `i + 1` of the batch is `columns[i]`.
    columns: Vec<usize>,
    schema: SchemaRef,
    ty: DataType,
    /// Set when the expression is nothing but a column.
    column: Option<usize>,
    /// See [`Settings::lambda_elements`].
    lambda_elements: usize,
}

/// Compiles an expression; `functions` are those it may call.
///
/// # Errors
/// It calls another one, or DataFusion refuses.
pub fn compile(typed: &Typed, functions: &Registry, settings: &Settings) -> std::result::Result<Evaluator, ExprError> {
    let mut types = BTreeMap::new();
    collect_types(typed, &mut types);
    let columns: Vec<usize> = types.keys().copied().collect();
    let mut fields = vec![ArrowField::new("row", DataType::UInt32, false)];
    fields.extend(types.iter().map(|(at, ty)| ArrowField::new(format!("column {at}"), ty.to_arrow(), true)));
    let mut compiler =
        Compiler { functions, settings, width: fields.len(), frames: Vec::new(), columns: &columns, calls: 0 };
    let expr = compiler.physical(typed).map_err(|error| ExprError::code(error.to_string(), Span::default()))?;
    Ok(Evaluator {
        expr,
        schema: Arc::new(Schema::new(fields)),
        ty: typed.ty.to_arrow(),
        column: typed.as_column(),
        columns,
        lambda_elements: settings.lambda_elements,
    })
}

impl Evaluator {
    /// The expression's value for every row. Rows that fail are NULL (in the smallest value around the failure) and told
    /// in `errors`.
    pub fn eval(&self, rows: Rows<'_>, errors: &mut RowErrors) -> ArrayRef {
        if let Some(column) = self.column {
            return self.input(rows, column);
        }
        let whole = collect(|| self.evaluate(rows));
        // Whether a row is too much for its lambdas must not depend on the others.
        if whole.work > self.lambda_elements && rows.len > 1 {
            return self.eval_each(rows, errors);
        }
        errors.rows.extend(whole.failures);
        whole.result.unwrap_or_else(|error| {
            errors.rows.extend((0..rows.len).map(|row| (row, error.to_string())));
            new_null_array(&self.ty, rows.len)
        })
    }

    /// As many NULLs.
    pub fn nulls(&self, rows: usize) -> ArrayRef {
        new_null_array(&self.ty, rows)
    }

    /// As [`Self::eval`], one row after the other.
    fn eval_each(&self, rows: Rows<'_>, errors: &mut RowErrors) -> ArrayRef {
        let values: Vec<ArrayRef> = (0..rows.len)
            .map(|row| {
                let columns: Vec<ArrayRef> = rows.columns.iter().map(|column| column.slice(row, 1)).collect();
                let mut own = RowErrors::default();
                let value = self.eval(Rows { columns: &columns, len: 1 }, &mut own);
                errors.rows.extend(own.rows.into_iter().map(|(_, message)| (row, message)));
                value
            })
            .collect();
        let values: Vec<&dyn Array> = values.iter().map(|value| &**value).collect();
        concat(&values).unwrap_or_else(|error| {
            errors.rows.extend((0..rows.len).map(|row| (row, error.to_string())));
            new_null_array(&self.ty, rows.len)
        })
    }

    fn evaluate(&self, rows: Rows<'_>) -> Result<ArrayRef> {
        match self.expr.evaluate(&self.batch(rows)?)? {
            ColumnarValue::Array(array) => Ok(array),
            // A long text cannot be had any number of times; taking it says so.
            ColumnarValue::Scalar(value) => {
                Ok(Arg { array: value.to_array_of_size(1)?, scalar: true }.expand(rows.len)?)
            }
        }
    }

    /// Positions in the row layout of the columns it reads.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    fn input(&self, rows: Rows<'_>, column: usize) -> ArrayRef {
        rows.columns.get(column).cloned().unwrap_or_else(|| new_null_array(&self.ty, rows.len))
    }

    fn batch(&self, rows: Rows<'_>) -> Result<RecordBatch> {
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.columns.len() + 1);
        columns.push(numbering(rows.len));
        columns.extend(self.columns.iter().map(|column| self.input(rows, *column)));
        Ok(RecordBatch::try_new(self.schema.clone(), columns)?)
    }
}

fn collect_types<'a>(typed: &'a Typed, into: &mut BTreeMap<usize, &'a SqlType>) {
    if let Kind::Column(at) = typed.kind {
        into.insert(at, &typed.ty);
    }
    typed.children().into_iter().for_each(|child| collect_types(child, into));
}

struct Compiler<'a> {
    functions: &'a Registry,
    settings: &'a Settings,
    columns: &'a [usize],
    /// Where the parameters of each enclosing lambda start in the batch, outermost first.
    frames: Vec<usize>,
    /// Columns of the batch so far.
    width: usize,
    /// Calls around what is compiled.
    calls: usize,
}

impl Compiler<'_> {
    fn physical(&mut self, typed: &Typed) -> Result<Arc<dyn PhysicalExpr>> {
        let leaf: Arc<dyn PhysicalExpr> = match &typed.kind {
            Kind::Column(at) => {
                let index = self.columns.binary_search(at).map_or(0, |index| index + 1);
                Arc::new(Column::new(&format!("column {at}"), index))
            }
            Kind::Parameter(depth, position) => {
                let frame = self.frames.iter().rev().nth(*depth).copied().unwrap_or(0);
                Arc::new(Column::new("parameter", frame + position))
            }
            Kind::Null => Arc::new(Literal::new(ScalarValue::try_from(&typed.ty.to_arrow())?)),
            Kind::Literal(value) => literal(value, &typed.ty)?,
            Kind::Unit(unit) => literal(&Value::Bigint(unit_millis(*unit)), &SqlType::Bigint)?,
            Kind::Lambda { .. } => return Ok(Arc::new(Literal::new(ScalarValue::Null))),
            _ => {
                let node = self.node(typed)?;
                return if is_constant(typed) { fold(node) } else { Ok(node) };
            }
        };
        Ok(leaf)
    }

    fn node(&mut self, typed: &Typed) -> Result<Arc<dyn PhysicalExpr>> {
        let (operation, guards): (Arc<dyn Operation>, bool) = match &typed.kind {
            Kind::Cast(expr) => (
                Arc::new(Convert {
                    from: expr.ty.clone(),
                    to: typed.ty.clone(),
                    null_text: typed.ty == SqlType::String && !self.settings.preserve_nulls,
                }),
                false,
            ),
            Kind::Negate(_) => (Arc::new(Negate), false),
            Kind::Arithmetic { op, .. } => {
                (Arc::new(Calculate { op: *op, value_bytes: self.settings.value_bytes }), false)
            }
            Kind::Compare { op, right, .. } => {
                let null_safe = matches!(op, Comparison::Distinct | Comparison::NotDistinct);
                let lazy = !null_safe && !is_plain(right);
                (Arc::new(Compare { op: *op, lazy }), false)
            }
            Kind::And(_, right) => (Arc::new(And { eager: is_total(right) }), false),
            Kind::Or(_, right) => (Arc::new(Or { eager: is_total(right) }), false),
            Kind::Not(_) => (Arc::new(Not), false),
            Kind::IsNull(_) => (Arc::new(IsNull), false),
            Kind::Between { .. } => (Arc::new(Between), false),
            Kind::In { .. } => (Arc::new(In), false),
            Kind::Like { escape, .. } => (Arc::new(Like { escape: *escape }), false),
            Kind::Case { .. } => (Arc::new(Case), false),
            Kind::Subscript { .. } => (Arc::new(Subscript), false),
            Kind::Field { field, .. } => (Arc::new(Field(*field)), false),
            Kind::Array(_) => (Arc::new(MakeArray), true),
            Kind::Map(_) => (Arc::new(MakeMap), true),
            Kind::Struct(_) => (Arc::new(MakeStruct), true),
            Kind::Call(call) => return self.call_node(call, typed),
            Kind::Column(_)
            | Kind::Parameter(..)
            | Kind::Null
            | Kind::Literal(_)
            | Kind::Unit(_)
            | Kind::Lambda { .. } => {
                return self.physical(typed);
            }
        };
        let args = typed.children().into_iter().map(|child| self.physical(child)).collect::<Result<_>>()?;
        Ok(Arc::new(Node {
            operation,
            args,
            ty: typed.ty.to_arrow(),
            guards,
            caught: self.calls > 0 && may_refuse(typed),
        }))
    }

    /// A call or cast within the arguments of a call is NULL there if it fails; arithmetic fails the call, and the
    /// outermost call the expression.
    fn call_node(&mut self, call: &Call, typed: &Typed) -> Result<Arc<dyn PhysicalExpr>> {
        let caught = self.calls > 0;
        self.calls += 1;
        let operation = self.call(call, &typed.ty)?;
        let args = typed.children().into_iter().map(|child| self.physical(child)).collect::<Result<_>>()?;
        self.calls -= 1;
        Ok(Arc::new(Node { operation, args, ty: typed.ty.to_arrow(), guards: false, caught }))
    }

    /// The columns of the batch that the body of a lambda may read: the ones it names, and the parameters of the lambdas
    /// around it.
    fn used(&self, body: &Typed) -> Vec<usize> {
        let mut types = BTreeMap::new();
        collect_types(body, &mut types);
        let named = types.keys().filter_map(|at| self.columns.binary_search(at).ok()).map(|index| index + 1);
        named.chain(self.columns.len() + 1..self.width).collect()
    }

    fn call(&mut self, call: &Call, returns: &SqlType) -> Result<Arc<dyn Operation>> {
        let (function, variation, signature) = self
            .functions
            .variation(&call.function, &call.variation)
            .ok_or_else(|| plan_datafusion_err!("there is no function {}{}", call.function, call.variation))?;
        if let Run::Lambda(kind) = variation.run {
            let mut bodies = Vec::new();
            for arg in &call.args {
                if let Kind::Lambda { params, body } = &arg.kind {
                    let used = self.used(body);
                    self.frames.push(self.width);
                    self.width += params;
                    let expr = self.physical(body);
                    self.width -= params;
                    self.frames.pop();
                    bodies.push(Body { expr: expr?, ty: body.ty.to_arrow(), used });
                }
            }
            return Ok(Arc::new(CallLambda { kind, bodies, settings: self.settings.clone() }));
        }
        let is_primitive = |i: &usize| signature.param_for(*i, call.args.len()).is_some_and(|param| param.primitive);
        Ok(Arc::new(CallFunction {
            name: function.name,
            run: variation.run,
            types: call.args.iter().map(|arg| arg.ty.clone()).collect(),
            returns: returns.clone(),
            settings: self.settings.clone(),
            primitives: (0..call.args.len()).filter(is_primitive).collect(),
        }))
    }
}

/// Whether it is a cast that not every value survives.
fn may_refuse(typed: &Typed) -> bool {
    matches!(&typed.kind, Kind::Cast(from) if !(from.ty.is_numeric() && is_argument_castable(&from.ty, &typed.ty)))
}

fn unit_millis(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Days => 86_400_000,
        TimeUnit::Hours => 3_600_000,
        TimeUnit::Minutes => 60_000,
        TimeUnit::Seconds => 1000,
        TimeUnit::Milliseconds => 1,
    }
}

fn literal(value: &Value, ty: &SqlType) -> Result<Arc<dyn PhysicalExpr>> {
    let column = Value::column(ty, std::slice::from_ref(value));
    Ok(Arc::new(Literal::new(ScalarValue::try_from_array(&column, 0)?)))
}

/// Whether it yields one and the same value for every row. Calls without arguments (RANDOM, UUID, UNIX_TIMESTAMP) do not.
fn is_constant(typed: &Typed) -> bool {
    !typed.any(&|part| match &part.kind {
        Kind::Column(_) | Kind::Parameter(..) => true,
        Kind::Call(call) => call.args.is_empty(),
        _ => false,
    })
}

/// Evaluates a constant expression now, unless it fails: then it has to fail for every row.
fn fold(node: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
    let schema = Arc::new(Schema::new(vec![ArrowField::new("row", DataType::UInt32, false)]));
    let batch = RecordBatch::try_new(schema, vec![numbering(1)])?;
    let whole = collect(|| node.evaluate(&batch)?.into_array(1));
    match whole.result {
        Ok(array) if whole.failures.is_empty() => Ok(Arc::new(Literal::new(ScalarValue::try_from_array(&array, 0)?))),
        _ => Ok(node),
    }
}

/// Whether an expression only names a value.
fn is_plain(typed: &Typed) -> bool {
    matches!(typed.kind, Kind::Column(_) | Kind::Parameter(..) | Kind::Literal(_) | Kind::Null)
}

/// Whether it can neither fail nor be NULL.
fn is_total(typed: &Typed) -> bool {
    match &typed.kind {
        Kind::Literal(_) => true,
        Kind::Compare { .. } | Kind::Between { .. } | Kind::In { .. } | Kind::IsNull(_) => {
            typed.children().into_iter().all(is_plain)
        }
        Kind::And(..) | Kind::Or(..) | Kind::Not(_) => typed.children().into_iter().all(is_total),
        _ => false,
    }
}

#[cfg(test)]
#[path = "cost_tests.rs"]
mod cost_tests;
