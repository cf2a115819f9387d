//! Arithmetic, comparisons, BETWEEN, IN, LIKE, CASE.

use sql::{BinaryOp, Expr, ExprKind, Span};

use super::super::coerce::{self, Element};
use super::super::typed::{Arithmetic, Comparison, Kind};
use super::super::{ExprError, Typed};
use super::Binder;
use crate::types::{SqlType, Value, text};

/// Columns that compare with timestamps written as text.
const PSEUDO_TIMES: [&str; 3] = ["ROWTIME", "WINDOWSTART", "WINDOWEND"];

impl Binder<'_> {
    pub(super) fn binary(&mut self, op: BinaryOp, left: &Expr, right: &Expr, whole: &Expr) -> Result<Typed, ExprError> {
        match op {
            BinaryOp::Add => self.arithmetic(Arithmetic::Add, left, right, whole),
            BinaryOp::Subtract => self.arithmetic(Arithmetic::Subtract, left, right, whole),
            BinaryOp::Multiply => self.arithmetic(Arithmetic::Multiply, left, right, whole),
            BinaryOp::Divide => self.arithmetic(Arithmetic::Divide, left, right, whole),
            BinaryOp::Modulo => self.arithmetic(Arithmetic::Modulo, left, right, whole),
            BinaryOp::Concat => {
                let args = [left.clone(), right.clone()];
                self.call(&sql::Ident::new("CONCAT"), &args, whole.span, false)
            }
            BinaryOp::And | BinaryOp::Or => self.logical(op, left, right, whole),
            BinaryOp::Equal => self.comparison(Comparison::Equal, left, right, whole),
            BinaryOp::NotEqual => self.comparison(Comparison::NotEqual, left, right, whole),
            BinaryOp::Less => self.comparison(Comparison::Less, left, right, whole),
            BinaryOp::LessEqual => self.comparison(Comparison::LessEqual, left, right, whole),
            BinaryOp::Greater => self.comparison(Comparison::Greater, left, right, whole),
            BinaryOp::GreaterEqual => self.comparison(Comparison::GreaterEqual, left, right, whole),
            BinaryOp::IsDistinctFrom => self.comparison(Comparison::Distinct, left, right, whole),
            BinaryOp::IsNotDistinctFrom => self.comparison(Comparison::NotDistinct, left, right, whole),
        }
    }

    /// AND and OR have the type of their right operand.
    fn logical(&mut self, op: BinaryOp, left: &Expr, right: &Expr, whole: &Expr) -> Result<Typed, ExprError> {
        let (left, right) = (self.bind(left)?, self.bind(right)?);
        let ty = if right.is_null_literal() { SqlType::Boolean } else { right.ty.clone() };
        let (left, right) = (Box::new(self.boolean(left, whole)), Box::new(self.boolean(right, whole)));
        let kind = if op == BinaryOp::And { Kind::And(left, right) } else { Kind::Or(left, right) };
        Ok(Typed { ty, kind })
    }

    fn arithmetic(&mut self, op: Arithmetic, left: &Expr, right: &Expr, whole: &Expr) -> Result<Typed, ExprError> {
        let (a, b) = (self.bind(left)?, self.bind(right)?);
        let nulls = a.is_null_literal() || b.is_null_literal();
        let types = if nulls {
            None
        } else if op == Arithmetic::Add && a.ty == SqlType::String && b.ty == SqlType::String {
            Some((SqlType::String, SqlType::String, SqlType::String))
        } else {
            coerce::arithmetic(op, &a.ty, &b.ty)
        };
        let Some((ty, left_type, right_type)) = types else {
            let name = |side: &Typed| if side.is_null_literal() { "null".to_owned() } else { side.ty.to_string() };
            return Err(ExprError::Arithmetic {
                expression: self.text(whole),
                left: name(&a),
                right: name(&b),
                span: whole.span,
            });
        };
        let (left, right) = (Box::new(coerce::cast(a, &left_type)), Box::new(coerce::cast(b, &right_type)));
        Ok(Typed { ty, kind: Kind::Arithmetic { op, left, right } })
    }

    fn comparison(&mut self, op: Comparison, left: &Expr, right: &Expr, whole: &Expr) -> Result<Typed, ExprError> {
        let (left, right) = self.magic_times(left, right)?;
        self.compare(op, left, right, whole)
    }

    fn compare(&self, op: Comparison, left: Side<'_>, right: Side<'_>, whole: &Expr) -> Result<Typed, ExprError> {
        let (mut a, mut b) = (left.expr, right.expr);
        let null_safe = matches!(op, Comparison::Distinct | Comparison::NotDistinct);
        if null_safe && a.is_null_literal() {
            a = coerce::cast(a, &b.ty);
        } else if null_safe && b.is_null_literal() {
            b = coerce::cast(b, &a.ty);
        } else if a.is_null_literal() || b.is_null_literal() {
            let base = |side: &Typed| {
                let name = if side.is_null_literal() { "NULL".to_owned() } else { side.ty.to_string() };
                name.split(['<', '(']).next().unwrap_or_default().to_owned()
            };
            return Err(ExprError::CompareNull {
                left: base(&a),
                right: base(&b),
                operator: symbol(op),
                span: whole.span,
            });
        }
        let Some(common) = comparable(op, &a.ty, &b.ty) else {
            return Err(ExprError::Compare {
                expression: self.text(whole),
                left: format!("{} ({})", self.text(left.written), a.ty),
                right: format!("{} ({})", self.text(right.written), b.ty),
                operator: op.name(),
                span: whole.span,
            });
        };
        // DECIMALs are compared whatever their scales.
        let cast = |side: Typed| match (&common, &side.ty) {
            (SqlType::Decimal { .. }, SqlType::Decimal { .. }) => side,
            (SqlType::Decimal { .. }, ty) => match coerce::as_decimal(ty) {
                Some((precision, scale)) => coerce::cast(side, &SqlType::Decimal { precision, scale }),
                None => side,
            },
            _ => coerce::cast(side, &common),
        };
        Ok(Typed::boolean(Kind::Compare { op, left: Box::new(cast(a)), right: Box::new(cast(b)) }))
    }

    fn side<'e>(&mut self, written: &'e Expr) -> Result<Side<'e>, ExprError> {
        Ok(Side { written, expr: self.bind(written)? })
    }

    /// Binds two sides; a text against ROWTIME and its like is read as a timestamp.
    fn magic_times<'e>(&mut self, left: &'e Expr, right: &'e Expr) -> Result<(Side<'e>, Side<'e>), ExprError> {
        let (mut a, mut b) = (self.side(left)?, self.side(right)?);
        read_times(&mut a, &mut b)?;
        Ok((a, b))
    }

    pub(super) fn between(&mut self, value: &Expr, low: &Expr, high: &Expr, whole: &Expr) -> Result<Typed, ExprError> {
        let (mut value, mut low) = (self.side(value)?, self.side(low)?);
        let mut again = Side { expr: self.again(&value.expr, whole.span)?, written: value.written };
        read_times(&mut value, &mut low)?;
        let mut high = self.side(high)?;
        read_times(&mut again, &mut high)?;
        let lower = self.compare(Comparison::GreaterEqual, value, low, whole)?;
        let upper = self.compare(Comparison::LessEqual, again, high, whole)?;
        // One node where both sides agree on the value's type, so that it is evaluated once.
        match (lower.kind, upper.kind) {
            (Kind::Compare { left, right: low, .. }, Kind::Compare { left: same, right: high, .. })
                if left == same && low.ty == high.ty =>
            {
                Ok(Typed::boolean(Kind::Between { expr: left, low, high }))
            }
            (lower, upper) => {
                Ok(Typed::boolean(Kind::And(Box::new(Typed::boolean(lower)), Box::new(Typed::boolean(upper)))))
            }
        }
    }

    pub(super) fn in_list(&mut self, value: &Expr, list: &[Expr]) -> Result<Typed, ExprError> {
        let mut elements = Vec::with_capacity(list.len() + 1);
        for expr in std::iter::once(value).chain(list) {
            elements.push(self.element(expr)?);
        }
        if is_pseudo_time(value) {
            for element in elements.iter_mut().skip(1) {
                read_time(&mut element.expr, element.span)?;
            }
        }
        let Some((_, mut typed)) = self.unify(elements, std::iter::once(value).chain(list))? else {
            return Ok(Typed::literal(Value::Boolean(false), SqlType::Boolean));
        };
        let expr = Box::new(typed.remove(0));
        typed.retain(|item| !item.is_null_literal());
        Ok(Typed::boolean(Kind::In { expr, list: typed }))
    }

    pub(super) fn element(&mut self, expr: &Expr) -> Result<Element, ExprError> {
        Ok(Element { expr: self.bind(expr)?, span: expr.span })
    }

    /// [`coerce::unify_list`]; the message about an element shows it.
    pub(super) fn unify<'e>(
        &self,
        elements: Vec<Element>,
        mut written: impl Iterator<Item = &'e Expr>,
    ) -> Result<Option<(SqlType, Vec<Typed>)>, ExprError> {
        coerce::unify_list(elements, |number| written.nth(number).map(|expr| self.text(expr)).unwrap_or_default())
    }

    pub(super) fn like(
        &mut self,
        value: &Expr,
        pattern: &Expr,
        escape: Option<char>,
        span: Span,
    ) -> Result<Typed, ExprError> {
        let (expr, pattern) = (self.bind(value)?, self.bind(pattern)?);
        if expr.ty != SqlType::String || pattern.ty != SqlType::String {
            return Err(ExprError::code("Like condition must be between strings", span));
        }
        Ok(Typed::boolean(Kind::Like { expr: Box::new(expr), pattern: Box::new(pattern), escape }))
    }

    pub(super) fn case(
        &mut self,
        operand: Option<&Expr>,
        whens: &[(Expr, Expr)],
        otherwise: Option<&Expr>,
        span: Span,
    ) -> Result<Typed, ExprError> {
        let mut branches = Vec::with_capacity(whens.len());
        let mut common: Option<SqlType> = None;
        let operand = operand.map(|operand| self.side(operand)).transpose()?;
        for (when, then) in whens {
            let condition = match &operand {
                Some(operand) => {
                    let mut left = Side { expr: self.again(&operand.expr, span)?, written: operand.written };
                    let mut right = self.side(when)?;
                    read_times(&mut left, &mut right)?;
                    self.compare(Comparison::Equal, left, right, when)?
                }
                None => self.bind(when)?,
            };
            if condition.ty != SqlType::Boolean || condition.is_null_literal() {
                let message =
                    format!("WHEN operand type should be boolean.\nType for '{}' is {}", self.text(when), condition.ty);
                return Err(ExprError::ty(message, when.span));
            }
            let result = self.bind(then)?;
            match &common {
                Some(ty) if *ty != result.ty && !result.is_null_literal() => {
                    let message = format!(
                        "Invalid Case expression. Type for all 'THEN' clauses should be the same.\nTHEN expression \
                         'WHEN {} THEN {}' has type: {}.\nPrevious THEN expression(s) type: {ty}.",
                        self.text(when),
                        self.text(then),
                        result.ty
                    );
                    return Err(ExprError::ty(message, then.span));
                }
                None if !result.is_null_literal() => common = Some(result.ty.clone()),
                _ => {}
            }
            branches.push((condition, result));
        }
        let otherwise_typed = otherwise.map(|expr| self.bind(expr)).transpose()?;
        if let Some(result) = otherwise_typed.as_ref().filter(|result| !result.is_null_literal()) {
            let ty = common.get_or_insert_with(|| result.ty.clone());
            if *ty != result.ty {
                let message = format!(
                    "Invalid Case expression. Type for the default clause should be the same as for 'THEN' \
                     clauses.\nTHEN type: {ty}.\nDEFAULT type: {}.",
                    result.ty
                );
                return Err(ExprError::ty(message, otherwise.map_or(span, |expr| expr.span)));
            }
        }
        let Some(ty) = common else {
            return Err(ExprError::ty("Invalid Case expression. All case branches have NULL type", span));
        };
        let whens = branches.into_iter().map(|(when, then)| (when, coerce::cast(then, &ty))).collect();
        let otherwise = otherwise_typed.map(|expr| Box::new(coerce::cast(expr, &ty)));
        Ok(Typed { ty, kind: Kind::Case { whens, otherwise } })
    }
}

/// How a comparison is written.
fn symbol(op: Comparison) -> &'static str {
    match op {
        Comparison::Equal => "=",
        Comparison::NotEqual => "<>",
        Comparison::Less => "<",
        Comparison::LessEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterEqual => ">=",
        Comparison::Distinct => "IS DISTINCT FROM",
        Comparison::NotDistinct => "IS NOT DISTINCT FROM",
    }
}

/// One side of a comparison.
struct Side<'a> {
    expr: Typed,
    written: &'a Expr,
}

/// A text against ROWTIME and its like is read as a timestamp.
fn read_times(a: &mut Side<'_>, b: &mut Side<'_>) -> Result<(), ExprError> {
    if is_pseudo_time(a.written) && a.expr.ty == SqlType::Bigint {
        read_time(&mut b.expr, b.written.span)
    } else if is_pseudo_time(b.written) && b.expr.ty == SqlType::Bigint {
        read_time(&mut a.expr, a.written.span)
    } else {
        Ok(())
    }
}

fn is_pseudo_time(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Column { name, .. } if PSEUDO_TIMES.contains(&name.name.as_str()))
}

fn read_time(expr: &mut Typed, span: Span) -> Result<(), ExprError> {
    let Kind::Literal(Value::String(written)) = &expr.kind else { return Ok(()) };
    let millis = text::parse_timestamp(written).ok_or_else(|| {
        let message = format!(
            "Failed to parse timestamp '{written}': Text '{}' could not be parsed at index 0\nRequired format is: \
             \"yyyy-MM-dd'T'HH:mm:ss.SSS\", with an optional numeric 4-digit timezone, for example: \
             '2020-05-26T23:59:58.000' or with tz: '2020-05-26T23:59:58.000+0200'. A trailing 'Z' instead of tz \
             indicates the zero UTC offset. Partials are also supported, for example \"2020-05-26\"",
            completed(written)
        );
        ExprError::Time { message, span }
    })?;
    *expr = Typed::literal(Value::Bigint(millis), SqlType::Bigint);
    Ok(())
}

/// A partial timestamp with its missing parts filled in, as the message shows it.
fn completed(written: &str) -> String {
    let (date, time) = written.split_once('T').unwrap_or((written, ""));
    let date = match date.split('-').count() {
        1 => format!("{date}-01-01"),
        2 => format!("{date}-01"),
        _ => date.to_owned(),
    };
    let rest = "00:00:00.000".get(time.len()..).unwrap_or_default();
    format!("{date}T{time}{rest}")
}

/// The type both sides of a comparison are brought to; `None` if they do not compare.
fn comparable(op: Comparison, left: &SqlType, right: &SqlType) -> Option<SqlType> {
    use SqlType::{Date, String, Time, Timestamp};
    match (left, right) {
        (a, b) if a.is_numeric() && b.is_numeric() => coerce::common_type(a, b),
        (String, time @ (Time | Date | Timestamp)) | (time @ (Time | Date | Timestamp), String) => Some(match time {
            // A text may be more precise than a day.
            Date => Timestamp,
            time => time.clone(),
        }),
        (Date, Timestamp) | (Timestamp, Date) => Some(Timestamp),
        (SqlType::Boolean | SqlType::Array(_) | SqlType::Map(..) | SqlType::Struct(_), _) if op.is_ordering() => None,
        (a, b) if a == b => Some(a.clone()),
        _ => None,
    }
}
