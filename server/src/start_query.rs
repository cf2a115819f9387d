//! What `/query` and `/query-stream` have in common: one statement, checked, started.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use engine::engine::Patience;
use engine::rows::{RowFormat, RowReceiver};
use engine::serving::{Answer, Client};
use engine::statements::{Failure, Print, Progress, Session};
use serde_json::{Map, Value};
use sql::{Parsed, Statement};

use crate::app::Server;
use crate::{error, reply, rows};

/// What a request asks for.
#[derive(Debug)]
pub(crate) struct QueryRequest {
    /// One statement.
    pub(crate) sql: String,
    /// Its properties and variables.
    pub(crate) session: Session,
    /// Whether property names nobody knows are ignored.
    pub(crate) lenient: bool,
    /// How rows are written.
    pub(crate) rows: RowFormat,
    /// What the endpoint says of a statement that is neither a query nor PRINT.
    pub(crate) refuse: fn(&Parsed) -> Failure,
}

/// What was started.
#[derive(Debug)]
pub(crate) enum Start {
    /// A query.
    Query(Answer),
    /// A PRINT of a topic that exists.
    Print(Print),
    /// A PRINT of a topic that does not; perhaps one whose name differs in case only does.
    NoTopic { topic: String, similar: Option<String> },
}

/// Parses one query or PRINT and starts it. When the client leaves meanwhile, which drops this, the work ends, too.
pub(crate) async fn start(server: Arc<Server>, mut asked: QueryRequest) -> Result<Start, Failure> {
    if asked.lenient {
        asked.session.forget_unknown_properties();
    }
    let attempt = {
        let server = server.clone();
        move |(asked, patience): &mut (QueryRequest, Patience)| try_start(&server, asked, patience)
    };
    let client = Client::default();
    let _waiting = Waiting(client.clone());
    server.gate.run_to_end((asked, Patience::of(client)), attempt).await
}

/// Somebody waits for an answer, until it is dropped.
struct Waiting(Client);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.leave();
    }
}

fn try_start(server: &Server, asked: &QueryRequest, patience: &mut Patience) -> Result<Progress<Start>, Failure> {
    let parsed = server.engine.parse(&asked.sql, &asked.session)?;
    let [statement] = parsed.as_slice() else {
        let texts: Vec<String> = parsed.iter().filter_map(|parsed| sql::masked(&parsed.statement)).collect();
        let text = if texts.is_empty() { sql::masked_text(&asked.sql) } else { texts.join(" ") };
        let message = format!("Expected exactly one KSQL statement; found {} instead\nStatement: {text}", parsed.len());
        return Err(Failure::statement(message).of(&text));
    };
    if !matches!(statement.statement, Statement::Query(_) | Statement::Print { .. }) {
        return Err((asked.refuse)(statement).of_parsed(statement));
    }
    let Some(print) = server.engine.print_of(&statement.statement, &asked.session)? else {
        return Ok(match server.engine.try_query(statement, &asked.session, asked.rows, patience)? {
            Progress::Done(answer) => Progress::Done(Start::Query(answer)),
            Progress::Wait(pause) => Progress::Wait(pause),
        });
    };
    let topics = server.engine.log().topics()?;
    if topics.iter().any(|topic| topic.name == print.topic) {
        return Ok(Progress::Done(Start::Print(print)));
    }
    let similar = topics.into_iter().map(|topic| topic.name).find(|name| name.eq_ignore_ascii_case(&print.topic));
    Ok(Progress::Done(Start::NoTopic { topic: print.topic, similar }))
}

/// The word a statement begins with.
pub(crate) fn verb(statement: &Parsed) -> String {
    statement.text.split_whitespace().next().unwrap_or_default().to_uppercase()
}

/// This server's name, if the request wants to know where rows come from.
pub(crate) fn told_host<'a>(server: &'a Server, properties: &Map<String, Value>) -> Option<&'a str> {
    let wanted = properties.get("request.ksql.debug.request")?;
    (wanted == true || wanted == "true").then_some(&server.host)
}

/// Starts a PRINT and answers once its first line is there, as ksqlDB does.
pub(crate) async fn print_response(
    server: &Arc<Server>,
    print: Print,
    announce: bool,
    content_type: Option<&'static str>,
) -> Response {
    match self::print(server, print, announce).await {
        Ok(mut rows) => {
            wait_for_first(&mut rows).await;
            reply::with(StatusCode::OK, content_type, rows::plain(rows))
        }
        Err(failure) => error::bare(failure),
    }
}

async fn wait_for_first(rows: &mut RowReceiver) {
    rows.ready().await;
}

/// Starts a PRINT.
pub(crate) async fn print(server: &Arc<Server>, print: Print, announce: bool) -> Result<RowReceiver, Failure> {
    let asked = server.clone();
    server.gate.run(move || asked.engine.print(print, announce)).await
}
