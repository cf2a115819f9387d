//! Reading arguments of row-wise functions. A value of another type than the signature promises is an error of the row.

use super::Context;
use crate::types::{SqlType, Value};

pub(super) type Row = Result<Value, String>;

fn wrong(i: usize) -> String {
    format!("argument {} is NULL or of another type", i + 1)
}

pub(super) fn int(args: &[Value], i: usize) -> Result<i32, String> {
    if let Some(Value::Integer(value)) = args.get(i) { Ok(*value) } else { Err(wrong(i)) }
}

/// Text of an optional argument: `None` if it is NULL or missing.
pub(super) fn optional_text(args: &[Value], i: usize) -> Option<&str> {
    if let Some(Value::String(text)) = args.get(i) { Some(text) } else { None }
}

pub(super) fn any_null(args: &[Value]) -> bool {
    args.iter().any(Value::is_null)
}

/// Type of argument `i`.
pub(super) fn type_of<'a>(context: &Context<'a>, i: usize) -> Result<&'a SqlType, String> {
    context.types.get(i).ok_or_else(|| wrong(i))
}

pub(super) fn string(text: impl Into<String>) -> Row {
    Ok(Value::String(text.into()))
}
