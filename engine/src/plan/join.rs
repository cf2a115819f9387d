//! JOIN: criteria, keys, repartitions.

use crate::expr::Typed;

use super::error::{PlanError, Result};
use super::relation::Relation;
use super::select::Select;
use super::universe::ColumnId;

/// One JOIN clause with its criterion bound.
#[derive(Debug, Clone)]
pub(super) struct BoundJoin {
    /// The side that belongs to what stands before the JOIN.
    pub(super) left: Typed,
    /// The side that belongs to the joined source.
    pub(super) right: Typed,
}

impl Select<'_> {
    pub(super) fn bind_joins(&mut self) -> Result<Vec<BoundJoin>> {
        if self.query.joins.is_empty() { Ok(Vec::new()) } else { Err(PlanError::unsupported("joins are")) }
    }

    pub(super) fn synthetic_key(&self) -> Option<ColumnId> {
        None
    }

    pub(super) fn join(&mut self, _: &[BoundJoin], _: &[ColumnId]) -> Result<Relation> {
        Err(PlanError::unsupported("joins are"))
    }
}
