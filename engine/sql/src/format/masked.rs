//! Statements as they may be shown to others: values and secrets are not.

use std::ops::Range;

use super::{format_string, ident, join};
use crate::tokens::{Token, tokenize};
use crate::{ConnectorKind, Expr, ExprKind, Ident, Statement};

/// The text of a statement that carries data or passwords, without them; None if it carries none.
///
/// INSERT VALUES shows that there were values, CREATE CONNECTOR which properties were set.
pub fn masked(statement: &Statement) -> Option<String> {
    match statement {
        Statement::InsertValues { target, columns, values } => {
            let names = if columns.is_empty() { String::new() } else { format!(" ({})", join(columns, ", ", quoted)) };
            let values = join(values, ", ", |_| "'[value]'".to_owned());
            Some(format!("INSERT INTO {}{names} VALUES ({values});", quoted(target)))
        }
        Statement::CreateConnector { kind, name, if_not_exists, with } => {
            let kind = if *kind == ConnectorKind::Source { "SOURCE" } else { "SINK" };
            let exists = if *if_not_exists { " IF NOT EXISTS" } else { "" };
            let properties = join(&with.0, ", ", property);
            Some(format!("CREATE {kind} CONNECTOR{exists} {} WITH ({properties});", ident(name)))
        }
        Statement::Set { name, .. } if is_secret(name) => Some(format!("SET {}='[string]';", format_string(name))),
        Statement::ExplainStatement(inner) => masked(inner).map(|text| format!("EXPLAIN {text}")),
        _ => None,
    }
}

/// A text of statements with the values of what looks like a connector's or a secret property hidden, and without users
/// and passwords in URLs.
pub fn masked_text(text: &str) -> String {
    masked_part(text, 0..text.len())
}

/// The same for a part of a text, which may not say by itself what it is part of.
pub(crate) fn masked_part(text: &str, part: Range<usize>) -> String {
    let tokens = tokenize(text);
    let word = |token: &Token| text.get(token.span.start as usize..token.span.end as usize).unwrap_or_default();
    let of_connector = tokens.list.iter().any(|token| word(token).eq_ignore_ascii_case("connector"));
    let (mut shown, mut copied) = (String::new(), part.start);
    for triple in tokens.list.windows(3) {
        let [name, equals, value] = triple else { continue };
        let bare = word(name).trim_matches(['\'', '"', '`']);
        let is_hidden = (of_connector && !bare.eq_ignore_ascii_case("connector.class")) || is_secret(bare);
        let (start, end) = (value.span.start as usize, value.span.end as usize);
        let is_shown = start < part.end && end > copied;
        if is_shown && word(equals) == "=" && word(value).starts_with('\'') && is_hidden {
            shown.push_str(text.get(copied..start).unwrap_or_default());
            shown.push_str("'[string]'");
            copied = end;
        }
    }
    shown.push_str(text.get(copied..part.end).unwrap_or_default());
    without_credentials(&shown)
}

/// Whether a property's value is nobody's business, by its name.
pub fn is_secret(name: &str) -> bool {
    const SECRETS: &[&str] =
        &["password", "secret", "credential", "token", "jaas.config", "basic.auth.user.info", "ssl.key", "private.key"];
    let name = name.to_ascii_lowercase();
    // Whether tokens are given, or where key stores are, is no secret.
    let is_switch =
        [".enabled", ".location", ".type", ".source", ".reload", ".alias"].iter().any(|end| name.ends_with(end));
    !is_switch && SECRETS.iter().any(|secret| name.contains(secret))
}

/// A value without the user and password that a URL in it may carry.
pub fn without_credentials(value: &str) -> String {
    let (mut shown, mut rest) = (String::new(), value);
    while let Some(at) = rest.find("://") {
        let (scheme, after) = rest.split_at(at + 3);
        let host = after.find(['/', '?', '#', ',', ' ', '\'', '"']).unwrap_or(after.len());
        shown.push_str(scheme);
        let (authority, tail) = after.split_at(host);
        match authority.rsplit_once('@') {
            Some((_, host)) => shown.push_str(&format!("[hidden]@{host}")),
            None => shown.push_str(authority),
        }
        rest = tail;
    }
    shown.push_str(rest);
    shown
}

fn property((name, value): &(Ident, Expr)) -> String {
    // which connector it is, is no secret
    match &value.kind {
        ExprKind::String(class) if name.name.eq_ignore_ascii_case("connector.class") => {
            format!("{}={}", format_string(&name.name), format_string(class))
        }
        _ => format!("{}='[string]'", format_string(&name.name)),
    }
}

fn quoted(ident: &Ident) -> String {
    format!("`{}`", ident.name.replace('`', "``"))
}

#[cfg(test)]
mod tests {
    use super::{is_secret, masked, without_credentials};
    use crate::{Variables, parse, parse_one};

    #[test]
    fn values_and_secrets_are_not_shown() {
        let shown = |text: &str| masked(&parse_one(text, &Variables::default()).unwrap().statement);
        assert_eq!(
            shown("INSERT INTO orders (id, `it`) VALUES ('a', 1);").unwrap(),
            "INSERT INTO `ORDERS` (`ID`, `it`) VALUES ('[value]', '[value]');"
        );
        assert_eq!(
            shown("CREATE SINK CONNECTOR c WITH ('connector.class'='Jdbc', \"password\"='x');").unwrap(),
            "CREATE SINK CONNECTOR C WITH ('connector.class'='Jdbc', 'password'='[string]');"
        );
        assert_eq!(shown("LIST STREAMS;"), None);
        assert_eq!(shown("SET 'sasl.jaas.config'='x';").unwrap(), "SET 'sasl.jaas.config'='[string]';");
        assert_eq!(shown("SET 'auto.offset.reset'='earliest';"), None);
    }

    #[test]
    fn secrets_are_not_shown_where_the_grammar_is_broken() {
        let shown = |text: &str| parse(text, &Variables::default()).unwrap_err().statement;
        assert_eq!(
            shown("CREATE SINK CONNECTOR c WITH ('connector.class'='Jdbc', 'password'='x', \"url\" = 'y';"),
            "CREATE SINK CONNECTOR c WITH ('connector.class'='Jdbc', 'password'='[string]', \"url\" = '[string]';"
        );
        let connector = "CREATE SINK CONNECTOR c WITH (\n'connection.password'='x',\n 'url'='y') now;";
        assert_eq!(shown(connector), " 'url'='[string]') now;", "a line of a connector");
        assert_eq!(
            shown("CREATE STREAM s (v INT) WITH ('sasl.password'='x' y);"),
            "CREATE STREAM s (v INT) WITH ('sasl.password'='[string]' y);"
        );
        assert_eq!(shown("SET 'ssl.key.password'='x' now;"), "SET 'ssl.key.password'='[string]' now;");
        assert_eq!(shown("SELECT * FRM s WHERE a='x';"), "SELECT * FRM s WHERE a='x';");
        assert_eq!(shown("SELECT *\r\nFRM s\nWHERE a='x';"), "FRM s", "the offending line");
    }

    #[test]
    fn urls_are_shown_without_user_and_password() {
        assert_eq!(without_credentials("http://a:b@h:1/p, https://c"), "http://[hidden]@h:1/p, https://c");
        assert_eq!(without_credentials("jdbc:postgresql://u:p@ss@h/db?x=1"), "jdbc:postgresql://[hidden]@h/db?x=1");
        assert_eq!(without_credentials("localhost:9092"), "localhost:9092");
        assert!(is_secret("ssl.keystore.password") && !is_secret("ssl.keystore.location"));
        assert!(!is_secret("ksql.query.pull.consistency.token.enabled"));
    }

    #[test]
    fn errors_carry_the_masked_text() {
        let error =
            parse("LIST TOPICS; INSERT INTO orders (id) VALUES ('a', 'b');", &Variables::default()).unwrap_err();
        assert_eq!(error.message, "Failed to prepare statement: Expected number columns and values to match: 1, 2");
        assert_eq!(error.statement, "INSERT INTO `ORDERS` (`ID`) VALUES ('[value]', '[value]');");
        let error = parse("LIST TOPICS; DROP STREAM a, b;", &Variables::default()).unwrap_err();
        assert_eq!(error.statement, "LIST TOPICS; DROP STREAM a, b;");
    }
}
