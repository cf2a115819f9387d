//! `POST /close-query`

use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use wire::CloseQuery;

use crate::app::Server;
use crate::{body, reply};

/// Ends a push query, whichever connection it belongs to.
pub(crate) async fn post(server: Arc<Server>, request: Request) -> Response {
    let CloseQuery { query_id } = match body::read_json(&server, request.into_body()).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    if server.engine.close_query(&query_id) {
        reply::with(StatusCode::OK, None, "")
    } else {
        reply::bare_error(40000, format!("No query with id {query_id}"))
    }
}
