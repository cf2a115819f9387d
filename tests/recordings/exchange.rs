//! One request, read in the background so that a stream can be left open.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::masks;
use crate::session::{Bounds, Step};
use crate::web_socket;

/// What has come so far.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) head: Option<(u16, BTreeMap<String, String>)>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) failure: Option<String>,
}

/// A request under way.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
    /// Whether it was ended from this side.
    pub(crate) dropped: bool,
}

impl Exchange {
    /// Sends the request of a step.
    pub(crate) fn send(host: &str, step: &Step, path: &str, body: Option<String>) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let mut request = Request::builder().method(step.method.as_str());
        let two = step.http.as_deref() == Some("2");
        request =
            if two { request.uri(format!("http://{host}{path}")) } else { request.uri(path).header("host", host) };
        for (name, value) in &step.headers {
            request = request.header(name, value);
        }
        if step.method == "WS" {
            return Self::web_socket(host, path, seen);
        }
        let request = request.body(Full::new(Bytes::from(body.unwrap_or_default())));
        let (host, into) = (host.to_owned(), seen.clone());
        let task = tokio::spawn(async move {
            let result = match request {
                Ok(request) => run(&host, two, request, &into).await,
                Err(problem) => Err(problem.to_string()),
            };
            if let Err(problem) = result {
                into.lock().failure = Some(problem);
            }
        });
        Self { seen, task, dropped: false }
    }

    fn web_socket(host: &str, path: &str, seen: Arc<Mutex<Seen>>) -> Self {
        let (host, path, into) = (host.to_owned(), path.to_owned(), seen.clone());
        let task = tokio::spawn(async move {
            if let Err(problem) = web_socket::run(&host, &path, &into).await {
                into.lock().failure = Some(problem.to_string());
            }
        });
        Self { seen, task, dropped: false }
    }

    /// Waits until it has ended, enough rows came, or the time is over.
    pub(crate) async fn wait(&self, bounds: Bounds, first_line: bool) {
        let end = Instant::now() + Duration::from_secs_f64(bounds.max_s.unwrap_or(60.0));
        while !self.task.is_finished() && Instant::now() < end {
            let enough = {
                let seen = self.seen.lock();
                first_line && !seen.bytes.is_empty()
                    || bounds.max_rows.is_some_and(|rows| masks::rows_in(&masks::complete_lines(&seen.bytes)) >= rows)
            };
            if enough {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Drops the connection if it is still open.
    pub(crate) fn stop(&mut self) {
        if !self.task.is_finished() {
            self.dropped = true;
            self.task.abort();
        }
    }

    /// Whether it is still open.
    pub(crate) fn is_open(&self) -> bool {
        !self.task.is_finished()
    }
}

async fn run(host: &str, two: bool, request: Request<Full<Bytes>>, into: &Mutex<Seen>) -> Result<(), String> {
    let stream = TcpStream::connect(host).await.map_err(|e| e.to_string())?;
    let io = TokioIo::new(stream);
    if two {
        let (mut sender, connection) =
            http2::handshake(TokioExecutor::new(), io).await.map_err(|e| format!("http/2: {e}"))?;
        let response = async { sender.send_request(request).await.map_err(|e| e.to_string()) };
        both(connection, read(response, into)).await
    } else {
        let (mut sender, connection) = http1::handshake(io).await.map_err(|e| e.to_string())?;
        let response = async { sender.send_request(request).await.map_err(|e| e.to_string()) };
        both(connection, read(response, into)).await
    }
}

/// Drives the connection until the response is read.
async fn both<E>(
    connection: impl Future<Output = Result<(), E>>,
    response: impl Future<Output = Result<(), String>>,
) -> Result<(), String> {
    tokio::pin!(response);
    tokio::select! {
        result = &mut response => result,
        _ = connection => response.await,
    }
}

async fn read(
    response: impl Future<Output = Result<Response<hyper::body::Incoming>, String>>,
    into: &Mutex<Seen>,
) -> Result<(), String> {
    let response = response.await?;
    let headers = response.headers().iter();
    let headers =
        headers.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    into.lock().head = Some((response.status().as_u16(), headers.collect()));
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        if let Some(data) = frame.map_err(|e| e.to_string())?.data_ref() {
            into.lock().bytes.extend_from_slice(data);
        }
    }
    Ok(())
}
