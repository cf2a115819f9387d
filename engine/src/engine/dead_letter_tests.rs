//! Records that a query cannot use, in the topic of dead letters.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use arrow::array::AsArray;

use super::faulty::Faulty;
use super::tests::{ask, engine_with, in_memory, rows, run};
use super::{Engine, Parts};
use crate::clock::System;
use crate::config::Config;
use crate::log::{Log, LogError, Output, Position, RecordsBuilder, Signal, TopicPartition};
use crate::statements::Session;

const LETTERS: &[(&str, &str)] = &[("ksql.processing.deadletter.topic", "dead")];
const NUMBERS: &str =
    "CREATE STREAM numbers (k STRING KEY, n INT) WITH (kafka_topic='numbers', value_format='json', partitions=1);";
const COPY: &str = "CREATE STREAM copy AS SELECT k, n FROM numbers;";

fn open(log: &Arc<dyn Log>, settings: &[(&str, &str)]) -> Engine {
    engine_with(log, &[LETTERS, settings].concat())
}

/// An engine with a thread that reads from the beginning.
fn threaded(log: &Arc<dyn Log>, settings: &[(&str, &str)]) -> Engine {
    let settings = [&[("auto.offset.reset", "earliest")], settings].concat();
    let parts = Parts::by_hand(Arc::clone(log), Arc::new(System), Config::new(settings).unwrap());
    Engine::new(Parts { threads: 1, ..parts }).unwrap()
}

/// Writes records to a topic, each at its number's time with a header.
fn feed<'a>(log: &dyn Log, topic: &str, values: impl IntoIterator<Item = &'a str>) {
    let mut records = RecordsBuilder::default();
    for (time, value) in (1..).zip(values) {
        records.push(time, Some(b"key"), Some(value.as_bytes()));
        records.header("from", Some(b"outside"));
    }
    log.append(vec![Output {
        to: TopicPartition { topic: Arc::from(topic), partition: 0 },
        records: records.finish(),
    }])
    .unwrap();
}

/// A record: time, key, value, headers.
pub(super) type Letter = (i64, String, String, BTreeMap<String, String>);

pub(super) fn letters(log: &dyn Log, topic: &str) -> Vec<Letter> {
    let from = Position { of: TopicPartition { topic: Arc::from(topic), partition: 0 }, offset: 0 };
    let mut reader = log.reader(vec![from], Arc::<Signal>::default()).unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut all = Vec::new();
    while let Some((_, batch)) = reader.poll(1 << 20).unwrap().pop() {
        let records = batch.records;
        for row in 0..records.len() {
            let pairs = records.headers.as_ref().unwrap().value(row);
            let pairs = pairs.as_struct();
            let (names, values) = (pairs.column(0).as_string::<i32>(), pairs.column(1).as_binary::<i32>());
            let headers =
                names.iter().zip(values).map(|(name, value)| (name.unwrap().to_owned(), text(value.unwrap())));
            let (key, value) = (text(records.keys.value(row)), text(records.values.value(row)));
            all.push((records.timestamps[row], key, value, headers.collect()));
        }
    }
    all
}

fn places(log: &dyn Log) -> Vec<String> {
    let place = |(_, _, value, headers): Letter| format!("{} {value}", headers["millstream.error.offset"]);
    letters(log, "dead").into_iter().map(place).collect()
}

#[test]
fn a_record_that_cannot_be_read_is_there_as_it_was_with_place_and_reason() {
    let log = in_memory();
    let engine = open(&log, &[]);
    run(&engine, NUMBERS);
    run(&engine, COPY);
    feed(&*log, "numbers", [r#"{"n":5}"#, "{not json"]);
    engine.run_until_idle(None);
    let mut dead = letters(&*log, "dead");
    let (time, key, value, headers) = dead.pop().unwrap();
    assert!(dead.is_empty());
    assert_eq!((time, key.as_str(), value.as_str()), (2, "key", "{not json"));
    let told: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let message = headers["millstream.error.message"].as_str();
    assert!(message.starts_with("Invalid JSON"), "{message}");
    assert_eq!(
        told,
        [
            ("from", "outside"),
            ("millstream.error.attempt", "1"),
            ("millstream.error.message", message),
            ("millstream.error.offset", "1"),
            ("millstream.error.part", "value"),
            ("millstream.error.partition", "0"),
            ("millstream.error.query", "CSAS_COPY_0"),
            ("millstream.error.step", "KsqlTopic.Source"),
            ("millstream.error.topic", "numbers"),
        ]
    );
}

#[test]
fn so_is_the_record_of_a_row_that_an_expression_drops_and_no_other() {
    let log = in_memory();
    let engine = open(&log, &[]);
    run(&engine, NUMBERS);
    run(&engine, "CREATE STREAM some AS SELECT k, 10 / (n - 1) AS q FROM numbers WHERE 10 / n > 1;");
    feed(&*log, "numbers", [r#"{"n":1}"#, r#"{"n":0}"#, r#"{"n":2}"#, "{bad", r#"{"n":0}"#]);
    engine.run_until_idle(None);
    // That of n = 1 has NULL for what failed, and stays.
    assert_eq!(places(&*log), [r#"1 {"n":0}"#, "3 {bad", r#"4 {"n":0}"#]);
    let headers = letters(&*log, "dead").remove(0).3;
    assert_eq!(
        (headers["millstream.error.step"].as_str(), headers["millstream.error.part"].as_str()),
        ("WhereFilter", "row")
    );
}

#[test]
fn it_is_there_once_however_often_its_query_starts_again() {
    let (faulty, log) = Faulty::in_memory();
    let settings = [("millstream.max.records.per.step", "1"), ("ksql.streams.commit.interval.ms", "0")];
    let engine = open(&log, &settings);
    run(&engine, NUMBERS);
    run(&engine, "CREATE STREAM copy AS SELECT k, n FROM numbers WHERE 1 / n > 0;");
    feed(&*log, "numbers", [r#"{"n":1}"#, "{bad", r#"{"n":0}"#, r#"{"n":1}"#, "{bad", r#"{"n":1}"#]);
    for failing in 1..4 {
        let engine = open(&log, &settings);
        let commits = AtomicU32::new(0);
        faulty.at_commit(move || match commits.fetch_add(1, Ordering::Relaxed) {
            at if at == failing => Err(LogError::Broker("gone".to_owned())),
            _ => Ok(()),
        });
        engine.run_until_idle(None);
    }
    faulty.at_commit(|| Ok(()));
    open(&log, &settings).run_until_idle(None);
    assert_eq!(places(&*log), ["1 {bad", r#"2 {"n":0}"#, "4 {bad"]);
}

#[test]
fn a_row_that_cannot_be_written_is_passed_over_where_there_is_such_a_topic() {
    let log = in_memory();
    let engine = open(&log, &[]);
    run(
        &engine,
        "CREATE STREAM times (k STRING KEY, t STRING, n INT) WITH (kafka_topic='numbers', value_format='json', partitions=1);",
    );
    run(&engine, "CREATE STREAM timed WITH (timestamp='t', timestamp_format='yyyy') AS SELECT k, t, n FROM times;");
    feed(&*log, "numbers", [r#"{"t":"2001","n":1}"#, r#"{"t":"soon","n":2}"#]);
    engine.run_until_idle(None);
    assert_eq!(places(&*log), [r#"1 {"t":"soon","n":2}"#]);
}

#[test]
fn it_can_be_asked_for_by_statement_and_what_reads_it_makes_none() {
    let log = in_memory();
    let engine = open(&log, &[("ksql.processing.deadletter.topic", ""), ("ksql.readonly.topics", "safe")]);
    run(&engine, NUMBERS);
    let session = |topic: &str| {
        let set = [("ksql.processing.deadletter.topic", topic), ("auto.offset.reset", "earliest")];
        Session::new(set.map(|(name, value)| (name, value.to_owned())), [])
    };
    let refused = engine.execute(COPY, session("safe"), None).unwrap_err().message;
    assert_eq!(refused, "Cannot write dead letters to read-only topic: safe");
    assert!(engine.execute(COPY, session("no topic"), None).is_err());
    engine.execute(COPY, session("mine"), None).unwrap();
    feed(&*log, "numbers", ["{bad"]);
    engine.run_until_idle(None);
    assert_eq!(letters(&*log, "mine").len(), 1);
    run(&engine, "CREATE STREAM again (k STRING KEY, n INT) WITH (kafka_topic='mine', value_format='json');");
    engine.execute("CREATE STREAM further AS SELECT k, n FROM again;", session("mine"), None).unwrap();
    engine.run_until_idle(None);
    assert_eq!(letters(&*log, "mine").len(), 1);
    // Clients only look.
    let mut push = ask(&engine, "SELECT * FROM numbers EMIT CHANGES;");
    assert!(rows(&engine, &mut push).is_empty());
    assert_eq!(letters(&*log, "mine").len(), 1);
}

#[test]
fn a_query_does_not_go_on_while_its_letters_cannot_be_written() {
    let log = in_memory();
    let engine = open(&log, &[]);
    run(&engine, NUMBERS);
    run(&engine, COPY);
    log.delete_topic("dead").unwrap();
    feed(&*log, "numbers", ["{bad"]);
    engine.run_until_idle(None);
    drop(engine);
    // Whoever starts it makes the topic.
    open(&log, &[]).run_until_idle(None);
    assert_eq!(places(&*log), ["0 {bad"]);
}

#[test]
fn a_circle_that_is_closed_later_makes_no_more_letters() {
    let raw =
        "CREATE STREAM raw (k STRING KEY, n INT) WITH (kafka_topic='numbers', value_format='json', partitions=1);";
    let texts =
        "CREATE STREAM texts (k STRING KEY, t STRING) WITH (kafka_topic='dead', value_format='kafka', partitions=1);";
    let log = in_memory();
    let engine = open(&log, &[]);
    run(&engine, raw);
    run(&engine, "CREATE STREAM used AS SELECT k, n FROM raw WHERE 1 / (n - n) > 0;");
    run(
        &engine,
        "CREATE STREAM unread (k STRING KEY, n INT) WITH (kafka_topic='unread', value_format='json', partitions=1);",
    );
    run(&engine, "CREATE STREAM other AS SELECT * FROM unread;");
    feed(&*log, "numbers", [r#"{"n":1}"#]);
    engine.run_until_idle(None);
    assert_eq!(letters(&*log, "dead").len(), 1);
    run(&engine, texts);
    run(&engine, "INSERT INTO raw SELECT k, LEN(t) AS n FROM texts;");
    feed(&*log, "numbers", [r#"{"n":2}"#]);
    engine.run_until_idle(None);
    assert_eq!(letters(&*log, "dead").len(), 1);
    // Those beside it go on.
    feed(&*log, "unread", ["{bad"]);
    engine.run_until_idle(None);
    assert_eq!(letters(&*log, "dead").len(), 2);
    drop(engine);
    // The same at the next start, and the circle is open when a part of it is gone.
    let engine = open(&log, &[]);
    feed(&*log, "numbers", [r#"{"n":3}"#]);
    engine.run_until_idle(None);
    assert_eq!(letters(&*log, "dead").len(), 2);
    let insert = engine.catalog().queries().find(|query| query.id.starts_with("INSERTQUERY")).unwrap().id.clone();
    run(&engine, &format!("TERMINATE {insert};"));
    feed(&*log, "numbers", [r#"{"n":4}"#]);
    engine.run_until_idle(None);
    assert_eq!(letters(&*log, "dead").len(), 3);
}

#[test]
fn queries_that_have_each_others_input_for_their_letters_write_none() {
    let log = in_memory();
    let engine = open(&log, &[("ksql.processing.deadletter.topic", "")]);
    for (source, letters) in [("a", "b"), ("b", "a")] {
        run(
            &engine,
            &format!(
                "CREATE STREAM {source} (n INT) WITH (kafka_topic='{source}', value_format='json', partitions=1);"
            ),
        );
        let set = [("ksql.processing.deadletter.topic", letters), ("auto.offset.reset", "earliest")];
        let session = Session::new(set.map(|(name, value)| (name, value.to_owned())), []);
        engine.execute(&format!("CREATE STREAM of_{source} AS SELECT n FROM {source};"), session, None).unwrap();
    }
    feed(&*log, "a", ["{bad"]);
    engine.run_until_idle(None);
    assert_eq!((letters(&*log, "a").len(), letters(&*log, "b").len()), (1, 0));
}

#[test]
fn a_letter_that_others_lead_back_is_one_again_a_few_times_only() {
    let log = in_memory();
    let engine = open(&log, &[]);
    run(&engine, NUMBERS);
    run(&engine, COPY);
    feed(&*log, "numbers", ["{bad"]);
    engine.run_until_idle(None);
    for _ in 0..20 {
        let dead = letters(&*log, "dead");
        let (time, key, value, headers) = dead.last().unwrap();
        let mut records = RecordsBuilder::default();
        records.push(*time, Some(key.as_bytes()), Some(value.as_bytes()));
        headers.iter().for_each(|(name, value)| records.header(name, Some(value.as_bytes())));
        let to = TopicPartition { topic: Arc::from("numbers"), partition: 0 };
        log.append(vec![Output { to, records: records.finish() }]).unwrap();
        engine.run_until_idle(None);
    }
    let attempts: Vec<String> =
        letters(&*log, "dead").into_iter().map(|letter| letter.3["millstream.error.attempt"].clone()).collect();
    assert_eq!(attempts, (1..=16).map(|attempt: u32| attempt.to_string()).collect::<Vec<_>>());
}

#[test]
fn a_row_that_was_held_back_is_told_of_without_a_record() {
    let log = in_memory();
    let engine = open(&log, &[]);
    run(
        &engine,
        "CREATE STREAM times (k STRING KEY, t STRING, n INT) WITH (kafka_topic='numbers', value_format='json', partitions=1);",
    );
    run(
        &engine,
        "CREATE TABLE latest WITH (timestamp='t', timestamp_format='yyyy') AS SELECT k, LATEST_BY_OFFSET(t) AS t FROM times \
         WINDOW TUMBLING (SIZE 2 MILLISECONDS, GRACE PERIOD 0 MILLISECONDS) GROUP BY k EMIT FINAL;",
    );
    feed(
        &*log,
        "numbers",
        [r#"{"t":"soon","n":1}"#, r#"{"t":"2001","n":2}"#, r#"{"t":"2001","n":3}"#, r#"{"t":"2001","n":4}"#],
    );
    engine.run_until_idle(None);
    let dead = letters(&*log, "dead");
    assert_eq!(dead.len(), 1);
    let (_, key, value, headers) = &dead[0];
    assert_eq!((key.as_str(), value.as_str(), headers.get("millstream.error.offset")), ("", "", None));
    assert_eq!(headers["millstream.error.part"], "held-back row");
    assert!(headers["millstream.error.message"].contains("column T"), "{headers:?}");
}

#[test]
fn their_topic_keeps_them_for_ever() {
    let log = in_memory();
    let engine = open(&log, &[]);
    run(&engine, NUMBERS);
    run(&engine, COPY);
    assert_eq!(log.topic("dead").unwrap().unwrap().spec.config["retention.ms"], "-1");
}

#[test]
fn what_would_be_too_large_for_the_log_is_left_out_of_a_letter() {
    let (_, log) = Faulty::in_memory();
    let engine = open(&log, &[]);
    run(&engine, NUMBERS);
    run(&engine, COPY);
    let large = format!("{{bad{}", "x".repeat(64 << 10));
    feed(&*log, "numbers", ["{bad", &large]);
    engine.run_until_idle(None);
    let told = |(_, key, value, mut headers): Letter| (key, value, headers.remove("millstream.error.left.out"));
    let told: Vec<_> = letters(&*log, "dead").into_iter().map(told).collect();
    let left_out = Some("value of 65540 bytes".to_owned());
    assert_eq!(told, [("key".to_owned(), "{bad".to_owned(), None), ("key".to_owned(), String::new(), left_out)]);
}

#[test]
fn a_record_of_a_repartition_topic_is_shown_as_the_row_it_is() {
    let log = in_memory();
    let engine = open(&log, &[]);
    run(
        &engine,
        "CREATE STREAM two (k STRING KEY, n INT) WITH (kafka_topic='numbers', value_format='json', partitions=2);
         CREATE TABLE sums AS SELECT n, COUNT(*) AS c, MIN(k) AS k FROM two GROUP BY n HAVING 10 / n > 1;",
    );
    feed(&*log, "numbers", [r#"{"n":0}"#]);
    engine.run_until_idle(None);
    let (time, _, value, headers) = letters(&*log, "dead").remove(0);
    assert_eq!((time, value.as_str()), (1, r#"{"N":0,"K":"key"}"#));
    let header = |name: &str| headers[&format!("millstream.error.{name}")].as_str();
    assert_eq!((header("internal"), header("offset"), header("step")), ("true", "0", "Aggregate.HavingFilter"));
    assert_eq!(header("topic"), "_confluent-ksql-default_query_CTAS_SUMS_0-Aggregate-GroupBy-repartition");
    assert_eq!(headers["from"], "outside");
}

/// With threads, each query runs as soon as it is started.
#[test]
fn no_letter_is_written_at_a_start_before_the_query_that_closes_the_circle_runs() {
    let log = in_memory();
    let fillers = 40;
    {
        let engine = open(&log, &[]);
        run(&engine, NUMBERS);
        run(&engine, COPY);
        for at in 0..fillers {
            run(&engine, &format!("CREATE STREAM copy{at} AS SELECT k, n FROM numbers WHERE n > {at};"));
        }
        run(
            &engine,
            "CREATE STREAM texts (k STRING KEY, t STRING) WITH (kafka_topic='dead', value_format='kafka', partitions=1);
             INSERT INTO numbers SELECT k, LEN(t) AS n FROM texts;",
        );
    }
    feed(&*log, "numbers", ["{bad"]);
    let engine = threaded(&log, LETTERS);
    let ids: Vec<String> = engine.catalog().queries().map(|query| query.id.clone()).collect();
    let lives = ids.iter().filter(|id| id.starts_with("CSAS_COPY")).filter_map(|id| engine.shared.runtime.life(id));
    let lives: Vec<_> = lives.collect();
    assert_eq!(lives.len(), fillers + 1);
    let read = || lives.iter().all(|life| life.processing_log.count() > 0);
    let deadline = Instant::now() + Duration::from_secs(60);
    while !read() {
        assert!(Instant::now() < deadline, "the record is not read");
        std::thread::sleep(Duration::from_millis(2));
    }
    engine.shut_down();
    assert_eq!(letters(&*log, "dead").len(), 0);
}

#[test]
fn a_row_of_a_table_that_its_format_cannot_hold_is_a_dead_letter() {
    let log = in_memory();
    let engine = open(&log, &[]);
    run(
        &engine,
        "CREATE TABLE lists (k STRING PRIMARY KEY, n INT) WITH (kafka_topic='lists', value_format='json', partitions=1);
         CREATE TABLE kept WITH (value_format='PROTOBUF') AS SELECT k, ARRAY[n] AS l FROM lists;
         INSERT INTO lists VALUES ('a', 1); INSERT INTO lists VALUES ('b', NULL); INSERT INTO lists VALUES ('c', 3);",
    );
    engine.run_until_idle(None);
    let kept = |key: &str| rows(&engine, &mut ask(&engine, &format!("SELECT * FROM kept WHERE k = '{key}';")));
    assert_eq!((&*kept("a")[0], &*kept("c")[0]), (r#"["a",[1]]"#, r#"["c",[3]]"#));
    assert_eq!(kept("b").len(), 1, "{:?}", kept("b"));
    assert_eq!(letters(&*log, "dead").len(), 1);
    assert!(engine.runtime().queries().iter().all(|query| query.life().errors().is_empty()));
}
