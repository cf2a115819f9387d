//! What the records of `_schemas` say, in memory. It changes by records only, whether they are read or have just been
//! written.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::schemas::{Language, Reference, Referenced, Schema};

use super::canonical::canonical;
use super::entry::{ConfigValue, Entry, SchemaValue, TOPIC};
use super::level::Mode;

/// Schemas that one may refer to, over any number of others.
const MAX_REFERENCED: usize = 1_000;

/// Bytes of their texts.
const MAX_REFERENCED_BYTES: usize = 16 << 20;

/// Bytes that a reference takes beside its names.
const REFERENCE_BYTES: usize = 64;

/// Bytes that are counted for a schema: its text, and the names of what it refers to.
pub fn size(text: &str, references: &[Reference]) -> usize {
    let names = references.iter().map(|it| it.name.len() + it.subject.len() + REFERENCE_BYTES);
    text.len() + names.sum::<usize>()
}

/// What makes a schema the same as another: the form in which texts are compared, and what they refer to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    pub(super) language: Language,
    pub(super) text: String,
    pub(super) references: Vec<Reference>,
}

/// A version of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) id: i32,
    pub(super) deleted: bool,
}

/// A schema, and where it stands.
#[derive(Debug)]
struct Stored {
    /// Without what it refers to.
    schema: Arc<Schema>,
    identity: Identity,
    places: BTreeSet<(String, i32)>,
}

#[derive(Debug, Default)]
pub(super) struct View {
    subjects: BTreeMap<String, BTreeMap<i32, Version>>,
    schemas: HashMap<i32, Stored>,
    ids: HashMap<Identity, i32>,
    /// Ids of schemas that refer to a version of a subject.
    referring: HashMap<(String, i32), BTreeSet<i32>>,
    pub(super) configs: BTreeMap<Option<String>, ConfigValue>,
    pub(super) modes: BTreeMap<Option<String>, Mode>,
    /// No id up to this one is free.
    taken: i32,
    /// Bytes of all schemas, as [`size`] counts them.
    bytes: usize,
    /// Versions whose last record was left out, as another schema has its id.
    pub(super) left_out: BTreeSet<(String, i32)>,
    /// Offset of the next record; `None` before anything was read.
    pub(super) next: Option<i64>,
}

impl View {
    pub(super) fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Version(value) => self.put(*value),
            Entry::NoVersion(subject, version) => {
                self.remove(&subject, version);
                self.left_out.remove(&(subject, version));
            }
            Entry::DeleteSubject(subject, last) => {
                let versions = self.subjects.get_mut(&subject).into_iter();
                versions
                    .flat_map(|versions| versions.range_mut(..=last))
                    .for_each(|(_, version)| version.deleted = true);
            }
            Entry::ClearSubject(subject) => {
                for version in self.versions(&subject).map(|(version, _)| version).collect::<Vec<_>>() {
                    self.remove(&subject, version);
                }
            }
            Entry::Level(subject, value) => {
                match value {
                    Some(value) => self.configs.insert(subject, value),
                    None => self.configs.remove(&subject),
                };
            }
            Entry::Mode(subject, value) => {
                match value {
                    Some(value) => self.modes.insert(subject, value),
                    None => self.modes.remove(&subject),
                };
            }
            Entry::Taken(id) => self.taken = self.taken.max(id),
        }
    }

    fn put(&mut self, value: SchemaValue) {
        let SchemaValue { subject, version, id, language, references, schema: text, deleted } = value;
        self.taken = self.taken.max(id);
        // What Confluent's registry wrote is in that form already; what is not understood is the same as itself only.
        let identity = canonical(language, &text, &[], false).map_or_else(|_| text.clone(), |it| it.identity);
        let identity = Identity { language, text: identity, references: references.clone() };
        if self.identity(id).is_some_and(|there| *there != identity) {
            tracing::error!(topic = TOPIC, subject, version, id, "left out: another schema has this id");
            self.left_out.insert((subject, version));
            return;
        }
        self.left_out.remove(&(subject.clone(), version));
        if self.version(&subject, version).is_some_and(|there| there.id != id) {
            self.remove(&subject, version);
        }
        let stored = self.schemas.entry(id).or_insert_with(|| {
            self.bytes += size(&text, &references);
            let schema = Schema { language, text: text.into(), references, referenced: Vec::new() };
            Stored { schema: Arc::new(schema), identity, places: BTreeSet::new() }
        });
        stored.places.insert((subject.clone(), version));
        self.ids.entry(stored.identity.clone()).or_insert(id);
        for reference in &stored.schema.references {
            self.referring.entry((reference.subject.clone(), reference.version)).or_default().insert(id);
        }
        self.subjects.entry(subject).or_default().insert(version, Version { id, deleted });
    }

    fn remove(&mut self, subject: &str, version: i32) {
        let Some(versions) = self.subjects.get_mut(subject) else { return };
        let Some(Version { id, .. }) = versions.remove(&version) else { return };
        if versions.is_empty() {
            self.subjects.remove(subject);
        }
        let Some(stored) = self.schemas.get_mut(&id) else { return };
        stored.places.remove(&(subject.to_owned(), version));
        if !stored.places.is_empty() {
            return;
        }
        let Some(stored) = self.schemas.remove(&id) else { return };
        self.bytes = self.bytes.saturating_sub(size(&stored.schema.text, &stored.schema.references));
        if self.ids.get(&stored.identity) == Some(&id) {
            self.ids.remove(&stored.identity);
        }
        for reference in &stored.schema.references {
            let key = (reference.subject.clone(), reference.version);
            if let Some(referring) = self.referring.get_mut(&key) {
                referring.remove(&id);
                if referring.is_empty() {
                    self.referring.remove(&key);
                }
            }
        }
    }

    /// The schema of an id, with all it refers to; the text says what of that is missing.
    pub(super) fn schema(&self, id: i32) -> Option<Result<Arc<Schema>, String>> {
        let stored = self.schemas.get(&id)?;
        if stored.schema.references.is_empty() {
            return Some(Ok(Arc::clone(&stored.schema)));
        }
        let referenced = self.referenced(&stored.schema.references);
        Some(referenced.map(|referenced| Arc::new(Schema { referenced, ..Schema::clone(&stored.schema) })))
    }

    /// The schema of an id without what it refers to.
    pub(super) fn schema_alone(&self, id: i32) -> Option<&Arc<Schema>> {
        self.schemas.get(&id).map(|stored| &stored.schema)
    }

    /// The record of a version.
    pub(super) fn value(&self, subject: &str, version: i32) -> Option<SchemaValue> {
        let Version { id, deleted } = self.version(subject, version)?;
        let schema = self.schema_alone(id)?;
        Some(SchemaValue {
            subject: subject.to_owned(),
            version,
            id,
            language: schema.language,
            references: schema.references.clone(),
            schema: schema.text.to_string(),
            deleted,
        })
    }

    /// All that these refer to, over any number of others: each after those it refers to.
    pub(super) fn referenced(&self, references: &[Reference]) -> Result<Vec<Referenced>, String> {
        let (mut found, mut begun, mut bytes) = (Vec::new(), BTreeSet::new(), 0);
        // A reference is met twice: before what it refers to, and after.
        let mut open: Vec<(&Reference, bool)> = references.iter().rev().map(|reference| (reference, false)).collect();
        while let Some((reference, is_met)) = open.pop() {
            let missing = || {
                let Reference { subject, version, .. } = reference;
                format!("No schema reference found for subject \"{subject}\" and version {version}")
            };
            let id = match reference.version {
                -1 => self.latest(&reference.subject).map(|(_, version)| version.id),
                version => self.version(&reference.subject, version).map(|version| version.id),
            };
            let other = &self.schemas.get(&id.ok_or_else(missing)?).ok_or_else(missing)?.schema;
            if is_met {
                bytes += other.text.len();
                if bytes > MAX_REFERENCED_BYTES {
                    return Err(format!("schemas of more than {MAX_REFERENCED_BYTES} bytes are referred to"));
                }
                found.push(Referenced { name: reference.name.clone(), text: Arc::clone(&other.text) });
            } else if begun.insert(reference.name.as_str()) {
                if begun.len() > MAX_REFERENCED {
                    return Err(format!("more than {MAX_REFERENCED} schemas are referred to"));
                }
                open.push((reference, true));
                open.extend(other.references.iter().rev().map(|reference| (reference, false)));
            }
        }
        Ok(found)
    }

    pub(super) fn id(&self, identity: &Identity) -> Option<i32> {
        self.ids.get(identity).copied()
    }

    pub(super) fn identity(&self, id: i32) -> Option<&Identity> {
        self.schemas.get(&id).map(|stored| &stored.identity)
    }

    /// The subjects and versions where a schema stands, deleted ones too.
    pub(super) fn places(&self, id: i32) -> Option<&BTreeSet<(String, i32)>> {
        self.schemas.get(&id).map(|stored| &stored.places)
    }

    /// The next id.
    pub(super) fn free_id(&self) -> Option<i32> {
        self.taken.checked_add(1)
    }

    /// No id up to this one is free.
    pub(super) fn taken(&self) -> i32 {
        self.taken
    }

    /// Bytes of all schemas, as [`size`] counts them.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// All subjects, also those of which every version is deleted softly.
    pub(super) fn subjects(&self) -> impl Iterator<Item = &str> {
        self.subjects.iter().filter(|(_, versions)| !versions.is_empty()).map(|(subject, _)| subject.as_str())
    }

    /// The versions of a subject in order, deleted ones too.
    pub(super) fn versions(&self, subject: &str) -> impl DoubleEndedIterator<Item = (i32, Version)> {
        self.subjects.get(subject).into_iter().flatten().map(|(number, version)| (*number, *version))
    }

    /// A version of a subject, deleted or not.
    pub(super) fn version(&self, subject: &str, version: i32) -> Option<Version> {
        self.subjects.get(subject)?.get(&version).copied()
    }

    /// The last version of a subject that is not deleted.
    pub(super) fn latest(&self, subject: &str) -> Option<(i32, Version)> {
        self.versions(subject).rfind(|(_, version)| !version.deleted)
    }

    /// Ids of the schemas that refer to a version.
    pub(super) fn referring(&self, subject: &str, version: i32) -> Vec<i32> {
        let referring = self.referring.get(&(subject.to_owned(), version));
        referring.into_iter().flatten().copied().collect()
    }

    /// What may be done with a subject, or `None`: everywhere.
    pub(super) fn mode(&self, subject: Option<&str>) -> Mode {
        let global = self.modes.get(&None).copied().unwrap_or(Mode::Readwrite);
        if global == Mode::ReadonlyOverride {
            return global;
        }
        subject.and_then(|subject| self.modes.get(&Some(subject.to_owned())).copied()).unwrap_or(global)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(subject: &str, version: i32, id: i32, text: &str, references: &[(&str, &str, i32)]) -> Entry {
        let reference = |(name, subject, version): &(&str, &str, i32)| Reference {
            name: (*name).to_owned(),
            subject: (*subject).to_owned(),
            version: *version,
        };
        Entry::Version(Box::new(SchemaValue {
            subject: subject.to_owned(),
            version,
            id,
            language: Language::Protobuf,
            references: references.iter().map(reference).collect(),
            schema: text.to_owned(),
            deleted: false,
        }))
    }

    #[test]
    fn references_come_after_what_they_refer_to_and_once() {
        let mut view = View::default();
        // As a compacted topic may have it: what refers stands before what it refers to.
        view.apply(value("main", 1, 4, "main", &[("left", "left", 1), ("right", "right", 1)]));
        view.apply(value("base", 1, 1, "base", &[]));
        view.apply(value("left", 1, 2, "left", &[("base", "base", 1)]));
        assert!(view.schema(4).unwrap().unwrap_err().contains("\"right\" and version 1"));
        view.apply(value("right", 1, 3, "right", &[("base", "base", 1)]));
        let names =
            |id| view.schema(id).unwrap().unwrap().referenced.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(4), ["base", "left", "right"]);
        assert_eq!(names(1), Vec::<String>::new());
        assert_eq!(view.referring("base", 1), [2, 3]);
        assert!(view.bytes() > 4 * REFERENCE_BYTES, "references count, too");
        for name in ["main", "left", "right", "base"] {
            view.apply(Entry::NoVersion(name.to_owned(), 1));
        }
        assert_eq!(view.bytes(), 0);
    }

    #[test]
    fn references_in_a_circle_end() {
        let mut view = View::default();
        view.apply(value("a", 1, 1, "a", &[("b", "b", 1)]));
        view.apply(value("b", 1, 2, "b", &[("a", "a", 1)]));
        assert_eq!(view.schema(1).unwrap().unwrap().referenced.len(), 2);
    }

    #[test]
    fn ids_of_what_is_gone_are_not_given_again() {
        let mut view = View::default();
        view.apply(value("a", 1, 7, "a", &[]));
        view.apply(Entry::NoVersion("a".to_owned(), 1));
        assert!(view.schema(7).is_none() && view.subjects().next().is_none() && view.bytes() == 0);
        assert_eq!(view.free_id(), Some(8));
        view.apply(Entry::Taken(i32::MAX));
        assert_eq!(view.free_id(), None);
    }
}
