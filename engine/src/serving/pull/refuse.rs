//! What ksqlDB refuses in pull queries, in its words.

use std::collections::HashSet;

use sql::{Expr, ExprKind, Query, SelectItem};

use crate::config::{Config, setting};
use crate::expr::{FunctionKind, Registry, show};
use crate::failure::Failure;
use crate::plan::PlanError;
use crate::types::Column;

use super::expressions::visit;

/// Where ksqlDB's users are sent, and what they may have meant.
const MORE: &str =
    " See https://cnfl.io/queries for more info.\nAdd EMIT CHANGES if you intended to issue a push query.";

/// Refuses what no pull query may have.
pub(crate) fn check_clauses(query: &Query, config: &Config, functions: &Registry) -> Result<(), Failure> {
    // An aggregate without GROUP BY is one over all rows.
    let groups = !query.group_by.is_empty() || selected(query).any(|expr| aggregates(expr, functions));
    let refused = [
        (!query.joins.is_empty(), "JOIN"),
        (query.window.is_some(), "WINDOW"),
        (groups, "GROUP BY"),
        (!query.partition_by.is_empty(), "PARTITION BY"),
        (query.having.is_some(), "HAVING"),
    ];
    if let Some((_, clause)) = refused.into_iter().find(|(present, _)| *present) {
        return Err(refuse(&format!("Pull queries don't support {clause} clauses.")));
    }
    if query.limit.is_some() && !config.get(setting::QUERY_PULL_LIMIT_CLAUSE_ENABLED) {
        return Err(refuse(
            "LIMIT clause in pull queries is currently disabled. You can enable them by setting \
             ksql.query.pull.limit.clause.enabled=true.",
        ));
    }
    if query.limit.is_some_and(i64::is_negative) {
        return Err(refuse("Pull queries don't support negative integers in the LIMIT clause."));
    }
    check_pseudo_columns(selected(query), "SELECT")?;
    check_pseudo_columns(query.filter.iter(), "WHERE")
}

fn selected(query: &Query) -> impl Iterator<Item = &Expr> {
    query.select.iter().filter_map(|item| match item {
        SelectItem::Expr { expr, .. } | SelectItem::StructAll { base: expr, .. } => Some(expr),
        SelectItem::All { .. } => None,
    })
}

fn aggregates(expr: &Expr, functions: &Registry) -> bool {
    let mut found = false;
    visit(expr, &mut |part| {
        if let ExprKind::Call { name, .. } = &part.kind {
            found |= functions.get(&name.name).is_some_and(|function| function.kind == FunctionKind::Aggregate);
        }
    });
    found
}

/// Refuses pull queries on streams where they are switched off.
pub(crate) fn check_stream(config: &Config) -> Result<(), Failure> {
    if config.get(setting::QUERY_PULL_STREAM_ENABLED) {
        return Ok(());
    }
    Err(Failure::statement(
        "Pull queries on streams are disabled. To create a push query on the stream, add EMIT CHANGES to the end. To \
         enable pull queries on streams, set the ksql.query.pull.stream.enabled config to 'true'.",
    ))
}

/// ROWPARTITION and ROWOFFSET are not kept.
fn check_pseudo_columns<'a>(exprs: impl Iterator<Item = &'a Expr>, clause: &str) -> Result<(), Failure> {
    let mut found: Vec<&str> = Vec::new();
    for expr in exprs {
        visit(expr, &mut |part| {
            if let ExprKind::Column { name, .. } = &part.kind
                && let Some(pseudo) = ["ROWPARTITION", "ROWOFFSET"].into_iter().find(|pseudo| *pseudo == name.name)
                && !found.contains(&pseudo)
            {
                found.push(pseudo);
            }
        });
    }
    if found.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = found.iter().map(|name| format!("`{name}`")).collect();
    let names = names.join(", ");
    Err(refuse(&format!("Pull queries don't support the following columns in {clause} clauses: {names}\n")))
}

/// A star stands alone.
pub(super) fn check_stars(query: &Query) -> Result<(), Failure> {
    let stars = query.select.iter().any(|item| matches!(item, SelectItem::All { .. }));
    if stars && query.select.len() > 1 {
        return Err(Failure::statement(
            "Pull queries only support wildcards in the projects if they are the only expression",
        ));
    }
    Ok(())
}

/// Two columns of one name.
pub(super) fn check_duplicates(columns: &[Column], keys: &[bool]) -> Result<(), Failure> {
    let mut seen = HashSet::new();
    let Some((column, is_key)) = columns.iter().zip(keys).find(|(column, _)| !seen.insert(&column.name)) else {
        return Ok(());
    };
    let (kind, suffix) = if *is_key { ("key", " KEY") } else { ("value", "") };
    let (name, ty) = (&column.name, &column.ty);
    Err(Failure::statement(format!("Duplicate {kind} columns found in schema: `{name}` {ty}{suffix}")))
}

/// A table nobody keeps the rows of.
pub(super) fn not_materialized(name: &str) -> Failure {
    refuse(&format!(
        "The `{name}` table isn't queryable. To derive a queryable table, you can do 'CREATE TABLE QUERYABLE_{name} AS \
         SELECT * FROM {name}'."
    ))
}

/// Pull queries are interpreted, no code is made for them: ksqlDB says so.
pub(crate) fn explain(error: PlanError) -> Failure {
    let mut failure = Failure::from(error);
    if let Some(rest) = failure.message.strip_prefix("Invalid Predicate: ") {
        let told = rest.split("\nStatement: ").next().unwrap_or_default();
        failure.message = format!("Invalid expression: {}", told.replacen(". expression: ", ". expression:", 1));
    }
    failure
}

fn refuse(message: &str) -> Failure {
    Failure::statement(format!("{message}{MORE}"))
}

/// What is wrong with a WHERE clause, with ksqlDB's explanation of what would be right.
pub(super) fn where_clause(message: &str, windowed: bool) -> Failure {
    let windows = if windowed {
        "\n - (optionally) limits the time bounds of the windowed table.\n\t Bounds on [`WINDOWSTART`, `WINDOWEND`] are \
         supported\n\t Supported operators are [EQUAL, GREATER_THAN, GREATER_THAN_OR_EQUAL, LESS_THAN, LESS_THAN_OR_EQUAL]"
    } else {
        ""
    };
    Failure::statement(format!(
        "{message}. {MORE}\nPull queries require a WHERE clause that:\n - includes a key equality expression, e.g. \
         `SELECT * FROM X WHERE <key-column> = Y;`.\n - in the case of a multi-column key, is a conjunction of equality \
         expressions that cover all key columns.\n - to support range expressions, e.g.,  SELECT * FROM X WHERE \
         <key-column> < Y;`, range scans need to be enabled by setting \
         ksql.query.pull.range.scan.enabled=true{windows}\nIf more flexible queries are needed, , table scans can be \
         enabled by setting ksql.query.pull.table.scan.enabled=true."
    ))
}

/// An expression as messages show it.
pub(super) fn shown(expr: &Expr) -> String {
    show::show(expr, &|_, name| name.name.clone())
}
