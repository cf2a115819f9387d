//! Pull queries say what push queries say: every kind of table, with keys in every format, asked in every way.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::Engine;
use super::tests::{engine, engine_on, query_with, rows, run};
use crate::kv::Writes;
use crate::log::{Embedded, Log};
use crate::runtime::State;
use crate::serving::Client;
use crate::statements::FailureKind;

/// A table: its name, key columns of its rows (bounds of windows included), its query, and WHERE clauses to ask it with.
struct Kind {
    name: &'static str,
    keys: usize,
    query: &'static str,
    asks: &'static [&'static str],
}

/// There from the start.
const SOURCE: Kind = Kind { name: "ST", keys: 1, query: "", asks: &["id = 1", "id IN (1, 3, 4)", "v = 'v'"] };

const KINDS: &[Kind] = &[
    Kind {
        name: "BY_KEY",
        keys: 1,
        query: "SELECT a, COUNT(*) AS n FROM s GROUP BY a",
        asks: &["a = 'x'", "a IN ('x', '12', 'no', 'x')", "a > '1' AND a <= 'x'", "n = 1", "a = 'x' OR a = 'no'"],
    },
    Kind {
        name: "RENAMED",
        keys: 1,
        query: "SELECT a AS other, COUNT(*) AS n FROM s GROUP BY a",
        asks: &["other = 'x'", "other IN ('12', 'x,1')", "other >= 'x'"],
    },
    Kind {
        name: "BY_NUMBER",
        keys: 1,
        query: "SELECT i, COUNT(*) AS n FROM s GROUP BY i",
        asks: &["i = 7", "i = -8", "i IN (7, 9, -8)", "i > 7", "i >= -8 AND i < 9"],
    },
    Kind {
        name: "BY_EXPRESSION",
        keys: 1,
        query: "SELECT i + 1 AS j, SUM(i) AS n FROM s GROUP BY i + 1",
        asks: &["j = 8", "j IN (8, 10, 11)", "j <> 8", "j BETWEEN -7 AND 8"],
    },
    Kind {
        name: "UNNAMED",
        keys: 1,
        query: "SELECT UCASE(a), COUNT(*) AS n FROM s GROUP BY UCASE(a)",
        asks: &["KSQL_COL_0 = 'X'", "KSQL_COL_0 IN ('X', '12')", "KSQL_COL_0 > '2'"],
    },
    Kind {
        name: "FILTERED",
        keys: 1,
        query: "SELECT a, COUNT(*) AS n FROM s GROUP BY a HAVING COUNT(*) > 1",
        asks: &["a = 'x'", "a = '12'", "a IN ('x', '12')", "a > '1'"],
    },
    Kind {
        name: "IN_TUMBLING",
        keys: 3,
        query: "SELECT i, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY i",
        asks: &[
            "i = 7",
            "i = 7 AND WINDOWSTART = 0",
            "i IN (7, 9) AND WINDOWSTART > 0",
            "i > 7",
            "i = 7 AND WINDOWEND <= 10000",
            "WINDOWSTART >= 10000",
        ],
    },
    Kind {
        name: "IN_HOPPING",
        keys: 3,
        query: "SELECT a AS b, COUNT(*) AS n FROM s WINDOW HOPPING (SIZE 10 SECONDS, ADVANCE BY 5 SECONDS) GROUP BY a",
        asks: &["b = 'x'", "b = 'x' AND WINDOWSTART >= 5000", "b IN ('x', '12') AND WINDOWSTART <= 5000", "b < 'x'"],
    },
    Kind {
        name: "IN_SESSIONS",
        keys: 3,
        query: "SELECT i, COUNT(*) AS n FROM s WINDOW SESSION (2 SECONDS) GROUP BY i",
        asks: &["i = 7", "i IN (7, 9) AND WINDOWSTART > 1000", "i = 7 AND WINDOWEND < 10000", "WINDOWSTART > 1000"],
    },
    Kind {
        name: "ONCE",
        keys: 3,
        query: "SELECT i, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 1 SECOND, GRACE PERIOD 0 SECONDS) GROUP BY i \
                EMIT FINAL",
        asks: &["i = 7", "i IN (7, 9)", "i = 7 AND WINDOWSTART = 1000", "i > 7"],
    },
    Kind {
        name: "COPIED",
        keys: 1,
        query: "SELECT * FROM t",
        asks: &["id = 1", "id IN (1, 3, 4)", "id > 1", "v = 'v'"],
    },
    Kind {
        name: "SELECTED",
        keys: 1,
        query: "SELECT id AS key, UCASE(v) AS v FROM t WHERE id <> 2",
        asks: &["key = 1", "key = 2", "key IN (1, 2, 3)", "key >= 3", "v = 'V'"],
    },
    Kind {
        name: "BY_VALUE",
        keys: 1,
        query: "SELECT v, COUNT(*) AS n FROM t GROUP BY v",
        asks: &["v = 'v'", "v IN ('v', 'u,', 'w')", "v > 'u'"],
    },
    Kind {
        name: "JOINED",
        keys: 1,
        query: "SELECT t.id AS id, v, w FROM t JOIN r ON t.id = r.id",
        asks: &["id = 1", "id IN (1, 2, 3)", "id > 1"],
    },
    Kind {
        name: "OUTER_JOINED",
        keys: 1,
        query: "SELECT ROWKEY AS k, v, w FROM t FULL JOIN r ON t.id = r.id",
        asks: &["k = 1", "k IN (2, 3)", "k > 1"],
    },
    Kind {
        name: "FOREIGN",
        keys: 1,
        query: "SELECT f.name AS name, f.r, r.w FROM f JOIN r ON f.r = r.id",
        asks: &["name = 'f'", "name IN ('f', 'g,')", "name > 'f'"],
    },
    Kind {
        name: "BY_JOINED",
        keys: 1,
        query: "SELECT t.v AS v, COUNT(*) AS n FROM s JOIN t ON s.i = t.id GROUP BY t.v",
        asks: &["v = 'seven'", "v IN ('seven', 'nine')", "v > 'o'"],
    },
];

const SEVERAL: &[Kind] = &[
    Kind {
        name: "TWO",
        keys: 2,
        query: "SELECT a, i, COUNT(*) AS n FROM s GROUP BY a, i",
        asks: &[
            "a = 'x' AND i = 7",
            "a IN ('x', '12', 'x') AND i IN (7, -8)",
            "i > 7",
            "a = 'x'",
            "a >= 'x' AND i = 9",
            "a = 'x' AND i = 7 OR a = '12'",
        ],
    },
    Kind {
        name: "TWO_RENAMED",
        keys: 2,
        query: "SELECT i AS first, a AS second, COUNT(*) AS n FROM s GROUP BY a, i",
        asks: &["second = 'x' AND first = 7", "second IN ('x', 'x,1') AND first IN (7, 9)", "first > 7"],
    },
    Kind {
        name: "THREE",
        keys: 3,
        query: "SELECT a, i + 1 AS j, d, COUNT(*) AS n FROM s GROUP BY a, i + 1, d HAVING COUNT(*) < 9",
        asks: &["a = 'x' AND j = 8 AND d = 1.5", "a IN ('x', '12') AND j IN (8, -7) AND d IN (1.5, 2.0)", "d > 1.5"],
    },
    Kind {
        name: "TWO_TUMBLING",
        keys: 4,
        query: "SELECT a, i, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY a, i",
        asks: &["a = 'x' AND i = 7", "a IN ('x', '12') AND i IN (7, -8) AND WINDOWSTART < 10000", "i > 7"],
    },
    Kind {
        name: "TWO_SESSION",
        keys: 4,
        query: "SELECT a, i, COUNT(*) AS n FROM s WINDOW SESSION (2 SECONDS) GROUP BY a, i",
        asks: &["a = 'x' AND i = 7", "a = 'x' AND i IN (7, 9) AND WINDOWSTART >= 1000", "i > 7"],
    },
    Kind {
        name: "TWO_OF_TABLE",
        keys: 2,
        query: "SELECT v, id, COUNT(*) AS n FROM t GROUP BY v, id",
        asks: &["v = 'v' AND id = 1", "v IN ('v', 'u,') AND id IN (1, 2, 3)", "id = 1"],
    },
    Kind {
        name: "TWO_COPIED",
        keys: 2,
        query: "SELECT * FROM m",
        asks: &["p = 'p' AND q = 1", "p IN ('p', 'p,') AND q IN (1, 2)", "q > 1", "p = 'p'"],
    },
    Kind {
        name: "TWO_FOREIGN",
        keys: 2,
        query: "SELECT m.p AS p, m.q AS q, m.r AS r, r.w FROM m JOIN r ON m.r = r.id",
        asks: &["p = 'p' AND q = 1", "p IN ('p', 'p,') AND q IN (1, 2)", "q > 1"],
    },
];

/// Tables over the topics of windowed ones.
const WINDOWED_SOURCES: &[Kind] = &[
    Kind {
        name: "FROM_TUMBLING",
        keys: 3,
        query: "window_type='TUMBLING', window_size='10 SECONDS', kafka_topic='IN_TUMBLING'",
        asks: &["i = 7", "i = 7 AND WINDOWSTART = 0", "i IN (7, 9) AND WINDOWSTART > 0", "i > 7", "WINDOWSTART > 0"],
    },
    Kind {
        name: "FROM_SESSIONS",
        keys: 3,
        query: "window_type='SESSION', kafka_topic='IN_SESSIONS'",
        asks: &["i = 7", "i IN (7, 9) AND WINDOWSTART > 1000", "i > 7", "WINDOWSTART > 1000"],
    },
];

/// Keys that only JSON holds.
const OTHERS: &[Kind] = &[
    Kind {
        name: "BY_DECIMAL",
        keys: 1,
        query: "SELECT CAST(d AS DECIMAL(6, 2)) AS k, COUNT(*) AS n FROM s WHERE d < 1000 GROUP BY CAST(d AS DECIMAL(6, 2))",
        asks: &["k = 1.5", "k IN (1.50, 2, 0.25)", "k > 1.5"],
    },
    Kind {
        name: "BY_BOOLEAN",
        keys: 1,
        query: "SELECT ARRAY_CONTAINS(ARRAY[7], i) AS k, COUNT(*) AS n FROM s GROUP BY ARRAY_CONTAINS(ARRAY[7], i)",
        asks: &["k = true", "k IN (false)", "NOT (k = true)"],
    },
    Kind {
        name: "BY_DATE",
        keys: 1,
        query: "SELECT FROM_DAYS(i) AS k, COUNT(*) AS n FROM s GROUP BY FROM_DAYS(i)",
        asks: &["k = '1970-01-08'", "k > '1970-01-01'"],
    },
    Kind {
        name: "BY_TIMESTAMP",
        keys: 1,
        query: "SELECT FROM_UNIXTIME(i) AS k, COUNT(*) AS n FROM s GROUP BY FROM_UNIXTIME(i)",
        asks: &["k = '1970-01-01T00:00:00.007'", "k > '1970-01-01T00:00:00'"],
    },
    Kind {
        name: "BY_BYTES",
        keys: 1,
        query: "SELECT TO_BYTES(a, 'utf8') AS k, COUNT(*) AS n FROM s GROUP BY TO_BYTES(a, 'utf8')",
        asks: &["k = TO_BYTES('x', 'utf8')", "k > TO_BYTES('2', 'utf8')"],
    },
    Kind {
        name: "BY_STRUCT",
        keys: 1,
        query: "SELECT STRUCT(x := i, y := a) AS k, COUNT(*) AS n FROM s GROUP BY STRUCT(x := i, y := a)",
        asks: &["k = STRUCT(x := 7, y := 'x')", "k->x = 7"],
    },
    Kind {
        name: "BY_ARRAY",
        keys: 1,
        query: "SELECT ARRAY[i, 1] AS k, COUNT(*) AS n FROM s GROUP BY ARRAY[i, 1]",
        asks: &["k = ARRAY[7, 1]", "k[1] > 7"],
    },
    Kind {
        name: "COPIED_GROUPS",
        keys: 2,
        query: "SELECT i AS b, a, n FROM two",
        asks: &["b = 7 AND a = 'x'", "b IN (7, 9) AND a IN ('x', 'x,1')", "a = 'x'"],
    },
    Kind {
        name: "GROUPED_GROUPS",
        keys: 1,
        query: "SELECT n, COUNT(*) AS c FROM by_key GROUP BY n",
        asks: &["n = 1", "n IN (1, 2, 3)", "n > 1"],
    },
    Kind {
        name: "JOINED_GROUPS",
        keys: 1,
        query: "SELECT t.id AS id, v, n FROM t LEFT JOIN by_number ON t.id = by_number.i",
        asks: &["id = 7", "id IN (1, 7)", "id > 1"],
    },
];

/// Sources whose keys are in that format, in as many partitions; and rows.
fn sources(engine: &Engine, format: &str, partitions: u32) {
    let of = |name: &str, format: &str| {
        format!("WITH (kafka_topic='{name}', key_format='{format}', value_format='JSON', partitions={partitions});")
    };
    let several = if format == "KAFKA" { "JSON" } else { format };
    run(engine, &format!("CREATE STREAM s (a STRING KEY, i INT, d DOUBLE) {}", of("s", format)));
    run(engine, &format!("CREATE TABLE t (id INT PRIMARY KEY, v STRING) {}", of("t", format)));
    run(engine, &format!("CREATE SOURCE TABLE st (id INT PRIMARY KEY, v STRING) {}", of("t", format)));
    run(engine, &format!("CREATE TABLE r (id INT PRIMARY KEY, w STRING) {}", of("r", format)));
    run(engine, &format!("CREATE TABLE f (name STRING PRIMARY KEY, r INT) {}", of("f", format)));
    run(engine, &format!("CREATE TABLE m (p STRING PRIMARY KEY, q INT PRIMARY KEY, r INT) {}", of("m", several)));
}

fn fill(engine: &Engine) {
    for rows in [
        "t VALUES (1000, 1, 'v'), (1000, 2, 'v'), (1000, 3, 'u,'), (1000, 7, 'seven'), (1000, 9, 'nine')",
        "r VALUES (1000, 1, 'w'), (1000, 2, NULL), (1000, 4, 'w')",
        "f VALUES (1000, 'f', 1), (1000, 'g,', 2), (1000, 'h', 9)",
        "m VALUES (1000, 'p', 1, 1), (1000, 'p', 2, 2), (1000, 'p,', 1, 4)",
        "s VALUES (1000, 'x', 7, 1.5), (1500, '12', -8, 2.0), (2000, 'x', 7, 1.5), (9000, 'x', 7, 0.25)",
        "s VALUES (9100, 'x', 9, 1.5), (12000, 'x,1', 9, 2.5), (19000, '12', 7, 1.5), (60000, '\"', 7, 1e10)",
    ] {
        let (table, rows) = rows.split_once(" VALUES ").unwrap();
        let columns = match table {
            "s" => "a, i, d",
            "t" => "id, v",
            "r" => "id, w",
            "f" => "name, r",
            _ => "p, q, r",
        };
        for row in rows.split("), (") {
            let row = row.trim_start_matches('(').trim_end_matches(')');
            run(engine, &format!("INSERT INTO {table} (ROWTIME, {columns}) VALUES ({row});"));
        }
    }
}

/// What is left of a table's changes.
fn folded(changes: Vec<String>, keys: usize) -> Vec<String> {
    let mut left = BTreeMap::new();
    for change in changes {
        let (row, gone) = match change.strip_suffix(" gone") {
            Some(row) => (row, true),
            None => (change.as_str(), false),
        };
        let Ok(Value::Array(columns)) = serde_json::from_str(row) else { continue };
        let key = Value::Array(columns[..keys].to_vec()).to_string();
        if gone {
            left.remove(&key)
        } else {
            left.insert(key, row.to_owned())
        };
    }
    sorted(left.into_values().collect())
}

fn ask(engine: &Engine, query: &str) -> Vec<String> {
    match query_with(engine, query, &[("auto.offset.reset", "earliest")], &Client::default()) {
        Ok(mut answer) => rows(engine, &mut answer.rows),
        Err(failure) => panic!("{query}: {failure}"),
    }
}

fn sorted(mut rows: Vec<String>) -> Vec<String> {
    rows.retain(|row| row.starts_with('['));
    rows.sort_unstable();
    rows
}

fn check(engine: &Engine, kind: &Kind, about: &str) {
    let all = format!("SELECT * FROM {}", kind.name);
    let asks = kind.asks.iter().map(|ask| format!("{all} WHERE {ask}"));
    for query in [all.clone()].into_iter().chain(asks) {
        let pushed = folded(ask(engine, &format!("{query} EMIT CHANGES;")), kind.keys);
        let pulled = sorted(ask(engine, &format!("{query};")));
        assert_eq!(pulled, pushed, "{about}: {query}");
        assert!(query != all || !pulled.is_empty(), "{about}: {query} has no rows");
    }
}

fn check_all(kinds: &[Kind], sinks: &[&str], partitions: u32) {
    for format in ["KAFKA", "JSON", "DELIMITED"] {
        for sink in sinks {
            let engine = engine();
            sources(&engine, format, partitions);
            let with = if sink.is_empty() { String::new() } else { format!(" WITH (key_format='{sink}')") };
            for kind in kinds {
                run(&engine, &format!("CREATE TABLE {}{with} AS {};", kind.name, kind.query));
            }
            fill(&engine);
            for kind in kinds.iter().chain([&SOURCE]) {
                check(&engine, kind, &format!("{format} to {sink:?}, {partitions} partitions"));
            }
        }
    }
}

#[test]
fn keys_of_one_column() {
    check_all(KINDS, &["", "KAFKA", "JSON", "DELIMITED"], 1);
}

#[test]
fn keys_of_one_column_in_several_partitions() {
    check_all(KINDS, &["", "JSON"], 3);
}

#[test]
fn keys_of_several_columns() {
    check_all(SEVERAL, &["JSON", "DELIMITED"], 1);
}

#[test]
fn keys_of_several_columns_in_several_partitions() {
    check_all(SEVERAL, &["DELIMITED"], 3);
}

#[test]
fn keys_of_other_types_and_tables_of_tables() {
    for format in ["KAFKA", "JSON", "DELIMITED"] {
        let engine = engine();
        sources(&engine, format, 1);
        for kind in KINDS.iter().chain(SEVERAL.iter().filter(|kind| kind.name == "TWO")) {
            let sink = if kind.name == "TWO" { "DELIMITED" } else { format };
            run(&engine, &format!("CREATE TABLE {} WITH (key_format='{sink}') AS {};", kind.name, kind.query));
        }
        for kind in OTHERS {
            run(&engine, &format!("CREATE TABLE {} WITH (key_format='JSON') AS {};", kind.name, kind.query));
        }
        for Kind { name, query, .. } in WINDOWED_SOURCES {
            let columns = "(i INT PRIMARY KEY, n BIGINT)";
            let with = format!("key_format='{format}', value_format='JSON', {query}");
            run(&engine, &format!("CREATE SOURCE TABLE {name} {columns} WITH ({with});"));
        }
        fill(&engine);
        for kind in OTHERS.iter().chain(WINDOWED_SOURCES) {
            check(&engine, kind, &format!("{format} to JSON"));
        }
    }
}

#[test]
fn an_empty_text_is_a_key_of_its_own_whatever_the_topic_can_tell() {
    for partitions in [1, 3] {
        let engine = engine();
        sources(&engine, "DELIMITED", partitions);
        run(&engine, "CREATE TABLE two AS SELECT i, v, COUNT(*) AS n FROM s JOIN t ON s.i = t.id GROUP BY i, v;");
        run(&engine, "INSERT INTO t (id, v) VALUES (7, '');");
        run(&engine, "INSERT INTO s (a, i) VALUES ('x', 7);");
        assert_eq!(ask(&engine, "SELECT * FROM two;"), [r#"[7,"",1]"#, "Completed"]);
        assert_eq!(ask(&engine, "SELECT n FROM two WHERE i = 7 AND v = '';"), ["[1]", "Completed"]);
    }
}

#[test]
fn keys_that_are_many_are_found_by_a_scan() {
    let engine = engine();
    sources(&engine, "KAFKA", 1);
    run(
        &engine,
        "CREATE TABLE three WITH (key_format='JSON') AS SELECT a, i, d, COUNT(*) AS n FROM s GROUP BY a, i, d;",
    );
    fill(&engine);
    let list = |item: &dyn Fn(usize) -> String| (0..60).map(item).collect::<Vec<_>>().join(", ");
    let texts = list(&|n| format!("'{}'", if n == 59 { "x".to_owned() } else { n.to_string() }));
    let (integers, doubles) = (list(&|n| n.to_string()), list(&|n| format!("{n}.5")));
    let query = format!("SELECT * FROM three WHERE a IN ({texts}) AND i IN ({integers}) AND d IN ({doubles});");
    assert_eq!(ask(&engine, &query), [r#"["12",7,1.5,1]"#, r#"["x",7,1.5,2]"#, r#"["x",9,1.5,1]"#, "Completed"]);
    let nowhere = vec!["300000000"; 20_000].join(", ");
    let query_of_none =
        format!("SELECT * FROM three WHERE (n = 1 OR n = 2) AND i IN ({nowhere}) AND a = 'x' AND d = 1.5;");
    assert_eq!(ask(&engine, &query_of_none), ["Completed"]);
    let no_scans = [("ksql.query.pull.table.scan.enabled", "false")];
    let refused = query_with(&engine, &query, &no_scans, &Client::default()).unwrap_err();
    assert!(refused.message.starts_with("The WHERE clause asks for more than 10000 keys."), "{refused}");
    let few = [no_scans[0], ("millstream.query.pull.keys.max", "216000")];
    let mut answer = query_with(&engine, &query, &few, &Client::default()).unwrap().rows;
    assert_eq!(rows(&engine, &mut answer).len(), 4);
}

#[test]
fn nothing_is_read_for_a_client_who_has_left() {
    let engine = engine();
    sources(&engine, "KAFKA", 1);
    run(&engine, "CREATE TABLE counts AS SELECT a, COUNT(*) AS n FROM s GROUP BY a;");
    fill(&engine);
    let client = Client::default();
    client.leave();
    for query in ["SELECT * FROM counts;", "SELECT * FROM counts WHERE a = 'x';"] {
        let mut answer = query_with(&engine, query, &[], &client).unwrap().rows;
        assert_eq!(rows(&engine, &mut answer), ["Closed"], "{query}");
    }
}

/// Damages what a query keeps, which `damage` is given the space of: then its table gives an error that says where to
/// look, and everything else goes on.
fn check_damage(damage: &dyn Fn(&str, &mut Writes), problem: &str) {
    let log = Arc::new(Embedded::in_memory());
    let engine = engine_on(Arc::clone(&log) as Arc<dyn Log>, "8192");
    sources(&engine, "DELIMITED", 1);
    run(&engine, "CREATE TABLE counts AS SELECT a, COUNT(*) AS n FROM s GROUP BY a;");
    run(&engine, "CREATE STREAM copy AS SELECT * FROM s;");
    fill(&engine);
    let query = "SELECT * FROM counts;";
    let before = ask(&engine, query);
    let queries = engine.shared.runtime.queries();
    let keeper = queries.iter().map(|query| query.id()).find(|id| id.contains("COUNTS")).unwrap();
    drop(engine);
    let engine = engine_on(Arc::clone(&log) as Arc<dyn Log>, "8192");
    assert_eq!(ask(&engine, query), before);
    drop(engine);
    let mut writes = Writes::default();
    damage(&format!("state/{keeper}/0_0"), &mut writes);
    log.kv().write(writes).unwrap();
    let engine = engine_on(log, "8192");
    let refused = query_with(&engine, query, &[], &Client::default()).unwrap_err();
    assert_eq!(refused.kind, FailureKind::Unavailable);
    assert!(refused.message.contains(&format!("{keeper} that keeps them has failed")), "{refused}");
    for query in engine.shared.runtime.queries() {
        let (id, life) = (query.id(), query.life());
        let errors: Vec<String> = life.errors().into_iter().map(|error| error.message).collect();
        if id == keeper {
            assert!(life.state() == State::Error && errors[0].contains(problem), "{errors:?}");
        } else {
            assert_eq!((life.state(), errors.len()), (State::Running, 0), "{id}");
        }
    }
}

#[test]
fn state_with_keys_in_an_older_form_is_refused() {
    check_damage(&|space, writes| writes.delete(&Arc::from(format!("{space}/form")), b"keys"), "older version");
}

#[test]
fn a_table_whose_state_cannot_be_read_gives_an_error() {
    let damage = |space: &str, writes: &mut Writes| {
        writes.put(&Arc::from(format!("{space}/Aggregate/Aggregate")), b"\"x\"", |bytes| bytes.push(255));
    };
    check_damage(&damage, "Data of the server is damaged");
}

/// As their bytes differ. Numbers of JSON are read exactly, and so are literals without an exponent: there is one zero then.
#[test]
fn the_two_zeros_of_double_are_two_keys() {
    let engine = engine();
    run(
        &engine,
        "CREATE STREAM s (k INT KEY, d DOUBLE) WITH (kafka_topic='s', value_format='json', partitions=2);
         CREATE TABLE t AS SELECT CASE WHEN k = 1 THEN -d ELSE d END AS d, COUNT(*) AS n FROM s
           GROUP BY CASE WHEN k = 1 THEN -d ELSE d END;
         CREATE TABLE u (d DOUBLE PRIMARY KEY, n BIGINT) WITH (kafka_topic='u', value_format='json', partitions=2);
         CREATE TABLE v AS SELECT * FROM u;
         INSERT INTO u VALUES (-0.0e0, 2);
         INSERT INTO u VALUES (0.0e0, 3);",
    );
    for (k, d) in [(1, "-0.0e0"), (1, "0.0"), (2, "-0.0"), (2, "0.0e0"), (2, "0")] {
        run(&engine, &format!("INSERT INTO s VALUES ({k}, {d});"));
    }
    for table in ["t", "v"] {
        let pull = |filter: &str| {
            let mut asked = super::tests::ask(&engine, &format!("SELECT d, n FROM {table} {filter};"));
            let mut found = rows(&engine, &mut asked);
            found.retain(|row| row.starts_with('['));
            found.sort();
            found
        };
        let both = ["[-0.0,2]", "[0.0,3]"];
        assert_eq!(pull(""), both, "{table}");
        for zero in ["0.0", "-0.0", "0", "0e0"] {
            assert_eq!(pull(&format!("WHERE d = {zero}")), [both[1]], "{table} {zero}");
        }
        assert_eq!(pull("WHERE d = -0.0e0"), [both[0]], "{table}");
        assert_eq!(pull("WHERE d IN (0.0, -0e0)"), both, "{table}");
    }
}
