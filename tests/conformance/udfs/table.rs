//! TEST_UDTF and THROWING_UDTF

use engine::expr::Function;
use engine::expr::functions::{Context, Variation};
use engine::types::text::rescale_half_up;
use engine::types::{SqlType, Value};

use super::{rows, rows_without_nulls};

/// Scale of what TEST_UDTF makes of a DECIMAL.
const SCALE: i8 = 10;

pub(super) static FUNCTIONS: &[Function] = &[
    Function::table(
        "TEST_UDTF",
        &[
            Variation::batch(
                "(int i, bigint l, double d, boolean b, VARCHAR s, DECIMAL bd, STRUCT<A VARCHAR> struct) VARCHAR",
                |batch| rows(batch, |args, context| texts(args.iter().zip(context.types))),
            ),
            Variation::batch(
                "(ARRAY<INT> i, ARRAY<BIGINT> l, ARRAY<DOUBLE> d, ARRAY<BOOLEAN> b, ARRAY<VARCHAR> s, \
                 ARRAY<DECIMAL> bd, ARRAY<STRUCT<A VARCHAR>> struct) VARCHAR",
                |batch| rows_without_nulls(batch, firsts),
            ),
            Variation::batch(
                "(MAP<VARCHAR, INT> i, MAP<VARCHAR, BIGINT> l, MAP<VARCHAR, DOUBLE> d, MAP<VARCHAR, BOOLEAN> b, \
                 MAP<VARCHAR, VARCHAR> s, MAP<VARCHAR, DECIMAL> bd, MAP<VARCHAR, STRUCT<A VARCHAR>> struct) VARCHAR",
                |batch| rows_without_nulls(batch, firsts),
            ),
            Variation::batch(
                "(MAP<BIGINT, INT> i, MAP<VARCHAR, BIGINT> l, MAP<VARCHAR, DOUBLE> d, MAP<VARCHAR, BOOLEAN> b, \
                 MAP<VARCHAR, VARCHAR> s, MAP<VARCHAR, DECIMAL> bd, MAP<VARCHAR, STRUCT<A VARCHAR>> struct) VARCHAR",
                |batch| rows_without_nulls(batch, firsts),
            ),
            Variation::batch("(int i) INT", |batch| rows(batch, itself)),
            Variation::batch("(bigint l) BIGINT", |batch| rows(batch, itself)),
            Variation::batch("(double d) DOUBLE", |batch| rows(batch, itself)),
            Variation::batch("(boolean b) BOOLEAN", |batch| rows(batch, itself)),
            Variation::batch("(VARCHAR s) VARCHAR", |batch| rows(batch, itself)),
            Variation::batch("(STRUCT<A VARCHAR> struct) STRUCT<A VARCHAR>", |batch| rows(batch, itself)),
            Variation::batch("(DECIMAL bd) DECIMAL", |batch| rows(batch, rescaled))
                .returns(|_| SqlType::Decimal { precision: 30, scale: SCALE }),
        ],
    ),
    Function::table(
        "THROWING_UDTF",
        &[Variation::batch("(boolean shouldThrow) BOOLEAN", |batch| {
            rows(batch, |args, context| match args {
                [Value::Boolean(true)] => Err("You asked me to throw...".to_owned()),
                _ => itself(args, context),
            })
        })],
    ),
];

/// One row: the argument.
fn itself(args: &[Value], _: &Context<'_>) -> Result<Value, String> {
    Ok(Value::Array(args.to_vec()))
}

fn rescaled(args: &[Value], context: &Context<'_>) -> Result<Value, String> {
    let [Value::Decimal(unscaled, scale)] = args else { return itself(args, context) };
    let unscaled = rescale_half_up(*unscaled, (*scale).into(), SCALE.into()).ok_or("too many digits")?;
    Ok(Value::Array(vec![Value::Decimal(unscaled, SCALE)]))
}

/// One row for each argument: its first element or value as text.
fn firsts(args: &[Value], context: &Context<'_>) -> Result<Value, String> {
    texts(args.iter().zip(context.types).filter_map(|pair| match pair {
        (Value::Array(items), SqlType::Array(ty)) => Some((items.first()?, &**ty)),
        (Value::Map(entries), SqlType::Map(_, ty)) => Some((&entries.first()?.1, &**ty)),
        _ => None,
    }))
}

/// One row for each value: its text.
fn texts<'a>(values: impl Iterator<Item = (&'a Value, &'a SqlType)>) -> Result<Value, String> {
    Ok(Value::Array(values.map(|(value, ty)| Value::String(value.java_text(ty))).collect()))
}
