//! `GET /ws/query?request=<KsqlRequest>`: queries over a WebSocket. The request is upgraded first; whatever is wrong is
//! said in a message and a close frame.

use std::sync::Arc;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::Response;
use engine::rows::{Event, RowFormat, RowReceiver};
use engine::serving::{Answer, Kind};
use engine::statements::{Failure, FailureKind, FieldConstraint, SourceField};
use serde_json::json;
use sql::{Parsed, Show, SourceKind, Statement};
use tokio::time::timeout;
use wire::{Field, KsqlRequest};

use crate::app::Server;
use crate::session::session;
use crate::start_query::{self, QueryRequest, Start};
use crate::{body, entities, reply, rows};

/// Close codes.
const DONE: u16 = 1000;
const BAD_REQUEST: u16 = 1003;
const SERVER_ERROR: u16 = 1011;
const GOING_AWAY: u16 = 1001;

/// Why a session ends early: close code and text.
type Refusal = (u16, String);

/// Longest message that is taken from a client, who has nothing to say.
const MAX_MESSAGE_BYTES: usize = 1 << 16;
/// Longest reason of a close frame.
const MAX_REASON_BYTES: usize = 123;

/// Upgrades the connection.
pub(crate) async fn get(server: Arc<Server>, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let Ok(upgrade) = WebSocketUpgrade::from_request(request, &()).await else {
        return reply::with(StatusCode::BAD_REQUEST, None, "\"Connection\" header must be \"Upgrade\".");
    };
    upgrade
        .max_message_size(MAX_MESSAGE_BYTES)
        .on_upgrade(move |socket| async move { serve(server, socket, &query).await })
}

async fn serve(server: Arc<Server>, mut socket: WebSocket, query: &str) {
    let result = timeout(server.limits.web_socket, answer(&server, &mut socket, query)).await;
    let too_long = || "The connection is open for as long as ksql.websocket.connection.max.timeout.ms allows.";
    let (code, text) = match result.unwrap_or_else(|_| Err((GOING_AWAY, too_long().to_owned()))) {
        Ok(true) => (DONE, "done".to_owned()),
        Ok(false) => return,
        Err(refusal) => refusal,
    };
    let reason = shortened(&text).into();
    if socket.send(Message::text(json!({ "error": text }).to_string())).await.is_ok() {
        // The client may be gone by now.
        let _sent = socket.send(Message::Close(Some(CloseFrame { code, reason }))).await;
    }
}

/// Runs what the URL asks for; false when the client is gone before it ends.
async fn answer(server: &Arc<Server>, socket: &mut WebSocket, query: &str) -> Result<bool, Refusal> {
    let started = tokio::select! {
        started = start(server.clone(), query) => started?,
        () = closed(socket) => return Ok(false),
    };
    match started {
        Start::Query(answer) => send_rows(socket, answer).await,
        Start::Print(print) => match start_query::print(server, print, false).await {
            Ok(lines) => stream(socket, lines, true, |line| json!(String::from_utf8_lossy(line)).to_string()).await,
            Err(failure) => Err((SERVER_ERROR, failure.message)),
        },
        Start::NoTopic { topic, .. } => Err((
            BAD_REQUEST,
            format!("Topic does not exist, or KSQL does not have permission to list the topic: {topic}"),
        )),
    }
}

/// Starts what the URL asks for.
async fn start(server: Arc<Server>, query: &str) -> Result<Start, Refusal> {
    let refuse = |text: String| (BAD_REQUEST, text);
    let parameter =
        |name: &str| form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value);
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
    let refuse = |statement: &Parsed| Failure::request(format!("Unexpected statement type {}", kind(statement)));
    let asked = QueryRequest { sql: request.ksql, session, lenient: true, rows: RowFormat::Json, refuse };
    start_query::start(server, asked).await.map_err(refusal)
}

/// A statement as ksqlDB calls it here, where it has a short name.
fn kind(statement: &Parsed) -> String {
    match &statement.statement {
        Statement::Show(Show::Sources { kind, extended }) => {
            let sources = if *kind == SourceKind::Table { "Tables" } else { "Streams" };
            format!("List{sources}{{showExtended={extended}}}")
        }
        Statement::Show(Show::Queries { extended }) => format!("ListQueries{{showExtended={extended}}}"),
        _ => start_query::verb(statement),
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
async fn send_rows(socket: &mut WebSocket, answer: Answer) -> Result<bool, Refusal> {
    let field = |(i, column): (usize, &engine::types::Column)| {
        let is_key = answer.keys.get(i) == Some(&true);
        let constraint = if is_key { FieldConstraint::Key } else { FieldConstraint::None };
        entities::field(SourceField { name: column.name.clone(), ty: column.ty.clone(), constraint })
    };
    let fields: Vec<Field> = answer.columns.iter().enumerate().map(field).collect();
    if socket.send(Message::text(json!(fields).to_string())).await.is_err() {
        return Ok(false);
    }
    let row = |row: &[u8]| format!("{{\"row\":{{\"columns\":{}}}}}", String::from_utf8_lossy(row));
    stream(socket, answer.rows, answer.kind != Kind::Push, row).await
}

/// Sends a message for each row; false when the client is gone. Deletions are left out.
async fn stream(
    socket: &mut WebSocket,
    mut rows: RowReceiver,
    ends_by_itself: bool,
    message: impl Fn(&[u8]) -> String,
) -> Result<bool, Refusal> {
    loop {
        let event = tokio::select! {
            event = rows.next() => event,
            () = closed(socket) => return Ok(false),
        };
        match event {
            Event::Rows(batch) => {
                for (row, _) in batch.iter().filter(|(_, tombstone)| !tombstone) {
                    if socket.send(Message::text(message(row))).await.is_err() {
                        return Ok(false);
                    }
                }
            }
            Event::End(end) => {
                return rows::failure(end, ends_by_itself).map_or(Ok(true), |problem| Err((SERVER_ERROR, problem)));
            }
        }
    }
}

/// Until the client closes or drops the connection; pings are answered meanwhile.
async fn closed(socket: &mut WebSocket) {
    while let Some(Ok(_)) = socket.recv().await {}
}

/// A reason that fits into a close frame.
fn shortened(reason: &str) -> String {
    if reason.len() <= MAX_REASON_BYTES {
        return reason.to_owned();
    }
    let end = reason.floor_char_boundary(MAX_REASON_BYTES - 3);
    format!("{}...", &reason[..end])
}
