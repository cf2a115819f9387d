//! A pull parser over the bytes of one JSON text. It allocates nothing and checks the grammar of what it skips, too.

use crate::formats::growth::{Growth, TooLarge};

/// Where and why a text is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SyntaxError {
    /// What was expected.
    pub(super) expected: &'static str,
    /// Byte offset.
    pub(super) at: usize,
}

type Result<T> = std::result::Result<T, SyntaxError>;

/// Objects and arrays may be nested this deep, as in Jackson.
const DEPTH_MAX: usize = 1000;

/// A string between its quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawString<'a> {
    /// As it stands in the text, escapes and all.
    pub(super) raw: &'a str,
    /// Whether there are escapes to resolve.
    pub(super) escaped: bool,
}

/// The kind of the value that starts at the scanner's position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
}

/// A position in a JSON text.
#[derive(Clone)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// What the record may become in columns.
    growth: Option<&'a Growth>,
}

impl<'a> Scanner<'a> {
    /// A scanner at the start of `text`.
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, bytes: text.as_bytes(), at: 0, growth: None }
    }

    /// The scanner of a record that may grow so much in columns.
    pub(super) fn within(self, growth: &'a Growth) -> Self {
        Self { growth: Some(growth), ..self }
    }

    /// A scanner of another text that becomes a part of the same record.
    pub(super) fn over(&self, text: &'a str) -> Self {
        Self { growth: self.growth, ..Self::new(text) }
    }

    /// Takes from what the record may grow by.
    pub(super) fn take_growth(&self, bytes: usize) -> std::result::Result<(), TooLarge> {
        self.growth.map_or(Ok(()), |growth| growth.take(bytes))
    }

    /// Bytes are walked over once more.
    pub(super) fn take_walk(&self, bytes: usize) -> std::result::Result<(), TooLarge> {
        self.growth.map_or(Ok(()), |growth| growth.take_walk(bytes))
    }

    /// Byte offset of the next byte.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Whether there is nothing left.
    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// Checks that a number which stands alone ends here: with a blank or with the text, after which `rest` comes.
    pub(super) fn end_number(&self, rest: &[u8]) -> Result<()> {
        match self.bytes.get(self.at).or(rest.first()) {
            None | Some(b' ' | b'\n' | b'\r' | b'\t') => Ok(()),
            Some(_) => self.fail("a blank after the number"),
        }
    }

    /// The text from `start` up to here.
    pub(super) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn fail<T>(&self, expected: &'static str) -> Result<T> {
        Err(SyntaxError { expected, at: self.at })
    }

    /// The next byte after white space, not consumed.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other.copied(),
            }
        }
    }

    /// The kind of the next value.
    #[inline]
    pub(super) fn kind(&mut self) -> Result<Kind> {
        match self.peek() {
            Some(b'"') => Ok(Kind::String),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b't' | b'f') => Ok(Kind::Boolean),
            Some(b'n') => Ok(Kind::Null),
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            _ => self.fail("a value"),
        }
    }

    /// Consumes `{` or `[`; answers whether there is a member (else the closing bracket is consumed, too).
    #[inline]
    pub(super) fn open(&mut self, close: u8) -> Result<bool> {
        self.at += 1;
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(false);
        }
        Ok(true)
    }

    /// After a member: consumes `,` (true) or the closing bracket (false).
    #[inline]
    pub(super) fn more(&mut self, close: u8) -> Result<bool> {
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            _ => self.fail(if close == b'}' { "',' or '}'" } else { "',' or ']'" }),
        }
    }

    /// A key of an object and its colon.
    #[inline]
    pub(super) fn key(&mut self) -> Result<RawString<'a>> {
        if self.peek() != Some(b'"') {
            return self.fail("a field name in double quotes");
        }
        let key = self.string()?;
        if self.peek() != Some(b':') {
            return self.fail("':'");
        }
        self.at += 1;
        Ok(key)
    }

    /// The string whose opening quote is next.
    #[inline]
    pub(super) fn string(&mut self) -> Result<RawString<'a>> {
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at += plain_length(self.bytes.get(self.at..).unwrap_or_default());
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    let raw = self.since(start);
                    self.at += 1;
                    return Ok(RawString { raw, escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return self.fail("an escape for a control character"),
                None => return self.fail("the end of a string"),
            }
        }
    }

    /// Checks one escape sequence.
    fn escape(&mut self) -> Result<()> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => match self.bytes.get(self.at + 2..self.at + 6) {
                Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => self.at += 6,
                _ => return self.fail("four hexadecimal digits"),
            },
            _ => return self.fail("an escape sequence"),
        }
        Ok(())
    }

    /// A number that is an integer of at most 18 digits, else `None` and nothing is consumed.
    #[inline]
    pub(super) fn short_integer(&mut self) -> Option<i64> {
        let negative = self.bytes.get(self.at) == Some(&b'-');
        let first = self.at + usize::from(negative);
        let mut end = first;
        let mut value = 0_i64;
        while let Some(digit @ b'0'..=b'9') = self.bytes.get(end) {
            if end - first == 18 {
                return None;
            }
            value = value * 10 + i64::from(digit - b'0');
            end += 1;
        }
        let leading_zero = end - first > 1 && self.bytes.get(first) == Some(&b'0');
        if end == first || leading_zero || matches!(self.bytes.get(end), Some(b'.' | b'e' | b'E')) {
            return None;
        }
        self.at = end;
        Some(if negative { -value } else { value })
    }

    /// The text of the number that is next.
    #[inline]
    pub(super) fn number(&mut self) -> Result<&'a str> {
        let start = self.at;
        if self.bytes.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        match self.bytes.get(self.at) {
            Some(b'0') => {
                self.at += 1;
                if matches!(self.bytes.get(self.at), Some(b'0'..=b'9')) {
                    return self.fail("no leading zero");
                }
            }
            _ => self.digits()?,
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.bytes.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(self.since(start))
    }

    /// One digit or more.
    #[inline]
    fn digits(&mut self) -> Result<()> {
        let start = self.at;
        while matches!(self.bytes.get(self.at), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { self.fail("a digit") } else { Ok(()) }
    }

    /// `true` or `false`.
    #[inline]
    pub(super) fn boolean(&mut self) -> Result<bool> {
        if self.bytes.get(self.at) == Some(&b't') {
            self.word("true").map(|()| true)
        } else {
            self.word("false").map(|()| false)
        }
    }

    /// `null`.
    #[inline]
    pub(super) fn null(&mut self) -> Result<()> {
        self.word("null")
    }

    fn word(&mut self, word: &'static str) -> Result<()> {
        let end = self.at + word.len();
        if self.bytes.get(self.at..end) != Some(word.as_bytes())
            || self.bytes.get(end).is_some_and(u8::is_ascii_alphanumeric)
        {
            return self.fail("'null', 'true' or 'false'");
        }
        self.at = end;
        Ok(())
    }

    /// Skips the next value.
    pub(super) fn skip(&mut self) -> Result<()> {
        self.skip_nested(0)
    }

    fn skip_nested(&mut self, depth: usize) -> Result<()> {
        match self.kind()? {
            Kind::String => self.string().map(drop),
            Kind::Number => self.number().map(drop),
            Kind::Boolean => self.boolean().map(drop),
            Kind::Null => self.null(),
            _ if depth == DEPTH_MAX => self.fail("fewer levels of nesting"),
            Kind::Object => {
                let mut more = self.open(b'}')?;
                while more {
                    self.key()?;
                    self.skip_nested(depth + 1)?;
                    more = self.more(b'}')?;
                }
                Ok(())
            }
            Kind::Array => {
                let mut more = self.open(b']')?;
                while more {
                    self.skip_nested(depth + 1)?;
                    more = self.more(b']')?;
                }
                Ok(())
            }
        }
    }
}

impl RawString<'_> {
    /// Appends the string with its escapes resolved. A lone surrogate becomes U+FFFD.
    pub(super) fn unescape(&self, out: &mut Vec<u8>) {
        let mut rest = self.raw;
        while let Some(at) = rest.find('\\') {
            out.extend_from_slice(&rest.as_bytes()[..at]);
            let (character, length) = unescape_one(&rest[at..]);
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            rest = rest.get(at + length..).unwrap_or_default();
        }
        out.extend_from_slice(rest.as_bytes());
    }
}

/// The character of the (well-formed) escape sequence at the start of `text`, and the sequence's length.
fn unescape_one(text: &str) -> (char, usize) {
    let character = match text.as_bytes().get(1) {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => {
            let unit = |from: usize| text.get(from..from + 4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
            let first = unit(2).unwrap_or(0xFFFD);
            if let (0xD800..0xDC00, Some("\\u"), Some(second @ 0xDC00..0xE000)) = (first, text.get(6..8), unit(8)) {
                let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12);
            }
            return (char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 6);
        }
        Some(other) => char::from(*other),
        None => char::REPLACEMENT_CHARACTER,
    };
    (character, 2)
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Flags the bytes of `word` that need care inside a JSON string (quote, backslash, control); the lowest flag is exact.
#[inline]
pub(super) fn special(word: u64) -> u64 {
    let zero = |x: u64| x.wrapping_sub(ONES) & !x & HIGHS;
    let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
    zero(word ^ (ONES * u64::from(b'"'))) | zero(word ^ (ONES * u64::from(b'\\'))) | control
}

/// Number of bytes before the first quote, backslash or control character.
#[inline]
fn plain_length(bytes: &[u8]) -> usize {
    let mut at = 0;
    for chunk in bytes.chunks_exact(8) {
        let word = u64::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3], chunk[4], chunk[5], chunk[6], chunk[7]]);
        let found = special(word);
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let tail = bytes.get(at..).unwrap_or_default();
    at + tail.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).unwrap_or(tail.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipping_checks_the_grammar() {
        for text in [
            "null",
            " [1, -2.5e+3 , {\"a\" : [ ] , \"b\":{}}, \"\\u00e9\\n\", true,false]",
            "0",
            "-0.1",
            "\"0123456789\\\"0123456789\"",
        ] {
            let mut scanner = Scanner::new(text);
            assert_eq!(scanner.skip(), Ok(()), "{text}");
            assert_eq!(scanner.position(), text.len());
        }
        for text in [
            "",
            "nul",
            "nulll",
            "[1,]",
            "[1 2]",
            "{\"a\"}",
            "{a:1}",
            "{\"a\":1,}",
            "01",
            "1.",
            "-",
            "1e",
            "\"a",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\n\"",
            "'a'",
            "[",
            "{\"a\":",
        ] {
            assert!(Scanner::new(text).skip().is_err(), "{text}");
        }
        assert!(Scanner::new(&"[".repeat(100_000)).skip().is_err());
    }

    #[test]
    fn escapes_are_resolved() {
        let text = r#""a\"\\\/\b\f\n\r\té\u00e9\ud83d\ude00\ud83dx""#;
        let mut out = Vec::new();
        Scanner::new(text).string().unwrap().unescape(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "a\"\\/\u{8}\u{c}\n\r\téé😀\u{FFFD}x");
    }
}
