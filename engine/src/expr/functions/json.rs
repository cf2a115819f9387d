//! JSON in text columns.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::datatypes::Int32Type;
use arrow::error::ArrowError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::IgnoredAny;
use serde_json::Value as Json;

use super::columns::{Compiled, Kept, Texts, nullable_numbers, nullable_texts};
use super::json_path::{self, Step};
use super::row::{Row, optional_text, string, text, type_of};
use super::{Batch, Category, Context, Function, Variation};
use crate::types::{SqlType, Value, text as forms};

pub(super) static FUNCTIONS: &[Function] = &[
    Function::scalar(
        "EXTRACTJSONFIELD",
        Category::Json,
        &[Variation::batch("(VARCHAR input, VARCHAR path) VARCHAR", extract)],
    )
    .spelled("extractjsonfield")
    .by("")
    .says("The part of a JSON text at a path such as $.a[0].b; NULL where there is none.")
    .example("EXTRACTJSONFIELD('{\"a\": [{\"b\": 1.50}]}', '$.a[0].b')", "1.50"),
    Function::scalar("IS_JSON_STRING", Category::Json, &[Variation::batch("(VARCHAR input) BOOLEAN", |batch| {
        let (arg, given) = (batch.arg(0)?, Texts::new(batch, 0)?);
        let is_json = |row| !arg.is_null(row) && serde_json::from_str::<IgnoredAny>(given.at(row)).is_ok();
        Ok(Arc::new((0..batch.len).map(|row| Some(is_json(row))).collect::<BooleanArray>()))
    })])
    .spelled("is_json_string")
    .says("Whether the text is JSON.")
    .example("IS_JSON_STRING('[1,')", "false"),
    Function::scalar(
        "JSON_ARRAY_CONTAINS",
        Category::Json,
        &[Variation::row_nulls("(VARCHAR jsonArray, T val) BOOLEAN", array_contains)],
    )
    .spelled("json_array_contains")
    .says("Whether a JSON array has a value among its elements.")
    .example("JSON_ARRAY_CONTAINS('[1, 2]', 2)", "true"),
    Function::scalar("JSON_ARRAY_LENGTH", Category::Json, &[Variation::batch("(VARCHAR jsonArray) INT", |batch| {
        let given = Texts::new(batch, 0)?;
        Ok(nullable_numbers::<Int32Type>(batch, |row| json_path::array_length(given.at(row))))
    })])
    .spelled("json_array_length")
    .says("Number of elements of a JSON array, NULL for other JSON.")
    .example("JSON_ARRAY_LENGTH('[1, [2, 3]]')", "2"),
    Function::scalar("JSON_CONCAT", Category::Json, &[Variation::row("(VARCHAR... jsonStrings) VARCHAR", concat)])
        .spelled("json_concat")
        .says("Several JSON texts as one: objects are merged (the last one counts), everything else is appended to one array.")
        .example("JSON_CONCAT('{\"a\": 1}', '{\"b\": 2}')", "{\"a\":1,\"b\":2}"),
    Function::scalar("JSON_ITEMS", Category::Json, &[Variation::row("(VARCHAR jsonItems) ARRAY<VARCHAR>", |args, _| {
        match whole(text(args, 0)?)? {
            Json::Array(items) => {
                Ok(Value::Array(items.iter().map(|item| Value::String(item.to_string())).collect()))
            }
            _ => Ok(Value::Null),
        }
    })])
    .spelled("json_items")
    .says("The elements of a JSON array, each as JSON text, NULL for other JSON.")
    .example("JSON_ITEMS('[1, \"a\"]')", "[1, \"a\"]"),
    Function::scalar("JSON_KEYS", Category::Json, &[Variation::row("(VARCHAR jsonObj) ARRAY<VARCHAR>", |args, _| {
        Ok(whole(text(args, 0)?)?.as_object().map_or(Value::Null, |fields| {
            Value::Array(fields.keys().map(|key| Value::String(key.clone())).collect())
        }))
    })])
    .spelled("json_keys")
    .says("The keys of a JSON object, NULL for other JSON.")
    .example("JSON_KEYS('{\"a\": 1}')", "[a]"),
    Function::scalar(
        "JSON_RECORDS",
        Category::Json,
        &[Variation::row("(VARCHAR jsonObj) MAP<VARCHAR, VARCHAR>", |args, _| {
            Ok(whole(text(args, 0)?)?.as_object().map_or(Value::Null, |fields| {
                let entries = fields.iter().map(|(key, value)| (Value::String(key.clone()), Value::String(bare(value))));
                Value::Map(entries.collect())
            }))
        })],
    )
    .spelled("json_records")
    .says("The entries of a JSON object as a map of texts, NULL for other JSON.")
    .example("JSON_RECORDS('{\"a\": \"x\"}')", "{a=x}"),
    Function::scalar("TO_JSON_STRING", Category::Json, &[Variation::row_nulls("(T val) VARCHAR", |args, context| {
        let mut out = String::new();
        write_json(args.first().unwrap_or(&Value::Null), type_of(context, 0)?, &mut out);
        string(out)
    })])
    .spelled("to_json_string")
    .says("Any value as JSON text.")
    .example("TO_JSON_STRING(ARRAY[1, NULL])", "[1,null]"),
];

thread_local! {
    static PATHS: Kept<Vec<Step>> = Kept::new(HashMap::new());
}

/// A whole text as JSON.
fn whole(text: &str) -> Result<Json, String> {
    serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))
}

fn extract(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let given = Texts::new(batch, 0)?;
    let mut paths = Compiled::new(batch, 1, &PATHS, json_path::parse)?;
    Ok(nullable_texts(batch, |row, out| json_path::extract(given.at(row), paths.at(row)?, out)))
}

/// A text without its quotes, anything else as JSON text.
fn bare(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn array_contains(args: &[Value], _: &Context<'_>) -> Row {
    if args.first().is_none_or(Value::is_null) {
        return Ok(Value::Null);
    }
    let items = optional_text(args, 0).and_then(|text| whole(text).ok());
    let Some(Json::Array(items)) = items else { return Ok(Value::Boolean(false)) };
    let found = items.iter().any(|item| match (args.get(1), item) {
        (None | Some(Value::Null), item) => item.is_null(),
        (Some(Value::Boolean(wanted)), Json::Bool(value)) => wanted == value,
        (Some(Value::String(wanted)), Json::String(value)) => wanted == value,
        (Some(Value::Integer(wanted)), item) => item.as_i64() == Some(i64::from(*wanted)),
        (Some(Value::Bigint(wanted)), item) => item.as_i64() == Some(*wanted),
        (Some(Value::Double(wanted)), item @ Json::Number(_)) => {
            // A whole number in JSON is no DOUBLE.
            item.as_i64().is_none() && item.as_f64() == Some(*wanted)
        }
        _ => false,
    });
    Ok(Value::Boolean(found))
}

fn concat(args: &[Value], _: &Context<'_>) -> Row {
    let mut documents = Vec::with_capacity(args.len());
    for i in 0..args.len() {
        match whole(text(args, i)?) {
            Ok(document) => documents.push(document),
            Err(_) => return Ok(Value::Null),
        }
    }
    if documents.is_empty() {
        return Ok(Value::Null);
    }
    let joined = if documents.iter().all(Json::is_object) {
        let mut fields = serde_json::Map::new();
        for document in documents {
            if let Json::Object(own) = document {
                fields.extend(own);
            }
        }
        Json::Object(fields)
    } else {
        let items = documents.into_iter().flat_map(|document| match document {
            Json::Array(items) => items,
            other => vec![other],
        });
        Json::Array(items.collect())
    };
    string(joined.to_string())
}

/// Keys of maps and structs come sorted.
fn write_json(value: &Value, ty: &SqlType, out: &mut String) {
    match (value, ty) {
        (Value::Null, _) => out.push_str("null"),
        (Value::Boolean(_) | Value::Integer(_) | Value::Bigint(_) | Value::Decimal(..), _) => {
            forms::java_text(value, ty, out);
        }
        (Value::Double(number), _) if number.is_finite() => forms::java_double(*number, out),
        (Value::Bytes(bytes), _) => {
            let _ = write!(out, "\"{}\"", STANDARD.encode(bytes));
        }
        (Value::Array(items), SqlType::Array(item)) => {
            out.push('[');
            for (i, value) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_json(value, item, out);
            }
            out.push(']');
        }
        (Value::Map(entries), SqlType::Map(key_type, value_type)) => {
            let fields = entries.iter().map(|(key, value)| (key.java_text(key_type), value, &**value_type));
            write_object(fields.collect(), out);
        }
        (Value::Struct(values), SqlType::Struct(fields)) => {
            let fields = fields.iter().zip(values).map(|((name, ty), value)| (name.clone(), value, ty));
            write_object(fields.collect(), out);
        }
        (value, ty) => out.push_str(&Json::String(value.java_text(ty)).to_string()),
    }
}

fn write_object(mut fields: Vec<(String, &Value, &SqlType)>, out: &mut String) {
    fields.sort_by(|a, b| a.0.cmp(&b.0));
    out.push('{');
    for (i, (name, value, ty)) in fields.into_iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str(&Json::String(name).to_string());
        out.push(':');
        write_json(value, ty, out);
    }
    out.push('}');
}
