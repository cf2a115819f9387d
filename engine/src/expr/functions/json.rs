//! JSON in text columns.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};
use arrow::error::ArrowError;
use serde::de::IgnoredAny;

use super::columns::{Compiled, Kept, Texts, every_text, nullable_numbers, nullable_texts};
use super::json_path::{self, Step};
use super::json_text::{self, Compact, begins, check_escapes, quote, refusal};
use super::json_write::Writer;
use super::nested::{TextMap, text_lists, text_maps};
use super::{Batch, Category, Function, Variation};

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
        &[Variation::batch("(VARCHAR jsonArray, T val) BOOLEAN", array_contains)],
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
    Function::scalar("JSON_CONCAT", Category::Json, &[Variation::batch("(VARCHAR... jsonStrings) VARCHAR", concat)])
        .spelled("json_concat")
        .says("Several JSON texts as one: objects are merged (the last one counts), everything else is appended to one array.")
        .example("JSON_CONCAT('{\"a\": 1}', '{\"b\": 2}')", "{\"a\":1,\"b\":2}"),
    Function::scalar("JSON_ITEMS", Category::Json, &[Variation::batch("(VARCHAR jsonItems) ARRAY<VARCHAR>", items)])
        .spelled("json_items")
        .says("The elements of a JSON array, each as JSON text, NULL for other JSON.")
        .example("JSON_ITEMS('[1, \"a\"]')", "[1, \"a\"]"),
    Function::scalar("JSON_KEYS", Category::Json, &[Variation::batch("(VARCHAR jsonObj) ARRAY<VARCHAR>", keys)])
        .spelled("json_keys")
        .says("The keys of a JSON object, NULL for other JSON.")
        .example("JSON_KEYS('{\"a\": 1}')", "[a]"),
    Function::scalar(
        "JSON_RECORDS",
        Category::Json,
        &[Variation::batch("(VARCHAR jsonObj) MAP<VARCHAR, VARCHAR>", records)],
    )
    .spelled("json_records")
    .says("The entries of a JSON object as a map of texts, NULL for other JSON.")
    .example("JSON_RECORDS('{\"a\": \"x\"}')", "{a=x}"),
    Function::scalar("TO_JSON_STRING", Category::Json, &[Variation::batch("(T val) VARCHAR", to_json)])
        .spelled("to_json_string")
        .says("Any value as JSON text.")
        .example("TO_JSON_STRING(ARRAY[1, NULL])", "[1,null]"),
];

thread_local! {
    static PATHS: Kept<Vec<Step>> = Kept::new(HashMap::new());
}

fn extract(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let given = Texts::new(batch, 0)?;
    let mut paths = Compiled::new(batch, 1, &PATHS, json_path::parse)?;
    let mut compact = Compact::default();
    Ok(nullable_texts(batch, |row, out| json_path::extract(given.at(row), paths.at(row)?, &mut compact, out)))
}

fn items(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let given = Texts::new(batch, 0)?;
    let mut compact = Compact::default();
    Ok(text_lists(batch, |row, items| {
        let text = given.at(row);
        json_text::items(text, |item| items.write(|out| compact.push(item, out))).map_err(|error| refusal(text, &error))
    }))
}

fn keys(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let given = Texts::new(batch, 0)?;
    let mut entries = TextMap::default();
    Ok(text_lists(batch, |row, items| {
        let text = given.at(row);
        entries.clear();
        let object = json_text::fields(text, &mut entries, |value, _| check_escapes(value));
        let object = object.map_err(|error| refusal(text, &error))?;
        entries.unique().for_each(|(key, _)| items.push(key));
        Ok(object)
    }))
}

fn records(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let given = Texts::new(batch, 0)?;
    let mut compact = Compact::default();
    text_maps(batch, |row, entries| {
        let text = given.at(row);
        json_text::fields(text, entries, |value, out| compact.push_bare(value, out))
            .map_err(|error| refusal(text, &error))
    })
}

fn concat(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let given = Texts::all(batch, 0)?;
    let mut joint = Joint::default();
    Ok(nullable_texts(batch, |row, out| {
        let are_objects = given.iter().all(|texts| begins(texts.at(row), b'{'));
        let documents = given.iter().map(|texts| texts.at(row));
        let made = if are_objects { joint.merge(documents, out) } else { joint.append(documents, out) };
        // What is no JSON makes NULL.
        Ok(!given.is_empty() && made.is_ok())
    }))
}

/// Several documents as one.
#[derive(Default)]
struct Joint {
    compact: Compact,
    entries: TextMap,
}

impl Joint {
    /// The fields of objects in one object.
    fn merge<'t>(
        &mut self,
        documents: impl Iterator<Item = &'t str>,
        out: &mut String,
    ) -> Result<(), serde_json::Error> {
        self.entries.clear();
        for document in documents {
            json_text::fields(document, &mut self.entries, |value, out| self.compact.push(value, out))?;
        }
        out.push('{');
        for (i, (key, value)) in self.entries.unique().enumerate() {
            if i > 0 {
                out.push(',');
            }
            quote(key, out);
            out.push(':');
            out.push_str(value);
        }
        out.push('}');
        Ok(())
    }

    /// The elements of arrays, and whatever is no array, in one array.
    fn append<'t>(
        &mut self,
        documents: impl Iterator<Item = &'t str>,
        out: &mut String,
    ) -> Result<(), serde_json::Error> {
        let mut push = |item: &str| {
            out.push_str(if out.is_empty() { "[" } else { "," });
            self.compact.push(item, out)
        };
        for document in documents {
            if !json_text::items(document, &mut push)? {
                push(document)?;
            }
        }
        out.push_str(if out.is_empty() { "[]" } else { "]" });
        Ok(())
    }
}

fn array_contains(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let (given, wanted) = (Texts::new(batch, 0)?, batch.arg(1)?);
    let mut decoded = String::new();
    let found = (0..batch.len).map(|row| {
        let text = given.get(row)?;
        let wanted = Wanted::at(&wanted.array, wanted.index(row));
        let mut found = false;
        let read = json_text::items(text, |item| {
            check_escapes(item)?;
            found = found || wanted.is(item, &mut decoded);
            Ok(())
        });
        Some(found && read.is_ok())
    });
    Ok(Arc::new(found.collect::<BooleanArray>()))
}

/// What an array is searched for.
enum Wanted<'a> {
    Null,
    Boolean(bool),
    Whole(i64),
    Double(f64),
    Text(&'a str),
    /// A value no JSON is equal to.
    Other,
}

impl<'a> Wanted<'a> {
    fn at(column: &'a dyn Array, row: usize) -> Self {
        if column.is_null(row) {
            return Self::Null;
        }
        match column.data_type() {
            DataType::Boolean => Self::Boolean(column.as_boolean().value(row)),
            DataType::Int32 => Self::Whole(i64::from(column.as_primitive::<Int32Type>().value(row))),
            DataType::Int64 => Self::Whole(column.as_primitive::<Int64Type>().value(row)),
            DataType::Float64 => Self::Double(column.as_primitive::<Float64Type>().value(row)),
            DataType::Utf8 => Self::Text(column.as_string::<i32>().value(row)),
            _ => Self::Other,
        }
    }

    /// Whether it is the value that a JSON text stands for.
    fn is(&self, item: &str, decoded: &mut String) -> bool {
        let is_number = item.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        match self {
            Self::Null => item == "null",
            Self::Boolean(wanted) => item == if *wanted { "true" } else { "false" },
            Self::Whole(wanted) => item.parse() == Ok(*wanted),
            // A whole number in JSON is no DOUBLE.
            Self::Double(wanted) => {
                is_number && wanted.is_finite() && item.parse::<i64>().is_err() && item.parse() == Ok(*wanted)
            }
            Self::Text(wanted) => {
                decoded.clear();
                item.starts_with('"') && json_text::unquote(item, decoded).is_ok() && decoded == wanted
            }
            Self::Other => false,
        }
    }
}

fn to_json(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let value = batch.arg(0)?;
    let mut writer = Writer::default();
    let ty = batch.context.types.first().ok_or_else(|| ArrowError::InvalidArgumentError("no argument".to_owned()))?;
    Ok(every_text(batch, |row, out| {
        writer.push(&value.array, value.index(row), ty, out);
        Ok(true)
    }))
}
