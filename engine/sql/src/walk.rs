//! Walks over expressions.

use crate::{Expr, ExprKind};

impl Expr {
    /// Direct sub-expressions, in the order written.
    pub fn children(&self) -> Vec<&Self> {
        match &self.kind {
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
            ExprKind::In { expr, list, .. } => std::iter::once(&**expr).chain(list).collect(),
            ExprKind::Like { expr, pattern, .. } => vec![expr, pattern],
            ExprKind::Case { operand, whens, otherwise } => operand
                .as_deref()
                .into_iter()
                .chain(whens.iter().flat_map(|(when, then)| [when, then]))
                .chain(otherwise.as_deref())
                .collect(),
            ExprKind::Subscript { base, index } => vec![base, index],
            ExprKind::Field { base, .. } => vec![base],
            ExprKind::Array(items) | ExprKind::Call { args: items, .. } => items.iter().collect(),
            ExprKind::Map(entries) => entries.iter().flat_map(|(key, value)| [key, value]).collect(),
            ExprKind::Struct(fields) => fields.iter().map(|(_, value)| value).collect(),
            ExprKind::Lambda { body, .. } => vec![body],
        }
    }

    /// How many expressions it consists of.
    pub fn nodes(&self) -> usize {
        1 + self.children().into_iter().map(Self::nodes).sum::<usize>()
    }
}
