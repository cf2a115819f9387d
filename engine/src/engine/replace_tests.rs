//! CREATE OR REPLACE TABLE with other filters, again and again: the table and its topic hold what the filters let through,
//! wherever the engine was stopped on the way.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::kv::KvError;
use crate::log::{Embedded, Log, Position, Signal, TopicPartition};
use crate::rows::{Event, RowFormat};
use crate::serving::Client;
use crate::statements::Session;

use super::Engine;
use super::faulty::Faulty;
use super::tests::engine_with;

fn engine(log: &Arc<dyn Log>) -> Engine {
    engine_with(log, &[])
}

fn engine_in_steps(log: &Arc<dyn Log>, step_rows: &str) -> Engine {
    engine_with(log, &[("millstream.max.records.per.step", step_rows)])
}

fn run(engine: &Engine, text: &str) {
    engine.execute(text, Session::default(), None).unwrap_or_else(|failure| panic!("{text}: {failure}"));
}

/// Rows of an answer; what is gone is told by its first column alone.
fn ask(engine: &Engine, text: &str) -> Vec<(i64, Option<i64>)> {
    engine.run_until_idle(None);
    let parsed = sql::parse_one(text, &sql::Variables::default()).unwrap();
    let answer = engine.query(&parsed, Session::default(), RowFormat::Json, &Client::default());
    let mut receiver = answer.unwrap_or_else(|failure| panic!("{text}: {failure}")).rows;
    engine.run_until_idle(None);
    let mut rows = Vec::new();
    while let Some(Event::Rows(batch)) = receiver.try_next() {
        for (row, gone) in batch.iter() {
            let columns: Vec<Option<i64>> = serde_json::from_slice(row).unwrap();
            rows.push((columns[0].unwrap(), columns[1].filter(|_| !gone)));
        }
    }
    rows
}

fn folded(changes: Vec<(i64, Option<i64>)>) -> BTreeMap<i64, i64> {
    let mut rows = BTreeMap::new();
    for (key, value) in changes {
        match value {
            Some(value) => drop(rows.insert(key, value)),
            None => drop(rows.remove(&key)),
        }
    }
    rows
}

/// Not random enough for anything else.
fn next(seed: &mut u64) -> i64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) as i64
}

#[test]
fn what_a_new_filter_leaves_out_is_gone() {
    for seed in 0..30 {
        let (mut random, partitions) = (seed, if seed % 2 == 0 { 1 } else { 3 });
        let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
        let mut engine = engine(&log);
        let with = format!("kafka_topic='a', value_format='json', partitions={partitions}");
        run(&engine, &format!("CREATE TABLE a (id INT PRIMARY KEY, c INT) WITH ({with});"));
        run(&engine, "CREATE TABLE b AS SELECT id, c FROM a;");
        let (mut low, mut high) = (i64::MIN, i64::MAX);
        let mut expected: BTreeMap<i64, i64> = BTreeMap::new();
        let mut script = String::new();
        for _ in 0..40 {
            let (id, c) = (next(&mut random) % 8, next(&mut random) % 100);
            match next(&mut random) % 6 {
                0 => {
                    (low, high) = match next(&mut random) % 4 {
                        0 => (i64::MIN, i64::MAX),
                        1 => (c, i64::MAX),
                        2 => (i64::MIN, c),
                        _ => (c / 2, c),
                    };
                    let filter = match (low, high) {
                        (i64::MIN, i64::MAX) => String::new(),
                        (low, high) => format!(
                            "WHERE c >= {} AND c <= {}",
                            low.max(i64::from(i32::MIN)),
                            high.min(i64::from(i32::MAX))
                        ),
                    };
                    run(&engine, &format!("CREATE OR REPLACE TABLE b AS SELECT id, c FROM a {filter};"));
                    script += &format!("{filter}; ");
                }
                1 => {
                    engine.run_until_idle(None);
                    expected.retain(|_, c| (low..=high).contains(c));
                    engine.shut_down();
                    engine = self::engine(&log);
                    script += "restart; ";
                }
                _ => {
                    run(&engine, &format!("INSERT INTO a VALUES ({id}, {c});"));
                    engine.run_until_idle(None);
                    // Of filters that follow each other at once only the last one counts.
                    expected.retain(|_, c| (low..=high).contains(c));
                    if (low..=high).contains(&c) {
                        expected.insert(id, c)
                    } else {
                        expected.remove(&id)
                    };
                    script += &format!("{id}={c}; ");
                }
            }
        }
        expected.retain(|_, c| (low..=high).contains(c));
        assert_eq!(folded(ask(&engine, "SELECT id, c FROM b;")), expected, "pulled, seed {seed}: {script}");
        assert_eq!(
            folded(ask(&engine, "SELECT id, c FROM b EMIT CHANGES;")),
            expected,
            "pushed, seed {seed}: {script}"
        );
    }
}

#[test]
fn groups_that_a_new_having_leaves_out_are_gone() {
    let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
    let engine = engine(&log);
    run(&engine, "CREATE STREAM s (k INT, v INT) WITH (kafka_topic='s', value_format='json', partitions=2);");
    run(&engine, "CREATE TABLE t AS SELECT k, COUNT(*) AS n FROM s GROUP BY k;");
    for k in [1, 2, 2, 3, 3, 3] {
        run(&engine, &format!("INSERT INTO s VALUES ({k}, 0);"));
    }
    engine.run_until_idle(None);
    for (having, left) in [("> 1", vec![(2, 2), (3, 3)]), ("> 2", vec![(3, 3)]), ("< 2", vec![])] {
        run(
            &engine,
            &format!(
                "CREATE OR REPLACE TABLE t AS SELECT k, COUNT(*) AS n FROM s GROUP BY k HAVING COUNT(*) {having};"
            ),
        );
        let pushed = folded(ask(&engine, "SELECT k, n FROM t EMIT CHANGES;"));
        assert_eq!(pushed.into_iter().collect::<Vec<_>>(), left, "{having}");
    }
}

const TABLE: &str = "CTAS_B_0";
/// So long that a source has to be read in several pieces.
const PAD_BYTES: usize = 300_000;

/// What happens to the engine in the middle of its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// A commit fails, and the process ends.
    Crash,
    /// A commit fails, and the query is started again.
    Failure,
    /// The query is paused, and resumed.
    Pause,
    /// The query is paused, the process ends.
    PauseAndEnd,
}

/// A table `a`, in two partitions, and all of it in `b`.
fn source(log: &Arc<dyn Log>) {
    let engine = engine(log);
    run(
        &engine,
        "CREATE TABLE a (id INT PRIMARY KEY, c INT, pad STRING)
         WITH (kafka_topic='a', value_format='json', partitions=2);
         CREATE TABLE b AS SELECT id, c FROM a;",
    );
    let pad = "x".repeat(PAD_BYTES);
    for id in 0..16 {
        let pad = if id < 10 { &*pad } else { "" };
        run(&engine, &format!("INSERT INTO a VALUES ({id}, {id}, '{pad}');"));
    }
    engine.run_until_idle(None);
    engine.shut_down();
}

/// Runs until something happens before the commit of that number, and then to the end on what is left of it. Says whether
/// it did.
fn run_and_stop(inner: &Arc<dyn Log>, statement: &str, stop: Stop, at: usize) -> bool {
    let faulty = Arc::new(Faulty::on(Arc::clone(inner)));
    let log: Arc<dyn Log> = Arc::clone(&faulty) as _;
    let engine = engine_in_steps(&log, "3");
    run(&engine, statement);
    let commits = Arc::<AtomicUsize>::default();
    let (count, paused) = (Arc::clone(&commits), engine.clone());
    faulty.at_commit(move || {
        match (count.fetch_add(1, Ordering::Relaxed).cmp(&at), stop) {
            (std::cmp::Ordering::Less, _) => return Ok(()),
            (std::cmp::Ordering::Equal, Stop::Pause | Stop::PauseAndEnd) => paused.runtime().pause(TABLE).unwrap(),
            (_, Stop::Pause) => {}
            _ => return Err(KvError::Store("stopped".to_owned()).into()),
        }
        Ok(())
    });
    engine.run_until_idle(None);
    let has_stopped = commits.load(Ordering::Relaxed) > at;
    faulty.at_commit(|| Ok(()));
    match stop {
        Stop::Failure if has_stopped => run(&engine, &format!("PAUSE {TABLE}; RESUME {TABLE};")),
        Stop::Pause if has_stopped => run(&engine, &format!("RESUME {TABLE};")),
        _ => return has_stopped,
    }
    engine.run_until_idle(None);
    has_stopped
}

fn topic(log: &dyn Log, name: &str) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut rows = BTreeMap::new();
    for partition in 0..log.topic(name).unwrap().unwrap().spec.partitions {
        let from = Position { of: TopicPartition { topic: Arc::from(name), partition }, offset: 0 };
        let mut reader = log.reader(vec![from], Arc::<Signal>::default()).unwrap();
        while let Some((_, batch)) = reader.poll(1 << 20).unwrap().pop() {
            for (key, value) in batch.records.keys.iter().zip(&batch.records.values) {
                let key = key.unwrap().to_vec();
                match value {
                    Some(value) => drop(rows.insert(key, value.to_vec())),
                    None => drop(rows.remove(&key)),
                }
            }
        }
    }
    rows
}

/// What `b` holds, by its own account and by its topic's.
fn left(engine: &Engine) -> Vec<i64> {
    let ids: Vec<i64> = folded(ask(engine, "SELECT id, c FROM b;")).into_keys().collect();
    let mut written: Vec<i64> = topic(&**engine.log(), "B")
        .into_keys()
        .map(|key| i64::from(i32::from_be_bytes(key.try_into().unwrap())))
        .collect();
    written.sort_unstable();
    assert_eq!(written, ids, "the topic and the table");
    ids
}

#[test]
fn wherever_it_is_stopped_a_narrower_table_gets_there() {
    for stop in [Stop::Crash, Stop::Failure, Stop::Pause, Stop::PauseAndEnd] {
        let mut stopped = 0;
        for at in 0.. {
            let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
            source(&log);
            if !run_and_stop(&log, "CREATE OR REPLACE TABLE b AS SELECT id, c FROM a WHERE c >= 5;", stop, at) {
                break;
            }
            stopped += 1;
            let engine = engine(&log);
            assert_eq!(left(&engine), (5..16).collect::<Vec<_>>(), "{stop:?} at {at}");
            // The rows of the source are kept, too: what is left out now is known to have been there.
            run(&engine, "INSERT INTO a (id, c) VALUES (9, 0); INSERT INTO a (id, c) VALUES (0, 9);");
            let expected: Vec<i64> = [0].into_iter().chain((5..16).filter(|id| *id != 9)).collect();
            assert_eq!(left(&engine), expected, "{stop:?} at {at}");
        }
        assert!(stopped > 6, "{stop:?}: {stopped} commits");
    }
}

#[test]
fn a_chain_of_stopped_replacements_leaves_what_the_last_one_lets_through() {
    let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
    source(&log);
    let create = |filter: &str| format!("CREATE OR REPLACE TABLE b AS SELECT id, c FROM a{filter};");
    for (at, filter) in [(1, " WHERE c >= 3"), (0, " WHERE c >= 4"), (5, " WHERE c >= 5 AND c < 14"), (0, "")] {
        assert!(run_and_stop(&log, &create(filter), Stop::Crash, at), "{filter}");
    }
    assert!(run_and_stop(&log, &create(" WHERE c >= 6 AND c < 13"), Stop::Crash, 2));
    assert_eq!(left(&engine(&log)), (6..13).collect::<Vec<_>>());
    // Nothing is left to do: another start writes nothing.
    let end = |log: &dyn Log| -> i64 {
        let of = |partition| TopicPartition { topic: Arc::from("B"), partition };
        (0..2).map(|partition| log.bounds(&of(partition)).unwrap().end).sum()
    };
    let before = end(&*log);
    engine(&log).run_until_idle(None);
    assert_eq!(end(&*log), before);
}

#[test]
fn a_replacement_that_is_not_logged_takes_nothing_from_the_query_before() {
    for is_restarted in [false, true] {
        let inner: Arc<dyn Log> = Arc::new(Embedded::in_memory());
        source(&inner);
        let faulty = Arc::new(Faulty::on(inner));
        let log: Arc<dyn Log> = Arc::clone(&faulty) as _;
        let mut engine = self::engine(&log);
        run(&engine, "CREATE OR REPLACE TABLE b AS SELECT id, c FROM a WHERE c >= 5;");
        engine.run_until_idle(None);
        faulty.refuse_commands(true);
        let wider = "CREATE OR REPLACE TABLE b AS SELECT id, c FROM a;";
        assert!(engine.execute(wider, Session::default(), None).is_err());
        faulty.refuse_commands(false);
        if is_restarted {
            engine.shut_down();
            engine = self::engine(&log);
        }
        assert_eq!(left(&engine), (5..16).collect::<Vec<_>>());
        run(&engine, "INSERT INTO a (id, c) VALUES (7, 0); INSERT INTO a (id, c) VALUES (1, 9);");
        assert_eq!(left(&engine), [1, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15]);
    }
}

#[test]
fn a_replaced_query_runs_although_the_one_before_was_paused() {
    let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
    source(&log);
    let engine = engine(&log);
    run(&engine, &format!("PAUSE {TABLE}; CREATE OR REPLACE TABLE b AS SELECT id, c FROM a WHERE c > 7;"));
    let status = |engine: &Engine| engine.runtime().life(TABLE).unwrap().state().to_string();
    assert_eq!(status(&engine), "RUNNING");
    engine.shut_down();
    assert_eq!(status(&self::engine(&log)), "RUNNING");
}

#[test]
fn what_an_older_version_kept_stays_although_the_topic_has_let_go_of_it() {
    let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
    source(&log);
    let engine = engine(&log);
    run(&engine, "CREATE OR REPLACE TABLE b AS SELECT id, c FROM a WHERE c >= 5;");
    assert_eq!(left(&engine), (5..16).collect::<Vec<_>>());
    engine.shut_down();
    // It did not note that it had swept, and records do not stay for ever.
    for partition in 0..2 {
        log.kv().drop_spaces(&format!("state/{TABLE}/0_{partition}/swept")).unwrap();
        let of = TopicPartition { topic: Arc::from("a"), partition };
        let offset = log.bounds(&of).unwrap().end;
        log.delete_records(&[Position { of, offset }]).unwrap();
    }
    let engine = self::engine(&log);
    assert_eq!(left(&engine), (5..16).collect::<Vec<_>>());
    run(&engine, "INSERT INTO a (id, c) VALUES (9, 0);");
    assert_eq!(left(&engine), [5, 6, 7, 8, 10, 11, 12, 13, 14, 15]);
}
