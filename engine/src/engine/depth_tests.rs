//! Statements as deep as the parser lets through, on stacks of the size that threads have: planned, run, explained, brought
//! back, and dropped.

use std::sync::Arc;

use sql::STACK_BYTES;

use crate::log::{Embedded, Log};
use crate::statements::Session;

use super::tests::{ask, engine_on, rows, run};

/// What is put around an expression, and what is innermost; `i` is an INTEGER and 1, `t` a text.
const NUMBERS: &[(&str, &str, &str)] = &[
    ("(", "i", ")"),
    ("", "i", " + 1"),
    ("", "i", " * 1.0E0"),
    ("1 + (", "i", ")"),
    ("-(", "i", ")"),
    ("ABS(", "i", ")"),
    ("CAST(CAST(", "i", " AS STRING) AS INT)"),
    ("CASE WHEN i = 1 THEN ", "i", " END"),
    ("CASE WHEN i = 2 THEN 0 ELSE ", "i", " END"),
    ("CASE WHEN i = ", "i", " THEN 1 END"),
    ("ARRAY[", "i", "][1]"),
    ("ARRAY[1, 1][", "i", "]"),
    ("MAP('a' := ", "i", ")['a']"),
    ("STRUCT(a := ", "i", ")->a"),
    ("TRANSFORM(ARRAY[1], x# => ", "i", ")[1]"),
    ("REDUCE(ARRAY[1], 0, (s#, x#) => ", "i", ")"),
    ("IFNULL(NULLIF(", "i", ", 2), 3)"),
];

const BOOLEANS: &[(&str, &str, &str)] = &[
    ("", "i = 1", " OR i = 2"),
    ("", "i = 1", " AND i = 1"),
    ("NOT NOT ", "i = 1", ""),
    ("(", "i = 1", ") IS NOT NULL"),
    ("CASE WHEN ", "i = 1", " THEN TRUE ELSE FALSE END"),
    ("(", "i = 1", ") IN (TRUE)"),
    ("CASE WHEN ", "i = 1", " THEN 1 ELSE 0 END BETWEEN 1 AND 2"),
    ("CASE WHEN ", "i = 1", " THEN 'a' ELSE 'b' END LIKE 'a%'"),
];

const TEXTS: &[(&str, &str, &str)] = &[("", "t", " || 'a'"), ("TRIM(", "t", ")"), ("CONCAT(t, ", "t", ")")];

/// `#` stands for the level: no lambda may name its arguments as one around does.
fn nested((before, inner, after): (&str, &str, &str), n: usize) -> String {
    let before: String = (0..n).map(|level| before.replace('#', &level.to_string())).collect();
    format!("{before}{inner}{}", after.repeat(n))
}

/// The deepest that is let through.
fn deepest(around: (&str, &str, &str)) -> String {
    let (mut good, mut bad) = (1, 2048);
    while bad - good > 1 {
        let middle = usize::midpoint(good, bad);
        if sql::parse_expression(&nested(around, middle)).is_ok() { good = middle } else { bad = middle }
    }
    // EXPLAIN is a level too
    nested(around, good - 1)
}

fn on_a_stack_of_ours(test: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(STACK_BYTES).spawn(test).unwrap().join().unwrap();
}

/// Makes streams of deep expressions, gives them a row, and starts again.
fn live_and_come_back(select: &str, filter: &str) {
    let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
    let engine = engine_on(Arc::clone(&log), "8192");
    run(&engine, "CREATE STREAM s (i INT, t STRING) WITH (kafka_topic='s', value_format='json', partitions=1);");
    let query = format!("SELECT {select} AS x FROM s WHERE {filter}");
    let made = engine.execute(&format!("CREATE STREAM d AS {query};"), Session::default(), None);
    if let Err(failure) = made {
        panic!("{query:.120}: {failure:.300}");
    }
    run(&engine, "INSERT INTO s (i, t) VALUES (1, 'a');");
    run(&engine, &format!("EXPLAIN {query} EMIT CHANGES;"));
    run(
        &engine,
        &format!("INSERT INTO s (i, t) VALUES (CAST({} AS INT), 'b');", "-(".repeat(400) + "2" + &")".repeat(400)),
    );
    let mut pushed = ask(&engine, &format!("{query} EMIT CHANGES LIMIT 1;"));
    assert_eq!(rows(&engine, &mut pushed).len(), 2, "{query:.120}");
    drop(engine);
    let engine = engine_on(Arc::clone(&log), "8192");
    assert_eq!(engine.catalog().lost().count(), 0, "{query:.120}");
    run(&engine, "INSERT INTO s (i, t) VALUES (1, 'c');");
    let mut written = ask(&engine, "SELECT * FROM d EMIT CHANGES LIMIT 2;");
    assert_eq!(rows(&engine, &mut written).len(), 3, "{query:.120}");
    run(&engine, "DROP STREAM d;");
}

#[test]
fn deep_numbers_run_and_come_back() {
    on_a_stack_of_ours(|| NUMBERS.iter().for_each(|around| live_and_come_back(&deepest(*around), "TRUE")));
}

#[test]
fn deep_conditions_run_and_come_back() {
    on_a_stack_of_ours(|| BOOLEANS.iter().for_each(|around| live_and_come_back("i", &deepest(*around))));
}

#[test]
fn deep_texts_run_and_come_back() {
    on_a_stack_of_ours(|| TEXTS.iter().for_each(|around| live_and_come_back(&deepest(*around), "TRUE")));
}

/// Seen: each of these was accepted, and the server did not start again.
#[test]
fn what_was_accepted_comes_back() {
    on_a_stack_of_ours(|| {
        let ors = (1..50).fold("i = 0".to_owned(), |all, n| format!("{all} OR i = {n}"));
        let ands = (1..200).fold("i = 1".to_owned(), |all, n| format!("{all} AND (i <> {n} OR i = 1)"));
        for filter in [ors, ands, nested(("NOT NOT ", "i = 1", ""), 45)] {
            live_and_come_back("i", &filter);
        }
        live_and_come_back(&nested(("", "i", " + 1"), 51), "TRUE");
        live_and_come_back(&nested(("CASE WHEN i = 1 THEN ", "i", " END"), 40), "TRUE");
    });
}

#[test]
fn deep_tables_are_read() {
    on_a_stack_of_ours(|| {
        let log: Arc<dyn Log> = Arc::new(Embedded::in_memory());
        let engine = engine_on(Arc::clone(&log), "8192");
        run(
            &engine,
            "CREATE STREAM s (k STRING KEY, i INT) WITH (kafka_topic='s', value_format='json', partitions=1);",
        );
        run(&engine, "CREATE TABLE c AS SELECT k, COUNT(*) AS n FROM s GROUP BY k;");
        run(&engine, "INSERT INTO s (k, i) VALUES ('a', 1);");
        for filter in [nested(("", "n = 1", " OR n = 2"), 500), nested(("NOT NOT ", "n = 1", ""), 200)] {
            let mut found = ask(&engine, &format!("SELECT {} FROM c WHERE {filter};", nested(("", "n", " + 1"), 500)));
            assert_eq!(rows(&engine, &mut found).len(), 2);
        }
        let key = nested(("", "k = 'a'", " OR k = 'b'"), 500);
        let mut found = ask(&engine, &format!("SELECT * FROM c WHERE {key};"));
        assert_eq!(rows(&engine, &mut found).len(), 2);
        let grouped = deepest(("", "i", " + 1"));
        let having = nested(("", "COUNT(*) > 0", " AND COUNT(*) < 9"), 400);
        run(
            &engine,
            &format!(
                "CREATE TABLE g AS SELECT {grouped} AS x, COUNT(*) AS n FROM s GROUP BY {grouped} HAVING {having};"
            ),
        );
        drop(engine);
        assert_eq!(engine_on(log, "8192").catalog().lost().count(), 0);
    });
}
