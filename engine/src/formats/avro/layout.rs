//! How columns are written in a schema: decided once per schema.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::default::write_default;
use super::schema::{AvroSchema, Field, Kind, Logical, TypeId};
use super::text::field_name;
use crate::formats::FormatError;
use crate::types::{Column, SqlType};

/// How values of a column are written.
#[derive(Debug)]
pub(super) struct Layout {
    /// For a union with `null`: the branches.
    pub(super) optional: Option<Optional>,
    /// What is written for NULL where the schema has no `null`: the field's default, as in Connect.
    pub(super) instead_of_null: Option<Vec<u8>>,
    pub(super) what: What,
    /// Where it stands, for messages.
    path: String,
}

/// Plain text: the keys of Avro's `map`.
pub(super) static TEXT: Layout =
    Layout { optional: None, instead_of_null: None, what: What::Sized, path: String::new() };

/// The branches of a union of a type and `null`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Optional {
    pub(super) null_at: i64,
    /// `None`: the value itself tells its branch.
    pub(super) value_at: Option<i64>,
}

/// What stands there.
#[derive(Debug)]
pub(super) enum What {
    Boolean,
    /// `int` and `long`.
    Long,
    Float,
    Double,
    /// `string` and `bytes`.
    Sized,
    Fixed(usize),
    /// The positions of the symbols.
    Enum(HashMap<String, i64>),
    /// Two's complement, of so many bytes or with its length before it.
    Decimal {
        size: Option<usize>,
    },
    Array(Box<Layout>),
    /// Avro's `map`.
    Map(Box<Layout>),
    /// An array of records of a key and a value.
    Entries {
        key: Box<Layout>,
        value: Box<Layout>,
        value_first: bool,
    },
    Record(Vec<FieldLayout>),
    /// A STRUCT of the branches of a union: for each field its position there.
    Branches(Vec<(i64, Layout)>),
}

/// What stands in a field.
#[derive(Debug)]
pub(super) enum FieldLayout {
    /// The field is no column: these bytes.
    Constant(Vec<u8>),
    /// The column at that position.
    Column(usize, Layout),
}

impl Layout {
    /// How records of `columns`, or bare values of the only one, are written in a schema.
    pub(super) fn new(schema: &AvroSchema, columns: &[Column], wrapped: bool) -> Result<Self, String> {
        let planner = Planner { schema };
        match columns {
            [column] if !wrapped => planner.value(schema.root, &column.ty, ""),
            _ => {
                let fields: Vec<_> = columns.iter().map(|column| (column.name.as_str(), &column.ty)).collect();
                planner.root(&fields)
            }
        }
    }

    /// A value cannot be written.
    pub(super) fn error(&self, problem: &str) -> FormatError {
        FormatError::Encode(format!("Error serializing field '{}' to Avro: {problem}", self.path))
    }
}

struct Planner<'a> {
    schema: &'a AvroSchema,
}

impl Planner<'_> {
    /// A record of columns, which is never NULL.
    fn root(&self, columns: &[(&str, &SqlType)]) -> Result<Layout, String> {
        let root = self.schema.root;
        let (optional, id) = self.unwrapped(root);
        let what = match self.schema.kind(id) {
            Kind::Record { .. } => self.record(id, columns, "")?,
            Kind::Union(branches) => What::Branches(self.branches(branches, columns, "")?),
            kind => return Err(format!("the schema is of type {}, not record", kind.word())),
        };
        Ok(Layout { optional, instead_of_null: None, what, path: String::new() })
    }

    fn unwrapped(&self, id: TypeId) -> (Option<Optional>, TypeId) {
        match self.schema.optional(id) {
            Some((null_at, inner)) => {
                let null_at = null_at as i64;
                (Some(Optional { null_at, value_at: Some(1 - null_at) }), inner)
            }
            None => (None, id),
        }
    }

    fn value(&self, id: TypeId, ty: &SqlType, path: &str) -> Result<Layout, String> {
        let (mut optional, id) = self.unwrapped(id);
        if let (Some(branches), SqlType::Struct(_)) = (self.schema.branches(id), ty) {
            let null_at = branches.iter().position(|branch| *self.schema.kind(*branch) == Kind::Null);
            optional = null_at.map(|null_at| Optional { null_at: null_at as i64, value_at: None });
        }
        let decimal_scale = match self.schema.get(id).logical {
            Some(Logical::Decimal { scale, .. }) => Some(scale.unwrap_or(0)),
            _ => None,
        };
        let means = match ty {
            SqlType::Date => Some(Logical::Date),
            SqlType::Time => Some(Logical::TimeMillis),
            SqlType::Timestamp => Some(Logical::TimestampMillis),
            _ => None,
        };
        let logical = self.schema.get(id).logical;
        if means.is_some() && logical.is_some_and(|logical| logical != Logical::Other && Some(logical) != means) {
            return Err(self.mismatch(id, ty, path));
        }
        let what = match (self.schema.kind(id), ty) {
            (Kind::Boolean, SqlType::Boolean) => What::Boolean,
            (Kind::Int | Kind::Long, SqlType::Integer | SqlType::Date | SqlType::Time)
            | (Kind::Long, SqlType::Bigint | SqlType::Timestamp) => What::Long,
            (Kind::Double, SqlType::Double | SqlType::Integer) => What::Double,
            (Kind::Float, SqlType::Double) => What::Float,
            (Kind::String, SqlType::String) => What::Sized,
            (Kind::Bytes, SqlType::Bytes) if decimal_scale.is_none() => What::Sized,
            (Kind::Fixed { size, .. }, SqlType::Bytes) if decimal_scale.is_none() => What::Fixed(*size),
            (Kind::Enum { symbols, .. }, SqlType::String) => What::Enum(symbols.iter().cloned().zip(0..).collect()),
            (Kind::Bytes, SqlType::Decimal { scale, .. }) if decimal_scale == Some(i64::from(*scale)) => {
                What::Decimal { size: None }
            }
            (Kind::Fixed { size, .. }, SqlType::Decimal { scale, .. }) if decimal_scale == Some(i64::from(*scale)) => {
                What::Decimal { size: Some(*size) }
            }
            (Kind::Map(value), SqlType::Map(key, value_type)) if **key == SqlType::String => {
                What::Map(Box::new(self.value(*value, value_type, &format!("{path}{{}}"))?))
            }
            (Kind::Array(item), SqlType::Map(key_type, value_type)) => {
                self.entries(*item, key_type, value_type, path).ok_or_else(|| self.mismatch(id, ty, path))??
            }
            (Kind::Array(item), SqlType::Array(item_type)) => {
                What::Array(Box::new(self.value(*item, item_type, &format!("{path}[]"))?))
            }
            (Kind::Record { .. }, SqlType::Struct(fields)) => self.record(id, &pairs(fields), path)?,
            (Kind::Union(branches), SqlType::Struct(fields)) => {
                What::Branches(self.branches(branches, &pairs(fields), path)?)
            }
            _ => return Err(self.mismatch(id, ty, path)),
        };
        Ok(Layout { optional, instead_of_null: None, what, path: path.to_owned() })
    }

    /// A record of columns; what is no column gets its default.
    fn record(&self, id: TypeId, columns: &[(&str, &SqlType)], path: &str) -> Result<What, String> {
        let Kind::Record { fields, .. } = self.schema.kind(id) else { return Ok(What::Record(Vec::new())) };
        let names: Vec<String> = columns.iter().map(|(name, _)| field_name(name)).collect();
        if let Some(name) = names.iter().find(|name| fields.iter().all(|field| field.name != **name)) {
            return Err(format!("Schema from Schema Registry misses field with name: {name}"));
        }
        let field = |field: &Field| {
            if let Some(column) = names.iter().position(|name| *name == field.name) {
                let path = if path.is_empty() { field.name.clone() } else { format!("{path}.{}", field.name) };
                let mut layout = self.value(field.ty, columns[column].1, &path)?;
                if let (None, Some(default)) = (&layout.optional, self.schema.default_of(field)) {
                    let mut bytes = Vec::new();
                    write_default(self.schema, field.ty, default, &mut bytes)?;
                    layout.instead_of_null = Some(bytes);
                }
                return Ok(FieldLayout::Column(column, layout));
            }
            let mut bytes = Vec::new();
            match self.schema.default_of(field) {
                Some(default) => drop(write_default(self.schema, field.ty, default, &mut bytes)?),
                None if write_default(self.schema, field.ty, &Json::Null, &mut bytes).is_ok() => {}
                None => {
                    return Err(format!(
                        "Missing default value for required Avro field: [{}]. This field appears in Avro schema in \
                         Schema Registry",
                        field.name
                    ));
                }
            }
            Ok(FieldLayout::Constant(bytes))
        };
        fields.iter().map(field).collect::<Result<_, _>>().map(What::Record)
    }

    /// The columns as branches of a union, by their names.
    fn branches(
        &self,
        branches: &[TypeId],
        columns: &[(&str, &SqlType)],
        path: &str,
    ) -> Result<Vec<(i64, Layout)>, String> {
        let branch = |(name, ty): &(&str, &SqlType)| {
            let is_named = |id: &TypeId| {
                let branch = self.schema.branch_name(*id);
                branch == *name || branch.to_uppercase() == *name
            };
            match branches.iter().position(is_named) {
                Some(i) => Ok((i as i64, self.value(branches[i], ty, &format!("{path}.{name}"))?)),
                None => Err(format!("the union '{path}' has no branch {name}")),
            }
        };
        columns.iter().map(branch).collect()
    }

    fn mismatch(&self, id: TypeId, ty: &SqlType, path: &str) -> String {
        format!("field '{path}' of type {} cannot hold {ty}", self.schema.kind(id).word())
    }

    fn entries(
        &self,
        item: TypeId,
        key_type: &SqlType,
        value_type: &SqlType,
        path: &str,
    ) -> Option<Result<What, String>> {
        let (key, value) = self.schema.map_entry(item)?;
        let value_first = match self.schema.kind(item) {
            Kind::Record { fields, .. } => fields.first().is_some_and(|field| field.name == "value"),
            _ => false,
        };
        let key = self.value(key, key_type, &format!("{path}{{key}}"));
        let value = self.value(value, value_type, &format!("{path}{{}}"));
        Some(key.and_then(|key| Ok(What::Entries { key: Box::new(key), value: Box::new(value?), value_first })))
    }
}

fn pairs(fields: &[(String, SqlType)]) -> Vec<(&str, &SqlType)> {
    fields.iter().map(|(name, ty)| (name.as_str(), ty)).collect()
}
