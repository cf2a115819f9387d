//! Start: every command of the log is planned again, with the answers it got then; what is left of it runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sql::{Parsed, Statement, Variables};

use crate::catalog::{self, Catalog};
use crate::commands::Logged;
use crate::config::Config;
use crate::error::Error;
use crate::plan::{self, Command, Planner};
use crate::runtime::PersistentStart;
use crate::steps::QueryPlan;

use super::Engine;
use super::topics::Asked;

/// What the commands so far amount to.
#[derive(Default)]
struct World {
    catalog: Catalog,
    /// Plans and settings of queries that run, by id.
    queries: BTreeMap<String, (Arc<QueryPlan>, Arc<Config>)>,
    paused: BTreeSet<String>,
    /// What the last command stopped and deleted: it may not have come to that.
    unfinished: (Vec<String>, Option<String>),
}

impl Engine {
    /// Brings back what the commands made, and starts the queries.
    pub(super) fn replay(&self, logged: Vec<Logged>) -> Result<(), Error> {
        let mut world = World::default();
        for (number, command) in logged.into_iter().enumerate() {
            let text = command.text.clone();
            self.redo(&mut world, command).map_err(|problem| Error::Replay { number, text, problem })?;
        }
        let (stopped, deleted) = &world.unfinished;
        for id in stopped.iter().filter(|id| world.catalog.query(id).is_none()) {
            self.shared.runtime.forget(id, &self.shared.config)?;
        }
        if let Some(topic) = deleted
            && self.shared.log.topic(topic)?.is_some()
        {
            self.shared.log.delete_topic(topic)?;
        }
        let order: Vec<String> = world.catalog.queries().map(|query| query.id.clone()).collect();
        *self.shared.catalog.write() = world.catalog;
        for id in order {
            let Some((plan, config)) = world.queries.remove(&id) else { continue };
            self.shared.runtime.start_again(PersistentStart { plan, config }, world.paused.contains(&id));
        }
        Ok(())
    }

    fn redo(&self, world: &mut World, logged: Logged) -> Result<(), String> {
        let mut statements = sql::parse(&logged.text, &Variables::default()).map_err(|error| error.message)?;
        let parsed = statements.pop().ok_or("no statement")?;
        let parsed = Parsed { text: logged.written, ..parsed };
        let config = Config::new(logged.properties).map_err(|error| error.to_string())?;
        world.unfinished = Default::default();
        match &parsed.statement {
            Statement::Terminate { id } => {
                let ids = chosen(id.as_ref(), &world.catalog);
                for id in &ids {
                    world.catalog.apply(&catalog::Change::DropQuery(id.clone()));
                    world.queries.remove(id);
                }
                world.unfinished.0 = ids;
            }
            Statement::Pause { id } => world.paused.extend(chosen(id.as_ref(), &world.catalog)),
            Statement::Resume { id } => {
                for id in chosen(id.as_ref(), &world.catalog) {
                    world.paused.remove(&id);
                }
            }
            _ => {
                let topics = Asked::remembered(logged.topics);
                let scope = plan::Session { config: &config, text: &logged.text, query_id: logged.query_id.as_deref() };
                let functions = &*self.shared.functions;
                let planner = Planner { catalog: &world.catalog, session: scope, topics: &topics, functions };
                let command = planner.plan(&parsed).map_err(|error| error.to_string())?;
                world.take(command, Arc::new(config));
            }
        }
        Ok(())
    }
}

impl World {
    fn take(&mut self, command: Command, config: Arc<Config>) {
        command.changes.iter().for_each(|change| self.catalog.apply(change));
        for id in &command.stop {
            self.queries.remove(id);
            self.paused.remove(id);
        }
        if let Some(plan) = command.start {
            self.queries.insert(plan.id.clone(), (plan, config));
        }
        self.unfinished = (command.stop, command.delete_topic);
    }
}

/// The queries a statement meant.
fn chosen(id: Option<&sql::Ident>, catalog: &Catalog) -> Vec<String> {
    match id {
        Some(id) => vec![id.name.clone()],
        None => catalog
            .queries()
            .filter(|query| query.kind != catalog::QueryKind::SourceTable)
            .map(|query| query.id.clone())
            .collect(),
    }
}
