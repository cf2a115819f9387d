//! `GET /healthcheck`, `GET /chc/ready`, `GET /chc/live`

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use tokio::time::timeout;
use wire::{Health, HealthDetails, Healthy};

use crate::app::Server;
use crate::reply;

/// How long the log may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether the parts of the server work.
pub(crate) async fn get(server: Arc<Server>) -> Response {
    // A log that does not answer is not healthy, and neither is a server that is too busy to ask.
    let asked = server.clone();
    let answers = server.gate.run(move || Ok(asked.engine.log().topics()?));
    let log = Healthy { is_healthy: timeout(PATIENCE, answers).await.is_ok_and(|topics| topics.is_ok()) };
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
