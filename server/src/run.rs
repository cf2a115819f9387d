//! A server from its settings to its end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use engine::engine::Engine;
use tokio::net::TcpListener;

use crate::app::Server;
use crate::{ServerConfig, listen};

/// Serves until `shutdown` resolves: HTTP/1.1 and HTTP/2 with prior knowledge on one port. `listening` is called once with
/// the address, so that a port of 0 becomes known; requests that come before are told to try again. On shutdown queries of clients end normally, then the connections, then
/// the engine; `millstream.shutdown.timeout.ms` bounds how long that takes.
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
    for warning in config.warnings {
        tracing::warn!("{warning}");
    }
    let properties = config.properties;
    let mut shutdown = Box::pin(shutdown);
    let opening = tokio::task::spawn_blocking(move || Engine::open(properties));
    let engine = tokio::select! {
        opened = listen::refuse_until(&listener, opening) => opened.map_err(io::Error::other)?,
        // What is open by then is as after `kill -9`: nothing is lost.
        () = &mut shutdown => return Ok(()),
    };
    let engine = engine.map_err(io::Error::other)?;
    tracing::info!(%address, service = engine.config().service_id(), "started{}", who_reaches(address));
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
    let address = listener.local_addr()?;
    listen::serve(Arc::new(Server::new(engine, host, address)), listener, shutdown).await
}

/// What the operator should know about that address.
fn who_reaches(address: SocketAddr) -> String {
    if address.ip().is_loopback() {
        let port = address.port();
        return format!("; only this machine reaches it: set listeners=http://0.0.0.0:{port} to let others in");
    }
    "; everybody who reaches this address may do everything: there is no authentication".to_owned()
}

/// The listening address as a client would write it.
fn advertised(address: SocketAddr) -> String {
    if address.ip().is_unspecified() { format!("localhost:{}", address.port()) } else { address.to_string() }
}
