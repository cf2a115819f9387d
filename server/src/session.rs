//! What a request carries, as the engine wants it.

use engine::statements::Session;
use serde_json::{Map, Value};

/// The session of a request. A property that is null counts as not given.
pub(crate) fn session(properties: &Map<String, Value>, variables: &Map<String, Value>) -> Session {
    Session::new(pairs(properties), pairs(variables))
}

fn pairs(map: &Map<String, Value>) -> impl Iterator<Item = (&str, String)> {
    map.iter().filter_map(|(name, value)| {
        let value = match value {
            Value::Null => return None,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Some((name.as_str(), value))
    })
}
