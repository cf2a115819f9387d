//! The registry as formats and statements see it.

use std::sync::Arc;

use crate::schemas::{Registered, Schema, SchemaError, Schemas};

use super::lookup::{Which, has_subject, registered};
use super::register::NewSchema;
use super::store::SchemaRegistry;

impl Schemas for SchemaRegistry {
    fn by_id(&self, id: i32) -> Result<Arc<Schema>, SchemaError> {
        Ok(self.schema(id)?)
    }

    fn latest(&self, subject: &str) -> Result<Option<Registered>, SchemaError> {
        let view = self.current()?;
        Ok(view.latest(subject).map(|version| registered(&view, subject, version)).transpose()?)
    }

    fn register(&self, subject: &str, schema: &Schema) -> Result<i32, SchemaError> {
        Ok(Self::register(self, subject, &NewSchema::of(schema))?)
    }

    fn delete(&self, subject: &str) -> Result<(), SchemaError> {
        Ok(self.forget(subject)?)
    }

    fn has(&self, subject: Option<&str>, id: Option<i32>) -> Result<bool, SchemaError> {
        let view = self.current()?;
        Ok(match (subject, id) {
            (Some(subject), None) => has_subject(&view, subject, Which::Live),
            (subject, Some(id)) => view.places(id).into_iter().flatten().any(|(name, number)| {
                subject.is_none_or(|subject| subject == name)
                    && view.version(name, *number).is_some_and(|version| !version.deleted)
            }),
            (None, None) => view.subjects().any(|subject| has_subject(&view, subject, Which::Live)),
        })
    }

    fn subject(&self, topic: &str, is_key: bool, full_name: Option<&str>) -> String {
        self.names.subject(topic, is_key, full_name)
    }
}
