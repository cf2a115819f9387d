//! Message types, as far as columns have to do with them.

use std::collections::HashMap;
use std::sync::Arc;

/// The message types and enums of a schema and of all it imports.
#[derive(Debug, Default)]
pub(super) struct Types {
    /// Packages of the files; the first is the schema's own.
    pub(super) packages: Vec<String>,
    /// The messages at the top of the schema's own file, in their order there.
    pub(super) top: Vec<usize>,
    /// Enums at the top of the schema's own file.
    pub(super) top_enums: Vec<usize>,
    /// All messages.
    pub(super) messages: Vec<Message>,
    /// All enums.
    pub(super) enums: Vec<Arc<Enum>>,
}

/// A message type.
#[derive(Debug)]
pub(super) struct Message {
    /// With its package and the messages it stands in.
    pub(super) full_name: String,
    /// Position of its file's package in [`Types::packages`].
    pub(super) file: usize,
    /// In the order of the text.
    pub(super) fields: Vec<Field>,
    /// Names of the oneofs; those that stand for `optional` are none.
    pub(super) oneofs: Vec<String>,
    /// Messages within it in the order of the text, those of map fields left out.
    pub(super) nested: Vec<usize>,
    /// Enums within it.
    pub(super) enums: Vec<usize>,
    /// Whether it is the entry of a `map<…>` field.
    pub(super) is_map_entry: bool,
}

/// A field of a message.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) number: u32,
    pub(super) kind: Kind,
    pub(super) label: Label,
    /// Position in [`Message::oneofs`].
    pub(super) oneof: Option<usize>,
    /// Whether numbers of a repeated field share one tag.
    pub(super) packed: bool,
    /// What proto2 says an absent field holds: the text of a number, `true`, bytes with escapes, the name in an enum.
    pub(super) default: Option<String>,
    /// `(confluent.field_meta).params`
    pub(super) params: Vec<(String, String)>,
}

/// How often a field may occur.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    /// Once; absent means the default.
    Implicit,
    /// `optional` of proto2.
    Optional,
    /// `optional` of proto3: absent means NULL.
    Nullable,
    Required,
    Repeated,
}

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Double,
    Float,
    Int64,
    Uint64,
    Int32,
    Fixed64,
    Fixed32,
    Bool,
    String,
    Group,
    /// Position in [`Types::messages`].
    Message(usize),
    Bytes,
    Uint32,
    /// Position in [`Types::enums`].
    Enum(usize),
    Sfixed32,
    Sfixed64,
    Sint32,
    Sint64,
}

/// An enum.
#[derive(Debug)]
pub(super) struct Enum {
    pub(super) full_name: String,
    /// In the order of the text.
    pub(super) values: Vec<(String, i32)>,
    numbers: HashMap<String, i32>,
}

impl Enum {
    pub(super) fn new(full_name: String, values: Vec<(String, i32)>) -> Self {
        let numbers = values.iter().cloned().collect();
        Self { full_name, values, numbers }
    }

    /// Without the package and the messages it stands in.
    pub(super) fn name(&self) -> &str {
        last_part(&self.full_name)
    }

    /// The number of a name.
    pub(super) fn number_of(&self, name: &str) -> Option<i32> {
        self.numbers.get(name).copied()
    }

    /// The number that was read as [`unknown_name`].
    pub(super) fn unknown_number(&self, name: &str) -> Option<i32> {
        name.strip_prefix(UNKNOWN)?.strip_prefix(self.name())?.strip_prefix('_')?.parse().ok()
    }
}

const UNKNOWN: &str = "UNKNOWN_ENUM_VALUE_";

/// What a number is called that has no name in an enum: as Protobuf's library for Java calls it.
pub(super) fn unknown_name(of: &str, number: i32) -> String {
    format!("{UNKNOWN}{of}_{number}")
}

impl Message {
    /// Without the package and the messages it stands in.
    pub(super) fn name(&self) -> &str {
        last_part(&self.full_name)
    }

    /// Its key and value, if a repeated field of this type is a map: Connect knows them by their names.
    pub(super) fn entry(&self) -> Option<(&Field, &Field)> {
        let [key, value] = self.fields.as_slice() else { return None };
        let is_entry = self.name().ends_with("Entry") && key.name == "key" && value.name == "value";
        (is_entry && key.label != Label::Repeated).then_some((key, value))
    }

    /// The field that a message of `google/protobuf/wrappers.proto` wraps.
    pub(super) fn wrapped(&self) -> Option<&Field> {
        let name = self.full_name.strip_prefix("google.protobuf.")?.strip_suffix("Value")?;
        let is_wrapper = ["Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes"];
        is_wrapper.contains(&name).then(|| self.fields.first()).flatten()
    }
}

impl Types {
    /// The message of that full name, or, without one, the first of the schema.
    pub(super) fn message(&self, full_name: Option<&str>) -> Option<usize> {
        match full_name {
            None => self.top.first().copied(),
            Some(name) => self.messages.iter().position(|message| message.full_name == name),
        }
    }

    /// The message that a record names by its position, then that within it, and so on.
    pub(super) fn at(&self, indexes: &[i64]) -> Option<usize> {
        let mut found = None;
        let mut level = &self.top;
        for index in indexes {
            let at = *level.get(usize::try_from(*index).ok()?)?;
            level = &self.messages.get(at)?.nested;
            found = Some(at);
        }
        found
    }

    /// What [`Types::at`] finds a message by.
    pub(super) fn indexes(&self, message: usize) -> Option<Vec<i64>> {
        fn search(types: &Types, level: &[usize], message: usize, path: &mut Vec<i64>) -> bool {
            for (i, at) in level.iter().enumerate() {
                path.push(i as i64);
                let nested = types.messages.get(*at).map_or(&[][..], |found| &found.nested);
                if *at == message || search(types, nested, message, path) {
                    return true;
                }
                path.pop();
            }
            false
        }
        let mut path = Vec::new();
        search(self, &self.top, message, &mut path).then_some(path)
    }
}

pub(super) fn last_part(full_name: &str) -> &str {
    full_name.rsplit('.').next().unwrap_or(full_name)
}
