//! Names of a query: which source each column belongs to, and what every selected expression is called.

use std::collections::HashSet;
use std::sync::Arc;

use sql::{Expr, ExprKind, Ident, Query, SelectItem, SourceRef, Span};

use crate::catalog::resolve_type;
use crate::config::setting;
use crate::expr;

use super::bind::Clause;
use super::error::{PlanError, Result, Stage};
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
    /// Names that will not do, in the order in which ksqlDB's analysis comes upon them.
    pub(super) wrong: Wrong,
}

/// The first names of a query that will not do.
#[derive(Debug, Clone, Default)]
pub(super) struct Wrong {
    /// A column that the criterion of each JOIN names.
    pub(super) criteria: Vec<Option<PlanError>>,
    /// The name of a selected expression, and its place in the SELECT list.
    pub(super) alias: Option<(usize, PlanError)>,
    /// A column of another clause.
    pub(super) column: Option<PlanError>,
}

impl Planner<'_> {
    /// Gives columns their sources. Columns that no source has are left alone and noted.
    pub(super) fn resolve(&self, query: &Query, persistent: bool) -> Result<Resolved> {
        self.check_readable(query).map_err(|error| error.during(Stage::Read))?;
        let named = |error: PlanError| error.during(Stage::Names);
        let froms = self.sources_of(query).map_err(named)?;
        self.names_of(query, froms, persistent).map_err(named)
    }

    /// The sources of a query, in the order in which it names them.
    pub(super) fn sources_of(&self, query: &Query) -> Result<Vec<From>> {
        std::iter::once(&query.from)
            .chain(query.joins.iter().map(|join| &join.right))
            .map(|source| self.from(source))
            .collect()
    }

    pub(super) fn names_of(&self, query: &Query, froms: Vec<From>, persistent: bool) -> Result<Resolved> {
        let universe = Universe::new(&froms);
        let aliases = universe.aliases();
        let mut names = Names {
            planner: self,
            froms: &froms,
            columns: froms.iter().map(|from| from.source.schema.columns().map(|c| c.name.as_str()).collect()).collect(),
            aliases,
            persistent,
            windowed: query.window.is_some() && froms.len() == 1,
            wrong: Wrong::default(),
            ambiguous: None,
        };
        let resolved = names.query(query);
        if let Some(ambiguous) = names.ambiguous {
            return Err(ambiguous);
        }
        let (aliases, wrong) = (names.aliases, names.wrong);
        Ok(Resolved { query: resolved, froms, universe, aliases, wrong })
    }

    /// Every source before a column must be one of the query's, and every type must exist.
    pub(super) fn check_readable(&self, query: &Query) -> Result<()> {
        let sources: Vec<&str> = std::iter::once(&query.from)
            .chain(query.joins.iter().map(|join| &join.right))
            .map(|source| source.alias.as_ref().unwrap_or(&source.name).name.as_str())
            .collect();
        let check_source = |source: &Ident| {
            if sources.contains(&source.name.as_str()) {
                return Ok(());
            }
            let message = format!("'{}' is not a valid stream/table name or alias.", source.name);
            Err(PlanError::statement(message).at(source.span))
        };
        query.joins.iter().try_for_each(|join| self.check_read(&join.on, &check_source))?;
        for item in &query.select {
            match item {
                SelectItem::Expr { expr, .. } | SelectItem::StructAll { base: expr, .. } => {
                    self.check_read(expr, &check_source)?;
                }
                SelectItem::All { source, .. } => source.as_ref().map_or(Ok(()), check_source)?,
            }
        }
        let mut clauses = query.filter.iter().chain(&query.group_by).chain(&query.partition_by).chain(&query.having);
        clauses.try_for_each(|expr| self.check_read(expr, &check_source))?;
        check_distinct(&query.group_by, "GROUP BY")?;
        check_distinct(&query.partition_by, "PARTITION BY")
    }

    fn check_read(&self, expr: &Expr, check_source: &dyn Fn(&Ident) -> Result<()>) -> Result<()> {
        match &expr.kind {
            ExprKind::Column { source: Some(source), .. } => return check_source(source),
            ExprKind::AtTimeZone { .. } => return Err(PlanError::statement("not yet implemented").at(expr.span)),
            ExprKind::Cast { to, .. } => {
                resolve_type(to, self.catalog, &self.session.bounds)
                    .map_err(|unknown| messages::unknown_type(self.catalog, &unknown, expr.span))?;
            }
            _ => {}
        }
        super::ast::children(expr).into_iter().try_for_each(|child| self.check_read(child, check_source))
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
        if let Some(lost) = messages::lost(self.catalog, name) {
            return lost;
        }
        let hint = messages::other_spelling(self.catalog, &name.name);
        PlanError::statement(format!("{} does not exist.{hint}", name.name))
            .at(name.span)
            .with_hint(messages::similar_source(self.catalog, &name.name))
    }
}

/// An expression is grouped or partitioned by once.
fn check_distinct(exprs: &[Expr], clause: &str) -> Result<()> {
    let twice =
        exprs.iter().enumerate().find(|(i, expr)| exprs.get(..*i).is_some_and(|earlier| earlier.contains(expr)));
    match twice {
        None => Ok(()),
        Some((_, expr)) => {
            let message = format!("Duplicate {clause} expression: {}", super::bind::qualified(expr));
            Err(PlanError::statement(message).at(expr.span))
        }
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
    wrong: Wrong,
    /// The first column that several sources have, parameter of a lambda that hides something, or key that stands there
    /// twice.
    ambiguous: Option<PlanError>,
}

impl Names<'_> {
    fn query(&mut self, query: &Query) -> Query {
        let mut resolved = query.clone();
        for (source, from) in std::iter::once(&mut resolved.from)
            .chain(resolved.joins.iter_mut().map(|join| &mut join.right))
            .zip(self.froms)
        {
            source.alias = Some(Ident::new(&*from.alias));
        }
        for (i, item) in resolved.select.iter_mut().enumerate() {
            self.item(i, item);
        }
        let selected = self.wrong.column.take();
        for join in &mut resolved.joins {
            self.wrong.criteria.push(None);
            self.qualify(&mut join.on, Clause::JoinOn);
        }
        resolved.filter.iter_mut().for_each(|expr| self.qualify(expr, Clause::Where));
        resolved.group_by.iter_mut().for_each(|expr| self.qualify(expr, Clause::GroupBy));
        self.refuse_twice(&resolved.group_by, "GROUP BY");
        resolved.partition_by.iter_mut().for_each(|expr| self.qualify(expr, Clause::PartitionBy));
        self.refuse_twice(&resolved.partition_by, "PARTITION BY");
        resolved.having.iter_mut().for_each(|expr| self.qualify(expr, Clause::Having));
        // Columns are looked for where they are read first.
        self.wrong.column = self.wrong.column.take().or(selected);
        resolved
    }

    fn refuse_twice(&mut self, exprs: &[Expr], clause: &str) {
        if let Err(twice) = check_distinct(exprs, clause) {
            self.ambiguous.get_or_insert(twice);
        }
    }

    /// The i-th selected expression.
    fn item(&mut self, i: usize, item: &mut SelectItem) {
        match item {
            SelectItem::Expr { expr, alias } => {
                self.qualify(expr, Clause::Select);
                match alias {
                    Some(alias) => self.check_alias(i, expr, alias),
                    None => *alias = Some(self.alias(i, expr)),
                }
            }
            SelectItem::All { .. } => {}
            // What stands before `->*` is looked at when its fields are.
            SelectItem::StructAll { base, .. } => {
                let noted = self.wrong.column.clone();
                self.qualify(base, Clause::Select);
                self.wrong.column = noted;
            }
        }
    }

    fn check_alias(&mut self, i: usize, expr: &Expr, alias: &Ident) {
        let upper = alias.name.to_uppercase();
        if !is_system_column(&upper) {
            return;
        }
        let is_same =
            matches!(&expr.kind, ExprKind::Column { name, .. } if name.name.eq_ignore_ascii_case(&alias.name));
        let error = match (is_same, self.persistent) {
            (true, false) => return,
            (true, true) => reserved(&upper),
            (false, _) => PlanError::statement(format!(
                "`{upper}` is a reserved column name. You cannot use it as an alias for a column."
            )),
        };
        self.wrong.alias.get_or_insert((i, error.at(alias.span)));
    }

    /// The name of an expression without one.
    fn alias(&mut self, i: usize, expr: &Expr) -> Ident {
        let name = match &expr.kind {
            ExprKind::Column { source, name } => {
                let clashes = self.owners(&name.name).count() > 1;
                let alias = match source {
                    Some(source) if clashes => format!("{}_{}", source.name, name.name),
                    _ => name.name.clone(),
                };
                if self.persistent && is_system_column(&alias) {
                    self.wrong.alias.get_or_insert((i, reserved(&alias).at(expr.span)));
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
                    self.note(self.unknown(Some(source), name, span, clause), clause);
                }
            }
            ExprKind::Column { source, name } if !params.contains(&name.name) => {
                let owners: Vec<&From> = self.owners(&name.name).collect();
                match owners.as_slice() {
                    [] if self.belongs_to_no_source(&name.name) => {}
                    [] => self.note(self.unknown(None, name, span, clause), clause),
                    [only] => *source = Some(Ident { name: only.alias.clone(), span }),
                    several => {
                        let wrong = self.several(name, several);
                        self.ambiguous.get_or_insert(wrong);
                    }
                }
            }
            ExprKind::Lambda { params: own, body } => {
                if !self.planner.session.config.get(setting::LAMBDAS_ENABLED) {
                    let wrong = PlanError::statement("Lambdas are not enabled at this time.").at(span);
                    self.ambiguous.get_or_insert(wrong);
                }
                if let Err(wrong) = self.check_parameters(own, params) {
                    self.ambiguous.get_or_insert(wrong);
                }
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

    /// Notes a column that no source has; only the first one counts.
    fn note(&mut self, error: PlanError, clause: Clause) {
        let wrong = match self.wrong.criteria.last_mut() {
            Some(criterion) if clause == Clause::JoinOn => criterion,
            _ => &mut self.wrong.column,
        };
        wrong.get_or_insert(error);
    }

    fn several(&self, name: &Ident, owners: &[&From]) -> PlanError {
        let mut options: Vec<String> = owners.iter().map(|from| format!("{}.{}", from.alias, name.name)).collect();
        options.sort();
        let (place, options) = (self.planner.location(name.span), listed(&options, "or"));
        PlanError::statement(format!("{place}: Column '{}' is ambiguous. Could be {options}.", name.name)).at(name.span)
    }

    /// A lambda's parameter may hide neither a column nor a parameter of a lambda around.
    fn check_parameters(&self, own: &[Ident], outer: &[String]) -> Result<()> {
        let is_column =
            |param: &&Ident| self.froms.iter().any(|from| from.source.schema.position(&param.name).is_some());
        if let Some(param) = own.iter().find(is_column) {
            let message = format!("Lambda function argument can't be a column name: {}", param.name);
            return Err(PlanError::statement(message).at(param.span));
        }
        match own.iter().find(|param| outer.contains(&param.name)) {
            Some(param) => {
                Err(PlanError::statement("Reusing lambda arguments in nested lambda is not allowed").at(param.span))
            }
            None => Ok(()),
        }
    }

    fn unknown(&self, source: Option<&Ident>, name: &Ident, span: Span, clause: Clause) -> PlanError {
        let written = source.map(|source| format!("{}.", source.name)).unwrap_or_default() + &name.name;
        let known = self.froms.iter().filter(|from| source.is_none_or(|source| source.name == from.alias));
        if name.name == "ROWKEY" {
            let keys = known.flat_map(|from| from.source.schema.key.iter()).map(|column| format!("`{}`", column.name));
            let hint = messages::no_rowkey(&keys.collect::<Vec<_>>());
            return self.planner.unknown_column(&written, span, clause).at(span).with_hint(Some(hint));
        }
        let columns = known.flat_map(|from| from.source.schema.columns()).map(|column| column.name.as_str());
        let nearest = expr::nearest(&name.name, columns).map(|name| format!("did you mean `{name}`?"));
        self.planner.unknown_column(&written, span, clause).at(span).with_hint(nearest)
    }
}

fn reserved(name: &str) -> PlanError {
    PlanError::statement(format!("Reserved column name in select: `{name}`. Please remove or alias the column."))
}

fn has_column(from: &From, columns: &HashSet<&str>, name: &str) -> bool {
    columns.contains(name) || (is_system_column(name) && (!is_window_bound(name) || from.source.is_windowed()))
}
