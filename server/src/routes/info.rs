//! `GET /info`

use axum::response::Response;
use wire::{Info, ServerInfo};

use crate::app::Server;
use crate::reply;

/// Version of ksqlDB this server behaves like; clients compare it with their own.
pub(crate) const VERSION: &str = "8.3.1";

/// Who this server is.
pub(crate) fn get(server: &Server) -> Response {
    reply::json(&Info {
        server: ServerInfo {
            version: VERSION.to_owned(),
            kafka_cluster_id: server.cluster_id.clone(),
            ksql_service_id: server.service_id.clone(),
            server_status: "RUNNING".to_owned(),
        },
    })
}
