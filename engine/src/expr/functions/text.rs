//! Text: case, length, parts, joining.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryBuilder, Int32Array, StringBuilder};
use arrow::error::ArrowError;

use super::row::{Row, bytes, int, text};
use super::{Batch, Category, Context, Function, Variation};
use crate::types::Value;

pub(super) static FUNCTIONS: &[Function] = &[
    Function::scalar(
        "UCASE",
        Category::String,
        &[Variation::batch("(VARCHAR input) VARCHAR", |batch| map_text(batch, upper))],
    )
    .spelled("ucase")
    .says("The text in upper case.")
    .example("UCASE('abc é')", "ABC É"),
    Function::scalar(
        "LCASE",
        Category::String,
        &[Variation::batch("(VARCHAR input) VARCHAR", |batch| map_text(batch, lower))],
    )
    .spelled("lcase")
    .says("The text in lower case.")
    .example("LCASE('ABC')", "abc"),
    Function::scalar(
        "INITCAP",
        Category::String,
        &[Variation::batch("(VARCHAR str) VARCHAR", |batch| map_text(batch, capitalise))],
    )
    .spelled("initcap")
    .says("Every word with its first letter in upper case and the others in lower case.")
    .example("INITCAP('  the QUICK fox')", "The Quick Fox"),
    Function::scalar(
        "TRIM",
        Category::String,
        &[Variation::batch("(VARCHAR input) VARCHAR", |batch| {
            map_text(batch, |text, out| out.push_str(text.trim_matches(|c| c <= ' ')))
        })],
    )
    .spelled("trim")
    .says("The text without blanks and control characters at its ends.")
    .example("TRIM('  a b ')", "a b"),
    Function::scalar(
        "LEN",
        Category::String,
        &[Variation::batch("(VARCHAR input) INT", length), Variation::batch("(BYTES input) INT", byte_length)],
    )
    .spelled("len")
    .by("")
    .says("Number of characters (UTF-16 units) of a text, or of bytes.")
    .example("LEN('abc')", "3"),
    Function::scalar(
        "SUBSTRING",
        Category::String,
        &[
            Variation::batch("(VARCHAR str, INT pos) VARCHAR", substring),
            Variation::batch("(VARCHAR str, INT pos, INT length) VARCHAR", substring),
            Variation::row("(BYTES bytes, INT pos) BYTES", substring_bytes),
            Variation::row("(BYTES bytes, INT pos, INT length) BYTES", substring_bytes),
        ],
    )
    .spelled("substring")
    .says("The part from a 1-based position (negative: from the end) on, of a length if given.")
    .example("SUBSTRING('stream', 2, 3)", "tre"),
    Function::scalar(
        "CONCAT",
        Category::String,
        &[
            Variation::batch("(VARCHAR... inputs) VARCHAR", concat),
            Variation::batch("(BYTES... inputs) BYTES", concat_bytes),
        ],
    )
    .spelled("concat")
    .by("")
    .says("All arguments as one, NULLs left out.")
    .example("CONCAT('a', NULL, 'b')", "ab"),
    Function::scalar(
        "CONCAT_WS",
        Category::String,
        &[
            Variation::row_nulls("(VARCHAR... inputs) VARCHAR", concat_ws),
            Variation::row_nulls("(BYTES... inputs) BYTES", concat_ws),
        ],
    )
    .spelled("concat_ws")
    .by("")
    .says("All arguments but the first as one, with the first between them; NULLs are left out.")
    .example("CONCAT_WS('-', 'a', NULL, 'b')", "a-b"),
    Function::scalar(
        "REPLACE",
        Category::String,
        &[Variation::row("(VARCHAR str, VARCHAR oldStr, VARCHAR newStr) VARCHAR", |args, _| {
            Ok(Value::String(text(args, 0)?.replace(text(args, 1)?, text(args, 2)?)))
        })],
    )
    .spelled("replace")
    .says("The text with every occurrence of one text replaced by another.")
    .example("REPLACE('a.b.c', '.', '-')", "a-b-c"),
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

/// Leading white space goes, every other word starts in upper case.
fn capitalise(text: &str, out: &mut String) {
    let mut starts = true;
    for c in text.trim_start().to_lowercase().chars() {
        if starts {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
        starts = c.is_whitespace();
    }
}

/// Which part of `len` units a 1-based position (negative: from the end) and a length mean.
fn part(len: usize, position: i32, length: Option<i32>) -> std::ops::Range<usize> {
    let len = len as i64;
    let position = i64::from(position);
    let start = if position < 0 { (len + position).max(0) } else { (position - 1).clamp(0, len) };
    let end = length.map_or(len, |length| (start + i64::from(length)).clamp(start, len));
    start as usize..end as usize
}

/// The part that the older form means: 0-based start and end, outside is an error.
fn legacy_part(len: usize, start: i32, end: Option<i32>) -> Option<std::ops::Range<usize>> {
    let (start, end) = (usize::try_from(start).ok()?, end.map_or(Some(len), |end| usize::try_from(end).ok())?);
    (start <= end && end <= len).then_some(start..end)
}

fn substring(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let (source, position) = (batch.arg(0)?, batch.arg(1)?);
    let length = batch.args.get(2);
    let texts = source.array.as_string::<i32>();
    let number = |arg: &super::Arg, row| arg.array.as_primitive::<arrow::datatypes::Int32Type>().value(arg.index(row));
    let mut builder = StringBuilder::with_capacity(batch.len, texts.values().len());
    for row in 0..batch.len {
        if source.is_null(row) || position.is_null(row) || length.is_some_and(|length| length.is_null(row)) {
            builder.append_null();
            continue;
        }
        let text = texts.value(source.index(row));
        let (position, length) = (number(position, row), length.map(|length| number(length, row)));
        let units = if text.is_ascii() { text.len() } else { text.encode_utf16().count() };
        let range = if batch.context.settings.substring_legacy {
            legacy_part(units, position, length)
        } else {
            Some(part(units, position, length))
        };
        match range {
            None => {
                batch.fail(row, || format!("index out of range for a text of length {units}"));
                builder.append_null();
            }
            Some(range) if text.is_ascii() => builder.append_value(text.get(range).unwrap_or_default()),
            Some(range) => {
                let units: Vec<u16> = text.encode_utf16().skip(range.start).take(range.len()).collect();
                builder.append_value(String::from_utf16_lossy(&units));
            }
        }
    }
    Ok(Arc::new(builder.finish()))
}

fn substring_bytes(args: &[Value], context: &Context<'_>) -> Row {
    let source = bytes(args, 0)?;
    let length = if args.len() > 2 { Some(int(args, 2)?) } else { None };
    let range = if context.settings.substring_legacy {
        legacy_part(source.len(), int(args, 1)?, length).ok_or("index out of range")?
    } else {
        part(source.len(), int(args, 1)?, length)
    };
    Ok(Value::Bytes(source.get(range).unwrap_or_default().to_vec()))
}

fn concat(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let texts: Vec<_> = batch.args.iter().map(|arg| (arg, arg.array.as_string::<i32>())).collect();
    let mut builder = StringBuilder::with_capacity(batch.len, texts.iter().map(|(_, t)| t.values().len()).sum());
    let mut out = String::new();
    for row in 0..batch.len {
        out.clear();
        for (arg, texts) in texts.iter().filter(|(arg, _)| !arg.is_null(row)) {
            out.push_str(texts.value(arg.index(row)));
        }
        builder.append_value(&out);
    }
    Ok(Arc::new(builder.finish()))
}

fn concat_bytes(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let parts: Vec<_> = batch.args.iter().map(|arg| (arg, arg.array.as_binary::<i32>())).collect();
    let mut builder = BinaryBuilder::new();
    let mut out = Vec::new();
    for row in 0..batch.len {
        out.clear();
        for (arg, parts) in parts.iter().filter(|(arg, _)| !arg.is_null(row)) {
            out.extend_from_slice(parts.value(arg.index(row)));
        }
        builder.append_value(&out);
    }
    Ok(Arc::new(builder.finish()))
}

fn concat_ws(args: &[Value], _: &Context<'_>) -> Row {
    if args.len() < 2 {
        return Err("needs a separator and at least one value".to_owned());
    }
    let present = || args.iter().skip(1).filter(|value| !value.is_null());
    Ok(match args.first() {
        Some(Value::String(separator)) => {
            let parts: Vec<&str> = present()
                .filter_map(|value| if let Value::String(text) = value { Some(text.as_str()) } else { None })
                .collect();
            Value::String(parts.join(separator))
        }
        Some(Value::Bytes(separator)) => {
            let parts: Vec<&[u8]> = present()
                .filter_map(|value| if let Value::Bytes(bytes) = value { Some(bytes.as_slice()) } else { None })
                .collect();
            Value::Bytes(parts.join(separator.as_slice()))
        }
        _ => Value::Null,
    })
}
