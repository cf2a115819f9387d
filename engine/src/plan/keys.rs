//! A sink's key: every key column has to be selected, once.

use crate::expr::Typed;

use super::bind;
use super::error::{PlanError, Result};
use super::names::{first_duplicate, is_window_bound, listed};
use super::relation::Relation;
use super::select::{Item, Select};
use super::universe::ColumnId;

/// Where the key of a query's rows comes from; decides how messages call it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum KeyOrigin {
    /// The source's own key.
    Source,
    /// PARTITION BY.
    Partition,
    /// GROUP BY.
    Group,
    /// A join: the columns any of which can stand for the key, or none when the key is synthetic.
    Join(Vec<ColumnId>),
    /// A foreign-key join: the left table's key.
    ForeignKeyJoin(String),
}

impl Select<'_> {
    /// Splits the selected expressions of a sink into the names of the key columns and the value columns.
    pub(super) fn split_key(
        &self,
        sink: &str,
        relation: &Relation,
        items: Vec<Item>,
    ) -> Result<(Vec<String>, Vec<Item>)> {
        let items: Vec<Item> = items.into_iter().filter(|item| !self.is_starred_bound(item)).collect();
        let names_of = |id: ColumnId| -> Vec<String> {
            items.iter().filter(|item| item.expr.as_column() == Some(id)).map(|item| item.alias.clone()).collect()
        };
        let selected: Vec<Vec<String>> = relation.key().iter().map(|&id| names_of(id)).collect();
        let missing: Vec<ColumnId> =
            relation.key().iter().zip(&selected).filter(|(_, names)| names.is_empty()).map(|(&id, _)| id).collect();
        let drops_key = !missing.is_empty() && self.may_drop_key(relation);
        if !missing.is_empty() && !drops_key {
            return Err(self.key_missing(sink, &missing, relation));
        }
        for (&id, names) in relation.key().iter().zip(&selected) {
            if names.len() > 1 {
                return Err(self.key_twice(id, names));
            }
        }
        let key: &[ColumnId] = if drops_key { &[] } else { relation.key() };
        let is_key = |item: &Item| item.expr.as_column().is_some_and(|id| key.contains(&id));
        let value: Vec<Item> = items.into_iter().filter(|item| !is_key(item)).collect();
        let names: Vec<String> = if drops_key { Vec::new() } else { selected.into_iter().flatten().collect() };
        check_value(&names, &value)?;
        Ok((names, value))
    }

    fn is_starred_bound(&self, item: &Item) -> bool {
        item.from_star && is_window_bound(&item.alias)
    }

    /// The newer planner lets a stream go on without its key.
    fn may_drop_key(&self, relation: &Relation) -> bool {
        self.planner.session.config.enabled("ksql.new.query.planner.enabled") && !relation.step.is_table
    }

    fn key_missing(&self, sink: &str, missing: &[ColumnId], relation: &Relation) -> PlanError {
        if let KeyOrigin::ForeignKeyJoin(left) = &self.key_origin {
            let names: Vec<String> = missing.iter().map(|&id| format!("`{}`", self.universe.name(id))).collect();
            let plural = if names.len() == 1 { "" } else { "s" };
            return PlanError::statement(format!(
                "Primary key column{plural} missing in projection. For foreign-key table-table joins, the projection \
                 must include all primary key columns from the left input table (`{left}`). Missing column{plural}: {}.",
                names.join(", ")
            ));
        }
        let (what, names, last) = match &self.key_origin {
            KeyOrigin::Source | KeyOrigin::ForeignKeyJoin(_) => ("key column", self.labels(missing), "and"),
            KeyOrigin::Group => ("grouping expression", self.written_keys(missing, false), "and"),
            KeyOrigin::Partition => ("partitioning expression", self.written_keys(missing, true), "and"),
            KeyOrigin::Join(columns) if columns.is_empty() => ("join expression", self.labels(relation.key()), "or"),
            KeyOrigin::Join(columns) => {
                ("join expression", columns.iter().map(|&id| self.qualified_name(id)).collect(), "or")
            }
        };
        let synthetic = match &self.key_origin {
            KeyOrigin::Join(columns) if columns.is_empty() => format!(
                "\n{} was added as a synthetic key column because the join criteria did not match any source column. \
                 This expression must be included in the projection and may be aliased.",
                listed(&names, last)
            ),
            _ => String::new(),
        };
        let plural = if names.len() == 1 { "" } else { "s" };
        let example = match &self.key_origin {
            KeyOrigin::Join(_) => names.first().cloned().unwrap_or_default(),
            _ => names.join(", "),
        };
        let text = |link: &str| {
            format!(
                "Key missing from projection (ie, SELECT). {link}\nThe query used to build `{sink}` must include the \
                 {what}{plural} {} in its projection (eg, SELECT {example}...).{synthetic}",
                listed(&names, last)
            )
        };
        PlanError::statement(text("See https://cnfl.io/2LV7ouS.")).brief(text(""))
    }

    fn labels(&self, ids: &[ColumnId]) -> Vec<String> {
        ids.iter().map(|&id| self.universe.label(id)).collect()
    }

    fn qualified_name(&self, id: ColumnId) -> String {
        match self.universe.scope.columns.get(id) {
            Some(column) => match &column.source {
                Some(source) => format!("{source}.{}", column.name),
                None => column.name.clone(),
            },
            None => String::new(),
        }
    }

    /// The GROUP BY or PARTITION BY expressions behind key columns.
    fn written_keys(&self, ids: &[ColumnId], with_source: bool) -> Vec<String> {
        let exprs = if with_source { &self.query.partition_by } else { &self.query.group_by };
        let clause = if with_source { bind::Clause::PartitionBy } else { bind::Clause::GroupBy };
        let shown = |id: &ColumnId| {
            let found = exprs.iter().find(|expr| {
                self.planner
                    .bind(expr, &self.universe, clause)
                    .ok()
                    .is_some_and(|typed: Typed| self.key_column(&typed) == Some(*id))
            });
            match found {
                Some(expr) if with_source => bind::qualified(expr),
                Some(expr) => bind::internal(expr, &self.universe),
                None => self.universe.label(*id),
            }
        };
        ids.iter().map(shown).collect()
    }

    fn key_twice(&self, id: ColumnId, names: &[String]) -> PlanError {
        if self.key_origin == KeyOrigin::Group {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            return PlanError::statement(format!(
                "The projection contains a key column more than once: {}.\nEach key column must only be in the \
                 projection once. If you intended to copy the key into the value, then consider using the `AS_VALUE` \
                 function to indicate which key reference should be copied.",
                listed(&names, "and")
            ));
        }
        let mut names = names.to_vec();
        names.sort();
        PlanError::statement(format!(
            "The projection contains a key column (`{}`) more than once, aliased as: {}.\nEach key column must only be \
             in the projection once. If you intended to copy the key into the value, then consider using the \
             `AS_VALUE` function to indicate which key reference should be copied.",
            self.universe.label(id),
            listed(&names, "and")
        ))
    }
}

fn check_value(key: &[String], value: &[Item]) -> Result<()> {
    if value.is_empty() {
        return Err(PlanError::statement("The projection contains no value columns."));
    }
    check_duplicates(key, value)
}

/// Names must be unique, among the values and across key and values.
pub(super) fn check_duplicates(key: &[String], value: &[Item]) -> Result<()> {
    let duplicate = first_duplicate(value.iter().map(|item| item.alias.as_str()))
        .or_else(|| value.iter().map(|item| item.alias.as_str()).find(|name| key.iter().any(|key| key == name)));
    if let Some(item) = duplicate.and_then(|name| value.iter().rfind(|item| item.alias == name)) {
        return Err(PlanError::statement(format!(
            "Duplicate value columns found in schema: `{}` {}",
            item.alias, item.expr.ty
        )));
    }
    match first_duplicate(key.iter().map(String::as_str)) {
        Some(twice) => Err(PlanError::statement(format!("Duplicate key columns found in schema: `{twice}`"))),
        None => Ok(()),
    }
}
