//! State larger than its memory budget: the process does not grow with it, and every answer is still right. Windows past
//! their retention go from state and from disk.
//!
//! What the process may take follows from what bounds its parts, not from what was seen: see `docs/architecture.md`,
//! "What bounds memory".

use std::collections::BTreeMap;
use std::fs::read_dir;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread::JoinHandle;
use std::time::Duration;

use arrow::array::BinaryBuilder;
use e2e::eventually;
use e2e::http::{ksql, open, rows};
use e2e::process::Server;
use engine::log::{Embedded, Log, Output, Records, TopicPartition, TopicSpec};
use serde_json::json;

const MB: u64 = 1_000_000;
/// Keys of every table, and bytes of text in each row.
const KEYS: u64 = 30_000;
const TEXT_BYTES: usize = 4_000;
/// What state may take; each of three stores holds KEYS * TEXT_BYTES = 120 MB.
const BUDGET: u64 = 8 * MB;
/// The program itself: its code (a debug build), stacks, what an idle server has.
const PROGRAM: u64 = 30 * MB;
/// Writes of the database on their way to its files: five memtables of 8 MiB.
const UNFLUSHED: u64 = 43 * MB;
/// Blocks of the database (8 MiB), batches appended last (16 MiB), keys that compaction of a topic notes (26 MB, and half of
/// that while their map grows), keys of the file that compaction of the database writes.
const CACHES: u64 = (9 + 17 + 39 + 8) * MB;
/// What one task reads, makes and commits at a time: a megabyte, in up to six forms (read, decoded, encoded, framed, and for
/// the database in one piece and in single entries).
const IN_FLIGHT: u64 = 6 * MB;

/// The most a process with so many tasks may take; a fifth more than it asks for is the allocator's.
fn most_resident(tasks: u64) -> u64 {
    PROGRAM + (BUDGET + UNFLUSHED + CACHES + tasks * IN_FLIGHT) * 6 / 5
}

/// Text that does not compress, another one for every seed.
fn text(seed: u64) -> &'static str {
    text_of(seed, TEXT_BYTES)
}

fn text_of(seed: u64, bytes: usize) -> &'static str {
    const POOL_BYTES: usize = 1 << 22;
    static POOL: LazyLock<String> = LazyLock::new(|| {
        let mut random = 1_u64;
        let digit = |_| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'a' + ((random >> 40) % 26) as u8)
        };
        (0..POOL_BYTES).map(digit).collect()
    });
    let from = (seed as usize * (bytes + 1)) % (POOL_BYTES - bytes);
    &POOL[from..from + bytes]
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

/// Watches what a process takes.
struct Watch {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Vec<u64>>,
}

impl Watch {
    fn new(pid: u32) -> Self {
        let over = Arc::<AtomicBool>::default();
        let is_over = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            let mut seen = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                seen.push(resident(pid));
                std::thread::sleep(Duration::from_millis(10));
            }
            seen
        });
        Self { over, thread }
    }

    /// The most, and the mean.
    fn end(self) -> (u64, u64) {
        self.over.store(true, Ordering::Relaxed);
        let seen = self.thread.join().unwrap();
        (seen.iter().copied().max().unwrap(), seen.iter().sum::<u64>() / seen.len() as u64)
    }
}

#[test]
fn state_beyond_its_budget_is_on_disk() {
    let data = tempfile::tempdir().unwrap();
    // Every key once in order, so that the first ones are cold in the end.
    fill(data.path(), "texts", (0..KEYS).map(|key| (1_000, key, format!(r#"{{"T":"{}"}}"#, text(key)))));
    let orders = (0..KEYS).step_by(997).map(|key| (2_000, key, format!(r#"{{"N":{key}}}"#)));
    fill(data.path(), "orders", orders);
    let server = Server::start(data.path(), &[("millstream.state.memory.bytes", &BUDGET.to_string())]);
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
    let (most, _) = watch.end();
    assert!(most < most_resident(4), "the process had {most} bytes");
}

#[test]
fn the_process_does_not_grow_with_state() {
    /// Small rows, so that whatever stays for a key shows: every table takes about 60 MB, and would take 80 in memory.
    const KEYS: u64 = 300_000;
    const TEXT_BYTES: usize = 150;
    /// How many tables there are at first, and in the end.
    const FEW: usize = 2;
    const MANY: usize = 4 * FEW;
    /// What may stay in memory for a key of a table.
    const BYTES_PER_KEY: u64 = 16;
    let data = tempfile::tempdir().unwrap();
    let record = |key| (1_000, key, format!(r#"{{"T":"{}"}}"#, text_of(key, TEXT_BYTES)));
    fill(data.path(), "texts", (0..KEYS).map(record));
    let server = Server::start(data.path(), &[("millstream.state.memory.bytes", &BUDGET.to_string())]);
    let earliest = json!({"auto.offset.reset": "earliest"});
    let stream = "CREATE STREAM texts (k BIGINT KEY, t VARCHAR) WITH (kafka_topic='texts', key_format='KAFKA', value_format='JSON');";
    ksql(&server.url, stream, &json!({}));
    let make = |table: usize| {
        let watch = Watch::new(server.pid());
        let query = format!("CREATE TABLE t{table} AS SELECT k, LATEST_BY_OFFSET(t) AS t FROM texts GROUP BY k;");
        ksql(&server.url, &query, &earliest);
        let last = format!("SELECT k FROM t{table} WHERE k = {};", KEYS - 1);
        eventually("the last key", || (!rows(&server.url, &last, &json!({})).is_empty()).then_some(()));
        watch.end()
    };
    let seen: Vec<(u64, u64)> = (0..MANY).map(make).collect();
    let (few, many) = (seen[FEW - 1].1, seen[MANY - 1].1);
    let keys = KEYS * (MANY - FEW) as u64;
    assert!(many < few + keys * BYTES_PER_KEY, "{few} bytes with {FEW} tables, {many} with {MANY}: {keys} keys more");
    let most = seen.iter().map(|(most, _)| *most).max().unwrap();
    assert!(most < most_resident(MANY as u64), "the process had {most} bytes");
}

#[test]
fn results_that_outgrow_their_records_are_made_in_short_steps() {
    /// Records of one key: the lists of all of them that are told one after the other take 160 MB.
    const RECORDS: u64 = 400;
    const TEXT_BYTES: usize = 2_000;
    let data = tempfile::tempdir().unwrap();
    fill(data.path(), "texts", (0..RECORDS).map(|n| (1_000, 1, format!(r#"{{"T":"{}"}}"#, text_of(n, TEXT_BYTES)))));
    let server = Server::start(data.path(), &[("millstream.state.memory.bytes", &BUDGET.to_string())]);
    let watch = Watch::new(server.pid());
    ksql(
        &server.url,
        "CREATE STREAM texts (k BIGINT KEY, t VARCHAR) WITH (kafka_topic='texts', key_format='KAFKA', value_format='JSON');
         CREATE TABLE lists AS SELECT k, COLLECT_LIST(t) AS l FROM texts GROUP BY k;
         CREATE STREAM told (k BIGINT KEY, l ARRAY<VARCHAR>) WITH (kafka_topic='LISTS', key_format='KAFKA', value_format='JSON');
         CREATE STREAM lengths AS SELECT k, ARRAY_LENGTH(l) AS n FROM told;",
        &json!({"auto.offset.reset": "earliest", "cache.max.bytes.buffering": "0"}),
    );
    let lengths = || rows(&server.url, "SELECT n FROM lengths;", &json!({}));
    let all = eventually("all lists", || Some(lengths()).filter(|all| all.len() as u64 == RECORDS));
    assert!(all.iter().zip(1..).all(|(row, n)| row == &json!([n])), "a list of every length, in order");
    let (most, _) = watch.end();
    assert!(most < most_resident(2), "the process had {most} bytes");
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
