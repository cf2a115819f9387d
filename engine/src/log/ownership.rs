//! Which tasks are this process's, where several processes with the same queries share them.
//!
//! A *unit* is one partition of a query: its tasks in all sub-topologies. Units are dealt out by *slots*, of which each process
//! has some at a time, and no two the same one. Partitions of a query are [`STRIDE`] slots from each other, so that they lie
//! evenly on the circle of slots (as multiples of the golden ratio do), and each process has about as many of them as the
//! others, whether it has every n-th slot or a row of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::log::Signal;

/// How many slots there are: no more processes have work at a time.
pub(super) const SLOTS: u32 = 48;
/// Nearest to the golden ratio of [`SLOTS`] that has no divisor with it in common.
const STRIDE: u32 = 29;

/// The slot of a unit; the same in every process and version.
pub(super) fn slot_of(query: &str, partition: u32) -> u32 {
    // FNV-1a.
    let hash = query
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let first = (hash % u64::from(SLOTS)) as u32;
    (first + partition % SLOTS * STRIDE) % SLOTS
}

type Listener = Box<dyn Fn() + Send + Sync>;

/// The slots of this process.
#[derive(Default)]
pub struct Ownership {
    state: Mutex<State>,
    known: Condvar,
    /// Told when slots are lost, before anybody else can have them.
    listener: Mutex<Option<Listener>>,
    /// Raised when slots were lost or gained.
    changed: Arc<Signal>,
}

#[derive(Default)]
struct State {
    /// How often something has changed.
    epoch: u64,
    /// The slots that are this process's, and since which epoch without a break.
    since: BTreeMap<u32, u64>,
    /// Whether it is known which ones are.
    is_known: bool,
}

impl Ownership {
    /// A time that [`Self::owns_since`] knows.
    pub fn epoch(&self) -> u64 {
        self.state.lock().epoch
    }

    /// Whether a unit is this process's.
    pub fn owns(&self, query: &str, partition: u32) -> bool {
        self.since(query, partition).is_some()
    }

    /// Whether it is, and has been since that time without a break.
    pub fn owns_since(&self, epoch: u64, query: &str, partition: u32) -> bool {
        self.since(query, partition).is_some_and(|since| since <= epoch)
    }

    fn since(&self, query: &str, partition: u32) -> Option<u64> {
        self.state.lock().since.get(&slot_of(query, partition)).copied()
    }

    /// Whether it is known which slots are this process's.
    pub fn is_known(&self) -> bool {
        self.state.lock().is_known
    }

    /// Waits until it is known which slots are this process's, but not longer.
    pub fn wait_until_known(&self, patience: Duration) {
        self.known.wait_while_for(&mut self.state.lock(), |state| !state.is_known, patience);
    }

    /// Raised when slots were lost or gained.
    pub fn changed(&self) -> &Arc<Signal> {
        &self.changed
    }

    /// Who is to be told when slots are lost, before anybody else can have them.
    pub fn listen(&self, listener: impl Fn() + Send + Sync + 'static) {
        *self.listener.lock() = Some(Box::new(listener));
    }

    /// These slots are this process's from now on.
    pub fn gain(&self, slots: impl IntoIterator<Item = u32>) {
        {
            let mut state = self.state.lock();
            state.epoch += 1;
            state.is_known = true;
            let epoch = state.epoch;
            for slot in slots {
                state.since.entry(slot).or_insert(epoch);
            }
            self.known.notify_all();
        }
        self.changed.raise();
    }

    /// These slots are not any more.
    pub fn lose(&self, slots: impl IntoIterator<Item = u32>) {
        self.give_up(|state| {
            for slot in slots {
                state.since.remove(&slot);
            }
        });
    }

    /// No slot is any more, as far as this process can know: it is not in touch with those who deal them out.
    pub fn cut_off(&self) {
        self.give_up(|state| {
            state.since.clear();
            state.is_known = false;
        });
    }

    fn give_up(&self, change: impl FnOnce(&mut State)) {
        {
            let mut state = self.state.lock();
            state.epoch += 1;
            change(&mut state);
        }
        if let Some(listener) = &*self.listener.lock() {
            listener();
        }
        self.changed.raise();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of a query's partitions each process has.
    fn loads(query: &str, partitions: u32, owner: impl Fn(u32) -> usize, processes: usize) -> Vec<u32> {
        let mut loads = vec![0; processes];
        for partition in 0..partitions {
            loads[owner(slot_of(query, partition))] += 1;
        }
        loads
    }

    #[test]
    fn every_process_has_its_share_of_every_query() {
        for query in ["CSAS_A_1", "CTAS_B_3", "INSERTQUERY_5", "CTAS_PER_REST_17"] {
            for processes in 2..=4_usize {
                let partitions = processes as u32 * 4;
                let rows = |slot: u32| slot as usize * processes / SLOTS as usize;
                let turns = |slot: u32| slot as usize % processes;
                for (way, loads) in [
                    ("in a row", loads(query, partitions, rows, processes)),
                    ("in turns", loads(query, partitions, turns, processes)),
                ] {
                    assert!(loads.iter().all(|load| (2..=6).contains(load)), "{query} {way}: {loads:?}");
                }
            }
        }
        let all: std::collections::BTreeSet<u32> = (0..SLOTS).map(|partition| slot_of("Q", partition)).collect();
        assert_eq!(all.len(), SLOTS as usize);
    }

    #[test]
    fn slots_of_units_stay_the_same_in_every_version() {
        let slots: Vec<u32> = (0..4).map(|partition| slot_of("CTAS_SUMS_1", partition)).collect();
        assert_eq!(slots, [19, 0, 29, 10]);
    }

    #[test]
    fn a_unit_that_was_lost_meanwhile_is_another_one() {
        let own = Ownership::default();
        let (slot, told) = (slot_of("Q", 0), Arc::new(Mutex::new(0)));
        let counts = Arc::clone(&told);
        own.listen(move || *counts.lock() += 1);
        assert!(!own.owns("Q", 0));
        own.gain([slot]);
        let begun = own.epoch();
        own.gain([slot, 3]);
        assert!(own.owns_since(begun, "Q", 0), "it was there all the time");
        own.lose([slot]);
        assert!(!own.owns("Q", 0));
        own.gain([slot]);
        assert!(own.owns("Q", 0) && !own.owns_since(begun, "Q", 0) && own.owns_since(own.epoch(), "Q", 0));
        assert_eq!((*told.lock(), own.changed().count()), (1, 4));
        own.wait_until_known(Duration::MAX);
    }
}
