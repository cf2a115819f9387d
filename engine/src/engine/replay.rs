//! Start: every command of the log is planned again, with the answers it got then; what is left of it runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sql::{Limits, Statement, Variables};

use crate::catalog::{self, Catalog, Lost, SourceKind};
use crate::commands::Logged;
use crate::config::Config;
use crate::error::Error;
use crate::plan::{self, Command, Planner};
use crate::runtime::PersistentStart;
use crate::types::Bounds;

use super::Engine;
use super::topics::Asked;

/// What the commands so far amount to.
#[derive(Default)]
struct World {
    catalog: Catalog,
    /// Queries that run, by id.
    queries: BTreeMap<String, PersistentStart>,
    paused: BTreeSet<String>,
    /// What the last command stopped and deleted: it may not have come to that.
    unfinished: (Vec<String>, Option<String>),
}

impl Engine {
    /// Brings back what the commands made, and starts the queries.
    pub(super) fn replay(&self, logged: Vec<Logged>) -> Result<(), Error> {
        let mut world = World::default();
        for (number, command) in (0_i64..).zip(logged) {
            let (command_id, query_id) = (command.command_id.clone(), command.query_id.clone());
            let statement = command.written.clone();
            if let Err(problem) = self.redo(&mut world, number, command) {
                tracing::error!(number, command_id, statement, "a command cannot be carried out again: {problem}");
                let time_ms = self.shared.clock.now_ms();
                world.lose(&command_id, Lost { source: None, query_id, statement, problem, time_ms });
            }
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
            let Some(start) = world.queries.remove(&id) else { continue };
            self.shared.runtime.start_again(start, world.paused.contains(&id));
        }
        Ok(())
    }

    fn redo(&self, world: &mut World, number: i64, logged: Logged) -> Result<(), String> {
        // Whatever comes of this command, the one before was carried out.
        world.unfinished = Default::default();
        let none = Variables::default();
        let mut statements = sql::parse_within(&logged.written, &none, Limits::NONE).map_err(|error| error.message)?;
        let parsed = statements.pop().ok_or("no statement")?;
        let config = Config::remembered(logged.properties);
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
                let query_id = logged.query_id.as_deref();
                let scope =
                    plan::Session { query_id, bounds: Bounds::NONE, ..plan::Session::new(&config, parsed.place()) };
                let functions = &*self.shared.functions;
                let planner = Planner { catalog: &world.catalog, session: scope, topics: &topics, functions };
                let command = planner.plan(&parsed).map_err(|error| error.to_string())?;
                world.take(number, command, Arc::new(config));
            }
        }
        Ok(())
    }
}

impl World {
    fn take(&mut self, number: i64, command: Command, config: Arc<Config>) {
        command.changes.iter().for_each(|change| self.catalog.apply(change));
        for id in &command.stop {
            self.queries.remove(id);
            self.paused.remove(id);
        }
        if let Some(plan) = command.start {
            // A query that takes the place of a paused one runs.
            self.paused.remove(&plan.id);
            let replaced = self.queries.remove(&plan.id);
            let earlier = replaced.map(PersistentStart::into_earlier).unwrap_or_default();
            self.queries.insert(plan.id.clone(), PersistentStart { plan, config, command: number, earlier });
        }
        self.unfinished = (command.stop, command.delete_topic);
    }

    /// Goes on without what a command made.
    fn lose(&mut self, command_id: &str, lost: Lost) {
        let source = made_source(command_id).filter(|_| !is_insert(&lost.statement));
        if let Some((_, name)) = &source {
            let written: Vec<String> = self.catalog.writers(name).map(|query| query.id.clone()).collect();
            for id in written.iter().filter(|id| lost.query_id.as_ref().is_none_or(|own| own == *id)) {
                self.catalog.apply(&catalog::Change::DropQuery(id.clone()));
                self.queries.remove(id);
            }
        }
        if source.is_some() || lost.query_id.is_some() {
            self.catalog.apply(&catalog::Change::Lose(Arc::new(Lost { source, ..lost })));
        }
    }
}

/// The stream or table that a command made or changed, by its id: ``stream/`X`/create``, `table/X/alter`.
fn made_source(command_id: &str) -> Option<(SourceKind, String)> {
    let (kind, rest) = command_id.split_once('/')?;
    let (name, action) = rest.rsplit_once('/')?;
    let kind = match (kind, action) {
        ("stream", "create" | "alter") => SourceKind::Stream,
        ("table", "create" | "alter") => SourceKind::Table,
        _ => return None,
    };
    let bare = name.strip_prefix('`').and_then(|name| name.strip_suffix('`'));
    Some((kind, bare.unwrap_or(name).to_owned()))
}

/// Commands of INSERT INTO are called as if they made their target.
fn is_insert(statement: &str) -> bool {
    statement.get(..6).is_some_and(|word| word.eq_ignore_ascii_case("INSERT"))
}

/// The queries a statement meant.
fn chosen(id: Option<&sql::Ident>, catalog: &Catalog) -> Vec<String> {
    match id {
        Some(id) => vec![id.name.clone()],
        None => {
            let own = catalog.queries().filter(|query| query.kind != catalog::QueryKind::SourceTable);
            let lost = catalog.lost().filter_map(|lost| lost.query_id.clone());
            own.map(|query| query.id.clone()).chain(lost).collect()
        }
    }
}
