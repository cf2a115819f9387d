//! What stands behind the imports of a schema: the files that it refers to, and those that need no reference.

use protox::file::{File, FileResolver, GoogleFileResolver};

use super::well_known;
use crate::schemas::Schema;

/// Brackets in each other: the parser calls itself for each.
const LEVELS_MAX: usize = 64;

/// What the schema's own file is called where nobody else names it; Confluent's registry calls it so, too.
pub(crate) const OWN: &str = "default";

/// The schema's own file.
pub(crate) fn own(schema: &Schema) -> Result<File, String> {
    file(OWN, &schema.text)
}

/// The file that is imported by that name: names are those of the references, never relative to who imports.
pub(crate) fn imported(name: &str, schema: &Schema) -> Result<File, String> {
    if let Some(other) = schema.referenced.iter().find(|other| other.name == name) {
        return file(name, &other.text).map_err(|problem| format!("{name}: {problem}"));
    }
    if let Some(text) = well_known::text(name) {
        return file(name, text);
    }
    GoogleFileResolver::new().open_file(name).map_err(|_| format!("import \"{name}\" is not there"))
}

fn file(name: &str, text: &str) -> Result<File, String> {
    if levels(text) > LEVELS_MAX {
        return Err(format!("a Protobuf schema may have {LEVELS_MAX} brackets in each other"));
    }
    File::from_source(name, text).map_err(|error| error.to_string())
}

/// How many brackets stand in each other at most, those in comments and texts left out.
fn levels(text: &str) -> usize {
    let (mut level, mut most) = (0_usize, 0);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        rest = match first {
            '{' | '[' | '<' | '(' => {
                level += 1;
                most = most.max(level);
                after
            }
            '}' | ']' | '>' | ')' => {
                level = level.saturating_sub(1);
                after
            }
            '/' if after.starts_with('/') => after.split_once('\n').map_or("", |(_, rest)| rest),
            '/' if after.starts_with('*') => {
                after.get(1..).and_then(|comment| comment.split_once("*/")).map_or("", |(_, rest)| rest)
            }
            '"' | '\'' => after_string(after, first),
            _ => after,
        };
    }
    most
}

/// What follows a string that has begun.
pub(super) fn after_string(text: &str, quote: char) -> &str {
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            chars.next();
        } else if c == quote || c == '\n' {
            return text.get(at + 1..).unwrap_or_default();
        }
    }
    ""
}
