//! `POST /query`: the older way to ask; the same streams under other defaults.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{StatusCode, Version};
use axum::response::Response;
use engine::statements::{Failure, FailureKind};
use wire::KsqlRequest;

use crate::accept::{Chosen, Media, choose};
use crate::app::Server;
use crate::session::session;
use crate::start_query::{self, QueryRequest, Start};
use crate::{body, error, reply, rows};

const PRODUCES: &[Media] = &[Media::Delimited, Media::KsqlJson, Media::Json, Media::Protobuf];

/// The same for PRINT, which any type will do for: only who insists on lines gets nothing else.
const PRINTS: &[Media] = &[Media::KsqlJson, Media::Json, Media::Delimited];

/// Runs one query or PRINT and streams what it yields.
pub(crate) async fn post(server: Arc<Server>, request: Request) -> Response {
    let media = match choose(request.headers(), PRODUCES) {
        Chosen::Nothing => return reply::not_found(),
        Chosen::Is(media @ (Media::Delimited | Media::Protobuf)) => media,
        Chosen::Is(Media::Json | Media::KsqlJson) | Chosen::Unsaid => Media::KsqlJson,
    };
    let announces = choose(request.headers(), PRINTS) != Chosen::Is(Media::Delimited);
    if request.version() < Version::HTTP_11 {
        return reply::bare_error(40000, reply::NOT_OVER_HTTP10);
    }
    let http2 = request.version() == Version::HTTP_2;
    let request: KsqlRequest = match body::read_json(&server, request.into_body()).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    if request.ksql.is_empty() {
        return reply::json_error(40000, "\"ksql\" field must be populated");
    }
    let session = session(&request.streams_properties, &request.session_variables);
    let host = start_query::told_host(&server, &request.request_properties);
    let refuse = |_: &sql::Parsed| {
        Failure::request(
            "Statement type `io.confluent.ksql.parser.KsqlParser$PreparedStatement' not supported for this resource",
        )
    };
    let asked = QueryRequest { sql: request.ksql, session, lenient: false, rows: media.rows(), refuse };
    match start_query::start(server.clone(), asked).await {
        Ok(Start::Query(answer)) => reply::with(StatusCode::OK, Some(media.name()), rows::body(answer, media, host)),
        Ok(Start::Print(_) | Start::NoTopic { .. }) if http2 => {
            reply::with(StatusCode::METHOD_NOT_ALLOWED, Some("application/json"), "")
        }
        Ok(Start::Print(_)) if media == Media::Protobuf => reply::with(StatusCode::NOT_ACCEPTABLE, None, ""),
        Ok(Start::Print(print)) if !announces => start_query::print_response(&server, print, false, None).await,
        Ok(Start::Print(print)) => start_query::print_response(&server, print, true, Some("application/json")).await,
        Ok(Start::NoTopic { topic, similar }) => reply::json_error(40000, no_topic(&topic, similar)),
        Err(failure) => error::json(told(failure)),
    }
}

fn no_topic(topic: &str, similar: Option<String>) -> String {
    let hint = similar.map(|similar| format!("\nDid you mean:\n\tprint {similar};")).unwrap_or_default();
    format!(
        "Could not find topic '{topic}', or the KSQL user does not have permissions to list the topic. Topic names are \
         case-sensitive.{hint}"
    )
}

/// This endpoint tells the offending line and, once more, the place in syntax errors.
fn told(mut failure: Failure) -> Failure {
    let line = failure.statement.as_deref().unwrap_or_default();
    let place = failure.message.split_once(": Syntax Error").map(|(place, _)| place.to_owned());
    if let (FailureKind::Statement, Some(place)) = (failure.kind, place) {
        let at = place.trim_start_matches("line ");
        failure.message =
            format!("{}\nStatement: {line}\nCaused by: line {at}: Syntax error at line {at}", failure.message);
    }
    failure
}
