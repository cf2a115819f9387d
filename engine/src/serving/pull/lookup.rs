//! WHERE → the keys and windows it asks for.

use sql::{BinaryOp, Expr, ExprKind};

use crate::catalog::Source;
use crate::config::setting;
use crate::expr::cast_value;
use crate::failure::Failure;
use crate::types::{SqlType, Value};

use super::conditions::{Comparison, Condition, Conditions, alternatives};
use super::expressions::{Env, constant};
use super::judge::{needs_scan, scan_is_off, too_many_alternatives};
use super::refuse::shown;
use super::{Access, Lookups, windows};

/// The rows a WHERE asks for, or what ksqlDB has against it. Where it names more keys than
/// `millstream.query.pull.keys.max`, all rows are read.
pub(super) fn access(filter: &Expr, source: &Source, env: &Env<'_>) -> Result<Access, Failure> {
    let scans = env.config.get(setting::QUERY_PULL_TABLE_SCAN_ENABLED);
    let Some(alternatives) = alternatives(filter) else {
        return if scans { Ok(Access::Scan) } else { Err(too_many_alternatives()) };
    };
    if needs_scan(&alternatives, source, scans)? {
        return Ok(Access::Scan);
    }
    let most = env.config.limit(setting::QUERY_PULL_KEYS_MAX);
    let mut columns: Vec<Vec<Value>> = vec![Vec::new(); source.schema.key.len()];
    let (mut windows, mut constants, mut ranges) = (Vec::new(), 0, false);
    for conditions in &alternatives {
        // Constants are work even where they name no key: each alternative has those of the others again.
        constants += conditions.iter().map(|condition| named(condition, source)).sum::<usize>();
        if constants > most.saturating_mul(columns.len()) {
            return many_keys(most, scans);
        }
        let wanted = wanted(conditions, source, env)?;
        let bounds = windows::starts(conditions, source, env)?;
        let Some(wanted) = wanted else {
            ranges = true;
            continue;
        };
        let keys = wanted.iter().try_fold(1, |keys: usize, values| keys.checked_mul(values.len()));
        let Some(keys) = keys.filter(|keys| *keys <= most.saturating_sub(windows.len())) else {
            return many_keys(most, scans);
        };
        // The last column changes fastest.
        let mut repeats = keys;
        for (column, values) in columns.iter_mut().zip(&wanted) {
            repeats = repeats.checked_div(values.len()).unwrap_or(0);
            let each = |key: usize| values.get(key / repeats.max(1) % values.len()).cloned();
            column.extend((0..keys).filter_map(each));
        }
        windows.resize(windows.len() + keys, bounds);
    }
    if ranges {
        let may_range = scans || is_range(&alternatives, source, env);
        return if may_range { Ok(Access::Scan) } else { Err(scan_is_off()) };
    }
    let columns = source.schema.key.iter().zip(&columns).map(|(column, values)| Value::column(&column.ty, values));
    Ok(Access::Keys(Lookups { columns: columns.collect(), windows }))
}

/// Whether ksqlDB answers it from a range of keys, for which nobody has to allow table scans.
fn is_range(alternatives: &[Conditions<'_>], source: &Source, env: &Env<'_>) -> bool {
    let is_sorted = matches!(source.schema.key.as_slice(), [key] if matches!(key.ty, SqlType::String | SqlType::Bytes));
    env.config.get(setting::QUERY_PULL_RANGE_SCAN_ENABLED)
        && !source.is_windowed()
        && is_sorted
        && matches!(alternatives, [_])
}

/// How many values of a key column a condition names.
fn named(condition: &Condition<'_>, source: &Source) -> usize {
    match condition {
        Condition::In { value, list, .. } if key_at(value, source).is_some() => list.len(),
        Condition::In { .. } => 0,
        _ => condition.comparisons().count(),
    }
}

fn key_at(expr: &Expr, source: &Source) -> Option<usize> {
    let ExprKind::Column { name, .. } = &expr.kind else { return None };
    source.schema.key.iter().position(|column| column.name == name.name)
}

/// More keys than are looked up one by one: all rows are read, if that is allowed.
fn many_keys(most: usize, scans: bool) -> Result<Access, Failure> {
    if scans {
        return Ok(Access::Scan);
    }
    Err(Failure::statement(format!(
        "The WHERE clause asks for more than {most} keys. Ask for fewer at once, raise millstream.query.pull.keys.max, or \
         enable table scans by setting ksql.query.pull.table.scan.enabled=true."
    )))
}

/// The values one alternative asks for of each key column; `None` when it does not name every one.
fn wanted(conditions: &[Condition<'_>], source: &Source, env: &Env<'_>) -> Result<Option<Vec<Vec<Value>>>, Failure> {
    let key = &source.schema.key;
    let mut found: Vec<Option<Vec<Value>>> = vec![None; key.len()];
    for condition in conditions {
        let (mut at, mut values) = (None, Vec::new());
        for comparison in condition.comparisons() {
            let Some((name, op, other)) = comparison.of_column() else { continue };
            let Some((position, column)) = key.iter().enumerate().find(|(_, column)| column.name == name) else {
                continue;
            };
            let value = key_value(&comparison, other, &column.name, &column.ty, env)?;
            if op == BinaryOp::Equal {
                at = Some(position);
                values.push(value);
            }
        }
        if let Some(slot @ None) = at.and_then(|at| found.get_mut(at)) {
            *slot = Some(values);
        }
    }
    Ok(found.into_iter().collect())
}

/// A constant as a value of the key column it is compared with.
fn key_value(
    comparison: &Comparison<'_>,
    expr: &Expr,
    column: &str,
    ty: &SqlType,
    env: &Env<'_>,
) -> Result<Value, Failure> {
    let null = || Failure::statement(format!("Primary key columns can not be NULL: {}", comparison.shown()));
    if expr.kind == ExprKind::Null {
        return Err(null());
    }
    let (value, of) = constant(expr, env)?;
    if value.is_null() {
        return Err(null());
    }
    let converted = if becomes(&of, ty) { cast_value(&value, &of, ty).ok() } else { None };
    converted.filter(|value| !value.is_null()).ok_or_else(|| {
        let shown = match cast_value(&value, &of, &SqlType::String) {
            Ok(Value::String(text)) => text,
            _ => shown(expr),
        };
        let message = format!("'{shown}' can not be converted to the type of the key column: {column} {ty} KEY");
        Failure::statement(message)
    })
}

/// Whether ksqlDB takes a value of type `from` for a key of type `to`: numbers get wider, texts are read.
fn becomes(from: &SqlType, to: &SqlType) -> bool {
    use SqlType::{Bigint, Bytes, Date, Decimal, Double, Integer, String, Time, Timestamp};
    match (from, to) {
        (Integer, Bigint | Double | Decimal { .. })
        | (Bigint, Double | Decimal { .. })
        | (Decimal { .. }, Double)
        | (String, Bytes | Date | Time | Timestamp) => true,
        (Decimal { scale: from, .. }, Decimal { scale: to, .. }) => from <= to,
        _ => from == to,
    }
}
