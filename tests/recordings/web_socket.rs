//! Listening to a WebSocket: each message becomes a line, the close frame becomes the last one.

use std::io;

use parking_lot::Mutex;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::exchange::Seen;

/// Connects, and reads until the server closes.
pub(crate) async fn run(host: &str, path: &str, into: &Mutex<Seen>) -> io::Result<()> {
    let mut stream = BufReader::new(TcpStream::connect(host).await?);
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: \
         13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut status = None;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        match line.trim_end() {
            "" => break,
            line if status.is_none() => status = line.split(' ').nth(1).and_then(|status| status.parse().ok()),
            _ => {}
        }
    }
    into.lock().head = Some((status.unwrap_or(0), Default::default()));
    loop {
        let (kind, length) = (stream.read_u8().await? & 0x0f, stream.read_u8().await?);
        let length = match length & 0x7f {
            126 => u64::from(stream.read_u16().await?),
            127 => stream.read_u64().await?,
            short => u64::from(short),
        };
        let mut payload = vec![0; usize::try_from(length).unwrap_or_default()];
        stream.read_exact(&mut payload).await?;
        if kind == 8 {
            let (code, reason) = payload.split_at(payload.len().min(2));
            let code = code.iter().fold(0_u16, |code, byte| code << 8 | u16::from(*byte));
            payload = json!({"close": code, "reason": String::from_utf8_lossy(reason)}).to_string().into_bytes();
        }
        payload.push(b'\n');
        into.lock().bytes.extend_from_slice(&payload);
        if kind == 8 {
            return Ok(());
        }
    }
}
