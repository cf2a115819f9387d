//! Whether records of one schema can be read by another, by Avro's rules of resolution, and what stands against it in the
//! words of Confluent's registry.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

use super::parse::BadSchema;
use super::schema::{AvroSchema, Field, Kind, Name, TypeId};

/// Pairs of types that are compared at most: unions within unions multiply.
const PAIRS_MAX: usize = 1_000_000;

/// How deep the comparison goes: it calls itself for each level.
const LEVELS_MAX: usize = 600;

/// Incompatibilities that are told, and bytes of the text of one.
const TOLD_MAX: usize = 1000;
const TEXT_MAX: usize = 10_000;

/// Bytes of what is kept of all pairs; beyond that one incompatibility of each, in short.
const KEPT_MAX: usize = 16 << 20;
const SHORT: usize = 100;

/// What is wrong between two schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IncompatibilityType {
    /// A named type has another name, which is no alias.
    NameMismatch,
    /// A fixed type has another size.
    FixedSizeMismatch,
    /// The reader's enum lacks symbols, and has no default.
    MissingEnumSymbols,
    /// The reader has a field that the writer has not, and no default for it.
    ReaderFieldMissingDefaultValue,
    /// A type cannot be read as the other.
    TypeMismatch,
    /// A branch of the writer's union has no place in the reader's.
    MissingUnionBranch,
}

impl fmt::Display for IncompatibilityType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NameMismatch => "NAME_MISMATCH",
            Self::FixedSizeMismatch => "FIXED_SIZE_MISMATCH",
            Self::MissingEnumSymbols => "MISSING_ENUM_SYMBOLS",
            Self::ReaderFieldMissingDefaultValue => "READER_FIELD_MISSING_DEFAULT_VALUE",
            Self::TypeMismatch => "TYPE_MISMATCH",
            Self::MissingUnionBranch => "MISSING_UNION_BRANCH",
        })
    }
}

/// One thing that stands against reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incompatibility {
    /// What kind of thing.
    pub ty: IncompatibilityType,
    /// Where, as a JSON pointer into the reader's schema: `/fields/1/type`.
    pub path: String,
    /// The details.
    pub message: String,
}

impl Incompatibility {
    /// As Confluent's registry tells it, which calls the reader's schema `reader` and the writer's `writer`: "new" and
    /// "old", or the reverse.
    pub fn describe(&self, reader: &str, writer: &str) -> String {
        let Self { ty, path, message } = self;
        let description = match ty {
            IncompatibilityType::FixedSizeMismatch => format!(
                "The size of FIXED type field at path '{path}' in the {reader} schema does not match with the {writer} \
                 schema"
            ),
            IncompatibilityType::TypeMismatch => format!(
                "The type (path '{path}') of a field in the {reader} schema does not match with the {writer} schema"
            ),
            IncompatibilityType::NameMismatch => format!("The name of the schema has changed (path '{path}')"),
            IncompatibilityType::MissingEnumSymbols => format!(
                "The {reader} schema is missing enum symbols '{message}' at path '{path}' in the {writer} schema"
            ),
            IncompatibilityType::MissingUnionBranch => format!(
                "The {reader} schema is missing a type inside a union field at path '{path}' in the {writer} schema"
            ),
            IncompatibilityType::ReaderFieldMissingDefaultValue => format!(
                "The field '{message}' at path '{path}' in the {reader} schema has no default value and is missing in \
                 the {writer} schema"
            ),
        };
        format!("{{errorType:'{ty}', description:'{description}', additionalInfo:'{message}'}}")
    }
}

/// What stands against reading records of `writer` by `reader`; nothing if they can be read.
///
/// # Errors
/// The schemas are too large or too deep to be compared.
pub fn incompatibilities(reader: &AvroSchema, writer: &AvroSchema) -> Result<Vec<Incompatibility>, BadSchema> {
    let mut check = Check { reader, writer, known: HashMap::new(), kept: 0, levels: 0 };
    check.pair("", reader.root, writer.root, &mut Vec::new())
}

struct Check<'a> {
    reader: &'a AvroSchema,
    writer: &'a AvroSchema,
    /// What was found for pairs of types; `None` while it is looked for.
    known: HashMap<(TypeId, TypeId), Option<Vec<Incompatibility>>>,
    /// Bytes of what was found.
    kept: usize,
    levels: usize,
}

type Found = Result<Vec<Incompatibility>, BadSchema>;

impl Check<'_> {
    /// Compares two types. `token` is where they stand in what is at `path`.
    fn pair(&mut self, token: &str, reader: TypeId, writer: TypeId, path: &mut Vec<String>) -> Found {
        if let Some(known) = self.known.get(&(reader, writer)) {
            // While a pair is looked at it goes together, unless something else shows that it does not.
            return Ok(known.clone().unwrap_or_default());
        }
        if self.known.len() >= PAIRS_MAX || self.levels >= LEVELS_MAX {
            return Err(BadSchema::new("the schemas are too large or nested too deeply to be compared"));
        }
        self.known.insert((reader, writer), None);
        self.levels += 1;
        path.push(token.to_owned());
        let found = self.types(reader, writer, path);
        path.pop();
        self.levels -= 1;
        let mut found = found?;
        found.truncate(TOLD_MAX);
        let kept = self.in_short(&found);
        self.known.insert((reader, writer), Some(kept));
        Ok(found)
    }

    /// What is kept of what was found for a pair, in short when much is kept: that there is something is all that unions
    /// ask for.
    fn in_short(&mut self, found: &[Incompatibility]) -> Vec<Incompatibility> {
        self.kept +=
            found.iter().map(|it| it.path.len() + it.message.len() + size_of::<Incompatibility>()).sum::<usize>();
        if self.kept <= KEPT_MAX {
            return found.to_vec();
        }
        let cut = |it: &Incompatibility| Incompatibility {
            ty: it.ty,
            path: it.path.chars().take(SHORT).collect(),
            message: it.message.chars().take(SHORT).collect(),
        };
        found.first().map(cut).into_iter().collect()
    }

    fn types(&mut self, reader: TypeId, writer: TypeId, path: &mut Vec<String>) -> Found {
        let (old, new) = (self.writer, self.reader);
        match (new.kind(reader), old.kind(writer)) {
            (Kind::Array(reader), Kind::Array(writer)) => self.pair("items", *reader, *writer, path),
            (Kind::Map(reader), Kind::Map(writer)) => self.pair("values", *reader, *writer, path),
            (Kind::Fixed { name, size }, Kind::Fixed { name: writer, size: expected }) => {
                let mut found = names(name, writer, path);
                if size != expected {
                    let message = format!("expected: {expected}, found: {size}");
                    found.push(at(path, "size", IncompatibilityType::FixedSizeMismatch, message));
                }
                Ok(found)
            }
            (Kind::Enum { name, symbols, default }, Kind::Enum { name: writer, symbols: expected, .. }) => {
                let mut found = names(name, writer, path);
                let symbols: HashSet<&str> = symbols.iter().map(String::as_str).collect();
                let expected = expected.iter().map(String::as_str);
                let missing: BTreeSet<&str> = expected.filter(|symbol| !symbols.contains(symbol)).collect();
                if !missing.is_empty() && default.is_none() {
                    let missing = missing.into_iter().collect::<Vec<_>>().join(", ");
                    found.push(at(path, "symbols", IncompatibilityType::MissingEnumSymbols, format!("[{missing}]")));
                }
                Ok(found)
            }
            (Kind::Record { name, fields }, Kind::Record { name: expected, fields: old_fields }) => {
                let mut found = names(name, expected, path);
                path.push("fields".to_owned());
                let fields = self.fields(fields, old_fields, writer, path);
                path.pop();
                found.append(&mut fields?);
                Ok(found)
            }
            (Kind::Union(_), Kind::Union(branches)) => self.unions(reader, branches, path),
            (_, Kind::Union(branches)) => {
                let mut found = Vec::new();
                for branch in branches {
                    found.append(&mut self.pair("", reader, *branch, &mut Vec::new())?);
                    found.truncate(TOLD_MAX);
                }
                Ok(found)
            }
            (Kind::Union(branches), kind) => {
                for branch in branches {
                    if self.pair("", *branch, writer, &mut Vec::new())?.is_empty() {
                        return Ok(Vec::new());
                    }
                }
                Ok(vec![here(path, IncompatibilityType::MissingUnionBranch, lacking(kind))])
            }
            (reader, writer) if is_promoted(reader, writer) => Ok(Vec::new()),
            (reader, writer) => {
                let message =
                    format!("reader type: {} not compatible with writer type: {}", upper(reader), upper(writer));
                Ok(vec![here(path, IncompatibilityType::TypeMismatch, message)])
            }
        }
    }

    fn unions(&mut self, reader: TypeId, branches: &[TypeId], path: &[String]) -> Found {
        let mut found = Vec::new();
        for (i, branch) in branches.iter().enumerate() {
            if !self.pair("", reader, *branch, &mut Vec::new())?.is_empty() {
                let message = lacking(self.writer.kind(*branch));
                found.push(at(path, &i.to_string(), IncompatibilityType::MissingUnionBranch, message));
            }
        }
        Ok(found)
    }

    fn fields(&mut self, new: &[Field], old: &[Field], writer: TypeId, path: &mut Vec<String>) -> Found {
        let mut found = Vec::new();
        let old: HashMap<&str, &Field> = old.iter().map(|field| (field.name.as_str(), field)).collect();
        for (i, field) in new.iter().enumerate() {
            let names = std::iter::once(&field.name).chain(&field.aliases);
            let source = names.into_iter().find_map(|name| old.get(name.as_str()));
            path.push(i.to_string());
            let fields = match source {
                Some(source) => self.pair("type", field.ty, source.ty, path),
                None if field.default.is_some() => Ok(Vec::new()),
                None => match self.reader.kind(field.ty) {
                    // Avro for Java takes an enum's own default for one of the field, and then compares with the record.
                    Kind::Enum { default: Some(_), .. } => self.pair("type", field.ty, writer, path),
                    _ => {
                        let ty = IncompatibilityType::ReaderFieldMissingDefaultValue;
                        Ok(vec![here(path, ty, field.name.clone())])
                    }
                },
            };
            path.pop();
            found.append(&mut fields?);
            if found.len() >= TOLD_MAX {
                break;
            }
        }
        Ok(found)
    }
}

/// Whether values of a plain type are read as another.
fn is_promoted(reader: &Kind, writer: &Kind) -> bool {
    matches!(
        (reader, writer),
        (Kind::Null, Kind::Null)
            | (Kind::Boolean, Kind::Boolean)
            | (Kind::Int, Kind::Int)
            | (Kind::Long, Kind::Int | Kind::Long)
            | (Kind::Float, Kind::Int | Kind::Long | Kind::Float)
            | (Kind::Double, Kind::Int | Kind::Long | Kind::Float | Kind::Double)
            | (Kind::Bytes | Kind::String, Kind::Bytes | Kind::String)
    )
}

fn names(reader: &Name, writer: &Name, path: &[String]) -> Vec<Incompatibility> {
    if reader.short() == writer.short() || reader.aliases.contains(&writer.full) {
        return Vec::new();
    }
    vec![at(path, "name", IncompatibilityType::NameMismatch, format!("expected: {}", writer.full))]
}

fn lacking(kind: &Kind) -> String {
    format!("reader union lacking writer type: {}", upper(kind))
}

fn upper(kind: &Kind) -> String {
    kind.word().to_ascii_uppercase()
}

fn at(path: &[String], token: &str, ty: IncompatibilityType, message: String) -> Incompatibility {
    let mut path = path.to_vec();
    path.push(token.to_owned());
    here(&path, ty, message)
}

/// The first part of a path is the root.
fn here(path: &[String], ty: IncompatibilityType, message: String) -> Incompatibility {
    let path = path.get(1..).unwrap_or_default().join("/");
    let message = match message.char_indices().nth(TEXT_MAX) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message,
    };
    Incompatibility { ty, path: format!("/{path}"), message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schemas::{Language, Schema};

    #[test]
    fn what_is_found_for_many_pairs_is_bounded() {
        let union = |prefix: &str| {
            let field = |i: usize| format!(r#"{{"name":"{prefix}_a_name_that_is_rather_long_{i}","type":"int"}}"#);
            let fields = (0..40).map(field).collect::<Vec<_>>().join(",");
            let record = |i: usize| format!(r#"{{"type":"record","name":"{prefix}{i}","fields":[{fields}]}}"#);
            let text = format!("[{}]", (0..80).map(record).collect::<Vec<_>>().join(","));
            AvroSchema::parse(&Schema::alone(Language::Avro, text)).unwrap()
        };
        let (reader, writer) = (union("a"), union("b"));
        let mut check = Check { reader: &reader, writer: &writer, known: HashMap::new(), kept: 0, levels: 0 };
        let found = check.pair("", reader.root, writer.root, &mut Vec::new()).unwrap();
        assert_eq!(found.len(), 80, "one for each branch of the writer");
        let bytes = |it: &Incompatibility| it.path.len() + it.message.len() + size_of::<Incompatibility>();
        let kept: usize = check.known.values().flatten().flatten().map(bytes).sum();
        assert!(check.kept > KEPT_MAX && kept < KEPT_MAX + check.known.len() * 400, "{kept} of {}", check.kept);
    }
}
