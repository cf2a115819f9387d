//! Commands of other processes of the service: carried out here as they come, and before this process writes one itself.

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::MutexGuard;

use crate::commands::{CommandLog, Logged, Sharing};
use crate::config::{Config, setting};
use crate::error::Error;
use crate::log::{LogError, Signal, TopicSpec};
use crate::statements::{Failure, FailureKind};

use super::replay::World;
use super::{Engine, Shared};

/// Longest sleep of the thread that follows: a safeguard, and how often is looked whether brokers answer again.
const SLEEP: Duration = Duration::from_secs(1);

/// How processes share their commands; a server that runs a file has its own.
pub(super) fn sharing(config: &Config, is_headless: bool) -> Option<Sharing> {
    let id = config.service_id();
    // As ksqlDB makes it: nothing of it may be lost, by age or by an unclean election.
    let settings = [
        ("cleanup.policy", "delete"),
        ("retention.ms", "-1"),
        ("unclean.leader.election.enable", "false"),
        ("min.insync.replicas", config.value(setting::INTERNAL_TOPIC_MIN_INSYNC_REPLICAS.name()).unwrap_or("1")),
    ];
    (!is_headless).then(|| Sharing {
        topic: format!("_confluent-ksql-{id}_command_topic"),
        spec: TopicSpec {
            partitions: 1,
            replicas: config.get(setting::INTERNAL_TOPIC_REPLICAS) as u16,
            config: settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        },
        writers: id.to_owned(),
        restores: config.get(setting::COMMAND_TOPIC_RESTORE),
        takes_over: !config.get(setting::TAKE_OVER).eq_ignore_ascii_case("none"),
    })
}

impl Engine {
    /// Carries out what other processes have written, so that what is planned next stands on all of it. Only this process
    /// writes from then on, or it learns otherwise.
    pub(super) fn catch_up(&self, commands: &mut MutexGuard<'_, CommandLog>) -> Result<(), Failure> {
        let new = commands.catch_up();
        if let Some(lost) = commands.lost() {
            return Err(Failure::new(FailureKind::Server, lost));
        }
        let what = "A statement that another server has carried out could not be carried out here";
        for (number, command) in new? {
            self.take(number, command).map_err(|error| Failure::internal(what, &error))?;
        }
        Ok(())
    }

    /// Begins to carry out the commands of others as they come.
    pub(super) fn begin_to_follow(&self) -> Result<(), LogError> {
        let Some(wake) = self.shared.commands.lock().wake().filter(|_| self.shared.has_threads) else { return Ok(()) };
        let shared = Arc::downgrade(&self.shared);
        let thread = std::thread::Builder::new().name("commands".to_owned()).stack_size(sql::STACK_BYTES);
        thread.spawn(move || follow(&shared, &wake)).map_err(LogError::Thread)?;
        Ok(())
    }

    /// Carries out the commands of others that are here.
    pub(super) fn follow(&self) -> Result<(), Error> {
        let mut commands = self.shared.commands.lock();
        let new = commands.follow();
        if commands.lost().is_some() {
            // That has been told, and whoever has a statement is told again.
            return Ok(());
        }
        for (number, command) in new? {
            self.take(number, command)?;
        }
        Ok(())
    }

    /// Carries out a command that another process has logged: what exists and what runs are as after a restart.
    fn take(&self, number: u64, mut command: Logged) -> Result<(), Error> {
        let runtime = &self.shared.runtime;
        let before = World::of(self);
        let mut world = before.clone();
        self.redo(&mut world, number, &mut command)?;
        for id in before.queries.keys().filter(|id| !world.queries.contains_key(*id)) {
            runtime.halt(id);
            self.shared.settling.forget(id);
        }
        if let Err(error) = runtime.forget(&mut world.ended, &mut Vec::new()) {
            tracing::warn!(number, "not all that ended queries left behind is removed: {error}");
        }
        *self.shared.catalog.write() = world.catalog;
        for (id, start) in world.queries {
            let is_paused = world.paused.contains(&id);
            let is_there = before.queries.get(&id).is_some_and(|there| Arc::ptr_eq(&there.plan, &start.plan));
            if !is_there {
                runtime.start_again(start, is_paused);
            } else if is_paused != before.paused.contains(&id) {
                let switched = if is_paused { runtime.pause(&id) } else { runtime.resume(&id) };
                switched.unwrap_or_else(|error| tracing::warn!(query = id, "{error}"));
                self.shared.settling.note();
            }
        }
        tracing::info!(
            number,
            command = command.command_id,
            query = command.query_id,
            "carried out, as another server has"
        );
        self.shared.outcomes.note_command(number, &command);
        Ok(())
    }
}

fn follow(shared: &Weak<Shared>, wake: &Signal) {
    loop {
        let seen = wake.count();
        let Some(shared) = shared.upgrade() else { return };
        if shared.is_closing() {
            return;
        }
        match (Engine { shared }).follow() {
            Ok(()) => {}
            Err(error) if error.awaits_brokers() => tracing::debug!("commands of other servers are not read: {error}"),
            Err(error) => tracing::error!("a command of another server is not carried out: {error}"),
        }
        wake.wait(seen, SLEEP);
    }
}
