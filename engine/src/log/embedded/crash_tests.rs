//! Kills, torn tails and damaged files: what opens again is exactly what some commit left, or a clear error.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, create_dir_all, read_dir};
use std::io::Write as _;
use std::ops::Bound;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::kv::Write;
use crate::log::embedded::prepared::prepare;
use crate::log::embedded::trim::expire;
use crate::log::testing::{numbered, partition, spec};
use crate::log::{Commit, Embedded, Log, Output, Position, Result, Signal, TopicSpec};

const PARTITIONS: u32 = 3;

/// Everything one can see of a log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct State {
    records: Vec<Vec<(i64, Vec<u8>)>>,
    position: Option<i64>,
    entries: BTreeMap<Vec<u8>, Vec<u8>>,
}

fn small_segments() -> TopicSpec {
    TopicSpec { config: [("segment.bytes".to_owned(), "3000".to_owned())].into(), ..spec(PARTITIONS) }
}

fn state(log: &Embedded) -> Result<State> {
    let mut state = State { records: vec![Vec::new(); PARTITIONS as usize], ..State::default() };
    if log.topic("t")?.is_some() {
        let wake = Arc::new(Signal::default());
        let from = (0..PARTITIONS).map(|number| Position { of: partition("t", number), offset: 0 }).collect();
        let mut reader = log.reader(from, wake)?;
        loop {
            let polled = reader.poll(1000)?;
            if polled.is_empty() {
                break;
            }
            for (i, batch) in polled {
                let values = batch.records.values.iter().map(|value| value.unwrap().to_vec());
                state.records[i].extend(batch.offsets.iter().copied().zip(values));
            }
        }
    }
    state.position = log.positions("g")?.first().map(|position| position.offset);
    log.kv().scan("s", Bound::Unbounded, Bound::Unbounded, &mut |key, value| {
        state.entries.insert(key.to_vec(), value.to_vec());
        true
    })?;
    Ok(state)
}

/// A reproducible source of numbers.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Makes commits in a fresh log and tells what each left; calls `between` after each.
fn history(path: &Path, random: &mut Random, commits: u64, mut between: impl FnMut(&State)) -> Vec<State> {
    let log = Embedded::open(path).unwrap();
    let mut now = State { records: vec![Vec::new(); PARTITIONS as usize], ..State::default() };
    let mut states = vec![now.clone()];
    log.create_topic("t", &small_segments()).unwrap();
    for i in 0..commits {
        let mut commit = Commit { group: "g".into(), ..Commit::default() };
        for _ in 0..random.below(3) {
            let (number, count) = (random.below(PARTITIONS.into()), 1 + random.below(40) as usize);
            let records = numbered(i as i64 * 1000, count);
            let kept = &mut now.records[number as usize];
            let values = records.values.iter().map(|value| value.unwrap().to_vec());
            kept.extend((kept.len() as i64..).zip(values).collect::<Vec<_>>());
            commit.outputs.push(Output { to: partition("t", number as u32), records });
        }
        let (key, value) = (vec![random.below(5) as u8], i.to_be_bytes().to_vec());
        now.entries.insert(key.clone(), value.clone());
        commit.writes.push(Write { space: "s".into(), key, value: Some(value) });
        now.position = Some(i as i64);
        commit.positions.push(Position { of: partition("t", 0), offset: i as i64 });
        log.commit(commit).unwrap();
        states.push(now.clone());
        between(&now);
    }
    states
}

/// Copies a directory as a crash would leave it, without the holes of preallocated files.
pub(super) fn copy(from: &Path, to: &Path) {
    create_dir_all(to).unwrap();
    for entry in read_dir(from).unwrap() {
        let (entry, target) = (entry.as_ref().unwrap().path(), to.join(entry.as_ref().unwrap().file_name()));
        if entry.is_dir() {
            copy(&entry, &target);
            continue;
        }
        let (source, target) = (File::open(&entry).unwrap(), File::create(&target).unwrap());
        let len = source.metadata().unwrap().len();
        target.set_len(len).unwrap();
        let (mut chunk, zeros) = (vec![0; 1 << 20], vec![0; 1 << 20]);
        let mut at = 0;
        while at < len {
            let size = source.read_at(&mut chunk, at).unwrap();
            if chunk[..size] != zeros[..size] {
                target.write_all_at(&chunk[..size], at).unwrap();
            }
            at += size as u64;
        }
    }
}

pub(super) fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn reopen(path: &Path) -> Result<State> {
    state(&Embedded::open(path)?)
}

#[test]
fn a_kill_loses_nothing_acknowledged() {
    let temp = tempfile::tempdir().unwrap();
    let mut random = Random(1);
    let mut copies = 0;
    let path = temp.path().join("log");
    history(&path, &mut random, 60, |now| {
        if now.position.unwrap() % 6 == 5 {
            let at = temp.path().join(format!("copy{copies}"));
            copies += 1;
            copy(&path, &at);
            assert_eq!(reopen(&at).unwrap(), *now);
            assert_eq!(reopen(&at).unwrap(), *now, "opening changes nothing");
        }
    });
    assert_eq!(copies, 10);
}

#[test]
fn a_torn_tail_is_cut_off_and_written_over() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("log");
    let states = history(&path, &mut Random(2), 20, |_| ());
    let segments = files(&path.join("topics"));
    for (i, segment) in segments.iter().enumerate() {
        // a segment begun but not committed, half a header, zeros from the file system, half a copy of a batch
        let half = std::fs::read(segment).unwrap();
        let next = segment.with_file_name(format!("{:020}.log", 1_000_000 + i));
        File::create(next).unwrap().write_all(&half[..half.len() / 2]).unwrap();
    }
    let last = segments.iter().rfind(|segment| segment.parent().unwrap().ends_with("0")).unwrap();
    OpenOptions::new().append(true).open(last).unwrap().write_all(&[0; 100]).unwrap();
    let log = Embedded::open(&path).unwrap();
    assert_eq!(&state(&log).unwrap(), states.last().unwrap());
    assert_eq!(files(&path.join("topics")), segments);
    let end = log.bounds(&partition("t", 0)).unwrap().end;
    log.append(vec![Output { to: partition("t", 0), records: numbered(7, 3) }]).unwrap();
    drop(log);
    let after = reopen(&path).unwrap();
    assert_eq!(after.records[0].len() as i64, end + 3);
    assert_eq!(after.records[0].last().unwrap().1, b"v9");
}

#[test]
fn damage_after_a_kill_gives_a_commit_or_an_error_but_never_wrong_data() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("log");
    let mut random = Random(3);
    let states = history(&path, &mut random, 40, |_| ());
    let (refused, prefixes) = damage(&path, &mut random, 40, &|state| states.contains(state));
    assert!(refused > 5 && prefixes > 0, "{refused} refused, {prefixes} prefixes");
}

#[test]
fn damage_after_an_orderly_stop_gives_all_or_an_error() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("log");
    let mut random = Random(11);
    let states = history(&path, &mut random, 40, |_| ());
    let log = Embedded::open(&path).unwrap();
    log.close().unwrap();
    drop(log);
    assert_eq!(&reopen(&path).unwrap(), states.last().unwrap());
    let (refused, _) = damage(&path, &mut random, 60, &|state| Some(state) == states.last());
    assert!(refused > 10, "{refused} refused");
}

/// Damages copies of a directory, one byte or the tail of one file each; what opens must be right. Returns how many were
/// refused and how many opened.
fn damage(path: &Path, random: &mut Random, rounds: usize, is_right: &dyn Fn(&State) -> bool) -> (usize, usize) {
    let at = path.with_file_name("damaged");
    let used = files(path).into_iter().map(|file| (used_bytes(&file), file.strip_prefix(path).unwrap().to_owned()));
    // what damage to the database's own files leads to is tested with a process
    let is_fjalls = |file: &Path| file.starts_with("db/keyspaces");
    let files: Vec<(u64, PathBuf)> = used.filter(|(used, file)| *used > 0 && !is_fjalls(file)).collect();
    let journal = files.iter().find(|(_, file)| file.starts_with("db") && file.extension().is_some()).unwrap();
    let (mut refused, mut opened) = (0, 0);
    for round in 0..rounds {
        copy(path, &at);
        let (used, file) = if round % 4 == 1 { journal } else { &files[random.below(files.len() as u64) as usize] };
        let file = &at.join(file);
        let damage = OpenOptions::new().read(true).write(true).open(file).unwrap();
        // half of the time where the last commits are
        let last = if round % 2 == 0 { *used } else { (*used).min(300) };
        let position = used - last + random.below(last);
        if round % 3 == 0 {
            damage.set_len(position).unwrap();
        } else {
            let mut byte = [0];
            damage.read_exact_at(&mut byte, position).unwrap();
            damage.write_all_at(&[byte[0] ^ (1 << random.below(8))], position).unwrap();
        }
        drop(damage);
        match reopen(&at) {
            Ok(state) => {
                assert!(is_right(&state), "round {round}: {} at {position}: {state:?}", file.display());
                opened += 1;
            }
            Err(error) => {
                let text = error.to_string();
                assert!(text.contains(at.to_str().unwrap()), "{text}");
                refused += 1;
            }
        }
        std::fs::remove_dir_all(&at).unwrap();
    }
    (refused, opened)
}

/// Bytes up to the last one that is not zero.
fn used_bytes(file: &Path) -> u64 {
    let bytes = std::fs::read(file).unwrap();
    let zeros = [0; 4096];
    let Some(chunk) = bytes.chunks(4096).rposition(|chunk| *chunk != zeros[..chunk.len()]) else { return 0 };
    bytes[..bytes.len().min((chunk + 1) * 4096)].iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1)
}

#[test]
fn retention_gives_up_old_segments_and_readers_go_on() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("log");
    let log = Embedded::open(&path).unwrap();
    let mut spec = small_segments();
    spec.config.insert("retention.bytes".to_owned(), "6000".to_owned());
    spec.config.insert("retention.ms".to_owned(), "3600000".to_owned());
    log.create_topic("t", &spec).unwrap();
    let mut behind = log.reader(vec![Position { of: partition("t", 0), offset: 5 }], Arc::default()).unwrap();
    for i in 0..50 {
        log.append(vec![Output { to: partition("t", 0), records: numbered(i * 20, 20) }]).unwrap();
    }
    expire(&log.shared.topics, &**log.kv(), SystemTime::now()).unwrap();
    let bounds = log.bounds(&partition("t", 0)).unwrap();
    assert!(bounds.begin > 0 && bounds.begin < 1000 && bounds.end == 1000, "{bounds:?}");
    drop(log);
    let log = Embedded::open(&path).unwrap();
    assert_eq!(log.bounds(&partition("t", 0)).unwrap(), bounds);
    let kept = state(&log).unwrap();
    assert_eq!(kept.records[0][0], (bounds.begin, format!("v{}", bounds.begin).into_bytes()));
    // an hour and more later all is old; offsets go on where they were
    expire(&log.shared.topics, &**log.kv(), SystemTime::now() + Duration::from_secs(3700)).unwrap();
    assert_eq!(log.bounds(&partition("t", 0)).unwrap().begin, 1000);
    assert!(state(&log).unwrap().records[0].is_empty());
    drop(log);
    let log = Embedded::open(&path).unwrap();
    assert_eq!(log.append(vec![Output { to: partition("t", 0), records: numbered(0, 1) }]).unwrap(), [1000]);
    assert_eq!(state(&log).unwrap().records[0], [(1000, b"v0".to_vec())]);
    assert!(behind.poll(1).is_ok());
}

#[test]
fn many_writers_share_commits_and_a_deleted_topic_stays_deleted() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("log");
    let log = Embedded::open(&path).unwrap();
    log.create_topic("t", &small_segments()).unwrap();
    log.create_topic("gone", &small_segments()).unwrap();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let log = &log;
            scope.spawn(move || {
                for i in 0..25 {
                    let to = partition("t", number % PARTITIONS);
                    log.append(vec![Output { to, records: numbered(i, 2) }]).unwrap();
                    let to = partition("gone", 0);
                    let _ = log.append(vec![Output { to, records: numbered(i, 2) }]);
                    if number == 3 && i == 12 {
                        log.delete_topic("gone").unwrap();
                    }
                }
            });
        }
    });
    drop(log);
    let log = Embedded::open(&path).unwrap();
    assert_eq!(log.topics().unwrap().len(), 1);
    let total: usize = state(&log).unwrap().records.iter().map(Vec::len).sum();
    assert_eq!(total, 8 * 25 * 2);
    assert_eq!(read_dir(path.join("topics")).unwrap().count(), 1);
}

#[test]
fn what_was_read_is_given_up_and_a_kill_brings_nothing_back() {
    let temp = tempfile::tempdir().unwrap();
    let (path, kept) = (temp.path().join("log"), temp.path().join("kept"));
    let log = Embedded::open(&path).unwrap();
    log.create_topic("t", &small_segments()).unwrap();
    let at = |offset| Position { of: partition("t", 0), offset };
    let mut reader = log.reader(vec![at(0)], Arc::default()).unwrap();
    let mut next = 0;
    for i in 0..60 {
        log.append(vec![Output { to: partition("t", 0), records: numbered(i * 50, 50) }]).unwrap();
        while let Some((_, batch)) = reader.poll(1 << 20).unwrap().pop() {
            assert_eq!((batch.offsets[0], batch.records.values.value(0)), (next, format!("v{next}").as_bytes()));
            next += batch.offsets.len() as i64;
        }
        // the reader may be behind what it has committed by a few records
        let committed = next - i % 3 * 20;
        log.commit(Commit { group: "g".into(), positions: vec![at(committed)], ..Commit::default() }).unwrap();
        let before: Vec<PathBuf> = files(&path.join("topics"));
        copy(&path, &kept);
        log.delete_records(&[at(committed)]).unwrap();
        let bounds = log.bounds(&partition("t", 0)).unwrap();
        assert!(bounds.begin <= committed && bounds.end == next, "{bounds:?} {committed}");
        let bytes: u64 = files(&path.join("topics")).iter().map(|file| file.metadata().unwrap().len()).sum();
        assert!(bytes < 10_000, "{bytes} bytes are left");
        if i % 10 == 9 {
            // killed between the commit and the removal of the files
            let killed = temp.path().join("killed");
            copy(&path, &killed);
            for file in before {
                let name = file.strip_prefix(&path).unwrap();
                if !killed.join(name).exists() {
                    create_dir_all(killed.join(name).parent().unwrap()).unwrap();
                    std::fs::copy(kept.join(name), killed.join(name)).unwrap();
                }
            }
            let again = Embedded::open(&killed).unwrap();
            assert_eq!(again.bounds(&partition("t", 0)).unwrap(), bounds);
            assert_eq!(state(&again).unwrap().records[0].len() as i64, bounds.end - bounds.begin);
            assert_eq!(files(&killed.join("topics")).len(), files(&path.join("topics")).len());
            drop(again);
            std::fs::remove_dir_all(&killed).unwrap();
        }
        std::fs::remove_dir_all(&kept).unwrap();
    }
    assert_eq!(next, 3000);
}

#[test]
fn a_failed_write_leaves_no_trace() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("log");
    history(&path, &mut Random(4), 10, |_| ());
    let log = Embedded::open(&path).unwrap();
    let before = state(&log).unwrap();
    let sizes = || files(&path.join("topics")).iter().map(|file| file.metadata().unwrap().len()).collect::<Vec<_>>();
    let on_disk = sizes();
    let to = partition("t", 0);
    let staged = log.shared.topics.partition(&to).unwrap();
    for count in [1, 200, 400] {
        // into the last segment, and into new ones
        staged.stage(prepare(&numbered(0, count), true).unwrap(), 1_000).unwrap();
    }
    assert_ne!(sizes(), on_disk);
    staged.roll_back().unwrap();
    assert_eq!((state(&log).unwrap(), sizes()), (before.clone(), on_disk));
    let first = log.append(vec![Output { to, records: numbered(5, 1) }]).unwrap();
    assert_eq!(first, [before.records[0].len() as i64]);
    drop(log);
    assert_eq!(reopen(&path).unwrap().records[0].last().unwrap().1, b"v5");
}
