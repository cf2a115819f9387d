//! CREATE OR REPLACE TABLE with other filters, again and again: the table and its topic hold what the filters let through.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clock::Manual;
use crate::config::Config;
use crate::expr::Registry;
use crate::log::{Embedded, Log};
use crate::rows::{Event, RowFormat};
use crate::serving::Client;
use crate::statements::Session;

use super::{Engine, Parts};

fn engine(log: &Arc<dyn Log>) -> Engine {
    Engine::new(Parts {
        log: Arc::clone(log),
        clock: Arc::new(Manual::at(1_000)),
        config: Config::new([("auto.offset.reset", "earliest")]).unwrap(),
        functions: Registry::with(&[]),
        threads: 0,
        uncut: false,
    })
    .unwrap()
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
