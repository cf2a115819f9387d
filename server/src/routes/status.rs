//! `GET /status`, `GET /status/:type/:entity/:action`

use std::sync::Arc;

use axum::response::Response;
use serde_json::Value;
use wire::CommandStatuses;

use crate::app::Server;
use crate::{entities, error, reply};

const KINDS: &[&str] = &["topic", "stream", "table", "cluster", "pause", "resume", "terminate", "type"];
const ACTIONS: &[&str] = &["create", "drop", "execute", "alter", "terminate"];

/// Every command and how far it is.
pub(crate) async fn get_all(server: Arc<Server>) -> Response {
    let asked = server.clone();
    // A command that is being carried out holds up who asks for its status.
    match server.gate.run(move || Ok(asked.engine.command_ids())).await {
        Ok(ids) => {
            let statuses = ids.into_iter().map(|id| (id, Value::from("SUCCESS")));
            reply::json(&CommandStatuses { command_statuses: statuses.collect() })
        }
        Err(failure) => error::json(failure),
    }
}

/// How far one command is.
pub(crate) async fn get(server: Arc<Server>, kind: &str, entity: &str, action: &str) -> Response {
    if !KINDS.contains(&kind.to_lowercase().as_str()) {
        return unknown("Type", kind);
    }
    if !ACTIONS.contains(&action.to_lowercase().as_str()) {
        return unknown("Action", action);
    }
    let id = format!("{}/{entity}/{}", kind.to_lowercase(), action.to_lowercase());
    let asked = server.clone();
    match server.gate.run(move || Ok(asked.engine.command_status(&id))).await {
        Ok(Some((message, query_id))) => reply::json(&entities::command_status(message, query_id)),
        Ok(None) => reply::json_error(40400, "Command not found"),
        Err(failure) => error::json(failure),
    }
}

fn unknown(what: &str, name: &str) -> Response {
    let name = name.to_uppercase();
    reply::bare_error(50000, format!("No enum constant io.confluent.ksql.rest.entity.CommandId.{what}.{name}"))
}
