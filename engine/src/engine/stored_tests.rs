//! What stands in the command log: plans and not text, what the session set and not what the server has, no password.

use std::ops::Bound;
use std::sync::Arc;

use crate::kv::{Kv, Write, Writes};
use crate::log::{Embedded, Log};
use crate::serving::Client;
use crate::statements::{Outcome, QueryDescription, Session};

use super::Engine;
use super::tests::{ask, engine_with as open, query_with, rows, run};

fn entries(kv: &dyn Kv) -> Vec<String> {
    let mut all = Vec::new();
    kv.scan("commands", Bound::Unbounded, Bound::Unbounded, &mut |_, value| {
        all.push(String::from_utf8(value.to_vec()).unwrap());
        true
    })
    .unwrap();
    all
}

/// Makes every text of the command log unreadable that SQL could be read from.
fn without_sql(kv: &dyn Kv) {
    fn hide(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Object(fields) => fields.iter_mut().for_each(|(name, field)| match name.as_str() {
                "text" | "statement" if field.is_string() => *field = "THIS IS NO STATEMENT".into(),
                _ => hide(field),
            }),
            serde_json::Value::Array(items) => items.iter_mut().for_each(hide),
            _ => {}
        }
    }
    let space: Arc<str> = Arc::from("commands");
    let changed = (0_u64..).zip(entries(kv)).map(|(number, entry)| {
        let mut entry = serde_json::from_str(&entry).unwrap();
        hide(&mut entry);
        let value = Some(serde_json::to_vec(&entry).unwrap());
        Write { space: Arc::clone(&space), key: number.to_be_bytes().to_vec(), value }
    });
    kv.write(changed.collect::<Writes>()).unwrap();
}

#[test]
fn a_restart_reads_no_sql() {
    let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
    let engine = open(&log, &[]);
    run(&engine, "CREATE TYPE point AS STRUCT<x INT, y INT>;");
    for n in 0..200 {
        let with = format!("WITH (kafka_topic='t{}', value_format='JSON', partitions=1)", n % 10);
        run(&engine, &format!("CREATE STREAM s{n} (k STRING KEY, n INT, p point) {with};"));
    }
    for n in 0..100 {
        let select = match n % 3 {
            0 => format!("STREAM q{n} AS SELECT k, n + {n} AS n, p->x AS x FROM s{n} WHERE n > 0 OR k LIKE 'a%'"),
            1 => format!("TABLE q{n} AS SELECT k, COUNT(*) AS c, SUM(n) AS s FROM s{n} GROUP BY k"),
            _ => format!("TABLE q{n} AS SELECT k, COUNT(*) AS c FROM s{n} WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY k"),
        };
        run(&engine, &format!("CREATE {select};"));
    }
    run(&engine, "TERMINATE CSAS_Q0_0; DROP TABLE q1; PAUSE CSAS_Q3_3;");
    let insert = |engine: &Engine, n: usize| {
        for topic in 0..10 {
            run(engine, &format!("INSERT INTO s{topic} (k, n, p) VALUES ('a', {n}, STRUCT(x := {n}, y := 1));"));
        }
    };
    insert(&engine, 1);
    let largest = entries(&**log.kv()).iter().map(String::len).max().unwrap();
    assert!(largest < 8 << 10, "{largest} bytes for one statement");
    let whole = |engine: &Engine| {
        let text = "SHOW STREAMS; SHOW TABLES; SHOW TYPES; DESCRIBE q3; DESCRIBE s7;";
        let told = engine.execute(text, Session::default(), None).unwrap();
        // What was written is shown, and that is all.
        let shown = regex::Regex::new(r#"(statement|text): "(\\.|[^"\\])*""#).unwrap();
        let mut all: Vec<String> =
            told.iter().map(|answer| shown.replace_all(&format!("{answer:?}"), "…").into_owned()).collect();
        for n in [3, 6, 99] {
            let limit = if n == 3 { 1 } else { 2 };
            all.extend(rows(engine, &mut ask(engine, &format!("SELECT * FROM q{n} EMIT CHANGES LIMIT {limit};"))));
        }
        for n in [4, 7, 97, 2, 98] {
            all.extend(rows(engine, &mut ask(engine, &format!("SELECT * FROM q{n};"))));
        }
        all
    };
    let other = open(&log, &[]);
    drop(engine);
    insert(&other, 2);
    let expected = whole(&other);
    drop(other);
    without_sql(&**log.kv());
    let engine = open(&log, &[]);
    for (found, expected) in whole(&engine).into_iter().zip(expected) {
        assert_eq!(found, expected);
    }
    run(&engine, "RESUME CSAS_Q3_3; CREATE STREAM more AS SELECT * FROM q3;");
    assert_eq!(engine.catalog().queries().last().unwrap().id, "CSAS_MORE_100");
    assert_eq!(engine.catalog().lost().count(), 0);
}

const SOURCE: &str = "CREATE STREAM s (k STRING KEY, n INT) WITH (kafka_topic='s', value_format='JSON', partitions=1);";

#[test]
fn a_property_of_the_server_counts_from_the_next_start_on_and_one_of_the_session_for_good() {
    const LIMIT: &str = "ksql.functions.collect_list.limit";
    let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
    let engine = open(&log, &[(LIMIT, "3")]);
    run(&engine, SOURCE);
    run(&engine, "CREATE TABLE of_server AS SELECT k, COLLECT_LIST(n) AS ns FROM s GROUP BY k;");
    run(
        &engine,
        &format!("SET '{LIMIT}'='2'; CREATE TABLE of_session AS SELECT k, COLLECT_LIST(n) AS ns FROM s GROUP BY k;"),
    );
    let collected = |engine: &Engine, key: &str| -> Vec<String> {
        (0..9).for_each(|n| run(engine, &format!("INSERT INTO s (k, n) VALUES ('{key}', {n});")));
        let of = |table: &str| {
            let query = format!("SELECT ns FROM {table} WHERE k = '{key}';");
            rows(engine, &mut ask(engine, &query)).remove(0)
        };
        vec![of("of_server"), of("of_session")]
    };
    assert_eq!(collected(&engine, "a"), ["[[0,1,2]]", "[[0,1]]"]);
    drop(engine);
    let engine = open(&log, &[(LIMIT, "5")]);
    assert_eq!(collected(&engine, "b"), ["[[0,1,2,3,4]]", "[[0,1]]"]);
    drop(engine);
    assert_eq!(collected(&open(&log, &[(LIMIT, "1")]), "c"), ["[[0]]", "[[0,1]]"]);
}

#[test]
fn a_query_goes_on_under_the_service_it_was_made_in() {
    let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
    let engine = open(&log, &[("ksql.service.id", "first_")]);
    run(&engine, SOURCE);
    run(&engine, "CREATE TABLE t AS SELECT k, COUNT(*) AS c FROM s GROUP BY k; INSERT INTO s (k, n) VALUES ('a', 1);");
    drop(engine);
    let engine = open(&log, &[("ksql.service.id", "second_")]);
    run(&engine, "INSERT INTO s (k, n) VALUES ('a', 2);");
    assert_eq!(rows(&engine, &mut ask(&engine, "SELECT * FROM t;"))[0], r#"["a",2]"#, "nothing is counted twice");
    run(&engine, "TERMINATE CTAS_T_0;");
    assert_eq!(log.positions("_confluent-ksql-first_query_CTAS_T_0").unwrap().len(), 0, "its group goes with it");
}

fn described(engine: &Engine, text: &str) -> QueryDescription {
    match engine.execute(text, Session::default(), None).unwrap().remove(0).outcome {
        Outcome::QueryDescription(described) => *described,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_query_is_shown_as_it_runs_and_not_as_it_would_if_it_were_started_now() {
    const GROUP: &str = "_confluent-ksql-first_query_CTAS_T_0";
    let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
    let engine = open(&log, &[("ksql.service.id", "first_")]);
    run(&engine, &SOURCE.replace("partitions=1", "partitions=2"));
    run(&engine, "CREATE TABLE t AS SELECT n, COUNT(*) AS c FROM s GROUP BY n; INSERT INTO s (k, n) VALUES ('a', 1);");
    let before = described(&engine, "EXPLAIN CTAS_T_0;");
    assert!(before.group.as_deref() == Some(GROUP) && before.tasks.len() == 4, "{before:?}");
    let has_read = |described: &QueryDescription| {
        described.tasks.iter().flat_map(|task| &task.offsets).filter(|(.., committed)| *committed == 1).count()
    };
    assert_eq!(has_read(&before), 2, "of the stream and of the repartition topic: {before:?}");
    drop(engine);
    let engine = open(&log, &[("ksql.service.id", "second_")]);
    assert_eq!(described(&engine, "EXPLAIN CTAS_T_0;"), before);
    let answers = engine.execute("DESCRIBE t EXTENDED;", Session::default(), None).unwrap();
    let Outcome::SourceDescription(shown) = &answers[0].outcome else { panic!("{answers:?}") };
    assert_eq!((shown.offsets[0].group.as_str(), shown.offsets[0].topics.len()), (GROUP, 2));
    // What takes its place goes on where it stood.
    run(&engine, "CREATE OR REPLACE TABLE t AS SELECT n, COUNT(*) AS c FROM s GROUP BY n HAVING COUNT(*) > 0;");
    run(&engine, "INSERT INTO s (k, n) VALUES ('a', 1);");
    for _ in 0..2 {
        let engine = open(&log, &[("ksql.service.id", "third_")]);
        assert_eq!(rows(&engine, &mut ask(&engine, "SELECT * FROM t;"))[0], "[1,2]");
        assert_eq!(described(&engine, "EXPLAIN CTAS_T_0;").group.as_deref(), Some(GROUP));
    }
    // Of a topic that is gone nothing is known, and the rest is told.
    log.delete_topic("s").unwrap();
    let answers = engine.execute("SHOW QUERIES EXTENDED; DESCRIBE t EXTENDED;", Session::default(), None).unwrap();
    let Outcome::QueryDescriptions(all) = &answers[0].outcome else { panic!("{answers:?}") };
    assert_eq!((all.len(), all[0].tasks.len()), (1, 2), "{all:?}");
}

#[test]
fn no_password_is_stored() {
    let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
    let server =
        [("ssl.keystore.password", "hunter2-a"), ("ksql.schema.registry.url", "http://user:hunter2-b@registry:8081")];
    let engine = open(&log, &server);
    run(&engine, SOURCE);
    let session = [
        ("ksql.streams.producer.ssl.key.password", "hunter2-c"),
        ("ksql.streams.producer.sasl.jaas.config", "hunter2-d"),
        ("ksql.streams.producer.proxy", "http://user:hunter2-e@host"),
        ("ksql.functions.mine.apikey", "hunter2-f"),
        ("ksql.connect.something", "jdbc:x?password=hunter2-g"),
        ("ksql.streams.cache.max.bytes.buffering", "17"),
    ];
    let session = Session::new(session.map(|(name, value)| (name, value.to_owned())), []);
    engine.execute("CREATE STREAM a AS SELECT * FROM s;", session, None).unwrap();
    let stored = entries(&**log.kv()).join("\n");
    assert!(!stored.contains("hunter2") && !stored.contains("registry:8081"), "{stored}");
    assert!(stored.contains(r#""overrides":{"ksql.streams.cache.max.bytes.buffering":"17"}"#), "{stored}");
    // Entries of a version that stored all of it are written anew.
    let old = |number: u64, written: &str, id: &str, query: Option<&str>| {
        let entry = serde_json::json!({
            "written": written, "command_id": id, "query_id": query, "message": "Stream created", "time_ms": 1,
            "properties": {
                "ssl.keystore.password": "hunter2-a", "ksql.schema.registry.url": "http://user:hunter2-b@registry:8081",
                "ksql.streams.sasl.jaas.config": "hunter2-d", "ksql.streams.cache.max.bytes.buffering": "17",
                "ksql.streams.commit.interval.ms": "200", "ksql.streams.auto.offset.reset": "latest",
                "ksql.service.id": "default_", "data.dir": "/somewhere",
            },
            "topics": {"s": {"partitions": 1, "replicas": 1, "retention_ms": 1000}},
        });
        let value = Some(entry.to_string().into_bytes());
        let write = Write { space: Arc::from("commands"), key: number.to_be_bytes().to_vec(), value };
        log.kv().write(write.into()).unwrap();
    };
    drop(engine);
    old(0, SOURCE, "stream/`S`/create", None);
    old(1, "CREATE STREAM a AS SELECT * FROM s;", "stream/`A`/create", Some("CSAS_A_0"));
    let engine = open(&log, &server);
    let rewritten = entries(&**log.kv()).join("\n");
    assert!(!rewritten.contains("hunter2") && !rewritten.contains("registry:8081"), "{rewritten}");
    assert!(!rewritten.contains("written") && rewritten.contains(r#""version":2"#), "{rewritten}");
    assert!(rewritten.contains(r#""overrides":{"ksql.streams.cache.max.bytes.buffering":"17"}"#), "{rewritten}");
    run(&engine, "INSERT INTO s (k, n) VALUES ('a', 1);");
    drop(engine);
    without_sql(&**log.kv());
    let engine = open(&log, &[("ksql.streams.cache.max.bytes.buffering", "17")]);
    let explained = engine.execute("EXPLAIN CSAS_A_0;", Session::default(), None).unwrap();
    let Outcome::QueryDescription(explained) = &explained[0].outcome else { panic!("{explained:?}") };
    let cache = ("ksql.streams.cache.max.bytes.buffering".to_owned(), "17".to_owned());
    assert_eq!(explained.overrides, [cache].into(), "what only the server had is none");
    let mut all = query_with(&engine, "SELECT * FROM a EMIT CHANGES LIMIT 1;", &[], &Client::default()).unwrap();
    assert_eq!(rows(&engine, &mut all.rows)[0], r#"["a",1]"#);
}
