//! Java's `.properties` files: `name=value`, `name: value`, comments, lines continued by `\`.

use std::path::Path;

/// Reads a file into pairs, in order.
pub(crate) fn read(path: &Path) -> Result<Vec<(String, String)>, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    parse(&text).map_err(|problem| format!("{}: {problem}", path.display()))
}

fn parse(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let mut line = line.trim().to_owned();
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        while line.ends_with('\\') {
            line.pop();
            let Some((_, next)) = lines.next() else { break };
            line.push_str(next.trim());
        }
        let (name, value) = line
            .split_once(['=', ':'])
            .ok_or_else(|| format!("line {}: name=value is expected: {line}", number + 1))?;
        pairs.push((name.trim().to_owned(), value.trim().to_owned()));
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_continuations_and_both_separators() {
        let text = "# a comment\n! another\n\nlisteners=http://0.0.0.0:8088\nksql.service.id : x\nlist=a,\\\n  b\n";
        let expected = [("listeners", "http://0.0.0.0:8088"), ("ksql.service.id", "x"), ("list", "a,b")];
        assert_eq!(parse(text).unwrap(), expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
    }

    #[test]
    fn a_line_without_a_value_is_named() {
        assert_eq!(parse("a=1\nnonsense").unwrap_err(), "line 2: name=value is expected: nonsense");
    }
}
