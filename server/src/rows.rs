//! Query results as streams of lines. Every line is one frame of the body: clients exist that read a frame as one JSON
//! document. Only the StreamedRow array of a table's rows comes in larger frames, a small one as a whole. What a client does
//! not take stays in the engine's bounded queue.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use engine::rows::{End, Event, RowBatch, RowReceiver};
use engine::serving::{Answer, Kind};
use engine::types::Column;
use futures::stream;
use serde::Serialize;
use tokio::time::timeout;
use wire::{DelimitedHeader, ErrorBody, FinalMessage, GenericError, Header, HeaderBody, RowError};

use crate::accept::Media;

/// Size of a frame of elements that are sent together, and how long they wait for more of them.
const FRAME_BYTES: usize = 5 << 10;
const FRAME_WAIT: Duration = Duration::from_millis(200);

/// The body of a query's response. With a `host`, each row of a table says which server it comes from.
pub(crate) fn body(answer: Answer, format: Media, host: Option<&str>) -> Body {
    let source = match host.filter(|_| answer.kind == Kind::TablePull) {
        Some(host) => join(&[b",\"sourceHost\":", &document(&host)]),
        None => Bytes::new(),
    };
    let mut lines =
        Lines { format, kind: answer.kind, source, held: Bytes::new(), frame: Vec::new(), pending: VecDeque::new() };
    lines.header(&answer);
    from_lines(lines, answer.rows)
}

/// A body that is just the rows' texts, each on its line (PRINT). No record's line is a JSON object, so that a client can
/// tell an error from it.
pub(crate) fn plain(rows: RowReceiver) -> Body {
    let state = (Some(rows), VecDeque::<Bytes>::new());
    let stream = stream::unfold(state, |(mut rows, mut pending)| async move {
        loop {
            if let Some(line) = pending.pop_front() {
                return Some((Ok::<_, Infallible>(line), (rows, pending)));
            }
            match rows.as_mut()?.next().await {
                Event::Rows(batch) => pending.extend(batch.iter().map(|(row, _)| join(&[row, b"\n"]))),
                Event::End(end) => {
                    pending.extend(failure(end, true).map(|message| join(&[&document(&error(message)), b"\n"])));
                    rows = None;
                }
            }
        }
    });
    Body::from_stream(stream)
}

/// Why an answer is not what was asked for. One that ends by itself, when it has all or enough, is not complete when it is
/// closed: by the server's end, or because its thread is gone.
pub(crate) fn failure(end: End, ends_by_itself: bool) -> Option<String> {
    match end {
        End::Failed(message) => Some(message),
        End::Closed if ends_by_itself => Some("The query was closed before it was complete".to_owned()),
        End::Completed | End::LimitReached | End::Closed => None,
    }
}

fn error(message: String) -> ErrorBody {
    ErrorBody::Generic(GenericError { error_code: 50000, message })
}

fn from_lines(lines: Lines, rows: RowReceiver) -> Body {
    let stream = stream::unfold((lines, Some(rows)), |(mut lines, mut rows)| async move {
        loop {
            if let Some(line) = lines.pending.pop_front() {
                return Some((Ok::<_, Infallible>(line), (lines, rows)));
            }
            let event = rows.as_mut()?.next();
            let event = if lines.frame.is_empty() { Ok(event.await) } else { timeout(FRAME_WAIT, event).await };
            match event {
                Ok(Event::Rows(batch)) => lines.rows(&batch),
                Ok(Event::End(end)) => {
                    lines.end(end);
                    rows = None;
                }
                Err(_) => lines.send_frame(),
            }
        }
    });
    Body::from_stream(stream)
}

/// Writes the lines of one response.
struct Lines {
    format: Media,
    kind: Kind,
    /// What stands behind each row.
    source: Bytes,
    /// The last element so far of an array that nobody knows the end of.
    held: Bytes,
    /// The elements before it that are not sent yet.
    frame: Vec<u8>,
    pending: VecDeque<Bytes>,
}

impl Lines {
    fn header(&mut self, answer: &Answer) {
        let line = match self.format {
            Media::KsqlJson | Media::Protobuf => {
                let (query_id, schema) = (answer.id.clone(), schema(&answer.columns, &answer.keys));
                document(&Header { header: HeaderBody { query_id, schema, proto_schema: answer.proto_schema.clone() } })
            }
            Media::Delimited | Media::Json => document(&DelimitedHeader {
                query_id: answer.id.clone(),
                column_names: answer.columns.iter().map(|column| column.name.clone()).collect(),
                column_types: answer.columns.iter().map(|column| column.ty.to_string()).collect(),
            }),
        };
        match self.format {
            Media::Delimited => self.pending.push_back(join(&[&line, b"\n"])),
            Media::Json => self.pending.push_back(join(&[b"[", &line])),
            Media::KsqlJson | Media::Protobuf => self.element(join(&[b"[", &line])),
        }
    }

    fn rows(&mut self, batch: &RowBatch) {
        for (row, tombstone) in batch.iter() {
            match self.format {
                Media::Protobuf if !tombstone => {
                    let message = STANDARD.encode(row);
                    let start = b"{\"row\":{\"protobufBytes\":\"";
                    self.element(join(&[start, message.as_bytes(), b"\"}", &self.source, b"}"]));
                }
                Media::KsqlJson | Media::Protobuf => {
                    let end: &[u8] = if tombstone { b",\"tombstone\":true}" } else { b"}" };
                    self.element(join(&[b"{\"row\":{\"columns\":", row, end, &self.source, b"}"]));
                }
                // These two formats have no way to say that a row is gone.
                Media::Delimited | Media::Json if tombstone => {}
                Media::Delimited => self.pending.push_back(join(&[row, b"\n"])),
                Media::Json => self.pending.push_back(join(&[b",", row])),
            }
        }
    }

    /// An element of a StreamedRow array. Only streams know that something will follow.
    fn element(&mut self, element: Bytes) {
        if self.kind != Kind::TablePull {
            return self.pending.push_back(join(&[&element, b",\n"]));
        }
        let before = std::mem::replace(&mut self.held, element);
        if !before.is_empty() {
            self.frame.extend_from_slice(&before);
            self.frame.extend_from_slice(b",\n");
        }
        if self.frame.len() >= FRAME_BYTES {
            self.send_frame();
        }
    }

    fn send_frame(&mut self) {
        self.pending.push_back(std::mem::take(&mut self.frame).into());
    }

    /// The end of a StreamedRow array.
    fn close(&mut self) {
        self.frame.extend_from_slice(&std::mem::take(&mut self.held));
        self.frame.push(b']');
        self.send_frame();
    }

    fn end(&mut self, end: End) {
        let message = if end == End::LimitReached { "Limit Reached" } else { "Query Completed" };
        if let Some(problem) = failure(end, self.kind != Kind::Push) {
            return self.failure(problem);
        }
        match (self.format, self.kind) {
            (Media::Delimited, _) => {}
            (Media::Json, _) => self.pending.push_back(Bytes::from_static(b"]")),
            (Media::KsqlJson | Media::Protobuf, Kind::TablePull) => self.close(),
            (Media::KsqlJson | Media::Protobuf, Kind::Push | Kind::StreamPull) => {
                self.pending.push_back(document(&FinalMessage { final_message: message.to_owned() }));
                self.close();
            }
        }
    }

    /// The status is out already, so an error is a line of the stream.
    fn failure(&mut self, message: String) {
        let error = error(message);
        match self.format {
            Media::Delimited => self.pending.push_back(join(&[&document(&error), b"\n"])),
            Media::Json => self.pending.push_back(join(&[b",", &document(&error), b"]"])),
            Media::KsqlJson | Media::Protobuf => {
                self.element(document(&RowError { error_message: error }));
                self.close();
            }
        }
    }
}

/// ``  `ID` INTEGER KEY, `NAME` STRING  ``
fn schema(columns: &[Column], keys: &[bool]) -> String {
    let column = |(i, column): (usize, &Column)| {
        let key = if keys.get(i) == Some(&true) { " KEY" } else { "" };
        format!("`{}` {}{key}", column.name.replace('`', "``"), column.ty)
    };
    columns.iter().enumerate().map(column).collect::<Vec<_>>().join(", ")
}

fn document(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).unwrap_or_default().into()
}

fn join(parts: &[&[u8]]) -> Bytes {
    parts.concat().into()
}

#[cfg(test)]
mod tests {
    use engine::rows::channel;
    use engine::types::SqlType;
    use http_body_util::BodyExt;

    use super::*;

    async fn text(kind: Kind, format: Media, rows: &[(&str, bool)], end: End) -> String {
        let body = answer(kind, format, rows, end);
        String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    fn answer(kind: Kind, format: Media, rows: &[(&str, bool)], end: End) -> Body {
        let (sender, receiver) = channel(|| ());
        let mut batch = RowBatch::default();
        for (row, tombstone) in rows {
            batch.data.extend_from_slice(row.as_bytes());
            batch.ends.push(batch.data.len());
            batch.tombstones.push(*tombstone);
        }
        sender.send(batch).unwrap();
        sender.end(end);
        let answer = Answer {
            id: "q".into(),
            columns: vec![Column::new("K", SqlType::Integer), Column::new("V", SqlType::String)],
            keys: vec![kind == Kind::TablePull, false],
            proto_schema: (format == Media::Protobuf).then(|| "syntax".to_owned()),
            kind,
            rows: receiver,
        };
        body(answer, format, Some("host:8088"))
    }

    #[tokio::test]
    async fn push_queries_end_with_a_message() {
        let rows = [("[1,\"x\"]", false), ("[2,null]", true)];
        assert_eq!(
            text(Kind::Push, Media::KsqlJson, &rows, End::LimitReached).await,
            "[{\"header\":{\"queryId\":\"q\",\"schema\":\"`K` INTEGER, `V` STRING\"}},\n{\"row\":{\"columns\":[1,\"x\"]}},\n\
             {\"row\":{\"columns\":[2,null],\"tombstone\":true}},\n{\"finalMessage\":\"Limit Reached\"}]"
        );
        assert_eq!(
            text(Kind::Push, Media::Delimited, &rows, End::LimitReached).await,
            "{\"queryId\":\"q\",\"columnNames\":[\"K\",\"V\"],\"columnTypes\":[\"INTEGER\",\"STRING\"]}\n[1,\"x\"]\n"
        );
    }

    #[tokio::test]
    async fn table_pulls_end_with_the_last_row() {
        assert_eq!(
            text(Kind::TablePull, Media::KsqlJson, &[("[1,\"x\"]", false)], End::Completed).await,
            "[{\"header\":{\"queryId\":\"q\",\"schema\":\"`K` INTEGER KEY, `V` STRING\"}},\n{\"row\":{\"columns\":[1,\"x\"]},\"sourceHost\":\"host:8088\"}]"
        );
        assert_eq!(
            text(Kind::TablePull, Media::Json, &[("[1,\"x\"]", false)], End::Completed).await,
            "[{\"queryId\":\"q\",\"columnNames\":[\"K\",\"V\"],\"columnTypes\":[\"INTEGER\",\"STRING\"]},[1,\"x\"]]"
        );
    }

    #[tokio::test]
    async fn messages_are_base64_and_tombstones_columns() {
        let rows = [("\u{8}\u{1}", false), ("[2,null]", true)];
        assert_eq!(
            text(Kind::Push, Media::Protobuf, &rows, End::LimitReached).await,
            "[{\"header\":{\"queryId\":\"q\",\"schema\":\"`K` INTEGER, `V` STRING\",\"protoSchema\":\"syntax\"}},\n\
             {\"row\":{\"protobufBytes\":\"CAE=\"}},\n{\"row\":{\"columns\":[2,null],\"tombstone\":true}},\n\
             {\"finalMessage\":\"Limit Reached\"}]"
        );
        assert_eq!(
            text(Kind::TablePull, Media::Protobuf, &rows[..1], End::Completed).await,
            "[{\"header\":{\"queryId\":\"q\",\"schema\":\"`K` INTEGER KEY, `V` STRING\",\"protoSchema\":\"syntax\"}},\n\
             {\"row\":{\"protobufBytes\":\"CAE=\"},\"sourceHost\":\"host:8088\"}]"
        );
    }

    #[tokio::test]
    async fn rows_of_a_table_share_frames_that_end_with_a_row() {
        let frames = async |rows: usize| {
            let rows = vec![("[1,\"x\"]", false); rows];
            let mut body = answer(Kind::TablePull, Media::KsqlJson, &rows, End::Completed);
            let mut frames = Vec::new();
            while let Some(frame) = body.frame().await {
                frames.push(String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap());
            }
            frames
        };
        assert_eq!(frames(3).await.len(), 1);
        let many = frames(500).await;
        assert!(many.len() > 2 && many.concat().lines().count() == 501, "{} frames", many.len());
        let (last, others) = many.split_last().unwrap();
        assert!(others.iter().all(|frame| frame.ends_with("},\n") && frame.len() < 2 * FRAME_BYTES));
        assert!(last.ends_with("}]") && last.starts_with("{\"row\""), "{last}");
    }

    #[tokio::test]
    async fn errors_are_lines() {
        let delimited = text(Kind::Push, Media::Delimited, &[], End::Failed("no".into())).await;
        assert!(delimited.ends_with("{\"@type\":\"generic_error\",\"error_code\":50000,\"message\":\"no\"}\n"));
        assert!(text(Kind::Push, Media::KsqlJson, &[], End::Failed("no".into())).await.ends_with("}},\n]"));
    }

    #[tokio::test]
    async fn print_tells_how_it_failed() {
        let printed = async |end: Option<End>| {
            let (sender, receiver) = channel(|| ());
            let line = b"rowtime: 0".to_vec();
            sender.send(RowBatch { ends: vec![line.len()], data: line, tombstones: Vec::new() }).unwrap();
            end.into_iter().for_each(|end| sender.end(end));
            drop(sender);
            let body = plain(receiver).collect().await.unwrap().to_bytes();
            String::from_utf8(body.to_vec()).unwrap()
        };
        assert_eq!(printed(Some(End::LimitReached)).await, "rowtime: 0\n");
        let no = "rowtime: 0\n{\"@type\":\"generic_error\",\"error_code\":50000,\"message\":\"no\"}\n";
        assert_eq!(printed(Some(End::Failed("no".into()))).await, no);
        assert!(printed(None).await.contains("before it was complete"), "its thread is gone");
    }

    #[tokio::test]
    async fn only_push_queries_are_over_when_they_are_closed() {
        let closed = async |kind| text(kind, Media::KsqlJson, &[("[1,\"x\"]", false)], End::Closed).await;
        assert!(closed(Kind::Push).await.ends_with("{\"finalMessage\":\"Query Completed\"}]"));
        for kind in [Kind::TablePull, Kind::StreamPull] {
            let answer = closed(kind).await;
            assert!(answer.contains("\"errorMessage\"") && answer.contains("before it was complete"), "{answer}");
        }
    }
}
