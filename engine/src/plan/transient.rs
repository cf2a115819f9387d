//! Queries whose rows go to a client: push queries, and the names and types of a pull query's SELECT list.

use sql::{Emit, Query};

use crate::expr::Typed;
use crate::steps::{QueryPlan, Step};
use crate::types::Schema;

use super::Planner;
use super::bind::Clause;
use super::error::{PlanError, Result, Told};
use super::late::Making;
use super::select::Select;
use super::source;
use super::universe::Origin;

/// A SELECT over one stream or table, analysed but not planned: what a pull query evaluates over stored rows.
#[derive(Debug, Clone)]
pub struct Analysis {
    /// The step that would read the source: its schema is the row layout the expressions are bound to (all key columns,
    /// then the columns the query names; `Source::columns` says where each comes from).
    pub input: Step,
    /// Name and expression of every selected column, in order.
    pub select: Vec<(String, Typed)>,
    /// WHERE.
    pub filter: Option<Typed>,
}

impl Planner<'_> {
    pub(super) fn transient(&self, query: &Query) -> Result<QueryPlan> {
        let limit =
            query.limit.map(u64::try_from).transpose().map_err(|_| {
                PlanError::statement("Push queries don't support negative integers in the LIMIT clause.")
            })?;
        let resolved = self.resolve(query, false)?;
        let first = resolved.froms.first().map(|from| from.source.name.clone()).unwrap_or_default();
        let selected = Select::new(self, resolved, None).plan()?;
        selected.late?;
        Ok(QueryPlan {
            id: self.query_id("transient", &first),
            root: selected.root,
            sink: None,
            sink_name: None,
            sources: selected.sources,
            limit,
        })
    }

    /// Analyses the SELECT list and WHERE of a query over one stream or table.
    ///
    /// # Errors
    /// Names or types that do not fit; clauses that such a query cannot have are refused by the caller.
    pub fn analyze(&self, query: &Query) -> Result<Analysis> {
        self.analyzed(query).map_err(|error| error.told(Told::Query))
    }

    /// Checks the names that a query uses.
    ///
    /// # Errors
    /// A source or column that there is not.
    pub fn check_names(&self, query: &Query) -> Result<()> {
        let check = || Select::new(self, self.resolve(query, false)?, None).analyze();
        check().map_err(|error| error.told(Told::Query))
    }

    /// Checks names, and the types of a WHERE, not whether there is code for it.
    ///
    /// # Errors
    /// Those of [`Self::check_names`], and a WHERE of operands that do not go together.
    pub fn check_filter(&self, query: &Query) -> Result<()> {
        let check = || {
            let mut select = Select::new(self, self.resolve(query, false)?, None);
            select.check_names()?;
            select.bind_where().map(|_| ())
        };
        check().map_err(|error| error.told(Told::Query))
    }

    fn analyzed(&self, query: &Query) -> Result<Analysis> {
        if !query.joins.is_empty() || query.window.is_some() || query.emit == Some(Emit::Final) {
            return Err(PlanError::internal("only a query over one source can be analysed"));
        }
        let resolved = self.resolve(query, false)?;
        let mut select = Select::new(self, resolved, None);
        select.check_names()?;
        select.check_table_functions()?;
        let filter = query
            .filter
            .is_some()
            .then(|| select.query.filter.clone())
            .flatten()
            .map(|filter| self.bind_predicate(&filter, &select.universe, Clause::Where))
            .transpose()?;
        let written = select.written_items()?;
        select.bind_items(written)?;
        select.late.check(Making::Query)?;
        let mut needed: Vec<usize> =
            select.items.iter().map(|item| &item.expr).chain(&filter).flat_map(Typed::columns).collect();
        needed.retain(|&id| select.universe.origins.get(id).is_some_and(|origin| *origin != Origin::Made));
        let Some(from) = select.froms.first() else {
            return Err(PlanError::internal("the query has no source"));
        };
        let relation = source::read("KsqlTopic/Source", 0, from, &needed, &select.universe);
        let filter = filter.map(|filter| relation.place(&filter)).transpose()?;
        let items = select.items.iter().map(|item| Ok((item.alias.clone(), relation.place(&item.expr)?)));
        Ok(Analysis { select: items.collect::<Result<_>>()?, filter, input: relation.step })
    }
}

impl Analysis {
    /// Names and types of the result; nothing is a key.
    pub fn schema(&self) -> Schema {
        let value =
            self.select.iter().map(|(name, expr)| crate::types::Column::new(&**name, expr.ty.clone())).collect();
        Schema { key: Vec::new(), value }
    }
}
