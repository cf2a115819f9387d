//! Statements against a small catalog: the steps they make, the texts they are refused with.

mod ddl;
mod group_by;
mod joins;
mod limits;
mod queries;
mod stages;

use std::collections::BTreeMap;
use std::sync::Arc;

use sql::{Parsed, Statement, Variables};

use super::explain::execution_plan;
use super::{Command, PlanError, Planner, Session, TopicInfo, Topics};
use crate::catalog::Catalog;
use crate::config::Config;
use crate::expr::Registry;
use crate::schemas::{NoSchemas, Schemas};

/// Topics by name; missing ones are made when a statement names them.
#[derive(Default)]
struct Known(BTreeMap<String, TopicInfo>);

impl Topics for Known {
    fn topic(&self, name: &str) -> Option<TopicInfo> {
        self.0.get(name).copied()
    }
}

/// A catalog under construction.
struct World {
    catalog: Catalog,
    topics: Known,
    config: Config,
    functions: Registry,
    schemas: Arc<dyn Schemas>,
}

impl World {
    fn new() -> Self {
        Self {
            catalog: Catalog::default(),
            topics: Known::default(),
            config: Config::default(),
            functions: Registry::with(&[crate::expr::aggregates::FUNCTIONS]),
            schemas: Arc::new(NoSchemas),
        }
    }

    /// Plans and applies all statements of a script; the last one's command.
    fn run(&mut self, script: &str) -> Result<Command, PlanError> {
        let mut last = None;
        for parsed in sql::parse(script, &Variables::default()).unwrap() {
            let command = self.planner(&parsed).plan(&parsed)?;
            for topic in &command.topics {
                let info =
                    TopicInfo { partitions: topic.partitions, replicas: topic.replicas, retention_ms: 604_800_000 };
                self.topics.0.insert(topic.name.clone(), info);
            }
            command.action.changes.iter().for_each(|change| self.catalog.apply(change));
            last = Some(command);
        }
        Ok(last.unwrap())
    }

    fn planner<'a>(&'a self, parsed: &'a Parsed) -> Planner<'a> {
        Planner {
            catalog: &self.catalog,
            session: Session::new(&self.config, parsed.place()),
            topics: &self.topics,
            functions: &self.functions,
            schemas: &*self.schemas,
        }
    }

    /// The text a statement is refused with.
    fn refused(&mut self, script: &str) -> String {
        match self.run(script) {
            Ok(command) => panic!("planned: {}", command.statement),
            Err(error) => error.message,
        }
    }

    /// The steps a statement makes.
    fn steps(&mut self, script: &str) -> String {
        let command = self.run(script).unwrap_or_else(|error| panic!("{error}"));
        execution_plan(command.action.start().unwrap())
    }

    /// The steps of a push query.
    fn push(&mut self, text: &str) -> Result<String, PlanError> {
        let parsed = sql::parse(text, &Variables::default()).unwrap().remove(0);
        let Statement::Query(query) = &parsed.statement else { panic!("not a query: {text}") };
        Ok(execution_plan(&self.planner(&parsed).plan_push(query)?))
    }

    fn schema(&self, source: &str) -> String {
        self.catalog.source(source).unwrap().schema.to_string()
    }
}

fn with_orders() -> World {
    let mut world = World::new();
    world
        .run(
            "CREATE STREAM orders (id INT KEY, item STRING, qty INT, addr STRUCT<city STRING>, tags ARRAY<STRING>) \
             WITH (kafka_topic='orders', value_format='json', partitions=2);\n\
             CREATE TABLE users (id INT PRIMARY KEY, name STRING) \
             WITH (kafka_topic='users', value_format='json', partitions=2);",
        )
        .unwrap();
    world
}
