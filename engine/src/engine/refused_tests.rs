//! Statements that look at something, and what ksqlDB has against them.

use super::Engine;
use super::tests::{engine, run};
use crate::statements::{FailureKind, Session};

fn refused(engine: &Engine, statement: &str) -> (FailureKind, String) {
    let failure = engine.execute(statement, Session::default(), None).unwrap_err();
    (failure.kind, failure.message)
}

fn with_stream() -> Engine {
    let engine = engine();
    run(&engine, "CREATE STREAM s (k INT KEY, v STRING) WITH (kafka_topic='s', value_format='JSON', partitions=1);");
    engine
}

#[test]
fn explain_wants_a_query() {
    let engine = with_stream();
    for inner in [
        "SHOW STREAMS",
        "EXPLAIN SELECT * FROM s",
        "PRINT s",
        "INSERT INTO s VALUES (1, 'a')",
        "DROP STREAM s",
        "CREATE STREAM t (a INT) WITH (kafka_topic='t', value_format='JSON', partitions=1)",
    ] {
        let told = refused(&engine, &format!("EXPLAIN {inner};"));
        let expected = "The provided statement does not run a ksql query".to_owned();
        assert_eq!(told, (FailureKind::Statement, expected), "{inner}");
    }
    let pull = refused(&engine, "EXPLAIN SELECT v, COUNT(*) FROM s GROUP BY v;");
    assert!(pull.1.starts_with("Pull queries don't support GROUP BY clauses. See "), "{pull:?}");
    let name = refused(&engine, "EXPLAIN SELECT w, COUNT(*) FROM s GROUP BY v;");
    assert_eq!(name.1, "Line: 1, Col: 16: SELECT column 'W' cannot be resolved.");
    run(&engine, "EXPLAIN SELECT v, COUNT(*) FROM s GROUP BY v EMIT CHANGES;");
}

#[test]
fn what_assertions_miss() {
    let engine = with_stream();
    let told = refused(&engine, "ASSERT TOPIC s WITH (partitions='1', replicas=2, owner='x') TIMEOUT 0 SECONDS;");
    let lines = [
        "Mismatched configuration for topic s: For config partitions, expected 1 got 1",
        "Mismatched configuration for topic s: For config replicas, expected 2 got 1",
        "Cannot assert unknown topic property: OWNER",
    ];
    assert_eq!(told, (FailureKind::Assertion, lines.join("\n")));
    let told = refused(&engine, "ASSERT SCHEMA SUBJECT x ID 3 TIMEOUT 0 SECONDS;");
    assert_eq!(told, (FailureKind::Assertion, "Schema with subject name x id 3 does not exist".to_owned()));
}

#[test]
fn a_property_that_is_not_known_cannot_be_unset() {
    let engine = engine();
    assert_eq!(refused(&engine, "UNSET 'nosuch';"), (FailureKind::Statement, "Unknown property: nosuch".to_owned()));
    run(&engine, "UNSET 'auto.offset.reset'; UNSET 'bootstrap.servers';");
}
