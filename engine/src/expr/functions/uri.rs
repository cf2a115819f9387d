//! URIs as strictly as `java.net.URI` reads them: RFC 2396 with its deviations.

/// The parts of a URI, as written.
#[derive(Debug, PartialEq)]
pub(super) struct Uri<'a> {
    pub(super) scheme: Option<&'a str>,
    /// `None` also for an authority that is no `[user@]host[:port]`.
    pub(super) host: Option<&'a str>,
    pub(super) port: Option<i32>,
    /// `None` for an opaque URI (`mailto:x`).
    pub(super) path: Option<&'a str>,
    pub(super) query: Option<&'a str>,
    pub(super) fragment: Option<&'a str>,
}

// What a part may hold besides letters, digits, `_-!.~*'()`, escapes, and characters beyond ASCII.
const ANY: &str = ";/?:@&=+$,[]";
const PATH: &str = ":@&=+$,;/";
const USER: &str = ";:&=+$,";
const NAME: &str = "$,;:@&=+";
const SERVER: &str = ";:&=+$,@[]";

impl<'a> Uri<'a> {
    /// Reads a URI; the error says what is wrong with it.
    pub(super) fn parse(text: &'a str) -> Result<Self, String> {
        Self::read(text).map_err(|why| format!("{why}: {text}"))
    }

    fn read(text: &'a str) -> Result<Self, String> {
        let (scheme, rest) = split_scheme(text)?;
        let (rest, fragment) = split_before(rest, '#');
        if let Some(fragment) = fragment {
            check(fragment, ANY, "fragment")?;
        }
        let mut uri = Self { scheme, host: None, port: None, path: None, query: None, fragment };
        if scheme.is_some() && !rest.starts_with('/') {
            if rest.is_empty() {
                return Err("Expected scheme-specific part".to_owned());
            }
            check(rest, ANY, "opaque part")?;
            return Ok(uri);
        }
        let (rest, query) = split_before(rest, '?');
        uri.query = query;
        let mut path = rest;
        if let Some(after) = rest.strip_prefix("//") {
            let (authority, tail) = after.split_at(after.find('/').unwrap_or(after.len()));
            path = tail;
            if !authority.is_empty() {
                (uri.host, uri.port) = read_authority(authority)?;
            } else if tail.is_empty() && query.is_none() && fragment.is_none() {
                return Err("Expected authority".to_owned());
            }
        }
        check(path, PATH, "path")?;
        check(query.unwrap_or_default(), ANY, "query")?;
        uri.path = Some(path);
        Ok(uri)
    }
}

fn split_before(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn split_scheme(text: &str) -> Result<(Option<&str>, &str), String> {
    let Some(at) = text.find(['/', '?', '#', ':']).filter(|at| text[*at..].starts_with(':')) else {
        return Ok((None, text));
    };
    let (scheme, rest) = (&text[..at], &text[at + 1..]);
    if scheme.is_empty() {
        return Err("Expected scheme name".to_owned());
    }
    let legal = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.chars().all(legal) {
        return Err("Illegal character in scheme name".to_owned());
    }
    Ok((Some(scheme), rest))
}

/// Whether a part holds nothing but what it may.
fn check(text: &str, allowed: &str, part: &str) -> Result<(), String> {
    for (at, c) in text.char_indices() {
        if c == '%' {
            let digits = text.get(at + 1..at + 3).is_some_and(|pair| pair.bytes().all(|byte| byte.is_ascii_hexdigit()));
            if !digits {
                return Err(format!("Malformed escape pair in {part} at index {at}"));
            }
        } else if !is_legal(c) && !allowed.contains(c) {
            return Err(format!("Illegal character in {part} at index {at}"));
        }
    }
    Ok(())
}

fn is_legal(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-!.~*'()".contains(c) || (!c.is_ascii() && !c.is_control() && !c.is_whitespace())
}

/// Host and port, or neither if the authority is a name of another kind.
fn read_authority(text: &str) -> Result<(Option<&str>, Option<i32>), String> {
    let is_name = check(text, NAME, "authority").is_ok();
    let server = if text.contains(']') {
        // The scope of an IPv6 address has a bare percent sign.
        check(&text.replace('%', ""), SERVER, "authority").and_then(|()| read_server(text))
    } else {
        check(text, SERVER, "authority").and_then(|()| read_server(text))
    };
    match server {
        Ok((host, port)) => Ok((Some(host), port)),
        Err(_) if is_name => Ok((None, None)),
        Err(why) => Err(why),
    }
}

/// `[user@]host[:port]`
fn read_server(text: &str) -> Result<(&str, Option<i32>), String> {
    let server = match text.split_once('@') {
        Some((user, server)) => {
            check(user, USER, "user info")?;
            server
        }
        None => text,
    };
    let end = if server.starts_with('[') {
        let end = server.find(']').ok_or("Expected closing bracket for IPv6 address")? + 1;
        check_ipv6(&server[1..end - 1])?;
        end
    } else {
        let end = server.find(':').unwrap_or(server.len());
        check_host(&server[..end])?;
        end
    };
    let (host, rest) = server.split_at(end);
    let port = match rest.strip_prefix(':') {
        Some("") => None,
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(port.parse().map_err(|_| "Malformed port number")?)
        }
        Some(_) => return Err("Illegal character in port number".to_owned()),
        None if rest.is_empty() => None,
        None => return Err("Expected end of authority".to_owned()),
    };
    Ok((host, port))
}

/// An IPv4 address, or labels of which the last begins with a letter.
fn check_host(host: &str) -> Result<(), String> {
    let is_byte =
        |part: &str| part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit()) && part.parse::<u8>().is_ok();
    if host.split('.').count() == 4 && host.split('.').all(is_byte) {
        return Ok(());
    }
    let labels = || host.strip_suffix('.').unwrap_or(host).split('.');
    let legal = |label: &str| {
        let bytes = label.as_bytes();
        label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && bytes.first().is_some_and(|byte| *byte != b'-')
            && bytes.last().is_some_and(|byte| *byte != b'-')
    };
    let mut backwards = labels().rev();
    let last = backwards.next().unwrap_or_default();
    let named = backwards.next().is_none() || last.starts_with(|c: char| c.is_ascii_alphabetic());
    if labels().all(legal) && named { Ok(()) } else { Err("Illegal character in hostname".to_owned()) }
}

fn check_ipv6(text: &str) -> Result<(), String> {
    let address = match text.split_once('%') {
        Some((_, "")) => return Err("Scope id expected".to_owned()),
        Some((address, _)) => address,
        None => text,
    };
    address.parse::<std::net::Ipv6Addr>().map(drop).map_err(|_| "Malformed IPv6 address".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_have_parts() {
        for (text, scheme, host, port, path) in [
            ("http://www.test.com?query#fragment", Some("http"), Some("www.test.com"), None, Some("")),
            ("http://test@confluent.io:8080/a/b?q", Some("http"), Some("confluent.io"), Some(8080), Some("/a/b")),
            ("http://[::1]:80/", Some("http"), Some("[::1]"), Some(80), Some("/")),
            ("http://127.0.0.1/", Some("http"), Some("127.0.0.1"), None, Some("/")),
            ("http://a_b.com/x", Some("http"), None, None, Some("/x")),
            ("http://a.com:/x", Some("http"), Some("a.com"), None, Some("/x")),
            ("file:///etc/passwd", Some("file"), None, None, Some("/etc/passwd")),
            ("mailto:me@host.test", Some("mailto"), None, None, None),
            ("www.confluent.io", None, None, None, Some("www.confluent.io")),
            ("", None, None, None, Some("")),
        ] {
            let uri = Uri::parse(text).unwrap_or_else(|why| panic!("{why}"));
            assert_eq!((uri.scheme, uri.host, uri.port, uri.path), (scheme, host, port, path), "{text}");
        }
    }

    #[test]
    fn what_is_no_uri_is_refused() {
        for text in [
            "http://[bad",
            "http://a b",
            "http://a/b c",
            "http://a/%zz",
            "http://a/[x]",
            "://a",
            "1http://a",
            "http:",
            "http://",
            "http://a/|",
            "a\\b",
            "http://[::zz]/",
        ] {
            assert!(Uri::parse(text).is_err(), "{text}");
        }
    }
}
