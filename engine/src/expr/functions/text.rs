//! Text: case, length, parts, search, padding, joining.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int32Array, StringBuilder};
use arrow::error::ArrowError;

use super::{Batch, Category, Function, Variation};

pub(super) static FUNCTIONS: &[Function] = &[
    Function::scalar(
        "UCASE",
        Category::String,
        &[Variation::batch("(VARCHAR input) VARCHAR", |batch| map_text(batch, |text, out| upper(text, out)))],
    )
    .spelled("ucase")
    .says("The text in upper case.")
    .example("UCASE('abc é')", "ABC É"),
    Function::scalar(
        "LCASE",
        Category::String,
        &[Variation::batch("(VARCHAR input) VARCHAR", |batch| map_text(batch, |text, out| lower(text, out)))],
    )
    .spelled("lcase")
    .says("The text in lower case.")
    .example("LCASE('ABC')", "abc"),
    Function::scalar(
        "LEN",
        Category::String,
        &[
            Variation::batch("(VARCHAR input) INT", length).says("", &["The input string"]),
            Variation::batch("(BYTES input) INT", byte_length).says("", &["The input byte array"]),
        ],
    )
    .spelled("len")
    .by("")
    .says("Returns the length of the input string or byte array.")
    .example("LEN('abc')", "3"),
];

/// Applies `each` to every text; NULL stays NULL. Nothing is allocated per row.
pub(super) fn map_text(batch: &Batch<'_>, each: impl Fn(&str, &mut String)) -> Result<ArrayRef, ArrowError> {
    let arg = batch.arg(0)?;
    let texts = arg.array.as_string::<i32>();
    let mut builder = StringBuilder::with_capacity(batch.len, texts.values().len());
    let mut out = String::new();
    for row in 0..batch.len {
        if arg.is_null(row) {
            builder.append_null();
        } else {
            out.clear();
            each(texts.value(arg.index(row)), &mut out);
            builder.append_value(&out);
        }
    }
    Ok(Arc::new(builder.finish()))
}

fn upper(text: &str, out: &mut String) {
    if text.is_ascii() {
        out.push_str(text);
        out.make_ascii_uppercase();
    } else {
        text.chars().for_each(|c| out.extend(c.to_uppercase()));
    }
}

fn lower(text: &str, out: &mut String) {
    if text.is_ascii() {
        out.push_str(text);
        out.make_ascii_lowercase();
    } else {
        // The whole word counts: a final sigma is another letter.
        out.push_str(&text.to_lowercase());
    }
}

/// UTF-16 code units.
fn length(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let arg = batch.arg(0)?;
    let texts = arg.array.as_string::<i32>();
    let lengths = (0..batch.len).map(|row| {
        (!arg.is_null(row)).then(|| {
            let text = texts.value(arg.index(row));
            if text.is_ascii() { text.len() as i32 } else { text.encode_utf16().count() as i32 }
        })
    });
    Ok(Arc::new(lengths.collect::<Int32Array>()))
}

fn byte_length(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let arg = batch.arg(0)?;
    let bytes = arg.array.as_binary::<i32>();
    let lengths = (0..batch.len).map(|row| (!arg.is_null(row)).then(|| bytes.value(arg.index(row)).len() as i32));
    Ok(Arc::new(lengths.collect::<Int32Array>()))
}
