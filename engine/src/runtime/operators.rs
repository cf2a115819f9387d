//! Step → operator.

use crate::expr::{Evaluator, Registry, Settings, Typed, compile};
use crate::operators::{Filter, FlatMap, Operator, Project, Rekey};
use crate::plan::step::{Step, StepKind};
use crate::state::Place;
use crate::types::Schema;

use super::registry::RuntimeError;

/// What operators are made with besides their step.
pub(super) struct Making<'a> {
    pub(super) functions: &'a Registry,
    pub(super) settings: &'a Settings,
    /// Where the task keeps its state; each operator keeps its own below.
    pub(super) place: &'a Place,
}

impl Making<'_> {
    /// The operator of a step that runs in one piece.
    pub(super) fn operator(&self, step: &Step) -> Result<Box<dyn Operator>, RuntimeError> {
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

    fn compile(&self, expr: &Typed) -> Result<Evaluator, RuntimeError> {
        compile(expr, self.settings).map_err(|error| RuntimeError::Build(error.to_string()))
    }

    fn compile_all(&self, exprs: &[Typed]) -> Result<Vec<Evaluator>, RuntimeError> {
        exprs.iter().map(|expr| self.compile(expr)).collect()
    }
}

/// Columns of the rows of a table on their way to the groups they belong to.
pub(super) fn regrouped_schema(input: &Schema, grouped: &Schema) -> Schema {
    Schema { key: grouped.key.clone(), value: input.columns().cloned().collect() }
}
