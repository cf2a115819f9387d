//! Parts of URLs (RFC 2396, as `java.net.URI` reads them) and form encoding.

use super::row::{Row, string, text};
use super::{Category, Function, Variation};
use crate::types::Value;

/// A function of one part of a URL.
macro_rules! part {
    ($name:literal, $spelled:literal, $says:literal, $part:expr, $example:literal, $result:literal) => {
        Function::scalar(
            $name,
            Category::Url,
            &[Variation::row("(VARCHAR input) VARCHAR", |args, _| {
                let url = Url::parse(text(args, 0)?)?;
                let part: Option<String> = $part(&url);
                Ok(part.map_or(Value::Null, Value::String))
            })],
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
        &[Variation::row("(VARCHAR input) VARCHAR", |args, _| string(form_encode(text(args, 0)?)))],
    )
    .spelled("url_encode_param")
    .says("A text as application/x-www-form-urlencoded.")
    .example("URL_ENCODE_PARAM('?foo $bar')", "%3Ffoo+%24bar"),
    Function::scalar(
        "URL_DECODE_PARAM",
        Category::Url,
        &[Variation::row("(VARCHAR input) VARCHAR", |args, _| decode(text(args, 0)?, true).map(Value::String))],
    )
    .spelled("url_decode_param")
    .says("The text that application/x-www-form-urlencoded stands for.")
    .example("URL_DECODE_PARAM('%3Ffoo+%24bar')", "?foo $bar"),
    part!(
        "URL_EXTRACT_PROTOCOL",
        "url_extract_protocol",
        "The protocol of a URL.",
        |url: &Url<'_>| url.scheme.map(str::to_owned),
        "URL_EXTRACT_PROTOCOL('https://a.io:80/b')",
        "https"
    ),
    part!(
        "URL_EXTRACT_HOST",
        "url_extract_host",
        "The host of a URL.",
        |url: &Url<'_>| url.host.map(str::to_owned),
        "URL_EXTRACT_HOST('https://me@a.io:80/b')",
        "a.io"
    ),
    part!(
        "URL_EXTRACT_PATH",
        "url_extract_path",
        "The path of a URL.",
        |url: &Url<'_>| url.path.and_then(|path| decode(path, false).ok()),
        "URL_EXTRACT_PATH('https://a.io/b/c?x=1')",
        "/b/c"
    ),
    part!(
        "URL_EXTRACT_QUERY",
        "url_extract_query",
        "The query of a URL, decoded.",
        |url: &Url<'_>| url.query.and_then(|query| decode(query, false).ok()),
        "URL_EXTRACT_QUERY('https://a.io/b?x=1%20')",
        "x=1 "
    ),
    part!(
        "URL_EXTRACT_FRAGMENT",
        "url_extract_fragment",
        "The fragment of a URL, decoded.",
        |url: &Url<'_>| url.fragment.and_then(|fragment| decode(fragment, false).ok()),
        "URL_EXTRACT_FRAGMENT('https://a.io/b#top')",
        "top"
    ),
    Function::scalar(
        "URL_EXTRACT_PORT",
        Category::Url,
        &[Variation::row("(VARCHAR input) INT", |args, _| {
            Ok(Url::parse(text(args, 0)?)?.port.map_or(Value::Null, Value::Integer))
        })],
    )
    .spelled("url_extract_port")
    .says("The port of a URL, NULL if it names none.")
    .example("URL_EXTRACT_PORT('https://a.io:8080/b')", "8080"),
    Function::scalar(
        "URL_EXTRACT_PARAMETER",
        Category::Url,
        &[Variation::row("(VARCHAR input, VARCHAR paramToFind) VARCHAR", |args, _| {
            parameter(text(args, 0)?, text(args, 1)?)
        })],
    )
    .spelled("url_extract_parameter")
    .says("The value of a parameter in the query of a URL; an empty text if it stands there without one.")
    .example("URL_EXTRACT_PARAMETER('https://a.io?a=b&c=d%20e', 'c')", "d e"),
];

/// The parts of a URL, as written.
struct Url<'a> {
    scheme: Option<&'a str>,
    host: Option<&'a str>,
    port: Option<i32>,
    path: Option<&'a str>,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

impl<'a> Url<'a> {
    fn parse(text: &'a str) -> Result<Self, String> {
        let refused = |why: &str| format!("'{text}' is not a URL: {why}");
        if let Some(illegal) = text.chars().find(|c| c.is_ascii_control() || " \"<>\\^`{|}".contains(*c)) {
            return Err(refused(&format!("illegal character '{illegal}'")));
        }
        let (rest, fragment) = split_at(text, '#');
        let scheme_end = rest.find([':', '/', '?']).filter(|at| rest[*at..].starts_with(':'));
        let (scheme, rest) = match scheme_end {
            Some(0) => return Err(refused("expected scheme name")),
            Some(at) => (Some(&rest[..at]), &rest[at + 1..]),
            None => (None, rest),
        };
        if let Some(scheme) = scheme {
            let legal = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
            if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.chars().all(legal) {
                return Err(refused("illegal character in scheme name"));
            }
            if rest.is_empty() {
                return Err(refused("expected scheme-specific part"));
            }
            if !rest.starts_with('/') {
                // An opaque URI (`mailto:x`) has no parts but its fragment.
                return Ok(Self { scheme: Some(scheme), host: None, port: None, path: None, query: None, fragment });
            }
        }
        let (rest, query) = split_at(rest, '?');
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => {
                let end = rest.find('/').unwrap_or(rest.len());
                (Some(&rest[..end]), &rest[end..])
            }
            None => (None, rest),
        };
        let (host, port) = authority.map_or((None, None), host_and_port);
        Ok(Self { scheme, host, port, path: Some(path), query, fragment })
    }
}

fn split_at(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// An authority that is not `[user@]host[:port]` is a registry name: it has no host.
fn host_and_port(authority: &str) -> (Option<&str>, Option<i32>) {
    let server = authority.rsplit_once('@').map_or(authority, |(_, server)| server);
    let (host, port) = match server.rfind(':').filter(|at| !server[*at..].contains(']')) {
        Some(at) => (&server[..at], Some(&server[at + 1..])),
        None => (server, None),
    };
    let legal = (host.starts_with('[') && host.ends_with(']'))
        || host.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.');
    match port {
        _ if host.is_empty() || !legal => (None, None),
        None | Some("") => (Some(host), None),
        Some(port) => port.parse().map_or((None, None), |port| (Some(host), Some(port))),
    }
}

fn parameter(url: &str, wanted: &str) -> Row {
    let Some(query) = Url::parse(url)?.query else { return Ok(Value::Null) };
    for part in query.split('&') {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        if decode(name, true)? == wanted {
            return decode(value, true).map(Value::String);
        }
    }
    Ok(Value::Null)
}

fn form_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b'.' | b'-' | b'*' | b'_' => out.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// `%20` and the like; `+` is a blank in forms only.
fn decode(text: &str, form: bool) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'+' if form => bytes.push(b' '),
            b'%' => {
                let digits = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
                let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
                bytes.push(byte.ok_or_else(|| format!("illegal escape in '{text}'"))?);
                rest = tail.get(2..).unwrap_or_default();
            }
            byte => bytes.push(*byte),
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
