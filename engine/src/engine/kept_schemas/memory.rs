//! The answers of a registry in the local database.

use std::collections::HashSet;
use std::ops::Bound;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::kv::{Kv, KvError, Write};
use crate::schemas::{Language, Reference, Referenced, Schema};

/// Spaces of the local database: schemas by id, what is known of subjects.
pub(super) const IDS: &str = "schemas/ids";
pub(super) const SUBJECTS: &str = "schemas/subjects";

/// Room for what is kept.
const MAX_ENTRIES: usize = 20_000;
const MAX_BYTES: usize = 64 << 20;

/// Schemas of one subject whose ids are kept: those that this server has written by last.
const MAX_OF_SUBJECT: usize = 20;

/// How long nobody asks whether something still holds after nobody has answered that.
const SILENCE: Duration = Duration::from_secs(30);

/// What is kept, within the room for it.
pub(super) struct Memory {
    kv: Arc<dyn Kv>,
    /// Of the present registry.
    pub(super) number: u32,
    /// Whether what the present registry says is right where it has said something else before.
    pub(super) takes_news: bool,
    room: Mutex<Room>,
    said: Mutex<Said>,
}

/// What the registry has said since the start. The rest was kept before, and may have changed.
#[derive(Debug, Default)]
struct Said {
    ids: HashSet<i32>,
    /// Subjects, with ids of what is registered there.
    registered: HashSet<(String, i32)>,
    /// When it was asked for the last time whether something still holds, and nobody answered.
    in_vain: Option<Instant>,
}

#[derive(Debug, Default)]
struct Room {
    entries: usize,
    bytes: usize,
    is_told: bool,
}

/// What an id means.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct OfId {
    pub(super) number: u32,
    pub(super) schema: StoredSchema,
}

/// What is known of a subject.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct OfSubject {
    pub(super) number: u32,
    /// Version and id of its last schema, when it was asked for last.
    pub(super) latest: Option<(i32, i32)>,
    /// Ids of what was registered there, the oldest first.
    pub(super) registered: Vec<(i32, StoredSchema)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredSchema {
    language: Language,
    text: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    references: Vec<Reference>,
    /// Names and texts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    referenced: Vec<(String, String)>,
}

impl StoredSchema {
    pub(super) fn of(schema: &Schema) -> Self {
        let referenced = schema.referenced.iter().map(|other| (other.name.clone(), other.text.to_string()));
        Self {
            language: schema.language,
            text: schema.text.to_string(),
            references: schema.references.clone(),
            referenced: referenced.collect(),
        }
    }

    pub(super) fn into_schema(self) -> Schema {
        let Self { language, text, references, referenced } = self;
        let referenced = referenced.into_iter().map(|(name, text)| Referenced { name, text: text.into() });
        Schema { references, referenced: referenced.collect(), ..Schema::alone(language, text) }
    }

    /// Whether records that were written by one are read by the other as they were.
    pub(super) fn means(&self, other: &Self) -> bool {
        (self.language, &self.text, &self.referenced) == (other.language, &other.text, &other.referenced)
    }
}

impl Memory {
    /// What is kept, for the registry of that number.
    pub(super) fn open(kv: Arc<dyn Kv>, number: u32, takes_news: bool) -> Result<Self, KvError> {
        let mut room = Room::default();
        for space in [IDS, SUBJECTS] {
            kv.scan(space, Bound::Unbounded, Bound::Unbounded, &mut |key, value| {
                room.add(key, value);
                true
            })?;
        }
        Ok(Self { kv, number, takes_news, room: Mutex::new(room), said: Mutex::default() })
    }

    /// What is kept under a key. What cannot be read is not there: it is asked for again.
    pub(super) fn get<T: DeserializeOwned>(&self, space: &str, key: &[u8]) -> Option<T> {
        read(&*self.kv, space, key).unwrap_or_else(|error| {
            tracing::warn!("a kept answer of the schema registry cannot be read: {error}");
            None
        })
    }

    /// Whether the registry has told the schema of an id since the start.
    pub(super) fn has_said(&self, id: i32) -> bool {
        self.said.lock().ids.contains(&id)
    }

    /// Whether the registry has given an id to a schema of a subject since the start.
    pub(super) fn has_registered(&self, subject: &str, id: i32) -> bool {
        self.said.lock().registered.contains(&(subject.to_owned(), id))
    }

    /// Whether there is a point in asking whether something still holds.
    pub(super) fn may_answer(&self) -> bool {
        self.said.lock().in_vain.is_none_or(|asked| asked.elapsed() >= SILENCE)
    }

    /// Nobody has answered whether something still holds.
    pub(super) fn note_silence(&self) {
        self.said.lock().in_vain = Some(Instant::now());
    }

    /// Keeps what the registry has just said.
    pub(super) fn keep_schema(&self, id: i32, schema: &Schema) {
        with_room(&mut self.said.lock().ids).insert(id);
        self.keep(IDS, &id.to_be_bytes(), &OfId { number: self.number, schema: StoredSchema::of(schema) });
    }

    /// Keeps the id of what was registered in a subject.
    pub(super) fn keep_id(&self, subject: &str, schema: &Schema, id: i32) {
        with_room(&mut self.said.lock().registered).insert((subject.to_owned(), id));
        self.change(subject, |known| {
            let schema = StoredSchema::of(schema);
            known.registered.retain(|(_, other)| *other != schema);
            known.registered.push((id, schema));
            let oldest = known.registered.len().saturating_sub(MAX_OF_SUBJECT);
            known.registered.drain(..oldest);
        });
    }

    /// Changes what is known of a subject. What another registry has said of it is not known.
    pub(super) fn change(&self, subject: &str, change: impl FnOnce(&mut OfSubject)) {
        let before = self.get::<OfSubject>(SUBJECTS, subject.as_bytes()).filter(|known| known.number == self.number);
        let mut known = before.unwrap_or_else(|| OfSubject { number: self.number, ..OfSubject::default() });
        change(&mut known);
        self.keep(SUBJECTS, subject.as_bytes(), &known);
    }

    /// Whether what is kept of a subject was said by a registry before.
    pub(super) fn is_of_another(&self, subject: &str) -> bool {
        self.get::<OfSubject>(SUBJECTS, subject.as_bytes()).is_some_and(|known| known.number != self.number)
    }

    pub(super) fn forget(&self, subject: &str) {
        if self.get::<OfSubject>(SUBJECTS, subject.as_bytes()).is_some() {
            self.put(SUBJECTS, subject.as_bytes(), None);
        }
    }

    fn keep(&self, space: &str, key: &[u8], value: &impl Serialize) {
        match encode(value) {
            Ok(value) => self.put(space, key, Some(value)),
            Err(error) => tracing::warn!("an answer of the schema registry is not kept: {error}"),
        }
    }

    fn put(&self, space: &str, key: &[u8], value: Option<Vec<u8>>) {
        if let Err(error) = self.try_put(space, key, value) {
            tracing::warn!("an answer of the schema registry is not kept: {error}");
        }
    }

    /// Sets or removes a key. What there is no room for is removed, too, as it would say what was before.
    fn try_put(&self, space: &str, key: &[u8], value: Option<Vec<u8>>) -> Result<(), KvError> {
        let mut room = self.room.lock();
        let before = self.kv.get(space, key)?;
        if before == value {
            return Ok(());
        }
        if let Some(before) = &before {
            room.remove(key, before);
        }
        let value = value.filter(|value| room.has_place_for(key, value));
        if let Some(value) = &value {
            room.add(key, value);
        }
        if before.is_none() && value.is_none() {
            return Ok(());
        }
        write(&*self.kv, space, key, value)
    }
}

/// Beyond the room for what is kept it is asked again.
fn with_room<T>(said: &mut HashSet<T>) -> &mut HashSet<T> {
    if said.len() >= MAX_ENTRIES {
        said.clear();
    }
    said
}

impl Room {
    fn add(&mut self, key: &[u8], value: &[u8]) {
        self.entries += 1;
        self.bytes = self.bytes.saturating_add(key.len() + value.len());
    }

    fn remove(&mut self, key: &[u8], value: &[u8]) {
        self.entries = self.entries.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(key.len() + value.len());
    }

    fn has_place_for(&mut self, key: &[u8], value: &[u8]) -> bool {
        let fits = self.entries < MAX_ENTRIES && self.bytes.saturating_add(key.len() + value.len()) <= MAX_BYTES;
        if !fits && !std::mem::replace(&mut self.is_told, true) {
            tracing::warn!(
                "{} answers of the schema registry are kept, and there is no room for more: a start will ask for them",
                self.entries
            );
        }
        fits
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").field("number", &self.number).field("room", &self.room).finish_non_exhaustive()
    }
}

pub(super) fn encode(value: &impl Serialize) -> Result<Vec<u8>, KvError> {
    serde_json::to_vec(value).map_err(|error| KvError::Invalid(error.to_string()))
}

pub(super) fn read<T: DeserializeOwned>(kv: &dyn Kv, space: &str, key: &[u8]) -> Result<Option<T>, KvError> {
    let Some(bytes) = kv.get(space, key)? else { return Ok(None) };
    let read = serde_json::from_slice(&bytes);
    read.map(Some).map_err(|error| KvError::Corrupt { file: space.to_owned(), problem: error.to_string() })
}

pub(super) fn write(kv: &dyn Kv, space: &str, key: &[u8], value: Option<Vec<u8>>) -> Result<(), KvError> {
    kv.write(Write { space: Arc::from(space), key: key.to_vec(), value }.into())
}
