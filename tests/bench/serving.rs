//! Figures of a server as a process: start, idle memory, pull queries, the way from an INSERT to an open push query.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use e2e::http::{self, ksql};
use e2e::process::Server;
use serde_json::json;

use crate::cpu::resident_bytes;
use crate::data::Random;
use crate::figure;

const KEYS: u64 = 1_000;
const CONNECTIONS: u64 = 16;
const PULL_FOR: Duration = Duration::from_secs(5);
const INSERTS: usize = 200;

/// From exec to the first answer, and resident memory two seconds later.
pub(crate) fn start_and_idle() -> Result<(), String> {
    let mut starts = Vec::new();
    for _ in 0..5 {
        let data = tempfile::tempdir().map_err(|e| e.to_string())?;
        let begin = Instant::now();
        let server = Server::start(data.path(), &[]);
        let status = http::request(&server.url, "GET", "/info", &[], "").status;
        starts.push(begin.elapsed().as_secs_f64() * 1e3);
        if status != 200 {
            return Err(format!("/info answered {status}"));
        }
        if starts.len() == 5 {
            std::thread::sleep(Duration::from_secs(2));
            figure("idle-memory", resident_bytes(server.pid()) as f64 / 1e6, "MB", None);
        }
    }
    starts.sort_by(f64::total_cmp);
    figure("start", starts[starts.len() / 2], "ms", None);
    Ok(())
}

/// Pull queries by key over HTTP/1.1 on 16 connections: rate and 99th percentile.
pub(crate) fn pull() -> Result<(), String> {
    let data = tempfile::tempdir().map_err(|e| e.to_string())?;
    let server = Server::start(data.path(), &[]);
    let earliest = json!({"auto.offset.reset": "earliest"});
    let create = "CREATE STREAM s (k INT KEY, v INT) WITH (kafka_topic='s', value_format='json', partitions=1);
        CREATE TABLE t AS SELECT k, COUNT(*) AS c, SUM(v) AS total FROM s GROUP BY k;";
    ksql(&server.url, create, &earliest);
    let inserts: String = (0..KEYS).map(|k| format!("INSERT INTO s (k, v) VALUES ({k}, {k});")).collect();
    ksql(&server.url, &inserts, &json!({}));
    e2e::eventually("the table holds every key", || {
        (http::rows(&server.url, "SELECT k FROM t;", &json!({})).len() as u64 == KEYS).then_some(())
    });
    let until = Instant::now() + PULL_FOR;
    let threads: Vec<_> = (0..CONNECTIONS)
        .map(|seed| {
            let url = server.url.clone();
            std::thread::spawn(move || pull_until(&url, seed, until))
        })
        .collect();
    let mut latencies = Vec::new();
    for thread in threads {
        latencies.extend(thread.join().map_err(|_| "a connection broke".to_owned())??);
    }
    latencies.sort_unstable();
    let p99 = latencies[latencies.len() * 99 / 100];
    figure("pull", latencies.len() as f64 / PULL_FOR.as_secs_f64(), "queries/s", None);
    figure("pull-p99", f64::from(p99) / 1e3, "ms", None);
    Ok(())
}

/// Latencies in microseconds of one connection that asks for random keys.
fn pull_until(url: &str, seed: u64, until: Instant) -> Result<Vec<u32>, String> {
    let mut random = Random::new(seed);
    let mut connection = KeepAlive::open(url)?;
    let mut latencies = Vec::new();
    while Instant::now() < until {
        let key = random.below(KEYS);
        let body = format!(r#"{{"ksql":"SELECT k, c, total FROM t WHERE k = {key};","streamsProperties":{{}}}}"#);
        let begin = Instant::now();
        let answer = connection.post("/query", &body)?;
        latencies.push(begin.elapsed().as_micros().min(u128::from(u32::MAX)) as u32);
        if !answer.contains(&format!("[{key},1,{key}]")) {
            return Err(format!("key {key}: {answer}"));
        }
    }
    Ok(latencies)
}

/// A connection that is used again and again.
struct KeepAlive {
    reader: BufReader<TcpStream>,
    host: String,
}

impl KeepAlive {
    fn open(url: &str) -> Result<Self, String> {
        let host = url.trim_start_matches("http://").to_owned();
        let stream = TcpStream::connect(&host).map_err(|e| e.to_string())?;
        stream.set_nodelay(true).map_err(|e| e.to_string())?;
        Ok(Self { reader: BufReader::new(stream), host })
    }

    fn post(&mut self, path: &str, body: &str) -> Result<String, String> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nAccept: application/vnd.ksql.v1+json\r\nContent-Length: {}\r\n\r\n{body}",
            self.host,
            body.len()
        );
        self.reader.get_mut().write_all(head.as_bytes()).map_err(|e| e.to_string())?;
        self.answer().map_err(|e| e.to_string())
    }

    fn answer(&mut self) -> std::io::Result<String> {
        let (mut length, mut chunked, mut line) = (0, false, String::new());
        loop {
            line.clear();
            self.reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else {
                if line.trim_end().is_empty() {
                    break;
                }
                continue;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap_or(0);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                chunked = true;
            }
        }
        let mut body = Vec::new();
        loop {
            if chunked {
                line.clear();
                self.reader.read_line(&mut line)?;
                length = usize::from_str_radix(line.trim_end(), 16).unwrap_or(0);
            }
            let from = body.len();
            body.resize(from + length, 0);
            self.reader.read_exact(&mut body[from..])?;
            if !chunked {
                break;
            }
            line.clear();
            self.reader.read_line(&mut line)?;
            if length == 0 {
                break;
            }
        }
        Ok(String::from_utf8_lossy(&body).into_owned())
    }
}

/// From the moment an INSERT is sent to its row on an open push query.
pub(crate) fn insert_to_push() -> Result<(), String> {
    let data = tempfile::tempdir().map_err(|e| e.to_string())?;
    let server = Server::start(data.path(), &[]);
    let create = "CREATE STREAM s (k INT KEY, v INT) WITH (kafka_topic='s', value_format='json', partitions=1);";
    ksql(&server.url, create, &json!({}));
    let body = json!({"ksql": "SELECT v FROM s EMIT CHANGES;", "streamsProperties": {}}).to_string();
    let mut rows = http::open(&server.url, "POST", "/query", &[("Accept", "application/vnd.ksql.v1+json")], &body);
    rows.head();
    rows.piece();
    let mut latencies = Vec::new();
    for v in 0..INSERTS {
        let begin = Instant::now();
        ksql(&server.url, &format!("INSERT INTO s (k, v) VALUES (1, {v});"), &json!({}));
        let row = rows.piece().ok_or("the push query ended")?;
        latencies.push(begin.elapsed().as_secs_f64() * 1e3);
        if !row.contains(&format!("[{v}]")) {
            return Err(format!("row {v} is expected, {row} came"));
        }
    }
    latencies.sort_by(f64::total_cmp);
    figure("insert-to-push-p50", latencies[latencies.len() / 2], "ms", None);
    figure("insert-to-push-p99", latencies[latencies.len() * 99 / 100], "ms", None);
    Ok(())
}
