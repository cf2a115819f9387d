//! Connections of HTTP/2 with prior knowledge and of WebSockets, frame by frame, nearly right.

use fastrand::Rng;
use serde_json::json;

use super::super::odd;
use super::requests::{body, encoded, odd_json, rows, scratch};

/// What a client of HTTP/2 says first.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Types of frames.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
/// Flags.
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A header that is not to be remembered, in HPACK.
fn header(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| {
        let length = text.len();
        // An integer of seven bits, or with a second byte of it.
        let head = if length < 127 { vec![length as u8] } else { vec![127, (length - 127).min(127) as u8] };
        [&head[..], &text.as_bytes()[..length.min(254)]].concat()
    };
    [&[0x10][..], &text(name), &text(value)].concat()
}

/// A connection of HTTP/2 with some requests.
pub(super) fn http2(random: &mut Rng) -> Vec<u8> {
    let mut frames = vec![PREFACE.to_vec(), frame(SETTINGS, 0, 0, &[])];
    for stream in 0..random.u32(1..4) {
        let id = stream * 2 + 1;
        let path = ["/ksql", "/query-stream", "/inserts-stream", "/query", "/info"][random.usize(..5)];
        let mut headers: Vec<Vec<u8>> =
            [(":method", "POST"), (":scheme", "http"), (":authority", "localhost"), (":path", path)]
                .map(|(n, v)| header(n, v))
                .into();
        if random.u8(..4) == 0 {
            headers.push(header(&odd::text(random), &odd::text(random)));
        }
        if random.u8(..8) == 0 {
            headers.remove(random.usize(..headers.len()));
        }
        frames.push(frame(HEADERS, END_HEADERS, id, &headers.concat()));
        let body = match (path, random.bool()) {
            ("/inserts-stream", _) => rows(random),
            (_, true) => body(random).to_string(),
            (_, false) => odd_json(body(random), random).to_string(),
        };
        for piece in body.as_bytes().chunks(random.usize(1..10_000)) {
            frames.push(frame(DATA, 0, id, piece));
        }
        frames.push(frame(DATA, END_STREAM, id, &[]));
    }
    for _ in 0..random.usize(..4) {
        let at = random.usize(1..frames.len());
        let mut payload: Vec<u8> = (0..random.usize(..40)).map(|_| random.u8(..)).collect();
        match random.u8(..5) {
            0 => drop(frames.remove(at)),
            1 => frames[at..].reverse(),
            2 => scratch(&mut frames[at], random),
            3 => {
                // A window update, a reset, a ping, a priority: these have a length of their own.
                payload.resize([4, 4, 8, 5][random.usize(..4)], 0);
                frames.insert(at, frame([8, 3, 6, 2][random.usize(..4)], random.u8(..), random.u32(..5), &payload));
            }
            _ => frames.insert(at, frame(random.u8(..16), random.u8(..), random.u32(..), &payload)),
        }
    }
    frames.concat()
}

/// A handshake of a WebSocket and some frames after it.
pub(super) fn web_socket(random: &mut Rng) -> Vec<u8> {
    let asked = ["SELECT * FROM S EMIT CHANGES;", "SELECT * FROM C;", "PRINT 's';", "SHOW STREAMS;"][random.usize(..4)];
    let request = json!({ "ksql": asked });
    let request = if random.bool() { request } else { odd_json(request, random) };
    let query = encoded(&request.to_string());
    let version = if random.u8(..10) == 0 { odd::number(random) } else { "13".to_owned() };
    let mut bytes = format!(
        "GET /ws/query?request={query} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: \
         {version}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .into_bytes();
    if random.u8(..6) == 0 {
        scratch(&mut bytes, random);
    }
    for _ in 0..random.usize(..5) {
        bytes.extend(web_socket_frame(random));
    }
    bytes
}

fn web_socket_frame(random: &mut Rng) -> Vec<u8> {
    let payload: Vec<u8> = match random.u8(..4) {
        0 => Vec::new(),
        1 => odd::text(random).into_bytes(),
        2 => (0..random.usize(..200)).map(|_| random.u8(..)).collect(),
        // Beyond what is taken.
        _ => vec![b'x'; random.usize(60_000..70_000)],
    };
    // Mostly whole frames with one of the known codes, masked.
    let opcode = if random.u8(..6) == 0 { random.u8(..) } else { 0x80 | [1, 2, 8, 9, 10][random.usize(..5)] };
    let mask = if random.u8(..6) == 0 { 0 } else { 0x80 };
    let mut bytes = vec![opcode];
    match (random.u8(..10), payload.len()) {
        (0, _) => bytes.extend([&[mask | 127][..], &random.u64(..).to_be_bytes()].concat()),
        (_, length @ 0..126) => bytes.push(mask | length as u8),
        (_, length @ 126..65_536) => bytes.extend([&[mask | 126][..], &(length as u16).to_be_bytes()].concat()),
        (_, length) => bytes.extend([&[mask | 127][..], &(length as u64).to_be_bytes()].concat()),
    }
    // A mask of zeros leaves the payload as it is.
    bytes.extend_from_slice(if mask == 0 { &[] } else { &[0; 4] });
    bytes.extend(payload);
    bytes
}
