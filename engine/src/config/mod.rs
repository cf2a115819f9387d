//! Every property ksqlDB knows, in one table: name, default, what it may hold, who may set it.
//!
//! ```text
//! server file ──> Config ──with(overrides of a request)──> Config of a statement ──> typed getters
//! ```

mod effect;
mod table;

use std::collections::BTreeMap;

use table::PROPERTIES;

pub use effect::{is_known, without_effect};

/// Prefix of what ksqlDB passes on to Kafka Streams; may be left out.
const STREAMS: &str = "ksql.streams.";
/// Where new queries begin to read.
const OFFSET_RESET: &str = "ksql.streams.auto.offset.reset";
/// Prefixes under which any name is allowed.
const OPEN: &[&str] = &["ksql.streams.", "ksql.functions.", "ksql.schema.registry.", "ksql.connect.", "ksql.plugins."];

/// One property.
#[derive(Debug)]
pub struct Property {
    /// Its full name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Its value when nobody sets it.
    pub default: Option<&'static str>,
    /// Who may set it.
    pub access: Access,
    /// One sentence.
    pub about: &'static str,
}

/// What a property holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Boolean,
    Integer,
    Double,
    Text,
    Password,
    /// One of these, in any case.
    Choice(&'static [&'static str]),
}

/// Who may set a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The server's file only.
    Server,
    /// A request too.
    Session,
}

/// What is wrong with a setting.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigError {
    /// Nobody knows that name.
    #[error("Unknown property: {name}{}", hint(.nearest))]
    Unknown { name: String, nearest: Option<&'static str> },
    /// A name that no prefix makes sense of.
    #[error("Not recognizable as ksql, streams, consumer, or producer property: '{0}'")]
    NotRecognizable(String),
    /// The value does not fit.
    #[error("Failed to coerce type of value '{value}' for key '{name}'\nCaused by: {problem}")]
    Value { name: String, value: String, problem: String },
    /// Only the server's file may set it.
    #[error("Cannot override property '{0}'")]
    Immutable(String),
    /// The server's administrator forbids it.
    #[error(
        "One or more properties overrides set locally are prohibited by the KSQL server (use UNSET to reset their default value): [{0}]"
    )]
    Prohibited(String),
}

fn hint(nearest: &Option<&'static str>) -> String {
    nearest.map(|name| format!("\nDid you mean '{name}'?")).unwrap_or_default()
}

/// All properties, in the order of the reference.
pub fn properties() -> &'static [Property] {
    PROPERTIES
}

/// The property of that name, with or without `ksql.streams.`.
pub fn find(name: &str) -> Option<&'static Property> {
    PROPERTIES.iter().find(|property| property.name == name || property.name.strip_prefix(STREAMS) == Some(name))
}

/// A known name that looks like this one.
pub fn nearest(name: &str) -> Option<&'static str> {
    PROPERTIES
        .iter()
        .map(|property| {
            let short = property.name.strip_prefix(STREAMS).unwrap_or(property.name);
            (property.name, strsim::jaro_winkler(name, property.name).max(strsim::jaro_winkler(name, short)))
        })
        .filter(|(_, score)| *score > 0.9)
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(name, _)| name)
}

/// Properties that were set, by full name. Lookups fall back to the defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    set: BTreeMap<String, String>,
}

impl Config {
    /// The server's settings. Unknown names are kept (and may be warned about with [`nearest`]); bad values are refused.
    pub fn new<K: AsRef<str>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        for (name, value) in pairs {
            let (name, value) = checked(name.as_ref(), value.into())?;
            config.set.insert(name, value);
        }
        Ok(config)
    }

    /// Settings that were accepted once. A value that is not accepted any more gives way to the default.
    pub fn remembered<K: AsRef<str>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let mut config = Self::default();
        for (name, value) in pairs {
            match checked(name.as_ref(), value.into()) {
                Ok((name, value)) => drop(config.set.insert(name, value)),
                Err(error) => tracing::warn!("the default counts: {error}"),
            }
        }
        config
    }

    /// These settings with a request's on top. Names it may not set and bad values are refused.
    pub fn with<'a>(&self, overrides: impl IntoIterator<Item = (&'a String, &'a String)>) -> Result<Self, ConfigError> {
        let mut config = self.clone();
        for (name, value) in overrides {
            self.check_override(name)?;
            let (name, value) = checked(name, value.clone())?;
            config.set.insert(name, value);
        }
        Ok(config)
    }

    /// Whether a request may set that property.
    pub fn check_override(&self, name: &str) -> Result<(), ConfigError> {
        let full = full_name(name);
        let lists = |list: &str| self.list(list).any(|listed| full_name(listed) == full);
        let by_allowlist = || {
            let mode = self.get("ksql.properties.overrides.validation.mode");
            mode.is_some_and(|mode| mode.trim().eq_ignore_ascii_case("allowlist"))
        };
        let is_prohibited = if by_allowlist() {
            !lists("ksql.properties.overrides.allowlist")
        } else {
            lists("ksql.properties.overrides.denylist")
        };
        if is_prohibited {
            return Err(ConfigError::Prohibited(name.to_owned()));
        }
        match find(name) {
            Some(property) if property.access == Access::Session => Ok(()),
            Some(_) => Err(ConfigError::Immutable(name.to_owned())),
            None if OPEN.iter().any(|prefix| name.starts_with(prefix)) || is_client_property(name) => Ok(()),
            None => Err(ConfigError::NotRecognizable(name.to_owned())),
        }
    }

    /// Whether there is a property of that name at all.
    pub fn check_known(&self, name: &str) -> Result<(), ConfigError> {
        match self.check_override(name) {
            Err(ConfigError::NotRecognizable(name)) => {
                let nearest = nearest(&name);
                Err(ConfigError::Unknown { name, nearest })
            }
            _ => Ok(()),
        }
    }

    /// Checks a `SET 'name'='value'`.
    pub fn check_set(&self, name: &str, value: &str) -> Result<(), ConfigError> {
        self.check_known(name)?;
        self.check_override(name)?;
        checked(name, value.to_owned()).map(drop)
    }

    /// The value that was set, else the default.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.set.get(name).map(String::as_str).or_else(|| find(name).and_then(|property| property.default))
    }

    /// The same as it may be shown: passwords are not.
    pub fn shown(&self, name: &str) -> Option<String> {
        let is_password = find(name).is_some_and(|property| property.kind == Kind::Password) || sql::is_secret(name);
        match self.get(name) {
            Some(_) if is_password && self.is_set(name) => Some("[hidden]".to_owned()),
            value => value.map(sql::without_credentials),
        }
    }

    /// Whether it was set.
    pub fn is_set(&self, name: &str) -> bool {
        self.set.contains_key(name)
    }

    /// What was set, by full name.
    pub fn settings(&self) -> impl Iterator<Item = (&str, &str)> {
        self.set.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A switch; unset ones without a default are off.
    pub fn enabled(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A number; `None` when unset without a default.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(|value| value.trim().parse().ok())
    }

    /// Bounds on what a request's statements may be.
    pub fn sql_limits(&self) -> sql::Limits {
        let defaults = sql::Limits::default();
        let limit =
            |name: &str, default| self.number(name).and_then(|most| usize::try_from(most).ok()).unwrap_or(default);
        sql::Limits {
            bytes: limit("millstream.sql.max.bytes", defaults.bytes),
            tokens: limit("millstream.sql.max.tokens", defaults.tokens),
            statements: limit("millstream.sql.max.statements", defaults.statements),
            name_bytes: limit("millstream.sql.max.name.bytes", defaults.name_bytes),
        }
    }

    /// The parts of a comma-separated list.
    pub fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        self.get(name).unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty())
    }

    /// `ksql.service.id`
    pub fn service_id(&self) -> &str {
        self.get("ksql.service.id").unwrap_or_default()
    }

    /// Whether new queries read from the beginning.
    pub fn reads_from_earliest(&self) -> bool {
        self.get("ksql.streams.auto.offset.reset").is_some_and(|value| value.eq_ignore_ascii_case("earliest"))
    }
}

fn full_name(name: &str) -> String {
    find(name).map_or_else(|| name.to_owned(), |property| property.name.to_owned())
}

/// Names of Kafka's own clients that ksqlDB passes on; we take and ignore them.
fn is_client_property(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "acks",
        "batch.size",
        "linger.ms",
        "max.poll.records",
        "max.poll.interval.ms",
        "session.timeout.ms",
        "fetch.min.bytes",
        "fetch.max.bytes",
        "fetch.max.wait.ms",
        "isolation.level",
        "compression.type",
        "request.timeout.ms",
        "retries",
        "metadata.max.age.ms",
        "receive.buffer.bytes",
        "send.buffer.bytes",
        "max.partition.fetch.bytes",
        "heartbeat.interval.ms",
        "client.id",
        "enable.idempotence",
        "delivery.timeout.ms",
        "cache.max.bytes.buffering",
        "statestore.cache.max.bytes",
    ];
    // Kafka Streams' own switches, passed on with their prefix taken off, begin with two underscores.
    NAMES.contains(&name)
        || name.starts_with("__")
        || ["producer.", "consumer.", "main.consumer.", "restore.consumer.", "global.consumer.", "admin.", "topic."]
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

/// The full name and the value, if the value fits.
fn checked(name: &str, value: String) -> Result<(String, String), ConfigError> {
    let Some(property) = find(name) else { return Ok((name.to_owned(), value)) };
    let problem = match property.kind {
        Kind::Boolean if !["true", "false"].contains(&value.trim().to_ascii_lowercase().as_str()) => {
            Some("Expected value to be either true or false".to_owned())
        }
        Kind::Integer if value.trim().parse::<i64>().is_err() => Some(format!("Not a number of type {}", width(name))),
        Kind::Double if value.trim().parse::<f64>().is_err() => Some("Not a number of type DOUBLE".to_owned()),
        _ if property.name == OFFSET_RESET => {
            return checked_offset_reset(name, value).map(|value| (property.name.to_owned(), value));
        }
        Kind::Choice(allowed) if !allowed.iter().any(|choice| choice.eq_ignore_ascii_case(value.trim())) => {
            Some(format!("String must be one of: {}", allowed.join(", ")))
        }
        _ => None,
    };
    match problem {
        Some(problem) => {
            let problem = format!("Invalid value {value} for configuration {name}: {problem}");
            Err(ConfigError::Value { name: name.to_owned(), value, problem })
        }
        None => Ok((property.name.to_owned(), value)),
    }
}

/// Kafka's name for the width of a number.
fn width(name: &str) -> &'static str {
    if [".ms", ".bytes", ".buffering"].iter().any(|end| name.ends_with(end)) { "LONG" } else { "INT" }
}

/// Kafka knows more places to start from than ksqlDB lets queries have.
fn checked_offset_reset(name: &str, value: String) -> Result<String, ConfigError> {
    let problem = match value.trim().to_ascii_lowercase().as_str() {
        "earliest" | "latest" => return Ok(value),
        "none" => "'none' is not valid for this property within KSQL".to_owned(),
        _ => format!(
            "Invalid value {value} for configuration {name}: Invalid value `{value}` for configuration {name}. The value \
             must be either 'earliest', 'latest', 'none' or of the format 'by_duration:<PnDTnHnMn.nS.>'."
        ),
    };
    Err(ConfigError::Value { name: name.to_owned(), value, problem })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_properties_go_by_both_names() {
        let config = Config::new([("auto.offset.reset", "earliest")]).unwrap();
        assert!(config.reads_from_earliest());
        assert_eq!(config.get("ksql.streams.auto.offset.reset"), Some("earliest"));
        let request = BTreeMap::from([("ksql.streams.auto.offset.reset".to_owned(), "latest".to_owned())]);
        assert!(!config.with(&request).unwrap().reads_from_earliest());
    }

    #[test]
    fn unknown_names_get_a_hint_and_bad_values_are_refused() {
        let config = Config::default();
        let error = config.check_set("auto.ofset.reset", "earliest").unwrap_err();
        assert!(error.to_string().contains("Did you mean 'ksql.streams.auto.offset.reset'?"), "{error}");
        assert!(config.check_set("auto.offset.reset", "none").is_err());
        assert_eq!(config.check_set("ksql.service.id", "x"), Err(ConfigError::Immutable("ksql.service.id".to_owned())));
    }

    #[test]
    fn the_lists_say_what_a_request_may_set() {
        let denies = Config::new([("ksql.properties.overrides.denylist", "auto.offset.reset, ksql.suppress.enabled")]);
        let denies = denies.unwrap();
        let prohibited =
            |config: &Config, name: &str| matches!(config.check_override(name), Err(ConfigError::Prohibited(_)));
        for name in ["auto.offset.reset", "ksql.streams.auto.offset.reset", "ksql.suppress.enabled"] {
            assert!(prohibited(&denies, name), "{name}");
        }
        assert!(!prohibited(&denies, "ksql.output.topic.name.prefix"));
        let allows = Config::new([
            ("ksql.properties.overrides.validation.mode", "Allowlist"),
            ("ksql.properties.overrides.allowlist", "ksql.streams.auto.offset.reset"),
            ("ksql.properties.overrides.denylist", "auto.offset.reset"),
        ]);
        let allows = allows.unwrap();
        assert!(!prohibited(&allows, "auto.offset.reset"), "only one of the lists counts");
        assert!(prohibited(&allows, "ksql.suppress.enabled") && prohibited(&allows, "nobody.knows.it"));
    }

    #[test]
    fn the_limits_of_the_parser_are_the_defaults() {
        assert_eq!(Config::default().sql_limits(), sql::Limits::default());
    }

    #[test]
    fn no_property_stands_twice() {
        for (i, property) in properties().iter().enumerate() {
            assert!(properties()[..i].iter().all(|other| other.name != property.name), "{}", property.name);
        }
    }
}
