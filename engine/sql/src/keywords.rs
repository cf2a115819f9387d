//! The words of the language. A reserved word is an identifier only when quoted.

/// Words that cannot be used as identifiers without quotes.
const RESERVED: &[&str] = &[
    "ADVANCE",
    "ALL",
    "AND",
    "AS",
    "AT",
    "BEGINNING",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "CATALOG",
    "CONNECTOR",
    "CONNECTORS",
    "CREATE",
    "DAYS",
    "DECIMAL",
    "DELETE",
    "DESCRIBE",
    "DISTINCT",
    "DROP",
    "ELSE",
    "END",
    "EXISTS",
    "EXPORT",
    "EXTENDED",
    "FALSE",
    "FROM",
    "FULL",
    "GROUP",
    "HAVING",
    "HOPPING",
    "HOURS",
    "IN",
    "INNER",
    "INSERT",
    "INTO",
    "IS",
    "JOIN",
    "LEFT",
    "LIKE",
    "LIMIT",
    "LIST",
    "LOAD",
    "MATERIALIZED",
    "MILLISECOND",
    "MILLISECONDS",
    "MINUTES",
    "MONTHS",
    "NAMESPACE",
    "NOT",
    "NULL",
    "ON",
    "OR",
    "OUTER",
    "PAUSE",
    "PRINT",
    "PROPERTIES",
    "QUERIES",
    "QUERY",
    "RENAME",
    "RESUME",
    "RETENTION",
    "RIGHT",
    "RUN",
    "SAMPLE",
    "SCRIPT",
    "SECONDS",
    "SELECT",
    "SIZE",
    "STREAM",
    "STREAMS",
    "TABLE",
    "TERMINATE",
    "THEN",
    "TO",
    "TOPIC",
    "TOPICS",
    "TRUE",
    "TUMBLING",
    "UNSET",
    "VALUES",
    "VIEW",
    "WHEN",
    "WHERE",
    "WINDOW",
    "WITH",
    "WITHIN",
    "YEARS",
];

/// Words that mean something to the grammar and are identifiers everywhere else.
const NON_RESERVED: &[&str] = &[
    "ADD",
    "ALTER",
    "ANALYZE",
    "ARRAY",
    "ASSERT",
    "CHANGES",
    "COLUMN",
    "COLUMNS",
    "DATE",
    "DAY",
    "DEFINE",
    "EMIT",
    "ESCAPE",
    "EXPLAIN",
    "FINAL",
    "FUNCTION",
    "FUNCTIONS",
    "GRACE",
    "HEADER",
    "HEADERS",
    "HOUR",
    "ID",
    "IF",
    "INTEGER",
    "INTERVAL",
    "KEY",
    "MAP",
    "MINUTE",
    "MONTH",
    "PARTITION",
    "PARTITIONS",
    "PERIOD",
    "PLUGINS",
    "PRIMARY",
    "REPLACE",
    "RESET",
    "SCHEMA",
    "SECOND",
    "SESSION",
    "SET",
    "SHOW",
    "SINK",
    "SOURCE",
    "STRING",
    "STRUCT",
    "SUBJECT",
    "SYSTEM",
    "TABLES",
    "TIME",
    "TIMEOUT",
    "TIMESTAMP",
    "TYPE",
    "TYPES",
    "UNDEFINE",
    "VARIABLES",
    "YEAR",
    "ZONE",
];

/// Words a statement can start with, in the order in which a misspelt one is compared with them.
pub(crate) const STATEMENT_STARTS: &[&str] = &[
    "SELECT",
    "CREATE",
    "INSERT",
    "DESCRIBE",
    "PRINT",
    "EXPLAIN",
    "SHOW",
    "LIST",
    "TERMINATE",
    "PAUSE",
    "RESUME",
    "DROP",
    "SET",
    "DEFINE",
    "UNDEFINE",
    "UNSET",
    "ASSERT",
    "ALTER",
];

/// The keyword that `word` is, in any case.
pub(crate) fn lookup(word: &str) -> Option<&'static str> {
    let find = |list: &'static [&'static str]| {
        list.binary_search_by(|k| k.bytes().cmp(word.bytes().map(|b| b.to_ascii_uppercase())))
            .ok()
            .and_then(|i| list.get(i))
    };
    find(RESERVED).or_else(|| find(NON_RESERVED)).copied()
}

/// Whether a keyword (upper case) needs quotes to be an identifier.
pub(crate) fn is_reserved(keyword: &str) -> bool {
    RESERVED.binary_search(&keyword).is_ok()
}

/// All keywords, for completion and highlighting.
pub fn keywords() -> impl Iterator<Item = &'static str> {
    RESERVED.iter().chain(NON_RESERVED).copied()
}

#[cfg(test)]
mod tests {
    use super::{NON_RESERVED, RESERVED, is_reserved, lookup};

    #[test]
    fn lists_are_sorted_for_binary_search() {
        assert!(RESERVED.is_sorted());
        assert!(NON_RESERVED.is_sorted());
        assert_eq!(RESERVED.len(), 88);
    }

    #[test]
    fn lookup_ignores_case() {
        assert_eq!(lookup("select"), Some("SELECT"));
        assert_eq!(lookup("Emit"), Some("EMIT"));
        assert_eq!(lookup("orders"), None);
        assert!(is_reserved("SELECT") && !is_reserved("EMIT"));
    }
}
