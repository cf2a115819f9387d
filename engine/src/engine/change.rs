//! Statements that change what exists: planned, logged, applied, and their queries started or stopped.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::MutexGuard;
use sql::{Ident, Parsed, Statement};

use crate::catalog::{self, Catalog, QueryKind};
use crate::commands::{Cleanup, CommandLog, Content, Logged, OldSubjects};
use crate::config::{Config, setting};
use crate::log::{LogError, TopicSpec, check_topic};
use crate::plan::{self, Action, Command, NewTopic, Planner};
use crate::runtime::{self, Earlier, PersistentStart, RuntimeError, Taken};
use crate::serving::pull;
use crate::statements::{self, Answer, CommandStatus, Failure, Outcome, Session, View};
use crate::steps::QueryPlan;

use super::Engine;
use super::registration::{PlannedSchemas, has_one_version, writes_by};
use super::topics::KnownTopics;

/// A statement that was found to make sense, ready to be carried out.
pub(super) struct Change {
    pub(super) command: Command,
    /// A push query to end instead of all that.
    close: Option<String>,
    /// The server's properties with the session's on top.
    config: Arc<Config>,
    /// The session's.
    overrides: BTreeMap<String, String>,
}

/// What came of carrying out a change.
pub(super) enum Carried {
    /// It is done; the subjects that are left to delete.
    Done(Answer, OldSubjects),
    /// Nothing is: another process had a command before it, which has been carried out. It has to be planned again.
    Overtaken,
}

impl Change {
    /// Whether it is a command.
    pub(super) fn is_logged(&self) -> bool {
        self.close.is_none() && !self.command.is_warning
    }
}

impl Engine {
    /// Plans a statement on a catalog; `before` are the changes that will be carried out first.
    pub(super) fn prepare(
        &self,
        parsed: &Parsed,
        session: &Session,
        catalog: &Catalog,
        before: &[Change],
    ) -> Result<Change, Failure> {
        let config = self.session_config(session)?;
        let mut close = None;
        let command = match &parsed.statement {
            Statement::Terminate { id } => {
                close = id.as_ref().and_then(|id| self.push_query_meant(&id.name, catalog));
                let ids = if close.is_some() { Vec::new() } else { targets(id.as_ref(), catalog, "terminate")? };
                Command { action: Action::terminate(ids), ..Command::new(&*parsed.text, "Query terminated.") }
            }
            Statement::Pause { id } => pause(parsed, id.as_ref(), true, catalog)?,
            Statement::Resume { id } => pause(parsed, id.as_ref(), false, catalog)?,
            _ => {
                let planned: Vec<NewTopic> = before.iter().flat_map(|change| change.command.topics.clone()).collect();
                let topics = KnownTopics::of_log(&*self.shared.log, &planned);
                let scope = plan::Session::new(&config, parsed.place());
                let functions = &*self.shared.functions;
                let planned = before.iter().flat_map(|change| &change.command.schemas);
                let schemas = PlannedSchemas::new(&self.shared.schemas, planned);
                let planner = Planner { catalog, session: scope, topics: &topics, functions, schemas: &schemas };
                let command = planner.plan(parsed);
                topics.check()?;
                let command = command?;
                self.check_topics(&command)?;
                self.check_readonly(&command, &config)?;
                command
            }
        };
        let overrides = Config::default().overrides(&session.properties);
        Ok(Change { command, close, config: Arc::new(config), overrides })
    }

    /// A partition costs files and a task, so that a slip of the pen could cost the server.
    fn check_topics(&self, command: &Command) -> Result<(), Failure> {
        command.topics.iter().try_for_each(|topic| check_topic(&topic.name, topic.partitions))?;
        let most = self.shared.config.get(setting::TOPIC_MAX_PARTITIONS);
        match command.topics.iter().find(|topic| i64::from(topic.partitions) > most) {
            None => Ok(()),
            Some(NewTopic { name, partitions, .. }) => Err(Failure::statement(format!(
                "Topic '{name}' would have {partitions} partitions, more than the {most} that \
                 millstream.topic.max.partitions allows."
            ))),
        }
    }

    /// No statement writes or deletes what `ksql.readonly.topics` names.
    fn check_readonly(&self, command: &Command, config: &Config) -> Result<(), Failure> {
        let sink = command.action.start().and_then(|plan| plan.sink.as_ref()).map(|sink| sink.topic.as_str());
        let deleted = command.action.delete_topic.as_deref();
        let letters = config.get(setting::DEADLETTER_TOPIC).map(str::trim).filter(|_| command.action.start().is_some());
        for (topic, verb) in [(sink, "insert into"), (deleted, "delete"), (letters, "write dead letters to")] {
            if let Some(topic) = topic.filter(|topic| statements::is_readonly(&self.shared.config, topic)) {
                return Err(Failure::statement(format!("Cannot {verb} read-only topic: {topic}")));
            }
        }
        Ok(())
    }

    /// The push query of a client that TERMINATE names, unless it names a persistent one.
    fn push_query_meant(&self, id: &str, catalog: &Catalog) -> Option<String> {
        self.pushed_like(id).filter(|_| catalog.query(id).is_none())
    }

    /// Plans what EXPLAIN is asked about; nothing comes of it.
    pub(super) fn plan_explained(
        &self,
        inner: &Statement,
        parsed: &Parsed,
        view: View<'_>,
    ) -> Result<Arc<QueryPlan>, Failure> {
        let topics = KnownTopics::of_log(&*self.shared.log, &[]);
        let scope = plan::Session::new(view.config, parsed.place());
        let functions = &*self.shared.functions;
        let schemas = &*self.shared.schemas;
        let planner = Planner { catalog: view.catalog, session: scope, topics: &topics, functions, schemas };
        let no_query = || Failure::statement("The provided statement does not run a ksql query");
        match inner {
            Statement::Query(query) if query.emit.is_none() => {
                if let Err(refused) = pull::check_clauses(query, view.config, functions) {
                    planner.check_names(query)?;
                    return Err(refused);
                }
            }
            Statement::Query(_) | Statement::CreateAs(_) | Statement::InsertSelect { .. } => {}
            _ => return Err(no_query()),
        }
        let inner = Parsed { statement: inner.clone(), ..parsed.clone() };
        planner.plan_explained(&inner)?.ok_or_else(no_query)
    }

    /// Makes topics, builds the query, logs the command, applies it, lets the query begin, stops what must stop, cleans up.
    /// Up to the log nothing of it counts; from there on a restart does the rest. `registered` are subjects that were made
    /// for it.
    pub(super) fn carry_out(
        &self,
        commands: &mut MutexGuard<'_, CommandLog>,
        parsed: &Parsed,
        mut change: Change,
        registered: Vec<String>,
    ) -> Result<Carried, Failure> {
        if !change.is_logged() {
            let outcome = match &change.close {
                Some(id) => {
                    let was_terminated = self.close_query(id);
                    Outcome::PushQueryTerminated { query_id: id.to_uppercase(), was_terminated }
                }
                None => Outcome::NothingToDo { message: change.command.message.clone() },
            };
            let answer = Answer { text: parsed.text.clone(), outcome, warnings: Vec::new() };
            return Ok(Carried::Done(answer, OldSubjects::default()));
        }
        if let Some(replaced) = change.command.action.start().and_then(|plan| self.shared.runtime.query(&plan.id)) {
            // Its positions and its topics are called after the service that it was made in.
            change.config = Arc::new(Config::clone(&change.config).of_service(replaced.config().service_id()));
        }
        let command = &change.command;
        let mut undo = Undo { registered, ..Undo::default() };
        let number = i64::try_from(commands.next()).unwrap_or(i64::MAX);
        let made = self.make(&change, number, &mut undo);
        let cleanup = self.cleanup(command);
        let old = self.old_subjects(command);
        let logged = made.and(old).map(|old| {
            let status = self.log_command(commands, parsed, &change, (&cleanup, &old));
            status.map(|status| (status, old))
        });
        let (status, mut old) = match logged {
            Ok(Ok(logged)) => logged,
            Ok(Err(LogError::Overtaken(_))) => {
                self.stop_prepared(&change, &undo);
                self.catch_up(commands)?;
                self.undo(&change, undo);
                return Ok(Carried::Overtaken);
            }
            Ok(Err(error)) => {
                self.stop_prepared(&change, &undo);
                self.undo(&change, undo);
                return Err(error.into());
            }
            Err(failure) => {
                self.stop_prepared(&change, &undo);
                self.undo(&change, undo);
                return Err(failure);
            }
        };
        self.apply(commands, command, number);
        if let Some(plan) = command.action.start() {
            self.shared.runtime.begin(&plan.id);
        }
        let switched = self.switch(&command.action);
        let cleaned = match cleanup.is_empty() {
            true => Ok(()),
            false => self.clean_up(commands, status.sequence_number.unsigned_abs(), cleanup, &mut old),
        };
        let outcome = (status.message.clone(), status.query_id.clone());
        tracing::info!(command = status.command_id, query = status.query_id, "carried out");
        self.shared.outcomes.note(status.sequence_number, &status.command_id, outcome);
        switched.and(cleaned)?;
        let answer = Answer {
            text: command.statement.clone(),
            outcome: Outcome::Command(status),
            warnings: statements::warnings(&parsed.statement),
        };
        Ok(Carried::Done(answer, old))
    }

    fn apply(&self, commands: &CommandLog, command: &Command, number: i64) {
        let mut catalog = self.shared.catalog.write();
        command.action.changes.iter().for_each(|change| catalog.apply(change));
        if commands.is_shared() && command.action.is_planned() {
            catalog.number_queries(number.unsigned_abs() + 1);
        }
    }

    /// Makes topics and builds the query.
    fn make(&self, change: &Change, number: i64, undo: &mut Undo) -> Result<(), Failure> {
        undo.replaced = change.command.action.start().and_then(|plan| self.shared.runtime.started(&plan.id));
        for topic in &change.command.topics {
            if self.make_topic(topic)? {
                undo.made.push(topic.name.clone());
            }
        }
        let earlier = undo.replaced.iter().flat_map(|(replaced, _)| replaced.clone().into_earlier()).collect();
        let taken = undo.replaced.as_ref().and_then(|(replaced, _)| replaced.taken.clone());
        self.build(change, number, earlier, taken)
    }

    /// Stops the query that was made for a command that could not be logged; the one that it was to replace goes on.
    fn stop_prepared(&self, change: &Change, undo: &Undo) {
        match (change.command.action.start(), &undo.replaced) {
            (_, Some((start, is_paused))) => self.shared.runtime.start_again(start.clone(), *is_paused),
            (Some(plan), None) => self.shared.runtime.halt(&plan.id),
            (None, None) => {}
        }
    }

    /// Takes back what a command did that could not be logged, but for what belongs to one that was logged before it. What
    /// cannot be removed now is removed when the next query gets the id.
    fn undo(&self, change: &Change, Undo { made, registered, replaced }: Undo) {
        let catalog = self.catalog();
        if let (Some(plan), None) = (change.command.action.start(), replaced)
            && catalog.query(&plan.id).is_none()
            && let Err(error) = self.forget(&plan.id, &change.config)
        {
            tracing::warn!(query = plan.id, "not all that was begun is taken back: {error}");
        }
        for topic in made.into_iter().filter(|topic| catalog.sources_of_topic(topic).next().is_none()) {
            if let Err(error) = self.shared.log.delete_topic(&topic) {
                tracing::warn!("topic {topic} stays: {error}");
            }
        }
        self.take_back(registered);
    }

    /// The subjects of the topic that a command deletes.
    fn old_subjects(&self, command: &Command) -> Result<OldSubjects, Failure> {
        let topic = command.action.delete_topic.as_ref();
        let topics = topic
            .into_iter()
            .flat_map(|topic| command.old_subjects.iter().map(|subject| (subject.clone(), topic.clone())));
        Ok(OldSubjects { registry: self.shared.kept_schemas.number()?, topics: topics.collect() })
    }

    /// Deletes subjects that were made for a command that is not carried out, but for those that another one came to use
    /// meanwhile.
    pub(super) fn take_back(&self, mut registered: Vec<String>) {
        let schemas = &self.shared.schemas;
        let is_used =
            |subject: &String| self.shared.catalog.read().sources().any(|source| writes_by(schemas, source, subject));
        registered.retain(|subject| !is_used(subject));
        for subject in registered.into_iter().filter(|subject| has_one_version(schemas, subject)) {
            if let Err(error) = self.shared.schemas.delete(&subject) {
                tracing::warn!("subject {subject} stays in the schema registry: {error}");
            }
        }
    }

    fn log_command(
        &self,
        commands: &mut MutexGuard<'_, CommandLog>,
        parsed: &Parsed,
        change: &Change,
        (cleanup, old): (&Cleanup, &OldSubjects),
    ) -> Result<CommandStatus, LogError> {
        let command_id = statements::command_id(&parsed.statement).unwrap_or_default();
        let command = &change.command;
        let logged = Logged {
            text: parsed.text.clone(),
            command_id: command_id.clone(),
            source: command.action.source(),
            query_id: command.action.start().map(|plan| plan.id.clone()),
            message: command.message.clone(),
            service_id: change.config.service_id().to_owned(),
            overrides: change.overrides.clone(),
            time_ms: self.shared.clock.now_ms(),
            content: Content::Action(command.action.clone()),
            taken: None,
        };
        let sequence_number = commands.append(&logged, cleanup, old)?;
        Ok(CommandStatus { command_id, message: logged.message, query_id: logged.query_id, sequence_number })
    }

    /// Makes a topic; says whether it was not there before.
    fn make_topic(&self, topic: &NewTopic) -> Result<bool, Failure> {
        let mut config = BTreeMap::from([("cleanup.policy".to_owned(), topic.cleanup_policy.to_owned())]);
        if let Some(retention) = topic.retention_ms {
            config.insert("retention.ms".to_owned(), retention.to_string());
        }
        let spec = TopicSpec { partitions: topic.partitions, replicas: topic.replicas, config };
        match self.shared.log.create_topic(&topic.name, &spec) {
            Ok(()) => Ok(true),
            Err(LogError::TopicExists(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Builds the query of a change, if it has one: what is wrong with it is told before anything counts.
    fn build(
        &self,
        change: &Change,
        command: i64,
        earlier: Vec<Earlier>,
        taken: Option<Arc<Taken>>,
    ) -> Result<(), Failure> {
        let Some(plan) = change.command.action.start() else { return Ok(()) };
        let is_of_file = self.shared.config.get(setting::QUERIES_FILE).is_some();
        if self.catalog().query(&plan.id).is_none() && !is_of_file {
            // What a crash may have left of a query that was never logged. With a file of queries it is the same query, and
            // other servers with that file may run it.
            self.forget(&plan.id, &change.config)?;
        }
        let (plan, config) = (Arc::clone(plan), Arc::clone(&change.config));
        Ok(self.shared.runtime.prepare(PersistentStart { plan, config, command, earlier, taken })?)
    }

    fn forget(&self, id: &str, config: &Config) -> Result<(), RuntimeError> {
        let group = runtime::group(config.service_id(), id);
        let mut gone = Vec::new();
        let forgotten = self.shared.runtime.forget(&mut BTreeMap::from([(id.to_owned(), group)]), &mut gone);
        // The query that gets the id next may have keys of other types.
        self.delete_subjects(&self.subjects_of_internal(gone), |_| false);
        forgotten
    }

    /// The subjects of repartition topics that are gone.
    pub(super) fn subjects_of_internal(&self, gone: Vec<String>) -> OldSubjects {
        let subject = |topic: String| Some((self.shared.kept_schemas.subject_of_internal(&topic)?, topic));
        OldSubjects { topics: gone.into_iter().filter_map(subject).collect(), ..OldSubjects::default() }
    }

    /// What an action will leave to clean up.
    fn cleanup(&self, command: &Command) -> Cleanup {
        let action = &command.action;
        let catalog = self.catalog();
        let group = |id: &String| match (self.shared.runtime.query(id), catalog.lost_query(id)) {
            (Some(running), _) => running.group(),
            (None, Some(lost)) => runtime::group(&lost.service_id, id),
            (None, None) => runtime::group(self.shared.config.service_id(), id),
        };
        let queries = action.stop.iter().map(|id| (id.clone(), group(id)));
        Cleanup { queries: queries.collect(), topic: action.delete_topic.clone() }
    }

    /// Stops, pauses and resumes queries: all of them, also if there is something wrong with one.
    fn switch(&self, action: &Action) -> Result<(), Failure> {
        let (runtime, mut switched) = (&self.shared.runtime, Ok(()));
        for id in &action.stop {
            runtime.halt(id);
            self.shared.settling.forget(id);
        }
        for id in &action.pause {
            switched = switched.and(runtime.pause(id));
        }
        for id in &action.resume {
            switched = switched.and(runtime.resume(id));
        }
        if !action.resume.is_empty() {
            self.shared.settling.note();
        }
        Ok(switched?)
    }

    /// Removes what is left of queries that have ended, and deletes the topic. Subjects of the former's topics are added to
    /// those that are left to delete, and noted. What cannot be removed of queries stays noted, and the next start tries again;
    /// a topic may be somebody's again by then, so that it is only told of.
    pub(super) fn clean_up(
        &self,
        commands: &CommandLog,
        number: u64,
        Cleanup { mut queries, topic }: Cleanup,
        old: &mut OldSubjects,
    ) -> Result<(), Failure> {
        let mut gone = Vec::new();
        let forgotten = self.shared.runtime.forget(&mut queries, &mut gone);
        let of_internal = self.subjects_of_internal(gone).topics;
        if !of_internal.is_empty() {
            old.topics.extend(of_internal);
            // Before the note of the queries goes, with which their topics could not be found again.
            commands.note_subjects(number, old)?;
        }
        let deleted = match topic.as_ref().map(|topic| self.shared.log.delete_topic(topic)) {
            None | Some(Ok(()) | Err(LogError::UnknownTopic(_))) => Ok(()),
            Some(Err(error)) => Err(error),
        };
        commands.note_left(number, &Cleanup { queries, ..Cleanup::default() })?;
        if let Err(error) = forgotten {
            // Nothing that the statement was asked for is missing.
            tracing::warn!(number, "what ended queries leave behind is removed at the next start: {error}");
        }
        deleted.map_err(|error| {
            let failure = Failure::from(error);
            let topic = topic.unwrap_or_default();
            let message = format!("All is done but this: topic {topic} could not be deleted. {}", failure.message);
            Failure { message, ..failure }
        })
    }
}

/// What there is to take back of a command that could not be logged.
#[derive(Default)]
struct Undo {
    /// Topics it made.
    made: Vec<String>,
    /// Subjects that it registered the first schema of.
    registered: Vec<String>,
    /// The query it replaced, and whether that was paused.
    replaced: Option<(PersistentStart, bool)>,
}

/// Pauses queries, or lets them go on.
fn pause(parsed: &Parsed, id: Option<&Ident>, paused: bool, catalog: &Catalog) -> Result<Command, Failure> {
    let mut command = Command::new(&*parsed.text, if paused { "Query paused." } else { "Query resumed." });
    let ids = targets(id, catalog, if paused { "pause" } else { "resume" })?;
    *if paused { &mut command.action.pause } else { &mut command.action.resume } = ids;
    Ok(command)
}

/// The queries TERMINATE, PAUSE and RESUME mean. Queries of source tables live with their table.
fn targets(id: Option<&Ident>, catalog: &Catalog, verb: &str) -> Result<Vec<String>, Failure> {
    let of_source_table = |query: &catalog::Query| query.kind == QueryKind::SourceTable;
    let Some(id) = id else {
        let lost = catalog.lost().filter(|_| verb == "terminate").filter_map(|lost| lost.query_id.clone());
        let there = catalog.queries().filter(|query| !of_source_table(query)).map(|query| query.id.clone());
        return Ok(there.chain(lost).collect());
    };
    if let Some(lost) = catalog.lost_query(&id.name) {
        if verb == "terminate" {
            return Ok(vec![id.name.clone()]);
        }
        return Err(Failure::statement(format!("Cannot {verb} query '{}': it {}", id.name, lost.reason())));
    }
    let query = catalog.query(&id.name).ok_or_else(|| Failure::statement(format!("Unknown queryId: {}", id.name)))?;
    if of_source_table(query) {
        let message = format!("Cannot {verb} query '{}' because it is linked to a source table.", id.name);
        return Err(Failure::statement(message));
    }
    Ok(vec![query.id.clone()])
}

/// Whether a statement goes through the command log.
pub(super) fn changes_something(statement: &Statement) -> bool {
    statements::command_id(statement).is_some()
}
