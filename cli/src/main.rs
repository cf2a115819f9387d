//! `millstream`: the server, and the shell on a server.
//!
//! ```text
//! args ──> server (run until stopped)
//!      └─> session (client, what was SET) <── script: -e, -f, stdin (entry: lines) <── repl: a person, complete: Tab
//!                 ├─> query: rows as they come      render: what is shown      empty: why there is nothing
//!                 │                                 mistake: what is wrong, and where
//!                 └─> output: standard output, standard error      interrupts: Ctrl-C
//! ```

mod args;
mod client;
mod commands;
mod complete;
mod credentials;
mod empty;
mod entry;
mod environment;
mod history;
mod interrupts;
mod mistake;
mod output;
mod properties;
mod query;
mod render;
mod repl;
mod script;
mod session;
mod start;

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;
use std::thread::JoinHandle;
use std::time::Duration;

use clap::Parser;
use serde_json::Value;
use tikv_jemallocator::Jemalloc;

use crate::args::{Args, Command};
use crate::client::{Client, ClientError};
use crate::interrupts::Interrupts;
use crate::output::Output;
use crate::script::{Flow, INTERRUPTED, Stopped, TIMED_OUT, UNREACHABLE};
use crate::session::{Limits, Session, SessionError};
use crate::start::InProcess;

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
            if !stopped.message.is_empty() {
                eprintln!("{stopped}");
            }
            ExitCode::from(stopped.code)
        }
    }
}

fn cannot_start(error: &std::io::Error) -> ExitCode {
    eprintln!("cannot start: {error}");
    ExitCode::FAILURE
}

async fn run(args: Args) -> Result<(), Stopped> {
    if let Some(Command::Server { file, dry_run, queries_file, mut property }) = args.command {
        if dry_run {
            return start::dry_run(file.as_deref(), &property).await.map_err(Stopped::failed);
        }
        property.extend(queries_file.map(|file| ("ksql.queries.file".to_owned(), file)));
        return start::server(file.as_deref(), &property).await.map_err(Stopped::failed);
    }
    match args.url.clone() {
        Some(url) => shell(&args, &url, None).await,
        None => {
            let own = start::in_process(&args.property).await.map_err(Stopped::failed)?;
            let result = shell(&args, &own.url, Some(&own)).await;
            own.stop().await.map_err(Stopped::failed)?;
            result
        }
    }
}

/// Runs the script that was given, or the interactive shell.
async fn shell(args: &Args, url: &str, own: Option<&InProcess>) -> Result<(), Stopped> {
    let no_server = |error: ClientError| match error {
        ClientError::BadUrl(..) | ClientError::Unreachable(..) => {
            Stopped { message: error.to_string(), code: UNREACHABLE }
        }
        error => {
            let hint = error.hint().map(|hint| format!("\n{hint}")).unwrap_or_default();
            Stopped::failed(format!("{url}: {error}{hint}"))
        }
    };
    let user = credentials::header(args)?;
    let client = Client::new(url, user).map_err(no_server)?;
    let info = client.info().await.map_err(no_server)?;
    let is_script = args.execute.is_some() || args.file.is_some() || !std::io::stdin().is_terminal();
    let interrupts = Interrupts::listen(!is_script).map_err(|e| Stopped::failed(format!("SIGINT: {e}")))?;
    let limits = Limits { rows: args.query_row_limit, time: args.query_timeout.map(Duration::from_millis) };
    let mut session = Session::new(client, args.output, limits, Output::new(interrupts));
    own.iter().flat_map(|own| &own.warnings).for_each(|warning| session.output.notice(warning));
    session.variables = args.define.iter().map(|(k, v)| (k.clone(), Value::String(v.clone()))).collect();
    if let Some(file) = &args.config_file {
        configure(&mut session, file).await?;
    }
    if is_script {
        run_script(&mut session, args).await?;
        let message = String::new();
        return if session.timed_out { Err(Stopped { message, code: TIMED_OUT }) } else { Ok(()) };
    }
    session.interactive = true;
    let version = env!("CARGO_PKG_VERSION");
    let compatible = info.server.version;
    let data = own.map(|own| format!(", its data is in {}", own.data_dir)).unwrap_or_default();
    session.output.notice(&format!(
        "Millstream {version} – streaming SQL, compatible with ksqlDB {compatible}\n\
         Server {url} is {}{data}.\n\
         Type 'help' for help, 'exit' to leave; Tab completes.\n",
        info.server.server_status
    ));
    repl::run(&mut session, args.history_file.clone()).await.map_err(Stopped::failed)
}

/// Sets what a file of properties says. What only says how to reach a server over TLS is not for the session.
async fn configure(session: &mut Session, file: &Path) -> Result<(), Stopped> {
    for (name, value) in properties::read(file).map_err(Stopped::failed)? {
        if name.starts_with("ssl.") || name.starts_with("ksql.ssl.") {
            session.output.notice(&format!("{}: '{name}' has no effect: TLS is not supported yet", file.display()));
            continue;
        }
        let hint = session.put(&name, &value).await.map_err(|error| match error {
            SessionError::Interrupted(message) => Stopped { message: message.to_owned(), code: INTERRUPTED },
            error => Stopped::failed(format!("{}: {name}: {error}", file.display())),
        })?;
        hint.into_iter().for_each(|hint| session.output.notice(&format!("{}: {hint}", file.display())));
    }
    Ok(())
}

async fn run_script(session: &mut Session, args: &Args) -> Result<Flow, Stopped> {
    match (&args.execute, &args.file) {
        (Some(text), _) => script::run(session, None, text).await,
        (_, Some(file)) => script::run_file(session, file).await,
        _ => script::run_stdin(session).await,
    }
}
