//! A sink's schema gets its place in the registry.

use super::{FormatError, FormatSpec, Half, known_format};
use crate::schemas::Schema;
use crate::types::Column;

/// Registers the schema of what is written there, and tells its id; `None` for formats without schemas. It is the schema
/// of `spec.schema_id` where that is given, else the one generated for the columns.
///
/// # Errors
/// As [`super::Format::schema`]; [`FormatError::Schemas`]: the subject holds an incompatible one, or the registry cannot
/// be asked.
pub fn register(spec: &FormatSpec, columns: &[Column], half: &Half) -> Result<Option<i32>, FormatError> {
    let format = known_format(&spec.name)?;
    if format.language().is_none() {
        return Ok(None);
    }
    let schema = match spec.schema_id {
        Some(id) => Some(Schema::clone(&*half.schemas.by_id(id)?)),
        None => format.schema(columns, spec, half)?,
    };
    let Some(schema) = schema else { return Ok(None) };
    let full_name = match &spec.full_name {
        Some(name) => Some(name.clone()),
        None => format.full_names(&schema)?.into_iter().next(),
    };
    let subject = half.schemas.subject(&half.topic, half.is_key, full_name.as_deref());
    Ok(Some(half.schemas.register(&subject, &schema)?))
}
