//! Queries that fail: what one sees of them, what can be done with them, and how they come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use crate::clock::System;
use crate::config::Config;
use crate::kv::KvError;
use crate::log::{Embedded, Log, Output, Position, RecordsBuilder, TopicPartition};
use crate::runtime::{Blame, QueryError};
use crate::statements::{Answer, Outcome, QueryDescription, Session};

use super::faulty::Faulty;
use super::{Engine, Parts};

const QUERY: &str = "CSAS_GOOD_0";

fn engine_on(log: &Arc<dyn Log>, first_pause_ms: &str) -> Engine {
    let settings = [
        ("auto.offset.reset", "earliest"),
        ("ksql.fail.on.deserialization.error", "true"),
        ("ksql.query.retry.backoff.initial.ms", first_pause_ms),
        ("ksql.query.retry.backoff.max.ms", first_pause_ms),
        ("ksql.query.error.max.queue.size", "100"),
    ];
    let parts = Parts::by_hand(Arc::clone(log), Arc::new(System), Config::new(settings).unwrap());
    Engine::new(Parts { threads: 1, ..parts }).unwrap()
}

fn run(engine: &Engine, text: &str) -> Vec<Answer> {
    engine.execute(text, Session::default(), None).unwrap_or_else(|failure| panic!("{text}: {failure}"))
}

fn explained(engine: &Engine) -> QueryDescription {
    match run(engine, &format!("EXPLAIN {QUERY};")).remove(0).outcome {
        Outcome::QueryDescription(described) => *described,
        other => panic!("{other:?}"),
    }
}

fn status(engine: &Engine) -> String {
    explained(engine).running.unwrap().status
}

fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn numbers() -> TopicPartition {
    TopicPartition { topic: Arc::from("numbers"), partition: 0 }
}

#[test]
fn a_command_that_could_not_be_logged_leaves_nothing_running() {
    let (faulty, log) = Faulty::in_memory();
    let engine = engine_on(&log, "20");
    let names = || engine.shared.runtime.queries().iter().map(|query| query.id().to_string()).collect::<Vec<_>>();
    run(
        &engine,
        "CREATE STREAM numbers (n INT) WITH (kafka_topic='numbers', value_format='json', partitions=1);
         CREATE STREAM good AS SELECT * FROM numbers;
         PAUSE CSAS_GOOD_0;",
    );
    faulty.refuse_commands(true);
    let refused = |text: &str| engine.execute(text, Session::default(), None).unwrap_err().to_string();
    for text in [
        "CREATE STREAM more AS SELECT n + 1 AS n FROM numbers;",
        "CREATE OR REPLACE STREAM good AS SELECT n, n + 1 AS m FROM numbers;",
        "CREATE STREAM other (n INT) WITH (kafka_topic='other', value_format='json', partitions=1);",
        "INSERT INTO good SELECT * FROM numbers;",
        "TERMINATE CSAS_GOOD_0;",
        "DROP STREAM good;",
    ] {
        assert!(refused(text).contains("the disk is full"), "{text}");
    }
    assert_eq!(names(), [QUERY]);
    let topics: Vec<String> = log.topics().unwrap().into_iter().map(|topic| topic.name).collect();
    assert_eq!(topics, ["GOOD", "numbers"]);
    assert_eq!(status(&engine), "PAUSED");
    faulty.refuse_commands(false);
    run(&engine, "RESUME CSAS_GOOD_0; INSERT INTO numbers VALUES (7);");
    eventually("it goes on", || good_rows(&*log) == 1);
    run(&engine, "CREATE STREAM more AS SELECT n + 1 AS n FROM numbers;");
}

#[test]
fn a_query_writes_nothing_before_its_command_is_logged() {
    let (faulty, log, engine) = with_query();
    run(&engine, "INSERT INTO numbers VALUES (7); INSERT INTO numbers VALUES (8);");
    engine.run_until_idle(None);
    let written = Arc::new(AtomicI64::new(-1));
    let (before, driven, topics) = (Arc::clone(&written), engine.clone(), Arc::clone(&log));
    faulty.at_command(move || {
        driven.run_until_idle(None);
        let more = TopicPartition { topic: Arc::from("MORE"), partition: 0 };
        before.store(topics.bounds(&more).unwrap().end, Ordering::Relaxed);
    });
    for text in [
        "CREATE STREAM more AS SELECT n + 1 AS n FROM numbers;",
        "CREATE OR REPLACE STREAM more AS SELECT n + 1 AS n, n AS m FROM numbers;",
        "INSERT INTO more SELECT n, n AS m FROM numbers;",
    ] {
        let end = written.load(Ordering::Relaxed).max(0);
        run(&engine, text);
        assert_eq!(written.load(Ordering::Relaxed), end, "{text}");
        engine.run_until_idle(None);
        let more = TopicPartition { topic: Arc::from("MORE"), partition: 0 };
        written.store(log.bounds(&more).unwrap().end, Ordering::Relaxed);
    }
    assert_eq!(written.load(Ordering::Relaxed), 4, "two rows of each query, once");
    faulty.at_command(|| ());
}

/// A record nobody can read, in a topic from which a query copies.
fn poison(engine: &Engine, log: &dyn Log) {
    run(
        engine,
        "CREATE STREAM numbers (n INT) WITH (kafka_topic='numbers', value_format='json', partitions=1);
         CREATE STREAM good AS SELECT * FROM numbers;",
    );
    let mut builder = RecordsBuilder::default();
    builder.push(1, None, Some(b"{not json"));
    log.append(vec![Output { to: numbers(), records: builder.finish() }]).unwrap();
    run(engine, "INSERT INTO numbers VALUES (7);");
    eventually("the query fails", || status(engine) == "ERROR");
}

fn good_rows(log: &dyn Log) -> i64 {
    log.bounds(&good(0)).unwrap().end
}

fn good(partition: u32) -> TopicPartition {
    TopicPartition { topic: Arc::from("GOOD"), partition }
}

#[test]
fn a_query_that_failed_tells_why_and_comes_back_when_the_cause_is_gone() {
    let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
    let engine = engine_on(&log, "20");
    poison(&engine, &*log);
    eventually("it is tried again and again", || explained(&engine).errors.len() > 3);
    let errors = explained(&engine).errors;
    let is_expected =
        |error: &QueryError| error.message.contains("Deserialization exception") && error.blame == Blame::User;
    assert!(errors.iter().all(is_expected), "{errors:?}");
    assert_eq!(good_rows(&*log), 0);
    // what it could not read is gone
    log.delete_records(&[Position { of: numbers(), offset: 1 }]).unwrap();
    eventually("it runs", || status(&engine) == "RUNNING" && good_rows(&*log) == 1);
    run(&engine, "INSERT INTO numbers VALUES (8);");
    eventually("it goes on", || good_rows(&*log) == 2);
}

#[test]
fn a_query_that_failed_rests_and_can_be_paused_resumed_and_terminated_at_once() {
    let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
    let engine = engine_on(&log, "3600000");
    poison(&engine, &*log);
    let begin = Instant::now();
    run(&engine, &format!("PAUSE {QUERY};"));
    assert_eq!((status(&engine), explained(&engine).errors.len()), ("PAUSED".to_owned(), 1));
    run(&engine, &format!("RESUME {QUERY};"));
    eventually("it is tried again at once, and fails", || {
        status(&engine) == "ERROR" && explained(&engine).errors.len() == 2
    });
    run(&engine, &format!("PAUSE {QUERY};"));
    log.delete_records(&[Position { of: numbers(), offset: 1 }]).unwrap();
    run(&engine, &format!("RESUME {QUERY};"));
    eventually("it runs", || status(&engine) == "RUNNING" && good_rows(&*log) == 1);
    poison_again(&engine, &*log);
    run(&engine, "TERMINATE ALL; DROP STREAM good DELETE TOPIC;");
    assert!(engine.shared.runtime.life(QUERY).is_none());
    assert!(begin.elapsed() < Duration::from_secs(60)); // it would rest for an hour
}

fn poison_again(engine: &Engine, log: &dyn Log) {
    let mut builder = RecordsBuilder::default();
    builder.push(1, None, Some(b"{not json"));
    log.append(vec![Output { to: numbers(), records: builder.finish() }]).unwrap();
    eventually("the query fails", || status(engine) == "ERROR");
}

#[test]
fn a_query_whose_topic_is_gone_does_not_keep_the_server_from_starting() {
    let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
    let engine = engine_on(&log, "20");
    run(
        &engine,
        "CREATE STREAM numbers (n INT) WITH (kafka_topic='numbers', value_format='json', partitions=1);
         CREATE STREAM good AS SELECT * FROM numbers;",
    );
    drop(engine);
    log.delete_topic("numbers").unwrap();
    let engine = engine_on(&log, "20");
    assert_eq!(status(&engine), "ERROR");
    eventually("it is tried again and again", || explained(&engine).errors.len() > 2);
    assert_eq!(
        explained(&engine).errors[0].message,
        "topic numbers, which the query uses, does not exist. Make it again, with the records that are to be read, or DROP what the \
         query makes (TERMINATE it) and CREATE that anew"
    );
    log.create_topic("numbers", &crate::log::testing::spec(1)).unwrap();
    eventually("it runs", || status(&engine) == "RUNNING");
    run(&engine, "INSERT INTO numbers VALUES (8);");
    eventually("it goes on", || good_rows(&*log) == 1);
}

/// An engine that is driven by hand.
fn driven_on(log: &Arc<dyn Log>) -> Engine {
    super::tests::engine_on(Arc::clone(log), "8192")
}

fn names(engine: &Engine) -> Vec<(String, String)> {
    let queries = engine.runtime().queries();
    queries.iter().map(|query| (query.id().to_string(), query.life().state().to_string())).collect()
}

/// Segments that nobody has read must not go, nor may there be one for each batch.
#[test]
fn no_setting_makes_a_repartition_topic_lose_records() {
    let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
    let engine = driven_on(&log);
    run(
        &engine,
        "CREATE STREAM numbers (n INT) WITH (kafka_topic='numbers', value_format='json', partitions=2);
         SET 'ksql.streams.topic.retention.bytes' = '1000';
         SET 'ksql.streams.topic.retention.ms' = '1000';
         SET 'ksql.streams.topic.cleanup.policy' = 'compact';
         SET 'ksql.streams.topic.segment.bytes' = '1';
         SET 'ksql.streams.topic.min.insync.replicas' = '1';
         CREATE TABLE t AS SELECT n, COUNT(*) AS c FROM numbers GROUP BY n;",
    );
    let own = log.topics().unwrap().into_iter().find(|topic| topic.name.ends_with("-repartition")).unwrap();
    let expected = [
        ("cleanup.policy", "delete"),
        ("message.timestamp.type", "CreateTime"),
        ("min.insync.replicas", "1"),
        ("retention.bytes", "-1"),
        ("retention.ms", "-1"),
        ("segment.bytes", "1048576"),
    ];
    assert_eq!(own.spec.config, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
}

#[test]
fn a_row_of_its_own_topic_that_cannot_be_read_stops_a_query_and_no_other() {
    let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
    let engine = driven_on(&log);
    run(
        &engine,
        "CREATE STREAM numbers (n INT) WITH (kafka_topic='numbers', value_format='json', partitions=2);
         CREATE TABLE t AS SELECT n, COUNT(*) AS c FROM numbers GROUP BY n;
         CREATE STREAM other AS SELECT n FROM numbers;
         INSERT INTO numbers VALUES (1);",
    );
    engine.run_until_idle(None);
    let own = log.topics().unwrap().into_iter().find(|topic| topic.name.ends_with("-repartition")).unwrap();
    assert!(own.name.contains("CTAS_T_0"), "{own:?}");
    for value in [Some(b"nobody wrote this".as_slice()), None] {
        let of = TopicPartition { topic: Arc::from(own.name.as_str()), partition: 1 };
        let mut builder = RecordsBuilder::default();
        builder.push(1, None, value);
        let at = log.append(vec![Output { to: of.clone(), records: builder.finish() }]).unwrap()[0];
        run(&engine, "INSERT INTO numbers VALUES (2);");
        engine.run_until_idle(None);
        let states =
            ["CTAS_T_0", "CSAS_OTHER_1"].map(str::to_owned).into_iter().zip(["ERROR", "RUNNING"].map(str::to_owned));
        let mut found = names(&engine);
        found.sort_by(|one, other| other.0.cmp(&one.0));
        assert_eq!(found, states.collect::<Vec<_>>());
        let error = engine.runtime().life("CTAS_T_0").unwrap().errors().pop().unwrap().message;
        for part in [format!("offset {at} of partition 1 of {}", own.name), "terminate the query".to_owned()] {
            assert!(error.contains(&part), "{error}");
        }
        // It is still there after another start, and after it is gone the query goes on.
        run(&engine, "PAUSE CTAS_T_0; RESUME CTAS_T_0;");
        engine.run_until_idle(None);
        assert_eq!(engine.runtime().life("CTAS_T_0").unwrap().state().to_string(), "ERROR");
        log.delete_records(&[Position { of, offset: at + 1 }]).unwrap();
        run(&engine, "PAUSE CTAS_T_0; RESUME CTAS_T_0;");
        engine.run_until_idle(None);
        assert_eq!(engine.runtime().life("CTAS_T_0").unwrap().state().to_string(), "RUNNING");
    }
}

/// A stream and a query that copies it, on a log that fails on demand.
fn with_query() -> (Arc<Faulty>, Arc<dyn Log>, Engine) {
    let (faulty, log) = Faulty::in_memory();
    let engine = driven_on(&log);
    run(
        &engine,
        "CREATE STREAM numbers (n INT) WITH (kafka_topic='numbers', value_format='json', partitions=1);
         CREATE STREAM good AS SELECT n FROM numbers;",
    );
    (faulty, log, engine)
}

#[test]
fn a_panic_while_a_query_is_built_fails_the_statement_alone() {
    let (faulty, log, engine) = with_query();
    faulty.panic_at_reader(true);
    for text in [
        "CREATE STREAM more AS SELECT n FROM numbers;",
        "CREATE OR REPLACE STREAM good AS SELECT n, 1 AS m FROM numbers;",
    ] {
        let failure = engine.execute(text, Session::default(), None).unwrap_err();
        assert!(failure.to_string().contains("no reader"), "{failure}");
    }
    let is_there = |topic: &str| log.topic(topic).unwrap().is_some();
    assert!(!is_there("MORE") && is_there("GOOD"));
    faulty.panic_at_reader(false);
    // What was to be replaced could not be started again either.
    assert_eq!(names(&engine), [(QUERY.to_owned(), "ERROR".to_owned())]);
    run(&engine, "PAUSE CSAS_GOOD_0; RESUME CSAS_GOOD_0; INSERT INTO numbers VALUES (1);");
    engine.run_until_idle(None);
    assert_eq!((good_rows(&*log), status(&engine).as_str()), (1, "RUNNING"));
}

#[test]
fn a_topic_that_cannot_be_made_takes_nothing_from_the_query_that_was_to_be_replaced() {
    let (faulty, log, engine) = with_query();
    run(&engine, "INSERT INTO numbers VALUES (1);");
    engine.run_until_idle(None);
    // Somebody has removed the topic, so that a new one has to be made.
    log.delete_topic("GOOD").unwrap();
    faulty.refuse_topics(true);
    let replace = "CREATE OR REPLACE STREAM good AS SELECT n, 1 AS m FROM numbers;";
    let failure = engine.execute(replace, Session::default(), None).unwrap_err();
    assert!(failure.to_string().contains("the disk is full"), "{failure}");
    assert_eq!(names(&engine).len(), 1);
    let group = crate::runtime::group("default_", QUERY);
    assert_eq!(log.positions(&group).unwrap().len(), 1, "it knows where it stood");
    faulty.refuse_topics(false);
    run(&engine, &format!("{replace} INSERT INTO numbers VALUES (2);"));
    engine.run_until_idle(None);
    assert_eq!((good_rows(&*log), status(&engine).as_str()), (1, "RUNNING"));
}

#[test]
fn what_cannot_be_removed_keeps_no_query_running_and_is_removed_by_the_next_start() {
    let (faulty, log, engine) = with_query();
    run(
        &engine,
        "CREATE STREAM b AS SELECT n FROM numbers; CREATE TABLE c AS SELECT n, COUNT(*) FROM numbers GROUP BY n;",
    );
    run(&engine, "INSERT INTO numbers VALUES (1);");
    engine.run_until_idle(None);
    let left = || {
        let ids = [QUERY, "CSAS_B_1", "CTAS_C_2"].into_iter();
        ids.filter(|id| !log.positions(&crate::runtime::group("default_", id)).unwrap().is_empty()).collect::<Vec<_>>()
    };
    assert_eq!(left().len(), 3);
    faulty.refuse_topics(true);
    run(&engine, "TERMINATE ALL;");
    assert_eq!(names(&engine), []);
    let refused = engine.execute("DROP STREAM good DELETE TOPIC;", Session::default(), None).unwrap_err().to_string();
    assert!(refused.contains("GOOD could not be deleted") && refused.contains("the disk is full"), "{refused}");
    assert!(engine.catalog().source("GOOD").is_none());
    faulty.refuse_topics(false);
    run(&engine, "CREATE STREAM d AS SELECT n FROM numbers;");
    assert_eq!(left().len(), 3);
    drop(engine);
    let engine = driven_on(&log);
    assert_eq!(left(), <[&str; 0]>::default());
    assert_eq!(names(&engine), [("CSAS_D_3".to_owned(), "RUNNING".to_owned())]);
    assert!(log.topic("GOOD").unwrap().is_some(), "it was told that it stays, and is somebody's by now");
    assert_eq!(crate::commands::CommandLog::open(&log, None).unwrap().0.unfinished().unwrap(), []);
}

#[test]
fn a_commit_that_fails_or_panics_before_a_pause_loses_nothing() {
    // One task commits, the query is paused, and so the other one has to commit; or it is paused while one commits.
    for (panics, works_first) in [(false, true), (true, true), (false, false), (true, false)] {
        let (faulty, log) = Faulty::in_memory();
        let engine = driven_on(&log);
        run(
            &engine,
            "CREATE STREAM numbers (k INT KEY, n INT) WITH (kafka_topic='numbers', value_format='json', partitions=2);
             CREATE STREAM good AS SELECT * FROM numbers;",
        );
        for k in 0..20 {
            run(&engine, &format!("INSERT INTO numbers VALUES ({k}, {k});"));
        }
        let (mut commits, paused) = (0, engine.clone());
        faulty.at_commit(move || {
            commits += 1;
            if commits == 1 {
                paused.runtime().pause(QUERY).unwrap();
            }
            if commits == 1 && works_first {
                return Ok(());
            }
            assert!(!panics, "the last commit panics");
            Err(KvError::Store("the last commit fails".to_owned()).into())
        });
        engine.run_until_idle(None);
        faulty.at_commit(|| Ok(()));
        let written = || (0..2).map(|partition| log.bounds(&good(partition)).unwrap().end).sum::<i64>();
        assert!(written() < 20 && (written() > 0) == works_first, "{} rows before the pause", written());
        let errors = engine.runtime().life(QUERY).unwrap().errors();
        let is_told = errors.iter().all(|error| error.message.contains("the last commit"));
        assert!(is_told && !errors.is_empty(), "{errors:?}");
        assert_eq!(status(&engine), "PAUSED");
        run(&engine, &format!("RESUME {QUERY};"));
        engine.run_until_idle(None);
        assert_eq!((written(), status(&engine).as_str()), (20, "RUNNING"));
    }
}
