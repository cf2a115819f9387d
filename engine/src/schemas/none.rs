//! No registry: for what is never framed.

use std::sync::Arc;

use super::{Place, Registered, Schema, SchemaError, Schemas, topic_subject};

/// Knows nothing and takes nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSchemas;

impl Schemas for NoSchemas {
    fn by_id(&self, _: i32) -> Result<Arc<Schema>, SchemaError> {
        Err(SchemaError::None)
    }

    fn latest(&self, _: &str) -> Result<Option<Registered>, SchemaError> {
        Err(SchemaError::None)
    }

    fn register(&self, _: &str, _: &Schema) -> Result<i32, SchemaError> {
        Err(SchemaError::None)
    }

    fn delete(&self, _: &str) -> Result<(), SchemaError> {
        Err(SchemaError::None)
    }

    fn has(&self, _: Option<&str>, _: Option<i32>) -> Result<bool, SchemaError> {
        Err(SchemaError::None)
    }

    fn place(&self) -> Place {
        Place::Nowhere
    }

    fn subject(&self, topic: &str, is_key: bool, _: Option<&str>) -> String {
        topic_subject(topic, is_key)
    }
}
