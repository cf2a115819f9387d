//! Statements as they may be shown to others: values and secrets are not.

use super::{format_string, ident, join};
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
        Statement::ExplainStatement(inner) => masked(inner).map(|text| format!("EXPLAIN {text}")),
        _ => None,
    }
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
    use super::masked;
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
