//! How the bytes of a writer's schema become columns: decided once per schema, then followed for every record.

use std::sync::Arc;

use super::default::write_default;
use super::schema::{AvroSchema, Field, Kind, Logical, Skip, TypeId};
use super::text::field_name;
use crate::formats::growth::VALUE_BYTES;
use crate::formats::problem::short;
use crate::types::{Column, SqlType};

/// How a value becomes one of a column.
#[derive(Debug)]
pub(super) enum Read {
    /// The writer's type is none the column can hold.
    Never(String),
    /// Nobody wants it: only for a whole record.
    Skip,
    /// Nothing stands there.
    Null,
    Boolean,
    /// An `int` to INTEGER or DATE.
    Int,
    /// An `int` to TIME.
    Time,
    /// An `int` or `long` to BIGINT or TIMESTAMP.
    Long {
        is_int: bool,
    },
    /// A `long` to TIMESTAMP; so many are a millisecond.
    PartsOfMillis(i64),
    /// An `int` or `long` to DOUBLE.
    LongToDouble {
        is_int: bool,
    },
    /// An `int` or `long` to DECIMAL.
    LongToDecimal {
        is_int: bool,
    },
    Float,
    Double,
    /// Two's complement, of so many bytes or with its length before it; digits behind the point.
    Decimal {
        size: Option<usize>,
        scale: i64,
    },
    /// `bytes` to BYTES, and `string`.
    Bytes,
    Fixed(usize),
    /// `string` to STRING, and `bytes`.
    Text,
    /// The symbols.
    Enum(Arc<[String]>),
    /// A plain number or boolean to STRING.
    AsText(Kind),
    /// A union of `null` and a type.
    Optional {
        null_at: usize,
        value: Box<Read>,
    },
    /// A union, each branch to the same column.
    Union(Vec<Read>),
    /// A union, each branch to its own field of a STRUCT.
    Branches(Vec<Branch>),
    List {
        item: Box<Read>,
        has_no_bytes: bool,
    },
    Map(Box<Entry>),
    Record(Fields),
}

/// A branch of a union that is read as a STRUCT.
#[derive(Debug)]
pub(super) enum Branch {
    /// The STRUCT is NULL.
    Null,
    /// To the field at that position; the others are NULL.
    Field(usize, Read),
    /// No field wants it: they are all NULL.
    Skip(TypeId),
}

/// The entries of a map: of Avro's `map`, or records of a key and a value.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: Read,
    /// `None`: a text, as in Avro's `map`.
    pub(super) key_type: Option<TypeId>,
    pub(super) value: Read,
    pub(super) value_type: TypeId,
    /// Whether an entry's value stands before its key.
    pub(super) value_first: bool,
    pub(super) has_no_bytes: bool,
}

/// The fields of a record.
#[derive(Debug)]
pub(super) struct Fields {
    /// In the writer's order.
    pub(super) steps: Vec<Step>,
    /// Columns that the writer does not have.
    pub(super) absent: Vec<Absent>,
}

/// What to do with a field.
#[derive(Debug)]
pub(super) enum Step {
    /// No column wants it.
    Skip(Skip),
    /// The same, for a union of `null` and what is passed over so.
    SkipOptional { null_at: usize, value: Skip },
    /// It is none that its column can hold, which nobody uses.
    Never(String),
    /// To the column at that position.
    Read(usize, Read),
}

/// A column that no field of the writer's fills.
#[derive(Debug)]
pub(super) struct Absent {
    pub(super) column: usize,
    /// The reader's default; NULL without.
    pub(super) default: Option<Constant>,
}

/// A value that is always the same.
#[derive(Debug)]
pub(super) struct Constant {
    /// In Avro.
    pub(super) bytes: Vec<u8>,
    /// What it becomes in columns at most, besides the fields of STRUCTs.
    pub(super) size: usize,
    pub(super) read: Read,
    pub(super) schema: Arc<AvroSchema>,
}

/// How the records of one schema are read.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) schema: Arc<AvroSchema>,
    /// Whether a record is bytes, which stand alone without their length.
    pub(super) is_bytes: bool,
    pub(super) root: Read,
}

/// A type of the schema that records are read by, where one is known.
type Reader<'a> = Option<(&'a Arc<AvroSchema>, TypeId)>;

/// What is to be read.
pub(super) struct Wanted<'a> {
    pub(super) columns: &'a [Column],
    /// Per column, whether anybody uses it.
    pub(super) is_used: &'a [bool],
    /// Whether a record is one of the columns or the bare value of the only one.
    pub(super) wrapped: bool,
    /// The schema to read by, if one is named.
    pub(super) reader: Option<&'a Arc<AvroSchema>>,
}

impl Plan {
    /// A plan for records of `schema`.
    pub(super) fn new(schema: Arc<AvroSchema>, wanted: &Wanted<'_>) -> Self {
        let planner = Planner { writer: &schema };
        let reader = wanted.reader.map(|reader| (reader, reader.root));
        let root = match wanted.columns {
            [column] if !wanted.wrapped => match planner.read(schema.root, &column.ty, reader, "") {
                Read::Never(problem) => Read::Never(problem),
                _ if wanted.is_used == [false] => Read::Skip,
                read => read,
            },
            columns => {
                let fields: Vec<_> = columns.iter().map(|column| (column.name.as_str(), &column.ty)).collect();
                planner.struct_of(schema.root, &fields, Some(wanted.is_used), reader, "")
            }
        };
        Self { is_bytes: schema.is_bytes(), root, schema }
    }
}

struct Planner<'a> {
    writer: &'a AvroSchema,
}

impl Planner<'_> {
    /// How a type is read as a column's. `path` is that of the column, for messages.
    fn read(&self, id: TypeId, ty: &SqlType, reader: Reader<'_>, path: &str) -> Read {
        let reader = reader.map(|(schema, id)| (schema, schema.optional(id).map_or(id, |(_, inner)| inner)));
        if let Some((null_at, inner)) = self.writer.optional(id) {
            return match self.read(inner, ty, reader, path) {
                // As in ksqlDB, whatever the value is.
                Read::Never(problem) => Read::Never(problem),
                value => Read::Optional { null_at, value: Box::new(value) },
            };
        }
        match (self.writer.kind(id), ty) {
            (Kind::Record { .. } | Kind::Union(_), SqlType::Struct(fields)) => {
                let fields: Vec<_> = fields.iter().map(|(name, ty)| (name.as_str(), ty)).collect();
                self.struct_of(id, &fields, None, reader, path)
            }
            (Kind::Union(branches), _) => {
                Read::Union(branches.iter().map(|branch| self.read(*branch, ty, reader, path)).collect())
            }
            (Kind::Null, _) => Read::Null,
            (Kind::Array(item), SqlType::Array(item_type)) if self.writer.map_entry(*item).is_none() => {
                let reader = reader.and_then(|(schema, id)| match schema.kind(id) {
                    Kind::Array(item) => Some((schema, *item)),
                    _ => None,
                });
                let read = self.read(*item, item_type, reader, &format!("{path}->ARRAY"));
                Read::List { item: Box::new(read), has_no_bytes: self.writer.has_no_bytes(*item) }
            }
            (Kind::Array(_) | Kind::Map(_), SqlType::Map(key_type, value_type)) => {
                self.map(id, (key_type, value_type), reader, path).unwrap_or_else(|| self.never(id, ty, path))
            }
            _ => self.plain(id, ty).unwrap_or_else(|| self.never(id, ty, path)),
        }
    }

    /// How a value of one plain type is read as another.
    fn plain(&self, id: TypeId, ty: &SqlType) -> Option<Read> {
        let from = self.writer.get(id);
        let is_int = from.kind == Kind::Int;
        let decimal_scale = match from.logical {
            Some(Logical::Decimal { scale, .. }) => Some(scale.unwrap_or(0)),
            _ => None,
        };
        // What is no date or time may be read as one, but no date as a time.
        let may_be = |logical| from.logical.is_none_or(|other| other == logical || other == Logical::Other);
        Some(match (&from.kind, ty) {
            (Kind::Boolean, SqlType::Boolean) => Read::Boolean,
            (Kind::Int, SqlType::Integer) => Read::Int,
            (Kind::Int, SqlType::Date) if may_be(Logical::Date) => Read::Int,
            (Kind::Int, SqlType::Time) if may_be(Logical::TimeMillis) => Read::Time,
            (Kind::Int | Kind::Long, SqlType::Bigint) => Read::Long { is_int },
            (Kind::Int | Kind::Long, SqlType::Timestamp) if may_be(Logical::TimestampMillis) => Read::Long { is_int },
            (Kind::Long, SqlType::Timestamp) => match from.logical {
                Some(Logical::Timestamp { per_millisecond }) => Read::PartsOfMillis(per_millisecond),
                _ => return None,
            },
            (Kind::Int | Kind::Long, SqlType::Double) => Read::LongToDouble { is_int },
            (Kind::Int | Kind::Long, SqlType::Decimal { .. }) => Read::LongToDecimal { is_int },
            (Kind::Float, SqlType::Double) => Read::Float,
            (Kind::Double, SqlType::Double) => Read::Double,
            (Kind::Boolean | Kind::Int | Kind::Long | Kind::Float | Kind::Double, SqlType::String) => {
                Read::AsText(from.kind.clone())
            }
            (Kind::Enum { symbols, .. }, SqlType::String) => Read::Enum(Arc::clone(symbols)),
            (Kind::String, SqlType::String) => Read::Text,
            (Kind::String, SqlType::Bytes) => Read::Bytes,
            (Kind::Bytes, SqlType::Decimal { .. }) => Read::Decimal { size: None, scale: decimal_scale? },
            (Kind::Fixed { size, .. }, SqlType::Decimal { .. }) => {
                Read::Decimal { size: Some(*size), scale: decimal_scale? }
            }
            (Kind::Bytes, SqlType::Bytes) if decimal_scale.is_none() => Read::Bytes,
            (Kind::Bytes, SqlType::String) if decimal_scale.is_none() => Read::Text,
            (Kind::Fixed { size, .. }, SqlType::Bytes) if decimal_scale.is_none() => Read::Fixed(*size),
            _ => return None,
        })
    }

    fn map(&self, id: TypeId, ty: (&SqlType, &SqlType), reader: Reader<'_>, path: &str) -> Option<Read> {
        let reader = reader.and_then(|(schema, id)| {
            let value = match schema.kind(id) {
                Kind::Map(value) => *value,
                Kind::Array(item) => schema.map_entry(*item)?.1,
                _ => return None,
            };
            Some((schema, value))
        });
        let (key, key_type, value_type) = match self.writer.kind(id) {
            Kind::Map(value) if *ty.0 == SqlType::String => (Read::Text, None, *value),
            Kind::Array(item) => {
                let (key, value) = self.writer.map_entry(*item)?;
                (self.read(key, ty.0, None, &format!("{path}->MAP_KEY")), Some(key), value)
            }
            _ => return None,
        };
        let item = match self.writer.kind(id) {
            Kind::Array(item) => Some(*item),
            _ => None,
        };
        let value_first = item.is_some_and(|item| match self.writer.kind(item) {
            Kind::Record { fields, .. } => fields.first().is_some_and(|field| field.name == "value"),
            _ => false,
        });
        let has_no_bytes = item.is_some_and(|item| self.writer.has_no_bytes(item));
        let value = self.read(value_type, ty.1, reader, &format!("{path}->MAP_VAL"));
        Some(Read::Map(Box::new(Entry { key, key_type, value, value_type, value_first, has_no_bytes })))
    }

    /// How a record or a union is read as columns. Those that are not used get no value.
    fn struct_of(
        &self,
        id: TypeId,
        columns: &[(&str, &SqlType)],
        is_used: Option<&[bool]>,
        reader: Reader<'_>,
        path: &str,
    ) -> Read {
        let is_used = |column: usize| is_used.is_none_or(|used| used.get(column) == Some(&true));
        match self.writer.kind(id) {
            Kind::Record { fields, .. } => self.record(fields, columns, is_used, reader, path),
            Kind::Union(_) if self.writer.optional(id).is_some() => {
                let Some((null_at, inner)) = self.writer.optional(id) else { return Read::Null };
                let used: Vec<bool> = (0..columns.len()).map(is_used).collect();
                let value = self.struct_of(inner, columns, Some(&used), reader, path);
                Read::Optional { null_at, value: Box::new(value) }
            }
            Kind::Union(branches) => Read::Branches(
                branches
                    .iter()
                    .map(|branch| {
                        if *self.writer.kind(*branch) == Kind::Null {
                            return Branch::Null;
                        }
                        let name = self.writer.branch_name(*branch);
                        match columns.iter().position(|(column, _)| is_match(name, column)) {
                            Some(column) if is_used(column) => {
                                let (name, ty) = columns[column];
                                Branch::Field(column, self.read(*branch, ty, None, &format!("{path}->{name}")))
                            }
                            _ => Branch::Skip(*branch),
                        }
                    })
                    .collect(),
            ),
            _ => Read::Never(self.mismatch(id, "struct", path)),
        }
    }

    fn record(
        &self,
        fields: &[Field],
        columns: &[(&str, &SqlType)],
        is_used: impl Fn(usize) -> bool,
        reader: Reader<'_>,
        path: &str,
    ) -> Read {
        let reader_fields = reader.and_then(|(schema, id)| match schema.kind(id) {
            Kind::Record { fields, .. } => Some((schema, fields)),
            _ => None,
        });
        let reader_field = |column: &str| {
            let (schema, fields) = reader_fields?;
            let field = fields.iter().find(|field| field.name == field_name(column));
            let field = field.or_else(|| fields.iter().find(|field| is_match(&field.name, column)));
            field.map(|field| (schema, field))
        };
        // Which field fills each column. Of several that may the last does, as in ksqlDB.
        let sources: Vec<Option<usize>> = columns
            .iter()
            .map(|(column, _)| {
                let by_name = fields.iter().rposition(|field| is_match(&field.name, column));
                by_name.or_else(|| {
                    let (_, reader) = reader_field(column)?;
                    fields.iter().position(|field| reader.aliases.contains(&field.name))
                })
            })
            .collect();
        let step = |(i, field): (usize, &Field)| {
            let Some(column) = sources.iter().position(|source| *source == Some(i)) else {
                return self.skip(field.ty);
            };
            let (name, ty) = columns[column];
            let reader = reader_field(name).map(|(schema, field)| (schema, field.ty));
            match self.read(field.ty, ty, reader, &format!("{path}->{name}")) {
                Read::Never(problem) => Step::Never(problem),
                read if is_used(column) => Step::Read(column, read),
                _ => self.skip(field.ty),
            }
        };
        let absent = |(column, source): (usize, &Option<usize>)| {
            if source.is_some() || !is_used(column) {
                return None;
            }
            let (name, ty) = columns[column];
            let default = reader_field(name).and_then(|(schema, field)| constant(schema, field, ty));
            Some(Absent { column, default })
        };
        // There may be many that take no byte.
        let takes_bytes = |step: &Step| !matches!(step, Step::Skip(Skip::Nothing));
        let steps: Vec<Step> = fields.iter().enumerate().map(step).filter(takes_bytes).collect();
        Read::Record(Fields { steps, absent: sources.iter().enumerate().filter_map(absent).collect() })
    }

    fn skip(&self, id: TypeId) -> Step {
        match self.writer.optional(id) {
            Some((null_at, inner)) => Step::SkipOptional { null_at, value: Skip::of(self.writer, inner) },
            None => Step::Skip(Skip::of(self.writer, id)),
        }
    }

    fn never(&self, id: TypeId, ty: &SqlType, path: &str) -> Read {
        if let (Some(logical), SqlType::Date | SqlType::Time | SqlType::Timestamp) = (self.writer.get(id).logical, ty) {
            let what = match logical {
                Logical::Date => "a date",
                Logical::TimeMillis | Logical::Time => "a time of the day",
                Logical::TimestampMillis | Logical::Timestamp { .. } => "a timestamp",
                Logical::Decimal { .. } | Logical::Other => "that",
            };
            return Read::Never(short(format!("Cannot deserialize {what} as type {ty} for path: {path}")));
        }
        let to = match ty {
            SqlType::Boolean => "boolean",
            SqlType::Integer | SqlType::Date | SqlType::Time => "int32",
            SqlType::Bigint | SqlType::Timestamp => "int64",
            SqlType::Double => "float64",
            SqlType::Decimal { .. } => "decimal",
            SqlType::String => "string",
            SqlType::Bytes => "bytes",
            SqlType::Array(_) => "array",
            SqlType::Map(..) => "map",
            SqlType::Struct(_) => "struct",
        };
        Read::Never(self.mismatch(id, to, path))
    }

    fn mismatch(&self, id: TypeId, to: &str, path: &str) -> String {
        let from = self.writer.get(id);
        let from = match (&from.kind, &from.connect.ty, from.logical) {
            (Kind::Int, Some(narrow), _) if matches!(narrow.as_str(), "int8" | "int16") => narrow,
            (Kind::Int, ..) => "int32",
            (Kind::Long, ..) => "int64",
            (Kind::Float, ..) => "float32",
            (Kind::Double, ..) => "float64",
            (Kind::Bytes | Kind::Fixed { .. }, _, Some(Logical::Decimal { .. })) => "decimal",
            (Kind::Fixed { .. }, ..) => "bytes",
            (Kind::Enum { .. }, ..) => "string",
            (Kind::Record { .. } | Kind::Union(_), ..) => "struct",
            (Kind::Array(item), ..) if self.writer.map_entry(*item).is_some() => "map",
            (kind, ..) => kind.word(),
        };
        short(format!("Cannot deserialize type {from} as type {to} for path: {path}"))
    }
}

/// Whether a field of that name is a column's: ksqlDB looks for its name, then for its name in upper case.
fn is_match(field: &str, column: &str) -> bool {
    let column = field_name(column);
    field == column || field.to_uppercase() == column
}

/// The default of a reader's field, as a value of a column of that type.
fn constant(schema: &Arc<AvroSchema>, field: &Field, ty: &SqlType) -> Option<Constant> {
    let mut bytes = Vec::new();
    let values = write_default(schema, field.ty, schema.default_of(field)?, &mut bytes).ok()?;
    let size = bytes.len() + VALUE_BYTES * values;
    let read = Planner { writer: schema }.read(field.ty, ty, None, "");
    (!matches!(read, Read::Never(_))).then(|| Constant { bytes, size, read, schema: Arc::clone(schema) })
}
