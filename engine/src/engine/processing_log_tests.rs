//! The processing log as a topic and a stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use super::Engine;
use super::faulty::Faulty;
use super::tests::{ask, engine_with, in_memory, query_with, records, rows, run};
use crate::log::{Log, LogError, Output, RecordsBuilder, TopicPartition};
use crate::serving::Client;
use crate::statements::Session;

const TOPIC: &str = "default_ksql_processing_log";
const BOTH: &[(&str, &str)] =
    &[("ksql.logging.processing.topic.auto.create", "true"), ("ksql.logging.processing.stream.auto.create", "true")];
const NUMBERS: &str =
    "CREATE STREAM numbers (k STRING KEY, n INT) WITH (kafka_topic='numbers', value_format='json', partitions=1);";
const COPY: &str = "CREATE STREAM copy AS SELECT k, n FROM numbers;";

fn open(log: &Arc<dyn Log>, settings: &[(&str, &str)]) -> Engine {
    engine_with(log, &[BOTH, settings].concat())
}

/// Writes records to the topic of `numbers`.
fn feed<'a>(log: &dyn Log, values: impl IntoIterator<Item = &'a str>) {
    let mut records = RecordsBuilder::default();
    values.into_iter().for_each(|value| records.push(1, Some(b"key"), Some(value.as_bytes())));
    let to = TopicPartition { topic: Arc::from("numbers"), partition: 0 };
    log.append(vec![Output { to, records: records.finish() }]).unwrap();
}

/// What stands in the topic: logger and message of every entry.
fn logged(log: &dyn Log) -> Vec<(String, Value)> {
    let parse = |record: String| {
        let value = record.strip_prefix("@1000 - ").unwrap();
        let mut entry: Value = serde_json::from_str(value).unwrap();
        assert_eq!(entry["time"], 1000);
        (entry["logger"].as_str().unwrap().to_owned(), entry["message"].take())
    };
    records(log, TOPIC).into_iter().map(parse).collect()
}

/// The offsets of the records that are told of.
fn offsets(log: &dyn Log) -> Vec<i64> {
    logged(log).iter().filter_map(|(_, message)| message["deserializationError"]["offset"].as_i64()).collect()
}

#[test]
fn every_failure_is_a_row_of_the_stream() {
    let log = in_memory();
    let engine = open(&log, &[]);
    run(&engine, NUMBERS);
    run(&engine, "CREATE STREAM copy AS SELECT k, 10 / n AS q FROM numbers;");
    feed(&*log, [r#"{"n":5}"#, "{not json", r#"{"n":0}"#]);
    engine.run_until_idle(None);
    let fields = "logger, message->type, message->deserializationError->errorMessage, \
                  message->deserializationError->`offset`, message->recordProcessingError->errorMessage";
    let mut log_rows = ask(&engine, &format!("SELECT {fields} FROM KSQL_PROCESSING_LOG EMIT CHANGES;"));
    let seen = rows(&engine, &mut log_rows);
    assert_eq!(seen.len(), 2, "{seen:#?}");
    assert!(
        seen[0].starts_with(
            r#"["processing.CSAS_COPY_0.KsqlTopic.Source.deserializer",0,"Failed to deserialize value from topic: numbers. "#
        ) && seen[0].ends_with(",1,null]"),
        "{seen:#?}"
    );
    assert!(seen[1].starts_with(r#"["processing.CSAS_COPY_0.Project",1,null,null,""#), "{seen:#?}");
    assert_eq!(
        logged(&*log)[0].1["deserializationError"]["recordB64"],
        Value::Null,
        "data only where they are asked for"
    );
}

#[test]
fn the_data_of_bad_records_stand_in_it_where_they_are_asked_for() {
    let log = in_memory();
    let engine = open(&log, &[("ksql.logging.processing.rows.include", "true")]);
    run(&engine, NUMBERS);
    run(&engine, COPY);
    feed(&*log, ["{not json"]);
    engine.run_until_idle(None);
    assert_eq!(logged(&*log)[0].1["deserializationError"]["recordB64"], "e25vdCBqc29u");
}

#[test]
fn entries_are_committed_with_the_step_that_passes_the_record() {
    let (faulty, log) = Faulty::in_memory();
    let settings = [("millstream.max.records.per.step", "1"), ("ksql.streams.commit.interval.ms", "0")];
    let engine = open(&log, &settings);
    run(&engine, NUMBERS);
    run(&engine, COPY);
    feed(&*log, [r#"{"n":1}"#, "{bad", r#"{"n":2}"#, r#"{"n":3}"#, "{bad", r#"{"n":4}"#]);
    // The second commit fails: all six records have been read by then, and one was committed.
    let commits = AtomicU32::new(0);
    faulty.at_commit(move || match commits.fetch_add(1, Ordering::Relaxed) {
        1 => Err(LogError::Broker("gone".to_owned())),
        _ => Ok(()),
    });
    engine.run_until_idle(None);
    assert!(offsets(&*log).len() < 2, "{:?}", offsets(&*log));
    drop(engine);
    let engine = open(&log, &settings);
    engine.run_until_idle(None);
    assert_eq!(log.bounds(&TopicPartition { topic: Arc::from("COPY"), partition: 0 }).unwrap().end, 4);
    assert_eq!(offsets(&*log), [1, 4]);
}

#[test]
fn what_stops_a_query_is_told_too() {
    let log = in_memory();
    let engine = open(&log, &[("ksql.fail.on.deserialization.error", "true")]);
    run(&engine, NUMBERS);
    run(&engine, COPY);
    feed(&*log, ["{not json"]);
    engine.run_until_idle(None);
    let logged = logged(&*log);
    assert_eq!(logged.len(), 2);
    assert_eq!(logged[0].0, "processing.CSAS_COPY_0.KsqlTopic.Source.deserializer");
    assert_eq!((logged[0].1["type"].as_i64(), logged[1].1["type"].as_i64()), (Some(0), Some(4)));
    assert_eq!(logged[1].0, "processing.CSAS_COPY_0");
    let cause = logged[1].1["kafkaStreamsThreadError"]["cause"][0].as_str().unwrap();
    assert!(cause.starts_with("Deserialization exception: "), "{cause}");
}

#[test]
fn a_commit_that_fails_is_a_production_error() {
    let (faulty, log) = Faulty::in_memory();
    let engine = open(&log, &[]);
    run(&engine, NUMBERS);
    run(&engine, COPY);
    faulty.at_commit(|| Err(LogError::Broker("gone".to_owned())));
    feed(&*log, [r#"{"n":1}"#]);
    engine.run_until_idle(None);
    let logged = logged(&*log);
    assert_eq!(logged[0].1["productionError"]["errorMessage"], "kafka: gone");
    assert_eq!(logged[1].1["type"], 4);
}

#[test]
fn a_flood_is_cut_and_says_so() {
    let log = in_memory();
    let engine = open(&log, &[]);
    run(&engine, NUMBERS);
    run(&engine, COPY);
    feed(&*log, (0..20_000).map(|_| "{not json"));
    engine.run_until_idle(None);
    let logged = logged(&*log);
    let left_out: u64 = logged
        .iter()
        .filter_map(|(_, message)| message["recordProcessingError"]["errorMessage"].as_str())
        .map(|message| message.split(' ').next().unwrap().parse::<u64>().unwrap())
        .sum();
    let told = offsets(&*log).len() as u64;
    assert!(told < 10_000, "{told}");
    assert_eq!(told + left_out, 20_000);
}

#[test]
fn what_reads_the_log_is_not_told_of_in_it() {
    let log = in_memory();
    let engine = open(&log, &[]);
    run(&engine, NUMBERS);
    run(&engine, COPY);
    run(&engine, "CREATE STREAM kinds AS SELECT message->type AS type FROM KSQL_PROCESSING_LOG;");
    run(&engine, "CREATE STREAM wrong AS SELECT 1 / type AS x FROM kinds;");
    let mut push = ask(&engine, "SELECT 1 / message->type FROM KSQL_PROCESSING_LOG EMIT CHANGES;");
    feed(&*log, ["{not json"]);
    engine.run_until_idle(None);
    assert_eq!(rows(&engine, &mut push), ["[null]"]);
    assert_eq!(logged(&*log).len(), 1);
}

#[test]
fn what_begins_to_read_the_log_for_others_silences_them() {
    let log = in_memory();
    let engine = open(&log, &[]);
    run(&engine, NUMBERS);
    run(&engine, "CREATE STREAM wrong AS SELECT k, n / 0 AS q FROM numbers;");
    feed(&*log, [r#"{"n":1}"#]);
    engine.run_until_idle(None);
    assert_eq!(logged(&*log).len(), 1);
    let mut push = ask(&engine, "SELECT n / 0 FROM numbers EMIT CHANGES;");
    run(&engine, "INSERT INTO numbers SELECT logger AS k, 1 AS n FROM KSQL_PROCESSING_LOG PARTITION BY logger;");
    assert!(rows(&engine, &mut push).len() < 10);
    let told = logged(&*log).len();
    assert!(told < 10, "{told}");
    feed(&*log, ["{bad"]);
    engine.run_until_idle(None);
    assert_eq!(logged(&*log).len(), told);
}

#[test]
fn a_query_of_a_client_is_told_of_as_well() {
    let log = in_memory();
    let engine = open(&log, &[]);
    run(&engine, NUMBERS);
    feed(&*log, ["{not json"]);
    let mut push = ask(&engine, "SELECT * FROM numbers EMIT CHANGES;");
    assert!(rows(&engine, &mut push).is_empty());
    let logged = logged(&*log);
    assert!(logged[0].0.starts_with("processing.transient_NUMBERS_"), "{logged:?}");
}

#[test]
fn the_stream_comes_back_at_the_next_start_and_its_topic_is_the_servers() {
    let log = in_memory();
    let engine = open(&log, &[]);
    let refused = |text: &str| engine.execute(text, Session::default(), None).unwrap_err().message;
    let message = refused("DROP STREAM KSQL_PROCESSING_LOG DELETE TOPIC;");
    assert_eq!(message, format!("Cannot delete read-only topic: {TOPIC}"));
    let message = refused("INSERT INTO KSQL_PROCESSING_LOG (level) VALUES ('x');");
    assert!(message.contains(&format!("Cannot insert values into read-only topic: {TOPIC}")), "{message}");
    run(&engine, "DROP STREAM KSQL_PROCESSING_LOG;");
    assert!(engine.catalog().source("KSQL_PROCESSING_LOG").is_none());
    drop(engine);
    for _ in 0..2 {
        let engine = open(&log, &[]);
        assert!(engine.catalog().source("KSQL_PROCESSING_LOG").is_some());
        assert_eq!(engine.command_ids().len(), 2, "one that makes it, whenever, and the drop");
    }
    // Its keys are no business of the server's default.
    run(&open(&log, &[]), "DROP STREAM KSQL_PROCESSING_LOG;");
    let engine = open(&log, &[("ksql.persistence.default.format.key", "JSON")]);
    let stream = engine.catalog().source("KSQL_PROCESSING_LOG").cloned();
    assert!(format!("{:?}", stream.unwrap().formats.key).to_uppercase().contains("KAFKA"));
    drop(engine);
    // Another stream in its place stays.
    let engine = open(&log, &[]);
    run(&engine, NUMBERS);
    drop(engine);
    let engine = open(&log, &[("ksql.logging.processing.stream.name", "numbers")]);
    assert!(engine.catalog().source("NUMBERS").is_some_and(|numbers| numbers.topic == "numbers"));
}

#[test]
fn a_topic_that_is_gone_stops_nobody() {
    let log = in_memory();
    let engine = open(&log, &[]);
    run(&engine, NUMBERS);
    run(&engine, COPY);
    log.delete_topic(TOPIC).unwrap();
    feed(&*log, ["{not json", r#"{"n":1}"#]);
    engine.run_until_idle(None);
    let pulled = query_with(&engine, "SELECT n FROM copy;", &[], &Client::default()).unwrap().rows;
    assert_eq!(rows(&engine, &mut { pulled })[0], "[1]");
    // It is made again, since the settings say so.
    assert_eq!(logged(&*log).len(), 1);
}

#[test]
fn the_row_of_a_failure_stands_in_it_where_data_are_asked_for() {
    let log = in_memory();
    let engine = open(&log, &[("ksql.logging.processing.rows.include", "true")]);
    run(&engine, NUMBERS);
    run(&engine, "CREATE STREAM wrong AS SELECT k, 1 / n AS q FROM numbers;");
    feed(&*log, [r#"{"n":0}"#]);
    engine.run_until_idle(None);
    let query = "SELECT message->recordProcessingError->record FROM KSQL_PROCESSING_LOG EMIT CHANGES;";
    assert_eq!(rows(&engine, &mut ask(&engine, query)), [r#"["[\"key\",0]"]"#]);
}

#[test]
fn what_stops_a_query_that_cannot_write_a_row_is_told_with_the_row() {
    let log = in_memory();
    let engine = open(&log, &[("ksql.logging.processing.rows.include", "true")]);
    run(
        &engine,
        "CREATE STREAM texts (k STRING KEY, t STRING) WITH (kafka_topic='numbers', value_format='json', partitions=1);",
    );
    run(&engine, "CREATE STREAM timed WITH (timestamp='t', timestamp_format='yyyy') AS SELECT k, t FROM texts;");
    feed(&*log, [r#"{"t":"2001"}"#, r#"{"t":"soon"}"#]);
    engine.run_until_idle(None);
    let error = &logged(&*log)[0].1["serializationError"];
    assert_eq!((error["record"].as_str(), error["topic"].as_str()), (Some(r#"["key","soon"]"#), Some("TIMED")));
    assert_eq!(error["target"], "value");
}

#[test]
fn a_row_that_would_make_an_entry_too_large_is_left_out_of_it() {
    let log = in_memory();
    let engine = open(&log, &[("ksql.logging.processing.rows.include", "true")]);
    run(&engine, "CREATE STREAM texts (t STRING) WITH (kafka_topic='numbers', value_format='json', partitions=1);");
    run(&engine, "CREATE STREAM wrong AS SELECT 1 / (LEN(t) - LEN(t)) AS q FROM texts;");
    // Short, but each quote is three characters of JSON in JSON.
    let (quotes, long) = ("\\\"".repeat(250 << 10), "x".repeat(600 << 10));
    feed(&*log, [format!(r#"{{"t":"{quotes}"}}"#).as_str(), &format!(r#"{{"t":"{long}"}}"#), r#"{"t":"y"}"#]);
    engine.run_until_idle(None);
    let records: Vec<Value> =
        logged(&*log).into_iter().map(|(_, mut message)| message["recordProcessingError"]["record"].take()).collect();
    assert_eq!(records, [Value::Null, Value::Null, Value::from(r#"["y"]"#)]);
}

#[test]
fn what_clients_write_to_it_is_bounded() {
    let log = in_memory();
    let engine = open(&log, &[]);
    run(&engine, NUMBERS);
    run(&engine, COPY);
    feed(&*log, (0..3_000).map(|_| "{not json"));
    engine.run_until_idle(None);
    let of_queries = logged(&*log).len();
    assert!(of_queries > 1_500, "{of_queries}");
    let written = || log.bounds(&TopicPartition { topic: Arc::from(TOPIC), partition: 0 }).unwrap().end;
    let before = written();
    // One client's query: what it may write, and a word about the rest.
    let mut push = ask(&engine, "SELECT * FROM numbers EMIT CHANGES;");
    assert!(rows(&engine, &mut push).is_empty());
    let first = written() - before;
    assert!((200..1_500).contains(&first), "{first}");
    let (logger, message) = logged(&*log).pop().unwrap();
    assert!(logger.starts_with("processing.transient_NUMBERS_"), "{logger}");
    let told = message["recordProcessingError"]["errorMessage"].as_str().unwrap();
    assert_eq!(told, "A client's query writes 256 KiB here at most: more entries were left out");
    // It may ask as often as it likes.
    for _ in 0..20 {
        assert!(rows(&engine, &mut ask(&engine, "SELECT * FROM numbers EMIT CHANGES;")).is_empty());
        let pulled = query_with(&engine, "SELECT * FROM numbers;", &[], &Client::default()).unwrap().rows;
        assert_eq!(rows(&engine, &mut { pulled }), ["Completed"]);
    }
    assert!(written() - before < 5 * first, "{} after {first}", written() - before);
    // Others still do.
    let before = written();
    feed(&*log, ["{not json"]);
    engine.run_until_idle(None);
    assert_eq!(written() - before, 1);
}

#[test]
fn a_log_that_cannot_be_written_stops_nobody_where_commits_are_not_atomic() {
    let (faulty, log) = Faulty::in_memory();
    let engine = open(&log, &[]);
    run(&engine, NUMBERS);
    run(&engine, COPY);
    faulty.refuse_records_of(TOPIC);
    feed(&*log, ["{not json", r#"{"n":1}"#]);
    engine.run_until_idle(None);
    assert_eq!(records(&*log, "COPY").len(), 1);
    assert!(engine.shared.runtime.life("CSAS_COPY_0").unwrap().errors().is_empty());
    // It is not tried again with each commit.
    feed(&*log, ["{not json", r#"{"n":2}"#]);
    engine.run_until_idle(None);
    assert_eq!((records(&*log, "COPY").len(), faulty.refusals.load(Ordering::Relaxed)), (2, 1));
}
