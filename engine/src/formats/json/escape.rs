//! Strings as Jackson writes them.

use super::scan::special;

/// What becomes of characters beyond U+FFFF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Surrogates {
    /// `\uD83D\uDE00`, as Jackson does when it writes bytes: Kafka records and REST rows.
    Escaped,
    /// UTF-8, as Jackson does when it writes text.
    Plain,
}

/// Appends `text` in double quotes.
#[inline]
pub(super) fn write_string(text: &str, surrogates: Surrogates, out: &mut String) {
    out.push('"');
    let mut rest = text;
    loop {
        let plain = plain_length(rest.as_bytes(), surrogates);
        let (head, tail) = rest.split_at_checked(plain).unwrap_or((rest, ""));
        out.push_str(head);
        let Some(character) = tail.chars().next() else { break };
        write_escape(character, out);
        rest = &tail[character.len_utf8()..];
    }
    out.push('"');
}

/// Number of bytes before the first character that is escaped.
#[inline]
fn plain_length(bytes: &[u8], surrogates: Surrogates) -> usize {
    let mut at = 0;
    for chunk in bytes.chunks_exact(8) {
        let word = u64::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3], chunk[4], chunk[5], chunk[6], chunk[7]]);
        // Anything beyond ASCII is looked at byte by byte.
        if special(word) != 0 || word & 0x8080_8080_8080_8080 != 0 {
            break;
        }
        at += 8;
    }
    let tail = bytes.get(at..).unwrap_or_default();
    let escaped = |byte: &u8| match byte {
        b'"' | b'\\' | 0..0x20 => true,
        0xF0.. => surrogates == Surrogates::Escaped,
        _ => false,
    };
    at + tail.iter().position(escaped).unwrap_or(tail.len())
}

#[cold]
fn write_escape(character: char, out: &mut String) {
    let short = match character {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\u{8}' => "\\b",
        '\u{c}' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        _ => {
            for unit in character.encode_utf16(&mut [0; 2]) {
                out.push_str("\\u");
                for shift in [12, 8, 4, 0] {
                    let digit = char::from_digit(u32::from(*unit >> shift) & 15, 16).unwrap_or('0');
                    out.push(digit.to_ascii_uppercase());
                }
            }
            return;
        }
    };
    out.push_str(short);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_as_jackson_does() {
        let text = |surrogates| {
            let mut out = String::new();
            write_string(
                "quote \" back \\ slash / tab \t \u{1}\u{1f}\u{7f} é € 😀 plain ascii to the end",
                surrogates,
                &mut out,
            );
            out
        };
        let ascii = "\"quote \\\" back \\\\ slash / tab \\t \\u0001\\u001F\u{7f} é € ";
        assert_eq!(text(Surrogates::Escaped), format!("{ascii}\\uD83D\\uDE00 plain ascii to the end\""));
        assert_eq!(text(Surrogates::Plain), format!("{ascii}😀 plain ascii to the end\""));
    }
}
