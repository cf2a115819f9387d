use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::sharing::{ALL_BYTES, CLIENTS, Sharing, TAIL, Taken, Trouble, Wanted};
use crate::log::{RawBatch, RecordsBuilder, Signal};

/// Records of a batch, and what each counts: a batch is 250 kB.
const RECORDS: i64 = 10;
const RECORD: usize = 25_000;
const SECOND: Duration = Duration::from_secs(1);

/// A partition with records up to an offset, and clients that read it as they are told.
struct Pretended {
    sharing: Sharing,
    end: i64,
    now: Instant,
    /// What each client reads: its number and the next offset; and whether it has told the end.
    clients: BTreeMap<usize, (u64, i64, bool)>,
    /// Records that were fetched.
    fetched: i64,
}

impl Pretended {
    fn new(end: i64) -> Self {
        let sharing = Sharing::new(Arc::default());
        Self { sharing, end, now: Instant::now(), clients: BTreeMap::new(), fetched: 0 }
    }

    fn join(&mut self, next: i64) -> u64 {
        self.sharing.join(next, Arc::default(), self.now)
    }

    /// Looks at what is wanted of a client.
    fn look(&mut self, client: usize) {
        match self.sharing.wanted(client) {
            None => drop(self.clients.remove(&client)),
            Some(Wanted { number, from }) => {
                if self.clients.get(&client).is_none_or(|(has, _, _)| *has != number) {
                    self.clients.insert(client, (number, from, false));
                }
            }
        }
    }

    /// One batch of a client, or its word that there is none.
    fn bring(&mut self, client: usize) {
        self.look(client);
        let Some((number, next, has_told)) = self.clients.get_mut(&client) else { return };
        if !self.sharing.has_room(client, *number) {
            return;
        }
        let until = self.end.min(*next + RECORDS);
        if *next < until {
            let mut records = RecordsBuilder::default();
            (*next..until).for_each(|offset| records.push(offset, None, None));
            let batch = RawBatch { offsets: (*next..until).collect(), records: records.finish() };
            self.fetched += until - *next;
            self.sharing.arrived(client, *number, batch, (until - *next) as usize * RECORD);
            (*next, *has_told) = (until, false);
        } else if !*has_told {
            *has_told = true;
            self.sharing.ended(client, *number);
        }
    }

    fn bring_all(&mut self) {
        (0..CLIENTS).for_each(|client| self.bring(client));
        // All were looked at.
        drop(self.sharing.take_changed());
    }

    fn take(&mut self, reader: u64) -> Taken {
        self.sharing.take(reader, 1 << 20, self.now).unwrap()
    }

    /// Lets readers read on in turn until each has come to the end; each must see every offset once, in order.
    fn read_to_end(&mut self, readers: &mut BTreeMap<u64, i64>) {
        for _ in 0..10_000 {
            self.bring_all();
            let mut all_ended = true;
            for (reader, next) in &mut *readers {
                let taken = self.sharing.take(*reader, 1 << 20, self.now).unwrap();
                taken.batches.iter().for_each(|batch| follows(batch, next));
                assert!(!taken.has_ended || *next == self.end, "the end was told at {next}");
                all_ended &= taken.has_ended;
            }
            if all_ended {
                return;
            }
            self.now += Duration::from_millis(10);
        }
        panic!("not all came to the end: {readers:?}");
    }

    fn places(&self) -> usize {
        (0..CLIENTS).filter(|client| self.sharing.wanted(*client).is_some()).count()
    }
}

fn follows(batch: &RawBatch, next: &mut i64) {
    for offset in batch.offsets.iter() {
        assert_eq!(*offset, *next);
        *next += 1;
    }
}

#[test]
fn readers_at_one_place_share_a_fetch() {
    let mut log = Pretended::new(1000);
    let mut readers: BTreeMap<u64, i64> = (0..20).map(|_| (log.join(0), 0)).collect();
    log.read_to_end(&mut readers);
    assert_eq!(log.fetched, 1000, "each record was fetched once");
    log.end = 1500;
    log.clients.values_mut().for_each(|(_, _, has_told)| *has_told = false);
    log.read_to_end(&mut readers);
    assert_eq!((log.fetched, log.places()), (1500, 1));
    for reader in readers.into_keys() {
        log.sharing.leave(reader, log.now);
    }
    assert_eq!((log.places(), log.sharing.is_unused()), (0, true));
}

#[test]
fn one_that_lags_has_a_fetch_of_its_own_and_joins_again() {
    let mut log = Pretended::new(1000);
    let tail = log.join(1000);
    let lagging = log.join(0);
    log.bring_all();
    assert_eq!(log.places(), 2);
    let mut readers = BTreeMap::from([(tail, 1000), (lagging, 0)]);
    log.read_to_end(&mut readers);
    log.read_to_end(&mut readers);
    assert_eq!((log.fetched, log.places()), (1000, 1));
}

#[test]
fn one_that_stands_still_holds_back_nobody_and_keeps_little() {
    let mut log = Pretended::new(10_000);
    let still = log.join(0);
    let moving = log.join(0);
    let mut readers = BTreeMap::from([(moving, 0)]);
    log.read_to_end(&mut readers);
    assert_eq!(log.fetched, 10_000);
    let mut readers = BTreeMap::from([(moving, 10_000), (still, 0)]);
    log.read_to_end(&mut readers);
    log.read_to_end(&mut readers);
    assert_eq!((log.fetched, log.places()), (20_000, 1));
}

#[test]
fn a_fetch_rests_while_its_readers_leave_it_lying() {
    let mut log = Pretended::new(100);
    let still = log.join(0);
    (0..10).for_each(|_| log.bring_all());
    assert!(log.fetched < 100, "no more than is kept is fetched");
    log.sharing.rest(0, log.now + SECOND);
    assert_eq!(log.places(), 1);
    log.sharing.rest(0, log.now + 20 * SECOND);
    log.bring_all();
    assert_eq!(log.places(), 0);
    log.now += 20 * SECOND;
    log.read_to_end(&mut BTreeMap::from([(still, 0)]));
}

#[test]
fn a_reader_at_the_end_does_not_rest() {
    let mut log = Pretended::new(100);
    let reader = log.join(0);
    log.read_to_end(&mut BTreeMap::from([(reader, 0)]));
    log.sharing.rest(0, log.now + 100 * SECOND);
    assert_eq!(log.places(), 1);
}

#[test]
fn more_places_than_clients_take_turns() {
    let mut log = Pretended::new(3000);
    let readers = (0..10).map(|i| (log.join(i * 200), i * 200)).collect::<Vec<_>>();
    let mut all: BTreeMap<_, _> = readers.into_iter().collect();
    log.read_to_end(&mut all);
    log.read_to_end(&mut all);
    assert_eq!(log.places(), 1);
}

#[test]
fn those_that_do_not_ask_take_no_turns() {
    let mut log = Pretended::new(3000);
    let still: Vec<_> = (0..10).map(|i| log.join(i * 200)).collect();
    log.bring_all();
    log.now += 5 * SECOND;
    let moving = log.join(2500);
    let mut readers = BTreeMap::from([(moving, 2500)]);
    log.read_to_end(&mut readers);
    let mut readers = still.into_iter().zip((0..10).map(|i| i * 200)).collect();
    log.read_to_end(&mut readers);
}

#[test]
fn the_end_is_no_older_than_the_reader() {
    let mut log = Pretended::new(100);
    let mut readers = BTreeMap::from([(log.join(100), 100)]);
    log.read_to_end(&mut readers);
    // The client has not heard of these yet.
    log.end = 110;
    let late = log.join(100);
    assert!(!log.take(late).has_ended);
    readers.insert(late, 100);
    log.read_to_end(&mut readers);
    assert_eq!(readers.into_values().collect::<Vec<_>>(), [110, 110]);
}

#[test]
fn the_end_is_asked_for_where_no_client_is_left() {
    let mut log = Pretended::new(2000);
    // At the ends of what each has been told, all clients are busy.
    let still: Vec<_> = (1..CLIENTS as i64).map(|i| log.join(i * 100)).collect();
    let tail = log.join(2000);
    log.bring_all();
    log.bring_all();
    assert!(log.take(tail).has_ended);
    let late = log.join(2000);
    assert!(!log.take(late).has_ended);
    log.bring_all();
    assert!(log.take(late).has_ended);
    assert_eq!(still.len(), CLIENTS - 1);
}

#[test]
fn one_that_is_far_behind_leaves_the_client_that_waits_at_ends() {
    let mut log = Pretended::new(1000);
    let mut readers = BTreeMap::from([(log.join(0), 0), (log.join(0), 0)]);
    let mut read_by = Vec::new();
    for _ in 0..60 {
        // Faster than the readers.
        (0..8).for_each(|_| log.bring_all());
        for (reader, next) in &mut readers {
            log.sharing.take(*reader, 1, log.now).unwrap().batches.iter().for_each(|batch| follows(batch, next));
        }
        read_by.extend((0..CLIENTS).filter(|client| log.sharing.wanted(*client).is_some()));
    }
    read_by.dedup();
    assert_eq!(read_by, [TAIL, 1], "it is read by one client at a time");
    log.read_to_end(&mut readers);
    log.read_to_end(&mut readers);
    assert_eq!((log.fetched, log.places()), (1000, 1));
    assert!(log.sharing.wanted(TAIL).is_some(), "at the end it is back");
}

#[test]
fn an_end_that_another_client_has_found_is_no_older_than_the_reader() {
    let mut log = Pretended::new(1000);
    let reader = log.join(0);
    let mut next = 0;
    while log.sharing.wanted(1).is_none() {
        (0..8).for_each(|_| log.bring_all());
        log.sharing.take(reader, 1, log.now).unwrap().batches.iter().for_each(|batch| follows(batch, &mut next));
    }
    let late = log.join(next);
    let mut late_next = next;
    while log.sharing.wanted(1).is_some() {
        log.bring_all();
        if log.clients.get(&1).is_some_and(|(_, _, has_told)| *has_told) {
            // The client has not heard of these.
            log.end = 1010;
        }
        log.take(reader).batches.iter().for_each(|batch| follows(batch, &mut next));
        let taken = log.take(late);
        taken.batches.iter().for_each(|batch| follows(batch, &mut late_next));
        assert!(!taken.has_ended);
    }
    assert_eq!(log.end, 1010);
    assert!(log.sharing.wanted(TAIL).is_some());
    log.read_to_end(&mut BTreeMap::from([(reader, next), (late, late_next)]));
}

#[test]
fn trouble_reaches_the_readers_of_the_fetch_alone() {
    let mut log = Pretended::new(1000);
    let (tail, lagging) = (log.join(1000), log.join(0));
    log.bring_all();
    let Wanted { number, .. } = log.sharing.wanted(1).unwrap();
    log.sharing.failed(1, number, &Trouble::Gone);
    assert_eq!(log.sharing.take(lagging, 1, log.now).unwrap_err(), Trouble::Gone);
    assert!(log.take(tail).batches.is_empty());
    log.sharing.failed(1, number, &Trouble::Gone);
    log.read_to_end(&mut BTreeMap::from([(tail, 1000), (lagging, 0)]));
}

#[test]
fn records_from_before_mean_another_topic() {
    let mut log = Pretended::new(1000);
    let reader = log.join(700);
    log.bring_all();
    log.read_to_end(&mut BTreeMap::from([(reader, 700)]));
    log.clients.insert(0, (log.sharing.wanted(0).unwrap().number, 0, false));
    log.bring(0);
    let trouble = log.sharing.take(reader, 1, log.now).unwrap_err();
    assert_eq!(trouble, Trouble::WentBack { from: 1000, to: 0 });
}

#[test]
fn a_gap_is_passed_over() {
    let mut log = Pretended::new(1000);
    let reader = log.join(100);
    log.look(0);
    // Retention has removed what was there before.
    let number = log.sharing.wanted(0).unwrap().number;
    log.clients.insert(0, (number, 600, false));
    log.bring(0);
    assert_eq!(log.take(reader).batches[0].offsets[0], 600);
}

#[test]
fn what_all_partitions_keep_has_a_bound() {
    let kept: Arc<AtomicUsize> = Arc::default();
    let mut partitions: Vec<_> = (0..300)
        .map(|_| {
            let mut log = Pretended { sharing: Sharing::new(Arc::clone(&kept)), ..Pretended::new(1000) };
            (log.join(0), log.join(0), log)
        })
        .collect();
    for _ in 0..20 {
        for (fast, _, log) in &mut partitions {
            log.bring_all();
            drop(log.take(*fast));
        }
    }
    let all = kept.load(Ordering::Relaxed);
    let batch = RECORDS as usize * RECORD;
    assert!(all <= ALL_BYTES + partitions.len() * batch, "{all}");
    partitions.clear();
    assert_eq!(kept.load(Ordering::Relaxed), 0);
}

#[test]
fn a_reader_is_woken_by_records_and_by_the_end() {
    let mut log = Pretended::new(10);
    let wake = Arc::new(Signal::default());
    let reader = log.sharing.join(0, Arc::clone(&wake), log.now);
    log.bring_all();
    assert_eq!(wake.count(), 1);
    assert_eq!(log.take(reader).batches.len(), 1);
    log.bring_all();
    assert_eq!(wake.count(), 2);
    assert!(log.take(reader).has_ended);
}
