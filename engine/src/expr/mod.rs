//! Expressions: AST → [`Typed`] (names and ksqlDB's types resolved, every cast explicit) → DataFusion `PhysicalExpr`
//! over Arrow columns.
//!
//! ```text
//! sql::Expr ──bind(scope, env)──> Typed ──compile(settings)──> Evaluator ──eval(rows)──> ArrayRef
//! ```
//!
//! | where | what |
//! |---|---|
//! | `scope` | the columns an expression may name |
//! | `bind`, `coerce` | names, types, overloads, casts; every error text |
//! | `typed` | the result, and what the planner may ask of it |
//! | `compile`, `nodes` | physical expressions |
//! | `arg`, `failures`, `compare` | what they and functions stand on: arguments, rows that failed, how columns compare |
//! | `cast`, `items`, `maps` | what nodes and functions share: conversions, elements by their places, columns of maps |
//! | `functions`, `aggregates` | the library |
//! | `registry` | all functions by name: calls are resolved there, SHOW and DESCRIBE FUNCTION read it |
//! | `java_time` | patterns of dates and times |
//!
//! An expression that fails for a row yields NULL for the smallest enclosing value (argument of a function, element of
//! an array, entry of a map, field of a struct, or the whole) and one entry in [`RowErrors`]; it never fails a batch.

pub mod aggregates;
mod arg;
mod bind;
mod cast;
mod coerce;
mod compare;
mod compile;
mod error;
mod failures;
pub mod functions;
mod items;
pub mod java_time;
mod maps;
mod nodes;
mod registry;
mod scope;
pub mod show;
#[cfg(test)]
mod testing;
mod typed;

use arrow::array::ArrayRef;

pub use bind::{Bound, Env, bind, bind_table_function, bind_types, resolve_type};
pub use cast::{Settings, cast_value};
pub use coerce::{can_cast, common_type, is_implicitly_castable};
pub use compile::{Evaluator, compile};
pub use error::{ExprError, nearest};
pub use functions::{Function, FunctionKind};
pub use registry::Registry;
pub use scope::{Scope, ScopeColumn};
pub use typed::{Arithmetic, Call, Comparison, Kind, Typed};

/// Rows of the current batch an expression failed on, and why (goes to the processing log).
#[derive(Debug, Default)]
pub struct RowErrors {
    /// (row in the batch, message)
    pub rows: Vec<(usize, String)>,
}

/// Columns of a batch, in row-layout order, and the number of rows.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// Arrow columns.
    pub columns: &'a [ArrayRef],
    /// Number of rows (also when there is no column).
    pub len: usize,
}
