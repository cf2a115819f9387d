//! `CAST` over a column.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringBuilder};
use arrow::compute::cast;
use datafusion_common::Result;

use super::super::cast::cast_value;
use super::{Arg, Frame, Operation};
use crate::types::{SqlType, Value, View};

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
        let values = View::new(&arg.array);
        for row in 0..frame.len() {
            if arg.is_null(row) {
                builder.append_option(self.null_text.then_some("null"));
                continue;
            }
            out.clear();
            values.java_text(arg.index(row), &mut out);
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
