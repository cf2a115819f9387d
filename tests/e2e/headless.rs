//! Headless mode: a file of statements, and what restarts, additions and mistakes do.

use std::fs;
use std::path::Path;

use e2e::eventually;
use e2e::http::{ksql, request, rows};
use e2e::process::Server;
use serde_json::json;

const FILE: &str = "-- Visits, counted.
CREATE STREAM VISITS (WHO VARCHAR KEY, N INT) WITH (KAFKA_TOPIC='visits', VALUE_FORMAT='JSON', PARTITIONS=2);
SET 'auto.offset.reset' = 'earliest';
CREATE TABLE SUMS AS SELECT WHO, COUNT(*) AS C, SUM(N) AS TOTAL FROM VISITS GROUP BY WHO;
CREATE STREAM IF NOT EXISTS VISITS (X INT) WITH (KAFKA_TOPIC='other', VALUE_FORMAT='JSON', PARTITIONS=1);
UNSET 'auto.offset.reset';
CREATE STREAM BIG AS SELECT * FROM VISITS WHERE N > 10;
";

fn start(data: &Path, file: &Path, text: &str) -> Result<Server, String> {
    fs::write(file, text).unwrap();
    Server::try_start(data, &[("ksql.queries.file", file.to_str().unwrap())]).map_err(|(_, error)| error)
}

fn query_ids(server: &Server) -> Vec<String> {
    let listed = ksql(&server.url, "SHOW QUERIES;", &json!({}));
    let mut ids: Vec<String> =
        listed[0]["queries"].as_array().unwrap().iter().map(|query| query["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

fn visit(server: &Server, n: i64) {
    ksql(&server.url, &format!("INSERT INTO VISITS (WHO, N) VALUES ('a', {n});"), &json!({}));
}

fn sums(server: &Server, expected: (i64, i64)) {
    eventually("the sums", || {
        let found = rows(&server.url, "SELECT C, TOTAL FROM SUMS WHERE WHO = 'a';", &json!({}));
        (found == [json!([expected.0, expected.1])]).then_some(())
    });
}

#[test]
fn counters_go_on_after_restarts_and_statements_can_be_added() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = folder.path().join("queries.sql");
    let server = start(data.path(), &file, FILE).unwrap();
    let ids = query_ids(&server);
    assert_eq!(ids.len(), 2, "{ids:?}");
    visit(&server, 1);
    visit(&server, 20);
    sums(&server, (2, 21));
    assert_eq!(request(&server.url, "GET", "/healthcheck", &[], "").json()["isHealthy"], true);
    for statement in ["DROP STREAM BIG;", "CREATE STREAM X AS SELECT * FROM BIG;", "TERMINATE ALL;"] {
        let refused = request(&server.url, "POST", "/ksql", &[], &json!({"ksql": statement}).to_string());
        assert!(refused.status == 400 && refused.body.contains("queries.sql"), "{}", refused.body);
    }
    let gone = request(&server.url, "POST", "/ksql/terminate", &[], "{}");
    assert!(gone.status == 400 && gone.body.contains("queries.sql"), "{}", gone.body);
    server.kill();

    // Blanks and comments do not count.
    let server = start(data.path(), &file, &FILE.replace(", N INT", ",\n  N INT /* how many */")).unwrap();
    assert_eq!(query_ids(&server), ids);
    sums(&server, (2, 21));
    visit(&server, 5);
    sums(&server, (3, 26));
    assert!(server.terminate());

    let added = format!("{FILE}CREATE STREAM SMALL AS SELECT * FROM VISITS WHERE N < 10;");
    let server = start(data.path(), &file, &added).unwrap();
    let now = query_ids(&server);
    assert!(now.len() == 3 && ids.iter().all(|id| now.contains(id)), "{now:?}");
    sums(&server, (3, 26));
    let big = rows(&server.url, "SELECT N FROM BIG;", &json!({"auto.offset.reset": "earliest"}));
    assert_eq!(big, [json!([20])], "nothing twice");
    drop(server);

    for (text, place, problem) in [
        (added.replace("N > 10", "N > 11"), ":7:1: ", "CREATE STREAM BIG AS SELECT * FROM VISITS WHERE N > 10;"),
        (FILE.to_owned(), "queries.sql: ", "CREATE STREAM SMALL"),
        (added.replace("earliest", "latest"), ":4:1: ", "'ksql.streams.auto.offset.reset'='earliest' SET"),
        (added.replace("UNSET 'auto.offset.reset';", ""), ":7:1: ", "with nothing SET"),
        (format!("SET 'ksql.persistence.default.format.value'='delimited'; {added}"), ":2:1: ", "with nothing SET"),
    ] {
        let error = start(data.path(), &file, &text).err().expect("it must not start");
        assert!(error.contains(place) && error.contains(problem) && error.contains("another data.dir"), "{error}");
    }
}

#[test]
fn optional_statements_are_not_passed_over_unless_there_was_nothing_to_do() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = folder.path().join("queries.sql");
    let stream = "CREATE STREAM IF NOT EXISTS S (V INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);\n";
    let first = "CREATE STREAM IF NOT EXISTS A AS SELECT * FROM S;\n";
    let last = "CREATE STREAM IF NOT EXISTS B AS SELECT * FROM S;\n";
    let text = format!("{stream}{first}{stream}{last}");
    for _ in 0..2 {
        let server = start(data.path(), &file, &text).unwrap();
        assert_eq!(query_ids(&server).len(), 2);
    }
    let new = "CREATE STREAM IF NOT EXISTS MID AS SELECT * FROM S;\n";
    for (text, place) in [
        (format!("{stream}{first}{new}{last}"), "queries.sql:3:1: "),
        (text.replace("A AS SELECT *", "A AS SELECT V"), "queries.sql:2:1: "),
    ] {
        let error = start(data.path(), &file, &text).err().expect("it must not start");
        assert!(error.contains(place) && error.contains("another data.dir"), "{error}");
    }
    let server = start(data.path(), &file, &format!("{text}{new}{first}")).unwrap();
    assert_eq!(query_ids(&server).len(), 3);
    drop(server);

    fs::write(&file, format!("{text}{new}CREATE STREAM MORE AS SELECT * FROM S;")).unwrap();
    let settings = [("ksql.queries.file", file.to_str().unwrap()), ("ksql.query.persistent.active.limit", "3")];
    let Err((_, error)) = Server::try_start(data.path(), &settings) else { panic!("it must not start") };
    assert!(error.contains("queries.sql:6:1: ") && error.contains("Configured limit: 3"), "{error}");
    assert!(!error.contains("SELECT"), "the file is not repeated: {error}");
}

#[test]
fn a_file_with_a_mistake_stops_the_start_and_changes_nothing() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = folder.path().join("queries.sql");
    let stream = "CREATE STREAM S (V INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);\n";
    let query = "CREATE STREAM C AS SELECT * FROM S;\n";
    for (text, place, problem) in [
        (stream.to_owned(), "queries.sql: ", "does not contain any persistent queries"),
        (format!("{stream}CREATE STREAM C AS SELECT\n  V FROM FROM S;"), "queries.sql:3:10: ", "FROM"),
        (format!("{stream}{query}CREATE STREAM D AS SELECT\n  W FROM S;"), "queries.sql:4:3: ", "W"),
        (format!("{stream}{query}\n  SET 'auto.ofset.reset' = 'x';"), "queries.sql:4:3: ", "auto.ofset.reset"),
        (
            format!("{stream}{query}INSERT INTO S VALUES (1);"),
            "queries.sql:3:1: ",
            "a queries file may hold CREATE STREAM",
        ),
        (format!("{stream}{query}DROP STREAM S;"), "queries.sql:3:1: ", "SET and UNSET only"),
    ] {
        let error = start(data.path(), &file, &text).err().expect("it must not start");
        assert!(error.contains(place) && error.contains(problem), "{error}");
    }
    let missing = folder.path().join("nothing.sql");
    let missing = [("ksql.queries.file", missing.to_str().unwrap())];
    let Err((code, error)) = Server::try_start(data.path(), &missing) else { panic!("it must not start") };
    assert_eq!(code, Some(1));
    assert!(error.contains("Could not read the query file"), "{error}");

    let server = Server::start(data.path(), &[]);
    assert_eq!(ksql(&server.url, "SHOW STREAMS;", &json!({}))[0]["streams"], json!([]), "nothing was begun");
    ksql(
        &server.url,
        "CREATE STREAM OTHER (V INT) WITH (KAFKA_TOPIC='o', VALUE_FORMAT='JSON', PARTITIONS=1);",
        &json!({}),
    );
    drop(server);
    let error = start(data.path(), &file, &format!("{stream}{query}")).err().expect("it must not start");
    assert!(error.contains("queries.sql:1:1: ") && error.contains("CREATE STREAM OTHER"), "{error}");
}
