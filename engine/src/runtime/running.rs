//! A query that runs: what it was started with, and what was made of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::config::{Config, setting};
use crate::state::Table;
use crate::steps::QueryPlan;

use super::life::{Life, State};
use super::loops::Flow;
use super::processing_log::{ProcessingLog, Traced};
use super::request::{Earlier, PersistentStart};
use super::taken::Taken;
use super::task::Task;
use super::topology::{Part, Topology, group, sources};
use super::watch::Used;
use super::worker::Slot;

/// The rows that a query keeps for pull queries.
pub struct Kept {
    /// Those that are here, by partition.
    pub tables: Arc<[Table]>,
    /// The partitions whose rows are with other processes, or with none at the moment.
    pub elsewhere: Vec<u32>,
}

/// The tasks of one partition.
pub(super) struct Unit {
    /// Whether they are still this process's; none: nobody else can get them.
    pub(super) ours: Option<Arc<AtomicBool>>,
    /// The rows that they keep for pull queries.
    pub(super) tables: Vec<Table>,
}

/// By partition.
pub(super) type Units = BTreeMap<u32, Unit>;

impl Unit {
    pub(super) fn is_ours(&self) -> bool {
        self.ours.as_ref().is_none_or(|ours| ours.load(Ordering::Acquire))
    }

    /// Whether a thread has tasks of it that it has not let go of.
    pub(super) fn is_held(&self) -> bool {
        self.ours.as_ref().is_some_and(|ours| Arc::strong_count(ours) > 1)
    }

    /// They are another process's from now on.
    pub(super) fn give_up(&self) {
        if let Some(ours) = &self.ours {
            ours.store(false, Ordering::Release);
        }
    }
}

/// A query that runs.
pub struct Running {
    pub(super) id: Arc<str>,
    pub(super) plan: Arc<QueryPlan>,
    pub(super) config: Arc<Config>,
    pub(super) life: Arc<Life>,
    /// The partitions whose tasks run here, once it has been started.
    pub(super) units: Mutex<Option<Units>>,
    /// How it was cut when it was started last.
    pub(super) topology: Mutex<Option<Arc<Topology>>>,
    /// The topics that its tasks were made for.
    pub(super) used: Mutex<Used>,
    /// Number of the command that made it.
    pub(super) command: i64,
    /// The plans it had before which may have left something to do; oldest first.
    pub(super) earlier: Mutex<Vec<Earlier>>,
    /// What a ksqlDB has left it, if it was one's.
    pub(super) taken: Option<Arc<Taken>>,
    /// Held while its tasks are made or let go of.
    pub(super) making: Mutex<()>,
    pub(super) is_transient: bool,
    pub(super) flow: Flow,
    /// Its tasks have it, too, as long as they are there.
    held: Arc<()>,
}

impl Running {
    /// `clients`: it is a client's, whose queries are traced together.
    pub(super) fn new(start: PersistentStart, clients: Option<Arc<Mutex<Traced>>>) -> Arc<Self> {
        let PersistentStart { plan, config, command, earlier, taken } = start;
        let errors_kept = config.limit(setting::QUERY_ERROR_MAX_QUEUE_SIZE);
        let is_transient = clients.is_some();
        let life = Life::of(ProcessingLog::sharing(&plan.id, clients.unwrap_or_default()), errors_kept);
        let letters =
            config.get(setting::DEADLETTER_TOPIC).map(str::trim).filter(|name| !name.is_empty() && !is_transient);
        let flow = Flow {
            reads: sources(&plan),
            sink: plan.sink.as_ref().map(|sink| sink.topic.clone()),
            letters: letters.map(Arc::from),
        };
        Arc::new(Self {
            id: Arc::from(plan.id.as_str()),
            plan,
            config,
            life: Arc::new(life),
            units: Mutex::default(),
            topology: Mutex::default(),
            used: Mutex::default(),
            command,
            earlier: Mutex::new(earlier),
            taken,
            making: Mutex::default(),
            is_transient,
            flow,
            held: Arc::default(),
        })
    }

    /// Whether it is a client's that is over, and no thread has its task any more.
    pub(super) fn is_gone(&self) -> bool {
        self.is_transient && self.life.state() == State::Stopped && Arc::strong_count(&self.held) == 1
    }

    pub(super) fn slot(&self, task: Task) -> Slot {
        let (query, life, held) = (Arc::clone(&self.id), Arc::clone(&self.life), Arc::clone(&self.held));
        Slot { query, life, task, _held: held }
    }

    /// Its id.
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// Its state and its errors.
    pub fn life(&self) -> &Arc<Life> {
        &self.life
    }

    /// The settings it runs with.
    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// Whether it is a client's.
    pub fn is_transient(&self) -> bool {
        self.is_transient
    }

    /// Its consumer group, if it is a persistent one. The server's service id may be another than when it was made.
    pub fn group(&self) -> String {
        group(self.config.service_id(), &self.id)
    }

    /// Its sub-topologies as they run; none before it has been started.
    pub fn parts(&self) -> Vec<Part> {
        self.topology.lock().as_ref().map(|topology| topology.parts()).unwrap_or_default()
    }

    /// The rows it keeps for pull queries, of all partitions or of some; none before it has been started. `cut_off`: those of
    /// tasks that were given up count, too.
    pub(super) fn kept(&self, only: Option<&[u32]>, cut_off: bool) -> Option<Kept> {
        let units = self.units.lock();
        let partitions = self.topology.lock().as_ref()?.subs.last()?.partitions;
        let wanted = (0..partitions).filter(|partition| only.is_none_or(|only| only.contains(partition)));
        let (mut tables, mut elsewhere) = (Vec::new(), Vec::new());
        for partition in wanted {
            match units.as_ref()?.get(&partition).filter(|unit| cut_off || unit.is_ours()) {
                Some(unit) => tables.extend(unit.tables.iter().cloned()),
                None => elsewhere.push(partition),
            }
        }
        Some(Kept { tables: tables.into(), elsewhere })
    }

    /// Whether the tasks that read a partition run here.
    pub fn reads(&self, partition: u32) -> bool {
        let is_whole = self.topology.lock().as_ref().is_some_and(|topology| topology.whole);
        let unit = if is_whole { 0 } else { partition };
        self.units.lock().as_ref().is_some_and(|units| units.get(&unit).is_some_and(Unit::is_ours))
    }
}
