//! COALESCE, IFNULL, NULLIF, AS_VALUE.

use arrow::array::{Array, ArrayRef, BooleanArray, new_null_array};
use arrow::compute::kernels::zip::zip;
use arrow::compute::nullif;
use arrow::error::ArrowError;

use super::{Batch, Category, Function, Variation};
use crate::expr::Comparison;
use crate::expr::compare::compare;

pub(super) static FUNCTIONS: &[Function] = &[
    Function::scalar("COALESCE", Category::Conditional, &[Variation::batch("(T first, T... others) T", coalesce)])
        .says("The first of the arguments that is not NULL.")
        .example("COALESCE(NULL, 'a', 'b')", "a"),
    Function::scalar("IFNULL", Category::Conditional, &[Variation::batch("(T expression, T altValue) T", coalesce)])
        .says("The first argument, or the second where the first is NULL.")
        .example("IFNULL(NULL, 'b')", "b"),
    Function::scalar("NULLIF", Category::Conditional, &[Variation::batch("(T expression1, T expression2) T", null_if)])
        .says("NULL if both arguments are equal, the first argument otherwise.")
        .example("NULLIF('a', 'b')", "a"),
    Function::scalar("AS_VALUE", Category::Other, &[Variation::batch("(T keyColumn) T", |batch| batch.column(0))])
        .says("The argument itself; in a projection it copies a key column into the value.")
        .example("AS_VALUE(1)", "1"),
];

/// First argument that is not NULL.
fn coalesce(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let mut result = batch.column(0)?;
    for arg in batch.args.iter().skip(1) {
        if result.null_count() == 0 {
            break;
        }
        let present: BooleanArray = (0..batch.len).map(|row| Some(result.is_valid(row))).collect();
        result = zip(&present, &result, arg)?;
    }
    Ok(result)
}

fn null_if(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let (first, second) = (batch.arg(0)?, batch.arg(1)?);
    if first.scalar && first.array.is_null(0) {
        return Ok(new_null_array(first.array.data_type(), batch.len));
    }
    nullif(&first.expand(batch.len)?, &compare(Comparison::Equal, first, second, batch.len))
}
