//! Start: what every command of the log did is done again, from the data it left there; what is left of it runs. Only
//! entries of versions that stored no plans are planned again, and stored with their plans.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sql::{Limits, Statement, Variables};

use crate::catalog::{self, Catalog, Lost};
use crate::commands::{Content, Logged, Numbered, Old, OldSubjects};
use crate::config::{Config, is_secret, setting};
use crate::error::Error;
use crate::formats::{FormatSpec, known_format};
use crate::kv::KvError;
use crate::plan::{self, Action, Planner};
use crate::runtime::{self, LogTopic, PersistentStart, Taken};
use crate::schemas::NoSchemas;
use crate::types::Bounds;

use super::Engine;
use super::topics::KnownTopics;

/// How often a long replay says how far it is.
const PAUSE: Duration = Duration::from_secs(3);

/// What the commands so far amount to.
#[derive(Default, Clone)]
pub(super) struct World {
    pub(super) catalog: Catalog,
    /// Queries that run, by id.
    pub(super) queries: BTreeMap<String, PersistentStart>,
    pub(super) paused: BTreeSet<String>,
    /// The queries that the last command has ended, and their groups.
    pub(super) ended: BTreeMap<String, String>,
    /// Whether ids of queries end in numbers of commands.
    pub(super) numbers_queries: bool,
}

/// Tells how far a long replay is.
struct Progress {
    told: Instant,
}

impl Progress {
    /// Says it if nothing was said for a while.
    fn tell(&mut self, how_far: impl FnOnce() -> String) {
        if self.told.elapsed() >= PAUSE {
            tracing::info!("replay: {}", how_far());
            self.told = Instant::now();
        }
    }
}

impl Engine {
    /// Brings back what the commands made, and starts the queries.
    pub(super) fn replay(&self, logged: Vec<Numbered>) -> Result<(), Error> {
        let mut world = World { numbers_queries: self.shared.commands.lock().is_shared(), ..World::default() };
        let mut planned_again = Vec::new();
        let (count, begun) = (logged.len(), Instant::now());
        let mut progress = Progress { told: begun };
        for (done, (number, mut command)) in logged.into_iter().enumerate() {
            progress.tell(|| format!("{done} of {count} commands are done again"));
            if self.redo(&mut world, number, &mut command)? {
                planned_again.push((number, command));
            }
        }
        if !planned_again.is_empty() {
            self.store_plans(&planned_again, count);
        }
        let is_needed = world.catalog.sources().any(|source| has_schemas(source));
        self.shared.kept_schemas.open(is_needed, self.shared.config.get(setting::SCHEMA_REGISTRY_ACCEPTED))?;
        self.clean_up_after(&mut world)?;
        let order: Vec<String> = world.catalog.queries().map(|query| query.id.clone()).collect();
        *self.shared.catalog.write() = world.catalog;
        let (runtime, queries) = (&self.shared.runtime, order.len());
        runtime.expect(order.iter().filter_map(|id| world.queries.remove(id)));
        for (run, id) in order.iter().enumerate() {
            progress.tell(|| format!("{run} of {queries} queries run again"));
            runtime.start_expected(id, world.paused.contains(id));
        }
        if count > 0 {
            tracing::info!(commands = count, queries, took_ms = begun.elapsed().as_millis(), "replayed");
        }
        Ok(())
    }

    /// Does what commands have left undone, as far as they have noted it.
    fn clean_up_after(&self, world: &mut World) -> Result<(), Error> {
        let (shared, commands) = (&self.shared, self.shared.commands.lock());
        // A version without notes may have been killed in its last command. The topic of that is not deleted: it was before,
        // unless the server was killed just then, and what has its name now was made since.
        let mut gone = Vec::new();
        if let Err(error) = shared.runtime.forget(&mut world.ended, &mut gone) {
            tracing::warn!("not all that ended queries left behind is removed: {error}");
        }
        let present = shared.kept_schemas.number()?;
        let ended = self.subjects_of_internal(gone);
        let mut old: BTreeMap<u64, OldSubjects> = commands.old_subjects()?.into_iter().collect();
        for (number, left) in old.extract_if(.., |_, left| left.registry != present) {
            tracing::warn!("subjects {:?} stay in the schema registry that was there before", left.topics.keys());
            commands.note_subjects(number, &OldSubjects::default())?;
        }
        for (number, mut cleanup) in commands.unfinished()? {
            cleanup.queries.retain(|id, _| world.catalog.query(id).is_none());
            // Between two commands a topic may have been made again that only others use.
            let is_last = i64::try_from(number).is_ok_and(|number| number == commands.last());
            let is_free = |topic: &String| world.catalog.sources_of_topic(topic).next().is_none();
            cleanup.topic = cleanup.topic.filter(|topic| is_last && is_free(topic));
            let deletes = cleanup.topic.is_some();
            let left = old.entry(number).or_insert_with(|| OldSubjects { registry: present, ..OldSubjects::default() });
            if let Err(failure) = self.clean_up(&commands, number, cleanup, left) {
                tracing::warn!(number, "a command of the last run was not quite carried out: {failure}");
            }
            if deletes {
                // It may have been the processing log's, which this start has found there.
                LogTopic::open(&shared.log, &shared.config)?;
            }
        }
        let is_used = |topic: &str| world.catalog.sources_of_topic(topic).next().is_some();
        for (number, left) in old {
            self.delete_subjects(&left, is_used);
            // Whoever makes the subject from now on is not to lose it.
            commands.note_subjects(number, &OldSubjects::default())?;
        }
        self.delete_subjects(&ended, is_used);
        Ok(())
    }

    /// Does again what a command did, or loses what it made. Says whether the command is to be stored as it is now. One that
    /// cannot be planned again is kept: a later version may plan it.
    pub(super) fn redo(&self, world: &mut World, number: u64, command: &mut Logged) -> Result<bool, Error> {
        // Whatever comes of this command, the one before was carried out.
        world.ended.clear();
        if let Content::Old(old) = &command.content {
            command.service_id = Config::default().with_remembered(&old.properties).service_id().to_owned();
            command.overrides = overrides(old);
        }
        let problem = match self.action_of(command, &world.catalog) {
            Ok(action) => {
                let config = self.shared.config.with_remembered(&command.overrides).of_service(&command.service_id);
                world.take(number, &action, Arc::new(config), command.taken.clone());
                let was_old = matches!(command.content, Content::Old(_));
                if was_old && action.query().is_some() {
                    let Logged { command_id, overrides, .. } = &*command;
                    tracing::info!(number, command_id, ?overrides, "planned again; its query keeps these settings");
                }
                command.content = Content::Action(action);
                return Ok(was_old);
            }
            Err(problem) => problem,
        };
        let Logged { command_id, source, query_id, text: statement, service_id, .. } = command.clone();
        if let Content::Unreadable { ends, .. } = &command.content {
            let Some(ends) = ends else {
                return Err(KvError::DataDir(format!(
                    "command {number} of the command log ({statement}) cannot be carried out again, and what it ended would \
                     come back: {problem}"
                ))
                .into());
            };
            world.take(number, &ends.action(), Arc::clone(&self.shared.config), None);
        }
        tracing::error!(number, command_id, statement, "a command cannot be carried out again: {problem}");
        let time_ms = self.shared.clock.now_ms();
        world.lose(Lost { source, query_id, service_id, statement, problem, time_ms });
        match &mut command.content {
            Content::Old(old) => {
                let before = old.properties.len();
                old.properties.retain(|name, value| !is_secret(name, value));
                Ok(old.properties.len() < before)
            }
            _ => Ok(false),
        }
    }

    /// What a command did, or why it cannot be done again.
    fn action_of(&self, command: &Logged, catalog: &Catalog) -> Result<Action, String> {
        match &command.content {
            Content::Action(action) => self.unfit(action, catalog).map_or_else(|| Ok(action.clone()), Err),
            Content::Unreadable { problem, .. } => Err(problem.clone()),
            Content::Old(old) => self.plan_again(command, old, catalog),
        }
    }

    /// Why what a command did cannot be done again: what it needs is lost, or functions are not there.
    fn unfit(&self, action: &Action, catalog: &Catalog) -> Option<String> {
        let query = action.query()?;
        let lost = query.sources.iter().find_map(|name| catalog.lost_source(name));
        let lost_sink = || {
            let own = query.kind == catalog::QueryKind::CreateAs;
            query.sink.as_deref().filter(|_| !own).and_then(|name| catalog.lost_source(name))
        };
        if let Some(lost) = lost.or_else(lost_sink) {
            let name = lost.source.as_ref().map(|(_, name)| name.as_str()).unwrap_or_default();
            return Some(needs_lost(name, lost));
        }
        let unknown = query.plan.unknown_function(&self.shared.functions);
        unknown.map(|call| format!("it calls {call}, a function that this server does not have"))
    }

    /// Plans the statement of an entry without a plan, with the answers it got then.
    fn plan_again(&self, logged: &Logged, old: &Old, catalog: &Catalog) -> Result<Action, String> {
        let none = Variables::default();
        let mut statements = sql::parse_within(&logged.text, &none, Limits::NONE).map_err(|error| error.message)?;
        let parsed = statements.pop().ok_or("no statement")?;
        let config = Config::default().with_remembered(&old.properties);
        Ok(match &parsed.statement {
            Statement::Terminate { id } => Action::terminate(chosen(id.as_ref(), catalog)),
            Statement::Pause { id } => Action { pause: chosen(id.as_ref(), catalog), ..Action::default() },
            Statement::Resume { id } => Action { resume: chosen(id.as_ref(), catalog), ..Action::default() },
            _ => {
                let topics = KnownTopics::remembered(old.topics.clone());
                let query_id = logged.query_id.as_deref();
                let session =
                    plan::Session { query_id, bounds: Bounds::NONE, ..plan::Session::new(&config, parsed.place()) };
                let functions = &*self.shared.functions;
                // None of these could be of a format with schemas.
                let planner = Planner { catalog, session, topics: &topics, functions, schemas: &NoSchemas };
                planner.plan(&parsed).map_err(|error| error.to_string())?.action
            }
        })
    }

    /// Puts commands with their plans in the place of those without. If that cannot be done now, it is when the server
    /// starts next.
    fn store_plans(&self, planned: &[(u64, Logged)], all: usize) {
        let count = planned.iter().filter(|(_, command)| matches!(command.content, Content::Action(_))).count();
        match self.shared.commands.lock().rewrite(planned) {
            Ok(()) if count == 0 => {}
            Ok(()) => tracing::info!(
                "{count} of the {all} commands in the log were written by a version of Millstream that stored no plans: they \
                 were planned again, and their plans are stored now"
            ),
            Err(error) => tracing::warn!(
                "{count} commands of an earlier version were planned again, but their plans cannot be stored: {error}"
            ),
        }
    }
}

impl World {
    /// What it is now.
    pub(super) fn of(engine: &Engine) -> Self {
        let mut world = Self { catalog: engine.catalog(), numbers_queries: true, ..Self::default() };
        for query in world.catalog.queries() {
            let Some((start, is_paused)) = engine.shared.runtime.started(&query.id) else { continue };
            world.queries.insert(query.id.clone(), start);
            if is_paused {
                world.paused.insert(query.id.clone());
            }
        }
        world
    }

    fn take(&mut self, number: u64, action: &Action, config: Arc<Config>, taken: Option<Arc<Taken>>) {
        for id in &action.stop {
            self.paused.remove(id);
            let service_id = self.queries.get(id).map(|start| start.config.service_id());
            let lost = self.catalog.lost_query(id).map(|lost| lost.service_id.as_str());
            let group = service_id.or(lost).map(|service_id| runtime::group(service_id, id));
            self.ended.extend(group.map(|group| (id.clone(), group)));
        }
        self.apply(&action.changes);
        if self.numbers_queries && action.is_planned() {
            self.catalog.number_queries(number + 1);
        }
        if let Some(plan) = action.start() {
            // A query that takes the place of a paused one runs.
            self.paused.remove(&plan.id);
            let replaced = self.queries.remove(&plan.id);
            let taken = taken.or_else(|| replaced.as_ref().and_then(|replaced| replaced.taken.clone()));
            let earlier = replaced.map(PersistentStart::into_earlier).unwrap_or_default();
            let (plan, command) = (Arc::clone(plan), i64::try_from(number).unwrap_or(i64::MAX));
            self.queries.insert(plan.id.clone(), PersistentStart { plan, config, command, earlier, taken });
        }
        self.paused.extend(action.pause.iter().cloned());
        for id in &action.resume {
            self.paused.remove(id);
        }
    }

    /// Goes on without what a command made, and without what reads or writes it.
    fn lose(&mut self, lost: Lost) {
        let mut open = vec![lost];
        while let Some(mut lost) = open.pop() {
            if let Some((_, name)) = lost.source.clone() {
                let hangs_on_it =
                    |query: &&Arc<catalog::Query>| query.sink.as_ref() == Some(&name) || query.sources.contains(&name);
                for query in self.catalog.queries().filter(hangs_on_it) {
                    let is_known = open.iter().any(|other| other.query_id.as_ref() == Some(&query.id));
                    let is_own = query.kind != catalog::QueryKind::InsertInto && query.sink.as_ref() == Some(&name);
                    if is_own {
                        let Lost { query_id, service_id, .. } = self.lost_with(query, &name, &lost);
                        (lost.query_id, lost.service_id) = (query_id, service_id);
                    } else if !is_known {
                        open.push(self.lost_with(query, &name, &lost));
                    }
                }
            }
            if lost.source.is_some() || lost.query_id.is_some() {
                self.apply(&[catalog::Change::Lose(Arc::new(lost))]);
            }
        }
    }

    /// A query that cannot go on without what is lost, with what it makes.
    fn lost_with(&self, query: &catalog::Query, name: &str, lost: &Lost) -> Lost {
        let made = query.sink.as_ref().filter(|_| query.kind != catalog::QueryKind::InsertInto);
        let source = made.and_then(|name| self.catalog.source(name));
        let service_id = self.queries.get(&query.id).map(|start| start.config.service_id().to_owned());
        Lost {
            source: source.map(|source| (source.kind, source.name.clone())),
            query_id: Some(query.id.clone()),
            service_id: service_id.unwrap_or_default(),
            statement: query.statement.clone(),
            problem: needs_lost(name, lost),
            time_ms: lost.time_ms,
        }
    }

    fn apply(&mut self, changes: &[catalog::Change]) {
        for change in changes {
            self.catalog.apply(change);
            let gone = match change {
                catalog::Change::DropQuery(id) => Some(id),
                catalog::Change::Lose(lost) => lost.query_id.as_ref(),
                _ => None,
            };
            gone.map(|id| self.queries.remove(id));
        }
    }
}

/// Whether the records of a source are written by registered schemas.
fn has_schemas(source: &catalog::Source) -> bool {
    let has = |spec: &FormatSpec| known_format(&spec.name).is_ok_and(|format| format.language().is_some());
    has(&source.formats.key) || has(&source.formats.value)
}

/// What is wrong with a query that reads or writes what is lost.
fn needs_lost(name: &str, lost: &Lost) -> String {
    format!("`{name}` {}", lost.reason())
}

/// The queries a statement meant.
pub(super) fn chosen(id: Option<&sql::Ident>, catalog: &Catalog) -> Vec<String> {
    match id {
        Some(id) => vec![id.name.clone()],
        None => {
            let own = catalog.queries().filter(|query| query.kind != catalog::QueryKind::SourceTable);
            let lost = catalog.lost().filter_map(|lost| lost.query_id.clone());
            own.map(|query| query.id.clone()).chain(lost).collect()
        }
    }
}

/// What the session may have set that a query depends on when it runs. A setting of the server then looks the same; what is
/// as without it, or changes only how a query runs, is not taken from there.
fn overrides(old: &Old) -> BTreeMap<String, String> {
    let depends = [
        setting::AUTO_OFFSET_RESET.name(),
        setting::CACHE_MAX_BYTES_BUFFERING.name(),
        setting::CAST_STRINGS_PRESERVE_NULLS.name(),
        setting::FAIL_ON_DESERIALIZATION_ERROR.name(),
        setting::FUNCTIONS_COLLECT_LIST_LIMIT.name(),
        setting::FUNCTIONS_COLLECT_SET_LIMIT.name(),
        setting::FUNCTIONS_SUBSTRING_LEGACY_ARGS.name(),
        setting::TIMESTAMP_THROW_ON_INVALID.name(),
    ];
    let usual = Config::default();
    let mut overrides = usual.overrides(&old.properties);
    overrides.retain(|name, value| depends.contains(&name.as_str()) && usual.value(name) != Some(value));
    overrides
}
