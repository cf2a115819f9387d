//! The server as a process: how it starts, how it refuses to, how it stops.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;

use e2e::http::{ksql, open, request};
use e2e::process::{Server, signal, spawn};
use serde_json::json;

fn start_with(settings: &[String]) -> (Option<i32>, String) {
    let mut args = vec!["server"];
    for setting in settings {
        args.extend(["-D", setting.as_str()]);
    }
    Server::fails(&args)
}

#[test]
fn it_answers_and_stops_cleanly() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let info = request(&server.url, "GET", "/info", &[], "").json();
    assert_eq!(info["KsqlServerInfo"]["serverStatus"], "RUNNING");
    ksql(&server.url, "CREATE STREAM s (v INT) WITH (kafka_topic='s', value_format='json', partitions=1);", &json!({}));
    assert!(server.terminate(), "SIGTERM must end it with exit code 0");

    let server = Server::start(data.path(), &[]);
    let streams = ksql(&server.url, "SHOW STREAMS;", &json!({}));
    assert_eq!(streams[0]["streams"][0]["name"], "S", "what was created is there after a restart");
    assert!(server.interrupt(), "Ctrl-C must end it with exit code 0");
}

#[test]
fn what_happens_is_told_on_standard_error() {
    let data = tempfile::tempdir().unwrap();
    let data_dir = format!("data.dir={}", data.path().display());
    let mut server = spawn(&["server", "-D", &data_dir, "-D", "listeners=http://127.0.0.1:0"]);
    let mut first = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let url = first.trim().strip_prefix("listening on ").unwrap();
    let statements = "CREATE STREAM RAW (V VARCHAR) WITH (KAFKA_TOPIC='bad', VALUE_FORMAT='KAFKA', PARTITIONS=1);
        CREATE STREAM BAD (V INT) WITH (KAFKA_TOPIC='bad', VALUE_FORMAT='JSON');
        CREATE STREAM GOOD AS SELECT V FROM BAD;
        INSERT INTO RAW (V) VALUES ('no json');";
    ksql(url, statements, &json!({}));
    let mut told = BufReader::new(server.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(told.next().unwrap().contains("started"));
    let bad = told.next().unwrap();
    assert!(bad.contains("WARN") && bad.contains("topic=bad") && bad.contains("offset=0"), "{bad}");
    signal(server.id(), "TERM");
    assert!(told.any(|line| line.contains("stopped")));
    assert!(server.wait().unwrap().success());
}

#[test]
fn a_second_process_on_the_same_data_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let _first = Server::start(data.path(), &[]);
    let settings = [format!("data.dir={}", data.path().display()), "listeners=http://127.0.0.1:0".to_owned()];
    let (code, error) = start_with(&settings);
    assert_ne!(code, Some(0));
    assert!(error.contains(&data.path().display().to_string()) && error.contains("another process"), "{error}");
}

#[test]
fn a_busy_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = tempfile::tempdir().unwrap();
    let settings = [format!("data.dir={}", data.path().display()), format!("listeners=http://{address}")];
    let (code, error) = start_with(&settings);
    assert_ne!(code, Some(0));
    assert!(error.contains(&address), "{error}");
}

#[test]
fn a_foreign_directory_is_left_alone() {
    let data = tempfile::tempdir().unwrap();
    fs::write(data.path().join("holiday.txt"), "photos").unwrap();
    let settings = [format!("data.dir={}", data.path().display()), "listeners=http://127.0.0.1:0".to_owned()];
    let (code, error) = start_with(&settings);
    assert_ne!(code, Some(0));
    assert!(error.contains(&data.path().display().to_string()), "{error}");
    let names: Vec<_> = fs::read_dir(data.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["holiday.txt"], "nothing may have changed");
}

#[test]
fn a_directory_of_another_version_or_kind_is_left_alone() {
    let data = tempfile::tempdir().unwrap();
    assert!(Server::start(data.path(), &[]).terminate());
    let file = data.path().join("FORMAT");
    let written = fs::read_to_string(&file).unwrap();
    let before = || {
        let mut names: Vec<_> = fs::read_dir(data.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let names = before();
    let number = |line: &str| line.strip_prefix("format ").and_then(|number| number.parse::<u32>().ok());
    let format = written.lines().find_map(number).unwrap();
    let set = |other: &str| fs::write(&file, written.replace(&format!("format {format}"), other)).unwrap();
    let settings = [format!("data.dir={}", data.path().display()), "listeners=http://127.0.0.1:0".to_owned()];
    for (line, expected) in [("format 4000000", "newer version"), ("format x", "not a Millstream data directory")] {
        set(line);
        let (code, error) = start_with(&settings);
        assert_eq!(code, Some(1), "{error}");
        assert!(error.contains(expected) && error.contains(&data.path().display().to_string()), "{error}");
    }
    assert_eq!(before(), names, "nothing may have changed");
    set(&format!("format {format}"));
    let (code, error) =
        start_with(&[format!("data.dir={}", file.display()), "listeners=http://127.0.0.1:0".to_owned()]);
    assert_eq!(code, Some(1), "{error}");
    assert!(error.contains(&file.display().to_string()), "{error}");
    assert!(Server::start(data.path(), &[]).terminate());
}

#[test]
fn mistakes_on_the_command_line_are_explained() {
    let (code, error) = start_with(&["listners=http://127.0.0.1:0".to_owned()]);
    assert_ne!(code, Some(0));
    assert!(error.contains("did you mean 'listeners'"), "{error}");
    let (code, error) = Server::fails(&["server", "--no-such-flag"]);
    assert_ne!(code, Some(0));
    assert!(error.contains("--no-such-flag"), "{error}");
    let (code, error) = Server::fails(&["server", "/no/such/file.properties"]);
    assert_ne!(code, Some(0));
    assert!(error.contains("/no/such/file.properties"), "{error}");
}

#[test]
fn a_terminated_cluster_is_empty_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let statements = "CREATE TYPE POINT AS STRUCT<X INT>;
        CREATE STREAM A (ID INT KEY, V INT) WITH (KAFKA_TOPIC='raw', VALUE_FORMAT='JSON', PARTITIONS=1);
        CREATE SOURCE TABLE `b-b` (ID INT PRIMARY KEY, V INT) WITH (KAFKA_TOPIC='raw', VALUE_FORMAT='JSON');
        CREATE TABLE A_COUNT AS SELECT ID, COUNT(*) AS N FROM A GROUP BY ID;
        CREATE TABLE A_BIG AS SELECT * FROM A_COUNT WHERE N > 1;
        CREATE STREAM C (ID INT KEY, V INT) WITH (KAFKA_TOPIC='copy', VALUE_FORMAT='JSON', PARTITIONS=1);
        INSERT INTO C SELECT * FROM A;
        INSERT INTO A VALUES (1, 1);";
    ksql(&server.url, statements, &json!({}));
    let body = json!({"sql": "SELECT * FROM A EMIT CHANGES;"}).to_string();
    let mut push = open(&server.url, "POST", "/query-stream", &[], &body);
    assert_eq!(push.head().0, 200);
    let terminate = |body: &str| request(&server.url, "POST", "/ksql/terminate", &[], body);
    assert_eq!(terminate("{\"deleteTopicList\":[\"(\"]}").status, 400);
    assert_eq!(ksql(&server.url, "SHOW QUERIES;", &json!({}))[0]["queries"].as_array().unwrap().len(), 5);
    let answer = terminate("{\"deleteTopicList\":[\"ra\", \"A_.*\", \"copy\"]}");
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()[0]["commandId"], "cluster/TerminateCluster/terminate");
    while push.piece().is_some() {}
    for (method, path) in [("GET", "/info"), ("POST", "/ksql"), ("GET", "/healthcheck"), ("GET", "/no/such/path")] {
        let answer = request(&server.url, method, path, &[], "{}");
        assert_eq!((answer.status, &answer.json()["error_code"]), (503, &json!(50304)), "{path}");
    }
    assert_eq!(request(&server.url, "GET", "/chc/live", &[], "").status, 200);
    drop(server);
    let server = Server::start(data.path(), &[]);
    let lists = ksql(&server.url, "SHOW STREAMS; SHOW TABLES; SHOW QUERIES; SHOW TYPES; SHOW ALL TOPICS;", &json!({}));
    for (list, name) in ["streams", "tables", "queries"].into_iter().enumerate() {
        assert_eq!(lists[list][name], json!([]), "{lists}");
    }
    assert_eq!(lists[3]["types"], json!({}));
    assert_eq!(lists[4]["topics"], json!([{"name": "raw", "replicaInfo": [1]}]));
}
