//! A script that inserts and then asks sees what it inserted, in every table that is made of it.

use e2e::http::{ksql, rows};
use e2e::process::Server;
use serde_json::{Value, json};

const STATEMENTS: &str = "
    CREATE STREAM drops (id INT KEY, ml INT) WITH (kafka_topic='drops', value_format='json', partitions=2);
    CREATE TABLE sums AS SELECT 'all' AS k, SUM(ml) AS ml FROM drops GROUP BY 'all';
    CREATE TABLE counts AS SELECT 'all' AS k, COUNT(*) AS n FROM drops GROUP BY 'all';
    CREATE TABLE copies AS SELECT k, n FROM counts WHERE n > 0;";

fn only(server: &Server, query: &str) -> Value {
    rows(&server.url, query, &json!({})).first().map_or(Value::Null, |row| row[0].clone())
}

#[test]
fn every_table_is_waited_for() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    ksql(&server.url, STATEMENTS, &json!({"auto.offset.reset": "earliest"}));
    for n in 1..=20 {
        ksql(&server.url, &format!("INSERT INTO drops (id, ml) VALUES ({n}, 2);"), &json!({}));
        assert_eq!(only(&server, "SELECT ml FROM sums;"), 2 * n);
        assert_eq!(only(&server, "SELECT n FROM counts;"), n);
        assert_eq!(only(&server, "SELECT n FROM copies;"), n);
    }
}

#[test]
fn a_resumed_query_is_waited_for() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    ksql(&server.url, STATEMENTS, &json!({"auto.offset.reset": "earliest"}));
    for n in 1..=10 {
        ksql(&server.url, "PAUSE ALL;", &json!({}));
        ksql(&server.url, &format!("INSERT INTO drops (id, ml) VALUES ({n}, 2);"), &json!({}));
        let before = only(&server, "SELECT n FROM counts;");
        assert!(before == n - 1 || n == 1 && before.is_null(), "{before}");
        ksql(&server.url, "RESUME ALL;", &json!({}));
        assert_eq!(only(&server, "SELECT n FROM counts;"), n);
    }
}
