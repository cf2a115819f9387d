//! What a run prints and writes.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

/// Outcome of one case; `why` is empty when it passed.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) ok: bool,
    pub(crate) why: String,
}

/// A judged case with where it belongs.
pub(crate) struct Judged {
    pub(crate) id: String,
    pub(crate) suite: String,
    pub(crate) file: String,
    pub(crate) outcome: Outcome,
}

/// Prints failures (first difference each), which of the `intended` ones there were, totals per file and suite, and the closing line.
pub(crate) fn print(results: &[Judged], intended: &BTreeMap<&str, &str>, verbose: bool) {
    let mut files: BTreeMap<(&str, &str), (usize, usize)> = BTreeMap::new();
    let mut suites: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for result in results {
        let passed = usize::from(result.outcome.ok);
        let file = files.entry((&result.suite, &result.file)).or_default();
        *file = (file.0 + passed, file.1 + 1);
        let suite = suites.entry(&result.suite).or_default();
        *suite = (suite.0 + passed, suite.1 + 1);
        if verbose && !result.outcome.ok && !intended.contains_key(&*result.id) {
            println!("FAIL {}\n     {}", result.id, result.outcome.why.replace('\n', "\n     "));
        }
    }
    for ((suite, file), (passed, total)) in &files {
        println!("{suite}/{file}: {passed}/{total}");
    }
    for (suite, (passed, total)) in &suites {
        println!("{suite}: {passed}/{total}");
    }
    for result in results {
        if let Some(reason) = intended.get(&*result.id) {
            println!("INTENDED {}: {reason}", result.id);
        }
    }
    let passed = results.iter().filter(|result| result.outcome.ok).count();
    let on_purpose = results.iter().filter(|result| !result.outcome.ok && intended.contains_key(&*result.id)).count();
    println!("{passed} passed, {} failed, {on_purpose} differ on purpose", results.len() - passed - on_purpose);
}

/// Writes `{"<id>": {"ok": …, "why": …}}`.
pub(crate) fn write(results: &[Judged], path: &Path) -> Result<(), String> {
    let map: BTreeMap<&str, &Outcome> = results.iter().map(|r| (r.id.as_str(), &r.outcome)).collect();
    let text = serde_json::to_string_pretty(&map).map_err(|e| e.to_string())?;
    std::fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
}
