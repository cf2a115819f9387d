//! `POST /query-stream`

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{StatusCode, Version};
use axum::response::Response;
use engine::statements::{Failure, FailureKind};
use wire::QueryStreamRequest;

use crate::accept::{Chosen, Media, choose};
use crate::app::Server;
use crate::session::session;
use crate::start_query::{self, QueryRequest, Start};
use crate::{body, error, reply, rows};

const PRODUCES: &[Media] = &[Media::Delimited, Media::Json, Media::KsqlJson, Media::Protobuf];

/// Runs one query or PRINT and streams what it yields.
pub(crate) async fn post(server: Arc<Server>, request: Request) -> Response {
    let chosen = choose(request.headers(), PRODUCES);
    if chosen == Chosen::Nothing {
        return reply::not_found();
    }
    if request.version() < Version::HTTP_11 {
        return reply::bare_error(40000, reply::NOT_OVER_HTTP10);
    }
    let request: QueryStreamRequest = match body::read_json(&server, request.into_body()).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    if let Some((name, _)) = request.properties.iter().find(|(_, value)| value.is_null()) {
        return reply::bare_error(40000, format!("Property '{name}' has no value. Leave it out to keep the server's."));
    }
    let media = match chosen {
        Chosen::Is(media) => media,
        Chosen::Unsaid | Chosen::Nothing => Media::Delimited,
    };
    let session = session(&request.properties, &request.session_variables);
    let host = start_query::told_host(&server, &request.request_properties);
    let refuse = |_: &sql::Parsed| Failure::statement("Neither a query nor a print statement");
    let asked = QueryRequest { sql: request.sql, session, lenient: true, rows: media.rows(), refuse };
    match start_query::start(server.clone(), asked).await {
        Ok(Start::Query(answer)) => reply::with(StatusCode::OK, Some(media.name()), rows::body(answer, media, host)),
        Ok(Start::Print(_)) if media != Media::Delimited => reply::with(StatusCode::NOT_ACCEPTABLE, None, ""),
        Ok(Start::Print(print)) => start_query::print_response(&server, print, false, None).await,
        Ok(Start::NoTopic { topic, .. }) => reply::bare_error(40001, format!("Topic does not exist: {topic}")),
        Err(failure) => error::bare(told(failure)),
    }
}

/// This endpoint tells the statement in the message of some errors and hides what is the server's fault.
fn told(mut failure: Failure) -> Failure {
    match failure.kind {
        FailureKind::Server => Failure::new(FailureKind::Server, error::INTERNAL),
        FailureKind::Statement if failure.message.contains("Syntax Error") => {
            if let Some(text) = &failure.statement {
                failure.message = format!("{}\nStatement: {text}", failure.message);
            }
            failure
        }
        _ => failure,
    }
}
