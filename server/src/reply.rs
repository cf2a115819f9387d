//! Whole responses.

use axum::body::{Body, HttpBody};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;
use wire::{ErrorBody, GenericError, HINT};

/// What clients of HTTP/1.0, which knows no streams, are told.
pub(crate) const NOT_OVER_HTTP10: &str = "This endpoint is only available when using HTTP1.1 or HTTP2";

/// A response with that body and, if given, that content type.
pub(crate) fn with(status: StatusCode, content_type: Option<&'static str>, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    if let Some(content_type) = content_type {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    response
}

/// 200 and a JSON document.
pub(crate) fn json(body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => with(StatusCode::OK, Some("application/json"), bytes),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            bare_error(50000, "The answer could not be written")
        }
    }
}

/// The response without its body, with the length it would have.
pub(crate) fn head_of(response: Response) -> Response {
    let (mut head, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact() {
        head.headers.entry(header::CONTENT_LENGTH).or_insert(HeaderValue::from(length));
    }
    Response::from_parts(head, Body::empty())
}

/// A response with a hint for whoever looks for one; no client of ksqlDB does.
pub(crate) fn hinted(mut response: Response, hint: &str) -> Response {
    if let Some(hint) = HeaderValue::from_str(hint).ok().filter(|_| !hint.is_empty()) {
        response.headers_mut().insert(HINT, hint);
    }
    response
}

/// 404 as for a path nobody knows.
pub(crate) fn not_found() -> Response {
    with(StatusCode::NOT_FOUND, None, "Not Found")
}

/// An error; its code says the status.
pub(crate) fn error(body: &ErrorBody, content_type: Option<&'static str>) -> Response {
    let status = u16::try_from(body.code() / 100).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let bytes = serde_json::to_vec(body).unwrap_or_default();
    with(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), content_type, bytes)
}

/// An error raised outside of a route's own answers: it has no content type.
pub(crate) fn bare_error(error_code: u32, message: impl Into<String>) -> Response {
    error(&ErrorBody::Generic(GenericError { error_code, message: message.into() }), None)
}

/// An error of a route that always answers JSON.
pub(crate) fn json_error(error_code: u32, message: impl Into<String>) -> Response {
    error(&ErrorBody::Generic(GenericError { error_code, message: message.into() }), Some("application/json"))
}
