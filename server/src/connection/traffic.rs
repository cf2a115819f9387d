//! What goes on in a connection, as far as its time-outs need to know.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

/// Requests of one connection.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    running: AtomicUsize,
    begun: AtomicU64,
    /// Whether what arrives is no longer a head of HTTP/1: HTTP/2, or a WebSocket.
    without_heads: AtomicBool,
}

/// A request that is answered; dropping it ends it.
#[derive(Debug)]
pub(super) struct Running(Arc<Traffic>);

impl Traffic {
    /// A request's head is complete.
    pub(super) fn begin(self: &Arc<Self>) -> Running {
        self.running.fetch_add(1, Ordering::Relaxed);
        self.begun.fetch_add(1, Ordering::Relaxed);
        Running(Arc::clone(self))
    }

    /// What follows is not HTTP/1.
    pub(super) fn leave_http(&self) {
        self.without_heads.store(true, Ordering::Relaxed);
    }

    /// How many heads were complete so far.
    pub(super) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// Whether bytes that arrive now belong to the head of a request.
    pub(super) fn expects_head(&self) -> bool {
        self.running.load(Ordering::Relaxed) == 0 && !self.without_heads.load(Ordering::Relaxed)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A body that holds something until it is gone.
pub(super) struct Held<T> {
    body: Body,
    _until_gone: T,
}

impl<T: Send + Unpin + 'static> Held<T> {
    /// The body with what it holds.
    pub(super) fn body(body: Body, held: T) -> Body {
        if body.is_end_stream() { body } else { Body::new(Self { body, _until_gone: held }) }
    }
}

impl<T: Unpin> HttpBody for Held<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_runs_until_its_body_is_gone() {
        let traffic = Arc::new(Traffic::default());
        assert!(traffic.expects_head());
        let body = Held::body(Body::from("x"), traffic.begin());
        assert!(!traffic.expects_head());
        assert_eq!(body.size_hint().exact(), Some(1), "its length is still known");
        drop(body);
        assert!(traffic.expects_head());
        assert_eq!(traffic.begun(), 1);
        drop(Held::body(Body::empty(), traffic.begin()));
        traffic.leave_http();
        assert!(!traffic.expects_head());
    }
}
