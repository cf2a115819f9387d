//! Taking a schema into a subject, and finding it there.

use std::time::{Duration, Instant};

use crate::schemas::{Language, Reference, Referenced, Registered, Schema};

use super::canonical::canonical;
use super::compatibility;
use super::entry::{Entry, SchemaValue, TOPIC};
use super::level::{Level, Mode};
use super::lookup::{VersionNumber, Which, find, has_subject, registered};
use super::problem::Problem;
use super::settings::rules_of;
use super::store::SchemaRegistry;
use super::subject;
use super::validity;
use super::view::{Identity, Version, View, size};

/// Bytes of a schema's text.
const MAX_TEXT_BYTES: usize = 1 << 20;

/// Bytes of the texts of all schemas, with the names of what they refer to.
const MAX_BYTES: usize = 256 << 20;

/// Schemas that the versions of a subject refer to in all, when a new one is compared with them.
const MAX_COMPARED_REFERENCES: usize = 100_000;

/// Subjects, and versions of each, deleted ones included.
const MAX_SUBJECTS: usize = 100_000;
const MAX_VERSIONS: usize = 10_000;

/// References of one schema.
const MAX_REFERENCES: usize = 1_000;

/// How long a schema is tried to register, if each time another one was in the same subject at the same time.
const MAX_TIME: Duration = Duration::from_secs(30);

/// A schema as a client sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSchema {
    /// The language.
    pub language: Language,
    /// The text.
    pub text: String,
    /// What the text refers to.
    pub references: Vec<Reference>,
    /// The id it is to have ([`Mode::Import`] only).
    pub id: Option<i32>,
    /// The version it is to be; the next one, if it is not to be refused.
    pub version: Option<i32>,
    /// What has no order is brought into one.
    pub normalize: bool,
}

impl NewSchema {
    /// A schema that the registry numbers.
    pub fn of(schema: &Schema) -> Self {
        let (text, references) = (schema.text.to_string(), schema.references.clone());
        Self { language: schema.language, text, references, id: None, version: None, normalize: false }
    }
}

/// A schema that was understood.
struct Read {
    schema: Schema,
    identity: Identity,
}

/// What a schema is understood and compared by, taken out of the view so that nobody waits for that.
#[derive(PartialEq, Eq)]
struct Ground {
    references: Vec<Reference>,
    referenced: Vec<Referenced>,
    normalize: bool,
    mode: Mode,
    level: Level,
    /// The versions that it must go with, oldest first.
    versions: Vec<Registered>,
}

impl SchemaRegistry {
    /// Gives a schema a place in a subject and tells its id. One that stands there keeps its id and version.
    ///
    /// # Errors
    /// [`Problem::InvalidSchema`], [`Problem::Incompatible`], [`Problem::NotPermitted`] by a mode or a limit,
    /// [`Problem::TooLarge`], [`Problem::InvalidSubject`], [`Problem::Context`], [`Problem::Store`].
    pub fn register(&self, name: &str, new: &NewSchema) -> Result<i32, Problem> {
        self.add(name, new, None)
    }

    /// Gives a schema a place in a subject and an id that the caller has chosen, whatever stands there, as
    /// [`Mode::Import`] does.
    ///
    /// # Errors
    /// As [`SchemaRegistry::register`]; [`Problem::NotPermitted`] if another schema has the id.
    pub fn import(&self, name: &str, schema: &Schema, id: i32) -> Result<(), Problem> {
        let new = NewSchema { id: Some(id), ..NewSchema::of(schema) };
        self.add(name, &new, Some(Mode::Import)).map(drop)
    }

    /// Adds a schema in a mode, or in that of the subject.
    fn add(&self, name: &str, new: &NewSchema, mode: Option<Mode>) -> Result<i32, Problem> {
        subject::check(name)?;
        let begun = Instant::now();
        while begun.elapsed() < MAX_TIME {
            let Some((id, replaced)) = self.try_to_add(name, new, mode)? else { continue };
            if !replaced.is_empty()
                && let Err(problem) = self.remove_replaced(name, id, &replaced)
            {
                tracing::warn!(subject = name, "versions that were deleted softly stay: {problem}");
            }
            return Ok(id);
        }
        Err(Problem::Store { message: format!("subject {name} is changed by others all the time; try again") })
    }

    /// Adds a schema, unless what it was understood and compared by has changed meanwhile: nobody is to wait for doing that
    /// again, either. Tells its id and the versions that it replaces.
    fn try_to_add(&self, name: &str, new: &NewSchema, mode: Option<Mode>) -> Result<Option<(i32, Vec<i32>)>, Problem> {
        let ground_of = |view: &View| {
            let mode = mode.unwrap_or_else(|| view.mode(Some(name)));
            Ground::of(view, name, new, mode, Counting::ByLevel)
        };
        let ground = ground_of(&*self.current()?)?;
        let read = ground.read(new)?;
        if let Some(id) = standing(&self.known(), name, new, &read) {
            return Ok(Some((id, Vec::new())));
        }
        check_mode(ground.mode, name, new)?;
        let messages = ground.compare(new, &read)?;
        self.change(|view| {
            if ground_of(view)? != ground {
                return Ok((Vec::new(), None));
            }
            if let Some(id) = standing(view, name, new, &read) {
                return Ok((Vec::new(), Some((id, Vec::new()))));
            }
            if !messages.is_empty() {
                return Err(Problem::Incompatible { subject: name.to_owned(), messages });
            }
            let value = new_version(view, name, new, ground.mode, read)?;
            let answer = (value.id, replaced(view, &value));
            Ok((vec![Entry::Version(Box::new(value))], Some(answer)))
        })
    }

    /// Removes versions that a new one has replaced, once it is sure that it stands.
    fn remove_replaced(&self, name: &str, id: i32, versions: &[i32]) -> Result<(), Problem> {
        self.change(|view| {
            let is_live = view.versions(name).any(|(_, version)| version.id == id && !version.deleted);
            let is = Version { id, deleted: true };
            let gone = versions.iter().filter(|number| is_live && view.version(name, **number) == Some(is));
            Ok((gone.map(|number| Entry::NoVersion(name.to_owned(), *number)).collect(), ()))
        })
    }

    /// The version of a subject that has that schema.
    ///
    /// # Errors
    /// [`Problem::NoSubject`], [`Problem::NoSchema`], [`Problem::InvalidSchema`], [`Problem::Store`].
    pub fn find(&self, name: &str, new: &NewSchema, which: Which) -> Result<Registered, Problem> {
        subject::check(name)?;
        let ground = {
            let view = self.current()?;
            if !has_subject(&view, name, which) {
                return Err(Problem::NoSubject(name.to_owned()));
            }
            Ground::of(&view, name, new, Mode::Readwrite, Counting::Nothing)?
        };
        let read = ground.read(new)?;
        let view = self.known();
        let takes = |deleted: bool| which != Which::Live || !deleted;
        let mut versions = view.versions(name);
        let found = versions.rfind(|(number, it)| takes(it.deleted) && view.is(name, *number, &read.identity));
        registered(&view, name, found.ok_or(Problem::NoSchema)?)
    }

    /// Why a schema does not go with a version of a subject, or with all that count; nothing: it does.
    ///
    /// # Errors
    /// [`Problem::NoSubject`] or [`Problem::NoVersion`] for a version with a number, [`Problem::InvalidSchema`],
    /// [`Problem::Store`].
    pub fn incompatibilities(
        &self,
        name: &str,
        number: Option<VersionNumber>,
        new: &NewSchema,
    ) -> Result<Vec<String>, Problem> {
        subject::check(name)?;
        let counting = number.map_or(Counting::ByLevel, Counting::Only);
        let ground = Ground::of(&*self.current()?, name, new, Mode::Readwrite, counting)?;
        ground.compare(new, &ground.read(new)?)
    }
}

/// Which versions a new one must go with.
#[derive(Clone, Copy)]
enum Counting {
    /// None.
    Nothing,
    /// Those that the subject's level says, unless it takes everything in its mode.
    ByLevel,
    /// That one.
    Only(VersionNumber),
}

impl Ground {
    fn of(view: &View, name: &str, new: &NewSchema, mode: Mode, counting: Counting) -> Result<Self, Problem> {
        let level = level_of(view, name);
        let versions = match counting {
            Counting::Nothing => Vec::new(),
            Counting::ByLevel if mode == Mode::Import => Vec::new(),
            Counting::ByLevel => {
                let many = if level == Level::None { 0 } else { usize::MAX };
                let many = if level.is_transitive() { many } else { many.min(1) };
                let (mut versions, mut references) = (Vec::new(), 0);
                for version in view.versions(name).rev().filter(|(_, version)| !version.deleted).take(many) {
                    let version = registered(view, name, version)?;
                    references += version.schema.references.len() + version.schema.referenced.len();
                    if references > MAX_COMPARED_REFERENCES {
                        let told = format!("Versions of {name} refer to more than {MAX_COMPARED_REFERENCES} schemas");
                        return Err(Problem::NotPermitted(told));
                    }
                    versions.push(version);
                }
                versions.reverse();
                versions
            }
            Counting::Only(VersionNumber::Latest) if !has_subject(view, name, Which::Live) => Vec::new(),
            Counting::Only(number) => vec![registered(view, name, find(view, name, number, Which::Live)?)?],
        };
        if new.references.len() > MAX_REFERENCES {
            return Err(invalid(new, &format!("it has more than {MAX_REFERENCES} references")));
        }
        let references = pinned(view, &new.references).map_err(|details| invalid(new, &details))?;
        let referenced = view.referenced(&references).map_err(|details| invalid(new, &details))?;
        let normalize = new.normalize || rules_of(view, Some(name)).is_some_and(|rules| rules.normalize == Some(true));
        Ok(Self { references, referenced, normalize, mode, level, versions })
    }

    /// Understands a schema: its text in its one form, with all that it refers to.
    fn read(&self, new: &NewSchema) -> Result<Read, Problem> {
        if new.text.len() > MAX_TEXT_BYTES {
            return Err(Problem::TooLarge);
        }
        if new.text.trim().is_empty() {
            return Err(Problem::InvalidSchema("Empty schema".to_owned()));
        }
        let it = canonical(new.language, &new.text, &self.referenced, self.normalize);
        let it = it.map_err(|details| invalid(new, &details))?;
        let (references, referenced) = (self.references.clone(), self.referenced.clone());
        let identity = Identity { language: new.language, text: it.identity, references: references.clone() };
        Ok(Read { schema: Schema { language: new.language, text: it.text.into(), references, referenced }, identity })
    }

    /// Why it does not go with those versions, unless it is one that is refused whatever stands there.
    fn compare(&self, new: &NewSchema, read: &Read) -> Result<Vec<String>, Problem> {
        // What another registry had is taken as it is.
        if self.mode != Mode::Import {
            validity::check(&read.schema).map_err(|details| invalid(new, &details))?;
        }
        Ok(compatibility::check(self.level, &read.schema, &self.versions))
    }
}

fn invalid(new: &NewSchema, details: &str) -> Problem {
    Problem::InvalidSchema(format!("Invalid schema of type {}, details: {details}", new.language))
}

/// The id of a schema that stands in a subject, where that is what was asked for.
fn standing(view: &View, name: &str, new: &NewSchema, read: &Read) -> Option<i32> {
    let is_asked_for = |(number, version): &(i32, Version)| {
        !version.deleted
            && new.id.is_none_or(|id| id == version.id)
            && new.version.is_none_or(|asked_for| asked_for == *number)
            && view.is(name, *number, &read.identity)
    };
    view.versions(name).rev().find(is_asked_for).map(|(_, version)| version.id)
}

/// The version that a schema becomes in a subject.
fn new_version(view: &View, name: &str, new: &NewSchema, mode: Mode, read: Read) -> Result<SchemaValue, Problem> {
    let known = view.id(&read.identity);
    // What stands elsewhere takes no more room.
    let bytes = if known.is_some() { 0 } else { size(&read.schema.text, &read.schema.references) };
    check_room(view, name, bytes)?;
    let next = view.last_number(name).map_or(Some(1), |last| last.checked_add(1));
    let next = next.ok_or_else(|| Problem::NotPermitted(format!("Subject {name} has no free version")))?;
    let version = match new.version {
        Some(version) if version == next || mode == Mode::Import => version,
        Some(_) => return Err(Problem::InvalidSchema("Version is not one more than previous version".to_owned())),
        None => next,
    };
    if view.is_left_out(name, version) {
        return Err(Problem::NotPermitted(format!(
            "Overwrite version {version} of subject {name} is not permitted: topic {TOPIC} has one that is not served"
        )));
    }
    let id = match (new.id, known) {
        (Some(id), _) if view.may_mean(id, &read.identity) => id,
        (Some(id), _) => {
            return Err(Problem::NotPermitted(format!("Overwrite new schema with id {id} is not permitted.")));
        }
        (None, Some(id)) => id,
        (None, None) => view.free_id().ok_or_else(|| Problem::NotPermitted("There is no free id".to_owned()))?,
    };
    let Schema { language, text, references, .. } = read.schema;
    let (subject, schema, others) = (name.to_owned(), text.to_string(), serde_json::Map::new());
    Ok(SchemaValue { subject, version, id, language, references, schema, deleted: false, others })
}

/// Softly deleted versions of the same schema give way to a new one, unless more was said of them.
fn replaced(view: &View, SchemaValue { subject, version, id, .. }: &SchemaValue) -> Vec<i32> {
    let old = view.versions(subject).filter(|(number, old)| old.deleted && old.id == *id && number < version);
    old.map(|(number, _)| number).filter(|number| !view.has_others(subject, *number)).collect()
}

fn check_mode(mode: Mode, name: &str, new: &NewSchema) -> Result<(), Problem> {
    let problem = if mode.is_readonly() {
        "is in read-only mode"
    } else if new.id.is_some() && mode != Mode::Import {
        "is not in import mode"
    } else if new.id.is_none() && mode != Mode::Readwrite {
        "is not in read-write mode"
    } else {
        return Ok(());
    };
    Err(Problem::NotPermitted(format!("Subject {name} {problem}")))
}

fn check_room(view: &View, name: &str, size: usize) -> Result<(), Problem> {
    let full = if view.bytes().saturating_add(size) > MAX_BYTES {
        format!("the registry keeps at most {} MiB of schemas", MAX_BYTES >> 20)
    } else if view.versions(name).count() >= MAX_VERSIONS {
        format!("a subject has at most {MAX_VERSIONS} versions")
    } else if view.versions(name).next().is_none() && view.subjects().count() >= MAX_SUBJECTS {
        format!("the registry has at most {MAX_SUBJECTS} subjects")
    } else {
        return Ok(());
    };
    Err(Problem::NotPermitted(format!("No room for a version of {name}: {full}")))
}

/// The references with the numbers of their versions.
fn pinned(view: &View, references: &[Reference]) -> Result<Vec<Reference>, String> {
    let pin = |reference: &Reference| {
        let Reference { subject, version, .. } = reference;
        let found = if *version == -1 { view.latest(subject).map(|(number, _)| number) } else { Some(*version) };
        let missing = || format!("No schema reference found for subject \"{subject}\" and version {version}");
        Ok(Reference { version: found.ok_or_else(missing)?, ..reference.clone() })
    };
    references.iter().map(pin).collect()
}

fn level_of(view: &View, name: &str) -> Level {
    let of = |subject| rules_of(view, subject).and_then(|rules| rules.level);
    of(Some(name)).or_else(|| of(None)).unwrap_or(super::settings::DEFAULT_LEVEL)
}
