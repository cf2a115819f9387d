//! What the decoder knows about objects: which key means which field.

use super::described::{Described, What};
use super::scan::RawString;
use crate::types::SqlType;

/// Keys remembered per kind of object. More are looked up each time.
const KEYS_MAX: usize = 128;

/// How values are written.
#[derive(Debug, Clone, Copy)]
pub(in crate::formats) enum Written<'a> {
    /// As ksqlDB writes JSON.
    Plain,
    /// As Connect's converter for JSON Schema writes them: maps may be arrays of `{"key": …, "value": …}`. What the
    /// writer's schema describes is this, where it is known.
    BySchema(Option<&'a Described>),
}

impl<'a> Written<'a> {
    /// How a part is written, found in what the writer describes by `part`.
    fn within(self, part: impl FnOnce(&'a Described) -> Option<&'a Described>) -> Self {
        match self {
            Self::Plain => Self::Plain,
            Self::BySchema(described) => Self::BySchema(described.and_then(part)),
        }
    }

    /// The default of the value, as JSON.
    fn default(self) -> Option<&'a str> {
        if let Self::BySchema(Some(described)) = self { described.default.as_deref() } else { None }
    }
}

/// State of decoding one type: for every struct in it, its fields.
pub(super) enum Shape {
    Scalar,
    /// A DECIMAL whose text is the Base64 of its unscaled bytes, of that scale.
    Base64Decimal(i8),
    List(Box<Shape>),
    Map {
        values: Box<Shape>,
        /// Maps may be arrays, too.
        as_entries: bool,
    },
    Struct(Fields),
    /// One of the fields, by the kind of value that stands there.
    Union(Fields),
}

impl Shape {
    fn new(ty: &SqlType, written: Written<'_>) -> Self {
        match ty {
            SqlType::Decimal { .. } => match written {
                Written::BySchema(Some(Described { what: What::Plain(SqlType::Decimal { scale, .. }), .. })) => {
                    Self::Base64Decimal(*scale)
                }
                _ => Self::Scalar,
            },
            SqlType::Array(item) => Self::List(Box::new(Self::new(item, written.within(Described::item)))),
            SqlType::Map(_, value) => Self::Map {
                values: Box::new(Self::new(value, written.within(Described::value))),
                as_entries: matches!(written, Written::BySchema(_)),
            },
            SqlType::Struct(fields) => {
                let of = Fields::new(fields.iter().map(|(name, ty)| (name.as_str(), ty)), written);
                match written {
                    Written::BySchema(Some(described)) if described.is_union() => Self::Union(of),
                    _ => Self::Struct(of),
                }
            }
            _ => Self::Scalar,
        }
    }
}

/// How a field of the current object was found so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Found {
    No,
    /// The upper case of the key is the field's name.
    Folded,
    /// The key is the field's name.
    Exact,
}

/// The field a key means, and how it means it; `None` for a key of no column.
type Target = Option<(usize, Found)>;

/// A key as it stands in the text, and what it means.
type Known = (Box<[u8]>, Target);

/// The fields of one kind of object.
pub(super) struct Fields {
    /// Names of the fields.
    pub(super) names: Vec<Box<str>>,
    /// Types of the fields.
    pub(super) shapes: Vec<Shape>,
    /// What the current object had so far.
    pub(super) found: Vec<Found>,
    /// What fields hold, as JSON, that are missing or null; empty if none has a default.
    pub(super) defaults: Vec<Option<Box<str>>>,
    /// Keys seen, in the order they were first seen, and what they mean. Objects of a topic mostly have the same keys in
    /// the same order, so the next key is mostly the one after the last.
    known: Vec<Known>,
    next: usize,
}

impl Fields {
    /// No key seen yet.
    pub(super) fn new<'a>(fields: impl Iterator<Item = (&'a str, &'a SqlType)>, written: Written<'_>) -> Self {
        let (mut names, mut shapes, mut defaults) = (Vec::new(), Vec::new(), Vec::new());
        for (name, ty) in fields {
            let written = written.within(|described| described.field(name));
            names.push(Box::from(name));
            shapes.push(Shape::new(ty, written));
            defaults.push(written.default().map(Box::from));
        }
        if defaults.iter().all(Option::is_none) {
            defaults.clear();
        }
        Self { found: vec![Found::No; names.len()], names, shapes, defaults, known: Vec::new(), next: 0 }
    }

    /// A new object starts.
    #[inline]
    pub(super) fn start(&mut self) {
        self.next = 0;
        self.found.fill(Found::No);
    }

    /// Position of the field that a key means, and how it means it.
    #[inline]
    pub(super) fn find(&mut self, key: RawString<'_>) -> Target {
        match self.known.get(self.next) {
            Some((known, target)) if **known == *key.raw.as_bytes() => {
                self.next += 1;
                *target
            }
            _ => self.search(key),
        }
    }

    fn search(&mut self, key: RawString<'_>) -> Target {
        let (before, after) = self.known.split_at(self.next.min(self.known.len()));
        let hit = after.iter().chain(before).position(|(known, _)| **known == *key.raw.as_bytes());
        if let Some(distance) = hit {
            let at = (before.len() + distance) % self.known.len();
            self.next = at + 1;
            return self.known.get(at).and_then(|(_, target)| *target);
        }
        let target = if key.escaped {
            let mut text = Vec::new();
            key.unescape(&mut text);
            self.resolve(&String::from_utf8_lossy(&text))
        } else {
            self.resolve(key.raw)
        };
        if self.known.len() < KEYS_MAX {
            self.known.push((Box::from(key.raw.as_bytes()), target));
            self.next = self.known.len();
        }
        target
    }

    /// A key names the field of that very name, else the field that its upper case names.
    fn resolve(&self, key: &str) -> Target {
        let position = |key: &str| self.names.iter().position(|name| **name == *key);
        let exact = position(key).map(|i| (i, Found::Exact));
        exact.or_else(|| position(&key.to_uppercase()).map(|i| (i, Found::Folded)))
    }
}
