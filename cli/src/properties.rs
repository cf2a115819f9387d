//! Java's `.properties` files, as `java.util.Properties` reads them: `name=value`, `name: value` or `name value`, comments
//! after `#` and `!`, `\` at the end of a line that goes on, `\n`, `\t`, `\uXXXX` and the like. Two things are friendlier:
//! the text may be UTF-8, and blanks at the end of a value do not count.

use std::path::Path;

const BLANKS: [char; 3] = [' ', '\t', '\u{c}'];

/// Reads a file into pairs, in order.
pub(crate) fn read(path: &Path) -> Result<Vec<(String, String)>, String> {
    let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    parse(&decode(bytes)).map_err(|problem| format!("{}: {problem}", path.display()))
}

/// UTF-8, else ISO 8859-1 as in Java, whose characters have the numbers of Unicode.
fn decode(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|e| e.as_bytes().iter().copied().map(char::from).collect())
}

fn parse(text: &str) -> Result<Vec<(String, String)>, String> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut pairs = Vec::new();
    let mut lines = text.split('\n').enumerate();
    while let Some((number, line)) = lines.next() {
        let mut line = line.trim_start_matches(BLANKS).to_owned();
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        while is_escaped(&line, line.len()) {
            line.pop();
            let Some((_, next)) = lines.next() else { break };
            line.push_str(next.trim_start_matches(BLANKS));
        }
        let (name, value) = split(&line);
        let unescaped = unescape(name).and_then(|name| Ok((name, unescape(value)?)));
        pairs.push(unescaped.map_err(|problem| format!("line {}: {problem}", number + 1))?);
    }
    Ok(pairs)
}

/// Whether what follows at that place stands behind a backslash that is not itself behind one.
fn is_escaped(text: &str, at: usize) -> bool {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// The name ends at the first `=`, `:` or blank without a backslash; blanks may stand around the separator.
fn split(line: &str) -> (&str, &str) {
    let ends = |&(at, c): &(usize, char)| (matches!(c, '=' | ':') || BLANKS.contains(&c)) && !is_escaped(line, at);
    let end = line.char_indices().find(ends).map_or(line.len(), |(at, _)| at);
    let (name, rest) = line.split_at(end);
    let rest = rest.trim_start_matches(BLANKS);
    let value = rest.strip_prefix(['=', ':']).unwrap_or(rest).trim_start_matches(BLANKS);
    let mut end = value.len();
    while let Some(shorter) = value.get(..end).and_then(|value| value.strip_suffix(BLANKS)) {
        if is_escaped(value, shorter.len()) {
            break;
        }
        end = shorter.len();
    }
    (name, value.get(..end).unwrap_or(value))
}

fn unescape(text: &str) -> Result<String, String> {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let c = match c {
            '\\' => match rest.next() {
                Some('u') => {
                    let digits: String = rest.by_ref().take(4).collect();
                    let unit = (digits.len() == 4).then(|| u16::from_str_radix(&digits, 16).ok()).flatten();
                    units.push(
                        unit.ok_or_else(|| format!("\\u{digits}: \\u and four hexadecimal digits are expected"))?,
                    );
                    continue;
                }
                Some('n') => '\n',
                Some('t') => '\t',
                Some('r') => '\r',
                Some('f') => '\u{c}',
                Some(other) => other,
                None => continue,
            },
            other => other,
        };
        units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
    }
    String::from_utf16(&units).map_err(|_| format!("{text}: half of a pair of \\u escapes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &str)]) {
        let expected: Vec<_> = expected.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert_eq!(parse(text).unwrap(), expected, "{text:?}");
    }

    #[test]
    fn comments_continuations_and_all_separators() {
        check(
            "# a comment\n! another\n\nlisteners=http://0.0.0.0:8088\nksql.service.id : x\nlist=a,\\\n  b\n  # no value \\\nc d e\n",
            &[("listeners", "http://0.0.0.0:8088"), ("ksql.service.id", "x"), ("list", "a,b"), ("c", "d e")],
        );
        check("a\nb=\nc = \r\nd:=x\re==", &[("a", ""), ("b", ""), ("c", ""), ("d", "=x"), ("e", "=")]);
        check("a=1\\\n\nb=2\\", &[("a", "1"), ("b", "2")]);
        check("path=C:\\\\dir\\\\\nb=#no comment", &[("path", "C:\\dir\\"), ("b", "#no comment")]);
    }

    #[test]
    fn escapes() {
        check(r"a\=b\:c\ d = \u0041\u00e4\uD83D\uDE00\n\t\q", &[("a=b:c d", "Aä😀\n\tq")]);
        check("a= x \t", &[("a", "x")]);
        check("a=x\\ ", &[("a", "x ")]);
        assert_eq!(parse("a=1\nb=\\u12").unwrap_err(), "line 2: \\u12: \\u and four hexadecimal digits are expected");
        assert!(parse("a=\\uD83D").unwrap_err().starts_with("line 1: "));
    }

    #[test]
    fn a_file_may_have_either_encoding() {
        assert_eq!(decode("a=ä".as_bytes().to_vec()), "a=ä");
        assert_eq!(decode(b"a=\xe4".to_vec()), "a=ä");
    }
}
