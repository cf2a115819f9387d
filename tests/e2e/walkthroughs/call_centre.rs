//! Walk 2: a materialized cache over the calls of a call centre.

use super::session::Session;

const CALLS: [(&str, &str, i32); 10] = [
    ("michael", "purchase", 540),
    ("michael", "help", 224),
    ("colin", "help", 802),
    ("derek", "purchase", 10204),
    ("derek", "help", 600),
    ("colin", "refund", 105),
    ("michael", "help", 2030),
    ("colin", "purchase", 800),
    ("derek", "help", 2514),
    ("derek", "refund", 325),
];

fn insert(session: &Session, (name, reason, seconds): (&str, &str, i32)) {
    let row = format!("STRUCT(name:='{name}', reason:='{reason}', duration_seconds:={seconds})");
    session.ksql(&format!("INSERT INTO calls (after) VALUES ({row});")).says_nothing();
}

fn support(name: &str) -> String {
    format!("SELECT name, distinct_reasons, last_reason FROM support_view WHERE name = '{name}';")
}

fn lifetime(name: &str) -> String {
    format!("SELECT name, total_calls, minutes_engaged FROM lifetime_view WHERE name = '{name}';")
}

#[test]
fn walk_2_materialized_cache() {
    // 2.1: over REST the property goes with each statement.
    let session = Session::from_earliest();
    session.ksql("SET 'auto.offset.reset' = 'earliest';").says_nothing();
    // 2.2: the original's stream takes its columns from a registry, which has none.
    let avro =
        "CREATE STREAM calls WITH (kafka_topic='call-center-db.call-center.calls', value_format='avro', partitions=1);";
    session.ksql(avro).refused(400, 40001, "statement_error", &["does not exist in the Schema Registry"]);
    // 2.2'
    let calls = "CREATE STREAM calls (after STRUCT<name VARCHAR, reason VARCHAR, duration_seconds INT>)
        WITH (kafka_topic='call-center-db.call-center.calls', value_format='json', partitions=1);";
    session.ksql(calls).done("Stream created");
    CALLS.into_iter().for_each(|call| insert(&session, call));
    // 2.3, 2.4
    let view = "CREATE TABLE support_view AS
        SELECT after->name AS name, count_distinct(after->reason) AS distinct_reasons,
               latest_by_offset(after->reason) AS last_reason
        FROM calls GROUP BY after->name EMIT CHANGES;";
    session.ksql(view).started("CTAS_SUPPORT_VIEW");
    let view = "CREATE TABLE lifetime_view AS
        SELECT after->name AS name, count(after->reason) AS total_calls,
               (sum(after->duration_seconds) / 60) as minutes_engaged
        FROM calls GROUP BY after->name EMIT CHANGES;";
    session.ksql(view).started("CTAS_LIFETIME_VIEW");
    // 2.5
    session.settles_on(&support("derek"), &[r#"["derek",3,"refund"]"#]);
    session.settles_on(&support("michael"), &[r#"["michael",2,"help"]"#]);
    session.settles_on(&support("colin"), &[r#"["colin",3,"purchase"]"#]);
    session.settles_on(&lifetime("michael"), &[r#"["michael",3,46]"#]);
    session.settles_on(&lifetime("derek"), &[r#"["derek",4,227]"#]);
    session.settles_on(&lifetime("colin"), &[r#"["colin",3,28]"#]);
    let nobody = session.query(&lifetime("nobody"));
    let rows = nobody.rows(&["NAME", "TOTAL_CALLS", "MINUTES_ENGAGED"], &["STRING", "BIGINT", "INTEGER"]);
    assert_eq!(rows, [""; 0], "only a header");
    let derek = session.query(&support("derek"));
    derek.rows(&["NAME", "DISTINCT_REASONS", "LAST_REASON"], &["STRING", "BIGINT", "STRING"]);
    // 2.6
    insert(&session, ("michael", "refund", 66));
    session.settles_on(&support("michael"), &[r#"["michael",3,"refund"]"#]);
    session.settles_on(&lifetime("michael"), &[r#"["michael",4,47]"#]);
}
