//! The SQL type of what a schema describes: as Kafka Connect's converter maps Avro's types to Connect's.

use super::schema::{AvroSchema, Kind, Logical, TypeId};
use crate::formats::inferred;
use crate::types::{Bounds, SqlType, TYPE_LEVELS_MAX};

/// The type of all that a schema describes. Names are the schema's, and maps have the keys they are written with.
pub(super) fn whole_type(schema: &AvroSchema) -> Result<SqlType, String> {
    let mut inference = Inference { schema, open: Vec::new(), parts: Bounds::default().schema_parts };
    inference.ty(schema.root, &Path::Root)
}

/// Where in a schema a type stands.
enum Path<'a> {
    Root,
    Field(&'a Path<'a>, &'a str),
    Within(&'a Path<'a>, &'static str),
}

impl Path<'_> {
    fn write(&self, out: &mut String) {
        match self {
            Self::Root => {}
            Self::Field(parent, name) => {
                parent.write(out);
                if !out.is_empty() {
                    out.push('.');
                }
                out.push_str(name);
            }
            Self::Within(parent, what) => {
                parent.write(out);
                out.push_str(what);
            }
        }
    }

    fn error<T>(&self, problem: &str) -> Result<T, String> {
        let mut path = String::new();
        self.write(&mut path);
        let place = if path.is_empty() { "at the root".to_owned() } else { format!("at field '{path}'") };
        Err(format!("The Avro schema cannot be mapped to columns: {place}: {problem}"))
    }
}

struct Inference<'a> {
    schema: &'a AvroSchema,
    /// The records that are being mapped, each within the one before.
    open: Vec<TypeId>,
    /// How many parts the columns may yet get: types that are named twice multiply.
    parts: usize,
}

impl Inference<'_> {
    fn ty(&mut self, id: TypeId, path: &Path<'_>) -> Result<SqlType, String> {
        let Some(left) = self.parts.checked_sub(1) else {
            return path.error(&format!("the columns have more than {} parts", Bounds::default().schema_parts));
        };
        self.parts = left;
        if self.open.len() >= TYPE_LEVELS_MAX {
            return path.error(&format!("types are nested deeper than {TYPE_LEVELS_MAX} levels"));
        }
        if self.open.contains(&id) {
            return path.error(&format!("the type {} is recursive", self.schema.name_of(id)));
        }
        self.open.push(id);
        let ty = self.open_ty(id, path);
        self.open.pop();
        ty
    }

    fn open_ty(&mut self, id: TypeId, path: &Path<'_>) -> Result<SqlType, String> {
        let schema = self.schema;
        let ty = schema.get(id);
        Ok(match &ty.kind {
            Kind::Null => return path.error("a type that is only null has no column type"),
            Kind::Boolean => SqlType::Boolean,
            Kind::Int => match (&ty.logical, ty.connect.ty.as_deref()) {
                (Some(Logical::Date), _) => SqlType::Date,
                (Some(Logical::TimeMillis), _) => SqlType::Time,
                (None, Some(narrow)) if !matches!(narrow, "int8" | "int16") => {
                    return path.error(&format!("the connect.type '{narrow}' is unknown"));
                }
                _ => SqlType::Integer,
            },
            Kind::Long if ty.logical == Some(Logical::TimestampMillis) => SqlType::Timestamp,
            Kind::Long => SqlType::Bigint,
            Kind::Float | Kind::Double => SqlType::Double,
            Kind::String | Kind::Enum { .. } => SqlType::String,
            Kind::Bytes | Kind::Fixed { .. } => match ty.logical {
                Some(Logical::Decimal { precision, scale }) => {
                    let precision =
                        precision.or(ty.connect.precision).unwrap_or(u64::from(inferred::PRECISION_DEFAULT));
                    decimal(precision, scale, path)?
                }
                _ => SqlType::Bytes,
            },
            Kind::Array(item) => match schema.map_entry(*item) {
                Some((key, value)) => self.map(key, value, path)?,
                None => self.ty(*item, &Path::Within(path, "[]"))?.array_of(),
            },
            Kind::Map(value) => {
                SqlType::Map(Box::new(SqlType::String), Box::new(self.ty(*value, &Path::Within(path, "{}"))?))
            }
            Kind::Record { fields, .. } => {
                self.fields(fields.iter().map(|field| (field.name.as_str(), field.ty)), path)?
            }
            Kind::Union(branches) => match schema.optional(id) {
                Some((_, inner)) => self.ty(inner, path)?,
                None => {
                    let branches = branches.iter().filter(|branch| *schema.kind(**branch) != Kind::Null);
                    self.fields(branches.map(|branch| (schema.branch_name(*branch), *branch)), path)?
                }
            },
        })
    }

    fn fields<'f>(
        &mut self,
        fields: impl Iterator<Item = (&'f str, TypeId)>,
        path: &Path<'_>,
    ) -> Result<SqlType, String> {
        let mut columns: Vec<(String, SqlType)> = Vec::new();
        for (name, id) in fields {
            let path = Path::Field(path, name);
            let ty = self.ty(id, &path)?;
            if columns.iter().any(|(other, _)| other == name) {
                return path.error(&format!("there are two fields {name}"));
            }
            columns.push((name.to_owned(), ty));
        }
        Ok(SqlType::Struct(columns))
    }

    fn map(&mut self, key: TypeId, value: TypeId, path: &Path<'_>) -> Result<SqlType, String> {
        let key = self.ty(key, &Path::Within(path, "{key}"))?;
        Ok(SqlType::Map(Box::new(key), Box::new(self.ty(value, &Path::Within(path, "{}"))?)))
    }
}

fn decimal(precision: u64, scale: Option<i64>, path: &Path<'_>) -> Result<SqlType, String> {
    let Some(scale) = scale else { return path.error("scale must be specified and must be a number.") };
    let precision = i64::try_from(precision).unwrap_or(i64::MAX);
    inferred::decimal(precision, scale).or_else(|problem| path.error(&problem))
}
