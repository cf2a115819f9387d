//! Every property ksqlDB knows, and ours: name, default, what it may hold, who may set it. `setting.rs` has those that are
//! read, `kafka_security.rs` what secures connections to Kafka, `kafka_clients.rs` what tunes its clients, `effect.rs` the
//! others, with the reason.
//!
//! ```text
//! server's settings ──> Config ──with(overrides of a request)──> Config of a statement ──> get(setting::NAME)
//! ```

mod effect;
mod kafka_clients;
mod kafka_security;
mod property;
pub mod setting;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use property::{Value, Whole};

pub use effect::{effect, is_known, without_effect, without_effect_in_session};
pub use kafka_security::{KafkaClient, KafkaSetting};
pub use property::{Access, Effect, Kind, Property, Setting};

/// Prefix of what ksqlDB passes on to Kafka Streams; may be left out.
const STREAMS: &str = "ksql.streams.";
/// Prefix of settings of the topics that queries make for themselves, without [`STREAMS`] and with it.
const TOPICS: &str = "topic.";
const INTERNAL_TOPICS: &str = "ksql.streams.topic.";
/// Prefixes under which any name is allowed.
const OPEN: &[&str] = &["ksql.streams.", "ksql.functions.", "ksql.schema.registry.", "ksql.connect.", "ksql.plugins."];

/// What is wrong with a setting.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigError {
    /// Nobody knows that name.
    #[error("Unknown property: {name}{}", did_you_mean(.nearest))]
    Unknown {
        /// As it was given.
        name: String,
        /// A known one that looks like it.
        nearest: Option<&'static str>,
    },
    /// A name that no prefix makes sense of.
    #[error("Not recognizable as ksql, streams, consumer, or producer property: '{0}'")]
    NotRecognizable(String),
    /// The value does not fit.
    #[error("Failed to coerce type of value '{value}' for key '{name}'\nCaused by: {problem}")]
    Value {
        /// The property, as it was given.
        name: String,
        /// As it was given.
        value: String,
        /// What is wrong with it, and what would fit.
        problem: String,
    },
    /// It asks for what is not there.
    #[error("{name} is not supported: {why}")]
    Refused {
        /// The property's full name.
        name: String,
        /// What is not there, and what to do instead.
        why: &'static str,
    },
    /// Only who starts the server may set it.
    #[error("Cannot override property '{0}'")]
    Immutable(String),
    /// The server's administrator forbids it.
    #[error(
        "One or more properties overrides set locally are prohibited by the KSQL server (use UNSET to reset their default value): [{0}]"
    )]
    Prohibited(String),
}

fn did_you_mean(nearest: &Option<&'static str>) -> String {
    nearest.map(|name| format!("\nDid you mean '{name}'?")).unwrap_or_default()
}

/// All properties: first those that are read.
pub fn properties() -> impl Iterator<Item = &'static Property> {
    setting::ALL.iter().chain(effect::unread())
}

/// Settings of the queries that Kafka Streams knows as settings of its consumers, without their prefix.
const OF_CONSUMERS_TOO: &[&str] = &["auto.offset.reset", "group.instance.id", "session.timeout.ms"];

/// The property of that name, with or without `ksql.streams.`.
pub fn find(name: &str) -> Option<&'static Property> {
    let bare = name.strip_prefix(STREAMS).unwrap_or(name);
    let of_consumers = ["main.consumer.", "consumer."].iter().find_map(|prefix| bare.strip_prefix(prefix));
    let name = match of_consumers {
        Some(own) if OF_CONSUMERS_TOO.contains(&own) => own,
        _ if bare == setting::BOOTSTRAP_SERVERS.name() => bare,
        _ => name,
    };
    properties().find(|property| property.name == name || property.name.strip_prefix(STREAMS) == Some(name))
}

/// A known name that looks like this one.
pub fn nearest(name: &str) -> Option<&'static str> {
    properties()
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
    /// Names that a request has set.
    of_request: BTreeSet<String>,
}

impl Config {
    /// The server's settings. Unknown names are kept (and may be warned about with [`nearest`]); bad values are refused.
    ///
    /// # Errors
    /// [`ConfigError::Value`], or [`ConfigError::Refused`] for what is not offered.
    pub fn new<K: AsRef<str>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        for (name, value) in pairs {
            let (name, value) = checked(name.as_ref(), value.into())?;
            config.set.insert(name, value);
        }
        config.check_kafka_security()?;
        config.check_kafka_clients()?;
        Ok(config)
    }

    /// These settings with others on top that were accepted once. One that is not accepted any more has no effect.
    #[must_use]
    pub fn with_remembered<'a>(&self, pairs: impl IntoIterator<Item = (&'a String, &'a String)>) -> Self {
        let mut config = self.clone();
        for (name, value) in pairs {
            match checked(name, value.clone()) {
                Ok((name, value)) => config.put(name, value),
                Err(error) => tracing::warn!("a setting of an earlier statement has no effect: {error}"),
            }
        }
        config
    }

    /// The same settings for what belongs to that service.
    #[must_use]
    pub fn of_service(mut self, id: &str) -> Self {
        self.set.insert(setting::SERVICE_ID.property.name.to_owned(), id.to_owned());
        self
    }

    /// What a session has set that something reads, by full name, and without what nobody may read later.
    pub fn overrides<'a>(&self, all: impl IntoIterator<Item = (&'a String, &'a String)>) -> BTreeMap<String, String> {
        let mut overrides = BTreeMap::new();
        for (name, value) in all {
            let of_session = access(name) == Some(Access::Session);
            let is_hidden = is_secret(name, value);
            let name = full_name(name);
            if of_session && !is_hidden && is_read(&name) && self.set.get(&name) != Some(value) {
                overrides.insert(name, value.clone());
            }
        }
        overrides
    }

    /// These settings with a request's on top. Names it may not set and bad values are refused.
    ///
    /// # Errors
    /// As [`Config::check_override`], and as [`Config::new`].
    pub fn with<'a>(&self, overrides: impl IntoIterator<Item = (&'a String, &'a String)>) -> Result<Self, ConfigError> {
        let mut config = self.clone();
        for (name, value) in overrides {
            self.check_override(name)?;
            let (name, value) = checked(name, value.clone())?;
            config.put(name, value);
        }
        self.check_guarantee(&config)?;
        Ok(config)
    }

    fn put(&mut self, name: String, value: String) {
        self.of_request.insert(name.clone());
        self.set.insert(name, value);
    }

    /// What the request has set of these settings, as far as it has an effect and may be shown.
    pub fn overridden(&self) -> BTreeMap<String, String> {
        Self::default().overrides(self.of_request.iter().filter_map(|name| self.set.get_key_value(name)))
    }

    /// Who asks for exactly once must not get less. (Who asks for less gets what the server has.)
    fn check_guarantee(&self, request: &Self) -> Result<(), ConfigError> {
        if !request.is_exactly_once() || self.is_exactly_once() || self.brokers().is_none() {
            return Ok(());
        }
        let name = setting::PROCESSING_GUARANTEE.name().to_owned();
        let why = "the server was started with at_least_once, which counts for all its queries over Kafka";
        Err(ConfigError::Refused { name, why })
    }

    /// Whether a request may set that property.
    ///
    /// # Errors
    /// [`ConfigError::Prohibited`] by the server's lists, [`ConfigError::Immutable`], or [`ConfigError::NotRecognizable`].
    pub fn check_override(&self, name: &str) -> Result<(), ConfigError> {
        let full = full_name(name);
        let lists = |list| self.list(list).any(|listed| full_name(listed) == full);
        let by_allowlist =
            self.get(setting::PROPERTIES_OVERRIDES_VALIDATION_MODE).trim().eq_ignore_ascii_case("allowlist");
        let is_prohibited = if by_allowlist {
            !lists(setting::PROPERTIES_OVERRIDES_ALLOWLIST)
        } else {
            lists(setting::PROPERTIES_OVERRIDES_DENYLIST)
        };
        if is_prohibited {
            return Err(ConfigError::Prohibited(name.to_owned()));
        }
        match access(name) {
            Some(Access::Session) => Ok(()),
            Some(Access::Server) => Err(ConfigError::Immutable(name.to_owned())),
            None => Err(ConfigError::NotRecognizable(name.to_owned())),
        }
    }

    /// Whether there is a property of that name at all.
    ///
    /// # Errors
    /// [`ConfigError::Unknown`], with a name that looks like it.
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
    ///
    /// # Errors
    /// As [`Config::check_known`], and as [`Config::with`] of it alone.
    pub fn check_set(&self, name: &str, value: &str) -> Result<(), ConfigError> {
        self.check_known(name)?;
        self.with([(&name.to_owned(), &value.to_owned())]).map(drop)
    }

    /// The value of a setting: what was set, else the default.
    pub fn get<T: Value>(&self, setting: Setting<T>) -> T::Of<'_> {
        let property = setting.property;
        T::of(self.set.get(property.name).map(String::as_str).or(property.default))
    }

    /// A limit; less than none means that there is no limit.
    pub fn limit(&self, setting: Setting<Whole>) -> usize {
        usize::try_from(self.get(setting)).unwrap_or(usize::MAX)
    }

    /// A time in milliseconds; less than none is none.
    pub fn millis(&self, setting: Setting<Whole>) -> Duration {
        Duration::from_millis(self.get(setting).max(0).unsigned_abs())
    }

    /// What was set for the topics that queries make for themselves.
    pub fn internal_topics(&self) -> impl Iterator<Item = (&str, &str)> {
        self.settings().filter_map(|(name, value)| Some((name.strip_prefix(INTERNAL_TOPICS)?, value)))
    }

    /// The text of a property's value, by its name.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.set.get(name).map(String::as_str).or_else(|| find(name).and_then(|property| property.default))
    }

    /// The same as it may be shown: passwords are not.
    pub fn shown(&self, name: &str) -> Option<String> {
        match self.value(name) {
            Some(_) if is_password(name) && self.is_set(name) => Some("[hidden]".to_owned()),
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

    /// Bounds on what a request's statements may be.
    pub fn sql_limits(&self) -> sql::Limits {
        sql::Limits {
            bytes: self.limit(setting::SQL_MAX_BYTES),
            tokens: self.limit(setting::SQL_MAX_TOKENS),
            statements: self.limit(setting::SQL_MAX_STATEMENTS),
            name_bytes: self.limit(setting::SQL_MAX_NAME_BYTES),
        }
    }

    /// The parts of a comma-separated list.
    pub fn list(&self, setting: Setting<property::Text>) -> impl Iterator<Item = &str> {
        self.get(setting).split(',').map(str::trim).filter(|part| !part.is_empty())
    }

    /// `ksql.service.id`
    pub fn service_id(&self) -> &str {
        self.get(setting::SERVICE_ID)
    }

    /// The topic of the processing log, whether it is written or not.
    pub fn processing_log_topic(&self) -> String {
        let name = self.get(setting::PROCESSING_LOG_TOPIC_NAME).filter(|name| !name.trim().is_empty());
        name.map_or_else(|| format!("{}ksql_processing_log", self.service_id()), |name| name.trim().to_owned())
    }

    /// Whether entries of the processing log go to its topic.
    pub fn writes_processing_log(&self) -> bool {
        self.get(setting::PROCESSING_LOG_TOPIC_AUTO_CREATE) || self.get(setting::PROCESSING_LOG_STREAM_AUTO_CREATE)
    }

    /// Whether what a query does over Kafka is done once, whatever fails.
    pub(crate) fn is_exactly_once(&self) -> bool {
        !self.get(setting::PROCESSING_GUARANTEE).trim().eq_ignore_ascii_case("at_least_once")
    }

    /// Whether the updates of a table that are read together are written as one.
    pub(crate) fn folds_updates(&self) -> bool {
        let newer = self.get(setting::STATESTORE_CACHE_MAX_BYTES);
        newer.unwrap_or_else(|| self.get(setting::CACHE_MAX_BYTES_BUFFERING)) > 0
    }

    /// Kafka's brokers; none means the embedded log.
    pub fn brokers(&self) -> Option<&str> {
        self.get(setting::BOOTSTRAP_SERVERS).filter(|brokers| !brokers.trim().is_empty())
    }

    /// Whether new queries read from the beginning.
    pub fn reads_from_earliest(&self) -> bool {
        self.get(setting::AUTO_OFFSET_RESET).trim().eq_ignore_ascii_case("earliest")
    }
}

/// Who may set a property; nobody one that has no meaning.
fn access(name: &str) -> Option<Access> {
    let passed_on = || OPEN.iter().any(|prefix| name.starts_with(prefix)) || is_client_property(name);
    find(name).map(|property| property.access).or_else(|| passed_on().then_some(Access::Session))
}

/// Whether a setting is none to store or to show.
pub fn is_secret(name: &str, value: &str) -> bool {
    is_password(name) || sql::without_credentials(value) != *value
}

/// Whether the setting of that full name has an effect.
fn is_read(name: &str) -> bool {
    name.starts_with(INTERNAL_TOPICS) || setting::ALL.iter().any(|property| property.name == name)
}

fn is_password(name: &str) -> bool {
    find(name).is_some_and(|property| property.kind == Kind::Password) || sql::is_secret(name)
}

fn full_name(name: &str) -> String {
    match find(name) {
        Some(property) => property.name.to_owned(),
        None if name.starts_with(TOPICS) => format!("{STREAMS}{name}"),
        None => name.to_owned(),
    }
}

/// The name without the prefix `ksql.streams.`, where it means the same.
pub fn bare_name(name: &str) -> &str {
    name.strip_prefix(STREAMS).filter(|bare| access(bare).is_some()).unwrap_or(name)
}

/// Names of Kafka's own clients, which may stand without `ksql.streams.`.
fn is_client_property(name: &str) -> bool {
    // Kafka Streams' own switches, passed on with their prefix taken off, begin with two underscores.
    kafka_clients::effect(name).is_some()
        || name.starts_with("__")
        || ["producer.", "consumer.", "main.consumer.", "restore.consumer.", "global.consumer.", "admin.", TOPICS]
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

/// The full name and the value, if the value fits and does not ask for what is not there.
fn checked(name: &str, value: String) -> Result<(String, String), ConfigError> {
    let Some(property) = find(name) else { return Ok((full_name(name), value)) };
    if property.name == setting::AUTO_OFFSET_RESET.name() {
        return checked_offset_reset(name, value).map(|value| (property.name.to_owned(), value));
    }
    if let Some(problem) = problem(property.kind, name, value.trim()) {
        let problem = format!("Invalid value {value} for configuration {name}: {problem}");
        return Err(ConfigError::Value { name: name.to_owned(), value, problem });
    }
    match effect(property.name) {
        Some(Effect::Refused(promise, why)) if promise.is_made_by(&value) => {
            Err(ConfigError::Refused { name: name.to_owned(), why })
        }
        _ => Ok((property.name.to_owned(), value)),
    }
}

/// What is wrong with a value, in Kafka's words.
fn problem(kind: Kind, name: &str, value: &str) -> Option<String> {
    match kind {
        Kind::Boolean if !["true", "false"].iter().any(|flag| flag.eq_ignore_ascii_case(value)) => {
            Some("Expected value to be either true or false".to_owned())
        }
        Kind::Integer(least, most) => match value.parse::<i64>() {
            Err(_) => Some(format!("Not a number of type {}", width(name))),
            Ok(number) if number < least => Some(format!("Value must be at least {least}")),
            Ok(number) if number > most => Some(format!("Value must be no more than {most}")),
            Ok(_) => None,
        },
        Kind::Double => match value.parse::<f64>() {
            Ok(number) if number > 0.0 => None,
            Ok(_) => Some("Value must be more than 0".to_owned()),
            Err(_) => Some("Not a number of type DOUBLE".to_owned()),
        },
        Kind::Patterns => {
            let mut patterns = value.split(',').map(str::trim).filter(|pattern| !pattern.is_empty());
            let wrong = patterns.find(|pattern| regex::Regex::new(pattern).is_err());
            wrong.map(|pattern| format!("'{pattern}' is no regular expression"))
        }
        Kind::Choice(allowed) if !allowed.iter().any(|choice| choice.eq_ignore_ascii_case(value)) => {
            Some(format!("String must be one of: {}", allowed.join(", ")))
        }
        _ => None,
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
        assert_eq!(config.get(setting::AUTO_OFFSET_RESET), "earliest");
        let request = BTreeMap::from([("ksql.streams.auto.offset.reset".to_owned(), "latest".to_owned())]);
        assert!(!config.with(&request).unwrap().reads_from_earliest());
    }

    #[test]
    fn settings_of_internal_topics_go_by_both_names() {
        for name in ["topic.segment.bytes", "ksql.streams.topic.segment.bytes"] {
            let request = BTreeMap::from([(name.to_owned(), "7".to_owned())]);
            let config = Config::default().with(&request).unwrap();
            assert_eq!(config.internal_topics().collect::<Vec<_>>(), [("segment.bytes", "7")]);
            assert_eq!(config.overridden(), BTreeMap::from([(full_name(name), "7".to_owned())]));
            assert_eq!(effect(name), Some(Effect::Full));
        }
    }

    #[test]
    fn the_newer_name_of_the_cache_counts_for_more() {
        let folds = |pairs: &[(&str, &str)]| Config::new(pairs.iter().copied()).unwrap().folds_updates();
        let (old, new) = ("cache.max.bytes.buffering", "ksql.streams.statestore.cache.max.bytes");
        assert!(folds(&[]) && folds(&[(old, "0"), (new, "1")]));
        assert!(
            !folds(&[(old, "0")])
                && !folds(&[("statestore.cache.max.bytes", "0")])
                && !folds(&[(old, "1"), (new, "0")])
        );
    }

    #[test]
    fn the_prefix_goes_where_the_rest_means_the_same() {
        assert_eq!(bare_name("ksql.streams.auto.offset.reset"), "auto.offset.reset");
        assert_eq!(bare_name("ksql.streams.producer.linger.ms"), "producer.linger.ms");
        assert_eq!(bare_name("ksql.streams.rocksdb.config.setter"), "ksql.streams.rocksdb.config.setter");
        assert_eq!(bare_name("auto.offset.reset"), "auto.offset.reset");
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
    fn no_property_stands_twice_and_every_default_fits() {
        let mut names = std::collections::BTreeSet::new();
        for Property { name, kind, default, .. } in properties() {
            assert!(names.insert(name), "{name}");
            let problem = default.and_then(|default| problem(*kind, name, default));
            assert_eq!(problem, None, "{name}");
        }
    }

    #[test]
    fn values_out_of_range_and_what_is_not_there_are_refused() {
        let refused = |name: &str, value: &str| Config::new([(name, value)]).unwrap_err().to_string();
        let text = refused("millstream.max.records.per.step", "0");
        assert!(text.ends_with("Value must be at least 1"), "{text}");
        assert!(refused("ksql.query.error.max.queue.size", "1001").ends_with("Value must be no more than 1000"));
        assert!(
            refused("ksql.nested.error.set.null", "false").starts_with("ksql.nested.error.set.null is not supported: ")
        );
        assert!(Config::new([("ksql.nested.error.set.null", "true")]).is_ok());
        assert!(refused("ksql.hidden.topics", "a.*, b(").ends_with("'b(' is no regular expression"));
    }

    #[test]
    fn nobody_gets_less_than_exactly_once_who_asks_for_it() {
        let server = |guarantee: &str| {
            Config::new([("processing.guarantee", guarantee), ("bootstrap.servers", "localhost:9092")]).unwrap()
        };
        let asks = |server: &Config, guarantee: &str| server.check_set("processing.guarantee", guarantee);
        let refused = asks(&server("at_least_once"), "exactly_once").unwrap_err().to_string();
        assert!(refused.contains("was started with at_least_once"), "{refused}");
        assert!(asks(&server("exactly_once"), "at_least_once").is_ok());
        let embedded = Config::new([("processing.guarantee", "at_least_once")]).unwrap();
        assert!(asks(&embedded, "exactly_once_v2").is_ok());
    }
}
