//! Queries of every kind, the records they read, and what they make of the good ones.

use e2e::http::{ksql, rows};
use serde_json::{Value, json};

/// Every format that bytes are read in, every operator.
pub(super) const STATEMENTS: &str = "
    CREATE STREAM J (K STRING KEY, ID INT, G STRING, V BIGINT, D DECIMAL(9, 2), F DOUBLE, L ARRAY<INT>, M MAP<STRING, INT>,
        R STRUCT<X INT, Y STRING>, B BYTES, T TIMESTAMP, H ARRAY<STRUCT<KEY STRING, VALUE BYTES>> HEADERS)
        WITH (KAFKA_TOPIC='j', VALUE_FORMAT='JSON', PARTITIONS=2);
    CREATE STREAM D (K INT KEY, ID INT, G STRING, V BIGINT, N DECIMAL(9, 2))
        WITH (KAFKA_TOPIC='d', KEY_FORMAT='DELIMITED', VALUE_FORMAT='DELIMITED', PARTITIONS=2);
    CREATE STREAM N (K BIGINT KEY, V BIGINT) WITH (KAFKA_TOPIC='n', FORMAT='KAFKA', PARTITIONS=1);
    CREATE TABLE T (K STRING PRIMARY KEY, G STRING, ID INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=2);
    CREATE TABLE U (K STRING PRIMARY KEY, G STRING, V BIGINT)
        WITH (KAFKA_TOPIC='u', KEY_FORMAT='JSON', VALUE_FORMAT='DELIMITED', PARTITIONS=2);
    CREATE STREAM W (K STRING KEY, ID INT) WITH (KAFKA_TOPIC='w', VALUE_FORMAT='JSON', PARTITIONS=1,
        WINDOW_TYPE='TUMBLING', WINDOW_SIZE='10 SECONDS');
    CREATE STREAM X (K STRING KEY, ID INT) WITH (KAFKA_TOPIC='x', FORMAT='JSON', PARTITIONS=1, WINDOW_TYPE='SESSION');
    CREATE STREAM C (K STRING KEY, ID INT, MOMENT STRING) WITH (KAFKA_TOPIC='c', VALUE_FORMAT='JSON', PARTITIONS=1,
        TIMESTAMP='MOMENT', TIMESTAMP_FORMAT='yyyy-MM-dd HH:mm:ss');

    CREATE STREAM FILTERED AS SELECT K, ID, UCASE(G) AS G, V + 1 AS V, D * 2 AS D, L[1] AS L, M['a'] AS M, R->Y AS Y, H
        FROM J WHERE V >= 0;
    CREATE STREAM MOVED AS SELECT ID, K, V, AS_VALUE(ID) AS I FROM J PARTITION BY ID;
    CREATE STREAM EXPLODED AS SELECT K, ID, EXPLODE(L) AS E, EXPLODE(ARRAY[1, 2]) AS F FROM J;
    CREATE TABLE COUNTED AS SELECT G, COUNT(*) AS C, SUM(V) AS S, MIN(D) AS MI, MAX(F) AS MA, AVG(V) AS AV, TOPK(V, 3) AS TK,
        COLLECT_SET(ID) AS CS, HISTOGRAM(K) AS HI, LATEST_BY_OFFSET(R) AS LA, STDDEV_SAMP(V) AS ST FROM J GROUP BY G;
    CREATE TABLE COUNTED_D AS SELECT G, COUNT(*) AS C, SUM(N) AS S FROM D GROUP BY G HAVING COUNT(*) > 0;
    CREATE STREAM COPIED WITH (VALUE_FORMAT='JSON') AS SELECT K, AS_VALUE(K) AS ID, V FROM N;
    CREATE TABLE TUMBLED AS SELECT G, COUNT(*) AS C, SUM(V) AS S FROM J WINDOW TUMBLING (SIZE 7 SECONDS) GROUP BY G;
    CREATE TABLE HOPPED AS SELECT G, COUNT(*) AS C FROM J WINDOW HOPPING (SIZE 20 SECONDS, ADVANCE BY 10 SECONDS) GROUP BY G;
    CREATE TABLE SESSIONS AS SELECT G, COUNT(*) AS C FROM J WINDOW SESSION (3 SECONDS, GRACE PERIOD 1 DAY) GROUP BY G;
    CREATE TABLE FINALS AS SELECT G, COUNT(*) AS C FROM J WINDOW TUMBLING (SIZE 7 SECONDS, GRACE PERIOD 1 DAY) GROUP BY G EMIT FINAL;
    CREATE TABLE BY_MOMENT AS SELECT K, COUNT(*) AS C FROM C GROUP BY K;
    CREATE TABLE MOMENTS AS SELECT K, COUNT(*) AS C FROM C WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY K;
    CREATE STREAM BOTH AS SELECT J.ID AS ID, J.V AS V, D.V AS W FROM J JOIN D WITHIN 1 HOUR GRACE PERIOD 1 DAY ON J.ID = D.ID;
    CREATE STREAM LEFT_D AS SELECT J.ID AS ID, D.V AS W FROM J LEFT JOIN D WITHIN (2 SECONDS, 5 SECONDS) GRACE PERIOD 1 DAY ON J.ID = D.ID;
    CREATE STREAM RIGHT_D AS SELECT D.ID AS ID, J.V AS V FROM J RIGHT JOIN D WITHIN 3 SECONDS GRACE PERIOD 1 DAY ON J.ID = D.ID;
    CREATE STREAM FULL_D AS SELECT ROWKEY AS ID, J.V AS V, D.V AS W FROM J FULL JOIN D WITHIN 3 SECONDS ON J.ID = D.ID;
    CREATE STREAM ENRICHED AS SELECT J.K AS K, J.ID AS ID, T.G AS TG FROM J LEFT JOIN T ON J.K = T.K;
    CREATE TABLE REGROUPED AS SELECT G, COUNT(*) AS C, SUM(ID) AS S FROM T GROUP BY G;
    CREATE TABLE TABLES AS SELECT ROWKEY AS K, T.G AS G, U.V AS V FROM T FULL JOIN U ON T.K = U.K;
    CREATE TABLE FOREIGN_KEYS AS SELECT T.K AS K, T.ID AS ID, U.V AS V FROM T LEFT JOIN U ON T.G = U.K;
    CREATE STREAM WINDOWED AS SELECT * FROM W;
    CREATE STREAM KEPT AS SELECT * FROM X WHERE ID > 0;";

/// Tables that pull queries ask in every form.
const TABLES: &[&str] = &["COUNTED", "COUNTED_D", "REGROUPED", "TABLES", "FOREIGN_KEYS"];
const WINDOWED: &[&str] = &["TUMBLED", "HOPPED", "SESSIONS", "MOMENTS"];

/// Good records have keys and groups of this name, and numbers from here on.
pub(super) const GOOD: &str = "good";
pub(super) const FIRST: i64 = 777_000_000;

/// What the topics have for one good number: topic, key, value.
pub(super) fn good(number: i64) -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    let (id, key) = (FIRST + number, format!("{GOOD}{number}"));
    let j = json!({"ID": id, "G": GOOD, "V": number, "D": 1.25, "F": 0.5, "L": [1, 2, 3], "M": {"a": 1}, "R": {"X": 1, "Y": "y"},
        "B": "AQI=", "T": 1});
    vec![
        ("t", key.clone().into_bytes(), json!({"G": GOOD, "ID": number}).to_string().into_bytes()),
        ("u", format!("\"{key}\"").into_bytes(), format!("{GOOD},{number}").into_bytes()),
        ("j", key.clone().into_bytes(), j.to_string().into_bytes()),
        ("d", id.to_string().into_bytes(), format!("{id},{GOOD},{number},1.25").into_bytes()),
        ("n", id.to_be_bytes().to_vec(), FIRST.to_be_bytes().to_vec()),
        ("w", [key.as_bytes(), &10_000_i64.to_be_bytes()].concat(), json!({"ID": id}).to_string().into_bytes()),
        ("x", [format!("\"{key}\"").as_bytes(), &[0; 16]].concat(), json!({"ID": id}).to_string().into_bytes()),
        ("c", GOOD.as_bytes().to_vec(), json!({"ID": id, "MOMENT": "2024-01-01 00:00:00"}).to_string().into_bytes()),
    ]
}

/// Whether all that good records up to a number lead to is there, each once; else what is not. Where time is not good,
/// windows close early, and what depends on it is not asked.
pub(super) fn problem(url: &str, count: i64, time_is_good: bool) -> Option<String> {
    let ids: Vec<i64> = (0..count).map(|number| FIRST + number).collect();
    let expect = |what: &str, query: &str, expected: Vec<i64>| {
        let mut found: Vec<i64> = rows(url, query, &json!({})).iter().filter_map(|row| row[0].as_i64()).collect();
        found.sort_unstable();
        (found != expected).then(|| format!("{what}: {query}\nexpected {expected:?}\nfound    {found:?}"))
    };
    let of_group = |table: &str| format!("SELECT C FROM {table} WHERE G = '{GOOD}';");
    let all = format!("WHERE ID >= {FIRST} AND ID < {};", FIRST + count);
    let total = |table: &str| {
        let counts = rows(url, &of_group(table), &json!({}));
        let sum: i64 = counts.iter().filter_map(|row| row[0].as_i64()).sum();
        let wanted = if table == "HOPPED" { 2 * count } else { count };
        (sum != wanted).then(|| format!("{table}: {wanted} expected, {sum} counted in {counts:?}"))
    };
    let thrice: Vec<i64> = ids.iter().flat_map(|id| [*id; 3]).collect();
    let numbers: Vec<i64> = (0..count).collect();
    let problem = expect("filter", &format!("SELECT ID FROM FILTERED {all}"), ids.clone())
        .or_else(|| {
            expect(
                "repartition",
                &format!("SELECT I FROM MOVED WHERE I >= {FIRST} AND I < {};", FIRST + count),
                ids.clone(),
            )
        })
        .or_else(|| expect("explode", &format!("SELECT ID FROM EXPLODED {all}"), thrice))
        .or_else(|| expect("aggregate", &of_group("COUNTED"), vec![count]))
        .or_else(|| expect("aggregate of DELIMITED", &of_group("COUNTED_D"), vec![count]))
        .or_else(|| expect("KAFKA", &format!("SELECT ID FROM COPIED {all}"), ids.clone()))
        .or_else(|| expect("aggregate of a table", &of_group("REGROUPED"), vec![count]))
        .or_else(|| expect("join of tables", &format!("SELECT V FROM TABLES WHERE K LIKE '{GOOD}%';"), numbers.clone()))
        .or_else(|| expect("foreign keys", &format!("SELECT ID FROM FOREIGN_KEYS WHERE K LIKE '{GOOD}%';"), numbers))
        .or_else(|| expect("windowed keys", &format!("SELECT ID FROM WINDOWED {all}"), ids.clone()))
        .or_else(|| expect("windowed JSON keys", &format!("SELECT ID FROM KEPT {all}"), ids.clone()));
    if problem.is_some() || !time_is_good {
        return problem;
    }
    ["TUMBLED", "HOPPED", "SESSIONS"]
        .iter()
        .find_map(|table| total(table))
        .or_else(|| expect("timestamp column", &format!("SELECT C FROM BY_MOMENT WHERE K = '{GOOD}';"), vec![count]))
        .or_else(|| expect("join of streams", &format!("SELECT ID FROM BOTH {all}"), ids.clone()))
        .or_else(|| expect("left join of streams", &format!("SELECT ID FROM LEFT_D {all}"), ids.clone()))
        .or_else(|| expect("right join of streams", &format!("SELECT ID FROM RIGHT_D {all}"), ids.clone()))
        .or_else(|| {
            expect("join with a table", &format!("SELECT ID FROM ENRICHED WHERE TG = '{GOOD}' AND ID >= {FIRST};"), ids)
        })
}

/// Queries that do not run, with why.
pub(super) fn stopped(url: &str) -> Vec<String> {
    let queries = ksql(url, "SHOW QUERIES;", &json!({}));
    let queries = queries[0]["queries"].as_array().cloned().unwrap_or_default();
    queries.iter().filter(|query| query["state"] != "RUNNING").map(Value::to_string).collect()
}

/// Pull queries of every form.
pub(super) fn pull_queries() -> Vec<String> {
    let all = TABLES.iter().chain(WINDOWED).map(|table| format!("SELECT * FROM {table};"));
    let bounds = WINDOWED.iter().flat_map(|table| {
        let key = if *table == "MOMENTS" { "K" } else { "G" };
        let asked = ["WINDOWSTART = ", "WINDOWSTART > ", "WINDOWSTART <= ", "WINDOWEND >= ", "WINDOWEND < "];
        let extremes = [i64::MIN, -1, 0, i64::MAX - 1, i64::MAX];
        let bounds = asked.into_iter().flat_map(move |ask| extremes.map(|bound| format!("{ask}{bound}")));
        bounds.flat_map(move |bound| {
            [
                format!("SELECT * FROM {table} WHERE {bound};"),
                format!("SELECT * FROM {table} WHERE {key} = '{GOOD}' AND {bound};"),
            ]
        })
    });
    all.chain(bounds).collect()
}
