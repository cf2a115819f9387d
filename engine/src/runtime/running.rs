//! A query that runs: what it was started with, and what was made of it.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::config::{Config, setting};
use crate::state::Table;
use crate::steps::QueryPlan;

use super::life::{Life, State};
use super::loops::Flow;
use super::processing_log::{ProcessingLog, Traced};
use super::request::{Earlier, PersistentStart};
use super::task::Task;
use super::topology::{Part, group, sources};
use super::watch::Used;
use super::worker::Slot;

/// The rows that a query keeps for pull queries, by partition.
pub type Tables = Arc<[Table]>;

/// A query that runs.
pub struct Running {
    pub(super) id: Arc<str>,
    pub(super) plan: Arc<QueryPlan>,
    pub(super) config: Arc<Config>,
    pub(super) life: Arc<Life>,
    /// The rows it keeps for pull queries, by partition, once it has been started.
    pub(super) tables: Mutex<Option<Tables>>,
    /// The topics that its tasks were made for.
    pub(super) used: Mutex<Used>,
    /// How it was cut when it was started last.
    pub(super) parts: Mutex<Vec<Part>>,
    /// Number of the command that made it.
    pub(super) command: i64,
    /// The plans it had before which may have left something to do; oldest first.
    pub(super) earlier: Mutex<Vec<Earlier>>,
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
        let PersistentStart { plan, config, command, earlier } = start;
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
            tables: Mutex::default(),
            used: Mutex::default(),
            parts: Mutex::default(),
            command,
            earlier: Mutex::new(earlier),
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
        self.parts.lock().clone()
    }
}
