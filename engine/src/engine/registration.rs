//! The schemas that commands bring into the registry: registered when a command is carried out, and before that, while
//! the statements behind it are planned, seen as if they were.

use std::sync::Arc;

use crate::catalog::Source;
use crate::formats::{FormatError, FormatSpec, Half, to_register};
use crate::plan::NewSchema;
use crate::schemas::{Place, Registered, Schema, SchemaError, Schemas, topic_subject};
use crate::statements::Failure;

/// Registers what a command writes by. `first` gets the subjects that had nothing before, not even deleted versions, so that
/// it can be taken back.
pub(super) fn register(
    schemas: &Arc<dyn Schemas>,
    wanted: &[NewSchema],
    first: &mut Vec<String>,
) -> Result<(), Failure> {
    for new in wanted {
        let half = half(new, schemas);
        let topic = || topic_subject(&new.topic, new.is_key);
        let found = to_register(&new.spec, &new.columns, &half).map_err(|error| match error {
            FormatError::Schemas(error) => refused(&error, &topic()),
            other => Failure::statement(other.to_string()),
        })?;
        let Some((subject, schema)) = found else { continue };
        let told = |error: SchemaError| refused(&error, &subject);
        if let Some(id) = new.spec.schema_id
            && schemas.has(Some(&subject), Some(id)).map_err(told)?
        {
            continue;
        }
        let is_there = schemas.latest(&subject).map_err(told)?.is_some();
        if is_there && new.only_first {
            continue;
        }
        let id = schemas.register(&subject, &schema).map_err(told)?;
        if !is_there && has_one_version(schemas, &subject) {
            first.push(subject.clone());
        }
        check_id(new, id, &subject, &schema)?;
    }
    Ok(())
}

/// Whether the first version of a subject is its last: nobody else's schema stands there, nor one that was deleted softly.
pub(super) fn has_one_version(schemas: &Arc<dyn Schemas>, subject: &str) -> bool {
    schemas.latest(subject).is_ok_and(|latest| latest.is_some_and(|latest| latest.version == 1))
}

/// Whether records of a source are written by a schema of this subject.
pub(super) fn writes_by(schemas: &Arc<dyn Schemas>, source: &Source, subject: &str) -> bool {
    let is_of =
        |is_key: bool, spec: &FormatSpec| schemas.subject(&source.topic, is_key, spec.full_name.as_deref()) == subject;
    is_of(true, &source.formats.key) || is_of(false, &source.formats.value)
}

/// A schema that is named by its id has that id in the subject too.
fn check_id(new: &NewSchema, id: i32, subject: &str, schema: &Schema) -> Result<(), Failure> {
    let Some(wanted) = new.spec.schema_id.filter(|wanted| *wanted != id) else { return Ok(()) };
    let property = if new.is_key { "KEY_SCHEMA_ID" } else { "VALUE_SCHEMA_ID" };
    Err(Failure::statement(format!(
        "Schema id registered is {id} which is different from provided {property} {wanted}.\nTopic: {}\nSubject: \
         {subject}\nSchema: {}",
        new.topic, schema.text
    )))
}

fn half(new: &NewSchema, schemas: &Arc<dyn Schemas>) -> Half {
    Half { topic: Arc::from(new.topic.as_str()), is_key: new.is_key, schemas: Arc::clone(schemas) }
}

/// In ksqlDB's words, which say it twice.
fn refused(error: &SchemaError, subject: &str) -> Failure {
    let reason = match error {
        SchemaError::Incompatible { why, .. } if why.starts_with("Schema being registered") => why.clone(),
        SchemaError::Incompatible { why, .. } => format!(
            "Schema being registered is incompatible with an earlier schema for subject \"{subject}\", details: \
             [{why}]; error code: 409"
        ),
        SchemaError::Refused { code, message } => format!("{message}; error code: {code}"),
        other => other.to_string(),
    };
    let twice = "Could not register schema for topic: ";
    Failure::statement(format!("{twice}{twice}{reason}"))
}

/// The registry, and what commands that are planned but not carried out will have registered there.
#[derive(Debug)]
pub(super) struct PlannedSchemas<'a> {
    there: &'a Arc<dyn Schemas>,
    planned: Vec<(String, bool, Arc<Schema>)>,
}

impl<'a> PlannedSchemas<'a> {
    /// What is there, and these.
    pub(super) fn new(there: &'a Arc<dyn Schemas>, planned: impl Iterator<Item = &'a NewSchema>) -> Self {
        let planned = planned.filter_map(|new| {
            let (subject, schema) = to_register(&new.spec, &new.columns, &half(new, there)).ok()??;
            Some((subject, new.only_first, Arc::new(schema)))
        });
        Self { there, planned: planned.collect() }
    }
}

impl Schemas for PlannedSchemas<'_> {
    fn by_id(&self, id: i32) -> Result<Arc<Schema>, SchemaError> {
        self.there.by_id(id)
    }

    fn latest(&self, subject: &str) -> Result<Option<Registered>, SchemaError> {
        let there = self.there.latest(subject)?;
        let planned = self
            .planned
            .iter()
            .rfind(|(planned, only_first, _)| planned == subject && (there.is_none() || !only_first));
        // It has no id yet.
        let planned = planned.map(|(_, _, schema)| Registered {
            subject: subject.to_owned(),
            version: 0,
            id: 0,
            schema: Arc::clone(schema),
        });
        Ok(planned.or(there))
    }

    fn register(&self, _: &str, _: &Schema) -> Result<i32, SchemaError> {
        Err(SchemaError::Invalid("nothing is registered while statements are planned".to_owned()))
    }

    fn delete(&self, _: &str) -> Result<(), SchemaError> {
        Err(SchemaError::Invalid("nothing is deleted while statements are planned".to_owned()))
    }

    fn has(&self, subject: Option<&str>, id: Option<i32>) -> Result<bool, SchemaError> {
        self.there.has(subject, id)
    }

    fn place(&self) -> Place {
        self.there.place()
    }

    fn check(&self) -> Result<(), SchemaError> {
        self.there.check()
    }

    fn subject(&self, topic: &str, is_key: bool, full_name: Option<&str>) -> String {
        self.there.subject(topic, is_key, full_name)
    }
}
