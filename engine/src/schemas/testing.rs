//! A registry for tests: in memory, with a switch that makes it stop answering.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::{Place, Registered, Schema, SchemaError, Schemas, topic_subject};

/// Keeps schemas while it lives.
#[derive(Debug, Default)]
pub(crate) struct InMemory {
    kept: Mutex<Kept>,
    /// Whether it does not answer.
    pub(crate) is_down: AtomicBool,
    /// Whether another server of it may know more.
    pub(crate) is_behind: AtomicBool,
    /// Held by who wants it to take its time.
    pub(crate) turn: Mutex<()>,
    /// Whether it lets nobody in.
    pub(crate) is_closed: AtomicBool,
    /// Whether it lets nobody delete.
    pub(crate) keeps_all: AtomicBool,
    /// Where it is; http://registry:8081 unless a test says otherwise.
    pub(crate) place: Mutex<Option<Place>>,
    /// How many calls it had.
    pub(crate) calls: AtomicUsize,
}

#[derive(Debug, Default)]
struct Kept {
    /// By id, from 1.
    schemas: Vec<Arc<Schema>>,
    /// Ids of the versions of subjects.
    subjects: BTreeMap<String, Vec<i32>>,
    /// Subjects that take no other version.
    closed: Vec<String>,
}

impl InMemory {
    /// Refuses further versions of a subject as incompatible.
    pub(crate) fn close(&self, subject: &str) {
        self.kept.lock().closed.push(subject.to_owned());
    }

    /// Names of all subjects.
    pub(crate) fn subjects(&self) -> Vec<String> {
        self.kept.lock().subjects.keys().cloned().collect()
    }

    fn answer(&self) -> Result<(), SchemaError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        drop(self.turn.lock());
        if self.is_closed.load(Ordering::SeqCst) {
            return Err(SchemaError::Refused { code: 401, message: "who are you".to_owned() });
        }
        match self.is_down.load(Ordering::SeqCst) {
            true => Err(SchemaError::Unavailable("http://registry:8081: connection refused".to_owned())),
            false => Ok(()),
        }
    }
}

impl Schemas for InMemory {
    fn by_id(&self, id: i32) -> Result<Arc<Schema>, SchemaError> {
        self.answer()?;
        let kept = self.kept.lock();
        let found = usize::try_from(id).ok().and_then(|id| kept.schemas.get(id.checked_sub(1)?));
        let is_behind = self.is_behind.load(Ordering::SeqCst);
        found.cloned().ok_or(if is_behind { SchemaError::NotYetKnown(id) } else { SchemaError::UnknownId(id) })
    }

    fn latest(&self, subject: &str) -> Result<Option<Registered>, SchemaError> {
        self.answer()?;
        let kept = self.kept.lock();
        let Some(versions) = kept.subjects.get(subject) else { return Ok(None) };
        Ok(versions.last().map(|id| Registered {
            subject: subject.to_owned(),
            version: versions.len() as i32,
            id: *id,
            schema: Arc::clone(&kept.schemas[*id as usize - 1]),
        }))
    }

    fn register(&self, subject: &str, schema: &Schema) -> Result<i32, SchemaError> {
        self.answer()?;
        let mut kept = self.kept.lock();
        let same = kept.schemas.iter().position(|other| **other == *schema).map(|at| at as i32 + 1);
        let versions = kept.subjects.get(subject).cloned().unwrap_or_default();
        if let Some(id) = same.filter(|id| versions.contains(id)) {
            return Ok(id);
        }
        if kept.closed.iter().any(|closed| closed == subject) {
            return Err(SchemaError::Incompatible { subject: subject.to_owned(), why: "it is closed".to_owned() });
        }
        let id = same.unwrap_or_else(|| {
            kept.schemas.push(Arc::new(schema.clone()));
            kept.schemas.len() as i32
        });
        kept.subjects.entry(subject.to_owned()).or_default().push(id);
        Ok(id)
    }

    fn delete(&self, subject: &str) -> Result<(), SchemaError> {
        self.answer()?;
        if self.keeps_all.load(Ordering::SeqCst) {
            return Err(SchemaError::Refused { code: 40301, message: "nobody may delete".to_owned() });
        }
        self.kept.lock().subjects.remove(subject);
        Ok(())
    }

    fn has(&self, subject: Option<&str>, id: Option<i32>) -> Result<bool, SchemaError> {
        self.answer()?;
        let kept = self.kept.lock();
        let mut found = kept.subjects.iter().filter(|(name, _)| subject.is_none_or(|subject| subject == *name));
        Ok(found.any(|(_, ids)| id.is_none_or(|id| ids.contains(&id))))
    }

    fn place(&self) -> Place {
        self.place.lock().clone().unwrap_or_else(|| Place::Elsewhere(vec!["http://registry:8081".to_owned()]))
    }

    fn subject(&self, topic: &str, is_key: bool, _: Option<&str>) -> String {
        topic_subject(topic, is_key)
    }
}
