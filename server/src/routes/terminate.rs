//! `POST /ksql/terminate`: the end of the cluster. The server goes on, but serves nobody until it is started again.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use wire::ClusterTerminateRequest;

use crate::app::Server;
use crate::{body, entities, error, reply};

/// Ends everything; answers like `/ksql`.
pub(crate) async fn post(server: Arc<Server>, request: Request) -> Response {
    let request: ClusterTerminateRequest = match body::read_json(&server, request.into_body()).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    let asked = server.clone();
    match server.gate.run(move || asked.engine.terminate_cluster(&request.delete_topic_list)).await {
        Ok(answer) => {
            server.be_terminated();
            reply::json(&entities::entity(answer, &server.host).as_slice())
        }
        Err(failure) => error::json(failure),
    }
}
