//! Types as written → resolved types, custom types inlined.

use std::collections::HashMap;

use sql::{Ident, Type};

use super::Catalog;
use crate::types::{Bounds, PartsLeft, SqlType, TYPE_LEVELS_MAX, TypeTooLarge};

/// Why a type cannot be resolved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownType {
    /// No such type.
    #[error("Cannot resolve unknown type: {}", .0.name)]
    Unknown(Ident),
    /// Precision and scale make no sense.
    #[error("{0}")]
    Decimal(String),
    /// Fields of a STRUCT share a name.
    #[error("{}", crate::types::duplicate_field(.0, .1, .2))]
    DuplicateField(String, SqlType, SqlType),
    /// With the custom types in it, it is too large.
    #[error(transparent)]
    TooLarge(#[from] TypeTooLarge),
}

/// Resolves a written type; custom types are looked up in the catalog and inlined.
///
/// # Errors
/// A custom type is not there, a DECIMAL or STRUCT cannot be, or the type is too large with all that is in it.
pub fn resolve_type(ty: &Type, catalog: &Catalog, bounds: &Bounds) -> Result<SqlType, UnknownType> {
    let resolved = resolve(ty, catalog, &mut bounds.type_parts())?;
    match resolved.levels() {
        ..=TYPE_LEVELS_MAX => Ok(resolved),
        _ => Err(TypeTooLarge { most: bounds.type_parts }.into()),
    }
}

fn resolve(ty: &Type, catalog: &Catalog, left: &mut PartsLeft) -> Result<SqlType, UnknownType> {
    let custom = match ty {
        Type::Custom(name) => Some(catalog.custom_type(&name.name).ok_or_else(|| UnknownType::Unknown(name.clone()))?),
        _ => None,
    };
    left.take(custom.map_or(1, SqlType::parts))?;
    if let Some(custom) = custom {
        return Ok(custom.clone());
    }
    Ok(match ty {
        Type::Boolean => SqlType::Boolean,
        Type::Integer => SqlType::Integer,
        Type::Bigint => SqlType::Bigint,
        Type::Double => SqlType::Double,
        Type::Decimal { precision, scale } => decimal(*precision, *scale)?,
        Type::String => SqlType::String,
        Type::Bytes => SqlType::Bytes,
        Type::Time => SqlType::Time,
        Type::Date => SqlType::Date,
        Type::Timestamp => SqlType::Timestamp,
        Type::Array(item) => SqlType::Array(Box::new(resolve(item, catalog, left)?)),
        Type::Map(key, value) => {
            SqlType::Map(Box::new(resolve(key, catalog, left)?), Box::new(resolve(value, catalog, left)?))
        }
        Type::Struct(fields) => SqlType::Struct(resolve_fields(fields, catalog, left)?),
        Type::Custom(name) => return Err(UnknownType::Unknown(name.clone())),
    })
}

fn resolve_fields(
    fields: &[(Ident, Type)],
    catalog: &Catalog,
    left: &mut PartsLeft,
) -> Result<Vec<(String, SqlType)>, UnknownType> {
    let mut seen: HashMap<&str, SqlType> = HashMap::new();
    let mut resolved = Vec::with_capacity(fields.len());
    for (name, ty) in fields {
        let ty = resolve(ty, catalog, left)?;
        if let Some(earlier) = seen.insert(&name.name, ty.clone()) {
            return Err(UnknownType::DuplicateField(name.name.clone(), earlier, ty));
        }
        resolved.push((name.name.clone(), ty));
    }
    Ok(resolved)
}

/// Replaces custom types within a written type by what they stand for; unknown ones stay.
pub fn inline_types(ty: &mut Type, catalog: &Catalog) {
    match ty {
        Type::Array(item) => inline_types(item, catalog),
        Type::Map(key, value) => {
            inline_types(key, catalog);
            inline_types(value, catalog);
        }
        Type::Struct(fields) => fields.iter_mut().for_each(|(_, ty)| inline_types(ty, catalog)),
        Type::Custom(name) => {
            if let Some(resolved) = catalog.custom_type(&name.name) {
                *ty = written(resolved);
            }
        }
        _ => {}
    }
}

/// A type as one would write it.
pub fn written(ty: &SqlType) -> Type {
    match ty {
        SqlType::Boolean => Type::Boolean,
        SqlType::Integer => Type::Integer,
        SqlType::Bigint => Type::Bigint,
        SqlType::Double => Type::Double,
        SqlType::Decimal { precision, scale } => {
            Type::Decimal { precision: u32::from(*precision), scale: u32::from(scale.unsigned_abs()) }
        }
        SqlType::String => Type::String,
        SqlType::Bytes => Type::Bytes,
        SqlType::Time => Type::Time,
        SqlType::Date => Type::Date,
        SqlType::Timestamp => Type::Timestamp,
        SqlType::Array(item) => Type::Array(Box::new(written(item))),
        SqlType::Map(key, value) => Type::Map(Box::new(written(key)), Box::new(written(value))),
        SqlType::Struct(fields) => {
            Type::Struct(fields.iter().map(|(name, ty)| (Ident::new(&**name), written(ty))).collect())
        }
    }
}

fn decimal(precision: u32, scale: u32) -> Result<SqlType, UnknownType> {
    if precision == 0 {
        return Err(UnknownType::Decimal(format!("DECIMAL precision must be >= 1: DECIMAL({precision},{scale})")));
    }
    if scale > precision {
        return Err(UnknownType::Decimal(format!("DECIMAL precision must be >= scale: DECIMAL({precision},{scale})")));
    }
    match (u8::try_from(precision), i8::try_from(scale)) {
        (Ok(precision), Ok(scale)) => Ok(SqlType::Decimal { precision, scale }),
        _ => Err(UnknownType::Decimal(format!("DECIMAL({precision},{scale}) is out of range"))),
    }
}
