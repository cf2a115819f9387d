//! Replays what a real ksqlDB answered (`recordings/` of the reading room) against servers of its own and lists every
//! disagreement.
//!
//! ```text
//! cargo run --bin recordings -- [--only REGEX] [--quiet] [--ratchet]
//! session.json ─session.rs→ steps ─exchange.rs→ answers ─masks.rs→ comparable ─compare.rs→ differences
//! ```
//!
//! Every session gets a fresh server. `--ratchet` fails when fewer steps agree than `tests/recordings/agree.txt` says and
//! tells when the number can be raised.

// A replay that cannot be set up has failed.
#![allow(clippy::expect_used, clippy::panic)]

mod compare;
mod exchange;
mod masks;
mod replay;
mod session;
mod web_socket;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use regex::Regex;
use tokio::sync::Semaphore;

use replay::{Verdict, replay};
use session::Session;

/// Sessions that run at the same time.
const PARALLEL: usize = 4;

#[derive(Debug, Parser)]
struct Args {
    /// Only sessions whose name matches.
    #[arg(long, default_value = "")]
    only: String,
    /// Only the summary of each session.
    #[arg(long)]
    quiet: bool,
    /// Compare with the number of steps that agreed before.
    #[arg(long)]
    ratchet: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let Some(folder) = e2e::shared("recordings") else { return ExitCode::SUCCESS };
    let only = Regex::new(&args.only).expect("--only is a regular expression");
    let mut files: Vec<PathBuf> =
        folder.read_dir().expect("the recordings can be listed").map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();

    let places = Arc::new(Semaphore::new(PARALLEL));
    let mut running = Vec::new();
    for file in files {
        let session = Session::read(&file);
        if !only.is_match(&session.name) || session.needs.iter().any(|need| need == "kafka") {
            continue;
        }
        let places = places.clone();
        running.push(tokio::spawn(async move {
            let _place = places.acquire_owned().await.expect("never closed");
            let verdicts = replay(&session).await;
            (session.name, verdicts)
        }));
    }
    let (mut agree, mut all) = (0, 0);
    for session in running {
        let (name, verdicts) = session.await.expect("a session does not panic");
        let good = verdicts.iter().filter(|verdict| verdict.differences.is_empty()).count();
        (agree, all) = (agree + good, all + verdicts.len());
        if !args.quiet {
            verdicts.iter().for_each(|verdict| show(&name, verdict));
        }
        println!("{} {name}: {good} of {} agree", if good == verdicts.len() { "ok  " } else { "FAIL" }, verdicts.len());
    }
    println!(
        "{agree} of {all} steps agree ({:.1} %)",
        100.0 * agree as f64 / f64::from(u32::try_from(all.max(1)).unwrap_or(1))
    );
    if args.ratchet { ratchet(agree) } else { ExitCode::SUCCESS }
}

fn show(name: &str, verdict: &Verdict) {
    for difference in verdict.differences.iter().take(5) {
        println!("  {name} {} {difference}", verdict.step);
    }
}

fn ratchet(agree: usize) -> ExitCode {
    let file = e2e::repository().join("tests/recordings/agree.txt");
    let before: usize = std::fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    if agree < before {
        println!("{before} steps agreed before: something that worked is broken");
        return ExitCode::FAILURE;
    }
    if agree > before {
        println!("raise {} from {before} to {agree}", file.display());
    }
    ExitCode::SUCCESS
}
