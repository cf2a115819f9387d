//! Bounds of windows in a WHERE.

use std::ops::RangeInclusive;

use sql::{BinaryOp, Expr, ExprKind};

use crate::catalog::Source;
use crate::failure::Failure;
use crate::types::{Value, text};

use super::conditions::{Comparison, Condition};
use super::expressions::{Env, constant};
use super::refuse::{shown, where_clause};

/// Whether a column is a bound of the window a row is in.
pub(super) fn is_bound(column: &str) -> bool {
    column == "WINDOWSTART" || column == "WINDOWEND"
}

/// What was said of one bound.
#[derive(Debug, Default)]
struct Said {
    equal: bool,
    upper: bool,
    lower: bool,
}

/// Starts of windows one alternative allows (inclusive), or what ksqlDB has against its bounds.
pub(super) fn starts(conditions: &[Condition<'_>], source: &Source, env: &Env<'_>) -> Result<(i64, i64), Failure> {
    let (mut from, mut to) = (i64::MIN, i64::MAX);
    if !source.is_windowed() {
        return Ok((from, to));
    }
    let (mut start, mut end) = (Said::default(), Said::default());
    for condition in conditions {
        let mut allowed: Option<(i64, i64)> = None;
        for comparison in condition.comparisons() {
            let Some((column, op, other)) = comparison.of_column() else { continue };
            if !is_bound(column) {
                continue;
            }
            let at = millis(other, env)?;
            let is_start = column == "WINDOWSTART";
            // Of a list, each value stands in an alternative of its own.
            if allowed.is_none() {
                check(if is_start { &mut start } else { &mut end }, column, op, &comparison, at)?;
            }
            let range = if is_start { range(op, at) } else { i64::MIN..=i64::MAX };
            let (first, last) = allowed.unwrap_or((i64::MAX, i64::MIN));
            allowed = Some((first.min(*range.start()), last.max(*range.end())));
        }
        if let Some((first, last)) = allowed {
            (from, to) = (from.max(first), to.min(last));
        }
    }
    Ok((from, to))
}

fn range(op: BinaryOp, at: i64) -> RangeInclusive<i64> {
    match op {
        BinaryOp::Equal => at..=at,
        BinaryOp::Greater => at.saturating_add(1)..=i64::MAX,
        BinaryOp::GreaterEqual => at..=i64::MAX,
        BinaryOp::Less => i64::MIN..=at.saturating_sub(1),
        BinaryOp::LessEqual => i64::MIN..=at,
        _ => i64::MIN..=i64::MAX,
    }
}

/// A bound may be given once from each side, or else exactly.
fn check(said: &mut Said, column: &str, op: BinaryOp, comparison: &Comparison<'_>, at: i64) -> Result<(), Failure> {
    let (slot, kind) = match op {
        BinaryOp::Less | BinaryOp::LessEqual => (&mut said.upper, "LESS_THAN"),
        BinaryOp::Greater | BinaryOp::GreaterEqual => (&mut said.lower, "GREATER_THAN"),
        _ => (&mut said.equal, "EQUAL"),
    };
    let twice = std::mem::replace(slot, true);
    if said.equal && (said.upper || said.lower) {
        let side = |expr: &Expr| match expr.kind {
            ExprKind::String(_) => at.to_string(),
            _ => shown(expr),
        };
        let (left, right) = (side(comparison.left), side(comparison.right));
        let comparison = format!("({left} {} {right})", comparison.op.symbol());
        return Err(where_clause(&format!("`{comparison}` cannot be combined with other `{column}` bounds"), true));
    }
    if twice {
        return Err(where_clause(&format!("Duplicate `{column}` bounds on: {kind}"), true));
    }
    Ok(())
}

/// A constant as a point in time.
fn millis(expr: &Expr, env: &Env<'_>) -> Result<i64, Failure> {
    let time = match constant(expr, env)?.0 {
        Value::Integer(value) => Some(i64::from(value)),
        Value::Bigint(value) => Some(value),
        Value::String(text) => text::parse_timestamp(&text),
        _ => None,
    };
    time.ok_or_else(|| {
        where_clause("Window bounds must resolve to an INT, BIGINT, or STRING containing a datetime.", true)
    })
}
