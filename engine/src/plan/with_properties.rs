//! `WITH (…)`: which properties a statement takes, what each may hold.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use sql::{Expr, ExprKind, Ident, Sign, TimeUnit, With};

use super::error::{PlanError, Result, Stage};
use crate::expr::java_time::Pattern;
use crate::steps::{KeyWindow, Timestamp, WindowKind};

/// Which statement the clause belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clause {
    /// `CREATE STREAM|TABLE`
    Create,
    /// `CREATE STREAM|TABLE … AS SELECT`
    CreateAs,
    /// `INSERT INTO`
    Insert,
}

/// What a property holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Int,
    Short,
    Long,
    Boolean,
    Text,
}

/// Properties of `CREATE … (columns)` only, in the order in which they are looked at.
const CREATE_ONLY: &[(&str, Holds)] = &[
    ("WINDOW_TYPE", Holds::Text),
    ("WINDOW_SIZE", Holds::Text),
    ("SOURCE_CONNECTOR", Holds::Text),
    ("SOURCED_BY_CONNECTOR", Holds::Text),
];

/// Properties of every CREATE, in the order in which they are looked at.
const COMMON: &[(&str, Holds)] = &[
    ("KAFKA_TOPIC", Holds::Text),
    ("PARTITIONS", Holds::Int),
    ("REPLICAS", Holds::Short),
    ("RETENTION_MS", Holds::Long),
    ("VALUE_FORMAT", Holds::Text),
    ("TIMESTAMP", Holds::Text),
    ("TIMESTAMP_FORMAT", Holds::Text),
    ("WRAP_SINGLE_VALUE", Holds::Boolean),
    ("KEY_PROTOBUF_NULLABLE_REPRESENTATION", Holds::Text),
    ("VALUE_PROTOBUF_NULLABLE_REPRESENTATION", Holds::Text),
    ("VALUE_AVRO_SCHEMA_FULL_NAME", Holds::Text),
    ("KEY_SCHEMA_FULL_NAME", Holds::Text),
    ("VALUE_SCHEMA_FULL_NAME", Holds::Text),
    ("KEY_DELIMITER", Holds::Text),
    ("VALUE_DELIMITER", Holds::Text),
    ("KEY_FORMAT", Holds::Text),
    ("FORMAT", Holds::Text),
    ("KEY_SCHEMA_ID", Holds::Int),
    ("VALUE_SCHEMA_ID", Holds::Int),
    ("CLEANUP_POLICY", Holds::Text),
];

/// Properties of `INSERT INTO … SELECT`.
const INSERT: &[(&str, Holds)] = &[("QUERY_ID", Holds::Text)];

impl Clause {
    fn known(self) -> impl Iterator<Item = &'static (&'static str, Holds)> {
        let (first, then): (&[_], &[_]) = match self {
            Self::Create => (CREATE_ONLY, COMMON),
            Self::CreateAs => (&[], COMMON),
            Self::Insert => (&[], INSERT),
        };
        first.iter().chain(then)
    }
}

/// The checked properties of a statement.
#[derive(Debug, Clone, Default)]
pub(super) struct Properties {
    values: BTreeMap<String, String>,
    pub(super) partitions: Option<i64>,
    pub(super) replicas: Option<i64>,
    pub(super) retention_ms: Option<i64>,
    pub(super) wrap_single_value: Option<bool>,
    pub(super) key_delimiter: Option<char>,
    pub(super) value_delimiter: Option<char>,
    window_size_ms: Option<i64>,
    pub(super) window: Option<KeyWindow>,
    pub(super) timestamp: Option<Timestamp>,
    pub(super) key_schema_id: Option<i64>,
    pub(super) value_schema_id: Option<i64>,
}

impl Properties {
    /// Checks values and names.
    pub(super) fn new(with: &With, clause: Clause) -> Result<Self> {
        Self::read(with, clause).map_err(|error| error.during(Stage::Read))
    }

    fn read(with: &With, clause: Clause) -> Result<Self> {
        let mut properties = Self::default();
        for (name, holds) in clause.known() {
            match with.0.iter().rfind(|(given, _)| given.name == *name) {
                Some((_, expr)) => properties.take(name, *holds, expr)?,
                None if *name == "KAFKA_TOPIC" && clause == Clause::Create => {
                    let message = "Missing required property \"KAFKA_TOPIC\" which has no default value.";
                    return Err(PlanError::statement(message));
                }
                None => {}
            }
        }
        check_names(with, clause)?;
        properties.check_formats()?;
        properties.text("TIMESTAMP_FORMAT").map_or(Ok(()), check_date_pattern)?;
        properties.window = properties.window_in_key()?;
        properties.timestamp = properties.event_time();
        Ok(properties)
    }

    /// The text of a property.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Whether it was given.
    pub(super) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// `KEY_FORMAT`, or `FORMAT`; upper case.
    pub(super) fn key_format(&self) -> Option<String> {
        self.text("KEY_FORMAT").or_else(|| self.text("FORMAT")).map(str::to_uppercase)
    }

    /// `VALUE_FORMAT`, or `FORMAT`; upper case.
    pub(super) fn value_format(&self) -> Option<String> {
        self.text("VALUE_FORMAT").or_else(|| self.text("FORMAT")).map(str::to_uppercase)
    }

    fn take(&mut self, name: &str, holds: Holds, expr: &Expr) -> Result<()> {
        let text = literal_text(expr)
            .ok_or_else(|| PlanError::statement(format!("The value of {name} must be a literal")).at(expr.span))?;
        let invalid = |problem: &str| {
            PlanError::statement(format!("Invalid value {text} for property {name}: {problem}")).at(expr.span)
        };
        let expected = |what: &str| invalid(&format!("Expected value to be {what}, but it was a {}", java_class(expr)));
        let is_text = matches!(expr.kind, ExprKind::String(_));
        let number = match holds {
            Holds::Text if !is_text => return Err(expected("a string")),
            Holds::Boolean if !["true", "false"].contains(&text.to_ascii_lowercase().as_str()) => {
                return Err(invalid("Expected value to be either true or false"));
            }
            Holds::Text | Holds::Boolean => 0,
            Holds::Int => whole(&text, expr, i64::from(i32::MIN)..=i64::from(i32::MAX), is_text).ok_or_else(|| {
                if is_text { invalid("Not a number of type INT") } else { expected("a 32-bit integer") }
            })?,
            Holds::Short => {
                whole(&text, expr, i64::from(i16::MIN)..=i64::from(i16::MAX), is_text).ok_or_else(|| {
                    if is_text { invalid("Not a number of type SHORT") } else { expected("a 16-bit integer (short)") }
                })?
            }
            Holds::Long => whole(&text, expr, i64::MIN..=i64::MAX, is_text).ok_or_else(|| {
                if is_text { invalid("Not a number of type LONG") } else { expected("a 64-bit integer (long)") }
            })?,
        };
        match name {
            "KAFKA_TOPIC" if text.is_empty() => return Err(invalid("String must be non-empty")),
            "WINDOW_TYPE" if WindowKind::named(&text.to_uppercase()).is_none() => {
                return Err(invalid(&format!(
                    "String must be one of: {}, null",
                    WindowKind::ALL.map(WindowKind::name).join(", ")
                )));
            }
            "PARTITIONS" => self.partitions = Some(number),
            "REPLICAS" => self.replicas = Some(number),
            "RETENTION_MS" => self.retention_ms = Some(number),
            "KEY_SCHEMA_ID" => self.key_schema_id = Some(number),
            "VALUE_SCHEMA_ID" => self.value_schema_id = Some(number),
            "WINDOW_SIZE" => self.window_size_ms = Some(parse_duration(&text)?),
            "KEY_DELIMITER" => self.key_delimiter = Some(delimiter(name, &text)?),
            "VALUE_DELIMITER" => self.value_delimiter = Some(delimiter(name, &text)?),
            "WRAP_SINGLE_VALUE" => self.wrap_single_value = Some(text.eq_ignore_ascii_case("true")),
            _ => {}
        }
        self.values.insert(name.to_owned(), text);
        Ok(())
    }

    /// The topic is cleaned as its source needs it.
    pub(super) fn check_cleanup_policy(&self) -> Result<()> {
        if !self.has("CLEANUP_POLICY") {
            return Ok(());
        }
        Err(PlanError::statement(
            "Invalid config variable in the WITH clause: CLEANUP_POLICY.\nThe CLEANUP_POLICY config is automatically \
             inferred based on the type of source (STREAM or TABLE).\nUsers can't set the CLEANUP_POLICY config manually.",
        ))
    }

    fn check_formats(&self) -> Result<()> {
        for property in ["KEY_FORMAT", "VALUE_FORMAT"] {
            if self.has("FORMAT") && self.has(property) {
                return Err(PlanError::statement(format!(
                    "Cannot supply both '{property}' and 'FORMAT' properties, as 'FORMAT' sets both key and value \
                     formats. Either use just 'FORMAT', or use 'KEY_FORMAT' and 'VALUE_FORMAT'."
                )));
            }
        }
        if self.has("VALUE_SCHEMA_FULL_NAME") && self.has("VALUE_AVRO_SCHEMA_FULL_NAME") {
            return Err(PlanError::statement(
                "Cannot supply both 'VALUE_AVRO_SCHEMA_FULL_NAME' and 'VALUE_SCHEMA_FULL_NAME' properties. \
                 Please only set 'VALUE_SCHEMA_FULL_NAME'.",
            ));
        }
        Ok(())
    }

    fn window_in_key(&self) -> Result<Option<KeyWindow>> {
        let kind = self.text("WINDOW_TYPE").and_then(|name| WindowKind::named(&name.to_uppercase()));
        match (kind, self.window_size_ms) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(PlanError::statement("'WINDOW_SIZE' should not be set for SESSION windows.")),
            (Some(kind), Some(_)) if kind.is_session() => {
                Err(PlanError::statement(format!("'WINDOW_SIZE' should not be set for {} windows.", kind.name())))
            }
            (Some(kind), None) if !kind.is_session() => Err(PlanError::statement(format!(
                "{} windows require 'WINDOW_SIZE' to be provided in the WITH clause. For example: \
                 'WINDOW_SIZE'='10 SECONDS'",
                kind.name()
            ))),
            (Some(kind), size_ms) => Ok(Some(KeyWindow { kind, size_ms })),
        }
    }

    /// The column's name is folded like an identifier; backquotes keep its case.
    fn event_time(&self) -> Option<Timestamp> {
        let column = self.text("TIMESTAMP")?;
        let quoted = ['`', '"'].into_iter().find_map(|quote| column.strip_prefix(quote)?.strip_suffix(quote));
        let column = quoted.map_or_else(|| column.to_uppercase(), str::to_owned);
        Some(Timestamp { column, format: self.text("TIMESTAMP_FORMAT").map(str::to_owned) })
    }
}

fn check_names(with: &With, clause: Clause) -> Result<()> {
    let is_known = |name: &str| clause.known().any(|(known, _)| *known == name);
    let unknown: Vec<&Ident> = with.0.iter().map(|(name, _)| name).filter(|name| !is_known(&name.name)).collect();
    let Some(first) = unknown.first() else { return Ok(()) };
    let nearest = clause
        .known()
        .find(|(known, _)| strsim::jaro_winkler(known, &first.name) > 0.9)
        .map(|(known, _)| format!("did you mean {known}?"));
    let declared = || "the key is said where the columns are: name type KEY, in a table PRIMARY KEY".to_owned();
    let hint = if first.name == "KEY" { Some(declared()) } else { nearest };
    let names: Vec<&str> = unknown.iter().map(|name| name.name.as_str()).collect();
    let message = format!("Invalid config variable(s) in the WITH clause: {}", names.join(","));
    Err(PlanError::statement(message).with_hint(hint).at(first.span))
}

/// The whole number that a literal, or its text, stands for.
fn whole(text: &str, expr: &Expr, range: RangeInclusive<i64>, is_text: bool) -> Option<i64> {
    let is_whole = matches!(expr.kind, ExprKind::Integer(_) | ExprKind::Bigint(_) | ExprKind::Unary { .. });
    if !is_text && !is_whole {
        return None;
    }
    text.trim().parse().ok().filter(|number| range.contains(number))
}

/// The text of a literal as Java would print it.
fn literal_text(expr: &Expr) -> Option<String> {
    Some(match &expr.kind {
        ExprKind::String(text) | ExprKind::Decimal(text) => text.clone(),
        ExprKind::Integer(value) => value.to_string(),
        ExprKind::Bigint(value) => value.to_string(),
        ExprKind::Double(value) => value.to_string(),
        ExprKind::Boolean(value) => value.to_string(),
        ExprKind::Null => "null".to_owned(),
        ExprKind::Unary { op, expr } => {
            let text = literal_text(expr)?;
            if *op == Sign::Minus { format!("-{text}") } else { text }
        }
        _ => return None,
    })
}

fn java_class(expr: &Expr) -> &'static str {
    match &expr.kind {
        ExprKind::Integer(_) | ExprKind::Unary { .. } => "java.lang.Integer",
        ExprKind::Bigint(_) => "java.lang.Long",
        ExprKind::Double(_) => "java.lang.Double",
        ExprKind::Decimal(_) => "java.math.BigDecimal",
        ExprKind::Boolean(_) => "java.lang.Boolean",
        _ => "null",
    }
}

fn delimiter(property: &str, text: &str) -> Result<char> {
    let problem = match text.to_ascii_uppercase().as_str() {
        "TAB" => return Ok('\t'),
        "SPACE" => return Ok(' '),
        _ if text.trim().is_empty() => "Delimiter cannot be empty, if you meant to have a tab or space for delimiter, \
                                        please use the special values 'TAB' or 'SPACE'"
            .to_owned(),
        _ => {
            let mut chars = text.chars();
            if let (Some(only), None) = (chars.next(), chars.next()) {
                return Ok(only);
            }
            format!("Invalid delimiter value: '{text}'. Delimiter must be a single character or TAB,SPACE")
        }
    };
    Err(PlanError::statement(format!("Configuration {property} is invalid: {problem}\nExample valid value: ';'")))
}

/// `30 seconds`, in milliseconds.
fn parse_duration(text: &str) -> Result<i64> {
    let invalid = |problem: String| {
        PlanError::statement(format!(
            "Configuration WINDOW_SIZE is invalid: Invalid duration: '{text}'. {problem}\nExample valid value: '10 SECONDS'"
        ))
    };
    let parts: Vec<&str> = text.split_whitespace().collect();
    let &[amount, unit] = parts.as_slice() else {
        return Err(invalid(format!("Expected 2 tokens, got: {}", parts.len())));
    };
    let amount: i64 = amount.parse().map_err(|_| invalid(format!("Size must be numeric: '{amount}'")))?;
    let unit = match unit.to_ascii_uppercase().trim_end_matches('S') {
        "DAY" => TimeUnit::Days,
        "HOUR" => TimeUnit::Hours,
        "MINUTE" => TimeUnit::Minutes,
        "SECOND" => TimeUnit::Seconds,
        "MILLISECOND" => TimeUnit::Milliseconds,
        _ => {
            return Err(invalid(format!(
                "Unknown time unit: '{}'\nSupported time units are: MILLISECONDS, SECONDS, MINUTES, HOURS, DAYS",
                unit.to_ascii_uppercase()
            )));
        }
    };
    super::window::unit_ms(unit).checked_mul(amount).ok_or_else(|| invalid("Size is too large".to_owned()))
}

fn check_date_pattern(pattern: &str) -> Result<()> {
    Pattern::new(pattern).map(drop).map_err(|reason| {
        PlanError::statement(format!("Invalid datetime format for config:TIMESTAMP_FORMAT, reason:{reason}"))
    })
}
