//! What ksqlDB lets stand in the WHERE of a pull query, in its words.

use sql::{BinaryOp, Expr, ExprKind};

use crate::catalog::Source;
use crate::failure::Failure;
use crate::types::{Column, SqlType};

use super::conditions::{Comparison, Condition, Conditions, all_shown};
use super::expressions::visit;
use super::refuse::where_clause;
use super::windows;

/// Whether a WHERE can only be answered by a table scan, or what ksqlDB has against it. Where scans are switched off
/// (`scans`), whatever would need one is refused. Alternatives behind one that needs a scan are not looked at.
pub(super) fn needs_scan(alternatives: &[Conditions<'_>], source: &Source, scans: bool) -> Result<bool, Failure> {
    let key = &source.schema.key;
    for conditions in alternatives {
        let mut judged = Judged { source, scans, seen: vec![false; key.len()], needs_scan: false };
        conditions.iter().try_for_each(|condition| judged.condition(condition))?;
        if judged.needs_scan {
            return Ok(true);
        }
        let seen: Vec<String> =
            key.iter().zip(&judged.seen).filter(|(_, seen)| **seen).map(|(c, _)| quoted(c)).collect();
        if seen.len() == key.len() && !key.is_empty() {
            continue;
        }
        if scans {
            return Ok(true);
        }
        let message = if seen.is_empty() {
            format!("WHERE clause missing key column for disjunct: {}", all_shown(conditions))
        } else {
            format!(
                "Multi-column sources must specify every key in the WHERE clause. Specified: [{}] Expected: [{}]",
                seen.join(", "),
                declared(key),
            )
        };
        return Err(where_clause(&message, source.is_windowed()));
    }
    Ok(false)
}

fn quoted(column: &Column) -> String {
    format!("`{}`", column.name)
}

fn declared(key: &[Column]) -> String {
    let columns: Vec<String> = key.iter().map(|column| format!("`{}` {} KEY", column.name, column.ty)).collect();
    columns.join(", ")
}

/// What is known of one alternative.
struct Judged<'a> {
    source: &'a Source,
    scans: bool,
    /// Which key columns are compared with something.
    seen: Vec<bool>,
    needs_scan: bool,
}

impl Judged<'_> {
    fn condition(&mut self, condition: &Condition<'_>) -> Result<(), Failure> {
        match condition {
            Condition::Compares(comparison) => self.comparison(comparison, false),
            Condition::In { negated, .. } => {
                // Each value of a list stands in an alternative of its own, unless it is one of those that are not wanted.
                let mut comparisons = condition.comparisons().enumerate();
                comparisons.try_for_each(|(at, comparison)| self.comparison(&comparison, at > 0 && !negated))
            }
            Condition::Like { value, pattern, .. } => self.like(value, pattern),
            Condition::Other { .. } => {
                Err(where_clause(&format!("Unsupported expression in WHERE clause: {}", condition.shown()), false))
            }
        }
    }

    /// What needs a scan is refused where there are none.
    fn scan(&mut self, message: &str) -> Result<(), Failure> {
        if self.scans {
            self.needs_scan = true;
            return Ok(());
        }
        Err(where_clause(message, self.source.is_windowed()))
    }

    /// `again`: another value of a list, one of which was looked at.
    fn comparison(&mut self, comparison: &Comparison<'_>, again: bool) -> Result<(), Failure> {
        let Some((column, op, other)) = comparison.of_column() else {
            return self.scan("A comparison must directly reference a key column");
        };
        if !is_constant(other) {
            return self.scan("A comparison must be between a key column and a resolvable expression");
        }
        if windows::is_bound(column) {
            return match refused_operator(op) {
                Some(operator) => Err(where_clause(&format!("Unsupported `{column}` bounds: {operator}"), true)),
                None => Ok(()),
            };
        }
        let Some(at) = self.source.schema.key.iter().position(|key| key.name == column) else { return Ok(()) };
        if refused_operator(op).is_some() {
            let key = declared(&self.source.schema.key);
            self.scan(&format!("Bound on key columns '[{key}]' must currently be '='"))?;
        }
        let Some(seen) = self.seen.get_mut(at) else { return Ok(()) };
        if std::mem::replace(seen, true) && !self.scans && !again {
            return self.scan(
                "A comparison condition on the key column cannot be combined with other comparisons such as an IN \
                 predicate",
            );
        }
        Ok(())
    }

    fn like(&mut self, value: &Expr, pattern: &Expr) -> Result<(), Failure> {
        let ExprKind::Column { name, .. } = &value.kind else {
            return self.scan("Like condition must be between strings");
        };
        let schema = &self.source.schema;
        let column = schema.key.iter().chain(&schema.value).find(|column| column.name == name.name);
        let windowed = self.source.is_windowed();
        if let Some(column) = column.filter(|column| column.ty != SqlType::String) {
            let ty = base_name(&column.ty);
            let message = format!("The column type for Like condition must be VARCHAR. The column type is {ty}");
            return Err(where_clause(&message, windowed));
        }
        match java_class(pattern) {
            None => Ok(()),
            Some(class) => {
                let class = format!("io.confluent.ksql.execution.expression.tree.{class}");
                Err(where_clause(&format!("Like condition on non-string pattern {class}"), windowed))
            }
        }
    }
}

/// The name of an operator that is none of a key and of no window.
fn refused_operator(op: BinaryOp) -> Option<&'static str> {
    match op {
        BinaryOp::NotEqual => Some("NOT_EQUAL"),
        BinaryOp::IsDistinctFrom => Some("IS_DISTINCT_FROM"),
        BinaryOp::IsNotDistinctFrom => Some("IS_NOT_DISTINCT_FROM"),
        _ => None,
    }
}

fn is_constant(expr: &Expr) -> bool {
    let mut constant = true;
    visit(expr, &mut |part| constant &= !matches!(part.kind, ExprKind::Column { .. }));
    constant
}

/// A type without its parameters.
fn base_name(ty: &SqlType) -> String {
    let text = ty.to_string();
    text.split(['<', '(']).next().unwrap_or_default().to_owned()
}

/// What ksqlDB calls a pattern that is no text.
fn java_class(pattern: &Expr) -> Option<&'static str> {
    Some(match &pattern.kind {
        ExprKind::String(_) | ExprKind::Null => return None,
        ExprKind::Boolean(_) => "BooleanLiteral",
        ExprKind::Integer(_) => "IntegerLiteral",
        ExprKind::Bigint(_) => "LongLiteral",
        ExprKind::Decimal(_) => "DecimalLiteral",
        ExprKind::Double(_) => "DoubleLiteral",
        ExprKind::Column { .. } => "UnqualifiedColumnReferenceExp",
        ExprKind::Unary { .. } => "ArithmeticUnaryExpression",
        ExprKind::Binary { op: BinaryOp::Concat, .. } | ExprKind::Call { .. } => "FunctionCall",
        ExprKind::Binary { .. } => "ArithmeticBinaryExpression",
        ExprKind::Case { operand: Some(_), .. } => "SimpleCaseExpression",
        ExprKind::Case { .. } => "SearchedCaseExpression",
        ExprKind::Cast { .. } => "Cast",
        ExprKind::Subscript { .. } => "SubscriptExpression",
        ExprKind::Field { .. } => "DereferenceExpression",
        ExprKind::Array(_) => "CreateArrayExpression",
        ExprKind::Map(_) => "CreateMapExpression",
        ExprKind::Struct(_) => "CreateStructExpression",
        _ => "Expression",
    })
}

/// A range of keys or the like, where only single keys may be asked for.
pub(super) fn scan_is_off() -> Failure {
    Failure::statement(
        "Query requires table scan to be enabled. Table scans can be enabled by setting \
         ksql.query.pull.table.scan.enabled=true",
    )
}

/// A WHERE that is not taken apart.
pub(super) fn too_many_alternatives() -> Failure {
    Failure::statement(
        "The WHERE clause has too many alternatives to look their keys up. Enable table scans by setting \
         ksql.query.pull.table.scan.enabled=true.",
    )
}
