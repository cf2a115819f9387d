//! Bringing the local database up to what changelogs hold. It is a cache of them: where it says how far it has each one, only
//! what came after is read; else the state is removed and read from the beginning.
//!
//! A process that another has taken over from may have left a transaction open in a changelog. Who reads committed records
//! sees nothing behind its beginning, also not what the next owner has committed since; so the end of such transactions
//! is waited for.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::crash::{self, Point};
use crate::kv::{Kv, Writes};
use crate::log::kafka::admin::Admin;
use crate::log::{Bounds, Changelogs, LogError, Position, Reader, Result, Signal, TopicPartition};

/// Bytes read before they are written.
const BATCH_BYTES: usize = 4 << 20;
/// Longer than a transaction may be open.
const UNDECIDED: Duration = Duration::from_secs(70);
/// Whoever commits does so within this time.
const BRIEFLY: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(50);
/// How long to wait for records that must be there.
const STALLED: Duration = Duration::from_secs(60);
const WAIT: Duration = Duration::from_millis(500);
/// After that long a compacted topic may have forgotten that an entry was removed (`delete.retention.ms` is a day).
const STALE_MS: i64 = 12 * 60 * 60 * 1000;

/// How far the local database has a changelog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Checkpoint {
    /// Offset behind the last record it has.
    offset: i64,
    /// Milliseconds since the epoch.
    noted_ms: i64,
}

/// Adds to a commit of state how far the database has its changelogs with it; offsets by the changelogs' indices.
pub(super) fn note(changelogs: &Changelogs, ends: impl IntoIterator<Item = (usize, i64)>, into: &mut Writes) {
    let (space, noted_ms) = (changelogs.checkpoints(), now_ms());
    for (topic, offset) in ends {
        if let Some(of) = changelogs.topics().get(topic) {
            into.put(&space, of.topic.as_bytes(), |bytes| {
                bytes.extend_from_slice(&offset.to_be_bytes());
                bytes.extend_from_slice(&noted_ms.to_be_bytes());
            });
        }
    }
}

/// What restoring takes.
pub(super) struct Restore<'a> {
    pub(super) admin: &'a Admin,
    pub(super) kv: &'a dyn Kv,
    pub(super) reader: &'a dyn Fn(Position, Arc<Signal>) -> Result<Box<dyn Reader>>,
    /// Called when the end of others' transactions is waited for.
    pub(super) waits: &'a dyn Fn(),
}

impl Restore<'_> {
    /// Does it for the changelogs of one task.
    pub(super) fn run(&self, changelogs: &Changelogs) -> Result<()> {
        let mut bounds = changelogs.topics().iter().map(|of| self.bounds(of)).collect::<Result<Vec<_>>>()?;
        for (topic, bounds) in bounds.iter_mut().enumerate() {
            bounds.begin = bounds.begin.max(changelogs.begin(topic));
        }
        let checkpoints = self.checkpoints(changelogs)?;
        let checkpoints: Vec<_> =
            checkpoints.into_iter().map(|checkpoint| checkpoint.filter(|_| !crash::forgets_state())).collect();
        let is_new = checkpoints.iter().all(Option::is_none)
            && (0..).zip(&bounds).all(|(topic, bounds)| bounds.end <= changelogs.begin(topic));
        let known = || checkpoints.iter().zip(&bounds).map(|(checkpoint, bounds)| usable(*checkpoint, bounds));
        let from: Vec<i64> = match known().collect::<Option<Vec<_>>>() {
            Some(from) => from,
            None => {
                if !is_new {
                    tracing::info!(state = changelogs.space(), "state is read from its changelogs");
                    self.kv.drop_spaces(&format!("{}/", changelogs.space()))?;
                    crash::at(Point::StateRemoved);
                }
                bounds.iter().map(|bounds| bounds.begin).collect()
            }
        };
        let (begun, mut read) = (Instant::now(), (0, 0));
        for ((topic, from), bounds) in from.into_iter().enumerate().zip(&bounds) {
            let (records, bytes) = self.read(changelogs, topic, from, bounds.end)?;
            read = (read.0 + records, read.1 + bytes);
        }
        if let (records @ 1.., bytes) = read {
            let took_ms = begun.elapsed().as_millis();
            tracing::info!(
                state = changelogs.space(),
                records,
                bytes,
                took_ms,
                "state has been read from its changelogs"
            );
        }
        Ok(())
    }

    /// Where a changelog begins and ends, once no transaction is open in it.
    fn bounds(&self, of: &TopicPartition) -> Result<Bounds> {
        let (begun, mut has_waited) = (Instant::now(), false);
        let written = self.admin.written_end(of)?;
        loop {
            let bounds = self.admin.bounds(of)?;
            if bounds.end >= written {
                return Ok(bounds);
            }
            if !has_waited && begun.elapsed() > BRIEFLY {
                has_waited = true;
                (self.waits)();
            }
            if begun.elapsed() > UNDECIDED {
                return Err(LogError::Broker(format!(
                    "a transaction in changelog {} partition {} does not end",
                    of.topic, of.partition
                )));
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn checkpoints(&self, changelogs: &Changelogs) -> Result<Vec<Option<Checkpoint>>> {
        let space = changelogs.checkpoints();
        let checkpoint = |of: &TopicPartition| Ok(self.kv.get(&space, of.topic.as_bytes())?.as_deref().and_then(parse));
        changelogs.topics().iter().map(checkpoint).collect()
    }

    /// Reads a changelog from an offset to its end; returns how many records it had, and their bytes.
    fn read(&self, changelogs: &Changelogs, topic: usize, from: i64, end: i64) -> Result<(usize, usize)> {
        let Some(of) = changelogs.topics().get(topic) else { return Ok((0, 0)) };
        let (mut noted, mut records, mut bytes) = (Writes::default(), 0, 0);
        if from < end {
            let wake = Arc::new(Signal::default());
            let mut reader = (self.reader)(Position { of: of.clone(), offset: from }, Arc::clone(&wake))?;
            let mut moved = Instant::now();
            loop {
                let seen = wake.count();
                let batches = reader.poll(BATCH_BYTES)?;
                let Some(next) =
                    batches.iter().filter_map(|(_, batch)| batch.offsets.last()).next_back().map(|at| at + 1)
                else {
                    if reader.has_reached_end(0) {
                        break;
                    }
                    if moved.elapsed() > STALLED {
                        return Err(LogError::Broker(format!("changelog {} gives no records", of.topic)));
                    }
                    wake.wait(seen, WAIT);
                    continue;
                };
                moved = Instant::now();
                let mut writes = Writes::default();
                for (_, batch) in &batches {
                    records += batch.records.len();
                    bytes += batch.records.payload_bytes(batch.records.len());
                    writes.extend(changelogs.changes(topic, batch)?);
                }
                note(changelogs, [(topic, next)], &mut writes);
                self.kv.write(writes)?;
                crash::at(Point::StatePartlyRead);
                if next >= end {
                    break;
                }
            }
        }
        note(changelogs, [(topic, end)], &mut noted);
        self.kv.write(noted)?;
        crash::at(Point::ChangelogRead);
        Ok((records, bytes))
    }
}

/// Where to read on from, if the database has the changelog up to there.
fn usable(checkpoint: Option<Checkpoint>, bounds: &Bounds) -> Option<i64> {
    let Checkpoint { offset, noted_ms } = checkpoint?;
    let is_recent = offset == bounds.end || now_ms().saturating_sub(noted_ms) < STALE_MS;
    ((bounds.begin..=bounds.end).contains(&offset) && is_recent).then_some(offset)
}

fn parse(bytes: &[u8]) -> Option<Checkpoint> {
    let (offset, noted_ms) = bytes.split_at_checked(8)?;
    let number = |bytes: &[u8]| bytes.try_into().ok().map(i64::from_be_bytes);
    Some(Checkpoint { offset: number(offset)?, noted_ms: number(noted_ms)? })
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
