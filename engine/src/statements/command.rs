//! What statements that go through the command log answer: their command ids, as clients know them.

use sql::{Join, SourceKind, Statement};

use super::{Failure, FailureKind};

/// ``stream/`X`/create``, `table/X/drop`, `terminate/CSAS_X_1/execute`, …; `None` for other statements.
pub(crate) fn command_id(statement: &Statement) -> Option<String> {
    let all = |id: &Option<sql::Ident>| id.as_ref().map_or_else(|| "ALL".to_owned(), |id| id.name.clone());
    Some(match statement {
        Statement::CreateSource(create) => format!("{}/`{}`/create", kind(create.kind), create.name.name),
        Statement::CreateAs(create) => format!("{}/`{}`/create", kind(create.kind), create.name.name),
        Statement::InsertSelect { target, .. } => format!("stream/`{}`/create", target.name),
        Statement::AlterSource { kind: of, name, .. } => format!("{}/{}/alter", kind(*of), name.name),
        Statement::DropSource { kind: of, name, .. } => format!("{}/{}/drop", kind(*of), name.name),
        Statement::CreateType { name, .. } => format!("type/{}/create", name.name),
        Statement::DropType { name, .. } => format!("type/{}/drop", name.name),
        Statement::Terminate { id } => format!("terminate/{}/execute", all(id)),
        Statement::Pause { id } => format!("pause/{}/execute", all(id)),
        Statement::Resume { id } => format!("resume/{}/execute", all(id)),
        _ => return None,
    })
}

fn kind(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Stream => "stream",
        SourceKind::Table => "table",
    }
}

/// What ksqlDB warns of although the statement works.
pub(crate) fn warnings(statement: &Statement) -> Vec<String> {
    let query = match statement {
        Statement::CreateAs(create) => &create.query,
        Statement::InsertSelect { query, .. } => query,
        _ => return Vec::new(),
    };
    // Only joins of two streams have a WITHIN.
    let without_grace = |join: &Join| join.within.as_ref().is_some_and(|within| within.grace.is_none());
    if !query.joins.iter().any(without_grace) {
        return Vec::new();
    }
    vec![
        "DEPRECATION NOTICE: Stream-stream joins statements without a GRACE PERIOD will not be accepted in a future ksqlDB \
         version.\nPlease use the GRACE PERIOD clause as specified in \
         https://docs.ksqldb.io/en/latest/developer-guide/ksqldb-reference/select-push-query/"
            .to_owned(),
    ]
}

/// SELECT and PRINT have endpoints of their own.
pub(crate) fn wrong_endpoint() -> Failure {
    Failure::new(
        FailureKind::QueryEndpoint,
        "The following statement types should be issued to the websocket endpoint '/query':\n\t* PRINT\n\t* SELECT",
    )
}

/// A statement that is understood but not offered.
pub(crate) fn unsupported(statement: &Statement) -> Failure {
    match statement {
        Statement::AlterSystem { name, value } => Failure::new(
            FailureKind::Server,
            format!(
                "Could not write the statement 'ALTER SYSTEM '{name}'='{value}';' into the command topic.\nCaused by: \
                 Cannot alter system configs when KSQL_SHARED_RUNTIME_ENABLED is\n\tturned off."
            ),
        ),
        Statement::CreateConnector { .. } | Statement::DropConnector { .. } | Statement::DescribeConnector { .. } => {
            Failure::statement("Connectors are not supported: no Kafka Connect is configured")
        }
        _ => Failure::statement("This statement only makes sense in the shell or in a test script"),
    }
}

#[cfg(test)]
mod tests {
    use super::command_id;
    use sql::{Ident, SourceKind, Statement};

    #[test]
    fn only_create_quotes_the_name() {
        let drop = Statement::DropSource {
            kind: SourceKind::Table,
            name: Ident::new("T"),
            if_exists: false,
            delete_topic: true,
        };
        assert_eq!(command_id(&drop).as_deref(), Some("table/T/drop"));
        assert_eq!(command_id(&Statement::Terminate { id: None }).as_deref(), Some("terminate/ALL/execute"));
    }
}
