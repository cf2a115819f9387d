//! What the records of `_schemas` say, in memory. It changes by records only, whether they are read or have just been
//! written.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::schemas::{Language, Reference, Referenced, Schema};

use super::canonical::canonical;
use super::entry::{ConfigValue, Entry, NotUnderstood, SchemaValue, TOPIC};
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

impl Identity {
    fn of(value: &SchemaValue) -> Self {
        let SchemaValue { language, references, schema: text, .. } = value;
        // What Confluent's registry wrote is in that form already; what is not understood is the same as itself only.
        let text = canonical(*language, text, &[], false).map_or_else(|_| text.clone(), |it| it.identity);
        Self { language: *language, text, references: references.clone() }
    }
}

/// A version of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) id: i32,
    pub(super) deleted: bool,
}

/// What the last record of a version says.
#[derive(Debug)]
struct Place {
    version: Version,
    /// Without what it refers to.
    schema: Arc<Schema>,
    /// What only other registries know.
    others: Option<Box<Map<String, Value>>>,
}

/// The schema of an id as records of some of its versions have it.
#[derive(Debug)]
struct Form {
    schema: Arc<Schema>,
    identity: Identity,
    versions: usize,
}

/// What an id means, and where it stands.
#[derive(Debug, Default)]
struct Stored {
    /// One as a rule: the texts of others mean the same, but may refer to other versions. The first one counts.
    forms: Vec<Form>,
    places: BTreeSet<(String, i32)>,
}

impl Place {
    fn bytes_of_others(&self) -> usize {
        self.others.as_ref().and_then(|others| serde_json::to_vec(others).ok()).map_or(0, |text| text.len())
    }
}

#[derive(Debug, Default)]
pub(super) struct View {
    subjects: BTreeMap<String, BTreeMap<i32, Place>>,
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
    /// Versions that are there, and do not count here: their id means something else, or (`None`) their record is not
    /// understood. No other schema may take their place.
    left_out: BTreeMap<(String, i32), Option<Box<SchemaValue>>>,
    /// Offset of the next record; `None` before anything was read.
    pub(super) next: Option<i64>,
}

impl View {
    pub(super) fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Version(value) => self.put(value),
            Entry::NoVersion(subject, version) => self.remove(&subject, version),
            Entry::DeleteSubject(subject, last) => {
                let versions = self.subjects.get_mut(&subject).into_iter();
                versions
                    .flat_map(|versions| versions.range_mut(..=last))
                    .for_each(|(_, place)| place.version.deleted = true);
                let left_out = self.left_out.range_mut((subject.clone(), i32::MIN)..=(subject, last));
                left_out.filter_map(|(_, value)| value.as_mut()).for_each(|value| value.deleted = true);
            }
            Entry::ClearSubject(subject) => self.clear(&subject),
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

    /// Notes that somebody else knows what stands there.
    pub(super) fn note(&mut self, NotUnderstood { version, id, .. }: NotUnderstood) {
        self.taken = self.taken.max(id.unwrap_or_default());
        if let Some((subject, version)) = version {
            self.remove(&subject, version);
            self.left_out.insert((subject, version), None);
        }
    }

    fn put(&mut self, value: Box<SchemaValue>) {
        self.taken = self.taken.max(value.id);
        let of = (value.subject.clone(), value.version);
        let identity = Identity::of(&value);
        let is_left_out = self.has_other_meaning(&value, &identity);
        self.left_out.remove(&of);
        let before = self.take(&of);
        if is_left_out {
            let SchemaValue { subject, version, id, .. } = &*value;
            tracing::error!(topic = TOPIC, subject, version, id, "left out: another schema has this id");
            self.left_out.insert(of, Some(value));
        } else {
            self.add(*value, identity);
        }
        self.mend(before);
    }

    /// Whether other versions have the id, and none of them this schema, whatever it refers to.
    fn has_other_meaning(&self, value: &SchemaValue, identity: &Identity) -> bool {
        let Some(stored) = self.schemas.get(&value.id) else { return false };
        let own = self.place(&value.subject, value.version);
        let is_of_others =
            |form: &&Form| form.versions > usize::from(own.is_some_and(|own| Arc::ptr_eq(&own.schema, &form.schema)));
        let is_same = |form: &Form| {
            let Form { schema, identity: other, .. } = form;
            other.language == identity.language && (*schema.text == value.schema || other.text == identity.text)
        };
        let mut others = stored.forms.iter().filter(is_of_others).peekable();
        others.peek().is_some() && !others.any(is_same)
    }

    /// Whether the id of a version means another schema.
    pub(super) fn means_another(&self, value: &SchemaValue) -> bool {
        self.has_other_meaning(value, &Identity::of(value))
    }

    /// Takes in a version that is not there.
    fn add(&mut self, value: SchemaValue, identity: Identity) {
        let SchemaValue { subject, version, id, language, references, schema: text, deleted, others } = value;
        let stored = self.schemas.entry(id).or_default();
        let form = stored.forms.iter().position(|form| *form.schema.text == text && form.identity == identity);
        let at = form.unwrap_or_else(|| {
            let schema = Schema { language, text: text.into(), references, referenced: Vec::new() };
            self.bytes += size(&schema.text, &schema.references);
            stored.forms.push(Form { schema: Arc::new(schema), identity, versions: 0 });
            stored.forms.len() - 1
        });
        let Some(form) = stored.forms.get_mut(at) else { return };
        form.versions += 1;
        let schema = Arc::clone(&form.schema);
        stored.places.insert((subject.clone(), version));
        let others = (!others.is_empty()).then(|| Box::new(others));
        let place = Place { version: Version { id, deleted }, schema, others };
        self.bytes += place.bytes_of_others();
        self.subjects.entry(subject).or_default().insert(version, place);
        self.link(id);
    }

    /// Takes a version away, and tells its id. Others that were left out because of it still are.
    fn take(&mut self, (subject, version): &(String, i32)) -> Option<i32> {
        let versions = self.subjects.get_mut(subject)?;
        let place = versions.remove(version)?;
        if versions.is_empty() {
            self.subjects.remove(subject);
        }
        self.bytes = self.bytes.saturating_sub(place.bytes_of_others());
        let id = place.version.id;
        let stored = self.schemas.get_mut(&id)?;
        stored.places.remove(&(subject.clone(), *version));
        let at = stored.forms.iter().position(|form| Arc::ptr_eq(&form.schema, &place.schema))?;
        let form = stored.forms.get_mut(at)?;
        form.versions = form.versions.saturating_sub(1);
        if form.versions == 0 {
            let gone = stored.forms.remove(at);
            if stored.forms.is_empty() {
                self.schemas.remove(&id);
            }
            // What is left of it may be found by the same.
            self.unlink(id, &gone);
            self.link(id);
        }
        Some(id)
    }

    fn remove(&mut self, subject: &str, version: i32) {
        let of = (subject.to_owned(), version);
        self.left_out.remove(&of);
        let before = self.take(&of);
        self.mend(before);
    }

    /// Takes in what was left out because of an id that now means nothing.
    fn mend(&mut self, id: Option<i32>) {
        let Some(id) = id.filter(|id| !self.schemas.contains_key(id)) else { return };
        let values = self.left_out.values().flatten().filter(|value| value.id == id);
        for value in values.cloned().collect::<Vec<_>>() {
            self.put(value);
        }
    }

    /// Removes what was deleted softly.
    fn clear(&mut self, subject: &str) {
        let deleted = self.versions(subject).filter(|(_, version)| version.deleted).map(|(number, _)| number);
        let left_out = self.left_out.range((subject.to_owned(), i32::MIN)..=(subject.to_owned(), i32::MAX));
        let left_out = left_out.filter(|(_, value)| value.as_ref().is_some_and(|value| value.deleted));
        let versions: Vec<i32> = deleted.chain(left_out.map(|((_, version), _)| *version)).collect();
        // None of them takes the place of another that goes, too.
        let ids: Vec<_> = versions
            .iter()
            .map(|version| {
                let of = (subject.to_owned(), *version);
                self.left_out.remove(&of);
                self.take(&of)
            })
            .collect();
        ids.into_iter().for_each(|id| self.mend(id));
    }

    /// Makes an id findable by what it means and by what it refers to.
    fn link(&mut self, id: i32) {
        for Form { schema, identity, .. } in self.schemas.get(&id).into_iter().flat_map(|stored| &stored.forms) {
            if !self.ids.contains_key(identity) {
                self.ids.insert(identity.clone(), id);
            }
            for Reference { subject, version, .. } in &schema.references {
                self.referring.entry((subject.clone(), *version)).or_default().insert(id);
            }
        }
    }

    fn unlink(&mut self, id: i32, Form { schema, identity, .. }: &Form) {
        self.bytes = self.bytes.saturating_sub(size(&schema.text, &schema.references));
        if self.ids.get(identity) == Some(&id) {
            self.ids.remove(identity);
        }
        for Reference { subject, version, .. } in &schema.references {
            let key = (subject.clone(), *version);
            if let Some(referring) = self.referring.get_mut(&key) {
                referring.remove(&id);
                if referring.is_empty() {
                    self.referring.remove(&key);
                }
            }
        }
    }

    fn place(&self, subject: &str, version: i32) -> Option<&Place> {
        self.subjects.get(subject)?.get(&version)
    }

    /// The schema of an id, with all it refers to; the text says what of that is missing.
    pub(super) fn schema(&self, id: i32) -> Option<Result<Arc<Schema>, String>> {
        Some(self.complete(self.schema_alone(id)?))
    }

    /// The schema of a version, with all it refers to; the text says what of that is missing.
    pub(super) fn schema_of(&self, subject: &str, version: i32) -> Option<Result<Arc<Schema>, String>> {
        Some(self.complete(self.schema_of_alone(subject, version)?))
    }

    fn complete(&self, schema: &Arc<Schema>) -> Result<Arc<Schema>, String> {
        if schema.references.is_empty() {
            return Ok(Arc::clone(schema));
        }
        let referenced = self.referenced(&schema.references)?;
        Ok(Arc::new(Schema { referenced, ..Schema::clone(schema) }))
    }

    /// The schema of an id without what it refers to.
    fn schema_alone(&self, id: i32) -> Option<&Arc<Schema>> {
        Some(&self.schemas.get(&id)?.forms.first()?.schema)
    }

    /// The schema of a version without what it refers to.
    pub(super) fn schema_of_alone(&self, subject: &str, version: i32) -> Option<&Arc<Schema>> {
        Some(&self.place(subject, version)?.schema)
    }

    /// The record of a version.
    pub(super) fn value(&self, subject: &str, version: i32) -> Option<SchemaValue> {
        let Place { version: Version { id, deleted }, schema, others } = self.place(subject, version)?;
        Some(SchemaValue {
            subject: subject.to_owned(),
            version,
            id: *id,
            language: schema.language,
            references: schema.references.clone(),
            schema: schema.text.to_string(),
            deleted: *deleted,
            others: others.clone().map(|others| *others).unwrap_or_default(),
        })
    }

    /// Whether other registries know more of a version.
    pub(super) fn has_others(&self, subject: &str, version: i32) -> bool {
        self.place(subject, version).is_some_and(|place| place.others.is_some())
    }

    /// Whether the topic has such a version, which does not count here.
    pub(super) fn is_left_out(&self, subject: &str, version: i32) -> bool {
        self.left_out.contains_key(&(subject.to_owned(), version))
    }

    /// What the topic is to say of a version, also of one that was left out; `None`: nothing.
    pub(super) fn last_entry(&self, subject: &str, version: i32) -> Option<Entry> {
        if let Some(value) = self.value(subject, version) {
            return Some(Entry::Version(Box::new(value)));
        }
        Some(match self.left_out.get(&(subject.to_owned(), version))? {
            Some(value) => Entry::Version(value.clone()),
            None => Entry::NoVersion(subject.to_owned(), version),
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
            let number = match reference.version {
                -1 => self.latest(&reference.subject).map(|(number, _)| number),
                number => Some(number),
            };
            let other =
                number.and_then(|number| self.schema_of_alone(&reference.subject, number)).ok_or_else(missing)?;
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

    /// Whether a version is that.
    pub(super) fn is(&self, subject: &str, version: i32, identity: &Identity) -> bool {
        let Some(place) = self.place(subject, version) else { return false };
        let forms = self.schemas.get(&place.version.id).into_iter().flat_map(|stored| &stored.forms);
        let mut own = forms.filter(|form| Arc::ptr_eq(&form.schema, &place.schema));
        own.any(|form| form.identity == *identity)
    }

    /// Whether an id is free, or means that.
    pub(super) fn may_mean(&self, id: i32, identity: &Identity) -> bool {
        self.schemas.get(&id).is_none_or(|stored| stored.forms.iter().any(|form| form.identity == *identity))
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
        self.subjects.get(subject).into_iter().flatten().map(|(number, place)| (*number, place.version))
    }

    /// The last version of a subject, also one that was left out.
    pub(super) fn last_number(&self, subject: &str) -> Option<i32> {
        let left_out = self.left_out.range((subject.to_owned(), i32::MIN)..=(subject.to_owned(), i32::MAX));
        let left_out = left_out.map(|((_, number), _)| *number).next_back();
        self.versions(subject).next_back().map(|(number, _)| number).max(left_out)
    }

    /// A version of a subject, deleted or not.
    pub(super) fn version(&self, subject: &str, version: i32) -> Option<Version> {
        Some(self.place(subject, version)?.version)
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
