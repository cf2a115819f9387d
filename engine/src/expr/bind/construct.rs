//! Constructors and access to what is inside a value.

use std::collections::HashMap;

use sql::{Expr, Ident, Span};

use super::super::coerce;
use super::super::typed::Kind;
use super::super::{ExprError, Typed};
use super::Binder;
use crate::types::{SqlType, duplicate_field};

const ISSUE: &str = "(see https://github.com/confluentinc/ksql/issues/4239)";

impl Binder<'_> {
    pub(super) fn subscript(&mut self, base: &Expr, index: &Expr, whole: &Expr) -> Result<Typed, ExprError> {
        let (written_base, written_index) = (base, index);
        let base = self.bind(base)?;
        let index = self.bind(index);
        let index = self.late(SqlType::Integer, index);
        let (ty, index) = match &base.ty {
            SqlType::Array(item) => match index.ty {
                SqlType::Integer | SqlType::Bigint => ((**item).clone(), coerce::cast(index, &SqlType::Bigint)),
                _ => {
                    let message = format!("{} takes INTEGER, not {}", self.text(whole), index.ty);
                    return Ok(self.no_code((**item).clone(), message, whole.span));
                }
            },
            SqlType::Map(key, value) if index.ty == **key || coerce::is_implicitly_castable(&index.ty, key) => {
                ((**value).clone(), coerce::cast(index, key))
            }
            // Nothing is found under a key of another type.
            SqlType::Map(_, value) => {
                let nothing = Box::new(Typed::null((**value).clone()));
                return Ok(Typed { ty: (**value).clone(), kind: Kind::Cast(nothing) });
            }
            other => {
                let hint = match other {
                    SqlType::Struct(_) => {
                        let (base, field) = (self.text(written_base), self.text(written_index));
                        format!(" Use the dereference operator for STRUCTS: {base}->{field}")
                    }
                    _ => String::new(),
                };
                let message = format!("Subscript expression ({}) do not apply to {other}.{hint}", self.text(whole));
                return Err(ExprError::unforeseen(message, whole.span));
            }
        };
        Ok(Typed { ty, kind: Kind::Subscript { base: Box::new(base), index: Box::new(index) } })
    }

    pub(super) fn field(&mut self, base: &Expr, field: &Ident) -> Result<Typed, ExprError> {
        let written = base;
        let base = self.bind(base)?;
        let SqlType::Struct(fields) = &base.ty else {
            return Err(ExprError::unforeseen(format!("Expected STRUCT type, got: {}", base.ty), field.span));
        };
        let found = fields.iter().enumerate().find(|(_, (name, _))| *name == field.name);
        let Some((at, (_, ty))) = found else {
            let message = format!("Could not find field '{}' in '{}'.", field.name, self.text(written));
            return Err(ExprError::ty(message, field.span));
        };
        Ok(Typed { ty: ty.clone(), kind: Kind::Field { base: Box::new(base), field: at } })
    }

    pub(super) fn array(&mut self, items: &[Expr], span: Span) -> Result<Typed, ExprError> {
        if items.is_empty() {
            let message = format!("Array constructor cannot be empty. Please supply at least one element {ISSUE}.");
            return Err(ExprError::ty(message, span));
        }
        let elements = items.iter().map(|item| self.element(item)).collect::<Result<Vec<_>, _>>()?;
        let Some((item, typed)) = self.unify(elements, items.iter()).map_err(standing_alone)? else {
            return Err(ExprError::ty(
                format!(
                    "Cannot construct an array with all NULL elements {ISSUE}. As a workaround, you may cast a NULL \
                     value to the desired type."
                ),
                span,
            ));
        };
        Ok(Typed { ty: item.array_of(), kind: Kind::Array(typed) })
    }

    pub(super) fn map(&mut self, entries: &[(Expr, Expr)], span: Span) -> Result<Typed, ExprError> {
        if entries.is_empty() {
            let message =
                format!("Map constructor cannot be empty. Please supply at least one key value pair {ISSUE}.");
            return Err(ExprError::ty(message, span));
        }
        let keys = entries.iter().map(|(key, _)| self.element(key)).collect::<Result<Vec<_>, _>>()?;
        let values = entries.iter().map(|(_, value)| self.element(value)).collect::<Result<Vec<_>, _>>()?;
        let none = |what: &str| {
            let message = format!(
                "Cannot construct a map with all NULL {what}s {ISSUE}. As a workaround, you may cast a NULL {what} to \
                 the desired type."
            );
            ExprError::ty(message, span)
        };
        let keys = self.unify(keys, entries.iter().map(|(key, _)| key)).map_err(standing_alone)?;
        let (key, keys) = keys.ok_or_else(|| none("key"))?;
        let values = self.unify(values, entries.iter().map(|(_, value)| value)).map_err(standing_alone)?;
        let (value, values) = values.ok_or_else(|| none("value"))?;
        let ty = SqlType::Map(Box::new(key), Box::new(value));
        Ok(Typed { ty, kind: Kind::Map(keys.into_iter().zip(values).collect()) })
    }

    pub(super) fn structure(&mut self, fields: &[(Ident, Expr)], span: Span) -> Result<Typed, ExprError> {
        let mut types: Vec<(String, SqlType)> = Vec::with_capacity(fields.len());
        let mut values = Vec::with_capacity(fields.len());
        let mut seen: HashMap<&str, SqlType> = HashMap::new();
        for (name, value) in fields {
            let value = self.bind(value)?;
            if let Some(earlier) = seen.insert(&name.name, value.ty.clone()) {
                let message = duplicate_field(&name.name, &earlier, &value.ty);
                return Err(ExprError::unforeseen(message, span));
            }
            types.push((name.name.clone(), value.ty.clone()));
            values.push(value);
        }
        Ok(Typed { ty: SqlType::Struct(types), kind: Kind::Struct(values) })
    }
}

/// Elements of constructors are typed while types are derived: the message has no clause before it.
fn standing_alone(error: ExprError) -> ExprError {
    match error {
        ExprError::Code { message, span } => ExprError::Type { message, span },
        other => other,
    }
}
