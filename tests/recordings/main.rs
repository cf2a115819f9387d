//! Replays what a real ksqlDB answered (`recordings/` of the reading room) against servers of its own and lists every
//! disagreement.
//!
//! ```text
//! cargo run --bin recordings -- [--only REGEX] [--quiet] [--ratchet [--bless]]
//! session.json ─session.rs→ steps ─exchange.rs→ answers ─masks.rs→ comparable ─compare.rs→ differences
//! ```
//!
//! Every session gets a fresh server, and a fresh broker if it reads or writes topics itself. `--ratchet` fails when a step
//! that `tests/recordings/agree.txt` lists does not agree any more; `--bless` adds those that do now.

// A replay that cannot be set up has failed.
#![allow(clippy::expect_used, clippy::panic)]

mod compare;
mod exchange;
mod masks;
mod replay;
mod session;
mod topics;
mod web_socket;

use std::collections::BTreeSet;
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
    /// Compare with the steps that agreed before.
    #[arg(long)]
    ratchet: bool,
    /// Add the steps that agree now to the list.
    #[arg(long, requires = "ratchet")]
    bless: bool,
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
        if !only.is_match(&session.name) {
            continue;
        }
        let places = places.clone();
        running.push(tokio::spawn(async move {
            let _place = places.acquire_owned().await.expect("never closed");
            let verdicts = replay(&session).await;
            (session.name, verdicts)
        }));
    }
    let (mut agreeing, mut all) = (BTreeSet::new(), 0);
    for session in running {
        let (name, verdicts) = session.await.expect("a session does not panic");
        let good = verdicts.iter().filter(|verdict| verdict.differences.is_empty()).count();
        all += verdicts.len();
        let good_ones = verdicts.iter().filter(|verdict| verdict.differences.is_empty());
        agreeing.extend(good_ones.map(|verdict| format!("{name} {}", verdict.step)));
        if !args.quiet {
            verdicts.iter().for_each(|verdict| show(&name, verdict));
        }
        println!("{} {name}: {good} of {} agree", if good == verdicts.len() { "ok  " } else { "FAIL" }, verdicts.len());
    }
    println!(
        "{} of {all} steps agree ({:.1} %)",
        agreeing.len(),
        100.0 * agreeing.len() as f64 / f64::from(u32::try_from(all.max(1)).unwrap_or(1))
    );
    if args.ratchet { ratchet(&agreeing, &only, args.bless) } else { ExitCode::SUCCESS }
}

fn show(name: &str, verdict: &Verdict) {
    for difference in verdict.differences.iter().take(5) {
        println!("  {name} {} {difference}", verdict.step);
    }
}

/// Every step of the list, of the sessions that ran, must agree.
fn ratchet(agreeing: &BTreeSet<String>, only: &Regex, bless: bool) -> ExitCode {
    let file = e2e::repository().join("tests/recordings/agree.txt");
    let text = std::fs::read_to_string(&file).expect("the list of steps that agreed");
    let before: BTreeSet<&str> = text.lines().collect();
    let lost: Vec<&str> = before
        .iter()
        .copied()
        .filter(|step| only.is_match(step.split(' ').next().unwrap_or_default()) && !agreeing.contains(*step))
        .collect();
    if !lost.is_empty() {
        println!("agreed before and do not now: something that worked is broken\n  {}", lost.join("\n  "));
        return ExitCode::FAILURE;
    }
    let all: BTreeSet<&str> = before.iter().copied().chain(agreeing.iter().map(String::as_str)).collect();
    if all.len() > before.len() {
        println!("{} more steps agree (--bless adds them to {})", all.len() - before.len(), file.display());
    }
    if bless {
        let lines: Vec<&str> = all.into_iter().collect();
        std::fs::write(&file, lines.join("\n") + "\n").expect("the list is written");
    }
    ExitCode::SUCCESS
}
