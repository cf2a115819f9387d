//! Statements that change what exists: planned, logged, applied, and their queries started or stopped.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::MutexGuard;
use sql::{Ident, Parsed, Statement};

use crate::catalog::{self, Catalog, QueryKind};
use crate::commands::{CommandLog, Logged, LoggedTopic};
use crate::config::{Config, setting};
use crate::log::{LogError, TopicSpec, check_topic};
use crate::plan::{self, Command, NewTopic, Planner};
use crate::runtime::{Earlier, PersistentStart};
use crate::serving::pull;
use crate::statements::{self, Answer, CommandStatus, Failure, Outcome, Session, View};
use crate::steps::QueryPlan;

use super::Engine;
use super::topics::Asked;

/// A statement that was found to make sense, ready to be carried out.
pub(super) struct Change {
    pub(super) command: Command,
    /// Queries to pause (true) or to let go on (false).
    pub(super) pause: Vec<(String, bool)>,
    /// A push query to end instead of all that.
    close: Option<String>,
    config: Arc<Config>,
    asked: BTreeMap<String, Option<LoggedTopic>>,
}

impl Change {
    fn new(command: Command, config: Config, asked: BTreeMap<String, Option<LoggedTopic>>) -> Self {
        Self { command, pause: Vec::new(), close: None, config: Arc::new(config), asked }
    }

    /// Id of the query it starts.
    fn query_id(&self) -> Option<String> {
        self.command.start.as_ref().map(|plan| plan.id.clone())
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
        match &parsed.statement {
            Statement::Terminate { id } => self.terminate(parsed, id.as_ref(), config, catalog),
            Statement::Pause { id } => self.pause(parsed, id.as_ref(), true, config, catalog),
            Statement::Resume { id } => self.pause(parsed, id.as_ref(), false, config, catalog),
            _ => {
                let planned: Vec<NewTopic> = before.iter().flat_map(|change| change.command.topics.clone()).collect();
                let topics = Asked::of_log(&*self.shared.log, &planned);
                let scope = plan::Session::new(&config, parsed.place());
                let functions = &*self.shared.functions;
                let command = Planner { catalog, session: scope, topics: &topics, functions }.plan(parsed);
                let asked = topics.into_answers()?;
                let command = command?;
                self.check_topics(&command)?;
                self.check_readonly(&command)?;
                Ok(Change::new(command, config, asked))
            }
        }
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
    fn check_readonly(&self, command: &Command) -> Result<(), Failure> {
        let sink = command.start.as_ref().and_then(|plan| plan.sink.as_ref()).map(|sink| &sink.topic);
        for (topic, verb) in [(sink, "insert into"), (command.delete_topic.as_ref(), "delete")] {
            if let Some(topic) = topic.filter(|topic| statements::is_readonly(&self.shared.config, topic)) {
                return Err(Failure::statement(format!("Cannot {verb} read-only topic: {topic}")));
            }
        }
        Ok(())
    }

    fn terminate(
        &self,
        parsed: &Parsed,
        id: Option<&Ident>,
        config: Config,
        catalog: &Catalog,
    ) -> Result<Change, Failure> {
        let pushed = id.and_then(|id| self.pushed_like(&id.name));
        if let Some(pushed) = pushed.filter(|_| id.is_none_or(|id| catalog.query(&id.name).is_none())) {
            let mut change = Change::new(bare(parsed, "Query terminated."), config, BTreeMap::new());
            change.close = Some(pushed);
            return Ok(change);
        }
        let ids = targets(id, catalog, "terminate")?;
        let mut command = bare(parsed, "Query terminated.");
        command.changes = ids.iter().map(|id| catalog::Change::DropQuery(id.clone())).collect();
        command.stop = ids;
        Ok(Change::new(command, config, BTreeMap::new()))
    }

    fn pause(
        &self,
        parsed: &Parsed,
        id: Option<&Ident>,
        paused: bool,
        config: Config,
        catalog: &Catalog,
    ) -> Result<Change, Failure> {
        let (verb, message) = if paused { ("pause", "Query paused.") } else { ("resume", "Query resumed.") };
        let ids = targets(id, catalog, verb)?;
        let mut change = Change::new(bare(parsed, message), config, BTreeMap::new());
        change.pause = ids.into_iter().map(|id| (id, paused)).collect();
        Ok(change)
    }

    /// Plans what EXPLAIN is asked about; nothing comes of it.
    pub(super) fn plan_explained(
        &self,
        inner: &Statement,
        parsed: &Parsed,
        view: View<'_>,
    ) -> Result<Arc<QueryPlan>, Failure> {
        let topics = Asked::of_log(&*self.shared.log, &[]);
        let scope = plan::Session::new(view.config, parsed.place());
        let functions = &*self.shared.functions;
        let planner = Planner { catalog: view.catalog, session: scope, topics: &topics, functions };
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

    /// Makes topics, starts the query, logs the command, applies it, stops what must stop, deletes the topic. Up to the
    /// log nothing of it counts; from there on a restart does the rest.
    pub(super) fn carry_out(
        &self,
        commands: &mut MutexGuard<'_, CommandLog>,
        parsed: &Parsed,
        change: Change,
    ) -> Result<Answer, Failure> {
        if let Some(id) = &change.close {
            let was_terminated = self.close_query(id);
            let outcome = Outcome::PushQueryTerminated { query_id: id.to_uppercase(), was_terminated };
            return Ok(Answer { text: parsed.text.clone(), outcome, warnings: Vec::new() });
        }
        let command = &change.command;
        if command.is_warning {
            let outcome = Outcome::NothingToDo { message: command.message.clone() };
            return Ok(Answer { text: parsed.text.clone(), outcome, warnings: Vec::new() });
        }
        let mut undo = Undo::default();
        let number = commands.last() + 1;
        let made = self.make(&change, number, &mut undo);
        let logged = made.and_then(|()| self.log_command(commands, parsed, &change));
        let status = logged.inspect_err(|_| self.undo(&change, undo))?;
        if let Some(plan) = &command.start {
            self.shared.runtime.go_on(&plan.id);
        }
        {
            let mut catalog = self.shared.catalog.write();
            command.changes.iter().for_each(|change| catalog.apply(change));
        }
        let finished = self.finish(&change);
        let outcome = (status.message.clone(), status.query_id.clone());
        self.shared.outcomes.note(status.sequence_number, &status.command_id, outcome);
        finished?;
        Ok(Answer {
            text: command.statement.clone(),
            outcome: Outcome::Command(status),
            warnings: statements::warnings(&parsed.statement),
        })
    }

    /// Makes topics and starts the query.
    fn make(&self, change: &Change, number: i64, undo: &mut Undo) -> Result<(), Failure> {
        undo.replaced = change.command.start.as_ref().and_then(|plan| self.shared.runtime.started(&plan.id));
        for topic in &change.command.topics {
            if self.make_topic(topic)? {
                undo.made.push(topic.name.clone());
            }
        }
        let earlier = undo.replaced.iter().flat_map(|(replaced, _)| replaced.clone().into_earlier()).collect();
        self.start(change, number, earlier)
    }

    /// Takes back what a command did that could not be logged: its query would run without anybody knowing of it. What
    /// cannot be removed now is removed when the next query gets the id.
    fn undo(&self, change: &Change, Undo { made, replaced }: Undo) {
        match (&change.command.start, replaced) {
            (_, Some((start, is_paused))) => self.shared.runtime.start_again(start, is_paused),
            (Some(plan), None) => {
                if let Err(error) = self.shared.runtime.forget(&plan.id, &change.config) {
                    tracing::warn!(query = plan.id, "not all that was begun is taken back: {error}");
                }
            }
            (None, None) => {}
        }
        for topic in made {
            if let Err(error) = self.shared.log.delete_topic(&topic) {
                tracing::warn!("topic {topic} stays: {error}");
            }
        }
    }

    fn log_command(
        &self,
        commands: &mut MutexGuard<'_, CommandLog>,
        parsed: &Parsed,
        change: &Change,
    ) -> Result<CommandStatus, Failure> {
        let command_id = statements::command_id(&parsed.statement).unwrap_or_default();
        let logged = Logged {
            written: parsed.text.clone(),
            command_id: command_id.clone(),
            query_id: change.query_id(),
            message: change.command.message.clone(),
            properties: change.config.settings().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            topics: change.asked.clone(),
            time_ms: self.shared.clock.now_ms(),
        };
        let sequence_number = commands.append(&logged)?;
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

    /// Starts the query of a change, if it has one.
    fn start(&self, change: &Change, command: i64, earlier: Vec<Earlier>) -> Result<(), Failure> {
        let Some(plan) = &change.command.start else { return Ok(()) };
        if self.catalog().query(&plan.id).is_none() {
            // What a crash may have left of a query that was never logged.
            self.shared.runtime.forget(&plan.id, &change.config)?;
        }
        let (plan, config) = (Arc::clone(plan), Arc::clone(&change.config));
        Ok(self.shared.runtime.start(PersistentStart { plan, config, command, earlier }, false)?)
    }

    /// What comes after a change was logged: stopping, pausing, deleting. Safe to do twice.
    fn finish(&self, change: &Change) -> Result<(), Failure> {
        for id in &change.command.stop {
            self.shared.runtime.forget(id, &change.config)?;
            self.shared.settling.forget(id);
        }
        for (id, paused) in &change.pause {
            let runtime = &self.shared.runtime;
            if *paused { runtime.pause(id) } else { runtime.resume(id) }?;
        }
        if change.pause.iter().any(|(_, paused)| !paused) {
            self.shared.settling.note();
        }
        if let Some(topic) = &change.command.delete_topic {
            match self.shared.log.delete_topic(topic) {
                Ok(()) | Err(LogError::UnknownTopic(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// What there is to take back of a command that could not be logged.
#[derive(Default)]
struct Undo {
    /// Topics it made.
    made: Vec<String>,
    /// The query it replaced, and whether that was paused.
    replaced: Option<(PersistentStart, bool)>,
}

/// A command that only says something.
fn bare(parsed: &Parsed, message: &str) -> Command {
    Command {
        topics: Vec::new(),
        stop: Vec::new(),
        changes: Vec::new(),
        start: None,
        delete_topic: None,
        statement: parsed.text.clone(),
        message: message.to_owned(),
        is_warning: false,
    }
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
