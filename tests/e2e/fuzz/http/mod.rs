//! Requests: what a client, a scanner or a broken proxy may put on the wire, whole or in pieces.

mod frames;
mod requests;

use std::net::TcpStream;

use e2e::http::ksql;
use fastrand::Rng;
use serde_json::json;

pub(super) use self::requests::{odd_json, scratch};
use super::profile::{Batch, Profile};
use super::victim::Victim;
use super::wire::{self, Until};

/// Connections to one server, and how many servers.
const BATCH: usize = 125;
const BATCHES: u64 = 4;

/// What there is to ask for.
const SOURCES: &str = "
    CREATE STREAM S (K STRING KEY, I INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
    CREATE TABLE C AS SELECT K, COUNT(*) AS N FROM S GROUP BY K;
    INSERT INTO S VALUES ('a', 1); INSERT INTO S VALUES ('b', 2);";

#[test]
fn requests_stop_nothing() {
    for batch in Profile::new("fuzz::http").batches(BATCHES) {
        try_batch(batch);
    }
}

fn try_batch(batch: Batch) {
    let mut random = Rng::with_seed(batch.seed);
    let mut victim = Victim::start(batch);
    ksql(&victim.url, SOURCES, &json!({}));
    for _ in 0..BATCH {
        let bytes = match random.u8(..10) {
            0 | 1 => frames::http2(&mut random),
            2 | 3 => frames::web_socket(&mut random),
            _ => requests::request(&mut random),
        };
        let reply = victim.ask(&pieces(&bytes, &mut random), Until::Gone);
        victim.answered(&reply);
    }
    victim.works(1);
    let held = hold(&victim.url);
    let mut victim = victim.restart();
    drop(held);
    victim.still_works(1);
    victim.stop();
}

/// Bytes cut at random places, mostly at few.
fn pieces<'a>(bytes: &'a [u8], random: &mut Rng) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = (0..random.usize(..4)).map(|_| random.usize(..=bytes.len())).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect()
}

/// Connections in the middle of something, which must not keep a server from its end.
fn hold(url: &str) -> Vec<TcpStream> {
    let push =
        json!({"sql": "SELECT * FROM S EMIT CHANGES;", "properties": {"auto.offset.reset": "earliest"}}).to_string();
    let post = |path: &str, length: usize, body: &str| {
        format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}")
    };
    let request = requests::encoded(&json!({"ksql": "SELECT * FROM S EMIT CHANGES;"}).to_string());
    let socket = format!(
        "GET /ws/query?request={request} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: \
         13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    let begun = [
        String::new(),
        "POST".to_owned(),
        "GET /info HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        "GET /info HTTP/1.1\r\nHost:".to_owned(),
        post("/ksql", 1_000, "{\"ksql\":"),
        post("/query-stream", push.len(), &push),
        socket,
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "POST /ksql HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"k".to_owned(),
    ];
    let open = |bytes: &String| {
        let mut stream = wire::connect(url);
        wire::send(&mut stream, &[bytes.as_bytes()]);
        stream
    };
    begun.iter().map(open).collect()
}
