//! The HTTP interface of Confluent's schema registry over our own.
//!
//! ```text
//! path ─mod.rs→ call (subjects, schemas, settings, compatibility) ─gate→ engine::registry ─→ answer.rs ─→ response
//! ```
//!
//! Paths, parameters, bodies, error codes and their words are Confluent's; what it knows and this registry does not (contexts,
//! metadata, rule sets, aliases) is refused, never passed over.

mod answer;
mod call;
mod compatibility;
mod schemas;
mod settings;
mod subjects;

use std::sync::Arc;

use axum::extract::Request;
use axum::http::Method;
use axum::response::Response;
use engine::registry::SchemaRegistry;
use serde_json::{Value, json};

use crate::app::Server;
use crate::body;

use self::answer::{Media, Refusal, Reply};
use self::call::Call;

/// The first segments of the registry's paths; none of ksqlDB's begins so.
const ROOTS: &[&str] = &["subjects", "schemas", "config", "mode", "compatibility", "contexts"];

/// Whether a path is the registry's.
pub(crate) fn is_path(path: &[&str]) -> bool {
    path.first().is_some_and(|root| ROOTS.contains(root))
}

/// The answer to a request; the registry's own if it has one.
pub(crate) async fn answer(server: Arc<Server>, registry: Arc<SchemaRegistry>, request: Request) -> Response {
    let media = Media::of(request.headers());
    let (head, body) = request.into_parts();
    let body = if head.method == Method::GET || head.method == Method::DELETE {
        Vec::new()
    } else {
        match body::read(body, server.limits.receive).await {
            Ok(bytes) => bytes.to_vec(),
            Err(response) => return response,
        }
    };
    let call = Call::new(head.method, &head.uri, body);
    let answered = server.gate.run(move || Ok(answer::written(route(&registry, &call)))).await;
    match answered {
        Ok(written) => answer::response(written, media),
        Err(failure) => crate::error::json(failure),
    }
}

/// What the registry says to a call.
fn route(registry: &SchemaRegistry, call: &Call) -> Reply {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    let get = call.method == Method::GET;
    let post = call.method == Method::POST;
    let delete = call.method == Method::DELETE;
    match path.as_slice() {
        [] if get => Ok(json!({}).into()),
        ["subjects"] if get => subjects::list(registry, call),
        ["subjects", subject] if post => subjects::find(registry, subject, call),
        ["subjects", subject] if delete => subjects::delete(registry, subject, call),
        ["subjects", subject, "versions"] if get => subjects::versions(registry, subject, call),
        ["subjects", subject, "versions"] if post => subjects::register(registry, subject, call),
        ["subjects", subject, "versions", version] if get => subjects::version(registry, subject, version, call),
        ["subjects", subject, "versions", version] if delete => {
            subjects::delete_version(registry, subject, version, call)
        }
        ["subjects", subject, "versions", version, "schema"] if get => subjects::text(registry, subject, version, call),
        ["subjects", subject, "versions", version, "referencedby"] if get => {
            subjects::referenced_by(registry, subject, version)
        }
        ["schemas"] if get => schemas::list(registry, call),
        ["schemas", "types"] if get => Ok(json!(["JSON", "PROTOBUF", "AVRO"]).into()),
        ["schemas", "ids", id] if get => schemas::by_id(registry, id, call),
        ["schemas", "ids", id, "schema"] if get => schemas::text(registry, id, call),
        ["schemas", "ids", id, "subjects"] if get => schemas::subjects(registry, id, call),
        ["schemas", "ids", id, "versions"] if get => schemas::versions(registry, id, call),
        ["contexts"] if get => Ok(json!(["."]).into()),
        ["config"] => settings::config(registry, None, call),
        ["config", subject] => settings::config(registry, Some(subject), call),
        ["mode"] => settings::mode(registry, None, call),
        ["mode", subject] => settings::mode(registry, Some(subject), call),
        ["compatibility", "subjects", subject, "versions"] if post => {
            compatibility::check(registry, subject, None, call)
        }
        ["compatibility", "subjects", subject, "versions", version] if post => {
            compatibility::check(registry, subject, Some(version), call)
        }
        [] | ["subjects" | "schemas" | "contexts" | "compatibility", ..] if !(get || post || delete) => {
            Err(Refusal::method())
        }
        _ => Err(Refusal::path()),
    }
}

/// The part of a list that a client asked for.
fn page<T>(found: Vec<T>, call: &Call) -> Vec<T> {
    let (offset, limit) = bounds(call);
    found.into_iter().skip(offset).take(limit).collect()
}

/// Where that part begins, and how many elements it has at most.
fn bounds(call: &Call) -> (usize, usize) {
    let limit = call.number("limit").and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0);
    let offset = call.number("offset").and_then(|offset| usize::try_from(offset).ok());
    (offset.unwrap_or(0), limit.unwrap_or(usize::MAX))
}

impl From<Value> for answer::Found {
    fn from(value: Value) -> Self {
        Self::Json(value)
    }
}
