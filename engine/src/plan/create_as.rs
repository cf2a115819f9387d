//! `CREATE [OR REPLACE] STREAM|TABLE name WITH (…) AS SELECT …`

use std::sync::Arc;

use sql::{CreateAs, Emit, Statement};

use crate::catalog::{Change, Query, QueryKind, Source, SourceKind};
use crate::config::setting;
use crate::steps::{QueryPlan, Sink};

use super::command::{Command, NewTopic};
use super::error::{PlanError, Result, Stage};
use super::formats::Side;
use super::resolve::Resolved;
use super::select::{Select, Selected};
use super::with_properties::{Clause, Properties};
use super::{Planner, formats, messages, upgrade};

impl Planner<'_> {
    pub(super) fn create_as(&self, text: &str, create: &CreateAs) -> Result<Command> {
        self.check_readable(&create.query).map_err(|error| error.during(Stage::Read))?;
        let properties = Properties::new(&create.with, Clause::CreateAs)?;
        messages::check_not_lost(self.catalog, &create.name, create.or_replace)
            .map_err(|error| error.during(Stage::Change))?;
        let existing = self.catalog.source(&create.name.name);
        if let (Some(existing), true) = (existing, create.if_not_exists) {
            return Ok(Command::warning(text, messages::exists_already_warning(create.kind, existing)));
        }
        let resolved = self.resolve(&create.query, true)?;
        let topic = self.plan_topic(create, &properties, &resolved).map_err(|error| error.during(Stage::Topic))?;
        let mut bare = CreateAs { query: Box::new(resolved.query.clone()), ..create.clone() };
        bare.query.emit.get_or_insert(Emit::Changes);
        let filled = CreateAs { with: topic.with, ..bare.clone() };
        let shown = |create: CreateAs| messages::shown(&Statement::CreateAs(create));
        self.create_resolved(create, &properties, resolved, topic.topic, &filled)
            .map_err(|error| error.shown_as(&shown(filled), &shown(bare)))
    }

    fn create_resolved(
        &self,
        create: &CreateAs,
        properties: &Properties,
        resolved: Resolved,
        topic: NewTopic,
        filled: &CreateAs,
    ) -> Result<Command> {
        let name = &create.name.name;
        let mut select = Select::new(self, resolved, Some(name));
        select.properties = Some(properties);
        let mut selected = select.plan()?;
        let late = std::mem::replace(&mut selected.late, Ok(()));
        self.check_schema_size(selected.root.schema.columns().map(|column| column.ty.parts()).sum())
            .map_err(|error| error.during(Stage::Change))?;
        let mut sink = self.plan_sink(name, &topic.name, properties, &selected)?;
        if let (Some(old), false) = (self.catalog.source(name), create.or_replace) {
            return Err(messages::exists_already(create.kind, old));
        }
        let statement = messages::shown(&Statement::CreateAs(filled.clone()));
        check_result_kind(create.kind, &selected, &statement)?;
        self.check_registry(&sink.topic, &sink.formats, &sink.schema)
            .and_then(|()| self.check_written_schemas(&mut sink))
            .map_err(|error| error.during(Stage::Fill))?;
        let mut named = filled.clone();
        for (side, spec) in [(Side::Key, &sink.formats.key), (Side::Value, &sink.formats.value)] {
            if let (Some(_), Some(name)) = (spec.schema_id, &spec.full_name) {
                messages::set_schema_name(&mut named.with, properties, side, name);
            }
        }
        let statement = messages::shown(&Statement::CreateAs(named));
        let starts = late.and_then(|()| formats::check_columns(&sink.schema, &sink.formats));
        let topic = self.topics.topic(&topic.name).is_none().then_some(topic);
        let command = self.create_derived(create, &statement, selected, sink, topic);
        let command = command.map_err(|error| error.during(Stage::Change))?;
        starts.map(|()| command).map_err(|error| error.during(Stage::Start))
    }

    fn create_derived(
        &self,
        create: &CreateAs,
        statement: &str,
        selected: Selected,
        sink: Sink,
        topic: Option<NewTopic>,
    ) -> Result<Command> {
        let name = &create.name.name;
        let source = Source {
            name: name.clone(),
            kind: create.kind,
            schema: selected.root.schema.clone(),
            headers: Vec::new(),
            topic: sink.topic.clone(),
            formats: sink.formats.clone(),
            timestamp: sink.timestamp.clone(),
            read_only: false,
            derived: true,
            statement: statement.to_owned(),
            created: 0,
        };
        let replaced = self.replaced_query(create, &source)?;
        let prefix = if create.kind == SourceKind::Stream { "CSAS" } else { "CTAS" };
        let id = replaced.as_ref().map_or_else(|| self.query_id(prefix, name), |query| query.id.clone());
        let plan = Arc::new(QueryPlan {
            id: id.clone(),
            root: selected.root,
            sink: Some(sink),
            sink_name: Some(name.clone()),
            sources: selected.sources.clone(),
            limit: None,
        });
        if let Some(old) = &replaced {
            upgrade::check_query(&old.plan, &plan)?;
        }
        let mut command = Command::new(statement, messages::query_created(&id));
        command.topics.extend(topic);
        plan.sink.iter().for_each(|sink| Self::schemas_of_sink(sink, &mut command));
        command.action.end_lost(self.catalog.lost_source(name));
        command.action.changes.push(Change::PutSource(Arc::new(source)));
        command.action.changes.push(Change::PutQuery(Arc::new(Query {
            id,
            kind: QueryKind::CreateAs,
            sources: selected.sources,
            sink: Some(name.clone()),
            statement: statement.to_owned(),
            plan,
        })));
        Ok(command)
    }

    /// The query that an OR REPLACE takes the place of.
    fn replaced_query(&self, create: &CreateAs, new: &Source) -> Result<Option<Arc<Query>>> {
        let Some(old) = self.catalog.source(&new.name) else { return Ok(None) };
        self.check_replace_enabled()?;
        let kind = messages::kind(create.kind);
        if old.read_only {
            return Err(PlanError::statement(format!(
                "Cannot add {kind} '{}': CREATE OR REPLACE is not supported on source {kind}s.",
                new.name
            )));
        }
        upgrade::check_source(old, new)?;
        let writers: Vec<&Arc<Query>> = self.catalog.writers(&new.name).collect();
        match writers.as_slice() {
            [] => Ok(None),
            [only] if only.kind == QueryKind::CreateAs => Ok(Some(Arc::clone(only))),
            several => {
                let ids: Vec<&str> = several.iter().map(|query| query.id.as_str()).collect();
                Err(PlanError::statement(format!(
                    "REPLACE for sink {} is not supported because there are multiple queries writing into it: [{}]",
                    new.name,
                    ids.join(", ")
                )))
            }
        }
    }

    pub(super) fn check_replace_enabled(&self) -> Result<()> {
        if self.session.config.get(setting::CREATE_OR_REPLACE_ENABLED) {
            return Ok(());
        }
        Err(PlanError::statement(
            "CREATE OR REPLACE is disabled. You can enable it by setting 'ksql.create.or.replace.enabled' to true",
        ))
    }
}

fn check_result_kind(kind: SourceKind, selected: &Selected, statement: &str) -> Result<()> {
    let made = if selected.root.is_table { SourceKind::Table } else { SourceKind::Stream };
    if made == kind {
        return Ok(());
    }
    let made = messages::kind_upper(made);
    Err(PlanError::statement(format!(
        "Invalid result type. Your SELECT query produces a {made}. Please use CREATE {made} AS SELECT statement \
         instead."
    ))
    .of(statement))
}
