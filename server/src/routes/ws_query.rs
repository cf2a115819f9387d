//! `GET /ws/query`: not offered. What is answered is what a plain request gets from ksqlDB.

use axum::http::StatusCode;
use axum::response::Response;

use crate::reply;

/// Refuses the upgrade.
pub(crate) fn refuse() -> Response {
    reply::with(StatusCode::BAD_REQUEST, None, "\"Connection\" header must be \"Upgrade\".")
}
