//! What a schema registry elsewhere has answered, kept in the local database: a start needs no answer to what was settled
//! before, and asks once for each of it whether it still holds. And which registry that was, so that another one is not taken for
//! it.
//!
//! ```text
//! statements ──────────────────────> KeptSchemas ─ asks, and keeps the answer ─┐
//! queries, INSERT: Settled ─ kept? ─────┘ ▲                                    ├─> registry
//!                                         └── schemas of ids: kept, or asked ──┘
//! ```

mod memory;

use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};

use crate::config::setting;
use crate::kv::{Kv, KvError};
use crate::log::Log;
use crate::schemas::{Place, Registered, Schema, SchemaError, Schemas};

use memory::{IDS, Memory, OfId, OfSubject, SUBJECTS, StoredSchema, encode, read, write};

/// Space of the local database that says whose the answers are.
const PLACE: &str = "schemas/place";
/// The only key in [`PLACE`].
const PRESENT: &[u8] = b"present";

/// Who keeps the schemas, and the answers of that one.
pub(super) struct KeptSchemas {
    there: Arc<dyn Schemas>,
    log: Arc<dyn Log>,
    opened: OnceLock<Opened>,
    /// Held by who registers, for itself alone by who deletes: what is registered anew is not deleted with what was before.
    deletes: RwLock<()>,
    /// Topics that statements which are being carried out will use.
    wanted: Mutex<Vec<String>>,
}

/// While it lives, no subject of these topics is deleted as one of a topic that is gone.
pub(super) struct Wanted<'a> {
    schemas: &'a KeptSchemas,
    topics: Vec<String>,
}

impl Drop for Wanted<'_> {
    fn drop(&mut self) {
        let mut wanted = self.schemas.wanted.lock();
        for topic in &self.topics {
            if let Some(at) = wanted.iter().position(|it| it == topic) {
                wanted.swap_remove(at);
            }
        }
    }
}

/// What is known once the command log has been read.
#[derive(Debug)]
enum Opened {
    /// Nothing is kept: the registry is this server's own, or there is none.
    Asks,
    Keeps(Memory),
    /// It is not the registry that statements were carried out with.
    Refuses(String),
}

/// The same as queries and inserted rows see it: what was registered before is not asked for again, and what may change is
/// what it was while nobody answers.
#[derive(Debug)]
pub(super) struct Settled(pub(super) Arc<KeptSchemas>);

/// Which registry the server had when it was last started with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Present {
    place: Place,
    /// How many others there were before. What is kept has the number of the registry that has said it.
    number: u32,
}

impl KeptSchemas {
    /// Of a registry; nothing is kept before [`KeptSchemas::open`].
    pub(super) fn new(there: Arc<dyn Schemas>, log: Arc<dyn Log>) -> Self {
        Self { there, log, opened: OnceLock::new(), deletes: RwLock::default(), wanted: Mutex::default() }
    }

    /// Looks whether it is the registry that statements were carried out with. `is_needed`: some of them stand that need
    /// one; `accepted` is the registry that may take the place of another.
    ///
    /// # Errors
    /// The local database failed.
    pub(super) fn open(&self, is_needed: bool, accepted: &str) -> Result<(), KvError> {
        let kv = self.log.kv();
        let place = self.there.place();
        let before: Option<Present> = read(&**kv, PLACE, PRESENT)?;
        let number = before.as_ref().map_or(0, |before| before.number);
        let opened = match &before {
            Some(before) if is_needed && before.place.is_other_kind(&place) && !is_named(&place, accepted) => {
                let refusal = refusal(&before.place, &place);
                tracing::error!("{refusal}");
                Opened::Refuses(refusal)
            }
            Some(before) if before.place.may_be(&place) => {
                if is_named(&place, accepted) {
                    tracing::warn!(
                        "{} has done its work: leave it out, or another registry that takes the place of {place} will not be \
                         noticed",
                        setting::SCHEMA_REGISTRY_ACCEPTED.name()
                    );
                }
                Self::go_on(kv, Present { place, number }, Some(before), accepted)?
            }
            None => Self::go_on(kv, Present { place, number }, None, accepted)?,
            Some(before) => {
                if is_needed {
                    tracing::warn!("{place} keeps the schemas now, and not {} any more", before.place);
                }
                if !is_needed || is_named(&place, accepted) {
                    kv.drop_spaces(IDS)?;
                    kv.drop_spaces(SUBJECTS)?;
                }
                let number = number.saturating_add(1);
                Self::go_on(kv, Present { place, number }, Some(before), accepted)?
            }
        };
        // Nobody else opens it.
        let _first = self.opened.set(opened);
        Ok(())
    }

    fn go_on(kv: &Arc<dyn Kv>, now: Present, before: Option<&Present>, accepted: &str) -> Result<Opened, KvError> {
        if before != Some(&now) {
            write(&**kv, PLACE, PRESENT, Some(encode(&now)?))?;
        }
        let takes_news = is_named(&now.place, accepted);
        match now.place {
            Place::Elsewhere(_) => Ok(Opened::Keeps(Memory::open(Arc::clone(kv), now.number, takes_news)?)),
            Place::Own | Place::Nowhere => Ok(Opened::Asks),
        }
    }

    /// Whether it takes a server's answer to know something.
    pub(super) fn is_elsewhere(&self) -> bool {
        matches!(self.there.place(), Place::Elsewhere(_))
    }

    /// The number of the present registry: another one has another.
    pub(super) fn number(&self) -> Result<u32, KvError> {
        let present: Option<Present> = read(&**self.log.kv(), PLACE, PRESENT)?;
        Ok(present.map_or(0, |present| present.number))
    }

    /// The subject of the keys of a topic that only this server writes, if it has registered one.
    pub(super) fn subject_of_internal(&self, topic: &str) -> Option<String> {
        let subject = self.there.subject(topic, true, None);
        let is_there = match self.memory() {
            Some(memory) => {
                memory.get::<OfSubject>(SUBJECTS, subject.as_bytes()).is_some_and(|known| known.number == memory.number)
            }
            None => self.there.is_there(),
        };
        is_there.then_some(subject)
    }

    /// Notes that a statement will use topics. Waits while a subject is deleted.
    pub(super) fn want(&self, topics: Vec<String>) -> Wanted<'_> {
        let _not_deleted = (!topics.is_empty()).then(|| self.deletes.read());
        self.wanted.lock().extend(topics.iter().cloned());
        Wanted { schemas: self, topics }
    }

    /// Deletes a subject of a topic that is gone. Says `false` if it stays, as the topic is there or used (`is_used`).
    pub(super) fn delete_of_gone(
        &self,
        subject: &str,
        topic: &str,
        is_used: impl FnOnce() -> bool,
    ) -> Result<bool, SchemaError> {
        // Never in another registry.
        self.check()?;
        let _alone = self.deletes.write();
        let found = self.log.topic(topic).map_err(|error| SchemaError::Unavailable(error.to_string()))?;
        if found.is_some() || is_used() || self.wanted.lock().iter().any(|wanted| wanted == topic) {
            return Ok(false);
        }
        self.delete_alone(subject).map(|()| true)
    }

    /// With nobody registering.
    fn delete_alone(&self, subject: &str) -> Result<(), SchemaError> {
        if let Some(memory) = self.memory() {
            memory.forget(subject);
        }
        self.there.delete(subject)
    }

    fn memory(&self) -> Option<&Memory> {
        match self.opened.get() {
            Some(Opened::Keeps(memory)) => Some(memory),
            _ => None,
        }
    }

    /// The error of a kept schema of a registry before, which this one does not have.
    fn another(&self, id: i32, what: &str) -> SchemaError {
        let place = self.there.place();
        SchemaError::Changed(format!(
            "{place} {what} id {id}, which is another schema in the registry that statements were carried out with. Set \
             ksql.schema.registry.url to that one again, or, if records are to be read and written by the new one, set {}={}.",
            setting::SCHEMA_REGISTRY_ACCEPTED.name(),
            name(&place)
        ))
    }

    /// Whether the present registry means by an id what one before it meant.
    fn confirm(&self, id: i32, kept: StoredSchema) -> Result<Arc<Schema>, SchemaError> {
        match self.there.by_id(id) {
            Ok(now) if StoredSchema::of(&now).means(&kept) => Ok(now),
            Ok(_) => Err(self.another(id, "has another schema of")),
            Err(SchemaError::UnknownId(_)) => Err(self.another(id, "has no schema of")),
            Err(error) => Err(error),
        }
    }

    /// A schema that was kept before this start: the registry is asked once whether it still is that one, as it may have been
    /// made anew meanwhile. What is gone there, and what nobody tells, is what it was.
    fn still_meant(&self, memory: &Memory, id: i32, kept: StoredSchema) -> Result<Arc<Schema>, SchemaError> {
        if memory.has_said(id) || !memory.may_answer() {
            return Ok(Arc::new(kept.into_schema()));
        }
        match self.there.by_id(id) {
            Ok(now) if memory.takes_news || StoredSchema::of(&now).means(&kept) => {
                memory.keep_schema(id, &now);
                Ok(now)
            }
            Ok(_) => Err(self.another(id, "has another schema of")),
            Err(error) => {
                if error.may_pass() {
                    memory.note_silence();
                }
                Ok(Arc::new(kept.into_schema()))
            }
        }
    }

    /// The id of what was registered before this start: the registry is asked once, as it may have been made anew meanwhile,
    /// and have another id for it. While nobody answers, or nobody is let in, it is the one it was.
    fn still_registered(&self, memory: &Memory, subject: &str, schema: &Schema, id: i32) -> Result<i32, SchemaError> {
        if memory.has_registered(subject, id) || !memory.may_answer() {
            return Ok(id);
        }
        let error = match self.register(subject, schema) {
            Ok(now) => {
                if now != id {
                    tracing::warn!("the schema of subject {subject} has id {now} in the schema registry, and had {id}");
                }
                return Ok(now);
            }
            Err(error) => error,
        };
        if error.may_pass() || matches!(error, SchemaError::Refused { .. }) {
            memory.note_silence();
        } else if self.by_id(id).is_ok_and(|now| StoredSchema::of(&now).means(&StoredSchema::of(schema))) {
            // It was deleted softly, say, and cannot be registered beside later ones.
            memory.keep_id(subject, schema, id);
        } else {
            return Err(error);
        }
        tracing::info!("the schema of subject {subject} is taken to have id {id} as before: {error}");
        Ok(id)
    }

    /// The id that a schema was given in a subject, if that is known.
    fn registered(&self, subject: &str, schema: &Schema) -> Result<Option<i32>, SchemaError> {
        let Some(memory) = self.memory() else { return Ok(None) };
        let Some(OfSubject { number, registered, .. }) = memory.get::<OfSubject>(SUBJECTS, subject.as_bytes()) else {
            return Ok(None);
        };
        let wanted = StoredSchema::of(schema);
        let Some(id) = registered.iter().rev().find(|(_, known)| *known == wanted).map(|(id, _)| *id) else {
            return Ok(None);
        };
        if number == memory.number {
            return self.still_registered(memory, subject, schema, id).map(Some);
        }
        // Records of that id stand in the topic: it must be the same one, or it is another registry.
        if self.there.has(Some(subject), Some(id)).map_err(|error| about(error, &of_subject(subject)))?
            && self.register(subject, schema)? == id
        {
            return Ok(Some(id));
        }
        Err(self.another(id, &format!("has not got in subject {subject} the")))
    }
}

impl Schemas for KeptSchemas {
    fn by_id(&self, id: i32) -> Result<Arc<Schema>, SchemaError> {
        self.check()?;
        let Some(memory) = self.memory() else { return self.there.by_id(id) };
        let found = match memory.get::<OfId>(IDS, &id.to_be_bytes()) {
            Some(OfId { number, schema }) if number == memory.number => return self.still_meant(memory, id, schema),
            Some(OfId { schema, .. }) => self.confirm(id, schema),
            None => self.there.by_id(id),
        };
        let found = found.map_err(|error| about(error, &format!("the schema of id {id}")))?;
        memory.keep_schema(id, &found);
        Ok(found)
    }

    fn latest(&self, subject: &str) -> Result<Option<Registered>, SchemaError> {
        self.check()?;
        let latest = self.there.latest(subject).map_err(|error| about(error, &of_subject(subject)))?;
        if let (None, Some(memory)) = (&latest, self.memory())
            && !memory.is_of_another(subject)
        {
            // What was registered there is gone.
            memory.forget(subject);
        }
        Ok(latest)
    }

    fn register(&self, subject: &str, schema: &Schema) -> Result<i32, SchemaError> {
        self.check()?;
        let _not_deleted = self.deletes.read();
        let id = self.there.register(subject, schema).map_err(|error| about(error, &of_subject(subject)))?;
        if let Some(memory) = self.memory() {
            memory.keep_id(subject, schema, id);
        }
        Ok(id)
    }

    fn delete(&self, subject: &str) -> Result<(), SchemaError> {
        self.check()?;
        let _alone = self.deletes.write();
        self.delete_alone(subject)
    }

    fn has(&self, subject: Option<&str>, id: Option<i32>) -> Result<bool, SchemaError> {
        self.check()?;
        self.there.has(subject, id)
    }

    fn place(&self) -> Place {
        self.there.place()
    }

    fn check(&self) -> Result<(), SchemaError> {
        match self.opened.get() {
            Some(Opened::Refuses(why)) => Err(SchemaError::Changed(why.clone())),
            _ => self.there.check(),
        }
    }

    fn subject(&self, topic: &str, is_key: bool, full_name: Option<&str>) -> String {
        self.there.subject(topic, is_key, full_name)
    }
}

impl Schemas for Settled {
    fn by_id(&self, id: i32) -> Result<Arc<Schema>, SchemaError> {
        self.0.by_id(id)
    }

    fn latest(&self, subject: &str) -> Result<Option<Registered>, SchemaError> {
        let Some(memory) = self.0.memory() else { return self.0.latest(subject) };
        let kept = || {
            let kept = memory.get::<OfSubject>(SUBJECTS, subject.as_bytes());
            kept.filter(|kept| kept.number == memory.number).and_then(|kept| kept.latest)
        };
        let as_before =
            |(version, id)| Ok(Some(Registered { subject: subject.to_owned(), version, id, schema: self.by_id(id)? }));
        if !memory.may_answer()
            && let Some(latest) = kept()
        {
            return as_before(latest);
        }
        match self.0.latest(subject) {
            Ok(Some(latest)) => {
                // What another registry has said is compared before it is forgotten.
                if !memory.is_of_another(subject) {
                    memory.keep_schema(latest.id, &latest.schema);
                    memory.change(subject, |known| known.latest = Some((latest.version, latest.id)));
                }
                Ok(Some(latest))
            }
            Err(error @ (SchemaError::Unavailable(_) | SchemaError::Refused { .. })) => {
                memory.note_silence();
                kept().map_or(Err(error), as_before)
            }
            other => other,
        }
    }

    fn register(&self, subject: &str, schema: &Schema) -> Result<i32, SchemaError> {
        self.0.check()?;
        match self.0.registered(subject, schema)? {
            Some(id) => Ok(id),
            None => self.0.register(subject, schema),
        }
    }

    fn delete(&self, subject: &str) -> Result<(), SchemaError> {
        self.0.delete(subject)
    }

    fn has(&self, subject: Option<&str>, id: Option<i32>) -> Result<bool, SchemaError> {
        self.0.has(subject, id)
    }

    fn place(&self) -> Place {
        self.0.place()
    }

    fn check(&self) -> Result<(), SchemaError> {
        self.0.check()
    }

    fn subject(&self, topic: &str, is_key: bool, full_name: Option<&str>) -> String {
        self.0.subject(topic, is_key, full_name)
    }
}

impl std::fmt::Debug for KeptSchemas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptSchemas").field("there", &self.there).field("opened", &self.opened).finish_non_exhaustive()
    }
}

/// Says what is waited for.
fn about(error: SchemaError, what: &str) -> SchemaError {
    match error {
        SchemaError::Unavailable(why) => SchemaError::Unavailable(format!("{why} (it was asked for {what})")),
        other => other,
    }
}

fn of_subject(subject: &str) -> String {
    format!("subject {subject}")
}

/// What `millstream.schema.registry.accepted` calls a registry.
fn name(place: &Place) -> &str {
    match place {
        Place::Nowhere => "none",
        Place::Own => "own",
        Place::Elsewhere(urls) => urls.first().map_or("", String::as_str),
    }
}

fn is_named(place: &Place, accepted: &str) -> bool {
    let accepted = accepted.trim().trim_end_matches('/');
    match place {
        Place::Elsewhere(urls) => urls.iter().any(|url| url == accepted),
        other => name(other).eq_ignore_ascii_case(accepted),
    }
}

fn refusal(before: &Place, now: &Place) -> String {
    let again = match before {
        Place::Elsewhere(urls) => format!("set {}={}", setting::SCHEMA_REGISTRY_URL.name(), urls.join(",")),
        Place::Own => format!(
            "leave {} empty and {} at true",
            setting::SCHEMA_REGISTRY_URL.name(),
            setting::SCHEMA_REGISTRY_ENABLED.name()
        ),
        Place::Nowhere => format!("set {}=false", setting::SCHEMA_REGISTRY_ENABLED.name()),
    };
    format!(
        "Streams and tables of this server have their schemas in {before}, and by its settings there is {now} now: what is \
         in AVRO, PROTOBUF or JSON_SR is neither read nor written. To go on as before, {again}. If the change is meant, \
         set {}={}.",
        setting::SCHEMA_REGISTRY_ACCEPTED.name(),
        name(now)
    )
}
