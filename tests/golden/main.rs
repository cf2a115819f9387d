//! Every `queries/**/*.sql` is a test: the script runs in a new shell on an empty log, and what it shows must be the `.out`
//! beside it. `UPDATE_GOLDEN=1` rewrites the files; the difference is then reviewed.
//!
//! Each runs in several modes (`modes.rs`): as it is, with its server killed in the middle, over topics of three partitions, and
//! on Kafka. What a mode must change stands in `left_out.txt`.

// Tests panic when something is not as it must be; that is how they fail.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod modes;
mod script;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use e2e::repository;
use libtest_mimic::{Arguments, Failed, Trial};
use regex::Regex;

use modes::{Bench, Mode};
use script::Script;

fn main() {
    let args = Arguments::from_args();
    let root = repository().join("queries");
    let mut files = Vec::new();
    find(&root, &mut files);
    files.sort();
    let left_out = left_out();
    let bench = Arc::new(Bench::default());
    let mut trials = Vec::new();
    for file in &files {
        let name = file.strip_prefix(&root).unwrap_or(file).display().to_string();
        for mode in Mode::ALL {
            let (script, bench) = (Script::new(file), Arc::clone(&bench));
            let why = left_out.get(&(name.clone(), mode)).cloned();
            let by_chance = why.as_ref().is_some_and(|why| why.starts_with("by chance:"));
            let test = Trial::test(format!("{name}{}", mode.suffix()), move || check(&script, mode, &bench, why));
            trials.push(test.with_ignored_flag(by_chance));
        }
    }
    let names: Vec<String> = files.iter().map(|f| f.strip_prefix(&root).unwrap_or(f).display().to_string()).collect();
    for (name, _) in left_out.keys() {
        assert!(names.contains(name), "left_out.txt: there is no script {name}");
    }
    let conclusion = libtest_mimic::run(&args, trials);
    // Leaving does not drop it, and its broker would go on.
    drop(bench);
    conclusion.exit();
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

/// Script and mode whose results differ for a reason, and the reason.
fn left_out() -> BTreeMap<(String, Mode), String> {
    let lines = include_str!("left_out.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let mut parts = line.splitn(3, '\t');
            let (Some(name), Some(mode), Some(why)) = (parts.next(), parts.next(), parts.next()) else {
                panic!("left_out.txt: script, mode and reason, with tabs between them: {line}")
            };
            let mode = Mode::ALL.into_iter().find(|known| known.suffix().trim() == mode);
            ((name.to_owned(), mode.unwrap_or_else(|| panic!("left_out.txt: no such mode: {line}"))), why.to_owned())
        })
        .collect()
}

fn check(script: &Script, mode: Mode, bench: &Bench, left_out: Option<String>) -> Result<(), Failed> {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    if update && mode != Mode::Plain {
        return Ok(());
    }
    let shown = bench.run(script, mode)?;
    if update {
        fs::write(script.expected_file(), &shown)?;
        return Ok(());
    }
    let expected = script.expected()?;
    let (expected, shown) =
        if mode.numbers_queries() { (expected, shown) } else { (numberless(&expected), numberless(&shown)) };
    let (expected, shown) = if mode.keeps_order() { (expected, shown) } else { (sorted(&expected), sorted(&shown)) };
    match (shown == expected, left_out) {
        (true, None) | (false, Some(_)) => Ok(()),
        (true, Some(why)) => Err(format!("it does not belong in left_out.txt any more ({why})").into()),
        (false, None) => Err(difference(&expected, &shown).into()),
    }
}

/// The text without the numbers that ids of queries end in, and as if columns were not aligned: they may be longer.
fn numberless(text: &str) -> String {
    let id = Regex::new(r"\b((?:CSAS|CTAS|CST|INSERTQUERY)(?:_\w+?)?)_\d+\b").expect("a pattern");
    let run = Regex::new(r"-{2,}| {2,}").expect("a pattern");
    let without = id.replace_all(text, "${1}_N");
    run.replace_all(&without, |run: &regex::Captures<'_>| run[0][..1].to_owned()).into_owned()
}

fn sorted(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
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
