//! `GET /healthcheck`, `GET /chc/ready`, `GET /chc/live`

use axum::http::StatusCode;
use axum::response::Response;
use wire::{Health, HealthDetails, Healthy};

use crate::{Server, reply};

/// Whether the parts of the server work.
pub(crate) fn get(server: &Server) -> Response {
    let log = Healthy { is_healthy: server.engine.log().topics().is_ok() };
    let fine = Healthy { is_healthy: true };
    reply::json(&Health {
        is_healthy: log.is_healthy,
        details: HealthDetails { metastore: fine, kafka: log, command_runner: fine },
        server_state: "READY".to_owned(),
    })
}

/// The process answers.
pub(crate) fn alive() -> Response {
    reply::with(StatusCode::OK, Some("application/json"), "{}")
}
