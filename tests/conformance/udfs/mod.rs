//! Functions that only the cases know (conformance.md §11), added through the interface for extensions.

mod aggregate;
mod scalar;
mod table;

use arrow::array::ArrayRef;
use arrow::error::ArrowError;
use engine::expr::Registry;
use engine::expr::functions::{Batch, Context};
use engine::types::Value;

/// The product's functions and those of the cases, for one case: what counts its calls starts anew.
pub(crate) fn registry() -> Registry {
    scalar::start_counting();
    Registry::with(&[scalar::FUNCTIONS, table::FUNCTIONS, aggregate::FUNCTIONS])
        .and_aggregates(&[aggregate::AGGREGATES])
}

/// Runs code over one row for every row of a batch: these functions need not be fast.
fn rows(
    batch: &Batch<'_>,
    kernel: impl Fn(&[Value], &Context<'_>) -> Result<Value, String>,
) -> Result<ArrayRef, ArrowError> {
    let results: Vec<Value> = (0..batch.len)
        .map(|row| {
            let args: Vec<Value> = batch.args.iter().map(|arg| Value::at(&arg.array, arg.index(row))).collect();
            kernel(&args, batch.context).unwrap_or_else(|message| {
                batch.fail(row, || message);
                Value::Null
            })
        })
        .collect();
    Ok(Value::column(batch.context.returns, &results))
}

/// As [`rows`], and NULL where an argument is.
fn rows_without_nulls(
    batch: &Batch<'_>,
    kernel: impl Fn(&[Value], &Context<'_>) -> Result<Value, String>,
) -> Result<ArrayRef, ArrowError> {
    rows(batch, |args, context| if args.iter().any(Value::is_null) { Ok(Value::Null) } else { kernel(args, context) })
}
