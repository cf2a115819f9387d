//! Times that nobody means, but anybody can write: every operator with a window, every join and every form of a pull query
//! takes them, and what they are about goes on.

use std::sync::Arc;

use crate::log::{Embedded, Log, Output, RecordsBuilder, TopicPartition};
use crate::rows::{Event, RowFormat};
use crate::serving::Client;
use crate::statements::Session;

use super::Engine;
use super::tests::engine_with;

/// Near nothing, near a window's size, grace and retention, and near the ends of what there is.
const TIMES: [i64; 17] = [
    i64::MIN,
    i64::MIN + 1,
    -1,
    0,
    1,
    9_999,
    10_000,
    10_001,
    69_999,
    70_000,
    70_001,
    i64::MAX / 2,
    i64::MAX - 70_001,
    i64::MAX - 10_000,
    i64::MAX - 9_999,
    i64::MAX - 1,
    i64::MAX,
];

const WINDOWS: [(&str, &str); 6] = [
    ("plain", "TUMBLING (SIZE 10 SECONDS)"),
    ("graced", "TUMBLING (SIZE 10 SECONDS, RETENTION 1 DAY, GRACE PERIOD 1 MINUTE)"),
    ("longest", "TUMBLING (SIZE 106751991167 DAYS, GRACE PERIOD 106751991167 DAYS)"),
    ("hops", "HOPPING (SIZE 10 SECONDS, ADVANCE BY 3 SECONDS, GRACE PERIOD 1 MINUTE)"),
    ("sessions", "SESSION (10 SECONDS, GRACE PERIOD 1 MINUTE)"),
    ("silence", "SESSION (106751991167 DAYS)"),
];

fn engine(log: &Arc<dyn Log>) -> Engine {
    engine_with(log, &[])
}

fn run(engine: &Engine, text: &str) {
    engine.execute(text, Session::default(), None).unwrap_or_else(|failure| panic!("{text}: {failure}"));
}

fn ask(engine: &Engine, text: &str) -> Vec<String> {
    let parsed = sql::parse_one(text, &sql::Variables::default()).unwrap();
    let answer = engine.query(&parsed, Session::default(), RowFormat::Json, &Client::default());
    let mut receiver = answer.unwrap_or_else(|failure| panic!("{text}: {failure}")).rows;
    engine.run_until_idle(None);
    let mut rows = Vec::new();
    while let Some(event) = receiver.try_next() {
        match event {
            Event::Rows(batch) => rows.extend(batch.iter().map(|(row, _)| String::from_utf8(row.to_vec()).unwrap())),
            Event::End(_) => break,
        }
    }
    rows
}

fn write(engine: &Engine, topic: &str, time: i64) {
    let mut records = RecordsBuilder::default();
    records.push(time, Some(b"k"), Some(br#"{"V":1}"#));
    let to = TopicPartition { topic: Arc::from(topic), partition: 0 };
    engine.log().append(vec![Output { to, records: records.finish() }]).unwrap();
    engine.run_until_idle(None);
}

fn all_run(engine: &Engine, time: i64) {
    for query in engine.live() {
        let (id, errors) = (query.running.id(), query.running.life().errors());
        assert_eq!(query.status(), "RUNNING", "{id} after {time}: {errors:?}");
    }
}

#[test]
fn windows_take_any_time() {
    for time in TIMES {
        let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
        let engine = engine(&log);
        run(
            &engine,
            "CREATE STREAM s (k STRING KEY, v INT) WITH (kafka_topic='s', value_format='json', partitions=1);",
        );
        for (name, window) in WINDOWS {
            let select = format!("SELECT k, COUNT(*) AS n FROM s WINDOW {window} GROUP BY k");
            run(&engine, &format!("CREATE TABLE {name} AS {select};"));
            run(&engine, &format!("CREATE TABLE {name}_final AS {select} EMIT FINAL;"));
        }
        // A topic with windows of somebody else in its keys.
        run(
            &engine,
            "CREATE STREAM keyed (k STRING KEY, n BIGINT) WITH (kafka_topic='PLAIN', value_format='json', \
             window_type='tumbling', window_size='106751991167 DAYS');
             CREATE SOURCE TABLE kept (k STRING PRIMARY KEY, n BIGINT) WITH (kafka_topic='PLAIN', value_format='json', \
             window_type='tumbling', window_size='10 SECONDS');
             CREATE STREAM copied AS SELECT * FROM keyed;",
        );
        for time in [time, 5_000] {
            write(&engine, "s", time);
        }
        all_run(&engine, time);
        for (name, _) in WINDOWS.into_iter().chain([("kept", "")]) {
            for table in [name.to_owned(), format!("{name}_final")].into_iter().take(if name == "kept" { 1 } else { 2 })
            {
                let scanned = ask(&engine, &format!("SELECT * FROM {table};"));
                for bounds in [
                    "",
                    " AND WINDOWSTART = 0",
                    " AND WINDOWSTART >= -9223372036854775807 AND WINDOWSTART <= 9223372036854775807",
                    " AND WINDOWSTART > 9223372036854775806",
                    " AND WINDOWEND <= 9223372036854775807",
                    " AND WINDOWSTART >= '1970-01-01' AND WINDOWEND < '9999-12-31'",
                ] {
                    let found = ask(&engine, &format!("SELECT * FROM {table} WHERE k = 'k'{bounds};"));
                    assert!(found.iter().all(|row| scanned.contains(row)), "{table}{bounds} with {time}");
                    if bounds.is_empty() {
                        assert_eq!(found.len(), scanned.len(), "{table} with {time}");
                    }
                }
                ask(&engine, &format!("SELECT * FROM {table} WHERE n > 0;"));
            }
        }
        // What came after a time that is refused is counted as if it had not come.
        if !(0..i64::MAX / 10_000 * 10_000).contains(&time) {
            let first = r#"["k",0,10000,1]"#;
            assert_eq!(ask(&engine, "SELECT * FROM plain WHERE k = 'k';"), [first], "{time}");
        }
    }
}

#[test]
fn joins_take_any_time() {
    let withins = [
        "10 SECONDS",
        "10 SECONDS GRACE PERIOD 1 MINUTE",
        "(0 SECONDS, 10 SECONDS) GRACE PERIOD 0 SECONDS",
        "106751991167 DAYS GRACE PERIOD 106751991167 DAYS",
    ];
    for time in TIMES {
        let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
        let engine = engine(&log);
        run(
            &engine,
            "CREATE STREAM a (k STRING KEY, v INT) WITH (kafka_topic='a', value_format='json', partitions=1);
             CREATE STREAM b (k STRING KEY, v INT) WITH (kafka_topic='b', value_format='json', partitions=1);
             CREATE TABLE t (k STRING PRIMARY KEY, v INT) WITH (kafka_topic='t', value_format='json', partitions=1);
             CREATE TABLE u (k STRING PRIMARY KEY, v INT) WITH (kafka_topic='u', value_format='json', partitions=1);
             CREATE STREAM looked_up AS SELECT a.k, a.v, t.v FROM a LEFT JOIN t ON a.k = t.k;
             CREATE TABLE both AS SELECT t.k, t.v, u.v FROM t JOIN u ON t.k = u.k;
             CREATE TABLE either AS SELECT t.k, t.v, u.v FROM t LEFT JOIN u ON t.k = u.k;",
        );
        for (i, within) in withins.iter().enumerate() {
            for kind in ["INNER", "LEFT", "RIGHT", "FULL"] {
                let key = if kind == "FULL" {
                    "ROWKEY"
                } else if kind == "RIGHT" {
                    "b.k"
                } else {
                    "a.k"
                };
                let join = format!("a {kind} JOIN b WITHIN {within} ON a.k = b.k");
                run(&engine, &format!("CREATE STREAM j{i}{kind} AS SELECT {key} AS k, a.v, b.v FROM {join};"));
            }
        }
        for (topic, time) in [("t", time), ("u", time), ("a", time), ("b", time), ("a", 5_000), ("b", 6_000)] {
            write(&engine, topic, time);
        }
        all_run(&engine, time);
        let joined = ask(&engine, "SELECT * FROM j0INNER;").len();
        assert!((1..=4).contains(&joined), "{joined} matches with {time}");
    }
}

/// Rows of a stream, without their order.
fn sorted(engine: &Engine, stream: &str) -> Vec<String> {
    let mut rows = ask(engine, &format!("SELECT * FROM {stream};"));
    rows.sort_unstable();
    rows
}

#[test]
fn a_right_join_is_the_mirrored_left_join() {
    let mut seed = 1_u64;
    let mut next = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((seed >> 33) % below) as i64
    };
    for (before, after, grace) in
        [(0, 10, ""), (10, 0, ""), (3, 7, ""), (0, 10, "GRACE PERIOD 5 SECONDS"), (7, 3, "GRACE PERIOD 60 SECONDS")]
    {
        let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
        let engine = engine(&log);
        let join = |kind: &str, left: &str, right: &str, before: i64, after: i64| {
            format!(
                "SELECT {left}.k AS k, a.v AS av, b.v AS bv FROM {left} {kind} JOIN {right} \
                 WITHIN ({before} SECONDS, {after} SECONDS) {grace} ON {left}.k = {right}.k;"
            )
        };
        let columns = "(k STRING KEY, v INT) WITH (value_format='json', partitions=1";
        run(
            &engine,
            &format!("CREATE STREAM a {columns}, kafka_topic='a'); CREATE STREAM b {columns}, kafka_topic='b');"),
        );
        let right = join("RIGHT", "a", "b", before, after).replace("SELECT a.k", "SELECT b.k");
        run(&engine, &format!("CREATE STREAM rights AS {right}"));
        run(&engine, &format!("CREATE STREAM lefts AS {}", join("LEFT", "b", "a", after, before)));
        run(&engine, &format!("CREATE STREAM inners AS {}", join("INNER", "a", "b", before, after)));
        for n in 0..200 {
            let (topic, time) = (if next(2) == 0 { "a" } else { "b" }, n * 1_000 + next(20_000));
            let mut records = RecordsBuilder::default();
            let key = format!("k{}", next(5));
            records.push(time, Some(key.as_bytes()), Some(format!(r#"{{"V":{n}}}"#).as_bytes()));
            let to = TopicPartition { topic: Arc::from(topic), partition: 0 };
            engine.log().append(vec![Output { to, records: records.finish() }]).unwrap();
            engine.run_until_idle(None);
        }
        let (rights, lefts, inners) = (sorted(&engine, "rights"), sorted(&engine, "lefts"), sorted(&engine, "inners"));
        assert_eq!(rights, lefts, "({before}, {after}) {grace}");
        let matches: Vec<String> = rights.into_iter().filter(|row| !row.contains("null")).collect();
        assert_eq!(matches, inners, "({before}, {after}) {grace}");
        assert!(!inners.is_empty());
    }
}
