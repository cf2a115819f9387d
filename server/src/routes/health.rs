//! `GET /healthcheck`, `GET /chc/ready`, `GET /chc/live`, and `/readyz`, `/livez` under the names others have for them. Before
//! the engine is open only what asks for life is answered (`connection::refuse`).

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use tokio::time::timeout;
use wire::{Health, HealthDetails, Healthy};

use crate::app::Server;
use crate::reply;

/// How long the log may take to answer: what asks for health has little patience itself.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whether the parts of the server work: without a log that can be written to neither rows nor commands are taken.
pub(crate) async fn get(server: Arc<Server>) -> Response {
    // A log that does not answer is not healthy, and neither is a server that is too busy to ask.
    let asked = server.clone();
    let answers = server.gate.run(move || {
        let log = asked.engine.log();
        Ok((log.check_writable().is_ok(), log.partitions().is_ok()))
    });
    let answers = timeout(PATIENCE, answers).await.ok().and_then(Result::ok);
    let (is_writable, is_there) = answers.unwrap_or_default();
    let part = |is_healthy| Healthy { is_healthy };
    reply::json(&Health {
        is_healthy: is_writable && is_there,
        details: HealthDetails {
            metastore: part(true),
            kafka: part(is_writable && is_there),
            command_runner: part(is_writable),
        },
        server_state: "READY".to_owned(),
    })
}

/// The server waits for Kafka.
pub(crate) fn waiting() -> Response {
    let part = |is_healthy| Healthy { is_healthy };
    let details = HealthDetails { metastore: part(false), kafka: part(false), command_runner: part(false) };
    reply::json(&Health { is_healthy: false, details, server_state: "INITIALIZING".to_owned() })
}

/// The process answers, and, once it comes here, the engine does.
pub(crate) fn alive() -> Response {
    reply::with(StatusCode::OK, Some("application/json"), "{}")
}
