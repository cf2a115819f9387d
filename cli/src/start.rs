//! Starts a server: alone until it is stopped, or in this process for the shell.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, umask};
use server::ServerConfig;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::environment::Environment;
use crate::properties;

/// Exit codes of a server that was told twice to stop: those of a process that a signal ends.
const SIGTERM_TWICE: i32 = 143;
const SIGINT_TWICE: i32 = 130;
/// Sets up the process: what it writes is for its user alone, and it may open as many files as the system lets it.
fn prepare_process() {
    umask(Mode::RWXG | Mode::RWXO);
    let limit = getrlimit(Resource::Nofile);
    // With the limit as it is, fewer files stay open.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// Runs a server until SIGTERM or Ctrl-C. The first line on standard output says where it listens.
pub(crate) async fn server(file: Option<&Path>, overrides: &[(String, String)]) -> Result<(), String> {
    let config = configuration(file, overrides)?;
    server::trace_to_stderr("info");
    prepare_process();
    let mut terminate = signal(SignalKind::terminate()).map_err(|e| format!("SIGTERM: {e}"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|e| format!("SIGINT: {e}"))?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tokio::spawn(async move {
            let code = tokio::select! {
                _ = terminate.recv() => SIGTERM_TWICE,
                _ = interrupt.recv() => SIGINT_TWICE,
            };
            // Whoever asks twice does not want to wait. What was acknowledged is on disk.
            std::process::exit(code);
        });
    };
    let say = |address: SocketAddr| println!("listening on http://{address}");
    server::run(config, say, stop).await.map_err(|e| e.to_string())
}

/// The settings of a server: of the file, of the environment, and those given by hand.
fn configuration(file: Option<&Path>, overrides: &[(String, String)]) -> Result<ServerConfig, String> {
    let environment = Environment::of_process();
    let mut settings = file.map(properties::read).transpose()?.unwrap_or_default();
    settings.extend(environment.settings);
    settings.extend(overrides.iter().cloned());
    let mut config = ServerConfig::from_settings(settings)?;
    config.warnings.extend(environment.warnings);
    Ok(config)
}

/// Says on standard output what a server would take over from ksqlDB; an empty error if it is not all.
pub(crate) async fn dry_run(file: Option<&Path>, overrides: &[(String, String)]) -> Result<(), String> {
    let config = configuration(file, overrides)?;
    server::trace_to_stderr("error");
    prepare_process();
    let looked = tokio::task::spawn_blocking(move || server::look_at_take_over(config)).await;
    let found = looked.map_err(|error| error.to_string())??;
    print!("{found}");
    if found.is_whole() { Ok(()) } else { Err(String::new()) }
}

/// A server in this process.
pub(crate) struct InProcess {
    /// Where it listens.
    pub(crate) url: String,
    /// Where it keeps its data.
    pub(crate) data_dir: String,
    /// What the user should know about its settings.
    pub(crate) warnings: Vec<String>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Result<(), String>>,
}

impl InProcess {
    /// Stops it and waits until everything is written.
    pub(crate) async fn stop(self) -> Result<(), String> {
        // The server may have ended by itself; then there is nobody to tell.
        let _ = self.stop.send(());
        self.running.await.map_err(|e| format!("the server stopped: {e}"))?
    }
}

/// Starts a server on ksqlDB's port if it is free, else on any. It tells on standard error what goes wrong.
pub(crate) async fn in_process(overrides: &[(String, String)]) -> Result<InProcess, String> {
    let environment = Environment::of_process();
    let mut settings = environment.settings;
    settings.extend(overrides.iter().cloned());
    if !settings.iter().any(|(name, _)| name == "listeners") {
        let port = if TcpListener::bind(("127.0.0.1", 8088)).is_ok() { 8088 } else { 0 };
        settings.push(("listeners".to_owned(), format!("http://127.0.0.1:{port}")));
    }
    prepare_process();
    let mut config = ServerConfig::from_settings(settings)?;
    // Bad records are told where a result is empty, and in the processing log; not between the results of a script.
    server::trace_to_stderr("warn,processing=off");
    let warnings = config.warnings.drain(..).chain(environment.warnings).collect();
    let data_dir = config.data_dir().to_owned();
    let (stop, stopped) = oneshot::channel();
    let (say, listening) = oneshot::channel();
    let running = tokio::spawn(async move {
        let mut say = Some(say);
        let say = |address: SocketAddr| {
            // The first address is enough, and nobody waits any more when the shell was left in the meantime.
            let _ = say.take().map(|say| say.send(address));
        };
        let until = async move { drop(stopped.await) };
        server::run(config, say, until).await.map_err(|e| e.to_string())
    });
    match listening.await {
        Ok(address) => Ok(InProcess { url: format!("http://{address}"), data_dir, warnings, stop, running }),
        // It ended before it listened: its own error says why.
        Err(_) => match running.await {
            Ok(Err(message)) => Err(message),
            Ok(Ok(())) => Err("the server ended before it listened".to_owned()),
            Err(panic) => Err(format!("the server stopped: {panic}")),
        },
    }
}
