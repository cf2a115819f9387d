//! Who reads one partition from where, what is fetched for them, and what of it is kept. Nothing here knows of librdkafka:
//! the threads of the clients look at what is [wanted](Sharing::wanted) of them, and tell what came.
//!
//! Each client can fetch the partition from one place. Readers whose place lies in what a fetch has kept share it; it goes on
//! as its fastest reader does, and gives up what is too old whoever has not read it. A reader without a fetch opens one on a
//! client that has none here, or waits until the turn of another is over.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rdkafka::error::KafkaError;

use crate::log::{RawBatch, Signal};

/// Clients that fetch, and thereby places of one partition that are read at a time.
pub(super) const CLIENTS: usize = 4;
/// The one that waits for what comes last. It asks the broker for all of its partitions at once, and a broker without anything
/// new answers late: whoever has much to read yet is better off elsewhere.
pub(super) const TAIL: usize = 0;
/// What a fetch brings without coming to the end before another client goes on with it.
const BEHIND_BYTES: usize = 2 << 20;
/// What all partitions together keep before each of them keeps only what nobody has read.
pub(super) const ALL_BYTES: usize = 32 << 20;
/// What a fetch keeps for readers that are slower than its fastest one, with what it has at hand for that one.
const KEPT_BYTES: usize = 2 << 20;
/// What it keeps that all its readers have read, for those that come near.
const NEAR_BYTES: usize = 64 << 10;
/// What it has at hand before its fastest reader asks.
const AHEAD_BYTES: usize = 1 << 20;
/// Small batches are handed out together up to this size.
const JOINED_BYTES: usize = 64 << 10;
/// What a fetch brings before it makes room for readers that wait.
const TURN_BYTES: usize = 4 << 20;
/// What a batch takes beside its records: arrays, and the counts that say who has them.
const BATCH_BYTES: usize = 1 << 10;
/// A fetch of which nobody took anything for so long makes room, too.
const TURN_IDLE: Duration = Duration::from_secs(1);
/// A reader that has not asked for so long waits no more; it does so when it asks again.
const ASKED: Duration = Duration::from_secs(3);
/// Readers that leave lying what there is for so long have no fetch until they ask again.
const REST: Duration = Duration::from_secs(10);

/// Why a partition is not read on.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::log::kafka) enum Trouble {
    /// The topic is not there.
    Gone,
    /// Records came from before the place that was read: it is another topic of that name, or has lost records.
    WentBack {
        /// The offset that was to come.
        from: i64,
        /// The one that came.
        to: i64,
    },
    /// The client failed.
    Failed(KafkaError),
    /// There is no client.
    NoClient(String),
}

/// What a client is to do: read from an offset on. Another number means that it begins anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) number: u64,
    pub(super) from: i64,
}

/// What a reader gets.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Consecutive records.
    pub(super) batches: Vec<RawBatch>,
    /// There is nothing and nothing on its way.
    pub(super) has_ended: bool,
}

/// The readers of one partition.
pub(super) struct Sharing {
    readers: BTreeMap<u64, Place>,
    fetches: [Option<Fetch>; CLIENTS],
    /// Readers without a fetch, in the order in which they get one.
    waiting: VecDeque<u64>,
    /// Numbers readers and fetches in the order in which they begin.
    numbers: u64,
    /// Clients that are to look at what is wanted of them.
    changed: [bool; CLIENTS],
    /// Bytes kept of all partitions.
    kept: Arc<AtomicUsize>,
}

/// Where a reader is.
struct Place {
    next: i64,
    /// Whose fetch it shares.
    client: Option<usize>,
    wake: Arc<Signal>,
    /// A fetch that began after the reader has found the end: what fetches say of it is no older than the reader.
    has_seen_end: bool,
    asked: Instant,
    trouble: Option<Trouble>,
}

struct Fetch {
    number: u64,
    kept: VecDeque<Kept>,
    bytes: usize,
    /// From where on everything is kept.
    start: i64,
    /// The offset that comes next.
    next: i64,
    has_ended: bool,
    /// The client has stopped, and is to be told when there is room again.
    is_full: bool,
    /// Bytes since it began.
    brought: usize,
    /// Bytes since it was at the end.
    behind: usize,
    /// When something was taken of it.
    used: Instant,
}

struct Kept {
    batch: RawBatch,
    end: i64,
    bytes: usize,
}

impl Fetch {
    fn holds(&self, place: &Place) -> bool {
        self.start <= place.next && place.next <= self.next
    }

    fn is_turn_over(&self, now: Instant) -> bool {
        self.brought >= TURN_BYTES || now.saturating_duration_since(self.used) >= TURN_IDLE
    }
}

impl Sharing {
    /// Nobody reads yet. `kept` counts the bytes of all partitions.
    pub(super) fn new(kept: Arc<AtomicUsize>) -> Self {
        Self {
            readers: BTreeMap::new(),
            fetches: Default::default(),
            waiting: VecDeque::new(),
            numbers: 0,
            changed: [false; CLIENTS],
            kept,
        }
    }

    /// Whether nobody reads.
    pub(super) fn is_unused(&self) -> bool {
        self.readers.is_empty()
    }

    /// The clients that are to look here since this was asked last.
    pub(super) fn take_changed(&mut self) -> impl Iterator<Item = usize> + use<> {
        let changed = std::mem::take(&mut self.changed);
        (0..).zip(changed).filter(|(_, is_changed)| *is_changed).map(|(client, _)| client)
    }

    /// A reader comes; returns its number.
    pub(super) fn join(&mut self, next: i64, wake: Arc<Signal>, now: Instant) -> u64 {
        let id = self.number();
        let place = Place { next, client: None, wake, has_seen_end: false, asked: now, trouble: None };
        self.readers.insert(id, place);
        self.settle(id, now);
        id
    }

    /// A reader goes.
    pub(super) fn leave(&mut self, id: u64, now: Instant) {
        let Some(place) = self.readers.remove(&id) else { return };
        if let Some(client) = place.client {
            self.left(client);
        }
        self.serve_waiting(now);
    }

    /// What there is for a reader, at most about so many bytes.
    pub(super) fn take(&mut self, id: u64, max_bytes: usize, now: Instant) -> Result<Taken, Trouble> {
        let Some(place) = self.readers.get_mut(&id) else { return Ok(Taken::default()) };
        place.asked = now;
        if let Some(trouble) = place.trouble.take() {
            return Err(trouble);
        }
        if place.client.is_none() {
            self.settle(id, now);
        }
        self.move_fetch(id);
        let mut batches = self.hand_out(id, max_bytes, now);
        let mut has_ended = batches.is_empty() && self.has_ended(id);
        if batches.is_empty() && self.change_over(id) {
            batches = self.hand_out(id, max_bytes, now);
            has_ended = batches.is_empty() && self.has_ended(id);
        }
        if batches.is_empty() && !has_ended {
            self.ask_for_end(id);
        }
        if !self.waiting.is_empty() {
            self.serve_waiting(now);
        }
        Ok(Taken { batches, has_ended })
    }

    /// What a client is to do.
    pub(super) fn wanted(&self, client: usize) -> Option<Wanted> {
        let fetch = self.fetches.get(client)?.as_ref()?;
        Some(Wanted { number: fetch.number, from: fetch.next })
    }

    /// Whether a client is to bring more now. If not, it is told when it is.
    pub(super) fn has_room(&mut self, client: usize, number: u64) -> bool {
        let has_room = self.is_behind(client);
        match self.fetch(client, number) {
            Some(fetch) => {
                fetch.is_full = !has_room;
                has_room
            }
            None => false,
        }
    }

    /// Records have come.
    pub(super) fn arrived(&mut self, client: usize, number: u64, batch: RawBatch, bytes: usize) {
        let (Some(first), Some(last)) = (batch.offsets.first().copied(), batch.offsets.last().copied()) else { return };
        let Some(fetch) = self.fetch(client, number) else { return };
        if first < fetch.next {
            let trouble = Trouble::WentBack { from: fetch.next, to: first };
            return self.failed(client, number, &trouble);
        }
        let bytes = bytes + BATCH_BYTES;
        let before = fetch.next;
        let end = last.saturating_add(1);
        fetch.next = end;
        fetch.has_ended = false;
        fetch.bytes += bytes;
        fetch.brought += bytes;
        fetch.behind += bytes;
        fetch.kept.push_back(Kept { batch, end, bytes });
        self.kept.fetch_add(bytes, Ordering::Relaxed);
        self.wake_those_at(client, before);
        self.give_up_old(client);
    }

    /// There are no records for now.
    pub(super) fn ended(&mut self, client: usize, number: u64) {
        let Some(fetch) = self.fetch(client, number) else { return };
        (fetch.has_ended, fetch.behind) = (true, 0);
        let next = fetch.next;
        self.wake_those_at(client, next);
    }

    /// A fetch has failed: its readers are told, and have none until they ask again.
    pub(super) fn failed(&mut self, client: usize, number: u64, trouble: &Trouble) {
        if self.fetch(client, number).is_none() {
            return;
        }
        for place in self.readers.values_mut().filter(|place| place.client == Some(client)) {
            place.client = None;
            place.trouble = Some(trouble.clone());
            place.wake.raise();
        }
        self.close(client);
        self.wake_waiting();
    }

    /// Ends a fetch if its readers leave lying what there is.
    pub(super) fn rest(&mut self, client: usize, now: Instant) {
        let Some(Some(fetch)) = self.fetches.get(client) else { return };
        let is_at_rest = |place: &Place| place.next < fetch.next && now.saturating_duration_since(place.asked) >= REST;
        if self.sharers(client).all(is_at_rest) {
            self.readers
                .values_mut()
                .filter(|place| place.client == Some(client))
                .for_each(|place| place.client = None);
            self.close(client);
            self.wake_waiting();
        }
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn fetch(&mut self, client: usize, number: u64) -> Option<&mut Fetch> {
        self.fetches.get_mut(client)?.as_mut().filter(|fetch| fetch.number == number)
    }

    /// The readers of a fetch.
    fn sharers(&self, client: usize) -> impl Iterator<Item = &Place> {
        self.readers.values().filter(move |place| place.client == Some(client))
    }

    fn wake_those_at(&self, client: usize, next: i64) {
        self.sharers(client).filter(|place| place.next == next).for_each(|place| place.wake.raise());
    }

    fn wake_waiting(&self) {
        self.waiting.iter().filter_map(|id| self.readers.get(id)).for_each(|place| place.wake.raise());
    }

    /// Whether the fastest reader of a fetch has little left.
    fn is_behind(&self, client: usize) -> bool {
        let Some(Some(fetch)) = self.fetches.get(client) else { return false };
        let Some(fastest) = self.sharers(client).map(|place| place.next).max() else { return false };
        let ahead: usize = fetch.kept.iter().rev().take_while(|kept| kept.end > fastest).map(|kept| kept.bytes).sum();
        ahead == 0 || (ahead < AHEAD_BYTES && self.kept.load(Ordering::Relaxed) < ALL_BYTES)
    }

    /// What a fetch says of the end is no older than the reader.
    fn is_fresh(fetch: &Fetch, id: u64, place: &Place) -> bool {
        place.has_seen_end || fetch.number > id
    }

    /// Gives a reader without a fetch one, or lets it wait.
    fn settle(&mut self, id: u64, now: Instant) {
        if !self.share_or_open(id, now) && !self.waiting.contains(&id) {
            self.waiting.push_back(id);
        }
        self.serve_waiting(now);
    }

    /// A fetch that holds the reader's place and goes on, else one of its own, else one at whose end it stands.
    fn share_or_open(&mut self, id: u64, now: Instant) -> bool {
        let Some(place) = self.readers.get(&id) else { return true };
        let next = place.next;
        let which = |suits: &dyn Fn(&Fetch) -> bool| {
            self.fetches.iter().position(|fetch| fetch.as_ref().is_some_and(|fetch| fetch.holds(place) && suits(fetch)))
        };
        let shared = which(&|fetch| !fetch.has_ended || Self::is_fresh(fetch, id, place));
        let free = self.fetches.iter().position(Option::is_none);
        match shared.or(free).or_else(|| which(&|_| true)) {
            Some(client) if self.fetches.get(client).is_some_and(Option::is_none) => self.open(client, next, now),
            Some(client) => self.share(id, client),
            None => return false,
        }
        if let (None, Some(client)) = (shared, free) {
            self.share(id, client);
        }
        true
    }

    fn share(&mut self, id: u64, client: usize) {
        if let Some(place) = self.readers.get_mut(&id) {
            place.client = Some(client);
        }
        self.tell_of_room(client);
    }

    fn open(&mut self, client: usize, from: i64, now: Instant) {
        let number = self.number();
        if let (Some(slot), Some(changed)) = (self.fetches.get_mut(client), self.changed.get_mut(client)) {
            *changed = true;
            *slot = Some(Fetch {
                number,
                kept: VecDeque::new(),
                bytes: 0,
                start: from,
                next: from,
                has_ended: false,
                is_full: false,
                brought: 0,
                behind: 0,
                used: now,
            });
        }
    }

    fn close(&mut self, client: usize) {
        if let (Some(slot), Some(changed)) = (self.fetches.get_mut(client), self.changed.get_mut(client)) {
            *changed = true;
            let bytes = slot.take().map_or(0, |fetch| fetch.bytes);
            self.kept.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    /// A reader has left a fetch.
    fn left(&mut self, client: usize) {
        if self.sharers(client).next().is_some() {
            self.tell_of_room(client);
        } else {
            self.close(client);
        }
    }

    fn tell_of_room(&mut self, client: usize) {
        if !self.is_behind(client) {
            return;
        }
        if let (Some(Some(fetch)), Some(changed)) = (self.fetches.get_mut(client), self.changed.get_mut(client))
            && fetch.is_full
        {
            fetch.is_full = false;
            *changed = true;
        }
    }

    /// Gives fetches to readers that wait, the first one first, as far as there are some or the turn of one is over. Its
    /// readers wait in their turn.
    fn serve_waiting(&mut self, now: Instant) {
        let readers = &self.readers;
        let still_asks = |id: &u64| {
            let place = readers.get(id);
            place.is_some_and(|p| p.client.is_none() && now.saturating_duration_since(p.asked) < ASKED)
        };
        self.waiting.retain(still_asks);
        while let Some(id) = self.waiting.front().copied() {
            if !self.share_or_open(id, now) {
                let Some(client) = self.longest_turn(now) else { return };
                for (other, place) in self.readers.iter_mut().filter(|(_, place)| place.client == Some(client)) {
                    place.client = None;
                    self.waiting.push_back(*other);
                }
                self.close(client);
                continue;
            }
            self.waiting.pop_front();
        }
    }

    /// The fetch whose turn is over, and longest. One that waits at the end or has many readers is left alone while there are
    /// others.
    fn longest_turn(&self, now: Instant) -> Option<usize> {
        let fetches = self.fetches.iter().enumerate().filter_map(|(client, fetch)| Some((client, fetch.as_ref()?)));
        let over = fetches.filter(|(_, fetch)| fetch.is_turn_over(now));
        let rank = |(client, fetch): &(usize, &Fetch)| (fetch.has_ended, self.sharers(*client).count(), fetch.number);
        over.min_by_key(rank).map(|(client, _)| client)
    }

    fn hand_out(&mut self, id: u64, max_bytes: usize, now: Instant) -> Vec<RawBatch> {
        let mut batches = Vec::new();
        let Some(place) = self.readers.get_mut(&id) else { return batches };
        let Some(client) = place.client else { return batches };
        let Some(Some(fetch)) = self.fetches.get_mut(client) else { return batches };
        let first = fetch.kept.partition_point(|kept| kept.end <= place.next);
        let mut bytes = 0;
        for kept in fetch.kept.range(first..) {
            if !batches.is_empty() && bytes + kept.bytes > max_bytes.min(JOINED_BYTES) {
                break;
            }
            let read = kept.batch.offsets.partition_point(|offset| *offset < place.next);
            batches.push(kept.batch.slice(read, kept.batch.offsets.len() - read));
            bytes += kept.bytes;
            place.next = kept.end;
        }
        if !batches.is_empty() {
            fetch.used = now;
            self.give_up_old(client);
            self.tell_of_room(client);
        }
        batches
    }

    /// Whether a reader stands at the end.
    fn has_ended(&mut self, id: u64) -> bool {
        let Some(place) = self.readers.get_mut(&id) else { return false };
        let Some(Some(fetch)) = place.client.and_then(|client| self.fetches.get(client)) else { return false };
        let has_ended = fetch.has_ended && place.next == fetch.next && Self::is_fresh(fetch, id, place);
        place.has_seen_end |= has_ended;
        has_ended
    }

    /// A reader that has read all of its fetch shares another that has come there or holds what follows, so that its own can end.
    fn change_over(&mut self, id: u64) -> bool {
        let Some(place) = self.readers.get(&id) else { return false };
        let Some(from) = place.client else { return false };
        let suits = |(client, fetch): &(usize, &Fetch)| {
            let is_fresh = !fetch.has_ended || Self::is_fresh(fetch, id, place);
            *client != from && fetch.holds(place) && is_fresh && (place.next < fetch.next || *client < from)
        };
        let fetches = self.fetches.iter().enumerate().filter_map(|(client, fetch)| Some((client, fetch.as_ref()?)));
        let Some(to) = fetches.into_iter().find(suits).map(|(client, _)| client) else { return false };
        self.share(id, to);
        self.left(from);
        true
    }

    /// Has another client go on with the fetch of a reader: one that is far from the end leaves the client that waits there, and
    /// comes back when it is there itself.
    fn move_fetch(&mut self, id: u64) {
        let Some(from) = self.readers.get(&id).and_then(|place| place.client) else { return };
        let Some(Some(fetch)) = self.fetches.get(from) else { return };
        let leaves = from == TAIL && fetch.is_full && fetch.behind >= BEHIND_BYTES;
        let returns = from != TAIL && fetch.has_ended;
        let suits = |(client, fetch): &(usize, &Option<Fetch>)| fetch.is_none() && (*client == TAIL) == returns;
        if let Some((to, _)) = self.fetches.iter().enumerate().find(suits).filter(|_| leaves || returns) {
            self.hand_over(from, to);
        }
    }

    /// Another client goes on with a fetch.
    fn hand_over(&mut self, from: usize, to: usize) {
        let number = self.number();
        let Some(mut fetch) = self.fetches.get_mut(from).and_then(Option::take) else { return };
        let mut sharers: Vec<_> = self.readers.iter_mut().filter(|(_, place)| place.client == Some(from)).collect();
        // Under the new number, what is known of the end would seem new to all.
        fetch.has_ended &= sharers.iter().all(|(id, place)| Self::is_fresh(&fetch, **id, place));
        (fetch.number, fetch.is_full, fetch.behind) = (number, false, 0);
        sharers.iter_mut().for_each(|(_, place)| place.client = Some(to));
        if let Some(slot) = self.fetches.get_mut(to) {
            *slot = Some(fetch);
        }
        [from, to].into_iter().for_each(|client| self.changed.get_mut(client).into_iter().for_each(|c| *c = true));
    }

    /// A fetch that has told its end before the reader came tells it anew.
    fn ask_for_end(&mut self, id: u64) {
        let Some(place) = self.readers.get(&id) else { return };
        let Some(client) = place.client else { return };
        let is_stale = |fetch: &Fetch| fetch.has_ended && fetch.next == place.next && !Self::is_fresh(fetch, id, place);
        if self.fetches.get(client).is_some_and(|fetch| fetch.as_ref().is_some_and(is_stale)) {
            self.begin_anew(client);
        }
    }

    /// A fetch goes on where it is, but from the broker's word of now.
    pub(super) fn begin_anew(&mut self, client: usize) {
        let number = self.number();
        if let (Some(Some(fetch)), Some(changed)) = (self.fetches.get_mut(client), self.changed.get_mut(client)) {
            (fetch.number, fetch.has_ended, fetch.is_full) = (number, false, false);
            *changed = true;
        }
    }

    /// Gives up what the fastest reader has read and is too much to keep; readers that had not read it need another fetch.
    fn give_up_old(&mut self, client: usize) {
        let (mut slowest, mut fastest) = (i64::MAX, i64::MIN);
        for place in self.sharers(client) {
            (slowest, fastest) = (slowest.min(place.next), fastest.max(place.next));
        }
        let Some(Some(fetch)) = self.fetches.get_mut(client) else { return };
        let is_too_much = self.kept.load(Ordering::Relaxed) > ALL_BYTES;
        while let Some(oldest) = fetch.kept.front().filter(|oldest| oldest.end <= fastest) {
            let limit = match (is_too_much, oldest.end <= slowest) {
                (true, _) => 0,
                (false, true) => NEAR_BYTES,
                (false, false) => KEPT_BYTES,
            };
            if fetch.bytes <= limit {
                break;
            }
            (fetch.start, fetch.bytes) = (oldest.end, fetch.bytes - oldest.bytes);
            self.kept.fetch_sub(oldest.bytes, Ordering::Relaxed);
            fetch.kept.pop_front();
        }
        let start = fetch.start;
        let lost = |place: &&mut Place| place.client == Some(client) && place.next < start;
        self.readers.values_mut().filter(lost).for_each(|place| place.client = None);
    }
}

impl Drop for Sharing {
    fn drop(&mut self) {
        (0..CLIENTS).for_each(|client| self.close(client));
    }
}
