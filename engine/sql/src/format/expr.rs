//! Expressions and types. Written into one text as they are walked, so that it takes time in proportion to its length.

use super::{format_ident, format_string, ident, list};
use crate::{BinaryOp, Expr, ExprKind, Ident, Sign, TimeUnit, Type};

/// An expression with every operator in brackets: `(A + (B * 2))`.
pub fn format_expr(expr: &Expr) -> String {
    let mut out = String::new();
    write_expr(&mut out, expr);
    out
}

fn write_expr(out: &mut String, expr: &Expr) {
    match &expr.kind {
        ExprKind::Null => out.push_str("null"),
        ExprKind::Boolean(value) => out.push_str(if *value { "true" } else { "false" }),
        ExprKind::Integer(value) => out.push_str(&value.to_string()),
        ExprKind::Bigint(value) => out.push_str(&value.to_string()),
        ExprKind::Decimal(text) => out.push_str(&decimal(text)),
        ExprKind::Double(value) => out.push_str(&double(*value)),
        ExprKind::String(value) => out.push_str(&format_string(value)),
        ExprKind::Column { source, name } => {
            if let Some(source) = source {
                out.push_str(&ident(source));
                out.push('.');
            }
            out.push_str(&ident(name));
        }
        ExprKind::Unary { op, expr } => {
            // brackets keep `-` and a number from being read as one literal, and two `-` from being read as a comment
            out.push(if *op == Sign::Minus { '-' } else { '+' });
            operand(out, expr);
        }
        ExprKind::Not(expr) => between(out, "(NOT ", expr, ")"),
        ExprKind::Binary { op, left, right } => {
            between(out, "(", left, " ");
            out.push_str(op.symbol());
            between(out, " ", right, ")");
        }
        ExprKind::Case { operand, whens, otherwise } => case(out, operand.as_deref(), whens, otherwise.as_deref()),
        ExprKind::Cast { expr, to } => {
            between(out, "CAST(", expr, " AS ");
            write_type(out, to);
            out.push(')');
        }
        ExprKind::Subscript { base, index } => {
            operand(out, base);
            between(out, "[", index, "]");
        }
        ExprKind::Field { base, field } => {
            operand(out, base);
            out.push_str("->");
            out.push_str(&ident(field));
        }
        ExprKind::Lambda { params, body } => lambda(out, params, body),
        ExprKind::Unit(unit) => out.push_str(unit.name()),
        ExprKind::AtTimeZone { expr, zone } => {
            out.push('(');
            operand(out, expr);
            out.push_str(" AT TIME ZONE ");
            out.push_str(&format_string(zone));
            out.push(')');
        }
        _ => constructed(out, expr),
    }
}

/// Constructors, calls and predicates.
fn constructed(out: &mut String, expr: &Expr) {
    match &expr.kind {
        ExprKind::Array(items) => list(out, "ARRAY[", items, "]", write_expr),
        ExprKind::Map(entries) => list(out, "MAP(", entries, ")", |out, (key, value)| {
            write_expr(out, key);
            between(out, ":=", value, "");
        }),
        ExprKind::Struct(fields) => list(out, "STRUCT(", fields, ")", |out, (name, value)| {
            out.push_str(&ident(name));
            between(out, ":=", value, "");
        }),
        ExprKind::Call { name, args, star } => {
            out.push_str(&function_name(&name.name));
            if *star { out.push_str("(*)") } else { list(out, "(", args, ")", argument) }
        }
        _ => predicate(out, expr),
    }
}

fn predicate(out: &mut String, expr: &Expr) {
    let not = |negated: &bool| if *negated { " NOT" } else { "" };
    match &expr.kind {
        ExprKind::Between { expr, low, high, negated } => {
            between(out, "(", expr, not(negated));
            between(out, " BETWEEN ", low, " AND ");
            between(out, "", high, ")");
        }
        ExprKind::In { expr, list: items, negated } => {
            between(out, "(", expr, not(negated));
            list(out, " IN (", items, "))", write_expr);
        }
        ExprKind::Like { expr, pattern, escape, negated } => {
            between(out, "(", expr, not(negated));
            between(out, " LIKE ", pattern, "");
            if let Some(escape) = escape {
                out.push_str(" ESCAPE ");
                out.push_str(&format_string(&escape.to_string()));
            }
            out.push(')');
        }
        ExprKind::IsNull { expr, negated } => {
            between(out, "(", expr, " IS");
            out.push_str(not(negated));
            out.push_str(" NULL)");
        }
        _ => {}
    }
}

fn between(out: &mut String, before: &str, expr: &Expr, after: &str) {
    out.push_str(before);
    write_expr(out, expr);
    out.push_str(after);
}

/// What `[ ]` and `->` can follow without changing their operand.
fn operand(out: &mut String, expr: &Expr) {
    let is_number = matches!(
        expr.kind,
        ExprKind::Integer(_)
            | ExprKind::Bigint(_)
            | ExprKind::Decimal(_)
            | ExprKind::Double(_)
            | ExprKind::Unary { .. }
    );
    if is_number { between(out, "(", expr, ")") } else { write_expr(out, expr) }
}

fn lambda(out: &mut String, params: &[Ident], body: &Expr) {
    let name = |out: &mut String, param: &Ident| out.push_str(&ident(param));
    match params {
        [one] => name(out, one),
        several => list(out, "(", several, ")", name),
    }
    between(out, " => ", body, "");
}

fn case(out: &mut String, operand: Option<&Expr>, whens: &[(Expr, Expr)], otherwise: Option<&Expr>) {
    out.push_str("(CASE");
    if let Some(operand) = operand {
        between(out, " ", operand, "");
    }
    for (when, then) in whens {
        between(out, " WHEN ", when, " THEN ");
        write_expr(out, then);
    }
    if let Some(otherwise) = otherwise {
        between(out, " ELSE ", otherwise, "");
    }
    out.push_str(" END)");
}

/// The keywords that open a constructor or a special form are function names only in quotes.
fn function_name(name: &str) -> String {
    match name {
        "MAP" | "STRUCT" => format!("`{name}`"),
        _ => format_ident(name),
    }
}

/// A column called like a time unit would be read as the unit.
fn argument(out: &mut String, expr: &Expr) {
    match &expr.kind {
        ExprKind::Column { source: None, name }
            if ["DAY", "HOUR", "MINUTE", "SECOND"].contains(&name.name.as_str()) =>
        {
            out.push_str(&format!("`{}`", name.name));
        }
        _ => write_expr(out, expr),
    }
}

/// Digits alone would be read as an integer.
fn decimal(text: &str) -> String {
    if text.contains('.') { text.to_owned() } else { format!("DECIMAL '{text}'") }
}

/// With the exponent that makes it a DOUBLE.
fn double(value: f64) -> String {
    let text = format!("{value:E}");
    if text.contains('.') { text } else { text.replacen('E', ".0E", 1) }
}

impl BinaryOp {
    /// As it is written: `+`, `<>`, `AND` …
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::Concat => "||",
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::IsDistinctFrom => "IS DISTINCT FROM",
            Self::IsNotDistinctFrom => "IS NOT DISTINCT FROM",
            Self::And => "AND",
            Self::Or => "OR",
        }
    }
}

impl TimeUnit {
    /// `DAYS`, `HOURS` …
    pub fn name(self) -> &'static str {
        match self {
            Self::Days => "DAYS",
            Self::Hours => "HOURS",
            Self::Minutes => "MINUTES",
            Self::Seconds => "SECONDS",
            Self::Milliseconds => "MILLISECONDS",
        }
    }
}

/// A type: `STRUCT<A INTEGER, B ARRAY<STRING>>`.
pub fn format_type(ty: &Type) -> String {
    let mut out = String::new();
    write_type(&mut out, ty);
    out
}

fn write_type(out: &mut String, ty: &Type) {
    match ty {
        Type::Boolean => out.push_str("BOOLEAN"),
        Type::Integer => out.push_str("INTEGER"),
        Type::Bigint => out.push_str("BIGINT"),
        Type::Double => out.push_str("DOUBLE"),
        Type::Decimal { precision, scale } => out.push_str(&format!("DECIMAL({precision}, {scale})")),
        Type::String => out.push_str("STRING"),
        Type::Bytes => out.push_str("BYTES"),
        Type::Time => out.push_str("TIME"),
        Type::Date => out.push_str("DATE"),
        Type::Timestamp => out.push_str("TIMESTAMP"),
        Type::Array(element) => {
            out.push_str("ARRAY<");
            write_type(out, element);
            out.push('>');
        }
        Type::Map(key, value) => {
            out.push_str("MAP<");
            write_type(out, key);
            out.push_str(", ");
            write_type(out, value);
            out.push('>');
        }
        Type::Struct(fields) if fields.is_empty() => out.push_str("STRUCT< >"),
        Type::Struct(fields) => list(out, "STRUCT<", fields, ">", |out, (name, ty)| {
            out.push_str(&ident(name));
            out.push(' ');
            write_type(out, ty);
        }),
        Type::Custom(name) => out.push_str(&ident(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::format_expr;
    use crate::parse_expression;

    /// Formats and checks that nothing was lost.
    fn round(text: &str) -> String {
        let expr = parse_expression(text).unwrap();
        let formatted = format_expr(&expr);
        assert_eq!(parse_expression(&formatted).unwrap(), expr, "{formatted}");
        formatted
    }

    #[test]
    fn precedence_shows_in_the_brackets() {
        assert_eq!(round("a + b * -c || d = 1 and not x or y"), "(((((A + (B * -C)) || D) = 1) AND (NOT X)) OR Y)");
        assert_eq!(round("'a' || 1 + 2 || 'b'"), "(('a' || (1 + 2)) || 'b')");
        assert_eq!(round("a between 1 and 2 and b"), "((A BETWEEN 1 AND 2) AND B)");
        assert_eq!(round("-a->x * 2"), "(-A->X * 2)");
        assert_eq!(round("a - b - c"), "((A - B) - C)");
        assert_eq!(round("a AT TIME ZONE 'UTC'"), "(A AT TIME ZONE 'UTC')");
    }

    #[test]
    fn numbers_keep_their_type() {
        assert_eq!(round("-2147483648"), "-2147483648");
        assert_eq!(round("1 - -1"), "(1 - -1)");
        assert_eq!(round("-(1)"), "-(1)");
        assert_eq!(round("- - 1"), "-(-1)");
        assert_eq!(round("- -x"), "-(-X)");
        assert_eq!(round("decimal '5'"), "DECIMAL '5'");
        assert_eq!(round("1."), "1.");
        assert_eq!(round("1e3 + 1.5E-7"), "(1.0E3 + 1.5E-7)");
    }

    #[test]
    fn everything_else_comes_back() {
        assert_eq!(round("a->b[1]->c"), "A->B[1]->C");
        assert_eq!(round("s.a->b"), "S.A->B");
        assert_eq!(round("case x when 1 then 'a' else null end"), "(CASE X WHEN 1 THEN 'a' ELSE null END)");
        assert_eq!(round("a not like 'x%' escape '''' "), "(A NOT LIKE 'x%' ESCAPE '''')");
        assert_eq!(round("a not in (1, 'it''s')"), "(A NOT IN (1, 'it''s'))");
        assert_eq!(round("a is not distinct from b"), "(A IS NOT DISTINCT FROM B)");
        assert_eq!(round("reduce(m, 0, (s, k, v) => s + v)"), "REDUCE(M, 0, (S, K, V) => (S + V))");
        assert_eq!(round("transform(a, x => x->`y`)"), "TRANSFORM(A, X => X->`y`)");
        assert_eq!(round("struct(f := map('a' := array[1]), `g` := 2)"), "STRUCT(F:=MAP('a':=ARRAY[1]), `g`:=2)");
        assert_eq!(round("cast(a as struct<>)"), "CAST(A AS STRUCT< >)");
        assert_eq!(round("count(*) + count()"), "(COUNT(*) + COUNT())");
        assert_eq!(round("`MAP`(1)"), "`MAP`(1)");
    }

    #[test]
    fn units_and_columns_that_look_like_them() {
        assert_eq!(round("timestampadd(day, 1, x)"), "TIMESTAMPADD(DAYS, 1, X)");
        assert_eq!(round("timestampadd(`DAY`, 1, day)"), "TIMESTAMPADD(`DAY`, 1, `DAY`)");
        assert_eq!(round("day + 1"), "(DAY + 1)");
        assert_eq!(round("my_udf(SECONDS, second)"), "MY_UDF(SECONDS, `SECOND`)");
    }
}
