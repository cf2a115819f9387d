//! Which of ksqlDB's statements are in effect: those whose subject was not dropped since.

use std::collections::BTreeSet;

use crate::catalog::{Change, QueryKind};
use crate::commands::{Foreign, Logged};
use crate::plan::Action;

/// What a statement is about: when that is dropped, nothing is left of the statement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// A stream or table, with the query that fills it.
    Source(String),
    /// A query that writes to a stream or table of another statement.
    Insert(String),
    Type(String),
}

/// A command of ksqlDB, and what becomes of it.
pub(super) struct Planned {
    pub(super) foreign: Foreign,
    pub(super) subjects: BTreeSet<Subject>,
    /// What is logged instead, or why it cannot be carried out.
    pub(super) outcome: Result<Logged, String>,
}

/// What a command is about. That of one that cannot be planned is told by its name.
pub(super) fn subjects(foreign: &Foreign, action: Option<&Action>, before: &[Planned]) -> BTreeSet<Subject> {
    let Some(action) = action else {
        let (kind, verb) = named(foreign);
        return kind.filter(|_| verb != "drop" && verb != "terminate").into_iter().collect();
    };
    let mut subjects = BTreeSet::new();
    for change in &action.changes {
        subjects.extend(match change {
            Change::PutSource(source) => Some(Subject::Source(source.name.clone())),
            Change::PutType { name, .. } => Some(Subject::Type(name.clone())),
            Change::PutQuery(query) if query.kind == QueryKind::InsertInto => Some(Subject::Insert(query.id.clone())),
            _ => None,
        });
    }
    let ends = action.changes.iter().any(|change| matches!(change, Change::DropSource(_) | Change::DropType(_)));
    if subjects.is_empty() && !ends {
        // What ends, pauses or resumes a query stands and falls with what started it.
        let ids = action.stop.iter().chain(&action.pause).chain(&action.resume);
        let is_insert = |subject: &Subject| matches!(subject, Subject::Insert(_));
        let of = ids.filter_map(|id| before.iter().rev().find(|planned| planned.foreign.query_id.as_ref() == Some(id)));
        subjects.extend(of.flat_map(|planned| planned.subjects.clone()));
        if !action.stop.is_empty() {
            subjects.retain(|subject| !is_insert(subject));
        }
    }
    subjects
}

/// What a command puts an end to.
pub(super) fn ended(foreign: &Foreign, action: Option<&Action>, before: &[Planned]) -> Vec<Subject> {
    // What could not be made cannot be dropped either, but then it is not missed.
    let (dropped, verb) = named(foreign);
    let dropped = dropped.filter(|_| verb == "drop");
    let of_insert = |id: &String| {
        let started = before.iter().rev().find(|planned| planned.foreign.query_id.as_ref() == Some(id))?;
        started.subjects.iter().find(|subject| matches!(subject, Subject::Insert(_))).cloned()
    };
    let of_change = |change: &Change| match change {
        Change::DropSource(name) => Some(Subject::Source(name.clone())),
        Change::DropType(name) => Some(Subject::Type(name.clone())),
        Change::DropQuery(id) => of_insert(id),
        Change::PutSource(_) | Change::PutType { .. } | Change::PutQuery(_) | Change::Lose(_) => None,
    };
    action.into_iter().flat_map(|action| &action.changes).filter_map(of_change).chain(dropped).collect()
}

/// What a command is called after, ``stream/`S`/create``, and what it does there.
fn named(foreign: &Foreign) -> (Option<Subject>, &str) {
    let parts = foreign.command_id.split_once('/').and_then(|(kind, rest)| Some((kind, rest.rsplit_once('/')?)));
    let Some((kind, (name, verb))) = parts else { return (None, "") };
    let bare = name.strip_prefix('`').and_then(|name| name.strip_suffix('`')).unwrap_or(name).to_owned();
    let is_insert = foreign.query_id.as_ref().is_some_and(|id| id.starts_with("INSERTQUERY"));
    let subject = match (kind, &foreign.query_id) {
        (_, Some(id)) if is_insert => Subject::Insert(id.clone()),
        ("type", _) => Subject::Type(bare),
        _ => Subject::Source(bare),
    };
    (Some(subject), verb)
}
