//! What the registry tells.

use std::ops::Range;
use std::sync::Arc;

use crate::schemas::{Registered, Schema};

use super::problem::Problem;
use super::store::SchemaRegistry;
use super::subject;
use super::view::{Version, View};

/// Which of deleted and other ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that are not deleted.
    Live,
    /// Those that are deleted softly.
    Deleted,
    /// Both.
    All,
}

impl Which {
    fn takes(self, deleted: bool) -> bool {
        match self {
            Self::Live => !deleted,
            Self::Deleted => deleted,
            Self::All => true,
        }
    }
}

/// A version as a client names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionNumber {
    /// The last one that is not deleted.
    Latest,
    /// Counted from 1.
    Is(i32),
}

impl VersionNumber {
    /// Reads `latest`, `-1`, or a number.
    ///
    /// # Errors
    /// [`Problem::InvalidVersion`].
    pub fn read(text: &str) -> Result<Self, Problem> {
        match text.trim() {
            latest if latest.eq_ignore_ascii_case("latest") || latest == "-1" => Ok(Self::Latest),
            number => match number.parse() {
                Ok(number) if number > 0 => Ok(Self::Is(number)),
                _ => Err(Problem::InvalidVersion(text.to_owned())),
            },
        }
    }

    /// As the number that Confluent's messages give.
    fn number(self) -> i32 {
        match self {
            Self::Latest => -1,
            Self::Is(number) => number,
        }
    }
}

/// Whether a subject is there.
pub(super) fn has_subject(view: &View, name: &str, which: Which) -> bool {
    let mut versions = view.versions(name).peekable();
    match which {
        Which::All => versions.peek().is_some(),
        Which::Live => versions.any(|(_, version)| !version.deleted),
        Which::Deleted => versions.peek().is_some() && versions.all(|(_, version)| version.deleted),
    }
}

/// A version of a subject, or why there is none.
pub(super) fn find(view: &View, name: &str, number: VersionNumber, which: Which) -> Result<(i32, Version), Problem> {
    let found = match number {
        VersionNumber::Latest => view.latest(name),
        VersionNumber::Is(number) => view.version(name, number).map(|version| (number, version)),
    };
    match found.filter(|(_, version)| which.takes(version.deleted)) {
        Some(found) => Ok(found),
        None if has_subject(view, name, which) => Err(Problem::NoVersion(number.number())),
        None => Err(Problem::NoSubject(name.to_owned())),
    }
}

/// A version of a subject with its schema and all that it refers to.
pub(super) fn registered(view: &View, name: &str, (version, found): (i32, Version)) -> Result<Registered, Problem> {
    let schema = view.schema_of(name, version).ok_or(Problem::NoId(found.id))?.map_err(Problem::InvalidSchema)?;
    Ok(Registered { subject: name.to_owned(), version, id: found.id, schema })
}

impl SchemaRegistry {
    /// The schema of an id.
    ///
    /// # Errors
    /// [`Problem::NoId`], [`Problem::InvalidSchema`] where something that it refers to is gone, [`Problem::Store`].
    pub fn schema(&self, id: i32) -> Result<Arc<Schema>, Problem> {
        // What is missing of it may stand where the topic has not been read yet.
        if let Some(Ok(schema)) = self.known().schema(id) {
            return Ok(schema);
        }
        self.current()?.schema(id).ok_or(Problem::NoId(id))?.map_err(Problem::InvalidSchema)
    }

    /// The subjects whose names begin so. One is deleted when all of its versions are.
    ///
    /// # Errors
    /// [`Problem::Store`].
    pub fn subjects(&self, prefix: &str, which: Which) -> Result<Vec<String>, Problem> {
        let view = self.current()?;
        let wanted = view.subjects().filter(|name| name.starts_with(prefix) && has_subject(&view, name, which));
        Ok(wanted.map(str::to_owned).collect())
    }

    /// The versions of a subject.
    ///
    /// # Errors
    /// [`Problem::NoSubject`], [`Problem::Store`].
    pub fn versions(&self, name: &str, which: Which) -> Result<Vec<i32>, Problem> {
        subject::check(name)?;
        let view = self.current()?;
        let of_subject = if which == Which::Live { Which::Live } else { Which::All };
        if !has_subject(&view, name, of_subject) {
            return Err(Problem::NoSubject(name.to_owned()));
        }
        let wanted = view.versions(name).filter(|(_, version)| which.takes(version.deleted));
        Ok(wanted.map(|(number, _)| number).collect())
    }

    /// A version of a subject.
    ///
    /// # Errors
    /// [`Problem::NoSubject`], [`Problem::NoVersion`], [`Problem::Store`].
    pub fn version(&self, name: &str, number: VersionNumber, which: Which) -> Result<Registered, Problem> {
        subject::check(name)?;
        let view = self.current()?;
        registered(&view, name, find(&view, name, number, which)?)
    }

    /// A part of the versions of the subjects whose names begin so, or of the last ones only, with their schemas but
    /// without what these refer to.
    ///
    /// # Errors
    /// [`Problem::Store`].
    pub fn all(
        &self,
        prefix: &str,
        which: Which,
        latest_only: bool,
        part: Range<usize>,
    ) -> Result<Vec<Registered>, Problem> {
        let view = self.current()?;
        let subjects = view.subjects().filter(|name| name.starts_with(prefix));
        let versions = subjects.flat_map(|name| {
            let versions = view.versions(name).filter(|(_, version)| which.takes(version.deleted)).rev();
            let mut versions: Vec<(i32, Version)> = versions.take(if latest_only { 1 } else { usize::MAX }).collect();
            versions.reverse();
            versions.into_iter().map(move |version| (name, version))
        });
        let versions = versions.skip(part.start).take(part.len());
        let found = versions.filter_map(|(name, (version, found))| {
            let schema = view.schema_of_alone(name, version)?;
            Some(Registered { subject: name.to_owned(), version, id: found.id, schema: Arc::clone(schema) })
        });
        Ok(found.collect())
    }

    /// The subjects and versions of an id.
    ///
    /// # Errors
    /// [`Problem::NoId`], [`Problem::Store`].
    pub fn places(&self, id: i32, which: Which) -> Result<Vec<(String, i32)>, Problem> {
        let view = self.current()?;
        let places = view.places(id).ok_or(Problem::NoId(id))?.iter();
        let is_wanted = |(name, number): &&(String, i32)| {
            view.version(name, *number).is_some_and(|version| which.takes(version.deleted))
        };
        Ok(places.filter(is_wanted).cloned().collect())
    }

    /// Ids of the schemas that refer to a version of a subject.
    ///
    /// # Errors
    /// [`Problem::NoSubject`], [`Problem::NoVersion`], [`Problem::Store`].
    pub fn referenced_by(&self, name: &str, number: VersionNumber) -> Result<Vec<i32>, Problem> {
        subject::check(name)?;
        let view = self.current()?;
        let (version, _) = find(&view, name, number, Which::All)?;
        Ok(view.referring(name, version))
    }
}
