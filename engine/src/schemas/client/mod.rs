//! A schema registry elsewhere, over HTTP.
//!
//! ```text
//! by_id, register … ──cache──> known: no question     servers: which one is asked, and when none is
//!                   └──ask───> servers ─http─> answers ──> schemas, or SchemaError
//! ```
//!
//! What an id means never changes, so that it is asked for once; two who want to know the same id ask one question.

mod answers;
mod cache;
mod pauses;
mod references;
mod servers;
mod settings;
#[cfg(test)]
mod tests;
mod tls;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use serde_json::json;

use super::{Language, Place, Registered, Schema, SchemaError, Schemas, SubjectNames};

use answers::{SentSchema, SentVersion, path};
use cache::{Asked, Cache};
use references::Fetched;
use servers::{ALL, Servers};

pub use settings::{ClientSettings, Part, Source, Store};

/// The client of a registry.
pub struct Client {
    servers: Servers,
    cache: Cache,
    /// What schemas refer to.
    fetched: Fetched,
    names: SubjectNames,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("servers", &self.servers).finish_non_exhaustive()
    }
}

impl Client {
    /// A client as the settings say. Nothing is asked yet.
    ///
    /// # Errors
    /// What is wrong, and with which part of the settings.
    pub fn new(settings: &ClientSettings, names: SubjectNames) -> Result<Self, (Part, String)> {
        Ok(Self { servers: Servers::new(settings)?, cache: Cache::default(), fetched: Fetched::default(), names })
    }

    /// The schema of an answer, with all that it refers to, if that is told in time.
    fn complete(&self, sent: SentSchema, deadline: Instant) -> Result<Schema, SchemaError> {
        let language = sent.schema_type.as_deref().unwrap_or("AVRO");
        let language = Language::of_name(language).ok_or_else(|| {
            SchemaError::Invalid(format!("the registry has it in a language that is not known here: {language}"))
        })?;
        let referenced = references::fetch(&sent.references, |subject, version| {
            self.fetched.schema(subject, version, || {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(SchemaError::Unavailable(
                        "it does not tell in time what a schema refers to".to_owned(),
                    ));
                }
                let asked = path(&["subjects", subject, "versions", &version.to_string()], &[]);
                Ok(self.servers.get_anywhere::<SentVersion>(&asked, left)?.schema)
            })
        })?;
        Ok(Schema { language, text: sent.schema.into(), references: sent.references, referenced })
    }

    fn ask_for(&self, id: i32) -> Result<Asked, SchemaError> {
        let deadline = Instant::now() + ALL;
        let sent = self.servers.get_anywhere::<SentSchema>(&path(&["schemas", "ids", &id.to_string()], &[]), ALL);
        match sent.and_then(|sent| self.complete(sent, deadline)) {
            Ok(schema) => Ok(Asked::Schema(Arc::new(schema))),
            Err(SchemaError::Refused { code: 40403, .. }) => Ok(Asked::Unknown),
            // Who is not let in, or asks a proxy's error page, has not learnt that the record is bad: it waits.
            Err(SchemaError::Refused { code, message }) => {
                Err(SchemaError::Unavailable(format!("{message} (error code {code})")))
            }
            Err(error) => Err(error),
        }
    }

    /// Deletes a subject softly, or for good.
    fn delete_once(&self, subject: &str, for_good: bool) -> Result<(), SchemaError> {
        let permanent: &[(&str, &str)] = if for_good { &[("permanent", "true")] } else { &[] };
        match self.servers.delete(&path(&["subjects", subject], permanent)) {
            // It is not there, or deleted softly already.
            Ok(()) | Err(SchemaError::Refused { code: 40401 | 40404, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Schemas for Client {
    fn by_id(&self, id: i32) -> Result<Arc<Schema>, SchemaError> {
        // No registry gives such ids: bytes that only look like a header are not worth a question.
        if id <= 0 {
            return Err(SchemaError::UnknownId(id));
        }
        self.cache.schema(id, || self.ask_for(id))
    }

    fn latest(&self, subject: &str) -> Result<Option<Registered>, SchemaError> {
        let deadline = Instant::now() + ALL;
        let sent: SentVersion = match self.servers.get(&path(&["subjects", subject, "versions", "latest"], &[])) {
            Ok(sent) => sent,
            Err(SchemaError::Refused { code: 40401 | 40402, .. }) => {
                // What was registered there is gone.
                self.cache.forget(subject);
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let schema = Arc::new(self.complete(sent.schema, deadline)?);
        self.cache.note(sent.id, &schema);
        Ok(Some(Registered { subject: sent.subject, version: sent.version, id: sent.id, schema }))
    }

    fn register(&self, subject: &str, schema: &Schema) -> Result<i32, SchemaError> {
        if let Some(id) = self.cache.id(subject, schema) {
            return Ok(id);
        }
        let mut body = json!({ "schema": &*schema.text });
        if schema.language != Language::Avro {
            body["schemaType"] = json!(schema.language.name());
        }
        if !schema.references.is_empty() {
            body["references"] = json!(schema.references);
        }
        let id = self.servers.register(&path(&["subjects", subject, "versions"], &[]), &body, subject)?;
        self.cache.note_id(subject, schema, id);
        Ok(id)
    }

    fn delete(&self, subject: &str) -> Result<(), SchemaError> {
        self.cache.forget(subject);
        self.delete_once(subject, false)?;
        self.delete_once(subject, true)
    }

    fn has(&self, subject: Option<&str>, id: Option<i32>) -> Result<bool, SchemaError> {
        match (subject, id) {
            (None, None) => Ok(!self.servers.get::<Vec<String>>(&path(&["subjects"], &[]))?.is_empty()),
            (Some(subject), None) => {
                match self.servers.get::<Vec<i32>>(&path(&["subjects", subject, "versions"], &[])) {
                    Ok(versions) => Ok(!versions.is_empty()),
                    Err(SchemaError::Refused { code: 40401, .. }) => Ok(false),
                    Err(error) => Err(error),
                }
            }
            (subject, Some(id)) => {
                let asked = path(&["schemas", "ids", &id.to_string(), "subjects"], &[]);
                match self.servers.get::<Vec<String>>(&asked) {
                    Ok(subjects) => {
                        Ok(subject.map_or(!subjects.is_empty(), |subject| subjects.iter().any(|it| it == subject)))
                    }
                    Err(SchemaError::Refused { code: 40403, .. }) => Ok(false),
                    Err(error) => Err(error),
                }
            }
        }
    }

    fn place(&self) -> Place {
        Place::Elsewhere(self.servers.urls())
    }

    fn subject(&self, topic: &str, is_key: bool, full_name: Option<&str>) -> String {
        self.names.subject(topic, is_key, full_name)
    }
}
