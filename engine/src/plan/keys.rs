//! A sink's key: every key column has to be selected, once.

use std::collections::HashSet;

use sql::Expr;

use crate::config::setting;
use crate::types::SqlType;

use super::bind;
use super::error::{PlanError, Result};
use super::names::{is_window_bound, listed};
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

/// What a query makes of its SELECT list, by the key of its rows.
pub(super) struct Split {
    /// Columns of the key, and what each is called.
    key: Vec<(ColumnId, Vec<String>)>,
    /// Everything else.
    pub(super) value: Vec<Item>,
}

impl Split {
    /// The names of the key's columns; one that is not selected has none.
    pub(super) fn key_names(&self) -> Vec<String> {
        self.key.iter().flat_map(|(_, names)| names.first()).cloned().collect()
    }

    pub(super) fn is_key_selected(&self) -> bool {
        self.key.iter().all(|(_, names)| !names.is_empty())
    }
}

impl Select<'_> {
    /// Splits the selected expressions of a sink by the key of its rows.
    pub(super) fn split_key(&self, key: &[ColumnId]) -> Result<Split> {
        let items: Vec<Item> = self.items.iter().cloned().map(|item| self.over_key(item)).collect();
        self.check_duplicates(key, &items)?;
        let items: Vec<Item> = items.into_iter().filter(|item| !is_starred_bound(item)).collect();
        let names_of = |id: ColumnId| -> Vec<String> {
            items.iter().filter(|item| item.expr.as_column() == Some(id)).map(|item| item.alias.clone()).collect()
        };
        let named: Vec<(ColumnId, Vec<String>)> = key.iter().map(|&id| (id, names_of(id))).collect();
        if let Some((id, names)) = named.iter().find(|(_, names)| names.len() > 1) {
            return Err(self.key_twice(*id, names));
        }
        let is_selected = named.iter().all(|(_, names)| !names.is_empty());
        if !is_selected && self.may_drop_key() {
            // What is selected of the key are values then.
            return Ok(Split { key: Vec::new(), value: items });
        }
        let is_key = |item: &Item| item.expr.as_column().is_some_and(|id| key.contains(&id));
        let value: Vec<Item> = items.into_iter().filter(|item| !is_key(item)).collect();
        if value.is_empty() {
            return Err(PlanError::statement("The projection contains no value columns."));
        }
        Ok(Split { key: named, value })
    }

    /// Every column of the key has to be selected, and no value may be called like one.
    pub(super) fn check_key(&self, sink: &str, split: &Split) -> Result<()> {
        if !split.is_key_selected() {
            return Err(self.key_missing(sink, split));
        }
        let names = split.key_names();
        match split.value.iter().find(|item| names.contains(&item.alias)) {
            Some(clash) => Err(duplicate("value", &clash.alias, &clash.expr.ty)),
            None => Ok(()),
        }
    }

    /// Columns of the source's key are called differently, and so are the others.
    fn check_duplicates(&self, key: &[ColumnId], items: &[Item]) -> Result<()> {
        let (mut keys, mut values) = (HashSet::new(), HashSet::new());
        let of_source = self.key_origin == KeyOrigin::Group;
        for item in items {
            let is_key = |id: ColumnId| if of_source { self.universe.is_key(id) } else { key.contains(&id) };
            if item.expr.as_column().is_some_and(is_key) {
                if !keys.insert(&item.alias) {
                    return Err(duplicate("key", &item.alias, &item.expr.ty));
                }
            } else if !values.insert(&item.alias) {
                return Err(duplicate("value", &item.alias, &item.expr.ty));
            }
        }
        Ok(())
    }

    /// What a client is shown has names of its own.
    pub(super) fn check_shown(&self) -> Result<()> {
        let mut names = HashSet::new();
        match self.items.iter().find(|item| !names.insert(&item.alias)) {
            Some(twice) => Err(duplicate("value", &twice.alias, &twice.expr.ty)),
            None => Ok(()),
        }
    }

    /// The newer planner lets a stream go on without its key.
    fn may_drop_key(&self) -> bool {
        self.planner.session.config.get(setting::NEW_QUERY_PLANNER_ENABLED) && !self.makes_table()
    }

    fn key_missing(&self, sink: &str, split: &Split) -> PlanError {
        let missing: Vec<ColumnId> =
            split.key.iter().filter(|(_, names)| names.is_empty()).map(|(id, _)| *id).collect();
        let all: Vec<ColumnId> = split.key.iter().map(|(id, _)| *id).collect();
        if let KeyOrigin::ForeignKeyJoin(left) = &self.key_origin {
            let names: Vec<String> = missing.iter().map(|&id| format!("`{}`", self.universe.name(id))).collect();
            let plural = if names.len() == 1 { "" } else { "s" };
            return PlanError::statement(format!(
                "Primary key column{plural} missing in projection. For foreign-key table-table joins, the projection \
                 must include all primary key columns from the left input table (`{left}`). Missing column{plural}: {}.",
                names.join(", ")
            ));
        }
        let (what, names) = match &self.key_origin {
            KeyOrigin::Source | KeyOrigin::ForeignKeyJoin(_) => ("key column", self.labels(&all)),
            KeyOrigin::Group => ("grouping expression", self.written_groups(&missing)),
            KeyOrigin::Partition => {
                ("partitioning expression", self.query.partition_by.iter().map(bind::qualified).collect())
            }
            KeyOrigin::Join(columns) if columns.is_empty() => ("join expression", self.labels(&all)),
            KeyOrigin::Join(columns) => {
                ("join expression", columns.iter().map(|&id| self.qualified_name(id)).collect())
            }
        };
        keys_not_included(sink, what, &names, &self.key_origin)
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

    /// The GROUP BY expressions behind key columns.
    fn written_groups(&self, ids: &[ColumnId]) -> Vec<String> {
        let is_behind = |expr: &&Expr| {
            let bound = self.planner.bind(expr, &self.universe, bind::Clause::GroupBy).ok();
            bound.and_then(|typed| self.key_column(&typed)).is_some_and(|id| ids.contains(&id))
        };
        let exprs = self.query.group_by.iter().filter(is_behind);
        exprs.map(|expr| bind::internal(expr, &self.universe)).collect()
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

    /// Tables and windows keep their keys.
    pub(super) fn check_rekey(&self, relation: &Relation) -> Result<()> {
        if relation.step.is_table {
            let exprs = self.query.partition_by.iter();
            let exprs: Vec<String> = exprs.map(|expr| bind::internal(expr, &self.universe)).collect();
            return Err(PlanError::unforeseen(match relation.key() {
                &[key] => format!(
                    "Cannot repartition a TABLE source. If this is a join, make sure that the criteria uses the TABLE's \
                     key column {} instead of [{}]",
                    self.universe.label(key),
                    exprs.join(", ")
                ),
                _ => "Cannot repartition a TABLE source. If this is a join, joins on tables with multiple columns is not \
                      yet supported."
                    .to_owned(),
            }));
        }
        if relation.window.is_some() {
            return Err(PlanError::statement(
                "Implicit repartitioning of windowed sources is not supported. See \
                 https://github.com/confluentinc/ksql/issues/4385.",
            ));
        }
        Ok(())
    }
}

fn is_starred_bound(item: &Item) -> bool {
    item.from_star && is_window_bound(&item.alias)
}

fn duplicate(of: &str, name: &str, ty: &SqlType) -> PlanError {
    let key = if of == "key" { " KEY" } else { "" };
    PlanError::statement(format!("Duplicate {of} columns found in schema: `{name}` {ty}{key}"))
}

/// Of a join's columns any will do, else all are needed.
fn keys_not_included(sink: &str, what: &str, names: &[String], origin: &KeyOrigin) -> PlanError {
    let plural = if names.len() == 1 { "" } else { "s" };
    let joined = matches!(origin, KeyOrigin::Join(_));
    let (of_all, last) = if joined { ("", "or") } else { (plural, "and") };
    let example = if joined { names.first().cloned().unwrap_or_default() } else { names.join(", ") };
    let (link, synthetic) = match origin {
        KeyOrigin::Join(columns) if columns.is_empty() => (
            "See https://cnfl.io/2LV7ouS.",
            format!(
                "\n{example} was added as a synthetic key column because the join criteria did not match any source \
                 column. This expression must be included in the projection and may be aliased. "
            ),
        ),
        _ => ("", String::new()),
    };
    PlanError::statement(format!(
        "Key{of_all} missing from projection (ie, SELECT). {link}\nThe query used to build `{sink}` must include the \
         {what}{plural} {} in its projection (eg, SELECT {example}...).{synthetic}",
        listed(names, last)
    ))
}
