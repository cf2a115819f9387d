//! `POST /inserts-stream`: rows in, acknowledgements out, both at once.
//!
//! The first line names the target; the response head goes out as soon as it was understood. Rows are taken in the chunks
//! they arrive in, so that a fast client's rows share an append.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, BodyDataStream};
use axum::extract::Request;
use axum::http::{StatusCode, Version};
use axum::response::Response;
use bytes::{Buf, Bytes, BytesMut};
use engine::statements::{FailureKind, Inserter};
use futures::{StreamExt, stream};
use wire::{InsertAck, InsertError, InsertsTarget};

use crate::accept::{Chosen, Media, choose};
use crate::app::Server;
use crate::session::session;
use crate::{body, error, reply, upgrade};

const PRODUCES: &[Media] = &[Media::Delimited, Media::Json];
/// Longest line that is taken.
const MAX_LINE_BYTES: usize = 10 * 1024 * 1024;

/// What clients of HTTP/1.1 read: ksqlDB's text, then ours.
const HTTP2_ONLY: &str = "This endpoint is only available when using HTTP2\nStart with HTTP/2 at once (\"prior knowledge\"; curl: \
     --http2-prior-knowledge), or send INSERT INTO statements to /ksql.";

/// Inserts rows.
pub(crate) async fn post(server: Arc<Server>, request: Request) -> Response {
    let json = match choose(request.headers(), PRODUCES) {
        Chosen::Nothing => return reply::not_found(),
        chosen => chosen == Chosen::Is(Media::Json),
    };
    if !is_taken(&request) {
        return reply::bare_error(40004, HTTP2_ONLY);
    }
    let mut lines =
        Lines { body: request.into_body().into_data_stream(), buffer: BytesMut::new(), searched: 0, ended: false };
    let first = match lines.next_chunk().await {
        Ok(chunk) => chunk.and_then(|mut chunk| {
            lines.push_back(chunk.split_off(1));
            chunk.pop()
        }),
        Err(TooLong) => return reply::bare_error(41300, "Request Entity Too Large"),
    };
    let target: InsertsTarget = match first.as_deref().map(body::parse) {
        Some(Ok(target)) => target,
        Some(Err(message)) => return reply::bare_error(40000, format!("Invalid JSON in request: {message}")),
        None => return reply::bare_error(40000, "Invalid JSON in request: No content to map due to end-of-input"),
    };
    let mut session = session(&target.properties, &serde_json::Map::new());
    session.forget_unknown_properties();
    let asked = server.clone();
    match server.gate.run(move || asked.engine.inserts(&target.target, &session)).await {
        Ok(inserter) => reply::with(StatusCode::OK, None, acknowledge(server, lines, inserter, json)),
        Err(mut failure) => {
            if failure.kind != FailureKind::Request {
                failure.kind = FailureKind::Statement;
            }
            error::bare(failure)
        }
    }
}

/// A client that asks to go on in HTTP/2 may be answered in HTTP/1.1 all the same.
fn is_taken(request: &Request) -> bool {
    request.version() == Version::HTTP_2 || upgrade::is_asked_for(request.headers(), "h2c")
}

/// The acknowledgements, as a body. Each is a frame: clients exist that read a frame as one JSON document.
fn acknowledge(server: Arc<Server>, lines: Lines, inserter: Inserter, json: bool) -> Body {
    let state =
        State { server, lines, inserter: Some(inserter), seq: 0, json, opened: false, pending: VecDeque::new() };
    Body::from_stream(stream::unfold(state, |mut state| async move {
        loop {
            if let Some(frame) = state.pending.pop_front() {
                return Some((Ok::<_, Infallible>(frame), state));
            }
            state.inserter.as_ref()?;
            match state.lines.next_chunk().await {
                Ok(Some(chunk)) => state.insert(chunk).await,
                Ok(None) => state.close(),
                Err(TooLong) => state.refuse(41300, format!("A row is longer than {MAX_LINE_BYTES} bytes.")),
            }
        }
    }))
}

struct State {
    server: Arc<Server>,
    lines: Lines,
    /// Without one, no more rows are taken.
    inserter: Option<Inserter>,
    seq: u64,
    json: bool,
    /// Whether the array was begun.
    opened: bool,
    /// What is to be sent.
    pending: VecDeque<Bytes>,
}

impl State {
    /// Inserts the rows of a chunk and says what became of them; a bad row ends the response.
    async fn insert(&mut self, chunk: Vec<Bytes>) {
        let Some(mut inserter) = self.inserter.take() else { return };
        let rows = chunk.len();
        let done = self.server.gate.run(move || {
            let results = inserter.insert(&chunk);
            Ok((inserter, results))
        });
        let (inserter, results) = match done.await {
            Ok(done) => done,
            Err(failure) => return self.refuse(error::code(failure.kind), failure.message),
        };
        debug_assert_eq!(results.len(), rows);
        for result in results {
            match result {
                Ok(()) => self.item(&InsertAck::ok(self.seq)),
                Err(failure) => return self.refuse(error::code(failure.kind), failure.message),
            }
            self.seq += 1;
        }
        self.inserter = Some(inserter);
    }

    /// A row cannot be taken, nor any that follows.
    fn refuse(&mut self, code: u32, message: String) {
        self.item(&InsertError::new(self.seq, code, message));
        self.close();
    }

    fn item(&mut self, item: &impl serde::Serialize) {
        let mut text = Vec::new();
        if self.json {
            text.push(if self.opened { b',' } else { b'[' });
        }
        self.opened = true;
        text.extend(serde_json::to_vec(item).unwrap_or_default());
        if !self.json {
            text.push(b'\n');
        }
        self.pending.push_back(text.into());
    }

    fn close(&mut self) {
        self.inserter = None;
        if self.json {
            self.pending.push_back(Bytes::from_static(if self.opened { b"]" } else { b"[]" }));
        }
    }
}

/// A line goes on beyond [`MAX_LINE_BYTES`].
struct TooLong;

/// The lines of a request body, in the chunks they come in.
struct Lines {
    body: BodyDataStream,
    buffer: BytesMut,
    /// How much of the buffer holds no line end.
    searched: usize,
    ended: bool,
}

impl Lines {
    /// The lines that are complete now; waits for at least one. A last line need not be ended.
    async fn next_chunk(&mut self) -> Result<Option<Vec<Bytes>>, TooLong> {
        loop {
            let lines = self.complete_lines();
            if !lines.is_empty() {
                return Ok(Some(lines));
            }
            if self.ended {
                return Ok(None);
            }
            if self.buffer.len() > MAX_LINE_BYTES {
                return Err(TooLong);
            }
            match self.body.next().await {
                Some(Ok(data)) => self.buffer.extend_from_slice(&data),
                Some(Err(_)) | None => {
                    self.ended = true;
                    if !self.buffer.is_empty() {
                        self.buffer.extend_from_slice(b"\n");
                    }
                }
            }
        }
    }

    fn complete_lines(&mut self) -> Vec<Bytes> {
        let mut lines = Vec::new();
        while let Some(at) = self.buffer.iter().skip(self.searched).position(|byte| *byte == b'\n') {
            let line = self.buffer.split_to(self.searched + at).freeze();
            self.buffer.advance(1);
            self.searched = 0;
            if !line.trim_ascii().is_empty() {
                lines.push(line);
            }
        }
        self.searched = self.buffer.len();
        lines
    }

    /// Gives back lines that were taken too early.
    fn push_back(&mut self, lines: Vec<Bytes>) {
        let mut buffer = BytesMut::new();
        for line in lines {
            buffer.extend_from_slice(&line);
            buffer.extend_from_slice(b"\n");
        }
        buffer.extend_from_slice(&self.buffer);
        self.buffer = buffer;
        self.searched = 0;
    }
}
