//! `CAST` over a column.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};
use datafusion_common::Result;

use super::super::cast::cast_value;
use super::{Arg, Frame, Operation};
use crate::types::{SqlType, Value, text};

/// Converts between two SQL types.
#[derive(Debug)]
pub(in super::super) struct Convert {
    pub(in super::super) from: SqlType,
    pub(in super::super) to: SqlType,
    /// NULL becomes the text `null` instead of staying NULL.
    pub(in super::super) null_text: bool,
}

impl Operation for Convert {
    fn run(&self, frame: &Frame<'_>) -> Result<ArrayRef> {
        let arg = frame.arg(0)?;
        match (&self.from, &self.to) {
            (SqlType::Integer, SqlType::Bigint) | (SqlType::Integer | SqlType::Bigint, SqlType::Double) => {
                Ok(cast(&arg.expand(frame.len())?, frame.ty())?)
            }
            (_, SqlType::String) => Ok(self.texts(frame, &arg)),
            _ => Ok(self.values(frame, &arg)),
        }
    }
}

impl Convert {
    fn texts(&self, frame: &Frame<'_>, arg: &Arg) -> ArrayRef {
        let mut builder = StringBuilder::with_capacity(frame.len(), frame.len() * 8);
        let mut out = String::new();
        for row in 0..frame.len() {
            let at = arg.index(row);
            if arg.array.is_null(at) {
                builder.append_option(self.null_text.then_some("null"));
                continue;
            }
            out.clear();
            match arg.array.data_type() {
                DataType::Int32 => {
                    let _ = write!(out, "{}", arg.array.as_primitive::<Int32Type>().value(at));
                }
                DataType::Int64 => {
                    let _ = write!(out, "{}", arg.array.as_primitive::<Int64Type>().value(at));
                }
                DataType::Float64 => text::java_double(arg.array.as_primitive::<Float64Type>().value(at), &mut out),
                _ => text::java_text(&Value::at(&arg.array, at), &self.from, &mut out),
            }
            builder.append_value(&out);
        }
        Arc::new(builder.finish())
    }

    fn values(&self, frame: &Frame<'_>, arg: &Arg) -> ArrayRef {
        let values: Vec<Value> = (0..frame.len())
            .map(|row| {
                let value = Value::at(&arg.array, arg.index(row));
                cast_value(&value, &self.from, &self.to).unwrap_or_else(|message| {
                    frame.fail(row, || message);
                    Value::Null
                })
            })
            .collect();
        Value::column(&self.to, &values)
    }
}
