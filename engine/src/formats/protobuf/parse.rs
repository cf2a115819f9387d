//! The text of a schema and of what it imports ──> message types.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use prost_reflect::prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, UninterpretedOption,
    field_descriptor_proto as proto,
};

use super::imports::{after_string, imported, own};
use super::types::{Enum, Field, Kind, Label, Message, Types};
use crate::schemas::Schema;

/// Bytes of a schema's text with those of all it refers to.
const TEXT_MAX: usize = 4 << 20;
/// Messages, fields, enums and their values together.
const PARTS_MAX: usize = 100_000;
/// Bytes of a name with those of all it stands in.
const NAME_MAX: usize = 1024;

/// Whether a schema can be understood, with all that it imports.
///
/// # Errors
/// The text is none in Protobuf's language, is too large, or names what is not there.
pub fn check(schema: &Schema) -> Result<(), String> {
    parse(schema).map(drop)
}

/// The types of a schema.
///
/// # Errors
/// The text is none in Protobuf's language, is too large, or names what is not there.
pub(super) fn parse(schema: &Schema) -> Result<Types, String> {
    let size = schema.referenced.iter().map(|other| other.text.len()).sum::<usize>().saturating_add(schema.text.len());
    if size > TEXT_MAX {
        return Err(format!("a Protobuf schema may have {TEXT_MAX} bytes, with all it refers to"));
    }
    let files = files(schema)?;
    let mut linker = Linker::default();
    // The schema's own file comes first.
    for (i, file) in files.iter().enumerate() {
        linker.declare(file, i == 0)?;
    }
    linker.link()
}

/// The schema's file and all that it imports.
fn files(schema: &Schema) -> Result<Vec<FileDescriptorProto>, String> {
    let mut files = vec![own(schema)?.file_descriptor_proto().clone()];
    let mut known: HashSet<String> = HashSet::new();
    let mut next = 0;
    while let Some(file_at) = files.get(next) {
        next += 1;
        let imports: Vec<String> =
            file_at.dependency.iter().filter(|name| known.insert((*name).clone())).cloned().collect();
        for name in imports {
            files.push(imported(&name, schema)?.file_descriptor_proto().clone());
        }
    }
    Ok(files)
}

/// What a name stands for.
#[derive(Debug, Clone, Copy)]
enum Symbol {
    Message(usize),
    Enum(usize),
}

/// All files, first by name, then with their types resolved.
#[derive(Default)]
struct Linker<'a> {
    types: Types,
    symbols: HashMap<String, Symbol>,
    /// The text of each message, and whether it is proto3.
    protos: Vec<(&'a DescriptorProto, bool)>,
    parts: usize,
}

impl<'a> Linker<'a> {
    fn declare(&mut self, file: &'a FileDescriptorProto, is_own: bool) -> Result<(), String> {
        let is_proto3 = match file.syntax() {
            "proto3" => true,
            "" | "proto2" => false,
            other => return Err(format!("syntax {other} is not known")),
        };
        self.types.packages.push(file.package().to_owned());
        let messages = self.messages(&file.message_type, file.package(), is_proto3)?;
        let enums = self.enums(&file.enum_type, file.package())?;
        if is_own {
            self.types.top = messages;
            self.types.top_enums = enums;
        }
        Ok(())
    }

    fn messages(&mut self, protos: &'a [DescriptorProto], scope: &str, is_proto3: bool) -> Result<Vec<usize>, String> {
        let mut declared = Vec::with_capacity(protos.len());
        for proto in protos {
            let at = self.types.messages.len();
            let is_map_entry = proto.options.as_ref().is_some_and(|options| options.map_entry());
            let full_name = self.name(scope, proto.name(), Symbol::Message(at))?;
            let optional = proto.field.iter().filter(|field| field.proto3_optional()).count();
            let real = proto.oneof_decl.len().saturating_sub(optional);
            let oneofs = proto.oneof_decl.iter().take(real).map(|oneof| oneof.name().to_owned()).collect();
            self.types.messages.push(Message {
                full_name: full_name.clone(),
                file: self.types.packages.len().saturating_sub(1),
                fields: Vec::new(),
                oneofs,
                nested: Vec::new(),
                enums: Vec::new(),
                is_map_entry,
            });
            self.protos.push((proto, is_proto3));
            let nested = self.messages(&proto.nested_type, &full_name, is_proto3)?;
            let enums = self.enums(&proto.enum_type, &full_name)?;
            let nested: Vec<usize> =
                nested.into_iter().filter(|at| !self.types.messages.get(*at).is_some_and(|m| m.is_map_entry)).collect();
            if let Some(message) = self.types.messages.get_mut(at) {
                message.nested = nested;
                message.enums = enums;
            }
            declared.push(at);
        }
        Ok(declared)
    }

    fn enums(&mut self, protos: &[EnumDescriptorProto], scope: &str) -> Result<Vec<usize>, String> {
        let mut declared = Vec::with_capacity(protos.len());
        for proto in protos {
            let at = self.types.enums.len();
            let full_name = self.name(scope, proto.name(), Symbol::Enum(at))?;
            self.count(proto.value.len())?;
            let values: Vec<(String, i32)> =
                proto.value.iter().map(|value| (value.name().to_owned(), value.number())).collect();
            if values.is_empty() || values.iter().any(|(name, _)| name.len() > NAME_MAX) {
                return Err(format!("enum {full_name} has no value, or one with too long a name"));
            }
            self.types.enums.push(Arc::new(Enum::new(full_name, values)));
            declared.push(at);
        }
        Ok(declared)
    }

    fn count(&mut self, parts: usize) -> Result<(), String> {
        self.parts = self.parts.saturating_add(parts);
        if self.parts > PARTS_MAX {
            return Err(format!("a Protobuf schema may have {PARTS_MAX} messages, fields, enums and values"));
        }
        Ok(())
    }

    fn name(&mut self, scope: &str, name: &str, symbol: Symbol) -> Result<String, String> {
        self.count(1)?;
        let full_name = join(scope, name);
        if full_name.len() > NAME_MAX {
            return Err(format!("a name may have {NAME_MAX} bytes, with those of all it stands in"));
        }
        if self.symbols.insert(full_name.clone(), symbol).is_some() {
            return Err(format!("\"{full_name}\" is already defined"));
        }
        Ok(full_name)
    }

    fn link(mut self) -> Result<Types, String> {
        for (at, (proto, is_proto3)) in std::mem::take(&mut self.protos).into_iter().enumerate() {
            let Some(full_name) = self.types.messages.get(at).map(|message| message.full_name.clone()) else {
                continue;
            };
            self.count(proto.field.len())?;
            let fields: Result<Vec<Field>, String> =
                proto.field.iter().map(|field| self.field(field, &full_name, is_proto3)).collect();
            let fields = fields?;
            let mut numbers = HashSet::new();
            let mut names = HashSet::new();
            for field in &fields {
                if !numbers.insert(field.number) || !names.insert(field.name.as_str()) {
                    let field = &field.name;
                    return Err(format!("field {full_name}.{field} has a number or a name that another one has"));
                }
            }
            if let Some(message) = self.types.messages.get_mut(at) {
                message.fields = fields;
            }
        }
        Ok(self.types)
    }

    fn field(&self, field: &FieldDescriptorProto, scope: &str, is_proto3: bool) -> Result<Field, String> {
        let label = match (field.label(), is_proto3) {
            (proto::Label::Repeated, _) => Label::Repeated,
            (proto::Label::Required, _) => Label::Required,
            (proto::Label::Optional, _) if field.proto3_optional() => Label::Nullable,
            (proto::Label::Optional, true) => Label::Implicit,
            (proto::Label::Optional, false) => Label::Optional,
        };
        let options = field.options.as_ref().map(|options| options.uninterpreted_option.as_slice()).unwrap_or_default();
        let packed =
            options.iter().find(|option| matches!(option.name.as_slice(), [part] if part.name_part == "packed"));
        Ok(Field {
            name: field.name().to_owned(),
            number: u32::try_from(field.number())
                .map_err(|_| format!("field {scope}.{} has no number", field.name()))?,
            kind: self.kind(field, scope)?,
            label,
            oneof: field.oneof_index.filter(|_| !field.proto3_optional()).and_then(|at| usize::try_from(at).ok()),
            packed: packed.map_or(is_proto3, |option| option.identifier_value() == "true"),
            default: field.default_value.clone(),
            params: options.iter().flat_map(params).collect(),
        })
    }

    fn kind(&self, field: &FieldDescriptorProto, scope: &str) -> Result<Kind, String> {
        use proto::Type;
        let scalar = match field.r#type.map(Type::try_from) {
            Some(Ok(Type::Double)) => Kind::Double,
            Some(Ok(Type::Float)) => Kind::Float,
            Some(Ok(Type::Int64)) => Kind::Int64,
            Some(Ok(Type::Uint64)) => Kind::Uint64,
            Some(Ok(Type::Int32)) => Kind::Int32,
            Some(Ok(Type::Fixed64)) => Kind::Fixed64,
            Some(Ok(Type::Fixed32)) => Kind::Fixed32,
            Some(Ok(Type::Bool)) => Kind::Bool,
            Some(Ok(Type::String)) => Kind::String,
            Some(Ok(Type::Group)) => Kind::Group,
            Some(Ok(Type::Bytes)) => Kind::Bytes,
            Some(Ok(Type::Uint32)) => Kind::Uint32,
            Some(Ok(Type::Sfixed32)) => Kind::Sfixed32,
            Some(Ok(Type::Sfixed64)) => Kind::Sfixed64,
            Some(Ok(Type::Sint32)) => Kind::Sint32,
            Some(Ok(Type::Sint64)) => Kind::Sint64,
            None | Some(Ok(Type::Message | Type::Enum) | Err(_)) => {
                let symbol = self.resolve(field.type_name(), scope);
                let unknown =
                    || format!("the type {} of field {scope}.{} is not there", field.type_name(), field.name());
                return Ok(match symbol.ok_or_else(unknown)? {
                    Symbol::Message(at) => Kind::Message(at),
                    Symbol::Enum(at) => Kind::Enum(at),
                });
            }
        };
        Ok(scalar)
    }

    /// What a name means within `scope`: the innermost that has it counts.
    fn resolve(&self, name: &str, scope: &str) -> Option<Symbol> {
        if let Some(absolute) = name.strip_prefix('.') {
            return self.symbols.get(absolute).copied();
        }
        let mut scope = scope;
        loop {
            if let Some(symbol) = self.symbols.get(&join(scope, name)) {
                return Some(*symbol);
            }
            if scope.is_empty() {
                return None;
            }
            scope = scope.rsplit_once('.').map_or("", |(outer, _)| outer);
        }
    }
}

fn join(scope: &str, name: &str) -> String {
    if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") }
}

/// The parameters in an option `(confluent.field_meta)`: the values of `key` and `value` that stand side by side.
fn params(option: &UninterpretedOption) -> Vec<(String, String)> {
    let is_meta = option
        .name
        .first()
        .is_some_and(|part| part.is_extension && part.name_part.trim_start_matches('.') == "confluent.field_meta");
    let Some(text) = option.aggregate_value.as_deref().filter(|_| is_meta) else { return Vec::new() };
    let mut params = Vec::new();
    let (mut key, mut value) = (None, None);
    let mut name = "";
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        rest = match first {
            '"' | '\'' => {
                let rest = after_string(after, first);
                let string = after.get(..after.len().saturating_sub(rest.len() + 1)).unwrap_or_default();
                match name {
                    "key" => key = Some(string.to_owned()),
                    "value" => value = Some(string.to_owned()),
                    _ => {}
                }
                if let (Some(_), Some(_)) = (&key, &value) {
                    params.extend(key.take().zip(value.take()));
                }
                rest
            }
            '{' | '<' => {
                (key, value) = (None, None);
                after
            }
            c if is_word(c) => {
                let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                let (word, rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
                name = word;
                rest
            }
            _ => after,
        };
    }
    params
}
