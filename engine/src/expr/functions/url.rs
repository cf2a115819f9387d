//! Parts of URLs and form encoding.

use std::fmt::Write;

use arrow::array::ArrayRef;
use arrow::datatypes::Int32Type;
use arrow::error::ArrowError;

use super::bytes::push_lossy;
use super::columns::{Texts, nullable_numbers, nullable_texts, texts};
use super::uri::Uri;
use super::{Batch, Category, Function, Variation};

/// A function of one part of a URL.
macro_rules! part {
    ($name:literal, $spelled:literal, $says:literal, $kernel:ident, $part:expr, $example:literal, $result:literal) => {
        Function::scalar(
            $name,
            Category::Url,
            &[Variation::batch("(VARCHAR input) VARCHAR", |batch| $kernel(batch, $part))
                .says("", &["A text that is a URL."])],
        )
        .spelled($spelled)
        .says($says)
        .example($example, $result)
    };
}

pub(super) static FUNCTIONS: &[Function] = &[
    Function::scalar(
        "URL_ENCODE_PARAM",
        Category::Url,
        &[Variation::batch("(VARCHAR input) VARCHAR", |batch| {
            let given = Texts::new(batch, 0)?;
            Ok(texts(batch, |row, out| {
                encode(given.at(row), out);
                Ok(())
            }))
        })
        .says("", &["The text to encode."])],
    )
    .spelled("url_encode_param")
    .says("A text as application/x-www-form-urlencoded.")
    .example("URL_ENCODE_PARAM('?foo $bar')", "%3Ffoo+%24bar"),
    Function::scalar(
        "URL_DECODE_PARAM",
        Category::Url,
        &[Variation::batch("(VARCHAR input) VARCHAR", |batch| {
            let given = Texts::new(batch, 0)?;
            let mut bytes = Vec::new();
            Ok(texts(batch, |row, out| decode(given.at(row), true, &mut bytes, out)))
        })
        .says("", &["The text to decode."])],
    )
    .spelled("url_decode_param")
    .says("The text that application/x-www-form-urlencoded stands for.")
    .example("URL_DECODE_PARAM('%3Ffoo+%24bar')", "?foo $bar"),
    part!(
        "URL_EXTRACT_PROTOCOL",
        "url_extract_protocol",
        "The protocol of a URL.",
        verbatim,
        |uri| uri.scheme,
        "URL_EXTRACT_PROTOCOL('https://a.io:80/b')",
        "https"
    ),
    part!(
        "URL_EXTRACT_HOST",
        "url_extract_host",
        "The host of a URL.",
        verbatim,
        |uri| uri.host,
        "URL_EXTRACT_HOST('https://me@a.io:80/b')",
        "a.io"
    ),
    part!(
        "URL_EXTRACT_PATH",
        "url_extract_path",
        "The path of a URL, decoded.",
        decoded,
        |uri| uri.path,
        "URL_EXTRACT_PATH('https://a.io/b/c?x=1')",
        "/b/c"
    ),
    part!(
        "URL_EXTRACT_QUERY",
        "url_extract_query",
        "The query of a URL, decoded.",
        decoded,
        |uri| uri.query,
        "URL_EXTRACT_QUERY('https://a.io/b?x=1%20')",
        "x=1 "
    ),
    part!(
        "URL_EXTRACT_FRAGMENT",
        "url_extract_fragment",
        "The fragment of a URL, decoded.",
        decoded,
        |uri| uri.fragment,
        "URL_EXTRACT_FRAGMENT('https://a.io/b#top')",
        "top"
    ),
    Function::scalar(
        "URL_EXTRACT_PORT",
        Category::Url,
        &[Variation::batch("(VARCHAR input) INT", |batch| {
            let given = Texts::new(batch, 0)?;
            Ok(nullable_numbers::<Int32Type>(batch, |row| Ok(Uri::parse(given.at(row))?.port)))
        })
        .says("", &["A text that is a URL."])],
    )
    .spelled("url_extract_port")
    .says("The port of a URL, NULL if it names none.")
    .example("URL_EXTRACT_PORT('https://a.io:8080/b')", "8080"),
    Function::scalar(
        "URL_EXTRACT_PARAMETER",
        Category::Url,
        &[Variation::batch("(VARCHAR input, VARCHAR paramToFind) VARCHAR", parameter)
            .says("", &["A text that is a URL.", "The name of the parameter."])],
    )
    .spelled("url_extract_parameter")
    .says("The value of a parameter in the query of a URL; an empty text if it stands there without one.")
    .example("URL_EXTRACT_PARAMETER('https://a.io?a=b&c=d%20e', 'c')", "d e"),
];

type Part = for<'a> fn(&Uri<'a>) -> Option<&'a str>;

/// A part as it is written.
fn verbatim(batch: &Batch<'_>, part: Part) -> Result<ArrayRef, ArrowError> {
    let given = Texts::new(batch, 0)?;
    Ok(nullable_texts(batch, |row, out| {
        let found = part(&Uri::parse(given.at(row))?);
        out.push_str(found.unwrap_or_default());
        Ok(found.is_some())
    }))
}

/// A part with its escapes resolved; NULL if one of them is malformed.
fn decoded(batch: &Batch<'_>, part: Part) -> Result<ArrayRef, ArrowError> {
    let given = Texts::new(batch, 0)?;
    let mut bytes = Vec::new();
    Ok(nullable_texts(batch, |row, out| {
        let found = part(&Uri::parse(given.at(row))?);
        Ok(found.is_some_and(|found| decode(found, false, &mut bytes, out).is_ok()))
    }))
}

/// The query is decoded before it is taken apart, as ksqlDB does it.
fn parameter(batch: &Batch<'_>) -> Result<ArrayRef, ArrowError> {
    let (given, wanted) = (Texts::new(batch, 0)?, Texts::new(batch, 1)?);
    let (mut bytes, mut query) = (Vec::new(), String::new());
    Ok(nullable_texts(batch, |row, out| {
        let Some(written) = Uri::parse(given.at(row))?.query else { return Ok(false) };
        query.clear();
        decode(written, false, &mut bytes, &mut query)?;
        let mut parameters = query.split('&').map(|part| part.split_once('=').unwrap_or((part, "")));
        let found = parameters.find(|(name, _)| *name == wanted.at(row));
        out.push_str(found.map_or("", |(_, value)| value));
        Ok(found.is_some())
    }))
}

fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b'.' | b'-' | b'*' | b'_' => out.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            byte => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
}

/// Appends the text with `%20` and the like resolved; `+` is a blank in forms only. `bytes` is room to work in.
fn decode(text: &str, form: bool, bytes: &mut Vec<u8>, out: &mut String) -> Result<(), String> {
    if !(text.contains('%') || form && text.contains('+')) {
        out.push_str(text);
        return Ok(());
    }
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    bytes.clear();
    let mut rest = text.as_bytes().iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' if form => b' ',
            b'%' => match (digit(rest.next()), digit(rest.next())) {
                (Some(high), Some(low)) => (high * 16 + low) as u8,
                _ => return Err(format!("Illegal hex characters in escape (%) pattern: {text}")),
            },
            byte => *byte,
        });
    }
    push_lossy(bytes, out);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::expr::testing::{rows, table};

    #[test]
    fn parts_of_urls() {
        let table =
            table(&["U STRING: https://e.org:8443/p/a%20b?q=1&r=x%26y&s#frag | mailto:me@host | http://[bad | null"]);
        for (expression, expected) in [
            ("URL_EXTRACT_PROTOCOL(U)", ["https", "mailto", "!null", "null"]),
            ("URL_EXTRACT_HOST(U)", ["e.org", "null", "!null", "null"]),
            ("URL_EXTRACT_PORT(U)", ["8443", "null", "!null", "null"]),
            ("URL_EXTRACT_PATH(U)", ["/p/a b", "null", "!null", "null"]),
            ("URL_EXTRACT_QUERY(U)", ["q=1&r=x&y&s", "null", "!null", "null"]),
            ("URL_EXTRACT_FRAGMENT(U)", ["frag", "null", "!null", "null"]),
            ("URL_EXTRACT_PARAMETER(U, 'r')", ["x", "null", "!null", "null"]),
            ("URL_EXTRACT_PARAMETER(U, 's')", ["", "null", "!null", "null"]),
            ("URL_DECODE_PARAM('%C3%A9+%2B')", ["é +"; 4]),
            ("URL_DECODE_PARAM('%zz')", ["!null"; 4]),
        ] {
            assert_eq!(rows(expression, &table), expected, "{expression}");
        }
    }
}
