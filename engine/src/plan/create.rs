//! `CREATE [OR REPLACE] [SOURCE] STREAM|TABLE name (columns) WITH (…)`

use std::sync::Arc;

use sql::{Constraint, CreateSource, Element, Expr, ExprKind, Statement};

use crate::catalog::{Change, HeaderColumn, Query, QueryKind, Source, SourceKind, inline_types, resolve_type};
use crate::steps::{Formats, QueryPlan};
use crate::types::{Column, Schema, SqlType, header_type};

use super::command::{Command, NewTopic};
use super::error::{PlanError, Result};
use super::formats;
use super::names::{self, is_system_column};
use super::with_properties::{Clause, Properties};
use super::{Planner, messages, sink, source, upgrade};

impl Planner<'_> {
    pub(super) fn create_source(&self, text: &str, create: &CreateSource) -> Result<Command> {
        let properties = Properties::new(&create.with, Clause::Create)?;
        messages::check_not_lost(self.catalog, &create.name, create.or_replace)?;
        let declared = self.declared_columns(create)?;
        let typed = || messages::shown(&Statement::CreateSource(self.with_types(self.with_default_formats(create))));
        let named = self.format_names(&properties)?;
        let formats = self.source_formats(&properties, named, &declared).map_err(|error| error.of(&typed()))?;
        let statement = messages::shown(&Statement::CreateSource(self.filled_in(create)));
        let existing = self.catalog.source(&create.name.name);
        if let (Some(existing), true) = (existing, create.if_not_exists) {
            return Ok(Command::warning(text, messages::exists_already_warning(create.kind, existing)));
        }
        let topics = self.source_topic(create, &properties)?;
        let source = Source {
            name: create.name.name.clone(),
            kind: create.kind,
            schema: declared.schema,
            headers: declared.headers,
            topic: properties.text("KAFKA_TOPIC").unwrap_or_default().to_owned(),
            formats,
            timestamp: properties.timestamp.clone(),
            read_only: create.source,
            derived: false,
            statement: statement.clone(),
            created: 0,
        };
        formats::check_wrap(
            &source.formats.value.name,
            source.record_schema().value.len(),
            properties.wrap_single_value,
        )
        .and_then(|()| self.make_source(create, existing, source, topics))
        .map_err(|error| error.of(&statement))
    }

    fn make_source(
        &self,
        create: &CreateSource,
        existing: Option<&Arc<Source>>,
        source: Source,
        topics: Vec<NewTopic>,
    ) -> Result<Command> {
        self.check_registry(&source.topic, &source.formats, &source.schema)?;
        self.check_declared(&source)?;
        sink::check_timestamp(&source.schema, source.timestamp.as_ref())?;
        self.check_replaceable(create, existing, &source)?;
        let source = Arc::new(source);
        let mut command = Command::new(source.statement.clone(), messages::created(create.kind));
        command.topics = topics;
        command.changes.push(Change::PutSource(Arc::clone(&source)));
        if source.read_only && source.is_table() {
            self.materialise(&source, &mut command)?;
        }
        Ok(command)
    }

    fn declared_columns(&self, create: &CreateSource) -> Result<Declared> {
        let mut declared = Declared::default();
        let mut parts = 0;
        for element in &create.elements {
            let ty = resolve_type(&element.ty, self.catalog)
                .map_err(|unknown| PlanError::prepare(unknown.to_string()).at(element.name.span))?;
            parts += ty.parts();
            messages::check_schema_size(parts).map_err(|error| error.at(element.name.span))?;
            check_element(element, &ty, &declared)?;
            let column = Column::new(&*element.name.name, ty);
            match &element.constraint {
                Constraint::Key | Constraint::PrimaryKey => declared.schema.key.push(column),
                Constraint::None => declared.schema.value.push(column),
                Constraint::Headers => declared.push_header(column, None),
                Constraint::Header(key) => declared.push_header(column, Some(key.clone())),
            }
        }
        if let Some(twice) = names::first_duplicate(declared.schema.columns().map(|column| column.name.as_str())) {
            return Err(PlanError::prepare(format!("Duplicate column names: `{twice}`")));
        }
        Ok(declared)
    }

    /// The names of the key format and the value format, as the statement or the settings have them.
    fn format_names(&self, properties: &Properties) -> Result<(String, String)> {
        let key = properties.key_format().or_else(|| self.default_format("key")).unwrap_or_else(|| "KAFKA".to_owned());
        let value = properties.value_format().or_else(|| self.default_format("value"));
        Ok((key, value.ok_or_else(messages::missing_value_format)?))
    }

    fn source_formats(
        &self,
        properties: &Properties,
        (key, value): (String, String),
        declared: &Declared,
    ) -> Result<Formats> {
        let wanted = [
            (formats::Side::Key, &key, properties.key_schema_id, !declared.schema.key.is_empty()),
            (formats::Side::Value, &value, properties.value_schema_id, !declared.schema.value.is_empty()),
        ];
        for (side, format, id, has_columns) in wanted {
            messages::check_schema_id(side, format, id.is_some(), has_columns)?;
        }
        formats::check_schema_properties(properties, &key, &value)?;
        Ok(Formats {
            key: formats::key_spec(&key, properties.key_delimiter, declared.schema.key.len())?,
            value: formats::value_spec(
                &value,
                properties.value_delimiter,
                properties.wrap_single_value,
                self.default_wrap(),
            )?,
            window: properties.window,
        })
    }

    fn check_declared(&self, source: &Source) -> Result<()> {
        if source.schema.is_empty() {
            return Err(PlanError::statement("No columns supplied."));
        }
        if source.is_table() && source.schema.key.is_empty() {
            return Err(PlanError::statement("Tables require a PRIMARY KEY. Please define the PRIMARY KEY."));
        }
        if source.is_windowed() && source.schema.key.is_empty() {
            return Err(PlanError::statement("Windowed sources require a key column."));
        }
        formats::check_columns(&source.record_schema(), &source.formats)
    }

    fn source_topic(&self, create: &CreateSource, properties: &Properties) -> Result<Vec<NewTopic>> {
        let name = properties.text("KAFKA_TOPIC").unwrap_or_default();
        if create.kind == SourceKind::Table && properties.window.is_none() && properties.retention_ms.is_some() {
            return Err(messages::retention_of_plain_table());
        }
        sink::check_topic_name(name)?;
        let Some(existing) = self.topics.topic(name) else {
            let Some(partitions) = properties.partitions else {
                return Err(self.topic_is_missing(create, name));
            };
            let replicas = properties.replicas.unwrap_or(1);
            return Ok(vec![NewTopic {
                name: name.to_owned(),
                partitions: sink::partition_count(name, partitions)?,
                replicas: sink::replica_count(replicas),
                cleanup_policy: formats::cleanup_policy(create.kind, properties.window),
                retention_ms: properties.retention_ms,
            }]);
        };
        sink::check_existing_topic(name, existing, properties)?;
        Ok(Vec::new())
    }

    fn topic_is_missing(&self, create: &CreateSource, topic: &str) -> PlanError {
        let mut example = self.with_default_formats(create);
        messages::set_number(&mut example.with, "PARTITIONS", 2);
        PlanError::general(format!(
            "Topic '{topic}' does not exist. If you want to create a new topic for the stream/table please re-run the \
             statement providing the required 'PARTITIONS' configuration in the WITH clause (and optionally \
             'REPLICAS'). For example: {}",
            messages::shown(&Statement::CreateSource(example))
        ))
    }

    /// The statement without custom types.
    fn with_types(&self, mut create: CreateSource) -> CreateSource {
        for element in &mut create.elements {
            inline_types(&mut element.ty, self.catalog);
        }
        create
    }

    /// The statement with the properties it took from the session and without custom types.
    fn filled_in(&self, create: &CreateSource) -> CreateSource {
        let mut filled = self.with_types(self.with_default_formats(create));
        messages::set_text(&mut filled.with, "CLEANUP_POLICY", formats::cleanup_policy(create.kind, None));
        filled
    }

    /// Both formats are written out, in upper case, unless the user named both.
    fn with_default_formats(&self, create: &CreateSource) -> CreateSource {
        let mut filled = create.clone();
        let given = |name: &str| create.with.0.iter().find(|(property, _)| property.name == name);
        if given("FORMAT").is_some() || (given("KEY_FORMAT").is_some() && given("VALUE_FORMAT").is_some()) {
            return filled;
        }
        for (property, side) in [("KEY_FORMAT", "key"), ("VALUE_FORMAT", "value")] {
            let format = match given(property) {
                Some((_, Expr { kind: ExprKind::String(text), .. })) => Some(text.to_uppercase()),
                _ => self.default_format(side),
            };
            if let Some(format) = format {
                messages::set_text(&mut filled.with, property, &format);
            }
        }
        filled
    }

    fn check_replaceable(&self, create: &CreateSource, existing: Option<&Arc<Source>>, new: &Source) -> Result<()> {
        let kind = messages::kind(create.kind);
        if create.or_replace && (create.source || existing.is_some_and(|old| old.read_only)) {
            return Err(PlanError::statement(format!(
                "Cannot add {kind} '{}': CREATE OR REPLACE is not supported on source {kind}s.",
                new.name
            )));
        }
        match existing {
            None => Ok(()),
            Some(old) if !create.or_replace => Err(messages::exists_already(create.kind, old)),
            Some(old) => {
                self.check_replace_enabled()?;
                upgrade::check_source(old, new)
            }
        }
    }

    /// A read-only table keeps its rows for pull queries.
    fn materialise(&self, source: &Arc<Source>, command: &mut Command) -> Result<()> {
        if !self.session.config.enabled("ksql.source.table.materialization.enabled") {
            return Err(PlanError::statement(
                "Cannot execute command because source table materialization is disabled.",
            ));
        }
        let id = self.query_id("CST", &source.name);
        let plan = Arc::new(QueryPlan {
            id: id.clone(),
            root: source::whole(source),
            sink: None,
            sink_name: Some(source.name.clone()),
            sources: vec![source.name.clone()],
            limit: None,
        });
        command.changes.push(Change::PutQuery(Arc::new(Query {
            id: id.clone(),
            kind: QueryKind::SourceTable,
            sources: vec![source.name.clone()],
            sink: Some(source.name.clone()),
            statement: source.statement.clone(),
            plan: Arc::clone(&plan),
        })));
        command.message = messages::query_created(&id);
        command.start = Some(plan);
        Ok(())
    }
}

/// Refuses reserved names, and header columns of the wrong type or number.
fn check_element(element: &Element, ty: &SqlType, so_far: &Declared) -> Result<()> {
    let name = &element.name.name;
    if is_system_column(name) {
        return Err(PlanError::statement(format!(
            "'{name}' is a reserved column name. You cannot use it as a name for a column."
        ))
        .at(element.name.span));
    }
    let wrong_type = match &element.constraint {
        Constraint::Headers if *ty != header_type() => {
            Some(("HEADERS".to_owned(), "ARRAY<STRUCT<`KEY` STRING, `VALUE` BYTES>>"))
        }
        Constraint::Header(key) if *ty != SqlType::Bytes => Some((format!("HEADER('{key}')"), "BYTES")),
        _ => None,
    };
    if let Some((what, expected)) = wrong_type {
        let message = format!("Invalid type for {what} column: expected {expected}, got {ty}");
        return Err(PlanError::prepare(message).at(element.name.span));
    }
    let clash = match &element.constraint {
        Constraint::Headers | Constraint::Header(_) if so_far.headers.iter().any(|header| header.key.is_none()) => {
            Some("HEADERS".to_owned())
        }
        Constraint::Header(key) if so_far.headers.iter().any(|header| header.key.as_ref() == Some(key)) => {
            Some(format!("HEADER('{key}')"))
        }
        Constraint::Headers if !so_far.headers.is_empty() => Some("HEADER".to_owned()),
        _ => None,
    };
    match clash {
        Some(what) => Err(PlanError::prepare(format!("Schema already contains a {what} column."))),
        None => Ok(()),
    }
}

/// Columns of a CREATE.
#[derive(Default)]
struct Declared {
    schema: Schema,
    headers: Vec<HeaderColumn>,
}

impl Declared {
    fn push_header(&mut self, column: Column, key: Option<String>) {
        self.headers.push(HeaderColumn { name: column.name.clone(), key });
        self.schema.value.push(column);
    }
}
