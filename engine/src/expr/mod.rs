//! Expressions: AST → [`Typed`] (names and ksqlDB's types resolved, every cast explicit) → DataFusion `PhysicalExpr`
//! over Arrow columns.
//!
//! ```text
//! sql::Expr ──bind(scope, registry)──> Typed ──compile──> Evaluator ──eval(columns)──> ArrayRef
//! ```
//!
//! An expression that fails for a row yields NULL for the smallest enclosing value and one entry in [`RowErrors`]; it
//! never fails a batch.

use arrow::array::ArrayRef;

use crate::types::SqlType;

/// One column an expression may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeColumn {
    /// Alias of the source it belongs to, if `alias.column` is allowed.
    pub source: Option<String>,
    /// Column name.
    pub name: String,
    /// Column type.
    pub ty: SqlType,
}

/// The columns an expression may name, in row-layout order (key columns first).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Position `i` here is column `i` of the batches the compiled expression is evaluated on.
    pub columns: Vec<ScopeColumn>,
}

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

/// An expression with every name and type resolved and every cast explicit.
#[derive(Debug, Clone, PartialEq)]
pub struct Typed {
    /// What it yields. A bare NULL has type STRING until a cast gives it another.
    pub ty: SqlType,
    /// What it does.
    pub kind: Kind,
}

/// What a typed expression does.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Column at that position of the row layout.
    Column(usize),
    /// Parameter of an enclosing lambda: (depth outwards from the innermost lambda, position).
    Parameter(usize, usize),
    /// A bare NULL.
    Null,
}
