//! The listening sockets: connections are taken until the server is told to stop, and then it is seen to that they end.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use engine::config::Config;
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::app::Server;
use crate::entrance::Entrance;
use crate::opening::Opening;
use crate::{connection, reply};

/// Pause after a connection could not be taken: none will be possible at once, either.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How many clients beyond the limit are told so at once, and how long they have to listen.
const TOLD_AT_ONCE: usize = 16;
const TELLING: Duration = Duration::from_secs(1);

/// How many clients are told at once that the server is starting.
const REFUSED_AT_ONCE: usize = 100;

/// What clients of a socket get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Serves {
    /// All there is.
    Everything,
    /// The schema registry.
    Registry,
}

/// The sockets that take connections.
pub(crate) struct Listeners {
    sockets: Vec<(TcpListener, Serves)>,
    /// Which is asked first the next time, so that a busy one does not keep clients of the others waiting.
    next: AtomicUsize,
}

impl From<TcpListener> for Listeners {
    fn from(socket: TcpListener) -> Self {
        Self { sockets: vec![(socket, Serves::Everything)], next: AtomicUsize::new(0) }
    }
}

impl Listeners {
    /// Takes those addresses.
    pub(crate) async fn bind(addresses: impl IntoIterator<Item = (SocketAddr, Serves)>) -> io::Result<Self> {
        let mut sockets = Vec::new();
        for (address, serves) in addresses {
            let named = |error: io::Error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"));
            sockets.push((TcpListener::bind(address).await.map_err(named)?, serves));
        }
        Ok(Self { sockets, next: AtomicUsize::new(0) })
    }

    /// Where clients reach what serves that.
    pub(crate) fn addresses(&self, serving: Serves) -> io::Result<Vec<SocketAddr>> {
        let sockets = self.sockets.iter().filter(|(_, serves)| *serves == serving);
        sockets.map(|(socket, _)| socket.local_addr()).collect()
    }

    /// The next connection on any of them.
    async fn accept(&self) -> io::Result<(TcpStream, Serves)> {
        let first = self.next.fetch_add(1, Ordering::Relaxed) % self.sockets.len().max(1);
        poll_fn(|context| {
            let (before, from) = self.sockets.split_at(first);
            let mut ready = from
                .iter()
                .chain(before)
                .map(|(socket, serves)| socket.poll_accept(context).map_ok(|(stream, _)| (stream, *serves)));
            ready.find(Poll::is_ready).unwrap_or(Poll::Pending)
        })
        .await
    }
}

/// What requests pass, by what they may ask for. Each has names of its own that it answers to.
pub(crate) struct Entrances {
    everything: Arc<Entrance>,
    registry: Arc<Entrance>,
}

impl Entrances {
    /// Of a server that is known to clients as `host`.
    ///
    /// # Errors
    /// A setting is wrong, or a socket has failed.
    pub(crate) fn new(config: &Config, listeners: &Listeners, host: &str) -> io::Result<Self> {
        let entrance = |serves| {
            let addresses = listeners.addresses(serves)?;
            Entrance::new(config, &addresses, host).map(Arc::new).map_err(io::Error::other)
        };
        Ok(Self { everything: entrance(Serves::Everything)?, registry: entrance(Serves::Registry)? })
    }

    /// That of a socket.
    pub(crate) fn of(&self, serves: Serves) -> &Arc<Entrance> {
        match serves {
            Serves::Everything => &self.everything,
            Serves::Registry => &self.registry,
        }
    }
}

/// Tells clients that it is too early, until `opening` is done.
pub(crate) async fn refuse_until<T>(
    listeners: &Listeners,
    entrances: &Entrances,
    opening: &Arc<Opening>,
    opened: impl Future<Output = T>,
) -> T {
    let (stop, stopping) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut becomes_open = std::pin::pin!(opened);
    let opened = loop {
        let stream = tokio::select! {
            opened = &mut becomes_open => break opened,
            Some(_ended) = connections.join_next() => continue,
            accepted = listeners.accept(), if connections.len() < REFUSED_AT_ONCE => accepted,
        };
        match stream {
            Ok((stream, serves)) => {
                let (entrance, opening) = (Arc::clone(entrances.of(serves)), Arc::clone(opening));
                connections.spawn(connection::refuse(entrance, opening, stream, stopping.clone()));
            }
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    };
    // Every connection may have ended by now.
    let _none = stop.send(true);
    tokio::spawn(async move {
        let _late = timeout(TELLING, async { while connections.join_next().await.is_some() {} }).await;
        connections.abort_all();
    });
    opened
}

/// Serves until `shutdown` resolves; then ends within the time of `millstream.shutdown.timeout.ms`, whatever clients do:
/// half of it is for what runs, the other half for the engine to write what it has.
pub(crate) async fn serve(
    server: Arc<Server>,
    listeners: Listeners,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (stop, stopping) = watch::channel(false);
    let places = Arc::new(Semaphore::new(server.limits.connections));
    let telling = Arc::new(Semaphore::new(TOLD_AT_ONCE));
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    let mut accepts = true;
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            Some(_ended) = connections.join_next() => continue,
            accepted = listeners.accept() => accepted,
        };
        let (stream, serves) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                if std::mem::take(&mut accepts) {
                    tracing::warn!(%error, "connections cannot be taken");
                }
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        accepts = true;
        if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
            let (server, stopping) = (Arc::clone(&server), stopping.clone());
            connections.spawn(async move {
                connection::serve(server, serves, stream, stopping).await;
                drop(place);
            });
        } else if let Ok(turn) = Arc::clone(&telling).try_acquire_owned() {
            let server = Arc::clone(&server);
            connections.spawn(async move {
                // Who does not listen is not told.
                let _late = timeout(TELLING, send_away(&server, serves, stream)).await;
                drop(turn);
            });
        }
    }
    tracing::info!(connections = connections.len(), "stopping");
    // Nobody else is let in.
    drop(listeners);
    let begin = Instant::now();
    let (half, end) = (begin + server.limits.stop / 2, begin + server.limits.stop);
    server.begin_to_stop();
    // Every connection may have ended by now.
    let _none = stop.send(true);
    let closing = Arc::clone(&server);
    let streams = tokio::task::spawn_blocking(move || closing.engine.close_client_queries());
    let ended = timeout_at(half, async {
        let _panicked = streams.await;
        while connections.join_next().await.is_some() {}
    });
    if ended.await.is_err() {
        tracing::info!(connections = connections.len(), "not waiting any longer for these connections");
    }
    connections.abort_all();
    stop_engine(server, end).await
}

/// Commits and stops the engine; gives up at `end`, as a step may be stuck.
async fn stop_engine(server: Arc<Server>, end: Instant) -> io::Result<()> {
    let most = server.limits.stop;
    let stopped = tokio::task::spawn_blocking(move || server.engine.shut_down());
    match timeout_at(end, stopped).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(problem)) => Err(io::Error::other(format!("the engine did not stop cleanly: {problem}"))),
        Err(_) => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!(
                "the engine did not stop within {} ms (millstream.shutdown.timeout.ms); what was acknowledged is safe",
                most.as_millis()
            ),
        )),
    }
}

/// Tells a client that there are too many.
async fn send_away(server: &Server, serves: Serves, mut stream: TcpStream) -> io::Result<()> {
    let most = server.limits.connections;
    let message = format!("The server has {most} connections already (millstream.http.max.connections).");
    let (head, body) = server.entrances.of(serves).finish(reply::json_error(50300, message)).into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let length = body.len();
    let mut answer =
        format!("HTTP/1.1 503 Service Unavailable\r\ncontent-length: {length}\r\nconnection: close\r\n").into_bytes();
    for (name, value) in &head.headers {
        answer.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    answer.extend_from_slice(b"\r\n");
    answer.extend_from_slice(&body);
    stream.write_all(&answer).await?;
    stream.shutdown().await?;
    // A socket that is closed before the request was read would be reset, answer and all.
    let mut ignored = [0; 1024];
    while stream.read(&mut ignored).await? > 0 {}
    Ok(())
}
