//! What a request carries besides its text.

use std::collections::BTreeMap;

/// Properties and variables of one request. SET, UNSET, DEFINE and UNDEFINE change them for the statements that follow;
/// the engine keeps nothing between requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Session {
    /// Property overrides by name, without the prefix `ksql.streams.`.
    pub properties: BTreeMap<String, String>,
    /// Values of `${name}`; names are lower case.
    pub variables: BTreeMap<String, String>,
}

impl Session {
    /// The override of a property, whichever of its two names was used for asking.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.get(bare_name(name)).map(String::as_str)
    }
}

/// `ksql.streams.auto.offset.reset` is `auto.offset.reset`.
pub fn bare_name(name: &str) -> &str {
    name.strip_prefix("ksql.streams.").unwrap_or(name)
}
