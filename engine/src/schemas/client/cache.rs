//! What the registry has answered.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};

use crate::schemas::{Schema, SchemaError};

/// Answers of each kind that are remembered. Beyond that all are forgotten, and asked for again when they are wanted.
const MAX: usize = 10_000;

/// Bytes of the texts of the schemas that are remembered.
const MAX_BYTES: usize = 256 << 20;

/// Schemas of one subject whose ids are remembered: those that this server has registered there.
const MAX_OF_SUBJECT: usize = 100;

/// How long an id counts as unknown: not long, as a server that follows another may only be a moment behind.
const UNKNOWN: Duration = Duration::from_secs(1);

/// The answer to a question for an id.
pub(super) enum Asked {
    Schema(Arc<Schema>),
    Unknown,
}

/// Schemas by their ids.
#[derive(Default)]
struct Known {
    schemas: HashMap<i32, Arc<Schema>>,
    bytes: usize,
}

/// What was answered, and what is being asked.
#[derive(Default)]
pub(super) struct Cache {
    known: RwLock<Known>,
    unknown: Mutex<HashMap<i32, Instant>>,
    /// Held by the one who asks for an id.
    asking: Mutex<HashMap<i32, Arc<Mutex<()>>>>,
    ids: Mutex<HashMap<String, HashMap<Schema, i32>>>,
}

impl Cache {
    /// The schema of an id; `ask` is called unless the answer is known, and by nobody else for the same id meanwhile.
    pub(super) fn schema(
        &self,
        id: i32,
        ask: impl FnOnce() -> Result<Asked, SchemaError>,
    ) -> Result<Arc<Schema>, SchemaError> {
        if let Some(known) = self.known(id) {
            return known;
        }
        let turn = Arc::clone(self.asking.lock().entry(id).or_default());
        let asking = turn.lock();
        // Another one may have got the answer while this one waited.
        let answer = self.known(id).unwrap_or_else(|| match ask()? {
            Asked::Schema(schema) => {
                self.note(id, &schema);
                Ok(schema)
            }
            Asked::Unknown => {
                let mut unknown = self.unknown.lock();
                make_room(&mut unknown, MAX);
                unknown.insert(id, Instant::now());
                Err(SchemaError::UnknownId(id))
            }
        });
        drop(asking);
        let mut turns = self.asking.lock();
        // Two hold it: the map and this one.
        if turns.get(&id).is_some_and(|turn| Arc::strong_count(turn) <= 2) {
            turns.remove(&id);
        }
        answer
    }

    fn known(&self, id: i32) -> Option<Result<Arc<Schema>, SchemaError>> {
        if let Some(schema) = self.known.read().schemas.get(&id) {
            return Some(Ok(Arc::clone(schema)));
        }
        let mut unknown = self.unknown.lock();
        let asked = *unknown.get(&id)?;
        if asked.elapsed() < UNKNOWN {
            return Some(Err(SchemaError::UnknownId(id)));
        }
        unknown.remove(&id);
        None
    }

    /// Notes what an id means.
    pub(super) fn note(&self, id: i32, schema: &Arc<Schema>) {
        let bytes = schema.referenced.iter().map(|other| other.text.len()).sum::<usize>() + schema.text.len();
        let mut known = self.known.write();
        if known.schemas.len() >= MAX || known.bytes.saturating_add(bytes) > MAX_BYTES {
            *known = Known::default();
        }
        if known.schemas.insert(id, Arc::clone(schema)).is_none() {
            known.bytes += bytes;
        }
    }

    /// The id of a schema in a subject.
    pub(super) fn id(&self, subject: &str, schema: &Schema) -> Option<i32> {
        self.ids.lock().get(subject)?.get(schema).copied()
    }

    /// Notes the id of a schema in a subject. What the id means is left to be asked: the registry may have another text.
    pub(super) fn note_id(&self, subject: &str, schema: &Schema, id: i32) {
        let mut ids = self.ids.lock();
        make_room(&mut ids, MAX);
        let of_subject = ids.entry(subject.to_owned()).or_default();
        make_room(of_subject, MAX_OF_SUBJECT);
        of_subject.insert(schema.clone(), id);
        drop(ids);
        self.unknown.lock().remove(&id);
    }

    /// Forgets the ids of a subject.
    pub(super) fn forget(&self, subject: &str) {
        self.ids.lock().remove(subject);
    }
}

fn make_room<K, V>(answers: &mut HashMap<K, V>, most: usize) {
    if answers.len() >= most {
        answers.clear();
    }
}
