//! `INSERT INTO stream [WITH (QUERY_ID='x')] SELECT …`

use std::sync::Arc;

use sql::{Ident, Query as SelectQuery, With};

use crate::catalog::{Change, Query, QueryKind, Source};
use crate::steps::{QueryPlan, Sink};

use super::command::Command;
use super::error::{PlanError, Result, Stage};
use super::select::{Select, Selected};
use super::with_properties::{Clause, Properties};
use super::{Planner, messages};

/// Query ids the planner gives out itself.
const RESERVED: &[&str] = &["INSERTQUERY_", "CTAS_", "CSAS_", "CST_"];

impl Planner<'_> {
    pub(super) fn insert_select(
        &self,
        text: &str,
        target: &Ident,
        with: &With,
        query: &SelectQuery,
    ) -> Result<Command> {
        let named = |error: PlanError| error.during(Stage::Names);
        self.check_readable(query).map_err(|error| error.during(Stage::Read))?;
        let properties = Properties::new(with, Clause::Insert)?;
        let froms = self.sources_of(query).map_err(named)?;
        let sink = self.insertable(target).map_err(named)?;
        let resolved = self.names_of(query, froms, true).map_err(named)?;
        let mut select = Select::new(self, resolved, Some(&target.name));
        select.target = Some(sink.schema.clone());
        let selected = select.plan()?;
        let id = self.insert_id(&properties)?;
        check_result(&selected, sink)?;
        if sink.read_only {
            let message = format!("Cannot insert into read-only {}: {}", messages::kind(sink.kind), sink.name);
            return Err(PlanError::statement(message).during(Stage::Start));
        }
        selected.late?;
        let plan = Arc::new(QueryPlan {
            id: id.clone(),
            root: selected.root,
            sink: Some(Sink {
                topic: sink.topic.clone(),
                formats: sink.formats.clone(),
                schema: sink.schema.clone(),
                timestamp: sink.timestamp.clone(),
            }),
            sink_name: Some(sink.name.clone()),
            sources: selected.sources.clone(),
            limit: None,
        });
        let mut command = Command::new(text, messages::query_created(&id));
        command.action.changes.push(Change::PutQuery(Arc::new(Query {
            id,
            kind: QueryKind::InsertInto,
            sources: selected.sources,
            sink: Some(sink.name.clone()),
            statement: text.to_owned(),
            plan,
        })));
        Ok(command)
    }

    fn insertable(&self, target: &Ident) -> Result<&Source> {
        let Some(sink) = self.catalog.source(&target.name) else {
            if let Some(lost) = messages::lost(self.catalog, target) {
                return Err(lost);
            }
            let hint = messages::other_spelling(self.catalog, &target.name);
            let place = self.location(target.span);
            return Err(PlanError::statement(format!("{place}: Source `{}` does not exist.{hint}", target.name))
                .at(target.span)
                .with_hint(messages::similar_source(self.catalog, &target.name)));
        };
        if sink.is_table() {
            return Err(PlanError::statement(format!(
                "INSERT INTO can only be used to insert into a stream. {} is a table.",
                sink.name
            )));
        }
        if !sink.headers.is_empty() {
            return Err(PlanError::statement(format!(
                "Cannot insert into {} because it has header columns",
                sink.name
            )));
        }
        Ok(sink)
    }

    fn insert_id(&self, properties: &Properties) -> Result<String> {
        let Some(wanted) = properties.text("QUERY_ID") else { return Ok(self.query_id("INSERTQUERY", "")) };
        let id = wanted.to_uppercase();
        if let Some(id) = self.session.query_id {
            return Ok(id.to_owned());
        }
        if RESERVED.iter().any(|prefix| id.starts_with(prefix)) {
            return Err(PlanError::statement(format!(
                "Query IDs must not start with a reserved query ID prefix ({}). Got '{id}'.",
                RESERVED.join(", ")
            )));
        }
        if id.is_empty() || !id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(PlanError::statement(format!(
                "Query IDs may contain only alphanumeric characters and '_'. Got: '{id}'"
            )));
        }
        if self.catalog.query(&id).is_some() {
            return Err(PlanError::statement(format!("Query ID '{id}' already exists.")));
        }
        Ok(id)
    }
}

fn check_result(selected: &Selected, sink: &Source) -> Result<()> {
    if selected.root.is_table {
        return Err(PlanError::statement(format!(
            "Incompatible data sink and query result. Data sink ({}) type is STREAM but select query result is TABLE.",
            sink.name
        )));
    }
    let result = &selected.root.schema;
    if *result == sink.schema {
        return Ok(());
    }
    Err(PlanError::statement(format!(
        "Incompatible schema between results and sink.\nResult schema is {result}\nSink schema is {}",
        sink.schema
    )))
}
