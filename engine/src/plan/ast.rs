//! Walks over expressions as written.

use sql::{Expr, ExprKind};

/// Direct sub-expressions, in the order written: shared, or (`mut`) to be changed.
macro_rules! children {
    ($expr:ident, $iter:ident, $as_deref:ident $(, $mutable:ident)?) => {
        match &$($mutable)? $expr.kind {
            ExprKind::Null
            | ExprKind::Boolean(_)
            | ExprKind::Integer(_)
            | ExprKind::Bigint(_)
            | ExprKind::Decimal(_)
            | ExprKind::Double(_)
            | ExprKind::String(_)
            | ExprKind::Column { .. }
            | ExprKind::Unit(_) => Vec::new(),
            ExprKind::Unary { expr, .. }
            | ExprKind::Not(expr)
            | ExprKind::IsNull { expr, .. }
            | ExprKind::Cast { expr, .. }
            | ExprKind::AtTimeZone { expr, .. } => vec![expr],
            ExprKind::Binary { left, right, .. } => vec![left, right],
            ExprKind::Between { expr, low, high, .. } => vec![expr, low, high],
            ExprKind::In { expr, list, .. } => std::iter::once(&$($mutable)? **expr).chain(list).collect(),
            ExprKind::Like { expr, pattern, .. } => vec![expr, pattern],
            ExprKind::Case { operand, whens, otherwise } => operand
                .$as_deref()
                .into_iter()
                .chain(whens.$iter().flat_map(|(when, then)| [when, then]))
                .chain(otherwise.$as_deref())
                .collect(),
            ExprKind::Subscript { base, index } => vec![base, index],
            ExprKind::Field { base, .. } => vec![base],
            ExprKind::Array(items) | ExprKind::Call { args: items, .. } => items.$iter().collect(),
            ExprKind::Map(entries) => entries.$iter().flat_map(|(key, value)| [key, value]).collect(),
            ExprKind::Struct(fields) => fields.$iter().map(|(_, value)| value).collect(),
            ExprKind::Lambda { body, .. } => vec![body],
        }
    };
}

/// Direct sub-expressions, in the order written.
pub(crate) fn children(expr: &Expr) -> Vec<&Expr> {
    children!(expr, iter, as_deref)
}

/// Direct sub-expressions, to be changed.
pub(crate) fn children_mut(expr: &mut Expr) -> Vec<&mut Expr> {
    children!(expr, iter_mut, as_deref_mut, mut)
}

/// How many expressions an expression has, itself among them.
pub(crate) fn parts(expr: &Expr) -> usize {
    1 + children(expr).into_iter().map(parts).sum::<usize>()
}

/// Whether it is, or contains, an expression for which `test` holds.
pub(crate) fn any(expr: &Expr, test: &dyn Fn(&Expr) -> bool) -> bool {
    test(expr) || children(expr).into_iter().any(|child| any(child, test))
}

/// The expression of a column as a bare name.
pub(crate) fn unqualified(name: impl Into<String>, span: sql::Span) -> ExprKind {
    ExprKind::Column { source: None, name: sql::Ident { name: name.into(), span } }
}
