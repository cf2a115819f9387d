//! Statement → steps: names, types, keys and formats checked, every error with ksqlDB's text.
//!
//! ```text
//! CREATE ──────────────────────────────┐
//! SELECT ─resolve─> names ─bind─> types ─select─> steps ─sink─> topic, formats ──> Command { topics, action, … }
//! ```
//!
//! | where | what |
//! |---|---|
//! | `resolve`, `universe`, `bind` | whose column is it, what type has the expression |
//! | `select`, `items`, `grouping`, `group_by`, `join`, `join_steps`, `keys`, `late` | a query's steps |
//! | `create`, `create_as`, `insert_select`, `drop`, `alter`, `types` | one statement kind each |
//! | `sink`, `formats`, `with_properties` | topics and how their records are written |
//! | `inference` | columns and schemas that come from the schema registry |
//! | `upgrade` | what CREATE OR REPLACE may change |
//! | [`explain`] | steps as text |

mod aggregate;
mod alter;
pub(crate) mod ast;
mod bind;
mod command;
mod create;
mod create_as;
mod drop;
mod error;
pub mod explain;
mod formats;
mod group_by;
mod grouping;
mod inference;
mod insert_select;
mod items;
mod join;
mod join_steps;
mod keys;
mod late;
mod messages;
pub mod names;
mod relation;
mod resolve;
mod select;
mod session;
mod sink;
mod source;
#[cfg(test)]
mod tests;
mod transient;
mod types;
mod universe;
mod upgrade;
mod window;
mod with_properties;

use std::sync::Arc;

use sql::{Parsed, Span, Statement};

use crate::catalog::Catalog;
use crate::config::setting;
use crate::expr::Registry;
use crate::formats::FormatSpec;
use crate::schemas::Schemas;
use crate::steps::{QueryPlan, Step};

pub use command::{Action, Command, DEFAULT_RETENTION_MS, Ends, NewSchema, NewTopic};
pub use error::{ErrorKind, PlanError};
pub use formats::serde_features;
pub(crate) use messages::other_spelling;
pub use session::{Session, TopicInfo, Topics};
pub use transient::Analysis;

use error::{Result, Told};

/// Plans statements against a catalog.
#[derive(Clone, Copy)]
pub struct Planner<'a> {
    /// What exists.
    pub catalog: &'a Catalog,
    /// Settings and the request's text.
    pub session: Session<'a>,
    /// Topics that exist.
    pub topics: &'a dyn Topics,
    /// Functions that exist.
    pub functions: &'a Registry,
    /// Who keeps schemas.
    pub schemas: &'a dyn Schemas,
}

impl Planner<'_> {
    /// Plans a statement that changes something: CREATE, INSERT INTO … SELECT, DROP, ALTER, types.
    ///
    /// # Errors
    /// Why it cannot be done; nothing has happened then.
    pub fn plan(&self, parsed: &Parsed) -> Result<Command> {
        let told = if matches!(parsed.statement, Statement::CreateAs(_)) { Told::CreateAs } else { Told::Command };
        self.command(parsed).map_err(|error| error.told(told))
    }

    /// Plans a query whose rows go to a client as they change.
    ///
    /// # Errors
    /// Why it cannot be done.
    pub fn plan_push(&self, query: &sql::Query) -> Result<QueryPlan> {
        self.transient(query).map_err(|error| error.told(Told::Query))
    }

    /// Plans what EXPLAIN is asked about: a query, or the query that a statement would start.
    ///
    /// # Errors
    /// Why there is none; what is shown is the whole EXPLAIN.
    pub fn plan_explained(&self, parsed: &Parsed) -> Result<Option<Arc<QueryPlan>>> {
        let plan = match &parsed.statement {
            Statement::Query(query) => self.transient(query).map(|plan| Some(Arc::new(plan))),
            _ => self.command(parsed).map(|command| command.action.start().cloned()),
        };
        plan.map_err(|error| error.told(Told::Explain))
    }

    fn command(&self, parsed: &Parsed) -> Result<Command> {
        match &parsed.statement {
            Statement::CreateSource(create) => self.create_source(&parsed.text, create),
            Statement::CreateAs(create) => self.create_as(&parsed.text, create),
            Statement::InsertSelect { target, with, query } => self.insert_select(&parsed.text, target, with, query),
            Statement::DropSource { kind, name, if_exists, delete_topic } => {
                self.drop_source(&parsed.text, *kind, name, *if_exists, *delete_topic)
            }
            Statement::AlterSource { kind, name, add } => self.alter(&parsed.text, *kind, name, add),
            Statement::CreateType { name, ty, if_not_exists } => {
                self.create_type(&parsed.text, name, ty, *if_not_exists)
            }
            Statement::DropType { name, if_exists } => self.drop_type(&parsed.text, name, *if_exists),
            _ => Err(PlanError::internal("the statement has no plan")),
        }
    }

    fn location(&self, span: Span) -> String {
        error::location(self.session.place, span)
    }

    /// How large what a stream or table holds may be, in columns and parts of their types.
    fn check_schema_size(&self, parts: usize) -> Result<()> {
        let most = self.session.bounds.schema_parts;
        if parts <= most {
            return Ok(());
        }
        Err(PlanError::statement(format!(
            "The columns of a stream or table may have {most} parts together (columns, and the fields and elements of \
             their types)."
        )))
    }

    fn default_format(&self, side: &str) -> Option<String> {
        let config = self.session.config;
        let name = match side {
            "key" => Some(config.get(setting::PERSISTENCE_DEFAULT_FORMAT_KEY)),
            _ => config.get(setting::PERSISTENCE_DEFAULT_FORMAT_VALUE),
        };
        name.filter(|name| !name.is_empty()).map(str::to_uppercase)
    }

    fn default_wrap(&self) -> Option<bool> {
        self.session.config.get(setting::PERSISTENCE_WRAP_SINGLE_VALUES)
    }

    /// How a key is serialised inside the query: as `step` has it where that can hold its key, else as JSON.
    fn internal_key_format(&self, step: &Step) -> FormatSpec {
        let default = self.default_format("key").unwrap_or_else(|| "KAFKA".to_owned());
        formats::internal_key_spec(&step.key_format, &step.schema.key, &default)
    }

    /// The id of a new query: as it was, on replay, else the next one.
    fn query_id(&self, kind: &str, name: &str) -> String {
        if let Some(id) = self.session.query_id {
            return id.to_owned();
        }
        let named = if name.is_empty() { kind.to_owned() } else { format!("{kind}_{}", name.to_uppercase()) };
        let mut number = self.catalog.next_query_number();
        loop {
            // While some could not be brought back, more numbers may have been left out than there were.
            let id = format!("{named}_{number}");
            if self.catalog.query(&id).is_none() && self.catalog.lost_query(&id).is_none() {
                return id;
            }
            number += 1;
        }
    }
}
