//! `GET /clusterStatus`, `POST /heartbeat`, `POST /lag`: servers share nothing but Kafka here, so these are switched off.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use crate::app::Server;
use crate::{body, reply};

/// As ksqlDB answers when `ksql.heartbeat.enable` is false.
pub(crate) fn off() -> Response {
    reply::with(StatusCode::NOT_FOUND, Some("application/json"), "")
}

/// As ksqlDB answers when it is false: the body is looked at first.
pub(crate) async fn post(server: &Server, request: Request) -> Response {
    match body::read_json::<Value>(server, request.into_body()).await {
        Ok(_) => off(),
        Err(response) => response,
    }
}
