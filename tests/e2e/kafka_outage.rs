//! A broker that goes away and comes back: queries wait and go on, requests that need it fail in bounded time.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use e2e::eventually;
use e2e::http::{Answer, ksql, request, rows};
use e2e::kafka::Kafka;
use e2e::process::Server;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use serde_json::{Value, json};

/// How long a request may take that cannot be answered without the broker.
const BOUND: Duration = Duration::from_secs(15);

const NEW_TOPIC: &str = "CREATE STREAM late (v INT) WITH (kafka_topic='late', value_format='json', partitions=1);";

fn post(server: &Server, statement: &str) -> (Answer, Duration) {
    let begin = Instant::now();
    let answer = request(&server.url, "POST", "/ksql", &[], &json!({"ksql": statement}).to_string());
    (answer, begin.elapsed())
}

fn insert(n: i64) -> String {
    format!("INSERT INTO orders (id, n) VALUES ({n}, {n});")
}

/// The distinct numbers a stream has.
fn numbers(server: &Server, stream: &str) -> BTreeSet<i64> {
    let rows = rows(&server.url, &format!("SELECT n FROM {stream};"), &json!({}));
    rows.iter().filter_map(|row| row[0].as_i64()).collect()
}

fn counted(server: &Server) -> i64 {
    let rows = rows(&server.url, "SELECT c FROM parities;", &json!({}));
    rows.iter().filter_map(|row| row[0].as_i64()).sum()
}

fn states(server: &Server) -> BTreeSet<String> {
    let shown = ksql(&server.url, "SHOW QUERIES;", &json!({}));
    shown[0]["queries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|query: &Value| query["state"].as_str().unwrap().into())
        .collect()
}

/// Records that were deleted from the repartition topic.
fn purged(broker: &Kafka) -> i64 {
    let topic = "_confluent-ksql-default_query_CTAS_PARITIES_3-Aggregate-GroupBy-repartition";
    let client: BaseConsumer = ClientConfig::new().set("bootstrap.servers", &broker.bootstrap).create().unwrap();
    let begin = |partition| client.fetch_watermarks(topic, partition, BOUND).unwrap().0;
    (0..2).map(begin).sum()
}

#[test]
fn queries_wait_for_a_broker_that_is_away() {
    let mut broker = Kafka::start();
    let data = tempfile::tempdir().unwrap();
    let settings =
        [("bootstrap.servers", broker.bootstrap.as_str()), ("ksql.streams.repartition.purge.interval.ms", "100")];
    let server = Server::start(data.path(), &settings);
    ksql(
        &server.url,
        "CREATE STREAM orders (id INT KEY, n BIGINT) WITH (kafka_topic='orders', value_format='json', partitions=2);
         CREATE STREAM even AS SELECT * FROM orders WHERE n % 2 = 0;
         CREATE TABLE parities AS SELECT n % 2 AS odd, COUNT(*) AS c FROM orders GROUP BY n % 2;",
        &json!({"auto.offset.reset": "earliest"}),
    );
    ksql(&server.url, &(0..20).map(insert).collect::<String>(), &json!({}));
    eventually("all is counted", || (counted(&server) == 20).then_some(()));
    eventually("all is copied", || (numbers(&server, "even").len() == 10).then_some(()));

    broker.kill();
    std::thread::scope(|scope| {
        for statement in [insert(1_000), NEW_TOPIC.to_owned()] {
            let server = &server;
            scope.spawn(move || {
                let (answer, took) = post(server, &statement);
                assert!(
                    answer.status >= 400 && answer.body.contains("Kafka did not do what it was asked for"),
                    "{} {}",
                    answer.status,
                    answer.body
                );
                assert!(took < BOUND, "{statement} took {took:?}");
            });
        }
    });
    let begin = Instant::now();
    let health = request(&server.url, "GET", "/healthcheck", &[], "").json();
    assert_eq!(health["details"]["kafka"]["isHealthy"], false, "{health}");
    let why = health["details"]["kafka"]["reason"].as_str().unwrap_or_default();
    assert!(why.contains("no broker of") || why.contains("no answer"), "{health}");
    assert_eq!(states(&server), ["RUNNING".to_owned()].into());
    assert_eq!(counted(&server), 20, "what is in the local store can be asked for");
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());

    broker.restart();
    let mut next = 20;
    eventually("rows can be inserted again", || (post(&server, &insert(next)).0.status == 200).then_some(()));
    while next < 40 {
        next += 1;
        ksql(&server.url, &insert(next), &json!({}));
    }
    let all = |step| (0..=next).step_by(step).collect::<BTreeSet<i64>>();
    eventually("the copy goes on", || (numbers(&server, "even") == all(2)).then_some(()));
    eventually("counting goes on", || (counted(&server) > next).then_some(()));
    assert_eq!(states(&server), ["RUNNING".to_owned()].into());
    assert_eq!(numbers(&server, "orders"), all(1), "what was refused is not there");
    assert!(purged(&broker) > 0, "what was read of the repartition topic goes");
    assert!(server.terminate());
}
