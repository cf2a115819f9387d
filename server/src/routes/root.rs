//! `GET /`

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use crate::reply;

/// Sends browsers to `/info`.
pub(crate) fn get() -> Response {
    let mut response = reply::with(StatusCode::TEMPORARY_REDIRECT, None, "");
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static("/info"));
    response
}
