//! Test support: expressions as text over columns as text.

use std::sync::LazyLock;

use arrow::array::ArrayRef;

use super::{
    Env, Evaluator, ExprError, Registry, RowErrors, Rows, Scope, ScopeColumn, Settings, Typed, bind, cast_value,
    compile,
};
use crate::types::{Bounds, SqlType, Value};

pub(super) static REGISTRY: LazyLock<Registry> = LazyLock::new(|| Registry::with(&[]));

fn no_types(_: &str) -> Option<SqlType> {
    None
}

pub(super) fn env() -> Env<'static> {
    Env { functions: &REGISTRY, types: &no_types, bounds: Bounds::default() }
}

/// Columns `NAME TYPE: value | value | …` (`null` is NULL, other values are what CAST makes of the text).
pub(super) struct Table {
    pub(super) scope: Scope,
    pub(super) columns: Vec<ArrayRef>,
    pub(super) len: usize,
}

pub(super) fn table(text: &[&str]) -> Table {
    let mut table = Table { scope: Scope::default(), columns: Vec::new(), len: 1 };
    for line in text {
        let (head, rows) = line.split_once(':').unwrap();
        let (name, ty) = head.trim().split_once(' ').unwrap();
        let ty = super::resolve_type(&sql::parse_type(ty).unwrap(), &no_types, &Bounds::NONE).unwrap();
        let values: Vec<Value> = rows
            .split('|')
            .map(|cell| match cell.trim() {
                "null" => Value::Null,
                // Nested values are written as expressions.
                cell if ty != SqlType::String && cell.contains(['[', '(']) => {
                    let bound = bind_text(cell, &Scope::default()).unwrap().cast_to(&ty).unwrap();
                    one(&bound)
                }
                cell => cast_value(&Value::String(cell.trim_matches('\'').to_owned()), &SqlType::String, &ty).unwrap(),
            })
            .collect();
        table.len = values.len();
        table.columns.push(Value::column(&ty, &values));
        table.scope.columns.push(ScopeColumn { source: None, name: name.to_owned(), ty });
    }
    table
}

pub(super) fn bind_text(text: &str, scope: &Scope) -> Result<Typed, ExprError> {
    bind(&sql::parse_expression(text).unwrap(), scope, env())
}

fn one(typed: &Typed) -> Value {
    let evaluator = compile(typed, &REGISTRY, &Settings::default()).unwrap();
    Value::at(&evaluator.eval(Rows { columns: &[], len: 1 }, &mut RowErrors::default()), 0)
}

/// Type and Java text of a constant expression; `ERROR` for one whose row fails with nothing to show.
pub(super) fn constant(text: &str) -> String {
    rows(text, &table(&[])).join(" | ")
}

/// The expression's values as Java text, `!` before rows that failed. Checks that evaluating row by row gives the same,
/// and so does a batch that starts in the middle of its columns.
pub(super) fn rows(text: &str, table: &Table) -> Vec<String> {
    let typed = bind_text(text, &table.scope).unwrap_or_else(|error| panic!("{text}: {error}"));
    let evaluator = compile(&typed, &REGISTRY, &Settings::default()).unwrap();
    let all = evaluate(&evaluator, &typed, &table.columns, table.len);
    for row in 0..table.len {
        let slices: Vec<ArrayRef> = table.columns.iter().map(|column| column.slice(row, 1)).collect();
        let single = evaluate(&evaluator, &typed, &slices, 1);
        assert_eq!(single.first(), all.get(row), "{text}: row {row} alone differs from the batch");
    }
    let tail: Vec<ArrayRef> = table.columns.iter().map(|column| column.slice(1, table.len - 1)).collect();
    assert_eq!(evaluate(&evaluator, &typed, &tail, table.len - 1), all[1..], "{text}: the rows from the second on");
    all
}

/// Checks, over columns as in [`table`], expressions with their values by row (as [`rows`] gives them) and expressions with
/// what the processing log tells of them.
pub(super) fn check(columns: &[&str], cases: &[(&str, &str)], told: &[(&str, &[&str])]) {
    let columns = table(columns);
    for (expression, expected) in cases {
        assert_eq!(rows(expression, &columns).join(" | "), *expected, "{expression}");
    }
    for (expression, expected) in told {
        assert_eq!(failures(expression, &columns), *expected, "{expression}");
    }
}

/// What the processing log tells of the expression: `row: message`.
pub(super) fn failures(text: &str, table: &Table) -> Vec<String> {
    let typed = bind_text(text, &table.scope).unwrap_or_else(|error| panic!("{text}: {error}"));
    let mut errors = RowErrors::default();
    let evaluator = compile(&typed, &REGISTRY, &Settings::default()).unwrap();
    evaluator.eval(Rows { columns: &table.columns, len: table.len }, &mut errors);
    errors.rows.into_iter().map(|(row, message)| format!("{row}: {message}")).collect()
}

/// As [`rows`], of a compiled expression and without its checks.
pub(super) fn evaluate(evaluator: &Evaluator, typed: &Typed, columns: &[ArrayRef], len: usize) -> Vec<String> {
    let mut errors = RowErrors::default();
    let result = evaluator.eval(Rows { columns, len }, &mut errors);
    assert_eq!(result.len(), len);
    assert_eq!(result.data_type(), &typed.ty.to_arrow());
    (0..len)
        .map(|row| {
            let failed = if errors.rows.iter().any(|(at, _)| *at == row) { "!" } else { "" };
            failed.to_owned() + &Value::at(&result, row).java_text(&typed.ty)
        })
        .collect()
}
