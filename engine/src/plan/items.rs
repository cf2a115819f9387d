//! The SELECT list: stars written out, aggregates and table functions taken out, everything else bound.

use sql::{Expr, ExprKind, Ident, SelectItem, Span};

use crate::expr::FunctionKind;
use crate::steps::SourceColumn as C;
use crate::types::SqlType;

use super::aggregate::AggregateUse;
use super::ast;
use super::bind::{self, Clause};
use super::error::{PlanError, Result};
use super::late::Making;
use super::names::is_window_bound;
use super::select::{Item, Select};
use super::universe::{ColumnId, Origin};

/// What a star shows of a source, in the order of a PARTITION BY.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Value,
    Key,
}

/// An expression of the SELECT list; a star is written out.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) expr: Expr,
    alias: String,
    /// The column, if a star stands for it.
    starred: Option<ColumnId>,
}

impl Select<'_> {
    /// The SELECT list with its stars written out.
    pub(super) fn written_items(&self) -> Result<Vec<Written>> {
        let mut written = Vec::new();
        for item in &self.query.select {
            match item {
                SelectItem::Expr { expr, alias } => {
                    let alias = alias.as_ref().map(|alias| alias.name.clone()).unwrap_or_default();
                    written.push(Written { expr: expr.clone(), alias, starred: None });
                }
                SelectItem::All { source, span } => self.write_star(source.as_ref(), *span, &mut written)?,
                SelectItem::StructAll { base, span } => self.write_fields(base, *span, &mut written)?,
            }
        }
        Ok(written)
    }

    /// Binds the SELECT list.
    pub(super) fn bind_items(&mut self, mut written: Vec<Written>) -> Result<()> {
        // What table functions make is known before anything is selected.
        written.iter_mut().try_for_each(|item| self.take_table_functions(&mut item.expr))?;
        for Written { expr: mut written, alias, starred } in written {
            let is_null = matches!(written.kind, ExprKind::Null);
            let expr = match starred {
                Some(column) => self.universe.column(column),
                None => {
                    self.take_aggregates(&mut written)?;
                    self.bind(&written, Clause::Select)?
                }
            };
            if expr.is_null_literal() && is_null {
                return Err(PlanError::unforeseen(
                    "Can't infer a type of null. Please explicitly cast it to a required type, e.g. CAST(null AS VARCHAR).",
                )
                .at(written.span));
            }
            self.items.push(Item { expr, alias, from_star: starred.is_some() });
        }
        Ok(())
    }

    /// Refuses reserved names, and table functions where not every row has them, item by item.
    pub(super) fn check_selected_names(&mut self) -> Result<()> {
        let mut grouped = !self.query.group_by.is_empty();
        for (i, item) in self.query.select.iter().enumerate() {
            if let Some((_, wrong)) = self.wrong.alias.take_if(|(of, _)| *of == i) {
                return Err(wrong);
            }
            if let SelectItem::Expr { expr, .. } = item {
                grouped = grouped || self.calls_a(FunctionKind::Aggregate, expr);
                self.check_table_functions_in(expr, grouped, None, None)?;
            }
        }
        Ok(())
    }

    /// `outer`: the table function around, `case`: the CASE around.
    fn check_table_functions_in<'e>(
        &self,
        expr: &'e Expr,
        grouped: bool,
        mut outer: Option<&'e str>,
        mut case: Option<&'e Expr>,
    ) -> Result<()> {
        match &expr.kind {
            ExprKind::Call { name, .. } if self.is_a(FunctionKind::Table, &name.name) => {
                let refused = |message: String| Err(PlanError::statement(message).at(expr.span));
                if let Some(outer) = outer.replace(&name.name) {
                    return refused(format!("Table functions cannot be nested: `{outer}`(`{}`())", name.name));
                }
                if grouped {
                    return refused("Table functions cannot be used with aggregations.".to_owned());
                }
                if let Some(case) = case {
                    return refused(format!("Table functions cannot be used in CASE: {}", bind::qualified(case)));
                }
            }
            ExprKind::Case { .. } => case = Some(expr),
            _ => {}
        }
        let mut children = ast::children(expr).into_iter();
        children.try_for_each(|child| self.check_table_functions_in(child, grouped, outer, case))
    }

    /// The bounds of the query's own window; its sources have none.
    pub(super) fn make_window_bounds(&mut self) {
        for name in [super::names::WINDOWSTART, super::names::WINDOWEND] {
            if self.universe.made_by_name(name).is_none() {
                self.universe.make(name, SqlType::Bigint);
            }
        }
    }

    /// Replaces calls of table functions by the columns that will hold their results.
    fn take_table_functions(&mut self, expr: &mut Expr) -> Result<()> {
        match &expr.kind {
            ExprKind::Call { name, .. } if self.is_a(FunctionKind::Table, &name.name) => self.take_table_function(expr),
            _ => ast::children_mut(expr).into_iter().try_for_each(|child| self.take_table_functions(child)),
        }
    }

    /// Replaces calls of aggregates by the columns that will hold their results.
    pub(super) fn take_aggregates(&mut self, expr: &mut Expr) -> Result<()> {
        match &expr.kind {
            ExprKind::Call { name, .. } if self.is_a(FunctionKind::Aggregate, &name.name) => self.take_aggregate(expr),
            _ => ast::children_mut(expr).into_iter().try_for_each(|child| self.take_aggregates(child)),
        }
    }

    fn take_aggregate(&mut self, expr: &mut Expr) -> Result<()> {
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
        let (call, no_code) = self.planner.resolve_aggregate(&self.universe, expr)?;
        self.late.note(Making::Arguments, no_code);
        let column = self.universe.make(bind::internal(expr, &self.universe), call.ty.clone());
        self.aggregates.push(AggregateUse { column, written: expr.clone(), ..call });
        Ok(column)
    }

    fn take_table_function(&mut self, expr: &mut Expr) -> Result<()> {
        let function = self.bind(expr, Clause::TableFunction)?;
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
    fn write_star(&self, source: Option<&Ident>, span: Span, written: &mut Vec<Written>) -> Result<()> {
        let is_wanted =
            |n: usize| source.is_none_or(|source| self.froms.get(n).is_some_and(|from| from.alias == source.name));
        let mut columns: Vec<ColumnId> = Vec::new();
        if self.froms.len() > 1 && source.is_none() {
            columns.extend(self.synthetic_key());
        }
        columns.extend((0..self.froms.len()).filter(|&n| is_wanted(n)).flat_map(|n| self.star_columns(n)));
        if !self.query.partition_by.is_empty() {
            columns = self.reorder_for_partition_by(columns);
        }
        for id in columns {
            let Some(column) = self.universe.scope.columns.get(id) else { continue };
            self.count(column.ty.parts(), span)?;
            let qualifier = column.source.as_ref().map(Ident::new);
            let kind = ExprKind::Column { source: qualifier, name: Ident::new(&*column.name) };
            written.push(Written { expr: Expr { kind, span }, alias: self.universe.label(id), starred: Some(id) });
        }
        Ok(())
    }

    /// Refuses a list that stars make too long.
    fn count(&self, parts: usize, span: Span) -> Result<()> {
        let counted = self.universe.scope.count(parts, self.planner.session.bounds.expression_parts, span);
        counted.map_err(|error| PlanError::statement(error.to_string()).at(span))
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
    fn write_fields(&self, base: &Expr, span: Span, written: &mut Vec<Written>) -> Result<()> {
        let parts = ast::parts(base);
        for (name, _) in self.fields_of(base)? {
            self.count(parts, span)?;
            let kind = ExprKind::Field { base: Box::new(base.clone()), field: Ident::new(&*name) };
            written.push(Written { expr: Expr { kind, span }, alias: name, starred: None });
        }
        Ok(())
    }

    /// The fields of a STRUCT that `->*` follows.
    fn fields_of(&self, base: &Expr) -> Result<Vec<(String, SqlType)>> {
        let (ty, what) = match &base.kind {
            ExprKind::Column { source, name } => {
                let source = source.as_ref().map(|source| source.name.as_str());
                let found = self.universe.scope.position(source, &name.name);
                let what = format!("Column `{}` is not a STRUCT type.", bind::internal(base, &self.universe));
                (found.map(|id| self.universe.ty(id)), what)
            }
            ExprKind::Field { base: outer, field } => {
                let fields = self.fields_of(outer)?;
                let Some((_, ty)) = fields.into_iter().find(|(name, _)| *name == field.name) else {
                    let message = format!("Field {} was not found on STRUCT.", field.name);
                    return Err(PlanError::unforeseen(message).at(field.span));
                };
                (Some(ty), format!("Field {} is not a STRUCT type.", field.name))
            }
            // ksqlDB takes columns and their fields only.
            _ => {
                let typed = self.planner.bind(base, &self.universe, Clause::Select)?;
                (Some(typed.ty), format!("{} is not a STRUCT type.", bind::internal(base, &self.universe)))
            }
        };
        match ty {
            Some(SqlType::Struct(fields)) => Ok(fields),
            _ => Err(PlanError::unforeseen(what).at(base.span)),
        }
    }
}
