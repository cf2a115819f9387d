//! Kafka Connect with Confluent's Avro converter, Debezium and PostgreSQL beside us, over a broker and with our registry.

mod orders;
mod postgres;
mod types;
mod worker;

use e2e::eventually;
use e2e::http::{ksql, request};
use e2e::kafka::Kafka;
use e2e::process::Server;
use serde_json::{Value, json};
use tempfile::TempDir;

use self::postgres::Postgres;
use self::worker::{Worker, with_converters};

/// All that runs beside each other.
struct Setup {
    postgres: Postgres,
    worker: Worker,
    server: Server,
    broker: Kafka,
    _data: TempDir,
}

impl Setup {
    fn start() -> Self {
        let (postgres, (broker, worker)) = std::thread::scope(|scope| {
            let postgres = scope.spawn(Postgres::start);
            let broker = Kafka::start();
            let worker = Worker::start(&broker.bootstrap);
            (postgres.join().unwrap(), (broker, worker))
        });
        let data = tempfile::tempdir().unwrap();
        let server = Server::start(data.path(), &[("bootstrap.servers", &broker.bootstrap)]);
        Self { postgres, worker, server, broker, _data: data }
    }

    /// Adds a source of a table, whose topic is `PREFIX.public.TABLE`; waits for the topic and its schema.
    fn source(&self, prefix: &str, table: &str, more: &Value) {
        let config = json!({
            "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
            "plugin.name": "pgoutput",
            "slot.name": prefix,
            "publication.name": prefix,
            "publication.autocreate.mode": "filtered",
            "database.hostname": "127.0.0.1",
            "database.port": self.postgres.port.to_string(),
            "database.user": "postgres",
            "database.password": "",
            "database.dbname": "postgres",
            "topic.prefix": prefix,
            "table.include.list": format!("public.{table}"),
            "poll.interval.ms": "50",
        });
        self.create(prefix, config, more);
        let topic = format!("{prefix}.public.{table}");
        eventually("Debezium's topic is there, with its schema", || {
            let topics = ksql(&self.server.url, "SHOW TOPICS;", &json!({})).to_string();
            let subjects = request(&self.server.url, "GET", "/subjects", &[], "").body;
            (topics.contains(&topic) && subjects.contains(&format!("{topic}-value"))).then_some(())
        });
    }

    /// Adds a sink of topics into tables `of_TOPIC`.
    fn sink(&self, topics: &str, more: &Value) {
        let config = json!({
            "connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector",
            "topics": topics,
            "connection.url": format!("jdbc:postgresql://127.0.0.1:{}/postgres", self.postgres.port),
            "connection.username": "postgres",
            "connection.password": "",
            "insert.mode": "upsert",
            "delete.enabled": "true",
            "primary.key.mode": "record_key",
            "schema.evolution": "basic",
            "collection.name.format": "of_${topic}",
        });
        self.create(topics, config, more);
    }

    fn create(&self, name: &str, mut config: Value, more: &Value) {
        for (name, value) in more.as_object().unwrap() {
            config[name] = value.clone();
        }
        self.worker.create(name, &with_converters(config, &self.server.url));
    }
}

#[test]
fn connect_and_we_beside_each_other() {
    let setup = Setup::start();
    std::thread::scope(|scope| {
        scope.spawn(|| orders::changes_become_tables_and_rows_of_postgresql_again(&setup));
        scope.spawn(|| types::types_of_postgresql_are_read(&setup));
        scope.spawn(|| types::types_of_ours_are_read_by_confluents_classes(&setup));
    });
}
