//! The only place that knows which HTTP answer a failure of the engine is.

use axum::http::HeaderValue;
use axum::response::Response;
use engine::statements::{Failure, FailureKind};
use wire::{ErrorBody, GenericError, HINT, SPAN, StatementError};

use crate::reply;

/// ksqlDB's text for failures whose cause is nobody's business.
pub(crate) const INTERNAL: &str = "The server encountered an internal error when processing the query. Please consult the server logs for more \
     information.";

/// The code of a failure: HTTP status × 100, plus a detail.
pub(crate) fn code(kind: FailureKind) -> u32 {
    match kind {
        FailureKind::Property | FailureKind::Build | FailureKind::Request => 40000,
        FailureKind::Statement => 40001,
        FailureKind::QueryEndpoint => 40002,
        FailureKind::TooManyPushQueries => 40003,
        FailureKind::Denied => 40301,
        FailureKind::TooMany => 42900,
        FailureKind::Busy => 50300,
        FailureKind::Assertion => 41700,
        FailureKind::NoSchemaRegistry => 42801,
        FailureKind::Unforeseen | FailureKind::Server => 50000,
        FailureKind::CommandTimeout => 50301,
        FailureKind::Unavailable => 50303,
    }
}

/// The answer of a route that always answers JSON.
pub(crate) fn json(failure: Failure) -> Response {
    answer(failure, Some("application/json"))
}

/// The answer of a streaming route that has not begun yet.
pub(crate) fn bare(failure: Failure) -> Response {
    answer(failure, None)
}

/// The body is ksqlDB's; what more is known goes into headers, which no client of ksqlDB stumbles over.
fn answer(failure: Failure, content_type: Option<&'static str>) -> Response {
    let span = failure.span.map(|span| format!("{}-{}", span.start, span.end));
    let hint = failure.hint.clone();
    let mut response = reply::error(&body(failure), content_type);
    for (name, value) in [(SPAN, span), (HINT, hint)] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_bytes(value.as_bytes()).ok()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn body(failure: Failure) -> ErrorBody {
    let (error_code, message) = (code(failure.kind), failure.message);
    match failure.statement.filter(|_| failure.kind != FailureKind::Build) {
        Some(statement_text) => {
            ErrorBody::Statement(StatementError { error_code, message, statement_text, entities: Vec::new() })
        }
        None => ErrorBody::Generic(GenericError { error_code, message }),
    }
}
