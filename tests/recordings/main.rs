//! Replays what a real ksqlDB answered (`recordings/` of the reading room) against servers of its own and lists every
//! disagreement.
//!
//! ```text
//! cargo run --bin recordings -- [--only REGEX] [--quiet]
//! session.json ─session.rs→ steps ─exchange.rs→ answers ─masks.rs→ comparable ─compare.rs→ differences
//! ```
//!
//! Every session gets a fresh server, and a fresh broker if it reads or writes topics itself. A step that does not agree is a
//! failure, unless `tests/recordings/intended.txt` says why.

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
use e2e::intended::intended;
use regex::Regex;
use tokio::sync::Semaphore;

use replay::{Verdict, replay};
use session::Session;

/// Steps of all sessions in the reading room.
const STEPS: usize = 1_509;
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
    let intended = intended(include_str!("intended.txt")).expect("a list of steps and reasons");
    let mut stale: BTreeSet<&str> = intended.keys().copied().collect();
    let (mut agreeing, mut on_purpose, mut failed) = (0, 0, 0);
    for session in running {
        let (name, verdicts) = session.await.expect("a session does not panic");
        let is_intended = |verdict: &Verdict| intended.contains_key(&*format!("{name} {}", verdict.step));
        let (agree, differ): (Vec<_>, Vec<_>) = verdicts.iter().partition(|verdict| verdict.differences.is_empty());
        let (meant, wrong): (Vec<_>, Vec<_>) = differ.into_iter().partition(|verdict| is_intended(verdict));
        wrong.iter().for_each(|verdict| show(&name, verdict));
        if !args.quiet {
            meant.iter().for_each(|verdict| show(&name, verdict));
        }
        let word = if wrong.is_empty() { "ok  " } else { "FAIL" };
        println!("{word} {name}: {} of {} agree, {} differ on purpose", agree.len(), verdicts.len(), meant.len());
        stale.retain(|step| !meant.iter().any(|verdict| **step == format!("{name} {}", verdict.step)));
        agreeing += agree.len();
        on_purpose += meant.len();
        failed += wrong.len();
    }
    println!("{agreeing} steps agree, {failed} do not, {on_purpose} differ on purpose");
    let is_whole = args.only.is_empty();
    if is_whole && !stale.is_empty() {
        // Some depend on what came first, and may agree by chance: told, no failure.
        println!(
            "in intended.txt, but agree or are not there any more: {}",
            stale.into_iter().collect::<Vec<_>>().join(", ")
        );
    }
    if is_whole && agreeing + on_purpose + failed < STEPS {
        println!("{STEPS} steps were recorded: some are not there any more");
        return ExitCode::FAILURE;
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn show(name: &str, verdict: &Verdict) {
    for difference in verdict.differences.iter().take(5) {
        println!("  {name} {} {difference}", verdict.step);
    }
}
