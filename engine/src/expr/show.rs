//! Expressions as ksqlDB writes them in messages and in generated names: operators in parentheses, names as the caller
//! says.

use sql::{BinaryOp, Expr, ExprKind, Ident, Sign};

/// Text of an expression; `column` names a column by source and name.
pub fn show(expr: &Expr, column: &dyn Fn(Option<&Ident>, &Ident) -> String) -> String {
    let one = |expr: &Expr| show(expr, column);
    let list = |items: &[Expr]| items.iter().map(one).collect::<Vec<_>>().join(", ");
    let not = |negated: bool| if negated { " NOT" } else { "" };
    match &expr.kind {
        ExprKind::Null => "null".to_owned(),
        ExprKind::Boolean(value) => value.to_string(),
        ExprKind::Integer(value) => value.to_string(),
        ExprKind::Bigint(value) => value.to_string(),
        ExprKind::Decimal(text) => text.clone(),
        ExprKind::Double(value) => {
            let mut out = String::new();
            crate::types::text::java_double(*value, &mut out);
            out
        }
        ExprKind::String(text) => format!("'{}'", text.replace('\'', "''")),
        ExprKind::Column { source, name } => column(source.as_ref(), name),
        ExprKind::Unary { op, expr } => format!("{}{}", if *op == Sign::Minus { "-" } else { "+" }, one(expr)),
        ExprKind::Not(expr) => format!("(NOT {})", one(expr)),
        ExprKind::Binary { op: BinaryOp::Concat, left, right } => format!("concat({}, {})", one(left), one(right)),
        ExprKind::Binary { op, left, right } => format!("({} {} {})", one(left), op.symbol(), one(right)),
        ExprKind::Between { expr, low, high, negated } => {
            format!("({}{} BETWEEN {} AND {})", one(expr), not(*negated), one(low), one(high))
        }
        ExprKind::In { expr, list: items, negated } => format!("({}{} IN ({}))", one(expr), not(*negated), list(items)),
        ExprKind::Like { expr, pattern, escape, negated } => {
            let escape = escape.map(|escape| format!(" ESCAPE '{escape}'")).unwrap_or_default();
            format!("({}{} LIKE {}{escape})", one(expr), not(*negated), one(pattern))
        }
        ExprKind::IsNull { expr, negated } => format!("({} IS{} NULL)", one(expr), not(*negated)),
        ExprKind::Case { operand, whens, otherwise } => {
            let operand = operand.as_ref().map(|operand| format!(" {}", one(operand))).unwrap_or_default();
            let whens = whens.iter().map(|(when, then)| format!(" WHEN {} THEN {}", one(when), one(then)));
            let otherwise = otherwise.as_ref().map(|expr| format!(" ELSE {}", one(expr))).unwrap_or_default();
            format!("(CASE{operand}{}{otherwise} END)", whens.collect::<String>())
        }
        ExprKind::Cast { expr, to } => format!("CAST({} AS {})", one(expr), sql::format_type(to)),
        ExprKind::Subscript { base, index } => format!("{}[{}]", one(base), one(index)),
        ExprKind::Field { base, field } => format!("{}->{}", one(base), field.name),
        ExprKind::Array(items) => format!("ARRAY[{}]", list(items)),
        ExprKind::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{}:={}", one(key), one(value)));
            format!("MAP({})", entries.collect::<Vec<_>>().join(", "))
        }
        ExprKind::Struct(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{}:={}", name.name, one(value)));
            format!("STRUCT({})", fields.collect::<Vec<_>>().join(", "))
        }
        ExprKind::Call { name, star: true, .. } => format!("{}(*)", name.name),
        ExprKind::Call { name, args, .. } => format!("{}({})", name.name, list(args)),
        ExprKind::Lambda { params, body } => {
            let params: Vec<_> = params.iter().map(|param| param.name.as_str()).collect();
            match params.as_slice() {
                [one_param] => format!("{one_param} => {}", one(body)),
                _ => format!("({}) => {}", params.join(", "), one(body)),
            }
        }
        ExprKind::Unit(unit) => unit.name().to_owned(),
        ExprKind::AtTimeZone { expr, zone } => format!("{} AT TIME ZONE '{zone}'", one(expr)),
    }
}
