//! Servers are killed, stopped and robbed of their directories, brokers are killed and kept away, at random: at the end every
//! result is exact. As often as it is asked for in full: `MILLSTREAM_CHAOS=full cargo test --workspace --test e2e -- chaos`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use e2e::http::ksql;
use e2e::kafka::Kafka;
use e2e::process::{Server, signal};
use e2e::random::Random;
use serde_json::{Value, json};

use crate::kafka::{Client, Record};

const PARTITIONS: i32 = 6;
const SERVERS: usize = 3;
const KEYS: i64 = 24;
const REFERENCES: i64 = 40;
const ROUND: i64 = 200;
/// The least that brokers allow.
const SESSION: Duration = Duration::from_secs(6);
const PATIENCE: Duration = Duration::from_secs(120);
/// Longer than a session, and than a transaction may be open.
const AWAY: Duration = Duration::from_secs(12);

const STATEMENTS: &str = "
    CREATE STREAM readings (id VARCHAR KEY, n BIGINT) WITH (kafka_topic='readings', value_format='json');
    CREATE TABLE names (id VARCHAR PRIMARY KEY, name VARCHAR) WITH (kafka_topic='names', value_format='json');
    CREATE TABLE refs (id VARCHAR PRIMARY KEY, fk VARCHAR) WITH (kafka_topic='refs', value_format='json');
    CREATE STREAM odd AS SELECT id, n FROM readings WHERE n % 2 = 1;
    CREATE TABLE per_window AS SELECT id, COUNT(*) AS c FROM odd WINDOW TUMBLING (SIZE 1 SECOND) GROUP BY id;
    CREATE TABLE sessions AS SELECT n % 5 AS rest, COUNT(*) AS c FROM odd WINDOW SESSION (1 HOUR) GROUP BY n % 5;
    CREATE STREAM named AS SELECT o.id AS id, n, name FROM odd o JOIN names t ON o.id = t.id;
    CREATE STREAM pairs AS SELECT o.id AS id, o.n AS n FROM odd o JOIN readings r WITHIN 1 MILLISECOND GRACE PERIOD 1 DAY ON o.id = r.id;
    CREATE TABLE referred AS SELECT r.id AS id, name FROM refs r JOIN names t ON r.fk = t.id;
    CREATE TABLE per_fk AS SELECT fk, COUNT(*) AS c FROM refs GROUP BY fk;";

#[derive(Debug, Clone, Copy)]
enum Event {
    /// A server is killed, and started again.
    Kill,
    /// The same, and its directory is gone.
    Rob,
    /// A server is stopped for long, and goes on.
    Stop,
    /// The broker is killed, and started again.
    Broker,
    /// The broker is away for longer than a session.
    Outage,
}

struct Run {
    broker: Kafka,
    client: Client,
    dirs: Vec<tempfile::TempDir>,
    servers: Vec<Option<Server>>,
    produced: i64,
    /// What each reference refers to.
    refs: BTreeMap<String, i64>,
}

impl Run {
    fn start(&mut self, number: usize) {
        let session = SESSION.as_millis().to_string();
        let settings = [
            ("bootstrap.servers", self.broker.bootstrap.as_str()),
            ("ksql.streams.session.timeout.ms", session.as_str()),
            ("ksql.streams.num.stream.threads", "2"),
        ];
        self.servers[number] = Some(Server::start(self.dirs[number].path(), &settings));
    }

    fn produce(&mut self, random: &mut Random) {
        for n in (self.produced..self.produced + ROUND).step_by(10) {
            let (id, fk) = (format!("r{}", random.below(REFERENCES as u64)), random.below(KEYS as u64) as i64);
            let value = json!({"fk": format!("k{fk}")}).to_string();
            self.client.produce("refs", 1_000 + n, Some(&id), Some(&value), None);
            self.refs.insert(id, fk);
        }
        self.client.produce_numbers("readings", self.produced..self.produced + ROUND, KEYS);
        self.produced += ROUND;
    }

    fn happens(&mut self, event: Event, random: &mut Random) {
        let number = random.below(SERVERS as u64) as usize;
        match event {
            Event::Kill | Event::Rob => {
                self.servers[number].take().expect("it runs").kill();
                self.produce(random);
                if matches!(event, Event::Rob) {
                    self.dirs[number] = tempfile::tempdir().expect("a directory");
                }
                std::thread::sleep(Duration::from_millis(random.below(2_000)));
                self.start(number);
            }
            Event::Stop => {
                let pid = self.servers[number].as_ref().expect("it runs").pid();
                signal(pid, "STOP");
                self.produce(random);
                std::thread::sleep(AWAY);
                signal(pid, "CONT");
            }
            Event::Broker | Event::Outage => {
                self.broker.kill();
                if matches!(event, Event::Outage) {
                    std::thread::sleep(SESSION + Duration::from_secs(2));
                }
                self.broker.restart();
            }
        }
        self.produce(random);
        std::thread::sleep(Duration::from_millis(random.below(1_500)));
    }

    fn odd(&self) -> Vec<i64> {
        (0..self.produced).filter(|n| n % 2 == 1).collect()
    }

    /// The records of a topic are those numbers, each once.
    fn has_each_once(&self, topic: &str, expected: &[i64]) {
        let found = || {
            let mut found: Vec<i64> = self.client.read(topic).iter().map(|record| record.time - 1_000).collect();
            found.sort_unstable();
            found
        };
        patiently(&format!("{topic} has all"), || found().len() >= expected.len());
        let found = found();
        assert!(found == expected, "{topic} has {} records, not {}", found.len(), expected.len());
    }

    /// The last values of a table's keys are these.
    fn ends_as(
        &self,
        topic: &str,
        of: impl Fn(&Record) -> Option<(String, Value)>,
        expected: &BTreeMap<String, Value>,
    ) {
        let last = || -> BTreeMap<String, Value> {
            let mut last = BTreeMap::new();
            for record in self.client.read(topic).iter() {
                if let Some((key, value)) = of(record) {
                    last.insert(key, value);
                }
            }
            last
        };
        patiently(&format!("{topic} is exact"), || last() == *expected);
    }

    fn check(&self) {
        let odd = self.odd();
        for topic in ["ODD", "NAMED", "PAIRS"] {
            self.has_each_once(topic, &odd);
        }
        let (mut windows, mut sessions, mut per_fk) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for n in &odd {
            *windows.entry(format!("k{}@{}", n % KEYS, (1_000 + n) / 1_000 * 1_000)).or_insert(0) += 1;
            *sessions.entry((n % 5).to_string()).or_insert(0) += 1;
        }
        for fk in self.refs.values() {
            *per_fk.entry(format!("k{fk}")).or_insert(0) += 1;
        }
        let values =
            |counts: BTreeMap<String, i64>| counts.into_iter().map(|(key, count)| (key, json!(count))).collect();
        let number = |bytes: &[u8]| bytes.iter().fold(0_i64, |number, byte| number << 8 | i64::from(*byte));
        // The key's bytes, then the window's start.
        let of_window = |record: &Record| {
            let (key, start) = record.key_bytes.split_at_checked(record.key_bytes.len().checked_sub(8)?)?;
            Some((format!("{}@{}", String::from_utf8_lossy(key), number(start)), count(record)?))
        };
        self.ends_as("PER_WINDOW", of_window, &values(windows));
        // The key's bytes, then the session's end and start; a session that has grown is another one.
        let of_session = |record: &Record| Some((number(record.key_bytes.get(..8)?).to_string(), count(record)?));
        self.ends_as("SESSIONS", of_session, &values(sessions));
        let referred = self.refs.iter().map(|(id, fk)| (id.clone(), json!(format!("name {fk}")))).collect();
        let name = |record: &Record| Some((record.key.clone()?, value(record)?["NAME"].clone()));
        self.ends_as("REFERRED", name, &referred);
        // A group of which nothing is left is gone, or has none.
        let of_fk = |record: &Record| Some((record.key.clone()?, count(record).unwrap_or(json!(0))));
        let zero = (0..KEYS).map(|fk| (format!("k{fk}"), json!(0)));
        let there: Vec<String> = self.client.read("PER_FK").iter().filter_map(|record| record.key.clone()).collect();
        let mut expected: BTreeMap<String, Value> = zero.filter(|(fk, _)| there.contains(fk)).collect();
        expected.extend(values(per_fk));
        self.ends_as("PER_FK", of_fk, &expected);
    }
}

fn value(record: &Record) -> Option<Value> {
    serde_json::from_str(record.value.as_deref()?).ok()
}

fn count(record: &Record) -> Option<Value> {
    Some(value(record)?["C"].clone())
}

/// After an outage brokers, sessions and transactions take their time.
fn patiently(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn chaos_loses_and_repeats_nothing() {
    let is_full = std::env::var("MILLSTREAM_CHAOS").is_ok_and(|how| how == "full");
    let often: &[(Event, u64)] = match is_full {
        true => &[(Event::Kill, 40), (Event::Rob, 5), (Event::Stop, 5), (Event::Broker, 10), (Event::Outage, 5)],
        false => &[(Event::Kill, 4), (Event::Rob, 1), (Event::Stop, 1), (Event::Broker, 1)],
    };
    let mut random = Random::new("chaos");
    let broker = Kafka::start_alone();
    let client = Client::new(&broker);
    for topic in ["readings", "names", "refs"] {
        client.create_topic(topic, PARTITIONS);
    }
    for n in 0..KEYS {
        let (id, value) = (format!("k{n}"), json!({"name": format!("name {n}")}).to_string());
        client.produce("names", 1, Some(&id), Some(&value), None);
    }
    client.flush();
    let dirs = (0..SERVERS).map(|_| tempfile::tempdir().expect("a directory")).collect();
    let servers = (0..SERVERS).map(|_| None).collect();
    let mut run = Run { broker, client, dirs, servers, produced: 0, refs: BTreeMap::new() };
    (0..SERVERS).for_each(|number| run.start(number));
    let url = &run.servers[0].as_ref().expect("it runs").url;
    ksql(url, STATEMENTS, &json!({"auto.offset.reset": "earliest"}));
    run.produce(&mut random);
    let mut events: Vec<Event> = often.iter().flat_map(|(event, times)| (0..*times).map(|_| *event)).collect();
    while !events.is_empty() {
        let event = events.swap_remove(random.below(events.len() as u64) as usize);
        run.happens(event, &mut random);
    }
    run.check();
}
