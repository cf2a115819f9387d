//! Protobuf's source as its words and symbols, without comments and layout.

/// The words and symbols of a `.proto` file, one space between them. Texts stay as they are.
pub(super) fn identity(text: &str) -> Result<String, String> {
    // Some clients send a file's descriptor as Base64, which has no words.
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)) && !text.is_empty() {
        return Ok(text.to_owned());
    }
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
        assert_eq!(identity(dense).unwrap(), identity(loose).unwrap());
        assert_ne!(identity(dense).unwrap(), identity("syntax = \"proto3\";message A{string m=1;}").unwrap());
        assert_eq!(identity("a='// \\' \"'").unwrap(), "a = '// \\' \"'");
        assert!(identity("/* a").is_err() && identity("a = \"").is_err() && identity(" // a").is_err());
    }
}
