//! Data directories of earlier versions: they open, and answer as they did.
//!
//! `tests/fixtures/<version>.tar.gz` is a directory that the version left behind, made with `make-1.sql`, a restart and
//! `make-2.sql`; `<version>.json` is what the version itself answered. Fixtures are never changed.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use e2e::http::{ksql, request, rows};
use e2e::process::{binary, signal};
use e2e::{eventually, repository};
use serde_json::{Value, json};

/// A server whose log is kept.
struct Logging {
    process: std::process::Child,
    url: String,
    log: PathBuf,
}

impl Logging {
    fn start(dir: &Path, settings: &[&str]) -> Self {
        let log = dir.join("server.log");
        let stderr = File::options().create(true).append(true).open(&log).unwrap();
        let data = format!("data.dir={}", dir.join("data").display());
        let mut command = Command::new(binary());
        command.args(["server", "-D", "listeners=http://127.0.0.1:0", "-D", &data]).env_remove("HOME");
        for setting in settings {
            command.args(["-D", setting]);
        }
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(process.stdout.take().unwrap()), &mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line:?}")).to_owned();
        Self { process, url, log }
    }

    fn stop(mut self) -> String {
        signal(self.process.id(), "TERM");
        assert!(self.process.wait().unwrap().success());
        fs::read_to_string(&self.log).unwrap()
    }
}

fn unpacked(version: &str, into: &Path) {
    let fixture = repository().join(format!("tests/fixtures/{version}.tar.gz"));
    let status = Command::new("tar").arg("xzf").arg(fixture).arg("-C").arg(into).status();
    assert!(status.unwrap().success());
}

fn versions() -> Vec<String> {
    let files = fs::read_dir(repository().join("tests/fixtures")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut versions: Vec<String> = names.filter_map(|name| name.strip_suffix(".tar.gz").map(str::to_owned)).collect();
    versions.sort();
    assert!(!versions.is_empty());
    versions
}

/// The rows of a query in an order of their own.
fn answer(url: &str, query: &str) -> Vec<String> {
    let earliest = json!({"ksql.streams.auto.offset.reset": "earliest"});
    let mut answer: Vec<String> = rows(url, query, &earliest).iter().map(ToString::to_string).collect();
    answer.sort();
    answer
}

/// What the scripts SET, as EXPLAIN shows it.
const EARLIEST: &str = r#"{"ksql.streams.auto.offset.reset":"earliest"}"#;

/// Whatever queries have as overrides.
fn overrides(url: &str) -> BTreeSet<String> {
    let described = ksql(url, "SHOW QUERIES EXTENDED;", &json!({}));
    let queries = described[0]["queryDescriptions"].as_array().unwrap().iter();
    let persistent = queries.filter(|query| query["queryType"] == "PERSISTENT");
    persistent.map(|query| query["overriddenProperties"].to_string()).collect()
}

fn states(url: &str) -> Value {
    let queries = ksql(url, "SHOW QUERIES;", &json!({}));
    let pairs = queries[0]["queries"].as_array().unwrap().iter();
    pairs.map(|query| (query["id"].as_str().unwrap().to_owned(), query["state"].clone())).collect()
}

fn check(url: &str, expected: &Value) {
    eventually("the queries run", || (states(url) == expected["queries"]).then_some(()));
    for (query, rows) in expected["answers"].as_object().unwrap() {
        let rows: Vec<&str> = rows.as_array().unwrap().iter().map(|row| row.as_str().unwrap()).collect();
        assert_eq!(answer(url, query), rows, "{query}");
    }
}

/// Whether a byte string stands in a file of the directory.
fn holds(dir: &Path, what: &str) -> bool {
    fs::read_dir(dir).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => holds(&path, what),
            false => fs::read(path).unwrap().windows(what.len()).any(|window| window == what.as_bytes()),
        }
    })
}

#[test]
fn directories_of_earlier_versions_open() {
    for version in versions() {
        let temp = tempfile::tempdir().unwrap();
        unpacked(&version, temp.path());
        let expected = repository().join(format!("tests/fixtures/{version}.json"));
        let expected: Value = serde_json::from_str(&fs::read_to_string(expected).unwrap()).unwrap();
        let server = Logging::start(temp.path(), &[]);
        check(&server.url, &expected);
        assert_eq!(
            overrides(&server.url),
            BTreeSet::from([EARLIEST.to_owned()]),
            "{version}: no setting of its server"
        );
        let told = server.stop();
        let stored_no_plans = version == "2630b9f";
        assert_eq!(
            told.contains("by a version of Millstream that stored no plans"),
            stored_no_plans,
            "{version}: {told}"
        );
        // Once is enough.
        let server = Logging::start(temp.path(), &[]);
        check(&server.url, &expected);
        // And it goes on: what was read is not read again, and what was paused is not lost.
        let insert = "INSERT INTO clicks (rowtime, page, n) VALUES (220000, 'home', 6);
            RESUME CSAS_PAUSED_15; DROP STREAM ended; CREATE STREAM ended AS SELECT page, n FROM clicks;";
        ksql(&server.url, insert, &json!({}));
        let total = "SELECT count, total FROM totals WHERE page = 'home';";
        eventually("the row is counted", || (answer(&server.url, total) == ["[4,14]"]).then_some(()));
        let resumed = || answer(&server.url, "SELECT * FROM paused;").len();
        eventually("the paused query has gone on", || (resumed() == 6).then_some(()));
        let told = server.stop();
        assert_eq!(told.matches("stored no plans").count(), usize::from(stored_no_plans), "{version}: {told}");
        assert!(!told.contains("ERROR"), "{version}: {told}");
    }
}

#[test]
fn no_password_is_found_anywhere() {
    let temp = tempfile::tempdir().unwrap();
    let settings = [
        "ssl.keystore.password=hunter2-server",
        "ssl.key.password=hunter2-key",
        "ksql.schema.registry.url=http://user:hunter2-url@127.0.0.1:1",
        "ksql.schema.registry.basic.auth.user.info=user:hunter2-info",
        "producer.sasl.jaas.config=hunter2-jaas",
    ];
    let server = Logging::start(temp.path(), &settings);
    let url = server.url.clone();
    let mut told = Vec::new();
    let mut ask = |path: &str, method: &str, body: Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = request(&url, method, path, &[("Accept", "application/vnd.ksql.v1+json")], &body);
        if let Some(at) = answer.body.find("hunter2") {
            let around = at.saturating_sub(200)..(at + 60).min(answer.body.len());
            told.push(format!("{path} {body:.200}: …{}…", &answer.body[around]));
        }
    };
    let session = json!({
        "ksql.streams.producer.ssl.key.password": "hunter2-session",
        "ksql.streams.producer.proxy": "http://user:hunter2-proxy@host",
    });
    let secret = "WITH ('connector.class'='Jdbc', 'connection.password'='hunter2-connector',
        'connection.url'='jdbc:postgresql://user:hunter2-jdbc@host/db')";
    for statement in [
        "CREATE STREAM s (k STRING KEY, n INT) WITH (kafka_topic='s', value_format='JSON', partitions=1);".to_owned(),
        "CREATE STREAM a AS SELECT * FROM s;".to_owned(),
        "SET 'ksql.streams.consumer.ssl.key.password'='hunter2-set'; CREATE STREAM b AS SELECT * FROM s;".to_owned(),
        "SET 'ssl.truststore.password'='hunter2-immutable';".to_owned(),
        "SET 'ksql.schema.registry.url'='http://user:hunter2-set-url@host';".to_owned(),
        "SET 'nobody.knows.password'='hunter2-unknown';".to_owned(),
        "SET 'ksql.streams.consumer.ssl.key.password'='hunter2-broken' now;".to_owned(),
        format!("CREATE SOURCE CONNECTOR c {secret};"),
        format!("CREATE SINK CONNECTOR c {secret}"),
        format!("EXPLAIN CREATE SINK CONNECTOR c {secret};"),
        "CREATE STREAM c (n INT) WITH (kafka_topic='c', value_format='JSON', partitions=1,
            'sasl.password'='hunter2-with');"
            .to_owned(),
        "SHOW PROPERTIES;".to_owned(),
        "DESCRIBE s EXTENDED;".to_owned(),
        "DESCRIBE a EXTENDED;".to_owned(),
        "EXPLAIN CSAS_A_0;".to_owned(),
        "SHOW QUERIES EXTENDED;".to_owned(),
        "INSERT INTO s (k, n) VALUES ('a', 1);".to_owned(),
        "TERMINATE CSAS_A_0;".to_owned(),
    ] {
        ask("/ksql", "POST", json!({"ksql": statement, "streamsProperties": session}));
    }
    let query = json!({"ksql": "SELECT * FROM s EMIT CHANGES LIMIT 1;", "streamsProperties": {
        "ksql.streams.auto.offset.reset": "earliest", "ksql.streams.producer.ssl.key.password": "hunter2-query",
    }});
    ask("/query", "POST", query);
    for path in ["/info", "/status", "/healthcheck", "/clusterStatus", "/status/stream/%60A%60/create"] {
        ask(path, "GET", Value::Null);
    }
    ask("/is_valid_property/ssl.keystore.password", "GET", Value::Null);
    let log = server.stop();
    assert_eq!(told, <[String; 0]>::default(), "in answers");
    assert_eq!(log.lines().find(|line| line.contains("hunter2")), None, "in the log");
    assert!(!holds(&temp.path().join("data"), "hunter2"), "in the data directory");
}
