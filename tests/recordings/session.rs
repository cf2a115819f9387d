//! Recorded sessions as they stand in their files (`recordings/README.md` of the reading room).

use std::collections::BTreeMap;
use std::path::Path;

use regex::{Captures, Regex};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An ordered list of requests on an emptied server.
#[derive(Debug, Deserialize)]
pub(crate) struct Session {
    pub(crate) name: String,
    #[serde(default)]
    needs: Vec<String>,
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
    /// No request: records are written to a topic.
    pub(crate) produce: Option<Produce>,
    /// No request: records are read from a topic.
    pub(crate) consume: Option<Consume>,
    pub(crate) expect: Value,
}

/// Records for a topic, which is made if it is missing.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Produce {
    pub(crate) topic: String,
    pub(crate) partitions: Option<i32>,
    pub(crate) records: Vec<Record>,
}

/// How many records to read from the beginning of a topic.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Consume {
    pub(crate) topic: String,
    pub(crate) records: usize,
}

/// A record in a topic.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(crate) struct Record {
    #[serde(default)]
    pub(crate) partition: i32,
    pub(crate) key: Option<Bytes>,
    pub(crate) value: Option<Bytes>,
    #[serde(default)]
    pub(crate) timestamp: i64,
    #[serde(default)]
    pub(crate) headers: Vec<Header>,
}

/// A header of a record.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(crate) struct Header {
    pub(crate) key: String,
    pub(crate) value: Option<Bytes>,
}

/// Bytes as they are written down: as a text where they are one.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Bytes {
    Text(String),
    Base64(String),
}

/// How long to read or to ask again.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Bounds {
    pub(crate) max_rows: Option<usize>,
    pub(crate) max_s: Option<f64>,
}

impl Session {
    /// Whether it needs that (`kafka`, `http2`, `websocket`).
    pub(crate) fn needs(&self, what: &str) -> bool {
        self.needs.iter().any(|need| need == what)
    }

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
