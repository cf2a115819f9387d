//! Requests of HTTP/1.1 that are nearly right.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::super::odd;

const METHODS: &[&str] =
    &["GET", "POST", "POST", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH", "get", "X-Y", ""];

const PATHS: &[&str] = &[
    "/",
    "/info",
    "/healthcheck",
    "/ksql",
    "/ksql/",
    "//ksql",
    "/query",
    "/query-stream",
    "/inserts-stream",
    "/close-query",
    "/status",
    "/status/stream/S/create",
    "/status/a/b/c/d",
    "/is_valid_property/ksql.service.id",
    "/is_valid_property/%ff%00",
    "/v1/metadata",
    "/v1/metadata/id",
    "/clusterStatus",
    "/heartbeat",
    "/lag",
    "/chc/ready",
    "/chc/live",
    "/ws/query",
    "/ws/query?request=%7B",
    "/nope",
    "/../../etc/passwd",
    "/%2e%2e/x",
    "*",
    "http://h/info",
    "/ksql?x=y#z",
    "/é",
];

const HEADERS: &[(&str, &str)] = &[
    ("Accept", "application/json"),
    ("Accept", "application/vnd.ksql.v1+json"),
    ("Accept", "application/vnd.ksqlapi.delimited.v1"),
    ("Accept", "application/vnd.ksql.v1+protobuf"),
    ("Accept", "*/*;q=0"),
    ("Accept", "text/html, */*;q=x"),
    ("Accept", ",;,="),
    ("Content-Type", "application/json; charset=utf-16"),
    ("Content-Type", "x"),
    ("Content-Encoding", "gzip"),
    ("Transfer-Encoding", "chunked"),
    ("Transfer-Encoding", "gzip, chunked"),
    ("Transfer-Encoding", "identity"),
    ("Content-Length", "-1"),
    ("Content-Length", "0"),
    ("Content-Length", "99999999999999999999"),
    ("Content-Length", "18446744073709551615"),
    ("Content-Length", "1, 2"),
    ("Expect", "100-continue"),
    ("Expect", "x"),
    ("Connection", "Upgrade, HTTP2-Settings"),
    ("Upgrade", "h2c"),
    ("Upgrade", "websocket"),
    ("HTTP2-Settings", "AAMAAABk"),
    ("Connection", "keep-alive"),
    ("Host", ""),
    ("Host", "a b"),
    ("Authorization", "Basic !"),
    ("Authorization", "Bearer x"),
    ("Range", "bytes=0-"),
    ("Cookie", "a=b"),
    ("Origin", "null"),
    ("Access-Control-Request-Method", "POST"),
    ("X", "\u{1}"),
    ("X Y", "z"),
    ("", "empty"),
    ("TE", "trailers"),
];

/// Bodies that are right for some route.
pub(super) fn body(random: &mut Rng) -> Value {
    let push = "SELECT * FROM S EMIT CHANGES;";
    match random.u8(..12) {
        0 => json!({"ksql": "SHOW STREAMS;", "streamsProperties": {}, "commandSequenceNumber": random.i64(-3..1)}),
        1 => json!({"ksql": "DESCRIBE S; SHOW QUERIES;", "sessionVariables": {"x": "y"}, "requestProperties": {}}),
        2 => json!({"ksql": "SELECT * FROM S;", "streamsProperties": {"auto.offset.reset": "earliest"}}),
        3 => json!({"sql": "SELECT * FROM C;", "properties": {}}),
        4 => json!({"sql": push, "properties": {"auto.offset.reset": "earliest"}}),
        5 => json!({"ksql": push}),
        6 => json!({"queryId": "transient_S_1"}),
        7 => json!({"target": "S", "properties": {}}),
        8 => json!({"hostInfo": {"host": "h", "port": 1}, "timestamp": 0, "lastSlackTime": 1, "clusterId": "x"}),
        9 => json!({"ksql": "INSERT INTO S (K, I) VALUES ('a', 1);"}),
        10 => json!({"ksql": "PRINT 's' FROM BEGINNING LIMIT 1;"}),
        _ => {
            json!({"ksql": "EXPLAIN SELECT I FROM S;", "streamsProperties": {"ksql.query.persistent.max.bytes.buffering.total": "1"}})
        }
    }
}

/// Rows for /inserts-stream behind the line that names their target.
pub(super) fn rows(random: &mut Rng) -> String {
    let mut lines = vec![json!({"target": "S", "properties": {}}).to_string()];
    for number in 0..random.usize(..20) {
        let row = json!({"K": "a", "I": number});
        lines.push(if random.u8(..4) == 0 { odd_json(row, random) } else { row }.to_string());
    }
    lines.join("\n")
}

/// A document with something odd in it.
pub(in super::super) fn odd_json(mut value: Value, random: &mut Rng) -> Value {
    let odd = match random.u8(..9) {
        0 => Value::Null,
        1 => json!(odd::text(random)),
        2 => serde_json::from_str(&odd::number(random)).unwrap_or(Value::Null),
        3 => (0..random.usize(1..100)).fold(json!(0), |inside, _| json!([inside])),
        4 => (0..random.usize(1..100)).fold(json!(0), |inside, _| json!({"ksql": inside})),
        5 => json!(random.bool()),
        6 => (0..random.usize(1..2_000)).map(|n| (n.to_string(), json!(n))).collect::<Map<_, _>>().into(),
        7 => json!(vec![0; random.usize(1..2_000)]),
        _ => body(random),
    };
    match value.as_object_mut() {
        Some(fields) if !fields.is_empty() && random.u8(..10) > 0 => {
            let names: Vec<String> = fields.keys().cloned().collect();
            let name = names[random.usize(..names.len())].clone();
            match random.u8(..4) {
                0 => drop(fields.remove(&name)),
                1 => drop(fields.insert(odd::text(random), odd)),
                2 if fields[&name].is_object() => fields[&name] = odd_json(fields[&name].clone(), random),
                _ => fields[&name] = odd,
            }
            value
        }
        _ => odd,
    }
}

/// A request as bytes.
pub(super) fn request(random: &mut Rng) -> Vec<u8> {
    let pick = |pool: &[&str], random: &mut Rng| pool[random.usize(..pool.len())].to_owned();
    let (mut method, mut path) =
        ("POST".to_owned(), pick(&["/ksql", "/query", "/query-stream", "/inserts-stream", "/close-query"], random));
    if random.u8(..3) == 0 {
        (method, path) = (pick(METHODS, random), pick(PATHS, random));
    }
    if random.u8(..20) == 0 {
        path = format!("/{}", odd::text(random));
    }
    let mut body = match random.u8(..3) {
        0 => body(random).to_string(),
        _ => odd_json(body(random), random).to_string(),
    }
    .into_bytes();
    if random.u8(..6) == 0 {
        (0..random.usize(1..5)).for_each(|_| {
            body.extend_from_slice(format!("\n{}", odd_json(json!({"K": "a", "I": 1}), random)).as_bytes())
        });
    }
    let version = if random.u8(..20) == 0 {
        pick(&["HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/9", "http/1.1", ""], random)
    } else {
        "HTTP/1.1".to_owned()
    };
    let mut head = format!("{method} {path} {version}\r\n");
    if random.u8(..20) > 0 {
        head += "Host: localhost\r\n";
    }
    for _ in 0..random.usize(..4) {
        let (name, value) = HEADERS[random.usize(..HEADERS.len())];
        head += &format!("{name}: {value}\r\n");
    }
    if random.u8(..30) == 0 {
        head += &format!("X-Long: {}\r\n", "x".repeat(random.usize(..200_000)));
    }
    if random.u8(..30) == 0 {
        (0..random.usize(..500)).for_each(|n| head += &format!("X-{n}: {n}\r\n"));
    }
    let mut bytes = match random.u8(..6) {
        0 => [format!("{head}Transfer-Encoding: chunked\r\n\r\n").into_bytes(), chunked(&body, random)].concat(),
        1 => [format!("{head}\r\n").into_bytes(), body].concat(),
        2 => {
            let length = (body.len() as i64 + random.i64(-5..5)).max(0);
            [format!("{head}Content-Length: {length}\r\n\r\n").into_bytes(), body].concat()
        }
        _ => [format!("{head}Content-Length: {}\r\n\r\n", body.len()).into_bytes(), body].concat(),
    };
    if random.u8(..4) == 0 {
        scratch(&mut bytes, random);
    }
    bytes
}

/// A body in chunks; now and then one is wrong.
fn chunked(body: &[u8], random: &mut Rng) -> Vec<u8> {
    let mut bytes = Vec::new();
    for chunk in body.chunks(random.usize(1..64)) {
        let length = if random.u8(..50) == 0 { odd::number(random) } else { format!("{:x}", chunk.len()) };
        bytes.extend_from_slice(length.as_bytes());
        bytes.extend_from_slice(if random.u8(..50) == 0 { b";ext=\n" } else { b"\r\n" });
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(if random.u8(..10) == 0 { b"0\r\nTrailer: x\r\n" } else { b"0\r\n\r\n" });
    bytes
}

/// Some bytes changed, left out, added, or the end cut off.
pub(in super::super) fn scratch(bytes: &mut Vec<u8>, random: &mut Rng) {
    for _ in 0..random.usize(1..6) {
        if bytes.is_empty() {
            return;
        }
        let at = random.usize(..bytes.len());
        match random.u8(..6) {
            0 => drop(bytes.remove(at)),
            1 => bytes.truncate(at),
            2 => bytes.insert(at, random.u8(..)),
            3 => drop(bytes.splice(at..at, [0xff, 0xfe, 0xc0, 0x80])),
            _ => bytes[at] ^= 1 << random.u8(..8),
        }
    }
}

/// A text as part of a URL.
pub(super) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
