//! The log on a real broker keeps the same contract as the embedded one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use e2e::kafka::Kafka as Broker;
use engine::log::testing::{exercise, numbered, partition, spec};
use engine::log::{Kafka, KafkaSettings, Log, LogError, Output, Position, RecordsBuilder, Signal};

fn settings(broker: &Broker) -> KafkaSettings {
    KafkaSettings { bootstrap_servers: broker.bootstrap.clone(), ..KafkaSettings::default() }
}

#[test]
fn a_broker_keeps_the_contract() {
    let broker = Broker::start();
    let dir = tempfile::tempdir().unwrap();
    let log = Kafka::open(&settings(&broker), dir.path()).unwrap();
    exercise(&log);
    drop(log);

    // positions and state are there again; configuration comes from the broker
    let log = Kafka::open(&settings(&broker), dir.path()).unwrap();
    assert_eq!(log.positions("g2").unwrap().len(), 1);
    let mut kept = spec(2);
    kept.config.insert("retention.ms".to_owned(), "-1".to_owned());
    log.create_topic("kept", &kept).unwrap();
    // The broker says what it does with old records, too, if nobody else has said so.
    kept.config.insert("cleanup.policy".to_owned(), "delete".to_owned());
    assert_eq!(log.topic("kept").unwrap().unwrap().spec, kept);

    many_records_in_order(&log);
    timestamp_zero_stays_in_the_past(&log);
    a_record_that_is_too_large_is_nothing_to_try_again(&log);
}

fn a_record_that_is_too_large_is_nothing_to_try_again(log: &dyn Log) {
    for (bytes, fits) in [(1_048_000, true), (2_000_000, false)] {
        let mut records = RecordsBuilder::default();
        records.push(1, None, Some(&vec![7; bytes]));
        let appended = log.append(vec![Output { to: partition("kept", 1), records: records.finish() }]);
        match appended {
            Ok(_) => assert!(fits),
            Err(error) => assert!(!fits && !error.may_pass() && error.to_string().contains("too large"), "{error}"),
        }
    }
}

fn many_records_in_order(log: &dyn Log) {
    let count = 100_000;
    let to = partition("kept", 0);
    let started = Instant::now();
    log.append(vec![Output { to: to.clone(), records: numbered(1, count) }]).unwrap();
    let wake = Arc::new(Signal::default());
    let mut reader = log.reader(vec![Position { of: to, offset: 0 }], Arc::clone(&wake)).unwrap();
    let mut next = 0;
    while next < count as i64 {
        let seen = wake.count();
        let polled = reader.poll(1 << 20).unwrap();
        for (_, batch) in &polled {
            for (offset, time) in batch.offsets.iter().zip(&*batch.records.timestamps) {
                assert_eq!((*offset, *time), (next, next + 1));
                next += 1;
            }
        }
        if polled.is_empty() {
            assert!(started.elapsed() < Duration::from_secs(60), "only {next} records came");
            wake.wait(seen, Duration::from_secs(1));
        }
    }
}

fn timestamp_zero_stays_in_the_past(log: &dyn Log) {
    let to = partition("kept", 1);
    let mut records = RecordsBuilder::default();
    records.push(0, None, Some(b"x"));
    log.append(vec![Output { to: to.clone(), records: records.finish() }]).unwrap();
    let wake = Arc::new(Signal::default());
    let mut reader = log.reader(vec![Position { of: to, offset: 0 }], Arc::clone(&wake)).unwrap();
    let batches = engine::log::testing::read(&mut *reader, &wake, 1, 1);
    assert_eq!(batches[0][0].records.timestamps[0], 1);
}

#[test]
fn a_broker_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let nowhere = KafkaSettings { bootstrap_servers: "127.0.0.1:1".to_owned(), ..KafkaSettings::default() };
    match Kafka::open(&nowhere, dir.path()) {
        Err(LogError::Broker(text)) => assert!(text.contains("no broker of 127.0.0.1:1 answers"), "{text}"),
        other => panic!("{:?}", other.map(|_| ())),
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing was made");
}
