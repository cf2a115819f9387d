//! Damaged data directories: a server that was stopped in an orderly way starts with all it had, or it does not start and
//! names the file; it never answers with anything else.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use e2e::eventually;
use e2e::http::{ksql, request, rows};
use e2e::process::Server;
use serde_json::{Value, json};

const ROUNDS: usize = 40;
const QUERIES: [&str; 3] = ["SELECT * FROM orders;", "SELECT * FROM totals;", "SELECT * FROM names;"];

/// A reproducible source of numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> =
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect();
    found.sort();
    found
}

/// Copies a directory without the holes of preallocated files.
fn copy(from: &Path, to: &Path) {
    let status = std::process::Command::new("cp").arg("-r").arg("--sparse=always").args([from, to]).status();
    assert!(status.is_ok_and(|status| status.success()));
}

/// Where the last byte is that is not zero.
fn used_bytes(file: &Path) -> u64 {
    let (bytes, zeros) = (fs::read(file).unwrap(), [0; 4096]);
    let used = bytes.chunks(4096).rposition(|chunk| *chunk != zeros[..chunk.len()]);
    used.map_or(0, |chunk| bytes.len().min((chunk + 1) * 4096)) as u64
}

/// Flips a bit of a file or cuts off its end; says what it did.
fn damage(file: &Path, used: u64, random: &mut Random) -> String {
    let at = random.below(used);
    let opened = OpenOptions::new().read(true).write(true).open(file).unwrap();
    if random.below(3) == 0 {
        opened.set_len(at).unwrap();
        return format!("{} cut off at {at}", file.display());
    }
    let mut byte = [0];
    opened.read_exact_at(&mut byte, at).unwrap();
    let bit = random.below(8);
    opened.write_all_at(&[byte[0] ^ (1 << bit)], at).unwrap();
    format!("{} with another bit {bit} at {at}", file.display())
}

fn sorted(mut rows: Vec<Value>) -> Vec<String> {
    rows.sort_by_key(Value::to_string);
    rows.iter().map(Value::to_string).collect()
}

/// Makes a data directory with streams, tables and a repartition topic in it; returns what its queries answer.
fn fill(data: &Path) -> Vec<Vec<String>> {
    let server = Server::start(data, &[]);
    ksql(
        &server.url,
        "CREATE STREAM orders (id INT KEY, item VARCHAR, n BIGINT) WITH (kafka_topic='orders', value_format='json', partitions=2);
         CREATE TABLE items (item VARCHAR PRIMARY KEY, name VARCHAR) WITH (kafka_topic='items', value_format='json', partitions=1);
         CREATE TABLE totals AS SELECT item, COUNT(*) AS c, SUM(n) AS s FROM orders GROUP BY item;
         CREATE TABLE names AS SELECT item, UCASE(name) AS name FROM items;",
        &json!({}),
    );
    let mut inserts = String::new();
    for n in 0..60 {
        inserts += &format!("INSERT INTO orders (rowtime, id, item, n) VALUES ({n}, {n}, 'item {}', {n});", n % 4);
        inserts += &format!("INSERT INTO items (rowtime, item, name) VALUES ({n}, 'item {}', 'name {n}');", n % 4);
    }
    ksql(&server.url, &inserts, &json!({}));
    eventually("all is counted", || {
        let counts = rows(&server.url, "SELECT c FROM totals;", &json!({}));
        (counts.iter().filter_map(|row| row[0].as_i64()).sum::<i64>() == 60).then_some(())
    });
    eventually("all is named", || (rows(&server.url, QUERIES[2], &json!({})).len() == 4).then_some(()));
    let answers = QUERIES.map(|query| sorted(rows(&server.url, query, &json!({}))));
    assert!(server.terminate());
    answers.to_vec()
}

/// Either all answers are right, or the one that is not is an error that names a file below `data`.
fn check(server: &Server, data: &Path, expected: &[Vec<String>], what: &str) -> bool {
    let mut is_whole = true;
    for (query, expected) in QUERIES.iter().zip(expected) {
        let body = json!({"sql": query, "properties": {}}).to_string();
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let answer = request(&server.url, "POST", "/query-stream", &[], &body);
            if answer.body.contains(&data.display().to_string()) {
                is_whole = false;
                break;
            }
            assert_eq!(answer.status, 200, "{what}: {query}: {}", answer.body);
            if sorted(rows(&server.url, query, &json!({}))) == *expected {
                break;
            }
            assert!(Instant::now() < deadline, "{what}: {query} answers {}", answer.body);
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    is_whole
}

#[test]
fn damage_is_noticed() {
    let temp = tempfile::tempdir().unwrap();
    let (data, at) = (temp.path().join("data"), temp.path().join("damaged"));
    let expected = fill(&data);
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(4);
    let rounds = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(ROUNDS);
    let (mut random, mut refused, mut whole) = (Random(seed), 0, 0);
    let used: Vec<(PathBuf, u64)> = files(&data).into_iter().map(|file| (file.clone(), used_bytes(&file))).collect();
    let used: Vec<_> = used.into_iter().filter(|(_, used)| *used > 0).collect();
    for _ in 0..rounds {
        copy(&data, &at);
        let (file, used) = &used[random.below(used.len() as u64) as usize];
        let what = damage(&at.join(file.strip_prefix(&data).unwrap()), *used, &mut random);
        match Server::try_start(&at, &[]) {
            Ok(server) => whole += usize::from(check(&server, &at, &expected, &what)),
            Err((code, error)) => {
                assert!(error.contains(&at.display().to_string()), "{what}: {error}");
                assert!(code == Some(1) && !error.contains("panicked"), "{what}: {code:?} {error}");
                refused += 1;
            }
        }
        fs::remove_dir_all(&at).unwrap();
    }
    assert!(refused > rounds / 8 && whole > 0, "{refused} refused, {whole} whole of {rounds}");
}
