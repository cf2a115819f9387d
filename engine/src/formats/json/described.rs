//! What a writer's schema says of values.

use crate::types::SqlType;

/// The fields of what may be of several types begin so; a number follows.
pub(in crate::formats) const UNION_FIELD: &str = "io.confluent.connect.json.OneOf.field.";

/// A value, as a schema describes it.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::formats) struct Described {
    pub(in crate::formats) what: What,
    /// What it is, as JSON, where it is missing or null.
    pub(in crate::formats) default: Option<Box<str>>,
}

/// The type of a value.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::formats) enum What {
    /// One that has no parts.
    Plain(SqlType),
    /// Items.
    Array(Box<Described>),
    /// Keys and values.
    Map(SqlType, Box<Described>),
    /// Fields by their names.
    Struct(Vec<(String, Described)>),
    /// None that a column has, and why.
    Unknown(String),
}

impl From<What> for Described {
    fn from(what: What) -> Self {
        Self { what, default: None }
    }
}

impl From<SqlType> for Described {
    fn from(ty: SqlType) -> Self {
        What::Plain(ty).into()
    }
}

impl Described {
    /// Its type; one that no column has is left out.
    pub(in crate::formats) fn ty(&self) -> Option<SqlType> {
        Some(match &self.what {
            What::Plain(ty) => ty.clone(),
            What::Array(item) => item.ty()?.array_of(),
            What::Map(key, value) => SqlType::Map(Box::new(key.clone()), Box::new(value.ty()?)),
            What::Struct(fields) => {
                SqlType::Struct(fields.iter().filter_map(|(name, of)| Some((name.clone(), of.ty()?))).collect())
            }
            What::Unknown(_) => return None,
        })
    }

    /// Whether it has values that are read in another way than those of plain JSON.
    pub(in crate::formats) fn is_special(&self) -> bool {
        self.default.is_some()
            || match &self.what {
                What::Plain(ty) => matches!(ty, SqlType::Decimal { .. }),
                What::Array(item) => item.is_special(),
                What::Map(_, value) => value.is_special(),
                What::Struct(fields) => self.is_union() || fields.iter().any(|(_, field)| field.is_special()),
                What::Unknown(_) => false,
            }
    }

    /// Whether it is one of several types.
    pub(super) fn is_union(&self) -> bool {
        match &self.what {
            What::Struct(fields) => !fields.is_empty() && fields.iter().all(|(name, _)| name.starts_with(UNION_FIELD)),
            _ => false,
        }
    }

    /// The field of that name: the writer may call it so, or so but for the case of its letters.
    pub(in crate::formats) fn field(&self, name: &str) -> Option<&Self> {
        let What::Struct(fields) = &self.what else { return None };
        let exact = fields.iter().find(|(other, _)| other == name);
        exact.or_else(|| fields.iter().find(|(other, _)| other.to_uppercase() == name)).map(|(_, field)| field)
    }

    pub(in crate::formats) fn item(&self) -> Option<&Self> {
        if let What::Array(item) = &self.what { Some(item) } else { None }
    }

    /// The value of an entry of a map.
    pub(in crate::formats) fn value(&self) -> Option<&Self> {
        if let What::Map(_, value) = &self.what { Some(value) } else { None }
    }
}
