//! Queries of a ksqlDB that go on here with the state that it has left in its changelogs. The records are of the shape that
//! a ksqlDB was seen to write.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::log::{Log, Output, RecordsBuilder, TopicPartition, TopicSpec};
use crate::runtime::{Taken, group, why_not};

use super::Engine;
use super::tests::{engine_with, in_memory, records, run};

/// Time, key, value.
type Record<'a> = (i64, Vec<u8>, Option<&'a str>);

const STREAM: &str = "CREATE STREAM s (id STRING KEY, v INT, t STRING) \
                      WITH (kafka_topic='s', value_format='json', partitions=1);";

struct TakenOver {
    engine: Engine,
    id: String,
}

fn key(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

/// The key of a group in a time window.
fn windowed(text: &str, start: i64) -> Vec<u8> {
    [text.as_bytes(), &start.to_be_bytes(), &[0; 4]].concat()
}

fn session(text: &str, start: i64, end: i64) -> Vec<u8> {
    [text.as_bytes(), &end.to_be_bytes(), &start.to_be_bytes()].concat()
}

/// The key of a row of a stream that is joined.
fn joined(text: &str, time: i64, sequence: u32) -> Vec<u8> {
    [text.as_bytes(), &time.to_be_bytes(), &sequence.to_be_bytes()].concat()
}

fn append(log: &dyn Log, topic: &str, partition: u32, records: &[Record<'_>]) {
    let mut made = RecordsBuilder::default();
    for (time, key, value) in records {
        made.push(*time, Some(key), value.map(str::as_bytes));
    }
    let to = TopicPartition { topic: Arc::from(topic), partition };
    log.append(vec![Output { to, records: made.finish() }]).unwrap();
}

/// Makes a query by the last of the statements, and starts it again as one of a ksqlDB that left these changelogs, by the
/// ends of their names.
fn take_over(statements: &str, changelogs: &[(&str, &[Record<'_>])]) -> TakenOver {
    let log = in_memory();
    let engine = engine_with(&log, &[]);
    run(&engine, statements);
    let id = engine.catalog().queries().map(|query| query.id.to_string()).last().unwrap();
    let mut ends = BTreeMap::new();
    for (name, records) in changelogs {
        let topic = format!("{}-{name}-changelog", group("default_", &id));
        log.create_topic(&topic, &TopicSpec { partitions: 1, replicas: 1, config: BTreeMap::new() }).unwrap();
        append(&*log, &topic, 0, records);
        ends.insert(topic, vec![records.len() as i64]);
    }
    let taken_over = TakenOver { engine, id };
    taken_over.start(Taken { ends });
    taken_over
}

impl TakenOver {
    fn start(&self, taken: Taken) {
        let runtime = &self.engine.shared.runtime;
        let (mut start, _) = runtime.started(&self.id).unwrap();
        start.taken = Some(Arc::new(taken));
        runtime.start_again(start, false);
    }

    fn errors(&self) -> Vec<String> {
        let life = self.engine.shared.runtime.life(&self.id).unwrap();
        life.errors().into_iter().map(|error| error.message).collect()
    }

    fn insert(&self, rows: &str) {
        assert!(self.errors().is_empty(), "{:?}", self.errors());
        run(&self.engine, rows);
    }

    fn made(&self, topic: &str) -> Vec<String> {
        records(&**self.engine.log(), topic)
    }

    /// Starts it once more: what it has been given is not read again.
    fn start_once_more(&self) {
        let (start, _) = self.engine.shared.runtime.started(&self.id).unwrap();
        let taken = start.taken.as_deref().cloned().unwrap();
        for topic in taken.ends.keys() {
            append(&**self.engine.log(), topic, 0, &[(0, key("?"), Some("nobody can read that"))]);
        }
        self.start(taken);
    }
}

#[test]
fn groups_go_on_from_what_ksqldb_has_kept_of_them() {
    let statement = "CREATE TABLE r AS SELECT id, COUNT(*) AS c, SUM(v) AS s, MIN(v) AS mi, MAX(t) AS ma, AVG(v) AS a, \
                     COLLECT_LIST(v) AS l, COLLECT_SET(t) AS cs, LATEST_BY_OFFSET(v) AS la, \
                     EARLIEST_BY_OFFSET(v, 2) AS e, TOPK(v, 2) AS top, HISTOGRAM(t) AS h, STDDEV_SAMP(v) AS d \
                     FROM s GROUP BY id;";
    let value = r#"{"ID":"a","ROWTIME":7,"V":3,"T":"x","KSQL_AGG_VARIABLE_0":2,"KSQL_AGG_VARIABLE_1":5,
        "KSQL_AGG_VARIABLE_2":2,"KSQL_AGG_VARIABLE_3":"y","KSQL_AGG_VARIABLE_4":{"SUM":5,"COUNT":2},
        "KSQL_AGG_VARIABLE_5":[2,3],"KSQL_AGG_VARIABLE_6":["y","x"],"KSQL_AGG_VARIABLE_7":{"SEQ":31,"VAL":3},
        "KSQL_AGG_VARIABLE_8":[{"SEQ":4,"VAL":2}],"KSQL_AGG_VARIABLE_9":[3,2],
        "KSQL_AGG_VARIABLE_10":{"y":1,"x":1},"KSQL_AGG_VARIABLE_11":{"COUNT":2,"SUM":5,"M2":0.5}}"#;
    let earlier = value.replace("\"KSQL_AGG_VARIABLE_0\":2", "\"KSQL_AGG_VARIABLE_0\":1");
    let left: &[Record<'_>] = &[(5, key("a"), Some(&earlier)), (7, key("a"), Some(value)), (3, key("z"), None)];
    let query = take_over(&format!("{STREAM}{statement}"), &[("Aggregate-Aggregate-Materialize", left)]);
    query.insert("INSERT INTO s (rowtime, id, v, t) VALUES (6, 'a', 4, 'z');");
    let expected = r#"@7 a {"C":3,"S":9,"MI":2,"MA":"z","A":3.0,"L":[2,3,4],"CS":["y","x","z"],"LA":4,"E":[2,4],"TOP":[4,3],"H":{"y":1,"x":1,"z":1},"D":1.0}"#;
    assert_eq!(query.made("R"), [expected]);
}

#[test]
fn state_is_taken_over_once() {
    let left: &[Record<'_>] = &[(5, key("a"), Some(r#"{"ID":"a","ROWTIME":5,"KSQL_AGG_VARIABLE_0":40}"#))];
    let query = take_over(
        &format!("{STREAM} CREATE TABLE r AS SELECT id, COUNT(*) AS c FROM s GROUP BY id;"),
        &[("Aggregate-Aggregate-Materialize", left)],
    );
    query.insert("INSERT INTO s (rowtime, id, v) VALUES (6, 'a', 4);");
    query.start_once_more();
    query.insert("INSERT INTO s (rowtime, id, v) VALUES (7, 'a', 4);");
    assert_eq!(query.made("R"), [r#"@6 a {"C":41}"#, r#"@7 a {"C":42}"#]);
}

#[test]
fn time_windows_count_on() {
    let count = |count: i64| format!(r#"{{"ID":"a","ROWTIME":9,"KSQL_AGG_VARIABLE_0":{count}}}"#);
    let (one, two) = (count(1), count(2));
    let left: &[Record<'_>] = &[(9_000, windowed("a", 0), Some(&one)), (12_000, windowed("a", 10_000), Some(&two))];
    let query = take_over(
        &format!(
            "{STREAM} CREATE TABLE r AS SELECT id, COUNT(*) AS c FROM s \
             WINDOW TUMBLING (SIZE 10 SECONDS, GRACE PERIOD 1 SECOND) GROUP BY id;"
        ),
        &[("Aggregate-Aggregate-Materialize", left)],
    );
    // The first window is over: ksqlDB has seen a later row.
    query.insert("INSERT INTO s (rowtime, id, v) VALUES (8000, 'a', 1);");
    query.insert("INSERT INTO s (rowtime, id, v) VALUES (13000, 'a', 1);");
    assert_eq!(query.made("R").len(), 1);
    assert!(query.made("R")[0].ends_with(r#"{"C":3}"#), "{:?}", query.made("R"));
}

#[test]
fn sessions_merge_with_those_of_ksqldb() {
    let sum = |sum: i64| format!(r#"{{"ID":"a","ROWTIME":9,"V":1,"KSQL_AGG_VARIABLE_0":{sum}}}"#);
    let (one, two) = (sum(1), sum(20));
    let left: &[Record<'_>] = &[
        (1_000, session("a", 1_000, 1_000), Some(&one)),
        (2_000, session("a", 1_000, 1_000), None),
        (2_000, session("a", 1_000, 2_000), Some(&one)),
        (9_000, session("a", 9_000, 9_000), Some(&two)),
    ];
    let query = take_over(
        &format!("{STREAM} CREATE TABLE r AS SELECT id, SUM(v) AS n FROM s WINDOW SESSION (5 SECONDS) GROUP BY id;"),
        &[("Aggregate-Aggregate-Materialize", left)],
    );
    query.insert("INSERT INTO s (rowtime, id, v) VALUES (5000, 'a', 300);");
    let made = query.made("R");
    assert_eq!(made.len(), 3, "two sessions end, one is made: {made:?}");
    assert!(made[2].ends_with(r#"{"N":321}"#), "{made:?}");
}

#[test]
fn windows_that_were_held_back_are_emitted_when_they_end() {
    let count = |count: i64| format!(r#"{{"ID":"a","ROWTIME":9,"KSQL_AGG_VARIABLE_0":{count}}}"#);
    let (one, two) = (count(1), count(2));
    let left: &[Record<'_>] = &[(9_000, windowed("a", 0), Some(&one)), (12_000, windowed("a", 10_000), Some(&two))];
    let query = take_over(
        &format!(
            "{STREAM} CREATE TABLE r AS SELECT id, COUNT(*) AS c FROM s \
             WINDOW TUMBLING (SIZE 10 SECONDS, GRACE PERIOD 0 SECONDS) GROUP BY id EMIT FINAL;"
        ),
        &[("Aggregate-Aggregate-Materialize", left)],
    );
    query.insert("INSERT INTO s (rowtime, id, v) VALUES (13000, 'a', 1);");
    assert!(query.made("R").is_empty(), "ksqlDB has written the first one: {:?}", query.made("R"));
    query.insert("INSERT INTO s (rowtime, id, v) VALUES (25000, 'b', 1);");
    assert_eq!(query.made("R").len(), 1);
    assert!(query.made("R")[0].ends_with(r#"{"C":3}"#), "{:?}", query.made("R"));
}

const TABLES: &str = "CREATE TABLE a (id STRING PRIMARY KEY, n STRING, w INT) \
                      WITH (kafka_topic='a', value_format='json', partitions=1); \
                      CREATE TABLE b (id STRING PRIMARY KEY, m STRING) \
                      WITH (kafka_topic='b', value_format='json', partitions=1);";

const A: &str = r#"{"N":"one","W":1,"ROWPARTITION":0,"ROWOFFSET":4}"#;
const B: &str = r#"{"M":"two","ROWPARTITION":0,"ROWOFFSET":5}"#;

#[test]
fn a_table_that_is_grouped_takes_back_the_rows_that_ksqldb_has_added() {
    let query = take_over(
        &format!("{TABLES} CREATE TABLE r AS SELECT n, SUM(w) AS s, COUNT(*) AS c FROM a GROUP BY n;"),
        &[
            ("KsqlTopic-Reduce", &[(1, key("k"), Some(A))]),
            (
                "Aggregate-Aggregate-Materialize",
                &[(1, key("one"), Some(r#"{"N":"one","W":1,"KSQL_AGG_VARIABLE_0":11,"KSQL_AGG_VARIABLE_1":3}"#))],
            ),
        ],
    );
    query.insert("INSERT INTO a (rowtime, id, n, w) VALUES (2, 'k', 'other', 5);");
    assert_eq!(query.made("R"), [r#"@2 one {"S":10,"C":2}"#, r#"@2 other {"S":5,"C":1}"#]);
}

#[test]
fn a_stream_finds_the_rows_of_a_table() {
    let query = take_over(
        &format!("{STREAM}{TABLES} CREATE STREAM r AS SELECT s.id, v, n FROM s LEFT JOIN a ON s.id = a.id;"),
        &[("KafkaTopic_Right-Reduce", &[(1, key("k"), Some(A)), (1, key("l"), Some(A)), (2, key("l"), None)])],
    );
    query.insert(
        "INSERT INTO s (rowtime, id, v) VALUES (3, 'k', 7); INSERT INTO s (rowtime, id, v) VALUES (3, 'l', 8);",
    );
    assert_eq!(query.made("R"), [r#"@3 k {"V":7,"N":"one"}"#, r#"@3 l {"V":8,"N":null}"#]);
}

#[test]
fn tables_find_the_rows_of_each_other() {
    let left: &[(&str, &[Record<'_>])] = &[
        ("KafkaTopic_Left-Reduce", &[(1, key("k"), Some(A))]),
        ("KafkaTopic_Right-Reduce", &[(2, key("k"), Some(B)), (2, key("one"), Some(B))]),
    ];
    let join = "CREATE TABLE r AS SELECT a.id, n, m FROM a JOIN b ON a.id = b.id;";
    let query = take_over(&format!("{TABLES}{join}"), left);
    query.insert("INSERT INTO b (rowtime, id, m) VALUES (4, 'k', 'new');");
    assert_eq!(query.made("R"), [r#"@4 k {"N":"one","M":"new"}"#]);
    let foreign = "CREATE TABLE r AS SELECT a.id, n, m FROM a JOIN b ON a.n = b.id;";
    let query = take_over(&format!("{TABLES}{foreign}"), left);
    query.insert("INSERT INTO b (rowtime, id, m) VALUES (4, 'one', 'new');");
    assert_eq!(query.made("R"), [r#"@4 k {"N":"one","M":"new"}"#]);
}

#[test]
fn rows_of_two_streams_find_each_other_and_lonely_ones_come_once() {
    let streams = "CREATE STREAM l (id STRING KEY, x INT) WITH (kafka_topic='l', value_format='json', partitions=1); \
                   CREATE STREAM o (id STRING KEY, y INT) WITH (kafka_topic='o', value_format='json', partitions=1);";
    let join = "CREATE STREAM r AS SELECT l.id, x, y FROM l LEFT JOIN o \
                WITHIN 10 SECONDS GRACE PERIOD 0 SECONDS ON l.id = o.id;";
    let left = |x: i64| format!(r#"{{"L_X":{x},"L_ROWTIME":0,"L_ROWPARTITION":0,"L_ROWOFFSET":0,"L_ID":"k"}}"#);
    let (one, two) = (left(1), left(2));
    let query = take_over(
        &format!("{streams}{join}"),
        &[
            (
                "KSTREAM-JOINTHIS-0000000008-store",
                &[(1_000, joined("k", 1_000, 1), Some(&one)), (2_000, joined("m", 2_000, 2), Some(&two))],
            ),
            ("KSTREAM-OUTEROTHER-0000000009-store", &[(1_500, joined("k", 1_500, 1), Some(r#"{"O_Y":9,"O_ID":"k"}"#))]),
        ],
    );
    query.insert("INSERT INTO o (rowtime, id, y) VALUES (3000, 'k', 5);");
    assert_eq!(query.made("R"), [r#"@3000 k {"X":1,"Y":5}"#]);
    query.insert("INSERT INTO l (rowtime, id, x) VALUES (50000, 'z', 5);");
    assert_eq!(query.made("R")[1..], [r#"@2000 m {"X":2,"Y":null}"#]);
}

#[test]
fn a_record_that_cannot_be_read_is_told() {
    let query = take_over(
        &format!("{STREAM} CREATE TABLE r AS SELECT id, COUNT(*) AS c FROM s GROUP BY id;"),
        &[("Aggregate-Aggregate-Materialize", &[(5, key("a"), Some("{")), (5, key("b"), Some("{}"))])],
    );
    let [error] = &query.errors()[..] else { panic!("{:?}", query.errors()) };
    let topic = "_confluent-ksql-default_query_CTAS_R_0-Aggregate-Aggregate-Materialize-changelog";
    assert!(error.contains(&format!("the record at offset 0 of partition 0 of changelog {topic}")), "{error}");
    assert!(error.contains("DROP what the query makes"), "{error}");
}

#[test]
fn what_cannot_be_taken_over_is_told_before() {
    let engine = engine_with(&in_memory(), &[]);
    let delimited =
        "CREATE STREAM d (id STRING KEY, v INT) WITH (kafka_topic='d', value_format='delimited', partitions=1);";
    run(&engine, &format!("{STREAM}{TABLES}{delimited}"));
    run(&engine, "CREATE TABLE fine AS SELECT id, COUNT(*) AS c FROM s GROUP BY id;");
    run(&engine, "CREATE TABLE sketch AS SELECT id, COUNT_DISTINCT(v) AS c FROM s GROUP BY id;");
    run(&engine, "CREATE TABLE form AS SELECT id, COUNT(*) AS c FROM d GROUP BY id;");
    let why = |sink: &str, exists: bool| {
        let catalog = engine.catalog();
        let query = catalog.queries().find(|query| query.id.contains(sink)).unwrap();
        why_not(&query.plan, &group("default_", &query.id), &engine.shared.functions, &|_| exists)
    };
    assert_eq!(why("FINE", true), None);
    assert!(why("FINE", false).unwrap().ends_with("-Aggregate-Aggregate-Materialize-changelog is not there"));
    assert!(why("SKETCH", true).unwrap().contains("a sketch for COUNT_DISTINCT"));
    assert!(why("FORM", true).unwrap().contains("in format DELIMITED"));
}
