//! A sink's schema gets its place in the registry.

use super::{FormatError, FormatSpec, Half, known_format};
use crate::schemas::Schema;
use crate::types::Column;

/// The schema of what is written there, and the subject that it belongs to; `None` for formats without schemas. It is the
/// schema of `spec.schema_id` where that is given, else the one generated for the columns.
///
/// # Errors
/// As [`super::Format::schema`]; [`FormatError::Schemas`]: the registry cannot be asked, or does not know the id.
pub fn to_register(
    spec: &FormatSpec,
    columns: &[Column],
    half: &Half,
) -> Result<Option<(String, Schema)>, FormatError> {
    let format = known_format(&spec.name)?;
    if format.language().is_none() {
        return Ok(None);
    }
    let schema = match spec.schema_id {
        Some(id) => Some(Schema::clone(&*half.schemas.by_id(id)?)),
        None => format.schema(columns, spec, half)?,
    };
    let Some(schema) = schema else { return Ok(None) };
    let names = format.full_names(&schema)?;
    let meant = names.iter().find(|name| Some(*name) == spec.full_name.as_ref()).or(names.first());
    let subject = half.schemas.subject(&half.topic, half.is_key, meant.map(String::as_str));
    Ok(Some((subject, schema)))
}

/// Registers the schema of what is written there, and tells its id; `None` for formats without schemas.
///
/// # Errors
/// As [`to_register`]; [`FormatError::Schemas`]: the subject holds an incompatible one.
pub fn register(spec: &FormatSpec, columns: &[Column], half: &Half) -> Result<Option<i32>, FormatError> {
    let Some((subject, schema)) = to_register(spec, columns, half)? else { return Ok(None) };
    Ok(Some(half.schemas.register(&subject, &schema)?))
}
