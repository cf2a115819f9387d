//! `GET /healthcheck`, `GET /chc/ready`, `GET /chc/live`, and `/readyz`, `/livez` under the names others have for them. Before
//! the engine is open only what asks for life is answered (`connection::refuse`).

use axum::http::StatusCode;
use axum::response::Response;
use wire::{Health, HealthDetails, Healthy};

use crate::app::Server;
use crate::reply;

/// Whether the parts of the server work: without a log that can be written to neither rows nor commands are taken. What
/// was found when somebody looked last is told, so that no answer waits for a broker.
pub(crate) fn get(server: &Server) -> Response {
    let found = server.health.found();
    let kafka = found.storage.clone().or(found.log);
    reply::json(&Health {
        is_healthy: kafka.is_none(),
        details: HealthDetails { metastore: part(None), kafka: part(kafka), command_runner: part(found.storage) },
        server_state: "READY".to_owned(),
    })
}

/// The server waits for Kafka.
pub(crate) fn waiting(problem: &str) -> Response {
    let part = |reason: &str| part(Some(reason.to_owned()));
    let waits = "it waits for Kafka";
    let details = HealthDetails { metastore: part(waits), kafka: part(problem), command_runner: part(waits) };
    reply::json(&Health { is_healthy: false, details, server_state: "INITIALIZING".to_owned() })
}

fn part(reason: Option<String>) -> Healthy {
    Healthy { is_healthy: reason.is_none(), reason }
}

/// The process answers, and, once it comes here, the engine does.
pub(crate) fn alive() -> Response {
    reply::with(StatusCode::OK, Some("application/json"), "{}")
}
