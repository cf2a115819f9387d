//! Everything that is not a query.

use super::{format_expr, format_query, format_string, format_type, ident, join, query::interval};
use crate::{
    ConnectorKind, Constraint, CreateAs, CreateSource, Element, Expr, Ident, Interval, Show, SourceKind, Statement,
    With,
};

/// The canonical text of a statement, without a closing `;`.
pub fn format(statement: &Statement) -> String {
    match statement {
        Statement::CreateSource(create) => format!("CREATE {}", create_source(create)),
        Statement::CreateAs(create) => create_as(create),
        Statement::InsertSelect { target, with, query } => {
            format!("INSERT INTO {}{} {}", ident(target), with_clause(with), format_query(query))
        }
        Statement::InsertValues { target, columns, values } => {
            format!("INSERT INTO {}{} VALUES {}", ident(target), column_list(columns), row(values))
        }
        Statement::AlterSource { kind, name, add } => {
            let columns = join(add, ", ", |(name, ty)| format!("ADD COLUMN {} {}", ident(name), format_type(ty)));
            format!("ALTER {} {} {columns}", source_kind(*kind), ident(name))
        }
        Statement::DropSource { kind, name, if_exists, delete_topic } => {
            let delete = if *delete_topic { " DELETE TOPIC" } else { "" };
            format!("DROP {}{} {}{delete}", source_kind(*kind), exists(*if_exists), ident(name))
        }
        Statement::CreateType { name, ty, if_not_exists } => {
            format!("CREATE TYPE{} {} AS {}", not_exists(*if_not_exists), ident(name), format_type(ty))
        }
        Statement::DropType { name, if_exists } => format!("DROP TYPE{} {}", exists(*if_exists), ident(name)),
        Statement::CreateConnector { kind, name, if_not_exists, with } => {
            let (kind, name) = (connector_kind(*kind), ident(name));
            format!("CREATE {kind} CONNECTOR{} {name}{}", not_exists(*if_not_exists), connector_properties(with))
        }
        Statement::DropConnector { name, if_exists } => format!("DROP CONNECTOR{} {}", exists(*if_exists), ident(name)),
        Statement::DescribeConnector { name } => format!("DESCRIBE CONNECTOR {}", ident(name)),
        Statement::DescribeSource { name, extended } => {
            format!("DESCRIBE {}{}", described(name), extended_word(*extended))
        }
        Statement::DescribeAll { kind, extended } => {
            format!("DESCRIBE {}S{}", source_kind(*kind), extended_word(*extended))
        }
        Statement::DescribeFunction { name } => format!("DESCRIBE FUNCTION {}", ident(name)),
        Statement::ExplainQuery { id } => format!("EXPLAIN {}", ident(id)),
        Statement::ExplainStatement(inner) => format!("EXPLAIN {}", format(inner)),
        Statement::Query(query) => format_query(query),
        _ => admin(statement),
    }
}

fn admin(statement: &Statement) -> String {
    match statement {
        Statement::Show(show) => format!("SHOW {}", shown(show)),
        Statement::Print { topic, from_beginning, interval, limit } => {
            let from = if *from_beginning { " FROM BEGINNING" } else { "" };
            let interval = interval.map(|n| format!(" INTERVAL {n}")).unwrap_or_default();
            let limit = limit.map(|n| format!(" LIMIT {n}")).unwrap_or_default();
            format!("PRINT {}{from}{interval}{limit}", format_string(&topic.name))
        }
        Statement::Terminate { id } => format!("TERMINATE {}", id_or_all(id.as_ref())),
        Statement::Pause { id } => format!("PAUSE {}", id_or_all(id.as_ref())),
        Statement::Resume { id } => format!("RESUME {}", id_or_all(id.as_ref())),
        Statement::Set { name, value } => format!("SET {}", assignment(name, value)),
        Statement::Unset { name } => format!("UNSET {}", format_string(name)),
        Statement::AlterSystem { name, value } => format!("ALTER SYSTEM {}", assignment(name, value)),
        Statement::Define { name, value } => format!("DEFINE {name}={}", format_string(value)),
        Statement::Undefine { name } => format!("UNDEFINE {name}"),
        Statement::AssertTopic { exists, topic, with, timeout } => {
            let topic = format_string(&topic.name);
            format!("ASSERT {}TOPIC {topic}{}{}", not_word(*exists), with_clause(with), timeout_clause(*timeout))
        }
        Statement::AssertSchema { exists, subject, id, timeout } => {
            let subject = subject.as_ref().map(|s| format!(" SUBJECT {}", format_string(s))).unwrap_or_default();
            let id = id.map(|id| format!(" ID {id}")).unwrap_or_default();
            format!("ASSERT {}SCHEMA{subject}{id}{}", not_word(*exists), timeout_clause(*timeout))
        }
        Statement::AssertValues { source, columns, values } => {
            format!("ASSERT VALUES {}{} VALUES {}", ident(source), column_list(columns), row(values))
        }
        Statement::AssertNullValues { source, columns, key } => {
            format!("ASSERT NULL VALUES {}{} KEY {}", ident(source), column_list(columns), row(key))
        }
        Statement::AssertSource(create) => format!("ASSERT {}", create_source(create)),
        Statement::RunScript { file } => format!("RUN SCRIPT {}", format_string(file)),
        _ => String::new(),
    }
}

fn create_source(create: &CreateSource) -> String {
    let replace = if create.or_replace { "OR REPLACE " } else { "" };
    let source = if create.source { "SOURCE " } else { "" };
    let (kind, name) = (source_kind(create.kind), ident(&create.name));
    let elements = if create.elements.is_empty() {
        String::new()
    } else {
        format!(" ({})", join(&create.elements, ", ", format_element))
    };
    let exists = not_exists(create.if_not_exists);
    format!("{replace}{source}{kind}{exists} {name}{elements}{}", with_clause(&create.with))
}

fn create_as(create: &CreateAs) -> String {
    let replace = if create.or_replace { "OR REPLACE " } else { "" };
    let (kind, name) = (source_kind(create.kind), ident(&create.name));
    let (exists, with) = (not_exists(create.if_not_exists), with_clause(&create.with));
    format!("CREATE {replace}{kind}{exists} {name}{with} AS {}", format_query(&create.query))
}

/// A column with its type and constraint.
pub fn format_element(element: &Element) -> String {
    let constraint = match &element.constraint {
        Constraint::None => String::new(),
        Constraint::Key => " KEY".to_owned(),
        Constraint::PrimaryKey => " PRIMARY KEY".to_owned(),
        Constraint::Headers => " HEADERS".to_owned(),
        Constraint::Header(key) => format!(" HEADER({})", format_string(key)),
    };
    format!("{} {}{constraint}", ident(&element.name), format_type(&element.ty))
}

/// `WITH (A=1, B='x')`, or nothing if there are no properties.
pub fn format_with(with: &With) -> String {
    with_clause(with).trim_start().to_owned()
}

fn with_clause(with: &With) -> String {
    if with.0.is_empty() {
        return String::new();
    }
    format!(" WITH ({})", join(&with.0, ", ", |(name, value)| format!("{}={}", ident(name), format_expr(value))))
}

/// Connectors have their property names in quotes: `'connector.class'`.
fn connector_properties(with: &With) -> String {
    if with.0.is_empty() {
        return String::new();
    }
    let one = |(name, value): &(Ident, Expr)| format!("{}={}", format_string(&name.name), format_expr(value));
    format!(" WITH ({})", join(&with.0, ", ", one))
}

/// A stream called TABLES or FUNCTION is not the keyword.
fn described(name: &Ident) -> String {
    match name.name.as_str() {
        word @ ("TABLES" | "FUNCTION") => format!("`{word}`"),
        _ => ident(name),
    }
}

fn shown(show: &Show) -> String {
    match show {
        Show::Topics { all, extended } => {
            format!("{}TOPICS{}", if *all { "ALL " } else { "" }, extended_word(*extended))
        }
        Show::Sources { kind, extended } => format!("{}S{}", source_kind(*kind), extended_word(*extended)),
        Show::Functions => "FUNCTIONS".to_owned(),
        Show::Connectors { kind: Some(kind) } => format!("{} CONNECTORS", connector_kind(*kind)),
        Show::Connectors { kind: None } => "CONNECTORS".to_owned(),
        Show::ConnectorPlugins => "CONNECTOR PLUGINS".to_owned(),
        Show::Queries { extended } => format!("QUERIES{}", extended_word(*extended)),
        Show::Properties => "PROPERTIES".to_owned(),
        Show::Types => "TYPES".to_owned(),
        Show::Variables => "VARIABLES".to_owned(),
    }
}

fn source_kind(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Stream => "STREAM",
        SourceKind::Table => "TABLE",
    }
}

fn connector_kind(kind: ConnectorKind) -> &'static str {
    match kind {
        ConnectorKind::Source => "SOURCE",
        ConnectorKind::Sink => "SINK",
    }
}

fn column_list(columns: &[Ident]) -> String {
    if columns.is_empty() { String::new() } else { format!(" ({})", join(columns, ", ", ident)) }
}

fn row(values: &[Expr]) -> String {
    format!("({})", join(values, ", ", format_expr))
}

fn assignment(name: &str, value: &str) -> String {
    format!("{}={}", format_string(name), format_string(value))
}

fn id_or_all(id: Option<&Ident>) -> String {
    id.map_or_else(|| "ALL".to_owned(), ident)
}

fn timeout_clause(timeout: Option<Interval>) -> String {
    timeout.map(|t| format!(" TIMEOUT {}", interval(t))).unwrap_or_default()
}

fn exists(if_exists: bool) -> &'static str {
    if if_exists { " IF EXISTS" } else { "" }
}

fn not_exists(if_not_exists: bool) -> &'static str {
    if if_not_exists { " IF NOT EXISTS" } else { "" }
}

fn not_word(exists: bool) -> &'static str {
    if exists { "" } else { "NOT EXISTS " }
}

fn extended_word(extended: bool) -> &'static str {
    if extended { " EXTENDED" } else { "" }
}
