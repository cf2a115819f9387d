//! What the embedded log keeps on disk stays bounded.

use std::fs::read_dir;
use std::path::Path;

use e2e::eventually;
use e2e::http::{ksql, rows};
use e2e::process::Server;
use serde_json::json;

/// Rows in a request, and the bytes of each.
const ROWS: i64 = 200;
const ROW_BYTES: usize = 2_000;
const REQUESTS: i64 = 15;

/// Bytes of the topics whose name has this in it.
fn topic_bytes(data: &Path, name: &str) -> u64 {
    let topics = read_dir(data.join("topics")).unwrap().map(|entry| entry.unwrap());
    topics
        .filter(|topic| topic.file_name().to_string_lossy().contains(name))
        .map(|topic| bytes_below(&topic.path()))
        .sum()
}

fn bytes_below(path: &Path) -> u64 {
    let Ok(entries) = read_dir(path) else { return path.metadata().map_or(0, |file| file.len()) };
    entries.map(|entry| bytes_below(&entry.unwrap().path())).sum()
}

/// Bytes that do not compress.
fn noise(seed: i64) -> String {
    let mut random = seed as u64 + 1;
    let digit = |_| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + ((random >> 40) % 26) as u8)
    };
    (0..ROW_BYTES).map(digit).collect()
}

#[test]
fn what_queries_have_read_of_repartition_topics_goes() {
    let data = tempfile::tempdir().unwrap();
    let settings = [("ksql.streams.repartition.purge.interval.ms", "50")];
    let server = Server::start(data.path(), &settings);
    ksql(
        &server.url,
        "CREATE STREAM clicks (id INT KEY, page INT, text VARCHAR) WITH (kafka_topic='clicks', value_format='json', partitions=2);
         CREATE TABLE pages AS SELECT page, COUNT(*) AS c, MAX(text) AS t FROM clicks GROUP BY page;",
        &json!({}),
    );
    let mut most = 0;
    for request in 0..REQUESTS {
        let insert = |n: i64| format!("INSERT INTO clicks VALUES ({n}, {}, '{}');", n % 10, noise(n));
        let inserts: String = (request * ROWS..(request + 1) * ROWS).map(insert).collect();
        ksql(&server.url, &inserts, &json!({}));
        most = most.max(topic_bytes(data.path(), "-repartition"));
    }
    let wanted = json!(ROWS * REQUESTS / 10);
    eventually("all is counted", || {
        let counts = rows(&server.url, "SELECT c FROM pages;", &json!({}));
        (counts.len() == 10 && counts.iter().all(|row| row[0] == wanted)).then_some(())
    });
    let total = topic_bytes(data.path(), "clicks");
    assert!(most > 0, "nothing went through the repartition topic");
    assert!(most < total / 3, "the repartition topic had {most} bytes, its input has {total}");
}
