//! What a request carries besides its text.

use std::collections::BTreeMap;

use sql::Variables;

use crate::config::{Config, ConfigError, bare_name};

/// Properties and variables of one request. SET, UNSET, DEFINE and UNDEFINE change them for the statements that follow;
/// the engine keeps nothing between requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Session {
    /// Property overrides by [`bare_name`].
    pub properties: BTreeMap<String, String>,
    /// Values of `${name}`.
    pub variables: Variables,
}

impl Session {
    /// What a request brought along.
    pub fn new<'a>(
        properties: impl IntoIterator<Item = (&'a str, String)>,
        variables: impl IntoIterator<Item = (&'a str, String)>,
    ) -> Self {
        let properties = properties.into_iter().map(|(name, value)| (bare_name(name).to_owned(), value));
        Self { properties: properties.collect(), variables: variables.into_iter().collect() }
    }

    /// Drops properties whose names mean nothing.
    pub fn forget_unknown_properties(&mut self) {
        let config = Config::default();
        self.properties.retain(|name, _| !matches!(config.check_override(name), Err(ConfigError::NotRecognizable(_))));
    }

    /// The override of a property, whichever of its two names was used for asking.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.get(bare_name(name)).map(String::as_str)
    }
}
