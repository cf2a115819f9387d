//! `GET /clusterStatus`, `POST /heartbeat`, `POST /lag`: servers share nothing but Kafka here, so these are switched off.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use crate::{body, reply};

/// As ksqlDB answers when `ksql.heartbeat.enable` is false.
pub(crate) fn off() -> Response {
    reply::with(StatusCode::NOT_FOUND, Some("application/json"), "")
}

/// As ksqlDB answers when it is false: the body is looked at first.
pub(crate) async fn post(request: Request) -> Response {
    match body::read_json::<Value>(request.into_body()).await {
        Ok(_) => off(),
        Err(response) => response,
    }
}
