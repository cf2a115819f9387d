//! The text of the schema that ksqlDB makes of columns: what Kafka Connect's converter writes for their Connect schema.
//!
//! Every field is a union of `null` and its type. Types within columns are named after the way to them:
//! `KsqlDataSourceSchema_COLUMN_FIELD`. A MAP is an array of records of `key` and `value`.

use std::collections::HashMap;

use super::parse::check_name;
use crate::types::{Column, SqlType};

/// The namespace of the names ksqlDB makes.
pub(super) const NAMESPACE: &str = "io.confluent.ksql.avro_schemas";

/// The full name of the record of a source's columns, if none was chosen.
pub(super) const DEFAULT_NAME: &str = "io.confluent.ksql.avro_schemas.KsqlDataSourceSchema";

/// The full name of the record of the key of the stream or table `source`: `…avro_schemas.PageViewsKey`.
pub fn key_schema_name(source: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
        format!("{}{}", first.to_ascii_uppercase(), rest.to_ascii_lowercase())
    };
    format!("{NAMESPACE}.{}Key", source.split('_').map(word).collect::<String>())
}

/// The schema of records of `columns`, or of the bare values of the only column.
pub(super) fn schema_text(columns: &[Column], wrapped: bool, full_name: &str) -> Result<String, String> {
    let mut writer = Writer { out: String::new(), defined: HashMap::new() };
    match columns {
        [column] if !wrapped => writer.bare(&column.ty, full_name, None, true),
        _ => {
            let fields = columns.iter().map(|column| (column.name.as_str(), &column.ty));
            writer.record(Body::Fields(fields.collect()), full_name, None)
        }
    }
    .map_err(|problem| format!("Schema is not compatible with Avro: {problem}"))?;
    Ok(writer.out)
}

/// What a named record is made of.
#[derive(Debug, Clone, PartialEq)]
enum Body<'a> {
    Fields(Vec<(&'a str, &'a SqlType)>),
    Entry(&'a SqlType, &'a SqlType),
}

struct Writer<'a> {
    out: String,
    /// The records written so far, by full name: what is the same is not written twice.
    defined: HashMap<String, Body<'a>>,
}

impl<'a> Writer<'a> {
    /// Writes the union of `null` and a type that stands in `space`.
    fn nullable(&mut self, ty: &'a SqlType, name: &str, space: Option<&str>) -> Result<(), String> {
        self.out.push_str("[\"null\",");
        self.bare(ty, name, space, false)?;
        self.out.push(']');
        Ok(())
    }

    fn bare(&mut self, ty: &'a SqlType, name: &str, space: Option<&str>, is_root: bool) -> Result<(), String> {
        match ty {
            SqlType::Boolean => self.out.push_str("\"boolean\""),
            SqlType::Integer => self.out.push_str("\"int\""),
            SqlType::Bigint => self.out.push_str("\"long\""),
            SqlType::Double => self.out.push_str("\"double\""),
            SqlType::String => self.out.push_str("\"string\""),
            SqlType::Bytes => self.out.push_str("\"bytes\""),
            SqlType::Time => self.logical("int", "Time", "time-millis", is_root),
            SqlType::Date => self.logical("int", "Date", "date", is_root),
            SqlType::Timestamp => self.logical("long", "Timestamp", "timestamp-millis", is_root),
            SqlType::Decimal { precision, scale } => {
                let version = connect_version(is_root);
                self.out.push_str(&format!(
                    r#"{{"type":"bytes","scale":{scale},"precision":{precision},{version}"connect.parameters":{{"scale":"{scale}","connect.decimal.precision":"{precision}"}},"connect.name":"org.apache.kafka.connect.data.Decimal","logicalType":"decimal"}}"#
                ));
            }
            SqlType::Array(item) => {
                self.out.push_str(r#"{"type":"array","items":"#);
                self.nullable(item, name, space)?;
                self.out.push('}');
            }
            SqlType::Map(key, value) => {
                self.out.push_str(r#"{"type":"array","items":"#);
                self.record(Body::Entry(key, value), name, space)?;
                self.out.push_str(r#","connect.name":"#);
                self.string(name);
                self.out.push('}');
            }
            SqlType::Struct(fields) => {
                let fields = fields.iter().map(|(name, ty)| (name.as_str(), ty)).collect();
                self.record(Body::Fields(fields), name, space)?;
            }
        }
        Ok(())
    }

    fn logical(&mut self, ty: &str, name: &str, logical: &str, is_root: bool) {
        let version = connect_version(is_root);
        self.out.push_str(&format!(
            r#"{{"type":"{ty}",{version}"connect.name":"org.apache.kafka.connect.data.{name}","logicalType":"{logical}"}}"#
        ));
    }

    /// Writes a record that stands in `space`, or its name if it was written before.
    fn record(&mut self, body: Body<'a>, full: &str, space: Option<&str>) -> Result<(), String> {
        let (own_space, short) = match full.rsplit_once('.') {
            Some((space, short)) => (Some(space), short),
            None => (None, full),
        };
        check_name(short).map_err(|error| error.to_string())?;
        if let Some(before) = self.defined.get(full) {
            if *before != body {
                return Err(format!("Can't redefine: {full}"));
            }
            self.string(if own_space == space { short } else { full });
            return Ok(());
        }
        self.defined.insert(full.to_owned(), body.clone());
        self.out.push_str(r#"{"type":"record","name":"#);
        self.string(short);
        if own_space != space {
            self.out.push_str(r#","namespace":"#);
            self.string(own_space.unwrap_or_default());
        }
        self.out.push_str(r#","fields":["#);
        match body {
            Body::Fields(fields) => {
                for (i, (name, ty)) in fields.into_iter().enumerate() {
                    self.field(i, &field_name(name), ty, &format!("{full}_{name}"), own_space)?;
                }
                self.out.push_str(r#"],"connect.name":"#);
                self.string(full);
            }
            Body::Entry(key, value) => {
                self.field(0, "key", key, &format!("{full}_MapKey"), own_space)?;
                self.field(1, "value", value, &format!("{full}_MapValue"), own_space)?;
                self.out.push_str(r#"],"connect.internal.type":"MapEntry""#);
            }
        }
        self.out.push('}');
        Ok(())
    }

    fn field(
        &mut self,
        position: usize,
        name: &str,
        ty: &'a SqlType,
        type_name: &str,
        space: Option<&str>,
    ) -> Result<(), String> {
        self.out.push_str(if position == 0 { r#"{"name":"# } else { r#",{"name":"# });
        self.string(name);
        self.out.push_str(r#","type":"#);
        self.nullable(ty, type_name, space)?;
        self.out.push_str(r#","default":null}"#);
        check_name(name).map_err(|error| error.to_string())
    }

    fn string(&mut self, text: &str) {
        self.out.push_str(&serde_json::Value::from(text).to_string());
    }
}

/// Connect's types have a version, but not where the type is all there is.
fn connect_version(is_root: bool) -> &'static str {
    if is_root { "" } else { r#""connect.version":1,"# }
}

/// A column's name as that of a field.
pub(super) fn field_name(name: &str) -> String {
    name.replace('.', "_")
}
