//! The log on a real broker keeps the same contract as the embedded one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use e2e::kafka::Kafka as Broker;
use engine::log::testing::{exercise, numbered, partition, spec};
use engine::log::{Kafka, KafkaSettings, Log, LogError, Output, Position, Reader, RecordsBuilder, Signal};

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

/// A reader, and the offset that comes next.
struct Reading {
    reader: Box<dyn Reader>,
    wake: Arc<Signal>,
    next: i64,
}

impl Reading {
    fn new(log: &dyn Log, topic: &str, next: i64) -> Self {
        let wake = Arc::new(Signal::default());
        let from = vec![Position { of: partition(topic, 0), offset: next }];
        Self { reader: log.reader(from, Arc::clone(&wake)).unwrap(), wake, next }
    }

    /// Reads on; each offset must come, in order.
    fn poll(&mut self) -> Result<(), LogError> {
        let seen = self.wake.count();
        let polled = self.reader.poll(1 << 20)?;
        if polled.is_empty() {
            self.wake.wait(seen, Duration::from_millis(100));
        }
        for offset in polled.iter().flat_map(|(_, batch)| batch.offsets.iter()) {
            assert_eq!(*offset, self.next);
            self.next += 1;
        }
        Ok(())
    }

    fn read_to(&mut self, end: i64) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.next < end {
            assert!(Instant::now() < deadline, "came to {} of {end}", self.next);
            self.poll().unwrap();
        }
    }

    fn fails(mut self) -> LogError {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            assert!(Instant::now() < deadline, "goes on at {}", self.next);
            if let Err(error) = self.poll() {
                return error;
            }
        }
    }
}

fn write(log: &dyn Log, topic: &str, count: usize) {
    log.append(vec![Output { to: partition(topic, 0), records: numbered(1, count) }]).unwrap();
}

#[test]
fn readers_share_clients_and_not_their_troubles() {
    let mut broker = Broker::start();
    let dir = tempfile::tempdir().unwrap();
    let log = Kafka::open(&settings(&broker), dir.path()).unwrap();
    // The records are old, and the broker looks at that when it is started.
    let mut kept = spec(1);
    kept.config.insert("retention.ms".to_owned(), "-1".to_owned());
    for topic in ["shared", "other", "again"] {
        log.create_topic(topic, &kept).unwrap();
    }
    write(&log, "shared", 100_000);
    let mut tail = Reading::new(&log, "shared", 100_000);
    let mut places: Vec<_> = (0..8).map(|i| Reading::new(&log, "shared", i * 10_000)).collect();
    let still = Reading::new(&log, "shared", 5);
    let mut other = Reading::new(&log, "other", 0);
    write(&log, "shared", 10);
    tail.read_to(100_010);
    // They are more than there are clients, and one of them never reads.
    places.iter_mut().for_each(|reading| reading.read_to(90_000));
    places.iter_mut().for_each(|reading| reading.read_to(100_010));
    let late = Reading::new(&log, "shared", 100_010);
    places.push(late);
    places.push(tail);

    the_end_is_of_now(&log);
    a_topic_goes(&log, &mut other);

    broker.kill();
    assert!(places.iter_mut().all(|reading| reading.poll().is_ok()), "readers wait for a broker that is away");
    broker.restart();
    let deadline = Instant::now() + Duration::from_secs(60);
    let again = || Output { to: partition("shared", 0), records: numbered(1, 50_000) };
    while let Err(error) = log.append(vec![again()]) {
        assert!(Instant::now() < deadline, "{error}");
    }
    let end = log.bounds(&partition("shared", 0)).unwrap().end;
    assert!(end >= 150_010);
    places.iter_mut().for_each(|reading| reading.read_to(end));
    let mut still = still;
    still.read_to(end);
}

/// Whoever begins to read after something was written is not told that nothing is there.
fn the_end_is_of_now(log: &dyn Log) {
    let mut before = Reading::new(log, "shared", 100_010);
    for end in (100_011..).take(20) {
        write(log, "shared", 1);
        let mut after = Reading::new(log, "shared", end - 1);
        while !after.reader.has_reached_end(0) {
            after.poll().unwrap();
        }
        assert_eq!(after.next, end);
    }
    before.read_to(100_030);
}

fn a_topic_goes(log: &dyn Log, other: &mut Reading) {
    write(log, "again", 10);
    let mut reading = Reading::new(log, "again", 0);
    reading.read_to(10);
    log.delete_topic("again").unwrap();
    let error = reading.fails();
    assert!(matches!(&error, LogError::UnknownTopic(topic) if topic == "again"), "{error}");
    log.create_topic("again", &spec(1)).unwrap();
    write(log, "again", 3);
    let error = Reading::new(log, "again", 10).fails();
    assert!(error.to_string().contains("was made anew") && !error.may_pass(), "{error}");
    Reading::new(log, "again", 0).read_to(3);
    write(log, "other", 10);
    other.read_to(10);
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
