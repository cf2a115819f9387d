//! Confluent's Python serializers beside us, by the tables in `serializers/`: what they write we read, and write again byte for
//! byte; what we write they read, and write again byte for byte. On the embedded log and on a broker.

use std::process::Command;

use e2e::kafka::Kafka;
use e2e::process::Server;
use e2e::repository;

use crate::clients::output;
use crate::registry_clients::confluents_python;

fn check(settings: &[(&str, &str)]) {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), settings);
    let mut command = Command::new(confluents_python());
    command.arg(repository().join("tests/e2e/serializers/check.py")).env("PYTHONDONTWRITEBYTECODE", "1");
    command.arg(&server.url).args(settings.iter().map(|(_, value)| value));
    let (passed, text) = output(&mut command, "it");
    assert!(passed && text.trim().ends_with("done"), "{text}");
}

#[test]
fn confluents_serializers_and_we_on_the_embedded_log() {
    check(&[]);
}

#[test]
fn confluents_serializers_and_we_on_kafka() {
    let broker = Kafka::start();
    check(&[("bootstrap.servers", &broker.bootstrap)]);
}
