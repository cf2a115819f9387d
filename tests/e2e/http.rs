//! What clients may do to the server's sockets, and what they may not.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use e2e::http::{Stream, ksql, open, request};
use e2e::process::Server;
use serde_json::{Value, json};

/// Longer than anything here takes, however busy the machine is.
const HANG: Duration = Duration::from_secs(60);

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(HANG)).unwrap();
    stream
}

fn send(server: &Server, bytes: &[u8]) -> TcpStream {
    let mut stream = connect(server);
    stream.write_all(bytes).unwrap();
    stream
}

/// All that comes until the server closes.
fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        // It closed before it had read everything.
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
        Err(error) => panic!("{error} after {}", String::from_utf8_lossy(&bytes)),
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn status(answer: &str) -> Option<u16> {
    answer.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}

const STREAM: &str =
    "CREATE STREAM S (ID INT KEY, V VARCHAR) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);";

fn push(server: &Server) -> Stream {
    let body = json!({"sql": "SELECT * FROM S EMIT CHANGES;", "properties": {"auto.offset.reset": "earliest"}});
    let mut push = open(&server.url, "POST", "/query-stream", &[], &body.to_string());
    assert_eq!(push.head().0, 200);
    push
}

/// More rows than sockets and queues hold, so that the query has to wait for its client.
fn fill(server: &Server) {
    let value = "x".repeat(100_000);
    let insert = format!("INSERT INTO S VALUES (1, '{value}');").repeat(30);
    (0..3).for_each(|_| drop(ksql(&server.url, &insert, &json!({}))));
}

#[test]
fn sigterm_ends_the_server_whatever_its_clients_do() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[("millstream.shutdown.timeout.ms", "4000")]);
    ksql(&server.url, STREAM, &json!({}));
    fill(&server);
    let silent = connect(&server);
    let half_a_head = send(&server, b"POST /ksql HTTP/1.1\r\nHost: localhost\r\nContent-Le");
    let half_a_body = send(&server, b"POST /ksql HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{\"ksql\":");
    let http2 = send(&server, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    let web_socket = send(
        &server,
        b"GET /ws/query?request=%7B%22ksql%22%3A%22SELECT+*+FROM+S+EMIT+CHANGES%3B%22%2C%22streamsProperties%22%3A%7B%22auto.offset.reset%22%3A%22earliest%22%7D%7D \
          HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
          Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    let mut kept = send(&server, b"GET /info HTTP/1.1\r\nHost: localhost\r\n\r\n");
    kept.read_exact(&mut [0; 64]).unwrap();
    let unread = push(&server);
    let asserting = json!({"ksql": "ASSERT TOPIC never TIMEOUT 1 HOUR;"}).to_string();
    let asserting = open(&server.url, "POST", "/ksql", &[], &asserting);
    let url = server.url.clone();
    let inserting = std::thread::spawn(move || {
        let body = json!({"ksql": "INSERT INTO S VALUES (2, 'y');"}).to_string();
        let mut sent = 0;
        while sent < 10_000 && std::panic::catch_unwind(|| request(&url, "POST", "/ksql", &[], &body)).is_ok() {
            sent += 1;
        }
    });
    std::thread::sleep(Duration::from_millis(300));
    assert!(server.terminate(), "it must end with exit code 0");
    drop((silent, half_a_head, half_a_body, http2, web_socket, kept, unread, asserting));
    inserting.join().unwrap();
}

#[test]
fn a_second_signal_does_not_wait() {
    let data = tempfile::tempdir().unwrap();
    let data_dir = format!("data.dir={}", data.path().display());
    let settings =
        ["-D", &data_dir, "-D", "listeners=http://127.0.0.1:0", "-D", "millstream.shutdown.timeout.ms=600000"];
    let mut child = e2e::process::spawn(&[&["server"], settings.as_slice()].concat());
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let host = first.trim().strip_prefix("listening on http://").unwrap();
    let mut half = TcpStream::connect(host).unwrap();
    half.write_all(b"POST /ksql HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{").unwrap();
    std::thread::sleep(Duration::from_millis(300));
    e2e::process::signal(child.id(), "TERM");
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(child.try_wait().unwrap(), None, "it waits for the request");
    e2e::process::signal(child.id(), "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(143));
}

#[test]
fn clients_that_keep_the_server_waiting_are_given_up() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[("millstream.http.receive.timeout.ms", "300")]);
    // No answer, but an end.
    assert_eq!(rest(connect(&server)), "");
    assert_eq!(rest(send(&server, b"POST /ksql HTTP/1.1\r\nHost: localhost\r\nX-A: ")), "");
    for (path, head) in [
        ("/ksql", "Content-Length: 100"),
        ("/query", "Transfer-Encoding: chunked"),
        ("/query-stream", "Content-Length: 9"),
    ] {
        let half = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\n{head}\r\n\r\n5\r\n{{\"");
        let answer = rest(send(&server, half.as_bytes()));
        assert_eq!(status(&answer), Some(408), "{path}: {answer}");
        assert!(answer.contains("millstream.http.receive.timeout.ms"), "{answer}");
    }
    // Between requests a connection may be silent.
    let mut kept = send(&server, b"GET /info HTTP/1.1\r\nHost: localhost\r\n\r\n");
    kept.read_exact(&mut [0; 200]).unwrap();
    std::thread::sleep(Duration::from_millis(900));
    kept.write_all(b"GET /info HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    assert!(rest(kept).contains("KsqlServerInfo"));
}

#[test]
fn idle_connections_end() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[("ksql.idle.connection.timeout.seconds", "1")]);
    ksql(&server.url, STREAM, &json!({}));
    let answer = rest(send(&server, b"GET /info HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    assert_eq!(status(&answer), Some(200), "{answer}");
    let body = json!({"sql": "SELECT * FROM S EMIT CHANGES;"}).to_string();
    let head =
        format!("POST /query-stream HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let answer = rest(send(&server, head.as_bytes()));
    assert!(answer.contains("queryId"), "{answer}");
    let begin = Instant::now();
    while ksql(&server.url, "SHOW QUERIES;", &json!({}))[0]["queries"] != json!([]) {
        assert!(begin.elapsed() < HANG, "the query of a connection that ended must end as well");
    }
}

#[test]
fn who_comes_beyond_the_limits_is_told_so() {
    let data = tempfile::tempdir().unwrap();
    let settings = [
        ("millstream.http.max.connections", "4"),
        ("millstream.http.max.requests", "3"),
        ("millstream.max.client.scans", "1"),
    ];
    let server = Server::start(data.path(), &settings);
    ksql(&server.url, STREAM, &json!({}));
    ksql(&server.url, "INSERT INTO S VALUES (1, 'x');", &json!({}));
    let print = json!({"ksql": "PRINT s FROM BEGINNING;"}).to_string();
    let mut first = open(&server.url, "POST", "/query", &[], &print);
    assert_eq!(first.head().0, 200);
    let second = request(&server.url, "POST", "/query", &[], &print);
    assert_eq!((second.status, &second.json()["error_code"]), (429, &json!(42900)));
    assert!(second.body.contains("millstream.max.client.scans"), "{}", second.body);
    let pushes = [push(&server), push(&server)];
    let refused = |most: &str| {
        let begin = Instant::now();
        loop {
            let answer = request(&server.url, "GET", "/info", &[], "");
            if answer.status == 503 && answer.body.contains(most) {
                assert_eq!(answer.json()["error_code"], 50300);
                return;
            }
            assert!(begin.elapsed() < HANG, "{} {}", answer.status, answer.body);
        }
    };
    refused("millstream.http.max.requests");
    let waiting = connect(&server);
    refused("millstream.http.max.connections");
    drop(waiting);
    drop(pushes);
    let begin = Instant::now();
    while request(&server.url, "GET", "/info", &[], "").status != 200 {
        assert!(begin.elapsed() < HANG, "there must be room again");
    }
}

#[test]
fn statements_that_wait_hold_up_nobody() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[("ksql.worker.pool.size", "2")]);
    let wait = json!({"ksql": "ASSERT TOPIC later TIMEOUT 1 HOUR; CREATE STREAM AFTER (V INT) WITH (KAFKA_TOPIC='later', VALUE_FORMAT='JSON');"});
    // The whole text is looked at before anything happens: without the topic nobody knows its partitions.
    assert_eq!(request(&server.url, "POST", "/ksql", &[], &wait.to_string()).status, 400);
    let wait = json!({"ksql": "ASSERT TOPIC later TIMEOUT 1 HOUR; CREATE STREAM AFTER (V INT) WITH (KAFKA_TOPIC='later', VALUE_FORMAT='JSON', PARTITIONS=1);"});
    let mut after = open(&server.url, "POST", "/ksql", &[], &wait.to_string());
    let assert = json!({"ksql": "ASSERT TOPIC later TIMEOUT 1 HOUR;"}).to_string();
    let leaving: Vec<Stream> = (0..200).map(|_| open(&server.url, "POST", "/ksql", &[], &assert)).collect();
    let mut waiting = open(&server.url, "POST", "/ksql", &[], &assert);
    let number = json!({"ksql": "SHOW STREAMS;", "commandSequenceNumber": 2}).to_string();
    let mut numbered = open(&server.url, "POST", "/ksql", &[], &number);
    drop(leaving);
    // Neither looking nor changing waits for them.
    ksql(&server.url, "SHOW TOPICS;", &json!({}));
    ksql(&server.url, STREAM, &json!({}));
    let topic = "CREATE STREAM LATER (V INT) WITH (KAFKA_TOPIC='later', VALUE_FORMAT='JSON', PARTITIONS=1);";
    ksql(&server.url, topic, &json!({}));
    let whole = |stream: &mut Stream| {
        let (status, _) = stream.head();
        let mut body = String::new();
        while let Some(piece) = stream.piece() {
            body.push_str(&piece);
        }
        (status, serde_json::from_str::<Value>(&body).unwrap())
    };
    let (status, answer) = whole(&mut waiting);
    assert_eq!((status, &answer[0]["@type"]), (200, &json!("assert_topic")), "{answer}");
    let (status, answer) = whole(&mut after);
    assert_eq!((status, &answer[1]["commandStatus"]["status"]), (200, &json!("SUCCESS")), "{answer}");
    let (status, answer) = whole(&mut numbered);
    assert_eq!((status, answer[0]["streams"].as_array().unwrap().len()), (200, 3), "{answer}");
    let short = json!({"ksql": "ASSERT TOPIC never TIMEOUT 10 MILLISECONDS;"}).to_string();
    let refused = request(&server.url, "POST", "/ksql", &[], &short);
    assert_eq!((refused.status, &refused.json()["message"]), (417, &json!("Topic never does not exist")));
}

#[test]
fn pages_of_others_are_kept_out_and_names_of_others_too() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let evil = [("Origin", "http://evil.example")];
    let refused = request(&server.url, "POST", "/ksql/terminate", &evil, "{}");
    assert_eq!((refused.status, &refused.json()["error_code"]), (403, &json!(40300)), "{}", refused.body);
    let web_socket = [
        ("Origin", "http://evil.example"),
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    assert_eq!(request(&server.url, "GET", "/ws/query", &web_socket, "").status, 403);
    let own = [("Origin", server.url.as_str())];
    assert_eq!(request(&server.url, "POST", "/ksql", &own, "{\"ksql\":\"SHOW STREAMS;\"}").status, 200);
    let rebound = rest(send(&server, b"GET /info HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"));
    assert_eq!(status(&rebound), Some(421), "{rebound}");
    drop(server);
    let server = Server::start(data.path(), &[("access.control.allow.origin", "http://evil.example")]);
    assert_eq!(request(&server.url, "POST", "/ksql", &evil, "{\"ksql\":\"SHOW STREAMS;\"}").status, 200);
}

#[test]
fn malformed_requests_are_refused_and_harm_nobody() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let long = "a".repeat(200_000);
    let many = "X-A: b\r\n".repeat(500);
    let requests = [
        ("no HTTP", "hello\r\n\r\n".to_owned()),
        ("a bad version", "GET /info HTTP/9.9\r\n\r\n".to_owned()),
        ("a bad method", "GE(T /info HTTP/1.1\r\n\r\n".to_owned()),
        ("a bad header name", "GET /info HTTP/1.1\r\nHost: localhost\r\nA b: c\r\n\r\n".to_owned()),
        ("a bad header value", "GET /info HTTP/1.1\r\nHost: localhost\r\nA: \0\r\n\r\n".to_owned()),
        ("a bad length", "POST /ksql HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n".to_owned()),
        (
            "two lengths",
            "POST /ksql HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}".to_owned(),
        ),
        (
            "a bad chunk",
            "POST /ksql HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}".to_owned(),
        ),
        (
            "a negative chunk",
            "POST /ksql HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\n{}".to_owned(),
        ),
        ("a long header", format!("GET /info HTTP/1.1\r\nHost: localhost\r\nA: {long}\r\n\r\n")),
        ("a long target", format!("GET /{long} HTTP/1.1\r\nHost: localhost\r\n\r\n")),
        ("many headers", format!("GET /info HTTP/1.1\r\nHost: localhost\r\n{many}\r\n")),
        ("HTTP/2 that is none", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nGET / HTTP/1.1\r\n\r\n".to_owned()),
    ];
    for (what, bytes) in requests {
        let mut stream = connect(&server);
        // It may close before it has read everything.
        let _sent = stream.write_all(bytes.as_bytes());
        let answer = rest(stream);
        assert!(status(&answer).is_none_or(|status| (400..500).contains(&status)), "{what}: {answer}");
    }
    let refused = |method: &str, path: &str, body: &[u8]| {
        let answer = e2e::http::request_bytes(&server.url, method, path, &[], body);
        assert!((400..500).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.body);
    };
    for path in ["/ksql", "/query", "/query-stream", "/close-query", "/ksql/terminate"] {
        refused("POST", path, b"\xff\xfe{");
        refused("POST", path, b"[1,2]");
        refused("POST", path, b"{\"ksql\":[1],\"sql\":{},\"queryId\":[],\"deleteTopicList\":1}");
        refused("PUT", path, b"{}");
        refused("GET", path, b"");
    }
    refused("POST", "/ksql", &[b'['; 100_000]);
    refused("POST", "/ksql", "{\"ksql\":".repeat(50_000).as_bytes());
    refused("POST", "/info", b"");
    refused("GET", "/%00/%ff/%zz", b"");
    refused("GET", "/status/stream/%ff/create", b"");
    refused("GET", "/ws/query?request=%ff%00", b"");
    assert_eq!(request(&server.url, "GET", "/info", &[], "").status, 200);
}

#[test]
fn a_flood_of_bad_records_does_not_flood_the_log() {
    let data = tempfile::tempdir().unwrap();
    let data_dir = format!("data.dir={}", data.path().display());
    let mut child = e2e::process::spawn(&["server", "-D", &data_dir, "-D", "listeners=http://127.0.0.1:0"]);
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let url = first.trim().strip_prefix("listening on ").unwrap();
    let bad = format!("INSERT INTO RAW (V) VALUES ('{}\n forged line');", "x".repeat(5_000)).repeat(500);
    let statements = format!(
        "CREATE STREAM RAW (V VARCHAR) WITH (KAFKA_TOPIC='bad', VALUE_FORMAT='KAFKA', PARTITIONS=1);
         CREATE STREAM BAD (V INT) WITH (KAFKA_TOPIC='bad', VALUE_FORMAT='JSON');
         CREATE STREAM GOOD AS SELECT V FROM BAD; {bad}"
    );
    ksql(url, &statements, &json!({}));
    let are_read = || ksql(url, "DESCRIBE GOOD EXTENDED;", &json!({})).to_string().contains("\"consumerOffset\":500");
    let begin = Instant::now();
    while !are_read() {
        assert!(begin.elapsed() < HANG);
    }
    e2e::process::signal(child.id(), "TERM");
    let mut log = String::new();
    child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(child.wait().unwrap().success());
    let bad: Vec<&str> = log.lines().filter(|line| line.contains("topic=bad")).collect();
    assert!((1..=100).contains(&bad.len()), "{} lines", bad.len());
    assert!(bad.iter().all(|line| line.len() < 3_000), "{}", bad[0]);
    assert!(log.contains("left_out="), "{log}");
    assert!(!log.lines().any(|line| line.trim_start().starts_with("forged")), "{log}");
}

#[test]
fn secrets_are_not_shown() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[("ksql.connect.url", "http://joe:s3cret@connect:8083")]);
    let shown =
        |statement: &str| request(&server.url, "POST", "/ksql", &[], &json!({"ksql": statement}).to_string()).body;
    let connector = "CREATE SOURCE CONNECTOR c WITH ('connector.class'='x', 'connection.url'='jdbc:x://joe:s3cret@h/d', 'password'='s3cret')";
    for statement in [
        "SHOW PROPERTIES;",
        &format!("{connector};"),
        &format!("{connector} AND;"),
        &format!("SHOW STREAMS; {connector};"),
        "SET 'ksql.streams.sasl.jaas.config'='s3cret' AND;",
        "SET 'ssl.keystore.password'='s3cret';",
    ] {
        let answer = shown(statement);
        assert!(!answer.contains("s3cret"), "{statement}: {answer}");
    }
    assert!(shown("SHOW PROPERTIES;").contains("http://[hidden]@connect:8083"));
    for path in ["/query", "/query-stream"] {
        for statement in [format!("{connector};"), format!("{connector}; SHOW STREAMS;"), format!("{connector} AND;")] {
            let body = json!({"ksql": &statement, "sql": &statement}).to_string();
            let answer = request(&server.url, "POST", path, &[], &body);
            assert!(answer.status == 400 && !answer.body.contains("s3cret"), "{path} {statement}: {}", answer.body);
        }
    }
    for path in ["/info", "/status", "/healthcheck", "/v1/metadata"] {
        assert!(!request(&server.url, "GET", path, &[], "").body.contains("s3cret"), "{path}");
    }
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

#[test]
fn http2_gone_wrong_harms_nobody() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let begin = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(4, 0, 0, &[])].concat();
    // GET http://localhost/info, from the static table and a literal.
    let head = [&[0x82, 0x86, 0x04, 5][..], b"/info", &[0x01, 9], b"localhost"].concat();
    let request = |stream: u32| frame(1, 5, stream, &head);
    let many = |one: &dyn Fn(u32) -> Vec<u8>| (0..20_000).flat_map(|i| one(2 * i + 1)).collect::<Vec<u8>>();
    let attacks = [
        ("no settings", frame(0, 0, 1, b"x")),
        ("bad header compression", frame(1, 5, 1, &[0xff; 64])),
        ("a frame that is too long", frame(0, 0, 1, &[0; 100_000])),
        ("data without a request", frame(0, 1, 7, b"x")),
        ("a window that overflows", frame(8, 0, 0, &0x7fff_ffff_u32.to_be_bytes()).repeat(2)),
        ("an even stream", request(2)),
        ("a stream twice", [request(1), request(1)].concat()),
        (
            "a head without end",
            [frame(1, 1, 1, &head), frame(9, 0, 1, &[0x40, 1, b'a', 1, b'b'].repeat(3_000)).repeat(200)].concat(),
        ),
        ("a head cut off", frame(1, 5, 1, &head)[..20].to_vec()),
        ("pings", many(&|_| frame(6, 0, 0, &[0; 8]))),
        ("settings", many(&|_| frame(4, 0, 0, &[]))),
        ("requests taken back", many(&|stream| [request(stream), frame(3, 0, stream, &[0, 0, 0, 8])].concat())),
        ("empty frames", [frame(1, 4, 1, &head), frame(0, 0, 1, &[]).repeat(50_000)].concat()),
    ];
    for (what, bytes) in attacks {
        let mut stream = send(&server, &begin);
        stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        // It may close before it has read everything, or wait until its answers are read.
        let _sent = stream.write_all(&bytes);
        let _read = stream.read(&mut [0; 4096]);
        drop(stream);
        let url = server.url.clone();
        assert_eq!(e2e::http::request(&url, "GET", "/info", &[], "").status, 200, "{what}");
    }
    assert!(server.memory() < 1 << 30, "{} bytes", server.memory());
    assert!(server.terminate());
}
