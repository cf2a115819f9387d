//! The server as a process: how it starts, how it refuses to, how it stops.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

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
    let mut until = |word: &str| told.find(|line| line.contains(word)).unwrap_or_else(|| panic!("nothing of {word}"));
    assert!(until("opening").contains(&data.path().display().to_string()));
    assert!(until("started").contains("took_ms="));
    assert!(until("CSAS_GOOD_0").contains("the query runs"));
    assert!(until("carried out").contains("query=\"CSAS_GOOD_0\""));
    let bad = until("processing");
    assert!(bad.contains("WARN") && bad.contains("topic=bad") && bad.contains("offset=0"), "{bad}");
    signal(server.id(), "TERM");
    assert!(told.any(|line| line.contains("stopped")));
    assert!(server.wait().unwrap().success());
}

/// A broker that never answers keeps a server from opening for a while, and then for good.
#[test]
fn while_it_opens_it_says_so_to_whoever_asks_and_can_be_stopped() {
    let (data, broker) = (tempfile::tempdir().unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let settings = [
        format!("data.dir={}", data.path().display()),
        format!("bootstrap.servers={}", broker.local_addr().unwrap()),
        "listeners=http://127.0.0.1:0".to_owned(),
        "response.http.headers.config=set X-Frame-Options: DENY".to_owned(),
        "access.control.allow.origin=http://friend".to_owned(),
    ];
    let given: Vec<&str> = settings.iter().flat_map(|setting| ["-D", setting]).collect();
    let mut server = spawn(&[&["server"], &given[..]].concat());
    let mut told = BufReader::new(server.stderr.take().unwrap()).lines().map(Result::unwrap);
    let opening = told.find(|line| line.contains("opening")).unwrap();
    let address = opening.split_once("address=").unwrap().1.split(' ').next().unwrap();
    let url = format!("http://{address}");
    // Those who say nothing keep nobody out for long.
    let _idle: Vec<TcpStream> = (0..120).map(|_| TcpStream::connect(address).unwrap()).collect();
    for path in ["/chc/live", "/livez", "/chc/live/"] {
        assert_eq!(request(&url, "GET", path, &[], "").status, 200, "{path}");
    }
    for path in ["/chc/ready", "/readyz", "/healthcheck", "/info", "/"] {
        let answer = request(&url, "GET", path, &[], "");
        assert_eq!((answer.status, &answer.json()["error_code"]), (503, &json!(50302)), "{path}");
        assert_eq!(answer.json()["message"], "KSQL is not yet ready to serve requests.");
    }
    for path in ["/ksql", "/livez"] {
        assert_eq!(request(&url, "POST", path, &[], "{}").status, 503, "{path}");
    }
    // Who is let in, and what all answers have, is as later.
    let head = |origin: &str| {
        let mut socket = TcpStream::connect(address).unwrap();
        let request =
            format!("POST /ksql HTTP/1.1\r\nHost: {address}\r\nOrigin: {origin}\r\nContent-Length: 0\r\n\r\n");
        socket.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer.split_once("\r\n\r\n").unwrap().0.to_ascii_lowercase()
    };
    let (friend, foe) = (head("http://friend"), head("http://foe"));
    assert!(
        friend.starts_with("http/1.1 503") && friend.contains("access-control-allow-origin: http://friend"),
        "{friend}"
    );
    assert!(foe.starts_with("http/1.1 403"), "{foe}");
    assert!([friend, foe].iter().all(|head| head.contains("x-frame-options: deny")));
    // It waits for a broker as long as it takes, and whoever stops it meanwhile does not.
    told.find(|line| line.contains("waits for Kafka")).unwrap();
    signal(server.id(), "TERM");
    assert!(server.wait().unwrap().success());
    let mut said = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "", "it never listened");
}

#[test]
fn head_is_get_without_the_body() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let host = server.url.strip_prefix("http://").unwrap();
    let ask = |method: &str, path: &str| {
        let mut socket = TcpStream::connect(host).unwrap();
        let request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let lines = head.lines().filter(|line| !line.to_ascii_lowercase().starts_with("date:"));
        (lines.map(str::to_owned).collect::<BTreeSet<_>>(), body.to_owned())
    };
    for path in
        ["/", "/info", "/healthcheck", "/status", "/v1/metadata", "/chc/live", "/chc/ready", "/livez", "/readyz"]
    {
        let ((head, nothing), (get, _)) = (ask("HEAD", path), ask("GET", path));
        assert_eq!((head, nothing.as_str()), (get, ""), "{path}");
    }
    let (head, _) = ask("HEAD", "/ksql");
    assert!(head.iter().any(|line| line.contains(" 404 ")), "{head:?}");
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
