//! Schemas that records are written with, and who keeps them: a schema registry.
//!
//! ```text
//! bytes of a record: 0, id (4 bytes, big-endian), payload        id ──Schemas::by_id──> schema it was written with
//! a source's columns ──format──> schema ──Schemas::register──> id of what a sink writes
//! ```
//!
//! Formats, the planner and the runtime see [`Schemas`] only; whether a server elsewhere ([`client`]) or this process
//! keeps them is decided when the engine opens.

pub mod client;
mod error;
mod framing;
mod names;
mod none;
#[cfg(test)]
pub(crate) mod testing;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use error::SchemaError;
pub use framing::{HEADER_BYTES, header, put_header, split_header};
pub use names::{SubjectName, SubjectNames};
pub use none::NoSchemas;

/// The language a schema is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Language {
    /// Apache Avro, as JSON.
    Avro,
    /// A `.proto` file.
    Protobuf,
    /// JSON Schema.
    Json,
}

impl Language {
    /// As registries write it in `schemaType`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Avro => "AVRO",
            Self::Protobuf => "PROTOBUF",
            Self::Json => "JSON",
        }
    }

    /// The language of that name; registries leave it out for Avro.
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Avro, Self::Protobuf, Self::Json].into_iter().find(|language| language.name() == name)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A schema with everything needed to understand it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Schema {
    /// Its language.
    pub language: Language,
    /// Its text, shared by all who refer to it.
    pub text: Arc<str>,
    /// What it refers to itself.
    pub references: Vec<Reference>,
    /// All it refers to, also by another: each after those it refers to, none twice.
    pub referenced: Vec<Referenced>,
}

impl Schema {
    /// A schema that refers to no other.
    pub fn alone(language: Language, text: impl Into<Arc<str>>) -> Self {
        Self { language, text: text.into(), references: Vec::new(), referenced: Vec::new() }
    }
}

/// How a schema names another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reference {
    /// As it stands in the text: an Avro full name, a file to import, a `$ref`.
    pub name: String,
    /// The subject of the other.
    pub subject: String,
    /// Its version there.
    pub version: i32,
}

/// A schema that another refers to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Referenced {
    /// As [`Reference::name`].
    pub name: String,
    /// Its text.
    pub text: Arc<str>,
}

/// A version of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// The subject.
    pub subject: String,
    /// From 1, in the order they were registered.
    pub version: i32,
    /// One per schema, whatever the subjects it stands in.
    pub id: i32,
    /// The schema.
    pub schema: Arc<Schema>,
}

/// Where a schema registry is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// There is none.
    Nowhere,
    /// This process keeps the schemas.
    Own,
    /// Servers elsewhere, without credentials.
    Elsewhere(Vec<String>),
}

impl Place {
    /// Whether one of the two cannot be the other.
    pub fn is_other_kind(&self, other: &Self) -> bool {
        std::mem::discriminant(self) != std::mem::discriminant(other)
    }

    /// Whether the two are the same registry: servers elsewhere are if one of them is.
    pub fn may_be(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Elsewhere(urls), Self::Elsewhere(others)) => urls.iter().any(|url| others.contains(url)),
            _ => self == other,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => f.write_str("no schema registry"),
            Self::Own => f.write_str("the schema registry of the server itself"),
            Self::Elsewhere(urls) => write!(f, "the schema registry at {}", urls.join(", ")),
        }
    }
}

/// A schema registry. Calls may wait for a server, for a bounded time: not on a thread that has other work to do.
pub trait Schemas: Send + Sync + fmt::Debug {
    /// The schema of that id. What was found once is not asked for again.
    ///
    /// # Errors
    /// [`SchemaError::UnknownId`], [`SchemaError::NotYetKnown`], or the registry cannot be asked.
    fn by_id(&self, id: i32) -> Result<Arc<Schema>, SchemaError>;

    /// The last version of a subject; `None` if there is no such subject.
    ///
    /// # Errors
    /// The registry cannot be asked, or refuses to tell.
    fn latest(&self, subject: &str) -> Result<Option<Registered>, SchemaError>;

    /// Gives a schema a place in a subject, and tells its id. A schema that stands there already keeps its id and version.
    ///
    /// # Errors
    /// [`SchemaError::Incompatible`] with the versions there are, or the registry cannot be asked or refuses.
    fn register(&self, subject: &str, schema: &Schema) -> Result<i32, SchemaError>;

    /// Forgets a subject for good. One that is not there is no error.
    ///
    /// # Errors
    /// The registry cannot be asked, or refuses.
    fn delete(&self, subject: &str) -> Result<(), SchemaError>;

    /// Whether a version of `subject`, or of any, has that `id`; `subject` without an `id`: whether it is there.
    ///
    /// # Errors
    /// The registry cannot be asked.
    fn has(&self, subject: Option<&str>, id: Option<i32>) -> Result<bool, SchemaError>;

    /// Where it is.
    fn place(&self) -> Place {
        Place::Own
    }

    /// Whether there is a registry at all.
    fn is_there(&self) -> bool {
        self.place() != Place::Nowhere
    }

    /// Whether what it keeps may be read and written by; it is not asked.
    ///
    /// # Errors
    /// [`SchemaError::None`], [`SchemaError::Changed`].
    fn check(&self) -> Result<(), SchemaError> {
        if self.is_there() { Ok(()) } else { Err(SchemaError::None) }
    }

    /// The subject of the keys or values of a topic. `full_name` is that of the record or message written there.
    fn subject(&self, topic: &str, is_key: bool, full_name: Option<&str>) -> String;
}

/// The subject of a topic's keys or values as registries have it by default: `TOPIC-key`, `TOPIC-value`.
pub fn topic_subject(topic: &str, is_key: bool) -> String {
    format!("{topic}-{}", if is_key { "key" } else { "value" })
}
