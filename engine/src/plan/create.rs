//! `CREATE [OR REPLACE] [SOURCE] STREAM|TABLE name (columns) WITH (…)`

use std::sync::Arc;

use sql::{Constraint, CreateSource, Element, Expr, ExprKind, Statement};

use crate::catalog::{Change, HeaderColumn, Query, QueryKind, Source, SourceKind, inline_types, resolve_type};
use crate::config::setting;
use crate::steps::{Formats, QueryPlan};
use crate::types::{Column, Schema, SqlType, header_type};

use super::command::{Command, DEFAULT_RETENTION_MS, NewTopic};
use super::error::{PlanError, Result, Stage};
use super::formats;
use super::inference::Inferred;
use super::names::{self, is_system_column};
use super::with_properties::{Clause, Properties};
use super::{Planner, messages, sink, source, upgrade};

impl Planner<'_> {
    pub(super) fn create_source(&self, text: &str, create: &CreateSource) -> Result<Command> {
        let declared = self.declared_columns(create).map_err(|error| error.during(Stage::Read))?;
        let properties = Properties::new(&create.with, Clause::Create)?;
        messages::check_not_lost(self.catalog, &create.name, create.or_replace)
            .map_err(|error| error.during(Stage::Change))?;
        let typed = || messages::shown(&Statement::CreateSource(self.with_types(self.with_default_formats(create))));
        let filled = |error: PlanError| error.during(Stage::Fill);
        let named = self.format_names(&properties).map_err(filled)?;
        let formats = self
            .source_formats(create, &properties, named, &declared)
            .map_err(|error| filled(error).shown(&typed()))?;
        let mut source = Source {
            name: create.name.name.clone(),
            kind: create.kind,
            schema: declared.schema,
            headers: declared.headers,
            topic: properties.text("KAFKA_TOPIC").unwrap_or_default().to_owned(),
            formats,
            timestamp: properties.timestamp.clone(),
            read_only: create.source,
            derived: false,
            statement: String::new(),
            created: 0,
        };
        let mut whole = create.clone();
        let inferred = self.check_inferred(&source).and_then(|()| self.infer(&mut whole, &properties, &mut source));
        let inferred = inferred.map_err(|error| filled(error).shown(&typed()))?;
        let create = &whole;
        let topics = self.source_topic(create, &properties).map_err(|error| error.during(Stage::Topic))?;
        let statement = messages::shown(&Statement::CreateSource(self.filled_in(create)));
        source.statement.clone_from(&statement);
        self.check_registered(create, &properties, &source)
            .map_err(filled)
            .and_then(|()| self.make_source(text, create, source, inferred, topics))
            .map_err(|error| error.shown(&statement))
    }

    /// Refuses columns that make no schema, and schemas that need a registry.
    fn check_registered(&self, create: &CreateSource, properties: &Properties, source: &Source) -> Result<()> {
        check_headers(create)?;
        let columns = source.record_schema().value.len();
        formats::check_wrap(&source.formats.value.name, columns, properties.wrap_single_value)?;
        self.check_registry(&source.topic, &source.formats, &source.schema)?;
        if !source.schema.is_empty() {
            return Ok(());
        }
        Err(PlanError::statement("No columns supplied.").with_hint(Some(format!(
            "{} says nothing about columns: declare them, as in {} (name VARCHAR)",
            source.formats.value.name, source.name
        ))))
    }

    fn make_source(
        &self,
        text: &str,
        create: &CreateSource,
        source: Source,
        inferred: Inferred,
        topics: Vec<NewTopic>,
    ) -> Result<Command> {
        let existing = self.catalog.source(&source.name);
        self.check_declared(create, existing, &source)?;
        formats::check_columns(&source.record_schema(), &source.formats)?;
        if source.is_windowed() && source.schema.key.is_empty() {
            return Err(PlanError::statement("Windowed sources require a key column."));
        }
        if let Some(existing) = existing {
            if create.if_not_exists {
                return Ok(Command::warning(text, messages::exists_already_warning(create.kind, existing)));
            }
            self.check_replace_enabled()?;
            upgrade::check_source(existing, &source).map_err(|error| error.during(Stage::Change))?;
        }
        let source = Arc::new(source);
        let mut command = Command::new(source.statement.clone(), messages::created(create.kind));
        command.topics = topics;
        Self::schemas_of_source(&source, inferred, &mut command);
        command.action.end_lost(self.catalog.lost_source(&source.name));
        command.action.changes.push(Change::PutSource(Arc::clone(&source)));
        if source.read_only && source.is_table() {
            self.materialise(&source, &mut command);
        }
        Ok(command)
    }

    fn declared_columns(&self, create: &CreateSource) -> Result<Declared> {
        let mut declared = Declared::default();
        let mut parts = 0;
        for element in &create.elements {
            let ty = resolve_type(&element.ty, self.catalog, &self.session.bounds)
                .map_err(|unknown| messages::unknown_type(self.catalog, &unknown, element.name.span))?;
            parts += ty.parts();
            self.check_schema_size(parts).map_err(|error| error.at(element.name.span).during(Stage::Change))?;
            check_header_type(element, &ty)?;
            let column = Column::new(&*element.name.name, ty);
            match &element.constraint {
                Constraint::Key | Constraint::PrimaryKey => declared.schema.key.push(column),
                Constraint::None => declared.schema.value.push(column),
                Constraint::Headers => declared.push_header(column, None),
                Constraint::Header(key) => declared.push_header(column, Some(key.clone())),
            }
        }
        check_twice(create)?;
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
        create: &CreateSource,
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
        let key = formats::key_spec(&key, properties.key_delimiter, declared.schema.key.len())?;
        let wrap = properties.wrap_single_value;
        let value = formats::value_spec(&value, properties.value_delimiter, wrap, self.default_wrap())?;
        let name = &create.name.name;
        Ok(Formats {
            key: formats::with_schema(key, formats::Side::Key, name, properties),
            value: formats::with_schema(value, formats::Side::Value, name, properties),
            window: properties.window,
        })
    }

    /// What ksqlDB looks at before it looks at the formats.
    fn check_declared(&self, create: &CreateSource, existing: Option<&Arc<Source>>, source: &Source) -> Result<()> {
        let keeps_rows = create.source && source.is_table();
        if keeps_rows && !self.session.config.get(setting::SOURCE_TABLE_MATERIALIZATION_ENABLED) {
            return Err(PlanError::statement(
                "Cannot execute command because source table materialization is disabled.",
            ));
        }
        let is_header =
            |element: &sql::Element| matches!(element.constraint, Constraint::Headers | Constraint::Header(_));
        if !self.session.config.get(setting::HEADERS_COLUMNS_ENABLED) && create.elements.iter().any(is_header) {
            let kind = if source.is_table() { "Table" } else { "Stream" };
            let message = format!("Cannot create {kind} because schema with headers columns is disabled.");
            return Err(PlanError::statement(message));
        }
        create.elements.iter().try_for_each(check_name)?;
        let check_timestamp = || sink::check_timestamp(&source.schema, source.timestamp.as_ref());
        if !source.is_table() {
            check_timestamp()?;
        }
        match existing {
            Some(old) if !create.or_replace && !create.if_not_exists => {
                return Err(messages::exists_already(create.kind, old));
            }
            _ => {}
        }
        if source.is_table() && source.schema.key.is_empty() {
            return Err(PlanError::statement("Tables require a PRIMARY KEY. Please define the PRIMARY KEY."));
        }
        if create.or_replace && (create.source || existing.is_some_and(|old| old.read_only)) {
            let kind = messages::kind(create.kind);
            return Err(PlanError::statement(format!(
                "Cannot add {kind} '{}': CREATE OR REPLACE is not supported on source {kind}s.",
                source.name
            )));
        }
        if source.is_table() { check_timestamp() } else { Ok(()) }
    }

    fn source_topic(&self, create: &CreateSource, properties: &Properties) -> Result<Vec<NewTopic>> {
        let name = properties.text("KAFKA_TOPIC").unwrap_or_default();
        properties.check_cleanup_policy()?;
        sink::check_topic_name(name)?;
        let existing = self.topics.topic(name);
        if existing.is_none() && properties.partitions.is_none() {
            return Err(self.topic_is_missing(create, name));
        }
        let is_plain_table = create.kind == SourceKind::Table && properties.window.is_none();
        if is_plain_table && properties.retention_ms.is_some() {
            return Err(messages::retention_of_plain_table());
        }
        let Some(existing) = existing else {
            let partitions = properties.partitions.unwrap_or(1);
            let replicas = properties.replicas.unwrap_or(1);
            return Ok(vec![NewTopic {
                name: name.to_owned(),
                partitions: sink::partition_count(name, partitions)?,
                replicas: sink::replica_count(replicas),
                cleanup_policy: formats::cleanup_policy(create.kind, properties.window.is_some()),
                retention_ms: (!is_plain_table).then(|| properties.retention_ms.unwrap_or(DEFAULT_RETENTION_MS)),
            }]);
        };
        sink::check_existing_topic(name, existing, properties)?;
        Ok(Vec::new())
    }

    fn topic_is_missing(&self, create: &CreateSource, topic: &str) -> PlanError {
        let mut example = self.with_default_formats(create);
        messages::set_number(&mut example.with, "PARTITIONS", 2);
        PlanError::statement(format!(
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
        messages::set_text(&mut filled.with, "CLEANUP_POLICY", formats::cleanup_policy(create.kind, false));
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

    /// A read-only table keeps its rows for pull queries.
    fn materialise(&self, source: &Arc<Source>, command: &mut Command) {
        let id = self.query_id("CST", &source.name);
        let plan = Arc::new(QueryPlan {
            id: id.clone(),
            root: source::whole(source),
            sink: None,
            sink_name: Some(source.name.clone()),
            sources: vec![source.name.clone()],
            limit: None,
        });
        command.action.changes.push(Change::PutQuery(Arc::new(Query {
            id: id.clone(),
            kind: QueryKind::SourceTable,
            sources: vec![source.name.clone()],
            sink: Some(source.name.clone()),
            statement: source.statement.clone(),
            plan,
        })));
        command.message = messages::query_created(&id);
    }
}

/// Refuses columns of the same name.
pub(super) fn check_twice(create: &CreateSource) -> Result<()> {
    let names = create.elements.iter().map(|element| element.name.name.as_str());
    let twice: Vec<String> = names::duplicates(names).into_iter().map(|name| format!("`{name}`")).collect();
    if twice.is_empty() {
        return Ok(());
    }
    Err(PlanError::statement(format!("Duplicate column names: {}", twice.join(", "))))
}

/// Refuses reserved names.
fn check_name(element: &Element) -> Result<()> {
    let name = &element.name.name;
    if !is_system_column(name) {
        return Ok(());
    }
    let message = format!("'{name}' is a reserved column name. You cannot use it as a name for a column.");
    Err(PlanError::statement(message).at(element.name.span))
}

/// Refuses header columns of the wrong type.
fn check_header_type(element: &Element, ty: &SqlType) -> Result<()> {
    let (what, expected) = match &element.constraint {
        Constraint::Headers if *ty != header_type() => {
            ("HEADERS".to_owned(), "ARRAY<STRUCT<`KEY` STRING, `VALUE` BYTES>>")
        }
        Constraint::Header(key) if *ty != SqlType::Bytes => (format!("HEADER('{key}')"), "BYTES"),
        _ => return Ok(()),
    };
    let message = format!("Invalid type for {what} column: expected {expected}, got {ty}");
    Err(PlanError::statement(message).at(element.name.span))
}

/// Refuses header columns that exclude each other.
fn check_headers(create: &CreateSource) -> Result<()> {
    let mut so_far: Vec<Option<&str>> = Vec::new();
    for element in &create.elements {
        let header = match &element.constraint {
            Constraint::Headers => None,
            Constraint::Header(key) => Some(key.as_str()),
            _ => continue,
        };
        let clash = match header {
            _ if so_far.contains(&None) => Some("HEADERS".to_owned()),
            None if !so_far.is_empty() => Some("HEADER".to_owned()),
            Some(key) if so_far.contains(&header) => Some(format!("HEADER('{key}')")),
            _ => None,
        };
        if let Some(what) = clash {
            return Err(PlanError::statement(format!("Schema already contains a {what} column.")));
        }
        so_far.push(header);
    }
    Ok(())
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
