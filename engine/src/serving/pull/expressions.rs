//! Expressions of a pull query: what they are evaluated against, constants, and a walk over their parts.

use sql::Expr;

use crate::catalog::Catalog;
use crate::config::Config;
use crate::expr::{self, Registry, RowErrors, Rows, Scope, Settings, bind, compile};
use crate::failure::Failure;
use crate::plan::ast;
use crate::types::{Bounds, SqlType, Value};

/// What a pull query is analysed against.
pub(crate) struct Env<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) functions: &'a Registry,
    pub(crate) config: &'a Config,
    /// Custom types by name.
    pub(crate) types: &'a dyn Fn(&str) -> Option<SqlType>,
}

impl Env<'_> {
    pub(super) fn expr(&self) -> expr::Env<'_> {
        expr::Env { functions: self.functions, types: self.types, bounds: Bounds::default() }
    }
}

/// The value of an expression without columns, and its type.
pub(super) fn constant(expr: &Expr, env: &Env<'_>) -> Result<(Value, SqlType), Failure> {
    let typed = bind(expr, &Scope::default(), env.expr()).map_err(|error| Failure::statement(error.to_string()))?;
    let value = compile(&typed, env.functions, &Settings::of(env.config))
        .map(|constant| constant.eval(Rows { columns: &[], len: 1 }, &mut RowErrors::default()))
        .map_err(|error| Failure::statement(error.to_string()))?;
    Ok((Value::at(&value, 0), typed.ty))
}

/// Calls `each` for an expression and all its parts.
pub(super) fn visit<'a>(expr: &'a Expr, each: &mut dyn FnMut(&'a Expr)) {
    each(expr);
    for child in ast::children(expr) {
        visit(child, each);
    }
}
