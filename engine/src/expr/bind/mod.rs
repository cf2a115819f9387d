//! AST → [`Typed`]: names, types, overloads, casts.

mod call;
mod construct;
mod operators;

use sql::{Expr, ExprKind, Ident, Sign, Span, Type};

use super::error::nearest;
use super::registry::Registry;
use super::typed::Kind;
use super::{ExprError, Scope, Typed, coerce, show};
use crate::types::{Bounds, PartsLeft, SqlType, TypeTooLarge, Value, text};

/// What expressions are bound against besides columns.
#[derive(Clone, Copy)]
pub struct Env<'a> {
    /// Functions.
    pub functions: &'a Registry,
    /// Custom types by folded name.
    pub types: &'a dyn Fn(&str) -> Option<SqlType>,
    /// How large expressions and types may be.
    pub bounds: Bounds,
}

/// Gives an expression its types. Columns become positions in `scope`.
///
/// # Errors
/// A name is unknown or ambiguous, a type does not fit its operator or function, or there is no code for it; each with its
/// place in the text.
pub fn bind(expr: &Expr, scope: &Scope, env: Env<'_>) -> Result<Typed, ExprError> {
    bind_types(expr, scope, env).and_then(Bound::sound)
}

/// An expression that has a type, although code for it may not exist.
#[derive(Debug)]
pub struct Bound {
    /// It; parts without code are NULL.
    pub typed: Typed,
    /// Why there is no code for it.
    pub code: Option<ExprError>,
}

impl Bound {
    fn sound(self) -> Result<Typed, ExprError> {
        self.code.map_or(Ok(self.typed), Err)
    }
}

/// Gives an expression its types, whether or not there is code for it: ksqlDB looks at types first, and does not look
/// into NOT, BETWEEN, IN, LIKE, IS NULL and CAST, whose types are known.
///
/// # Errors
/// As [`bind`], but for what has no code.
pub fn bind_types(expr: &Expr, scope: &Scope, env: Env<'_>) -> Result<Bound, ExprError> {
    let mut binder = Binder { scope, env, lambdas: Vec::new(), code: None };
    let typed = binder.bind(expr)?;
    Ok(Bound { typed, code: binder.code })
}

/// Binds a call of a table function; the result is an ARRAY whose elements are the function's rows.
///
/// # Errors
/// As [`bind_types`].
pub fn bind_table_function(expr: &Expr, scope: &Scope, env: Env<'_>) -> Result<Bound, ExprError> {
    let mut binder = Binder { scope, env, lambdas: Vec::new(), code: None };
    let typed = match &expr.kind {
        ExprKind::Call { name, args, .. } => binder.call(name, args, expr.span, true)?,
        _ => binder.bind(expr)?,
    };
    Ok(Bound { typed, code: binder.code })
}

/// A type as written → a type: custom names are looked up.
///
/// # Errors
/// There is no such type, a DECIMAL or STRUCT cannot be, or the type is too large.
pub fn resolve_type(
    ty: &Type,
    custom: &dyn Fn(&str) -> Option<SqlType>,
    bounds: &Bounds,
) -> Result<SqlType, ExprError> {
    resolve(ty, custom, &mut bounds.type_parts())
}

fn resolve(ty: &Type, custom: &dyn Fn(&str) -> Option<SqlType>, left: &mut PartsLeft) -> Result<SqlType, ExprError> {
    left.take(1).map_err(|error| too_large(error, Span::default()))?;
    Ok(match ty {
        Type::Boolean => SqlType::Boolean,
        Type::Integer => SqlType::Integer,
        Type::Bigint => SqlType::Bigint,
        Type::Double => SqlType::Double,
        Type::Decimal { precision, scale } => match (u8::try_from(*precision), i8::try_from(*scale)) {
            (Ok(precision), Ok(scale)) => SqlType::Decimal { precision, scale },
            _ => {
                let message = format!("DECIMAL({precision}, {scale}) has more digits than are supported");
                return Err(ExprError::ty(message, Span::default()));
            }
        },
        Type::String => SqlType::String,
        Type::Bytes => SqlType::Bytes,
        Type::Time => SqlType::Time,
        Type::Date => SqlType::Date,
        Type::Timestamp => SqlType::Timestamp,
        Type::Array(item) => resolve(item, custom, left)?.array_of(),
        Type::Map(key, value) => {
            SqlType::Map(Box::new(resolve(key, custom, left)?), Box::new(resolve(value, custom, left)?))
        }
        Type::Struct(fields) => {
            let fields = fields.iter().map(|(name, ty)| Ok((name.name.clone(), resolve(ty, custom, left)?)));
            SqlType::Struct(fields.collect::<Result<_, ExprError>>()?)
        }
        Type::Custom(name) => {
            let known = custom(&name.name)
                .ok_or_else(|| ExprError::ty(format!("Cannot resolve unknown type: {}", name.name), name.span))?;
            left.take(known.parts()).map_err(|error| too_large(error, name.span))?;
            known
        }
    })
}

fn too_large(error: TypeTooLarge, span: Span) -> ExprError {
    ExprError::ty(error.to_string(), span)
}

struct Binder<'a> {
    scope: &'a Scope,
    env: Env<'a>,
    /// Parameters of the enclosing lambdas, outermost first.
    lambdas: Vec<Vec<(String, SqlType)>>,
    /// The first part without code.
    code: Option<ExprError>,
}

impl Binder<'_> {
    fn bind(&mut self, expr: &Expr) -> Result<Typed, ExprError> {
        let typed = self.bind_node(expr)?;
        self.scope.count(typed.ty.parts(), self.env.bounds.expression_parts, expr.span)?;
        Ok(typed)
    }

    /// An expression whose type is known without it: what is wrong with it is found when code is made. Also found then is
    /// what is an [`ExprError::Code`] itself.
    fn late(&mut self, ty: SqlType, bound: Result<Typed, ExprError>) -> Typed {
        bound.unwrap_or_else(|error| {
            self.code.get_or_insert(error.while_making_code());
            Typed::codeless(ty)
        })
    }

    fn no_code(&mut self, ty: SqlType, message: impl Into<String>, span: Span) -> Typed {
        self.late(ty, Err(ExprError::code(message, span)))
    }

    /// A copy of what is evaluated in several places: of the operand of a CASE, once for each WHEN.
    fn again(&self, expr: &Typed, span: Span) -> Result<Typed, ExprError> {
        self.scope.count(expr.parts(), self.env.bounds.expression_parts, span)?;
        Ok(expr.clone())
    }

    fn bind_node(&mut self, expr: &Expr) -> Result<Typed, ExprError> {
        let span = expr.span;
        Ok(match &expr.kind {
            ExprKind::Null => Typed::null(SqlType::String),
            ExprKind::Boolean(value) => Typed::literal(Value::Boolean(*value), SqlType::Boolean),
            ExprKind::Integer(value) => Typed::literal(Value::Integer(*value), SqlType::Integer),
            ExprKind::Bigint(value) => Typed::literal(Value::Bigint(*value), SqlType::Bigint),
            ExprKind::Double(value) => Typed::literal(Value::Double(*value), SqlType::Double),
            ExprKind::Decimal(text) => decimal_literal(text, span)?,
            ExprKind::String(text) => Typed::literal(Value::String(text.clone()), SqlType::String),
            ExprKind::Column { source, name } => self.column(source.as_ref(), name, span)?,
            ExprKind::Unary { op, expr: inner } => self.unary(*op, inner, span)?,
            ExprKind::Not(inner) => {
                let inner = self.bind(inner);
                let inner = self.late(SqlType::Boolean, inner);
                Typed::not(self.boolean(inner, expr))
            }
            ExprKind::Binary { op, left, right } => self.binary(*op, left, right, expr)?,
            ExprKind::Between { expr: value, low, high, negated } => {
                let between = self.between(value, low, high, expr);
                negate(*negated, self.in_time(between)?)
            }
            ExprKind::In { expr: value, list, negated } => {
                let found = self.in_list(value, list);
                negate(*negated, self.in_time(found)?)
            }
            ExprKind::Like { expr: value, pattern, escape, negated } => {
                let like = self.like(value, pattern, *escape, span);
                negate(*negated, self.late(SqlType::Boolean, like))
            }
            ExprKind::IsNull { expr: value, negated } => {
                let value = self.bind(value);
                let value = Box::new(self.late(SqlType::String, value));
                negate(*negated, Typed::boolean(Kind::IsNull(value)))
            }
            ExprKind::Case { operand, whens, otherwise } => {
                self.case(operand.as_deref(), whens, otherwise.as_deref(), span)?
            }
            ExprKind::Cast { expr: value, to } => self.cast(value, to, span)?,
            ExprKind::Subscript { base, index } => self.subscript(base, index, expr)?,
            ExprKind::Field { base, field } => self.field(base, field)?,
            ExprKind::Array(items) => self.array(items, span)?,
            ExprKind::Map(entries) => self.map(entries, span)?,
            ExprKind::Struct(fields) => self.structure(fields, span)?,
            ExprKind::Call { name, args, .. } => self.call(name, args, span, false)?,
            ExprKind::Lambda { .. } => {
                return Err(ExprError::ty("a lambda may only be an argument of a function", span));
            }
            // Functions get a unit as its milliseconds.
            ExprKind::Unit(unit) => Typed { ty: SqlType::Bigint, kind: Kind::Unit(*unit) },
            ExprKind::AtTimeZone { .. } => return Err(ExprError::ty("not yet implemented", span)),
        })
    }

    /// [`late`](Self::late) for what is BOOLEAN and may compare with times: these are read before anything has a type.
    fn in_time(&mut self, bound: Result<Typed, ExprError>) -> Result<Typed, ExprError> {
        match bound {
            Err(error @ ExprError::Time { .. }) => Err(error),
            bound => Ok(self.late(SqlType::Boolean, bound)),
        }
    }

    fn column(&self, source: Option<&Ident>, name: &Ident, span: Span) -> Result<Typed, ExprError> {
        if source.is_none()
            && let Some(parameter) = self.parameter(&name.name)
        {
            return Ok(parameter);
        }
        let source = source.map(|source| source.name.as_str());
        let found = self.scope.position(source, &name.name);
        found.and_then(|at| Some(Typed::column(at, self.scope.columns.get(at)?.ty.clone()))).ok_or_else(|| {
            let known = self.scope.columns.iter();
            let known = known.filter(|column| source.is_none() || column.source.as_deref() == source);
            ExprError::UnknownColumn {
                name: source.map(|source| format!("{source}.")).unwrap_or_default() + &name.name,
                span,
                nearest: nearest(&name.name, known.map(|column| column.name.as_str())),
            }
        })
    }

    fn parameter(&self, name: &str) -> Option<Typed> {
        self.lambdas.iter().rev().enumerate().find_map(|(depth, params)| {
            let at = params.iter().position(|(param, _)| param == name)?;
            Some(Typed { ty: params.get(at)?.1.clone(), kind: Kind::Parameter(depth, at) })
        })
    }

    fn unary(&mut self, op: Sign, inner: &Expr, span: Span) -> Result<Typed, ExprError> {
        let inner = self.bind(inner)?;
        if !inner.ty.is_numeric() || inner.is_null_literal() {
            let ty = if inner.is_null_literal() { "null".to_owned() } else { inner.ty.to_string() };
            return Ok(self.no_code(inner.ty, format!("a sign needs a number, not {ty}"), span));
        }
        if op == Sign::Plus {
            return Ok(inner);
        }
        let negated = match &inner.kind {
            Kind::Literal(Value::Integer(value)) => Some(Value::Integer(value.wrapping_neg())),
            Kind::Literal(Value::Bigint(value)) => Some(Value::Bigint(value.wrapping_neg())),
            Kind::Literal(Value::Double(value)) => Some(Value::Double(-value)),
            Kind::Literal(Value::Decimal(value, scale)) => Some(Value::Decimal(-value, *scale)),
            _ => None,
        };
        Ok(match negated {
            Some(value) => Typed::literal(value, inner.ty),
            None => Typed { ty: inner.ty.clone(), kind: Kind::Negate(Box::new(inner)) },
        })
    }

    fn cast(&mut self, value: &Expr, to: &Type, span: Span) -> Result<Typed, ExprError> {
        let to = resolve_type(to, self.env.types, &self.env.bounds)?;
        let value = self.bind(value);
        let value = self.late(to.clone(), value);
        if value.is_null_literal() {
            // Constructors tell it from a bare NULL.
            return Ok(Typed::codeless(to));
        }
        if value.ty == to {
            return Ok(value);
        }
        if !coerce::can_cast(&value.ty, &to) {
            let message = format!("Cast of {} to {to} is not supported", value.ty);
            return Ok(self.no_code(to, message, span));
        }
        // A literal that does not convert is an error of every row, not of the statement.
        Ok(Typed { ty: to, kind: Kind::Cast(Box::new(value)) })
    }

    /// An operand of AND, OR, NOT.
    fn boolean(&mut self, operand: Typed, whole: &Expr) -> Typed {
        if operand.is_null_literal() {
            return Typed::null(SqlType::Boolean);
        }
        if operand.ty != SqlType::Boolean {
            let message = format!("{} needs BOOLEAN operands, not {}", self.text(whole), operand.ty);
            return self.no_code(SqlType::Boolean, message, whole.span);
        }
        operand
    }

    /// An expression as messages show it.
    fn text(&self, expr: &Expr) -> String {
        show::show(expr, &|source, name| {
            let source = source.map(|source| source.name.as_str());
            self.scope.position(source, &name.name).map_or_else(|| name.name.clone(), |at| self.scope.label(at))
        })
    }
}

fn negate(negated: bool, expr: Typed) -> Typed {
    if negated { Typed::not(expr) } else { expr }
}

fn decimal_literal(text: &str, span: Span) -> Result<Typed, ExprError> {
    let parsed =
        text::parse_decimal(text).map(|(unscaled, scale)| (unscaled, scale, coerce::decimal_type(unscaled, scale)));
    let Some((unscaled, scale, ty @ SqlType::Decimal { scale: to, .. })) = parsed else {
        return Err(ExprError::ty(format!("Invalid numeric literal: {text}"), span));
    };
    let unscaled = text::rescale_half_up(unscaled, scale, i32::from(to))
        .ok_or_else(|| ExprError::ty(format!("Invalid numeric literal: {text}"), span))?;
    Ok(Typed::literal(Value::Decimal(unscaled, to), ty))
}

#[cfg(test)]
mod tests;
