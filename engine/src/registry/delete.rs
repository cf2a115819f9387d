//! Deleting: softly, so that what was written with a schema stays readable, or for good.

use super::entry::{Entry, SchemaValue};
use super::lookup::{VersionNumber, Which, find, has_subject};
use super::problem::Problem;
use super::store::SchemaRegistry;
use super::subject;
use super::view::View;

impl SchemaRegistry {
    /// Deletes a subject; for good only what was deleted softly before. Tells the versions that were there.
    ///
    /// # Errors
    /// [`Problem::NoSubject`], [`Problem::SubjectSoftDeleted`], [`Problem::SubjectNotSoftDeleted`],
    /// [`Problem::Referenced`], [`Problem::NotPermitted`], [`Problem::Store`].
    pub fn delete_subject(&self, name: &str, for_good: bool) -> Result<Vec<i32>, Problem> {
        subject::check(name)?;
        self.change(|view| {
            check_writable(view, name)?;
            if !has_subject(view, name, Which::All) {
                return Err(Problem::NoSubject(name.to_owned()));
            }
            let is_live = has_subject(view, name, Which::Live);
            if !for_good && !is_live {
                return Err(Problem::SubjectSoftDeleted(name.to_owned()));
            }
            if for_good && is_live {
                return Err(Problem::SubjectNotSoftDeleted(name.to_owned()));
            }
            let versions: Vec<i32> =
                view.versions(name).filter(|(_, it)| for_good || !it.deleted).map(|(number, _)| number).collect();
            check_unreferenced(view, name, &versions)?;
            let entries = if for_good { removed(view, name, &versions) } else { deleted(view, name, &versions) };
            Ok((entries, versions))
        })
    }

    /// Deletes a version; for good only one that was deleted softly before. Tells its number.
    ///
    /// # Errors
    /// [`Problem::NoSubject`], [`Problem::NoVersion`], [`Problem::VersionSoftDeleted`],
    /// [`Problem::VersionNotSoftDeleted`], [`Problem::Referenced`], [`Problem::NotPermitted`], [`Problem::Store`].
    pub fn delete_version(&self, name: &str, number: VersionNumber, for_good: bool) -> Result<i32, Problem> {
        subject::check(name)?;
        self.change(|view| {
            check_writable(view, name)?;
            let (version, found) = find(view, name, number, Which::All)?;
            let named = name.to_owned();
            if !for_good && found.deleted {
                return Err(Problem::VersionSoftDeleted { subject: named, version });
            }
            check_unreferenced(view, name, &[version])?;
            if for_good && !found.deleted {
                return Err(Problem::VersionNotSoftDeleted { subject: named, version });
            }
            if for_good {
                return Ok((removed(view, name, &[version]), version));
            }
            let is_last = view.versions(name).all(|(it, other)| it == version || other.deleted);
            let value = view.value(name, version).ok_or(Problem::NoId(found.id))?;
            let mut entries = vec![Entry::Version(Box::new(SchemaValue { deleted: true, ..value }))];
            if is_last {
                entries.extend(without_settings(view, name));
            }
            Ok((entries, version))
        })
    }

    /// Deletes a subject for good, whatever stands there. One that is not there is no error.
    pub(super) fn forget(&self, name: &str) -> Result<(), Problem> {
        subject::check(name)?;
        self.change(|view| {
            check_writable(view, name)?;
            let versions: Vec<i32> = view.versions(name).map(|(number, _)| number).collect();
            if versions.is_empty() {
                return Ok((Vec::new(), ()));
            }
            check_unreferenced(view, name, &versions)?;
            let mut entries = removed(view, name, &versions);
            entries.extend(without_settings(view, name));
            Ok((entries, ()))
        })
    }
}

fn check_writable(view: &View, name: &str) -> Result<(), Problem> {
    if view.mode(Some(name)).is_readonly() {
        return Err(Problem::NotPermitted(format!("Subject {name} is in read-only mode")));
    }
    Ok(())
}

fn check_unreferenced(view: &View, name: &str, versions: &[i32]) -> Result<(), Problem> {
    match versions.iter().find(|version| !view.referring(name, **version).is_empty()) {
        Some(version) => Err(Problem::Referenced { subject: name.to_owned(), version: *version }),
        None => Ok(()),
    }
}

fn deleted(view: &View, name: &str, versions: &[i32]) -> Vec<Entry> {
    let last = versions.last().copied().unwrap_or_default();
    let mut entries = vec![Entry::DeleteSubject(name.to_owned(), last)];
    entries.extend(without_settings(view, name));
    entries
}

/// Without these versions. The last id that was given is noted, so that no other schema gets it when nothing else
/// remembers it.
fn removed(view: &View, name: &str, versions: &[i32]) -> Vec<Entry> {
    let taken = std::iter::once(Entry::Taken(view.taken()));
    taken.chain(versions.iter().map(|version| Entry::NoVersion(name.to_owned(), *version))).collect()
}

/// A subject without versions has no settings.
fn without_settings(view: &View, name: &str) -> Vec<Entry> {
    let key = Some(name.to_owned());
    let mode = view.modes.contains_key(&key).then(|| Entry::Mode(key.clone(), None));
    let level = view.configs.contains_key(&key).then(|| Entry::Level(key.clone(), None));
    mode.into_iter().chain(level).collect()
}
