//! Avro's schemas as values. Types stand in one list and name each other by position, so recursion needs no pointers.

use std::sync::Arc;

use serde_json::Value as Json;

/// A schema: its types and the one records are of.
#[derive(Debug, Clone)]
pub struct AvroSchema {
    pub(super) types: Vec<Type>,
    pub(super) root: TypeId,
    /// Per type: whether its values take no byte at all.
    pub(super) has_no_bytes: Vec<bool>,
    /// Per type: how the fields of a record are passed over that take bytes; empty if it is none.
    pub(super) passed: Vec<Box<[Skip]>>,
}

/// The position of a type in its schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct TypeId(pub(super) usize);

/// A type and what is noted with it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Type {
    pub(super) kind: Kind,
    pub(super) logical: Option<Logical>,
    pub(super) connect: Connect,
}

/// What Kafka Connect notes with a type.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Connect {
    /// `connect.type`: the narrower type that stands as an `int`.
    pub(super) ty: Option<String>,
    /// `connect.internal.type` of a record: an array of these is a map.
    pub(super) is_map_entry: bool,
    /// `connect.default`: the default of a field of this type that names none itself.
    pub(super) default: Option<Json>,
    /// `connect.decimal.precision` among the `connect.parameters`.
    pub(super) precision: Option<u64>,
}

/// How values look.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// No byte.
    Null,
    /// One byte, 0 or 1.
    Boolean,
    /// A varint of 32 bits.
    Int,
    /// A varint of 64 bits.
    Long,
    /// Four bytes.
    Float,
    /// Eight bytes.
    Double,
    /// A length and so many bytes.
    Bytes,
    /// A length and so many bytes of UTF-8.
    String,
    /// So many bytes.
    Fixed { name: Name, size: usize },
    /// The position of a symbol.
    Enum { name: Name, symbols: Arc<[String]>, default: Option<String> },
    /// Blocks of items.
    Array(TypeId),
    /// Blocks of keys and values.
    Map(TypeId),
    /// The position of a branch, and a value of it.
    Union(Vec<TypeId>),
    /// One field after the other.
    Record { name: Name, fields: Vec<Field> },
}

/// A full name and others it had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) full: String,
    /// Full names.
    pub(super) aliases: Vec<String>,
}

impl Name {
    /// The name without its namespace.
    pub(super) fn short(&self) -> &str {
        short_name(&self.full)
    }
}

/// A name without its namespace.
pub(super) fn short_name(full: &str) -> &str {
    full.rsplit_once('.').map_or(full, |(_, short)| short)
}

/// A field of a record.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) aliases: Vec<String>,
    pub(super) ty: TypeId,
    pub(super) default: Option<Json>,
}

/// What a plain type stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Logical {
    /// Digits in all (if known) and behind the point.
    Decimal { precision: Option<u64>, scale: Option<i64> },
    /// Days since the epoch.
    Date,
    /// Milliseconds of the day.
    TimeMillis,
    /// Milliseconds since the epoch.
    TimestampMillis,
    /// Time since the epoch in other units, of which a millisecond has so many, or of another kind. Connect does not look at
    /// it, nor at what follows.
    Timestamp { per_millisecond: i64 },
    /// Time of the day in other units.
    Time,
    /// `uuid` and others that are no numbers, or one that stands on a type that is none of its own.
    Other,
}

impl AvroSchema {
    /// A type of it. Ids come from this schema only.
    pub(super) fn get(&self, id: TypeId) -> &Type {
        static NOTHING: Type = Type {
            kind: Kind::Null,
            logical: None,
            connect: Connect { ty: None, is_map_entry: false, default: None, precision: None },
        };
        self.types.get(id.0).unwrap_or(&NOTHING)
    }

    /// Whether values of a type take no byte.
    pub(super) fn has_no_bytes(&self, id: TypeId) -> bool {
        self.has_no_bytes.get(id.0).copied().unwrap_or_default()
    }

    /// How the fields of a record are passed over that take bytes.
    pub(super) fn passed_fields(&self, id: TypeId) -> &[Skip] {
        self.passed.get(id.0).map_or(&[], |fields| fields)
    }

    /// How values of a type look.
    pub(super) fn kind(&self, id: TypeId) -> &Kind {
        &self.get(id).kind
    }

    /// Whether records are bare bytes or decimals in bytes: Confluent's serializers write no length before these.
    pub(super) fn is_bytes(&self) -> bool {
        *self.kind(self.root) == Kind::Bytes
    }

    /// The full name of the type of its records: that of a named type, else what Avro calls the type.
    pub fn full_name(&self) -> &str {
        self.name_of(self.root)
    }

    /// A type's full name, or what Avro calls it.
    pub(super) fn name_of(&self, id: TypeId) -> &str {
        match self.kind(id) {
            Kind::Record { name, .. } | Kind::Enum { name, .. } | Kind::Fixed { name, .. } => &name.full,
            kind => kind.word(),
        }
    }

    /// The branches of a union.
    pub(super) fn branches(&self, id: TypeId) -> Option<&[TypeId]> {
        match self.kind(id) {
            Kind::Union(branches) => Some(branches),
            _ => None,
        }
    }

    /// For a union of a type and `null`: the position of `null` and the type.
    pub(super) fn optional(&self, id: TypeId) -> Option<(usize, TypeId)> {
        let [first, second] = self.branches(id)? else { return None };
        match (self.kind(*first), self.kind(*second)) {
            (Kind::Null, Kind::Null) => None,
            (Kind::Null, _) => Some((0, *second)),
            (_, Kind::Null) => Some((1, *first)),
            _ => None,
        }
    }

    /// For an array that Connect reads as a map: the types of its keys and values.
    pub(super) fn map_entry(&self, item: TypeId) -> Option<(TypeId, TypeId)> {
        let ty = self.get(item);
        let Kind::Record { name, fields } = &ty.kind else { return None };
        if !ty.connect.is_map_entry && name.full != "io.confluent.connect.avro.MapEntry" {
            return None;
        }
        let [first, second] = fields.as_slice() else { return None };
        match (first.name.as_str(), second.name.as_str()) {
            ("key", "value") => Some((first.ty, second.ty)),
            ("value", "key") => Some((second.ty, first.ty)),
            _ => None,
        }
    }

    /// A field's default: its own, or the one that Connect noted with its type.
    pub(super) fn default_of<'a>(&'a self, field: &'a Field) -> Option<&'a Json> {
        field.default.as_ref().or_else(|| self.get(field.ty).connect.default.as_ref())
    }

    /// The name by which Connect knows a branch of a union.
    pub(super) fn branch_name(&self, id: TypeId) -> &str {
        match self.kind(id) {
            Kind::Record { name, .. } | Kind::Enum { name, .. } | Kind::Fixed { name, .. } => name.short(),
            kind => kind.word(),
        }
    }
}

impl Kind {
    /// What Avro calls it.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Long => "long",
            Self::Float => "float",
            Self::Double => "double",
            Self::Bytes => "bytes",
            Self::String => "string",
            Self::Fixed { .. } => "fixed",
            Self::Enum { .. } => "enum",
            Self::Array(_) => "array",
            Self::Map(_) => "map",
            Self::Union(_) => "union",
            Self::Record { .. } => "record",
        }
    }

    /// The plain type of that name.
    pub(super) fn plain(word: &str) -> Option<Self> {
        Some(match word {
            "null" => Self::Null,
            "boolean" => Self::Boolean,
            "int" => Self::Int,
            "long" => Self::Long,
            "float" => Self::Float,
            "double" => Self::Double,
            "bytes" => Self::Bytes,
            "string" => Self::String,
            _ => return None,
        })
    }
}

/// How a value is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Skip {
    Nothing,
    Boolean,
    Int,
    Long,
    /// So many bytes.
    Bytes(usize),
    /// A length and so many bytes.
    Sized,
    /// A position among so many.
    Symbol(usize),
    /// What other values stand in.
    Nested(TypeId),
}

impl Skip {
    /// How values of a type are passed over.
    pub(super) fn of(schema: &AvroSchema, id: TypeId) -> Self {
        Self::of_kind(schema.kind(id), id, schema.has_no_bytes(id))
    }

    /// The same, for a type of that kind of which values take no byte, or not.
    pub(super) fn of_kind(kind: &Kind, id: TypeId, has_no_bytes: bool) -> Self {
        match kind {
            _ if has_no_bytes => Self::Nothing,
            Kind::Null => Self::Nothing,
            Kind::Boolean => Self::Boolean,
            Kind::Int => Self::Int,
            Kind::Long => Self::Long,
            Kind::Float => Self::Bytes(4),
            Kind::Double => Self::Bytes(8),
            Kind::Bytes | Kind::String => Self::Sized,
            Kind::Fixed { size, .. } => Self::Bytes(*size),
            Kind::Enum { symbols, .. } => Self::Symbol(symbols.len()),
            Kind::Array(_) | Kind::Map(_) | Kind::Union(_) | Kind::Record { .. } => Self::Nested(id),
        }
    }
}
