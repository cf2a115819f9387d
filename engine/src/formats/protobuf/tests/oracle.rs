//! Generated schemas and messages, against a library of others.

use std::collections::HashMap;

use arrow::array::BinaryArray;
use prost_reflect::prost::Message;
use prost_reflect::{
    Cardinality, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage, Value as Reflected,
};
use protox::file::{File, FileResolver, GoogleFileResolver};

use super::{Memory, decode, encode, half, rows, spec};
use crate::formats::FormatSpec;
use crate::formats::protobuf::{infer, well_known};
use crate::formats::tests::Random;
use crate::schemas::Schemas;
use crate::types::{Column, SqlType, Value, text};

struct Texts(String);

impl FileResolver for Texts {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match well_known::text(name) {
            _ if name == "schema.proto" => File::from_source(name, &self.0),
            Some(text) => File::from_source(name, text),
            None => GoogleFileResolver::new().open_file(name),
        }
    }
}

pub(super) fn descriptor(text: &str, name: &str) -> MessageDescriptor {
    let mut compiler = protox::Compiler::with_file_resolver(Texts(text.to_owned()));
    compiler.open_file("schema.proto").unwrap();
    compiler.descriptor_pool().get_message_by_name(name).unwrap()
}

const SCALARS: [&str; 15] = [
    "double", "float", "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32",
    "sfixed64", "bool", "string", "bytes",
];

/// A schema of three messages; the last is `T`.
pub(super) fn schema(random: &mut Random) -> String {
    let mut text = String::from(
        "syntax = 'proto3'; package g; import 'google/protobuf/wrappers.proto'; import 'google/protobuf/timestamp.proto';
         import 'google/type/date.proto'; import 'google/type/timeofday.proto'; enum E { A = 0; B = 1; C = -5; }\n",
    );
    for (level, name) in ["M0", "M1", "T"].into_iter().enumerate() {
        text.push_str(&format!("message {name} {{\n"));
        let mut number = 0;
        for i in 0..1 + random.below(8) {
            let gap = if random.below(8) == 0 { 1000 } else { 3 };
            number += 1 + random.below(gap);
            let scalar = SCALARS[random.below(15) as usize];
            let ty = match random.below(10) {
                0 => "E".to_owned(),
                1 => "google.protobuf.Timestamp".to_owned(),
                2 => ["google.type.Date", "google.type.TimeOfDay"][random.below(2) as usize].to_owned(),
                3 => {
                    let wrapper = ["Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes"];
                    format!("google.protobuf.{}Value", wrapper[random.below(9) as usize])
                }
                4 | 5 if level > 0 => format!("M{}", random.below(level as u64)),
                _ => scalar.to_owned(),
            };
            let is_number = SCALARS[..13].contains(&ty.as_str()) || ty == "E";
            let field = match random.below(8) {
                0 => format!("optional {ty} f{i} = {number};"),
                1 if is_number => format!("repeated {ty} f{i} = {number} [packed = false];"),
                1 | 2 => format!("repeated {ty} f{i} = {number};"),
                3 if !["google.type.Date"].contains(&ty.as_str()) => {
                    let key = ["string", "int32", "uint64", "sint32", "bool", "fixed32"][random.below(6) as usize];
                    format!("map<{key}, {ty}> f{i} = {number};")
                }
                4 => {
                    number += 1;
                    format!("oneof o{i} {{ {ty} f{i} = {number}; string g{i} = {}; }}", number - 1)
                }
                _ => format!("{ty} f{i} = {number};"),
            };
            text.push_str(&field);
            text.push('\n');
        }
        text.push_str("}\n");
    }
    text
}

fn value(random: &mut Random, kind: &Kind) -> Reflected {
    let integer = random.next() as i64 >> random.below(64);
    match kind {
        Kind::Double => Reflected::F64(f64::from(integer as i32) / 8.0),
        Kind::Float => Reflected::F32(integer as i16 as f32 / 8.0),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Reflected::I32(integer as i32),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Reflected::I64(integer),
        Kind::Uint32 | Kind::Fixed32 => Reflected::U32(integer as u32),
        Kind::Uint64 | Kind::Fixed64 => Reflected::U64(integer as u64),
        Kind::Bool => Reflected::Bool(random.below(2) == 0),
        Kind::String => Reflected::String(random.text()),
        Kind::Bytes => Reflected::Bytes(random.text().into_bytes().into()),
        Kind::Enum(_) => Reflected::EnumNumber([0, 1, -5, 77][random.below(4) as usize]),
        Kind::Message(of) => Reflected::Message(message(random, of)),
    }
}

/// A message of any values.
pub(super) fn message(random: &mut Random, of: &MessageDescriptor) -> DynamicMessage {
    let mut message = DynamicMessage::new(of.clone());
    let parts: &[(&str, u64)] = match of.full_name() {
        "google.type.Date" => &[("year", 9999), ("month", 12), ("day", 28)],
        "google.type.TimeOfDay" => &[("hours", 23), ("minutes", 59), ("seconds", 59), ("nanos", 999_999_999)],
        "google.protobuf.Timestamp" => &[("nanos", 999_999_999)],
        _ => &[],
    };
    for (name, most) in parts {
        message.set_field_by_name(name, Reflected::I32(1 + random.below(*most) as i32));
    }
    if of.full_name() == "google.protobuf.Timestamp" {
        message.set_field_by_name("seconds", Reflected::I64(random.below(1 << 40) as i64 - (1 << 39)));
    }
    for field in of.fields().filter(|_| parts.is_empty()) {
        if random.below(3) == 0 {
            continue;
        }
        let kind = field.kind();
        let filled = if field.is_map() {
            let entry = kind.as_message().unwrap();
            let key = |random: &mut Random| match value(random, &entry.map_entry_key_field().kind()) {
                Reflected::Bool(key) => MapKey::Bool(key),
                Reflected::I32(key) => MapKey::I32(key),
                Reflected::U32(key) => MapKey::U32(key),
                Reflected::U64(key) => MapKey::U64(key),
                Reflected::String(key) => MapKey::String(key),
                _ => MapKey::I64(0),
            };
            let entries = (0..random.below(4)).map(|_| {
                let key = key(random);
                (key, value(random, &entry.map_entry_value_field().kind()))
            });
            Reflected::Map(entries.collect::<HashMap<_, _>>())
        } else if field.is_list() {
            Reflected::List((0..random.below(5)).map(|_| value(random, &kind)).collect())
        } else {
            value(random, &kind)
        };
        message.set_field(&field, filled);
    }
    message
}

/// What a message is in columns of these names and types.
fn expected<'a>(message: &DynamicMessage, fields: impl Iterator<Item = (&'a str, &'a SqlType)>) -> Vec<Value> {
    let of = message.descriptor();
    fields
        .map(|(name, ty)| {
            if let (Some(oneof), SqlType::Struct(members)) = (of.oneofs().find(|oneof| is_real(oneof, name)), ty) {
                let set = oneof.fields().find(|field| message.has_field(field));
                return set.map_or(Value::Null, |set| {
                    let is_set = |name: &str| set.name().eq_ignore_ascii_case(name);
                    let member = |(name, ty): &(String, SqlType)| match is_set(name) {
                        true => single(&message.get_field(&set), &set.kind(), ty),
                        false => Value::Null,
                    };
                    Value::Struct(members.iter().map(member).collect())
                });
            }
            let field = of.fields().find(|field| field.name().eq_ignore_ascii_case(name)).unwrap();
            field_value(message, &field, ty)
        })
        .collect()
}

fn is_real(oneof: &prost_reflect::OneofDescriptor, column: &str) -> bool {
    let index = oneof.parent_message().oneofs().position(|other| other.name() == oneof.name()).unwrap();
    format!("{}_{index}", oneof.name()).eq_ignore_ascii_case(column)
}

fn field_value(message: &DynamicMessage, field: &FieldDescriptor, ty: &SqlType) -> Value {
    let is_nullable = field.cardinality() != Cardinality::Repeated && field.supports_presence();
    if is_nullable && !message.has_field(field) {
        return Value::Null;
    }
    match (&*message.get_field(field), ty) {
        (Reflected::List(items), SqlType::Array(ty)) => {
            Value::Array(items.iter().map(|item| single(item, &field.kind(), ty)).collect())
        }
        (Reflected::Map(entries), SqlType::Map(_, ty)) => {
            let kind = field.kind().as_message().unwrap().map_entry_value_field().kind();
            let key = |key: &MapKey| match key {
                MapKey::Bool(key) => key.to_string(),
                MapKey::I32(key) => key.to_string(),
                MapKey::I64(key) => key.to_string(),
                MapKey::U32(key) => key.to_string(),
                MapKey::U64(key) => (*key as i64).to_string(),
                MapKey::String(key) => key.clone(),
            };
            let entries = entries.iter().map(|(of, value)| (Value::String(key(of)), single(value, &kind, ty)));
            sorted(Value::Map(entries.collect()))
        }
        (value, ty) => single(value, &field.kind(), ty),
    }
}

fn single(value: &Reflected, kind: &Kind, ty: &SqlType) -> Value {
    match value {
        Reflected::Bool(value) => Value::Boolean(*value),
        Reflected::I32(value) => Value::Integer(*value),
        Reflected::I64(value) => Value::Bigint(*value),
        Reflected::U32(value) => Value::Bigint(i64::from(*value)),
        Reflected::U64(value) => Value::Bigint(*value as i64),
        Reflected::F32(value) => Value::Double(f64::from(*value)),
        Reflected::F64(value) => Value::Double(*value),
        Reflected::String(value) => Value::String(value.clone()),
        Reflected::Bytes(value) => Value::Bytes(value.to_vec()),
        Reflected::EnumNumber(number) => {
            let name = kind.as_enum().unwrap().get_value(*number);
            let unknown = || format!("UNKNOWN_ENUM_VALUE_E_{number}");
            Value::String(name.map_or_else(unknown, |name| name.name().to_owned()))
        }
        Reflected::Message(message) => {
            let number = |name: &str| match &*message.get_field_by_name(name).unwrap() {
                Reflected::I32(value) => i64::from(*value),
                Reflected::I64(value) => *value,
                other => panic!("{other}"),
            };
            match (message.descriptor().full_name(), ty) {
                ("google.protobuf.Timestamp", _) => {
                    Value::Timestamp(number("seconds") * 1000 + number("nanos") / 1_000_000)
                }
                ("google.type.Date", _) => {
                    let days = text::days_from_civil(number("year"), number("month") as u32, number("day") as u32);
                    Value::Date(days.unwrap() as i32)
                }
                ("google.type.TimeOfDay", _) => {
                    let minutes = number("hours") * 60 + number("minutes");
                    Value::Time(((minutes * 60 + number("seconds")) * 1000 + number("nanos") / 1_000_000) as i32)
                }
                (_, SqlType::Struct(fields)) => {
                    Value::Struct(expected(message, fields.iter().map(|(name, ty)| (name.as_str(), ty))))
                }
                (_, ty) => single(&message.get_field_by_name("value").unwrap(), kind, ty),
            }
        }
        Reflected::List(_) | Reflected::Map(_) => panic!("a single value"),
    }
}

/// Entries of maps by their keys.
fn sorted(value: Value) -> Value {
    match value {
        Value::Map(entries) => {
            let mut entries: Vec<_> = entries.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            entries.sort_by_key(|(key, _)| format!("{key:?}"));
            Value::Map(entries)
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        Value::Struct(fields) => Value::Struct(fields.into_iter().map(sorted).collect()),
        value => value,
    }
}

fn of_columns(message: &DynamicMessage, columns: &[Column]) -> Vec<Value> {
    expected(message, columns.iter().map(|column| (column.name.as_str(), &column.ty)))
}

/// What others write we read; what we write by their schema they read.
#[test]
fn messages_are_what_others_say_they_are() {
    let mut random = Random::new(5);
    for case in 0..250 {
        let text = schema(&mut random);
        let of = descriptor(&text, "g.T");
        let schemas = Memory::with(&[text.as_str()]);
        let by_id = FormatSpec { schema_id: Some(1), full_name: Some("g.T".to_owned()), ..spec("PROTOBUF") };
        let columns = infer::columns(&schemas.by_id(1).unwrap(), &by_id).unwrap();
        let messages: Vec<DynamicMessage> = (0..20).map(|_| message(&mut random, &of)).collect();
        let values: Vec<Vec<Value>> = messages.iter().map(|message| of_columns(message, &columns)).collect();
        let record = |message: &DynamicMessage| [&b"\0\0\0\0\x01\x02\x04"[..], &message.encode_to_vec()].concat();
        let payloads = BinaryArray::from_iter_values(messages.iter().map(record));
        let decoded = decode(&by_id, &half(&schemas), &columns, &payloads);
        assert_eq!(decoded.bad, [], "case {case}: {text}");
        let read: Vec<Vec<Value>> =
            rows(&decoded, 20).into_iter().map(|row| row.into_iter().map(sorted).collect()).collect();
        assert_eq!(read, values, "case {case}: {text}");
        // What a map with keys that are no texts holds is not written, nor are names that an enum does not have.
        let Ok(written) = encode(&by_id, &half(&schemas), &columns, &values) else { continue };
        for (row, payload) in written.iter().flatten().enumerate() {
            let message = DynamicMessage::decode(of.clone(), payload.get(7..).unwrap()).unwrap();
            assert_eq!(of_columns(&message, &columns), values[row], "case {case}, row {row}: {text}");
        }
    }
}
