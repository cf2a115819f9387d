//! Formats of sources, sinks and internal topics: which one, with which delimiter and wrapping, and whether it can hold
//! the columns.

use crate::catalog::SourceKind;
use crate::expr::nearest;
use crate::formats::avro::key_schema_name;
use crate::formats::{Features, FormatError, FormatSpec, NullableAs, format, known_format};
use crate::steps::Formats;
use crate::types::{Column, Schema, SqlType};

use super::error::{PlanError, Result};
use super::with_properties::Properties;

/// Digits a column of DECIMALs holds (Arrow's Decimal128).
const MAX_PRECISION: u8 = 38;

/// Which side of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Key,
    Value,
}

/// What a format can do; an error if there is no such format.
pub(super) fn features(name: &str) -> Result<Features> {
    let nearest = || nearest(name, crate::formats::names()).map(|name| format!("did you mean {name}?"));
    known_format(name).map(|format| format.features()).map_err(|error| refused(&error).with_hint(nearest()))
}

fn refused(error: &FormatError) -> PlanError {
    PlanError::statement(error.to_string())
}

/// The key format for a number of key columns: a single one is never wrapped.
pub(super) fn key_spec(name: &str, delimiter: Option<char>, columns: usize) -> Result<FormatSpec> {
    check_delimiter(name, delimiter)?;
    Ok(FormatSpec { delimiter, ..FormatSpec::plain(name, columns != 1) })
}

/// The value format for a number of value columns. `default_wrap` is `ksql.persistence.wrap.single.values`.
/// [`check_wrap`] says whether `wrap` can be had.
pub(super) fn value_spec(
    name: &str,
    delimiter: Option<char>,
    wrap: Option<bool>,
    default_wrap: Option<bool>,
) -> Result<FormatSpec> {
    check_delimiter(name, delimiter)?;
    let features = features(name)?;
    let wrap_single = match wrap.or(default_wrap) {
        Some(true) => features.wrap_singles,
        Some(false) => !features.unwrap_singles,
        None => features.wrap_singles,
    };
    Ok(FormatSpec { delimiter, ..FormatSpec::plain(name, wrap_single) })
}

/// Refuses `WRAP_SINGLE_VALUE` where the format or the number of columns leaves no choice.
pub(super) fn check_wrap(name: &str, columns: usize, wrap: Option<bool>) -> Result<()> {
    let Some(wrap) = wrap else { return Ok(()) };
    let features = features(name)?;
    let possible = if wrap { features.wrap_singles } else { features.unwrap_singles };
    if !possible {
        return Err(PlanError::statement(format!(
            "Format '{name}' does not support 'WRAP_SINGLE_VALUE' set to '{wrap}'."
        )));
    }
    if columns != 1 {
        return Err(PlanError::statement("'WRAP_SINGLE_VALUE' is only valid for single-field value schemas"));
    }
    Ok(())
}

/// What the properties say of the schema of one side; `source` is the stream or table.
pub(super) fn with_schema(spec: FormatSpec, side: Side, source: &str, properties: &Properties) -> FormatSpec {
    let (id, names, nullable): (_, &[&str], _) = match side {
        Side::Key => (properties.key_schema_id, &["KEY_SCHEMA_FULL_NAME"], "KEY_PROTOBUF_NULLABLE_REPRESENTATION"),
        Side::Value => (
            properties.value_schema_id,
            &["VALUE_AVRO_SCHEMA_FULL_NAME", "VALUE_SCHEMA_FULL_NAME"],
            "VALUE_PROTOBUF_NULLABLE_REPRESENTATION",
        ),
    };
    let named = names.iter().find_map(|name| properties.text(name)).map(str::to_owned);
    let full_name = named.or_else(|| (side == Side::Key && spec.name == "AVRO").then(|| key_schema_name(source)));
    let nullable = match properties.text(nullable).map(str::to_uppercase).as_deref() {
        Some("OPTIONAL") => Some(NullableAs::Optional),
        Some("WRAPPER") => Some(NullableAs::Wrapper),
        _ => None,
    };
    FormatSpec { schema_id: id.and_then(|id| i32::try_from(id).ok()), full_name, nullable, ..spec }
}

fn check_delimiter(name: &str, delimiter: Option<char>) -> Result<()> {
    if delimiter.is_some() && !features(name)?.delimiter {
        return Err(PlanError::statement(format!("{name} does not support the following configs: [delimiter]")));
    }
    Ok(())
}

/// Refuses properties that only formats with a schema registry take.
pub(super) fn check_schema_properties(properties: &Properties, key: &str, value: &str) -> Result<()> {
    for (property, format) in
        [("KEY_SCHEMA_FULL_NAME", key), ("VALUE_SCHEMA_FULL_NAME", value), ("VALUE_AVRO_SCHEMA_FULL_NAME", value)]
    {
        if let Some(name) = properties.text(property) {
            if name.trim().is_empty() {
                return Err(PlanError::statement(
                    "fullSchemaName cannot be empty. Format configuration: {fullSchemaName=}",
                ));
            }
            if !features(format)?.schema_inference {
                return Err(PlanError::statement(format!(
                    "{format} does not support the following configs: [fullSchemaName]"
                )));
            }
        }
    }
    for (property, format) in
        [("KEY_PROTOBUF_NULLABLE_REPRESENTATION", key), ("VALUE_PROTOBUF_NULLABLE_REPRESENTATION", value)]
    {
        if properties.has(property) && !format.starts_with("PROTOBUF") {
            return Err(PlanError::statement(format!("Property {property} can only be enabled with protobuf format")));
        }
    }
    Ok(())
}

/// Refuses columns that the formats cannot hold, and keys that hold a MAP.
pub(super) fn check_columns(schema: &Schema, formats: &Formats) -> Result<()> {
    check_key_types(&schema.key)?;
    check_side(&schema.key, &formats.key, Side::Key)?;
    check_value(&schema.value, &formats.value)
}

/// Refuses value columns that the format cannot hold.
pub(super) fn check_value(columns: &[Column], format: &FormatSpec) -> Result<()> {
    check_side(columns, format, Side::Value)
}

/// Refuses columns that a query cannot work with: DECIMALs of more digits than a column holds.
pub(super) fn check_decimals<'a>(types: impl IntoIterator<Item = &'a SqlType>) -> Result<()> {
    match types.into_iter().find_map(too_wide) {
        None => Ok(()),
        Some((precision, scale)) => {
            Err(PlanError::unsupported(format!("DECIMAL({precision}, {scale}): more than {MAX_PRECISION} digits are")))
        }
    }
}

fn too_wide(ty: &SqlType) -> Option<(u8, i8)> {
    match ty {
        SqlType::Decimal { precision, scale } if *precision > MAX_PRECISION => Some((*precision, *scale)),
        SqlType::Array(item) => too_wide(item),
        SqlType::Map(key, value) => too_wide(key).or_else(|| too_wide(value)),
        SqlType::Struct(fields) => fields.iter().find_map(|(_, ty)| too_wide(ty)),
        _ => None,
    }
}

/// Refuses keys that hold a MAP.
pub(super) fn check_key_types(key: &[Column]) -> Result<()> {
    match key.iter().find(|column| holds_map(&column.ty)) {
        None => Ok(()),
        Some(column) => Err(PlanError::statement(format!(
            "Map keys, including types that contain maps, are not supported as they may lead to unexpected behavior \
             due to inconsistent serialization. Key column name: `{}`. Column type: {}. See \
             https://github.com/confluentinc/ksql/issues/6621 for more.",
            column.name, column.ty
        ))),
    }
}

fn holds_map(ty: &SqlType) -> bool {
    match ty {
        SqlType::Map(..) => true,
        SqlType::Array(item) => holds_map(item),
        SqlType::Struct(fields) => fields.iter().any(|(_, ty)| holds_map(ty)),
        _ => false,
    }
}

fn check_side(columns: &[Column], spec: &FormatSpec, side: Side) -> Result<()> {
    let format = known_format(&spec.name).map_err(|error| refused(&error))?;
    format.validate(columns, side == Side::Key).map_err(|error| refused(&error))
}

/// ksqlDB's name for how a single column is written, where the format leaves a choice and the choice is not its default.
pub fn serde_features(spec: &FormatSpec, columns: usize) -> Option<&'static str> {
    let features = format(&spec.name)?.features();
    let chooses = features.wrap_singles && features.unwrap_singles;
    (columns == 1 && chooses && !spec.wrap_single).then_some("UNWRAP_SINGLES")
}

/// The key format of an internal topic or of a store: `preferred`, unless it cannot hold the columns; NONE without any.
pub(super) fn internal_key_spec(preferred: &FormatSpec, key: &[Column], default: &str) -> FormatSpec {
    let name = match preferred.name.as_str() {
        _ if key.is_empty() => "NONE",
        "NONE" => default,
        name => name,
    };
    let fits = format(name).is_some_and(|format| format.validate(key, true).is_ok());
    if fits && name == preferred.name {
        // Another topic has another subject, and rows of it are those of the query alone.
        FormatSpec { wrap_single: key.len() != 1, schema_id: None, inferred_from: None, ..preferred.clone() }
    } else if fits {
        FormatSpec::plain(name, key.len() != 1)
    } else {
        FormatSpec::plain("JSON", key.len() != 1)
    }
}

/// `cleanup.policy` of a source's topic.
pub(super) fn cleanup_policy(kind: SourceKind, is_windowed: bool) -> &'static str {
    match (kind, is_windowed) {
        (SourceKind::Stream, _) => "delete",
        (SourceKind::Table, false) => "compact",
        (SourceKind::Table, true) => "compact,delete",
    }
}
