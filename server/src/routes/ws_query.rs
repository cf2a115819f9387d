//! `GET /ws/query?request=<KsqlRequest>`: queries over a WebSocket. The request is upgraded first; whatever is wrong is
//! said in a message and a close frame.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use engine::rows::{End, Event, RowFormat, RowReceiver};
use engine::serving::Answer;
use engine::statements::{Failure, FailureKind, FieldConstraint, SourceField};
use hyper::upgrade::OnUpgrade;
use serde_json::json;
use sql::Statement;
use wire::{Field, KsqlRequest};

use crate::app::percent_decode;
use crate::query::{self, Asked, Start};
use crate::session::session;
use crate::websocket::{self, Socket};
use crate::{Server, body, entities, reply, upgrade};

/// Close codes.
const DONE: u16 = 1000;
const BAD_REQUEST: u16 = 1003;
const SERVER_ERROR: u16 = 1011;

/// Why a session ends early: close code and text.
type Refusal = (u16, String);

/// Upgrades the connection.
pub(crate) fn get(server: Arc<Server>, mut request: Request) -> Response {
    let connection = request.extensions_mut().remove::<OnUpgrade>();
    let accepted = connection.filter(|_| upgrade::is_asked_for(request.headers(), "websocket"));
    let (Some(connection), Some(response)) = (accepted, websocket::accept(request.headers())) else {
        return reply::with(StatusCode::BAD_REQUEST, None, "\"Connection\" header must be \"Upgrade\".");
    };
    let query = request.uri().query().unwrap_or_default().to_owned();
    tokio::spawn(async move {
        match connection.await {
            Ok(upgraded) => serve(server, Socket::new(upgraded), &query).await,
            Err(problem) => tracing::debug!(%problem, "upgrade failed"),
        }
    });
    response
}

async fn serve(server: Arc<Server>, mut socket: Socket, query: &str) {
    let result = match start(server.clone(), query).await {
        Ok(Start::Query(answer)) => rows(&mut socket, answer).await,
        Ok(Start::Print(print)) => match query::blocking(move || server.engine.print(print, false)).await {
            Ok(lines) => stream(&mut socket, lines, |line| json!(String::from_utf8_lossy(line)).to_string()).await,
            Err(failure) => Err((SERVER_ERROR, failure.message)),
        },
        Ok(Start::NoTopic { topic, .. }) => Err((
            BAD_REQUEST,
            format!("Topic does not exist, or KSQL does not have permission to list the topic: {topic}"),
        )),
        Err(refusal) => Err(refusal),
    };
    let (code, text) = match result {
        Ok(true) => (DONE, "done".to_owned()),
        Ok(false) => return,
        Err(refusal) => refusal,
    };
    if socket.text(json!({ "error": text }).to_string().as_bytes()).await.is_ok() {
        // The client may be gone by now.
        let _sent = socket.close(code, &text).await;
    }
}

/// Starts what the URL asks for.
async fn start(server: Arc<Server>, query: &str) -> Result<Start, Refusal> {
    let refuse = |text: String| (BAD_REQUEST, text);
    let parameter = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| percent_decode(&value.replace('+', " ")))
    };
    if let Some(version) = parameter("version").filter(|version| version != "1") {
        return Err(refuse(format!("Received invalid api version: {version}")));
    }
    let text =
        parameter("request").ok_or_else(|| refuse("Error parsing request: missing request parameter".to_owned()))?;
    let request: KsqlRequest =
        body::parse(text.as_bytes()).map_err(|problem| refuse(format!("Error parsing request: {problem}")))?;
    if request.ksql.is_empty() {
        return Err(refuse("Error parsing request: \"ksql\" field of \"request\" must be populated".to_owned()));
    }
    let session = session(&request.streams_properties, &request.session_variables);
    let asked = Asked { sql: request.ksql, session, lenient: true, rows: RowFormat::Json };
    query::start(server, asked, allowed).await.map_err(refusal)
}

fn allowed(statement: &Statement) -> Result<(), Failure> {
    match statement {
        Statement::Query(_) | Statement::Print { .. } => Ok(()),
        other => {
            let kind = format!("{other:?}");
            let name = kind.split([' ', '(', '{']).next().unwrap_or_default();
            Err(Failure::request(format!("Unexpected statement type {name}")))
        }
    }
}

/// Texts are the short ones here.
fn refusal(failure: Failure) -> Refusal {
    if failure.kind == FailureKind::Server {
        return (SERVER_ERROR, failure.message);
    }
    let message = failure.brief.unwrap_or(failure.message);
    let message = message.split("\nStatement:").next().unwrap_or_default();
    let text = match message.split_once(": Syntax Error") {
        Some((place, _)) => format!("Error parsing query: {place}: Syntax error at {place}"),
        None if message.starts_with("Exception while preparing") || message.starts_with("Expected exactly one") => {
            format!("Error parsing query: {message}")
        }
        None => message.to_owned(),
    };
    (BAD_REQUEST, text)
}

/// The columns, then a message for each row.
async fn rows(socket: &mut Socket, answer: Answer) -> Result<bool, Refusal> {
    let field = |(i, column): (usize, &engine::types::Column)| {
        let is_key = answer.keys.get(i) == Some(&true);
        let constraint = if is_key { FieldConstraint::Key } else { FieldConstraint::None };
        entities::field(SourceField { name: column.name.clone(), ty: column.ty.clone(), constraint })
    };
    let fields: Vec<Field> = answer.columns.iter().enumerate().map(field).collect();
    if socket.text(&serde_json::to_vec(&fields).unwrap_or_default()).await.is_err() {
        return Ok(false);
    }
    let row = |row: &[u8]| format!("{{\"row\":{{\"columns\":{}}}}}", String::from_utf8_lossy(row));
    stream(socket, answer.rows, row).await
}

/// Sends a message for each row; false when the client is gone. Deletions are left out.
async fn stream(
    socket: &mut Socket,
    mut rows: RowReceiver,
    message: impl Fn(&[u8]) -> String,
) -> Result<bool, Refusal> {
    loop {
        let event = tokio::select! {
            event = rows.next() => event,
            () = socket.until_closed() => return Ok(false),
        };
        match event {
            Event::Rows(batch) => {
                for (row, _) in batch.iter().filter(|(_, tombstone)| !tombstone) {
                    if socket.text(message(row).as_bytes()).await.is_err() {
                        return Ok(false);
                    }
                }
            }
            Event::End(End::Failed(problem)) => return Err((SERVER_ERROR, problem)),
            Event::End(_) => return Ok(true),
        }
    }
}
