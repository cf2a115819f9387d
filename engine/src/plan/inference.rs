//! Columns that a statement does not declare, and schemas that it names by id: both come from the schema registry, once.
//! What was found stands in the plan, so that a restart asks nobody.

use std::sync::Arc;

use sql::{Constraint, CreateSource, Element, Ident};

use super::command::{Command, NewSchema};
use super::create::check_twice;
use super::error::{PlanError, Result};
use super::formats::{self, Side};
use super::with_properties::Properties;
use super::{Planner, messages};
use crate::catalog::{Source, SourceKind, written};
use crate::formats::{Format, FormatSpec, known_format};
use crate::schemas::{Language, Registered, Schema, SchemaError, topic_subject};
use crate::steps::{Formats, Sink};
use crate::types::Column;

/// What a registered schema says of one side of a record.
struct Found {
    columns: Vec<Column>,
    /// The id of the schema; `None` while it is only about to be registered.
    id: Option<i32>,
    /// The record or message meant.
    full_name: Option<String>,
}

/// A schema that was asked for, and where.
struct Asked<'a> {
    side: Side,
    topic: &'a str,
    spec: &'a FormatSpec,
}

impl Asked<'_> {
    fn is_key(&self) -> bool {
        self.side == Side::Key
    }

    /// `key`, `value`.
    fn name(&self) -> &'static str {
        if self.is_key() { "key" } else { "value" }
    }

    /// `KEY`, `VALUE`: how properties begin.
    fn property(&self) -> &'static str {
        if self.is_key() { "KEY" } else { "VALUE" }
    }

    /// `topic: t, schema id: 3`.
    fn source(&self) -> String {
        let id = self.spec.schema_id.map(|id| format!(", schema id: {id}")).unwrap_or_default();
        format!("topic: {}{id}", self.topic)
    }
}

impl Planner<'_> {
    /// Fills in the columns that a CREATE leaves to the registry: in `source`, and in the statement that is shown.
    pub(super) fn infer(
        &self,
        create: &mut CreateSource,
        properties: &Properties,
        source: &mut Source,
    ) -> Result<Inferred> {
        let mut inferred = Inferred::default();
        let headers: Vec<&str> = source.headers.iter().map(|header| header.name.as_str()).collect();
        let declares_values = source.schema.value.iter().any(|column| !headers.contains(&&*column.name));
        let sides = [(Side::Key, !source.schema.key.is_empty()), (Side::Value, declares_values)];
        for (side, is_declared) in sides {
            let Formats { key, value, .. } = &source.formats;
            let spec = if side == Side::Key { key } else { value };
            let features = formats::features(&spec.name)?;
            if is_declared || !features.schema_inference {
                continue;
            }
            let wrap_single = match side {
                Side::Key => !features.unwrap_singles,
                Side::Value => properties.wrap_single_value != Some(false),
            };
            let spec = FormatSpec { wrap_single, ..spec.clone() };
            let found = self.find(&Asked { side, topic: &source.topic, spec: &spec })?;
            self.adopt(create, properties, source, side, found);
            *(if side == Side::Key { &mut inferred.key } else { &mut inferred.value }) = true;
        }
        check_twice(create)?;
        self.check_schema_size(source.schema.columns().map(|column| column.ty.parts()).sum())?;
        Ok(inferred)
    }

    fn adopt(&self, create: &mut CreateSource, properties: &Properties, source: &mut Source, side: Side, found: Found) {
        let constraint = match (side, create.kind) {
            (Side::Value, _) => Constraint::None,
            (Side::Key, SourceKind::Stream) => Constraint::Key,
            (Side::Key, SourceKind::Table) => Constraint::PrimaryKey,
        };
        let element = |column: &Column| Element {
            name: Ident::new(&*column.name),
            ty: written(&column.ty),
            constraint: constraint.clone(),
        };
        let elements = found.columns.iter().map(element);
        let (spec, place) = match side {
            Side::Key => (&mut source.formats.key, 0),
            Side::Value => {
                let keys = create.elements.iter().filter(|element| is_key(element)).count();
                (&mut source.formats.value, keys)
            }
        };
        create.elements.splice(place..place, elements);
        if spec.schema_id.is_none() {
            spec.inferred_from = found.id;
        } else if let Some(name) = &found.full_name {
            messages::set_schema_name(&mut create.with, properties, side, name);
            spec.full_name = Some(name.clone());
        }
        match side {
            Side::Key => {
                spec.wrap_single = found.columns.len() != 1;
                source.schema.key = found.columns;
            }
            Side::Value => drop(source.schema.value.splice(0..0, found.columns)),
        }
    }

    /// A `CREATE … AS` that names a schema by its id writes by it: its columns must be those of the schema, in their places.
    pub(super) fn check_written_schemas(&self, sink: &mut Sink) -> Result<()> {
        for side in [Side::Key, Side::Value] {
            let (columns, spec) = match side {
                Side::Key => (&sink.schema.key, &mut sink.formats.key),
                Side::Value => (&sink.schema.value, &mut sink.formats.value),
            };
            if spec.schema_id.is_none() {
                continue;
            }
            let features = formats::features(&spec.name)?;
            let wrap_single = spec.wrap_single || !features.unwrap_singles;
            let asked = FormatSpec { wrap_single, ..spec.clone() };
            let found = self.find(&Asked { side, topic: &sink.topic, spec: &asked })?;
            let is_there = |(i, column): (usize, &Column)| found.columns.get(i) == Some(column);
            let missing: Vec<&Column> =
                columns.iter().enumerate().filter(|place| !is_there(*place)).map(|(_, column)| column).collect();
            if !missing.is_empty() {
                let suffix = if side == Side::Key { " KEY" } else { "" };
                let list = |columns: &mut dyn Iterator<Item = &Column>| {
                    let shown: Vec<String> =
                        columns.map(|column| format!("`{}` {}{suffix}", column.name, column.ty)).collect();
                    format!("[{}]", shown.join(", "))
                };
                return Err(PlanError::statement(format!(
                    "The following {} columns are changed, missing or reordered: {}. Schema from schema registry is {}",
                    if side == Side::Key { "key" } else { "value" },
                    list(&mut missing.into_iter()),
                    list(&mut found.columns.iter())
                )));
            }
            if let Some(name) = found.full_name {
                spec.full_name = Some(name);
            }
        }
        Ok(())
    }

    /// The schemas that a CREATE brings into the registry. Where the subject has one, that stays; a schema named by its id
    /// gets its place in the subject.
    pub(super) fn schemas_of_source(source: &Source, inferred: Inferred, command: &mut Command) {
        let record = source.record_schema();
        let sides = [
            (true, &source.formats.key, &record.key, inferred.key),
            (false, &source.formats.value, &record.value, inferred.value),
        ];
        for (is_key, spec, columns, is_inferred) in sides {
            if is_inferred && spec.schema_id.is_none() {
                continue;
            }
            let only_first = spec.schema_id.is_none();
            command.schemas.extend(new_schema(&source.topic, is_key, spec, columns, only_first));
        }
    }

    /// The schemas that a `CREATE … AS` brings into the registry.
    pub(super) fn schemas_of_sink(sink: &Sink, command: &mut Command) {
        let sides = [(true, &sink.formats.key, &sink.schema.key), (false, &sink.formats.value, &sink.schema.value)];
        for (is_key, spec, columns) in sides {
            command.schemas.extend(new_schema(&sink.topic, is_key, spec, columns, false));
        }
    }

    /// The subjects of the topic of a source.
    pub(super) fn subjects_of(&self, source: &Source) -> Vec<String> {
        let sides = [(true, &source.formats.key), (false, &source.formats.value)];
        let registered = sides.into_iter().filter(|(_, spec)| {
            self.schemas.is_there() && known_format(&spec.name).is_ok_and(|format| format.language().is_some())
        });
        // Those that are called after records may be other topics' too.
        registered.map(|(is_key, _)| topic_subject(&source.topic, is_key)).collect()
    }

    /// The columns of the schema that is named by its id, or else of the last one of the subject.
    fn find(&self, asked: &Asked<'_>) -> Result<Found> {
        let format = known_format(&asked.spec.name).map_err(|error| PlanError::statement(error.to_string()))?;
        let (id, schema) = self.fetch(asked)?;
        check_language(asked, format, &schema)?;
        let incompatible = |reason: &dyn std::fmt::Display| incompatible(asked, &schema, reason);
        let names = format.full_names(&schema).map_err(|error| incompatible(&error))?;
        if names.len() > 1 && asked.spec.full_name.is_none() && schema.language == Language::Protobuf {
            return Err(several_names(asked, &names));
        }
        let columns = format.columns(&schema, asked.spec, asked.is_key()).map_err(|error| incompatible(&error))?;
        if asked.is_key() && columns.len() > 1 {
            return Err(PlanError::statement(format!(
                "The key schema for {} contains multiple columns, which is not supported by ksqlDB at this time.\n\
                 Schema:{}",
                asked.source(),
                schema.text
            )));
        }
        let named = asked.spec.full_name.clone().filter(|_| !asked.is_key() || asked.spec.name != "AVRO");
        Ok(Found { columns, id: Some(id).filter(|id| *id > 0), full_name: named.or_else(|| names.into_iter().next()) })
    }

    fn fetch(&self, asked: &Asked<'_>) -> Result<(i32, Arc<Schema>)> {
        let found = match asked.spec.schema_id {
            Some(id) => self.schemas.by_id(id).map(|schema| Some((id, schema))),
            None => {
                let subject = self.schemas.subject(asked.topic, asked.is_key(), asked.spec.full_name.as_deref());
                let latest = self.schemas.latest(&subject);
                latest.map(|found| found.map(|Registered { id, schema, .. }| (id, schema)))
            }
        };
        match found {
            Ok(Some(found)) => Ok(found),
            Ok(None) | Err(SchemaError::UnknownId(_) | SchemaError::NotYetKnown(_)) => Err(not_found(asked)),
            Err(error @ SchemaError::None) => Err(PlanError::no_registry(error.to_string())),
            Err(error) => Err(PlanError::statement(format!(
                "Schema registry fetch for topic {} request failed for {}\nCaused by: {error}",
                asked.name(),
                asked.source()
            ))),
        }
    }
}

/// Which sides of a source were left to the registry.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Inferred {
    key: bool,
    value: bool,
}

fn is_key(element: &Element) -> bool {
    matches!(element.constraint, Constraint::Key | Constraint::PrimaryKey)
}

fn new_schema(topic: &str, is_key: bool, spec: &FormatSpec, columns: &[Column], only_first: bool) -> Option<NewSchema> {
    known_format(&spec.name).ok()?.language()?;
    let (topic, spec, columns) = (topic.to_owned(), spec.clone(), columns.to_vec());
    Some(NewSchema { topic, is_key, spec, columns, only_first })
}

fn check_language(asked: &Asked<'_>, format: &dyn Format, schema: &Schema) -> Result<()> {
    let expected = format.language().map_or_else(|| format.name(), |language| language.name());
    let actual = schema.language.name();
    if expected == actual {
        return Ok(());
    }
    Err(PlanError::statement(format!(
        "{} schema is not in the expected format. You may want to set {}_FORMAT to '{actual}'.\n{}\n\
         expected format: {expected}\nactual format from Schema Registry: {actual}",
        if asked.is_key() { "Key" } else { "Value" },
        asked.property(),
        asked.source()
    )))
}

fn incompatible(asked: &Asked<'_>, schema: &Schema, reason: &dyn std::fmt::Display) -> PlanError {
    PlanError::statement(format!(
        "Unable to verify if the {} schema for {} is compatible with ksqlDB.\nReason: {reason}\n\nPlease see \
         https://github.com/confluentinc/ksql/issues/ to see if this particular reason is already known.\nIf not, \
         please log a new issue, including this full error message.\nSchema:{}",
        asked.name(),
        asked.source(),
        schema.text
    ))
}

fn several_names(asked: &Asked<'_>, names: &[String]) -> PlanError {
    let list: Vec<String> = names.iter().map(|name| format!("- {name}")).collect();
    PlanError::statement(format!(
        "{} schema has multiple schema definitions. \n\n{}\n\nPlease specify a schema full name in the WITH clause using \
         {}_SCHEMA_FULL_NAME",
        if asked.is_key() { "Key" } else { "Value" },
        list.join("\n"),
        asked.property()
    ))
}

fn not_found(asked: &Asked<'_>) -> PlanError {
    let topic = asked.topic;
    let id = asked.spec.schema_id.map(|id| format!("Schema Id: {id}\n")).unwrap_or_default();
    PlanError::statement(format!(
        "Schema for message {}s on topic '{topic}' does not exist in the Schema Registry.\nSubject: {}\n{id}Possible \
         causes include:\n- The topic itself does not exist\n\t-> Use SHOW TOPICS; to check\n- Messages on the topic \
         are not serialized using a format Schema Registry supports\n\t-> Use PRINT '{topic}' FROM BEGINNING; to \
         verify\n- Messages on the topic have not been serialized using a Confluent Schema Registry supported \
         serializer\n\t-> See https://docs.confluent.io/current/schema-registry/docs/serializer-formatter.html\n- The \
         schema is registered on a different instance of the Schema Registry\n\t-> Use the REST API to list available \
         subjects\thttps://docs.confluent.io/current/schema-registry/docs/api.html#get--subjects\n- You do not have \
         permissions to access the Schema Registry.\n\t-> See \
         https://docs.confluent.io/current/schema-registry/docs/security.html",
        asked.name(),
        topic_subject(topic, asked.is_key()),
    ))
}
