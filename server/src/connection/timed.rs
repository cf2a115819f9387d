//! A socket that gives up on clients who keep it waiting: with half a head of a request, or with nothing at all.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::traffic::Traffic;

/// How HTTP/2 with prior knowledge begins; no request of HTTP/1 does.
const HTTP2: &[u8] = b"PRI * ";

/// A socket with time-outs.
pub(super) struct Timed<S> {
    stream: S,
    traffic: Arc<Traffic>,
    /// How long a head may take, and how long nothing may move.
    head: Duration,
    idle: Duration,
    moved: Instant,
    /// Since when a head is awaited, and how many were complete then. The first one is from the start.
    head_since: Option<(Instant, u64)>,
    is_new: bool,
    timer: Pin<Box<Sleep>>,
}

impl<S> Timed<S> {
    /// Around a socket that was just opened.
    pub(super) fn new(stream: S, traffic: Arc<Traffic>, head: Duration, idle: Duration) -> Self {
        let now = Instant::now();
        let timer = Box::pin(sleep_until(now + head.min(idle)));
        Self { stream, traffic, head, idle, moved: now, head_since: Some((now, 0)), is_new: true, timer }
    }

    /// Bytes went one way or the other.
    fn note(&mut self) {
        self.moved = Instant::now();
    }

    /// Bytes came; `begin` are the first of them.
    fn note_read(&mut self, begin: &[u8]) {
        self.note();
        if std::mem::take(&mut self.is_new) && begin.starts_with(HTTP2) {
            self.traffic.leave_http();
        }
        if !self.awaits_head() && self.traffic.expects_head() {
            self.head_since = Some((self.moved, self.traffic.begun()));
        }
    }

    /// Whether part of a head may be here, but not all of it.
    fn awaits_head(&self) -> bool {
        self.head_since.is_some_and(|(_, begun)| begun == self.traffic.begun()) && self.traffic.expects_head()
    }

    /// When patience ends, as things are.
    fn due(&self) -> Instant {
        let idle = self.moved + self.idle;
        match self.head_since {
            Some((since, _)) if self.awaits_head() => idle.min(since + self.head),
            _ => idle,
        }
    }

    /// Called when nothing moves: an error once that has lasted too long.
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let due = self.due();
        if due < self.timer.deadline() {
            self.timer.as_mut().reset(due);
        }
        while self.timer.as_mut().poll(context).is_ready() {
            let due = self.due();
            if due <= Instant::now() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.timer.as_mut().reset(due);
        }
        Ok(())
    }

    fn checked<T>(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match polled {
            Poll::Pending => match self.check(context) {
                Ok(()) => Poll::Pending,
                Err(error) => Poll::Ready(Err(error)),
            },
            ready => {
                self.note();
                ready
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Timed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if polled.is_ready() {
            self.note_read(buffer.filled().get(before..).unwrap_or_default());
        }
        self.checked(context, polled)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Timed<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, data);
        self.checked(context, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, data);
        self.checked(context, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(3600);

    fn pair(head: Duration, idle: Duration) -> (DuplexStream, Timed<DuplexStream>, Arc<Traffic>) {
        let (client, server) = duplex(1024);
        let traffic = Arc::new(Traffic::default());
        (client, Timed::new(server, Arc::clone(&traffic), head, idle), traffic)
    }

    /// Reads until it is given up, and says how long that took.
    async fn until_given_up(timed: &mut Timed<DuplexStream>) -> Duration {
        let begin = Instant::now();
        loop {
            if let Err(error) = timed.read_u8().await {
                assert_eq!(error.kind(), io::ErrorKind::TimedOut);
                return begin.elapsed();
            }
        }
    }

    #[tokio::test]
    async fn a_client_that_says_nothing_or_half_a_head_is_given_up() {
        let (_client, mut timed, _) = pair(SHORT, LONG);
        until_given_up(&mut timed).await;
        let (mut client, mut timed, _) = pair(SHORT, LONG);
        let drip = tokio::spawn(async move {
            while client.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        until_given_up(&mut timed).await;
        drip.abort();
    }

    #[tokio::test]
    async fn between_requests_and_while_one_runs_only_the_idle_time_counts() {
        let idle = SHORT * 4;
        let (mut client, mut timed, traffic) = pair(SHORT, idle);
        client.write_all(b"G").await.unwrap();
        timed.read_u8().await.unwrap();
        let running = traffic.begin();
        assert!(until_given_up(&mut timed).await >= idle);
        drop(running);
        let (mut client, mut timed, traffic) = pair(SHORT, idle);
        client.write_all(b"G").await.unwrap();
        timed.read_u8().await.unwrap();
        drop(traffic.begin());
        assert!(until_given_up(&mut timed).await >= idle);
        let (mut client, mut timed, traffic) = pair(SHORT, LONG);
        drop(traffic.begin());
        client.write_all(b"G").await.unwrap();
        // Would last an hour, if the second head did not count.
        until_given_up(&mut timed).await;
    }

    #[tokio::test]
    async fn http2_has_no_heads() {
        let (mut client, mut timed, _) = pair(SHORT, SHORT * 4);
        client.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
        let mut preface = [0; 24];
        timed.read_exact(&mut preface).await.unwrap();
        assert!(until_given_up(&mut timed).await >= SHORT * 4);
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_is_given_up() {
        let (_client, mut timed, traffic) = pair(LONG, SHORT);
        let _running = traffic.begin();
        assert_eq!(timed.write_all(&[0; 4096]).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
