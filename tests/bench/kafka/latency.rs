//! How long commits take while records come steadily, and how long a record takes until a client sees its row.

use std::io::{BufRead, BufReader};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use e2e::http;
use e2e::process::Server;
use rdkafka::producer::BaseProducer;
use serde_json::{Value, json};

use super::cluster::{Cluster, send};
use super::restore::number;
use super::site::{GUARANTEE, Site, settings};
use crate::data::Random;
use crate::figure;
use crate::workloads::MEASUREMENTS;

const FOR: Duration = Duration::from_secs(20);
/// Pause between two bursts.
const PAUSE: Duration = Duration::from_millis(10);
/// Records of a burst while commits are measured: 20,000 a second.
const BURST: usize = 200;
/// Rows whose way is measured, one in each pause.
const ROWS: usize = 1_500;
/// Rows before them: queries begin.
const WARM: usize = 200;

/// From the begin of a commit of a windowed count to its end: the transaction, and the local write.
pub(super) fn of_commits(_limit: f64) -> Result<(), String> {
    let cluster = Cluster::start();
    let data = tempfile::tempdir().map_err(|error| error.to_string())?;
    let settings = settings(&cluster, GUARANTEE, "commits");
    let (server, stderr) = Server::start_telling(data.path(), &settings, "warn,engine::log::kafka::commit=debug");
    let count =
        "CREATE TABLE o AS SELECT k, COUNT(*) AS c, SUM(v) AS s FROM m WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY k;";
    let create = MEASUREMENTS.replace("{FORMAT}", "JSON").replace("{PARTITIONS}", "1") + count;
    http::ksql(&server.url, &create, &json!({"auto.offset.reset": "earliest"}));
    let reader = std::thread::spawn(move || {
        let lines = BufReader::new(stderr).lines().map_while(Result::ok).filter(|line| line.contains("took_ms="));
        lines.map(|line| number(&line, "took_ms=")).collect::<Result<Vec<_>, _>>()
    });
    let producer = cluster.producer()?;
    let (begin, mut random) = (Instant::now(), Random::new(7));
    while begin.elapsed() < FOR {
        for _ in 0..BURST {
            let (key, value) =
                ((random.below(100_000) as i64).to_be_bytes(), format!(r#"{{"V":{}}}"#, random.below(1_000)));
            send(&producer, "m", now_ms(), Some(&key), Some(value.as_bytes()))?;
        }
        producer.poll(PAUSE);
        std::thread::sleep(PAUSE);
    }
    server.kill();
    let times = reader.join().map_err(|_| "what the server says could not be read".to_owned())??;
    quantiles("kafka-commit", times)
}

/// From the moment a record is handed to an independent producer to its row in a push query on a stream made of it.
pub(super) fn of_rows(_limit: f64) -> Result<(), String> {
    let cluster = Cluster::start();
    let site = Site::start(&cluster, GUARANTEE)?;
    site.execute(
        "CREATE STREAM s (k INT KEY, n BIGINT, sent BIGINT) WITH (kafka_topic='s', value_format='json', partitions=1);
        CREATE STREAM o AS SELECT * FROM s WHERE n >= 0;",
        1,
    );
    let body = json!({"ksql": "SELECT n, sent FROM o EMIT CHANGES;", "streamsProperties": {}}).to_string();
    let accept = [("Accept", "application/vnd.ksql.v1+json")];
    let mut rows = http::open(&site.server.url, "POST", "/query", &accept, &body);
    rows.head();
    rows.piece();
    let is_over = Arc::new(AtomicBool::new(false));
    let produces = {
        let (producer, is_over) = (cluster.producer()?, Arc::clone(&is_over));
        std::thread::spawn(move || produce(&producer, &is_over))
    };
    let mut times = Vec::new();
    while times.len() < WARM + ROWS {
        let piece = rows.piece().ok_or("the push query ended")?;
        let now = now_us();
        for sent in sent_of(&piece)? {
            times.push((now - sent) as f64 / 1e3);
        }
    }
    is_over.store(true, Ordering::Relaxed);
    produces.join().map_err(|_| "producing failed".to_owned())??;
    quantiles("kafka-row", times.split_off(WARM))
}

/// One record after the other, with the time at which it is sent, in microseconds.
fn produce(producer: &BaseProducer, is_over: &AtomicBool) -> Result<(), String> {
    let mut n = 0;
    while !is_over.load(Ordering::Relaxed) {
        let value = json!({"N": n, "SENT": now_us()}).to_string();
        send(producer, "s", now_ms(), Some(&1_i32.to_be_bytes()), Some(value.as_bytes()))?;
        producer.poll(Duration::ZERO);
        std::thread::sleep(PAUSE);
        n += 1;
    }
    Ok(())
}

/// When the rows of a piece of an answer were sent.
fn sent_of(piece: &str) -> Result<Vec<i64>, String> {
    let mut sent = Vec::new();
    for line in piece.lines().map(|line| line.trim_end_matches(',')).filter(|line| line.contains("columns")) {
        let row: Value = serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))?;
        sent.push(row["row"]["columns"][1].as_i64().ok_or_else(|| format!("no time in {line}"))?);
    }
    Ok(sent)
}

fn quantiles(name: &str, mut times: Vec<f64>) -> Result<(), String> {
    times.sort_by(f64::total_cmp);
    let at = |part: usize| times.get(times.len() * part / 100).copied().ok_or_else(|| format!("{name}: nothing came"));
    figure(&format!("{name}-p50"), at(50)?, "ms", None);
    figure(&format!("{name}-p99"), at(99)?, "ms", None);
    Ok(())
}

fn now_us() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_micros() as i64
}

fn now_ms() -> i64 {
    now_us() / 1_000
}
