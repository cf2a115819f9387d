//! Compaction: what is left is the last record of each key at its offset, whoever looks and whenever the process is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use crate::log::embedded::Shared;
use crate::log::embedded::cleaner::compact;
use crate::log::embedded::compaction::{MAX_KEYS, Pass, discard};
use crate::log::embedded::crash_tests::{Random, copy, files};
use crate::log::embedded::retention::{Compaction, Retention};
use crate::log::testing::{partition, spec};
use crate::log::{Embedded, Log, Output, Position, Reader, RecordsBuilder, Signal, TopicSpec};

type Record = (i64, Vec<u8>, Option<Vec<u8>>);

fn topic(policy: &str, more: &[(&str, &str)]) -> TopicSpec {
    let mut config: BTreeMap<String, String> =
        [("cleanup.policy", policy), ("segment.bytes", "3000")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    config.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    TopicSpec { config, ..spec(1) }
}

fn rules(spec: &TopicSpec) -> Compaction {
    Retention::of(spec).compaction.unwrap()
}

/// Appends records of random keys, some of them tombstones; returns them.
fn append(log: &Embedded, random: &mut Random, keys: u64, count: i64) -> Vec<Record> {
    let mut builder = RecordsBuilder::default();
    let mut written = Vec::new();
    let first = log.bounds(&partition("t", 0)).unwrap().end;
    for offset in first..first + count {
        let key = format!("key {}", random.below(keys)).into_bytes();
        let value = (random.below(5) > 0).then(|| format!("value {offset} {}", random.below(1 << 30)).into_bytes());
        builder.push(offset, Some(&key), value.as_deref());
        if offset % 7 == 0 {
            builder.header("offset", Some(&offset.to_be_bytes()));
        }
        written.push((offset, key, value));
    }
    log.append(vec![Output { to: partition("t", 0), records: builder.finish() }]).unwrap();
    written
}

fn reader(log: &Embedded, offset: i64) -> Box<dyn Reader> {
    log.reader(vec![Position { of: partition("t", 0), offset }], Arc::new(Signal::default())).unwrap()
}

/// What is there from the reader's offset on.
fn read(reader: &mut dyn Reader) -> Vec<Record> {
    let mut found = Vec::new();
    while let Some((_, batch)) = reader.poll(2000).unwrap().pop() {
        let (keys, values) = (batch.records.keys.iter(), batch.records.values.iter());
        for ((row, key), value) in keys.enumerate().zip(values) {
            let offset = batch.offsets[row];
            assert_eq!(batch.records.timestamps[row], offset);
            let has_header = batch.records.headers.as_ref().is_some_and(|headers| !headers.value(row).is_empty());
            assert_eq!(has_header, offset % 7 == 0);
            found.push((offset, key.unwrap().to_vec(), value.map(<[u8]>::to_vec)));
        }
    }
    assert!(found.is_sorted_by(|a, b| a.0 < b.0), "offsets ascend");
    found
}

/// The last record of each key.
fn last_of(records: &[Record]) -> BTreeSet<Record> {
    let last: BTreeMap<&[u8], &Record> = records.iter().map(|record| (record.1.as_slice(), record)).collect();
    last.into_values().cloned().collect()
}

fn check(found: &[Record], all: &[Record]) {
    assert!(last_of(found) == last_of(all), "every key has its last record");
    let all: BTreeSet<&Record> = all.iter().collect();
    assert!(found.iter().all(|record| all.contains(record)), "nothing else is there");
}

fn run(log: &Embedded, now: SystemTime, max_keys: usize) -> bool {
    let partition = log.shared.topics.partition(&partition("t", 0)).unwrap();
    let rules = log.shared.topics.partitions()[0].1.compaction.unwrap();
    let pass = Pass { rules, now, max_keys, is_stopped: &|| false };
    compact(&log.shared, &partition, &pass).unwrap()
}

fn bytes(path: &Path) -> u64 {
    files(&path.join("topics")).iter().map(|file| file.metadata().unwrap().len()).sum()
}

#[test]
fn the_last_record_of_each_key_stays_at_its_offset() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("log");
    let mut log = Embedded::open(&path).unwrap();
    log.create_topic("t", &topic("compact", &[])).unwrap();
    let (mut random, mut all) = (Random(5), Vec::new());
    for round in 0..40 {
        let mut before = reader(&log, 0);
        let begun = before.poll(500).unwrap();
        for _ in 0..5 {
            all.extend(append(&log, &mut random, 40, 20 + round % 3 * 10));
        }
        // every other time without memory for all keys
        run(&log, SystemTime::now(), if round % 2 == 0 { MAX_KEYS } else { 20 });
        let end = all.len() as i64;
        if round % 4 == 0 {
            drop(before);
            drop(begun);
            drop(log);
            log = Embedded::open(&path).unwrap();
        } else {
            // a reader that is under way sees what was there then or what is there now
            let seen: BTreeSet<i64> = begun.iter().flat_map(|(_, batch)| batch.offsets.to_vec()).collect();
            let rest = read(&mut *before);
            assert!(rest.iter().all(|record| !seen.contains(&record.0)));
            assert!(rest.last().is_some_and(|record| record.0 == end - 1));
        }
        let found = read(&mut *reader(&log, 0));
        check(&found, &all);
        for from in [1, end / 2, end - 1] {
            let rest: Vec<Record> = found.iter().filter(|record| record.0 >= from).cloned().collect();
            assert!(read(&mut *reader(&log, from)) == rest, "round {round} from {from}");
        }
        assert_eq!(log.bounds(&partition("t", 0)).unwrap().end, end);
    }
    assert!(bytes(&path) < 25_000, "{} bytes are left of {} records", bytes(&path), all.len());
}

#[test]
fn a_kill_at_any_step_of_a_pass_changes_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("log");
    let log = Embedded::open(&path).unwrap();
    let spec = topic("compact", &[]);
    log.create_topic("t", &spec).unwrap();
    let (mut random, mut all, mut copies) = (Random(6), Vec::new(), 0);
    let mut reopened = |files_left: usize, expected: &[Record]| {
        let killed = temp.path().join(format!("killed{copies}"));
        copies += 1;
        copy(&path, &killed);
        for _ in 0..2 {
            let log = Embedded::open(&killed).unwrap();
            assert!(read(&mut *reader(&log, 0)) == expected, "copy {copies}");
            assert_eq!(files(&killed.join("topics")).len(), files_left);
        }
    };
    for _ in 0..4 {
        for _ in 0..8 {
            all.extend(append(&log, &mut random, 30, 40));
        }
        let of = log.shared.topics.partition(&partition("t", 0)).unwrap();
        let before = read(&mut *reader(&log, 0));
        let files_before = files(&path.join("topics")).len();
        let pass = Pass { rules: rules(&spec), now: SystemTime::now(), max_keys: MAX_KEYS, is_stopped: &|| false };
        let rewritten = pass.run(&of).unwrap().unwrap();
        reopened(files_before, &before);
        let Shared { topics, turn, kv } = &*log.shared;
        assert!(turn.lock().replace(&of, &rewritten, topics, &**kv).unwrap());
        let after = read(&mut *reader(&log, 0));
        let files_after = files_before - rewritten.old.len() + rewritten.new.len();
        reopened(files_after, &after);
        discard(rewritten.old.iter().take(2).map(|segment| segment.path.clone()));
        reopened(files_after, &after);
        discard(rewritten.old.iter().skip(2).map(|segment| segment.path.clone()));
        reopened(files_after, &after);
        check(&after, &all);
    }
    // a pass that is told to stop leaves nothing behind
    all.extend((0..8).flat_map(|_| append(&log, &mut random, 30, 40)));
    let of = log.shared.topics.partition(&partition("t", 0)).unwrap();
    let (asked, before) = (std::cell::Cell::new(0), files(&path.join("topics")));
    let is_stopped = || asked.replace(asked.get() + 1) > 9;
    let pass = Pass { rules: rules(&spec), now: SystemTime::now(), max_keys: MAX_KEYS, is_stopped: &is_stopped };
    assert!(pass.run(&of).unwrap().is_none());
    assert_eq!(files(&path.join("topics")), before);
}

#[test]
fn tombstones_go_when_their_time_is_over() {
    let temp = tempfile::tempdir().unwrap();
    let log = Embedded::open(&temp.path().join("log")).unwrap();
    log.create_topic("t", &topic("compact", &[("delete.retention.ms", "60000")])).unwrap();
    let (mut random, mut all, start) = (Random(7), Vec::new(), SystemTime::now());
    let tombstones = |found: &[Record]| found.iter().filter(|record| record.2.is_none()).count();
    all.extend((0..10).flat_map(|_| append(&log, &mut random, 200, 40)));
    assert!(run(&log, start, MAX_KEYS));
    let first = read(&mut *reader(&log, 0));
    let first_end = first.last().unwrap().0;
    assert!(tombstones(&first) > 10);
    // passes in between keep them and do not make them stay longer
    for minute in 1..=9 {
        all.extend((0..10).flat_map(|_| append(&log, &mut random, 5, 40)));
        assert!(run(&log, start + Duration::from_secs(minute * 10), MAX_KEYS));
        let found = read(&mut *reader(&log, 0));
        let old: Vec<Record> = found.iter().filter(|record| record.0 < first_end).cloned().collect();
        match minute {
            1..6 => assert!(tombstones(&old) > 10, "{minute}"),
            8.. => assert_eq!(tombstones(&old), 0, "{minute}"),
            _ => {}
        }
        let live = |records: &[Record]| {
            last_of(records).into_iter().filter(|record| record.2.is_some()).collect::<BTreeSet<_>>()
        };
        assert!(live(&found) == live(&all));
    }
}

#[test]
fn retention_takes_compacted_files_when_their_records_are_old() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("log");
    let log = Embedded::open(&path).unwrap();
    log.create_topic("t", &topic("compact,delete", &[("retention.ms", "3600000")])).unwrap();
    let (mut random, hour) = (Random(8), Duration::from_secs(3600));
    let mut all: Vec<Record> = (0..20).flat_map(|_| append(&log, &mut random, 30, 40)).collect();
    let long_ago = SystemTime::now() - 2 * hour;
    let appended = files(&path.join("topics"));
    for file in &appended[..appended.len() / 2] {
        std::fs::File::options().append(true).open(file).unwrap().set_modified(long_ago).unwrap();
    }
    assert!(run(&log, SystemTime::now(), MAX_KEYS));
    check(&read(&mut *reader(&log, 0)), &all);
    assert_eq!(files(&path.join("topics")).len(), appended.len(), "files are not joined");
    let Shared { topics, turn, kv } = &*log.shared;
    turn.lock().expire(SystemTime::now(), topics, &**kv).unwrap();
    let begin = log.bounds(&partition("t", 0)).unwrap().begin;
    assert!(begin > 0);
    all.retain(|record| record.0 >= begin);
    check(&read(&mut *reader(&log, 0)), &all);
    all.extend((0..20).flat_map(|_| append(&log, &mut random, 30, 40)));
    assert!(run(&log, SystemTime::now(), MAX_KEYS));
    check(&read(&mut *reader(&log, 0)), &all);
    drop(log);
    let log = Embedded::open(&path).unwrap();
    assert_eq!(log.bounds(&partition("t", 0)).unwrap().begin, begin);
    check(&read(&mut *reader(&log, 0)), &all);
}

#[test]
fn readers_and_writers_go_on_meanwhile() {
    let temp = tempfile::tempdir().unwrap();
    let log = Embedded::open(&temp.path().join("log")).unwrap();
    log.create_topic("t", &topic("compact", &[])).unwrap();
    let is_over = AtomicBool::new(false);
    let all = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut random = Random(9);
            let all: Vec<Record> = (0..300).flat_map(|_| append(&log, &mut random, 40, 15)).collect();
            is_over.store(true, Ordering::Release);
            all
        });
        let cleaner = scope.spawn(|| {
            let mut passes = 0;
            while !is_over.load(Ordering::Acquire) {
                passes += usize::from(run(&log, SystemTime::now(), MAX_KEYS));
            }
            passes
        });
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Acquire) {
                    read(&mut *reader(&log, 0));
                }
            });
        }
        assert!(cleaner.join().unwrap() > 3);
        writer.join().unwrap()
    });
    check(&read(&mut *reader(&log, 0)), &all);
}
