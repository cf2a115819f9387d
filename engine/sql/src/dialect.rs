//! What sqlparser's tokenizer has to know of ksqlDB's text.

use sqlparser::dialect::Dialect;

/// Identifiers, quotes and numbers as ksqlDB writes them.
#[derive(Debug)]
pub(crate) struct Ksql;

impl Dialect for Ksql {
    fn is_identifier_start(&self, c: char) -> bool {
        c.is_ascii_alphabetic() || c == '_'
    }

    fn is_identifier_part(&self, c: char) -> bool {
        c.is_ascii_alphanumeric() || c == '_' || c == '@'
    }

    fn is_delimited_identifier_start(&self, c: char) -> bool {
        c == '`' || c == '"'
    }

    /// `1abc` is a name.
    fn supports_numeric_prefix(&self) -> bool {
        true
    }

    /// `$` opens a variable, never a quoted string.
    fn supports_dollar_placeholder(&self) -> bool {
        true
    }
}
