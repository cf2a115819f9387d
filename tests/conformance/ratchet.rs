//! Which cases passed before: a file of ids, one a line.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::report::Judged;

/// What a list starts with.
const HEAD: &str = "# Cases that pass. One that does not any more fails CI; `conformance --ratchet FILE --bless` adds those that do now.\n";

/// Compares with the list in `file`: a case on it that fails, or is not there, is an error, unless it is an `intended` one. With
/// `bless` the ids that pass now are added.
pub(crate) fn check(
    results: &[Judged],
    intended: &BTreeMap<&str, &str>,
    file: &Path,
    bless: bool,
) -> Result<(), String> {
    let text = if file.exists() {
        std::fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?
    } else {
        String::new()
    };
    let before: BTreeSet<&str> = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    if before.is_empty() && !bless {
        return Err(format!("{} lists no case", file.display()));
    }
    let passing: BTreeSet<&str> = results.iter().filter(|result| result.outcome.ok).map(|result| &*result.id).collect();
    let lost: Vec<&str> = before.difference(&passing).copied().filter(|id| !intended.contains_key(id)).collect();
    let fresh: Vec<&str> = passing.difference(&before).copied().collect();
    if !lost.is_empty() {
        return Err(format!("passed before ({}), and do not now:\n  {}", file.display(), lost.join("\n  ")));
    }
    if bless && !fresh.is_empty() {
        let all: Vec<&str> = before.union(&passing).copied().filter(|id| passing.contains(id)).collect();
        std::fs::write(file, format!("{HEAD}{}\n", all.join("\n"))).map_err(|e| format!("{}: {e}", file.display()))?;
    }
    if !fresh.is_empty() {
        let done = if bless { "added to" } else { "add with --bless to" };
        println!("{} more cases pass: {done} {}", fresh.len(), file.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::check;
    use crate::report::{Judged, Outcome};

    fn judged(id: &str, ok: bool) -> Judged {
        let outcome = Outcome { ok, why: String::new() };
        Judged { id: id.to_owned(), suite: String::new(), file: String::new(), outcome }
    }

    #[test]
    fn what_passed_must_pass() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("passing.txt");
        let none = BTreeMap::new();
        assert!(check(&[judged("a", true)], &none, &file, false).is_err(), "a list that is not there guards nothing");
        check(&[judged("a", true), judged("b", true), judged("c", false)], &none, &file, true).unwrap();
        check(&[judged("a", true), judged("b", true), judged("c", true)], &none, &file, false).unwrap();
        let lost = check(&[judged("a", true), judged("b", false)], &none, &file, false).unwrap_err();
        assert!(lost.contains("\n  b"), "{lost}");
        assert!(check(&[judged("a", true)], &none, &file, false).is_err(), "one that is not there any more");
        let intended = BTreeMap::from([("b", "why")]);
        check(&[judged("a", true), judged("b", false)], &intended, &file, false).unwrap();
    }
}
