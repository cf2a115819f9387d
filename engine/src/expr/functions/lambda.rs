//! TRANSFORM, FILTER, REDUCE and the table functions.

use super::row::list;
use super::{Category, Function, LambdaKind, Run, Variation};
use crate::types::{SqlType, Value};

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
    Function::table("CUBE_EXPLODE", &[Variation::row("(ARRAY<T> columns) ARRAY<T>", |args, _| cube(list(args, 0)?))])
        .spelled("cube_explode")
        .says("One row for every combination of the elements and NULL."),
];

/// The type of the argument's elements.
fn element(types: &[SqlType]) -> SqlType {
    if let Some(SqlType::Array(item)) = types.first() { (**item).clone() } else { SqlType::String }
}

/// All combinations of the columns and NULL: binary counting, the last column fastest, NULL first.
fn cube(columns: &[Value]) -> Result<Value, String> {
    const MOST: usize = 20;
    if columns.len() > MOST {
        return Err(format!("CUBE_EXPLODE takes at most {MOST} columns, not {}", columns.len()));
    }
    let mut rows = vec![Vec::new()];
    for column in columns {
        let choices = if column.is_null() { vec![Value::Null] } else { vec![Value::Null, column.clone()] };
        rows = rows
            .into_iter()
            .flat_map(|row| {
                choices
                    .iter()
                    .map(move |choice| [row.as_slice(), std::slice::from_ref(choice)].concat())
                    .collect::<Vec<_>>()
            })
            .collect();
    }
    Ok(Value::Array(rows.into_iter().map(Value::Array).collect()))
}
