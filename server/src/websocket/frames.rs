//! Frames of a connection that was switched to WebSocket.

use std::io;

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::sync::mpsc;

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
/// Longest reason of a close frame.
const MAX_REASON_BYTES: usize = 123;
/// Longest frame that is taken from a client, who has nothing to say.
const MAX_FRAME_BYTES: u64 = 1 << 16;

/// The server's end.
pub(crate) struct Socket {
    writer: WriteHalf<TokioIo<Upgraded>>,
    /// Payloads of pings; closed when the client has closed or dropped the connection.
    pings: mpsc::Receiver<Vec<u8>>,
}

impl Socket {
    /// Over an upgraded connection.
    pub(crate) fn new(upgraded: Upgraded) -> Self {
        let (reader, writer) = split(TokioIo::new(upgraded));
        let (sender, pings) = mpsc::channel(1);
        tokio::spawn(listen(reader, sender));
        Self { writer, pings }
    }

    /// Sends a text message.
    pub(crate) async fn text(&mut self, text: &[u8]) -> io::Result<()> {
        self.frame(TEXT, text).await
    }

    /// Sends a close frame and ends the connection.
    pub(crate) async fn close(&mut self, code: u16, reason: &str) -> io::Result<()> {
        let mut payload = code.to_be_bytes().to_vec();
        payload.extend_from_slice(shortened(reason).as_bytes());
        self.frame(CLOSE, &payload).await?;
        self.writer.shutdown().await
    }

    /// Answers pings until the client closes or drops the connection. Safe to cancel.
    pub(crate) async fn until_closed(&mut self) {
        while let Some(payload) = self.pings.recv().await {
            if self.frame(PONG, &payload).await.is_err() {
                return;
            }
        }
    }

    async fn frame(&mut self, kind: u8, payload: &[u8]) -> io::Result<()> {
        let mut head = vec![0x80 | kind];
        match payload.len() {
            length @ 0..126 => head.push(length as u8),
            length @ 126..65536 => {
                head.push(126);
                head.extend_from_slice(&(length as u16).to_be_bytes());
            }
            length => {
                head.push(127);
                head.extend_from_slice(&(length as u64).to_be_bytes());
            }
        }
        self.writer.write_all(&head).await?;
        self.writer.write_all(payload).await?;
        self.writer.flush().await
    }
}

/// Hands on pings until the connection ends.
async fn listen(mut reader: ReadHalf<TokioIo<Upgraded>>, pings: mpsc::Sender<Vec<u8>>) {
    while let Ok(Some((kind, payload))) = read(&mut reader).await {
        if kind == CLOSE || kind == PING && pings.send(payload).await.is_err() {
            return;
        }
    }
}

/// The next frame; `None` if it is too long for what a client may say.
async fn read(reader: &mut ReadHalf<TokioIo<Upgraded>>) -> io::Result<Option<(u8, Vec<u8>)>> {
    let mut head = [0; 2];
    reader.read_exact(&mut head).await?;
    let length = match head[1] & 0x7f {
        126 => u64::from(reader.read_u16().await?),
        127 => reader.read_u64().await?,
        short => u64::from(short),
    };
    if length > MAX_FRAME_BYTES {
        return Ok(None);
    }
    let mut mask = [0; 4];
    if head[1] & 0x80 != 0 {
        reader.read_exact(&mut mask).await?;
    }
    let mut payload = vec![0; usize::try_from(length).unwrap_or_default()];
    reader.read_exact(&mut payload).await?;
    payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    Ok(Some((head[0] & 0x0f, payload)))
}

/// A reason that fits into a close frame.
fn shortened(reason: &str) -> String {
    if reason.len() <= MAX_REASON_BYTES {
        return reason.to_owned();
    }
    let end = (0..=MAX_REASON_BYTES - 3).rev().find(|end| reason.is_char_boundary(*end)).unwrap_or(0);
    format!("{}...", &reason[..end])
}
