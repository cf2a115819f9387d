//! The command log: every statement that changed something, durable, carried out again on start. Over Kafka the processes of
//! a service have it in common ([`topic`]).
//!
//! An entry holds what the statement did, as data: changes of the catalog, and the steps of the query it started. So a
//! start reads no SQL and plans nothing, and what a later version would plan differently goes on as it is.
//!
//! ```text
//! {"version": 2, "text": …, "command_id": …, "overrides": {…}, …, "action": {"changes": […], …}}
//! ```

mod old;
mod records;
mod topic;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::RwLock;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use sql::SourceKind;

use crate::kv::{Kv, KvError, Write, Writes};
use crate::log::{Log, LogError, Signal};
use crate::plan::{Action, Ends};
use crate::runtime::Taken;

pub(crate) use old::{Old, OldTopic};
pub(crate) use records::Foreign;
pub(crate) use topic::{COMMAND_OFFSETS, Sharing, foreign};

use topic::{CommandTopic, Stored};

/// Space of the local database that holds the commands.
const SPACE: &str = "commands";
/// Space that holds, by number, what commands have left to clean up.
const UNFINISHED: &str = "commands/unfinished";
/// Space that holds, by number, the subjects that commands have left to delete.
const OLD_SUBJECTS: &str = "commands/subjects";
/// The form of entries. It grows when an earlier version would do something wrong with a new entry; what that version
/// just does not know it refuses anyway. Entries without a version are those of [`old`].
const VERSION: u32 = 2;

/// One statement that was carried out.
#[derive(Debug, Clone)]
pub(crate) struct Logged {
    /// The statement as it was written, variables replaced; only to be shown.
    pub text: String,
    /// How clients call the command.
    pub command_id: String,
    /// Stream or table that it made or changed.
    pub source: Option<(SourceKind, String)>,
    /// Id of the query it started.
    pub query_id: Option<String>,
    /// What it answered.
    pub message: String,
    /// `ksql.service.id`: groups and topics of the query are named after it.
    pub service_id: String,
    /// Properties that the session had set, those of the server apart; never a password.
    pub overrides: BTreeMap<String, String>,
    /// When it ran, milliseconds since the epoch.
    pub time_ms: i64,
    /// What it did.
    pub content: Content,
    /// What a ksqlDB has left the query that it started, if it is one's.
    pub taken: Option<Arc<Taken>>,
}

/// What a command did, as far as it can be known.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// To be done again.
    Action(Action),
    /// To be found out by planning the statement again.
    Old(Old),
    /// It cannot be read.
    Unreadable {
        /// Why.
        problem: String,
        /// What it ended, if all of that is known.
        ends: Option<Ends>,
    },
}

/// What a command leaves to remove once it is logged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Cleanup {
    /// The queries it has ended, and their consumer groups: positions, state and repartition topics go.
    pub(crate) queries: BTreeMap<String, String>,
    /// A topic to delete.
    pub(crate) topic: Option<String>,
}

/// Subjects of topics that a command deletes: they are deleted behind the topics. Apart from [`Cleanup`], which earlier
/// versions refuse with a field that they do not know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OldSubjects {
    /// The registry that they are in, by its number.
    pub(crate) registry: u32,
    /// Their topics, by subject.
    pub(crate) topics: BTreeMap<String, String>,
}

impl Cleanup {
    /// Whether it leaves nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.queries.is_empty() && self.topic.is_none()
    }
}

/// An entry as it is stored. New fields have a default, and earlier versions pass over them: what they must not pass over
/// comes with a new [`VERSION`].
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Entry {
    version: Option<u32>,
    text: String,
    command_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<(SourceKind, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query_id: Option<String>,
    message: String,
    service_id: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    overrides: BTreeMap<String, String>,
    time_ms: i64,
    ends: Option<Box<RawValue>>,
    action: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    taken: Option<Arc<Taken>>,
}

/// What every version can read of an entry.
#[derive(Deserialize)]
struct Form {
    version: Option<u32>,
}

impl Logged {
    fn encode(&self) -> Result<Vec<u8>, String> {
        let action = match &self.content {
            Content::Action(action) => action,
            Content::Old(old) => return old::encode(self, old).map_err(|error| error.to_string()),
            Content::Unreadable { problem, .. } => return Err(problem.clone()),
        };
        let entry = || {
            serde_json::to_vec(&Entry {
                version: Some(VERSION),
                text: self.text.clone(),
                command_id: self.command_id.clone(),
                source: self.source.clone(),
                query_id: self.query_id.clone(),
                message: self.message.clone(),
                service_id: self.service_id.clone(),
                overrides: self.overrides.clone(),
                time_ms: self.time_ms,
                ends: Some(to_raw_value(&Ends::of(action))?),
                action: Some(to_raw_value(action)?),
                taken: self.taken.clone(),
            })
        };
        entry().map_err(|error| error.to_string())
    }

    fn decode(number: u64, bytes: &[u8]) -> Result<Self, KvError> {
        let damaged = |error: serde_json::Error| corrupt(format!("command {number} is damaged: {error}"));
        let Form { version } = serde_json::from_slice(bytes).map_err(damaged)?;
        let Some(version) = version else { return old::decode(bytes).map_err(damaged) };
        let later = format!(
            "a later version of Millstream has written it (as version {version} of commands; this one knows {VERSION})"
        );
        let entry: Entry = match serde_json::from_slice(bytes) {
            Err(_) if version > VERSION => {
                return Err(KvError::DataDir(format!(
                    "command {number} cannot be read: {later}; go on with that version"
                )));
            }
            entry => entry.map_err(damaged)?,
        };
        let ends = || match &entry.ends {
            Some(ends) => serde_json::from_str(ends.get()).ok(),
            None => (entry.source.is_some() || entry.query_id.is_some()).then(Ends::default),
        };
        let unreadable = |problem: String| Content::Unreadable { problem, ends: ends() };
        let content = match &entry.action {
            _ if version > VERSION => unreadable(later),
            None => unreadable("it does not say what it does".to_owned()),
            Some(action) => match read(action) {
                Ok(action) => Content::Action(action),
                Err(error) => unreadable(format!(
                    "its plan cannot be read ({error}): it is damaged, or of another version of Millstream"
                )),
            },
        };
        let Entry { text, command_id, source, query_id, message, service_id, overrides, time_ms, taken, .. } = entry;
        Ok(Self { text, command_id, source, query_id, message, service_id, overrides, time_ms, content, taken })
    }
}

/// The note of what is left to clean up after a command.
fn mark(number: u64, cleanup: &Cleanup) -> Result<Write, KvError> {
    note(UNFINISHED, number, (!cleanup.is_empty()).then_some(cleanup))
}

/// The note of the subjects that are left to delete after a command.
fn mark_subjects(number: u64, old: &OldSubjects) -> Result<Write, KvError> {
    note(OLD_SUBJECTS, number, (!old.topics.is_empty()).then_some(old))
}

fn note(space: &str, number: u64, value: Option<&impl Serialize>) -> Result<Write, KvError> {
    let value = value.map(serde_json::to_vec).transpose().map_err(|error| KvError::Invalid(error.to_string()))?;
    Ok(Write { space: Arc::from(space), key: number.to_be_bytes().to_vec(), value })
}

/// The commands of the database, in order.
fn stored(kv: &dyn Kv) -> Result<Vec<Stored>, KvError> {
    let (mut stored, mut problem) = (Vec::new(), None);
    kv.scan(SPACE, Bound::Unbounded, Bound::Unbounded, &mut |key, value| {
        match key.try_into() {
            Ok(number) => stored.push((u64::from_be_bytes(number), value.to_vec())),
            Err(_) => problem = Some(corrupt(format!("a command has the key {}", key.escape_ascii()))),
        }
        problem.is_none()
    })?;
    problem.map_or(Ok(stored), Err)
}

fn corrupt(problem: String) -> KvError {
    KvError::Corrupt { file: SPACE.to_owned(), problem }
}

/// Reads an action, as deep as it is: expressions have as many levels as threads have stack for (`sql::STACK_BYTES`).
fn read(action: &RawValue) -> serde_json::Result<Action> {
    let mut reader = serde_json::Deserializer::from_str(action.get());
    reader.disable_recursion_limit();
    let action = Action::deserialize(&mut reader)?;
    reader.end()?;
    Ok(action)
}

/// A command and its number. Numbers grow, and there may be gaps between them.
pub(crate) type Numbered = (u64, Logged);

/// The command log.
pub(crate) struct CommandLog {
    kv: Arc<dyn Kv>,
    space: Arc<str>,
    next: u64,
    /// What counts where other processes carry out the same commands; the database has a copy of it then.
    topic: Option<CommandTopic>,
}

/// What came of the commands so far. It can be asked while another command is carried out.
#[derive(Debug, Default)]
pub(crate) struct Outcomes(RwLock<Done>);

#[derive(Debug, Default)]
struct Done {
    /// How many commands have been carried out.
    count: i64,
    /// By command id; the latest of an id counts.
    statuses: BTreeMap<String, Status>,
}

/// What a command answered, and the query it started.
pub(crate) type Status = (String, Option<String>);

impl Outcomes {
    /// The outcomes of the commands of a log.
    pub(crate) fn of(commands: &[Numbered]) -> Self {
        let outcomes = Self::default();
        for (number, command) in commands {
            outcomes.note_command(*number, command);
        }
        outcomes
    }

    /// A command that stands in the log has been carried out.
    pub(crate) fn note_command(&self, number: u64, command: &Logged) {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        self.note(number, &command.command_id, (command.message.clone(), command.query_id.clone()));
    }

    /// A command has been carried out.
    pub(crate) fn note(&self, number: i64, command_id: &str, status: Status) {
        let mut done = self.0.write();
        done.count = number + 1;
        done.statuses.insert(command_id.to_owned(), status);
    }

    /// Whether the command of that number has been carried out.
    pub(crate) fn includes(&self, number: i64) -> bool {
        number < self.0.read().count
    }

    /// Ids of all commands.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.0.read().statuses.keys().cloned().collect()
    }

    /// What came of a command.
    pub(crate) fn status(&self, id: &str) -> Option<Status> {
        self.0.read().statuses.get(id).cloned()
    }
}

impl CommandLog {
    /// Opens it and reads what is in it, oldest first. With `sharing`, it is shared with other processes if the log has any.
    ///
    /// # Errors
    /// The log or the database failed, or something else than commands is in it.
    pub(crate) fn open(log: &Arc<dyn Log>, sharing: Option<&Sharing>) -> Result<(Self, Vec<Numbered>), LogError> {
        let kv = Arc::clone(log.kv());
        let mut stored = stored(&*kv)?;
        let topic = match sharing {
            Some(sharing) => CommandTopic::open(log, sharing, &mut stored)?,
            None => None,
        };
        if topic.is_none() && !topic::was_shared(&*kv)? {
            // The next one would take the place of another.
            if let Some((missing, _)) = (0..).zip(&stored).find(|(number, (found, _))| number != found) {
                return Err(corrupt(format!("command {missing} is missing")).into());
            }
        }
        let next = stored.last().map_or(0, |(number, _)| number + 1);
        let decode = |(number, bytes): &Stored| Ok((*number, Logged::decode(*number, bytes)?));
        let commands = stored.iter().map(decode).collect::<Result<_, KvError>>()?;
        Ok((Self { kv, space: Arc::from(SPACE), next, topic }, commands))
    }

    /// Whether other processes carry out the same commands.
    pub(crate) fn is_shared(&self) -> bool {
        self.topic.is_some()
    }

    /// The commands of a ksqlDB that are to be taken over, once.
    pub(crate) fn take_foreign(&mut self) -> Vec<Foreign> {
        self.topic.as_mut().map(CommandTopic::take_foreign).unwrap_or_default()
    }

    /// Logs what has become of ksqlDB's commands, all or nothing. Returns the commands that count: those of another process that
    /// was faster, if there is one.
    ///
    /// # Errors
    /// The log or the database failed.
    pub(crate) fn adopt(&mut self, commands: Vec<Numbered>) -> Result<Vec<Numbered>, LogError> {
        let Some(topic) = self.topic.as_mut().filter(|_| !commands.is_empty()) else { return Ok(commands) };
        let encode = |(number, logged): &Numbered| {
            let command = logged.encode().map_err(LogError::Invalid)?;
            Ok((*number, logged.clone(), command))
        };
        let encoded = commands.iter().map(encode).collect::<Result<Vec<_>, LogError>>()?;
        match topic.adopt(&encoded)? {
            Some(others) => self.taken(&others),
            None => {
                self.next = commands.last().map_or(self.next, |(number, _)| number + 1);
                Ok(commands)
            }
        }
    }

    /// Why it takes no commands any more.
    pub(crate) fn lost(&self) -> Option<&str> {
        self.topic.as_ref().and_then(CommandTopic::lost)
    }

    /// Makes this process the one that writes, if there are others; returns the commands that these have written.
    ///
    /// # Errors
    /// The log failed, or the topic is [lost](Self::lost).
    pub(crate) fn catch_up(&mut self) -> Result<Vec<Numbered>, LogError> {
        let Some(topic) = &mut self.topic else { return Ok(Vec::new()) };
        if !topic.is_claimed() {
            topic.claim()?;
        }
        let new = topic.catch_up()?;
        self.taken(&new)
    }

    /// The commands that other processes have written, as far as they are here. Does not wait.
    ///
    /// # Errors
    /// As [`Self::catch_up`].
    pub(crate) fn follow(&mut self) -> Result<Vec<Numbered>, LogError> {
        let Some(topic) = &mut self.topic else { return Ok(Vec::new()) };
        let new = topic.follow()?;
        self.taken(&new)
    }

    /// What wakes whoever follows; none if there is nobody to follow.
    pub(crate) fn wake(&self) -> Option<Arc<Signal>> {
        self.topic.as_ref().map(|topic| Arc::clone(topic.wake()))
    }

    fn taken(&mut self, new: &[Stored]) -> Result<Vec<Numbered>, LogError> {
        self.next = new.last().map_or(self.next, |(number, _)| number + 1);
        let decode = |(number, bytes): &Stored| Ok((*number, Logged::decode(*number, bytes)?));
        new.iter().map(decode).collect()
    }

    /// Appends a command, and notes what it leaves to clean up; durable on return. Returns its sequence number, which is
    /// [`Self::next`].
    ///
    /// # Errors
    /// [`LogError::Overtaken`]: another process has written a command, which was not known when this one was planned. The
    /// log or the database failed. The command is not logged then.
    pub(crate) fn append(&mut self, command: &Logged, cleanup: &Cleanup, old: &OldSubjects) -> Result<i64, LogError> {
        let number = self.next();
        let entry = self.entry(number, command)?;
        let mut notes = Writes::default();
        if !cleanup.is_empty() {
            notes.push(mark(number, cleanup)?);
        }
        if !old.topics.is_empty() {
            notes.push(mark_subjects(number, old)?);
        }
        match &mut self.topic {
            None => {
                let mut writes = Writes::from(entry);
                writes.append(notes);
                self.kv.write(writes)?;
            }
            Some(topic) => {
                topic.append(number, command, entry.value.as_deref().unwrap_or_default())?;
                let mut writes = Writes::from(entry);
                writes.append(notes);
                writes.push(topic.note()?);
                // From here on it counts: the next start reads what the copy lacks from the topic.
                if let Err(error) = self.kv.write(writes) {
                    tracing::error!(number, "the local copy of the command log lacks a command: {error}");
                }
            }
        }
        self.next = number + 1;
        Ok(self.last())
    }

    /// The number that the next command gets.
    pub(crate) fn next(&self) -> u64 {
        self.topic.as_ref().map_or(self.next, |topic| self.next.max(topic.end()))
    }

    /// Writes the commands of some sequence numbers anew, all or none.
    pub(crate) fn rewrite(&mut self, commands: &[(u64, Logged)]) -> Result<(), KvError> {
        let writes = commands.iter().map(|(number, command)| self.entry(*number, command));
        self.kv.write(writes.collect::<Result<Writes, _>>()?)
    }

    fn entry(&self, number: u64, command: &Logged) -> Result<Write, KvError> {
        let value = command.encode().map_err(KvError::Invalid)?;
        Ok(Write { space: Arc::clone(&self.space), key: number.to_be_bytes().to_vec(), value: Some(value) })
    }

    /// Notes what is left to clean up after a command.
    pub(crate) fn note_left(&self, number: u64, cleanup: &Cleanup) -> Result<(), KvError> {
        self.kv.write(mark(number, cleanup)?.into())
    }

    /// Notes the subjects that are left to delete after a command.
    pub(crate) fn note_subjects(&self, number: u64, old: &OldSubjects) -> Result<(), KvError> {
        self.kv.write(mark_subjects(number, old)?.into())
    }

    /// What commands have left to clean up, by their numbers. What cannot be read stays for a version that can.
    pub(crate) fn unfinished(&self) -> Result<Vec<(u64, Cleanup)>, KvError> {
        self.notes(UNFINISHED)
    }

    /// The subjects that commands have left to delete, by their numbers.
    pub(crate) fn old_subjects(&self) -> Result<Vec<(u64, OldSubjects)>, KvError> {
        self.notes(OLD_SUBJECTS)
    }

    fn notes<T: DeserializeOwned>(&self, space: &str) -> Result<Vec<(u64, T)>, KvError> {
        let mut all = Vec::new();
        self.kv.scan(space, Bound::Unbounded, Bound::Unbounded, &mut |key, value| {
            let number = key.try_into().map(u64::from_be_bytes);
            match (number, serde_json::from_slice(value)) {
                (Ok(number), Ok(left)) => all.push((number, left)),
                _ => tracing::warn!("what a command has left to clean up cannot be read: {}", value.escape_ascii()),
            }
            true
        })?;
        Ok(all)
    }

    /// Sequence number of the last command, -1 before the first.
    pub(crate) fn last(&self) -> i64 {
        self.next as i64 - 1
    }
}
