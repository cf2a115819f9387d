//! Statements → canonical text: `parse(format(x)) == x`.
//!
//! The layout is ksqlDB's, as clients show it: one line for statements, several for queries, every operator in brackets.

mod expr;
mod masked;
mod query;
mod statement;

pub use expr::{format_expr, format_type};
pub(crate) use masked::masked_part;
pub use masked::{is_secret, masked, masked_text, without_credentials};
pub use query::format_query;
pub use statement::{format, format_element, format_with};

use crate::{Ident, keywords};

/// A name as it has to be written: in backquotes unless it is an upper-case word that is no reserved keyword.
pub fn format_ident(name: &str) -> String {
    if needs_quotes(name) { format!("`{}`", name.replace('`', "``")) } else { name.to_owned() }
}

/// A string literal.
pub fn format_string(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

fn needs_quotes(name: &str) -> bool {
    let word = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_' || b == b'@';
    let mut bytes = name.bytes();
    let Some(first) = bytes.next() else { return true };
    if first == b'@' || !name.bytes().all(word) || keywords::is_reserved(name) {
        return true;
    }
    // `1R` is a name, `1` and `1E3` are numbers
    first.is_ascii_digit() && name.bytes().all(|b| b.is_ascii_digit() || b == b'E')
}

fn ident(ident: &Ident) -> String {
    format_ident(&ident.name)
}

/// `items` between `separator`s.
fn join<T>(items: &[T], separator: &str, one: impl Fn(&T) -> String) -> String {
    items.iter().map(one).collect::<Vec<_>>().join(separator)
}

/// `items` between commas, written one after the other.
fn list<T>(out: &mut String, open: &str, items: &[T], close: &str, one: impl Fn(&mut String, &T)) {
    out.push_str(open);
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            out.push_str(", ");
        }
        one(out, item);
    }
    out.push_str(close);
}

#[cfg(test)]
mod tests {
    use super::format_ident;

    #[test]
    fn only_names_that_need_quotes_get_them() {
        assert_eq!(format_ident("ORDERS"), "ORDERS");
        assert_eq!(format_ident("A@1_"), "A@1_");
        assert_eq!(format_ident("1R"), "1R");
        assert_eq!(format_ident("DATE"), "DATE");
        for name in ["orders", "SELECT", "1", "1E3", "MY-TOPIC", "É", "@A", ""] {
            assert_eq!(format_ident(name), format!("`{name}`"));
        }
        assert_eq!(format_ident("a`b"), "`a``b`");
    }
}
