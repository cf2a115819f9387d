//! `kill -9` at random moments: nothing acknowledged is lost, nothing is processed twice, every query is back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use e2e::eventually;
use e2e::http::{ksql, request, rows};
use e2e::process::Server;
use e2e::random::{Random, times};
use serde_json::{Value, json};

/// How often the server is killed; `MILLSTREAM_FUZZ_FACTOR` multiplies it.
const KILLS: usize = 100;
/// One in so many kills comes while the server starts.
const EARLY: usize = 8;
const REGIONS: [&str; 3] = ["north", "south", "west"];

/// Three chained queries: a join, a windowed count on top of it, a plain aggregate on top of the join.
const STATEMENTS: &str = "
    CREATE TABLE regions (id INT PRIMARY KEY, name VARCHAR) WITH (kafka_topic='regions', value_format='json', partitions=2);
    CREATE STREAM orders (region INT KEY, n BIGINT) WITH (kafka_topic='orders', value_format='json', partitions=2);
    CREATE STREAM named AS SELECT o.region AS region, r.name AS name, o.n AS n FROM orders o LEFT JOIN regions r ON o.region = r.id;
    CREATE TABLE windowed AS SELECT name, COUNT(*) AS c, SUM(n) AS s FROM named WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY name;
    CREATE TABLE totals AS SELECT name, COUNT(*) AS c, SUM(n) AS s FROM named GROUP BY name;";

/// What was acknowledged: per region name (count, sum).
type Totals = BTreeMap<String, (i64, i64)>;

fn earliest() -> Value {
    json!({"auto.offset.reset": "earliest"})
}

/// Posts a statement; whether the server acknowledged it. Any failure of the connection is "we do not know".
fn acknowledged(url: &str, statement: &str) -> bool {
    let body = json!({"ksql": statement}).to_string();
    let (url, body) = (url.to_owned(), body);
    // The helper panics when the connection breaks, which is the point here.
    std::panic::catch_unwind(move || request(&url, "POST", "/ksql", &[], &body).status == 200).unwrap_or(false)
}

fn totals(url: &str, query: &str) -> Totals {
    let read = |row: &Value| {
        let name = row[0].as_str().unwrap_or_default().to_owned();
        (name, (row[1].as_i64().unwrap_or_default(), row[2].as_i64().unwrap_or_default()))
    };
    rows(url, query, &json!({})).iter().map(read).collect()
}

/// Inserts numbered orders until told to stop; returns how many were acknowledged and the number in doubt.
fn insert_until(url: &str, from: i64, stop: &AtomicBool) -> (i64, Option<i64>) {
    let mut next = from;
    while !stop.load(Ordering::Relaxed) {
        let region = next % REGIONS.len() as i64;
        let statement = format!("INSERT INTO orders (rowtime, region, n) VALUES ({}, {region}, {next});", next * 7_000);
        if !acknowledged(url, &statement) {
            return (next, Some(next));
        }
        next += 1;
    }
    (next, None)
}

/// Rows sent so far, and those of which nobody knows whether they arrived.
#[derive(Default)]
struct Sent {
    next: i64,
    in_doubt: Vec<i64>,
}

/// Lets rows be inserted for a random while, then kills the server.
fn kill_while_inserting(server: Server, sent: &mut Sent, random: &mut Random) {
    let stop = Arc::new(AtomicBool::new(false));
    let (url, flag, next) = (server.url.clone(), Arc::clone(&stop), sent.next);
    let inserting = std::thread::spawn(move || insert_until(&url, next, &flag));
    std::thread::sleep(Duration::from_millis(20 + random.below(180)));
    server.kill();
    stop.store(true, Ordering::Relaxed);
    let (reached, doubtful) = inserting.join().expect("the inserting thread ends");
    sent.in_doubt.extend(doubtful);
    // A number in doubt is not sent again: it is in the log once or not at all.
    sent.next = reached + i64::from(doubtful.is_some());
}

#[test]
fn a_hundred_kills_lose_and_repeat_nothing() {
    let mut random = Random::new("crash");
    let data = tempfile::tempdir().unwrap();
    // Repartition topics are purged all the time.
    let settings = [("ksql.streams.repartition.purge.interval.ms", "1")];
    let mut server = Server::start(data.path(), &settings);
    ksql(&server.url, STATEMENTS, &earliest());
    for (id, name) in REGIONS.iter().enumerate() {
        ksql(&server.url, &format!("INSERT INTO regions (rowtime, id, name) VALUES (0, {id}, '{name}');"), &json!({}));
    }
    let mut sent = Sent::default();
    for kill in 0..times(KILLS) {
        kill_while_inserting(server, &mut sent, &mut random);
        if kill % EARLY == 0 {
            Server::kill_while_starting(data.path(), &settings, Duration::from_millis(random.below(150)));
        }
        server = Server::start(data.path(), &settings);
    }
    let Sent { next, in_doubt } = sent;
    let expected = |landed: &[i64]| {
        let mut totals = Totals::new();
        for n in (0..next).filter(|n| !in_doubt.contains(n) || landed.contains(n)) {
            let entry = totals.entry(REGIONS[(n % REGIONS.len() as i64) as usize].to_owned()).or_default();
            *entry = (entry.0 + 1, entry.1 + n);
        }
        totals
    };
    // What the log holds decides which of the numbers in doubt landed.
    let stored: Vec<i64> =
        rows(&server.url, "SELECT n FROM orders;", &json!({})).iter().filter_map(|row| row[0].as_i64()).collect();
    let landed: Vec<i64> = in_doubt.iter().copied().filter(|n| stored.contains(n)).collect();
    assert_eq!(
        stored.len() as i64,
        next - (in_doubt.len() - landed.len()) as i64,
        "acknowledged rows are in the log, once"
    );
    let expected = expected(&landed);
    eventually("totals are exact", || {
        (totals(&server.url, "SELECT name, c, s FROM totals;") == expected).then_some(())
    });
    let windows = rows(&server.url, "SELECT name, c, s FROM windowed;", &json!({}));
    let mut summed = Totals::new();
    for row in &windows {
        let entry = summed.entry(row[0].as_str().unwrap_or_default().to_owned()).or_default();
        *entry = (entry.0 + row[1].as_i64().unwrap_or_default(), entry.1 + row[2].as_i64().unwrap_or_default());
    }
    assert_eq!(summed, expected, "windows hold every row once");
    let joined = rows(&server.url, "SELECT n FROM named;", &json!({}));
    assert_eq!(joined.len(), stored.len(), "the join wrote every row once");
    let topics = ksql(&server.url, "SHOW ALL TOPICS;", &json!({}));
    assert!(topics.to_string().contains("-repartition"), "there was something to purge: {topics}");
}

/// How often a replaced table is interrupted.
const REPLACEMENTS: usize = 12;

fn ids(url: &str, table: &str) -> Vec<i64> {
    let found = rows(url, &format!("SELECT id FROM {table};"), &json!({}));
    let mut ids: Vec<i64> = found.iter().filter_map(|row| row[0].as_i64()).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn a_table_that_is_replaced_gets_there_however_often_it_is_killed() {
    let mut random = Random::new("replaced");
    let data = tempfile::tempdir().unwrap();
    // So that a sweep takes many commits.
    let settings = [("millstream.max.records.per.step", "7")];
    let mut server = Server::start(data.path(), &settings);
    let statements = "
        CREATE TABLE a (id INT PRIMARY KEY, c INT) WITH (kafka_topic='a', value_format='json', partitions=2);
        CREATE TABLE b AS SELECT id, c FROM a;
        CREATE TABLE written (id INT PRIMARY KEY, c INT) WITH (kafka_topic='B', value_format='json');
        CREATE TABLE c AS SELECT * FROM written;";
    ksql(&server.url, statements, &earliest());
    let count = 300;
    let inserts: Vec<String> = (0..count).map(|id| format!("INSERT INTO a VALUES ({id}, {id});")).collect();
    ksql(&server.url, &inserts.concat(), &json!({}));
    let mut expected: Vec<i64> = (0..count).collect();
    for round in 1..=times(REPLACEMENTS) as i64 {
        eventually("all is there", || (ids(&server.url, "b") == expected).then_some(()));
        let least = round * count / (2 * times(REPLACEMENTS) as i64);
        // The first one lets go of the rows of the source, so that the second has to read them again.
        let replace = format!(
            "CREATE OR REPLACE TABLE b AS SELECT id, c FROM a;
             CREATE OR REPLACE TABLE b AS SELECT id, c FROM a WHERE c >= {least};"
        );
        assert!(acknowledged(&server.url, &replace));
        std::thread::sleep(Duration::from_micros(random.below(20_000)));
        server.kill();
        if round % 3 == 0 {
            Server::kill_while_starting(data.path(), &settings, Duration::from_millis(random.below(150)));
        }
        server = Server::start(data.path(), &settings);
        // A row that belonged to the table does not any more.
        let gone = count - round;
        assert!(acknowledged(&server.url, &format!("INSERT INTO a VALUES ({gone}, 0);")));
        expected.retain(|id| *id >= least && *id != gone);
        for table in ["b", "c"] {
            eventually("what does not belong there is gone", || (ids(&server.url, table) == expected).then_some(()));
        }
    }
}
