//! The server dies between every two steps of a commit over Kafka, and while state is read from changelogs: what is there
//! at the end is exact.

use std::collections::BTreeMap;
use std::time::Duration;

use e2e::eventually;
use e2e::http::{ksql, rows};
use e2e::kafka::Kafka;
use e2e::process::Server;
use engine::crash::Point;
use serde_json::json;

use crate::kafka::Client;

const PARTITIONS: i32 = 2;
const KEYS: i64 = 10;
/// Records that come while the server is about to die, each time.
const ROUND: i64 = 300;

/// A stream, a count of its groups behind a repartition topic, a windowed count.
const STATEMENTS: &str = "
    CREATE STREAM readings (id VARCHAR KEY, n BIGINT) WITH (kafka_topic='readings', value_format='json');
    CREATE STREAM odd AS SELECT id, n FROM readings WHERE n % 2 = 1;
    CREATE TABLE per_rest AS SELECT n % 7 AS rest, COUNT(*) AS c, SUM(n) AS s FROM odd GROUP BY n % 7;
    CREATE TABLE per_window AS SELECT id, COUNT(*) AS c FROM readings WINDOW TUMBLING (SIZE 1 SECOND) GROUP BY id;";

struct Run {
    broker: Kafka,
    client: Client,
    data: tempfile::TempDir,
    /// Records that are in `readings`, numbered from 0.
    produced: i64,
}

impl Run {
    fn produce(&mut self) {
        self.client.produce_numbers("readings", self.produced..self.produced + ROUND, KEYS);
        self.produced += ROUND;
    }

    fn start(&self, variables: &[(&str, &str)]) -> Option<Server> {
        let settings =
            [("bootstrap.servers", self.broker.bootstrap.as_str()), ("ksql.streams.num.stream.threads", "1")];
        Server::try_start_in(self.data.path(), &settings, variables).ok()
    }

    /// Has the server die at the n-th passing of a point.
    fn die(&mut self, point: Point, turn: usize) {
        let at = format!("{point:?}:{turn}");
        let reads = matches!(point, Point::StateRemoved | Point::StatePartlyRead | Point::ChangelogRead);
        let mut variables = vec![("MILLSTREAM_CRASH", at.as_str())];
        if reads {
            variables.push(("MILLSTREAM_FORGETS_STATE", "1"));
        }
        // It may die before it listens.
        let Some(mut server) = self.start(&variables) else { return };
        eventually(&format!("it dies at {at}"), || {
            if !reads {
                self.produce();
            }
            std::thread::sleep(Duration::from_millis(50));
            server.has_ended().then_some(())
        });
    }

    fn check(&self, after: &str) {
        let server = self.start(&[]).expect("it starts");
        let (mut per_rest, mut per_window) = (BTreeMap::new(), BTreeMap::new());
        for n in 0..self.produced {
            *per_window.entry((format!("k{}", n % KEYS), (1_000 + n) / 1_000 * 1_000)).or_insert(0) += 1;
            if n % 2 == 1 {
                let rest: &mut (i64, i64) = per_rest.entry(n % 7).or_default();
                *rest = (rest.0 + 1, rest.1 + n);
            }
        }
        let int = |value: &serde_json::Value| value.as_i64().expect("a number");
        eventually(&format!("{after}: groups are exact"), || {
            let found = rows(&server.url, "SELECT rest, c, s FROM per_rest;", &json!({}));
            let found: BTreeMap<_, _> = found.iter().map(|r| (int(&r[0]), (int(&r[1]), int(&r[2])))).collect();
            (found == per_rest).then_some(())
        });
        eventually(&format!("{after}: windows are exact"), || {
            let found = rows(&server.url, "SELECT id, windowstart, c FROM per_window;", &json!({}));
            let key = |row: &serde_json::Value| (row[0].as_str().expect("a key").to_owned(), int(&row[1]));
            let found: BTreeMap<_, _> = found.iter().map(|row| (key(row), int(&row[2]))).collect();
            (found == per_window).then_some(())
        });
        let mut odd: Vec<i64> = self.client.read("ODD").iter().map(|record| record.time - 1_000).collect();
        odd.sort_unstable();
        let expected: Vec<i64> = (0..self.produced).filter(|n| n % 2 == 1).collect();
        assert!(odd == expected, "{after}: {} records instead of {}", odd.len(), expected.len());
    }
}

#[test]
fn a_crash_between_any_two_steps_loses_and_repeats_nothing() {
    let broker = Kafka::start();
    let client = Client::new(&broker);
    client.create_topic("readings", PARTITIONS);
    let mut run = Run { broker, client, data: tempfile::tempdir().unwrap(), produced: 0 };
    let server = run.start(&[]).expect("it starts");
    ksql(&server.url, STATEMENTS, &json!({"auto.offset.reset": "earliest"}));
    run.produce();
    server.kill();
    for point in Point::ALL {
        run.die(point, 2);
        run.check(&format!("{point:?}"));
    }
}
