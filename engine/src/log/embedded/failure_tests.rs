//! Writes that fail, or that panic: they have not happened, and the next one works.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::kv::{self, Kv, KvError, Write, Writes};
use crate::log::embedded::crash_tests::files;
use crate::log::forwarding::ForwardingKv;
use crate::log::testing::{numbered, partition, spec};
use crate::log::{Commit, Embedded, Log, LogError, Output, Position, Result, TopicSpec};

const WORKS: u8 = 0;
const FAILS: u8 = 1;
const PANICS: u8 = 2;
/// Panics once the writes are durable.
const PANICS_LATE: u8 = 3;

/// A database whose writes fail on demand.
struct Failing {
    inner: Arc<dyn Kv>,
    how: AtomicU8,
}

impl ForwardingKv for Failing {
    fn inner(&self) -> &Arc<dyn Kv> {
        &self.inner
    }

    fn write(&self, writes: Writes) -> kv::Result<()> {
        match self.how.swap(WORKS, Ordering::Relaxed) {
            FAILS => return Err(KvError::Unwritable("the disk is full".to_owned())),
            PANICS => panic!("before the write"),
            PANICS_LATE => {
                self.inner.write(writes)?;
                panic!("after the write");
            }
            _ => {}
        }
        self.inner.write(writes)
    }
}

fn open(path: &Path) -> (Embedded, Arc<Failing>) {
    let mut log = Embedded::open(path).unwrap();
    log._cleaner = None;
    let failing = Arc::new(Failing { inner: Arc::clone(&log.shared.kv), how: AtomicU8::new(WORKS) });
    Arc::get_mut(&mut log.shared).unwrap().kv = Arc::clone(&failing) as Arc<dyn Kv>;
    (log, failing)
}

fn output(number: u32, first: i64, count: usize) -> Output {
    Output { to: partition("t", number), records: numbered(first, count) }
}

fn commit(log: &Embedded, at: i64) -> Result<()> {
    let mut commit =
        Commit { group: "g".into(), outputs: vec![output(0, at, 3), output(1, at, 1)], ..Commit::default() };
    commit.positions.push(Position { of: partition("t", 1), offset: at });
    commit.writes.push(Write { space: "s".into(), key: b"k".to_vec(), value: Some(at.to_be_bytes().to_vec()) });
    log.commit(commit)
}

/// Ends of both partitions, the committed position and the state.
fn seen(log: &Embedded) -> (i64, i64, i64, i64) {
    let end = |number| log.bounds(&partition("t", number)).unwrap().end;
    let state = log.kv().get("s", b"k").unwrap().unwrap();
    (end(0), end(1), log.positions("g").unwrap()[0].offset, i64::from_be_bytes(state.try_into().unwrap()))
}

#[test]
fn a_write_that_fails_or_panics_has_not_happened_and_the_next_one_works() {
    for (how, is_kept) in [(FAILS, false), (PANICS, false), (PANICS_LATE, true)] {
        let temp = tempfile::tempdir().unwrap();
        let (log, failing) = open(temp.path());
        // Every batch makes a file of its own.
        let config = [("segment.bytes".to_owned(), "1".to_owned())].into();
        log.create_topic("t", &TopicSpec { config, ..spec(2) }).unwrap();
        commit(&log, 1).unwrap();
        let before = seen(&log);
        let on_disk = files(&temp.path().join("topics"));
        failing.how.store(how, Ordering::Relaxed);
        commit(&log, 2).unwrap_err();
        if is_kept {
            log.check_writable().unwrap();
            assert_eq!(seen(&log), (6, 2, 2, 2));
        } else {
            assert_eq!(seen(&log), before);
            log.check_writable().unwrap();
            assert_eq!(files(&temp.path().join("topics")), on_disk);
            commit(&log, 2).unwrap();
        }
        commit(&log, 3).unwrap();
        assert_eq!(seen(&log), (9, 3, 3, 3));
        drop((log, failing));
        assert_eq!(seen(&Embedded::open(temp.path()).unwrap()), (9, 3, 3, 3));
    }
}

#[test]
fn what_can_never_be_written_fails_alone() {
    let temp = tempfile::tempdir().unwrap();
    let log = Embedded::open(temp.path()).unwrap();
    let name: Arc<str> = "long".repeat(20_000).into();
    let mut bad = Commit { group: "g".into(), ..Commit::default() };
    bad.writes.push(Write { space: name, key: vec![1], value: Some(vec![1]) });
    let error = log.commit(bad).unwrap_err();
    assert!(matches!(error, LogError::Invalid(_)) && !error.may_pass(), "{error}");
    log.check_writable().unwrap();
}

#[test]
fn a_topic_that_could_not_be_recorded_is_not_there() {
    let temp = tempfile::tempdir().unwrap();
    let (log, failing) = open(temp.path());
    failing.how.store(FAILS, Ordering::Relaxed);
    log.create_topic("t", &spec(1)).unwrap_err();
    assert!(log.topics().unwrap().is_empty());
    log.create_topic("t", &spec(1)).unwrap();
    failing.how.store(FAILS, Ordering::Relaxed);
    log.delete_topic("t").unwrap_err();
    log.append(vec![output(0, 1, 1)]).unwrap();
    drop((log, failing));
    assert_eq!(Embedded::open(temp.path()).unwrap().topics().unwrap().len(), 1);
}

#[test]
fn only_so_many_files_stay_open() {
    let temp = tempfile::tempdir().unwrap();
    let log = Embedded::open(temp.path()).unwrap();
    log.create_topic("t", &spec(40)).unwrap();
    log.shared.turn.lock().keep_open(4);
    let is_segment = |link: std::io::Result<std::fs::DirEntry>| {
        let target = std::fs::read_link(link.unwrap().path()).unwrap_or_default();
        target.starts_with(temp.path().join("topics"))
    };
    for round in 0..3 {
        for number in 0..40 {
            log.append(vec![output(number, round, 1)]).unwrap();
        }
        let open =
            std::fs::read_dir("/proc/self/fd").unwrap().filter_map(|link| is_segment(link).then_some(())).count();
        assert_eq!(open, 4);
    }
    drop(log);
    let log = Embedded::open(temp.path()).unwrap();
    assert!((0..40).all(|number| log.bounds(&partition("t", number)).unwrap().end == 3));
}

#[test]
fn a_topic_of_too_many_partitions_is_refused_and_one_of_an_older_version_stays() {
    let temp = tempfile::tempdir().unwrap();
    let log = Embedded::open(temp.path()).unwrap();
    let error = log.create_topic("t", &spec(2_147_483_647)).unwrap_err();
    assert!(matches!(error, LogError::Invalid(_)) && error.to_string().contains("10000 are the most"), "{error}");
    for (name, partitions) in [("answered", 20_000), ("never", 2_147_483_647)] {
        let record = format!(r#"{{"id":{partitions},"partitions":{partitions},"replicas":1,"config":{{}}}}"#);
        let write = Write { space: "log/topics".into(), key: name.into(), value: Some(record.into_bytes()) };
        log.kv().write(write.into()).unwrap();
    }
    drop(log);
    for _ in 0..2 {
        let log = Embedded::open(temp.path()).unwrap();
        let topics: Vec<_> =
            log.topics().unwrap().into_iter().map(|topic| (topic.name, topic.spec.partitions)).collect();
        assert_eq!(topics, [("answered".to_owned(), 20_000)]);
        assert!(log.kv().get("log/topics", b"never").unwrap().is_none());
        let last = partition("answered", 19_999);
        log.append(vec![Output { to: last, records: numbered(0, 1) }]).unwrap();
    }
}
