//! WHERE → alternatives (OR) of conditions (AND), the form ksqlDB judges pull queries by.

use sql::{BinaryOp, Expr, ExprKind};

use super::refuse::shown;

/// More combinations than this are not taken apart: the table is scanned.
const MOST_ALTERNATIVES: usize = 64;

/// Conditions that all have to hold.
pub(super) type Conditions<'a> = Vec<Condition<'a>>;

/// What one of the conditions joined by AND says. BETWEEN is two of them, NOT is moved into comparisons.
#[derive(Debug, Clone, Copy)]
pub(super) enum Condition<'a> {
    /// `left op right`
    Compares(Comparison<'a>),
    /// `value IN (list)`, or none of the list.
    In { value: &'a Expr, list: &'a [Expr], negated: bool },
    /// `value LIKE pattern`
    Like { expr: &'a Expr, value: &'a Expr, pattern: &'a Expr },
    /// Something else; `negated` where ksqlDB still sees the NOT before it.
    Other { expr: &'a Expr, negated: bool },
}

/// A comparison of two values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Comparison<'a> {
    pub(super) left: &'a Expr,
    pub(super) op: BinaryOp,
    pub(super) right: &'a Expr,
}

impl<'a> Comparison<'a> {
    /// The column on one of its sides, what that is compared with, and how. The right side goes first.
    pub(super) fn of_column(&self) -> Option<(&'a str, BinaryOp, &'a Expr)> {
        match (&self.left.kind, &self.right.kind) {
            (_, ExprKind::Column { name, .. }) => Some((&name.name, flipped(self.op), self.left)),
            (ExprKind::Column { name, .. }, _) => Some((&name.name, self.op, self.right)),
            _ => None,
        }
    }

    pub(super) fn shown(&self) -> String {
        format!("({} {} {})", shown(self.left), self.op.symbol(), shown(self.right))
    }
}

impl<'a> Condition<'a> {
    /// The comparisons it is made of.
    pub(super) fn comparisons(self) -> impl Iterator<Item = Comparison<'a>> {
        let (one, value, list, negated) = match self {
            Self::Compares(comparison) => (Some(comparison), None, [].as_slice(), false),
            Self::In { value, list, negated } => (None, Some(value), list, negated),
            Self::Like { .. } | Self::Other { .. } => (None, None, [].as_slice(), false),
        };
        let op = if negated { BinaryOp::NotEqual } else { BinaryOp::Equal };
        let each = list.iter().filter_map(move |right| Some(Comparison { left: value?, op, right }));
        one.into_iter().chain(each)
    }

    pub(super) fn shown(&self) -> String {
        match self {
            Self::Compares(comparison) => comparison.shown(),
            Self::In { value, list, negated: false } => {
                let first = list.first().map(|right| Comparison { left: value, op: BinaryOp::Equal, right });
                first.map_or_else(String::new, |comparison| comparison.shown())
            }
            Self::In { .. } => joined(self.comparisons().map(|comparison| comparison.shown())),
            Self::Like { expr, .. } | Self::Other { expr, negated: false } => shown(expr),
            Self::Other { expr, negated: true } => format!("(NOT {})", shown(expr)),
        }
    }
}

/// Conditions as ksqlDB shows them.
pub(super) fn all_shown(conditions: &[Condition<'_>]) -> String {
    joined(conditions.iter().map(Condition::shown))
}

fn joined(texts: impl Iterator<Item = String>) -> String {
    texts.reduce(|left, right| format!("({left} AND {right})")).unwrap_or_default()
}

/// The alternatives of a WHERE; `None` when there are too many.
pub(super) fn alternatives(filter: &Expr) -> Option<Vec<Conditions<'_>>> {
    split(filter, false)
}

fn split(expr: &Expr, negated: bool) -> Option<Vec<Conditions<'_>>> {
    let compares = |left, op, right| {
        let op = if negated { opposite(op) } else { op };
        Some(vec![vec![Condition::Compares(Comparison { left, op, right })]])
    };
    match &expr.kind {
        ExprKind::Not(inner) => split(inner, !negated),
        ExprKind::Binary { op: op @ (BinaryOp::And | BinaryOp::Or), left, right } => {
            let (left, right) = (split(left, negated)?, split(right, negated)?);
            if (*op == BinaryOp::Or) == negated { both(&left, &right) } else { either(left, right) }
        }
        ExprKind::Binary { op, left, right } if is_comparison(*op) => compares(left, *op, right),
        ExprKind::Between { expr, low, high, negated: not } => {
            let negated = negated != *not;
            let (low_op, high_op) = if negated {
                (BinaryOp::Less, BinaryOp::Greater)
            } else {
                (BinaryOp::GreaterEqual, BinaryOp::LessEqual)
            };
            let above = Condition::Compares(Comparison { left: expr, op: low_op, right: low });
            let below = Condition::Compares(Comparison { left: expr, op: high_op, right: high });
            Some(if negated { vec![vec![above], vec![below]] } else { vec![vec![above, below]] })
        }
        ExprKind::In { expr: value, list, negated: not } => {
            Some(vec![vec![Condition::In { value, list, negated: negated != *not }]])
        }
        ExprKind::Like { expr: value, pattern, .. } => Some(vec![vec![Condition::Like { expr, value, pattern }]]),
        // ksqlDB loses a NOT before anything else.
        _ => {
            let negated = negated && matches!(expr.kind, ExprKind::Column { .. } | ExprKind::Boolean(_));
            Some(vec![vec![Condition::Other { expr, negated }]])
        }
    }
}

fn either<'a>(mut left: Vec<Conditions<'a>>, right: Vec<Conditions<'a>>) -> Option<Vec<Conditions<'a>>> {
    left.extend(right);
    (left.len() <= MOST_ALTERNATIVES).then_some(left)
}

fn both<'a>(left: &[Conditions<'a>], right: &[Conditions<'a>]) -> Option<Vec<Conditions<'a>>> {
    if left.len() * right.len() > MOST_ALTERNATIVES {
        return None;
    }
    let pairs = left.iter().flat_map(|l| right.iter().map(move |r| [l.as_slice(), r].concat()));
    Some(pairs.collect())
}

fn is_comparison(op: BinaryOp) -> bool {
    use BinaryOp::{Equal, Greater, GreaterEqual, IsDistinctFrom, IsNotDistinctFrom, Less, LessEqual, NotEqual};
    matches!(op, Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual | IsDistinctFrom | IsNotDistinctFrom)
}

/// The operator that holds where this one does not.
fn opposite(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Equal => BinaryOp::NotEqual,
        BinaryOp::NotEqual => BinaryOp::Equal,
        BinaryOp::Less => BinaryOp::GreaterEqual,
        BinaryOp::GreaterEqual => BinaryOp::Less,
        BinaryOp::Greater => BinaryOp::LessEqual,
        BinaryOp::LessEqual => BinaryOp::Greater,
        BinaryOp::IsDistinctFrom => BinaryOp::IsNotDistinctFrom,
        BinaryOp::IsNotDistinctFrom => BinaryOp::IsDistinctFrom,
        other => other,
    }
}

/// The operator with its sides exchanged.
fn flipped(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Less => BinaryOp::Greater,
        BinaryOp::LessEqual => BinaryOp::GreaterEqual,
        BinaryOp::Greater => BinaryOp::Less,
        BinaryOp::GreaterEqual => BinaryOp::LessEqual,
        other => other,
    }
}
