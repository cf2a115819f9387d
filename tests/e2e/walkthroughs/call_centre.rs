//! Walk 2: a materialized cache over the calls of a call centre.

use serde_json::json;

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

/// How the rows of step 2.2 come into the topic.
struct Writer {
    insert: &'static str,
    /// Values before the row.
    before_row: &'static str,
    /// Names of the row's fields.
    fields: [&'static str; 3],
}

impl Writer {
    fn insert(&self, session: &Session, (name, reason, seconds): (&str, &str, i32)) {
        let [a, b, c] = self.fields;
        let row = format!("STRUCT({a}:='{name}', {b}:='{reason}', {c}:={seconds})");
        session.ksql(&format!("{} VALUES ({}{row});", self.insert, self.before_row)).says_nothing();
    }
}

fn support(name: &str) -> String {
    format!("SELECT name, distinct_reasons, last_reason FROM support_view WHERE name = '{name}';")
}

fn lifetime(name: &str) -> String {
    format!("SELECT name, total_calls, minutes_engaged FROM lifetime_view WHERE name = '{name}';")
}

#[test]
fn walk_2_materialized_cache() {
    let session = Session::from_earliest();
    // 2.2'
    let calls = "CREATE STREAM calls (after STRUCT<name VARCHAR, reason VARCHAR, duration_seconds INT>)
        WITH (kafka_topic='call-center-db.call-center.calls', value_format='json', partitions=1);";
    session.ksql(calls).done("Stream created");
    views(
        &session,
        &Writer { insert: "INSERT INTO calls (after)", before_row: "", fields: ["name", "reason", "duration_seconds"] },
    );
}

/// As it is written: the envelopes are Avro, and the columns come from the schema that their producer registered.
#[test]
fn walk_2_with_envelopes_in_avro() {
    let session = Session::from_earliest();
    let avro = "CREATE STREAM calls WITH (kafka_topic = 'call-center-db.call-center.calls', value_format = 'avro');";
    session.ksql(avro).refused(400, 40001, "statement_error", &["does not exist in the Schema Registry"]);
    let text = |name: &str| json!({"name": name, "type": ["null", "string"], "default": null});
    let row = json!({"type": "record", "name": "Value", "fields": [
        text("name"), text("reason"), {"name": "duration_seconds", "type": ["null", "int"], "default": null}]});
    let envelope = json!({"type": "record", "name": "Envelope", "namespace": "call_center_db.calls", "fields": [
        {"name": "before", "type": ["null", row], "default": null},
        {"name": "after", "type": ["null", "Value"], "default": null},
        {"name": "op", "type": "string"},
        {"name": "ts_ms", "type": ["null", "long"], "default": null}],
        "connect.name": "call_center_db.calls.Envelope"});
    session.register("call-center-db.call-center.calls", &envelope);
    // Stands for the connector: by its schema's id, names keep their case.
    let writer = "CREATE STREAM debezium WITH (kafka_topic='call-center-db.call-center.calls', value_format='avro',
        value_schema_id=1, partitions=1);";
    session.ksql(writer).done("Stream created");
    session.ksql(avro).done("Stream created");
    let described = session.ksql("DESCRIBE calls;").entity("sourceDescription");
    let after = &described["sourceDescription"]["fields"][1];
    assert_eq!((&after["name"], &after["schema"]["type"]), (&json!("AFTER"), &json!("STRUCT")), "{described}");
    views(
        &session,
        &Writer {
            insert: "INSERT INTO debezium (`op`, `after`)",
            before_row: "'c', ",
            fields: ["`name`", "`reason`", "`duration_seconds`"],
        },
    );
}

/// Steps 2.3 to 2.6 over the rows of the calls.
fn views(session: &Session, writer: &Writer) {
    CALLS.into_iter().for_each(|call| writer.insert(session, call));
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
    writer.insert(session, ("michael", "refund", 66));
    session.settles_on(&support("michael"), &[r#"["michael",3,"refund"]"#]);
    session.settles_on(&lifetime("michael"), &[r#"["michael",4,47]"#]);
}
