//! A request, taken apart.

use axum::http::{Method, Uri};
use engine::registry::Which;
use serde::de::DeserializeOwned;

use crate::app::segments;

use super::answer::Refusal;

/// A request to the registry.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: Vec<String>,
    parameters: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Call {
    pub(super) fn new(method: Method, uri: &Uri, body: Vec<u8>) -> Self {
        let query = uri.query().unwrap_or_default();
        let parameters = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Self { method, path: segments(uri.path()), parameters, body }
    }

    /// A parameter of the query.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether a switch of the query is on.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.parameter(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A number of the query.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.parameter(name)?.parse().ok()
    }

    /// Which of deleted and other ones are asked for.
    pub(super) fn which(&self) -> Which {
        match (self.is_on("deletedOnly"), self.is_on("deleted")) {
            (true, _) => Which::Deleted,
            (false, true) => Which::All,
            (false, false) => Which::Live,
        }
    }

    /// What the names of subjects must begin with. All contexts are the one there is.
    pub(super) fn prefix(&self) -> &str {
        let prefix = self.parameter("subjectPrefix").unwrap_or_default();
        prefix.strip_prefix(":*:").or_else(|| prefix.strip_prefix(":.:")).unwrap_or(prefix)
    }

    /// The body.
    pub(super) fn body<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        if self.body.is_empty() {
            return Err(Refusal::new(422, "The request's body may not be empty"));
        }
        serde_json::from_slice(&self.body).map_err(|error| Refusal::new(400, error.to_string()))
    }
}
