//! Rows on their way from a query to its client: a bounded queue between an engine thread, which blocks when the client
//! is slow, and an asynchronous reader. Nothing here knows a runtime: the reader leaves its waker. `rows/writer.rs` writes
//! them.

mod permits;
mod writer;

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::{Condvar, Mutex};

use crate::log::Signal;

pub(crate) use self::permits::{Permit, Permits};
pub use self::writer::RowFormat;
pub(crate) use self::writer::RowWriter;

/// Bytes a queue holds before its sender has to wait.
const CAPACITY_BYTES: usize = 1 << 20;

/// Encoded rows: each in the query's [`RowFormat`], tombstones as JSON in any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowBatch {
    /// The rows' bytes, one after the other.
    pub data: Vec<u8>,
    /// Where each row ends in `data`.
    pub ends: Vec<usize>,
    /// Which rows say that a row of a table is gone (empty: none does).
    pub tombstones: Vec<bool>,
}

impl RowBatch {
    /// Keeps the first rows only.
    pub(crate) fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows);
        self.tombstones.truncate(rows);
        self.data.truncate(self.ends.last().copied().unwrap_or_default());
    }

    /// The rows: bytes, and whether it is a tombstone.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], bool)> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).enumerate().filter_map(|(row, (start, end))| {
            Some((self.data.get(start..*end)?, self.tombstones.get(row).copied().unwrap_or(false)))
        })
    }
}

/// How a query ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It has read all there is to read.
    Completed,
    /// It has given as many rows as were asked for.
    LimitReached,
    /// It was closed from elsewhere (TERMINATE, /close-query, shutdown).
    Closed,
    /// It cannot go on.
    Failed(String),
}

/// What the reader gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Rows.
    Rows(RowBatch),
    /// Nothing more will come.
    End(End),
}

#[derive(Debug, Default)]
struct Queue {
    batches: VecDeque<RowBatch>,
    bytes: usize,
    end: Option<End>,
    reader_gone: bool,
    /// How many may still send or end it.
    senders: usize,
    waker: Option<Waker>,
    room: Option<Arc<Signal>>,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

/// The engine's side. Dropping the last one without [`RowSender::end`] ends the stream as [`End::Closed`].
#[derive(Debug)]
pub struct RowSender(Arc<Shared>);

/// The client's side. Dropping it makes `send` fail and calls the hook given to [`channel`].
pub struct RowReceiver {
    shared: Arc<Shared>,
    on_drop: Option<Box<dyn FnOnce() + Send + Sync>>,
    /// Is told of the bytes that the client takes.
    meter: Option<Box<dyn Fn(usize) + Send + Sync>>,
}

/// The reader is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReaderGone;

/// A queue. `on_drop` is called when the receiver is dropped, so that a query with nothing to send ends too.
pub fn channel(on_drop: impl FnOnce() + Send + Sync + 'static) -> (RowSender, RowReceiver) {
    let shared = Arc::new(Shared::default());
    shared.queue.lock().senders = 1;
    (RowSender(shared.clone()), RowReceiver { shared, on_drop: Some(Box::new(on_drop)), meter: None })
}

impl RowSender {
    /// Hands over rows, waiting while the client is behind.
    ///
    /// # Errors
    /// Nobody reads any more, or the rows have ended.
    pub fn send(&self, batch: RowBatch) -> Result<(), ReaderGone> {
        let mut queue = self.0.queue.lock();
        while queue.bytes >= CAPACITY_BYTES && !queue.reader_gone && queue.end.is_none() {
            self.0.changed.wait(&mut queue);
        }
        if queue.reader_gone || queue.end.is_some() {
            return Err(ReaderGone);
        }
        queue.bytes += batch.data.len();
        queue.batches.push_back(batch);
        wake(queue);
        Ok(())
    }

    /// Whether `send` would not have to wait.
    pub fn has_room(&self) -> bool {
        let queue = self.0.queue.lock();
        queue.bytes < CAPACITY_BYTES || queue.reader_gone || queue.end.is_some()
    }

    /// Has the signal raised whenever the reader made room or left, for senders that do not want to wait in `send`.
    pub fn wake_on_room(&self, signal: Arc<Signal>) {
        self.0.queue.lock().room = Some(signal);
    }

    /// Ends the stream after what was sent; only the first end counts. Wakes a waiting [`RowSender::send`].
    pub fn end(&self, end: End) {
        let mut queue = self.0.queue.lock();
        queue.end.get_or_insert(end);
        self.0.changed.notify_all();
        wake(queue);
    }

    /// Whether nobody reads any more.
    pub fn is_closed(&self) -> bool {
        let queue = self.0.queue.lock();
        queue.reader_gone || queue.end.is_some()
    }

    /// Another handle on the same queue, to end it from elsewhere.
    pub fn handle(&self) -> RowSender {
        self.0.queue.lock().senders += 1;
        RowSender(self.0.clone())
    }
}

impl Drop for RowSender {
    fn drop(&mut self) {
        let is_last = {
            let mut queue = self.0.queue.lock();
            queue.senders -= 1;
            queue.senders == 0
        };
        if is_last {
            self.end(End::Closed);
        }
    }
}

fn wake(mut queue: parking_lot::MutexGuard<'_, Queue>) {
    let waker = queue.waker.take();
    drop(queue);
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl RowReceiver {
    /// The next event; after [`Event::End`] always that end again.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Event> {
        let mut queue = self.shared.queue.lock();
        if let Some(event) = take(&mut queue) {
            drop(queue);
            self.shared.changed.notify_all();
            self.count(&event);
            return Poll::Ready(event);
        }
        queue.waker = Some(context.waker().clone());
        Poll::Pending
    }

    /// The next event.
    pub async fn next(&mut self) -> Event {
        std::future::poll_fn(|context| self.poll_next(context)).await
    }

    /// Keeps something until it is dropped itself.
    pub fn hold(&mut self, held: impl Send + Sync + 'static) {
        let before = self.on_drop.take();
        self.on_drop = Some(Box::new(move || {
            if let Some(on_drop) = before {
                on_drop();
            }
            drop(held);
        }));
    }

    /// Waits until there is an event, and leaves it there.
    pub async fn ready(&mut self) {
        std::future::poll_fn(|context| {
            let mut queue = self.shared.queue.lock();
            if !queue.batches.is_empty() || queue.end.is_some() {
                return Poll::Ready(());
            }
            queue.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// The next event if there is one already; never waits.
    pub fn try_next(&mut self) -> Option<Event> {
        let event = take(&mut self.shared.queue.lock());
        self.shared.changed.notify_all();
        event.inspect(|event| self.count(event))
    }

    /// Has somebody told of the bytes of rows that are taken out.
    pub fn meter(&mut self, meter: impl Fn(usize) + Send + Sync + 'static) {
        self.meter = Some(Box::new(meter));
    }

    fn count(&self, event: &Event) {
        if let (Some(meter), Event::Rows(batch)) = (&self.meter, event) {
            meter(batch.data.len());
        }
    }
}

fn take(queue: &mut Queue) -> Option<Event> {
    if let Some(batch) = queue.batches.pop_front() {
        let was_full = queue.bytes >= CAPACITY_BYTES;
        queue.bytes -= batch.data.len();
        if let Some(room) = queue.room.as_ref().filter(|_| was_full && queue.bytes < CAPACITY_BYTES) {
            room.raise();
        }
        return Some(Event::Rows(batch));
    }
    queue.end.clone().map(Event::End)
}

impl Drop for RowReceiver {
    fn drop(&mut self) {
        let room = {
            let mut queue = self.shared.queue.lock();
            queue.reader_gone = true;
            queue.room.take()
        };
        self.shared.changed.notify_all();
        if let Some(room) = room {
            room.raise();
        }
        if let Some(on_drop) = self.on_drop.take() {
            on_drop();
        }
    }
}

impl std::fmt::Debug for RowReceiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RowReceiver")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(rows: &[&str]) -> RowBatch {
        let mut batch = RowBatch::default();
        for row in rows {
            batch.data.extend_from_slice(row.as_bytes());
            batch.ends.push(batch.data.len());
        }
        batch
    }

    #[test]
    fn rows_come_before_the_end() {
        let (sender, mut receiver) = channel(|| ());
        sender.send(batch(&["[1]", "[2,3]"])).unwrap();
        sender.end(End::LimitReached);
        sender.end(End::Completed);
        let Some(Event::Rows(rows)) = receiver.try_next() else { panic!("rows expected") };
        assert_eq!(rows.iter().map(|(row, _)| row).collect::<Vec<_>>(), [&b"[1]"[..], b"[2,3]"]);
        assert_eq!(receiver.try_next(), Some(Event::End(End::LimitReached)));
        assert_eq!(sender.send(batch(&["[4]"])), Err(ReaderGone));
    }

    #[test]
    fn a_slow_reader_stops_the_sender_and_a_gone_one_frees_it() {
        let (sender, receiver) = channel(|| ());
        let big = "x".repeat(CAPACITY_BYTES);
        sender.send(batch(&[&big])).unwrap();
        let waiting = std::thread::spawn(move || sender.send(batch(&["[1]"])));
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert!(!waiting.is_finished());
        drop(receiver);
        assert_eq!(waiting.join().unwrap(), Err(ReaderGone));
    }

    #[test]
    fn a_dropped_sender_closes() {
        let (sender, mut receiver) = channel(|| ());
        let handle = sender.handle();
        drop(sender);
        assert_eq!(receiver.try_next(), None);
        drop(handle);
        assert_eq!(receiver.try_next(), Some(Event::End(End::Closed)));
    }
}
