//! `millstream`: the server, and the shell on a server.
//!
//! ```text
//! args ──> server (run until stopped)
//!      └─> session (client, what was SET) <── script: -e, -f, stdin <── repl: lines, complete: Tab
//!                 └─> query: rows as they come      render: what is shown      empty: why there is nothing
//!                                                   mistake: what is wrong, and where
//! ```

mod args;
mod client;
mod commands;
mod complete;
mod empty;
mod mistake;
mod output;
mod properties;
mod query;
mod render;
mod repl;
mod script;
mod session;
mod start;

use std::io::{IsTerminal, Read};
use std::process::ExitCode;
use std::thread::JoinHandle;
use std::time::Duration;

use clap::Parser;
use serde_json::Value;
use tikv_jemallocator::Jemalloc;

use crate::args::{Args, Command};
use crate::client::{Client, ClientError};
use crate::mistake::Script;
use crate::script::{FAILED, Stopped, UNREACHABLE};
use crate::session::{Limits, Session};

/// Gives back to the system what is free (`.cargo/config.toml` says how soon); with the C library's the process keeps the
/// holes that state leaves on its way through memory.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    let args = Args::parse();
    // The first thread's stack is as large as the system says.
    let main = std::thread::Builder::new().name("main".to_owned()).stack_size(sql::STACK_BYTES);
    match main.spawn(move || run_to_end(args)).map(JoinHandle::join) {
        Ok(Ok(code)) => code,
        // It has said why.
        Ok(Err(_panic)) => ExitCode::FAILURE,
        Err(error) => cannot_start(&error),
    }
}

fn run_to_end(args: Args) -> ExitCode {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = match builder.worker_threads(2).thread_stack_size(sql::STACK_BYTES).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return cannot_start(&error),
    };
    let result = runtime.block_on(run(args));
    runtime.shutdown_timeout(Duration::from_secs(1));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(stopped) => {
            eprintln!("{stopped}");
            ExitCode::from(stopped.code)
        }
    }
}

fn cannot_start(error: &std::io::Error) -> ExitCode {
    eprintln!("cannot start: {error}");
    ExitCode::FAILURE
}

fn failed(message: String) -> Stopped {
    Stopped { message, code: FAILED }
}

async fn run(args: Args) -> Result<(), Stopped> {
    if let Some(Command::Server { file, property }) = args.command {
        return start::server(file.as_deref(), &property).await.map_err(failed);
    }
    match args.url.clone() {
        Some(url) => shell(&args, &url, None).await,
        None => {
            let own = start::in_process(&args.property).await.map_err(failed)?;
            let result = shell(&args, &own.url, Some(&own.data_dir)).await;
            own.stop().await.map_err(failed)?;
            result
        }
    }
}

/// Runs the script that was given, or the interactive shell.
async fn shell(args: &Args, url: &str, data_dir: Option<&str>) -> Result<(), Stopped> {
    let unreachable = |error: ClientError| Stopped { message: error.to_string(), code: UNREACHABLE };
    let client = Client::new(url).map_err(unreachable)?;
    let info = client.info().await.map_err(unreachable)?;
    let variables = args.define.iter().map(|(k, v)| (k.clone(), Value::String(v.clone()))).collect();
    let limits = Limits { rows: args.query_row_limit, time: args.query_timeout.map(Duration::from_millis) };
    let mut session = Session::new(client, args.output, limits, variables);
    if let Some(text) = &args.execute {
        return script::run(&mut session, Script { name: None, text }).await.map(|_| ());
    }
    if let Some(file) = &args.file {
        return script::run_file(&mut session, file).await.map(|_| ());
    }
    if !std::io::stdin().is_terminal() {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(|e| failed(format!("standard input: {e}")))?;
        return script::run(&mut session, Script { name: Some("stdin"), text: &text }).await.map(|_| ());
    }
    println!(
        "Millstream {} – streaming SQL, compatible with ksqlDB {}",
        env!("CARGO_PKG_VERSION"),
        info.server.version
    );
    let data = data_dir.map(|dir| format!(", its data is in {dir}")).unwrap_or_default();
    println!("Server {url} is {}{data}.", info.server.server_status);
    println!("Type 'help' for help, 'exit' to leave; Tab completes.\n");
    repl::run(&mut session, args.history_file.clone()).await.map_err(failed)
}
