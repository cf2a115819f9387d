//! What a registry is asked and answers.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::schemas::{Reference, SchemaError};

/// Confluent's code for an answer that its client cannot read.
const UNREADABLE: i32 = 50005;

/// Characters of an answer that is shown.
const SHOWN: usize = 200;

/// A schema in an answer.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct SentSchema {
    #[serde(rename = "schemaType", default)]
    pub(super) schema_type: Option<String>,
    pub(super) schema: String,
    #[serde(default, deserialize_with = "none_is_empty")]
    pub(super) references: Vec<Reference>,
}

impl SentSchema {
    /// How long it is, with the names of what it refers to.
    pub(super) fn bytes(&self) -> usize {
        let names = self.references.iter().map(|it| it.name.len() + it.subject.len());
        self.schema.len() + names.sum::<usize>()
    }
}

/// A version of a subject in an answer.
#[derive(Debug, Deserialize)]
pub(super) struct SentVersion {
    pub(super) subject: String,
    pub(super) version: i32,
    pub(super) id: i32,
    #[serde(flatten)]
    pub(super) schema: SentSchema,
}

/// The answer to a registration.
#[derive(Debug, Deserialize)]
pub(super) struct SentId {
    pub(super) id: i32,
}

#[derive(Debug, Deserialize)]
struct SentError {
    error_code: i32,
    #[serde(default)]
    message: Option<String>,
}

fn none_is_empty<'de, D: serde::Deserializer<'de>>(reader: D) -> Result<Vec<Reference>, D::Error> {
    Ok(Option::deserialize(reader)?.unwrap_or_default())
}

/// An answer as it came.
#[derive(Debug)]
pub(super) struct Answer {
    /// Who answered, without credentials.
    pub(super) from: String,
    pub(super) status: u16,
    /// Where it says that the answer is.
    pub(super) location: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// Whether another server may do better, or this one later.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self.status, 429 | 500..)
    }

    /// Whether somebody before the registry says that it is not there.
    pub(super) fn is_of_nobody(&self) -> bool {
        matches!(self.status, 502..=504)
    }

    /// What was asked for, or why there is none.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, SchemaError> {
        if !(200..300).contains(&self.status) {
            return Err(self.refusal());
        }
        serde_json::from_slice(&self.body).map_err(|error| SchemaError::Refused {
            code: UNREADABLE,
            message: format!("{} does not answer as a schema registry does ({error}): {}", self.from, self.shown()),
        })
    }

    /// The registry's error, or what stands where it should.
    pub(super) fn refusal(&self) -> SchemaError {
        let (code, message) = match serde_json::from_slice::<SentError>(&self.body) {
            Ok(error) => (error.error_code, error.message.unwrap_or_default()),
            Err(_) => (i32::from(self.status), self.without_code()),
        };
        if self.may_pass() {
            return SchemaError::Unavailable(format!("{}: {message} (error code {code})", self.from));
        }
        match code {
            42201 => SchemaError::Invalid(message),
            code => SchemaError::Refused { code, message },
        }
    }

    fn without_code(&self) -> String {
        let from = &self.from;
        match self.status {
            301..=308 => format!(
                "{from} says that it is somewhere else ({}); redirects are not followed, set ksql.schema.registry.url to \
                 where it is",
                self.location.as_deref().unwrap_or("it does not say where")
            ),
            401 | 403 => format!(
                "{from} does not let this server in (HTTP {}): check ksql.schema.registry.basic.auth.credentials.source \
                 and ksql.schema.registry.basic.auth.user.info",
                self.status
            ),
            status => format!("{from} does not answer as a schema registry does (HTTP {status}): {}", self.shown()),
        }
    }

    fn shown(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let shown: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(SHOWN).collect();
        if shown.is_empty() { "its answer is empty".to_owned() } else { shown }
    }
}

/// A path with a query; names may hold any character.
pub(super) fn path(segments: &[&str], query: &[(&str, &str)]) -> String {
    let mut path = String::new();
    for segment in segments {
        path.push('/');
        for byte in segment.bytes() {
            if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
                path.push(char::from(byte));
            } else {
                path.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    for (at, (name, value)) in query.iter().enumerate() {
        path.push(if at == 0 { '?' } else { '&' });
        path.push_str(&format!("{name}={value}"));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn names_are_encoded() {
        assert_eq!(
            path(&["subjects", "a/b c?-value"], &[("deleted", "true")]),
            "/subjects/a%2Fb%20c%3F-value?deleted=true"
        );
    }
}
