//! Reading JSON text part by part, and writing it down without blanks, without building the document.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::io;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Error, Value as Json};

use super::nested::TextMap;

/// What is wrong with a text that is no JSON.
pub(super) fn refusal(text: &str, error: &Error) -> String {
    match serde_json::from_str::<Json>(text) {
        // It tells the place in the whole text.
        Err(error) => format!("not JSON: {error}"),
        Ok(_) => format!("not JSON: {error}"),
    }
}

/// Calls `each` with the text of every element of an array; `false` for other JSON.
pub(super) fn items(text: &str, each: impl FnMut(&str) -> Result<(), Error>) -> Result<bool, Error> {
    if !begins(text, b'[') {
        serde_json::from_str::<IgnoredAny>(text)?;
        return check_escapes(text).map(|()| false);
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.deserialize_seq(Items(each))?;
    reader.end().map(|()| true)
}

/// Appends the fields of an object; `write` appends what stands for the text of a value. `false` for other JSON.
pub(super) fn fields(
    text: &str,
    entries: &mut TextMap,
    write: impl FnMut(&str, &mut String) -> Result<(), Error>,
) -> Result<bool, Error> {
    if !begins(text, b'{') {
        serde_json::from_str::<IgnoredAny>(text)?;
        return check_escapes(text).map(|()| false);
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.deserialize_map(Fields { entries, write })?;
    reader.end().map(|()| true)
}

/// What is skipped is not decoded: there could be one half of a surrogate pair in it.
pub(super) fn check_escapes(text: &str) -> Result<(), Error> {
    if text.contains("\\ud") || text.contains("\\uD") {
        serde_json::from_str::<Json>(text)?;
    }
    Ok(())
}

/// Whether the first character that is no blank is this one.
pub(super) fn begins(text: &str, first: u8) -> bool {
    text.bytes().find(|byte| !is_blank(*byte)) == Some(first)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

struct Items<F>(F);

impl<'de, F: FnMut(&str) -> Result<(), Error>> Visitor<'de> for Items<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<&RawValue>()? {
            (self.0)(item.get()).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

struct Fields<'e, F> {
    entries: &'e mut TextMap,
    write: F,
}

impl<'de, F: FnMut(&str, &mut String) -> Result<(), Error>> Visitor<'de> for Fields<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut fields: A) -> Result<(), A::Error> {
        while fields.next_key_seed(Key(self.entries))?.is_some() {
            let value: &RawValue = fields.next_value()?;
            self.entries.write_value(|out| (self.write)(value.get(), out)).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

/// Begins an entry with the key that is read.
struct Key<'e>(&'e mut TextMap);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<(), E> {
        self.0.push_key(key);
        Ok(())
    }
}

/// Appends a text in quotes, escaped.
pub(super) fn quote(text: &str, out: &mut String) {
    // Nothing fails: what is written are parts of a text.
    let _ = serde_json::to_writer(Sink(out), text);
}

struct Sink<'o>(&'o mut String);

impl io::Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.push_str(std::str::from_utf8(bytes).map_err(io::Error::other)?);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Appends what a JSON string stands for.
pub(super) fn unquote(literal: &str, out: &mut String) -> Result<(), Error> {
    match literal.get(1..literal.len() - 1).filter(|inside| !inside.contains('\\')) {
        Some(plain) => out.push_str(plain),
        None => out.push_str(&serde_json::from_str::<Cow<'_, str>>(literal)?),
    }
    Ok(())
}

/// Writes JSON down without blanks, in one pass over its text.
#[derive(Default)]
pub(super) struct Compact {
    /// The objects that are open, by number.
    open: Vec<usize>,
    /// Object, start and end of every key in what is written.
    keys: Vec<(usize, usize, usize)>,
}

impl Compact {
    /// Appends one JSON value as text, as a `serde_json::Value` would show it.
    pub(super) fn push(&mut self, value: &str, out: &mut String) -> Result<(), Error> {
        let start = out.len();
        self.copy(value, out)?;
        if self.repeats_a_key(out) {
            // The last of two fields counts, where the first one stood: only a document can tell.
            out.truncate(start);
            let document: Json = serde_json::from_str(value)?;
            let _ = write!(out, "{document}");
        }
        Ok(())
    }

    /// As [`Self::push`], but a text without its quotes.
    pub(super) fn push_bare(&mut self, value: &str, out: &mut String) -> Result<(), Error> {
        if value.starts_with('"') { unquote(value, out) } else { self.push(value, out) }
    }

    fn copy(&mut self, mut rest: &str, out: &mut String) -> Result<(), Error> {
        self.open.clear();
        self.keys.clear();
        let (mut objects, mut last) = (0, 0);
        while let Some(first) = rest.bytes().next() {
            let (token, after) = rest.split_at(token_length(rest, first));
            rest = after;
            match first {
                blank if is_blank(blank) => continue,
                b'"' => {
                    last = out.len();
                    push_string(token, out)?;
                    continue;
                }
                b'-' | b'0'..=b'9' => {
                    push_number(token, out);
                    continue;
                }
                b'{' => {
                    self.open.push(objects);
                    objects += 1;
                }
                b'}' => drop(self.open.pop()),
                // The string before it was a key.
                b':' => self.keys.push((self.open.last().copied().unwrap_or_default(), last, out.len())),
                _ => {}
            }
            out.push_str(token);
        }
        Ok(())
    }

    fn repeats_a_key(&mut self, out: &str) -> bool {
        let key = |(object, start, end): &(usize, usize, usize)| (*object, out.get(*start..*end).unwrap_or_default());
        self.keys.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
        self.keys.windows(2).any(|pair| key(&pair[0]) == key(&pair[1]))
    }
}

/// Length of the string, number, word or sign a text of JSON begins with.
fn token_length(text: &str, first: u8) -> usize {
    match first {
        b'"' => {
            let mut escaped = false;
            let ends = |(_, byte): &(usize, u8)| {
                let ends = *byte == b'"' && !escaped;
                escaped = *byte == b'\\' && !escaped;
                ends
            };
            text.bytes().enumerate().skip(1).find(ends).map_or(text.len(), |(at, _)| at + 1)
        }
        b'{' | b'}' | b'[' | b']' | b':' | b',' => 1,
        blank if is_blank(blank) => 1,
        _ => text.find([',', ']', '}', ' ', '\t', '\n', '\r']).unwrap_or(text.len()),
    }
}

fn push_string(literal: &str, out: &mut String) -> Result<(), Error> {
    // All other escapes are the ones that are written.
    if literal.contains("\\u") || literal.contains("\\/") {
        quote(&serde_json::from_str::<Cow<'_, str>>(literal)?, out);
    } else {
        out.push_str(literal);
    }
    Ok(())
}

/// Digits stay as they are, an exponent gets a sign.
fn push_number(number: &str, out: &mut String) {
    let Some((digits, exponent)) = number.split_once(['e', 'E']) else { return out.push_str(number) };
    out.push_str(digits);
    out.push('e');
    out.push_str(if exponent.starts_with(['+', '-']) { "" } else { "+" });
    out.push_str(exponent);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_json_is_what_a_document_shows() {
        for text in [
            "1",
            " -0 ",
            "1e3",
            "1E-2",
            "12345678901234567890123",
            "1.50",
            "null",
            " true",
            "\"\"",
            "\"a b\"",
            "\"\\\\u0041 \\\" \\u0041 \\/ \\ud83d\\ude00 \\b\\f\\n\\r\\t \\u0007\\u001f\\u007f\"",
            "[ ]",
            "{ }",
            "[1 , [ 2, {\"a b\" : [ ] } ] ,\t\"x\"\r\n]",
            "{\"a\": 1, \"b\": {\"a\": 2}, \"c\": [{\"a\": 3}, {\"a\": 4}]}",
            "{\"a\": 1, \"b\": 2, \"a\": {\"x\": 1, \"x\": [2 ]}}",
            "[{\"\\u0061\": 1, \"a\": 2}]",
            "{\"\": \"\\\\\", \"é😀\": [\"]\", \"}\", \",\", \":\"]}",
            "[[[[[[{\"a\":[{\"a\":[{\"a\":1e5}]}]}]]]]]]",
        ] {
            let mut out = "before".to_owned();
            Compact::default().push(text, &mut out).unwrap();
            assert_eq!(out, format!("before{}", serde_json::from_str::<Json>(text).unwrap()), "{text}");
        }
        assert!(Compact::default().push("[\"\\ud800\"]", &mut String::new()).is_err());
    }
}
