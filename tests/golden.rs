//! Every `queries/**/*.sql` is a test: the script runs in a new shell on an empty embedded log, and what it shows must be
//! the `.out` beside it. `UPDATE_GOLDEN=1` rewrites the files; the difference is then reviewed.

// Tests panic when something is not as it must be; that is how they fail.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::fs;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use e2e::{process, repository};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let args = Arguments::from_args();
    let root = repository().join("queries");
    let mut scripts = Vec::new();
    find(&root, &mut scripts);
    scripts.sort();
    let trials = scripts.into_iter().map(|script| {
        let name = script.strip_prefix(&root).unwrap_or(&script).display().to_string();
        Trial::test(name, move || check(&script))
    });
    libtest_mimic::run(&args, trials.collect()).exit();
}

fn find(dir: &Path, scripts: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    for path in entries.map(|entry| entry.expect("a readable entry").path()) {
        if path.is_dir() {
            find(&path, scripts);
        } else if path.extension().is_some_and(|extension| extension == "sql") {
            scripts.push(path);
        }
    }
}

fn check(script: &Path) -> Result<(), Failed> {
    let data = tempfile::tempdir()?;
    let data_dir = format!("data.dir={}", data.path().display());
    let root = repository();
    // Data and notices in the order in which a person sees them.
    let mut both = tempfile::tempfile()?;
    let status = Command::new(process::binary())
        .args(["-D", &data_dir, "-D", "listeners=http://127.0.0.1:0"])
        // A query that does not end fails its test, and no other.
        .args(["--query-timeout", "30000", "-f"])
        // Errors name the file as it was given.
        .arg(script.strip_prefix(&root).unwrap_or(script))
        .current_dir(&root)
        .stdin(Stdio::null())
        .stdout(both.try_clone()?)
        .stderr(both.try_clone()?)
        .status()?;
    both.rewind()?;
    let mut shown = String::new();
    both.read_to_string(&mut shown)?;
    if let Some(code) = status.code().filter(|code| *code != 0) {
        shown.push_str(&format!("[exit code {code}]\n"));
    }
    let shown = without_port(&shown);
    let expected_file = script.with_extension("out");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&expected_file, &shown)?;
        return Ok(());
    }
    let expected = fs::read_to_string(&expected_file)
        .map_err(|e| format!("{}: {e}; UPDATE_GOLDEN=1 writes it", expected_file.display()))?;
    if shown == expected { Ok(()) } else { Err(difference(&expected, &shown).into()) }
}

/// The text without the port that the server happened to get.
fn without_port(shown: &str) -> String {
    let mut parts = shown.split("127.0.0.1:");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str("127.0.0.1:PORT");
        text.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    text
}

/// The first line that differs, with what came before it.
fn difference(expected: &str, shown: &str) -> String {
    let (mut wanted, mut got) = (expected.lines(), shown.lines());
    let mut number = 0;
    loop {
        number += 1;
        match (wanted.next(), got.next()) {
            (Some(a), Some(b)) if a == b => {}
            (None, None) => return "only line ends differ".to_owned(),
            (a, b) => {
                return format!(
                    "line {number}\nexpected: {}\nshown:    {}\n\nall of it:\n{shown}",
                    a.unwrap_or("(end)"),
                    b.unwrap_or("(end)")
                );
            }
        }
    }
}
