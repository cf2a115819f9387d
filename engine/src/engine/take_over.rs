//! What a ksqlDB ran goes on here, on the same topics: its command topic is read, and its statements are planned anew under
//! the ids that its queries have, so that their consumer groups, and with them their positions, are the same. Of what was
//! dropped or terminated since, nothing is left.

mod effect;
mod report;

use std::collections::BTreeMap;
use std::sync::Arc;

use sql::{Limits, Statement, Variables};

use crate::catalog::Catalog;
use crate::commands::{self, Content, Foreign, Logged, Numbered};
use crate::config::{Config, setting};
use crate::error::Error;
use crate::expr::Registry;
use crate::log::{Log, LogError, Position, TopicPartition};
use crate::plan::{self, Action, Planner};
use crate::runtime::{self, Taken};
use crate::schemas::Schemas;
use crate::steps::QueryPlan;

use super::replay::chosen;
use super::topics::{self, KnownTopics};
use super::{Engine, Parts, follow, schemas};

pub use report::TakeOver;

use effect::{Planned, ended, subjects};
use report::Entry;

/// What planning stands on.
struct Scene<'a> {
    log: &'a dyn Log,
    config: &'a Config,
    functions: &'a Registry,
    schemas: &'a dyn Schemas,
}

impl Engine {
    /// What would come of taking over from the ksqlDB whose service id and brokers the settings name. Nothing is changed.
    ///
    /// # Errors
    /// The brokers do not answer, or no brokers are named.
    pub fn look_at_take_over(config: Config, scratch: &std::path::Path) -> Result<TakeOver, Error> {
        let Some(brokers) = config.brokers() else {
            let problem = "there is nothing to take over: bootstrap.servers is not set".to_owned();
            return Err(LogError::Invalid(problem).into());
        };
        let log = topics::kafka_to_look_at(brokers, scratch, &config)?;
        let elsewhere = schemas::elsewhere(&config)?;
        let parts = Parts::by_hand(log, Arc::new(crate::clock::System), config);
        let schemas = elsewhere.map_or(parts.schemas, |client| Arc::new(client) as Arc<dyn Schemas>);
        let topic = follow::sharing(&parts.config, false).map(|sharing| sharing.topic).unwrap_or_default();
        let foreign = commands::foreign(&parts.log, &topic)?;
        let (log, config) = (&*parts.log, &parts.config);
        let scene = Scene { log, config, functions: &parts.functions, schemas: &*schemas };
        let count = foreign.len();
        let planned = scene.plan(foreign)?;
        let running = scene.running(&planned)?;
        let entries = planned.into_iter().map(|planned| scene.entry(planned)).collect::<Result<_, Error>>()?;
        Ok(TakeOver { topic, commands: count, entries, running })
    }

    /// Puts what ksqlDB ran into the command log, if it is to be taken over and nobody has done it; else `logged` is what counts.
    pub(super) fn adopt(&self, logged: Vec<Numbered>) -> Result<Vec<Numbered>, Error> {
        let shared = &self.shared;
        let mut commands = shared.commands.lock();
        let foreign = commands.take_foreign();
        if foreign.is_empty() {
            return Ok(logged);
        }
        let (log, config, functions) = (&*shared.log, &*shared.config, &*shared.functions);
        let scene = Scene { log, config, functions, schemas: &*shared.schemas };
        let count = foreign.len();
        let planned = scene.plan(foreign)?;
        let running = scene.running(&planned)?;
        if !running.is_empty() {
            return Err(LogError::Invalid(format!(
                "a ksqlDB server still runs {}: stop all of them before millstream.take.over",
                running.join(", ")
            ))
            .into());
        }
        // Behind all of ksqlDB's, so that no query gets an id that one of ksqlDB's had.
        let first = commands.next();
        let (mut taken, mut refused) = (Vec::<Numbered>::new(), Vec::new());
        for Planned { foreign, outcome, .. } in planned {
            match outcome {
                Ok(logged) => taken.push((first + taken.len() as u64, logged)),
                Err(problem) => refused.push(format!("{} (offset {}): {problem}", foreign.command_id, foreign.offset)),
            }
        }
        if !refused.is_empty() && config.get(setting::TAKE_OVER).eq_ignore_ascii_case("all") {
            return Err(LogError::Invalid(format!(
                "not all that ksqlDB ran can be taken over: {}. Drop it in ksqlDB, or leave it out with \
                 millstream.take.over=possible",
                refused.join("; ")
            ))
            .into());
        }
        refused.iter().for_each(|refused| tracing::warn!("not taken over: {refused}"));
        let taken = commands.adopt(taken)?;
        tracing::info!(commands = count, in_effect = taken.len(), "taken over from ksqlDB");
        taken.iter().for_each(|(number, command)| shared.outcomes.note_command(*number, command));
        Ok(taken)
    }
}

impl Scene<'_> {
    /// What is in effect of ksqlDB's commands, in their order.
    fn plan(&self, foreign: Vec<Foreign>) -> Result<Vec<Planned>, Error> {
        let mut catalog = Catalog::default();
        let mut planned: Vec<Planned> = Vec::with_capacity(foreign.len());
        let topics = self.log.partitions()?;
        for foreign in foreign {
            catalog.number_queries(foreign.offset.unsigned_abs());
            let action = self.action(&foreign, &catalog)?;
            let subjects = subjects(&foreign, action.as_ref().ok(), &planned);
            for ended in ended(&foreign, action.as_ref().ok(), &planned) {
                for before in &mut planned {
                    before.subjects.remove(&ended);
                }
                planned.retain(|before| !before.subjects.is_empty());
            }
            let outcome = match action {
                Ok(action) => self.left(&action, &topics)?.map(|taken| (action, taken)),
                Err(problem) => Err(problem),
            };
            let outcome = outcome.map(|(action, taken)| {
                action.changes.iter().for_each(|change| catalog.apply(change));
                self.logged(&foreign, action, taken)
            });
            if !subjects.is_empty() {
                planned.push(Planned { foreign, subjects, outcome });
            }
        }
        Ok(planned)
    }

    /// What a statement does, or why it cannot be planned.
    fn action(&self, foreign: &Foreign, catalog: &Catalog) -> Result<Result<Action, String>, Error> {
        let statements = sql::parse_within(&foreign.statement, &Variables::default(), Limits::NONE);
        let mut parsed = match statements.map(|mut statements| statements.pop()) {
            Ok(Some(parsed)) => parsed,
            Ok(None) => return Ok(Err("there is no statement".to_owned())),
            Err(error) => return Ok(Err(error.message)),
        };
        leave_out_what_is_shown(&mut parsed.statement);
        let ids = |id: &Option<sql::Ident>| chosen(id.as_ref(), catalog);
        Ok(Ok(match &parsed.statement {
            Statement::Terminate { id } => Action::terminate(ids(id)),
            Statement::Pause { id } => Action { pause: ids(id), ..Action::default() },
            Statement::Resume { id } => Action { resume: ids(id), ..Action::default() },
            _ => {
                let topics = KnownTopics::of_log(self.log, &[]);
                let config = self.config.with_remembered(&foreign.properties);
                let session = plan::Session {
                    query_id: foreign.query_id.as_deref(),
                    ..plan::Session::new(&config, parsed.place())
                };
                let Self { functions, schemas, .. } = *self;
                let planned = Planner { catalog, session, topics: &topics, functions, schemas }.plan(&parsed);
                topics.check()?;
                match planned {
                    Ok(command) if command.topics.is_empty() => command.action,
                    Ok(command) => {
                        let missing: Vec<&str> = command.topics.iter().map(|topic| topic.name.as_str()).collect();
                        return Ok(Err(format!("topic {} does not exist any more", missing.join(", "))));
                    }
                    Err(error) => return Ok(Err(error.to_string())),
                }
            }
        }))
    }

    /// The state that ksqlDB has left of the query that a command starts, or why it cannot be gone on with.
    fn left(&self, action: &Action, topics: &BTreeMap<String, u32>) -> Result<Result<Option<Taken>, String>, Error> {
        let Some(plan) = action.start() else { return Ok(Ok(None)) };
        let group = runtime::group(self.config.service_id(), &plan.id);
        let is_its = |name: &str| {
            let rest = name.strip_prefix(&group);
            rest.is_some_and(|rest| rest.starts_with('-') && rest.ends_with("-changelog"))
        };
        let changelogs = topics.iter().filter(|(name, _)| is_its(name));
        let mut taken = Taken::default();
        for (name, partitions) in changelogs {
            let end = |partition| {
                let of = TopicPartition { topic: Arc::from(name.as_str()), partition };
                Ok(self.log.bounds(&of)?.end)
            };
            taken.ends.insert(name.clone(), (0..*partitions).map(end).collect::<Result<_, LogError>>()?);
        }
        if taken.ends.is_empty() {
            return Ok(Ok(None));
        }
        let has_state = taken.ends.values().flatten().any(|end| *end > 0);
        let exists = |name: &str| topics.contains_key(name);
        Ok(match runtime::why_not(plan, &group, self.functions, &exists).filter(|_| has_state) {
            None => Ok(Some(taken)),
            Some(why) => Err(format!(
                "its state cannot be gone on with: {why}. TERMINATE it in ksqlDB and CREATE it anew here, to be computed from \
                 the beginning"
            )),
        })
    }

    fn logged(&self, foreign: &Foreign, action: Action, taken: Option<Taken>) -> Logged {
        Logged {
            text: foreign.statement.clone(),
            command_id: foreign.command_id.clone(),
            source: action.source(),
            query_id: action.start().map(|plan| plan.id.clone()),
            message: "Taken over from ksqlDB.".to_owned(),
            service_id: self.config.service_id().to_owned(),
            overrides: Config::default().overrides(&foreign.properties),
            time_ms: foreign.time_ms,
            content: Content::Action(action),
            taken: taken.map(Arc::new),
        }
    }

    /// The queries that have members in their groups: a ksqlDB server runs them.
    fn running(&self, planned: &[Planned]) -> Result<Vec<String>, Error> {
        let mut running = Vec::new();
        for id in planned.iter().filter_map(|planned| planned.foreign.query_id.as_ref()) {
            if self.log.has_members(&runtime::group(self.config.service_id(), id))? {
                running.push(id.clone());
            }
        }
        Ok(running)
    }

    fn entry(&self, Planned { foreign, outcome, .. }: Planned) -> Result<Entry, Error> {
        let Foreign { offset, statement, query_id, .. } = foreign;
        let plan = outcome.as_ref().ok().and_then(|logged| match &logged.content {
            Content::Action(action) => action.start().cloned(),
            _ => None,
        });
        let behind = plan.map_or(Ok(None), |plan| self.behind(&plan))?;
        Ok(Entry { offset, query_id, statement, problem: outcome.err(), behind })
    }

    /// How many records of its topics a query has still to read; none if it has read nothing yet.
    fn behind(&self, plan: &QueryPlan) -> Result<Option<i64>, Error> {
        let group = runtime::group(self.config.service_id(), &plan.id);
        let (mut of, mut ends) = (Vec::new(), Vec::new());
        for topic in plan.root.topics() {
            let partitions = self.log.topic(topic)?.map_or(0, |topic| topic.spec.partitions);
            for partition in 0..partitions {
                let partition = TopicPartition { topic: Arc::from(topic), partition };
                ends.push(self.log.bounds(&partition)?.end);
                of.push(partition);
            }
        }
        let positions = self.log.committed(&group, &of)?;
        let left = |position: &Position| {
            let at = of.iter().position(|of| *of == position.of);
            at.and_then(|at| ends.get(at)).map_or(0, |end| (end - position.offset).max(0))
        };
        Ok((!positions.is_empty()).then(|| positions.iter().map(left).sum()))
    }
}

/// ksqlDB fills in what the topic has, though a statement may not set it, or not for such a source.
fn leave_out_what_is_shown(statement: &mut Statement) {
    let with = match statement {
        Statement::CreateSource(create) => &mut create.with,
        Statement::CreateAs(create) => &mut create.with,
        _ => return,
    };
    let is_shown = |name: &str| ["CLEANUP_POLICY", "RETENTION_MS"].iter().any(|shown| name.eq_ignore_ascii_case(shown));
    with.0.retain(|(name, _)| !is_shown(&name.name));
}
