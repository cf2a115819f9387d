//! Expressions and types.

use super::{format_ident, format_string, ident, join};
use crate::{BinaryOp, Expr, ExprKind, Sign, TimeUnit, Type};

/// An expression with every operator in brackets: `(A + (B * 2))`.
pub fn format_expr(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Null => "null".to_owned(),
        ExprKind::Boolean(value) => value.to_string(),
        ExprKind::Integer(value) => value.to_string(),
        ExprKind::Bigint(value) => value.to_string(),
        ExprKind::Decimal(text) => decimal(text),
        ExprKind::Double(value) => double(*value),
        ExprKind::String(value) => format_string(value),
        ExprKind::Column { source: Some(source), name } => format!("{}.{}", ident(source), ident(name)),
        ExprKind::Column { source: None, name } => ident(name),
        ExprKind::Unary { op, expr } => signed(*op, expr),
        ExprKind::Not(expr) => format!("(NOT {})", format_expr(expr)),
        ExprKind::Binary { op, left, right } => {
            format!("({} {} {})", format_expr(left), op.symbol(), format_expr(right))
        }
        ExprKind::Case { operand, whens, otherwise } => case(operand.as_deref(), whens, otherwise.as_deref()),
        ExprKind::Cast { expr, to } => format!("CAST({} AS {})", format_expr(expr), format_type(to)),
        ExprKind::Subscript { base, index } => format!("{}[{}]", operand(base), format_expr(index)),
        ExprKind::Field { base, field } => format!("{}->{}", operand(base), ident(field)),
        ExprKind::Array(items) => format!("ARRAY[{}]", join(items, ", ", format_expr)),
        ExprKind::Map(entries) => {
            format!("MAP({})", join(entries, ", ", |(k, v)| format!("{}:={}", format_expr(k), format_expr(v))))
        }
        ExprKind::Struct(fields) => {
            format!("STRUCT({})", join(fields, ", ", |(name, v)| format!("{}:={}", ident(name), format_expr(v))))
        }
        ExprKind::Call { name, star: true, .. } => format!("{}(*)", function_name(&name.name)),
        ExprKind::Call { name, args, .. } => format!("{}({})", function_name(&name.name), join(args, ", ", argument)),
        ExprKind::Lambda { params, body } => {
            let names = join(params, ", ", ident);
            let names = if params.len() == 1 { names } else { format!("({names})") };
            format!("{names} => {}", format_expr(body))
        }
        ExprKind::Unit(unit) => unit.name().to_owned(),
        ExprKind::AtTimeZone { expr, zone } => format!("({} AT TIME ZONE {})", operand(expr), format_string(zone)),
        _ => predicate(expr),
    }
}

fn predicate(expr: &Expr) -> String {
    let not = |negated: &bool| if *negated { "NOT " } else { "" };
    match &expr.kind {
        ExprKind::Between { expr, low, high, negated } => {
            format!("({} {}BETWEEN {} AND {})", format_expr(expr), not(negated), format_expr(low), format_expr(high))
        }
        ExprKind::In { expr, list, negated } => {
            format!("({} {}IN ({}))", format_expr(expr), not(negated), join(list, ", ", format_expr))
        }
        ExprKind::Like { expr, pattern, escape, negated } => {
            let escape = escape.map(|c| format!(" ESCAPE {}", format_string(&c.to_string()))).unwrap_or_default();
            format!("({} {}LIKE {}{escape})", format_expr(expr), not(negated), format_expr(pattern))
        }
        ExprKind::IsNull { expr, negated } => format!("({} IS {}NULL)", format_expr(expr), not(negated)),
        _ => String::new(),
    }
}

/// What `[ ]` and `->` can follow without changing their operand.
fn operand(expr: &Expr) -> String {
    let text = format_expr(expr);
    let is_number = matches!(
        expr.kind,
        ExprKind::Integer(_)
            | ExprKind::Bigint(_)
            | ExprKind::Decimal(_)
            | ExprKind::Double(_)
            | ExprKind::Unary { .. }
    );
    if is_number { format!("({text})") } else { text }
}

/// Brackets keep `-` and a number from being read as one literal, and two `-` from being read as a comment.
fn signed(op: Sign, expr: &Expr) -> String {
    let sign = if op == Sign::Minus { '-' } else { '+' };
    format!("{sign}{}", operand(expr))
}

fn case(operand: Option<&Expr>, whens: &[(Expr, Expr)], otherwise: Option<&Expr>) -> String {
    let mut text = "(CASE".to_owned();
    if let Some(operand) = operand {
        text += &format!(" {}", format_expr(operand));
    }
    for (when, then) in whens {
        text += &format!(" WHEN {} THEN {}", format_expr(when), format_expr(then));
    }
    if let Some(otherwise) = otherwise {
        text += &format!(" ELSE {}", format_expr(otherwise));
    }
    text + " END)"
}

/// The keywords that open a constructor or a special form are function names only in quotes.
fn function_name(name: &str) -> String {
    match name {
        "MAP" | "STRUCT" => format!("`{name}`"),
        _ => format_ident(name),
    }
}

/// A column called like a time unit would be read as the unit.
fn argument(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Column { source: None, name }
            if ["DAY", "HOUR", "MINUTE", "SECOND"].contains(&name.name.as_str()) =>
        {
            format!("`{}`", name.name)
        }
        _ => format_expr(expr),
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
    match ty {
        Type::Boolean => "BOOLEAN".to_owned(),
        Type::Integer => "INTEGER".to_owned(),
        Type::Bigint => "BIGINT".to_owned(),
        Type::Double => "DOUBLE".to_owned(),
        Type::Decimal { precision, scale } => format!("DECIMAL({precision}, {scale})"),
        Type::String => "STRING".to_owned(),
        Type::Bytes => "BYTES".to_owned(),
        Type::Time => "TIME".to_owned(),
        Type::Date => "DATE".to_owned(),
        Type::Timestamp => "TIMESTAMP".to_owned(),
        Type::Array(element) => format!("ARRAY<{}>", format_type(element)),
        Type::Map(key, value) => format!("MAP<{}, {}>", format_type(key), format_type(value)),
        Type::Struct(fields) if fields.is_empty() => "STRUCT< >".to_owned(),
        Type::Struct(fields) => {
            format!("STRUCT<{}>", join(fields, ", ", |(name, ty)| format!("{} {}", ident(name), format_type(ty))))
        }
        Type::Custom(name) => ident(name),
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
