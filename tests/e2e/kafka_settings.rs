//! Settings of Kafka's Java clients, as ksqlDB's files have them, hold on a real broker.

use std::fs;

use e2e::http::{ksql, rows};
use e2e::kafka::{Kafka, Secured};
use e2e::process::Server;
use e2e::{eventually, repository};
use engine::config::{Config, KafkaClient};
use rdkafka::ClientConfig;
use serde_json::json;

/// Where a batch of records says how it is compressed, in the lowest bits of two bytes.
const ATTRIBUTES: usize = 22;
const ZSTD: u8 = 4;
const LARGE: usize = 1_500_000;

/// Values of every kind, and bounds of numbers.
const VALUES: &[&str] = &[
    "-1",
    "0",
    "1",
    "5",
    "10",
    "1000",
    "1024",
    "5000",
    "10000",
    "60000",
    "300000",
    "1000000",
    "3600000",
    "86400000",
    "100000000",
    "1000000000",
    "2147483135",
    "2147483647",
    "true",
    "false",
    "none",
    "zstd",
    "any",
    "v6",
    "use_all_dns_ips",
    "rebootstrap",
];

/// Whatever a setting may be, librdkafka takes.
#[test]
fn what_is_handed_on_is_what_the_library_takes() {
    let table = repository().join("engine/src/config/kafka_clients.rs");
    let table = fs::read_to_string(table).expect("the settings");
    let lines = table.lines().filter(|line| ["Own(", "Kib(", "Buffer("].iter().any(|rule| line.contains(rule)));
    let names: Vec<&str> = lines.filter_map(|line| line.trim().strip_prefix("(\"")?.split('"').next()).collect();
    assert!(names.len() > 40, "{names:?}");
    let clients =
        [("admin", KafkaClient::Admin), ("producer", KafkaClient::Producer), ("consumer", KafkaClient::Consumer)];
    for name in names {
        let mut taken = 0;
        for (prefix, client) in clients {
            for value in VALUES {
                let settings = [("bootstrap.servers", "localhost:1"), (&*format!("{prefix}.{name}"), value)];
                let Ok(config) = Config::new(settings) else { continue };
                let tuning = config.kafka_tuning(client);
                let mut library = ClientConfig::new();
                library.extend(tuning.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
                let made = library.create_native_config().map(drop);
                assert!(made.is_ok(), "{prefix}.{name}={value}: {made:?}");
                taken += tuning.len();
            }
        }
        assert!(taken > 0, "{name} is never handed on");
    }
}

#[test]
fn what_tunes_clients_holds_on_a_broker() {
    let settings = vec!["message.max.bytes=4000000".to_owned(), "replica.fetch.max.bytes=4000000".to_owned()];
    let broker = Kafka::start_with(&Secured { settings, ..Secured::default() });
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(
        data.path(),
        &[
            ("bootstrap.servers", &broker.bootstrap),
            ("ksql.streams.producer.compression.type", "zstd"),
            ("ksql.streams.producer.max.request.size", "3000000"),
            ("ksql.streams.consumer.auto.offset.reset", "earliest"),
            ("consumer.max.partition.fetch.bytes", "100000"),
            ("request.timeout.ms", "20000"),
            ("send.buffer.bytes", "-1"),
            ("ksql.streams.producer.lingr.ms", "1"),
        ],
    );
    let shown = ksql(&server.url, "SHOW PROPERTIES;", &json!({}));
    let properties = shown[0]["properties"].as_array().unwrap();
    let found = properties.iter().find(|property| property["name"] == "ksql.streams.producer.compression.type");
    assert_eq!(found.unwrap()["value"], "zstd");
    let warnings = shown[0]["warnings"].to_string();
    assert!(warnings.contains("did you mean ksql.streams.producer.linger.ms?"), "{warnings}");
    // A record that is larger than what a broker takes by default, if it is not compressed.
    let text: String = (0..LARGE).map(|i| char::from(b'a' + (i * i / 7 % 26) as u8)).collect();
    let statements = format!(
        "CREATE STREAM s (id INT KEY, v STRING) WITH (kafka_topic='s', value_format='json', partitions=1);
         CREATE STREAM t AS SELECT id, v FROM s;
         CREATE TABLE lengths AS SELECT id, MAX(LEN(v)) AS l FROM t GROUP BY id;
         INSERT INTO s VALUES (1, '{text}');"
    );
    ksql(&server.url, &statements, &json!({}));
    eventually("the large record comes through", || {
        let rows = rows(&server.url, "SELECT l FROM lengths WHERE id = 1;", &json!({}));
        (rows.first()?[0] == LARGE).then_some(())
    });
    for topic in ["s", "T"] {
        let segment = broker.logs().join(format!("{topic}-0/00000000000000000000.log"));
        let batch = fs::read(&segment).unwrap_or_else(|error| panic!("{}: {error}", segment.display()));
        assert_eq!(batch[ATTRIBUTES] & 7, ZSTD, "{topic}");
    }
    assert!(server.terminate());
}
