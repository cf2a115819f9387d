//! `POST /ksql`

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use wire::{Entity, KsqlRequest};

use crate::query::blocking;
use crate::session::session;
use crate::{Server, body, entities, error, reply};

/// Runs statements and answers one entity for each that has one.
pub(crate) async fn post(server: Arc<Server>, request: Request) -> Response {
    let request: KsqlRequest = match body::read_json(request.into_body()).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    if request.streams_properties.values().any(serde_json::Value::is_null) {
        return reply::bare_error(50000, "Failed to deserialize buffer");
    }
    let session = session(&request.streams_properties, &request.session_variables);
    let asked = server.clone();
    match blocking(move || asked.engine.execute(&request.ksql, session, request.command_sequence_number)).await {
        Ok(answers) => {
            let entities: Vec<Entity> =
                answers.into_iter().filter_map(|answer| entities::entity(answer, &server.host)).collect();
            reply::json(&entities)
        }
        Err(mut failure) => {
            if let Some(brief) = failure.brief.take() {
                tracing::info!(message = failure.message, "statement refused");
                failure.message = brief;
            }
            error::json(failure)
        }
    }
}
