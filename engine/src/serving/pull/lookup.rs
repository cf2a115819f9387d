//! WHERE → the keys and windows it asks for.

use sql::{BinaryOp, Expr, ExprKind};

use crate::catalog::Source;
use crate::expr::{RowErrors, Rows, Scope, Settings, bind, cast_value, compile};
use crate::failure::Failure;
use crate::plan::ast;
use crate::types::{SqlType, Value};

use super::analyze::Env;
use super::refuse::shown;
use super::{Access, Lookups};

/// More combinations than this are not taken apart: the table is scanned.
const MOST_ALTERNATIVES: usize = 64;

/// What one of the conditions joined by AND says.
pub(super) enum Conjunct<'a> {
    /// `key = constant`, `key IN (constants)`
    KeyEquals { column: &'a str, values: Vec<&'a Expr> },
    /// `key < constant` and the like
    KeyCompares { column: &'a str, op: BinaryOp },
    /// A comparison of a key column with something that is no constant.
    Unresolvable,
    /// A comparison neither side of which is a column.
    NoColumn,
    /// `LIKE`
    Like,
    /// A bound on the window.
    Window,
    /// Something else.
    Other,
}

/// The alternatives (OR) of conditions (AND) of a WHERE; `None` when there are too many.
pub(super) fn alternatives(filter: &Expr) -> Option<Vec<Vec<&Expr>>> {
    let all = match &filter.kind {
        ExprKind::Binary { op: BinaryOp::Or, left, right } => {
            let mut all = alternatives(left)?;
            all.extend(alternatives(right)?);
            all
        }
        ExprKind::Binary { op: BinaryOp::And, left, right } => {
            let (left, right) = (alternatives(left)?, alternatives(right)?);
            if left.len() * right.len() > MOST_ALTERNATIVES {
                return None;
            }
            let both = |l: &Vec<&'_ Expr>, r: &Vec<&'_ Expr>| l.len() + r.len();
            let mut all = Vec::with_capacity(left.len() * right.len());
            for l in &left {
                for r in &right {
                    let mut conjuncts = Vec::with_capacity(both(l, r));
                    conjuncts.extend(l.iter().copied());
                    conjuncts.extend(r.iter().copied());
                    all.push(conjuncts);
                }
            }
            all
        }
        _ => vec![vec![filter]],
    };
    (all.len() <= MOST_ALTERNATIVES).then_some(all)
}

/// What a condition says.
pub(super) fn conjunct<'a>(expr: &'a Expr, source: &'a Source) -> Conjunct<'a> {
    let key_column = |expr: &Expr| match &expr.kind {
        ExprKind::Column { name, .. } => source.schema.key.iter().find(|column| column.name == name.name),
        _ => None,
    };
    match &expr.kind {
        ExprKind::Binary { op, left, right } if is_comparison(*op) => {
            let (column, other, op) = match (&left.kind, &right.kind) {
                (ExprKind::Column { .. }, _) => (left, right, *op),
                (_, ExprKind::Column { .. }) => (right, left, flipped(*op)),
                _ => return Conjunct::NoColumn,
            };
            if is_window_bound(column) {
                return Conjunct::Window;
            }
            match key_column(column) {
                None => Conjunct::Other,
                Some(_) if !is_constant(other) => Conjunct::Unresolvable,
                Some(key) if op == BinaryOp::Equal => Conjunct::KeyEquals { column: &key.name, values: vec![other] },
                Some(key) => Conjunct::KeyCompares { column: &key.name, op },
            }
        }
        ExprKind::In { expr, list, negated: false } => match key_column(expr) {
            Some(_) if !list.iter().all(is_constant) => Conjunct::Unresolvable,
            Some(key) => Conjunct::KeyEquals { column: &key.name, values: list.iter().collect() },
            None => Conjunct::Other,
        },
        ExprKind::Like { .. } => Conjunct::Like,
        _ => Conjunct::Other,
    }
}

fn is_comparison(op: BinaryOp) -> bool {
    use BinaryOp::{Equal, Greater, GreaterEqual, Less, LessEqual, NotEqual};
    matches!(op, Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual)
}

/// The operator with its sides exchanged.
pub(super) fn flipped(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Less => BinaryOp::Greater,
        BinaryOp::LessEqual => BinaryOp::GreaterEqual,
        BinaryOp::Greater => BinaryOp::Less,
        BinaryOp::GreaterEqual => BinaryOp::LessEqual,
        other => other,
    }
}

fn is_window_bound(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Column { name, .. } if name.name == "WINDOWSTART" || name.name == "WINDOWEND")
}

fn is_constant(expr: &Expr) -> bool {
    let mut constant = true;
    visit(expr, &mut |part| constant &= !matches!(part.kind, ExprKind::Column { .. }));
    constant
}

/// The rows a WHERE asks for. Where it names more keys than `millstream.query.pull.keys.max`, all rows are read.
pub(super) fn access(filter: &Expr, source: &Source, env: &Env<'_>) -> Result<Access, Failure> {
    let Some(alternatives) = alternatives(filter) else { return Ok(Access::Scan) };
    let most = env.config.number("millstream.query.pull.keys.max").and_then(|most| usize::try_from(most).ok());
    let most = most.unwrap_or(0);
    let mut columns: Vec<Vec<Value>> = vec![Vec::new(); source.schema.key.len()];
    let (mut windows, mut constants) = (Vec::new(), 0);
    for conjuncts in &alternatives {
        // Constants are work even where they name no key: each alternative has those of the others again.
        constants += conjuncts.iter().map(|expr| named(expr, source)).sum::<usize>();
        if constants > most.saturating_mul(columns.len()) {
            return many_keys(most, env);
        }
        let Some(wanted) = wanted(conjuncts, source, env)? else { return Ok(Access::Scan) };
        let keys = wanted.iter().try_fold(1, |keys: usize, values| keys.checked_mul(values.len()));
        let Some(keys) = keys.filter(|keys| *keys <= most.saturating_sub(windows.len())) else {
            return many_keys(most, env);
        };
        // The last column changes fastest.
        let mut repeats = keys;
        for (column, values) in columns.iter_mut().zip(&wanted) {
            repeats = repeats.checked_div(values.len()).unwrap_or(0);
            let each = |key: usize| values.get(key / repeats.max(1) % values.len()).cloned();
            column.extend((0..keys).filter_map(each));
        }
        windows.resize(windows.len() + keys, window_starts(conjuncts, source, env));
    }
    let columns = source.schema.key.iter().zip(&columns).map(|(column, values)| Value::column(&column.ty, values));
    Ok(Access::Keys(Lookups { columns: columns.collect(), windows }))
}

/// How many values of a key column a condition names.
fn named(expr: &Expr, source: &Source) -> usize {
    match conjunct(expr, source) {
        Conjunct::KeyEquals { values, .. } => values.len(),
        _ => 0,
    }
}

/// More keys than are looked up one by one: all rows are read, if that is allowed.
fn many_keys(most: usize, env: &Env<'_>) -> Result<Access, Failure> {
    if env.config.enabled("ksql.query.pull.table.scan.enabled") {
        return Ok(Access::Scan);
    }
    Err(Failure::statement(format!(
        "The WHERE clause asks for more than {most} keys. Ask for fewer at once, raise millstream.query.pull.keys.max, or \
         enable table scans by setting ksql.query.pull.table.scan.enabled=true."
    )))
}

/// The values one alternative asks for of each key column; `None` when it does not name every one.
fn wanted(conjuncts: &[&Expr], source: &Source, env: &Env<'_>) -> Result<Option<Vec<Vec<Value>>>, Failure> {
    let key = &source.schema.key;
    let mut found: Vec<Option<Vec<Value>>> = vec![None; key.len()];
    for expr in conjuncts {
        let Conjunct::KeyEquals { column, values } = conjunct(expr, source) else { continue };
        let Some((at, key)) = key.iter().enumerate().find(|(_, key)| key.name == column) else { continue };
        let is_list = matches!(expr.kind, ExprKind::In { .. });
        let mut wanted = Vec::new();
        for value in values {
            wanted.extend(key_value(value, column, &key.ty, is_list, env)?);
        }
        if let Some(slot @ None) = found.get_mut(at) {
            *slot = Some(wanted);
        }
    }
    Ok(found.into_iter().collect())
}

/// A constant as a value of the key column; `None` when no row can have it.
fn key_value(expr: &Expr, column: &str, ty: &SqlType, is_list: bool, env: &Env<'_>) -> Result<Option<Value>, Failure> {
    if expr.kind == ExprKind::Null {
        return Err(Failure::statement(format!("Primary key columns can not be NULL: ({column} = null)")));
    }
    let typed = bind(expr, &Scope::default(), env.expr()).map_err(|error| Failure::statement(error.to_string()))?;
    let fits = typed.ty == *ty || (typed.ty.is_numeric() && ty.is_numeric());
    if is_list && !fits {
        let message = format!("{} can not be converted to the type of the key column: {column} {ty} KEY", shown(expr));
        return Err(Failure::statement(message));
    }
    let value = compile(&typed, &Settings::default())
        .map(|constant| constant.eval(Rows { columns: &[], len: 1 }, &mut RowErrors::default()))
        .map_err(|error| Failure::statement(error.to_string()))?;
    Ok(cast_value(&Value::at(&value, 0), &typed.ty, ty).ok().filter(|value| !value.is_null()))
}

/// Starts of windows an alternative allows.
fn window_starts(conjuncts: &[&Expr], source: &Source, env: &Env<'_>) -> (i64, i64) {
    let (mut from, mut to) = (i64::MIN, i64::MAX);
    if !source.is_windowed() {
        return (from, to);
    }
    for expr in conjuncts {
        let ExprKind::Binary { op, left, right } = &expr.kind else { continue };
        let (column, other, op) = match (&left.kind, &right.kind) {
            (ExprKind::Column { name, .. }, _) => (&name.name, right, *op),
            (_, ExprKind::Column { name, .. }) => (&name.name, left, flipped(*op)),
            _ => continue,
        };
        let Some(at) = (column == "WINDOWSTART").then(|| constant_ms(other, env)).flatten() else { continue };
        match op {
            BinaryOp::Equal => (from, to) = (from.max(at), to.min(at)),
            BinaryOp::Greater => from = from.max(at.saturating_add(1)),
            BinaryOp::GreaterEqual => from = from.max(at),
            BinaryOp::Less => to = to.min(at.saturating_sub(1)),
            BinaryOp::LessEqual => to = to.min(at),
            _ => {}
        }
    }
    (from, to)
}

/// A constant number of milliseconds.
fn constant_ms(expr: &Expr, env: &Env<'_>) -> Option<i64> {
    let typed = bind(expr, &Scope::default(), env.expr()).ok()?;
    let constant = compile(&typed, &Settings::default()).ok()?;
    let value = constant.eval(Rows { columns: &[], len: 1 }, &mut RowErrors::default());
    match Value::at(&value, 0) {
        Value::Integer(value) => Some(i64::from(value)),
        Value::Bigint(value) => Some(value),
        Value::String(text) => crate::types::text::parse_timestamp(&text),
        _ => None,
    }
}

/// Calls `each` for an expression and all its parts.
pub(super) fn visit<'a>(expr: &'a Expr, each: &mut dyn FnMut(&'a Expr)) {
    each(expr);
    for child in ast::children(expr) {
        visit(child, each);
    }
}
