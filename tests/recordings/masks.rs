//! Making answers comparable: bodies read as the recordings have them, and what differs from server to server masked.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use regex::{Captures, Regex};
use serde_json::{Map, Value};

/// Lists without a promised order.
const SORTED: &[&str] = &[
    "streams",
    "tables",
    "queries",
    "topics",
    "functions",
    "properties",
    "readQueries",
    "writeQueries",
    "queryDescriptions",
    "sourceDescriptions",
    "sourceConstraints",
    "overwrittenProperties",
    "defaultProperties",
    "connectors",
    "connectorsPlugins",
    "variables",
    "tasksMetadata",
];
/// Texts whose wording is nobody's contract.
const TEXTS: &[&str] = &["topology", "executionPlan", "statistics", "errorStats"];
/// What a function does we say in our own words, and not always where ksqlDB says something.
const OWN_WORDS: &str = "description";
/// Clocks may differ by this many seconds.
const NEAR_S: f64 = 2.0 * 86_400.0;

static QUERY_ID: LazyLock<Regex> =
    LazyLock::new(|| regex(r"((?:transient|TRANSIENT)_[\w-]+?|(?:CSAS|CTAS|CST)_[\w-]+?|INSERTQUERY|query)_\d+\b"));
static GROUP: LazyLock<Regex> = LazyLock::new(|| regex(r"(transient_[\w-]+?)_\d{15,}_1\d{12}\b"));
static SEQUENCE: LazyLock<Regex> = LazyLock::new(|| regex(r"(command sequence number: )\d+"));
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| regex(r"(\w[.$]\w+)@[0-9a-f]{5,8}\b"));
static MILLIS: LazyLock<Regex> = LazyLock::new(|| regex(r"\b1[5-9]\d{11}\b"));
static DATE_TIME: LazyLock<Regex> =
    LazyLock::new(|| regex(r"\b(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)(\.\d+)?( ?Z)?"));
static BRACKETS: LazyLock<Regex> = LazyLock::new(|| regex(r"\[([^\]]*)\]"));
static ALTERNATIVES: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?s)(alternatives are|function calls are):\n(.*?)(\nFor detailed|$)"));
static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| regex(r"\w+_\{n\}"));

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is fine")
}

/// The masks of one session.
#[derive(Debug)]
pub(crate) struct Masks {
    host: String,
    service: String,
    /// Mask → the text last seen for it.
    actual: BTreeMap<String, String>,
}

impl Masks {
    /// For a server.
    pub(crate) fn new(host: &str, service: &str) -> Self {
        Self { host: host.to_owned(), service: service.to_owned(), actual: BTreeMap::new() }
    }

    /// Puts the ids last seen in the place of their masks.
    pub(crate) fn fill(&self, text: &str) -> String {
        let actual = |found: &Captures<'_>| self.actual.get(&found[0]).cloned().unwrap_or_else(|| found[0].to_owned());
        PLACEHOLDER.replace_all(text, actual).into_owned()
    }

    /// Masks a text.
    pub(crate) fn text(&mut self, text: &str) -> String {
        let prefix = format!("_confluent-ksql-{}", self.service);
        let text = text.replace(&self.host, "{host}").replace(&prefix, "_confluent-ksql-{service}");
        let text = GROUP.replace_all(&text, "${1}_{n}");
        let text = self.query_ids(&text);
        let text = SEQUENCE.replace_all(&text, "${1}{seq}");
        let text = ADDRESS.replace_all(&text, "${1}@{address}");
        let text = MILLIS.replace_all(&text, |found: &Captures<'_>| {
            let near = found[0].parse().is_ok_and(|millis: f64| near(millis / 1000.0));
            if near { "{now}".to_owned() } else { found[0].to_owned() }
        });
        let text =
            DATE_TIME.replace_all(
                &text,
                |found: &Captures<'_>| {
                    if near(seconds(found)) { "{now}".to_owned() } else { found[0].to_owned() }
                },
            );
        let text = if text.starts_with("Cannot drop") {
            BRACKETS.replace_all(&text, |found: &Captures<'_>| {
                let mut names: Vec<&str> = found[1].split(", ").collect();
                names.sort_unstable();
                format!("[{}]", names.join(", "))
            })
        } else {
            text
        };
        let sorted = ALTERNATIVES.replace_all(&text, |found: &Captures<'_>| {
            let mut lines: Vec<&str> = found[2].split('\n').collect();
            lines.sort_unstable();
            format!("{}:\n{}{}", &found[1], lines.join("\n"), &found[3])
        });
        sorted.into_owned()
    }

    /// Query ids that do not continue a word.
    fn query_ids(&mut self, text: &str) -> String {
        let (mut out, mut copied, mut at) = (String::new(), 0, 0);
        while let Some(found) = QUERY_ID.captures_at(text, at) {
            let (whole, name) = (found.get(0).expect("a match"), found.get(1).expect("a group"));
            if text[..whole.start()].ends_with(|c: char| c.is_ascii_alphanumeric()) {
                at = whole.start() + 1;
                continue;
            }
            let mask = format!("{}_{{n}}", name.as_str());
            self.actual.insert(mask.clone(), whole.as_str().to_owned());
            out.push_str(&text[copied..whole.start()]);
            out.push_str(&mask);
            (copied, at) = (whole.end(), whole.end());
        }
        out + &text[copied..]
    }

    /// Masks a value.
    pub(crate) fn value(&mut self, value: &Value, key: Option<&str>) -> Value {
        let mask = |text: &str| Value::from(text);
        match (key, value) {
            (Some("commandSequenceNumber"), Value::Number(number)) if number.as_i64() != Some(-1) => mask("{seq}"),
            (Some("clusterStatistics" | "clusterErrorStats"), _) => mask("{text}"),
            (Some(key), Value::String(text)) if TEXTS.contains(&key) && !text.is_empty() => mask("{text}"),
            (Some(OWN_WORDS), Value::String(_)) => mask("{text}"),
            (Some("kafkaClusterId" | "kafka-cluster"), _) => mask("{id}"),
            (Some("ksqlServiceId" | "ksql-cluster"), _) => mask("{service}"),
            (_, Value::Object(fields)) => self.object(fields),
            (_, Value::Array(items)) => {
                let mut items: Vec<Value> = items.iter().map(|item| self.value(item, None)).collect();
                if key.is_some_and(|key| SORTED.contains(&key)) {
                    items.sort_by_cached_key(Value::to_string);
                }
                Value::Array(items)
            }
            (_, Value::Number(number))
                if number.as_i64().is_some_and(|n| n > 1_500_000_000_000 && near(n as f64 / 1e3)) =>
            {
                mask("{now}")
            }
            (_, Value::String(text)) => Value::from(self.text(text)),
            _ => value.clone(),
        }
    }

    fn object(&mut self, fields: &Map<String, Value>) -> Value {
        let server = fields.contains_key("kafkaClusterId") || fields.contains_key("clusterId");
        let field = |(key, value): (&String, &Value)| {
            let value =
                if server && key == "version" { Value::from("{version}") } else { self.value(value, Some(key)) };
            (self.text(key), value)
        };
        Value::Object(fields.iter().map(field).collect())
    }
}

/// What the server's own words are compared with.
pub(crate) fn own_words(expected: &Value) -> Value {
    match expected {
        Value::Object(fields) => {
            let field = |(key, value): (&String, &Value)| {
                let masked = key == OWN_WORDS && value.is_string();
                let mut value = if masked { Value::from("{text}") } else { own_words(value) };
                // Without their descriptions they are in another order.
                if let (true, Value::Array(items)) = (SORTED.contains(&key.as_str()), &mut value) {
                    items.sort_by_cached_key(Value::to_string);
                }
                (key.clone(), value)
            };
            Value::Object(fields.iter().map(field).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(own_words).collect()),
        other => other.clone(),
    }
}

fn near(seconds: f64) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
    (seconds - now).abs() < NEAR_S
}

/// Seconds since the epoch of a date and time found in a text.
fn seconds(found: &Captures<'_>) -> f64 {
    let part = |i: usize| found[i].parse::<i64>().unwrap_or(0);
    let (year, month, day) = (part(1), part(2), part(3));
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5 + day - 1 - 719_468;
    (((days * 24 + part(4)) * 60 + part(5)) * 60 + part(6)) as f64
}

/// A body as the recordings have it.
pub(crate) fn parse_body(bytes: &[u8], raw: bool) -> Value {
    let text = String::from_utf8_lossy(bytes);
    if raw || text.is_empty() {
        return Value::from(text);
    }
    let whole = !text.contains('\n') || text.starts_with("[{\"header\"") && text.ends_with(']');
    match serde_json::from_str(&text) {
        Ok(value) if whole => value,
        _ => lines_of(&text),
    }
}

/// The lines that are complete.
pub(crate) fn complete_lines(bytes: &[u8]) -> Value {
    let text = String::from_utf8_lossy(bytes);
    match text.rfind('\n') {
        Some(end) if end > 0 => lines_of(&text[..=end]),
        _ => Value::Array(Vec::new()),
    }
}

/// Each line as JSON if it is JSON (a StreamedRow array's brackets and commas aside), else as text.
fn lines_of(text: &str) -> Value {
    let mut lines: Vec<Value> = text.trim_end_matches('\n').split('\n').map(line).collect();
    match lines.as_slice() {
        [Value::String(_)] if !text.ends_with('\n') => lines.remove(0),
        _ => Value::Array(lines),
    }
}

fn line(line: &str) -> Value {
    let bare = line.strip_suffix(',').unwrap_or(line);
    let opened = bare.strip_prefix('[').unwrap_or(bare);
    let closed = bare.strip_suffix(']').unwrap_or(bare);
    let both = bare.get(1..bare.len().saturating_sub(1)).unwrap_or_default();
    let json = [line, bare, opened, closed, both].into_iter().find_map(|text| serde_json::from_str(text).ok());
    json.unwrap_or_else(|| Value::from(line))
}

/// How many of the lines are rows.
pub(crate) fn rows_in(body: &Value) -> usize {
    let is_row = |line: &&Value| match line {
        Value::Array(_) => true,
        Value::Object(fields) => fields.contains_key("row"),
        Value::String(text) => text.contains("rowtime:"),
        _ => false,
    };
    body.as_array().map_or(0, |lines| lines.iter().filter(is_row).count())
}
