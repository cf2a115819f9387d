//! `millstream`: the server, and the shell on a server.
//!
//! ```text
//! args ──> server (run until stopped)
//!      └─> session (client, what was SET) ──> script: -e, -f, stdin      render: what is shown
//!                                         └─> repl: lines, commands      empty: why there is nothing
//! ```

mod args;
mod client;
mod commands;
mod empty;
mod output;
mod properties;
mod render;
mod repl;
mod session;
mod start;

use std::io::{IsTerminal, Read};
use std::process::ExitCode;

use clap::Parser;
use serde_json::Value;

use crate::args::{Args, Command};
use crate::client::Client;
use crate::session::Session;

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&format!("cannot start: {error}")),
    };
    let result = runtime.block_on(run(args));
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => failed(&message),
    }
}

fn failed(message: &str) -> ExitCode {
    eprintln!("{message}");
    ExitCode::FAILURE
}

async fn run(args: Args) -> Result<(), String> {
    if let Some(Command::Server { file, property }) = args.command {
        return start::server(file.as_deref(), &property).await;
    }
    match args.url.clone() {
        Some(url) => shell(&args, &url).await,
        None => {
            let own = start::in_process(&args.property).await?;
            let result = shell(&args, &own.url).await;
            own.stop().await?;
            result
        }
    }
}

/// Runs the script that was given, or the interactive shell.
async fn shell(args: &Args, url: &str) -> Result<(), String> {
    let client = Client::new(url).map_err(|e| e.to_string())?;
    let info = client.info().await.map_err(|e| e.to_string())?;
    let variables = args.define.iter().map(|(k, v)| (k.clone(), Value::String(v.clone()))).collect();
    let mut session = Session::new(client, args.output, variables);
    if let Some(statements) = &args.execute {
        return session.run(statements).await.map_err(|e| e.to_string());
    }
    if let Some(file) = &args.file {
        return session.run_file(file).await.map_err(|e| e.to_string());
    }
    if !std::io::stdin().is_terminal() {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(|e| format!("standard input: {e}"))?;
        return session.run(&text).await.map_err(|e| e.to_string());
    }
    println!(
        "Millstream {} – streaming SQL, compatible with ksqlDB {}",
        env!("CARGO_PKG_VERSION"),
        info.server.version
    );
    println!("Server {url} is {}. Type 'help' for help, 'exit' to leave.\n", info.server.server_status);
    repl::run(&mut session, args.history_file.clone()).await
}
