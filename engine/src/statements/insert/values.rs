//! `INSERT INTO target [(columns)] VALUES (…)`

use sql::{Expr, Ident};

use crate::catalog::Source;
use crate::expr::{self, Env, ExprError, Registry, RowErrors, Rows, Scope, Settings};
use crate::statements::{Failure, View};
use crate::types::{Bounds, Column, Schema, SqlType, Value};

use super::coerce::{base_name, coerce, wanted_form};
use super::{Row, check_enabled, names, target};

/// What an INSERT VALUES would write. Nothing is written.
pub(crate) fn prepare(
    view: View<'_>,
    functions: &Registry,
    name: &Ident,
    columns: &[Ident],
    values: &[Expr],
) -> Result<Row, Failure> {
    if values.is_empty() {
        return Err(Failure::statement("Failed to prepare statement: Expected some values for INSERT INTO statement."));
    }
    if !columns.is_empty() && columns.len() != values.len() {
        return Err(Failure::statement(format!(
            "Failed to prepare statement: Expected number columns and values to match: {}, {}",
            columns.len(),
            values.len()
        )));
    }
    let source = target(view, &name.name)?;
    let headers: Vec<&str> =
        columns.iter().map(|column| column.name.as_str()).filter(|name| source.header(name).is_some()).collect();
    if !headers.is_empty() {
        return Err(Failure::request(format!("Cannot insert into HEADER columns: {}", headers.join(", "))));
    }
    check_enabled(view)?;
    row(view, functions, &source, columns, values).map_err(|Problem { text, span, hint }| {
        let message = format!("Failed to insert values into '{}'. {text}", name.name);
        Failure { span, hint, ..Failure::statement(message) }
    })
}

/// What is wrong with a row.
struct Problem {
    text: String,
    span: Option<sql::Span>,
    hint: Option<String>,
}

impl From<String> for Problem {
    fn from(text: String) -> Self {
        Self { text, span: None, hint: None }
    }
}

fn row(
    view: View<'_>,
    functions: &Registry,
    source: &Source,
    columns: &[Ident],
    values: &[Expr],
) -> Result<Row, Problem> {
    let schema = source.record_schema();
    let targets = targets(source, columns, values)?;
    let mut timestamp = view.clock.now_ms();
    let mut key = vec![Value::Null; schema.key.len()];
    let mut value = vec![Value::Null; schema.value.len()];
    for (target, expr) in targets.iter().zip(values) {
        let converted = evaluate(view, functions, expr, target)?;
        if target.name == "ROWTIME" {
            if let Value::Bigint(time) = converted {
                if time < 0 {
                    // What producers say; sources drop such records.
                    let text = format!("Invalid timestamp: {time}. Timestamp should always be non-negative or null.");
                    return Err(text.into());
                }
                timestamp = time;
            }
        } else if let Some(at) = schema.key.iter().position(|column| column.name == target.name) {
            key[at] = converted;
        } else if let Some(at) = schema.value.iter().position(|column| column.name == target.name) {
            value[at] = converted;
        }
    }
    if source.is_table() {
        check_key(&schema.key, &key, &targets)?;
    }
    Ok(Row { timestamp, key, value })
}

/// A row of a table needs a key. Of several columns some may be NULL, if that is said.
fn check_key(columns: &[Column], key: &[Value], targets: &[Column]) -> Result<(), String> {
    let is_given = |column: &Column| targets.iter().any(|target| target.name == column.name);
    let mut missing: Vec<Column> = columns.iter().filter(|column| !is_given(column)).cloned().collect();
    if missing.is_empty() && key.iter().all(Value::is_null) {
        missing = columns.to_vec();
    }
    match missing.as_slice() {
        [] => Ok(()),
        missing => Err(format!("Value for primary key column(s) {} is required for tables", names(missing))),
    }
}

/// The columns the values are for, in the order of the values.
fn targets(source: &Source, columns: &[Ident], values: &[Expr]) -> Result<Vec<Column>, Problem> {
    let schema = source.record_schema();
    if columns.is_empty() {
        if schema.len() != values.len() {
            let got: Vec<String> = values.iter().map(sql::format_expr).collect();
            let got = got.join(", ");
            let text = format!("Expected a value for each column. Expected Columns: []. Got [{got}]");
            let named: Vec<&str> = schema.columns().map(|column| column.name.as_str()).collect();
            return Err(Problem { text, span: None, hint: Some(format!("the columns are {}", named.join(", "))) });
        }
        return Ok(schema.columns().cloned().collect());
    }
    let find = |column: &Ident| match column.name.as_str() {
        "ROWTIME" => Ok(Column::new("ROWTIME", SqlType::Bigint)),
        "ROWPARTITION" | "ROWOFFSET" => Err(format!("Inserting into column `{}` is not allowed.", column.name).into()),
        name => match schema.position(name).and_then(|at| schema.column(at)) {
            Some(column) => Ok(column.clone()),
            None => Err(Problem {
                text: format!("Column name `{name}` does not exist."),
                span: Some(column.span),
                hint: Some(instead_of(&schema, name)),
            }),
        },
    };
    columns.iter().map(find).collect()
}

/// The column that was probably meant, else all there are.
fn instead_of(schema: &Schema, name: &str) -> String {
    if let Some(near) = expr::nearest(name, schema.columns().map(|column| column.name.as_str())) {
        return format!("did you mean `{near}`?");
    }
    let keys = schema.key.iter().map(|column| format!("`{}` (key)", column.name));
    let values = schema.value.iter().map(|column| format!("`{}`", column.name));
    format!("the columns are {}", keys.chain(values).collect::<Vec<_>>().join(", "))
}

/// The value of an expression without columns, as one of the column's type.
fn evaluate(view: View<'_>, functions: &Registry, expr: &Expr, column: &Column) -> Result<Value, String> {
    if holds_bare_null_field(expr) {
        return Err("Unexpected error generating code for insert value".to_owned());
    }
    let invalid = |problem: String| format!("Invalid insert value: {problem}.");
    let types = |name: &str| view.catalog.custom_type(name).cloned();
    let env = Env { functions, types: &types, bounds: Bounds::default() };
    let typed = expr::bind(expr, &Scope::default(), env).map_err(|error| match error {
        ExprError::UnknownColumn { .. } => {
            format!("Unsupported column reference in insert value: {}", sql::format_expr(expr))
        }
        ExprError::Unforeseen { .. } => "Unexpected error generating code for insert value".to_owned(),
        error => invalid(error.to_string()),
    })?;
    let settings = Settings::of(view.config);
    let evaluator = expr::compile(&typed, functions, &settings).map_err(|error| invalid(error.to_string()))?;
    let mut errors = RowErrors::default();
    let result = evaluator.eval(Rows { columns: &[], len: 1 }, &mut errors);
    if let Some((_, problem)) = errors.rows.into_iter().next() {
        return Err(invalid(problem));
    }
    let value = Value::at(&result, 0);
    coerce(&value, &typed.ty, &column.ty).ok_or_else(|| {
        format!(
            "Expected type {} for field `{}` but got {}({}){}",
            column.ty,
            column.name,
            base_name(&typed.ty),
            value.java_text(&typed.ty),
            wanted_form(&value, &column.ty)
        )
    })
}

/// Whether a STRUCT is built with a NULL that has no type: ksqlDB cannot make such a value.
fn holds_bare_null_field(expr: &Expr) -> bool {
    match &expr.kind {
        sql::ExprKind::Struct(fields) => {
            fields.iter().any(|(_, field)| field.kind == sql::ExprKind::Null || holds_bare_null_field(field))
        }
        sql::ExprKind::Array(items) => items.iter().any(holds_bare_null_field),
        sql::ExprKind::Map(entries) => entries.iter().any(|(_, value)| holds_bare_null_field(value)),
        _ => false,
    }
}
