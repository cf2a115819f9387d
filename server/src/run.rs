//! The listening socket and its end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::serve::ListenerExt;
use engine::engine::Engine;
use tokio::net::TcpListener;

use crate::{Server, ServerConfig, app};

/// Serves until `shutdown` resolves: HTTP/1.1 and HTTP/2 with prior knowledge on one port. `listening` is called once with
/// the address, so that a port of 0 becomes known. On shutdown push queries end normally, then the connections.
pub async fn run(
    config: ServerConfig,
    listening: impl FnOnce(SocketAddr),
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {}: {error}", config.listen)))?;
    let address = listener.local_addr()?;
    let host = config.advertised.unwrap_or_else(|| advertised(address));
    let properties = config.properties;
    let engine = tokio::task::spawn_blocking(move || Engine::open(properties)).await.map_err(io::Error::other)?;
    let engine = engine.map_err(io::Error::other)?;
    tracing::info!(%address, service = engine.config().service_id(), "started");
    listening(address);
    let served = serve(engine, host, listener, shutdown).await;
    tracing::info!("stopped");
    served
}

/// Serves an engine on a socket until `shutdown` resolves; clients know the server as `host`.
pub async fn serve(
    engine: Engine,
    host: String,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let server = Arc::new(Server::new(engine, host));
    // Rows are small and must not wait for more of them.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY refused");
        }
    });
    let stopping = server.clone();
    let shutdown = async move {
        shutdown.await;
        // Streams would keep their connections open for ever.
        stop(stopping).await;
    };
    axum::serve(listener, app(server)).with_graceful_shutdown(shutdown).await
}

/// Ends the engine's queries where waiting is allowed.
async fn stop(server: Arc<Server>) {
    if let Err(problem) = tokio::task::spawn_blocking(move || server.engine.shut_down()).await {
        tracing::error!(%problem, "the engine did not stop cleanly");
    }
}

/// The listening address as a client would write it.
fn advertised(address: SocketAddr) -> String {
    if address.ip().is_unspecified() { format!("localhost:{}", address.port()) } else { address.to_string() }
}
