//! Event time from a column: what `WITH (TIMESTAMP='column')` means on a source and on a sink.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Int64Type, TimestampMillisecondType};
use sql::{Expr, ExprKind, Ident, Span};

use crate::expr::{Env, Evaluator, Registry, RowErrors, Rows, Scope, ScopeColumn, Settings, bind, compile};
use crate::steps::Timestamp;
use crate::types::{Bounds, SqlType, text};

/// Reads event times out of one column of a row layout.
#[derive(Debug)]
pub(super) struct EventTime {
    /// Position of the column.
    pub(super) column: usize,
    /// Turns the column, as the only one of its layout, into a TIMESTAMP.
    parser: Option<Evaluator>,
    name: String,
}

impl EventTime {
    /// For the column at that position; fails on a pattern that cannot be read.
    pub(super) fn new(timestamp: &Timestamp, column: usize, functions: &Registry) -> Result<Self, String> {
        let parser = timestamp.format.as_deref().map(|pattern| parser(pattern, functions)).transpose()?;
        Ok(Self { column, parser, name: timestamp.column.clone() })
    }

    /// A batch of the column, made ready to be asked row by row.
    pub(super) fn of_batch(&self, column: &ArrayRef) -> ArrayRef {
        match &self.parser {
            // A text that cannot be read is NULL then, which no event time is.
            Some(parser) => {
                let rows = Rows { columns: std::slice::from_ref(column), len: column.len() };
                parser.eval(rows, &mut RowErrors::default())
            }
            None => column.clone(),
        }
    }

    /// Milliseconds since the epoch in a row of what [`EventTime::of_batch`] gave, or why there are none.
    pub(super) fn at(&self, column: &ArrayRef, row: usize) -> Result<i64, String> {
        if column.is_null(row) {
            return Err(format!("no timestamp can be read from column {}", self.name));
        }
        let time = match column.data_type() {
            DataType::Int64 => column.as_primitive::<Int64Type>().value(row),
            DataType::Timestamp(..) => column.as_primitive::<TimestampMillisecondType>().value(row),
            DataType::Utf8 => {
                let written = column.as_string::<i32>().value(row);
                text::parse_timestamp(written).ok_or_else(|| format!("'{written}' is not a timestamp"))?
            }
            other => return Err(format!("a column of type {other} is no timestamp")),
        };
        if time < 0 { Err(format!("the timestamp {time} in column {} is negative", self.name)) } else { Ok(time) }
    }
}

/// `PARSE_TIMESTAMP(column, 'pattern')`
fn parser(pattern: &str, functions: &Registry) -> Result<Evaluator, String> {
    let expr = |kind| Expr { kind, span: Span::default() };
    let call = expr(ExprKind::Call {
        name: Ident::new("PARSE_TIMESTAMP"),
        args: vec![
            expr(ExprKind::Column { source: None, name: Ident::new("T") }),
            expr(ExprKind::String(pattern.to_owned())),
        ],
        star: false,
    });
    let mut scope = Scope::default();
    scope.columns.push(ScopeColumn { source: None, name: "T".to_owned(), ty: SqlType::String });
    let env = Env { functions, types: &|_| None, bounds: Bounds::NONE };
    let typed = bind(&call, &scope, env).map_err(|error| error.to_string())?;
    compile(&typed, functions, &Settings::default()).map_err(|error| error.to_string())
}
