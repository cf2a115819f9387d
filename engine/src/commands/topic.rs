//! The command topic: the processes of a service that share nothing but Kafka carry out the same commands in one order. Its
//! one partition is what counts; each process keeps a copy in its local database, by which it starts also when the topic is
//! lost. Whoever has a command to write claims the topic first ([`SoleWriter`]) and reads what others have written.
//!
//! The records are as ksqlDB's, with what the command did in a field of ours ([`records`](super::records)).
//!
//! A command's number is the offset of its record, unless the topic was written anew from a copy: numbers never go back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::kv::{Kv, Write, Writes};
use crate::log::{
    Bounds, Log, LogError, Position, Reader, RecordsBuilder, Result, Signal, SoleWriter, TopicPartition, TopicSpec,
};

use super::records::{self, Foreign, Found, READ_BYTES, Record};
use super::{Logged, SPACE, corrupt};

/// Where the database keeps how much of the topic it has.
const COPY: &str = "commands/topic";
/// Offsets that a command takes: its record's, and that of the mark of its transaction's end.
pub(crate) const COMMAND_OFFSETS: u64 = 2;
/// How long to wait for a topic that was made to be known.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(20);
/// How long the end of another's transaction is waited for before it is ended.
const UNSETTLED: Duration = Duration::from_secs(1);

/// How processes share their commands.
#[derive(Debug, Clone)]
pub(crate) struct Sharing {
    /// Name of the topic.
    pub(crate) topic: String,
    /// What it is made with if it is missing.
    pub(crate) spec: TopicSpec,
    /// What they are called as its writers: one at a time writes.
    pub(crate) writers: String,
    /// Whether an empty topic is to be filled from the copy of this process.
    pub(crate) restores: bool,
    /// Whether what a ksqlDB has left in the topic is to be taken over.
    pub(crate) takes_over: bool,
}

/// A command as it is stored, by its number.
pub(super) type Stored = (u64, Vec<u8>);

/// How much of the topic the database has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Copy {
    topic: String,
    /// Offset of the last command.
    last: i64,
}

/// The command topic, as one process has it.
pub(crate) struct CommandTopic {
    log: Arc<dyn Log>,
    of: TopicPartition,
    writer: Box<dyn SoleWriter>,
    /// Whether this process has claimed it, and nobody else since, as far as it knows.
    is_claimed: bool,
    /// Tells what others write.
    follower: Option<Box<dyn Reader>>,
    wake: Arc<Signal>,
    /// Offset of the last command that was read or written, -1 before the first.
    last: i64,
    /// Where the topic ends, as far as it is known.
    end: i64,
    /// Who writes, different after each start.
    by: String,
    /// Why no command can be written any more.
    lost: Option<String>,
    /// The commands of a ksqlDB that are to be taken over.
    foreign: Vec<Foreign>,
}

impl CommandTopic {
    /// Opens it, and makes it if it is missing. `stored` are the commands of the local database, which are brought up to what
    /// the topic holds; those of a database that stands for itself are written there.
    ///
    /// # Errors
    /// The topic holds other commands than the database, or such of ksqlDB; or the log failed.
    pub(super) fn open(log: &Arc<dyn Log>, sharing: &Sharing, stored: &mut Vec<Stored>) -> Result<Option<Self>> {
        let of = TopicPartition { topic: Arc::from(sharing.topic.as_str()), partition: 0 };
        let Some(writer) = log.sole_writer(&of, &sharing.writers) else { return Ok(None) };
        if log.topic(&sharing.topic)?.is_none() {
            match log.create_topic(&sharing.topic, &sharing.spec) {
                Ok(()) | Err(LogError::TopicExists(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let by = format!("{:016x}", rand_number());
        let (log, wake) = (Arc::clone(log), Arc::default());
        let mut topic = Self {
            log,
            of,
            writer,
            is_claimed: false,
            follower: None,
            wake,
            last: -1,
            end: 0,
            by,
            lost: None,
            foreign: Vec::new(),
        };
        let copy = topic.copy()?;
        let bounds = topic.bounds_when_known()?;
        match (bounds.end > bounds.begin, &copy) {
            (true, Some(copy)) => topic.go_on(copy, &bounds, stored)?,
            (true, None) => topic.begin(&bounds, stored, sharing.takes_over)?,
            (false, Some(copy)) if copy.last >= 0 && !sharing.restores => topic.lose(&format!(
                "it is empty, though this server has carried out {} commands of it: it was deleted, or made anew",
                stored.len()
            )),
            (false, _) => topic.fill(stored)?,
        }
        Ok(Some(topic))
    }

    /// Goes on from where the copy ends.
    fn go_on(&mut self, copy: &Copy, bounds: &Bounds, stored: &mut Vec<Stored>) -> Result<()> {
        let known = stored.last().cloned();
        let (Some(known), true) = (known, (bounds.begin..bounds.end).contains(&copy.last)) else {
            if copy.last < 0 {
                return self.begin(bounds, stored, false);
            }
            self.lose(&format!(
                "it does not hold the last command that this server has carried out of it, at offset {}: it was made anew, or \
                 records of it were deleted",
                copy.last
            ));
            return Ok(());
        };
        let mut records = self.read(copy.last, bounds.end)?.into_iter();
        match records.next() {
            Some(first) if first.offset == copy.last && (first.number, &first.command) == (known.0, &known.1) => {}
            _ => {
                self.lose(&format!(
                    "at offset {} it holds another command than the one this server has carried out: it was made anew",
                    copy.last
                ));
                return Ok(());
            }
        }
        self.is_at(copy.last);
        for record in records {
            self.keep(&record)?;
            stored.push((record.number, record.command));
        }
        Ok(())
    }

    /// Takes what the topic holds, as far as it does not contradict what stands in the database. What a ksqlDB has left there
    /// is put aside if it is to be taken over.
    fn begin(&mut self, bounds: &Bounds, stored: &mut Vec<Stored>, takes_over: bool) -> Result<()> {
        let topic = &self.of.topic;
        if bounds.begin > 0 {
            return Err(LogError::Invalid(format!(
                "the command topic {topic} has lost its first records, up to offset {}: start this server with a copy of \
                 data.dir of one that has carried them out",
                bounds.begin
            )));
        }
        let found = records::read(&self.log, &self.of, bounds.begin, bounds.end)?;
        if takes_over && found.is_foreign() && stored.is_empty() {
            self.foreign = found.foreign;
            self.end = bounds.end;
            return Ok(());
        }
        let records = found.into_ours(topic)?;
        let is_known =
            records.iter().zip(&*stored).all(|(record, known)| record.number == known.0 && record.command == known.1);
        if !is_known || records.len() < stored.len() {
            return Err(LogError::Invalid(format!(
                "data.dir holds {} commands of its own, and the command topic {topic} others: both cannot be followed. Start \
                 this server with an empty data.dir (statements and state are read from Kafka), or with another \
                 ksql.service.id",
                stored.len()
            )));
        }
        let known = stored.len();
        for (at, record) in records.into_iter().enumerate() {
            self.keep(&record)?;
            if at >= known {
                stored.push((record.number, record.command));
            }
        }
        Ok(())
    }

    /// Writes the commands of the database to the empty topic.
    fn fill(&mut self, stored: &mut Vec<Stored>) -> Result<()> {
        if stored.is_empty() {
            return Ok(());
        }
        self.claim()?;
        let bounds = self.bounds_when_known()?;
        if bounds.end > bounds.begin {
            return self.begin(&bounds, stored, false);
        }
        let mut records = RecordsBuilder::default();
        for (number, command) in &*stored {
            let logged = Logged::decode(*number, command)?;
            let (key, value) = records::encode(*number, &self.by, None, &logged, command)?;
            records.push(logged.time_ms, Some(&key), Some(&value));
        }
        let first = self.writer.append(records.finish())?;
        self.is_at(first + stored.len() as i64 - 1);
        self.log.kv().write(self.note()?.into())?;
        tracing::info!(topic = %self.of.topic, commands = stored.len(), "the command topic is written from the local copy");
        Ok(())
    }

    /// The commands of a ksqlDB that are to be taken over, once.
    pub(super) fn take_foreign(&mut self) -> Vec<Foreign> {
        std::mem::take(&mut self.foreign)
    }

    /// Writes what has become of ksqlDB's commands behind them, and keeps it: all or nothing. Returns what another process has
    /// written instead, if it was faster.
    pub(super) fn adopt(&mut self, commands: &[(u64, Logged, Vec<u8>)]) -> Result<Option<Vec<Stored>>> {
        self.claim()?;
        let bounds = self.log.bounds(&self.of)?;
        let found = records::read(&self.log, &self.of, bounds.begin, bounds.end)?;
        if !found.ours.is_empty() {
            let records = found.into_ours(&self.of.topic)?;
            return Ok(Some(self.keep_all(records)?));
        }
        let mut builder = RecordsBuilder::default();
        for (at, (number, logged, command)) in commands.iter().enumerate() {
            let after = (at == 0).then_some(bounds.end);
            let (key, value) = records::encode(*number, &self.by, after, logged, command)?;
            builder.push(logged.time_ms, Some(&key), Some(&value));
        }
        let first = self.writer.append(builder.finish())?;
        self.is_at(first + commands.len() as i64 - 1);
        let mut writes = Writes::default();
        for (number, _, command) in commands {
            writes.push(entry(*number, command.clone()));
        }
        writes.push(self.note()?);
        self.log.kv().write(writes)?;
        Ok(None)
    }

    /// Keeps others from writing from now on, until they do the same.
    pub(super) fn claim(&mut self) -> Result<()> {
        self.is_claimed = false;
        self.writer.claim()?;
        self.is_claimed = true;
        Ok(())
    }

    /// Whether a claim of this process holds, as far as it knows.
    pub(super) fn is_claimed(&self) -> bool {
        self.is_claimed
    }

    /// Why commands cannot be written any more.
    pub(super) fn lost(&self) -> Option<&str> {
        self.lost.as_deref()
    }

    /// Where the record of the next command will be, if nothing else is written before.
    pub(super) fn end(&self) -> u64 {
        self.end.unsigned_abs()
    }

    /// What wakes whoever follows.
    pub(super) fn wake(&self) -> &Arc<Signal> {
        &self.wake
    }

    /// Every command that others have written, up to the present end.
    pub(super) fn catch_up(&mut self) -> Result<Vec<Stored>> {
        let end = self.settled_end();
        let end = self.of_topic(end)?;
        // Behind a command there is the mark of its transaction's end, which is no record.
        let (next, has_one) = (self.last + 1, self.last >= 0);
        self.end = end;
        if end < next {
            self.lose(&format!("it ends at offset {end}, before commands that were carried out: it was made anew"));
        }
        if next >= end - i64::from(has_one) {
            return Ok(Vec::new());
        }
        let records = self.read(next, end);
        let records = self.of_topic(records)?;
        self.keep_all(records)
    }

    /// The commands of others that have arrived. Does not wait.
    pub(super) fn follow(&mut self) -> Result<Vec<Stored>> {
        if self.lost.is_some() {
            return Ok(Vec::new());
        }
        let follower = match self.follower.take() {
            Some(follower) => Ok(follower),
            None => self.reader(self.last + 1, &self.wake),
        };
        let mut follower = self.of_topic(follower)?;
        let polled = follower.poll(READ_BYTES);
        let batches = self.of_topic(polled)?;
        let mut found = Found::default();
        for (_, batch) in &batches {
            let added = found.add(&self.of.topic, batch);
            self.of_topic(added)?;
        }
        self.follower = Some(follower);
        let records = found.into_ours(&self.of.topic);
        let records = self.of_topic(records)?;
        self.keep_all(records)
    }

    /// Writes a command, which must be claimed and planned on all before it. An error of the broker after which it is there
    /// all the same is none.
    pub(super) fn append(&mut self, number: u64, logged: &Logged, command: &[u8]) -> Result<()> {
        let (key, value) = records::encode(number, &self.by, None, logged, command)?;
        let mut records = RecordsBuilder::default();
        records.push(logged.time_ms, Some(&key), Some(&value));
        let appended = self.writer.append(records.finish());
        self.is_claimed = appended.is_ok();
        match appended {
            Ok(offset) => self.is_at(offset),
            Err(error @ LogError::Broker(_)) => {
                self.claim()?;
                let end = self.log.bounds(&self.of)?.end;
                // Of what others may have written since, nothing was carried out: it stays for `catch_up`.
                let written = self.read(self.last + 1, end)?.into_iter().next();
                match written.filter(|record| record.number == number && record.by == self.by) {
                    Some(record) => self.is_at(record.offset),
                    None => return Err(error),
                }
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// The last command is at that offset.
    fn is_at(&mut self, offset: i64) {
        self.last = offset;
        self.end = self.end.max(offset.saturating_add_unsigned(COMMAND_OFFSETS));
    }

    /// How much of the topic the database has with the last command.
    pub(super) fn note(&self) -> Result<Write> {
        let copy = Copy { topic: self.of.topic.to_string(), last: self.last };
        let value = serde_json::to_vec(&copy).map_err(|error| LogError::Invalid(error.to_string()))?;
        Ok(Write { space: Arc::from(COPY), key: b"copy".to_vec(), value: Some(value) })
    }

    fn copy(&self) -> Result<Option<Copy>> {
        Ok(copy(&**self.log.kv())?.filter(|copy| copy.topic == *self.of.topic))
    }

    fn keep_all(&mut self, records: Vec<Record>) -> Result<Vec<Stored>> {
        let mut new = Vec::new();
        for record in records {
            if record.offset > self.last {
                self.keep(&record)?;
                new.push((record.number, record.command));
            }
        }
        Ok(new)
    }

    /// Keeps a record in the local database.
    fn keep(&mut self, record: &Record) -> Result<()> {
        let before = self.last;
        self.is_at(record.offset);
        let entry = entry(record.number, record.command.clone());
        let noted = self.note().and_then(|note| Ok(self.log.kv().write([entry, note].into_iter().collect())?));
        noted.inspect_err(|_| self.last = before)
    }

    fn reader(&self, from: i64, wake: &Arc<Signal>) -> Result<Box<dyn Reader>> {
        self.log.reader(vec![Position { of: self.of.clone(), offset: from }], Arc::clone(wake))
    }

    /// The records from an offset on that stand before another.
    fn read(&self, from: i64, end: i64) -> Result<Vec<Record>> {
        records::read(&self.log, &self.of, from, end)?.into_ours(&self.of.topic)
    }

    /// Where the topic ends, with all that others were told is written.
    fn settled_end(&mut self) -> Result<i64> {
        let begun = Instant::now();
        while !self.log.is_settled(&self.of)? {
            if begun.elapsed() > UNSETTLED {
                // Whoever has begun to write does not end it: a claim does.
                self.claim()?;
                break;
            }
            std::thread::sleep(PAUSE);
        }
        Ok(self.log.bounds(&self.of)?.end)
    }

    /// A broker may know of a new topic a little later.
    fn bounds_when_known(&self) -> Result<Bounds> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.log.bounds(&self.of) {
                Err(LogError::UnknownTopic(_) | LogError::UnknownPartition { .. }) if Instant::now() < deadline => {
                    std::thread::sleep(PAUSE);
                }
                bounds => return bounds,
            }
        }
    }

    /// Notes if an error says that the topic is lost.
    fn of_topic<T>(&mut self, result: Result<T>) -> Result<T> {
        if let Err(error @ (LogError::UnknownTopic(_) | LogError::UnknownPartition { .. } | LogError::Invalid(_))) =
            &result
        {
            self.lose(&error.to_string());
        }
        result
    }

    fn lose(&mut self, why: &str) {
        if self.lost.is_none() {
            let lost = format!(
                "The command topic {} cannot be used: {why}. Queries go on, but no statement that changes what exists is \
                 taken. To go on with what this server knows, stop all servers of the service, delete the topic, and start \
                 this one with millstream.command.topic.restore=true; to go on with what the topic holds, start with an \
                 empty data.dir.",
                self.of.topic
            );
            tracing::error!("{lost}");
            self.lost = Some(lost);
        }
    }
}

fn entry(number: u64, command: Vec<u8>) -> Write {
    Write { space: Arc::from(SPACE), key: number.to_be_bytes().to_vec(), value: Some(command) }
}

/// The commands that a ksqlDB has left in a topic; none if it has none, or if Millstream has written there since.
pub(crate) fn foreign(log: &Arc<dyn Log>, topic: &str) -> Result<Vec<Foreign>> {
    let of = TopicPartition { topic: Arc::from(topic), partition: 0 };
    if log.topic(topic)?.is_none() {
        return Ok(Vec::new());
    }
    let bounds = log.bounds(&of)?;
    let found = records::read(log, &of, bounds.begin, bounds.end)?;
    Ok(if found.is_foreign() { found.foreign } else { Vec::new() })
}

/// Whether the commands of a database are a copy of a topic's, so that there may be gaps between their numbers.
pub(super) fn was_shared(kv: &dyn Kv) -> Result<bool> {
    Ok(copy(kv)?.is_some())
}

fn copy(kv: &dyn Kv) -> Result<Option<Copy>> {
    let bytes = kv.get(COPY, b"copy")?;
    let copy = bytes.map(|bytes| serde_json::from_slice(&bytes).map_err(|error| corrupt(error.to_string())));
    Ok(copy.transpose()?)
}

/// A number that is not given twice.
fn rand_number() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish()
}
