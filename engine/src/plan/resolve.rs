//! Names of a query: which source each column belongs to, and what every selected expression is called.

use std::collections::HashSet;
use std::sync::Arc;

use sql::{Expr, ExprKind, Ident, Query, SelectItem, SourceRef, Span};

use crate::catalog::resolve_type;

use super::bind::Clause;
use super::error::{PlanError, Result};
use super::names::{Aliases, is_system_column, is_window_bound, listed};
use super::universe::{From, Universe};
use super::{Planner, messages};

/// A query whose columns carry their source and whose expressions carry a name.
#[derive(Debug, Clone)]
pub(super) struct Resolved {
    /// FROM, then the joined sources in order.
    pub(super) froms: Vec<From>,
    /// The query with qualified columns and aliases, as ksqlDB shows it; stars are not expanded.
    pub(super) query: Query,
    /// All columns.
    pub(super) universe: Universe,
    /// Makes the names that are still needed, for stars and keys.
    pub(super) aliases: Aliases,
}

impl Planner<'_> {
    /// Resolves the names of a query.
    pub(super) fn resolve(&self, query: &Query, persistent: bool) -> Result<Resolved> {
        let (resolved, wrong) = self.resolve_what_can_be(query, persistent)?;
        wrong.map_or(Ok(resolved), Err)
    }

    /// Resolves the names of a query as far as they are known, for showing it, and says which was the first that is not.
    /// An error is what ksqlDB finds before it resolves anything.
    pub(super) fn resolve_what_can_be(&self, query: &Query, persistent: bool) -> Result<(Resolved, Option<PlanError>)> {
        let froms = self.sources_of(query)?;
        let universe = Universe::new(&froms);
        let aliases = Aliases::new(universe.scope.columns.iter().map(|column| column.name.as_str()));
        let mut names = Names {
            planner: self,
            froms: &froms,
            columns: froms.iter().map(|from| from.source.schema.columns().map(|c| c.name.as_str()).collect()).collect(),
            aliases,
            persistent,
            windowed: query.window.is_some() && froms.len() == 1,
            wrong: None,
        };
        let resolved = names.query(query)?;
        let (aliases, wrong) = (names.aliases, names.wrong);
        Ok((Resolved { query: resolved, froms, universe, aliases }, wrong))
    }

    fn sources_of(&self, query: &Query) -> Result<Vec<From>> {
        let first = self.from(&query.from)?;
        let mut froms = vec![first];
        for join in &query.joins {
            let joined = self.from(&join.right)?;
            if let Some(twice) = froms.iter().find(|from| from.source.name == joined.source.name) {
                let name = &twice.source.name;
                return Err(PlanError::statement(if query.joins.len() == 1 {
                    format!("Can not join '{name}' to '{name}': self joins are not yet supported.")
                } else {
                    format!("N-way joins do not support multiple occurrences of the same source. Source: '{name}'.")
                })
                .at(join.right.name.span));
            }
            froms.push(joined);
        }
        Ok(froms)
    }

    fn from(&self, source: &SourceRef) -> Result<From> {
        let name = &source.name.name;
        let Some(found) = self.catalog.source(name) else {
            return Err(self.unknown_source(&source.name));
        };
        let alias = source.alias.as_ref().map_or(name, |alias| &alias.name).clone();
        Ok(From { alias, source: Arc::clone(found) })
    }

    fn unknown_source(&self, name: &Ident) -> PlanError {
        if let Some(lost) = self.catalog.lost_source(&name.name) {
            return PlanError::preparing(format!("{} {}", name.name, lost.reason())).at(name.span);
        }
        let hint = messages::other_spelling(self.catalog, &name.name);
        PlanError::preparing(format!("{} does not exist.{hint}", name.name))
            .at(name.span)
            .hint(messages::similar_source(self.catalog, &name.name))
    }
}

struct Names<'a> {
    planner: &'a Planner<'a>,
    froms: &'a [From],
    /// Columns of each of them.
    columns: Vec<HashSet<&'a str>>,
    aliases: Aliases,
    persistent: bool,
    /// The query has a window of its own, whose bounds belong to no source (ksqlDB does not know them over a join).
    windowed: bool,
    /// The first name that could not be resolved, or may not be used.
    wrong: Option<PlanError>,
}

impl Names<'_> {
    fn query(&mut self, query: &Query) -> Result<Query> {
        let mut resolved = query.clone();
        for (source, from) in std::iter::once(&mut resolved.from)
            .chain(resolved.joins.iter_mut().map(|join| &mut join.right))
            .zip(self.froms)
        {
            source.alias = Some(Ident::new(&*from.alias));
        }
        self.check_sources(query)?;
        for join in &mut resolved.joins {
            self.qualify(&mut join.on, Clause::JoinOn);
        }
        let filter = resolved.filter.iter_mut().map(|expr| (expr, Clause::Where));
        let group_by = resolved.group_by.iter_mut().map(|expr| (expr, Clause::GroupBy));
        let partition_by = resolved.partition_by.iter_mut().map(|expr| (expr, Clause::PartitionBy));
        let having = resolved.having.iter_mut().map(|expr| (expr, Clause::Having));
        for (expr, clause) in filter.chain(group_by).chain(partition_by).chain(having) {
            self.qualify(expr, clause);
        }
        for item in &mut resolved.select {
            self.item(item);
        }
        Ok(resolved)
    }

    /// Notes an error; only the first one counts.
    fn note(&mut self, error: PlanError) {
        self.wrong.get_or_insert(error);
    }

    /// Every source that is named must be one of the query's, and every type must exist, before anything else is wrong.
    fn check_sources(&self, query: &Query) -> Result<()> {
        let selected = query.select.iter().filter_map(|item| match item {
            SelectItem::Expr { expr, .. } | SelectItem::StructAll { base: expr, .. } => Some(expr),
            SelectItem::All { .. } => None,
        });
        let clauses = query.filter.iter().chain(&query.group_by).chain(&query.partition_by).chain(&query.having);
        let exprs = query.joins.iter().map(|join| &join.on).chain(selected).chain(clauses);
        exprs.into_iter().try_for_each(|expr| self.check_named(expr))
    }

    fn check_named(&self, expr: &Expr) -> Result<()> {
        match &expr.kind {
            ExprKind::Column { source: Some(source), .. } => self.check_source(source),
            ExprKind::AtTimeZone { .. } => Err(PlanError::prepare("not yet implemented").at(expr.span)),
            ExprKind::Cast { expr, to } => {
                resolve_type(to, self.planner.catalog)
                    .map_err(|unknown| PlanError::prepare(unknown.to_string()).at(expr.span))?;
                self.check_named(expr)
            }
            _ => super::ast::children(expr).into_iter().try_for_each(|child| self.check_named(child)),
        }
    }

    fn item(&mut self, item: &mut SelectItem) {
        match item {
            SelectItem::Expr { expr, alias } => {
                self.qualify(expr, Clause::Select);
                match alias {
                    Some(alias) => self.check_alias(expr, alias),
                    None => *alias = Some(self.alias(expr)),
                }
            }
            SelectItem::All { source: Some(source), .. } => {
                if let Err(error) = self.check_source(source) {
                    self.note(error);
                }
            }
            SelectItem::All { source: None, .. } => {}
            SelectItem::StructAll { base, .. } => self.qualify(base, Clause::Select),
        }
    }

    fn check_alias(&mut self, expr: &Expr, alias: &Ident) {
        if !self.persistent || !is_system_column(&alias.name) {
            return;
        }
        let error = if matches!(&expr.kind, ExprKind::Column { name, .. } if name.name == alias.name) {
            reserved(&alias.name)
        } else {
            PlanError::statement(format!(
                "`{}` is a reserved column name. You cannot use it as an alias for a column.",
                alias.name
            ))
        };
        self.note(error.at(alias.span));
    }

    /// The name of an expression without one.
    fn alias(&mut self, expr: &Expr) -> Ident {
        let name = match &expr.kind {
            ExprKind::Column { source, name } => {
                let clashes = self.owners(&name.name).count() > 1;
                let alias = match source {
                    Some(source) if clashes => format!("{}_{}", source.name, name.name),
                    _ => name.name.clone(),
                };
                if self.persistent && is_system_column(&alias) {
                    self.note(reserved(&alias).at(expr.span));
                }
                alias
            }
            ExprKind::Field { field, .. } => self.aliases.field(&field.name),
            _ => self.aliases.expression(),
        };
        Ident { name, span: expr.span }
    }

    fn owners<'b>(&'b self, column: &'b str) -> impl Iterator<Item = &'b From> {
        let sources = self.froms.iter().zip(&self.columns);
        sources.filter(move |(from, columns)| has_column(from, columns, column)).map(|(from, _)| from)
    }

    fn check_source(&self, source: &Ident) -> Result<()> {
        if self.froms.iter().any(|from| from.alias == source.name) {
            return Ok(());
        }
        Err(PlanError::prepare(format!("'{}' is not a valid stream/table name or alias.", source.name)).at(source.span))
    }

    fn qualify(&mut self, expr: &mut Expr, clause: Clause) {
        self.walk(expr, clause, &mut Vec::new());
    }

    /// Gives every column its source; `params` are the lambda parameters in sight.
    fn walk(&mut self, expr: &mut Expr, clause: Clause, params: &mut Vec<String>) {
        let span = expr.span;
        match &mut expr.kind {
            ExprKind::Column { source, name } if source.is_some() && self.windowed && is_window_bound(&name.name) => {
                *source = None;
            }
            ExprKind::Column { source: Some(source), name } => {
                let known = self.owners(&name.name).any(|from| from.alias == source.name);
                if !known {
                    self.note(self.unknown(Some(source), name, span, clause));
                }
            }
            ExprKind::Column { source, name } if !params.contains(&name.name) => {
                let owners: Vec<&From> = self.owners(&name.name).collect();
                let wrong = match owners.as_slice() {
                    [] if self.belongs_to_no_source(&name.name) => return,
                    [] => self.unknown(None, name, span, clause),
                    [only] => {
                        *source = Some(Ident { name: only.alias.clone(), span });
                        return;
                    }
                    several => ambiguous(name, several),
                };
                self.note(wrong);
            }
            ExprKind::Lambda { params: own, body } => {
                let outer = params.len();
                params.extend(own.iter().map(|param| param.name.clone()));
                self.walk(body, clause, params);
                params.truncate(outer);
            }
            _ => super::ast::children_mut(expr).into_iter().for_each(|child| self.walk(child, clause, params)),
        }
    }

    /// Bounds of the query's window, and the key of a join that no column stands for.
    fn belongs_to_no_source(&self, name: &str) -> bool {
        (self.windowed && is_window_bound(name)) || (self.froms.len() > 1 && name.starts_with("ROWKEY"))
    }

    fn unknown(&self, source: Option<&Ident>, name: &Ident, span: Span, clause: Clause) -> PlanError {
        let written = source.map(|source| format!("{}.", source.name)).unwrap_or_default() + &name.name;
        let known = self.froms.iter().filter(|from| source.is_none_or(|source| source.name == from.alias));
        let nearest = known
            .flat_map(|from| from.source.schema.columns())
            .map(|column| (strsim::jaro_winkler(&column.name.to_uppercase(), &name.name.to_uppercase()), &column.name))
            .filter(|(similarity, _)| *similarity > 0.8)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, name)| format!("did you mean `{name}`?"));
        self.planner.unknown_column(&written, span, clause).at(span).hint(nearest)
    }
}

fn reserved(name: &str) -> PlanError {
    PlanError::statement(format!("Reserved column name in select: `{name}`. Please remove or alias the column."))
}

fn ambiguous(name: &Ident, owners: &[&From]) -> PlanError {
    let options: Vec<String> = owners.iter().map(|from| format!("{}.{}", from.alias, name.name)).collect();
    PlanError::statement(format!("Column '{}' is ambiguous. Could be {}.", name.name, listed(&options, "or")))
        .at(name.span)
}

fn has_column(from: &From, columns: &HashSet<&str>, name: &str) -> bool {
    columns.contains(name) || (is_system_column(name) && (!is_window_bound(name) || from.source.is_windowed()))
}
