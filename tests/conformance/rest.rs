//! REST cases: a real server over HTTP (conformance.md §9).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use engine::log::TopicSpec;
use regex::Regex;
use serde_json::{Map, Value as Json, json};

use crate::case::{Case, Record};
use crate::live::Live;
use crate::proto::Schema;
use crate::qtt;
use e2e::http::{self, Answer};

/// Runs one case against a server of its own.
pub(crate) fn judge(case: &Case) -> Result<(), String> {
    let live = Live::start()?;
    let run = Run { case, live: &live, properties: properties(case) };
    let outcome = run.all();
    live.stop();
    outcome
}

fn properties(case: &Case) -> Json {
    let mut map: Map<String, Json> = case.properties.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
    map.entry("auto.offset.reset").or_insert_with(|| "earliest".into());
    Json::Object(map)
}

struct Run<'a> {
    case: &'a Case,
    live: &'a Live,
    properties: Json,
}

impl Run<'_> {
    fn all(&self) -> Result<(), String> {
        qtt::create_topics(self.case, qtt::INFERRED_PARTITIONS, &|name: &str, spec: &TopicSpec| {
            self.live.create_topic(name, spec)
        })?;
        qtt::register_schemas(self.case, &|name, schema, id| self.live.register(name, schema, id))?;
        let first_query =
            self.case.statements.iter().position(|text| is_select(text)).unwrap_or(self.case.statements.len());
        let (admin, queries) = self.case.statements.split_at(first_query);
        let mut answers = Vec::new();
        match self.statements(admin) {
            Ok(entities) => answers.extend(entities.into_iter().map(|entity| json!({"admin": entity}))),
            Err(answer) => return self.judge_error(&answer),
        }
        if self.waits_for_push() {
            return self.push_first(queries, answers);
        }
        self.feed()?;
        self.live.settle();
        for query in queries {
            match self.query(query) {
                Ok(lines) => answers.push(json!({"query": lines})),
                Err(answer) => return self.judge_error(&answer),
            }
        }
        if self.case.expected_error.is_some() {
            return Err("no error came".to_owned());
        }
        if self.case.test_pull_with_proto_format {
            for query in queries {
                answers.push(json!({"queryProto": self.messages(query)?}));
            }
        }
        self.compare(&answers)?;
        self.compare_outputs()
    }

    fn waits_for_push(&self) -> bool {
        self.case.input_conditions.as_ref().is_some_and(|conditions| conditions.wait_for_active_push_query)
    }

    fn statements(&self, admin: &[String]) -> Result<Vec<Json>, Answer> {
        if admin.is_empty() {
            return Ok(Vec::new());
        }
        let answer = self.post("/ksql", &admin.join("\n"));
        if answer.status != 200 {
            return Err(answer);
        }
        Ok(answer.json().as_array().cloned().unwrap_or_default())
    }

    fn query(&self, text: &str) -> Result<Vec<Json>, Answer> {
        let answer = self.post("/query", text);
        if answer.status != 200 {
            return Err(answer);
        }
        Ok(answer.json().as_array().cloned().unwrap_or_default())
    }

    /// The answer to a query with rows in Protobuf: each `row` as the message's text.
    fn messages(&self, text: &str) -> Result<Vec<Json>, String> {
        let body = json!({"sql": text, "properties": self.properties}).to_string();
        let accept = ("Accept", "application/vnd.ksql.v1+protobuf");
        let answer = http::request(&self.live.url, "POST", "/query-stream", &[accept], &body);
        if answer.status != 200 {
            return Err(format!("{}: {}", answer.status, answer.body));
        }
        let mut lines = answer.json().as_array().cloned().unwrap_or_default();
        let schema = lines.first().and_then(|line| line["header"]["protoSchema"].as_str()).and_then(Schema::parse);
        let schema = schema.ok_or("there is no schema")?;
        for row in lines.iter_mut().filter_map(|line| line.get_mut("row")) {
            let bytes = row["protobufBytes"].as_str().and_then(|text| STANDARD.decode(text).ok());
            let shown = bytes.and_then(|bytes| schema.show(&bytes));
            *row = shown.ok_or_else(|| format!("no message of its schema: {row}"))?.into();
        }
        Ok(lines)
    }

    fn post(&self, path: &str, text: &str) -> Answer {
        let body = json!({"ksql": text, "streamsProperties": self.properties, "requestProperties": {}}).to_string();
        http::request(&self.live.url, "POST", path, &[("Accept", "application/json")], &body)
    }

    /// Starts the query, feeds the inputs once it runs, and reads until it ends.
    fn push_first(&self, queries: &[String], mut answers: Vec<Json>) -> Result<(), String> {
        for query in queries {
            let body =
                json!({"ksql": query, "streamsProperties": self.properties, "requestProperties": {}}).to_string();
            let mut stream = http::open(&self.live.url, "POST", "/query", &[("Accept", "application/json")], &body);
            let (status, content_type) = stream.head();
            let mut text = String::new();
            if status == 200 {
                text.push_str(&stream.piece().unwrap_or_default());
                self.feed()?;
            }
            while let Some(piece) = stream.piece() {
                text.push_str(&piece);
            }
            let answer = Answer { status, content_type, body: text };
            if status != 200 {
                return self.judge_error(&answer);
            }
            answers.push(json!({"query": answer.json()}));
        }
        self.compare(&answers)
    }

    /// Produces the inputs topic by topic, placed by their keys.
    fn feed(&self) -> Result<(), String> {
        let mut topics: Vec<&str> = Vec::new();
        for record in &self.case.inputs {
            if !topics.contains(&record.topic.as_str()) {
                topics.push(&record.topic);
            }
        }
        let of_topic = |topic| self.case.inputs.iter().filter(move |record| record.topic == topic);
        let records: Vec<&Record> = topics.into_iter().flat_map(of_topic).collect();
        self.live.append(&records)?;
        std::thread::sleep(Duration::from_millis(1));
        Ok(())
    }

    fn judge_error(&self, answer: &Answer) -> Result<(), String> {
        let Some(expected) = &self.case.expected_error else {
            return Err(format!("{}: {}", answer.status, answer.body));
        };
        let body = answer.json();
        if expected.status.is_some_and(|status| status != answer.status) {
            return Err(format!("status {:?} is expected, {} came: {}", expected.status, answer.status, answer.body));
        }
        if expected.kind.as_deref().is_some_and(|kind| kind.ends_with("KsqlStatementErrorMessage")) {
            self.judge_statement(&body)?;
        }
        let actual = body["message"].as_str().unwrap_or_default();
        match &expected.message {
            Some(message) if !actual.contains(message) => {
                Err(format!("expected message: {message}\nactual message:   {actual}"))
            }
            _ => Ok(()),
        }
    }

    /// The answer must be about a statement, which is the last one, the values of INSERT hidden.
    fn judge_statement(&self, body: &Json) -> Result<(), String> {
        if body["@type"] != "statement_error" {
            return Err(format!("a statement error is expected: {body}"));
        }
        let last = self.case.statements.last().map_or("", |statement| statement);
        let wanted = hidden_values(last);
        let actual = body["statementText"].as_str().unwrap_or_default();
        let is_in = actual.contains(&wanted) || actual.contains(wanted.trim_end_matches(';'));
        is_in.then_some(()).ok_or_else(|| format!("expected statement: {wanted}\nactual statement:   {actual}"))
    }

    /// Responses by position; objects partially, rows as a multiset.
    fn compare(&self, answers: &[Json]) -> Result<(), String> {
        for (i, expected) in self.case.responses.iter().enumerate() {
            let actual = answers.get(i).ok_or_else(|| format!("response {i} is missing"))?;
            let fits = match (expected["query"].as_array(), actual["query"].as_array()) {
                (Some(wanted), Some(lines)) => same_lines(wanted, lines),
                _ => partial(expected, actual),
            };
            if !fits {
                return Err(format!("response {i}\n  expected {expected}\n  actual   {actual}"));
            }
        }
        Ok(())
    }

    fn compare_outputs(&self) -> Result<(), String> {
        if self.case.outputs.is_empty() {
            return Ok(());
        }
        self.live.compare_outputs(self.case)
    }
}

/// An INSERT as it is shown, with `'[value]'` in the place of each value; any other statement as it is.
fn hidden_values(statement: &str) -> String {
    let words = Regex::new(r"(?i)^\s*INSERT INTO (\w+)\s*\(([^)]*)\) VALUES \(([^)]*)\)");
    let Some(found) = words.ok().and_then(|words| words.captures(statement)) else { return statement.to_owned() };
    let quoted = |names: &str| {
        let names = names.split(',').map(|name| format!("`{}`", name.trim().to_uppercase()));
        names.collect::<Vec<_>>().join(", ")
    };
    let values = vec!["'[value]'"; found[3].split(',').count()];
    format!("INSERT INTO {} ({}) VALUES ({})", quoted(&found[1]), quoted(&found[2]), values.join(", "))
}

fn is_select(text: &str) -> bool {
    text.trim_start()
        .get(..7)
        .is_some_and(|start| start.eq_ignore_ascii_case("select ") || start.eq_ignore_ascii_case("select\n"))
}

/// Every listed key is there with the listed value; `name|starts_with` is a prefix.
fn partial(expected: &Json, actual: &Json) -> bool {
    match (expected, actual) {
        (Json::Object(wanted), Json::Object(map)) => {
            wanted.iter().all(|(name, value)| match name.strip_suffix("|starts_with") {
                Some(name) => {
                    map.get(name).and_then(Json::as_str).zip(value.as_str()).is_some_and(|(a, e)| a.starts_with(e))
                }
                None => {
                    map.get(name).is_some_and(|found| partial(value, found))
                        || value.is_null() && !map.contains_key(name)
                }
            })
        }
        (Json::Array(wanted), Json::Array(items)) => {
            wanted.len() == items.len() && wanted.iter().zip(items).all(|(e, a)| partial(e, a))
        }
        _ => expected == actual,
    }
}

/// As many lines; headers and messages by position, the columns of rows as a multiset.
fn same_lines(expected: &[Json], actual: &[Json]) -> bool {
    if expected.len() != actual.len() {
        return false;
    }
    let without_columns = |line: &Json| {
        let mut line = line.clone();
        if let Some(row) = line.get_mut("row").and_then(Json::as_object_mut) {
            row.remove("columns");
        }
        line
    };
    let shapes = expected.iter().zip(actual).all(|(e, a)| partial(&without_columns(e), &without_columns(a)));
    let columns = |lines: &[Json]| {
        let mut rows: Vec<String> = lines
            .iter()
            .filter_map(|line| line["row"].get("columns"))
            .map(|row| without_nulls(row).to_string())
            .collect();
        rows.sort_unstable();
        rows
    };
    shapes && columns(expected) == columns(actual)
}

/// Null entries of maps and structs are not written by the original's client, and do not count. Fields by name.
fn without_nulls(value: &Json) -> Json {
    match value {
        Json::Object(map) => {
            let mut entries: Vec<_> = map.iter().filter(|(_, v)| !v.is_null()).collect();
            entries.sort_by_key(|(name, _)| name.as_str());
            Json::Object(entries.into_iter().map(|(k, v)| (k.clone(), without_nulls(v))).collect())
        }
        Json::Array(items) => Json::Array(items.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}
