//! Bound expressions, and what the planner may ask of them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::types::{SqlType, Value};

/// An expression with every name and type resolved and every cast explicit: plain data, as which it stands in the
/// command log. There names of fields and variants are never changed, nor used for something else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Typed {
    /// What it yields. A bare NULL has type STRING until a cast gives it another.
    #[serde(rename = "type")]
    pub ty: SqlType,
    /// What it does.
    pub kind: Kind,
}

/// What a typed expression does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[allow(missing_docs, reason = "what a variant is says what its operands are")]
pub enum Kind {
    /// Column at that position of the row layout.
    Column(usize),
    /// Parameter of an enclosing lambda: (depth outwards from the innermost lambda, position).
    Parameter(usize, usize),
    /// A bare NULL.
    Null,
    /// A constant of the expression's type.
    Literal(Value),
    /// Conversion to the expression's type.
    Cast(Box<Typed>),
    /// `-x`
    Negate(Box<Typed>),
    /// Both sides are of one type, except that scales of DECIMALs differ.
    Arithmetic { op: Arithmetic, left: Box<Typed>, right: Box<Typed> },
    /// Both sides are of one type, except that scales of DECIMALs differ.
    Compare { op: Comparison, left: Box<Typed>, right: Box<Typed> },
    /// Three-valued, as all that follows up to `Like`.
    And(Box<Typed>, Box<Typed>),
    /// Three-valued.
    Or(Box<Typed>, Box<Typed>),
    /// Three-valued.
    Not(Box<Typed>),
    /// Never NULL itself.
    IsNull(Box<Typed>),
    /// `expr BETWEEN low AND high`, all of one type.
    Between { expr: Box<Typed>, low: Box<Typed>, high: Box<Typed> },
    /// `expr IN (list)`, all of one type.
    In { expr: Box<Typed>, list: Vec<Typed> },
    /// `expr LIKE pattern [ESCAPE 'escape']`
    Like {
        expr: Box<Typed>,
        pattern: Box<Typed>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        escape: Option<char>,
    },
    /// `CASE WHEN … THEN … [ELSE otherwise] END`
    Case {
        whens: Vec<(Typed, Typed)>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        otherwise: Option<Box<Typed>>,
    },
    /// Element of an ARRAY (1-based) or MAP.
    Subscript { base: Box<Typed>, index: Box<Typed> },
    /// Field of a STRUCT by position.
    Field { base: Box<Typed>, field: usize },
    /// `ARRAY[…]`, elements of one type.
    Array(Vec<Typed>),
    /// `MAP(key := value, …)`
    Map(Vec<(Typed, Typed)>),
    /// One expression per field of the type.
    Struct(Vec<Typed>),
    /// A scalar or table function.
    Call(Call),
    /// `(x, y) => body` with its number of parameters; only as an argument of a call. Its type is the body's.
    Lambda { params: usize, body: Box<Typed> },
    /// A time unit as an argument of a call.
    Unit(sql::TimeUnit),
}

/// A call of a scalar function, or of a table function (then it yields an ARRAY of its rows).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Upper-case name of the function.
    pub function: String,
    /// Which of its variations: [`super::functions::Signature::types`].
    pub variation: String,
    /// Arguments, cast to what the variation takes.
    pub args: Vec<Typed>,
}

/// An arithmetic operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arithmetic {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
}

/// A comparison. All but the last two are FALSE when a side is NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `IS DISTINCT FROM`
    Distinct,
    /// `IS NOT DISTINCT FROM`
    NotDistinct,
}

impl Typed {
    /// A column of the row layout.
    pub fn column(position: usize, ty: SqlType) -> Self {
        Self { ty, kind: Kind::Column(position) }
    }

    /// A constant.
    pub fn literal(value: Value, ty: SqlType) -> Self {
        match value {
            Value::Null => Self::null(ty),
            value => Self { ty, kind: Kind::Literal(value) },
        }
    }

    /// NULL of a type.
    pub fn null(ty: SqlType) -> Self {
        Self { ty, kind: Kind::Null }
    }

    /// Stands for an expression of that type that there is no code for. Unlike a bare NULL it has a type.
    pub fn codeless(ty: SqlType) -> Self {
        Self { ty: ty.clone(), kind: Kind::Cast(Box::new(Self::null(ty))) }
    }

    pub(super) fn boolean(kind: Kind) -> Self {
        Self { ty: SqlType::Boolean, kind }
    }

    pub(super) fn not(expr: Typed) -> Self {
        Self::boolean(Kind::Not(Box::new(expr)))
    }

    /// Whether it is the NULL literal.
    pub fn is_null_literal(&self) -> bool {
        self.kind == Kind::Null
    }

    /// Its value if it is a constant as written.
    pub fn as_literal(&self) -> Option<&Value> {
        match &self.kind {
            Kind::Literal(value) => Some(value),
            Kind::Null => Some(&Value::Null),
            _ => None,
        }
    }

    /// The position if it is a bare column.
    pub fn as_column(&self) -> Option<usize> {
        if let Kind::Column(position) = self.kind { Some(position) } else { None }
    }

    /// Positions of all columns it reads, ascending.
    pub fn columns(&self) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        self.collect_columns(&mut found);
        found
    }

    fn collect_columns(&self, found: &mut BTreeSet<usize>) {
        if let Kind::Column(position) = self.kind {
            found.insert(position);
        }
        self.children().into_iter().for_each(|child| child.collect_columns(found));
    }

    /// The same expression over another row layout: column `i` becomes column `to(i)`.
    #[must_use]
    pub fn remap(mut self, to: &dyn Fn(usize) -> usize) -> Self {
        self.remap_in_place(to);
        self
    }

    fn remap_in_place(&mut self, to: &dyn Fn(usize) -> usize) {
        if let Kind::Column(position) = &mut self.kind {
            *position = to(*position);
        }
        self.children_mut().into_iter().for_each(|child| child.remap_in_place(to));
    }

    /// Replaces every sub-expression for which `with` has a replacement, outermost first.
    #[must_use]
    pub fn replace(mut self, with: &dyn Fn(&Typed) -> Option<Typed>) -> Self {
        self.replace_in_place(with);
        self
    }

    fn replace_in_place(&mut self, with: &dyn Fn(&Typed) -> Option<Typed>) {
        if let Some(replacement) = with(self) {
            *self = replacement;
        } else {
            self.children_mut().into_iter().for_each(|child| child.replace_in_place(with));
        }
    }

    /// Whether it is, or contains, an expression for which `test` holds.
    pub fn any(&self, test: &dyn Fn(&Typed) -> bool) -> bool {
        test(self) || self.children().into_iter().any(|child| child.any(test))
    }

    /// How many parts the types of all its expressions have.
    pub(super) fn parts(&self) -> usize {
        self.ty.parts() + self.children().into_iter().map(Self::parts).sum::<usize>()
    }

    /// Direct sub-expressions, in evaluation order.
    pub fn children(&self) -> Vec<&Typed> {
        match &self.kind {
            Kind::Column(_) | Kind::Parameter(..) | Kind::Null | Kind::Literal(_) | Kind::Unit(_) => Vec::new(),
            Kind::Cast(expr) | Kind::Negate(expr) | Kind::Not(expr) | Kind::IsNull(expr) => vec![expr],
            Kind::Field { base, .. } => vec![base],
            Kind::Lambda { body, .. } => vec![body],
            Kind::Arithmetic { left, right, .. }
            | Kind::Compare { left, right, .. }
            | Kind::And(left, right)
            | Kind::Or(left, right) => vec![left, right],
            Kind::Subscript { base, index } => vec![base, index],
            Kind::Like { expr, pattern, .. } => vec![expr, pattern],
            Kind::Between { expr, low, high } => vec![expr, low, high],
            Kind::In { expr, list } => std::iter::once(&**expr).chain(list).collect(),
            Kind::Case { whens, otherwise } => {
                whens.iter().flat_map(|(when, then)| [when, then]).chain(otherwise.as_deref()).collect()
            }
            Kind::Array(items) | Kind::Struct(items) => items.iter().collect(),
            Kind::Map(entries) => entries.iter().flat_map(|(key, value)| [key, value]).collect(),
            Kind::Call(call) => call.args.iter().collect(),
        }
    }

    fn children_mut(&mut self) -> Vec<&mut Typed> {
        match &mut self.kind {
            Kind::Column(_) | Kind::Parameter(..) | Kind::Null | Kind::Literal(_) | Kind::Unit(_) => Vec::new(),
            Kind::Cast(expr) | Kind::Negate(expr) | Kind::Not(expr) | Kind::IsNull(expr) => vec![expr],
            Kind::Field { base, .. } => vec![base],
            Kind::Lambda { body, .. } => vec![body],
            Kind::Arithmetic { left, right, .. }
            | Kind::Compare { left, right, .. }
            | Kind::And(left, right)
            | Kind::Or(left, right) => vec![left, right],
            Kind::Subscript { base, index } => vec![base, index],
            Kind::Like { expr, pattern, .. } => vec![expr, pattern],
            Kind::Between { expr, low, high } => vec![expr, low, high],
            Kind::In { expr, list } => std::iter::once(&mut **expr).chain(list).collect(),
            Kind::Case { whens, otherwise } => {
                whens.iter_mut().flat_map(|(when, then)| [when, then]).chain(otherwise.as_deref_mut()).collect()
            }
            Kind::Array(items) | Kind::Struct(items) => items.iter_mut().collect(),
            Kind::Map(entries) => entries.iter_mut().flat_map(|(key, value)| [key, value]).collect(),
            Kind::Call(call) => call.args.iter_mut().collect(),
        }
    }
}

impl Comparison {
    /// As ksqlDB calls it in messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Equal => "EQUAL",
            Self::NotEqual => "NOT_EQUAL",
            Self::Less => "LESS_THAN",
            Self::LessEqual => "LESS_THAN_OR_EQUAL",
            Self::Greater => "GREATER_THAN",
            Self::GreaterEqual => "GREATER_THAN_OR_EQUAL",
            Self::Distinct => "IS_DISTINCT_FROM",
            Self::NotDistinct => "IS_NOT_DISTINCT_FROM",
        }
    }

    /// Whether it asks for order, not only for equality.
    pub(super) fn is_ordering(self) -> bool {
        matches!(self, Self::Less | Self::LessEqual | Self::Greater | Self::GreaterEqual)
    }

    /// Whether it holds for two values in that order; `None` stands for values without an order that differ.
    pub(super) fn holds(self, order: Option<std::cmp::Ordering>) -> bool {
        match (self, order) {
            (Self::Equal | Self::NotDistinct, order) => order.is_some_and(|order| order.is_eq()),
            (Self::NotEqual | Self::Distinct, order) => order.is_none_or(|order| order.is_ne()),
            (_, None) => false,
            (Self::Less, Some(order)) => order.is_lt(),
            (Self::LessEqual, Some(order)) => order.is_le(),
            (Self::Greater, Some(order)) => order.is_gt(),
            (Self::GreaterEqual, Some(order)) => order.is_ge(),
        }
    }
}
