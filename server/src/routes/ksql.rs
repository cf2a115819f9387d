//! `POST /ksql`

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use engine::engine::Execution;
use engine::statements::Outcome;
use wire::{Entity, KsqlRequest};

use crate::app::Server;
use crate::session::session;
use crate::{body, entities, error, reply};

/// Runs statements and answers one entity for each that has one.
pub(crate) async fn post(server: Arc<Server>, request: Request) -> Response {
    let request: KsqlRequest = match body::read_json(&server, request.into_body()).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    if request.streams_properties.values().any(serde_json::Value::is_null) {
        return reply::bare_error(50000, "Failed to deserialize buffer");
    }
    let session = session(&request.streams_properties, &request.session_variables);
    let execution = server.engine.begin(&request.ksql, session, request.command_sequence_number);
    match server.gate.run_to_end(execution, Execution::go_on).await {
        Ok(answers) => {
            // SET has no entity that could carry its warnings.
            let bare = answers.iter().filter(|answer| answer.outcome == Outcome::Nothing);
            let hints: Vec<&str> = bare.flat_map(|answer| &answer.warnings).map(String::as_str).collect();
            let hint = hints.join("; ");
            let entities: Vec<Entity> =
                answers.into_iter().filter_map(|answer| entities::entity(answer, &server.host)).collect();
            reply::hinted(reply::json(&entities), &hint)
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
