//! TRANSFORM, FILTER, REDUCE and the table functions.

use std::iter::repeat_n;
use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use super::lists::{Arrays, pick};
use super::{Batch, Category, Function, LambdaKind, Run, Variation};
use crate::expr::items::NONE;
use crate::types::SqlType;

pub(super) static FUNCTIONS: &[Function] = &[
    Function::scalar(
        "TRANSFORM",
        Category::Lambda,
        &[
            Variation::new("(ARRAY<T> array, LAMBDA (T) => R function) ARRAY<R>", Run::Lambda(LambdaKind::Transform)),
            Variation::new(
                "(MAP<K, V> map, LAMBDA (K, V) => R biFunction1, LAMBDA (K, V) => T biFunction2) MAP<R, T>",
                Run::Lambda(LambdaKind::Transform),
            ),
        ],
    )
    .spelled("transform")
    .says("The collection with every element, or every key and value, replaced by what a lambda makes of it.")
    .example("TRANSFORM(ARRAY[1, 2], x => x * 10)", "[10, 20]"),
    Function::scalar(
        "FILTER",
        Category::Lambda,
        &[
            Variation::new(
                "(ARRAY<T> array, LAMBDA (T) => BOOLEAN function) ARRAY<T>",
                Run::Lambda(LambdaKind::Filter),
            ),
            Variation::new(
                "(MAP<K, V> map, LAMBDA (K, V) => BOOLEAN biFunction) MAP<K, V>",
                Run::Lambda(LambdaKind::Filter),
            ),
        ],
    )
    .spelled("filter")
    .says("The elements or entries for which a lambda is TRUE.")
    .example("FILTER(MAP('a' := 1, 'b' := 2), (k, v) => v > 1)", "{b=2}"),
    Function::scalar(
        "REDUCE",
        Category::Lambda,
        &[
            Variation::new(
                "(ARRAY<T> list, S initialState, LAMBDA (S, T) => S biFunction) S",
                Run::Lambda(LambdaKind::Reduce),
            ),
            Variation::new(
                "(MAP<K, V> map, S initialState, LAMBDA (S, K, V) => S triFunction) S",
                Run::Lambda(LambdaKind::Reduce),
            ),
        ],
    )
    .spelled("reduce")
    .says("Folds a collection into one value: a lambda makes the next state of the state and an element.")
    .example("REDUCE(ARRAY[1, 2, 3], 10, (s, x) => s + x)", "16"),
    Function::table(
        "EXPLODE",
        &[
            Variation::batch("(ARRAY<DECIMAL> input) DECIMAL", |batch| batch.column(0)).returns(element),
            Variation::batch("(ARRAY<T> list) T", |batch| batch.column(0)),
        ],
    )
    .spelled("explode")
    .says("One row for each element of an array."),
    Function::table("CUBE_EXPLODE", &[Variation::batch("(ARRAY<T> columns) ARRAY<T>", cube)])
        .spelled("cube_explode")
        .says("One row for every combination of the elements and NULL."),
];

/// The type of the argument's elements.
fn element(types: &[SqlType]) -> SqlType {
    if let Some(SqlType::Array(item)) = types.first() { (**item).clone() } else { SqlType::String }
}

/// All combinations of the columns and NULL: binary counting, the last column fastest, NULL first.
fn cube(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    const MOST: usize = 20;
    let Arrays { args: [array], items } = Arrays::new(batch)?;
    let DataType::List(field) = batch.context.returns.to_arrow() else { return Ok(batch.nulls()) };
    let DataType::List(inner_field) = field.data_type() else { return Ok(batch.nulls()) };
    let picked = pick(
        batch,
        |places| items.bytes(places.iter().copied()),
        |row, out| {
            let columns = array.range(row)?;
            if columns.len() > MOST {
                batch.fail(row, || format!("at most {MOST} columns can be combined, not {}", columns.len()));
                return None;
            }
            let present = columns.clone().filter(|place| !items.is_null(*place)).count();
            // Every element stands in half of the combinations.
            let bytes = (columns.len() * size_of::<u32>()) << present;
            let bytes = bytes.saturating_add(items.bytes(columns.clone()).saturating_mul((1 << present) / 2));
            if let Err(message) = batch.check_bytes(bytes) {
                batch.fail(row, || message);
                return None;
            }
            for combination in 0_u32..1 << present {
                let mut bit = 1 << present;
                out.extend(columns.clone().map(|place| {
                    if items.is_null(place) {
                        return NONE;
                    }
                    bit >>= 1;
                    if combination & bit == 0 { NONE } else { place }
                }));
            }
            Some(())
        },
    );
    let (mut inner, mut outer) = (Vec::new(), Vec::with_capacity(batch.len));
    for (row, bounds) in picked.offsets.windows(2).enumerate() {
        let columns = array.range(row).filter(|_| picked.nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)));
        // Of no columns there is one combination.
        let count = columns.map_or(0, |columns| {
            let items = (bounds[1] - bounds[0]) as usize;
            let count = items.checked_div(columns.len()).unwrap_or(1);
            inner.extend(repeat_n(columns.len(), count));
            count
        });
        outer.push(count);
    }
    let items = items.take(picked.places, inner_field.data_type())?;
    let combinations = ListArray::try_new(inner_field.clone(), OffsetBuffer::from_lengths(inner), items, None)?;
    let offsets = OffsetBuffer::from_lengths(outer);
    Ok(Arc::new(ListArray::try_new(field, offsets, Arc::new(combinations), picked.nulls)?))
}
