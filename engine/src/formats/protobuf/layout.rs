//! How columns stand in messages: by the message that is generated from them, or by one that is registered.

use std::sync::Arc;

use arrow::datatypes::DataType;

use super::super::NullableAs;
use super::types::{Enum, Field, Kind, Label, Message, Types};
use crate::types::SqlType;

/// A column as a field.
#[derive(Debug)]
pub(super) struct FieldLayout {
    /// Of a oneof, the lowest of its fields.
    pub(super) number: u32,
    /// Whether a default value is written.
    pub(super) explicit: bool,
    /// Whether there is no message without it.
    pub(super) required: bool,
    pub(super) form: Form,
}

/// How its value is written.
#[derive(Debug)]
pub(super) enum Form {
    /// In the way of generated messages.
    Plain,
    Zigzag,
    Fixed32,
    Fixed64,
    /// Only what needs no sign.
    Unsigned32,
    Float,
    Enum(Arc<Enum>),
    /// In a message of `google/protobuf/wrappers.proto`.
    Wrapped(Box<Form>),
    Message(Vec<FieldLayout>),
    Repeated {
        item: Box<FieldLayout>,
        packed: bool,
    },
    /// Its key and its value.
    Map(Vec<FieldLayout>),
    /// One of the fields of a STRUCT.
    Oneof(Vec<FieldLayout>),
}

impl FieldLayout {
    /// A field of a generated message; types that columns do not have are left out when they are written.
    pub(super) fn generated(number: u32, ty: &DataType, nullable: Option<NullableAs>) -> Self {
        let explicit = nullable.is_some();
        let fields = |types: Vec<&DataType>, nullable| {
            (1..).zip(types).map(|(number, ty)| Self::generated(number, ty, nullable)).collect::<Vec<_>>()
        };
        let form = match ty {
            DataType::Struct(of) => Form::Message(fields(of.iter().map(|field| field.data_type()).collect(), nullable)),
            DataType::List(item) => {
                let item = Box::new(Self::generated(number, item.data_type(), nullable));
                Form::Repeated { item, packed: true }
            }
            DataType::Map(entry, _) => {
                let types = match entry.data_type() {
                    DataType::Struct(of) => of.iter().map(|field| field.data_type()).collect(),
                    _ => Vec::new(),
                };
                // Fields of entries are not `optional`.
                let mut entry = fields(types, nullable);
                entry.iter_mut().for_each(|field| field.explicit = nullable == Some(NullableAs::Wrapper));
                Form::Map(entry)
            }
            DataType::Boolean
            | DataType::Int32
            | DataType::Int64
            | DataType::Float64
            | DataType::Utf8
            | DataType::Binary
                if nullable == Some(NullableAs::Wrapper) =>
            {
                Form::Wrapped(Box::new(Form::Plain))
            }
            _ => Form::Plain,
        };
        Self { number, explicit, required: false, form }
    }
}

/// How columns of these names and types are written as `message`.
///
/// # Errors
/// A column that the message has no field for, or one of another type; a field that must not be left out is.
pub(super) fn layout(
    types: &Types,
    message: &Message,
    columns: &[(&str, &SqlType)],
) -> Result<Vec<FieldLayout>, String> {
    for field in message.fields.iter().filter(|field| field.label == Label::Required) {
        if !columns.iter().any(|(name, _)| *name == field.name) {
            return Err(format!(
                "Missing default value for required Protobuf field: [{}]. This field appears in Protobuf schema in Schema \
                 Registry",
                field.name
            ));
        }
    }
    columns.iter().map(|(name, ty)| column(types, message, name, ty)).collect()
}

fn column(types: &Types, message: &Message, name: &str, ty: &SqlType) -> Result<FieldLayout, String> {
    let oneof = message.oneofs.iter().enumerate().position(|(i, oneof)| format!("{oneof}_{i}") == *name);
    if let Some(oneof) = oneof {
        return members(types, message, oneof, name, ty);
    }
    let field = message.fields.iter().find(|field| field.name == *name && field.oneof.is_none());
    match field {
        Some(field) => single(types, field, ty),
        None => Err(format!("The schema has no field {name} in message {}", message.full_name)),
    }
}

fn members(types: &Types, message: &Message, oneof: usize, name: &str, ty: &SqlType) -> Result<FieldLayout, String> {
    let SqlType::Struct(fields) = ty else { return Err(format!("oneof {name} is a STRUCT, not {ty}")) };
    let members: Result<Vec<FieldLayout>, String> = fields
        .iter()
        .map(|(name, ty)| {
            let member = message.fields.iter().find(|field| field.name == *name && field.oneof == Some(oneof));
            let member = member.ok_or_else(|| format!("oneof {} has no field {name}", message.oneofs[oneof]))?;
            Ok(FieldLayout { explicit: true, ..single(types, member, ty)? })
        })
        .collect();
    let members = members?;
    let number = members.iter().map(|member| member.number).min().unwrap_or_default();
    Ok(FieldLayout { number, explicit: true, required: false, form: Form::Oneof(members) })
}

fn single(types: &Types, field: &Field, ty: &SqlType) -> Result<FieldLayout, String> {
    let form = match (field.label, field.kind, ty) {
        (Label::Repeated, Kind::Message(at), SqlType::Map(key_type, value_type)) => {
            let entry = types.messages.get(at).and_then(Message::entry);
            let (key, value) = entry.ok_or_else(|| other(types, field, ty))?;
            Form::Map(vec![single(types, key, key_type)?, single(types, value, value_type)?])
        }
        (Label::Repeated, _, SqlType::Array(item)) => {
            let form = value(types, field, item)?;
            let item = FieldLayout { number: field.number, explicit: true, required: false, form };
            Form::Repeated { item: Box::new(item), packed: field.packed }
        }
        (Label::Repeated, ..) => return Err(other(types, field, ty)),
        _ => value(types, field, ty)?,
    };
    let explicit = field.label != Label::Implicit || matches!(field.kind, Kind::Message(_));
    let required = field.label == Label::Required;
    Ok(FieldLayout { number: field.number, explicit, required, form })
}

/// How one value of a field is written.
fn value(types: &Types, field: &Field, ty: &SqlType) -> Result<Form, String> {
    Ok(match (field.kind, ty) {
        (Kind::Bool, SqlType::Boolean)
        | (Kind::Int32, SqlType::Integer)
        | (Kind::Int64 | Kind::Uint64, SqlType::Bigint)
        | (Kind::Double, SqlType::Double)
        | (Kind::String, SqlType::String)
        | (Kind::Bytes, SqlType::Bytes) => Form::Plain,
        (Kind::Sint32, SqlType::Integer) | (Kind::Sint64, SqlType::Bigint) => Form::Zigzag,
        (Kind::Sfixed32, SqlType::Integer) | (Kind::Fixed32, SqlType::Bigint) => Form::Fixed32,
        (Kind::Sfixed64 | Kind::Fixed64, SqlType::Bigint) => Form::Fixed64,
        (Kind::Uint32, SqlType::Bigint) => Form::Unsigned32,
        (Kind::Float, SqlType::Double) => Form::Float,
        (Kind::Enum(at), SqlType::String) => {
            Form::Enum(types.enums.get(at).map(Arc::clone).ok_or_else(|| other(types, field, ty))?)
        }
        (Kind::Message(at), _) => {
            let message = types.messages.get(at).ok_or_else(|| other(types, field, ty))?;
            match (message.full_name.as_str(), ty, message.wrapped()) {
                ("confluent.type.Decimal", SqlType::Decimal { .. }, _)
                | ("google.type.Date", SqlType::Date, _)
                | ("google.type.TimeOfDay", SqlType::Time, _)
                | ("google.protobuf.Timestamp", SqlType::Timestamp, _) => Form::Plain,
                (_, _, Some(wrapped)) => Form::Wrapped(Box::new(value(types, wrapped, ty)?)),
                (_, SqlType::Struct(fields), None) => {
                    let fields: Vec<(&str, &SqlType)> = fields.iter().map(|(name, ty)| (name.as_str(), ty)).collect();
                    Form::Message(layout(types, message, &fields)?)
                }
                _ => return Err(other(types, field, ty)),
            }
        }
        _ => return Err(other(types, field, ty)),
    })
}

fn other(types: &Types, field: &Field, ty: &SqlType) -> String {
    let kind = match field.kind {
        Kind::Message(at) => types.messages.get(at).map_or("message", |message| &message.full_name).to_owned(),
        Kind::Enum(at) => types.enums.get(at).map_or("enum", |of| &of.full_name).to_owned(),
        kind => format!("{kind:?}").to_lowercase(),
    };
    let label = if field.label == Label::Repeated { "repeated " } else { "" };
    format!("Field {} of the schema is of type {label}{kind}, which {ty} cannot be written to", field.name)
}
