//! `DROP STREAM|TABLE [IF EXISTS] name [DELETE TOPIC]`

use std::sync::Arc;

use sql::{Ident, Statement};

use crate::catalog::{Change, Lost, Query, QueryKind, Source, SourceKind};

use super::command::Command;
use super::error::{PlanError, Result, Stage};
use super::{Planner, messages};

impl Planner<'_> {
    pub(super) fn drop_source(
        &self,
        text: &str,
        kind: SourceKind,
        name: &Ident,
        if_exists: bool,
        delete_topic: bool,
    ) -> Result<Command> {
        // DELETE TOPIC is done at once and does not belong to the command any more.
        let shown = || {
            let plain = Statement::DropSource { kind, name: name.clone(), if_exists, delete_topic: false };
            if delete_topic { messages::shown(&plain) } else { text.to_owned() }
        };
        let Some(source) = self.catalog.source(&name.name) else {
            if let Some(lost) = self.catalog.lost_source(&name.name) {
                return drop_lost(lost, name, shown(), delete_topic);
            }
            if if_exists {
                return Ok(Command::new(shown(), format!("Source `{}` does not exist.", name.name)));
            }
            let title = messages::kind_title(kind);
            return Err(PlanError::statement(format!("{title} {} does not exist.", name.name))
                .at(name.span)
                .with_hint(messages::similar_source(self.catalog, &name.name)));
        };
        if source.kind != kind {
            return Err(PlanError::statement(format!(
                "Incompatible data source type is {}, but statement was DROP {}",
                messages::kind(source.kind),
                messages::kind(kind)
            )));
        }
        if delete_topic && source.read_only {
            let message = format!("Cannot delete topic for read-only source: {}", source.name);
            return Err(PlanError::statement(message).during(Stage::Topic));
        }
        self.check_unused(source).map_err(|error| error.shown(&shown()))?;
        let mut command =
            Command::new(shown(), format!("Source `{}` (topic: {}) was dropped.", source.name, source.topic));
        for query in self.catalog.writers(&source.name).filter(|query| belongs(query, source)) {
            command.action.end(query.id.clone());
        }
        command.action.changes.push(Change::DropSource(source.name.clone()));
        if delete_topic {
            command.action.delete_topic = Some(source.topic.clone());
            command.old_subjects = self.subjects_of(source);
        }
        Ok(command)
    }

    fn check_unused(&self, source: &Source) -> Result<()> {
        let name = &source.name;
        let dependants: Vec<&str> = self.catalog.dependants(name).map(|other| other.name.as_str()).collect();
        if !dependants.is_empty() {
            return Err(PlanError::statement(format!(
                "Cannot drop {name}.\nThe following streams and/or tables read from this source: [{}].\nYou need to drop \
                 them before dropping {name}.",
                dependants.join(", ")
            )));
        }
        let ids = |queries: Vec<&Arc<Query>>| -> Vec<String> {
            let mut ids: Vec<String> =
                queries.into_iter().filter(|query| !belongs(query, source)).map(|query| query.id.clone()).collect();
            ids.sort();
            ids
        };
        let readers = ids(self.catalog.readers(name).collect());
        let writers = ids(self.catalog.writers(name).collect());
        if readers.is_empty() && writers.is_empty() {
            return Ok(());
        }
        Err(PlanError::statement(format!(
            "Cannot drop {name}.\nThe following queries read from this source: [{}].\nThe following queries write into \
             this source: [{}].\nYou need to terminate them before dropping {name}.",
            readers.join(", "),
            writers.join(", ")
        )))
    }
}

/// A stream or table that the start could not bring back; what hung on it is lost too, and does not keep it.
fn drop_lost(lost: &Arc<Lost>, name: &Ident, shown: String, delete_topic: bool) -> Result<Command> {
    if delete_topic {
        let message =
            format!("`{}` {}. So its topic is not known: drop it without DELETE TOPIC.", name.name, lost.reason());
        return Err(PlanError::statement(message).at(name.span));
    }
    let mut command = Command::new(shown, format!("Source `{}` was dropped.", name.name));
    command.action.end_lost(Some(lost));
    command.action.changes.push(Change::DropSource(name.name.clone()));
    Ok(command)
}

/// Whether the query was made with the source and goes with it.
fn belongs(query: &Query, source: &Source) -> bool {
    query.kind != QueryKind::InsertInto && query.sink.as_deref() == Some(&*source.name)
}
