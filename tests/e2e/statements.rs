//! Odd statements against a process: deep, wide and long ones, on the stacks its threads have. None ends it, and what it
//! took it takes again at its next start.

use e2e::http::{ksql, request};
use e2e::process::Server;
use serde_json::{Value, json};

fn post(server: &Server, path: &str, body: &Value) -> (u16, Value) {
    let answer = request(&server.url, "POST", path, &[("Content-Type", "application/json")], &body.to_string());
    (answer.status, serde_json::from_str(&answer.body).unwrap_or(Value::Null))
}

/// `n` times something around an expression that is a number.
fn nested(before: &str, inner: &str, after: &str, n: usize) -> String {
    format!("{}{inner}{}", before.repeat(n), after.repeat(n))
}

const AROUND: &[(&str, &str)] = &[
    ("(", ")"),
    ("", " + 1"),
    ("", " || 'a'"),
    ("1 + (", ")"),
    ("- ", ""),
    ("ABS(", ")"),
    ("CAST(", " AS BIGINT)"),
    ("CASE WHEN i = 1 THEN ", " END"),
    ("CASE ", " WHEN 1 THEN 1 WHEN 2 THEN 2 END"),
    ("ARRAY[", "][1]"),
    ("MAP('a' := ", ")['a']"),
    ("STRUCT(a := ", ")->a"),
    ("TRANSFORM(ARRAY[1], x => ", ")[1]"),
    ("", " AT TIME ZONE 'UTC'"),
    ("", "[1]"),
    ("", "->a"),
    ("CASE WHEN NOT ", " = 1 THEN 1 END"),
    ("CASE WHEN ", " BETWEEN 1 AND 2 THEN 1 END"),
    ("CASE WHEN ", " IN (1, 2) THEN 1 END"),
];

/// Taken, or refused with a reason: 50000 is ksqlDB's code for mistakes it did not foresee, such as `i[1]` of an INT.
fn check(status: u16, body: &Value, what: &str) {
    let reason = body["message"].as_str().unwrap_or_default();
    let refused = (400..=500).contains(&status) && body["@type"] == "statement_error" && !reason.contains("panic");
    assert!(status == 200 || refused, "{what}: {status} {body:.300}");
}

#[test]
fn deep_statements_do_not_end_it_and_come_back() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let with = "WITH (kafka_topic='s', value_format='json', partitions=1)";
    ksql(&server.url, &format!("CREATE STREAM s (i INT) {with};"), &json!({}));
    let mut taken = 0;
    for (number, (before, after)) in AROUND.iter().enumerate() {
        for n in [20, 500, 20_000] {
            let expr = nested(before, "i", after, n);
            let made = format!("CREATE STREAM d{number}_{n} AS SELECT {expr} AS x FROM s;");
            let (status, body) = post(&server, "/ksql", &json!({ "ksql": made }));
            check(status, &body, &format!("{before}…{after} × {n}"));
            taken += usize::from(status == 200);
            let query = format!("EXPLAIN SELECT * FROM s WHERE {expr} = 1 EMIT CHANGES;");
            let (status, body) = post(&server, "/ksql", &json!({ "ksql": query }));
            check(status, &body, &format!("{before}…{after} × {n}"));
        }
    }
    assert!(taken > 10, "{taken}");
    // chains in levels
    for operators in [" + 1", " OR TRUE", " AND TRUE", " || 'a'"] {
        let chains = nested("(", "i = 1", &format!("{})", operators.repeat(499)), 45);
        let query = json!({ "ksql": format!("CREATE STREAM chains AS SELECT * FROM s WHERE {chains};") });
        assert_eq!(post(&server, "/ksql", &query).0, 400, "{operators}");
    }
    let types =
        [("ARRAY<", "INT", ">"), ("", "INT", " ARRAY"), ("STRUCT<a ", "INT", ">"), ("MAP<STRING, ", "INT", ">")];
    for (before, inner, after) in types {
        for n in [50, 20_000] {
            let made = format!("CREATE TYPE t AS {}; DROP TYPE t;", nested(before, inner, after, n));
            assert_eq!(post(&server, "/ksql", &json!({ "ksql": made })).0, if n == 50 { 200 } else { 400 }, "{before}");
        }
    }
    ksql(&server.url, "INSERT INTO s (i) VALUES (1);", &json!({}));
    server.kill();

    let server = Server::start(data.path(), &[]);
    let queries = ksql(&server.url, "SHOW QUERIES;", &json!({}));
    let queries = queries[0]["queries"].as_array().unwrap();
    assert_eq!(queries.len(), taken);
    for query in queries {
        assert_eq!(query["state"], "RUNNING", "{:.200}", query["queryString"]);
    }
    assert!(server.terminate());
}

#[test]
fn long_statements_and_requests_are_answered() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let with = "WITH (kafka_topic='s', value_format='json', partitions=1)";
    ksql(&server.url, &format!("CREATE STREAM s (i INT, a ARRAY<INT>) {with};"), &json!({}));
    let list = |item: &str, n: usize| vec![item; n].join(", ");
    let value = format!("'{}'", "x".repeat(50_000));
    let refused = [
        json!({ "ksql": "/*".repeat(60_000) }),
        json!({ "ksql": "'".repeat(60_001) }),
        json!({ "ksql": "@".repeat(1_000_000) }),
        json!({ "ksql": format!("SELECT {} FROM s;", "${".repeat(300_000)) }),
        json!({ "ksql": format!("INSERT INTO s (i) VALUES ({}1);", "${a}, ".repeat(20_000)), "sessionVariables": { "a": value } }),
        json!({ "ksql": "SHOW TOPICS;".repeat(20_000) }),
        json!({ "ksql": format!("DESCRIBE {};", "x".repeat(1_000_000)) }),
        json!({ "ksql": "x".repeat(1_000_000) }),
        json!({ "ksql": "\u{0}" }),
        json!({ "ksql": "CREATE STREAM p (i INT) WITH (kafka_topic='p', value_format='json', partitions=2147483647);" }),
        json!({ "ksql": "CREATE STREAM p (i INT) WITH (kafka_topic='p', value_format='json', partitions=1, replicas=2147483647);" }),
        json!({ "ksql": format!("CREATE STREAM p AS SELECT {} FROM s;", list("CAST(1.0 AS DECIMAL '1')", 20_000)) }),
    ];
    for body in refused {
        let (status, answer) = post(&server, "/ksql", &body);
        assert!((400..500).contains(&status), "{:.100}: {status} {answer:.200}", body["ksql"]);
    }
    let numbers = (0..10_000).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
    for taken in [
        format!("CREATE STREAM w AS SELECT * FROM s WHERE i IN ({numbers});"),
        format!("INSERT INTO s (i, a) VALUES (1, ARRAY[{numbers}]);"),
        format!("CREATE STREAM o AS SELECT {} FROM s;", list("i + 1", 2000)),
        "-- nothing\r\nSHOW\r\n\tSTREAMS /* é */ ;".to_owned(),
    ] {
        let (status, answer) = post(&server, "/ksql", &json!({ "ksql": taken }));
        assert_eq!(status, 200, "{taken:.100}: {answer:.300}");
    }
    // deep request bodies
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let body = format!(
            "{{\"ksql\":\"SHOW TOPICS;\",\"streamsProperties\":{}1{}}}",
            open.repeat(100_000),
            close.repeat(100_000)
        );
        let answer = request(&server.url, "POST", "/ksql", &[("Content-Type", "application/json")], &body);
        assert_eq!(answer.status, 400, "{open}");
    }
    server.kill();
    let server = Server::start(data.path(), &[]);
    let queries = ksql(&server.url, "SHOW QUERIES;", &json!({}));
    assert_eq!(queries[0]["queries"].as_array().unwrap().len(), 2);
    assert!(server.terminate());
}

#[test]
fn positions_count_from_the_start_of_the_request() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let with = "WITH (kafka_topic='s', value_format='json', partitions=1)";
    ksql(&server.url, &format!("CREATE STREAM s (i INT) {with};"), &json!({}));
    let message = |path: &str, field: &str, text: &str| {
        let (_, answer) = post(&server, path, &json!({ field: text }));
        answer["message"].as_str().unwrap_or_default().to_owned()
    };
    for (text, place) in [
        ("SELECT nosuch FROM s EMIT CHANGES;", "Line: 1, Col: 8:"),
        ("   SELECT nosuch FROM s EMIT CHANGES;", "Line: 1, Col: 11:"),
        ("\n\n  SELECT nosuch FROM s EMIT CHANGES;", "Line: 3, Col: 10:"),
        ("-- é\r\n SELECT i,\r\n nosuch FROM s EMIT CHANGES;", "Line: 3, Col: 2:"),
    ] {
        for (path, field) in [("/query", "ksql"), ("/query-stream", "sql")] {
            let message = message(path, field, text);
            assert!(message.contains(place), "{path} {text:?}: {message}");
        }
    }
    let explained = message("/ksql", "ksql", "SHOW TOPICS;\n  EXPLAIN SELECT nosuch FROM s EMIT CHANGES;");
    assert!(explained.contains("Line: 2, Col: 18:"), "{explained}");
    let created = message("/ksql", "ksql", "\n CREATE STREAM x AS SELECT nosuch FROM s;");
    assert!(created.contains("Line: 2, Col: 28:"), "{created}");
}
