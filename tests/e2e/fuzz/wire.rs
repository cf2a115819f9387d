//! Bytes to a server and back, whatever they are.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// A server that says nothing for so long hangs.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// How long one read waits.
const SLICE: Duration = Duration::from_millis(20);
/// Reads in vain before a server is told that it gets no more.
const MOMENT: usize = 5;

/// Reads in vain before a server is left that goes on with its answer: behind bytes that it has not read yet, it does not
/// see the end.
const LONG: usize = 50;

/// When an answer has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// The server closes the connection.
    Closed,
    /// The answer has begun, and nothing more comes for a moment: what is asked goes on for ever.
    Quiet,
    /// The server closes the connection; when nothing comes for a moment, it is told that it gets no more.
    Gone,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    /// All bytes.
    pub(super) bytes: Vec<u8>,
    /// Whether nothing at all came, or no end, for [`PATIENCE`].
    pub(super) hangs: bool,
}

impl Reply {
    /// The status of the first HTTP/1.1 answer, if there is one.
    pub(super) fn status(&self) -> Option<u16> {
        let line = self.bytes.strip_prefix(b"HTTP/1.")?.get(2..5)?;
        std::str::from_utf8(line).ok()?.parse().ok()
    }

    /// It as text.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// A connection to `http://HOST:PORT`.
pub(super) fn connect(url: &str) -> TcpStream {
    let address = url.trim_start_matches("http://");
    let stream = TcpStream::connect(address).unwrap_or_else(|e| panic!("{url}: {e}"));
    stream.set_nodelay(true).expect("an option can be set");
    stream.set_read_timeout(Some(SLICE)).expect("a timeout can be set");
    stream.set_write_timeout(Some(PATIENCE)).expect("a timeout can be set");
    stream
}

/// Sends pieces, one write each. A server that refuses may close before it has read everything.
pub(super) fn send(stream: &mut TcpStream, pieces: &[&[u8]]) {
    let _refused = pieces.iter().try_for_each(|piece| stream.write_all(piece));
}

/// Reads what the server says.
pub(super) fn receive(stream: &mut TcpStream, until: Until) -> Reply {
    let (mut bytes, mut buffer, begin) = (Vec::new(), vec![0; 1 << 16], Instant::now());
    let mut silent = 0;
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Reply { bytes, hangs: false },
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                silent += 1;
                match until {
                    Until::Quiet if !bytes.is_empty() => return Reply { bytes, hangs: false },
                    // Unless it has closed already.
                    Until::Gone if silent == MOMENT => drop(stream.shutdown(Shutdown::Write)),
                    Until::Gone if silent > LONG && !bytes.is_empty() => return Reply { bytes, hangs: false },
                    _ => {}
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Reset by the server, which had not read all of the request.
            Err(_) => return Reply { bytes, hangs: false },
        }
        if begin.elapsed() > PATIENCE {
            return Reply { bytes, hangs: true };
        }
    }
}
