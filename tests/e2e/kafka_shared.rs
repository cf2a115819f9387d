//! Several servers of one service share the work: whatever happens to one of them, each record is used exactly once.

use std::collections::BTreeMap;
use std::time::Duration;

use e2e::eventually;
use e2e::http::{ksql, request};
use e2e::kafka::Kafka;
use e2e::process::{Server, signal};
use serde_json::{Value, json};

use crate::kafka::Client;

const PARTITIONS: i32 = 6;
const KEYS: i64 = 24;
const ROUND: i64 = 300;
/// The least that brokers allow.
const SESSION: Duration = Duration::from_secs(6);

const STATEMENTS: &str = "
    CREATE STREAM readings (id VARCHAR KEY, n BIGINT) WITH (kafka_topic='readings', value_format='json');
    CREATE TABLE names (id VARCHAR PRIMARY KEY, name VARCHAR) WITH (kafka_topic='names', value_format='json');
    CREATE STREAM odd AS SELECT id, n FROM readings WHERE n % 2 = 1;
    CREATE TABLE per_rest AS SELECT n % 7 AS rest, COUNT(*) AS c, SUM(n) AS s FROM odd GROUP BY n % 7;
    CREATE STREAM named AS SELECT r.id AS id, n, name FROM readings r JOIN names t ON r.id = t.id;";

struct Run {
    broker: Kafka,
    client: Client,
    dirs: Vec<tempfile::TempDir>,
    produced: i64,
}

impl Run {
    fn start(&self, number: usize) -> Server {
        let session = SESSION.as_millis().to_string();
        let settings = [
            ("bootstrap.servers", self.broker.bootstrap.as_str()),
            ("ksql.streams.session.timeout.ms", session.as_str()),
            ("ksql.streams.num.stream.threads", "2"),
        ];
        Server::start(self.dirs[number].path(), &settings)
    }

    fn produce(&mut self) {
        self.client.produce_numbers("readings", self.produced..self.produced + ROUND, KEYS);
        self.produced += ROUND;
    }

    /// The numbers in a topic, in order.
    fn numbers(&self, topic: &str) -> Vec<i64> {
        let mut numbers: Vec<i64> = self.client.read(topic).iter().map(|record| record.time - 1_000).collect();
        numbers.sort_unstable();
        numbers
    }

    /// What sinks hold is exact, and every server answers for all.
    fn check(&self, after: &str, servers: &BTreeMap<usize, Server>) {
        let (all, odd) = ((0..self.produced).collect::<Vec<i64>>(), self.odd());
        for (topic, expected) in [("ODD", &odd), ("NAMED", &all)] {
            eventually(&format!("{after}: {topic} has all"), || {
                (self.numbers(topic).len() >= expected.len()).then_some(())
            });
            let found = self.numbers(topic);
            assert!(found == *expected, "{after}: {topic} has {} records, not {}", found.len(), expected.len());
        }
        let by_key = |(rest, sums): (i64, (i64, i64))| (rest.to_string(), sums);
        let sums: BTreeMap<String, (i64, i64)> = sums_of(&odd).into_iter().map(by_key).collect();
        eventually(&format!("{after}: sums are exact"), || {
            let mut last = BTreeMap::new();
            for record in self.client.read("PER_REST") {
                let value: Value = serde_json::from_str(&record.value?).ok()?;
                let key = record.key?;
                let key = key.as_bytes().last().map(ToString::to_string).unwrap_or_default();
                last.insert(key, (value["C"].as_i64()?, value["S"].as_i64()?));
            }
            (last == sums).then_some(())
        });
        let int = |value: &Value| value.as_i64().expect("a number");
        for (number, server) in servers {
            eventually(&format!("{after}: server {number} answers for all"), || {
                let rows = try_rows(server, "SELECT rest, c, s FROM per_rest;")?;
                let rows: Vec<_> = rows.iter().map(|row| (int(&row[0]), (int(&row[1]), int(&row[2])))).collect();
                let count = rows.len();
                let found: BTreeMap<i64, (i64, i64)> = rows.into_iter().collect();
                (count == found.len() && found.into_values().eq(sums_of(&self.odd()).into_values())).then_some(())
            });
            for (query, expected) in [("WHERE rest = 3", 1), ("LIMIT 2", 2)] {
                let query = format!("SELECT rest FROM per_rest {query};");
                eventually(&format!("{after}: server {number} answers {query}"), || {
                    try_rows(server, &query).filter(|rows| rows.len() == expected)
                });
            }
        }
    }

    fn odd(&self) -> Vec<i64> {
        (0..self.produced).filter(|n| n % 2 == 1).collect()
    }
}

/// Count and sum by rest.
fn sums_of(odd: &[i64]) -> BTreeMap<i64, (i64, i64)> {
    let mut sums: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    for n in odd {
        let (count, sum) = sums.entry(n % 7).or_default();
        (*count, *sum) = (*count + 1, *sum + n);
    }
    sums
}

/// The rows of a pull query; none while they cannot be read.
fn try_rows(server: &Server, query: &str) -> Option<Vec<Value>> {
    let body = json!({ "sql": query }).to_string();
    let answer = request(&server.url, "POST", "/query-stream", &[], &body);
    (answer.status == 200).then(|| {
        let lines = answer.body.lines().skip(1);
        lines.map(|line| serde_json::from_str(line).expect("a row")).collect()
    })
}

#[test]
fn each_record_is_used_once_whatever_happens_to_servers() {
    let broker = Kafka::start_alone();
    let client = Client::new(&broker);
    client.create_topic("readings", PARTITIONS);
    client.create_topic("names", PARTITIONS);
    for n in 0..KEYS {
        let (id, value) = (format!("k{n}"), json!({"name": format!("name {n}")}).to_string());
        client.produce("names", 1, Some(&id), Some(&value), None);
    }
    client.flush();
    let dirs = (0..4).map(|_| tempfile::tempdir().expect("a directory")).collect();
    let mut run = Run { broker, client, dirs, produced: 0 };
    let mut servers: BTreeMap<usize, Server> = (0..3).map(|number| (number, run.start(number))).collect();
    ksql(&servers[&0].url, STATEMENTS, &json!({"auto.offset.reset": "earliest"}));
    run.produce();
    run.check("three servers", &servers);

    // Each has a part of the work: while one rests, a part is not done.
    let before = run.numbers("ODD").len();
    signal(servers[&1].pid(), "STOP");
    run.produce();
    eventually("the others have done theirs, and not all is done", || {
        let one = run.numbers("ODD").len();
        std::thread::sleep(Duration::from_millis(500));
        (before < one && one == run.numbers("ODD").len() && one < run.odd().len()).then_some(())
    });
    signal(servers[&1].pid(), "CONT");
    run.check("one has rested", &servers);

    run.produce();
    servers.remove(&1).expect("it runs").kill();
    run.produce();
    run.check("one was killed", &servers);
    servers.insert(1, run.start(1));
    servers.insert(3, run.start(3));
    run.produce();
    run.check("it is back, with another one", &servers);

    // One that was away for longer than its session knows nothing of it when it comes back.
    run.produce();
    let away = servers[&2].pid();
    signal(away, "STOP");
    run.produce();
    std::thread::sleep(SESSION + Duration::from_secs(1));
    run.produce();
    signal(away, "CONT");
    run.produce();
    run.check("one was stopped for longer than its session", &servers);

    assert!(servers.remove(&0).expect("it runs").terminate());
    run.produce();
    run.check("one has left", &servers);
    for (_, server) in std::mem::take(&mut servers) {
        server.kill();
    }
    run.produce();
    servers = (0..4).map(|number| (number, run.start(number))).collect();
    run.produce();
    run.check("all were killed", &servers);
}

/// Servers without a command topic, which all run the statements of one file.
#[test]
fn servers_with_one_file_of_queries_share_them() {
    let broker = Kafka::start_alone();
    let client = Client::new(&broker);
    client.create_topic("readings", PARTITIONS);
    let dirs: Vec<_> = (0..2).map(|_| tempfile::tempdir().expect("a directory")).collect();
    let file = dirs[0].path().join("queries.sql");
    let statements = "SET 'auto.offset.reset'='earliest';
        CREATE STREAM readings (id VARCHAR KEY, n BIGINT) WITH (kafka_topic='readings', value_format='json');
        CREATE TABLE per_id AS SELECT id, COUNT(*) AS c FROM readings GROUP BY id;
        CREATE STREAM odd AS SELECT id, n FROM readings WHERE n % 2 = 1;";
    std::fs::write(&file, statements).expect("the file is written");
    let file = file.display().to_string();
    let start = |number: usize| {
        let settings = [("bootstrap.servers", broker.bootstrap.as_str()), ("ksql.queries.file", file.as_str())];
        Server::start(&dirs[number].path().join("data"), &settings)
    };
    let mut produced = 0;
    let mut produce = || {
        client.produce_numbers("readings", produced..produced + ROUND, KEYS);
        produced += ROUND;
        produced
    };
    let first = start(0);
    produce();
    // Its first start is not to take away what the other one has done.
    let second = start(1);
    let all = produce();
    for server in [&first, &second] {
        eventually("all is counted", || {
            let rows = try_rows(server, "SELECT c FROM per_id;")?;
            (rows.iter().map(|row| row[0].as_i64().expect("a number")).sum::<i64>() == all).then_some(())
        });
    }
    let odd = || {
        let mut odd: Vec<i64> = client.read("ODD").iter().map(|record| record.time - 1_000).collect();
        odd.sort_unstable();
        odd
    };
    let expected: Vec<i64> = (0..all).filter(|n| n % 2 == 1).collect();
    eventually("all odd ones are there", || (odd().len() >= expected.len()).then_some(()));
    assert!(odd() == expected, "{} records, not {}", odd().len(), expected.len());
    assert!(first.terminate() && second.terminate());
}
