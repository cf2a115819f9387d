//! Scripts to begin with: our examples and, where the reading room is, what is there.

use std::fs;
use std::path::{Path, PathBuf};

use e2e::repository;
use fastrand::Rng;
use serde_json::Value;

/// Scripts, each a list of statements.
pub(super) struct Corpus {
    scripts: Vec<Vec<String>>,
}

impl Corpus {
    /// All there is.
    pub(super) fn load() -> Self {
        let mut scripts = Vec::new();
        for file in files(&repository().join("queries"), "sql") {
            let text = fs::read_to_string(&file).expect("a readable script");
            let pieces = sql::split(&text).into_iter();
            scripts.push(pieces.map(|piece| piece.text.to_owned()).collect());
        }
        if let Some(cases) = e2e::shared("conformance/qtt") {
            for file in files(&cases, "json") {
                let text = fs::read_to_string(&file).expect("a readable file");
                let cases: Value = serde_json::from_str(&text).expect("cases are JSON");
                for case in cases["tests"].as_array().into_iter().flatten() {
                    let statements = case["statements"].as_array().into_iter().flatten();
                    scripts.push(statements.filter_map(|text| Some(text.as_str()?.to_owned())).collect());
                }
            }
        }
        scripts.retain(|statements: &Vec<String>| !statements.is_empty());
        Self { scripts }
    }

    /// One script.
    pub(super) fn script(&self, random: &mut Rng) -> &[String] {
        &self.scripts[random.usize(..self.scripts.len())]
    }

    /// One statement.
    pub(super) fn statement(&self, random: &mut Rng) -> &str {
        let script = self.script(random);
        &script[random.usize(..script.len())]
    }
}

fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    let paths = entries.map(|entry| entry.expect("a readable entry").path());
    let mut found: Vec<PathBuf> =
        paths.flat_map(|path| if path.is_dir() { files(&path, extension) } else { vec![path] }).collect();
    found.retain(|path| path.extension().is_some_and(|found| found == extension));
    found.sort();
    found
}
