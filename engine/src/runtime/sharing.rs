//! Tasks that several processes share: this one runs those that are its own, gives up what becomes another's, and makes what
//! becomes its own. The tasks that stay are not touched.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::log::{LogError, Ownership, Signal};

use super::error::RuntimeError;
use super::life::State;
use super::registry::Runtime;
use super::running::{Running, Units};
use super::task::Task;
use super::topology::Topology;

/// How long a new query waits until it is known which of its tasks run here.
const PATIENCE: Duration = Duration::from_secs(15);
/// Pause before it is looked whether a thread has let go of what was given up.
const SOON: Duration = Duration::from_millis(50);
/// Pause before what failed is tried again, and longest sleep of the thread that deals with changes: a safeguard.
const SLEEP: Duration = Duration::from_secs(1);

impl Runtime {
    /// Follows which tasks are this process's, if others may have some.
    pub(super) fn share_tasks(self: &Arc<Self>) -> Result<(), RuntimeError> {
        let Some(ownership) = self.log.ownership() else { return Ok(()) };
        let weak = Arc::downgrade(self);
        ownership.listen(move || {
            if let Some(runtime) = weak.upgrade() {
                runtime.give_up();
            }
        });
        let (weak, changed) = (Arc::downgrade(self), Arc::clone(ownership.changed()));
        let thread = std::thread::Builder::new().name("tasks".to_owned()).stack_size(sql::STACK_BYTES);
        thread.spawn(move || follow(&weak, &changed)).map_err(LogError::Thread)?;
        Ok(())
    }

    /// Whether it is known which tasks run here.
    pub(super) fn knows_its_tasks(&self) -> bool {
        self.log.ownership().is_none_or(|ownership| ownership.is_known())
    }

    /// Waits until it is, but not for ever.
    pub(super) fn await_tasks(&self) {
        if let Some(ownership) = self.log.ownership() {
            ownership.wait_until_known(PATIENCE);
        }
    }

    /// Has the threads look what there is to do, and whether tasks of a query that runs now became this process's before.
    pub(super) fn look_for_tasks(&self) {
        self.pool.wake();
        if let Some(ownership) = self.log.ownership() {
            ownership.changed().raise();
        }
    }

    /// A time for [`Runtime::take_in`].
    pub(super) fn epoch(&self) -> u64 {
        self.log.ownership().map_or(0, |ownership| ownership.epoch())
    }

    /// The partitions of a query that are this process's.
    pub(super) fn ours(&self, running: &Running, topology: &Topology) -> Vec<u32> {
        let all = 0..topology.subs.iter().map(|sub| sub.partitions).max().unwrap_or_default();
        match self.log.ownership() {
            None => all.collect(),
            Some(ownership) => all.filter(|partition| ownership.owns(&running.id, *partition)).collect(),
        }
    }

    /// Fixes where the tasks of a new query begin that other processes run.
    pub(super) fn fix_starts(&self, running: &Running) -> Result<(), RuntimeError> {
        let Some(ownership) = self.log.ownership() else { return Ok(()) };
        let Some(topology) = running.topology.lock().clone() else { return Ok(()) };
        let builder = self.builder(running, topology.whole, (0, Arc::default()), None);
        for (number, sub) in topology.subs.iter().enumerate() {
            for partition in (0..sub.partitions).filter(|partition| !ownership.owns(&running.id, *partition)) {
                builder.fix_start(sub, number, partition)?;
            }
        }
        Ok(())
    }

    /// Lets tasks run that were made since `epoch`, but for those that were another's in between.
    pub(super) fn take_in(&self, running: &Running, epoch: u64, made: Units, placed: Vec<(usize, Task)>) {
        {
            // Whoever gives up tasks takes the lock after it is known what is lost.
            let mut units = running.units.lock();
            let units = units.get_or_insert_default();
            for (partition, unit) in made {
                let owns = |ownership: &Arc<Ownership>| ownership.owns_since(epoch, &running.id, partition);
                if self.log.ownership().is_none_or(owns) {
                    units.insert(partition, unit);
                } else {
                    unit.give_up();
                }
            }
        }
        for (at, task) in placed.into_iter().filter(|(_, task)| task.is_ours()) {
            self.pool.add(at, running.slot(task));
        }
    }

    /// Marks the tasks that are not this process's any more: nothing of them is committed from now on.
    fn give_up(&self) {
        let Some(ownership) = self.log.ownership() else { return };
        for running in self.queries.read().values().filter(|running| !running.is_transient) {
            let units = running.units.lock();
            let lost = units.iter().flatten().filter(|(partition, _)| !ownership.owns(&running.id, **partition));
            lost.for_each(|(_, unit)| unit.give_up());
        }
    }

    /// Drops what was given up, and makes what is this process's and does not run. Says when there is more to do.
    fn adjust(&self) -> Duration {
        self.pool.wake();
        let queries: Vec<Arc<Running>> = self.queries.read().values().map(Arc::clone).collect();
        let mut again = Duration::MAX;
        for running in queries.into_iter().filter(|running| !running.is_transient) {
            match self.adjust_one(&running) {
                Ok(false) => {}
                Ok(true) => again = again.min(SOON),
                // The tasks that run are not touched by it.
                Err(error) if error.leads_to() == State::Retrying => {
                    tracing::warn!(query = %running.id, "tasks that are to run here cannot be made yet: {error}");
                    again = again.min(SLEEP);
                }
                Err(error) => self.note_failure(&running.id, &running, &error),
            }
        }
        again
    }

    /// Says whether a thread has tasks that were given up.
    fn adjust_one(&self, running: &Running) -> Result<bool, RuntimeError> {
        let _one = running.making.lock();
        // One that has failed is made anew with all that is its own then; one that is new is being made.
        let runs = matches!(running.life.state(), State::Running | State::Paused) && !running.life.is_broken();
        let Some(topology) = running.topology.lock().clone().filter(|_| runs) else { return Ok(false) };
        let epoch = self.epoch();
        let mut missing = self.ours(running, &topology);
        let is_held = {
            let mut units = running.units.lock();
            // Rows of before are better than none, as long as nobody else can be asked either.
            let Some(units) = units.as_mut().filter(|_| self.knows_its_tasks()) else { return Ok(false) };
            // What a thread has not let go of may be about to write down what was committed.
            units.retain(|_, unit| unit.is_ours() || unit.is_held());
            missing.retain(|partition| !units.contains_key(partition));
            units.values().any(|unit| !unit.is_ours())
        };
        if missing.is_empty() {
            return Ok(is_held);
        }
        let (units, placed) = self.units(running, &topology, &missing)?;
        tracing::info!(query = %running.id, partitions = ?missing, "tasks of the query run here now");
        self.take_in(running, epoch, units, placed);
        self.pool.wake();
        Ok(is_held)
    }
}

fn follow(runtime: &Weak<Runtime>, changed: &Signal) {
    let (mut seen, mut again) = (0, Duration::MAX);
    loop {
        let Some(runtime) = runtime.upgrade() else { return };
        let now = changed.count();
        if now != seen || again < Duration::MAX {
            seen = now;
            again = runtime.adjust();
        }
        drop(runtime);
        changed.wait(seen, again.min(SLEEP));
    }
}
