//! A server from its settings to its end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use engine::config::setting;
use engine::engine::{Engine, TakeOver};
use tokio::net::TcpListener;

use crate::app::Server;
use crate::listen::{Entrances, Listeners, Serves};
use crate::opening::Opening;
use crate::{ServerConfig, health, listen};

/// Serves until `shutdown` resolves: HTTP/1.1 and HTTP/2 with prior knowledge on the same ports. `listening` is called with
/// each address, so that a port of 0 becomes known; requests that come before are told to try again. On shutdown queries of
/// clients end normally, then the connections, then the engine; `millstream.shutdown.timeout.ms` bounds how long that takes.
///
/// # Errors
/// No port can be listened on, or the engine cannot be opened; the text is for the operator.
pub async fn run(
    config: ServerConfig,
    listening: impl FnMut(SocketAddr),
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let begun = Instant::now();
    let everything = config.listen.into_iter().map(|address| (address, Serves::Everything));
    let registry = config.listen_registry.into_iter().map(|address| (address, Serves::Registry));
    let listeners = Listeners::bind(everything.chain(registry)).await?;
    let addresses = listeners.addresses(Serves::Everything)?;
    let of_registry = listeners.addresses(Serves::Registry)?;
    let host = config.advertised.or_else(|| addresses.first().copied().map(advertised)).unwrap_or_default();
    for warning in config.warnings {
        tracing::warn!("{warning}");
    }
    let properties = config.properties;
    let entrances = Entrances::new(&properties, &listeners, &host)?;
    let data_dir = properties.get(setting::DATA_DIR).to_owned();
    let data_dir = std::path::absolute(&data_dir).map_or(data_dir, |path| path.display().to_string());
    for address in &addresses {
        tracing::info!(%address, data_dir, "opening; until that is done requests are answered 503");
    }
    let mut shutdown = Box::pin(shutdown);
    let opening = Opening::new();
    let opens = Arc::clone(&opening);
    let opened = tokio::task::spawn_blocking(move || opens.open(&properties));
    let engine = tokio::select! {
        opened = listen::refuse_until(&listeners, &entrances, &opening, opened) => opened.map_err(io::Error::other)?,
        // What is open by then is as after `kill -9`: nothing is lost.
        () = &mut shutdown => {
            opening.give_up();
            return Ok(());
        }
    };
    let engine = engine.map_err(io::Error::other)?;
    engine.advertise(&format!("http://{host}"));
    let (service, took_ms) = (engine.config().service_id(), begun.elapsed().as_millis());
    for address in &addresses {
        tracing::info!(%address, service, took_ms, "started{}", who_reaches(*address));
    }
    for address in &of_registry {
        let open = if address.ip().is_loopback() { "" } else { "; everybody who reaches it may change schemas" };
        tracing::info!(%address, "the schema registry listens{open}");
    }
    addresses.iter().copied().for_each(listening);
    let served = serve_engine(engine, host, entrances, listeners, shutdown).await;
    tracing::info!("stopped");
    served
}

/// What a server with these settings would take over from ksqlDB. Nothing is changed.
///
/// # Errors
/// No brokers are named, or they do not answer; the text is for the operator.
pub fn look_at_take_over(config: ServerConfig) -> Result<TakeOver, String> {
    // Whoever only looks keeps nothing, and may look while a server has the real directory.
    let scratch = tempfile::tempdir().map_err(|error| format!("a directory for temporary files: {error}"))?;
    Engine::look_at_take_over(config.properties, scratch.path()).map_err(|error| error.to_string())
}

/// Serves an engine on a socket until `shutdown` resolves; clients know the server as `host`.
///
/// # Errors
/// The socket fails, or a setting of the server is wrong.
pub async fn serve(
    engine: Engine,
    host: String,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let listeners = Listeners::from(listener);
    let entrances = Entrances::new(engine.config(), &listeners, &host)?;
    serve_engine(engine, host, entrances, listeners, shutdown).await
}

async fn serve_engine(
    engine: Engine,
    host: String,
    entrances: Entrances,
    listeners: Listeners,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let server = Arc::new(Server::new(engine, host, entrances));
    health::watch(&server)?;
    listen::serve(server, listeners, shutdown).await
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
