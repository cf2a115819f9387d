//! Texts that several statements share.

use sql::{Expr, ExprKind, Ident, Span, Statement, With};

use crate::catalog::{Catalog, Source, SourceKind, UnknownType};
use crate::expr::nearest;

use super::error::{PlanError, Result};
use super::formats::{Side, features};
use super::with_properties::Properties;

/// `stream` or `table`.
pub(super) fn kind(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Stream => "stream",
        SourceKind::Table => "table",
    }
}

/// `STREAM` or `TABLE`.
pub(super) fn kind_upper(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Stream => "STREAM",
        SourceKind::Table => "TABLE",
    }
}

/// `Stream` or `Table`.
pub(super) fn kind_title(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Stream => "Stream",
        SourceKind::Table => "Table",
    }
}

pub(super) fn created(kind: SourceKind) -> String {
    format!("{} created", kind_title(kind))
}

pub(super) fn query_created(id: &str) -> String {
    format!("Created query with ID {id}")
}

pub(super) fn exists_already(new: SourceKind, existing: &Source) -> PlanError {
    PlanError::statement(format!(
        "Cannot add {} '{}': A {} with the same name already exists",
        kind(new),
        existing.name,
        kind(existing.kind)
    ))
}

/// A name is not free as long as what had it, and could not be brought back, is not dropped.
pub(super) fn check_not_lost(catalog: &Catalog, name: &Ident, or_replace: bool) -> Result<()> {
    match catalog.lost_source(&name.name).filter(|_| !or_replace) {
        None => Ok(()),
        Some(lost) => {
            let message = format!("`{}` exists, but {}. Drop it first.", name.name, lost.reason());
            Err(PlanError::statement(message).at(name.span))
        }
    }
}

/// Why a source is not there that was once; `None`: it was not, or is.
pub(super) fn lost(catalog: &Catalog, name: &Ident) -> Option<PlanError> {
    let lost = catalog.lost_source(&name.name)?;
    Some(PlanError::statement(format!("{} {}", name.name, lost.reason())).at(name.span))
}

/// What `IF NOT EXISTS` says; the existing one is called what the statement calls it.
pub(super) fn exists_already_warning(new: SourceKind, existing: &Source) -> String {
    let kind = kind(new);
    format!("Cannot add {kind} `{}`: A {kind} with the same name already exists.", existing.name)
}

pub(super) fn missing_value_format() -> PlanError {
    PlanError::statement(
        "Statement is missing the 'VALUE_FORMAT' property from the WITH clause. Either provide one or set a default via \
         the 'ksql.persistence.default.format.value' config.",
    )
}

pub(super) fn no_timestamp_column(column: &str) -> PlanError {
    PlanError::statement(format!(
        "The TIMESTAMP column set in the WITH clause does not exist in the schema: '{column}'"
    ))
}

pub(super) fn retention_of_plain_table() -> PlanError {
    PlanError::statement(
        "Invalid config variable in the WITH clause: RETENTION_MS. Non-windowed tables do not support retention.",
    )
}

/// Schema ids need a format with a schema registry, and exclude declared columns.
pub(super) fn check_schema_id(side: Side, format: &str, has_id: bool, has_columns: bool) -> Result<()> {
    if !has_id {
        return Ok(());
    }
    let (property, what) = match side {
        Side::Key => ("KEY", "Table elements and KEY_SCHEMA_ID cannot both exist for create statement."),
        Side::Value => ("VALUE", "Table elements and VALUE_SCHEMA_ID cannot both exist for create statement."),
    };
    if !features(format)?.schema_inference {
        return Err(PlanError::statement(format!(
            "{property}_FORMAT should support schema inference when {property}_SCHEMA_ID is provided. Current format is \
             {format}."
        )));
    }
    if has_columns { Err(PlanError::statement(what)) } else { Ok(()) }
}

/// `\nDid you mean "input"? Hint: …` when the name exists in another spelling, else nothing.
pub(crate) fn other_spelling(catalog: &Catalog, name: &str) -> String {
    let upper = name.to_uppercase();
    if upper != name && catalog.source(&upper).is_some() {
        return format!("\nDid you mean {upper}? Hint: try removing double quotes from the source name.");
    }
    let found = catalog.sources().find(|source| source.name != name && source.name.eq_ignore_ascii_case(name));
    match found {
        Some(source) => format!(
            "\nDid you mean \"{}\"? Hint: wrap the source name in double quotes to make it case-sensitive.",
            source.name
        ),
        None => String::new(),
    }
}

/// Types of other databases, and what they are here; names that are theirs in both have no line.
const OTHER_TYPES: [(&str, &str); 18] = [
    ("TEXT", "VARCHAR"),
    ("CHAR", "VARCHAR"),
    ("NVARCHAR", "VARCHAR"),
    ("UUID", "VARCHAR"),
    ("BOOL", "BOOLEAN"),
    ("TINYINT", "INT"),
    ("SMALLINT", "INT"),
    ("INT4", "INT"),
    ("INT8", "BIGINT"),
    ("LONG", "BIGINT"),
    ("FLOAT", "DOUBLE"),
    ("REAL", "DOUBLE"),
    ("NUMERIC", "DECIMAL"),
    ("NUMBER", "DECIMAL"),
    ("DATETIME", "TIMESTAMP"),
    ("TIMESTAMPTZ", "TIMESTAMP"),
    ("BLOB", "BYTES"),
    ("BINARY", "BYTES"),
];
const TYPES: [&str; 15] = [
    "ARRAY",
    "BIGINT",
    "BOOLEAN",
    "BYTES",
    "DATE",
    "DECIMAL",
    "DOUBLE",
    "INT",
    "INTEGER",
    "MAP",
    "STRING",
    "STRUCT",
    "TIME",
    "TIMESTAMP",
    "VARCHAR",
];

/// A type that cannot be, of what stands at that place.
pub(super) fn unknown_type(catalog: &Catalog, unknown: &UnknownType, place: Span) -> PlanError {
    let error = PlanError::statement(unknown.to_string());
    let UnknownType::Unknown(name) = unknown else { return error.at(place) };
    let here = OTHER_TYPES.iter().find(|(other, _)| *other == name.name).map(|(_, here)| (*here).to_owned());
    let custom = catalog.custom_types().map(|(name, _)| name.as_str());
    let meant = here.or_else(|| nearest(&name.name, TYPES.into_iter().chain(custom)));
    error.at(name.span).with_hint(meant.map(|meant| format!("did you mean {meant}?")))
}

/// The source whose name is most like this one.
pub(super) fn similar_source(catalog: &Catalog, name: &str) -> Option<String> {
    catalog
        .sources()
        .map(|source| (strsim::jaro_winkler(&source.name.to_uppercase(), &name.to_uppercase()), source))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, source)| format!("did you mean {} `{}`?", kind(source.kind), source.name))
}

/// What to name instead of ROWKEY, which keys were called once.
pub(super) fn no_rowkey(keys: &[String]) -> String {
    match keys {
        [] => "there is no ROWKEY, nor a key".to_owned(),
        keys => format!("there is no ROWKEY; the key is {}", keys.join(", ")),
    }
}

/// What to do without a registry.
pub(super) fn no_registry_format(format: &str) -> String {
    format!("{format} needs a schema registry; JSON, DELIMITED and KAFKA do not")
}

/// A statement as ksqlDB shows it.
pub(super) fn shown(statement: &Statement) -> String {
    format!("{};", sql::format(statement))
}

/// Sets a property of a WITH clause, keeping it sorted.
pub(super) fn set_text(with: &mut With, name: &str, value: &str) {
    set(with, name, ExprKind::String(value.to_owned()));
}

/// Notes in a WITH clause the full name of a schema that was asked for by its id.
pub(super) fn set_schema_name(with: &mut With, properties: &Properties, side: Side, name: &str) {
    match side {
        Side::Key => set_text(with, "KEY_SCHEMA_FULL_NAME", name),
        Side::Value if properties.has("VALUE_AVRO_SCHEMA_FULL_NAME") => {}
        Side::Value => set_text(with, "VALUE_SCHEMA_FULL_NAME", name),
    }
}

/// Sets a property of a WITH clause, keeping it sorted.
pub(super) fn set_number(with: &mut With, name: &str, value: i64) {
    set(with, name, ExprKind::Bigint(value));
}

fn set(with: &mut With, name: &str, value: ExprKind) {
    with.0.retain(|(other, _)| other.name != name);
    with.0.push((Ident::new(name), Expr { kind: value, span: Span::default() }));
    with.0.sort_by(|a, b| a.0.name.cmp(&b.0.name));
}
