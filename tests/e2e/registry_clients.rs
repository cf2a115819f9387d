//! Other people's clients of Confluent's schema registry, and ours, against our own registry.

use std::ffi::OsStr;
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;

use e2e::http::{ksql, request, rows};
use e2e::kafka::Kafka;
use e2e::process::Server;
use e2e::{eventually, repository};
use serde_json::{Value, json};

use crate::clients::{Cache, install, output, python};

fn script(name: &str) -> PathBuf {
    repository().join("tests/e2e/registry_clients").join(name)
}

/// Runs a client's script against a fresh registry.
fn run(command: &mut Command) {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let (passed, text) = output(command.arg(&server.url).env("PYTHONDONTWRITEBYTECODE", "1"), "it");
    assert!(passed && text.trim().ends_with("done"), "{text}");
}

/// A Python with Confluent's client and serializers, and Google's compiler of Protobuf.
pub(crate) fn confluents_python() -> PathBuf {
    let cache = Cache::new("py-schema-registry");
    let packages: [&[&str]; 1] =
        [&["confluent-kafka[avro,protobuf,json,schemaregistry]==2.16.1", "grpcio-tools==1.85.1"]];
    python(&cache, OsStr::new("python3"), &packages)
}

#[test]
fn confluents_python_serializers() {
    run(Command::new(confluents_python()).arg(script("serializers.py")));
}

#[test]
fn npm_confluent_schema_registry() {
    let cache = Cache::new("npm-schema-registry");
    let package = json!({ "private": true, "dependencies": { "@kafkajs/confluent-schema-registry": "3.9.0" } });
    cache.holds(&package.to_string(), |dir| {
        fs::write(dir.join("package.json"), package.to_string()).unwrap();
        install(Command::new("npm").args(["install", "--no-audit", "--no-fund"]).current_dir(dir), "nodejs and npm");
    });
    let modules = cache.dir.join("node_modules");
    run(Command::new("node").arg(script("kafkajs.js")).env("NODE_PATH", modules));
}

#[test]
fn go_franz_sr() {
    let cache = Cache::new("go-schema-registry");
    let source = fs::read_to_string(script("franz.go")).unwrap();
    cache.holds(&source, |dir| {
        fs::write(dir.join("main.go"), &source).unwrap();
        fs::write(dir.join("go.mod"), "module check\n\ngo 1.24\n").unwrap();
        let needs = "Go and its proxy";
        install(Command::new("go").args(["get", "github.com/twmb/franz-go/pkg/sr@v1.8.0"]).current_dir(dir), needs);
        install(Command::new("go").args(["build", "-o", "check"]).current_dir(dir), needs);
    });
    run(&mut Command::new(cache.dir.join("check")));
}

fn register(url: &str, subject: &str, schema: &str) -> Value {
    let body = json!({ "schema": schema }).to_string();
    request(url, "POST", &format!("/subjects/{subject}/versions"), &[], &body).json()
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn listeners_of_the_registry_serve_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("http://127.0.0.1:{}", free_port());
    let server = Server::start(dir.path(), &[("schema.registry.listeners", &url)]);
    assert_eq!(register(&url, "x", "\"int\""), json!({ "id": 1 }));
    assert_eq!(request(&server.url, "GET", "/schemas/ids/1/schema", &[], "").body, "\"int\"");
    assert_eq!(request(&url, "GET", "/", &[], "").body, "{}");
    for (method, path) in [("GET", "/info"), ("POST", "/ksql"), ("GET", "/status")] {
        assert_eq!(request(&url, method, path, &[], "{\"ksql\":\"SHOW STREAMS;\"}").status, 404, "{path}");
    }
    assert!(server.terminate());
}

#[test]
fn a_server_that_names_another_registry_has_none() {
    let (own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let registry = Server::start(own.path(), &[]);
    let (id, url) = (register(&registry.url, "x-value", "\"int\""), registry.url.clone());
    assert_eq!(id, json!({ "id": 1 }));
    // The first of them is not there.
    let urls = format!("http://127.0.0.1:{},{url}", free_port());
    let server = Server::start(other.path(), &[("ksql.schema.registry.url", &urls)]);
    assert_eq!(request(&server.url, "GET", "/subjects", &[], "").status, 404);
    let shown = ksql(&server.url, "SHOW PROPERTIES;", &json!({})).to_string();
    assert!(shown.contains("ksql.schema.registry.url"), "{shown}");
    // A registry that is down stops no server.
    registry.kill();
    let down = Server::start(&other.path().join("down"), &[("ksql.schema.registry.url", &url)]);
    assert_eq!(request(&down.url, "GET", "/info", &[], "").status, 200);
    let refused = Server::try_start(&other.path().join("bad"), &[("ksql.schema.registry.url", "registry:8081")]);
    let (_, said) = refused.err().unwrap();
    assert!(said.contains("ksql.schema.registry.url") && said.contains("http://HOST:PORT is expected"), "{said}");
}

/// Queries on Avro with their schemas in another server's registry: while that is down, what needs no new id goes on, and
/// what needs one waits for it.
#[test]
fn queries_go_on_while_their_registry_is_down() {
    let (own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let address = format!("http://127.0.0.1:{}", free_port());
    let start_registry = || Server::start(own.path(), &[("listeners", &address)]);
    let settings = [("ksql.schema.registry.url", &*address), ("ksql.query.retry.backoff.initial.ms", "100")];
    let registry = start_registry();
    let server = Server::start(other.path(), &settings);
    let earliest = json!({ "auto.offset.reset": "earliest" });
    let statements =
        "CREATE STREAM numbers (k STRING KEY, n INT) WITH (kafka_topic='numbers', value_format='AVRO', partitions=1);
        CREATE TABLE sums WITH (value_format='PROTOBUF') AS SELECT k, SUM(n) AS total FROM numbers GROUP BY k;";
    ksql(&server.url, statements, &earliest);
    let subjects = request(&address, "GET", "/subjects", &[], "").json();
    let subjects: Vec<&str> = subjects.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(subjects.contains(&"numbers-value") && subjects.contains(&"SUMS-value"), "{subjects:?}");
    let insert = |server: &Server| ksql(&server.url, "INSERT INTO numbers VALUES ('a', 1);", &json!({}));
    let sum_is = |server: &Server, sum: i64| {
        eventually("the sum", || {
            let rows = rows(&server.url, "SELECT total FROM sums WHERE k = 'a';", &json!({}));
            (rows == [json!([sum])]).then_some(())
        });
    };
    insert(&server);
    sum_is(&server, 1);
    registry.kill();
    insert(&server);
    sum_is(&server, 2);
    let refused = json!({ "ksql": "CREATE STREAM more (n BIGINT) WITH (kafka_topic='more', value_format='AVRO', partitions=1);" });
    let refused = request(&server.url, "POST", "/ksql", &[], &refused.to_string());
    assert!(refused.status >= 400 && refused.body.contains("does not answer"), "{}", refused.body);
    // A server that begins without its registry serves, and its queries begin when it is back.
    server.kill();
    let server = Server::start(other.path(), &settings);
    assert_eq!(request(&server.url, "GET", "/info", &[], "").status, 200);
    let _registry = start_registry();
    eventually("the row is taken", || {
        let insert = json!({ "ksql": "INSERT INTO numbers VALUES ('a', 1);" }).to_string();
        (request(&server.url, "POST", "/ksql", &[], &insert).status == 200).then_some(())
    });
    eventually("the table can be read", || {
        let select = json!({ "ksql": "SELECT total FROM sums WHERE k = 'a';" }).to_string();
        let answer = request(&server.url, "POST", "/query", &[("Accept", "application/vnd.ksql.v1+json")], &select);
        answer.body.contains("[3]").then_some(())
    });
}

/// A record whose id nobody knows waits until the registry has said so twice, and then costs itself alone.
#[test]
fn an_id_that_another_registry_does_not_know_costs_its_record() {
    let (own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let registry = Server::start(own.path(), &[]);
    let server = Server::start(other.path(), &[("ksql.schema.registry.url", &registry.url)]);
    let statements =
        "CREATE STREAM numbers (k STRING KEY, n INT) WITH (kafka_topic='numbers', value_format='AVRO', partitions=1);
        CREATE STREAM raw (k STRING KEY, v BYTES) WITH (kafka_topic='numbers', value_format='KAFKA');
        CREATE TABLE sums AS SELECT k, SUM(n) AS total FROM numbers GROUP BY k;
        INSERT INTO numbers VALUES ('a', 1);
        INSERT INTO raw VALUES ('a', TO_BYTES('000000006302', 'hex'));
        INSERT INTO raw VALUES ('a', TO_BYTES('00000000640204', 'hex'));
        INSERT INTO numbers VALUES ('a', 2);";
    ksql(&server.url, statements, &json!({ "auto.offset.reset": "earliest" }));
    eventually("the sum of what can be read", || {
        let select = json!({ "ksql": "SELECT total FROM sums WHERE k = 'a';" }).to_string();
        let answer = request(&server.url, "POST", "/query", &[("Accept", "application/vnd.ksql.v1+json")], &select);
        answer.body.contains("[3]").then_some(())
    });
}

/// On Kafka the schemas are records of the cluster's topic: another server, with a directory of its own, has them.
#[test]
fn on_kafka_the_schemas_move_with_the_cluster() {
    let broker = Kafka::start();
    let settings = [("bootstrap.servers", &*broker.bootstrap)];
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Server::start(first.path(), &settings);
    assert_eq!(request(&server.url, "GET", "/subjects", &[], "").json(), json!([]));
    assert_eq!(register(&server.url, "x-value", "\"int\""), json!({ "id": 1 }));
    assert_eq!(register(&server.url, "y-value", "\"string\""), json!({ "id": 2 }));
    assert_eq!(request(&server.url, "DELETE", "/subjects/y-value", &[], "").json(), json!([1]));
    server.kill();
    let server = Server::start(second.path(), &settings);
    assert_eq!(request(&server.url, "GET", "/subjects", &[], "").json(), json!(["x-value"]));
    assert_eq!(request(&server.url, "GET", "/schemas/ids/2/schema", &[], "").body, "\"string\"");
    assert_eq!(register(&server.url, "z-value", "\"long\""), json!({ "id": 3 }));
}
