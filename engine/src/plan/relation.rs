//! A step and which column of the query stands where in its rows.

use crate::expr::Typed;
use crate::steps::{KeyWindow, Step, StepKind};
use crate::types::Schema;

use super::error::{PlanError, Result};
use super::universe::{ColumnId, Universe};

/// A step under construction.
#[derive(Debug, Clone)]
pub(super) struct Relation {
    /// The step so far.
    pub(super) step: Step,
    /// The column at each position of its rows: key columns first, then value columns.
    pub(super) layout: Vec<ColumnId>,
    /// The window in its key.
    pub(super) window: Option<KeyWindow>,
}

impl Relation {
    /// Columns of the key.
    pub(super) fn key(&self) -> &[ColumnId] {
        self.layout.get(..self.step.schema.key.len()).unwrap_or_default()
    }

    /// Columns of the value.
    pub(super) fn value(&self) -> &[ColumnId] {
        self.layout.get(self.step.schema.key.len()..).unwrap_or_default()
    }

    /// Where a column stands.
    pub(super) fn position(&self, id: ColumnId) -> Result<usize> {
        self.layout.iter().position(|&other| other == id).ok_or_else(|| lost(id))
    }

    /// An expression over the query's columns as one over this step's rows.
    pub(super) fn place(&self, expr: &Typed) -> Result<Typed> {
        for id in expr.columns() {
            self.position(id)?;
        }
        Ok(expr.clone().remap(&|id| self.position(id).unwrap_or_default()))
    }

    /// Puts a step on top that keeps the columns.
    pub(super) fn wrap(self, id: impl Into<String>, kind: impl FnOnce(Box<Step>) -> StepKind) -> Self {
        let Self { step, layout, window } = self;
        let (schema, is_table, key_format) = (step.schema.clone(), step.is_table, step.key_format.clone());
        let step = Step { id: id.into(), schema, is_table, key_format, kind: kind(Box::new(step)) };
        Self { step, layout, window }
    }

    /// Puts a step on top that makes these columns.
    pub(super) fn onto(
        self,
        id: impl Into<String>,
        universe: &Universe,
        key: Vec<ColumnId>,
        value: Vec<ColumnId>,
        kind: impl FnOnce(Box<Step>) -> StepKind,
    ) -> Self {
        let Self { step, window, .. } = self;
        let schema: Schema = universe.schema(&key, &value);
        let (is_table, key_format) = (step.is_table, step.key_format.clone());
        let step = Step { id: id.into(), schema, is_table, key_format, kind: kind(Box::new(step)) };
        Self { step, layout: key.into_iter().chain(value).collect(), window }
    }
}

/// A column that a later step needs was dropped: a mistake of the planner, reported rather than hidden.
fn lost(id: ColumnId) -> PlanError {
    PlanError::internal(format!("column {id} of the query is not at hand where it is needed"))
}
