//! One connection: HTTP/1.1 or HTTP/2 with prior knowledge, until it ends, is idle for too long, or the server stops.

mod timed;
mod traffic;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, Version};
use axum::response::Response;
use futures::FutureExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::app::{Server, answer, segments};
use crate::entrance::Entrance;
use crate::listen::Serves;
use crate::opening::Opening;
use crate::{error, reply, routes};

use self::timed::Timed;
use self::traffic::{Held, Running, Traffic};

/// Largest head of a request, bytes.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// After so much silence the other machine is asked whether it is still there, so often, before the connection is given up:
/// a client that went without a word (its machine lost power, a router forgot it) must not keep a query running.
const ALIVE_AFTER: Duration = Duration::from_secs(60);
const ALIVE_EVERY: Duration = Duration::from_secs(15);
const ALIVE_TRIES: u32 = 4;

/// How long a client may take to ask a server that is not ready. Clients that ask nothing must not keep probes out.
const ASKING: Duration = Duration::from_secs(3);

/// Serves a connection. When `stopping` changes, what is running ends, and nothing new begins.
pub(crate) async fn serve(server: Arc<Server>, serves: Serves, stream: TcpStream, mut stopping: watch::Receiver<bool>) {
    // Rows are small and must not wait for more of them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY refused");
    }
    if let Err(error) = keep_alive(&stream) {
        tracing::debug!(%error, "SO_KEEPALIVE refused");
    }
    let traffic = Arc::new(Traffic::default());
    let client = client(&stream);
    let io = TokioIo::new(Timed::new(stream, Arc::clone(&traffic), server.limits.receive, server.limits.idle));
    let service = service_fn(|request| passed(Arc::clone(&server), serves, Arc::clone(&traffic), client, request));
    let mut builder = Builder::new(TokioExecutor::new());
    // The head's time-out is ours: this one counts the time between requests, too.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(MAX_HEAD_BYTES);
    builder.http2().timer(TokioTimer::new()).max_header_list_size(MAX_HEAD_BYTES as u32);
    let mut connection = pin!(builder.serve_connection_with_upgrades(io, service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stopping.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(problem) = ended {
        tracing::debug!(problem, "connection ended");
    }
}

/// Has the system notice that the other side is gone, which a query without rows never would.
fn keep_alive(stream: &TcpStream) -> io::Result<()> {
    let asked = TcpKeepalive::new().with_time(ALIVE_AFTER).with_interval(ALIVE_EVERY).with_retries(ALIVE_TRIES);
    SockRef::from(stream).set_tcp_keepalive(&asked)
}

/// Answers every request of a connection that the server is not ready yet, until `stopping` changes.
pub(crate) async fn refuse(
    entrance: Arc<Entrance>,
    opening: Arc<Opening>,
    stream: TcpStream,
    mut stopping: watch::Receiver<bool>,
) {
    let client = client(&stream);
    let service = service_fn(move |request: Request<Incoming>| {
        let (entrance, opening) = (Arc::clone(&entrance), Arc::clone(&opening));
        let answer = |request| async move { not_ready(&opening, &request) };
        async move { Ok::<_, Infallible>(entrance.pass(client, request.map(Body::new), answer).await) }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None).keep_alive(false);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = timeout(ASKING, async {
        tokio::select! {
            ended = connection.as_mut() => ended,
            _ = stopping.changed() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    });
    if let Ok(Err(problem)) = ended.await {
        tracing::debug!(problem, "connection ended before the start");
    }
}

/// The answer while the server opens.
fn not_ready(opening: &Opening, request: &axum::extract::Request) -> Response {
    let path = segments(request.uri().path());
    let asks = matches!(*request.method(), Method::GET | Method::HEAD);
    let waits_for = opening.waits_for();
    match (path.iter().map(String::as_str).collect::<Vec<_>>()[..].as_ref(), &waits_for) {
        (["chc", "live"] | ["livez"], _) if asks => routes::health::alive(),
        (["healthcheck"], Some(problem)) if asks => routes::health::waiting(problem),
        (_, Some(problem)) => {
            reply::bare_error(50302, format!("KSQL is not yet ready to serve requests. It waits for Kafka: {problem}"))
        }
        (_, None) => reply::bare_error(50302, "KSQL is not yet ready to serve requests."),
    }
}

/// The address on the other side; it has none any more when the client has gone already.
fn client(stream: &TcpStream) -> SocketAddr {
    stream.peer_addr().unwrap_or_else(|_| SocketAddr::from(([0, 0, 0, 0], 0)))
}

/// The answer to a request, with all that every request passes.
async fn passed(
    server: Arc<Server>,
    serves: Serves,
    traffic: Arc<Traffic>,
    client: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    // What is refused at the entrance runs, too.
    let running = traffic.begin();
    let entrance = Arc::clone(server.entrances.of(serves));
    let answer = |request| answered(server, serves, traffic, running, request);
    // A fault in here must not take the connection's other requests along.
    let passed = AssertUnwindSafe(entrance.pass(client, request.map(Body::new), answer)).catch_unwind().await;
    Ok(passed.unwrap_or_else(|_| reply::bare_error(50000, error::INTERNAL)))
}

/// The answer to a request. It counts as running until its last byte was handed to the connection.
async fn answered(
    server: Arc<Server>,
    serves: Serves,
    traffic: Arc<Traffic>,
    running: Running,
    request: axum::extract::Request,
) -> Response {
    // Also when the first bytes came one by one, so that the preface was not seen as one.
    if request.version() == Version::HTTP_2 {
        traffic.leave_http();
    }
    let Ok(place) = Arc::clone(&server.requests).try_acquire_owned() else {
        let most = server.limits.requests;
        let message = format!("The server has {most} requests at work already (millstream.http.max.requests).");
        return reply::json_error(50300, message);
    };
    // An answer that failed passes the entrance on its way out, as others do.
    let dispatched = AssertUnwindSafe(answer(server, serves, request)).catch_unwind().await;
    let response = dispatched.unwrap_or_else(|_| reply::bare_error(50000, error::INTERNAL));
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        traffic.leave_http();
    }
    response.map(|body| Held::body(body, (running, place)))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_silent_client_is_asked_whether_it_is_there() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (client, accepted) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        let (stream, _client) = (accepted.unwrap().0, client.unwrap());
        keep_alive(&stream).unwrap();
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), ALIVE_AFTER);
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), ALIVE_EVERY);
    }
}
