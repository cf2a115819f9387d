//! The queries that run: started, paused, stopped, looked at.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Sender, unbounded};
use indexmap::IndexMap;
use parking_lot::{Mutex, RwLock};

use crate::clock::Clock;
use crate::config::setting;
use crate::expr::Registry;
use crate::log::{Log, LogError, Topic, TopicSpec};
use crate::schemas::Schemas;
use crate::state::Budget;

use super::error::RuntimeError;
use super::life::{Blame, Life, State};
use super::log_topic::LogTopic;
use super::loops::{self, Fed, Flow};
use super::processing_log::Traced;
use super::request::{PersistentStart, Settings, Transient};
use super::running::{Kept, Running};
use super::supervisor::{BackOff, Queries, Restart, supervise};
use super::topology::{cut, partitions_of};
use super::watch;
use super::worker::{Failed, Pool};

/// Pauses before a query is started again that the log failed in a way that may pass.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Why the rows that a query keeps cannot be read now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unavailable {
    /// It is being started, which includes that its state is restored.
    Starting,
    /// It has failed; whose fault that was.
    Failed(Blame),
}

/// Runs queries on a log.
pub struct Runtime {
    pub(super) log: Arc<dyn Log>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) functions: Arc<Registry>,
    pub(super) schemas: Arc<dyn Schemas>,
    pub(super) budget: Arc<Budget>,
    pub(super) settings: Settings,
    /// Where entries of the processing log go besides standard error.
    pub(super) log_topic: Option<Arc<LogTopic>>,
    pub(super) pool: Pool,
    /// Tells the supervisor, if there is one.
    failed: Sender<Failed>,
    pub(super) queries: RwLock<IndexMap<Arc<str>, Arc<Running>>>,
    /// What is traced of the processing logs of clients' queries.
    clients_traced: Arc<Mutex<Traced>>,
}

impl Runtime {
    /// A runtime with its threads.
    ///
    /// # Errors
    /// The system starts no more threads.
    pub fn new(
        log: Arc<dyn Log>,
        clock: Arc<dyn Clock>,
        functions: Arc<Registry>,
        schemas: Arc<dyn Schemas>,
        settings: Settings,
        log_topic: Option<LogTopic>,
    ) -> Result<Arc<Self>, RuntimeError> {
        let (failed, failures) = unbounded();
        let pool = match settings.threads {
            0 => Pool::driven(Arc::clone(&clock), failed.clone()),
            count => Pool::threads(count, &clock, &failed)?,
        };
        let budget = Arc::new(Budget::new(settings.state_bytes));
        let queries = RwLock::default();
        let log_topic = log_topic.map(Arc::new);
        let clients_traced = Arc::default();
        let runtime = Arc::new(Self {
            log,
            clock,
            functions,
            schemas,
            budget,
            settings,
            log_topic,
            pool,
            failed,
            queries,
            clients_traced,
        });
        if settings.threads > 0 {
            let weak = Arc::downgrade(&runtime);
            std::thread::Builder::new()
                .name("supervisor".to_owned())
                .stack_size(sql::STACK_BYTES)
                .spawn(move || supervise(&failures, &weak))
                .map_err(LogError::Thread)?;
            runtime.share_tasks()?;
        }
        Ok(runtime)
    }

    /// Builds a persistent query, which begins when [`Runtime::begin`] says so: what it writes before its command is logged
    /// would be written again after a crash. One that replaces the one of its id will go on from its positions, with its
    /// state.
    ///
    /// # Errors
    /// A topic is missing or cannot be made, state cannot be read, or a step cannot be built: no query of that id runs
    /// then.
    pub fn prepare(&self, start: PersistentStart) -> Result<(), RuntimeError> {
        let (id, running) = self.add(start);
        self.await_tasks();
        let launched = self.launch(&running).and_then(|()| self.fix_starts(&running));
        if launched.is_err() {
            self.queries.write().shift_remove(&id);
            self.find_loops();
        }
        launched
    }

    /// Lets a query that was prepared begin.
    pub fn begin(&self, id: &str) {
        if let Some(running) = self.query(id).filter(|running| running.life.state() == State::Created) {
            running.life.become_(State::Running);
            tracing::info!(query = id, "the query runs");
            self.look_for_tasks();
        }
    }

    /// What runs under an id, to start it again, and whether it is paused.
    pub fn started(&self, id: &str) -> Option<(PersistentStart, bool)> {
        let running = self.query(id)?;
        let start = PersistentStart {
            plan: Arc::clone(&running.plan),
            config: Arc::clone(&running.config),
            command: running.command,
            earlier: running.earlier.lock().clone(),
            taken: running.taken.clone(),
        };
        Some((start, running.life.state() == State::Paused))
    }

    /// Starts a query that has run before, in the place of the one that has its id.
    pub fn start_again(&self, start: PersistentStart, paused: bool) {
        let id = start.plan.id.clone();
        self.halt(&id);
        self.expect([start]);
        self.start_expected(&id, paused);
    }

    /// Takes in queries that have run before; each runs from [`Runtime::start_expected`] on. What may be told of one depends
    /// on the others, so all are known before the first one runs.
    pub fn expect(&self, starts: impl IntoIterator<Item = PersistentStart>) {
        {
            let mut queries = self.queries.write();
            for start in starts {
                let running = Running::new(start, None);
                queries.insert(Arc::clone(&running.id), running);
            }
        }
        self.find_loops();
    }

    /// Starts an expected query. If it cannot be started now it has failed, and is tried again like one that failed while it
    /// ran.
    pub fn start_expected(&self, id: &str, paused: bool) {
        let Some(running) = self.query(id) else { return };
        let id: Arc<str> = Arc::from(id);
        if let Err(error) = self.launch_again(&running) {
            self.note_failure(&id, &running, &error);
        } else {
            tracing::info!(query = %id, paused, "the query goes on");
        }
        // Its tasks are with the threads already: one that is paused takes no step before it is.
        if paused {
            running.life.become_(State::Paused);
        } else if running.life.state() == State::Created {
            running.life.become_(State::Running);
        }
        self.look_for_tasks();
    }

    fn add(&self, start: PersistentStart) -> (Arc<str>, Arc<Running>) {
        self.halt(&start.plan.id);
        let running = Running::new(start, None);
        let id = Arc::clone(&running.id);
        self.queries.write().insert(Arc::clone(&id), Arc::clone(&running));
        self.find_loops();
        (id, running)
    }

    /// Starts a query for a client.
    ///
    /// # Errors
    /// As [`Runtime::prepare`].
    pub fn start_transient(&self, transient: Transient) -> Result<(), RuntimeError> {
        let (plan, config) = (Arc::clone(&transient.plan), Arc::clone(&transient.config));
        let start = PersistentStart { plan, config, command: -1, earlier: Vec::new(), taken: None };
        let running = Running::new(start, Some(Arc::clone(&self.clients_traced)));
        let (at, signal) = self.pool.place();
        transient.sender.wake_on_room(Arc::clone(&signal));
        let topology = cut(&transient.plan, true, "", &|topic| partitions_of(&*self.log, topic))?;
        let Some(sub) = topology.subs.first() else { return Ok(()) };
        let task = self.builder(&running, true, (at, signal), None).transient(sub, transient)?;
        running.life.become_(State::Running);
        let (id, slot) = (Arc::clone(&running.id), running.slot(task));
        {
            let mut queries = self.queries.write();
            queries.retain(|_, query| !query.is_gone());
            queries.insert(Arc::clone(&id), running);
        }
        self.find_loops();
        tracing::debug!(query = %id, "a client's query runs");
        self.pool.add(at, slot);
        self.pool.wake();
        Ok(())
    }

    fn relaunch(&self, id: &Arc<str>, running: &Running) -> Result<(), RuntimeError> {
        self.pool.remove(id);
        let launched = self.launch_again(running);
        match &launched {
            Ok(()) => {
                running.life.mended();
                running.life.become_(State::Running);
                self.look_for_tasks();
            }
            Err(error) => {
                self.note_error(id, running, error);
            }
        }
        launched
    }

    pub(super) fn note_failure(&self, id: &Arc<str>, running: &Running, error: &RuntimeError) {
        tracing::error!(query = %id, "{error}");
        self.note_error(id, running, error);
        // Without a supervisor nobody starts it again.
        let _gone = self.failed.send(Failed { query: Arc::clone(id) });
    }

    fn note_error(&self, id: &str, running: &Running, error: &RuntimeError) {
        let now_ms = self.clock.now_ms();
        if let Some(topic) = self.log_topic.as_ref().filter(|_| running.life.may_log()) {
            topic.append_failure(id, &error.to_string(), now_ms);
        }
        running.life.error(now_ms, error.told(), error.blame());
        running.life.become_(error.leads_to());
    }

    /// Makes the topic of a query's dead letters if it is missing.
    pub(super) fn make_letters_topic(&self, running: &Running) -> Result<(), RuntimeError> {
        let Running { config, flow, .. } = running;
        let Some(name) = &flow.letters else { return Ok(()) };
        let spec = TopicSpec {
            partitions: config.get(setting::DEADLETTER_TOPIC_PARTITIONS) as u32,
            replicas: config.get(setting::INTERNAL_TOPIC_REPLICAS) as u16,
            // They are the only trace of their records, whose times they have.
            config: [("retention.ms".to_owned(), "-1".to_owned())].into(),
        };
        match self.log.create_topic(name, &spec) {
            Ok(()) | Err(LogError::TopicExists(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Decides anew what may be told of queries: a query that was added or is gone may have closed a circle or opened it.
    fn find_loops(&self) {
        let queries = self.queries.read();
        let flows: Vec<&Flow> = queries.values().map(|query| &query.flow).collect();
        let fed = loops::fed(&flows, self.log_topic.as_ref().map(|topic| topic.name()));
        for ((id, query), fed) in queries.iter().zip(fed) {
            if query.life.feed(fed) && !query.is_transient {
                let Fed { by_log, by_letters } = fed;
                tracing::warn!(query = %id, by_log, by_letters, "its failures would feed it, so they are not written there");
            }
        }
    }

    /// Stops a query; what it committed stays, so that it can go on later.
    pub fn halt(&self, id: &str) {
        let Some(running) = self.queries.write().shift_remove(id) else { return };
        self.find_loops();
        running.life.become_(State::Stopped);
        tracing::info!(query = id, "the query has ended");
        let _one = running.making.lock();
        self.pool.remove(&Arc::from(id));
    }

    /// Removes what queries, which have ended, have left behind: positions, state, internal topics, whose names are added
    /// to `gone`. `queries` are ids and groups; those stay in it of which something is left.
    ///
    /// # Errors
    /// The log failed.
    pub fn forget(&self, queries: &mut BTreeMap<String, String>, gone: &mut Vec<String>) -> Result<(), RuntimeError> {
        if queries.is_empty() {
            return Ok(());
        }
        let topics = self.log.topics()?;
        let mut all_forgotten = Ok(());
        for (id, group) in std::mem::take(queries) {
            let forgotten = self.forget_one(&id, &group, &topics, gone);
            if forgotten.is_err() {
                queries.insert(id, group);
            }
            all_forgotten = all_forgotten.and(forgotten);
        }
        all_forgotten
    }

    fn forget_one(&self, id: &str, group: &str, topics: &[Topic], gone: &mut Vec<String>) -> Result<(), RuntimeError> {
        self.log.kv().drop_spaces(&format!("state/{id}/"))?;
        let is_own = |topic: &&Topic| {
            let rest = topic.name.strip_prefix(group);
            rest.is_some_and(|rest| {
                rest.starts_with('-') && (rest.ends_with("-repartition") || rest.ends_with("-changelog"))
            })
        };
        for topic in topics.iter().filter(is_own) {
            match self.log.delete_topic(&topic.name) {
                Ok(()) | Err(LogError::UnknownTopic(_)) => {}
                Err(error) => return Err(error.into()),
            }
            gone.push(topic.name.clone());
        }
        Ok(self.log.delete_group(group)?)
    }

    /// Pauses a query; positions and state are kept.
    ///
    /// # Errors
    /// [`RuntimeError::Unknown`].
    pub fn pause(&self, id: &str) -> Result<(), RuntimeError> {
        let running = self.query(id).ok_or_else(|| RuntimeError::Unknown(id.to_owned()))?;
        running.life.become_(State::Paused);
        self.pool.wake();
        Ok(())
    }

    /// Lets a paused query go on. One that had failed before it was paused is started again, now.
    ///
    /// # Errors
    /// [`RuntimeError::Unknown`], or why it cannot be started again.
    pub fn resume(&self, id: &str) -> Result<(), RuntimeError> {
        let running = self.query(id).ok_or_else(|| RuntimeError::Unknown(id.to_owned()))?;
        let _one = running.making.lock();
        if running.life.state() != State::Paused {
            return Ok(());
        }
        if running.life.become_(State::Running) {
            self.look_for_tasks();
        } else if self.relaunch(&Arc::from(id), &running).is_err() {
            // Without a supervisor nobody starts it again.
            let _gone = self.failed.send(Failed { query: Arc::from(id) });
        }
        Ok(())
    }

    /// Ends a query of a client; says whether there was one. Does not wait: its thread lets go of it when it comes to it.
    pub fn close(&self, id: &str) -> bool {
        let Some(running) = self.query(id).filter(|running| running.is_transient) else { return false };
        let was_there = running.life.state() != State::Stopped;
        running.life.become_(State::Stopped);
        self.pool.wake();
        was_there
    }

    /// Every query, oldest first. Queries of clients are among them until their threads have let go of them.
    pub fn queries(&self) -> Vec<Arc<Running>> {
        self.queries.write().retain(|_, query| !query.is_gone());
        self.queries.read().values().map(Arc::clone).collect()
    }

    /// How many queries run for clients.
    pub fn client_queries(&self) -> usize {
        self.queries().iter().filter(|query| query.is_transient).count()
    }

    /// State and errors of one query.
    pub fn life(&self, id: &str) -> Option<Arc<Life>> {
        self.query(id).map(|running| Arc::clone(&running.life))
    }

    /// The rows a query keeps for pull queries, of all partitions or of some; empty if it keeps none.
    ///
    /// # Errors
    /// [`Unavailable`]: the rows cannot be read now.
    pub fn tables(&self, id: &str, only: Option<&[u32]>) -> Result<Kept, Unavailable> {
        let running = self.query(id).ok_or(Unavailable::Starting)?;
        let state = running.life.state();
        let failed = || Unavailable::Failed(running.life.errors().last().map_or(Blame::Unknown, |error| error.blame));
        // What a query leaves behind that fails within a step is neither what was nor what will be.
        if state == State::Error || (state == State::Paused && running.life.is_broken()) {
            return Err(failed());
        }
        let knows = self.knows_its_tasks();
        let kept = running.kept(only, !knows).filter(|kept| knows || kept.elsewhere.is_empty());
        let is_starting = state == State::Created || !knows;
        kept.ok_or_else(|| if is_starting { Unavailable::Starting } else { failed() })
    }

    /// Takes steps until nothing moves (without threads only): all queries, or one.
    pub fn run_until_idle(&self, query: Option<&str>) {
        self.pool.run(query);
    }

    /// Commits and stops all threads.
    pub fn shut_down(&self) {
        self.pool.stop();
    }

    /// The query of that id.
    pub fn query(&self, id: &str) -> Option<Arc<Running>> {
        self.queries.read().get(id).map(Arc::clone)
    }
}

impl Queries for Runtime {
    fn restart(&self, id: &Arc<str>) -> Restart {
        let Some(running) = self.query(id) else { return Restart::Needless };
        let _one = running.making.lock();
        if !running.life.state().has_failed() {
            return Restart::Needless;
        }
        if let Err(error) = self.log.check_writable() {
            tracing::debug!(query = %id, "not started again: {error}");
            return Restart::Failed;
        }
        match self.relaunch(id, &running) {
            Ok(()) => {
                tracing::info!(query = %id, "the query runs again");
                Restart::Started
            }
            Err(_) => Restart::Failed,
        }
    }

    fn look_at_topics(&self) {
        let running = |query: &&Arc<Running>| !query.is_transient && query.life.state() == State::Running;
        let queries: Vec<_> = self.queries.read().values().filter(running).map(Arc::clone).collect();
        if queries.is_empty() || !self.log.keeps_changelogs() {
            return;
        }
        // Brokers that do not answer are told of by others.
        let Ok(present) = self.log.partitions() else { return };
        for query in queries {
            let problem = watch::problem(&query.used.lock(), &present);
            if let Some(problem) = problem {
                self.note_failure(&query.id, &query, &problem);
            }
        }
    }

    fn back_off(&self, id: &str) -> Option<BackOff> {
        let running = self.query(id)?;
        let config = &running.config;
        let healthy = config.get(setting::QUERY_STATUS_RUNNING_THRESHOLD_SECONDS);
        let healthy = Duration::from_secs(healthy.max(0).unsigned_abs());
        match running.life.state() {
            State::Retrying => Some(BackOff { first: FIRST_PAUSE, longest: LONGEST_PAUSE, healthy }),
            State::Error => Some(BackOff {
                first: config.millis(setting::QUERY_RETRY_BACKOFF_INITIAL_MS),
                longest: config.millis(setting::QUERY_RETRY_BACKOFF_MAX_MS),
                healthy,
            }),
            _ => None,
        }
    }
}
