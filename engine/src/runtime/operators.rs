//! Step → operator.

use crate::expr::{Evaluator, Registry, Settings, Typed, compile};
use crate::operators::{Filter, FlatMap, Materialize, Operator, Project, Rekey};
use crate::plan::step::{KeyWindow, Step, StepKind, WindowKind};
use crate::state::{Place, SharedTable, TableKind};
use crate::types::Schema;

use super::registry::RuntimeError;
use super::topology::inputs;

/// What operators are made with besides their step.
pub(super) struct Making<'a> {
    pub(super) functions: &'a Registry,
    pub(super) settings: &'a Settings,
    /// Where the task keeps its state; each operator keeps its own below.
    pub(super) place: &'a Place,
}

impl Making<'_> {
    /// The operator of a step that runs in one piece; `tells_old`: somebody reads the old side of its rows.
    pub(super) fn operator(&self, step: &Step, _tells_old: bool) -> Result<Box<dyn Operator>, RuntimeError> {
        Ok(match &step.kind {
            StepKind::Filter { predicate, .. } => {
                Box::new(Filter::new(&step.id, self.compile(predicate)?, step.is_table))
            }
            StepKind::Project { key, value, .. } => {
                Box::new(Project::new(&step.id, key.clone(), self.compile_all(value)?))
            }
            StepKind::Rekey { key, value, .. } => Box::new(Rekey::new(&step.id, self.compile_all(key)?, value.clone())),
            StepKind::FlatMap { functions, .. } => Box::new(FlatMap::new(&step.id, self.compile_all(functions)?)),
            _ => return Err(RuntimeError::Build(format!("step {} cannot be run", step.id))),
        })
    }

    /// Keeps the rows of a step's table and tells what each replaces.
    pub(super) fn materialize(
        &self,
        step: &Step,
        name: &str,
        tells_old: bool,
    ) -> Result<(Box<dyn Operator>, SharedTable), RuntimeError> {
        let place = self.place.below(name);
        let (operator, table) = Materialize::new(&step.schema, &step.key_format, table_kind(step), place, tells_old)?;
        Ok((Box::new(operator), table))
    }

    fn compile(&self, expr: &Typed) -> Result<Evaluator, RuntimeError> {
        compile(expr, self.settings).map_err(|error| RuntimeError::Build(error.to_string()))
    }

    fn compile_all(&self, exprs: &[Typed]) -> Result<Vec<Evaluator>, RuntimeError> {
        exprs.iter().map(|expr| self.compile(expr)).collect()
    }
}

/// What stands behind the key in the table a step makes.
fn table_kind(step: &Step) -> TableKind {
    match &step.kind {
        StepKind::Aggregate { window: Some(window), .. } => {
            let retention_ms = window.retention_ms;
            match window.kind {
                WindowKind::Tumbling { size_ms } => TableKind::Time { size_ms, advance_ms: size_ms, retention_ms },
                WindowKind::Hopping { size_ms, advance_ms } => TableKind::Time { size_ms, advance_ms, retention_ms },
                WindowKind::Session { .. } => TableKind::Session { retention_ms },
            }
        }
        // Where the windows of somebody else's table begin is not known: both bounds stand in the key, for ever.
        StepKind::Source(source) => match source.formats.window {
            Some(KeyWindow::Time { .. } | KeyWindow::Hopping { .. } | KeyWindow::Session) => {
                TableKind::Session { retention_ms: i64::MAX }
            }
            None => TableKind::Plain,
        },
        StepKind::Aggregate { window: None, .. } | StepKind::TableAggregate { .. } => TableKind::Plain,
        _ => inputs(step).first().map_or(TableKind::Plain, |input| table_kind(input)),
    }
}

/// Columns of the rows of a table on their way to the groups they belong to.
pub(super) fn regrouped_schema(input: &Schema, grouped: &Schema) -> Schema {
    Schema { key: grouped.key.clone(), value: input.columns().cloned().collect() }
}
