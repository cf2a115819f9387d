//! What the server's settings forbid or bound.

use std::sync::Arc;

use sql::Variables;

use super::tests::{ask, in_memory, query_with, rows, run};
use super::{Engine, Parts};
use crate::clock::Manual;
use crate::config::Config;
use crate::serving::Client;
use crate::statements::{FailureKind, Progress, Session};

const SOURCE: &str =
    "CREATE STREAM S (K INT KEY, V INT, A ARRAY<INT>) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);";
const TABLE: &str = "CREATE TABLE T AS SELECT K, COUNT(*) AS N FROM S GROUP BY K; INSERT INTO S (K, V) VALUES (1, 1);";

fn engine(settings: &[(&str, &str)]) -> (Engine, Arc<Manual>) {
    let clock = Arc::new(Manual::at(1_000));
    let config = Config::new(settings.iter().copied()).unwrap();
    let parts = Parts::by_hand(in_memory(), Arc::clone(&clock) as _, config);
    (Engine::new(parts).unwrap(), clock)
}

fn refused(engine: &Engine, text: &str) -> (FailureKind, String) {
    let failure = engine.execute(text, Session::default(), None).expect_err(text);
    (failure.kind, failure.message)
}

fn pull(engine: &Engine) -> Result<Vec<String>, (FailureKind, String)> {
    let answer = query_with(engine, "SELECT * FROM T WHERE K = 1;", &[], &Client::default());
    answer.map(|mut answer| rows(engine, &mut answer.rows)).map_err(|failure| (failure.kind, failure.message))
}

#[test]
fn what_is_switched_off_is_refused() {
    let (engine, _) = engine(&[("ksql.lambdas.enabled", "false"), ("ksql.headers.columns.enabled", "false")]);
    run(&engine, SOURCE);
    let (kind, message) = refused(&engine, "CREATE STREAM L AS SELECT K, TRANSFORM(A, X => X + 1) AS B FROM S;");
    assert_eq!(kind, FailureKind::Statement);
    assert_eq!(message, "Exception while preparing statement: Lambdas are not enabled at this time.");
    let headers = "CREATE STREAM H (V INT, H BYTES HEADER('h')) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');";
    let (_, message) = refused(&engine, headers);
    assert_eq!(message, "Cannot create Stream because schema with headers columns is disabled.");
    let lambda = query_with(&engine, "SELECT TRANSFORM(A, X => X) FROM S EMIT CHANGES;", &[], &Client::default());
    assert!(lambda.is_err());
}

#[test]
fn variables_stay_as_they_are_where_they_are_switched_off() {
    let session = |properties: &[(&'static str, &str)]| Session {
        variables: [("x", "y")].into_iter().collect::<Variables>(),
        ..session(properties)
    };
    let read = |engine: &Engine, properties: &[(&'static str, &str)]| {
        engine.parse("SELECT '${x}' FROM S EMIT CHANGES;", &session(properties)).unwrap().remove(0).text
    };
    let (off, _) = engine(&[("ksql.variable.substitution.enable", "false")]);
    let (on, _) = engine(&[]);
    let (replaced, kept) = ("SELECT 'y' FROM S EMIT CHANGES;", "SELECT '${x}' FROM S EMIT CHANGES;");
    assert_eq!(read(&off, &[]), kept);
    assert_eq!(read(&off, &[("ksql.variable.substitution.enable", "true")]), replaced);
    assert_eq!(read(&on, &[]), replaced);
    assert_eq!(read(&on, &[("ksql.variable.substitution.enable", "false")]), kept);
}

fn session(properties: &[(&'static str, &str)]) -> Session {
    Session::new(properties.iter().map(|(name, value)| (*name, (*value).to_owned())), [])
}

#[test]
fn who_switches_inserts_off_means_inserts_stream_too() {
    let off = ("ksql.insert.into.values.enabled", "false");
    let (open, _) = engine(&[]);
    let (shut, _) = engine(&[off]);
    run(&open, SOURCE);
    run(&shut, SOURCE);
    assert!(open.inserts("S", &session(&[])).is_ok());
    for refused in [open.inserts("S", &session(&[off])), shut.inserts("S", &session(&[]))] {
        let failure = refused.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Request);
        assert!(failure.message.starts_with("The server has disabled INSERT INTO"), "{}", failure.message);
    }
}

#[test]
fn print_reads_from_where_the_settings_say() {
    let from_beginning = |engine: &Engine, properties: &[(&'static str, &str)]| {
        let parsed = engine.parse("PRINT s;", &Session::default()).unwrap().remove(0);
        engine.print_of(&parsed.statement, &session(properties)).map(|print| print.unwrap().from_beginning)
    };
    let (latest, _) = engine(&[]);
    let (earliest, _) = engine(&[("auto.offset.reset", "earliest")]);
    assert_eq!(from_beginning(&latest, &[]), Ok(false));
    assert_eq!(from_beginning(&earliest, &[]), Ok(true));
    for name in ["auto.offset.reset", "ksql.streams.auto.offset.reset"] {
        assert_eq!(from_beginning(&latest, &[(name, "earliest")]), Ok(true));
        assert_eq!(from_beginning(&earliest, &[(name, "latest")]), Ok(false));
    }
    assert!(from_beginning(&latest, &[("auto.offset.reset", "nowhere")]).is_err());
}

#[test]
fn constants_of_pull_queries_are_computed_as_the_session_says() {
    let (engine, _) = engine(&[("auto.offset.reset", "earliest")]);
    run(
        &engine,
        "CREATE STREAM W (K VARCHAR KEY) WITH (KAFKA_TOPIC='w', VALUE_FORMAT='JSON', PARTITIONS=1);
         CREATE TABLE N AS SELECT K, COUNT(*) AS C FROM W GROUP BY K; INSERT INTO W (K) VALUES ('b');",
    );
    let pulled = |properties: &[(&str, &str)]| {
        let query = "SELECT K FROM N WHERE K = SUBSTRING('ab', 1);";
        let mut answer = query_with(&engine, query, properties, &Client::default()).unwrap();
        rows(&engine, &mut answer.rows)
    };
    assert_eq!(pulled(&[]), ["Completed"]);
    assert_eq!(pulled(&[("ksql.functions.substring.legacy.args", "true")]), ["[\"b\"]", "Completed"]);
}

#[test]
fn a_session_may_set_how_its_queries_topics_are_made() {
    for name in ["topic.segment.bytes", "ksql.streams.topic.segment.bytes"] {
        let (engine, _) = engine(&[]);
        let two = "CREATE STREAM P (K INT KEY, V INT) WITH (KAFKA_TOPIC='p', VALUE_FORMAT='JSON', PARTITIONS=2);";
        run(&engine, two);
        let table = "CREATE TABLE U AS SELECT V, COUNT(*) AS N FROM P GROUP BY V;";
        engine.execute(table, session(&[(name, "1234567")]), None).unwrap();
        let topics = engine.log().topics().unwrap();
        let made = topics.iter().find(|topic| topic.name.ends_with("-repartition")).unwrap();
        assert_eq!(made.spec.config.get("segment.bytes").map(String::as_str), Some("1234567"), "{name}");
    }
}

#[test]
fn nobody_writes_or_deletes_a_topic_that_is_read_only() {
    let (engine, _) = engine(&[("ksql.readonly.topics", "safe.*"), ("ksql.hidden.topics", "hid.*")]);
    run(
        &engine,
        "CREATE STREAM A (V INT) WITH (KAFKA_TOPIC='safe', VALUE_FORMAT='JSON', PARTITIONS=1);
         CREATE STREAM B (V INT) WITH (KAFKA_TOPIC='hidden', VALUE_FORMAT='JSON', PARTITIONS=1);",
    );
    for (text, expected) in [
        ("INSERT INTO A (V) VALUES (1);", "Cannot insert values into read-only topic: safe"),
        ("INSERT INTO A SELECT * FROM B;", "Cannot insert into read-only topic: safe"),
        ("CREATE STREAM C WITH (KAFKA_TOPIC='safe2') AS SELECT * FROM B;", "Cannot insert into read-only topic: safe2"),
        ("DROP STREAM A DELETE TOPIC;", "Cannot delete read-only topic: safe"),
    ] {
        assert_eq!(refused(&engine, text).1, expected, "{text}");
    }
    assert!(engine.log().topic("safe").unwrap().is_some() && engine.log().topic("safe2").unwrap().is_none());
    let shown = format!("{:?}", engine.execute("SHOW TOPICS;", Session::default(), None).unwrap());
    assert!(shown.contains("\"safe\"") && !shown.contains("hidden"), "{shown}");
}

#[test]
fn pull_queries_have_a_rate() {
    let (engine, clock) = engine(&[("ksql.query.pull.max.qps", "2"), ("auto.offset.reset", "earliest")]);
    run(&engine, SOURCE);
    run(&engine, TABLE);
    assert_eq!(pull(&engine).unwrap(), ["[1,1]", "Completed"]);
    let full = (FailureKind::TooMany, "Host is at rate limit for pull queries. Currently set to 2.0 qps.".to_owned());
    assert_eq!(pull(&engine).unwrap_err(), full);
    let stream = query_with(&engine, "SELECT * FROM S;", &[], &Client::default());
    assert_eq!(stream.map(|_| ()).map_err(|failure| (failure.kind, failure.message)), Err(full));
    clock.set(1_500);
    pull(&engine).unwrap();
}

#[test]
fn answers_to_pull_queries_have_a_bandwidth() {
    let settings = [("ksql.query.pull.max.hourly.bandwidth.megabytes", "0"), ("auto.offset.reset", "earliest")];
    let (engine, clock) = engine(&settings);
    run(&engine, SOURCE);
    run(&engine, TABLE);
    pull(&engine).unwrap();
    let over = (FailureKind::TooMany, "Host is at bandwidth rate limit for pull queries.".to_owned());
    assert_eq!(pull(&engine).unwrap_err(), over);
    drop(ask(&engine, "SELECT * FROM S EMIT CHANGES;"));
    clock.set(61 * 60_000);
    pull(&engine).unwrap();
}

#[test]
fn rows_of_shared_push_queries_have_a_bandwidth() {
    let (engine, _) = engine(&[
        ("ksql.query.push.v2.enabled", "true"),
        ("ksql.query.push.v2.registry.installed", "true"),
        ("ksql.query.push.v2.max.hourly.bandwidth.megabytes", "0"),
    ]);
    run(&engine, SOURCE);
    run(&engine, "CREATE STREAM C AS SELECT K, V FROM S;");
    let mut pushed = ask(&engine, "SELECT * FROM C EMIT CHANGES;");
    engine.run_until_idle(None);
    run(&engine, "INSERT INTO S (K, V) VALUES (1, 1);");
    assert_eq!(rows(&engine, &mut pushed), ["[1,1]"]);
    let failure =
        query_with(&engine, "SELECT * FROM C EMIT CHANGES;", &[], &Client::default()).map(|_| ()).unwrap_err();
    assert_eq!(failure.message, "Host is at bandwidth rate limit for push queries.");
    drop(ask(&engine, "SELECT * FROM S EMIT CHANGES;"));
}

#[test]
fn statements_that_change_something_have_a_rate() {
    let (engine, clock) = engine(&[("ksql.server.command.topic.rate.limit", "1")]);
    run(&engine, SOURCE);
    let mut second = engine.begin("CREATE STREAM C AS SELECT K, V FROM S;", Session::default(), None);
    assert!(matches!(second.go_on(), Ok(Progress::Wait(_))));
    assert!(engine.execute("SHOW STREAMS;", Session::default(), None).is_ok());
    let (kind, message) = refused(&engine, "DROP STREAM S;");
    assert_eq!(kind, FailureKind::TooMany);
    assert_eq!(message, "DDL/DML rate is crossing the configured rate limit of statements/second");
    clock.set(2_000);
    assert!(matches!(second.go_on(), Ok(Progress::Done(_))));
}
