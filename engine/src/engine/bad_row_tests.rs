//! Every place where something can fail for a record or a row: what the processing log is told, and whether there is a dead
//! letter. The rule: whatever fails is told; there is a letter if the record, or the row that was made of it, is dropped.

use std::sync::Arc;

use serde_json::Value;

use super::Engine;
use super::dead_letter_tests::letters;
use super::tests::{engine_with, in_memory, records, run};
use crate::log::{Log, Output, RecordsBuilder, TopicPartition};

const LOG: &str = "default_ksql_processing_log";

const NUMBERS: &str =
    "CREATE STREAM numbers (k STRING KEY, n INT) WITH (kafka_topic='numbers', value_format='json', partitions=1);";
const TABLE: &str =
    "CREATE TABLE rows (k STRING PRIMARY KEY, n INT) WITH (kafka_topic='numbers', value_format='json', partitions=1);";
const OTHERS: &str =
    "CREATE STREAM others (k INT KEY, m INT) WITH (kafka_topic='others', value_format='json', partitions=1);
    CREATE TABLE names (k INT PRIMARY KEY, name STRING) WITH (kafka_topic='names', value_format='json', partitions=1);";

fn open(log: &Arc<dyn Log>) -> Engine {
    let settings = [
        ("ksql.processing.deadletter.topic", "dead"),
        ("ksql.logging.processing.topic.auto.create", "true"),
        ("ksql.logging.processing.rows.include", "true"),
    ];
    engine_with(log, &settings)
}

/// Writes a record to the topic of `numbers`; no text: it has none.
fn feed(log: &dyn Log, time: i64, key: Option<&str>, value: &str) {
    let mut records = RecordsBuilder::default();
    records.push(time, key.map(str::as_bytes), Some(value.as_bytes()));
    let to = TopicPartition { topic: Arc::from("numbers"), partition: 0 };
    log.append(vec![Output { to, records: records.finish() }]).unwrap();
}

/// What the processing log is told, as `step type row`, and the letters, as `step part topic offset`.
fn seen(log: &dyn Log, query: &str) -> (Vec<String>, Vec<String>) {
    let told = records(log, LOG).into_iter().map(|record| {
        let entry: Value = serde_json::from_str(record.split_once(" - ").unwrap().1).unwrap();
        let step = entry["logger"].as_str().unwrap().strip_prefix(&format!("processing.{query}.")).unwrap().to_owned();
        let message = &entry["message"];
        let row = [&message["recordProcessingError"]["record"], &message["serializationError"]["record"]];
        let row = row.into_iter().find_map(Value::as_str).unwrap_or("-");
        format!("{step} {} {row}", message["type"])
    });
    let letters = letters(log, "dead").into_iter().map(|(.., headers)| {
        let header =
            |name: &str| headers.get(&format!("millstream.error.{name}")).map_or("-", String::as_str).to_owned();
        format!("{} {} {} {}", header("step"), header("part"), header("topic"), header("offset"))
    });
    (told.collect(), letters.collect())
}

/// Runs a query over one record of `numbers`.
#[track_caller]
fn check(statement: &str, (time, key, value): (i64, Option<&str>, &str), told: &[&str], letters: &[&str]) {
    let log = in_memory();
    let engine = open(&log);
    run(&engine, if statement.contains("rows") { TABLE } else { NUMBERS });
    run(&engine, OTHERS);
    run(&engine, statement);
    let query = engine.catalog().queries().next().unwrap().id.clone();
    feed(&*log, time, key, value);
    engine.run_until_idle(None);
    assert_eq!(
        seen(&*log, &query),
        (told.iter().map(|s| (*s).to_owned()).collect(), letters.iter().map(|s| (*s).to_owned()).collect()),
        "{statement}"
    );
}

const ZERO: (i64, Option<&str>, &str) = (1, Some("a"), r#"{"n":0}"#);
const NULL: (i64, Option<&str>, &str) = (1, Some("a"), r#"{"n":null}"#);
const ROW: &str = "row numbers 0";

#[test]
fn a_record_that_cannot_be_read_is_told_and_is_a_letter() {
    let copy = "CREATE STREAM copy AS SELECT k, n FROM numbers;";
    check(copy, (1, Some("a"), "{bad"), &["KsqlTopic.Source.deserializer 0 -"], &["KsqlTopic.Source value numbers 0"]);
    check(copy, (-1, Some("a"), "{}"), &["KsqlTopic.Source.deserializer 0 -"], &["KsqlTopic.Source value numbers 0"]);
    let table = "CREATE TABLE copy AS SELECT k, n FROM rows;";
    check(table, (1, None, "{}"), &["KsqlTopic.Source.deserializer 0 -"], &["KsqlTopic.Source key numbers 0"]);
}

#[test]
fn a_value_that_cannot_be_computed_is_null_and_told() {
    let project = "CREATE STREAM q AS SELECT k, 10 / n AS q FROM numbers;";
    check(project, ZERO, &[r#"Project 1 ["a",0]"#], &[]);
    check("CREATE TABLE q AS SELECT k, 10 / n AS q FROM rows;", ZERO, &[r#"Project 1 ["a",0]"#], &[]);
    let sum = "CREATE TABLE q AS SELECT k, SUM(10 / n) AS q FROM numbers GROUP BY k;";
    check(sum, ZERO, &[r#"Aggregate.Prepare 1 ["a",0]"#], &[]);
    let key = "CREATE STREAM q AS SELECT * FROM numbers PARTITION BY 10 / n;";
    check(key, ZERO, &[r#"PartitionBy 1 ["a",0]"#], &[]);
}

#[test]
fn a_row_that_a_condition_drops_because_it_fails_is_a_letter() {
    let filter = "CREATE STREAM q AS SELECT k, n FROM numbers WHERE 10 / n > 1;";
    check(filter, ZERO, &[r#"WhereFilter 1 ["a",0]"#], &[&format!("WhereFilter {ROW}")]);
    let table = "CREATE TABLE q AS SELECT k, n FROM rows WHERE 10 / n > 1;";
    check(table, ZERO, &[r#"WhereFilter 1 ["a",0]"#], &[&format!("WhereFilter {ROW}")]);
    // A part fails, but the row stays.
    let partly = "CREATE STREAM q AS SELECT k, n FROM numbers WHERE COALESCE(ABS(10 / n), 5) = 5;";
    check(partly, ZERO, &[r#"WhereFilter 1 ["a",0]"#], &[]);
    let having = "CREATE TABLE q AS SELECT k, COUNT(*) AS c FROM numbers GROUP BY k HAVING 10 / SUM(n) > 1;";
    check(having, ZERO, &[r#"Aggregate.HavingFilter 1 ["a",1,0]"#], &[&format!("Aggregate.HavingFilter {ROW}")]);
}

#[test]
fn a_row_without_a_group_is_a_letter() {
    let group = "CREATE TABLE q AS SELECT 10 / n AS g, COUNT(*) AS c FROM numbers GROUP BY 10 / n;";
    check(group, ZERO, &[r#"Aggregate.GroupBy 1 ["a",0]"#], &[&format!("Aggregate.GroupBy {ROW}")]);
    let null = "CREATE TABLE q AS SELECT n, COUNT(*) AS c FROM numbers GROUP BY n;";
    check(null, NULL, &[r#"Aggregate.GroupBy 1 ["a",null]"#], &[&format!("Aggregate.GroupBy {ROW}")]);
    let table = "CREATE TABLE q AS SELECT 10 / n AS g, COUNT(*) AS c FROM rows GROUP BY 10 / n;";
    check(table, ZERO, &[r#"Aggregate.GroupBy 1 ["a",0]"#], &[&format!("Aggregate.GroupBy {ROW}")]);
    let null = "CREATE TABLE q AS SELECT n, COUNT(*) AS c FROM rows GROUP BY n;";
    check(null, NULL, &[r#"Aggregate.GroupBy 1 ["a",null]"#], &[&format!("Aggregate.GroupBy {ROW}")]);
    let window = "CREATE TABLE q AS SELECT k, COUNT(*) AS c FROM numbers WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY k;";
    let late = (i64::MAX, Some("a"), r#"{"n":1}"#);
    check(window, late, &[r#"Aggregate.Aggregate 1 ["a"]"#], &[&format!("Aggregate.Aggregate {ROW}")]);
}

#[test]
fn a_row_that_nothing_can_join_because_its_key_fails_is_a_letter_unless_it_stays() {
    let table = |join: &str| {
        format!("CREATE STREAM q AS SELECT r.k AS k, s.n AS n FROM numbers s {join} names r ON 10 / s.n = r.k;")
    };
    check(&table("JOIN"), ZERO, &[r#"LeftSourceKeyed 1 ["a",0]"#], &[&format!("LeftSourceKeyed {ROW}")]);
    check(&table("LEFT JOIN"), ZERO, &[r#"LeftSourceKeyed 1 ["a",0]"#], &[]);
    let stream = |join: &str| {
        format!(
            "CREATE STREAM q AS SELECT o.k AS k, s.n AS n FROM numbers s {join} others o WITHIN 1 HOUR ON 10 / s.n = o.k;"
        )
    };
    check(&stream("JOIN"), ZERO, &[r#"LeftSourceKeyed 1 ["a",0]"#], &[&format!("LeftSourceKeyed {ROW}")]);
    let right =
        "CREATE STREAM q AS SELECT o.k AS k, s.n AS n FROM others o JOIN numbers s WITHIN 1 HOUR ON o.k = 10 / s.n;";
    check(right, ZERO, &[r#"RightSourceKeyed 1 ["a",0]"#], &[&format!("RightSourceKeyed {ROW}")]);
    let foreign = |join: &str| {
        format!("CREATE TABLE q AS SELECT a.k AS k, b.name AS name FROM rows a {join} names b ON 10 / a.n = b.k;")
    };
    check(&foreign("JOIN"), ZERO, &[r#"Join 1 ["a",0]"#], &[&format!("Join {ROW}")]);
    check(&foreign("LEFT JOIN"), ZERO, &[r#"Join 1 ["a",0]"#], &[]);
}

#[test]
fn a_table_function_that_fails_drops_the_row() {
    let explode = "CREATE STREAM q AS SELECT k, EXPLODE(TRANSFORM(ARRAY[1], x => 10 / n)) AS x FROM numbers;";
    check(explode, ZERO, &[r#"FlatMap 1 ["a",0]"#], &[&format!("FlatMap {ROW}")]);
}

#[test]
fn a_row_that_cannot_be_written_is_a_letter() {
    let timed = "CREATE STREAM q WITH (timestamp='t') AS SELECT k, CAST(n - 1 AS BIGINT) AS t FROM numbers;";
    check(timed, ZERO, &[r#"Q.serializer 3 ["a",-1]"#], &[&format!("Q {ROW}")]);
}

#[test]
fn a_row_that_several_columns_keep_out_of_all_groups_is_told_once() {
    for from in ["numbers", "rows"] {
        let group = format!(
            "CREATE TABLE q WITH (key_format='json') AS SELECT n, 10 / n AS g, COUNT(*) AS c FROM {from} GROUP BY n, 10 / n;"
        );
        check(&group, NULL, &[r#"Aggregate.GroupBy 1 ["a",null]"#], &[&format!("Aggregate.GroupBy {ROW}")]);
    }
}
