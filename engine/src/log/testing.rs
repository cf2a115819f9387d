//! What every implementation of [`Log`] must do, as one function its tests call. Panics where it does not hold.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::ops::Bound;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::Array;

use crate::kv::Write;
use crate::log::{
    Commit, Log, LogError, Output, Position, RawBatch, Reader, Records, RecordsBuilder, Signal, TopicPartition,
    TopicSpec,
};

/// Kafka answers asynchronously; what is asked of a log has to hold within this time.
const PATIENCE: Duration = Duration::from_secs(20);

/// A topic with that many partitions and the defaults of the log.
pub fn spec(partitions: u32) -> TopicSpec {
    TopicSpec { partitions, replicas: 1, config: Default::default() }
}

/// A partition.
pub fn partition(topic: &str, partition: u32) -> TopicPartition {
    TopicPartition { topic: topic.into(), partition }
}

/// Records with the timestamps `first..first + count`, keys `k<i>` and values `v<i>`.
pub fn numbered(first: i64, count: usize) -> Records {
    let mut builder = RecordsBuilder::default();
    for i in first..first + count as i64 {
        builder.push(i, Some(format!("k{i}").as_bytes()), Some(format!("v{i}").as_bytes()));
    }
    builder.finish()
}

/// Polls until `count` records have come from each partition.
pub fn read(reader: &mut dyn Reader, wake: &Signal, partitions: usize, count: usize) -> Vec<Vec<RawBatch>> {
    let mut read = vec![Vec::new(); partitions];
    let deadline = Instant::now() + PATIENCE;
    loop {
        let seen = wake.count();
        let polled = reader.poll(1 << 20).unwrap();
        for (i, batch) in &polled {
            read[*i].push(batch.clone());
        }
        if read.iter().all(|batches| batches.iter().map(|batch| batch.offsets.len()).sum::<usize>() >= count) {
            return read;
        }
        if polled.is_empty() {
            assert!(Instant::now() < deadline, "records did not arrive");
            wake.wait(seen, Duration::from_millis(100));
        }
    }
}

/// Runs the whole contract on an empty log.
pub fn exercise(log: &dyn Log) {
    topics_come_and_go(log);
    records_return_as_they_were(log);
    readers_start_anywhere_and_wake(log);
    commits_hold_everything(log);
    read_records_are_given_up(log);
    kv_is_ordered(log);
}

fn topics_come_and_go(log: &dyn Log) {
    log.create_topic("comes.and-goes_1", &spec(3)).unwrap();
    assert!(matches!(log.create_topic("comes.and-goes_1", &spec(1)), Err(LogError::TopicExists(_))));
    assert!(matches!(log.create_topic("no way", &spec(1)), Err(LogError::Invalid(_))));
    assert!(matches!(log.create_topic("none", &spec(0)), Err(LogError::Invalid(_))));
    assert_eq!(log.topic("comes.and-goes_1").unwrap().unwrap().spec.partitions, 3);
    assert!(log.topics().unwrap().iter().any(|topic| topic.name == "comes.and-goes_1"));
    let bounds = log.bounds(&partition("comes.and-goes_1", 2)).unwrap();
    assert_eq!((bounds.begin, bounds.end), (0, 0));
    assert!(matches!(log.bounds(&partition("comes.and-goes_1", 3)), Err(LogError::UnknownPartition { .. })));
    log.delete_topic("comes.and-goes_1").unwrap();
    assert!(log.topic("comes.and-goes_1").unwrap().is_none());
    assert!(matches!(log.delete_topic("comes.and-goes_1"), Err(LogError::UnknownTopic(_))));
    let gone = Output { to: partition("comes.and-goes_1", 0), records: numbered(0, 1) };
    assert!(matches!(log.append(vec![gone]), Err(LogError::UnknownTopic(_))));
}

fn records_return_as_they_were(log: &dyn Log) {
    log.create_topic("shapes", &spec(1)).unwrap();
    let mut builder = RecordsBuilder::default();
    builder.push(1000, None, Some(b"no key"));
    builder.push(1001, Some(b""), None);
    builder.header("first", Some(b"\x00\xff"));
    builder.header("first", None);
    builder.push(999, Some(b"key"), Some(b""));
    builder.header("", Some(b""));
    builder.push(5, Some(b"key"), Some(b"cut off"));
    let written = builder.finish().slice(0, 3);
    let to = partition("shapes", 0);
    let first = log.append(vec![Output { to: to.clone(), records: written.clone() }]).unwrap();
    assert_eq!(first, [0]);
    let plain = numbered(2000, 2);
    log.append(vec![Output { to: to.clone(), records: plain.clone() }]).unwrap();

    let wake = Arc::new(Signal::default());
    let mut reader = log.reader(vec![Position { of: to, offset: 0 }], Arc::clone(&wake)).unwrap();
    let batches = read(&mut *reader, &wake, 1, 5).remove(0);
    let column = |pick: fn(&Records) -> String| batches.iter().map(|batch| pick(&batch.records)).collect::<String>();
    let expect = |pick: fn(&Records) -> String| pick(&written) + &pick(&plain);
    for pick in [
        (|records| format!("{:?}", records.timestamps.iter().map(|t| format!("{t} ")).collect::<String>())),
        (|records| records.keys.iter().map(|key| format!("{key:?} ")).collect::<String>()),
        (|records| records.values.iter().map(|value| format!("{value:?} ")).collect::<String>()),
        (|records: &Records| (0..records.len()).map(|row| show_headers(records, row)).collect::<String>()),
    ] as [fn(&Records) -> String; 4]
    {
        assert_eq!(column(pick).replace("\"\"", ""), expect(pick).replace("\"\"", ""));
    }
    let offsets: Vec<i64> = batches.iter().flat_map(|batch| batch.offsets.to_vec()).collect();
    assert_eq!(offsets, [0, 1, 2, 3, 4]);
}

fn show_headers(records: &Records, row: usize) -> String {
    match &records.headers {
        Some(headers) if !headers.value(row).is_empty() => format!("{:?} ", headers.value(row)),
        _ => "none ".to_owned(),
    }
}

fn readers_start_anywhere_and_wake(log: &dyn Log) {
    log.create_topic("many", &spec(2)).unwrap();
    let outputs = |first, count| {
        let output = |number| Output { to: partition("many", number), records: numbered(first, count) };
        vec![output(0), output(1)]
    };
    for i in 0..50 {
        assert_eq!(log.append(outputs(1 + i * 20, 20)).unwrap(), [i * 20, i * 20]);
    }
    let from = |first, second| {
        vec![
            Position { of: partition("many", 0), offset: first },
            Position { of: partition("many", 1), offset: second },
        ]
    };
    let wake = Arc::new(Signal::default());
    let mut reader = log.reader(from(0, 0), Arc::clone(&wake)).unwrap();
    for batches in read(&mut *reader, &wake, 2, 1000) {
        let offsets: Vec<i64> = batches.iter().flat_map(|batch| batch.offsets.to_vec()).collect();
        assert_eq!(offsets, (0..1000).collect::<Vec<_>>());
        for batch in batches {
            assert!(batch.offsets.iter().zip(&*batch.records.timestamps).all(|(offset, time)| offset + 1 == *time));
        }
    }
    let mut middle = log.reader(from(7, 993), Arc::clone(&wake)).unwrap();
    let read_some = read(&mut *middle, &wake, 2, 7);
    assert_eq!((read_some[0][0].offsets[0], read_some[1][0].offsets[0]), (7, 993));
    assert_eq!(read_some[0][0].records.keys.value(0), b"k8");

    let seen = wake.count();
    assert!(reader.poll(1 << 20).unwrap().is_empty());
    log.append(outputs(1001, 1)).unwrap();
    let deadline = Instant::now() + PATIENCE;
    while wake.wait(seen, Duration::from_millis(100)) == seen {
        assert!(Instant::now() < deadline, "the reader was not woken");
    }
    read(&mut *reader, &wake, 2, 1);
    assert_eq!(log.bounds(&partition("many", 1)).unwrap().end, 1001);
}

fn commits_hold_everything(log: &dyn Log) {
    log.create_topic("out", &spec(1)).unwrap();
    let position = |offset| Position { of: partition("many", 1), offset };
    let put = |key: &[u8]| Write { space: "state/q/s/0".into(), key: key.to_vec(), value: Some(b"1".to_vec()) };
    for i in 0..3 {
        let outputs = vec![Output { to: partition("out", 0), records: numbered(1 + i, 1) }];
        let commit = Commit {
            group: "g".into(),
            positions: vec![position(i)],
            outputs,
            writes: put(&[i as u8]).into(),
            ..Commit::default()
        };
        log.commit(commit).unwrap();
    }
    log.commit(Commit { group: "g2".into(), positions: vec![position(9)], ..Commit::default() }).unwrap();
    let found = log.positions("g").unwrap();
    assert_eq!((found.len(), found[0].offset, &*found[0].of.topic), (1, 2, "many"));
    assert_eq!(log.bounds(&partition("out", 0)).unwrap().end, 3);
    assert_eq!(log.kv().get("state/q/s/0", &[2]).unwrap().unwrap(), b"1");

    let unknown = vec![Output { to: partition("not there", 0), records: numbered(0, 1) }];
    let commit = Commit {
        group: "g".into(),
        positions: vec![position(5)],
        outputs: unknown,
        writes: put(b"x").into(),
        ..Commit::default()
    };
    assert!(log.commit(commit).is_err());
    assert_eq!(log.positions("g").unwrap()[0].offset, 2, "a failed commit changes nothing");
    assert_eq!(log.kv().get("state/q/s/0", b"x").unwrap(), None);

    log.delete_group("g").unwrap();
    assert!(log.positions("g").unwrap().is_empty());
    assert_eq!(log.positions("g2").unwrap().len(), 1);
}

fn read_records_are_given_up(log: &dyn Log) {
    log.create_topic("passing", &spec(2)).unwrap();
    let all = || vec![Output { to: partition("passing", 0), records: numbered(1, 10) }];
    log.append(all()).unwrap();
    let wake = Arc::new(Signal::default());
    let at = |offset| Position { of: partition("passing", 0), offset };
    let mut reader = log.reader(vec![at(0)], Arc::clone(&wake)).unwrap();
    read(&mut *reader, &wake, 1, 10);
    log.delete_records(&[at(4)]).unwrap();
    let bounds = || log.bounds(&partition("passing", 0)).unwrap();
    assert!(bounds().begin <= 4 && bounds().end == 10, "{:?}", bounds());
    log.delete_records(&[at(10), Position { of: partition("passing", 1), offset: 0 }]).unwrap();
    assert_eq!((bounds().begin, bounds().end), (10, 10));
    assert_eq!(log.append(all()).unwrap(), [10]);
    let batches = read(&mut *reader, &wake, 1, 10).remove(0);
    assert_eq!(batches[0].offsets[0], 10);
    log.delete_records(&[at(3)]).unwrap();
    assert_eq!((bounds().begin, bounds().end), (10, 20), "what begins later stays as it is");
}

fn kv_is_ordered(log: &dyn Log) {
    let kv = log.kv();
    let write = |space: &str, key: &[u8], value: Option<&[u8]>| Write {
        space: space.into(),
        key: key.to_vec(),
        value: value.map(<[u8]>::to_vec),
    };
    let put = |space: &str, key: &[u8]| write(space, key, Some(key));
    let keys: [&[u8]; 5] = [b"", b"\x00", b"a", b"b", b"\xff\xff"];
    kv.write(keys.iter().rev().flat_map(|key| [put("t/a", key), put("t/a1", key), put("u", key)]).collect()).unwrap();
    let scan = |space: &str, from: Bound<&[u8]>, to: Bound<&[u8]>| {
        let mut found = Vec::new();
        kv.scan(space, from, to, &mut |key, value| {
            assert_eq!(key, value);
            found.push(key.to_vec());
            true
        })
        .unwrap();
        found
    };
    assert_eq!(scan("t/a", Bound::Unbounded, Bound::Unbounded), keys);
    assert_eq!(scan("t/a", Bound::Excluded(b"\x00"), Bound::Excluded(b"b")), [b"a"]);
    assert_eq!(scan("t/a", Bound::Included(b"a"), Bound::Included(b"b")), [b"a", b"b"]);
    assert!(scan("t/a", Bound::Included(b"b"), Bound::Excluded(b"b")).is_empty());
    assert!(scan("t/a", Bound::Included(b"b"), Bound::Included(b"a")).is_empty());
    let mut first = 0;
    kv.scan("t/a", Bound::Unbounded, Bound::Unbounded, &mut |_, _| {
        first += 1;
        false
    })
    .unwrap();
    assert_eq!(first, 1);
    kv.write([write("t/a", b"a", None), write("t/a", b"b", Some(b"b"))].into_iter().collect()).unwrap();
    assert_eq!((kv.get("t/a", b"a").unwrap(), kv.get("t/a1", b"a").unwrap()), (None, Some(b"a".to_vec())));
    kv.drop_spaces("t/").unwrap();
    assert!(scan("t/a1", Bound::Unbounded, Bound::Unbounded).is_empty());
    assert_eq!(scan("u", Bound::Unbounded, Bound::Unbounded).len(), 5);
    let many = (0..3000_u32).map(|i| write("n", &i.to_be_bytes(), Some(&i.to_be_bytes()))).collect();
    kv.write(many).unwrap();
    assert_eq!(scan("n", Bound::Unbounded, Bound::Unbounded).len(), 3000);
}
