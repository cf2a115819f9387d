//! What DESCRIBE FUNCTION tells of the aggregates.

use crate::expr::functions::{Function, Run, Variation};
use crate::types::SqlType;

const fn v(signature: &'static str) -> Variation {
    Variation::new(signature, Run::Elsewhere)
}

/// A DECIMAL argument gives a DECIMAL of its own precision and scale.
const fn same(signature: &'static str) -> Variation {
    v(signature).returns(|types| types.first().cloned().unwrap_or(SqlType::String))
}

const fn array_of_same(signature: &'static str) -> Variation {
    v(signature).returns(|types| types.first().cloned().unwrap_or(SqlType::String).array_of())
}

/// Rows of the sorted column and the columns beside it; without those, the sorted column alone.
const fn rows(signature: &'static str) -> Variation {
    v(signature).returns(|types| {
        let columns = types.get(..types.len().saturating_sub(1)).unwrap_or_default();
        match columns {
            [single] => single.clone().array_of(),
            [sorted, others @ ..] => {
                let others = others.iter().enumerate().map(|(i, ty)| (format!("col{i}"), ty.clone()));
                let fields = std::iter::once(("sort_col".to_owned(), sorted.clone())).chain(others);
                SqlType::Struct(fields.collect()).array_of()
            }
            [] => SqlType::String.array_of(),
        }
    })
}

const EXTREMES: &[Variation] = &[
    v("(BIGINT val1) BIGINT"),
    v("(BYTES val1) BYTES"),
    v("(DATE val1) DATE"),
    same("(DECIMAL val1) DECIMAL"),
    v("(DOUBLE val1) DOUBLE"),
    v("(INT val1) INT"),
    v("(TIME val1) TIME"),
    v("(TIMESTAMP val1) TIMESTAMP"),
    v("(VARCHAR val1) VARCHAR"),
];

const NUMBERS_TO_DOUBLE: &[Variation] = &[v("(BIGINT val1) DOUBLE"), v("(DOUBLE val1) DOUBLE"), v("(INT val1) DOUBLE")];

/// All aggregates, as SHOW and DESCRIBE FUNCTION see them.
pub static FUNCTIONS: &[Function] = &[
    Function::aggregate("ATTR", &[v("(T val1) T")])
        .by("")
        .says("The value all rows of the group share; NULL as soon as two of them differ."),
    Function::aggregate("AVG", NUMBERS_TO_DOUBLE)
        .spelled("avg")
        .says("Mean of the values that are not NULL; 0.0 if there are none."),
    Function::aggregate("COLLECT_LIST", &[v("(T val1) ARRAY<T>")])
        .says("All values of the group as an array, NULLs included, up to ksql.functions.collect_list.limit."),
    Function::aggregate("COLLECT_SET", &[v("(T val1) ARRAY<T>")])
        .says("The different values of the group as an array, up to ksql.functions.collect_set.limit. Streams only."),
    Function::aggregate(
        "CORRELATION",
        &[
            v("(BIGINT val1, BIGINT val2) DOUBLE"),
            v("(DOUBLE val1, DOUBLE val2) DOUBLE"),
            v("(INT val1, INT val2) DOUBLE"),
        ],
    )
    .spelled("correlation")
    .says("Pearson's correlation of two columns; pairs with a NULL are left out."),
    Function::aggregate("COUNT", &[v("(T val1) BIGINT"), v("() BIGINT")])
        .says("Number of rows, or of rows in which the argument is not NULL."),
    Function::aggregate("COUNT_DISTINCT", &[v("(T val1) BIGINT")])
        .says("Number of different values that are not NULL; exact for small numbers, about 1 % off for large ones."),
    Function::aggregate(
        "EARLIEST_BY_OFFSET",
        &[
            v("(T val1, INT earliestN, BOOLEAN ignoreNulls) ARRAY<T>"),
            v("(T val1, INT earliestN) ARRAY<T>"),
            v("(T val1, BOOLEAN ignoreNulls) T"),
            v("(T val1) T"),
        ],
    )
    .says("The value that came first, or the first N values; NULLs do not count unless ignoreNulls is false."),
    Function::aggregate("HISTOGRAM", &[v("(VARCHAR val1) MAP<VARCHAR, BIGINT>")])
        .says("How often each text occurs, for the first 1000 different texts."),
    Function::aggregate(
        "LATEST_BY_OFFSET",
        &[
            v("(T val1, BOOLEAN ignoreNulls) T"),
            v("(T val1, INT latestN, BOOLEAN ignoreNulls) ARRAY<T>"),
            v("(T val1, INT latestN) ARRAY<T>"),
            v("(T val1) T"),
        ],
    )
    .says("The value that came last, or the last N values; NULLs do not count unless ignoreNulls is false."),
    Function::aggregate("MAX", EXTREMES).says("The greatest value."),
    Function::aggregate("MIN", EXTREMES).says("The least value."),
    Function::aggregate("STDDEV_SAMP", NUMBERS_TO_DOUBLE)
        .says("The sample variance (not its root: ksqlDB has it so); see STDDEV_SAMPLE."),
    Function::aggregate("STDDEV_SAMPLE", NUMBERS_TO_DOUBLE).says("The sample standard deviation."),
    Function::aggregate(
        "SUM",
        &[v("(BIGINT val1) BIGINT"), same("(DECIMAL val1) DECIMAL"), v("(DOUBLE val1) DOUBLE"), v("(INT val1) INT")],
    )
    .says("Sum of the values that are not NULL; integers wrap around."),
    Function::aggregate(
        "SUM_LIST",
        &[v("(ARRAY<BIGINT> val1) BIGINT"), v("(ARRAY<DOUBLE> val1) DOUBLE"), v("(ARRAY<INT> val1) INT")],
    )
    .says("Sum of all elements of all arrays."),
    Function::aggregate(
        "TOPK",
        &[
            rows("(BIGINT val1, ANY... val2, INT k) ARRAY<S>"),
            rows("(DOUBLE val1, ANY... val2, INT k) ARRAY<S>"),
            rows("(INT val1, ANY... val2, INT k) ARRAY<S>"),
            rows("(VARCHAR val1, ANY... val2, INT k) ARRAY<S>"),
        ],
    )
    .says("The k greatest values, with the values of further columns beside them as structs."),
    Function::aggregate(
        "TOPKDISTINCT",
        &[
            v("(BIGINT val1, INT k) ARRAY<BIGINT>"),
            v("(BYTES val1, INT k) ARRAY<BYTES>"),
            v("(DATE val1, INT k) ARRAY<DATE>"),
            array_of_same("(DECIMAL val1, INT k) ARRAY<DECIMAL>"),
            v("(DOUBLE val1, INT k) ARRAY<DOUBLE>"),
            v("(INT val1, INT k) ARRAY<INT>"),
            v("(TIME val1, INT k) ARRAY<TIME>"),
            v("(TIMESTAMP val1, INT k) ARRAY<TIMESTAMP>"),
            v("(VARCHAR val1, INT k) ARRAY<VARCHAR>"),
        ],
    )
    .says("The k greatest different values."),
];
