//! What goes with what and what may be done, everywhere and in single subjects.

use super::entry::Entry;
use super::level::{Level, Mode};
use super::lookup::{Which, has_subject};
use super::problem::Problem;
use super::store::SchemaRegistry;
use super::subject;
use super::view::View;

/// Where nothing is said.
pub(super) const DEFAULT_LEVEL: Level = Level::Backward;

/// Subjects with settings of their own.
const MAX_SETTINGS: usize = 100_000;

/// What is said of new versions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules {
    /// What they must go with.
    pub level: Option<Level>,
    /// Whether what has no order is brought into one.
    pub normalize: Option<bool>,
}

/// What is said of a subject itself, or of all (`None`).
pub(super) fn rules_of(view: &View, name: Option<&str>) -> Option<Rules> {
    let value = view.configs.get(&name.map(str::to_owned))?;
    Some(Rules { level: value.level, normalize: value.normalize })
}

fn global(view: &View) -> Rules {
    let rules = rules_of(view, None).unwrap_or_default();
    Rules { level: rules.level.or(Some(DEFAULT_LEVEL)), ..rules }
}

fn check_subject(name: Option<&str>) -> Result<(), Problem> {
    name.map_or(Ok(()), subject::check)
}

fn check_writable(view: &View, name: Option<&str>) -> Result<(), Problem> {
    match view.mode(name) {
        mode if mode.is_readonly() => {
            Err(Problem::NotPermitted(format!("Subject {} is in read-only mode", name.unwrap_or("null"))))
        }
        _ => Ok(()),
    }
}

fn check_room(count: usize, is_there: bool) -> Result<(), Problem> {
    if is_there || count < MAX_SETTINGS {
        return Ok(());
    }
    Err(Problem::NotPermitted(format!("At most {MAX_SETTINGS} subjects have settings of their own")))
}

impl SchemaRegistry {
    /// The rules of a subject, or of all (`None`). With `or_global` a subject without rules has those of all.
    ///
    /// # Errors
    /// [`Problem::NoCompatibility`], [`Problem::Store`].
    pub fn rules(&self, name: Option<&str>, or_global: bool) -> Result<Rules, Problem> {
        check_subject(name)?;
        let view = self.current()?;
        let Some(name) = name else { return Ok(global(&view)) };
        match rules_of(&view, Some(name)) {
            Some(rules) if !or_global => Ok(rules),
            None if !or_global => Err(Problem::NoCompatibility(name.to_owned())),
            rules => {
                let (own, global) = (rules.unwrap_or_default(), global(&view));
                Ok(Rules { level: own.level.or(global.level), normalize: own.normalize.or(global.normalize) })
            }
        }
    }

    /// Sets what `rules` says of a subject, or of all.
    ///
    /// # Errors
    /// [`Problem::NotPermitted`], [`Problem::Store`].
    pub fn set_rules(&self, name: Option<&str>, rules: Rules) -> Result<(), Problem> {
        check_subject(name)?;
        self.change(|view| {
            check_writable(view, name)?;
            let key = name.map(str::to_owned);
            let old = view.configs.get(&key);
            check_room(view.configs.len(), old.is_some())?;
            let mut value = old.cloned().unwrap_or_default();
            value.subject.clone_from(&key);
            value.level = rules.level.or(value.level);
            value.normalize = rules.normalize.or(value.normalize);
            Ok((vec![Entry::Level(key, Some(value))], ()))
        })
    }

    /// Forgets what is said of a subject, or of all, and tells what it was.
    ///
    /// # Errors
    /// [`Problem::NoSubject`] when nothing is said, [`Problem::NotPermitted`], [`Problem::Store`].
    pub fn delete_rules(&self, name: Option<&str>) -> Result<Rules, Problem> {
        check_subject(name)?;
        self.change(|view| {
            check_writable(view, name)?;
            let old = match (rules_of(view, name), name) {
                (None, Some(name)) => return Err(Problem::NoSubject(name.to_owned())),
                (None, None) => return Ok((Vec::new(), global(view))),
                (Some(rules), _) => rules,
            };
            Ok((vec![Entry::Level(name.map(str::to_owned), None)], old))
        })
    }

    /// The mode of a subject, or of all (`None`). With `or_global` a subject without one has that of all.
    ///
    /// # Errors
    /// [`Problem::NoMode`], [`Problem::Store`].
    pub fn mode(&self, name: Option<&str>, or_global: bool) -> Result<Mode, Problem> {
        check_subject(name)?;
        let view = self.current()?;
        match name {
            Some(name) if !or_global && !view.modes.contains_key(&Some(name.to_owned())) => match view.mode(None) {
                Mode::ReadonlyOverride => Ok(Mode::ReadonlyOverride),
                _ => Err(Problem::NoMode(name.to_owned())),
            },
            name => Ok(view.mode(name)),
        }
    }

    /// Sets the mode of a subject, or of all. [`Mode::Import`] needs `force` where schemas stand already.
    ///
    /// # Errors
    /// [`Problem::NotPermitted`], [`Problem::Store`].
    pub fn set_mode(&self, name: Option<&str>, mode: Mode, force: bool) -> Result<(), Problem> {
        check_subject(name)?;
        self.change(|view| {
            let key = name.map(str::to_owned);
            let holds = match name {
                Some(name) => has_subject(view, name, Which::Live),
                None => view.subjects().any(|name| has_subject(view, name, Which::Live)),
            };
            if mode == Mode::Import && !force && view.mode(name) != Mode::Import && holds {
                let message = "Cannot import since found existing subjects";
                return Err(Problem::NotPermitted(message.to_owned()));
            }
            check_room(view.modes.len(), view.modes.contains_key(&key))?;
            Ok((vec![Entry::Mode(key, Some(mode))], ()))
        })
    }

    /// Forgets the mode of a subject, or of all, and tells what it was.
    ///
    /// # Errors
    /// [`Problem::NoSubject`] when it has none, [`Problem::Store`].
    pub fn delete_mode(&self, name: Option<&str>) -> Result<Mode, Problem> {
        check_subject(name)?;
        self.change(|view| {
            let key = name.map(str::to_owned);
            match (view.modes.get(&key).copied(), name) {
                (Some(mode), _) => Ok((vec![Entry::Mode(key, None)], mode)),
                (None, Some(name)) => Err(Problem::NoSubject(name.to_owned())),
                (None, None) => Ok((Vec::new(), view.mode(None))),
            }
        })
    }
}
