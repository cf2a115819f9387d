//! Cases from public reports about ksqlDB and its like, in the reading room's `cases`, run with its own runner.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use e2e::process::Server;

/// Runners at once; most of a case is waiting.
const RUNNERS: usize = 23;

/// What some files expect of a query went through binary fractions when they were written, and is not what the topic they
/// print holds: the file, what it says, what is right.
const ROUNDED: [(&str, &str, &str); 3] = [
    ("decimal-json-scale", "12.1,\n     1.0", "12.1,\n     0.99999999999999999"),
    ("delim-decimal", "1.2345678987654322e+16", "12345678987654321.12345"),
    // ksqlDB has no quotient that must be rounded; ours is rounded as its type says.
    ("overflow", "9.223372036854776e+18,\n     null", "9.223372036854776e+18,\n     3074457345618258602"),
];

#[test]
fn every_case_comes_out_right() {
    let Some(folder) = e2e::shared("cases") else { return };
    let entries = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|found| found == "json")).collect();
    files.sort();
    assert!(files.len() >= 69, "{} files only", files.len());
    let exact = tempfile::tempdir().unwrap();
    for (case, rounded, right) in ROUNDED {
        let file = files.iter_mut().find(|file| file.file_stem().is_some_and(|stem| stem == case)).unwrap();
        let text = fs::read_to_string(&*file).unwrap();
        assert!(text.contains(rounded), "{case} does not say {rounded}");
        *file = exact.path().join(case);
        fs::write(&*file, text.replace(rounded, right)).unwrap();
    }
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let runners = files.chunks(files.len().div_ceil(RUNNERS)).enumerate().map(|(number, files)| {
        let mut runner = Command::new("python3");
        runner.arg(folder.join("run.py")).arg(&server.url).arg(format!("--prefix=R{number}_")).args(files);
        runner.env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null()).stdout(Stdio::piped());
        runner.spawn().unwrap_or_else(|e| panic!("python3 cannot be started ({e}): install it"))
    });
    let runners: Vec<_> = runners.collect();
    let reports = runners.into_iter().map(|runner| runner.wait_with_output().unwrap().stdout);
    let report: String = reports.map(|report| String::from_utf8_lossy(&report).into_owned()).collect();
    let starting = |word: &str| -> Vec<&str> {
        report.lines().filter_map(|line| line.strip_prefix(word)?.split_whitespace().next()).collect()
    };
    let (right, wrong) = (starting("ok   "), starting("FAIL "));
    assert!(right.len() + wrong.len() >= files.len(), "not all were run:\n{report}");
    assert!(wrong.is_empty(), "{wrong:?} are wrong:\n{report}");
}
