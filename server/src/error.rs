//! The only place that knows which HTTP answer a failure of the engine is.

use axum::response::Response;
use engine::statements::{Failure, FailureKind};
use wire::{ErrorBody, GenericError, StatementError};

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
        FailureKind::Assertion => 41700,
        FailureKind::NoSchemaRegistry => 42801,
        FailureKind::Unforeseen | FailureKind::Server => 50000,
        FailureKind::CommandTimeout => 50301,
    }
}

/// The body of a failure.
pub(crate) fn body(failure: Failure) -> ErrorBody {
    let (error_code, message) = (code(failure.kind), failure.message);
    match failure.statement.filter(|_| failure.kind != FailureKind::Build) {
        Some(statement_text) => {
            ErrorBody::Statement(StatementError { error_code, message, statement_text, entities: Vec::new() })
        }
        None => ErrorBody::Generic(GenericError { error_code, message }),
    }
}

/// The answer of a route that always answers JSON.
pub(crate) fn json(failure: Failure) -> Response {
    reply::error(&body(failure), Some("application/json"))
}

/// The answer of a streaming route that has not begun yet.
pub(crate) fn bare(failure: Failure) -> Response {
    reply::error(&body(failure), None)
}
