//! The columns that a message type stands for, as Connect and then ksqlDB map them.

use std::collections::HashSet;

use super::effective_name;
use super::parse::parse;
use super::types::{Field, Kind, Label, Message, Types};
use crate::formats::{FormatError, FormatSpec, inferred};
use crate::schemas::{Language, Schema};
use crate::types::{Column, SqlType};

/// Columns and parts of their types that a schema may become.
const PARTS_MAX: usize = 10_000;
/// Messages in each other.
const LEVELS_MAX: usize = 100;

/// The columns of a message of the schema: the one that is named, or the first. Names are in upper case, unless the schema
/// was asked for by its id.
///
/// # Errors
/// The text is no schema, the message is not there, or what it holds has no type in SQL.
pub fn columns(schema: &Schema, spec: &FormatSpec) -> Result<Vec<Column>, FormatError> {
    if schema.language != Language::Protobuf {
        return Err(FormatError::Schema(format!("The schema is in {}, not in Protobuf", schema.language)));
    }
    let types = parse(schema).map_err(FormatError::Schema)?;
    let name = effective_name(spec);
    let message = types.message(name).and_then(|at| types.messages.get(at));
    let Some(message) = message else {
        let name = name.unwrap_or("of any name");
        return Err(FormatError::Schema(format!("The schema has no message {name}")));
    };
    let mut inference = Inference { types: &types, upper: spec.schema_id.is_none(), parts: 0, within: Vec::new() };
    let fields = inference.fields(message).map_err(FormatError::Schema)?;
    if fields.is_empty() {
        let message = "Schema does not include any columns with types that ksqlDB supports.";
        return Err(FormatError::Schema(format!("{message}\nschema: {}", schema.text)));
    }
    Ok(fields.into_iter().map(|(name, ty)| Column { name, ty }).collect())
}

/// The full names of the messages at the top of the schema, in their order there.
///
/// # Errors
/// The text is no schema.
pub(super) fn message_names(schema: &Schema) -> Result<Vec<String>, FormatError> {
    let types = parse(schema).map_err(FormatError::Schema)?;
    let top = types.top.iter().filter_map(|at| types.messages.get(*at));
    Ok(top.map(|message| message.full_name.to_string()).collect())
}

struct Inference<'a> {
    types: &'a Types,
    upper: bool,
    parts: usize,
    /// Full names of the messages that are being looked at.
    within: Vec<&'a str>,
}

impl<'a> Inference<'a> {
    /// The fields of a message: first its oneofs, each a STRUCT of its fields.
    fn fields(&mut self, message: &'a Message) -> Result<Vec<(String, SqlType)>, String> {
        if self.within.len() >= LEVELS_MAX {
            return Err(format!("A schema may have {LEVELS_MAX} messages in each other to become columns"));
        }
        self.within.push(&message.full_name);
        let mut fields = Vec::with_capacity(message.fields.len());
        for (i, oneof) in message.oneofs.iter().enumerate() {
            let mut members = Vec::new();
            for field in message.fields.iter().filter(|field| field.oneof == Some(i)) {
                members.extend(self.field(message, field)?);
            }
            fields.push((self.named(&format!("{oneof}_{i}")), SqlType::Struct(members)));
        }
        for field in message.fields.iter().filter(|field| field.oneof.is_none()) {
            fields.extend(self.field(message, field)?);
        }
        let mut names = HashSet::new();
        if let Some((name, _)) = fields.iter().find(|(name, _)| !names.insert(name.as_str())) {
            return Err(format!("Cannot create field because of field name duplication {name}"));
        }
        self.within.pop();
        Ok(fields)
    }

    fn named(&self, name: &str) -> String {
        if self.upper { name.to_uppercase() } else { name.to_owned() }
    }

    /// A field with its type; `None` for one that ksqlDB leaves out.
    fn field(&mut self, message: &Message, field: &Field) -> Result<Option<(String, SqlType)>, String> {
        let ty = self.field_type(message, field)?;
        Ok(ty.map(|ty| (self.named(&field.name), ty)))
    }

    fn field_type(&mut self, message: &Message, field: &Field) -> Result<Option<SqlType>, String> {
        self.parts += 1;
        if self.parts > PARTS_MAX {
            return Err(format!("A schema may become {PARTS_MAX} columns and parts of their types"));
        }
        if field.label != Label::Repeated {
            return self.value_type(message, field);
        }
        let entry = match field.kind {
            Kind::Message(at) => self.types.messages.get(at).and_then(|entry| Some((entry, entry.entry()?))),
            _ => None,
        };
        match entry {
            Some((entry, (key, value))) => {
                let key = self.value_type(entry, key)?;
                let is_key =
                    matches!(key, Some(SqlType::Integer | SqlType::Bigint | SqlType::Boolean | SqlType::String));
                let value = self.field_type(entry, value)?.filter(|_| is_key);
                // Keys of all types are read as texts.
                Ok(value.map(|value| SqlType::Map(Box::new(SqlType::String), Box::new(value))))
            }
            None => Ok(self.value_type(message, field)?.map(SqlType::array_of)),
        }
    }

    fn value_type(&mut self, message: &Message, field: &Field) -> Result<Option<SqlType>, String> {
        Ok(Some(match field.kind {
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => SqlType::Integer,
            Kind::Int64 | Kind::Uint64 | Kind::Sint64 | Kind::Fixed64 | Kind::Sfixed64 => SqlType::Bigint,
            Kind::Uint32 | Kind::Fixed32 => SqlType::Bigint,
            Kind::Float | Kind::Double => SqlType::Double,
            Kind::Bool => SqlType::Boolean,
            Kind::String | Kind::Enum(_) => SqlType::String,
            Kind::Bytes => SqlType::Bytes,
            Kind::Group => {
                let (message, field) = (&message.full_name, &field.name);
                return Err(format!("Field {message}.{field} is a group, which has no type in SQL"));
            }
            Kind::Message(at) => {
                let types = self.types;
                let Some(of) = types.messages.get(at) else { return Ok(None) };
                return self.message_type(of, message, field);
            }
        }))
    }

    fn message_type(&mut self, of: &'a Message, message: &Message, field: &Field) -> Result<Option<SqlType>, String> {
        Ok(Some(match of.full_name.as_str() {
            "confluent.type.Decimal" => {
                let problem = |problem| format!("Field {}.{}: {problem}", message.full_name, field.name);
                let param = |key, absent| match field.params.iter().find(|(name, _)| name == key) {
                    Some((_, value)) => {
                        value.trim().parse::<i64>().map_err(|_| problem(format!("the {key} '{value}' is no number")))
                    }
                    None => Ok(absent),
                };
                let precision = param("precision", i64::from(inferred::PRECISION_DEFAULT))?;
                inferred::decimal(precision, param("scale", 0)?).map_err(problem)?
            }
            "google.type.Date" => SqlType::Date,
            "google.type.TimeOfDay" => SqlType::Time,
            "google.protobuf.Timestamp" => SqlType::Timestamp,
            name => match of.wrapped() {
                Some(wrapped) => return self.value_type(of, wrapped),
                None if self.within.contains(&name) => {
                    let (message, field) = (&message.full_name, &field.name);
                    return Err(format!(
                        "Field {message}.{field} is of message {name}, which it is within: recursive schemas have no type in \
                         SQL"
                    ));
                }
                None => SqlType::Struct(self.fields(of)?),
            },
        }))
    }
}
