//! The SELECT list: stars written out, aggregates and table functions taken out, everything else bound.

use sql::{Expr, ExprKind, Ident, SelectItem, Span};

use crate::expr::FunctionKind;
use crate::steps::SourceColumn as C;
use crate::types::SqlType;

use super::aggregate::AggregateUse;
use super::ast;
use super::bind::{self, Clause};
use super::error::{PlanError, Result};
use super::names::is_window_bound;
use super::select::{Item, Select};
use super::universe::{ColumnId, Origin};

/// What a star shows of a source, in the order of a PARTITION BY.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Value,
    Key,
}

impl Select<'_> {
    /// Binds the SELECT list.
    pub(super) fn bind_items(&mut self) -> Result<()> {
        let windowed = self.query.window.is_some();
        if windowed {
            self.make_window_bounds();
        }
        for item in self.query.select.clone() {
            match item {
                SelectItem::Expr { expr, alias } => {
                    let alias = alias.map(|alias| alias.name).unwrap_or_default();
                    self.bind_item(expr, alias)?;
                }
                SelectItem::All { source, span } => self.bind_star(source.as_ref(), span)?,
                SelectItem::StructAll { base, span } => self.bind_fields(&base, span)?,
            }
        }
        Ok(())
    }

    pub(super) fn refuse_table_functions_with_aggregates(&self) -> Result<()> {
        let selects = |kind: FunctionKind| {
            let is_kind = |name: &str| self.planner.functions.get(name).is_some_and(|function| function.kind == kind);
            self.query.select.iter().any(|item| match item {
                SelectItem::Expr { expr, .. } => super::select::calls(expr, &is_kind),
                _ => false,
            })
        };
        if selects(FunctionKind::Table) && (!self.query.group_by.is_empty() || selects(FunctionKind::Aggregate)) {
            return Err(PlanError::statement("Table functions cannot be used with aggregations."));
        }
        Ok(())
    }

    /// The bounds of the query's own window; its sources have none.
    fn make_window_bounds(&mut self) {
        for name in [super::names::WINDOWSTART, super::names::WINDOWEND] {
            if self.universe.made_by_name(name).is_none() {
                self.universe.make(name, SqlType::Bigint);
            }
        }
    }

    fn bind_item(&mut self, written: Expr, alias: String) -> Result<()> {
        let mut inner = written.clone();
        self.take_calls(&mut inner, Clause::Select)?;
        let expr = self.planner.bind(&inner, &self.universe, Clause::Select)?;
        if expr.is_null_literal() && matches!(written.kind, ExprKind::Null) {
            return Err(PlanError::unforeseen(
                "Can't infer a type of null. Please explicitly cast it to a required type, e.g. CAST(null AS VARCHAR).",
            )
            .at(written.span));
        }
        self.items.push(Item { expr, alias, written, from_star: false });
        Ok(())
    }

    /// Replaces calls of aggregates and table functions by the columns that will hold their results.
    pub(super) fn take_calls(&mut self, expr: &mut Expr, clause: Clause) -> Result<()> {
        let kind = match &expr.kind {
            ExprKind::Call { name, .. } => self.planner.functions.get(&name.name).map(|function| function.kind),
            _ => None,
        };
        match kind {
            Some(FunctionKind::Aggregate) => {
                self.check_nesting(expr)?;
                self.take_aggregate(expr)
            }
            Some(FunctionKind::Table) if clause == Clause::Select => {
                if let (Some(inner), ExprKind::Call { name, .. }) = (self.table_call_within(expr), &expr.kind) {
                    let shown = format!("`{}`(`{inner}`())", name.name);
                    return Err(
                        PlanError::statement(format!("Table functions cannot be nested: {shown}")).at(expr.span)
                    );
                }
                self.take_table_function(expr)
            }
            // One that gives rows cannot be left out for some of them.
            _ if clause == Clause::Select
                && matches!(expr.kind, ExprKind::Case { .. })
                && self.table_call_within(expr).is_some() =>
            {
                let shown = bind::internal(expr, &self.universe);
                Err(PlanError::statement(format!("Table functions cannot be used in CASE: {shown}")).at(expr.span))
            }
            _ => ast::children_mut(expr).into_iter().try_for_each(|child| self.take_calls(child, clause)),
        }
    }

    /// Name of a table function that is called within an expression.
    fn table_call_within(&self, expr: &Expr) -> Option<String> {
        let is_table =
            |name: &str| self.planner.functions.get(name).is_some_and(|function| function.kind == FunctionKind::Table);
        fn first(expr: &Expr, is_table: &dyn Fn(&str) -> bool) -> Option<String> {
            match &expr.kind {
                ExprKind::Call { name, .. } if is_table(&name.name) => Some(name.name.clone()),
                _ => ast::children(expr).into_iter().find_map(|child| first(child, is_table)),
            }
        }
        ast::children(expr).into_iter().find_map(|child| first(child, &is_table))
    }

    fn check_nesting(&self, expr: &Expr) -> Result<()> {
        let is_aggregate = |name: &str| {
            self.planner.functions.get(name).is_some_and(|function| function.kind == FunctionKind::Aggregate)
        };
        if ast::children(expr).into_iter().any(|child| super::select::calls(child, &is_aggregate)) {
            let shown = bind::internal(expr, &self.universe).replace("(*)", "()");
            return Err(PlanError::statement(format!("Aggregate functions can not be nested: {shown}")).at(expr.span));
        }
        Ok(())
    }

    fn take_aggregate(&mut self, expr: &mut Expr) -> Result<()> {
        if let Some(bound) = bind::window_bound_in(expr) {
            return Err(super::aggregate::misplaced_window_bound(bound).at(expr.span));
        }
        let known = self.aggregates.iter().find(|known| known.written == *expr).map(|known| known.column);
        let column = match known {
            Some(column) => column,
            None => self.new_aggregate(expr)?,
        };
        let name = self.universe.scope.columns.get(column).map(|column| column.name.clone()).unwrap_or_default();
        expr.kind = ast::unqualified(name, expr.span);
        Ok(())
    }

    fn new_aggregate(&mut self, expr: &Expr) -> Result<ColumnId> {
        let call = self.planner.resolve_aggregate(&self.universe, expr)?;
        let column = self.universe.make(bind::internal(expr, &self.universe), call.ty.clone());
        self.aggregates.push(AggregateUse { column, written: expr.clone(), ..call });
        Ok(column)
    }

    fn take_table_function(&mut self, expr: &mut Expr) -> Result<()> {
        let function = self.planner.bind_table_function(expr, &self.universe)?;
        let row = match &function.ty {
            SqlType::Array(item) => SqlType::clone(item),
            other => other.clone(),
        };
        let name = format!("KSQL_SYNTH_{}", self.table_functions.len());
        let column = self.universe.make(&*name, row);
        self.table_functions.push((function, column));
        expr.kind = ast::unqualified(name, expr.span);
        Ok(())
    }

    /// `*` or `source.*`
    fn bind_star(&mut self, source: Option<&Ident>, span: Span) -> Result<()> {
        let wanted = |n: usize, select: &Self| {
            source.is_none_or(|source| select.froms.get(n).is_some_and(|from| from.alias == source.name))
        };
        let joined = self.froms.len() > 1;
        let mut columns: Vec<ColumnId> = Vec::new();
        if joined && source.is_none() {
            columns.extend(self.synthetic_key());
        }
        for n in 0..self.froms.len() {
            if wanted(n, self) {
                columns.extend(self.star_columns(n));
            }
        }
        if !self.query.partition_by.is_empty() {
            columns = self.reorder_for_partition_by(columns);
        }
        for id in columns {
            let Some(column) = self.universe.scope.columns.get(id) else { continue };
            let most = self.planner.session.bounds.expression_parts;
            let counted = self.universe.scope.count(column.ty.parts(), most, span);
            counted.map_err(|error| PlanError::statement(error.to_string()).at(span))?;
            let alias = self.universe.label(id);
            let qualifier = column.source.as_ref().map(Ident::new);
            let written = Expr { kind: ExprKind::Column { source: qualifier, name: Ident::new(&*column.name) }, span };
            self.items.push(Item { expr: self.universe.column(id), alias, written, from_star: true });
        }
        Ok(())
    }

    /// Key columns, bounds of the window in the key, then value columns.
    fn star_columns(&self, n: usize) -> Vec<ColumnId> {
        let is_bound = |id: ColumnId| self.universe.scope.columns.get(id).is_some_and(|c| is_window_bound(&c.name));
        let own = |id: &ColumnId| match self.universe.origins.get(*id) {
            Some(Origin::Key(owner, _)) => *owner == n,
            Some(Origin::Value(owner, place)) => {
                *owner == n && !matches!(place, C::RowTime | C::RowPartition | C::RowOffset)
            }
            _ => false,
        };
        let all: Vec<ColumnId> = (0..self.universe.origins.len()).filter(own).collect();
        let rank = |id: &ColumnId| match self.universe.origins.get(*id) {
            Some(Origin::Key(..)) => 0,
            _ if is_bound(*id) => 1,
            _ => 2,
        };
        let mut ordered = all;
        ordered.sort_by_key(rank);
        ordered
    }

    /// The new key first; of every source then its values and last its key. ksqlDB shows a join's pseudo columns here.
    fn reorder_for_partition_by(&self, columns: Vec<ColumnId>) -> Vec<ColumnId> {
        let exprs = &self.query.partition_by;
        let key: Vec<ColumnId> = exprs
            .iter()
            .filter_map(|expr| {
                let typed = self.planner.bind(expr, &self.universe, Clause::PartitionBy).ok()?;
                self.key_column(&typed)
            })
            .collect();
        let mut ordered = key.clone();
        for n in 0..self.froms.len() {
            let own = |id: &ColumnId| match self.universe.origins.get(*id) {
                Some(Origin::Key(owner, _)) => (*owner == n).then_some(Last::Key),
                Some(Origin::Value(owner, _)) => (*owner == n).then_some(Last::Value),
                _ => None,
            };
            let of = |last: Last| columns.iter().copied().filter(move |id| own(id) == Some(last));
            let values: Vec<ColumnId> = of(Last::Value).collect();
            let covered = !values.is_empty() || of(Last::Key).next().is_some();
            ordered.extend(values);
            if covered && self.froms.len() > 1 {
                ordered.extend(self.pseudo_columns(n));
            }
            ordered.extend(of(Last::Key));
        }
        let mut seen = std::collections::BTreeSet::new();
        ordered.retain(|id| seen.insert(*id));
        ordered
    }

    fn pseudo_columns(&self, n: usize) -> Vec<ColumnId> {
        let is_pseudo = |origin: &Origin| match origin {
            Origin::Value(owner, C::RowTime | C::RowPartition | C::RowOffset) => *owner == n,
            _ => false,
        };
        let all = self.universe.origins.iter().enumerate();
        all.filter(|(_, origin)| is_pseudo(origin)).map(|(id, _)| id).collect()
    }

    /// `struct->*`
    fn bind_fields(&mut self, base: &Expr, span: Span) -> Result<()> {
        let typed = self.planner.bind(base, &self.universe, Clause::Select)?;
        let SqlType::Struct(fields) = &typed.ty else {
            return Err(PlanError::unforeseen(format!(
                "Column `{}` is not a STRUCT type.",
                bind::internal(base, &self.universe)
            ))
            .at(span));
        };
        for (name, _) in fields {
            let field = ExprKind::Field { base: Box::new(base.clone()), field: Ident::new(&**name) };
            self.bind_item(Expr { kind: field, span }, name.clone())?;
        }
        Ok(())
    }
}
