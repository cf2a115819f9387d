//! Damaged data directories: a server that was stopped in an orderly way starts with all it had, or it does not start and
//! names the file, or what needs the damaged part answers an error; it never answers with anything else.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use e2e::eventually;
use e2e::http::{ksql, request, rows};
use e2e::process::Server;
use e2e::random::{Random, times};
use serde_json::{Value, json};

/// How often a file is damaged; `MILLSTREAM_FUZZ_FACTOR` multiplies it.
const ROUNDS: usize = 60;
const QUERIES: [&str; 4] = [
    "SELECT * FROM orders;",
    "SELECT * FROM totals;",
    "SELECT * FROM names;",
    "SELECT id, c, LEN(text) AS len, SUBSTRING(text, 1, 20) AS start FROM texts;",
];
/// Texts are long enough that the database writes table files, and longer than its stores may take in memory.
const TEXTS: u64 = 1_600;
const TEXT_BYTES: usize = 8_000;
const SETTINGS: [(&str, &str); 1] = [("millstream.state.memory.bytes", "3000000")];

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

/// What a file below the data directory is for.
fn kind(file: &Path) -> &'static str {
    let name = file.file_name().unwrap().to_str().unwrap();
    let is_below = |dir: &str| file.starts_with(dir);
    match name {
        _ if is_below("topics") => "segment",
        _ if is_below("db/keyspaces/0") => "names of the database's parts",
        _ if file.parent().unwrap().ends_with("tables") => "table",
        _ if is_below("db/keyspaces") => "manifest",
        _ if name.ends_with(".jnl") => "journal",
        "FORMAT" | "CLOSED" | "LOCK" | "version" | "lock" => "marker",
        _ => panic!("what is {}?", file.display()),
    }
}

/// Flips a bit of a file, zeroes a part of it, cuts off its end or removes it; says what it did.
fn damage(file: &Path, used: u64, random: &mut Random) -> String {
    let at = random.below(used.max(1));
    let opened = OpenOptions::new().read(true).write(true).open(file).unwrap();
    match random.below(8) {
        0 => {
            fs::remove_file(file).unwrap();
            format!("{} removed", file.display())
        }
        1 | 2 => {
            opened.set_len(at).unwrap();
            format!("{} cut off at {at}", file.display())
        }
        3 => {
            opened.write_all_at(&vec![0; 512.min(used - at) as usize], at).unwrap();
            format!("{} zeroed at {at}", file.display())
        }
        _ => {
            let (mut byte, bit) = ([0], random.below(8));
            if opened.read_exact_at(&mut byte, at).is_ok() {
                opened.write_all_at(&[byte[0] ^ (1 << bit)], at).unwrap();
            }
            format!("{} with another bit {bit} at {at}", file.display())
        }
    }
}

fn sorted(mut rows: Vec<Value>) -> Vec<String> {
    rows.sort_by_key(Value::to_string);
    rows.iter().map(Value::to_string).collect()
}

/// Inserts the texts, which do not compress well.
fn insert_texts(url: &str) {
    let mut random = 1_u64;
    let mut letter = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + ((random >> 40) % 26) as u8)
    };
    let ids: Vec<u64> = (0..TEXTS).collect();
    for ids in ids.chunks(100) {
        let mut insert = |id: &u64| {
            let text: String = (0..TEXT_BYTES).map(|_| letter()).collect();
            format!("INSERT INTO written (id, text) VALUES ({id}, '{text}');")
        };
        ksql(url, &ids.iter().map(&mut insert).collect::<String>(), &json!({}));
    }
}

/// Makes a data directory with streams, tables and a repartition topic in it; returns what its queries answer.
fn fill(data: &Path) -> Vec<Vec<String>> {
    let server = Server::start(data, &SETTINGS);
    ksql(
        &server.url,
        "CREATE STREAM orders (id INT KEY, item VARCHAR, n BIGINT) WITH (kafka_topic='orders', value_format='json', partitions=2);
         CREATE TABLE items (item VARCHAR PRIMARY KEY, name VARCHAR) WITH (kafka_topic='items', value_format='json', partitions=1);
         CREATE TABLE totals AS SELECT item, COUNT(*) AS c, SUM(n) AS s FROM orders GROUP BY item;
         CREATE TABLE names AS SELECT item, UCASE(name) AS name FROM items;
         CREATE STREAM written (id INT KEY, text VARCHAR) WITH (kafka_topic='written', value_format='json', partitions=1);
         CREATE TABLE texts AS SELECT id, COUNT(*) AS c, LATEST_BY_OFFSET(text) AS text FROM written GROUP BY id;",
        &json!({}),
    );
    let mut inserts = String::new();
    for n in 0..60 {
        inserts += &format!("INSERT INTO orders (rowtime, id, item, n) VALUES ({n}, {n}, 'item {}', {n});", n % 4);
        inserts += &format!("INSERT INTO items (rowtime, item, name) VALUES ({n}, 'item {}', 'name {n}');", n % 4);
    }
    ksql(&server.url, &inserts, &json!({}));
    insert_texts(&server.url);
    eventually("all texts are kept", || {
        (rows(&server.url, QUERIES[3], &json!({})).len() as u64 == TEXTS).then_some(())
    });
    eventually("all is counted", || {
        let counts = rows(&server.url, "SELECT c FROM totals;", &json!({}));
        (counts.iter().filter_map(|row| row[0].as_i64()).sum::<i64>() == 60).then_some(())
    });
    eventually("all is named", || (rows(&server.url, QUERIES[2], &json!({})).len() == 4).then_some(()));
    let answers = QUERIES.map(|query| sorted(rows(&server.url, query, &json!({}))));
    assert!(server.terminate());
    answers.to_vec()
}

/// Every answer is right, or an error; says whether all are right.
fn check(server: &Server, expected: &[Vec<String>], what: &str) -> bool {
    let mut is_whole = true;
    for (query, expected) in QUERIES.iter().zip(expected) {
        let body = json!({"ksql": query, "streamsProperties": {}}).to_string();
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let answer = request(&server.url, "POST", "/query", &[("Accept", "application/vnd.ksql.v1+json")], &body);
            if answer.status != 200 || answer.body.contains("errorMessage") {
                assert!(answer.body.contains("essage"), "{what}: {query}: {}", answer.body);
                is_whole = false;
                break;
            }
            let found = answer.json();
            let found = found.as_array().unwrap().iter().filter_map(|line| line.get("row"));
            let found = sorted(found.map(|row| row["columns"].clone()).collect());
            if found == *expected {
                break;
            }
            let seen = || format!("{} rows: {:.300}", found.len(), found.join(" "));
            assert!(Instant::now() < deadline, "{what}: {query} answers {}", seen());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    is_whole
}

/// What came of damage to files of one kind.
#[derive(Debug, Default)]
struct Outcome {
    refused: usize,
    failed: usize,
    whole: usize,
}

#[test]
fn damage_is_noticed() {
    let temp = tempfile::tempdir().unwrap();
    let (data, at) = (temp.path().join("data"), temp.path().join("damaged"));
    let expected = fill(&data);
    let mut random = Random::new("damage");
    let mut kinds = BTreeMap::<&str, Vec<(PathBuf, u64)>>::new();
    for file in files(&data) {
        let (used, name) = (used_bytes(&file), file.strip_prefix(&data).unwrap().to_owned());
        kinds.entry(kind(&name)).or_default().push((name, used));
    }
    assert_eq!(kinds.len(), 6, "{:?}", kinds.keys());
    let mut outcomes = BTreeMap::<&str, Outcome>::new();
    for round in 0..times(ROUNDS) {
        let (kind, files) = kinds.iter().nth(round % kinds.len()).unwrap();
        copy(&data, &at);
        let (file, used) = &files[random.below(files.len() as u64) as usize];
        let what = format!("round {round}: {}", damage(&at.join(file), *used, &mut random));
        let outcome = outcomes.entry(kind).or_default();
        match Server::try_start(&at, &SETTINGS) {
            Ok(server) => match check(&server, &expected, &what) {
                true => outcome.whole += 1,
                false => outcome.failed += 1,
            },
            Err((code, error)) => {
                assert!(error.contains(&at.display().to_string()), "{what}: {error}");
                assert!(code == Some(1) && !error.contains("panicked"), "{what}: {code:?} {error}");
                outcome.refused += 1;
            }
        }
        fs::remove_dir_all(&at).unwrap();
    }
    println!("{outcomes:#?}");
    let noticed: usize = outcomes.values().map(|outcome| outcome.refused + outcome.failed).sum();
    assert!(noticed > times(ROUNDS) / 8, "{outcomes:?}");
}
