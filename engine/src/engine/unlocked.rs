//! What statements ask of a schema registry elsewhere, which may take long: meanwhile others change what exists. So the
//! lock of the commands is let go, and what was planned is planned again if somebody has used it.

use std::collections::VecDeque;

use parking_lot::MutexGuard;
use sql::Parsed;

use crate::commands::CommandLog;
use crate::statements::{Failure, Session};

use super::Engine;
use super::change::Change;
use super::registration::register;

/// How often statements are planned while others change what exists; then nobody else may.
const ROUNDS: usize = 3;

/// Statements of a request that are still to be carried out, and whose they are.
pub(super) struct Request<'a> {
    pub(super) text: &'a str,
    pub(super) session: &'a Session,
}

/// What they will do, in order.
pub(super) type Planned = VecDeque<Change>;

impl Engine {
    /// Does what may wait for a registry elsewhere without the lock; says whether nobody has changed anything meanwhile.
    fn unlocked<T>(&self, commands: &mut MutexGuard<'_, CommandLog>, ask: impl FnOnce() -> T) -> (T, bool) {
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
        let plan = || self.dry_run(request.text, rest, request.session.clone()).map(Planned::from);
        for _ in 0..ROUNDS {
            let (planned, is_right) = self.unlocked(commands, plan);
            if is_right {
                return planned;
            }
        }
        plan()
    }

    /// The next change, with its schemas registered, and the subjects that had none before. `rest` begins with its statement.
    pub(super) fn next_change(
        &self,
        commands: &mut MutexGuard<'_, CommandLog>,
        planned: &mut Planned,
        request: &Request<'_>,
        rest: &[Parsed],
    ) -> Result<Option<(Change, Vec<String>)>, Failure> {
        let mut made = Vec::new();
        let mut registered = Vec::new();
        loop {
            let Some(change) = planned.pop_front() else { return Ok(None) };
            let wanted = &change.command.schemas;
            if *wanted == registered {
                return Ok(Some((change, made)));
            }
            let (done, is_right) = self.unlocked(commands, || register(&self.shared.schemas, wanted, &mut made));
            if is_right && done.is_ok() {
                return Ok(Some((change, made)));
            }
            registered.clone_from(wanted);
            let again = done.and_then(|()| self.plan_all(commands, request, rest));
            *planned = again.inspect_err(|_| self.take_back(std::mem::take(&mut made)))?;
        }
    }

    /// Deletes subjects that a statement leaves behind; plans what is `left` again if that took its time.
    pub(super) fn delete_subjects_of(
        &self,
        commands: &mut MutexGuard<'_, CommandLog>,
        planned: &mut Planned,
        request: &Request<'_>,
        left: &[Parsed],
        (subjects, topic): (&[String], &str),
    ) -> Result<(), Failure> {
        let (deleted, is_right) = self.unlocked(commands, || self.delete_subjects(subjects, topic));
        if !is_right {
            *planned = self.plan_all(commands, request, left)?;
        }
        deleted
    }
}
