//! Which types go where by themselves, and what two types have in common.

use sql::Span;

use super::cast::cast_value;
use super::typed::{Arithmetic, Kind};
use super::{ExprError, Typed};
use crate::types::{SqlType, Value, text};

impl Typed {
    /// Converts to `ty` where ksqlDB converts by itself: numeric widening, DECIMALs that fit, NULL, nested by element.
    ///
    /// # Errors
    /// ksqlDB does not convert to that type by itself.
    pub fn cast_to(self, ty: &SqlType) -> Result<Self, ExprError> {
        implicit(self, ty)
    }
}

/// Whether `CAST(from AS to)` exists.
pub fn can_cast(from: &SqlType, to: &SqlType) -> bool {
    use SqlType::{
        Array, Bigint, Boolean, Bytes, Date, Decimal, Double, Integer, Map, String, Struct, Time, Timestamp,
    };
    match (from, to) {
        (from, to) if from == to => true,
        (Boolean | Integer | Bigint | Double | Decimal { .. } | Time | Date | Timestamp, String) => true,
        (Array(_) | Map(..) | Struct(_), String) => true,
        (from, Integer | Bigint | Double | Decimal { .. }) if from.is_numeric() => true,
        (String, Boolean | Integer | Bigint | Double | Decimal { .. } | Bytes | Time | Date | Timestamp) => true,
        (Date, Timestamp) | (Timestamp, Time | Date) => true,
        (Array(from), Array(to)) => can_cast(from, to),
        (Map(from_key, from_value), Map(to_key, to_value)) => {
            can_cast(from_key, to_key) && can_cast(from_value, to_value)
        }
        (Struct(from), Struct(to)) => to
            .iter()
            .all(|(name, ty)| from.iter().find(|(field, _)| field == name).is_none_or(|(_, from)| can_cast(from, ty))),
        _ => false,
    }
}

/// Whether a value of type `from` becomes `to` without a CAST (INSERT … SELECT, INSERT VALUES): numeric widening, and
/// DECIMALs whose whole digits and scale fit.
pub fn is_implicitly_castable(from: &SqlType, to: &SqlType) -> bool {
    match (from, to) {
        (from, to) if from == to => true,
        (from, SqlType::Double) => from.is_numeric(),
        (SqlType::Integer, SqlType::Bigint) => true,
        (from, SqlType::Decimal { precision, scale }) => {
            as_decimal(from).is_some_and(|(from_precision, from_scale)| {
                from_scale <= *scale
                    && from_precision as i16 - i16::from(from_scale) <= *precision as i16 - i16::from(*scale)
            })
        }
        (SqlType::Array(from), SqlType::Array(to)) => is_implicitly_castable(from, to),
        (SqlType::Map(from_key, from_value), SqlType::Map(to_key, to_value)) => {
            is_implicitly_castable(from_key, to_key) && is_implicitly_castable(from_value, to_value)
        }
        (SqlType::Struct(from), SqlType::Struct(to)) => {
            from.len() == to.len()
                && from.iter().zip(to).all(|((a, from), (b, to))| a == b && is_implicitly_castable(from, to))
        }
        _ => false,
    }
}

/// Whether an argument of a function is converted: numeric widening, text to times and bytes.
pub(super) fn is_argument_castable(from: &SqlType, to: &SqlType) -> bool {
    match (from, to) {
        (SqlType::Integer, SqlType::Bigint) => true,
        (SqlType::Integer | SqlType::Bigint, SqlType::Decimal { .. }) => true,
        (from, SqlType::Double) => from.is_numeric(),
        (SqlType::String, SqlType::Date | SqlType::Time | SqlType::Timestamp | SqlType::Bytes) => true,
        _ => false,
    }
}

/// Precision and scale of an exact number.
pub(super) fn as_decimal(ty: &SqlType) -> Option<(u8, i8)> {
    match ty {
        SqlType::Integer => Some((10, 0)),
        SqlType::Bigint => Some((19, 0)),
        SqlType::Decimal { precision, scale } => Some((*precision, *scale)),
        _ => None,
    }
}

/// The type two types widen to: numbers to the wider one, nested types by element, structs to the union of their fields.
pub fn common_type(a: &SqlType, b: &SqlType) -> Option<SqlType> {
    match (a, b) {
        (a, b) if a == b => Some(a.clone()),
        (a, b) if a.is_numeric() && b.is_numeric() => Some(wider_number(a, b)),
        (SqlType::Array(a), SqlType::Array(b)) => Some(common_type(a, b)?.array_of()),
        (SqlType::Map(a_key, a_value), SqlType::Map(b_key, b_value)) => {
            Some(SqlType::Map(Box::new(common_type(a_key, b_key)?), Box::new(common_type(a_value, b_value)?)))
        }
        (SqlType::Struct(a), SqlType::Struct(b)) => {
            let mut fields = Vec::with_capacity(a.len());
            for (name, ty) in a {
                let other = b.iter().find(|(field, _)| field == name);
                let ty = other.map_or(Some(ty.clone()), |(_, other)| common_type(ty, other))?;
                fields.push((name.clone(), ty));
            }
            fields.extend(b.iter().filter(|(name, _)| a.iter().all(|(field, _)| field != name)).cloned());
            Some(SqlType::Struct(fields))
        }
        _ => None,
    }
}

fn wider_number(a: &SqlType, b: &SqlType) -> SqlType {
    match (as_decimal(a), as_decimal(b)) {
        (Some((a_precision, a_scale)), Some((b_precision, b_scale))) => match (a, b) {
            (SqlType::Decimal { .. }, _) | (_, SqlType::Decimal { .. }) => {
                let scale = a_scale.max(b_scale);
                let whole = (a_precision as i16 - i16::from(a_scale)).max(b_precision as i16 - i16::from(b_scale));
                SqlType::Decimal { precision: u8::try_from(whole + i16::from(scale)).unwrap_or(u8::MAX), scale }
            }
            (SqlType::Bigint, _) | (_, SqlType::Bigint) => SqlType::Bigint,
            _ => SqlType::Integer,
        },
        _ => SqlType::Double,
    }
}

/// Result type of arithmetic on two numbers, and the types its operands are cast to.
pub(super) fn arithmetic(op: Arithmetic, left: &SqlType, right: &SqlType) -> Option<(SqlType, SqlType, SqlType)> {
    if !left.is_numeric() || !right.is_numeric() {
        return None;
    }
    let wider = wider_number(left, right);
    let SqlType::Decimal { .. } = wider else { return Some((wider.clone(), wider.clone(), wider)) };
    let (p1, s1) = as_decimal(left)?;
    let (p2, s2) = as_decimal(right)?;
    let (a, b) = (i16::from(p1), i16::from(p2));
    let (sa, sb) = (i16::from(s1), i16::from(s2));
    let (precision, scale) = match op {
        Arithmetic::Add | Arithmetic::Subtract => (sa.max(sb) + (a - sa).max(b - sb) + 1, sa.max(sb)),
        Arithmetic::Multiply => (a + b + 1, sa + sb),
        Arithmetic::Divide => {
            let scale = 6.max(sa + b + 1);
            (a - sa + sb + scale, scale)
        }
        Arithmetic::Modulo => ((a - sa).min(b - sb) + sa.max(sb), sa.max(sb)),
    };
    let (precision, scale) = representable(op, precision, scale);
    let result = SqlType::Decimal { precision: u8::try_from(precision).ok()?, scale: i8::try_from(scale).ok()? };
    Some((result, SqlType::Decimal { precision: p1, scale: s1 }, SqlType::Decimal { precision: p2, scale: s2 }))
}

/// Precision and scale of a result, of which 38 digits are held. ksqlDB gives a quotient as many decimals as its operands
/// have digits; where those and its whole digits are too many, decimals go, all but 6. Sums and products are exact up to
/// 20 decimals, as their values seldom have all the whole digits they might.
fn representable(op: Arithmetic, precision: i16, scale: i16) -> (i16, i16) {
    const DIGITS: i16 = 38;
    let least = if op == Arithmetic::Divide { 6 } else { 20 };
    if precision <= DIGITS {
        return (precision, scale);
    }
    (DIGITS, scale.min(least.max(DIGITS - (precision - scale))))
}

/// The same value in another type: a literal is converted now, anything else gets a cast.
pub(super) fn cast(expr: Typed, to: &SqlType) -> Typed {
    match expr.kind {
        Kind::Null => Typed::null(to.clone()),
        _ if expr.ty == *to => expr,
        Kind::Literal(ref value) => match cast_value(value, &expr.ty, to) {
            Ok(value) => Typed::literal(value, to.clone()),
            Err(_) => Typed { ty: to.clone(), kind: Kind::Cast(Box::new(expr)) },
        },
        _ => Typed { ty: to.clone(), kind: Kind::Cast(Box::new(expr)) },
    }
}

/// See [`Typed::cast_to`].
pub(super) fn implicit(expr: Typed, to: &SqlType) -> Result<Typed, ExprError> {
    // An integer that is written down has as many digits as it shows, not as its type may have.
    let shown = match (&expr.kind, to) {
        (Kind::Literal(Value::Integer(number)), SqlType::Decimal { .. }) => digits(i64::from(*number)),
        (Kind::Literal(Value::Bigint(number)), SqlType::Decimal { .. }) => digits(*number),
        _ => expr.ty.clone(),
    };
    if expr.is_null_literal() || is_implicitly_castable(&shown, to) {
        return Ok(cast(expr, to));
    }
    Err(ExprError::ty(format!("{} is not {to}", expr.ty), Span::default()))
}

/// The narrowest DECIMAL of a whole number.
fn digits(number: i64) -> SqlType {
    let digits = number.unsigned_abs().checked_ilog10().map_or(1, |log| log + 1);
    SqlType::Decimal { precision: u8::try_from(digits).unwrap_or(u8::MAX), scale: 0 }
}

/// An element of a list (`IN`, `ARRAY[…]`, `MAP(…)`).
pub(super) struct Element {
    pub(super) expr: Typed,
    pub(super) span: Span,
}

/// Gives all elements one type, led by the first that is not NULL: numbers widen, literals are re-typed, nested
/// constructors element by element. `None` if all are NULL. `text` shows an element, by its number.
pub(super) fn unify_list(
    elements: Vec<Element>,
    mut text: impl FnMut(usize) -> String,
) -> Result<Option<(SqlType, Vec<Typed>)>, ExprError> {
    let mut common: Option<SqlType> = None;
    let typed = elements.iter().enumerate().filter(|(_, element)| !element.expr.is_null_literal());
    for (number, element) in typed {
        common = Some(match common {
            None => element.expr.ty.clone(),
            Some(so_far) => lead(&so_far, &element.expr, element.span)
                .map_err(|refused| refused.unwrap_or_else(|| mismatch(&so_far, element, &text(number))))?,
        });
    }
    let Some(ty) = common else { return Ok(None) };
    let cast = elements.into_iter().map(|element| retype(element.expr, &ty, element.span));
    Ok(Some((ty.clone(), cast.collect::<Result<_, _>>()?)))
}

fn mismatch(so_far: &SqlType, element: &Element, text: &str) -> ExprError {
    ExprError::code(
        format!(
            "operator does not exist: {so_far} = {} ({text})\nHint: You might need to add explicit type casts.",
            element.expr.ty
        ),
        element.span,
    )
}

/// The type of the elements so far together with one more; an error without a text is a mismatch of whole elements.
fn lead(so_far: &SqlType, expr: &Typed, span: Span) -> Result<SqlType, Option<ExprError>> {
    if expr.is_null_literal() {
        return Ok(so_far.clone());
    }
    if let (Kind::Array(items), SqlType::Array(item)) = (&expr.kind, so_far) {
        let item = items.iter().try_fold((**item).clone(), |item, expr| lead(&item, expr, span))?;
        return Ok(item.array_of());
    }
    if let (Kind::Map(entries), SqlType::Map(key, value)) = (&expr.kind, so_far) {
        let key = entries.iter().try_fold((**key).clone(), |key, (expr, _)| lead(&key, expr, span))?;
        let value = entries.iter().try_fold((**value).clone(), |value, (_, expr)| lead(&value, expr, span))?;
        return Ok(SqlType::Map(Box::new(key), Box::new(value)));
    }
    if let (Kind::Struct(values), SqlType::Struct(fields), SqlType::Struct(own)) = (&expr.kind, so_far, &expr.ty) {
        let mut fields = fields.clone();
        for ((name, ty), value) in own.iter().zip(values) {
            match fields.iter_mut().find(|(field, _)| field == name) {
                Some((_, field)) => *field = lead(field, value, span)?,
                None => fields.push((name.clone(), ty.clone())),
            }
        }
        return Ok(SqlType::Struct(fields));
    }
    if let Some(common) = common_type(so_far, &expr.ty) {
        return Ok(common);
    }
    match (&expr.kind, so_far) {
        (Kind::Literal(_), SqlType::String) if !matches!(expr.ty, SqlType::Array(_) | SqlType::Map(..)) => {
            Ok(SqlType::String)
        }
        (Kind::Literal(Value::String(text)), so_far) => text_leads(so_far, text, span).map_err(Some),
        _ => Err(None),
    }
}

/// The type of elements of type `so_far` together with a text literal.
fn text_leads(so_far: &SqlType, text: &str, span: Span) -> Result<SqlType, ExprError> {
    let name = if matches!(so_far, SqlType::Decimal { .. }) { "DECIMAL".to_owned() } else { so_far.to_string() };
    let refused = || ExprError::code(format!("invalid input syntax for type {name}: \"{text}\"."), span);
    let trimmed = text.trim();
    match so_far {
        SqlType::Boolean => parse_boolean(trimmed).map(|_| SqlType::Boolean).ok_or_else(refused),
        SqlType::Double => trimmed.parse::<f64>().map(|_| SqlType::Double).map_err(|_| refused()),
        SqlType::Integer | SqlType::Bigint | SqlType::Decimal { .. } => {
            if trimmed.parse::<i32>().is_ok() {
                return Ok(so_far.clone());
            }
            if trimmed.parse::<i64>().is_ok() {
                return Ok(wider_number(so_far, &SqlType::Bigint));
            }
            let (unscaled, scale) = text::parse_decimal(trimmed).ok_or_else(refused)?;
            Ok(wider_number(so_far, &decimal_type(unscaled, scale)))
        }
        SqlType::Time | SqlType::Date | SqlType::Timestamp | SqlType::Bytes => {
            let literal = Value::String(text.to_owned());
            cast_value(&literal, &SqlType::String, so_far).map(|_| so_far.clone()).map_err(|_| refused())
        }
        _ => Err(refused()),
    }
}

/// `BigDecimal` precision and scale of a literal: values in (-1, 1) count their zeros.
pub(super) fn decimal_type(unscaled: i128, scale: i32) -> SqlType {
    let digits = unscaled.unsigned_abs().checked_ilog10().unwrap_or(0) as i32 + 1;
    let (digits, scale) = if scale < 0 { (digits.saturating_sub(scale), 0) } else { (digits, scale) };
    let precision = if digits <= scale { scale.saturating_add(1) } else { digits };
    SqlType::Decimal {
        precision: u8::try_from(precision).unwrap_or(u8::MAX),
        scale: i8::try_from(scale).unwrap_or(i8::MAX),
    }
}

/// `true`, `yes`, `false`, `no` or a prefix of them.
fn parse_boolean(text: &str) -> Option<bool> {
    let text = text.to_lowercase();
    let starts = |words: [&str; 2]| !text.is_empty() && words.iter().any(|word| word.starts_with(&text));
    if starts(["true", "yes"]) { Some(true) } else { starts(["false", "no"]).then_some(false) }
}

/// Brings an element to the common type.
fn retype(expr: Typed, to: &SqlType, span: Span) -> Result<Typed, ExprError> {
    if expr.ty == *to && !expr.is_null_literal() {
        return Ok(expr);
    }
    let kind = match (expr.kind, to) {
        (Kind::Null, to) => return Ok(Typed::null(to.clone())),
        (Kind::Array(items), SqlType::Array(item)) => {
            Kind::Array(items.into_iter().map(|expr| retype(expr, item, span)).collect::<Result<_, _>>()?)
        }
        (Kind::Map(entries), SqlType::Map(key, value)) => {
            let entries = entries.into_iter().map(|(k, v)| Ok((retype(k, key, span)?, retype(v, value, span)?)));
            Kind::Map(entries.collect::<Result<_, ExprError>>()?)
        }
        (Kind::Struct(values), SqlType::Struct(fields)) => {
            let SqlType::Struct(own) = &expr.ty else { return Err(ExprError::code("not a STRUCT", span)) };
            let mut by_name: Vec<(&String, Typed)> = own.iter().map(|(name, _)| name).zip(values).collect();
            let values = fields.iter().map(|(name, ty)| match by_name.iter().position(|(own, _)| *own == name) {
                Some(at) => retype(by_name.swap_remove(at).1, ty, span),
                None => Ok(Typed::null(ty.clone())),
            });
            Kind::Struct(values.collect::<Result<_, _>>()?)
        }
        (Kind::Literal(value), to) => {
            let converted = if let (Value::String(text), SqlType::Boolean) = (&value, to) {
                parse_boolean(text.trim()).map(Value::Boolean).ok_or_else(String::new)
            } else {
                cast_value(&value, &expr.ty, to)
            };
            let refused = |_| {
                ExprError::code(format!("invalid input syntax for type {to}: \"{}\".", value.java_text(&expr.ty)), span)
            };
            return Ok(Typed::literal(converted.map_err(refused)?, to.clone()));
        }
        (kind, to) => return Ok(Typed { ty: to.clone(), kind: Kind::Cast(Box::new(Typed { ty: expr.ty, kind })) }),
    };
    Ok(Typed { ty: to.clone(), kind })
}
