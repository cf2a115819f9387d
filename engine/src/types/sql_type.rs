//! The thirteen types of ksqlDB and their Arrow form.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use serde::{Deserialize, Serialize};

/// A resolved SQL type (custom types are inlined before this).
///
/// | SQL | Arrow |
/// |---|---|
/// | BOOLEAN | Boolean |
/// | INTEGER, BIGINT, DOUBLE | Int32, Int64, Float64 |
/// | DECIMAL(p, s) | Decimal128(p, s) |
/// | STRING, BYTES | Utf8, Binary |
/// | TIME, DATE, TIMESTAMP | Time32(ms), Date32, Timestamp(ms, no zone) |
/// | ARRAY, MAP, STRUCT | List(item), Map(entries{key, value}), Struct |
///
/// As JSON (in the command log): `"INTEGER"`, `{"DECIMAL": {"precision": 4, "scale": 2}}`, `{"ARRAY": "STRING"}`,
/// `{"MAP": ["STRING", "DATE"]}`, `{"STRUCT": [["A", "INTEGER"]]}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum SqlType {
    /// `TRUE` or `FALSE`.
    Boolean,
    /// 32 bits.
    Integer,
    /// 64 bits.
    Bigint,
    /// IEEE 754, 64 bits.
    Double,
    /// An exact number.
    Decimal {
        /// Digits in all, at most 38 but for results of arithmetic.
        precision: u8,
        /// Digits behind the point.
        scale: i8,
    },
    /// Unicode; compared and cut as Java does, by UTF-16 units.
    String,
    /// Any bytes.
    Bytes,
    /// Of the day, to the millisecond.
    Time,
    /// A day, without a zone.
    Date,
    /// Milliseconds since the epoch.
    Timestamp,
    /// Of elements of one type.
    Array(Box<SqlType>),
    /// Keys of one type to values of one; keys are STRING unless a function made it.
    Map(Box<SqlType>, Box<SqlType>),
    /// Fields with their names, in order.
    Struct(Vec<(String, SqlType)>),
}

/// The type of a HEADERS column: `ARRAY<STRUCT<KEY STRING, VALUE BYTES>>`.
pub fn header_type() -> SqlType {
    SqlType::Array(Box::new(SqlType::Struct(vec![
        ("KEY".to_owned(), SqlType::String),
        ("VALUE".to_owned(), SqlType::Bytes),
    ])))
}

/// A type may have so many levels: whatever walks over one calls itself for each.
pub const TYPE_LEVELS_MAX: usize = 520;

impl SqlType {
    /// How many types it consists of, itself included.
    pub fn parts(&self) -> usize {
        1 + match self {
            Self::Array(item) => item.parts(),
            Self::Map(key, value) => key.parts() + value.parts(),
            Self::Struct(fields) => fields.iter().map(|(_, ty)| ty.parts()).sum(),
            _ => 0,
        }
    }

    /// How many types stand in each other.
    pub fn levels(&self) -> usize {
        1 + match self {
            Self::Array(item) => item.levels(),
            Self::Map(key, value) => key.levels().max(value.levels()),
            Self::Struct(fields) => fields.iter().map(|(_, ty)| ty.levels()).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// An ARRAY of this type.
    pub fn array_of(self) -> SqlType {
        SqlType::Array(Box::new(self))
    }

    /// INTEGER, BIGINT, DECIMAL or DOUBLE.
    pub fn is_numeric(&self) -> bool {
        matches!(self, Self::Integer | Self::Bigint | Self::Double | Self::Decimal { .. })
    }

    /// The Arrow type of a column of this type.
    pub fn to_arrow(&self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::Integer => DataType::Int32,
            Self::Bigint => DataType::Int64,
            Self::Double => DataType::Float64,
            // Results of arithmetic may claim more digits than fit; a value that needs them is an error of its row.
            Self::Decimal { precision, scale } => DataType::Decimal128((*precision).min(38), *scale),
            Self::String => DataType::Utf8,
            Self::Bytes => DataType::Binary,
            Self::Time => DataType::Time32(TimeUnit::Millisecond),
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Millisecond, None),
            Self::Array(item) => DataType::List(Arc::new(Field::new("item", item.to_arrow(), true))),
            Self::Map(key, value) => {
                let entries = Fields::from(vec![
                    Field::new("key", key.to_arrow(), false),
                    Field::new("value", value.to_arrow(), true),
                ]);
                DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entries), false)), false)
            }
            Self::Struct(fields) => DataType::Struct(
                fields.iter().map(|(name, ty)| Field::new(name, ty.to_arrow(), true)).collect::<Fields>(),
            ),
        }
    }
}

/// ksqlDB's way of writing a type in schemas: ``STRUCT<`A` STRING>``, `DECIMAL(4, 2)`, `ARRAY<INTEGER>`.
impl fmt::Display for SqlType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("BOOLEAN"),
            Self::Integer => f.write_str("INTEGER"),
            Self::Bigint => f.write_str("BIGINT"),
            Self::Double => f.write_str("DOUBLE"),
            Self::Decimal { precision, scale } => write!(f, "DECIMAL({precision}, {scale})"),
            Self::String => f.write_str("STRING"),
            Self::Bytes => f.write_str("BYTES"),
            Self::Time => f.write_str("TIME"),
            Self::Date => f.write_str("DATE"),
            Self::Timestamp => f.write_str("TIMESTAMP"),
            Self::Array(item) => write!(f, "ARRAY<{item}>"),
            Self::Map(key, value) => write!(f, "MAP<{key}, {value}>"),
            Self::Struct(fields) => {
                f.write_str("STRUCT<")?;
                for (i, (name, ty)) in fields.iter().enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "`{name}` {ty}")?;
                }
                // An empty struct is shown as `STRUCT< >`, as ksqlDB does.
                f.write_str(if fields.is_empty() { " >" } else { ">" })
            }
        }
    }
}
/// Why a STRUCT cannot have two fields of one name.
pub(crate) fn duplicate_field(name: &str, earlier: &SqlType, later: &SqlType) -> String {
    format!("Duplicate field names found in STRUCT: '`{name}` {earlier}' and '`{name}` {later}'")
}
