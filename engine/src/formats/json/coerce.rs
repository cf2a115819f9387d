//! Single values: what a JSON value becomes in a column of some type.

use std::fmt::Display;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::escape::{Surrogates, write_string};
use super::scan::{Kind, RawString, Scanner, SyntaxError};
use crate::formats::growth::TooLarge;
use crate::formats::number::{exact_decimal, parse_int, parse_long, whole_part, write_number_text};
use crate::types::SqlType;
use crate::types::text::parse_double;

/// Why a record is bad. Boxed: it is rare, and results on the way stay small.
pub(super) struct Fault {
    message: String,
    /// Where, from the outermost value on, for values of the wrong type.
    path: Option<String>,
}

pub(super) type Result<T> = std::result::Result<T, Box<Fault>>;

impl Fault {
    /// A value that does not fit; the path is added on the way out.
    pub(super) fn value<T>(message: String) -> Result<T> {
        Err(Box::new(Self { message, path: Some(String::new()) }))
    }

    /// A payload that is no JSON at all.
    pub(super) fn syntax<T>(message: String) -> Result<T> {
        Err(Box::new(Self { message, path: None }))
    }

    /// Puts a step before the path.
    pub(super) fn under(mut self: Box<Self>, step: impl FnOnce() -> String) -> Box<Self> {
        if let Some(path) = &mut self.path {
            path.insert_str(0, &step());
        }
        self
    }

    /// The text for the processing log.
    pub(super) fn into_message(self) -> String {
        match self.path {
            Some(path) => format!("{}, path: ${path}", self.message),
            None => self.message,
        }
    }
}

impl From<TooLarge> for Box<Fault> {
    fn from(error: TooLarge) -> Self {
        Box::new(Fault { message: error.to_string(), path: None })
    }
}

impl From<SyntaxError> for Box<Fault> {
    fn from(error: SyntaxError) -> Self {
        let message = format!("Invalid JSON: expected {} at byte {}", error.expected, error.at);
        Box::new(Fault { message, path: None })
    }
}

/// An INTEGER, TIME or DATE.
pub(super) fn read_int(scanner: &mut Scanner<'_>, kind: Kind, ty: &SqlType) -> Result<i32> {
    match ty {
        SqlType::Time => time_of_day(read_long(scanner, kind, ty)?),
        _ if kind == Kind::String => {
            let text = scanner.string()?;
            with_text(text, parse_int).map_or_else(|| no_coercion(&ty.to_string()), Ok)
        }
        _ => {
            let value = read_long(scanner, kind, ty)?;
            i32::try_from(value).or_else(|_| out_of_range(value, ty))
        }
    }
}

/// A BIGINT or TIMESTAMP, or the number behind a TIME or DATE.
pub(super) fn read_long(scanner: &mut Scanner<'_>, kind: Kind, ty: &SqlType) -> Result<i64> {
    match kind {
        Kind::Number => match scanner.short_integer() {
            Some(value) => Ok(value),
            None => {
                let number = scanner.number()?;
                whole_part(number).map_or_else(|| out_of_range(number, ty), Ok)
            }
        },
        Kind::String => {
            let text = scanner.string()?;
            with_text(text, parse_long).map_or_else(|| no_coercion(&ty.to_string()), Ok)
        }
        _ => wrong_type(scanner, kind, &ty.to_string()),
    }
}

/// A DOUBLE.
pub(super) fn read_double(scanner: &mut Scanner<'_>, kind: Kind) -> Result<f64> {
    match kind {
        // ksqlDB reads numbers exactly, and there is no negative zero then.
        Kind::Number => match scanner.number()?.parse::<f64>() {
            Ok(value) => Ok(value + 0.0),
            Err(_) => no_coercion("DOUBLE"),
        },
        Kind::String => {
            let text = scanner.string()?;
            with_text(text, parse_double).map_or_else(|| no_coercion("DOUBLE"), Ok)
        }
        _ => wrong_type(scanner, kind, "DOUBLE"),
    }
}

/// The unscaled value of a DECIMAL.
pub(super) fn read_decimal(scanner: &mut Scanner<'_>, kind: Kind, ty: &SqlType) -> Result<i128> {
    let SqlType::Decimal { precision, scale } = *ty else { return wrong_type(scanner, kind, &ty.to_string()) };
    let value = match kind {
        Kind::Number => exact_decimal(scanner.number()?, precision, scale),
        Kind::String => {
            let text = scanner.string()?;
            with_text(text, |text| exact_decimal(text, precision, scale))
        }
        _ => return wrong_type(scanner, kind, &ty.to_string()),
    };
    value.or_else(Fault::value)
}

/// The unscaled value of a DECIMAL that is written as the Base64 of the writer's, of scale `from`.
pub(super) fn read_base64_decimal(scanner: &mut Scanner<'_>, ty: &SqlType, from: i8) -> Result<i128> {
    let SqlType::Decimal { precision, scale } = *ty else { return no_coercion(&ty.to_string()) };
    let mut bytes = Vec::new();
    read_bytes(scanner, Kind::String, &mut bytes)?;
    // Of the same value, fewer bytes may do.
    let sign = if bytes.first().is_some_and(|byte| byte & 0x80 != 0) { 0xFF } else { 0 };
    let padding = bytes.iter().take_while(|byte| **byte == sign).count().min(bytes.len().saturating_sub(1));
    let digits = bytes.get(padding..).unwrap_or_default();
    let mut wide = [sign; 17];
    let Some(place) = wide.len().checked_sub(digits.len()) else { return out_of_range("a longer number", ty) };
    wide[place..].copy_from_slice(digits);
    let (head, tail) = wide.split_at(1);
    let unscaled = i128::from_be_bytes(tail.try_into().unwrap_or([sign; 16]));
    if *head != [if unscaled < 0 { 0xFF } else { 0 }] {
        return out_of_range("a longer number", ty);
    }
    let mut text = String::new();
    crate::types::text::plain_decimal(unscaled, from, &mut text);
    exact_decimal(&text, precision, scale).or_else(Fault::value)
}

/// Appends any value as text: numbers as Java's numbers write themselves, objects as JSON, arrays as `[a, b]`.
pub(super) fn read_text(scanner: &mut Scanner<'_>, kind: Kind, out: &mut Vec<u8>) -> Result<()> {
    match kind {
        Kind::String => push_string(scanner.string()?, out),
        Kind::Number => write_number_text(scanner.number()?, out),
        Kind::Boolean => out.extend_from_slice(if scanner.boolean()? { b"true" } else { b"false" }),
        Kind::Null => {
            scanner.null()?;
            out.extend_from_slice(b"null");
        }
        Kind::Array => {
            // Look first, so that the depth is known to be bounded.
            scanner.clone().skip()?;
            out.push(b'[');
            let mut more = scanner.open(b']')?;
            while more {
                let kind = scanner.kind()?;
                read_text(scanner, kind, out)?;
                more = scanner.more(b']')?;
                if more {
                    out.extend_from_slice(b", ");
                }
            }
            out.push(b']');
        }
        Kind::Object => {
            let start = scanner.position();
            scanner.skip()?;
            let mut text = String::new();
            write_canonical(&mut Scanner::new(scanner.since(start)), &mut text)?;
            out.extend_from_slice(text.as_bytes());
        }
    }
    Ok(())
}

/// Appends the value that is next as Jackson would write it again: compact, numbers in Java's form.
fn write_canonical(scanner: &mut Scanner<'_>, out: &mut String) -> Result<()> {
    let string = |text: RawString<'_>, out: &mut String| {
        with_text(text, |text| write_string(text, Surrogates::Plain, out));
    };
    match scanner.kind()? {
        Kind::String => string(scanner.string()?, out),
        Kind::Number => {
            let mut text = Vec::new();
            write_number_text(scanner.number()?, &mut text);
            out.push_str(&String::from_utf8_lossy(&text));
        }
        Kind::Boolean => out.push_str(if scanner.boolean()? { "true" } else { "false" }),
        Kind::Null => {
            scanner.null()?;
            out.push_str("null");
        }
        Kind::Array => {
            out.push('[');
            let mut more = scanner.open(b']')?;
            while more {
                write_canonical(scanner, out)?;
                more = scanner.more(b']')?;
                out.push_str(if more { "," } else { "" });
            }
            out.push(']');
        }
        Kind::Object => {
            out.push('{');
            let mut more = scanner.open(b'}')?;
            while more {
                string(scanner.key()?, out);
                out.push(':');
                write_canonical(scanner, out)?;
                more = scanner.more(b'}')?;
                out.push_str(if more { "," } else { "" });
            }
            out.push('}');
        }
    }
    Ok(())
}

/// Appends BYTES, which stand as Base64.
pub(super) fn read_bytes(scanner: &mut Scanner<'_>, kind: Kind, out: &mut Vec<u8>) -> Result<()> {
    if kind != Kind::String {
        return wrong_type(scanner, kind, "BYTES");
    }
    let text = scanner.string()?;
    with_text(text, |text| {
        let blank = |byte: &u8| byte.is_ascii_whitespace();
        let decoded = if text.bytes().any(|byte| blank(&byte)) {
            STANDARD.decode_vec(text.bytes().filter(|byte| !blank(byte)).collect::<Vec<u8>>(), out)
        } else {
            STANDARD.decode_vec(text, out)
        };
        decoded.or_else(|_| Fault::value(format!("Value is not a valid Base64 encoded string: {text}")))
    })
}

/// Milliseconds of a day, the end of the day included.
fn time_of_day(millis: i64) -> Result<i32> {
    match i32::try_from(millis) {
        Ok(millis @ 0..=86_400_000) => Ok(millis),
        _ => Fault::value(
            "Time values must use number of milliseconds greater than 0 and less than 86400000.".to_owned(),
        ),
    }
}

/// Appends a string, its escapes resolved.
#[inline]
pub(super) fn push_string(text: RawString<'_>, out: &mut Vec<u8>) {
    if text.escaped {
        text.unescape(out);
    } else {
        out.extend_from_slice(text.raw.as_bytes());
    }
}

/// Calls `read` with the string, its escapes resolved.
fn with_text<T>(text: RawString<'_>, read: impl FnOnce(&str) -> T) -> T {
    if text.escaped {
        let mut resolved = Vec::new();
        text.unescape(&mut resolved);
        read(&String::from_utf8_lossy(&resolved))
    } else {
        read(text.raw)
    }
}

fn no_coercion<T>(ty: &str) -> Result<T> {
    Fault::value(format!("Can't coerce string to type. targetType: {ty}"))
}

fn out_of_range<T>(number: impl Display, ty: &SqlType) -> Result<T> {
    Fault::value(format!("Number out of range. number: {number}, requiredType: {ty}"))
}

/// The value that is next is none that `required` can hold.
pub(super) fn wrong_type<T>(scanner: &mut Scanner<'_>, kind: Kind, required: &str) -> Result<T> {
    let source = match kind {
        Kind::Null => "NullNode",
        Kind::Boolean => "BooleanNode",
        Kind::String => "TextNode",
        Kind::Array => "ArrayNode",
        Kind::Object => "ObjectNode",
        Kind::Number => {
            let number = scanner.number()?;
            match number.parse::<i64>() {
                Ok(value) if i32::try_from(value).is_ok() => "IntNode",
                Ok(_) => "LongNode",
                Err(_) if number.contains(['.', 'e', 'E']) => "DecimalNode",
                Err(_) => "BigIntegerNode",
            }
        }
    };
    Fault::value(format!("Can't convert type. sourceType: {source}, requiredType: {required}"))
}
