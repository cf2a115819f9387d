//! Settings: files, the environment, the command line, and what a server says about those that have no effect.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use e2e::http::{ksql, request};
use e2e::process::binary;
use e2e::repository;
use serde_json::{Value, json};

/// A server that was started with these arguments and variables, on a data directory and a port of its own.
struct Started {
    child: Child,
    url: String,
    /// Where else it listens.
    also: Vec<String>,
    stderr: BufReader<ChildStderr>,
    /// What it said on standard error before it began to listen, beyond what it always says.
    said: Vec<String>,
}

impl Started {
    fn new(data: &Path, args: &[&str], variables: &[(&str, &str)]) -> Self {
        let data_dir = format!("data.dir={}", data.display());
        // The files name brokers; what is tested here needs none.
        let mut own = vec!["-D", &data_dir, "-D", "bootstrap.servers="];
        let listeners = args.iter().find_map(|arg| arg.strip_prefix("listeners="));
        if listeners.is_none() {
            own.extend(["-D", "listeners=http://127.0.0.1:0"]);
        }
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
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let lines = stderr.by_ref().lines().map(Result::unwrap);
        let lines = lines.take_while(|line| !line.contains("started"));
        let said: Vec<String> = lines.filter(|line| !line.contains(" INFO ")).collect();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut urls = lines
            .take(listeners.map_or(1, |listeners| listeners.split(',').count()))
            .map(|line| line.strip_prefix("listening on ").unwrap_or_else(|| panic!("it said {line}")).to_owned());
        let url = urls.next().unwrap_or_else(|| panic!("it said {said:#?}"));
        let also = urls.collect();
        Self { child, url, also, stderr, said }
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
    let plain: &[&str] = &["ksql.server.ui.enabled"];
    let production: &[&str] = &[
        "ksql.streams.num.standby.replicas",
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

#[test]
fn a_server_listens_at_several_addresses() {
    let data = tempfile::tempdir().unwrap();
    let args = ["-D", "listeners=http://127.0.0.1:0,http://127.0.0.1:0,http://127.0.0.1:0"];
    let server = Started::new(data.path(), &args, &[]);
    assert_eq!(server.also.len(), 2);
    for url in [&server.url, &server.also[0], &server.also[1], &server.url] {
        assert_eq!(request(url, "GET", "/info", &[], "").status, 200, "{url}");
    }
}

#[test]
fn answers_have_the_headers_that_were_set_and_requests_are_told_of() {
    let data = tempfile::tempdir().unwrap();
    let args = [
        "-D",
        "response.http.headers.config=set X-Frame-Options: DENY",
        "-D",
        "ksql.endpoint.logging.log.queries=true",
        "-D",
        "ksql.endpoint.logging.ignored.paths.regex=/chc.*",
    ];
    let mut server = Started::new(data.path(), &args, &[]);
    assert_eq!(server.said, Vec::<String>::new());
    for (path, status) in [("/chc/live", 200), ("/info?a=b", 200), ("/nothing", 404)] {
        let host = server.url.strip_prefix("http://").unwrap();
        let mut socket = TcpStream::connect(host).unwrap();
        socket
            .write_all(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes())
            .unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {answer}");
        assert!(answer.to_ascii_lowercase().contains("x-frame-options: deny"), "{path}: {answer}");
    }
    let mut told = server.stderr.by_ref().lines().map(Result::unwrap).filter(|line| line.contains("GET"));
    let (first, second) = (told.next().unwrap(), told.next().unwrap());
    assert!(first.contains("INFO") && first.contains("127.0.0.1 - - \"GET /info?a=b HTTP/1.1\" 200"), "{first}");
    assert!(second.contains("WARN") && second.contains("/nothing"), "{second}");
}
