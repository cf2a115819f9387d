//! What ksqlDB refuses in pull queries, in its words.

use sql::{BinaryOp, Expr, ExprKind, Query, SelectItem};

use crate::catalog::Source;
use crate::config::Config;
use crate::expr::{FunctionKind, Registry, show};
use crate::failure::Failure;
use crate::plan::PlanError;

use super::lookup::{self, Conjunct};

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
    if query.limit.is_some() && !config.enabled("ksql.query.pull.limit.clause.enabled") {
        return Err(refuse(
            "LIMIT clause in pull queries is currently disabled. You can enable them by setting \
             ksql.query.pull.limit.clause.enabled=true.",
        ));
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
    lookup::visit(expr, &mut |part| {
        if let ExprKind::Call { name, .. } = &part.kind {
            found |= functions.get(&name.name).is_some_and(|function| function.kind == FunctionKind::Aggregate);
        }
    });
    found
}

/// Refuses pull queries on streams where they are switched off.
pub(crate) fn check_stream(config: &Config) -> Result<(), Failure> {
    if config.enabled("ksql.query.pull.stream.enabled") {
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
        lookup::visit(expr, &mut |part| {
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

/// A table nobody keeps the rows of.
pub(super) fn not_materialized(name: &str) -> Failure {
    refuse(&format!(
        "The `{name}` table isn't queryable. To derive a queryable table, you can do 'CREATE TABLE QUERYABLE_{name} AS \
         SELECT * FROM {name}'."
    ))
}

/// What ksqlDB adds when a comparison does not fit.
pub(crate) fn explain(error: PlanError, query: &Query) -> Failure {
    const COMPARE: &str = "Error in WHERE expression: Cannot compare ";
    let (span, message) = (error.span, error.message.clone());
    let mut failure = Failure::from(error);
    let (Some(filter), Some(span), Some(rest)) = (&query.filter, span, message.strip_prefix(COMPARE)) else {
        return failure;
    };
    let mut found = None;
    lookup::visit(filter, &mut |part| {
        if (part.span.start, part.span.end) == (span.start, span.end) && found.is_none() {
            found = Some(part);
        }
    });
    if let Some(Expr { kind: ExprKind::Between { .. }, .. }) = found {
        let rest = rest.split("\nStatement: ").next().unwrap_or_default();
        failure.message = format!("Invalid expression: Cannot compare {rest}");
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

/// Whether one alternative of a WHERE may be answered without a table scan, which is switched off: key equalities, or
/// one range of a single key. `alternatives` is how many there are.
pub(super) fn check_without_scan(
    conjuncts: &[&Expr],
    source: &Source,
    ranges: bool,
    alternatives: usize,
) -> Result<(), Failure> {
    let (key, windowed) = (&source.schema.key, source.is_windowed());
    let refused = |message: &str| where_clause(message, windowed);
    let (mut seen, mut bounds): (Vec<&str>, usize) = (Vec::new(), 0);
    for conjunct in conjuncts {
        match lookup::conjunct(conjunct, source) {
            Conjunct::KeyEquals { column, .. } => seen.push(column),
            Conjunct::KeyCompares { column, op } => {
                if op == BinaryOp::NotEqual {
                    let key: Vec<String> = key.iter().map(|c| format!("`{}` {} KEY", c.name, c.ty)).collect();
                    let key = key.join(", ");
                    return Err(refused(&format!("Bound on key columns '[{key}]' must currently be '='")));
                }
                if key.len() == 1 && seen.contains(&column) {
                    return Err(refused(
                        "A comparison condition on the key column cannot be combined with other comparisons such as an \
                         IN predicate",
                    ));
                }
                seen.push(column);
                bounds += 1;
            }
            Conjunct::Unresolvable => {
                return Err(refused("A comparison must be between a key column and a resolvable expression"));
            }
            Conjunct::NoColumn => return Err(refused("A comparison must directly reference a key column")),
            Conjunct::Like => {
                let ExprKind::Like { expr, .. } = &conjunct.kind else { continue };
                let message = match expr.kind {
                    ExprKind::Column { .. } => "Like condition on key columns requires table scan to be enabled",
                    _ => "Like condition must be between strings",
                };
                return Err(refused(message));
            }
            Conjunct::Window | Conjunct::Other => {}
        }
    }
    if seen.is_empty() {
        let text: Vec<String> = conjuncts.iter().map(|expr| shown(expr)).collect();
        let text = if text.len() == 1 { text.concat() } else { format!("({})", text.join(" AND ")) };
        return Err(refused(&format!("WHERE clause missing key column for disjunct: {text}")));
    }
    if key.iter().any(|column| !seen.contains(&column.name.as_str())) {
        let names = |names: &mut dyn Iterator<Item = &str>| names.collect::<Vec<_>>().join(", ");
        return Err(refused(&format!(
            "Multi-column sources must specify every key in the WHERE clause. Specified: [{}] Expected: [{}]",
            names(&mut seen.iter().copied()),
            names(&mut key.iter().map(|column| column.name.as_str())),
        )));
    }
    if bounds > 0 && (!ranges || windowed || key.len() > 1 || alternatives > 1) {
        return Err(refused("Query requires table scan to be enabled"));
    }
    Ok(())
}

/// Two bounds of one kind on the start or the end of the window beside a key.
pub(super) fn check_window_bounds(conjuncts: &[&Expr], source: &Source) -> Result<(), Failure> {
    let mut seen = Vec::new();
    for conjunct in conjuncts {
        let ExprKind::Binary { op, left, right } = &conjunct.kind else { continue };
        let (column, op) = match (&left.kind, &right.kind) {
            (ExprKind::Column { name, .. }, _) => (&name.name, *op),
            (_, ExprKind::Column { name, .. }) => (&name.name, lookup::flipped(*op)),
            _ => continue,
        };
        let Some(operator) = operator(op).filter(|_| column == "WINDOWSTART" || column == "WINDOWEND") else {
            continue;
        };
        if seen.contains(&(column, operator)) {
            return Err(where_clause(&format!("Duplicate `{column}` bounds on: {operator}"), source.is_windowed()));
        }
        seen.push((column, operator));
    }
    Ok(())
}

fn operator(op: BinaryOp) -> Option<&'static str> {
    Some(match op {
        BinaryOp::Equal => "EQUAL",
        BinaryOp::Less => "LESS_THAN",
        BinaryOp::LessEqual => "LESS_THAN_OR_EQUAL",
        BinaryOp::Greater => "GREATER_THAN",
        BinaryOp::GreaterEqual => "GREATER_THAN_OR_EQUAL",
        _ => return None,
    })
}

/// An expression as messages show it.
pub(super) fn shown(expr: &Expr) -> String {
    show::show(expr, &|_, name| name.name.clone())
}
