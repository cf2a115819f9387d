//! SELECT, one clause a line.

use super::{format_expr, ident, join};
use crate::{Emit, Interval, Join, JoinKind, Query, SelectItem, SourceRef, Window, WindowKind};

/// A query, its clauses on lines of their own.
pub fn format_query(query: &Query) -> String {
    let mut text = "SELECT".to_owned();
    match query.select.as_slice() {
        [one] => text += &format!(" {}", item(one)),
        several => text += &format!("\n  {}", join(several, ",\n  ", item)),
    }
    text += &format!("\nFROM {}", source(&query.from));
    for one in &query.joins {
        text += &format!("\n{}", joined(one));
    }
    if let Some(one) = &query.window {
        // the blank at the end is ksqlDB's
        text += &format!("\n{} ", window(one));
    }
    if let Some(filter) = &query.filter {
        text += &format!("\nWHERE {}", format_expr(filter));
    }
    if !query.group_by.is_empty() {
        text += &format!("\nGROUP BY {}", join(&query.group_by, ", ", format_expr));
    }
    if !query.partition_by.is_empty() {
        text += &format!("\nPARTITION BY {}", join(&query.partition_by, ", ", format_expr));
    }
    if let Some(having) = &query.having {
        text += &format!("\nHAVING {}", format_expr(having));
    }
    match query.emit {
        Some(Emit::Changes) => text += "\nEMIT CHANGES",
        Some(Emit::Final) => text += "\nEMIT FINAL",
        None => {}
    }
    if let Some(limit) = query.limit {
        text += &format!("\nLIMIT {limit}");
    }
    text
}

fn item(item: &SelectItem) -> String {
    match item {
        SelectItem::Expr { expr, alias: Some(alias) } => format!("{} {}", format_expr(expr), ident(alias)),
        SelectItem::Expr { expr, alias: None } => format_expr(expr),
        SelectItem::All { source: Some(source), .. } => format!("{}.*", ident(source)),
        SelectItem::All { source: None, .. } => "*".to_owned(),
        SelectItem::StructAll { base, .. } => format!("{}->*", format_expr(base)),
    }
}

fn source(source: &SourceRef) -> String {
    match &source.alias {
        Some(alias) => format!("{} {}", ident(&source.name), ident(alias)),
        None => ident(&source.name),
    }
}

fn joined(join: &Join) -> String {
    let kind = match join.kind {
        JoinKind::Inner => "INNER",
        JoinKind::Left => "LEFT OUTER",
        JoinKind::Right => "RIGHT OUTER",
        JoinKind::Outer => "FULL OUTER",
    };
    let mut text = format!("{kind} JOIN {}", source(&join.right));
    if let Some(within) = &join.within {
        let range = if within.before == within.after {
            interval(within.before)
        } else {
            format!("({}, {})", interval(within.before), interval(within.after))
        };
        text += &format!(" WITHIN {range}");
        if let Some(grace) = within.grace {
            text += &format!(" GRACE PERIOD {}", interval(grace));
        }
    }
    text + &format!(" ON ({})", format_expr(&join.on))
}

fn window(window: &Window) -> String {
    let (name, mut parts) = match window.kind {
        WindowKind::Tumbling { size } => ("TUMBLING", vec![format!("SIZE {}", interval(size))]),
        WindowKind::Hopping { size, advance } => {
            ("HOPPING", vec![format!("SIZE {}", interval(size)), format!("ADVANCE BY {}", interval(advance))])
        }
        WindowKind::Session { gap } => ("SESSION", vec![interval(gap)]),
    };
    parts.extend(window.retention.map(|retention| format!("RETENTION {}", interval(retention))));
    parts.extend(window.grace.map(|grace| format!("GRACE PERIOD {}", interval(grace))));
    format!("WINDOW {name} ( {} )", parts.join(" , "))
}

pub(super) fn interval(interval: Interval) -> String {
    format!("{} {}", interval.amount, interval.unit.name())
}

#[cfg(test)]
mod tests {
    use crate::{Variables, format, parse_one};

    #[test]
    fn clauses_come_on_lines_of_their_own() {
        let text = "create table t with (partitions=1) as select a.k, count(*) as `n` from a join b c within (1 day, 2 hours) \
                    grace period 0 seconds on a.k = c.k window hopping (size 1 minute, advance by 30 seconds, retention 1 day, \
                    grace period 5 seconds) where a.v > 1 group by (a.k, c.x) having count(*) > 2 emit final;";
        let parsed = parse_one(text, &Variables::default()).unwrap();
        let formatted = format(&parsed.statement);
        assert_eq!(
            formatted,
            "CREATE TABLE T WITH (PARTITIONS=1) AS SELECT\n  A.K,\n  COUNT(*) `n`\nFROM A\nINNER JOIN B C WITHIN (1 DAYS, 2 HOURS) \
             GRACE PERIOD 0 SECONDS ON ((A.K = C.K))\nWINDOW HOPPING ( SIZE 1 MINUTES , ADVANCE BY 30 SECONDS , RETENTION 1 DAYS , \
             GRACE PERIOD 5 SECONDS ) \nWHERE (A.V > 1)\nGROUP BY A.K, C.X\nHAVING (COUNT(*) > 2)\nEMIT FINAL"
        );
        assert_eq!(parse_one(&formatted, &Variables::default()).unwrap().statement, parsed.statement);
    }
}
