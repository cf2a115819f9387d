//! Requests that make no sense, to every endpoint: each is refused with a 4xx that says why, and the server lives on.

use std::io::{Read, Write};

use e2e::http::{request, request_bytes};
use e2e::process::Server;

/// Without it /inserts-stream takes nothing over HTTP/1.1.
const TO_HTTP2: [(&str, &str); 2] = [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c")];
const QUERY_STREAM: &str = "/query-stream";
const ENDPOINTS: [&str; 5] = ["/ksql", "/query", QUERY_STREAM, "/inserts-stream", "/close-query"];

/// Bodies no endpoint can use.
fn damaged() -> Vec<(&'static str, Vec<u8>)> {
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        ("no JSON", text("SHOW STREAMS;")),
        ("half a document", text("{\"ksql\": \"SHOW STREAMS;\"")),
        ("an open string", text("{\"ksql\": \"SHOW")),
        ("an array", text("[1, 2]")),
        ("an empty array", text("[]")),
        ("a number", text("17")),
        ("null", text("null")),
        ("a string", text("\"SHOW STREAMS;\"")),
        ("a nested value", text("{\"ksql\": {\"a\": 1}, \"sql\": {\"a\": 1}, \"target\": [1], \"queryId\": {}}")),
        (
            "properties that are none",
            text(
                "{\"ksql\": \"SELECT 1;\", \"sql\": \"SELECT 1;\", \"target\": \"X\", \"queryId\": \"x\", \"streamsProperties\": 3, \"properties\": 3}",
            ),
        ),
        (
            "invalid UTF-8",
            b"{\"ksql\": \"\xff\xfe\", \"sql\": \"\xff\xfe\", \"target\": \"\xff\", \"queryId\": \"\xff\"}".to_vec(),
        ),
        ("zero bytes", vec![0; 64]),
        (
            "a lone surrogate",
            text("{\"ksql\": \"\\ud800\", \"sql\": \"\\ud800\", \"target\": \"\\ud800\", \"queryId\": \"\\ud800\"}"),
        ),
        ("a deep document", [vec![b'['; 100_000], vec![b']'; 100_000]].concat()),
        ("a byte order mark", text("\u{feff}{}")),
    ]
}

/// Statements no endpoint can use.
const STATEMENTS: [&str; 14] = [
    "",
    ";",
    ";;;",
    "'",
    "/*",
    "SELECT",
    "SELECT * FROM nowhere EMIT CHANGES;",
    "SELECT 1; SELECT 2;",
    "\u{0}",
    "INSERT INTO nowhere VALUES (1);",
    "SELECT ((((((((((1)))))))))) FROM `",
    "DROP STREAM nowhere;",
    "SELECT ${x} FROM y;",
    "🦀",
];

fn answer(server: &Server, path: &str, body: &[u8], what: &str) {
    let answer = request_bytes(&server.url, "POST", path, &TO_HTTP2, body);
    let said = format!("{path}, {what}: {} {}", answer.status, answer.body);
    assert!((400..500).contains(&answer.status), "{said}");
    let error = answer.json();
    assert!(error["error_code"].as_u64().is_some_and(|code| code / 100 == u64::from(answer.status)), "{said}");
    assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{said}");
}

#[test]
fn damaged_bodies_are_refused_with_reasons() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    for path in ENDPOINTS {
        for (what, body) in damaged() {
            answer(&server, path, &body, what);
        }
    }
    let alive = request(&server.url, "GET", "/info", &[], "");
    assert_eq!(alive.status, 200);
}

#[test]
fn inserts_are_taken_over_http1_only_from_clients_that_ask_for_http2() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let statement = "CREATE STREAM S (V INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);";
    e2e::http::ksql(&server.url, statement, &serde_json::json!({}));
    let insert = |headers: &[(&str, &str)]| {
        request(&server.url, "POST", "/inserts-stream", headers, "{\"target\":\"S\"}\n{\"V\":1}")
    };
    for headers in [&[][..], &[("Upgrade", "websocket"), ("Connection", "Upgrade")]] {
        let refused = insert(headers);
        assert_eq!((refused.status, refused.json()["error_code"].as_u64()), (400, Some(40004)), "{}", refused.body);
        assert!(refused.body.contains("only available when using HTTP2"), "{}", refused.body);
    }
    assert_eq!(insert(&[("Accept", "text/html")]).status, 404);
    assert_eq!(insert(&TO_HTTP2).body, "{\"seq\":0,\"status\":\"ok\"}\n");
}

#[test]
fn numbers_of_commands_may_be_texts_and_old_clients_of_queries_are_refused() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    for number in ["-1", "\"-1\"", "\" -1 \"", "\"\"", "-1.5", "null"] {
        let body = format!("{{\"ksql\":\"SHOW STREAMS;\",\"commandSequenceNumber\":{number}}}");
        assert_eq!(request(&server.url, "POST", "/ksql", &[], &body).status, 200, "{number}");
    }
    let host = server.url.trim_start_matches("http://");
    for path in ["/query", QUERY_STREAM] {
        let mut stream = std::net::TcpStream::connect(host).unwrap();
        write!(stream, "POST {path} HTTP/1.0\r\nContent-Length: 2\r\n\r\n{{}}").unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        assert!(said.starts_with("HTTP/1.0 400") && said.contains("HTTP1.1 or HTTP2"), "{path}: {said}");
    }
}

#[test]
fn bad_statements_are_refused_with_reasons() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    for statement in STATEMENTS {
        // An empty request to /ksql is no mistake.
        if !statement.trim_matches(';').is_empty() {
            answer(&server, "/ksql", serde_json::json!({ "ksql": statement }).to_string().as_bytes(), statement);
        }
        answer(&server, "/query", serde_json::json!({ "ksql": statement }).to_string().as_bytes(), statement);
        answer(&server, QUERY_STREAM, serde_json::json!({ "sql": statement }).to_string().as_bytes(), statement);
    }
}

#[test]
fn a_statement_nested_deeper_than_any_person_writes_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let nested = |open: &str, close: &str| format!("SELECT {}1{} FROM x;", open.repeat(20_000), close.repeat(20_000));
    for statement in [
        nested("(", ")"),
        nested("-", ""),
        nested("ARRAY[", "]"),
        nested("NOT ", ""),
        nested("CASE WHEN ", " THEN 1 END"),
    ] {
        answer(&server, "/ksql", serde_json::json!({ "ksql": statement }).to_string().as_bytes(), &statement[..20]);
    }
    assert_eq!(request(&server.url, "GET", "/info", &[], "").status, 200);
}

#[test]
fn a_body_without_end_is_cut_off() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let before = server.memory();
    let body = vec![b' '; 64 << 20];
    for path in ENDPOINTS {
        let answer = request_bytes(&server.url, "POST", path, &TO_HTTP2, &body);
        assert_eq!(answer.status, 413, "{path}: {}", answer.body);
    }
    let ksql = |sql: &str| e2e::http::ksql(&server.url, sql, &serde_json::json!({}));
    ksql("CREATE STREAM S (V VARCHAR) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);");
    let rows = [b"{\"target\": \"S\"}\n{\"V\": \"a\"}\n{\"V\": \"".to_vec(), vec![b'x'; 64 << 20]].concat();
    let answer = request_bytes(&server.url, "POST", "/inserts-stream", &TO_HTTP2, &rows);
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("\"ok\"") && answer.body.contains("41300"), "{}", answer.body);
    let grown = server.memory().saturating_sub(before) >> 20;
    assert!(grown < 64, "{grown} MB more than before");
}
