//! What changed from one version of a schema to the next, and whether who knows the new one can read what was written by
//! the old one: the rules of Confluent's registry, in its words.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::parse::parse;
use super::types::{Enum, Field, Kind, Label, Message, Types, last_part};
use crate::formats::problem::join;
use crate::schemas::Schema;

/// A difference between two versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What differs.
    pub change: Change,
    /// Where: messages by name, fields by number.
    pub path: String,
}

/// What may differ. A field that was moved, or whose number has another use now, is a field whose name, kind or type
/// changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Change {
    PackageChanged,
    MessageAdded,
    MessageRemoved,
    MessageMoved,
    EnumAdded,
    EnumRemoved,
    EnumConstAdded,
    EnumConstChanged,
    EnumConstRemoved,
    FieldAdded,
    FieldRemoved,
    FieldNameChanged,
    FieldKindChanged,
    FieldScalarKindChanged,
    FieldNamedTypeChanged,
    FieldNumericLabelChanged,
    FieldStringOrBytesLabelChanged,
    RequiredFieldAdded,
    RequiredFieldRemoved,
    OneofAdded,
    OneofRemoved,
    OneofFieldAdded,
    OneofFieldRemoved,
    MultipleFieldsMovedToOneof,
    FieldMovedToExistingOneof,
}

impl Change {
    /// As registries call it, and what they say of it: `{0}` is the schema that is looked at, `{1}` the other one, `{path}`
    /// where. Nothing is said of what does no harm.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::PackageChanged => ("PACKAGE_CHANGED", ""),
            Self::MessageAdded => ("MESSAGE_ADDED", ""),
            Self::MessageRemoved => {
                ("MESSAGE_REMOVED", "The {0} schema is missing a MESSAGE type at path '{path}' in the {1} schema")
            }
            Self::MessageMoved => ("MESSAGE_MOVED", ""),
            Self::EnumAdded => ("ENUM_ADDED", ""),
            Self::EnumRemoved => ("ENUM_REMOVED", ""),
            Self::EnumConstAdded => ("ENUM_CONST_ADDED", ""),
            Self::EnumConstChanged => ("ENUM_CONST_CHANGED", ""),
            Self::EnumConstRemoved => ("ENUM_CONST_REMOVED", ""),
            Self::FieldAdded => ("FIELD_ADDED", ""),
            Self::FieldRemoved => ("FIELD_REMOVED", ""),
            Self::FieldNameChanged => ("FIELD_NAME_CHANGED", ""),
            Self::FieldKindChanged => (
                "FIELD_KIND_CHANGED",
                "The type of a field at path '{path}' in the {0} schema does not match the {1} schema",
            ),
            Self::FieldScalarKindChanged => (
                "FIELD_SCALAR_KIND_CHANGED",
                "The kind of a SCALAR field at path '{path}' in the {0} schema does not match its kind in the {1} schema",
            ),
            Self::FieldNamedTypeChanged => (
                "FIELD_NAMED_TYPE_CHANGED",
                "The type of a MESSAGE field at path '{path}' in the {0} schema does not match its type in the {1} schema",
            ),
            Self::FieldNumericLabelChanged => (
                "FIELD_NUMERIC_LABEL_CHANGED",
                "The label for a NUMERIC field at path '{path}' in the {0} schema does not match its label in the {1} schema",
            ),
            Self::FieldStringOrBytesLabelChanged => ("FIELD_STRING_OR_BYTES_LABEL_CHANGED", ""),
            Self::RequiredFieldAdded => (
                "REQUIRED_FIELD_ADDED",
                "A required field  at path '{path}' in the {0} schema is missing in the {1} schema",
            ),
            Self::RequiredFieldRemoved => (
                "REQUIRED_FIELD_REMOVED",
                "The {0} schema is missing a required field at path: '{path}' in the {1} schema",
            ),
            Self::OneofAdded => ("ONEOF_ADDED", ""),
            Self::OneofRemoved => ("ONEOF_REMOVED", ""),
            Self::OneofFieldAdded => ("ONEOF_FIELD_ADDED", ""),
            Self::OneofFieldRemoved => {
                ("ONEOF_FIELD_REMOVED", "The {0} schema is missing a oneof field at path '{path}' in the {1} schema")
            }
            Self::MultipleFieldsMovedToOneof => (
                "MULTIPLE_FIELDS_MOVED_TO_ONEOF",
                "Multiple fields in the oneof at path '{path}' in the {0} schema are outside a oneof in the {1} schema",
            ),
            Self::FieldMovedToExistingOneof => (
                "FIELD_MOVED_TO_EXISTING_ONEOF",
                "A field in the oneof at path '{path}' in the {0} schema is outside an existing oneof in the {1} schema",
            ),
        }
    }

    /// Whether who knows the new schema reads what was written by the old one.
    pub fn is_compatible(self) -> bool {
        self.words().1.is_empty()
    }
}

impl Difference {
    /// What a registry says, where `update` and `original` are what it calls the two schemas: `new` and `old`, or the other
    /// way round.
    pub fn message(&self, update: &str, original: &str) -> String {
        let (name, words) = self.change.words();
        let words = words.replace("{0}", update).replace("{1}", original).replace("{path}", &self.path);
        format!("{{errorType:\"{name}\", description:\"{words}\"}}")
    }
}

/// All differences; those that are no [`Change::is_compatible`] keep the new schema from reading what the old one wrote.
///
/// # Errors
/// One of them is no schema.
pub fn differences(original: &Schema, update: &Schema) -> Result<Vec<Difference>, String> {
    let (original, update) = (parse(original)?, parse(update)?);
    let mut comparison = Comparison {
        original: &original,
        update: &update,
        path: Vec::new(),
        compared: HashMap::new(),
        levels: 0,
        differences: Vec::new(),
    };
    if original.packages.first() != update.packages.first() {
        comparison.add(Change::PackageChanged);
    }
    comparison.types([(&original.top, &original.top_enums), (&update.top, &update.top_enums)]);
    Ok(comparison.differences)
}

struct Comparison<'a> {
    original: &'a Types,
    update: &'a Types,
    path: Vec<String>,
    /// Pairs of messages that fields refer to, and whether they are compatible as far as is known.
    compared: HashMap<(usize, usize), bool>,
    /// How many of them are being compared, one within the other.
    levels: usize,
    differences: Vec<Difference>,
}

/// Messages within messages that are looked into; what lies deeper counts as changed.
const LEVELS_MAX: usize = 100;

impl<'a> Comparison<'a> {
    fn add(&mut self, change: Change) {
        let path = match self.path.as_slice() {
            [] => "#/".to_owned(),
            // Names of oneofs may be megabytes.
            parts => parts.iter().fold("#".to_owned(), |path, part| join(&path, part)),
        };
        self.differences.push(Difference { change, path });
    }

    fn within<T>(&mut self, part: impl ToString, look: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(part.to_string());
        let found = look(self);
        self.path.pop();
        found
    }

    /// Compares the messages and enums at the top of a file, or within a message: of the original, then of the update.
    fn types(&mut self, [original, update]: [(&'a [usize], &'a [usize]); 2]) {
        let messages = |types: &'a Types, level: &'a [usize]| -> BTreeMap<&'a str, (usize, &'a Message)> {
            let messages = level.iter().filter_map(|at| types.messages.get(*at));
            messages.enumerate().map(|(i, message)| (message.name(), (i, message))).collect()
        };
        let (before, after) = (messages(self.original, original.0), messages(self.update, update.0));
        let names: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
        for name in names {
            self.within(name, |it| match (before.get(name), after.get(name)) {
                (Some(_), None) => it.add(Change::MessageRemoved),
                (None, _) => it.add(Change::MessageAdded),
                (Some((was_at, before)), Some((is_at, after))) => {
                    it.messages(before, after);
                    if was_at != is_at {
                        it.add(Change::MessageMoved);
                    }
                }
            });
        }
        let enums = |types: &'a Types, level: &'a [usize]| -> BTreeMap<&'a str, &'a Enum> {
            level.iter().filter_map(|at| types.enums.get(*at)).map(|of| (of.name(), &**of)).collect()
        };
        let (before, after) = (enums(self.original, original.1), enums(self.update, update.1));
        let names: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
        for name in names {
            self.within(name, |it| match (before.get(name), after.get(name)) {
                (Some(_), None) => it.add(Change::EnumRemoved),
                (None, _) => it.add(Change::EnumAdded),
                (Some(before), Some(after)) => it.enums(before, after),
            });
        }
    }

    fn enums(&mut self, original: &Enum, update: &Enum) {
        let names = |of: &Enum| -> BTreeMap<i32, String> {
            of.values.iter().map(|(name, number)| (*number, name.clone())).collect()
        };
        let (before, after) = (names(original), names(update));
        let numbers: BTreeSet<i32> = before.keys().chain(after.keys()).copied().collect();
        for number in numbers {
            let change = match (before.get(&number), after.get(&number)) {
                (Some(_), None) => Change::EnumConstRemoved,
                (None, _) => Change::EnumConstAdded,
                (Some(before), Some(after)) if before != after => Change::EnumConstChanged,
                _ => continue,
            };
            self.within(number, |it| it.add(change));
        }
    }

    fn messages(&mut self, original: &'a Message, update: &'a Message) {
        self.fields(original, update);
        self.types([(&original.nested, &original.enums), (&update.nested, &update.enums)]);
    }

    /// Compares the fields of two messages, which are the same if they have the same number.
    fn fields(&mut self, original: &'a Message, update: &'a Message) {
        let (before, after) = (Numbered::new(original), Numbered::new(update));
        for (i, oneof) in update.oneofs.iter().enumerate() {
            let was_plain = |number: &&u32| before.all.get(number).is_some_and(|field| field.oneof.is_none());
            let was_member = |number: &&u32| before.all.get(number).is_some_and(|field| field.oneof.is_some());
            let numbers = after.members(i);
            let (moved, existing) =
                (numbers.iter().filter(was_plain).count(), numbers.iter().filter(was_member).count());
            self.within(oneof, |it| match moved {
                0 => {}
                1 if existing > 0 => it.add(Change::FieldMovedToExistingOneof),
                1 => {}
                _ => it.add(Change::MultipleFieldsMovedToOneof),
            });
        }
        let places = |message: &'a Message| -> BTreeMap<&str, usize> {
            // Of several with one name the first one counts.
            message.oneofs.iter().enumerate().rev().map(|(at, name)| (name.as_str(), at)).collect()
        };
        let (was_at, is_at) = (places(original), places(update));
        let oneofs: BTreeSet<&str> = was_at.keys().chain(is_at.keys()).copied().collect();
        for oneof in oneofs {
            self.within(oneof, |it| match (was_at.get(oneof).copied(), is_at.get(oneof).copied()) {
                (Some(_), None) => it.add(Change::OneofRemoved),
                (None, _) => it.add(Change::OneofAdded),
                (Some(was), Some(is)) => it.members(&before, was, &after, is),
            });
        }
        let numbers: BTreeSet<u32> = before.all.keys().chain(after.all.keys()).copied().collect();
        for number in numbers {
            self.within(number, |it| it.field_of_any_place(&before, &after, number));
        }
    }

    /// Compares the fields of two oneofs of one name.
    fn members(&mut self, before: &Numbered<'a>, was: usize, after: &Numbered<'a>, is: usize) {
        let (was, is) = (before.members(was), after.members(is));
        for number in was.union(&is) {
            self.within(*number, |it| match (was.contains(number), is.contains(number)) {
                // What left it and is still there was moved.
                (true, false) if !after.all.contains_key(number) => it.add(Change::OneofFieldRemoved),
                (false, true) => it.add(Change::OneofFieldAdded),
                (true, true) => it.field(before.all[number], after.all[number]),
                _ => {}
            });
        }
    }

    /// Compares what is no field of oneofs of one name.
    fn field_of_any_place(&mut self, before: &Numbered<'a>, after: &Numbered<'a>, number: u32) {
        match (before.all.get(&number), after.all.get(&number)) {
            (Some(was), None) if was.oneof.is_none() => self.add(match was.label {
                Label::Required => Change::RequiredFieldRemoved,
                _ => Change::FieldRemoved,
            }),
            (None, Some(is)) if is.oneof.is_none() => self.add(match is.label {
                Label::Required => Change::RequiredFieldAdded,
                _ => Change::FieldAdded,
            }),
            (Some(was), Some(is)) => {
                let (was_in, is_in) = (before.oneof(was), after.oneof(is));
                // One that left a oneof is a new one outside.
                if was_in.is_some() && is_in.is_none() {
                    self.add(Change::FieldAdded);
                }
                if was_in.is_none() || was_in != is_in {
                    self.field(was, is);
                }
            }
            _ => {}
        }
    }

    fn field(&mut self, original: &'a Field, update: &'a Field) {
        if original.name != update.name {
            self.add(Change::FieldNameChanged);
        }
        let (was, is) = (Family::of(self.original, original.kind), Family::of(self.update, update.kind));
        match (was, is) {
            (Family::Scalar(was), Family::Scalar(is)) if was != is => self.add(Change::FieldScalarKindChanged),
            (Family::Scalar(scalar), Family::Scalar(_)) => {
                let label = |field: &Field| match field.label {
                    _ if field.oneof.is_some() => None,
                    Label::Implicit => None,
                    Label::Optional | Label::Nullable => Some("optional"),
                    Label::Required => Some("required"),
                    Label::Repeated => Some("repeated"),
                };
                if let (Some(was), Some(is)) = (label(original), label(update))
                    && was != is
                {
                    self.add(match scalar {
                        Scalar::StringOrBytes => Change::FieldStringOrBytesLabelChanged,
                        _ => Change::FieldNumericLabelChanged,
                    });
                }
            }
            (Family::Map(was), Family::Map(is)) => {
                for (was, is) in was.fields.iter().zip(&is.fields) {
                    let anonymous =
                        |field: &Field| Field { label: Label::Implicit, name: String::new(), ..field.clone() };
                    let pair = (anonymous(was), anonymous(is));
                    self.values(&pair.0, &pair.1);
                }
            }
            (Family::Message(was), Family::Message(is)) => self.named(was, is),
            _ => self.add(Change::FieldKindChanged),
        }
    }

    /// Compares the types of keys or of values of maps.
    fn values(&mut self, original: &Field, update: &Field) {
        match (Family::of(self.original, original.kind), Family::of(self.update, update.kind)) {
            (Family::Scalar(was), Family::Scalar(is)) if was != is => self.add(Change::FieldScalarKindChanged),
            (Family::Scalar(_), Family::Scalar(_)) => {}
            (Family::Message(was), Family::Message(is)) => self.named(was, is),
            _ => self.add(Change::FieldKindChanged),
        }
    }

    /// Compares the messages that a field is of.
    fn named(&mut self, original: usize, update: usize) {
        let pair = self.original.messages.get(original).zip(self.update.messages.get(update));
        let Some((was, is)) = pair else { return };
        let (was_named, is_named) = (local_name(self.original, was), local_name(self.update, is));
        if was_named != is_named {
            return self.add(Change::FieldNamedTypeChanged);
        }
        // Those of the schemas' own files are compared anyway.
        if was.file == 0 && is.file == 0 {
            return;
        }
        let is_compatible = match self.compared.get(&(original, update)) {
            Some(known) => *known,
            None if self.levels == LEVELS_MAX => false,
            None => {
                self.levels += 1;
                self.compared.insert((original, update), true);
                let path = std::mem::replace(&mut self.path, was_named.split('.').map(str::to_owned).collect());
                let start = self.differences.len();
                self.messages(was, is);
                self.levels -= 1;
                self.path = path;
                let found = self.differences.get(start..).unwrap_or_default();
                let is_compatible = found.iter().all(|difference| difference.change.is_compatible());
                self.compared.insert((original, update), is_compatible);
                is_compatible
            }
        };
        if !is_compatible {
            self.add(Change::FieldNamedTypeChanged);
        }
    }
}

/// A message's name without the package of its file.
fn local_name<'a>(types: &Types, message: &'a Message) -> &'a str {
    let package = types.packages.get(message.file).map_or("", String::as_str);
    let rest = message.full_name.strip_prefix(package).map_or(last_part(&message.full_name), |rest| rest);
    rest.trim_start_matches('.')
}

/// The fields of a message by their numbers. Groups are left out.
struct Numbered<'a> {
    message: &'a Message,
    all: BTreeMap<u32, &'a Field>,
    /// The numbers of each oneof's fields.
    oneofs: HashMap<usize, BTreeSet<u32>>,
}

impl<'a> Numbered<'a> {
    fn new(message: &'a Message) -> Self {
        let fields = message.fields.iter().filter(|field| field.kind != Kind::Group);
        let all: BTreeMap<u32, &Field> = fields.map(|field| (field.number, field)).collect();
        let mut oneofs: HashMap<usize, BTreeSet<u32>> = HashMap::new();
        for field in all.values() {
            if let Some(oneof) = field.oneof {
                oneofs.entry(oneof).or_default().insert(field.number);
            }
        }
        Self { message, all, oneofs }
    }

    /// Numbers of a oneof's fields.
    fn members(&self, oneof: usize) -> BTreeSet<u32> {
        self.oneofs.get(&oneof).cloned().unwrap_or_default()
    }

    /// The name of a field's oneof.
    fn oneof(&self, field: &Field) -> Option<&str> {
        field.oneof.and_then(|at| self.message.oneofs.get(at)).map(String::as_str)
    }
}

/// What readers tell types of fields apart by.
enum Family<'a> {
    Scalar(Scalar),
    Message(usize),
    Map(&'a Message),
}

/// Scalar types of one kind read each other's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scalar {
    GeneralNumber,
    SignedNumber,
    StringOrBytes,
    Fixed32,
    Fixed64,
    Float,
    Double,
}

impl<'a> Family<'a> {
    fn of(types: &'a Types, kind: Kind) -> Self {
        Self::Scalar(match kind {
            Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 | Kind::Bool | Kind::Enum(_) | Kind::Group => {
                Scalar::GeneralNumber
            }
            Kind::Sint32 | Kind::Sint64 => Scalar::SignedNumber,
            Kind::String | Kind::Bytes => Scalar::StringOrBytes,
            Kind::Fixed32 | Kind::Sfixed32 => Scalar::Fixed32,
            Kind::Fixed64 | Kind::Sfixed64 => Scalar::Fixed64,
            Kind::Float => Scalar::Float,
            Kind::Double => Scalar::Double,
            Kind::Message(at) => {
                return match types.messages.get(at) {
                    Some(entry) if entry.is_map_entry => Self::Map(entry),
                    _ => Self::Message(at),
                };
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schemas::{Language, Referenced};

    fn compared(before: &str, after: &str) -> Vec<(Change, String)> {
        let schema = |text: &str| Schema::alone(Language::Protobuf, format!("syntax = 'proto3'; {text}"));
        let differences = differences(&schema(before), &schema(after)).unwrap();
        differences.into_iter().map(|difference| (difference.change, difference.path)).collect()
    }

    fn of_fields(before: &str, after: &str) -> Vec<(Change, String)> {
        compared(&format!("message A {{ {before} }}"), &format!("message A {{ {after} }}"))
    }

    fn one(change: Change, path: &str) -> Vec<(Change, String)> {
        vec![(change, path.to_owned())]
    }

    #[test]
    fn fields_are_known_by_their_numbers() {
        use Change::*;
        let cases: &[(&str, &str, Change, bool)] = &[
            ("", "int32 a = 1;", FieldAdded, true),
            ("int32 a = 1;", "", FieldRemoved, true),
            ("int32 a = 1;", "int32 b = 1;", FieldNameChanged, true),
            ("int32 a = 1;", "sint32 a = 1;", FieldScalarKindChanged, false),
            ("int32 a = 1;", "string a = 1;", FieldScalarKindChanged, false),
            ("fixed32 a = 1;", "fixed64 a = 1;", FieldScalarKindChanged, false),
            ("float a = 1;", "double a = 1;", FieldScalarKindChanged, false),
            ("string a = 1;", "B a = 1;", FieldKindChanged, false),
            ("B a = 1;", "C a = 1;", FieldNamedTypeChanged, false),
            ("map<string, int32> a = 1;", "B a = 1;", FieldKindChanged, false),
            ("map<string, int32> a = 1;", "map<string, string> a = 1;", FieldScalarKindChanged, false),
            ("optional int32 a = 1;", "repeated int32 a = 1;", FieldNumericLabelChanged, false),
            ("optional string a = 1;", "repeated string a = 1;", FieldStringOrBytesLabelChanged, true),
        ];
        for (before, after, change, is_compatible) in cases {
            let (before, after) =
                (format!("{before} message B {{}} message C {{}}"), format!("{after} message B {{}} message C {{}}"));
            assert_eq!(of_fields(&before, &after), one(*change, "#/A/1"), "{before} {after}");
            assert_eq!(change.is_compatible(), *is_compatible, "{change:?}");
        }
        for (before, after) in [
            ("int32 a = 1;", "uint64 a = 1;"),
            ("bool a = 1;", "E a = 1;"),
            ("string a = 1;", "bytes a = 1;"),
            ("sint32 a = 1;", "sint64 a = 1;"),
            ("fixed32 a = 1;", "sfixed32 a = 1;"),
            ("map<string, int32> a = 1;", "map<string, int64> a = 1;"),
        ] {
            let (before, after) = (format!("{before} enum E {{ X = 0; }}"), format!("{after} enum E {{ X = 0; }}"));
            assert_eq!(of_fields(&before, &after), [], "{before} {after}");
        }
    }

    #[test]
    fn oneofs_may_grow_and_take_one_field() {
        use Change::*;
        let changes = |before: &str, after: &str| -> Vec<Change> {
            of_fields(before, after)
                .into_iter()
                .map(|(change, _)| change)
                .filter(|change| !change.is_compatible())
                .collect()
        };
        let (a, b) = ("int32 a = 1;", "int32 b = 2;");
        assert_eq!(
            of_fields(&format!("oneof o {{ {a} {b} }}"), &format!("oneof o {{ {a} }}")),
            one(OneofFieldRemoved, "#/A/o/2")
        );
        assert_eq!(
            of_fields(&format!("oneof o {{ {a} }}"), &format!("oneof o {{ {a} {b} }}")),
            one(OneofFieldAdded, "#/A/o/2")
        );
        assert_eq!(changes(&format!("{a} {b}"), &format!("oneof o {{ {a} {b} }}")), [MultipleFieldsMovedToOneof]);
        assert_eq!(
            changes(&format!("{a} oneof o {{ {b} }}"), &format!("oneof o {{ {a} {b} }}")),
            [FieldMovedToExistingOneof]
        );
        assert_eq!(changes(a, &format!("oneof o {{ {a} }}")), []);
        assert_eq!(changes(&format!("oneof o {{ {a} }}"), &format!("oneof p {{ {a} }}")), []);
        assert_eq!(changes(&format!("oneof o {{ {a} }}"), "oneof p { string a = 1; }"), [FieldScalarKindChanged]);
        assert_eq!(changes(&format!("oneof o {{ {a} {b} }}"), &format!("oneof o {{ {a} }} {b}")), []);
    }

    #[test]
    fn messages_and_enums_are_known_by_their_names() {
        use Change::*;
        assert_eq!(compared("message A {} message B {}", "message A {}"), one(MessageRemoved, "#/B"));
        assert_eq!(compared("message A {}", "message A { message B {} }"), one(MessageAdded, "#/A/B"));
        let moved = [(MessageMoved, "#/A".to_owned()), (MessageMoved, "#/B".to_owned())];
        assert_eq!(compared("message A {} message B {}", "message B {} message A {}"), moved);
        assert_eq!(compared("package a; message A {}", "package b; message A {}"), one(PackageChanged, "#/"));
        assert_eq!(compared("enum E { X = 0; Y = 1; }", "enum E { X = 0; Z = 1; }"), one(EnumConstChanged, "#/E/1"));
        assert_eq!(compared("enum E { X = 0; Y = 1; }", "enum E { X = 0; }"), one(EnumConstRemoved, "#/E/1"));
        assert_eq!(compared("message A { enum E { X = 0; } }", "message A {}"), one(EnumRemoved, "#/A/E"));
        let nested = |ty| format!("message A {{ message B {{ {ty} c = 7; }} B b = 1; }}");
        assert_eq!(compared(&nested("int32"), &nested("string")), one(FieldScalarKindChanged, "#/A/B/7"));
        let recursive = "message A { B b = 1; } message B { A a = 1; }";
        assert_eq!(compared(recursive, recursive), []);
    }

    #[test]
    fn proto2_may_not_change_what_is_required() {
        let schema = |fields| Schema::alone(Language::Protobuf, format!("message A {{ {fields} }}"));
        let (with, without) = (schema("required int32 a = 1;"), schema(""));
        let found = differences(&without, &with).unwrap();
        assert_eq!(
            found[0].message("new", "old"),
            "{errorType:\"REQUIRED_FIELD_ADDED\", description:\"A required field  at path '#/A/1' in the new schema is \
             missing in the old schema\"}"
        );
        assert_eq!(differences(&with, &without).unwrap()[0].change, Change::RequiredFieldRemoved);
    }

    #[test]
    fn what_is_imported_is_compared_too() {
        let schema = |ty: &str| Schema {
            referenced: vec![Referenced {
                name: "b.proto".to_owned(),
                text: format!("syntax = 'proto3'; package p; message B {{ {ty} x = 1; }}").into(),
            }],
            ..Schema::alone(
                Language::Protobuf,
                "syntax = 'proto3'; import 'b.proto'; message A { p.B b = 1; repeated p.B c = 2; }",
            )
        };
        assert_eq!(differences(&schema("int32"), &schema("int64")).unwrap(), []);
        let found = differences(&schema("int32"), &schema("string")).unwrap();
        let found: Vec<_> = found.iter().map(|it| (it.change, it.path.as_str())).collect();
        let named = Change::FieldNamedTypeChanged;
        assert_eq!(found, [(Change::FieldScalarKindChanged, "#/B/1"), (named, "#/A/1"), (named, "#/A/2")]);
    }
}
