//! Reading for everybody: a few clients, whatever the number of readers.
//!
//! ```text
//! sharing  who reads a partition from where, what is fetched and kept of it: no client in it
//! client   a client of librdkafka and the thread that copies records out of it, once
//! ```
//!
//! A reader has a [`Seat`] per partition. What it changes there tells clients what to do; what clients bring raises its signal.

mod client;
mod sharing;
#[cfg(test)]
mod sharing_tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use parking_lot::Mutex;

use self::client::Client;
use self::sharing::{CLIENTS, Sharing, Taken};
use super::connection::Connection;
use crate::log::{Position, RawBatch, Result, Signal, TopicPartition};

pub(super) use self::sharing::Trouble;

/// A partition that somebody reads.
struct Feed {
    of: TopicPartition,
    id: u64,
    sharing: Mutex<Sharing>,
}

/// The clients, and what they read.
pub(super) struct Fetching {
    connection: Arc<Connection>,
    /// The group that clients say they are of.
    group: String,
    clients: [Mutex<Option<Client>>; CLIENTS],
    feeds: Mutex<HashMap<TopicPartition, Arc<Feed>>>,
    ids: AtomicU64,
    kept: Arc<AtomicUsize>,
}

impl Fetching {
    /// No client yet.
    pub(super) fn new(connection: Arc<Connection>, group: &str) -> Arc<Fetching> {
        Arc::new(Fetching {
            connection,
            group: group.to_owned(),
            clients: Default::default(),
            feeds: Mutex::default(),
            ids: AtomicU64::new(0),
            kept: Arc::default(),
        })
    }

    /// A reader of one partition.
    ///
    /// # Errors
    /// There can be no client.
    pub(super) fn join(self: &Arc<Self>, from: Position, wake: Arc<Signal>) -> Result<Seat> {
        self.start(0)?;
        let mut feeds = self.feeds.lock();
        let new_feed = || {
            let id = self.ids.fetch_add(1, Ordering::Relaxed);
            let sharing = Mutex::new(Sharing::new(Arc::clone(&self.kept)));
            Arc::new(Feed { of: from.of.clone(), id, sharing })
        };
        let feed = Arc::clone(feeds.entry(from.of.clone()).or_insert_with(new_feed));
        let reader = self.change(&feed, |sharing| sharing.join(from.offset, wake, Instant::now()));
        Ok(Seat { fetching: Arc::clone(self), feed, reader, has_ended: false })
    }

    /// Changes who reads what, and tells the clients.
    fn change<T>(&self, feed: &Arc<Feed>, change: impl FnOnce(&mut Sharing) -> T) -> T {
        let mut sharing = feed.sharing.lock();
        let result = change(&mut sharing);
        let changed = sharing.take_changed();
        drop(sharing);
        for client in changed {
            if let Err(error) = self.start(client) {
                let mut sharing = feed.sharing.lock();
                if let Some(wanted) = sharing.wanted(client) {
                    sharing.failed(client, wanted.number, &Trouble::NoClient(error.to_string()));
                }
            } else if let Some(client) = self.clients.get(client).and_then(|client| client.lock().clone()) {
                client.look(feed);
            }
        }
        result
    }

    /// Makes a client unless it is there.
    fn start(&self, number: usize) -> Result<()> {
        let Some(slot) = self.clients.get(number) else { return Ok(()) };
        let mut client = slot.lock();
        if client.is_none() {
            *client = Some(Client::start(number, Arc::clone(&self.connection), &self.group)?);
        }
        Ok(())
    }
}

/// The place of a reader in a partition.
pub(super) struct Seat {
    fetching: Arc<Fetching>,
    feed: Arc<Feed>,
    reader: u64,
    has_ended: bool,
}

impl Seat {
    /// The partition.
    pub(super) fn of(&self) -> &TopicPartition {
        &self.feed.of
    }

    /// Consecutive records that are there, at most about so many bytes.
    pub(super) fn take(&mut self, max_bytes: usize) -> std::result::Result<Vec<RawBatch>, Trouble> {
        let reader = self.reader;
        let taken = self.fetching.change(&self.feed, |sharing| sharing.take(reader, max_bytes, Instant::now()));
        let Taken { batches, has_ended } = taken?;
        self.has_ended = has_ended;
        Ok(batches)
    }

    /// Whether nothing was there, and nothing was on its way.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut feeds = self.fetching.feeds.lock();
        let reader = self.reader;
        let is_unused = self.fetching.change(&self.feed, |sharing| {
            sharing.leave(reader, Instant::now());
            sharing.is_unused()
        });
        if is_unused {
            feeds.remove(&self.feed.of);
        }
    }
}
