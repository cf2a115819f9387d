//! Our own schema registry over HTTP: it answers as Confluent's does, and what it answered survives `kill -9`.

use std::process::Command;

use e2e::http::{Answer, request};
use e2e::process::Server;
use e2e::{repository, shared};
use serde_json::{Value, json};

const FOO: &str = r#"{"type":"record","name":"Foo","fields":[{"name":"A","type":["null","long"],"default":null}]}"#;

fn ask(server: &Server, method: &str, path: &str, body: &Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    request(&server.url, method, path, &[("Content-Type", "application/vnd.schemaregistry.v1+json")], &body)
}

/// The answer of a call that must succeed.
fn done(server: &Server, method: &str, path: &str, body: &Value) -> Value {
    let answer = ask(server, method, path, body);
    assert_eq!(answer.status, 200, "{method} {path}: {}", answer.body);
    assert_eq!(answer.content_type, "application/vnd.schemaregistry.v1+json");
    answer.json()
}

/// Status, error code and message of a call that must fail.
fn refused(server: &Server, method: &str, path: &str, body: &Value) -> (u16, i64, String) {
    let answer = ask(server, method, path, body);
    let error = answer.json();
    let message = error["message"].as_str().unwrap_or_else(|| panic!("{path}: {}", answer.body)).to_owned();
    (answer.status, error["error_code"].as_i64().unwrap(), message)
}

fn get(server: &Server, path: &str) -> Value {
    done(server, "GET", path, &Value::Null)
}

/// The forty questions of the reading room, with the answers that were looked at by hand.
#[test]
fn answers_forty_questions_as_confluents_does() {
    let Some(script) = shared("services/sr-check.sh") else { return };
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    let output = Command::new("bash").arg(script).arg(&server.url).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let file = repository().join("tests/e2e/registry.out");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &said).unwrap();
    }
    assert_eq!(said, std::fs::read_to_string(file).unwrap());
}

#[test]
fn what_was_registered_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    let begun = std::fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(get(&server, "/subjects"), json!([]));
    assert_eq!(done(&server, "POST", "/subjects/a%2Fb/versions", &json!({ "schema": FOO })), json!({ "id": 1 }));
    for i in 0..20 {
        let name = format!("x{i}-value");
        let schema = json!({ "schema": format!("{{\"type\":\"int\",\"n\":{i}}}") });
        done(&server, "POST", &format!("/subjects/{name}/versions"), &schema);
    }
    done(&server, "PUT", "/config/a%2Fb", &json!({ "compatibility": "full" }));
    done(&server, "DELETE", "/subjects/x3-value", &Value::Null);
    done(&server, "DELETE", "/subjects/x3-value?permanent=true", &Value::Null);
    server.kill();
    let server = Server::start(dir.path(), &[]);
    assert!(begun > 0);
    assert_eq!(get(&server, "/subjects").as_array().unwrap().len(), 20);
    assert_eq!(get(&server, "/schemas/ids/1"), json!({ "schema": FOO }));
    assert_eq!(get(&server, "/config/a%2Fb"), json!({ "compatibilityLevel": "FULL" }));
    assert_eq!(refused(&server, "GET", "/schemas/ids/5", &Value::Null), (404, 40403, "Schema 5 not found".to_owned()));
    let next = done(&server, "POST", "/subjects/y-value/versions", &json!({ "schema": "\"long\"" }));
    assert_eq!(next, json!({ "id": 22 }));
}

#[test]
fn lists_are_filtered_and_cut() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    for (subject, schema) in [("a", "\"int\""), ("a", "\"long\""), ("b", "\"int\""), ("ab", "\"string\"")] {
        done(&server, "POST", &format!("/subjects/{subject}/versions"), &json!({ "schema": schema }));
    }
    done(&server, "DELETE", "/subjects/b", &Value::Null);
    assert_eq!(get(&server, "/subjects?subjectPrefix=a"), json!(["a", "ab"]));
    assert_eq!(get(&server, "/subjects?subjectPrefix=:*:ab"), json!(["ab"]));
    assert_eq!(get(&server, "/subjects?deleted=true&offset=1&limit=1"), json!(["ab"]));
    assert_eq!(get(&server, "/subjects?deletedOnly=true"), json!(["b"]));
    assert_eq!(get(&server, "/subjects/b/versions?deleted=true"), json!([1]));
    assert_eq!(get(&server, "/schemas/ids/1/subjects"), json!(["a"]));
    assert_eq!(get(&server, "/schemas/ids/1/subjects?deleted=true"), json!(["a", "b"]));
    let versions = |path: &str| {
        let all = get(&server, path);
        all.as_array()
            .unwrap()
            .iter()
            .map(|it| format!("{} {}", it["subject"].as_str().unwrap(), it["version"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(versions("/schemas"), ["a 1", "a 2", "ab 1"]);
    assert_eq!(versions("/schemas?latestOnly=true&subjectPrefix=a&limit=1"), ["a 2"]);
    let text = ask(&server, "GET", "/schemas/ids/1/schema", &Value::Null);
    assert_eq!((text.status, &*text.body), (200, "\"int\""));
    let plain = request(&server.url, "GET", "/subjects", &[("Accept", "application/json")], "");
    assert_eq!(plain.content_type, "application/json");
}

#[test]
fn what_it_does_not_know_is_refused_with_confluents_codes() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    done(&server, "POST", "/subjects/x/versions", &json!({ "schema": FOO }));
    for (method, path, body, code, text) in [
        ("GET", "/subjects/y/versions", Value::Null, 40401, "Subject 'y' not found."),
        ("GET", "/subjects/x/versions/7", Value::Null, 40402, "Version 7 not found."),
        ("GET", "/subjects/x/versions/0", Value::Null, 42202, "The specified version '0' is not a valid version id."),
        ("POST", "/subjects/x", json!({ "schema": "\"int\"" }), 40403, "Schema not found"),
        ("DELETE", "/subjects/x?permanent=true", Value::Null, 40405, "Subject 'x' was not deleted first"),
        (
            "DELETE",
            "/subjects/x/versions/1?permanent=true",
            Value::Null,
            40407,
            "Subject 'x' Version 1 was not deleted",
        ),
        ("GET", "/config/x", Value::Null, 40408, "Subject 'x' does not have subject-level compatibility configured"),
        ("GET", "/mode/x", Value::Null, 40409, "Subject 'x' does not have subject-level mode configured"),
        ("POST", "/subjects/x/versions", json!({ "schema": "{" }), 42201, "Invalid schema of type AVRO"),
        (
            "POST",
            "/subjects/x/versions",
            json!({ "schema": "x", "schemaType": "XML" }),
            42201,
            "Invalid schema type XML",
        ),
        (
            "POST",
            "/subjects/x/versions",
            json!({ "schema": FOO, "ruleSet": {"domainRules": [{}, 1]} }),
            42201,
            "Invalid schema",
        ),
        (
            "POST",
            "/subjects/x/versions",
            json!({ "schema": "\"int\"", "id": 9 }),
            42205,
            "Subject x is not in import mode",
        ),
        ("POST", "/subjects/:.ctx:x/versions", json!({ "schema": FOO }), 42208, "The specified subject ':.ctx:x'"),
        ("PUT", "/config", json!({ "compatibility": "SOME" }), 42203, "Invalid compatibility level."),
        ("PUT", "/config", json!({ "compatibility": "NONE", "alias": "y" }), 42205, "'alias' is not supported"),
        ("PUT", "/mode", json!({ "mode": "SOME" }), 42204, "Invalid mode."),
        ("POST", "/subjects/x/versions", Value::Null, 422, "The request's body may not be empty"),
        ("PUT", "/subjects", json!({}), 405, "HTTP 405"),
        ("GET", "/subjects/x/y", Value::Null, 404, "HTTP 404"),
    ] {
        let (status, told, message) = refused(&server, method, path, &body);
        assert_eq!((told, message.starts_with(text)), (code, true), "{method} {path}: {message}");
        assert_eq!(i64::from(status), if code > 1_000 { code / 100 } else { code }, "{method} {path}");
    }
    let large = json!({ "schema": format!("\"{}\"", "x".repeat(2 << 20)) });
    assert_eq!(refused(&server, "POST", "/subjects/x/versions", &large).1, 42209);
}
