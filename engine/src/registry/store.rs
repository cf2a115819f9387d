//! The registry's topic, and the view of it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock, RwLockReadGuard};

use crate::clock::Clock;
use crate::kv::Writes;
use crate::log::{Log, LogError, Output, Position, Reader, RecordsBuilder, Signal, TopicPartition, TopicSpec};
use crate::schemas::SubjectNames;

use super::entry::{Entry, TOPIC};
use super::problem::Problem;
use super::subject::is_in_context;
use super::unseen::Unseen;
use super::view::View;

/// How much of the topic is read at once.
const READ_BYTES: usize = 4 << 20;

/// How long reading the topic may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the local database notes that there is the topic.
const SPACE: &str = "schemas";
const IS_THERE: &[u8] = b"topic";

/// A schema registry over a log.
pub struct SchemaRegistry {
    log: Arc<dyn Log>,
    clock: Arc<dyn Clock>,
    replicas: u16,
    /// How the subjects of topics are named.
    pub(super) names: SubjectNames,
    view: RwLock<View>,
    /// Held by the one who changes something, or reads what others have changed. Who only looks does not wait for it.
    writing: Mutex<Unseen>,
}

impl fmt::Debug for SchemaRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SchemaRegistry").finish_non_exhaustive()
    }
}

impl SchemaRegistry {
    /// The registry that this log keeps. Nothing is read before it is asked for something; the topic is made, with so
    /// many replicas, when there is something to keep.
    pub fn new(log: Arc<dyn Log>, clock: Arc<dyn Clock>, replicas: u16, names: SubjectNames) -> Self {
        Self { log, clock, replicas, names, view: RwLock::default(), writing: Mutex::default() }
    }

    /// What is known now, without asking whether the topic has more.
    pub(super) fn known(&self) -> RwLockReadGuard<'_, View> {
        self.view.read()
    }

    /// What the topic says now.
    pub(super) fn current(&self) -> Result<RwLockReadGuard<'_, View>, Problem> {
        if self.is_behind()?.is_some() {
            self.catch_up(&mut self.writing.lock())?;
        }
        Ok(self.view.read())
    }

    /// Changes what is there by the entries that `change` makes of it; they are durable before this returns.
    pub(super) fn change<T>(
        &self,
        change: impl FnOnce(&View) -> Result<(Vec<Entry>, T), Problem>,
    ) -> Result<T, Problem> {
        let mut unseen = self.writing.lock();
        self.catch_up(&mut unseen)?;
        self.take_back(&mut unseen)?;
        let (entries, answer) = change(&self.view.read())?;
        if !entries.is_empty() {
            self.write(entries, &mut unseen)?;
        }
        Ok(answer)
    }

    /// Where to read from and to, if there is something that was not read.
    fn is_behind(&self) -> Result<Option<(i64, i64)>, Problem> {
        let next = self.view.read().next;
        match self.log.bounds(&partition()) {
            Ok(bounds) if bounds.end < next.unwrap_or_default() => Err(self.gone()),
            Ok(bounds) if next == Some(bounds.end) => Ok(None),
            Ok(bounds) => Ok(Some((next.unwrap_or_default().max(bounds.begin), bounds.end))),
            Err(LogError::UnknownTopic(_)) if next.is_some() && self.log.knows_all_topics() => Err(self.gone()),
            Err(LogError::UnknownTopic(_)) if next.is_some() || self.was_there()? => Err(not_there()),
            Err(LogError::UnknownTopic(_)) => Ok(None),
            Err(error) => Err(failed(&error)),
        }
    }

    /// Reads what was not read yet. The caller holds `writing`.
    fn catch_up(&self, unseen: &mut Unseen) -> Result<(), Problem> {
        let Some((mut next, end)) = self.is_behind()? else { return Ok(()) };
        if self.view.read().next.is_none() {
            self.check_topic()?;
        }
        let signal = Arc::new(Signal::default());
        let mut reader = self.reader(next, &signal)?;
        let mut has_ended = false;
        let deadline = Instant::now() + PATIENCE;
        while next < end {
            let seen = signal.count();
            let read = reader.poll(READ_BYTES).map_err(|error| failed(&error))?;
            if read.is_empty() {
                if reader.has_reached_end(0) {
                    if has_ended {
                        break;
                    }
                    // What is missing are no records, or a broker that has just become the leader does not know yet how far
                    // they go: once it tells the end it does.
                    self.log.bounds(&partition()).map_err(|error| failed(&error))?;
                    reader = self.reader(next, &signal)?;
                    has_ended = true;
                    continue;
                }
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    let message = format!("topic {TOPIC} could not be read within {} s", PATIENCE.as_secs());
                    return Err(Problem::Store { message });
                }
                signal.wait(seen, left);
                continue;
            }
            has_ended = false;
            let mut view = self.view.write();
            for (_, batch) in read {
                for ((offset, key), value) in batch.offsets.iter().zip(&batch.records.keys).zip(&batch.records.values) {
                    next = offset.saturating_add(1);
                    take_in(&mut view, unseen, *offset, key.unwrap_or_default(), value);
                }
            }
            view.next = Some(next);
        }
        self.view.write().next = Some(end.max(next));
        Ok(())
    }

    /// Reads the topic from an offset on.
    fn reader(&self, offset: i64, signal: &Arc<Signal>) -> Result<Box<dyn Reader>, Problem> {
        let from = vec![Position { of: partition(), offset }];
        self.log.reader(from, Arc::clone(signal)).map_err(|error| failed(&error))
    }

    /// Appends records and notes what they say. The caller holds `writing`, and the view is current.
    fn write(&self, entries: Vec<Entry>, unseen: &mut Unseen) -> Result<(), Problem> {
        let next = self.view.read().next;
        if next.is_none() {
            self.make_topic()?;
        }
        let first = self.append(&entries, unseen)?;
        if first != next.unwrap_or_default() {
            // Another process has written something, or what had failed has come late: the topic tells what counts.
            tracing::warn!(topic = TOPIC, "the topic holds records that were not expected there");
            unseen.add(&self.view.read(), &entries);
            self.catch_up(unseen)?;
            self.take_back(unseen)?;
            let view = self.view.read();
            let stands = |entry: &Entry| match entry {
                Entry::Version(version) => view.value(&version.subject, version.version).as_ref() == Some(&**version),
                _ => true,
            };
            return if entries.iter().all(stands) { Ok(()) } else { Err(overtaken()) };
        }
        let mut view = self.view.write();
        view.next = Some(first.saturating_add(i64::try_from(entries.len()).unwrap_or(i64::MAX)));
        entries.into_iter().for_each(|entry| view.apply(entry));
        Ok(())
    }

    /// Appends records and tells the offset of the first one.
    fn append(&self, entries: &[Entry], unseen: &mut Unseen) -> Result<i64, Problem> {
        let mut records = RecordsBuilder::default();
        for entry in entries {
            let (key, value) = entry.write().map_err(|error| Problem::InvalidSchema(error.to_string()))?;
            if key.len() + value.as_ref().map_or(0, Vec::len) > self.log.max_record_bytes() {
                return Err(Problem::TooLarge);
            }
            records.push(self.clock.now_ms(), Some(&key), value.as_deref());
        }
        let firsts = self.log.append(vec![Output { to: partition(), records: records.finish() }]);
        let firsts = firsts.map_err(|error| {
            unseen.add(&self.view.read(), entries);
            failed(&error)
        })?;
        Ok(firsts.first().copied().unwrap_or_default())
    }

    /// Makes the topic say again what it said of versions before this process wrote them without knowing that. The caller
    /// holds `writing`, and the view is current.
    fn take_back(&self, unseen: &mut Unseen) -> Result<(), Problem> {
        let entries: Vec<Entry> = {
            let view = self.view.read();
            let entry = |(subject, version): &(String, i32)| {
                view.last_entry(subject, *version).unwrap_or_else(|| Entry::NoVersion(subject.clone(), *version))
            };
            unseen.overtaken.iter().map(entry).collect()
        };
        if entries.is_empty() {
            return Ok(());
        }
        self.append(&entries, unseen)?;
        unseen.overtaken.clear();
        self.catch_up(unseen)
    }

    /// Checks a topic that was found, as another may have made it.
    fn check_topic(&self) -> Result<(), Problem> {
        let Some(topic) = self.log.topic(TOPIC).map_err(|error| failed(&error))? else { return Err(not_there()) };
        let policy = topic.spec.config.get("cleanup.policy").map(String::as_str);
        // A cluster tells it, if it tells how the topic is configured at all.
        let policy = policy.or_else(|| self.log.knows_all_topics().then_some("delete"));
        let wrong = if topic.spec.partitions != 1 {
            format!("has {} partitions, and must have one", topic.spec.partitions)
        } else if policy.is_none() {
            "does not tell its cleanup.policy: let this server describe its configuration".to_owned()
        } else if let Some(policy) = policy
            && policy != "compact"
        {
            format!("has cleanup.policy={policy}, by which schemas would be lost: set it to compact")
        } else {
            return self.note_topic();
        };
        Err(Problem::Store { message: format!("topic {TOPIC}, which keeps the schemas, {wrong}") })
    }

    /// Makes the topic, unless it is there and will do.
    fn make_topic(&self) -> Result<(), Problem> {
        let config = BTreeMap::from([("cleanup.policy".to_owned(), "compact".to_owned())]);
        match self.log.create_topic(TOPIC, &TopicSpec { partitions: 1, replicas: self.replicas, config }) {
            Ok(()) => self.note_topic(),
            Err(LogError::TopicExists(_)) => self.check_topic(),
            Err(error) => Err(failed(&error)),
        }
    }

    /// Notes that the topic is there: should it be missing after a start, its schemas are not unknown.
    fn note_topic(&self) -> Result<(), Problem> {
        if self.log.knows_all_topics() || self.was_there()? {
            return Ok(());
        }
        let mut writes = Writes::default();
        writes.put(&SPACE.into(), IS_THERE, |_| {});
        self.log.kv().write(writes).map_err(|error| failed(&error.into()))
    }

    /// The topic is not the one that was read.
    fn gone(&self) -> Problem {
        let (why, what) = match self.log.knows_all_topics() {
            true => ("was deleted", "begin anew"),
            false => (
                "ends before what was read of it: it was made anew, or its brokers have lost records of it",
                "go on with what it says now",
            ),
        };
        let message = format!("topic {TOPIC}, which keeps the schemas, {why}; start the server again to {what}");
        Problem::Store { message }
    }

    /// Whether the topic was there before and a log that may not know all topics yet has just not heard of it.
    fn was_there(&self) -> Result<bool, Problem> {
        if self.log.knows_all_topics() {
            return Ok(false);
        }
        let noted = self.log.kv().get(SPACE, IS_THERE).map_err(|error| failed(&error.into()))?;
        Ok(noted.is_some())
    }
}

/// Takes in what a record says. One that is not understood is left out, and told.
fn take_in(view: &mut View, unseen: &mut Unseen, offset: i64, key: &[u8], value: Option<&[u8]>) {
    match Entry::read(key, value) {
        Ok(Some(Entry::Version(version))) if is_in_context(&version.subject) => {
            tracing::warn!(topic = TOPIC, offset, subject = version.subject, "left out: contexts are not supported");
        }
        Ok(Some(Entry::Version(version))) if unseen.is_overtaken(view, key, value.unwrap_or_default(), &version) => {
            tracing::warn!(topic = TOPIC, offset, subject = version.subject, "left out: another record came before it");
        }
        Ok(entry) => entry.into_iter().for_each(|entry| view.apply(entry)),
        Err(problem) => {
            tracing::warn!(topic = TOPIC, offset, "a record is left out: {}", problem.why);
            view.note(problem);
        }
    }
}

fn partition() -> TopicPartition {
    TopicPartition { topic: TOPIC.into(), partition: 0 }
}

fn overtaken() -> Problem {
    let message = format!(
        "another process writes topic {TOPIC}, or a write that had failed has come late: this one does not count; try \
         again"
    );
    Problem::Store { message }
}

fn not_there() -> Problem {
    let message = format!(
        "topic {TOPIC}, which keeps the schemas, is not there now. If it was deleted on purpose, make it again with one \
         partition and cleanup.policy=compact"
    );
    Problem::Store { message }
}

fn failed(error: &LogError) -> Problem {
    Problem::Store { message: error.told() }
}
