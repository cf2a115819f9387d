//! Settings: files, the environment, the command line, and what a server says about those that have no effect.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use e2e::http::{ksql, request};
use e2e::process::binary;
use e2e::repository;
use serde_json::{Value, json};

/// A server that was started with these arguments and variables, on a data directory and a port of its own.
struct Started {
    child: Child,
    url: String,
    /// What it said on standard error before it began to listen.
    said: Vec<String>,
}

impl Started {
    fn new(data: &Path, args: &[&str], variables: &[(&str, &str)]) -> Self {
        let data_dir = format!("data.dir={}", data.display());
        // The files name brokers; what is tested here needs none.
        let own = ["-D", &data_dir, "-D", "listeners=http://127.0.0.1:0", "-D", "bootstrap.servers="];
        let mut child = Command::new(binary())
            .arg("server")
            .args(args)
            .args(own)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let said: Vec<String> = lines.take_while(|line| !line.contains("started")).collect();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let url = first.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("it said {said:#?}")).to_owned();
        Self { child, url, said }
    }

    /// The settings that were said to have no effect.
    fn ineffective(&self) -> Vec<&str> {
        self.said
            .iter()
            .filter_map(|line| line.split_once(" has no effect: "))
            .filter_map(|(start, _)| start.rsplit(' ').next())
            .collect()
    }

    fn property(&self, name: &str) -> Value {
        let listed = ksql(&self.url, "SHOW PROPERTIES;", &json!({}));
        let properties = listed[0]["properties"].as_array().unwrap().clone();
        let found = properties.into_iter().find(|property| property["name"] == name);
        found.unwrap_or_else(|| panic!("{name} is not shown"))["value"].clone()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn file(name: &str) -> PathBuf {
    repository().join("tests/e2e/properties").join(name)
}

#[test]
fn ksqldbs_own_files_start_a_server_that_names_what_has_no_effect() {
    let plain: &[&str] = &[
        "ksql.logging.processing.stream.auto.create",
        "ksql.logging.processing.topic.auto.create",
        "ksql.server.ui.enabled",
    ];
    let production: &[&str] = &[
        "ksql.internal.topic.min.insync.replicas",
        "ksql.logging.processing.stream.auto.create",
        "ksql.logging.processing.topic.auto.create",
        "ksql.streams.num.standby.replicas",
        "ksql.streams.producer.acks",
        "ksql.streams.producer.delivery.timeout.ms",
        "ksql.streams.producer.max.block.ms",
        "ksql.streams.state.dir",
    ];
    for (name, expected) in [("ksql-server.properties", plain), ("ksql-production-server.properties", production)] {
        let data = tempfile::tempdir().unwrap();
        let file = file(name);
        let server = Started::new(data.path(), &[file.to_str().unwrap()], &[]);
        assert_eq!(server.ineffective(), expected, "{name}");
        assert_eq!(server.said.len(), expected.len(), "{:#?}", server.said);
        assert_eq!(request(&server.url, "GET", "/info", &[], "").status, 200);
    }
}

#[test]
fn the_command_line_wins_over_the_environment_and_that_over_the_file() {
    let data = tempfile::tempdir().unwrap();
    let file = file("ksql-production-server.properties");
    let variables = [
        ("KSQL_LISTENERS", "http://nobody.is.here:1"),
        ("KSQL_KSQL_SERVICE_ID", "weak_"),
        ("KSQL_OPTS", "-Dksql.service.id=strong_ -Xmx1g"),
        ("KSQL_KSQL_INTERNAL_TOPIC_REPLICAS", "2"),
        ("KSQL_KSQL_MAX_PUSH_QUERIES", "7"),
        ("KSQL_KSQL_HEARTBEAT_ENABLE", "true"),
        ("KSQL_HEAP_OPTS", "-Xmx1g"),
        ("KSQL_PORT", "tcp://10.0.0.1:8088"),
    ];
    let args = [file.to_str().unwrap(), "-D", "ksql.max.push.queries=8"];
    let server = Started::new(data.path(), &args, &variables);
    assert_eq!(server.property("ksql.service.id"), "strong_");
    assert_eq!(server.property("ksql.internal.topic.replicas"), "2");
    assert_eq!(server.property("ksql.max.push.queries"), "8");
    let said = server.ineffective();
    for name in ["ksql.heartbeat.enable", "KSQL_HEAP_OPTS", "-Xmx1g", "port", "ksql.streams.state.dir"] {
        assert!(said.contains(&name), "{name} is missing in {said:?}");
    }
}
