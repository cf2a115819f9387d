//! Columns → the JSON Schema that ksqlDB registers for them (what Connect's `JsonSchemaData` makes of its schemas).

use serde_json::{Map, Value, json};

use crate::types::{Column, SqlType};

/// The schema of records of these columns; of the only one's value if they are not `wrapped`.
pub(super) fn schema(columns: &[Column], wrapped: bool) -> String {
    let schema = match columns {
        [only] if !wrapped => optional(&only.ty, None),
        _ => object(columns.iter().map(|column| (column.name.as_str(), &column.ty))),
    };
    schema.to_string()
}

fn object<'a>(fields: impl Iterator<Item = (&'a str, &'a SqlType)>) -> Value {
    let properties: Map<String, Value> =
        fields.enumerate().map(|(i, (name, ty))| (name.to_owned(), optional(ty, Some(i)))).collect();
    if properties.is_empty() { json!({"type": "object"}) } else { json!({"type": "object", "properties": properties}) }
}

/// A value that may be null; `index` is its place among the fields of its object.
fn optional(ty: &SqlType, index: Option<usize>) -> Value {
    let mut schema = Map::new();
    if let Some(index) = index {
        schema.insert("connect.index".to_owned(), json!(index));
    }
    schema.insert("oneOf".to_owned(), json!([{"type": "null"}, present(ty)]));
    Value::Object(schema)
}

/// A value that is not null.
fn present(ty: &SqlType) -> Value {
    match ty {
        SqlType::Boolean => json!({"type": "boolean"}),
        SqlType::Integer => json!({"type": "integer", "connect.type": "int32"}),
        SqlType::Bigint => json!({"type": "integer", "connect.type": "int64"}),
        SqlType::Double => json!({"type": "number", "connect.type": "float64"}),
        SqlType::String => json!({"type": "string"}),
        SqlType::Bytes => json!({"type": "string", "connect.type": "bytes"}),
        SqlType::Time => logical("integer", "Time", "int32"),
        SqlType::Date => logical("integer", "Date", "int32"),
        SqlType::Timestamp => logical("integer", "Timestamp", "int64"),
        SqlType::Decimal { precision, scale } => {
            let mut schema = logical("number", "Decimal", "bytes");
            schema["connect.parameters"] =
                json!({"scale": scale.to_string(), "connect.decimal.precision": precision.to_string()});
            schema
        }
        SqlType::Array(item) => json!({"type": "array", "items": optional(item, None)}),
        // Connect's maps have keys that may be null, which no JSON object can have.
        SqlType::Map(key, value) => {
            let entry = object([("key", &**key), ("value", &**value)].into_iter());
            json!({"type": "array", "items": entry, "connect.type": "map"})
        }
        SqlType::Struct(fields) => object(fields.iter().map(|(name, ty)| (name.as_str(), ty))),
    }
}

fn logical(ty: &str, name: &str, connect: &str) -> Value {
    json!({
        "type": ty,
        "title": format!("org.apache.kafka.connect.data.{name}"),
        "connect.version": 1,
        "connect.type": connect,
    })
}
