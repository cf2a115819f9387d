//! State larger than its memory budget: the process does not grow with it, and every answer is still right. Windows past
//! their retention go from state and from disk.

use std::collections::BTreeMap;
use std::fs::read_dir;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread::JoinHandle;
use std::time::Duration;

use arrow::array::BinaryBuilder;
use e2e::eventually;
use e2e::http::{ksql, open, rows};
use e2e::process::Server;
use engine::log::{Embedded, Log, Output, Records, TopicPartition, TopicSpec};
use serde_json::json;

/// Keys of every table, and bytes of text in each row.
const KEYS: u64 = 30_000;
const TEXT_BYTES: usize = 4_000;
/// What state may take; each of three stores holds KEYS * TEXT_BYTES = 120 MB.
const BUDGET: &str = "8000000";
/// What the process may take: budget, caches, what is in flight, and itself.
const MOST_RESIDENT: u64 = 280_000_000;

/// Text that does not compress, another one for every seed.
fn text(seed: u64) -> &'static str {
    const POOL_BYTES: usize = 1 << 22;
    static POOL: LazyLock<String> = LazyLock::new(|| {
        let mut random = 1_u64;
        let digit = |_| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'a' + ((random >> 40) % 26) as u8)
        };
        (0..POOL_BYTES).map(digit).collect()
    });
    let from = (seed as usize * (TEXT_BYTES + 1)) % (POOL_BYTES - TEXT_BYTES);
    &POOL[from..from + TEXT_BYTES]
}

/// Fills a new topic of one partition with JSON: times, BIGINT keys, values.
fn fill(data: &Path, topic: &str, records: impl Iterator<Item = (i64, u64, String)>) {
    let log = Embedded::open(data).unwrap();
    let spec = TopicSpec { partitions: 1, replicas: 1, config: BTreeMap::new() };
    log.create_topic(topic, &spec).unwrap();
    append(&log, topic, records);
}

fn append(log: &Embedded, topic: &str, records: impl Iterator<Item = (i64, u64, String)>) {
    let mut records = records.peekable();
    while records.peek().is_some() {
        let (mut times, mut keys, mut values) = (Vec::new(), BinaryBuilder::new(), BinaryBuilder::new());
        for (time, key, value) in records.by_ref().take(2_000) {
            times.push(time);
            keys.append_value((key as i64).to_be_bytes());
            values.append_value(value);
        }
        let records = Records { timestamps: times.into(), keys: keys.finish(), values: values.finish(), headers: None };
        log.append(vec![Output { to: TopicPartition { topic: topic.into(), partition: 0 }, records }]).unwrap();
    }
}

fn bytes_below(path: &Path) -> u64 {
    let Ok(entries) = read_dir(path) else { return path.metadata().map_or(0, |file| file.len()) };
    entries.map(|entry| bytes_below(&entry.unwrap().path())).sum()
}

/// Bytes of the answer of a pull query, which is not kept.
fn answer_bytes(url: &str, query: &str) -> usize {
    let body = json!({"ksql": query, "streamsProperties": {}}).to_string();
    let mut stream = open(url, "POST", "/query", &[("Accept", "application/vnd.ksql.v1+json")], &body);
    assert_eq!(stream.head().0, 200);
    std::iter::from_fn(|| stream.piece()).map(|piece| piece.len()).sum()
}

/// Resident bytes of a process.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or_default() * 1024
}

/// Watches a process; tells the most it ever had.
struct Watch {
    most: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Watch {
    fn new(pid: u32) -> Self {
        let (most, over) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let (seen, is_over) = (Arc::clone(&most), Arc::clone(&over));
        let thread = std::thread::spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                seen.fetch_max(resident(pid), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        Self { most, over, thread }
    }

    fn most(self) -> u64 {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
        self.most.load(Ordering::Relaxed)
    }
}

#[test]
fn state_beyond_its_budget_is_on_disk() {
    let data = tempfile::tempdir().unwrap();
    // Every key once in order, so that the first ones are cold in the end.
    fill(data.path(), "texts", (0..KEYS).map(|key| (1_000, key, format!(r#"{{"T":"{}"}}"#, text(key)))));
    let orders = (0..KEYS).step_by(997).map(|key| (2_000, key, format!(r#"{{"N":{key}}}"#)));
    fill(data.path(), "orders", orders);
    let server = Server::start(data.path(), &[("millstream.state.memory.bytes", BUDGET)]);
    let watch = Watch::new(server.pid());
    let earliest = json!({"auto.offset.reset": "earliest"});
    ksql(
        &server.url,
        "CREATE STREAM texts (k BIGINT KEY, t VARCHAR) WITH (kafka_topic='texts', key_format='KAFKA', value_format='JSON');
         CREATE TABLE names (k BIGINT PRIMARY KEY, t VARCHAR) WITH (kafka_topic='texts', key_format='KAFKA', value_format='JSON');
         CREATE STREAM orders (k BIGINT KEY, n BIGINT) WITH (kafka_topic='orders', key_format='KAFKA', value_format='JSON');
         CREATE TABLE counted AS SELECT k, COUNT(*) AS c, LATEST_BY_OFFSET(t) AS t FROM texts GROUP BY k;
         CREATE TABLE kept AS SELECT k, t FROM names;
         CREATE STREAM joined AS SELECT o.k AS k, n, t FROM orders o JOIN names ON o.k = names.k;
         CREATE TABLE last_joined AS SELECT k, COUNT(*) AS c, LATEST_BY_OFFSET(t) AS t FROM joined GROUP BY k;",
        &earliest,
    );
    let ask = |query: &str| rows(&server.url, query, &json!({}));
    for (table, key) in [("counted", KEYS - 1), ("kept", KEYS - 1), ("last_joined", (KEYS - 1) / 997 * 997)] {
        eventually(table, || (!ask(&format!("SELECT k FROM {table} WHERE k = {key};")).is_empty()).then_some(()));
    }
    for key in (0..KEYS).step_by(997) {
        assert_eq!(ask(&format!("SELECT c, t FROM counted WHERE k = {key};")), [json!([1, text(key)])]);
        assert_eq!(ask(&format!("SELECT t FROM kept WHERE k = {key};")), [json!([text(key)])]);
        assert_eq!(ask(&format!("SELECT c, t FROM last_joined WHERE k = {key};")), [json!([1, text(key)])]);
    }
    let keys = ask("SELECT k, LEN(t) FROM counted;").into_iter().filter(|row| row[1] == TEXT_BYTES);
    assert!(keys.filter_map(|row| row[0].as_u64()).eq(0..KEYS), "a scan gives every key once, in order");
    assert!(answer_bytes(&server.url, "SELECT k, t FROM kept;") > KEYS as usize * TEXT_BYTES);
    // A limit that a scan reaches late, and a reader that leaves early.
    assert_eq!(ask("SELECT t FROM kept WHERE k >= 29990 LIMIT 5;").len(), 5);
    let most = watch.most();
    assert!(most < MOST_RESIDENT, "the process had {most} bytes");
}

#[test]
fn windows_past_retention_go_from_state_and_disk() {
    /// Windows of an hour, kept for three; six hours of event time in each round.
    const HOUR: i64 = 3_600_000;
    const MOST_ROUNDS: i64 = 16;
    let data = tempfile::tempdir().unwrap();
    let round = |round: i64| {
        let record = move |n: i64| {
            let (time, key) = ((round * 6 + n / 700) * HOUR + n, (n % 700) as u64);
            (time, key, format!(r#"{{"T":"{}"}}"#, text(n as u64)))
        };
        (0..4_200).map(record)
    };
    fill(data.path(), "texts", round(0));
    let declare = "CREATE STREAM texts (k BIGINT KEY, t VARCHAR) WITH (kafka_topic='texts', key_format='KAFKA', value_format='JSON');
         CREATE TABLE hourly AS SELECT k, COUNT(*) AS c, LATEST_BY_OFFSET(t) AS t FROM texts
            WINDOW TUMBLING (SIZE 1 HOUR, RETENTION 3 HOURS, GRACE PERIOD 0 SECONDS) GROUP BY k;";
    let mut most_bytes = 0;
    for number in 0..MOST_ROUNDS {
        if number > 0 {
            append(&Embedded::open(data.path()).unwrap(), "texts", round(number));
        }
        let server = Server::start(data.path(), &[]);
        if number == 0 {
            ksql(&server.url, declare, &json!({"auto.offset.reset": "earliest"}));
        }
        let newest = (number * 6 + 5) * HOUR;
        let ask =
            |filter: &str| rows(&server.url, &format!("SELECT k, WINDOWSTART, c FROM hourly{filter};"), &json!({}));
        eventually("the newest window is there", || {
            (ask(&format!(" WHERE k = 699 AND WINDOWSTART = {newest}")) == [json!([699, newest, 1])]).then_some(())
        });
        // As with ksqlDB's stores, windows go by segments of half the retention.
        let starts: Vec<i64> = ask(" WHERE k = 5").iter().filter_map(|row| row[1].as_i64()).collect();
        assert_eq!(starts, (2..6).map(|hour| (number * 6 + hour) * HOUR).collect::<Vec<_>>());
        assert_eq!(ask("").len(), 4 * 700, "windows in a scan after round {number}");
        assert!(server.terminate());
        // The database takes some rounds until it rewrites its files without what was removed.
        let bytes = bytes_below(&data.path().join("db"));
        if bytes < most_bytes / 2 {
            return;
        }
        most_bytes = most_bytes.max(bytes);
    }
    panic!("the database has {most_bytes} bytes and does not shrink");
}
