//! `GET /v1/metadata`, `GET /v1/metadata/id`

use axum::response::Response;
use serde_json::{Map, Value};
use wire::{ClusterId, ClusterScope, ServerMetadata};

use super::info::VERSION;
use crate::app::Server;
use crate::reply;

/// Version and cluster.
pub(crate) fn get(server: &Server) -> Response {
    reply::json(&ServerMetadata { version: VERSION.to_owned(), cluster_id: cluster_id(server) })
}

/// Cluster.
pub(crate) fn get_id(server: &Server) -> Response {
    reply::json(&cluster_id(server))
}

fn cluster_id(server: &Server) -> ClusterId {
    let clusters = Map::from_iter([
        ("kafka-cluster".to_owned(), Value::from(server.cluster_id.clone())),
        ("ksql-cluster".to_owned(), Value::from(server.service_id.clone())),
    ]);
    ClusterId { scope: ClusterScope { path: Vec::new(), clusters }, id: String::new() }
}
