//! Answers and errors in Confluent's form.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use engine::registry::{Problem, serialized};
use engine::schemas::{Registered, Schema};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::reply;

use super::call::Call;

/// What is answered.
#[derive(Debug)]
pub(super) enum Found {
    /// A JSON document.
    Json(Value),
    /// A schema's text as it is.
    Text(String),
}

pub(super) type Reply = Result<Found, Refusal>;

/// An error: `{"error_code": …, "message": …}`.
#[derive(Debug, Serialize)]
pub(super) struct Refusal {
    #[serde(skip)]
    status: u16,
    #[serde(rename = "error_code")]
    code: i32,
    message: String,
}

impl Refusal {
    /// A code is an HTTP status, or one with two more digits.
    pub(super) fn new(code: i32, message: impl Into<String>) -> Self {
        let status = if code >= 1_000 { code / 100 } else { code };
        Self { status: u16::try_from(status).unwrap_or(500), code, message: message.into() }
    }

    pub(super) fn path() -> Self {
        Self::new(404, "HTTP 404 Not Found")
    }

    pub(super) fn method() -> Self {
        Self::new(405, "HTTP 405 Method Not Allowed")
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::new(problem.code(), problem.to_string())
    }
}

/// The content types of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Media {
    V1,
    Registry,
    Json,
}

impl Media {
    /// What a client asked for, else the first of them.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let mut kinds = accepted.flat_map(|value| value.split(',')).filter_map(|entry| entry.split(';').next());
        let known = kinds.find_map(|kind| {
            let all = [Self::V1, Self::Registry, Self::Json];
            all.into_iter().find(|media| media.name().eq_ignore_ascii_case(kind.trim()))
        });
        known.unwrap_or(Self::V1)
    }

    fn name(self) -> &'static str {
        match self {
            Self::V1 => "application/vnd.schemaregistry.v1+json",
            Self::Registry => "application/vnd.schemaregistry+json",
            Self::Json => "application/json",
        }
    }
}

/// The status and the body of an answer. A long one takes a while to write.
pub(super) fn written(answered: Reply) -> (StatusCode, String) {
    match answered {
        Ok(Found::Json(value)) => (StatusCode::OK, value.to_string()),
        Ok(Found::Text(text)) => (StatusCode::OK, text),
        Err(refusal) => {
            let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, serde_json::to_string(&refusal).unwrap_or_default())
        }
    }
}

pub(super) fn response((status, body): (StatusCode, String), media: Media) -> Response {
    reply::with(status, Some(media.name()), body)
}

/// The text of a schema in the format that a call asks for.
pub(super) fn text(schema: &Schema, call: &Call) -> Result<String, Refusal> {
    match call.parameter("format") {
        Some("serialized") => {
            serialized(schema).map_err(|problem| Refusal::new(42201, format!("Invalid schema, details: {problem}")))
        }
        _ => Ok(schema.text.to_string()),
    }
}

/// A version of a subject. Avro and no references are not named.
pub(super) fn version(registered: &Registered) -> Value {
    let mut members = Map::new();
    members.insert("subject".to_owned(), json!(registered.subject));
    members.insert("version".to_owned(), json!(registered.version));
    members.insert("id".to_owned(), json!(registered.id));
    members.extend(schema(&registered.schema));
    Value::Object(members)
}

/// A schema by itself.
pub(super) fn schema(schema: &Schema) -> Map<String, Value> {
    let mut members = Map::new();
    if schema.language != engine::schemas::Language::Avro {
        members.insert("schemaType".to_owned(), json!(schema.language.name()));
    }
    if !schema.references.is_empty() {
        members.insert("references".to_owned(), json!(schema.references));
    }
    members.insert("schema".to_owned(), json!(&*schema.text));
    members
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_content_type_is_the_one_that_was_asked_for() {
        let of = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
            Media::of(&headers)
        };
        assert_eq!(Media::of(&HeaderMap::new()), Media::V1);
        assert_eq!(of("*/*"), Media::V1);
        assert_eq!(of("application/json"), Media::Json);
        assert_eq!(of("text/html, application/vnd.schemaregistry+json; q=0.9"), Media::Registry);
        assert_eq!(of("application/vnd.schemaregistry.v1+json,application/json"), Media::V1);
    }

    #[test]
    fn codes_say_the_status() {
        assert_eq!(Refusal::new(40401, "").status, 404);
        assert_eq!(Refusal::new(409, "").status, 409);
        assert_eq!(Refusal::new(50001, "").status, 500);
    }
}
