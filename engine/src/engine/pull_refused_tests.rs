//! What ksqlDB has against pull queries, in its order and words.

use super::Engine;
use super::tests::{engine, query_with, run};
use crate::serving::Client;

/// What stands behind a refused WHERE.
const HELP: &str = ".  See https://cnfl.io/queries for more info.\nAdd EMIT CHANGES if you intended to issue a push query.\nPull \
     queries require a WHERE clause that:\n - includes a key equality expression, ";

const WINDOWS: &str = "\n - (optionally) limits the time bounds of the windowed table.\n\t Bounds on [`WINDOWSTART`, `WINDOWEND`] \
     are supported\n";

fn tables() -> Engine {
    let engine = engine();
    run(
        &engine,
        "CREATE STREAM s (a STRING KEY, i INT, b BOOLEAN, d DECIMAL(4, 2)) WITH (kafka_topic='s', value_format='JSON', \
         partitions=1);
         CREATE TABLE plain (id INT PRIMARY KEY, v STRING) WITH (kafka_topic='t', value_format='JSON', partitions=1);
         CREATE TABLE t AS SELECT id, v FROM plain;
         CREATE TABLE c AS SELECT a, COUNT(*) AS n, LATEST_BY_OFFSET(b) AS b FROM s GROUP BY a;
         CREATE TABLE w AS SELECT a, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY a;
         CREATE TABLE two WITH (key_format='JSON') AS SELECT a, i, COUNT(*) AS n FROM s GROUP BY a, i;
         CREATE TABLE e WITH (key_format='JSON') AS SELECT d, COUNT(*) AS n FROM s GROUP BY d;",
    );
    engine
}

fn refused(engine: &Engine, query: &str, properties: &[(&str, &str)]) -> String {
    match query_with(engine, query, properties, &Client::default()) {
        Ok(_) => panic!("{query} is answered"),
        Err(failure) => failure.message,
    }
}

fn check(queries: &[(&str, &str)], properties: &[(&str, &str)]) {
    let engine = tables();
    for (query, message) in queries {
        let told = refused(&engine, &format!("{query};"), properties);
        let expected = match message.strip_suffix('…') {
            Some(start) => format!("{start}{HELP}"),
            None => (*message).to_owned(),
        };
        let fits = if message.ends_with('…') { told.starts_with(&expected) } else { told == expected };
        assert!(fits, "{query}:\n{told}\nnot\n{expected}");
    }
}

#[test]
fn conditions_that_are_no_comparisons() {
    let queries = [
        ("SELECT * FROM t WHERE v IS NULL", "Unsupported expression in WHERE clause: (V IS NULL)…"),
        ("SELECT * FROM t WHERE NOT (v IS NULL)", "Unsupported expression in WHERE clause: (V IS NULL)…"),
        ("SELECT * FROM t WHERE id = 1 AND v IS NOT NULL", "Unsupported expression in WHERE clause: (V IS NOT NULL)…"),
        ("SELECT * FROM t WHERE TRUE", "Unsupported expression in WHERE clause: true…"),
        ("SELECT * FROM t WHERE NOT FALSE", "Unsupported expression in WHERE clause: (NOT false)…"),
        ("SELECT * FROM c WHERE b", "Unsupported expression in WHERE clause: B…"),
        ("SELECT * FROM c WHERE NOT b", "Unsupported expression in WHERE clause: (NOT B)…"),
        (
            "SELECT * FROM t WHERE CASE WHEN id = 1 THEN TRUE ELSE FALSE END",
            "Unsupported expression in WHERE clause: (CASE WHEN (ID = 1) THEN true ELSE false END)…",
        ),
        (
            "SELECT * FROM t WHERE id LIKE '1'",
            "The column type for Like condition must be VARCHAR. The column type is INTEGER…",
        ),
        (
            "SELECT * FROM t WHERE v LIKE v",
            "Like condition on non-string pattern \
             io.confluent.ksql.execution.expression.tree.UnqualifiedColumnReferenceExp…",
        ),
    ];
    check(&queries, &[]);
}

#[test]
fn what_stands_behind_a_scan_is_not_looked_at() {
    let engine = tables();
    for query in [
        "SELECT * FROM t WHERE v = 'x' OR v IS NULL;",
        "SELECT * FROM t WHERE NOT (v = 'x');",
        "SELECT * FROM t WHERE NOT (id IN (1, 2) OR id BETWEEN 5 AND 6);",
        "SELECT * FROM t WHERE v LIKE 'x%' OR id IN (1, id);",
        "SELECT * FROM t WHERE id IS DISTINCT FROM 3;",
    ] {
        assert!(query_with(&engine, query, &[], &Client::default()).is_ok(), "{query}");
    }
}

#[test]
fn keys_of_other_types() {
    let queries = [
        ("SELECT * FROM t WHERE id = 7.5", "'7.5' can not be converted to the type of the key column: ID INTEGER KEY"),
        ("SELECT * FROM t WHERE id = 7.0", "'7.0' can not be converted to the type of the key column: ID INTEGER KEY"),
        (
            "SELECT * FROM t WHERE id > 3000000000",
            "'3000000000' can not be converted to the type of the key column: ID INTEGER KEY",
        ),
        (
            "SELECT * FROM t WHERE id IN (1, 'x')",
            "'x' can not be converted to the type of the key column: ID INTEGER KEY",
        ),
        ("SELECT * FROM t WHERE id IN (1, NULL)", "Primary key columns can not be NULL: (ID = null)"),
        (
            "SELECT * FROM e WHERE d = 1.234",
            "'1.234' can not be converted to the type of the key column: D DECIMAL(4, 2) KEY",
        ),
    ];
    check(&queries, &[]);
    let told = refused(&tables(), "SELECT * FROM t WHERE id = 'x' AND v IS NULL;", &[]);
    assert!(
        told.starts_with("Error in WHERE expression: Cannot compare ID (INTEGER) to 'x' (STRING) with EQUAL."),
        "{told}"
    );
}

#[test]
fn bounds_of_windows() {
    let queries = [
        ("a = 'x' AND WINDOWSTART > 1 AND WINDOWSTART >= 2", "Duplicate `WINDOWSTART` bounds on: GREATER_THAN"),
        ("a = 'x' AND WINDOWEND < 1 AND 2 >= WINDOWEND", "Duplicate `WINDOWEND` bounds on: LESS_THAN"),
        ("a = 'x' AND WINDOWSTART = 1 AND WINDOWSTART = 2", "Duplicate `WINDOWSTART` bounds on: EQUAL"),
        (
            "a = 'x' AND WINDOWSTART = 1 AND WINDOWSTART > '1970-01-01T00:00:00.007'",
            "`(WINDOWSTART > 7)` cannot be combined with other `WINDOWSTART` bounds",
        ),
        (
            "a = 'x' AND WINDOWSTART < 5 AND WINDOWSTART = 1",
            "`(WINDOWSTART = 1)` cannot be combined with other `WINDOWSTART` bounds",
        ),
        ("a = 'x' AND WINDOWSTART <> 1", "Unsupported `WINDOWSTART` bounds: NOT_EQUAL"),
        ("WINDOWEND IS DISTINCT FROM 1", "Unsupported `WINDOWEND` bounds: IS_DISTINCT_FROM"),
        (
            "a = 'x' AND WINDOWSTART > 1.5",
            "Window bounds must resolve to an INT, BIGINT, or STRING containing a datetime.",
        ),
    ];
    let engine = tables();
    for (filter, message) in queries {
        let told = refused(&engine, &format!("SELECT * FROM w WHERE {filter};"), &[]);
        assert!(told.starts_with(&format!("{message}{HELP}")) && told.contains(WINDOWS), "{filter}: {told}");
    }
    for filter in [
        "a = 'x' AND WINDOWSTART BETWEEN 1 AND 2",
        "a = 'x' AND WINDOWSTART IN (1, 2)",
        "WINDOWSTART > 1 AND WINDOWSTART > 2",
    ] {
        let query = format!("SELECT * FROM w WHERE {filter};");
        assert!(query_with(&engine, &query, &[], &Client::default()).is_ok(), "{filter}");
    }
}

#[test]
fn without_table_scans() {
    let queries = [
        (
            "SELECT * FROM t WHERE v = 'x' AND v <> 'y'",
            "WHERE clause missing key column for disjunct: ((V = 'x') AND (V <> 'y'))…",
        ),
        ("SELECT * FROM t WHERE v LIKE 'x'", "WHERE clause missing key column for disjunct: (V LIKE 'x')…"),
        ("SELECT * FROM t WHERE id = 1 OR v = 'x'", "WHERE clause missing key column for disjunct: (V = 'x')…"),
        (
            "SELECT * FROM t WHERE id = 1 AND v = UCASE(v)",
            "A comparison must be between a key column and a resolvable expression…",
        ),
        (
            "SELECT * FROM t WHERE id = 1 AND id < 5",
            "A comparison condition on the key column cannot be combined with other comparisons such as an IN predicate…",
        ),
        (
            "SELECT * FROM t WHERE id IS DISTINCT FROM 1",
            "Bound on key columns '[`ID` INTEGER KEY]' must currently be '='…",
        ),
        (
            "SELECT * FROM two WHERE i = 1",
            "Multi-column sources must specify every key in the WHERE clause. Specified: [`I`] Expected: [`A` STRING KEY, `I` \
             INTEGER KEY]…",
        ),
        (
            "SELECT * FROM t WHERE id > 1",
            "Query requires table scan to be enabled. Table scans can be enabled by setting \
             ksql.query.pull.table.scan.enabled=true",
        ),
    ];
    check(&queries, &[("ksql.query.pull.table.scan.enabled", "false")]);
    let engine = tables();
    let no_scans = [("ksql.query.pull.table.scan.enabled", "false")];
    for query in ["SELECT * FROM c WHERE a > 'x';", "SELECT * FROM t WHERE id IN (1, 2) OR id = 3;"] {
        let answer = query_with(&engine, query, &no_scans, &Client::default());
        assert!(answer.is_ok(), "{query}: {answer:?}");
    }
}

#[test]
fn what_is_found_first() {
    let queries = [
        ("SELECT nosuch FROM t GROUP BY id", "Line: 1, Col: 8: SELECT column 'NOSUCH' cannot be resolved."),
        ("SELECT * FROM nosuch GROUP BY id", "Exception while preparing statement: NOSUCH does not exist."),
        ("SELECT id FROM t WHERE nosuch IS NULL", "Line: 1, Col: 24: WHERE column 'NOSUCH' cannot be resolved."),
        ("SELECT nosuch FROM plain", "Line: 1, Col: 8: SELECT column 'NOSUCH' cannot be resolved."),
        ("SELECT * FROM plain WHERE v IS NULL", "Unsupported expression in WHERE clause: (V IS NULL)…"),
        ("SELECT *, v FROM t", "Pull queries only support wildcards in the projects if they are the only expression"),
        ("SELECT id, id FROM t", "Duplicate key columns found in schema: `ID` INTEGER KEY"),
        ("SELECT id AS a, v AS a FROM t", "Duplicate value columns found in schema: `A` STRING"),
        ("SELECT v->x FROM t", "Expected STRUCT type, got: STRING"),
        (
            "SELECT * FROM t LIMIT -1",
            "Pull queries don't support negative integers in the LIMIT clause. See https://cnfl.io/queries for more \
             info.\nAdd EMIT CHANGES if you intended to issue a push query.",
        ),
        (
            "SELECT * FROM plain WHERE id = 1",
            "The `PLAIN` table isn't queryable. To derive a queryable table, you can do 'CREATE TABLE QUERYABLE_PLAIN AS \
             SELECT * FROM PLAIN'. See https://cnfl.io/queries for more info.\nAdd EMIT CHANGES if you intended to issue a \
             push query.",
        ),
    ];
    check(&queries, &[]);
}
