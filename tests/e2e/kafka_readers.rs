//! What reading from Kafka costs a process does not grow with what reads.

use std::fs;

use e2e::eventually;
use e2e::http::{ksql, rows};
use e2e::kafka::Kafka;
use e2e::process::Server;
use serde_json::json;

/// Names of a process's threads.
fn threads(server: &Server) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{}/task", server.pid())).unwrap();
    tasks.filter_map(|task| fs::read_to_string(task.unwrap().path().join("comm")).ok()).collect()
}

#[test]
fn threads_do_not_grow_with_queries() {
    let broker = Kafka::start();
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[("bootstrap.servers", &broker.bootstrap)]);
    let earliest = json!({"auto.offset.reset": "earliest"});
    ksql(
        &server.url,
        "CREATE STREAM orders (id INT KEY, n BIGINT) WITH (kafka_topic='orders', value_format='json', partitions=6);",
        &json!({}),
    );
    let insert = |n: i64| format!("INSERT INTO orders (id, n) VALUES ({n}, {n});");
    ksql(&server.url, &(0..50).map(insert).collect::<String>(), &json!({}));
    let query = |i: usize| format!("CREATE STREAM over_{i} AS SELECT * FROM orders WHERE n >= {i};");
    let copied = |i: usize| rows(&server.url, &format!("SELECT n FROM over_{i};"), &json!({})).len();

    ksql(&server.url, &query(0), &earliest);
    eventually("the first query has read", || (copied(0) == 50).then_some(()));
    let first = threads(&server);
    ksql(&server.url, &(1..20).map(query).collect::<String>(), &earliest);
    (1..20).for_each(|i| eventually("the others have read", || (copied(i) == 50 - i).then_some(())));
    let all = threads(&server);

    let count = |threads: &[String], prefix: &str| threads.iter().filter(|name| name.starts_with(prefix)).count();
    assert!((1..=4).contains(&count(&all, "fetch-")), "{all:?}");
    assert!(all.len() <= 60, "{} threads: {all:?}", all.len());
    // Reading from several places at a time takes the other clients, which are a few threads each.
    assert!(all.len() <= first.len() + 3 * 8, "{} threads were {}: {all:?}", all.len(), first.len());
}
