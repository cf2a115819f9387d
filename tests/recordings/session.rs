//! Recorded sessions as they stand in their files (`recordings/README.md` of the reading room).

use std::collections::BTreeMap;
use std::path::Path;

use regex::{Captures, Regex};
use serde::Deserialize;
use serde_json::Value;

/// An ordered list of requests on an emptied server.
#[derive(Debug, Deserialize)]
pub(crate) struct Session {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) needs: Vec<String>,
    pub(crate) steps: Vec<Step>,
}

/// One request and what came back.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Step {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) method: String,
    #[serde(default)]
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Option<Value>,
    /// `"2"` is HTTP/2 with prior knowledge.
    pub(crate) http: Option<String>,
    pub(crate) wait: Option<Bounds>,
    pub(crate) stream: Option<Bounds>,
    #[serde(default)]
    pub(crate) start: bool,
    pub(crate) collect: Option<String>,
    #[serde(default)]
    pub(crate) keep_open: bool,
    #[serde(default)]
    pub(crate) delay_s: f64,
    #[serde(default)]
    pub(crate) unordered: bool,
    #[serde(default)]
    pub(crate) raw: bool,
    pub(crate) keep_headers: Option<Vec<String>>,
    pub(crate) expect: Value,
}

/// How long to read or to ask again.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Bounds {
    pub(crate) max_rows: Option<usize>,
    pub(crate) max_s: Option<f64>,
}

impl Session {
    /// Reads a file.
    pub(crate) fn read(file: &Path) -> Self {
        let text = std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        serde_json::from_str(&without_half_pairs(&text)).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
    }
}

/// Halves of surrogate pairs, which Java writes and no text of ours can hold, become the replacement character.
fn without_half_pairs(text: &str) -> String {
    let pair =
        Regex::new(r"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}(\\u[dD][c-fC-F][0-9a-fA-F]{2})?|\\u[dD][c-fC-F][0-9a-fA-F]{2}")
            .expect("the pattern is fine");
    let whole = |found: &Captures<'_>| {
        if &found[0] == r"\\" || found.get(1).is_some() { found[0].to_owned() } else { "\\ufffd".to_owned() }
    };
    pair.replace_all(text, whole).into_owned()
}
