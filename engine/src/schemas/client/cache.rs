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

/// How long after the first answer "unknown" it is asked again: a server that follows another may be a moment behind.
const AGAIN: Duration = Duration::from_secs(1);

/// How long an id counts as unknown then, at least. One such id is asked for again in that time, not each: a batch that
/// names more of them than are told in that time would never be done otherwise.
const UNKNOWN: Duration = Duration::from_secs(10);

/// Unknown ids that are noted: more than there are in a batch of records, which would never be done otherwise.
const MAX_UNKNOWN: usize = 1 << 18;

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

/// An id that the registry does not know.
struct Unknown {
    asked: Instant,
    /// Whether it has said so twice, a moment apart.
    counts: bool,
}

/// The ids that the registry does not know.
#[derive(Default)]
struct UnknownIds {
    ids: HashMap<i32, Unknown>,
    /// When one that counts as unknown was asked for again.
    asked_again: Option<Instant>,
}

/// What was answered, and what is being asked.
#[derive(Default)]
pub(super) struct Cache {
    known: RwLock<Known>,
    unknown: Mutex<UnknownIds>,
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
            Asked::Unknown => self.note_unknown(id),
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
        let unknown = self.unknown.lock();
        let Unknown { asked, counts } = unknown.ids.get(&id)?;
        if *counts {
            let is_turn = unknown.asked_again.is_none_or(|again| again.elapsed() >= UNKNOWN);
            return (asked.elapsed() < UNKNOWN || !is_turn).then_some(Err(SchemaError::UnknownId(id)));
        }
        (asked.elapsed() < AGAIN).then_some(Err(SchemaError::NotYetKnown(id)))
    }

    /// Notes that nobody knows an id, and tells what that means.
    fn note_unknown<T>(&self, id: i32) -> Result<T, SchemaError> {
        let mut unknown = self.unknown.lock();
        make_room(&mut unknown.ids, MAX_UNKNOWN);
        let before = unknown.ids.get(&id).map(|before| (before.counts, before.asked.elapsed() >= AGAIN));
        let (counted, is_long_ago) = before.unwrap_or_default();
        let (now, counts) = (Instant::now(), counted || is_long_ago);
        if counted {
            unknown.asked_again = Some(now);
        }
        unknown.ids.insert(id, Unknown { asked: now, counts });
        Err(if counts { SchemaError::UnknownId(id) } else { SchemaError::NotYetKnown(id) })
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
        self.unknown.lock().ids.remove(&id);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_unknown_ids_one_is_asked_for_again_at_a_time() {
        let (cache, asked) = (Cache::default(), Mutex::new(Vec::new()));
        let ask = |id| {
            cache.schema(id, || {
                asked.lock().push(id);
                Ok(Asked::Unknown)
            })
        };
        let Some(before) = Instant::now().checked_sub(UNKNOWN * 2) else { return };
        for id in 1..=300 {
            cache.unknown.lock().ids.insert(id, Unknown { asked: before, counts: true });
        }
        for _ in 0..2 {
            (1..=300).for_each(|id| assert_eq!(ask(id), Err(SchemaError::UnknownId(id))));
        }
        assert_eq!(*asked.lock(), [1]);
        cache.unknown.lock().asked_again = Some(before);
        (1..=300).for_each(|id| assert_eq!(ask(id), Err(SchemaError::UnknownId(id))));
        assert_eq!(*asked.lock(), [1, 2]);
    }
}
