//! The shell: scripts, exit codes, what goes where.

use e2e::process::{Server, run};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_script_stops_at_its_first_failure() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let output = run(&[&server.url, "-e", "SHOW STREAMS; SELECT * FROM nowhere EMIT CHANGES; SHOW TABLES;"], "");
    assert_ne!(output.status.code(), Some(0));
    assert!(text(&output.stderr).contains("NOWHERE"), "{}", text(&output.stderr));
    assert!(!text(&output.stdout).contains("tables"), "the statement behind the failure must not run");
}

#[test]
fn statements_come_from_standard_input_too() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let script = "CREATE STREAM s (v INT) WITH (kafka_topic='s', value_format='json', partitions=1);\nSHOW STREAMS;";
    let output = run(&[&server.url], script);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("Stream created"), "{}", text(&output.stdout));
    let json = run(&[&server.url, "--output", "JSON", "-e", "SHOW STREAMS"], "");
    let shown: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(shown["streams"][0]["name"], "S");
}

#[test]
fn a_syntax_error_is_drawn_with_a_caret() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let output = run(&[&server.url, "-e", "SELEC * FROM s;"], "");
    assert_ne!(output.status.code(), Some(0));
    assert!(text(&output.stderr).contains('^'), "{}", text(&output.stderr));
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let output = run(&["http://127.0.0.1:1", "-e", "SHOW STREAMS;"], "");
    assert_ne!(output.status.code(), Some(0));
    assert!(text(&output.stderr).contains("http://127.0.0.1:1"), "{}", text(&output.stderr));
}
