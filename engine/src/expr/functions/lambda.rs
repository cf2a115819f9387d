//! TRANSFORM, FILTER, REDUCE and the table functions.

use super::row::list;
use super::{Category, Function, LambdaKind, Run, Variation};
use crate::types::{SqlType, Value};

pub(super) static FUNCTIONS: &[Function] = &[
    Function::scalar(
        "TRANSFORM",
        Category::Lambda,
        &[
            Variation::new("(ARRAY<T> array, LAMBDA (T) => R function) ARRAY<R>", Run::Lambda(LambdaKind::Transform)).says(
                "When transforming an array, the function provided must have two arguments. The two arguments for each \
                 function are in order: the key and then the value. The transformed array is returned.",
                &["The array", "The lambda function"],
            ),
            Variation::new(
                "(MAP<K, V> map, LAMBDA (K, V) => R biFunction1, LAMBDA (K, V) => T biFunction2) MAP<R, T>",
                Run::Lambda(LambdaKind::Transform),
            )
            .says(
                "When transforming a map, two functions must be provided. For each map entry, the first function \
                 provided will be applied to the key and the second one applied to the value. Each function must have \
                 two arguments. The two arguments for each function are in order: the key and then the value. The \
                 transformed map is returned.",
                &["The map", "The key lambda function", "The value lambda function"],
            ),
        ],
    )
    .spelled("transform")
    .says("Apply a function to each element in a collection. The transformed collection is returned.")
    .example("TRANSFORM(ARRAY[1, 2], x => x * 10)", "[10, 20]"),
    Function::scalar(
        "FILTER",
        Category::Lambda,
        &[
            Variation::new("(ARRAY<T> array, LAMBDA (T) => BOOLEAN function) ARRAY<T>", Run::Lambda(LambdaKind::Filter)).says(
                "When filtering an array, the function provided must have a boolean result. The function is applied to \
                 each value in the array and a filtered array is returned.",
                &["The array", "The lambda function"],
            ),
            Variation::new(
                "(MAP<K, V> map, LAMBDA (K, V) => BOOLEAN biFunction) MAP<K, V>",
                Run::Lambda(LambdaKind::Filter),
            )
            .says(
                "When filtering a map, the function provided must have a boolean result. For each map entry, the \
                 function will be applied to the key and value arguments in that order. The filtered map is returned.",
                &["The map", "The lambda function"],
            ),
        ],
    )
    .spelled("filter")
    .says("Filter the input collection through a given lambda function. The filtered collection is returned.")
    .example("FILTER(MAP('a' := 1, 'b' := 2), (k, v) => v > 1)", "{b=2}"),
    Function::scalar(
        "REDUCE",
        Category::Lambda,
        &[
            Variation::new("(ARRAY<T> list, S initialState, LAMBDA (S, T) => S biFunction) S", Run::Lambda(LambdaKind::Reduce))
                .says(
                    "When reducing an array, the reduce function must have two arguments. The two arguments for the \
                     reduce function are in order: the state and the array item. The final state is returned.",
                    &["The array.", "The initial state.", "The reduce function."],
                ),
            Variation::new(
                "(MAP<K, V> map, S initialState, LAMBDA (S, K, V) => S triFunction) S",
                Run::Lambda(LambdaKind::Reduce),
            )
            .says(
                "When reducing a map, the reduce function must have three arguments. The three arguments for the reduce \
                 function are in order: the state, the key, and the value. The final state is returned.",
                &["The map.", "The initial state.", "The reduce function."],
            ),
        ],
    )
    .spelled("reduce")
    .says(
        "Reduce the input collection down to a single value using an initial state and a function. The initial state (s) \
         is passed into the scope of the function. Each invocation returns a new value for s, which the next invocation \
         will receive. The final value for s is returned.",
    )
    .example("REDUCE(ARRAY[1, 2, 3], 10, (s, x) => s + x)", "16"),
    Function::table(
        "EXPLODE",
        &[
            Variation::batch("(ARRAY<DECIMAL> input) DECIMAL", |batch| batch.column(0)).returns(element),
            Variation::batch("(ARRAY<T> list) T", |batch| batch.column(0)),
        ],
    )
    .spelled("explode")
    .says("Explodes an array. This function outputs one value for each element of the array."),
    Function::table(
        "CUBE_EXPLODE",
        &[Variation::row("(ARRAY<T> columns) ARRAY<T>", |args, _| cube(list(args, 0)?))],
    )
    .spelled("cube_explode")
    .says(
        "Takes as argument a list of columns and outputs all possible combinations of them. It produces 2^d new rows \
         where d is the number of columns given as parameter. Duplicate entries for columns with null value are skipped.",
    ),
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
