//! `GET /status`, `GET /status/:type/:entity/:action`

use axum::response::Response;
use serde_json::Value;
use wire::CommandStatuses;

use crate::{Server, entities, reply};

const KINDS: &[&str] = &["topic", "stream", "table", "cluster", "pause", "resume", "terminate", "type"];
const ACTIONS: &[&str] = &["create", "drop", "execute", "alter", "terminate"];

/// Every command and how far it is.
pub(crate) fn get_all(server: &Server) -> Response {
    let statuses = server.engine.command_ids().into_iter().map(|id| (id, Value::from("SUCCESS")));
    reply::json(&CommandStatuses { command_statuses: statuses.collect() })
}

/// How far one command is.
pub(crate) fn get(server: &Server, kind: &str, entity: &str, action: &str) -> Response {
    if !KINDS.contains(&kind.to_lowercase().as_str()) {
        return unknown("Type", kind);
    }
    if !ACTIONS.contains(&action.to_lowercase().as_str()) {
        return unknown("Action", action);
    }
    let id = format!("{}/{entity}/{}", kind.to_lowercase(), action.to_lowercase());
    match server.engine.command_status(&id) {
        Some((message, query_id)) => reply::json(&entities::command_status(message, query_id)),
        None => reply::json_error(40400, "Command not found"),
    }
}

fn unknown(what: &str, name: &str) -> Response {
    let name = name.to_uppercase();
    reply::bare_error(50000, format!("No enum constant io.confluent.ksql.rest.entity.CommandId.{what}.{name}"))
}
