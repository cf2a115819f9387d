//! `WITH (…)`: which properties a statement takes, what each may hold.

use std::collections::BTreeMap;

use sql::{Expr, ExprKind, Ident, Sign, TimeUnit, With};

use super::error::{PlanError, Result};
use crate::expr::java_time::Pattern;
use crate::steps::{KeyWindow, Timestamp};

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

/// Properties of every CREATE.
const COMMON: &[&str] = &[
    "KAFKA_TOPIC",
    "PARTITIONS",
    "REPLICAS",
    "RETENTION_MS",
    "CLEANUP_POLICY",
    "FORMAT",
    "KEY_FORMAT",
    "VALUE_FORMAT",
    "KEY_DELIMITER",
    "VALUE_DELIMITER",
    "KEY_SCHEMA_ID",
    "VALUE_SCHEMA_ID",
    "KEY_SCHEMA_FULL_NAME",
    "VALUE_SCHEMA_FULL_NAME",
    "VALUE_AVRO_SCHEMA_FULL_NAME",
    "WRAP_SINGLE_VALUE",
    "KEY_PROTOBUF_NULLABLE_REPRESENTATION",
    "VALUE_PROTOBUF_NULLABLE_REPRESENTATION",
    "TIMESTAMP",
    "TIMESTAMP_FORMAT",
];
/// Properties of `CREATE … (columns)` only.
const CREATE_ONLY: &[&str] = &["WINDOW_TYPE", "WINDOW_SIZE", "SOURCE_CONNECTOR", "SOURCED_BY_CONNECTOR"];

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
    pub(super) window: Option<KeyWindow>,
    pub(super) timestamp: Option<Timestamp>,
    pub(super) key_schema_id: Option<i64>,
    pub(super) value_schema_id: Option<i64>,
}

impl Properties {
    /// Checks names and values.
    pub(super) fn new(with: &With, clause: Clause) -> Result<Self> {
        let mut properties = Self::default();
        properties.check_names(with, clause)?;
        for (name, expr) in &with.0 {
            properties.take(name, expr)?;
        }
        if clause == Clause::Create && !properties.values.contains_key("KAFKA_TOPIC") {
            return Err(PlanError::prepare("Missing required property \"KAFKA_TOPIC\" which has no default value."));
        }
        properties.check_formats()?;
        properties.window = properties.window_in_key()?;
        properties.timestamp = properties.event_time()?;
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

    fn check_names(&self, with: &With, clause: Clause) -> Result<()> {
        let unknown: Vec<&str> = with
            .0
            .iter()
            .map(|(name, _)| name.name.as_str())
            .filter(|name| match clause {
                Clause::Create => !COMMON.contains(name) && !CREATE_ONLY.contains(name),
                Clause::CreateAs => !COMMON.contains(name),
                Clause::Insert => *name != "QUERY_ID",
            })
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let message = format!("Invalid config variable(s) in the WITH clause: {}", unknown.join(","));
        let nearest = COMMON
            .iter()
            .chain(CREATE_ONLY)
            .filter(|known| unknown.first().is_some_and(|name| strsim::jaro_winkler(known, name) > 0.9))
            .map(|known| format!("did you mean {known}?"))
            .next();
        let span = with.0.iter().find(|(name, _)| unknown.contains(&name.name.as_str())).map(|(name, _)| name.span);
        let error = PlanError::prepare(message).hint(nearest);
        Err(match span {
            Some(span) => error.at(span),
            None => error,
        })
    }

    fn take(&mut self, name: &Ident, expr: &Expr) -> Result<()> {
        let text = literal_text(expr)
            .ok_or_else(|| PlanError::prepare(format!("The value of {} must be a literal", name.name)).at(expr.span))?;
        let invalid = |problem: &str| {
            PlanError::prepare(format!("Invalid value {text} for property {}: {problem}", name.name)).at(expr.span)
        };
        let number = |kind: &str| {
            let within = |number: &i64| match kind {
                "INT" => i32::try_from(*number).is_ok(),
                "SHORT" => i16::try_from(*number).is_ok(),
                _ => true,
            };
            let number = text.trim().parse::<i64>().ok().filter(within);
            number.ok_or_else(|| invalid(&format!("Not a number of type {kind}")))
        };
        match name.name.as_str() {
            "PARTITIONS" => self.partitions = Some(number("INT")?),
            "REPLICAS" => self.replicas = Some(number("SHORT")?),
            "RETENTION_MS" => self.retention_ms = Some(number("LONG")?),
            "KEY_SCHEMA_ID" => self.key_schema_id = Some(number("INT")?),
            "VALUE_SCHEMA_ID" => self.value_schema_id = Some(number("INT")?),
            "WRAP_SINGLE_VALUE" => {
                self.wrap_single_value = Some(match text.to_ascii_lowercase().as_str() {
                    "true" => true,
                    "false" => false,
                    _ => return Err(invalid("Expected value to be either true or false")),
                });
            }
            other => {
                if !matches!(expr.kind, ExprKind::String(_)) {
                    return Err(invalid(&format!("Expected value to be a string, but it was a {}", java_class(expr))));
                }
                match other {
                    "KAFKA_TOPIC" if text.is_empty() => return Err(invalid("String must be non-empty")),
                    "KEY_DELIMITER" => self.key_delimiter = Some(delimiter(&name.name, &text)?),
                    "VALUE_DELIMITER" => self.value_delimiter = Some(delimiter(&name.name, &text)?),
                    "TIMESTAMP_FORMAT" => check_date_pattern(&text)?,
                    _ => {}
                }
            }
        }
        self.values.insert(name.name.clone(), text);
        Ok(())
    }

    fn check_formats(&self) -> Result<()> {
        for property in ["KEY_FORMAT", "VALUE_FORMAT"] {
            if self.has("FORMAT") && self.has(property) {
                return Err(PlanError::prepare(format!(
                    "Cannot supply both '{property}' and 'FORMAT' properties, as 'FORMAT' sets both key and value \
                     formats. Either use just 'FORMAT', or use 'KEY_FORMAT' and 'VALUE_FORMAT'."
                )));
            }
        }
        if self.has("VALUE_SCHEMA_FULL_NAME") && self.has("VALUE_AVRO_SCHEMA_FULL_NAME") {
            return Err(PlanError::prepare(
                "Cannot supply both 'VALUE_AVRO_SCHEMA_FULL_NAME' and 'VALUE_SCHEMA_FULL_NAME' properties. \
                 Please only set 'VALUE_SCHEMA_FULL_NAME'.",
            ));
        }
        if self.has("CLEANUP_POLICY") {
            return Err(PlanError::general(
                "Invalid config variable in the WITH clause: CLEANUP_POLICY.\nThe CLEANUP_POLICY config is \
                 automatically inferred based on the type of source (STREAM or TABLE).\nUsers can't set the \
                 CLEANUP_POLICY config manually.",
            ));
        }
        Ok(())
    }

    fn window_in_key(&self) -> Result<Option<KeyWindow>> {
        let size = self.text("WINDOW_SIZE").map(parse_duration).transpose()?;
        let Some(kind) = self.text("WINDOW_TYPE") else {
            return match size {
                None => Ok(None),
                Some(_) => Err(PlanError::prepare("'WINDOW_SIZE' should not be set without 'WINDOW_TYPE'.")),
            };
        };
        match (kind.to_uppercase().as_str(), size) {
            ("SESSION", None) => Ok(Some(KeyWindow::Session)),
            ("SESSION", Some(_)) => Err(PlanError::prepare("'WINDOW_SIZE' should not be set for SESSION windows.")),
            ("TUMBLING", Some(size_ms)) => Ok(Some(KeyWindow::Time { size_ms })),
            ("HOPPING", Some(size_ms)) => Ok(Some(KeyWindow::Hopping { size_ms })),
            ("TUMBLING" | "HOPPING", None) => Err(PlanError::prepare(format!(
                "{} windows require 'WINDOW_SIZE' to be provided in the WITH clause. For example: 'WINDOW_SIZE'='10 SECONDS'",
                kind.to_uppercase()
            ))),
            _ => Err(PlanError::prepare(format!(
                "Invalid value {kind} for property WINDOW_TYPE: String must be one of: SESSION, HOPPING, TUMBLING, null"
            ))),
        }
    }

    /// The column's name is folded like an identifier; backquotes keep its case.
    fn event_time(&self) -> Result<Option<Timestamp>> {
        let Some(column) = self.text("TIMESTAMP") else { return Ok(None) };
        let quoted = ['`', '"'].into_iter().find_map(|quote| column.strip_prefix(quote)?.strip_suffix(quote));
        let column = quoted.map_or_else(|| column.to_uppercase(), str::to_owned);
        Ok(Some(Timestamp { column, format: self.text("TIMESTAMP_FORMAT").map(str::to_owned) }))
    }
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
    Err(PlanError::prepare(format!("Configuration {property} is invalid: {problem}\nExample valid value: ';'")))
}

/// `30 seconds`, in milliseconds.
fn parse_duration(text: &str) -> Result<i64> {
    let invalid = |problem: String| {
        PlanError::prepare(format!(
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
        PlanError::prepare(format!("Invalid datetime format for config:TIMESTAMP_FORMAT, reason:{reason}"))
    })
}
