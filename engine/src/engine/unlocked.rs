//! What statements ask of a schema registry elsewhere, which may take long: meanwhile others change what exists. So the
//! lock of the commands is let go, and what was planned is planned again if somebody has used it. Under the lock stay the keys
//! of a new repartition topic, which are registered when the query is built, and what is taken back after a failure.

use std::collections::VecDeque;

use parking_lot::MutexGuard;
use sql::Parsed;

use crate::commands::{CommandLog, OldSubjects};
use crate::statements::{Failure, Session};

use super::Engine;
use super::change::Change;
use super::kept_schemas::Wanted;
use super::registration::register;

/// How often statements are planned while others change what exists; then nobody else may.
const ROUNDS: usize = 3;

/// Statements of a request that are still to be carried out, and whose they are.
pub(super) struct Request<'a> {
    pub(super) text: &'a str,
    pub(super) session: &'a Session,
}

/// A subject that could not be deleted.
pub(super) struct Stays {
    subject: String,
    /// Says so, and why.
    message: String,
    /// Whether it may be deleted later.
    may_pass: bool,
}

/// A change whose schemas are registered.
pub(super) struct Next<'a> {
    pub(super) change: Change,
    /// The subjects that had nothing before.
    pub(super) made: Vec<String>,
    /// Until it is carried out nobody deletes subjects of its topics because of a statement before it.
    pub(super) wanted: Option<Wanted<'a>>,
}

/// What they will do, in order.
pub(super) type Planned = VecDeque<Change>;

impl Engine {
    /// Does what may wait for a registry elsewhere without the lock; says whether nobody has changed anything meanwhile.
    pub(super) fn unlocked<T>(&self, commands: &mut MutexGuard<'_, CommandLog>, ask: impl FnOnce() -> T) -> (T, bool) {
        if !self.shared.kept_schemas.is_elsewhere() {
            return (ask(), true);
        }
        let before = commands.last();
        let answer = MutexGuard::unlocked(commands, ask);
        (answer, commands.last() == before)
    }

    /// Plans statements that are still to be carried out.
    pub(super) fn plan_all(
        &self,
        commands: &mut MutexGuard<'_, CommandLog>,
        request: &Request<'_>,
        rest: &[Parsed],
    ) -> Result<Planned, Failure> {
        let number = |commands: &CommandLog| commands.is_shared().then(|| commands.next());
        let plan = |number| self.dry_run(request.text, rest, request.session.clone(), number).map(Planned::from);
        for _ in 0..ROUNDS {
            let first = number(commands);
            let (planned, is_right) = self.unlocked(commands, || plan(first));
            if is_right {
                return planned;
            }
        }
        plan(number(commands))
    }

    /// The next change, with its schemas registered. `rest` begins with its statement.
    pub(super) fn next_change<'a>(
        &'a self,
        commands: &mut MutexGuard<'_, CommandLog>,
        planned: &mut Planned,
        request: &Request<'_>,
        rest: &[Parsed],
    ) -> Result<Option<Next<'a>>, Failure> {
        let (mut made, mut wanted) = (Vec::new(), None);
        let mut registered = Vec::new();
        loop {
            let Some(change) = planned.pop_front() else { return Ok(None) };
            let schemas = &change.command.schemas;
            if *schemas == registered {
                return Ok(Some(Next { change, made, wanted }));
            }
            // What was registered for another plan is not to stand against this one.
            self.take_back(std::mem::take(&mut made));
            let (done, is_right) = self.unlocked(commands, || {
                let topics = schemas.iter().map(|new| new.topic.clone()).collect();
                wanted = Some(self.shared.kept_schemas.want(topics));
                register(&self.shared.schemas, schemas, &mut made)
            });
            if is_right && done.is_ok() {
                return Ok(Some(Next { change, made, wanted }));
            }
            registered.clone_from(schemas);
            let again = done.and_then(|()| self.plan_all(commands, request, rest));
            *planned = again.inspect_err(|_| self.take_back(std::mem::take(&mut made)))?;
        }
    }

    /// Deletes the subjects that the last command has left; plans what is `left` again if that took its time. Returns what
    /// there is to tell of those that stay: nobody tries these again but the next start, if the registry did not answer.
    pub(super) fn delete_subjects_of(
        &self,
        commands: &mut MutexGuard<'_, CommandLog>,
        planned: &mut Planned,
        request: &Request<'_>,
        left: &[Parsed],
        old: &OldSubjects,
    ) -> Result<Vec<String>, Failure> {
        let number = commands.last().unsigned_abs();
        let is_used = |topic: &str| self.catalog().sources_of_topic(topic).next().is_some();
        let (stays, is_right) = self.unlocked(commands, || self.delete_subjects(old, is_used));
        let again =
            stays.iter().filter(|stay| stay.may_pass).filter_map(|stay| old.topics.get_key_value(&stay.subject));
        let again = again.map(|(subject, topic)| (subject.clone(), topic.clone())).collect();
        commands.note_subjects(number, &OldSubjects { topics: again, ..*old })?;
        if !is_right {
            *planned = self.plan_all(commands, request, left)?;
        }
        Ok(stays.into_iter().map(|stay| stay.message).collect())
    }

    /// Deletes subjects of topics that are gone; returns those that stay.
    pub(super) fn delete_subjects(&self, old: &OldSubjects, is_used: impl Fn(&str) -> bool) -> Vec<Stays> {
        let mut stays = Vec::new();
        for (subject, topic) in &old.topics {
            let (why, may_pass) = match self.shared.kept_schemas.delete_of_gone(subject, topic, || is_used(topic)) {
                Ok(true) => continue,
                Ok(false) => (format!("topic {topic} is used, or there again"), false),
                Err(error) => {
                    let again = if error.may_pass() { ", or start the server again: it tries once more" } else { "" };
                    (format!("{error}. Delete it by hand with DELETE /subjects/{subject}{again}"), error.may_pass())
                }
            };
            let message = format!("Subject {subject} stays in the schema registry: {why}");
            tracing::warn!("{message}");
            stays.push(Stays { subject: subject.clone(), message, may_pass });
        }
        stays
    }
}
