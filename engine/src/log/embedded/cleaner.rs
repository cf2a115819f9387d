//! The thread that keeps partitions small: retention and compaction.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::{Condvar, Mutex};

use crate::kv::KvError;
use crate::log::embedded::Shared;
use crate::log::embedded::compaction::{MAX_KEYS, Pass, discard};
use crate::log::embedded::partition::Partition;
use crate::log::{LogError, Result, TopicPartition};

/// Kafka's `log.retention.check.interval.ms`.
const RETENTION_EVERY: Duration = Duration::from_secs(300);
/// Kafka's `log.cleaner.backoff.ms`.
const COMPACTION_EVERY: Duration = Duration::from_secs(15);

/// The thread; it is over when this is dropped.
pub(super) struct Cleaner {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Stop {
    is_wanted: Mutex<bool>,
    changed: Condvar,
}

impl Cleaner {
    /// Starts it.
    pub(super) fn start(shared: Arc<Shared>) -> Result<Cleaner> {
        let stop = Arc::<Stop>::default();
        let of_thread = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("cleaner".to_owned()).spawn(move || work(&shared, &of_thread));
        let thread = thread.map_err(LogError::Thread)?;
        Ok(Cleaner { stop, thread: Some(thread) })
    }
}

impl Drop for Cleaner {
    fn drop(&mut self) {
        *self.stop.is_wanted.lock() = true;
        self.stop.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // One that panicked is over too.
            let _panicked = thread.join();
        }
    }
}

fn work(shared: &Shared, stop: &Stop) {
    let mut retention_checked = Instant::now();
    let mut damaged = HashSet::new();
    let is_stopped = || *stop.is_wanted.lock();
    loop {
        {
            let mut is_wanted = stop.is_wanted.lock();
            if !*is_wanted {
                stop.changed.wait_for(&mut is_wanted, COMPACTION_EVERY);
            }
            if *is_wanted {
                return;
            }
        }
        // A server that nobody writes to finds out all the same that it can write again.
        if let Err(error) = shared.turn.lock().recover(&shared.topics, &*shared.kv) {
            tracing::debug!("nothing is compacted: {error}");
            continue;
        }
        if retention_checked.elapsed() >= RETENTION_EVERY {
            retention_checked = Instant::now();
            if let Err(error) = shared.turn.lock().expire(SystemTime::now(), &shared.topics, &*shared.kv) {
                tracing::warn!("retention: {error}");
            }
        }
        compact_all(shared, SystemTime::now(), &is_stopped, &mut damaged);
    }
}

/// Compacts what needs it. Partitions that cannot be read are left alone from then on.
fn compact_all(shared: &Shared, now: SystemTime, is_stopped: &dyn Fn() -> bool, damaged: &mut HashSet<TopicPartition>) {
    for (partition, retention) in shared.topics.partitions() {
        let Some(rules) = retention.compaction.filter(|_| !damaged.contains(&partition.id)) else { continue };
        let is_stopped = || is_stopped() || partition.check_exists().is_err();
        let pass = Pass { rules, now, max_keys: MAX_KEYS, is_stopped: &is_stopped };
        loop {
            let compacted = catch_unwind(AssertUnwindSafe(|| compact(shared, &partition, &pass)));
            let TopicPartition { topic, partition: number } = &partition.id;
            match compacted.unwrap_or_else(|_panic| Err(KvError::Store("internal error".to_owned()).into())) {
                Ok(true) => continue,
                Ok(false) => {}
                Err(_) if partition.check_exists().is_err() => {}
                Err(error) if error.may_pass() => {
                    tracing::warn!("partition {number} of topic {topic} is compacted later: {error}");
                }
                Err(error) => {
                    tracing::warn!("partition {number} of topic {topic} is not compacted any more: {error}");
                    damaged.insert(partition.id.clone());
                }
            }
            break;
        }
    }
}

/// Compacts one partition; says whether it did anything.
pub(super) fn compact(shared: &Shared, partition: &Partition, pass: &Pass<'_>) -> Result<bool> {
    let Some(rewritten) = pass.run(partition)? else { return Ok(false) };
    let is_in_place = shared.turn.lock().replace(partition, &rewritten, &shared.topics, &*shared.kv)?;
    let useless = if is_in_place { rewritten.old } else { rewritten.new };
    discard(useless.iter().map(|segment| segment.path.clone()));
    Ok(is_in_place)
}
