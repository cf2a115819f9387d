//! BAD_UDF, TEST_UDF, WHENCONDITION, WHENRESULT, TOSTRUCT, BACKWARD_CONCAT

use std::cell::Cell;

use engine::expr::Function;
use engine::expr::functions::{Category, Context, Variation};
use engine::types::Value;

use super::{rows, rows_without_nulls};

pub(super) static FUNCTIONS: &[Function] = &[
    Function::scalar(
        "BAD_UDF",
        Category::Other,
        &[
            Variation::batch("(int arg) VARCHAR", |batch| rows(batch, |_, _| Err("boom!".to_owned()))),
            Variation::batch("(boolean arg) INT", |batch| {
                rows(batch, |args, _| match args {
                    [Value::Boolean(true)] => Err("You asked me to throw...".to_owned()),
                    _ => Ok(Value::Integer(0)),
                })
            }),
            Variation::batch("(VARCHAR arg) VARCHAR", |batch| rows(batch, every_other)),
        ],
    ),
    Function::scalar(
        "TEST_UDF",
        Category::Other,
        &[
            Variation::batch("(INT arg1, VARCHAR arg2) VARCHAR", |batch| rows(batch, |_, _| text("doStuffIntString"))),
            Variation::batch("(BIGINT arg1, VARCHAR arg2) VARCHAR", |batch| {
                rows(batch, |_, _| text("doStuffLongString"))
            }),
            Variation::batch("(BIGINT arg1, BIGINT arg2, VARCHAR arg3) VARCHAR", |batch| {
                rows(batch, |_, _| text("doStuffLongLongString"))
            }),
            Variation::batch("(BIGINT... longs) VARCHAR", |batch| rows(batch, |_, _| text("doStuffLongVarargs"))),
            Variation::batch("(STRUCT<A VARCHAR> struct) VARCHAR", |batch| {
                rows_without_nulls(batch, |args, _| match args {
                    [Value::Struct(fields)] => Ok(fields.first().cloned().unwrap_or_default()),
                    _ => Ok(Value::Null),
                })
            }),
            Variation::batch("() STRUCT<A VARCHAR>", |batch| rows(batch, |_, _| Ok(Value::Struct(vec![text("foo")?])))),
        ],
    ),
    Function::scalar(
        "WHENCONDITION",
        Category::Other,
        &[Variation::batch("(BOOLEAN retValue, BOOLEAN shouldBeEvaluated) BOOLEAN", |batch| rows(batch, if_due))],
    ),
    Function::scalar(
        "WHENRESULT",
        Category::Other,
        &[Variation::batch("(INT retValue, BOOLEAN shouldBeEvaluated) INT", |batch| rows(batch, if_due))],
    ),
    Function::scalar(
        "TOSTRUCT",
        Category::Other,
        &[Variation::batch("(VARCHAR value) STRUCT<A VARCHAR>", |batch| {
            rows(batch, |args, _| Ok(Value::Struct(args.to_vec())))
        })],
    ),
    Function::scalar(
        "BACKWARD_CONCAT",
        Category::Other,
        &[Variation::batch("(VARCHAR first, VARCHAR second) VARCHAR", |batch| {
            rows_without_nulls(batch, |args, _| match args {
                [Value::String(first), Value::String(second)] => Ok(Value::String(format!("{second}{first}"))),
                _ => Ok(Value::Null),
            })
        })],
    ),
];

thread_local! {
    /// Calls of BAD_UDF in the case this thread runs; no case has it twice.
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

/// A case starts.
pub(super) fn start_counting() {
    CALLS.set(0);
}

/// NULL on the first call, the third, ….
fn every_other(args: &[Value], _: &Context<'_>) -> Result<Value, String> {
    let calls = CALLS.replace(CALLS.get() + 1);
    Ok(if calls.is_multiple_of(2) { Value::Null } else { args.first().cloned().unwrap_or_default() })
}

/// The first argument; an error where the second says that nobody should have asked.
fn if_due(args: &[Value], _: &Context<'_>) -> Result<Value, String> {
    match args {
        [value, Value::Boolean(true)] => Ok(value.clone()),
        _ => Err("this should not be evaluated".to_owned()),
    }
}

fn text(text: &str) -> Result<Value, String> {
    Ok(Value::String(text.to_owned()))
}
