//! Protobuf's source, compared as its words and symbols, without comments and layout.

use protox::file::File;

use super::Canonical;
use super::descriptor;

/// Brackets in each other: the parser calls itself for each.
const MAX_LEVELS: usize = 64;

/// The text as it is kept, and as it is compared.
pub(super) fn canonical(text: &str) -> Result<Canonical, String> {
    let text = if descriptor::is_base64(text.trim()) { descriptor::text(text.trim())? } else { text.to_owned() };
    let identity = words(&text)?;
    let (mut levels, mut most) = (0_usize, 0);
    for word in identity.split(' ') {
        match word {
            "{" | "[" | "<" | "(" => levels += 1,
            "}" | "]" | ">" | ")" => levels = levels.saturating_sub(1),
            _ => {}
        }
        most = most.max(levels);
    }
    if most > MAX_LEVELS {
        return Err(format!("it has more than {MAX_LEVELS} brackets in each other"));
    }
    File::from_source("schema", &text).map_err(|error| error.to_string())?;
    Ok(Canonical { text, identity })
}

/// The words and symbols of a `.proto` file, one space between them. Texts stay as they are.
fn words(text: &str) -> Result<String, String> {
    let mut tokens = String::with_capacity(text.len());
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => {
                rest = rest.find('\n').map_or("", |end| &rest[end..]).trim_start();
                continue;
            }
            '/' if rest.starts_with("/*") => {
                let end = rest[2..].find("*/").ok_or("a comment does not end")?;
                rest = rest[end + 4..].trim_start();
                continue;
            }
            '"' | '\'' => string_length(rest, first).ok_or("a string does not end")?,
            _ if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        if !tokens.is_empty() {
            tokens.push(' ');
        }
        tokens.push_str(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    if tokens.is_empty() {
        return Err("Empty schema".to_owned());
    }
    Ok(tokens)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '+')
}

/// How long the string is that begins here, quotes included.
fn string_length(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\n' => return None,
            _ if c == quote => return Some(at + c.len_utf8()),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_and_comments_do_not_count() {
        let dense = "syntax = \"proto3\";message A{string n=1;// the name\n}";
        let loose = "/* of\n A */ syntax=\"proto3\" ;\n\nmessage A {\n  string n = 1;\n}\n";
        assert_eq!(words(dense).unwrap(), words(loose).unwrap());
        assert_ne!(words(dense).unwrap(), words("syntax = \"proto3\";message A{string m=1;}").unwrap());
        assert_eq!(words("a='// \\' \"'").unwrap(), "a = '// \\' \"'");
        assert!(words("/* a").is_err() && words("a = \"").is_err() && words(" // a").is_err());
    }
}
