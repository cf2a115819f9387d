//! Runs ksqlDB's functional cases against the engine and judges them by the rules of conformance.md.
//!
//! Cases that pin a fault of ksqlDB which is not to be had stand in `intended.txt`: they count as right as long as they fail.
//!
//! `conformance [--dir DIR] [--suite qtt|rqtt|sql|runner|extra] [--filter TEXT] [--mode batch=1|batch=all] [--report FILE]
//! [--ratchet FILE [--bless]]`

mod avro;
mod case;
mod gate;
mod live;
mod proto;
mod protobuf;
mod qtt;
mod ratchet;
mod records;
mod report;
mod rest;
mod round_trips;
mod schemas;
mod script;
mod subject;
mod udfs;
mod value;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use clap::Parser;
use e2e::intended::intended;
use parking_lot::Mutex;

use crate::case::Case;
use crate::report::{Judged, Outcome};

/// Longest time a case may take, on a machine that does much besides.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// How inputs are fed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Mode {
    /// One record, run to its end, then the next.
    #[value(name = "batch=1")]
    One,
    /// Consecutive inputs of a topic as one batch.
    #[value(name = "batch=all")]
    All,
}

#[derive(Parser)]
#[command(about = "Runs ksqlDB's functional cases against Millstream")]
struct Args {
    /// Folder of cases; default: $MILLSTREAM_CONFORMANCE, then ../shared/conformance.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Only this suite.
    #[arg(long)]
    suite: Option<String>,
    /// Only cases whose id contains this.
    #[arg(long)]
    filter: Option<String>,
    /// How inputs are fed.
    #[arg(long, default_value = "batch=1")]
    mode: Mode,
    /// Write the outcome of every case to this file as JSON.
    #[arg(long)]
    report: Option<PathBuf>,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Print no failures, only totals.
    #[arg(long)]
    quiet: bool,
    /// Exit with an error when a case of this list does not pass any more.
    #[arg(long)]
    ratchet: Option<PathBuf>,
    /// Add the cases that pass now to that list.
    #[arg(long, requires = "ratchet")]
    bless: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(code) => code,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &Args) -> Result<ExitCode, String> {
    let dir = args.dir.clone().or_else(|| std::env::var_os("MILLSTREAM_CONFORMANCE").map(PathBuf::from));
    let dir = dir.unwrap_or_else(|| PathBuf::from("../shared/conformance"));
    if !dir.is_dir() {
        if std::env::var_os("CI").is_some() {
            return Err(format!("no conformance cases at {}", dir.display()));
        }
        println!("no conformance cases at {}: nothing was run", dir.display());
        return Ok(ExitCode::SUCCESS);
    }
    let mut cases = case::load(&dir)?;
    cases.retain(|case| {
        args.suite.as_ref().is_none_or(|suite| case.suite == *suite)
            && args.filter.as_ref().is_none_or(|text| case.id.contains(text.as_str()))
    });
    let results = judge_all(cases, args);
    let intended = intended(include_str!("intended.txt"))?;
    report::print(&results, &intended, !args.quiet);
    if let Some(path) = &args.report {
        report::write(&results, path)?;
    }
    if let Some(id) = results.iter().find(|result| result.outcome.ok && intended.contains_key(&*result.id)) {
        return Err(format!("{} passes: it does not belong in tests/conformance/intended.txt any more", id.id));
    }
    if let Some(file) = &args.ratchet {
        ratchet::check(&results, &intended, file, args.bless)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Judges every case, several at once, and keeps their order.
fn judge_all(cases: Vec<Case>, args: &Args) -> Vec<Judged> {
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::with_capacity(cases.len()));
    let cases: Vec<Arc<Case>> = cases.into_iter().map(Arc::new).collect();
    std::thread::scope(|scope| {
        for _ in 0..args.threads.max(1) {
            scope.spawn(|| {
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(i) else { break };
                    let verdict = judge(case, args.mode);
                    outcomes.lock().push((i, verdict));
                }
            });
        }
    });
    let mut outcomes = outcomes.into_inner();
    outcomes.sort_by_key(|(i, _)| *i);
    outcomes
        .into_iter()
        .filter_map(|(i, verdict)| {
            let case = cases.get(i)?;
            let outcome = Outcome { ok: verdict.is_ok(), why: verdict.err().unwrap_or_default() };
            Some(Judged { id: case.id.clone(), suite: case.suite.clone(), file: case.file.clone(), outcome })
        })
        .collect()
}

/// Runs one case on a thread of its own; a panic of the engine, or a case that does not end, is a failure of the case and not
/// of the run.
fn judge(case: &Arc<Case>, mode: Mode) -> Result<(), String> {
    let (tell, told) = mpsc::channel();
    let own = Arc::clone(case);
    let run = move || {
        let verdict = catch_unwind(AssertUnwindSafe(|| judge_here(&own, mode)));
        // Nobody listens when the time is over.
        let _ = tell.send(verdict.unwrap_or_else(|panic| Err(format!("panic: {}", panic_text(&*panic)))));
    };
    let thread = std::thread::Builder::new().name(case.id.clone()).stack_size(sql::STACK_BYTES).spawn(run);
    thread.map_err(|error| format!("no thread for it: {error}"))?;
    told.recv_timeout(TIME_LIMIT).unwrap_or_else(|_| Err(format!("no result after {} s", TIME_LIMIT.as_secs())))
}

fn judge_here(case: &Case, mode: Mode) -> Result<(), String> {
    match case.suite.as_str() {
        "qtt" | "runner" | round_trips::SUITE => qtt::judge(case, mode),
        "rqtt" => rest::judge(case),
        "sql" => script::judge(case),
        other => Err(format!("suite {other} is not built yet")),
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}
