//! A query's tasks: made, and handed to the threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::log::{LogError, Signal};

use super::build::{Builder, Built};
use super::error::RuntimeError;
use super::registry::Runtime;
use super::running::{Running, Unit, Units};
use super::sweep::{History, Sweep};
use super::task::Task;
use super::topology::{Target, Topology, cut, partitions_of};
use super::watch;
use super::worker::panic_text;

impl Runtime {
    /// Builds a query's tasks and hands them to the threads. A panic fails the query alone.
    pub(super) fn launch(&self, running: &Running) -> Result<(), RuntimeError> {
        let build = AssertUnwindSafe(|| self.build(running));
        catch_unwind(build).unwrap_or_else(|panic| Err(RuntimeError::Build(panic_text(&*panic))))
    }

    /// The same for one that has run before: a topic that is missing was there.
    pub(super) fn launch_again(&self, running: &Running) -> Result<(), RuntimeError> {
        self.launch(running).map_err(|error| match error {
            RuntimeError::Log(LogError::UnknownTopic(topic)) => RuntimeError::TopicGone(topic),
            other => other,
        })
    }

    fn build(&self, running: &Running) -> Result<(), RuntimeError> {
        let partitions = |topic: &str| partitions_of(&*self.log, topic);
        let topology = cut(&running.plan, self.settings.uncut, running.config.service_id(), &partitions)?;
        *running.used.lock() = watch::used(&topology.subs, &running.plan, &partitions)?;
        let topics = self.builder(running, topology.whole, (0, Arc::default()), None);
        for sub in &topology.subs {
            if let Target::Exchange(exchange) = &sub.target {
                topics.make_topic(exchange)?;
            }
            for store in topics.stores(sub)? {
                topics.make_changelog(&store, sub.partitions)?;
            }
        }
        self.make_letters_topic(running)?;
        let topology = Arc::new(topology);
        let epoch = self.epoch();
        let (units, placed) = self.units(running, &topology, &self.ours(running, &topology))?;
        if self.log.ownership().is_none() {
            // What all tasks are in line with leaves nothing to do; of those of other processes this one does not know.
            let oldest = placed.iter().filter_map(|(_, task)| task.sweep()).map(Sweep::since).min();
            let remains = |since: Option<i64>, command| since.is_none_or(|since| command >= since);
            running.earlier.lock().retain(|earlier| oldest.is_some_and(|since| remains(since, earlier.command)));
        }
        *running.topology.lock() = Some(topology);
        // Up to here the rows are those of the tasks before, which are over.
        if let Some(before) = running.units.lock().replace(Units::new()) {
            before.values().for_each(Unit::give_up);
        }
        self.take_in(running, epoch, units, placed);
        Ok(())
    }

    /// Makes the tasks of some partitions. They run from [`Runtime::take_in`] on.
    pub(super) fn units(
        &self,
        running: &Running,
        topology: &Topology,
        partitions: &[u32],
    ) -> Result<(Units, Vec<(usize, Task)>), RuntimeError> {
        let earlier = running.earlier.lock();
        let history = History { command: running.command, earlier: &earlier };
        let (mut units, mut placed) = (Units::new(), Vec::new());
        for (number, sub) in topology.subs.iter().enumerate() {
            for partition in partitions.iter().copied().filter(|partition| *partition < sub.partitions) {
                let unit = units.entry(partition).or_insert_with(|| Unit {
                    ours: self.log.ownership().map(|_| Arc::new(AtomicBool::new(true))),
                    tables: Vec::new(),
                });
                let (at, signal) = self.pool.place();
                let builder = self.builder(running, topology.whole, (at, signal), unit.ours.clone());
                let Built { task, table } = builder.persistent(sub, number, partition, &history)?;
                unit.tables.extend(table);
                placed.push((at, task));
            }
        }
        Ok((units, placed))
    }

    pub(super) fn builder<'a>(
        &'a self,
        running: &'a Running,
        whole: bool,
        (thread, signal): (usize, Arc<Signal>),
        ours: Option<Arc<AtomicBool>>,
    ) -> Builder<'a> {
        Builder {
            log: &self.log,
            clock: &self.clock,
            functions: &self.functions,
            schemas: &self.schemas,
            budget: &self.budget,
            log_topic: self.log_topic.as_ref(),
            dead_letters: running.flow.letters.as_ref(),
            step_rows: self.settings.step_rows,
            plan: &running.plan,
            config: &running.config,
            life: &running.life,
            whole,
            thread,
            signal,
            ours,
            taken: running.taken.as_deref(),
        }
    }
}
